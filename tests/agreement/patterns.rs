//! Regular expressions and letter case have the same meaning on every database, and in the `regex` crate.

use std::collections::BTreeSet;

use crowsfoot::internals::dialect::{Dialect, Pattern};
use crowsfoot::{Registry, Schema, TableOptions, describe};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, TestRunner};
use regex_syntax::hir::{ClassUnicode, ClassUnicodeRange};
use sea_orm::{ConnectionTrait, EntityTrait};
use serde_json::{Value as Json, json};

use crate::support::{self, TestDatabase, ask, databases};

mod word {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "words")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: i32,
        #[sea_orm(column_type = "Text")]
        pub text: String,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

async fn words(texts: &[String]) -> (Schema, Vec<TestDatabase>) {
    use sea_orm::ActiveValue::Set;

    let schema = Schema::new(Registry::new().register::<word::Entity>().model().unwrap()).unwrap();
    let databases = databases().await;
    for database in &databases {
        let tables = sea_orm::Schema::new(database.connection.get_database_backend());
        database.connection.execute(&tables.create_table_from_entity(word::Entity)).await.unwrap();
        let row =
            |(id, text): (usize, &String)| word::ActiveModel { id: Set(id as i32), text: Set(text.clone()) };
        let rows: Vec<_> = texts.iter().enumerate().map(row).collect();
        for rows in rows.chunks(1_000) {
            word::Entity::insert_many(rows.to_vec())
                .exec_without_returning(&*database.connection)
                .await
                .unwrap();
        }
    }
    (schema, databases)
}

/// Returns the indexes of the texts for which a filter holds.
async fn found(schema: &Schema, database: &TestDatabase, operator: &str, operand: &str) -> BTreeSet<usize> {
    let query = format!("query ($p: String!) {{ words(where: {{ text: {{ {operator}: $p }} }}) {{ id }} }}");
    let (answer, _) = ask(schema, database, &query, json!({ "p": operand })).await;
    assert!(answer.get("errors").is_none(), "{:?} {operand}: {answer}", database.dialect);
    let rows = answer["data"]["words"].as_array().unwrap();
    rows.iter().map(|row| row["id"].as_u64().unwrap() as usize).collect()
}

const LETTERS: [&str; 16] =
    ["a", "b", "A", "1", "_", " ", "\n", "é", "É", "ß", "日", "🦀", "-", ".", "]", "\\"];

fn pattern() -> impl Strategy<Value = String> {
    let letter = prop::sample::select(LETTERS.as_slice());
    let literal = letter.prop_map(regex::escape);
    let class = prop::sample::select(
        [
            r"\d",
            r"\w",
            r"\s",
            r"\D",
            r"\W",
            r"\S",
            ".",
            "[a-z]",
            "[^a-b]",
            r"[^\w]",
            r"[\s\d]",
            "[[:alpha:]]",
            "[^[:space:]]",
            "[é-ÿ]",
            "[^\\n]",
            "[a\\]b-]",
            "^",
            "$",
            r"\b",
            "[日-🦀]",
        ]
        .as_slice(),
    );
    let leaf = prop_oneof![3 => literal, 2 => class.prop_map(str::to_owned)];
    leaf.prop_recursive(4, 24, 4, |inner| {
        let quantifier =
            prop::sample::select(["*", "+", "?", "*?", "{2}", "{0,2}", "{1,}", "{0}"].as_slice());
        prop_oneof![
            prop::collection::vec(inner.clone(), 1..4).prop_map(|parts| parts.concat()),
            prop::collection::vec(inner.clone(), 1..4).prop_map(|parts| format!("({})", parts.join("|"))),
            (inner.clone(), quantifier).prop_map(|(part, times)| format!("(?:{part}){times}")),
            inner.prop_map(|part| format!("(?:{part}|)")),
        ]
    })
}

/// Returns the documented meaning of `pattern` in the crate's own syntax: `\d` and `\b` know ASCII alone. Returns `None`
/// for a pattern with a class that has no short spelling there.
fn in_the_crates_syntax(pattern: &str) -> Option<String> {
    let mut written = String::new();
    let mut characters = pattern.chars();
    while let Some(character) = characters.next() {
        match (character, (character == '\\').then(|| characters.next()).flatten()) {
            (_, None) => written.push(character),
            (_, Some('d')) => written.push_str("[0-9]"),
            (_, Some('b')) => written.push_str(r"(?-u:\b)"),
            (_, Some('w' | 'W' | 'D' | 's' | 'S')) => return None,
            (_, Some(escaped)) => written.extend(['\\', escaped]),
        }
    }
    Some(written)
}

#[test]
fn the_oracle_of_regular_expressions_reads_an_escaped_backslash() {
    assert_eq!(in_the_crates_syntax(r"\\b\b\d").as_deref(), Some(r"\\b(?-u:\b)[0-9]"));
    assert_eq!(in_the_crates_syntax(r"a\w"), None);
    assert_eq!(in_the_crates_syntax(r"\\w").as_deref(), Some(r"\\w"));
}

#[test]
fn a_regular_expression_means_the_same_everywhere() {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let mut runner = TestRunner::new(Config { cases: 1, failure_persistence: None, ..Config::default() });
    let text = prop::collection::vec(prop::sample::select(LETTERS.as_slice()), 0..6);
    let texts =
        prop::collection::vec(text.prop_map(|parts| parts.concat()), 120).new_tree(&mut runner).unwrap();
    let texts = texts.current();
    let (schema, databases) = runtime.block_on(words(&texts));
    let mut runner = TestRunner::new(Config { cases: 400, failure_persistence: None, ..Config::default() });
    runner
        .run(&pattern(), |pattern| {
            let understood = Pattern::regex(&pattern);
            // A class may be empty, or `\b` and similar assertions repeated too often.
            prop_assume!(understood.is_ok());
            let printed = understood.unwrap();
            let own = regex::Regex::new(printed.text(Dialect::Sqlite)).unwrap();
            let expected: BTreeSet<usize> =
                (0..texts.len()).filter(|place| own.is_match(&texts[*place])).collect();
            if let Some(ascii) = in_the_crates_syntax(&pattern) {
                let plain = regex::Regex::new(&ascii).unwrap();
                prop_assert!(
                    texts.iter().all(|text| plain.is_match(text) == own.is_match(text)),
                    "{}",
                    pattern
                );
            }
            for database in &databases {
                let found = runtime.block_on(found(&schema, database, "regex", &pattern));
                prop_assert_eq!(&found, &expected, "{:?} {}", database.dialect, pattern);
            }
            Ok(())
        })
        .unwrap();
    runtime.block_on(async {
        for database in databases {
            database.drop().await;
        }
    });
}

/// Returns the letters that Unicode's simple case folding equates with this letter.
fn folded(letter: char) -> Vec<char> {
    let mut class = ClassUnicode::new([ClassUnicodeRange::new(letter, letter)]);
    class.try_case_fold_simple().unwrap();
    class.iter().flat_map(|range| range.start()..=range.end()).collect()
}

#[tokio::test]
async fn every_letter_with_case_is_equal_to_the_same_letters_everywhere() {
    let cased: Vec<char> = ('\u{1}'..=char::MAX).filter(|letter| folded(*letter).len() > 1).collect();
    assert!(cased.len() > 2_000, "{}", cased.len());
    let others = ['İ', 'ı', 'ŉ', 'ǰ', 'ΐ', 'ﬁ', '日', '1'];
    let letters: Vec<char> = cased.iter().copied().chain(others).collect();
    let texts: Vec<String> = letters.iter().map(char::to_string).collect();
    let (schema, databases) = words(&texts).await;
    let special = ['σ', 'ς', 'Σ', 'ſ', 's', 'k', '\u{212a}', 'ß', 'ẞ', 'i', 'I', 'Å', 'θ', 'µ'];
    let every = cased.iter().copied().step_by(23).chain(special).chain(others);
    for letter in every {
        let equal = folded(letter);
        let expected: BTreeSet<usize> =
            (0..letters.len()).filter(|place| equal.contains(&letters[*place])).collect();
        for database in &databases {
            let found = found(&schema, database, "iEq", &letter.to_string()).await;
            assert_eq!(found, expected, "{:?} {letter}", database.dialect);
        }
    }
    // All letters at once, in the folded form of each.
    for database in &databases {
        let query = "query ($all: [WordFilter!]!) { wordsAggregate(where: { or: $all }) { count } }";
        let all: Vec<Json> = letters
            .iter()
            .step_by(9)
            .take(100)
            .map(|letter| json!({ "text": { "iContains": letter.to_string() } }))
            .collect();
        let (answer, _) = ask(&schema, database, query, json!({ "all": all })).await;
        let equal: BTreeSet<char> =
            letters.iter().step_by(9).take(100).flat_map(|letter| folded(*letter)).collect();
        let expected = letters.iter().filter(|letter| equal.contains(letter)).count();
        assert_eq!(answer["data"]["wordsAggregate"]["count"], expected, "{answer}");
    }
    for database in databases {
        database.drop().await;
    }
}

#[tokio::test]
async fn a_stored_value_that_is_no_text_matches_no_pattern_and_hides_no_other_row() {
    let database = support::sqlite().await;
    database
        .run(
            "CREATE TABLE words (id integer PRIMARY KEY, word text);
             INSERT INTO words VALUES (1, 'Ada'), (2, x'ff41'), (3, NULL), (4, 'bo')",
        )
        .await;
    let described = describe(&database.connection, &[]).await.unwrap();
    let model = Registry::from_tables(&described.tables, &TableOptions::new()).model().unwrap();
    let schema = Schema::new(model).unwrap();
    for (filter, ids) in [
        ("word: { iEq: \"ADA\" }", json!([1])),
        ("word: { iContains: \"A\" }", json!([1])),
        ("word: { regex: \"a|o\" }", json!([1, 4])),
        ("not: { word: { regex: \"a\" } }", json!([2, 3, 4])),
    ] {
        let data =
            support::data(&schema, &database, &format!("{{ words(where: {{ {filter} }}) {{ id }} }}")).await;
        let found: Json = data["words"].as_array().unwrap().iter().map(|row| row["id"].clone()).collect();
        assert_eq!(found, ids, "{filter}");
    }
    let delete = "mutation { deleteWords(where: { word: { iEq: \"ADA\" } }) { affected } }";
    let deleted = support::data(&schema, &database, delete).await;
    assert_eq!(deleted["deleteWords"]["affected"], 1);
    // Text that is not UTF-8.
    database.run("INSERT INTO words VALUES (5, CAST(x'ff41' AS text))").await;
    let data = support::data(&schema, &database, "{ words(where: { word: { iEq: \"BO\" } }) { id } }").await;
    assert_eq!(data["words"], json!([{ "id": 4 }]));
    // In transactions another function matches.
    database.run("INSERT INTO words VALUES (6, 'Größe'), (7, CAST(x'' AS text)), (8, 'bö')").await;
    for (filter, affected) in [
        ("iEq: \"BÖ\"", 1),
        ("regex: \"ß\"", 1),
        ("iContains: \"A\"", 0),
        ("regex: \"^$\"", 1),
        ("iEq: \"BO\"", 1),
    ] {
        let delete = format!("mutation {{ deleteWords(where: {{ word: {{ {filter} }} }}) {{ affected }} }}");
        let deleted = support::data(&schema, &database, &delete).await;
        assert_eq!(deleted["deleteWords"]["affected"], affected, "{filter}");
    }
    let data = support::data(&schema, &database, "{ words { id } }").await;
    assert_eq!(data["words"], json!([{ "id": 2 }, { "id": 3 }, { "id": 5 }]));
    database.drop().await;
}
