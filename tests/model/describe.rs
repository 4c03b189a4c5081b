//! Description of live databases as plain data, for every kind of table, column and key.
//!
//! Files here contain the tables and their descriptions. This command updates the descriptions:
//!
//! ```text
//! UPDATE_GOLDEN=1 cargo test --test model describe
//! ```

use std::collections::BTreeSet;
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crowsfoot::internals::dialect::Dialect;
use crowsfoot::tables::{
    ColumnDescription, DeclaredType, ForeignKeyDescription, Generation, Table, TableDescription, TableKind,
    UniqueKeyDescription,
};
use crowsfoot::{Database, DatabaseDescription, Declaration, LeftOut, connect, describe};
use sea_orm::ConnectionTrait;

use crate::support::{self, TestDatabase, example};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/model/describe")
}

/// Prints a description: a line for each column and key.
fn print(described: &DatabaseDescription) -> String {
    let mut text = String::new();
    for table in &described.tables {
        let kind = match table.kind {
            TableKind::Table => "table",
            TableKind::View => "view",
            TableKind::MaterializedView => "materialized view",
            TableKind::ForeignTable => "foreign table",
        };
        write!(text, "{kind} {}", named(&table.table)).unwrap();
        write_some(&mut text, table.estimated_rows.map(|rows| format!(", {rows} rows")));
        write_some(&mut text, table.comment.as_ref().map(|comment| format!(" -- {comment}")));
        text.push('\n');
        for child in &table.inherited_by {
            writeln!(text, "    inherited by {}", named(child)).unwrap();
        }
        for column in &table.columns {
            writeln!(text, "    {}", printed_column(column)).unwrap();
        }
        if !table.primary_key.is_empty() {
            writeln!(text, "    primary key ({})", table.primary_key.join(", ")).unwrap();
        }
        for key in &table.unique_keys {
            writeln!(text, "    {}", printed_unique_key(key)).unwrap();
        }
        for key in &table.foreign_keys {
            writeln!(text, "    {}", printed_foreign_key(key)).unwrap();
        }
    }
    for left_out in &described.left_out {
        writeln!(text, "left out: {left_out}").unwrap();
    }
    text
}

fn named(table: &Table) -> String {
    table.schema.iter().chain([&table.name]).map(String::as_str).collect::<Vec<_>>().join(".")
}

fn write_some(text: &mut String, part: Option<String>) {
    text.push_str(&part.unwrap_or_default());
}

fn printed_column(column: &ColumnDescription) -> String {
    let mut text = format!("{} \"{}\": ", column.name, column.declared_type);
    match &column.database_type {
        Some(DeclaredType::Common(sea_orm::ColumnType::Enum { name, variants })) => {
            let variants: Vec<String> = variants.iter().map(ToString::to_string).collect();
            write!(text, "Enum {name} [{}]", variants.join(", ")).unwrap();
        }
        Some(database_type) => write!(text, "{database_type:?}").unwrap(),
        None => text.push_str("no scalar"),
    }
    let generation = match column.generation {
        Generation::None => "",
        Generation::Number => ", number",
        Generation::AlwaysNumber => ", always number",
        Generation::Computed => ", computed",
    };
    text.push_str(if column.nullable { "" } else { ", not null" });
    text.push_str(if column.has_default { ", default" } else { "" });
    write_some(&mut text, column.default.as_ref().map(|value| format!(" {value:?}")));
    text.push_str(generation);
    let accepted: Vec<String> = column.accepted.iter().map(ToString::to_string).collect();
    text.push_str(&if accepted.is_empty() {
        String::new()
    } else {
        format!(", one of {}", accepted.join(" "))
    });
    write_some(&mut text, column.comment.as_ref().map(|comment| format!(" -- {comment}")));
    text
}

fn printed_unique_key(key: &UniqueKeyDescription) -> String {
    let mut text = format!("unique {} ({})", key.name, key.columns.join(", "));
    text.push_str(if key.is_whole { "" } else { ", not whole" });
    text.push_str(if key.nulls_not_distinct { ", nulls not distinct" } else { "" });
    text.push_str(if key.deferrable { ", deferrable" } else { "" });
    text
}

fn printed_foreign_key(key: &ForeignKeyDescription) -> String {
    let (from, to) = (key.columns.join(", "), key.target_columns.join(", "));
    let mut text = format!("key {} ({from}) to {} ({to})", key.name, named(&key.target));
    write!(text, ", on delete {}, on update {}", key.on_delete, key.on_update).unwrap();
    text.push_str(if key.enforced { "" } else { ", not enforced" });
    text.push_str(if key.deferrable { ", deferrable" } else { "" });
    text
}

fn name_of(dialect: Dialect) -> &'static str {
    match dialect {
        Dialect::Sqlite => "sqlite",
        Dialect::Postgres => "postgres",
    }
}

#[tokio::test]
async fn every_kind_of_table_and_column_is_described() {
    for database in support::databases().await {
        let name = name_of(database.dialect);
        database.run(&fs::read_to_string(folder().join(format!("{name}.sql"))).unwrap()).await;
        let schemas: &[String] = match database.dialect {
            Dialect::Sqlite => &[],
            Dialect::Postgres => &["public".to_owned(), "shop".to_owned()],
        };
        let printed = print(&describe(&database.connection, schemas).await.unwrap());
        let file = folder().join(format!("{name}.txt"));
        if std::env::var_os("UPDATE_GOLDEN").is_some() {
            fs::write(&file, &printed).unwrap();
        }
        assert_eq!(printed, fs::read_to_string(&file).unwrap(), "{name}");
        database.drop().await;
    }
}

/// PostgreSQL before version 15 has no such keys.
#[tokio::test]
async fn keys_where_null_equals_null_are_told_apart() {
    let Some(database) = support::postgres().await else { return };
    let sql = "CREATE TABLE t (a integer UNIQUE, b integer, UNIQUE NULLS NOT DISTINCT (b))";
    if database.connection.execute_unprepared(sql).await.is_ok() {
        let described = describe(&database.connection, &[]).await.unwrap();
        let keys = described.tables[0].unique_keys.iter();
        let told: Vec<(&str, bool)> =
            keys.map(|key| (key.columns[0].as_str(), key.nulls_not_distinct)).collect();
        assert_eq!(told, [("a", false), ("b", true)]);
    }
    database.drop().await;
}

#[tokio::test]
async fn an_index_that_failed_to_build_is_no_unique_key() {
    let Some(database) = support::postgres().await else { return };
    database.run("CREATE TABLE t (a integer); INSERT INTO t VALUES (1), (1)").await;
    let sql = "CREATE UNIQUE INDEX CONCURRENTLY i ON t (a)";
    assert!(database.connection.execute_unprepared(sql).await.is_err());
    let described = describe(&database.connection, &[]).await.unwrap();
    assert!(described.tables[0].unique_keys.is_empty(), "{:?}", described.tables[0]);
    database.drop().await;
}

#[tokio::test]
async fn schemas_that_are_missing_are_named() {
    for database in support::databases().await {
        database.run("CREATE TABLE t (id integer PRIMARY KEY)").await;
        let own = match database.dialect {
            Dialect::Sqlite => "main",
            Dialect::Postgres => "public",
        };
        for (schemas, tables) in [(vec![], 1), (vec![own], 1), (vec![own, "gone"], 1), (vec!["gone"], 0)] {
            let names: Vec<String> = schemas.iter().map(|name| (*name).to_owned()).collect();
            let described = describe(&database.connection, &names).await.unwrap();
            assert_eq!(described.tables.len(), tables, "{schemas:?}");
            assert!(described.tables.iter().all(|table| table.table.schema.is_none()));
            let missing = schemas.iter().filter(|name| **name == "gone");
            let missing: Vec<LeftOut> =
                missing.map(|name| LeftOut::NoSchema { schema: (*name).to_owned() }).collect();
            assert_eq!(described.left_out, missing, "{schemas:?}");
        }
        database.drop().await;
    }
}

#[tokio::test]
async fn tables_and_columns_without_a_right_are_left_out_and_named() {
    let Some(database) = support::postgres().await else { return };
    let role = format!("crowsfoot_test_{}", uuid::Uuid::new_v4().simple());
    database
        .run(&format!(
            "CREATE ROLE {role} LOGIN PASSWORD 'reader';
            CREATE SCHEMA closed; CREATE TABLE closed.t (id integer);
            CREATE TABLE hidden (id integer PRIMARY KEY);
            CREATE TABLE people (id integer PRIMARY KEY, name text UNIQUE, salary integer, boss integer UNIQUE,
                hidden integer REFERENCES hidden, UNIQUE (salary, boss));
            CREATE TABLE heads (person integer REFERENCES people, boss integer REFERENCES people (boss));
            GRANT SELECT (id, name, hidden) ON people TO {role};
            GRANT SELECT ON heads TO {role};"
        ))
        .await;
    let (_, place) = database.url.rsplit_once('@').unwrap();
    let restricted = connect(&format!("postgres://{role}:reader@{place}"), 2).await.unwrap();
    let schemas = ["public".to_owned(), "closed".to_owned()];
    let described = describe(&restricted, &schemas).await.unwrap();
    let expected = "\
table heads
    person \"integer\": Integer
    boss \"integer\": Integer
    key heads_person_fkey (person) to people (id), on delete NO ACTION, on update NO ACTION
table people
    id \"integer\": Integer, not null
    name \"text\": Text
    hidden \"integer\": Integer
    primary key (id)
    unique people_name_key (name)
    key people_hidden_fkey (hidden) to hidden (id), on delete NO ACTION, on update NO ACTION
left out: schema closed cannot be used; GRANT USAGE ON SCHEMA closed
left out: hidden cannot be read; GRANT SELECT ON hidden
left out: people.salary cannot be read; GRANT SELECT (salary) ON people
left out: people.boss cannot be read; GRANT SELECT (boss) ON people
";
    assert_eq!(print(&described), expected);
    restricted.close().await.unwrap();
    database.run(&format!("DROP OWNED BY {role}; DROP ROLE {role}")).await;
    database.drop().await;
}

/// Describes a database over a connection that counts its statements.
async fn counted(database: &TestDatabase) -> (DatabaseDescription, usize) {
    let mut connection = sea_orm::Database::connect(&database.url).await.unwrap();
    let count = Arc::new(AtomicUsize::new(0));
    let counter = count.clone();
    connection.set_metric_callback(move |_| {
        counter.fetch_add(1, Ordering::Relaxed);
    });
    let connection = Database::from(connection);
    let described = describe(&connection, &[]).await.unwrap();
    connection.close().await.unwrap();
    (described, count.load(Ordering::Relaxed))
}

#[tokio::test]
async fn the_number_of_statements_does_not_depend_on_the_number_of_tables() {
    for database in support::databases().await {
        database.run("CREATE TABLE t0 (id integer PRIMARY KEY)").await;
        let (one, of_one) = counted(&database).await;
        let tables: Vec<String> = (1..150)
            .map(|number| {
                let to = number / 2;
                format!(
                    "CREATE TABLE t{number} (id integer PRIMARY KEY, name varchar(40) NOT NULL UNIQUE,
                        parent integer REFERENCES t{to}, a integer DEFAULT {number}, b text, UNIQUE (a, b));"
                )
            })
            .collect();
        database.run(&tables.concat()).await;
        let (many, of_many) = counted(&database).await;
        assert_eq!((one.tables.len(), many.tables.len()), (1, 150));
        for table in many.tables.iter().filter(|table| table.table.name != "t0") {
            assert_eq!((table.unique_keys.len(), table.foreign_keys.len()), (2, 1), "{table:?}");
        }
        assert_eq!(of_many, of_one);
        let expected = match database.dialect {
            Dialect::Sqlite => 4,
            Dialect::Postgres => 7,
        };
        assert_eq!(of_many, expected);
        // The own connections read the same.
        assert_eq!(describe(&database.connection, &[]).await.unwrap(), many);
        database.drop().await;
    }
}

/// Returns the columns of a key by name.
fn columns(names: &[String]) -> BTreeSet<String> {
    names.iter().cloned().collect()
}

#[tokio::test]
async fn the_example_is_described_as_its_entities_declare_it() {
    let model = example::registry().model().unwrap();
    for database in support::databases().await {
        database.seed(1).await;
        let described = describe(&database.connection, &[]).await.unwrap();
        assert_eq!(described.left_out, []);
        for entity in &model.entities {
            let table: &TableDescription =
                described.tables.iter().find(|table| table.table == entity.table).unwrap();
            let label = format!("{} on {:?}", entity.name, database.dialect);
            let name = |id: &usize| entity.columns[*id].name.clone();
            let declared: BTreeSet<&str> = entity.columns.iter().map(|column| column.name.as_str()).collect();
            let found: BTreeSet<&str> = table.columns.iter().map(|column| column.name.as_str()).collect();
            assert_eq!(found, declared, "{label}");
            for column in &table.columns {
                let declared = &entity.columns[entity.column_named(&column.name).unwrap()];
                assert_eq!(column.nullable, declared.nullable, "{label}: {}", column.name);
                let is_number = column.generation == Generation::Number;
                assert_eq!(is_number, declared.generated, "{label}: {}", column.name);
                assert_eq!(column.has_default || is_number, declared.has_default, "{label}: {}", column.name);
            }
            assert_eq!(table.primary_key, entity.primary_key.iter().map(name).collect::<Vec<_>>(), "{label}");
            let declared: BTreeSet<BTreeSet<String>> =
                entity.unique_keys.iter().map(|key| key.iter().map(name).collect()).collect();
            let found: BTreeSet<BTreeSet<String>> =
                table.unique_keys.iter().map(|key| columns(&key.columns)).collect();
            assert_eq!(found, declared, "{label}");
            assert!(table.unique_keys.iter().all(|key| key.is_whole), "{label}");
            let forward = entity.relations.iter().filter(|key| key.declaration == Declaration::BelongsTo);
            let declared: BTreeSet<String> = forward
                .map(|relation| {
                    let target = &model.entities[relation.target];
                    let from: Vec<String> = relation.from.iter().map(name).collect();
                    let to: Vec<String> =
                        relation.to.iter().map(|id| target.columns[*id].name.clone()).collect();
                    let actions = (relation.on_delete, relation.on_update);
                    format!("{from:?} {} {to:?} {actions:?} {}", target.table.name, relation.enforced)
                })
                .collect();
            let found: BTreeSet<String> = table
                .foreign_keys
                .iter()
                .map(|key| {
                    let actions = (key.on_delete, key.on_update);
                    format!(
                        "{:?} {} {:?} {actions:?} {}",
                        key.columns, key.target.name, key.target_columns, key.enforced
                    )
                })
                .collect();
            assert_eq!(found, declared, "{label}");
        }
        database.drop().await;
    }
}
