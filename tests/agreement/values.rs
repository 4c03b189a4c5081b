//! Boundary values of columns: stored and returned unchanged, or refused with their path, alike on every
//! database. Also stored values that cannot be read.

use crowsfoot::internals::database::unreadable_columns;
use crowsfoot::internals::dialect::Dialect;
use crowsfoot::{Difference, Registry, Schema};
use rust_decimal::Decimal;
use sea_orm::{ConnectionTrait, EntityTrait};
use serde_json::{Value as Json, json};

use crate::support::{TestDatabase, ask, databases, postgres};

mod day {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "days")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub date: Date,
        pub label: String,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {
        #[sea_orm(has_many = "super::sample::Entity")]
        Sample,
    }

    impl Related<super::sample::Entity> for Entity {
        fn to() -> RelationDef {
            Relation::Sample.def()
        }
    }

    impl ActiveModelBehavior for ActiveModel {}
}

mod sample {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "samples")]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i32,
        #[sea_orm(column_type = "String(StringLen::N(5))", nullable)]
        pub short: Option<String>,
        #[sea_orm(column_type = "Char(Some(3))", nullable)]
        pub padded: Option<String>,
        #[sea_orm(column_type = "Text", nullable)]
        pub long: Option<String>,
        #[sea_orm(column_type = "VarBinary(StringLen::N(3))", nullable)]
        pub raw: Option<Vec<u8>>,
        #[sea_orm(column_type = "Decimal(Some((7, 2)))", nullable)]
        pub price: Option<Decimal>,
        pub amount: Option<Decimal>,
        #[sea_orm(column_type = "Float", nullable)]
        pub single: Option<f32>,
        #[sea_orm(column_type = "Double", nullable)]
        pub double: Option<f64>,
        pub tiny: Option<i8>,
        pub byte: Option<u8>,
        pub small: Option<i16>,
        pub word: Option<u16>,
        pub count: Option<i32>,
        pub wide: Option<u32>,
        pub big: Option<i64>,
        #[sea_orm(column_type = "BigUnsigned", nullable)]
        pub huge: Option<u64>,
        pub found: Option<Date>,
        pub at: Option<Time>,
        pub logged: Option<DateTime>,
        pub sent: Option<DateTimeWithTimeZone>,
        #[sea_orm(column_type = "JsonBinary", nullable)]
        pub extra: Option<Json>,
        pub code: Option<Uuid>,
        pub day_date: Option<Date>,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {
        #[sea_orm(
            belongs_to = "super::day::Entity",
            from = "Column::DayDate",
            to = "super::day::Column::Date"
        )]
        Day,
    }

    impl Related<super::day::Entity> for Entity {
        fn to() -> RelationDef {
            Relation::Day.def()
        }
    }

    impl ActiveModelBehavior for ActiveModel {}
}

/// Entity that declares fewer and other columns than its table.
mod part {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "parts")]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i32,
        #[sea_orm(column_type = "Text", nullable)]
        pub name: Option<String>,
        pub count: Option<i32>,
        pub price: Option<Decimal>,
        pub made: Option<i32>,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

async fn samples() -> (Schema, Vec<TestDatabase>) {
    let registry = Registry::new().register::<day::Entity>().register::<sample::Entity>();
    let schema = Schema::new(registry.model().unwrap()).unwrap();
    let databases = databases().await;
    for database in &databases {
        create_table(database, day::Entity).await;
        create_table(database, sample::Entity).await;
    }
    (schema, databases)
}

async fn create_table<E: EntityTrait>(database: &TestDatabase, entity: E) {
    let schema = sea_orm::Schema::new(database.connection.get_database_backend());
    database.connection.execute(&schema.create_table_from_entity(entity)).await.unwrap();
}

async fn drop_all(databases: Vec<TestDatabase>) {
    for database in databases {
        database.drop().await;
    }
}

/// Values that a column accepts, and values that it refuses.
fn edges() -> Vec<(&'static str, Vec<Json>, Vec<Json>)> {
    let moments = |refused: &[&str]| refused.iter().map(|text| json!(text)).collect::<Vec<_>>();
    vec![
        (
            "short",
            vec![json!(""), json!("日本語🦀é"), json!("a    ")],
            vec![json!("abcdef"), json!("abc   ")],
        ),
        ("padded", vec![json!("abc"), json!("a"), json!(" a")], vec![json!("abcd"), json!("a ")]),
        ("long", vec![json!("a".repeat(100_000)), json!("\u{1}\u{10ffff}")], vec![json!("a\0")]),
        ("raw", vec![json!(""), json!("AAEC")], vec![json!("AAECAw=="), json!("A")]),
        (
            "price",
            vec![json!("99999.99"), json!("-99999.99"), json!("0.010"), json!(1.5), json!("-0")],
            vec![
                json!("100000"),
                json!("0.001"),
                json!("99999.999"),
                json!("1e3"),
                json!("NaN"),
                json!("Infinity"),
            ],
        ),
        ("amount", vec![json!("123456789.123456")], vec![json!(0.30000000000000004)]),
        (
            "single",
            vec![json!(0.1), json!(3.4e38), json!(-0.0)],
            vec![json!(3.5e38), json!(-1e300), json!(1e-60)],
        ),
        ("double", vec![json!(0.1), json!(1.7976931348623157e308), json!(5e-324)], vec![]),
        ("tiny", vec![json!(-128), json!(127)], vec![json!(-129), json!(128)]),
        ("byte", vec![json!(0), json!(255)], vec![json!(-1), json!(256)]),
        ("small", vec![json!(-32768), json!(32767)], vec![json!(-32769), json!(32768)]),
        ("word", vec![json!(0), json!(65535)], vec![json!(-1), json!(65536)]),
        ("count", vec![json!(i32::MIN), json!(i32::MAX)], vec![]),
        ("wide", vec![json!("0"), json!("4294967295")], vec![json!("-1"), json!("4294967296")]),
        (
            "big",
            vec![json!("-9223372036854775808"), json!("9223372036854775807")],
            vec![json!("9223372036854775808")],
        ),
        (
            "huge",
            vec![json!("0"), json!("9223372036854775807")],
            vec![json!("-1"), json!("9223372036854775808")],
        ),
        (
            "found",
            vec![json!("0001-01-01"), json!("9999-12-31"), json!("2024-02-29")],
            moments(&["0000-01-01", "-4713-11-23", "+10000-01-01", "+294277-01-01", "2023-02-29"]),
        ),
        (
            "at",
            vec![json!("00:00:00"), json!("23:59:59.999999")],
            moments(&["24:00:00", "23:59:60", "00:00:00.0000001"]),
        ),
        (
            "logged",
            vec![json!("0001-01-01T00:00:00Z"), json!("9999-12-31T23:59:59.999999Z")],
            moments(&["0000-12-31T23:59:59Z", "2016-12-31T23:59:60Z", "2024-01-01T00:00:00.1234567Z"]),
        ),
        (
            "sent",
            vec![json!("0001-01-01T00:00:00Z"), json!("9999-12-31T23:59:59.999999Z")],
            moments(&["0001-01-01T00:00:00+00:01", "9999-12-31T23:59:59-00:01", "2016-12-31T23:59:60Z"]),
        ),
        (
            "extra",
            vec![json!({ "a": [1, 0.1, null, "\u{1}🦀"] }), json!(18446744073709551615_u64), json!("")],
            vec![json!("\0"), json!({ "\0": 1 }), json!([[{ "a": "b\0" }]])],
        ),
        ("code", vec![json!("67e55044-10b1-426f-9247-bb680e5fe0c8")], vec![json!("67e55044")]),
    ]
}

fn is_same(field: &str, given: &Json, stored: &Json) -> bool {
    match (field, given, stored) {
        ("price" | "amount", given, Json::String(stored)) => {
            let given = given.as_str().map_or_else(|| given.to_string(), str::to_owned);
            given.parse::<Decimal>().unwrap() == stored.parse::<Decimal>().unwrap()
        }
        ("single", given, stored) => {
            stored.as_f64().is_some_and(|stored| stored as f32 == given.as_f64().unwrap() as f32)
        }
        ("double", given, stored) => given.as_f64() == stored.as_f64(),
        _ => given == stored,
    }
}

#[tokio::test]
async fn a_value_is_stored_as_it_is_or_refused_by_its_path() {
    let (schema, databases) = samples().await;
    for (field, stored, refused) in edges() {
        let query = format!("mutation ($i: SampleCreate!) {{ createSample(input: $i) {{ {field} }} }}");
        for database in &databases {
            for value in &stored {
                let variables = json!({ "i": { field: value } });
                let (answer, _) = ask(&schema, database, &query, variables).await;
                let read = &answer["data"]["createSample"][field];
                assert!(is_same(field, value, read), "{:?} {field} {value}: {answer}", database.dialect);
            }
            for value in &refused {
                let variables = json!({ "i": { field: value } });
                let (answer, _) = ask(&schema, database, &query, variables).await;
                let extensions = &answer["errors"][0]["extensions"];
                assert_eq!(extensions["code"], "BAD_USER_INPUT", "{field} {value}: {answer}");
                assert_eq!(extensions["argument"], format!("input.{field}"), "{value}: {answer}");
            }
        }
    }
    drop_all(databases).await;
}

#[tokio::test]
async fn a_value_that_is_too_long_matches_nothing() {
    let (schema, databases) = samples().await;
    for database in &databases {
        for filter in ["short: { eq: \"abcdefgh\" }", "price: { eq: \"12345678.123\" }", "tiny: { gt: 127 }"]
        {
            let query = format!("{{ samples(where: {{ {filter} }}) {{ id }} }}");
            let (answer, _) = ask(&schema, database, &query, Json::Null).await;
            assert_eq!(answer, json!({ "data": { "samples": [] } }), "{filter}");
        }
    }
    drop_all(databases).await;
}

/// Returns stored column values that the schema's types cannot represent.
fn unreadable(dialect: Dialect) -> &'static [(&'static str, &'static str)] {
    match dialect {
        Dialect::Sqlite => &[
            ("double", "9e999"),
            ("single", "-9e999"),
            ("single", "1e300"),
            ("found", "'nonsense'"),
            ("count", "'many'"),
            ("tiny", "4000000"),
            ("at", "'noon'"),
            ("logged", "'tomorrow'"),
            ("long", "CAST(x'61FF' AS TEXT)"),
            ("extra", "'{'"),
            ("extra", "'\"\\ud800\"'"),
            ("code", "'short'"),
        ],
        Dialect::Postgres => &[
            ("double", "'Infinity'"),
            ("double", "'NaN'"),
            ("single", "'-Infinity'"),
            ("amount", "'NaN'"),
            ("found", "'infinity'"),
            ("found", "'5874897-12-31'"),
            ("at", "'24:00:00'"),
            ("logged", "'infinity'"),
            ("sent", "'-infinity'"),
        ],
    }
}

#[tokio::test]
async fn an_unreadable_cell_is_an_error_on_its_own_path() {
    let (schema, databases) = samples().await;
    for database in &databases {
        for (field, stored) in unreadable(database.dialect) {
            database.run("DELETE FROM samples").await;
            let table = format!("INSERT INTO samples (id, \"{field}\") VALUES");
            database.run(&format!("{table} (1, NULL), (2, {stored}), (3, NULL)")).await;
            let query = format!("{{ samples {{ id {field} }} }}");
            let (answer, _) = ask(&schema, database, &query, Json::Null).await;
            let row = |id| json!({ "id": id, *field: null });
            assert_eq!(
                answer["data"]["samples"],
                json!([row(1), row(2), row(3)]),
                "{field} {stored}: {answer}"
            );
            let errors = answer["errors"].as_array().unwrap();
            assert_eq!(errors.len(), 1, "{answer}");
            assert_eq!(errors[0]["path"], json!(["samples", 1, field]));
            assert_eq!(errors[0]["extensions"]["entity"], "Sample");
            // A JSON document has no order.
            if *field != "extra" {
                assert_only_its_cursor_fails(&schema, database, field).await;
            }
            assert_eq!(errors[0]["extensions"]["field"], *field);
            assert!(errors[0]["message"].as_str().unwrap().contains(&format!("Sample.{field}")), "{answer}");
        }
    }
    drop_all(databases).await;
}

/// Checks that no other row than row 2 lacks a cursor in an order by `field`. Times of SQLite that cannot be read have the
/// place of NULL.
async fn assert_only_its_cursor_fails(schema: &Schema, database: &TestDatabase, field: &str) {
    let order = format!("orderBy: [{{ {field}: ASC }}]");
    let query = format!("{{ samplesConnection({order}) {{ edges {{ cursor node {{ id }} }} }} }}");
    let (answer, _) = ask(schema, database, &query, Json::Null).await;
    let edges = answer["data"]["samplesConnection"]["edges"].as_array().unwrap();
    assert_eq!(edges.len(), 3, "{answer}");
    let lacking: Vec<usize> = (0..3).filter(|place| edges[*place]["cursor"].is_null()).collect();
    let errors = answer["errors"].as_array().map(Vec::as_slice).unwrap_or_default();
    let paths: Vec<&Json> = errors.iter().map(|error| &error["path"]).collect();
    match lacking[..] {
        [place] => {
            assert_eq!(edges[place]["node"]["id"], 2, "{field}: {answer}");
            assert_eq!(paths, [&json!(["samplesConnection", "edges", place, "cursor"])], "{answer}");
        }
        _ => {
            let is_time_of_sqlite =
                database.dialect == Dialect::Sqlite && ["found", "at", "logged"].contains(&field);
            assert!(lacking.is_empty() && paths.is_empty() && is_time_of_sqlite, "{field}: {answer}");
        }
    }
}

#[tokio::test]
async fn an_unreadable_key_is_an_error_of_what_it_leads_to() {
    let (schema, databases) = samples().await;
    for database in &databases {
        let never = match database.dialect {
            Dialect::Sqlite => "'never'",
            Dialect::Postgres => "'infinity'",
        };
        database
            .run(&format!("INSERT INTO days (date, label) VALUES ('2024-01-01', 'a'), ({never}, 'b')"))
            .await;
        let days = format!("(1, '2024-01-01'), (2, {never}), (3, NULL)");
        database.run(&format!("INSERT INTO samples (id, day_date) VALUES {days}")).await;

        let (answer, _) =
            ask(&schema, database, "{ samples { id day { samples { id } } } }", Json::Null).await;
        assert_eq!(answer["data"]["samples"][0]["day"]["samples"], json!([{ "id": 1 }]), "{answer}");
        assert_eq!(answer["data"]["samples"][1]["day"], Json::Null);
        assert_eq!(answer["data"]["samples"][2]["day"], Json::Null);
        let errors = answer["errors"].as_array().unwrap();
        assert_eq!(errors.len(), 1, "{answer}");
        assert_eq!(errors[0]["path"].as_array().unwrap()[..3], [json!("samples"), json!(1), json!("day")]);

        for field in
            ["nodeId", "samples { id }", "samplesConnection { totalCount }", "samplesAggregate { count }"]
        {
            let query = format!("{{ day(date: \"2024-01-01\") {{ label }} days {{ label {field} }} }}");
            let (answer, _) = ask(&schema, database, &query, Json::Null).await;
            assert_eq!(answer["data"], Json::Null, "{field}: a field that is not null: {answer}");
            let path = &answer["errors"][0]["path"];
            let field = field.split(' ').next().unwrap();
            assert_eq!(path.as_array().unwrap()[2], field, "{answer}");
        }

        let page = "{ daysConnection { edges { cursor node { label } } } }";
        let (answer, _) = ask(&schema, database, page, Json::Null).await;
        let path = answer["errors"][0]["path"].as_array().unwrap();
        assert_eq!(
            (&path[0], &path[1], &path[3]),
            (&json!("daysConnection"), &json!("edges"), &json!("cursor"))
        );
    }
    drop_all(databases).await;
}

/// Asks for all aggregates of the samples; returns the data, and the paths of the fields that are out of range.
async fn aggregate(schema: &Schema, database: &TestDatabase, fields: &str) -> (Json, Vec<Json>) {
    let query = format!("{{ samplesAggregate {{ {fields} }} }}");
    let (answer, _) = ask(schema, database, &query, Json::Null).await;
    let errors = answer["errors"].as_array().cloned().unwrap_or_default();
    let paths = errors.iter().map(|error| {
        let path = error["path"].as_array().unwrap();
        let field = path[2].as_str().unwrap();
        let told = (&error["message"], &error["extensions"]);
        let beyond = format!("the sum or average of Sample.{field} is beyond the range of its type");
        let unreadable = format!("Sample.{field} has a stored value that its type cannot represent");
        let extensions = json!({ "code": "BAD_USER_INPUT", "entity": "Sample", "fields": [field] });
        assert!(told == (&json!(beyond), &extensions) || *told.0 == json!(unreadable), "{answer}");
        json!(path[1..])
    });
    (answer["data"]["samplesAggregate"].clone(), paths.collect())
}

/// SQLite reads the digits of very large numbers with an error in the last one.
fn is_near(found: &Json, expected: Option<f64>) -> bool {
    match (found.as_f64(), expected) {
        (Some(found), Some(expected)) => (found / expected - 1.0).abs() < 1e-12,
        (found, expected) => found == expected,
    }
}

#[tokio::test]
async fn a_sum_beyond_the_range_of_its_type_is_an_error_of_its_own_field_alone() {
    let (schema, databases) = samples().await;
    for database in &databases {
        let double = async |values: &[&str]| {
            database.run("DELETE FROM samples").await;
            for (id, value) in values.iter().enumerate() {
                let row = format!("({id}, {value}, 3e38, 9223372036854775807, 2)");
                database
                    .run(&format!("INSERT INTO samples (id, double, single, big, small) VALUES {row}"))
                    .await;
            }
            aggregate(
                &schema,
                database,
                "count sum { double single big small } avg { double } max { double }",
            )
            .await
        };
        let (data, paths) = double(&["1.7e308", "1.7e308"]).await;
        assert_eq!(paths, [json!(["sum", "double"]), json!(["avg", "double"])], "{:?}", database.dialect);
        let (sum, single) = (&data["sum"], data["sum"]["single"].as_f64());
        assert_eq!(data["count"], 2, "{data}");
        assert!(is_near(&data["max"]["double"], Some(1.7e308)), "{data}");
        assert_eq!((&sum["double"], &data["avg"]["double"]), (&Json::Null, &Json::Null), "{data}");
        assert_eq!((&sum["big"], &sum["small"]), (&json!("18446744073709551614"), &json!("4")), "{data}");
        // Floats of 32 bits are summed up as those of 64.
        assert!(single.is_some_and(|sum| (5.99e38..6.01e38).contains(&sum)), "{data}");

        // Numbers whose squares are beyond the range have an average.
        for (values, sum, average) in [
            (&["8.9e307", "0"][..], Some(8.9e307), Some(4.45e307)),
            (&["1.7e308", "-1.7e308", "6"], Some(6.0), Some(2.0)),
            (&["1e200", "3e200"], Some(4e200), Some(2e200)),
            (&["4e-320", "1e-320", "1e200"], Some(1e200), Some(1e200 / 3.0)),
            (&["0.1", "0.25", "NULL"], Some(0.35), Some(0.175)),
            (&["NULL", "NULL"], None, None),
            (&[], None, None),
        ] {
            let (data, paths) = double(values).await;
            assert_eq!(paths, Vec::<Json>::new());
            assert!(is_near(&data["sum"]["double"], sum), "{values:?}: {data}");
            assert!(is_near(&data["avg"]["double"], average), "{values:?}: {data}");
        }
    }
    drop_all(databases).await;
}

/// SQLite stores any integer in any column.
#[tokio::test]
async fn a_sum_of_numbers_that_do_not_fit_their_column_is_an_error_of_its_own_field_alone() {
    let (schema, databases) = samples().await;
    let sqlite = databases.iter().find(|database| database.dialect == Dialect::Sqlite).unwrap();
    let fields = ["tiny", "byte", "small", "word", "count"];
    let each = |value: &str| fields.map(|field| format!("\"{field}\" = {value}")).join(", ");
    sqlite.run("INSERT INTO samples (id, price, amount) VALUES (1, 1, 1), (2, 2, 2), (3, NULL, NULL)").await;
    sqlite.run(&format!("UPDATE samples SET {} WHERE id < 3", each("9223372036854775807"))).await;
    let (data, paths) =
        aggregate(&schema, sqlite, "count sum { tiny byte small word count price } min { price }").await;
    assert_eq!(paths, fields.map(|field| json!(["sum", field])));
    let expected = json!({
        "count": 3, "min": { "price": "1" },
        "sum": { "tiny": null, "byte": null, "small": null, "word": null, "count": null, "price": "3" },
    });
    assert_eq!(data, expected);
    for stored in ["-9223372036854775808", "9223372036854775807"] {
        sqlite.run(&format!("UPDATE samples SET {}, amount = {stored} WHERE id < 3", each("7"))).await;
        let (data, paths) = aggregate(&schema, sqlite, "count sum { tiny count amount }").await;
        assert_eq!(paths, Vec::<Json>::new(), "{data}");
        assert_eq!((&data["sum"]["tiny"], &data["sum"]["count"]), (&json!("14"), &json!("14")));
        let amount = data["sum"]["amount"].as_str().unwrap();
        assert!(amount.trim_start_matches('-').starts_with("18446744073709"), "{data}");
    }
    drop_all(databases).await;
}

#[tokio::test]
async fn postgres_numbers_and_documents_are_read_to_the_last_digit() {
    let (schema, databases) = samples().await;
    let Some(database) = databases.iter().find(|database| database.dialect == Dialect::Postgres) else {
        return;
    };
    let digits = "123456789012345678901234567890.123456789012345678901234567890";
    database.run(&format!("INSERT INTO samples (id, amount, padded) VALUES (1, {digits}, 'a')")).await;
    let (answer, _) = ask(
        &schema,
        database,
        "{ samples { amount padded } samplesAggregate { sum { amount } } }",
        Json::Null,
    )
    .await;
    assert_eq!(
        answer["data"],
        json!({ "samples": [{ "amount": digits, "padded": "a" }], "samplesAggregate": { "sum": { "amount": digits } } }),
    );
    let long = "[12345678901234567890123, 0.12345678901234567890123, 1e400]";
    database.run(&format!("UPDATE samples SET extra = '{long}'")).await;
    let request = async_graphql::Request::new("{ samples { extra } }");
    let executed = schema.execute(request, &database.connection).await;
    assert!(executed.errors.is_empty(), "{:?}", executed.errors);
    drop_all(databases).await;
}

#[tokio::test]
async fn names_the_value_when_only_the_database_refuses_it() {
    let registry = || Registry::new().register::<part::Entity>();
    let schema = Schema::new(registry().model().unwrap()).unwrap();
    let told = Registry::new().register_with::<part::Entity>(|part| part.generated("made"));
    let told = Schema::new(told.model().unwrap()).unwrap();
    assert!(
        schema.sdl().contains("made: Int")
            && told.sdl().matches("made: Int").count() < schema.sdl().matches("made: Int").count()
    );
    for database in databases().await {
        let is_postgres = database.dialect == Dialect::Postgres;
        database
            .run(match database.dialect {
                Dialect::Postgres => {
                    "CREATE TABLE parts (id int GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY, name varchar(5),
                     count smallint, price numeric(4, 1), made int GENERATED ALWAYS AS (count * 2) STORED);
                     CREATE INDEX ON parts (name)"
                }
                Dialect::Sqlite => {
                    "CREATE TABLE parts (id integer PRIMARY KEY AUTOINCREMENT, name text, count int, price decimal,
                     made int GENERATED ALWAYS AS (count * 2) STORED)"
                }
            })
            .await;
        let narrow = [("name", json!("abcdef")), ("count", json!(40_000)), ("price", json!("1000"))];
        let never = ("made", json!(1));
        let cases = if is_postgres { [&narrow[..], &[never]].concat() } else { vec![never] };
        for (field, value) in cases {
            let query = "mutation ($i: [PartCreate!]!) { createParts(input: $i) { id } }";
            let variables = json!({ "i": [{ field: null }, { field: value }] });
            let variables = if field == "made" { json!({ "i": [{ field: value }] }) } else { variables };
            let (answer, _) = ask(&schema, &database, query, variables).await;
            let error = &answer["errors"][0];
            assert_eq!(error["extensions"]["code"], "BAD_USER_INPUT", "{field}: {answer}");
            let place = usize::from(field != "made");
            assert_eq!(error["extensions"]["argument"], format!("input[{place}].{field}"), "{answer}");
            assert_eq!(error["extensions"]["value"], value, "{answer}");
        }
        let update = "mutation { updatePart(id: 1, input: { made: 5 }) { id } }";
        database.run("INSERT INTO parts (count) VALUES (1)").await;
        let id = if is_postgres {
            "SELECT setval('parts_id_seq', 1); UPDATE parts SET id = 1"
        } else {
            "UPDATE parts SET id = 1"
        };
        database.run(id).await;
        let (answer, _) = ask(&schema, &database, update, Json::Null).await;
        assert_eq!(answer["errors"][0]["extensions"]["argument"], "input.made", "{answer}");
        database.drop().await;
    }
}

#[tokio::test]
async fn a_value_that_no_index_has_room_for_is_refused() {
    let schema = Schema::new(Registry::new().register::<part::Entity>().model().unwrap()).unwrap();
    let Some(database) = postgres().await else { return };
    database
        .run("CREATE TABLE parts (id serial PRIMARY KEY, name text UNIQUE, count int, price numeric, made int)")
        .await;
    // Text of letters that do not compress.
    let long: String =
        (0..4_000_u32).map(|place| char::from_u32(0x4e00 + place * 7 % 20_000).unwrap()).collect();
    let query = "mutation ($i: PartCreate!) { createPart(input: $i) { id } }";
    let (answer, _) = ask(&schema, &database, query, json!({ "i": { "name": long } })).await;
    assert_eq!(answer["errors"][0]["extensions"]["code"], "BAD_USER_INPUT", "{answer}");
    assert_eq!(answer["errors"][0]["extensions"]["argument"], "input.name", "{answer}");
    database.drop().await;
}

#[tokio::test]
async fn a_type_that_cannot_be_read_is_found_at_the_start() {
    let model = Registry::new().register::<part::Entity>().model().unwrap();
    let Some(database) = postgres().await else { return };
    for (column, of_type) in [
        ("name", "interval"),
        ("name", "money"),
        ("name", "bit(3)"),
        ("count", "timetz"),
        ("count", "bigint"),
        ("price", "point"),
    ] {
        database.run("DROP TABLE IF EXISTS parts").await;
        database
            .run("CREATE TABLE parts (id serial PRIMARY KEY, name text, count int, price numeric, made int)")
            .await;
        assert_eq!(unreadable_columns(&model, &database.connection).await.unwrap(), []);
        database
            .run(&format!(
                "ALTER TABLE parts DROP COLUMN {column}; ALTER TABLE parts ADD COLUMN {column} {of_type}"
            ))
            .await;
        let found = unreadable_columns(&model, &database.connection).await.unwrap();
        let is_it = |found: &Difference| match found {
            Difference::Type { column: named, .. } => *named == format!("parts.{column}"),
            _ => false,
        };
        assert!(found.len() == 1 && is_it(&found[0]), "{of_type}: {found:?}");
    }
    database.drop().await;
}
