//! SQLite databases as well-known programs write them, from memory: all that the service answers is what SQLite itself says.
//!
//! `familiar/NAME.sql` makes a database. `familiar/NAME.txt` has the fields, relations and notes of its model (written by
//! `UPDATE_GOLDEN=1 cargo test --test model`).

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use chrono::DateTime;
use crowsfoot::internals::model::{Column, ColumnType, Entity, Relation};
use crowsfoot::{Model, Schema, TableOptions};
use sea_orm::{ConnectionTrait, DbBackend, Statement};
use serde_json::{Value as Json, json};

use super::model;
use crate::support::{TestDatabase, ask, sqlite};

const NAMES: [&str; 4] = ["music", "trade", "rental", "device"];

/// Value of a cell in one form, whichever side tells it. `None` for NULL, and for what has no form in the API.
type Told = Option<String>;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/model/live/familiar")
}

/// Database with its model.
struct Familiar {
    database: TestDatabase,
    model: Model,
    schema: Schema,
}

impl Familiar {
    async fn open(name: &str) -> Self {
        let sql = std::fs::read_to_string(folder().join(format!("{name}.sql"))).unwrap();
        let database = sqlite().await;
        // Other programs seldom switch foreign keys on.
        database.run(&format!("PRAGMA foreign_keys = OFF; {sql} PRAGMA foreign_keys = ON")).await;
        let model = model(&database, &TableOptions::new()).await;
        let schema = Schema::new(model.clone()).unwrap();
        Self { database, model, schema }
    }

    /// Returns the rows of a statement of one column, each a list in JSON.
    async fn sql(&self, sql: &str) -> Vec<Json> {
        let rows =
            self.database.connection.query_all_raw(Statement::from_string(DbBackend::Sqlite, sql)).await;
        let rows = rows.unwrap_or_else(|error| panic!("{error}\n{sql}"));
        rows.iter()
            .map(|row| serde_json::from_str(&row.try_get_by_index::<String>(0).unwrap()).unwrap())
            .collect()
    }

    /// Returns the list under the only root field. Errors of cells are nulls in it.
    async fn list(&self, query: &str) -> Vec<Json> {
        let (answer, _) = ask(&self.schema, &self.database, query, Json::Null).await;
        let data = answer["data"].as_object().unwrap_or_else(|| panic!("{query}: {answer}"));
        data.values().next().unwrap().as_array().unwrap().clone()
    }
}

/// Returns the columns of an entity that are compared here.
fn columns(entity: &Entity) -> Vec<&Column> {
    entity.visible_columns().map(|(_, column)| column).collect()
}

fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// Selects the columns of a table: class, value, and seconds since 1970 of each.
fn cells(alias: &str, columns: &[&Column]) -> String {
    let cell = |column: &&Column| {
        let c = format!("{alias}.{}", quoted(&column.name));
        format!(
            "json_array(typeof({c}), CASE typeof({c}) WHEN 'blob' THEN hex({c}) ELSE {c} END, CASE typeof({c}) \
             WHEN 'text' THEN strftime('%s', {c}) WHEN 'integer' THEN strftime('%s', {c}, 'unixepoch') \
             WHEN 'real' THEN strftime('%s', {c}, 'auto') END)"
        )
    };
    format!("json_array({})", columns.iter().map(cell).collect::<Vec<_>>().join(", "))
}

/// Returns a cell as SQLite tells it.
fn of_sqlite(cell: &Json, column_type: &ColumnType) -> Told {
    use ColumnType as Type;

    let (class, value) = (cell[0].as_str().unwrap(), &cell[1]);
    let number = || value.as_f64().map(|number| format!("{number:?}"));
    match (column_type.stored(), class) {
        (Type::Int | Type::SmallInt | Type::TinyInt, "integer") => {
            value.as_i64().and_then(|number| i32::try_from(number).ok()).map(|number| number.to_string())
        }
        (column_type, "integer") if column_type.is_integer() => Some(value.to_string()),
        (Type::Double, "real") | (Type::Decimal, "integer" | "real") => number(),
        (Type::Boolean, "integer") => Some((*value == json!(1)).to_string()),
        (Type::Text, "text") => Some(value.as_str().unwrap().to_owned()),
        (Type::Bytes, "blob") => Some(value.as_str().unwrap().to_owned()),
        (Type::Bytes, "text") => {
            Some(value.as_str().unwrap().bytes().map(|byte| format!("{byte:02X}")).collect())
        }
        (Type::Date, "text") => Some(value.as_str().unwrap()[..10].to_owned()),
        (Type::DateTime | Type::Timestamp, _) => cell[2].as_str().map(str::to_owned),
        (_, _) => None,
    }
}

/// Returns a cell as the service tells it.
fn of_service(value: &Json, column_type: &ColumnType) -> Told {
    use ColumnType as Type;

    let text = || value.as_str().map(str::to_owned);
    match column_type.stored() {
        _ if value.is_null() => None,
        Type::Double => value.as_f64().map(|number| format!("{number:?}")),
        Type::Decimal => text().map(|number| format!("{:?}", number.parse::<f64>().unwrap())),
        Type::Bytes => {
            Some(BASE64.decode(text()?).unwrap().iter().map(|byte| format!("{byte:02X}")).collect())
        }
        Type::DateTime | Type::Timestamp => {
            Some(DateTime::parse_from_rfc3339(&text()?).unwrap().timestamp().to_string())
        }
        _ => text().or_else(|| Some(value.to_string())),
    }
}

/// Returns a row in one form: a part for each column.
fn row_of_sqlite(cells: &Json, columns: &[&Column]) -> Vec<Told> {
    let cells = cells.as_array().unwrap();
    assert_eq!(cells.len(), columns.len());
    cells.iter().zip(columns).map(|(cell, column)| of_sqlite(cell, &column.column_type)).collect()
}

fn row_of_service(row: &Json, columns: &[&Column]) -> Vec<Told> {
    columns.iter().map(|column| of_service(&row[&column.field], &column.column_type)).collect()
}

fn fields(columns: &[&Column]) -> String {
    columns.iter().map(|column| column.field.as_str()).collect::<Vec<_>>().join(" ")
}

fn sorted<T: Ord>(mut rows: Vec<T>) -> Vec<T> {
    rows.sort();
    rows
}

/// Joins the tables of a relation: own rows under `o`, related rows under `t`.
fn joined(model: &Model, entity: &Entity, relation: &Relation) -> String {
    let target = &model.entities[relation.target];
    let column = |of: &Entity, id: &usize| quoted(&of.columns[*id].name);
    let (own, other) = (quoted(&entity.table.name), quoted(&target.table.name));
    let pairs = |from: Vec<String>, to: Vec<String>| -> String {
        from.iter().zip(&to).map(|(from, to)| format!("{from} = {to}")).collect::<Vec<_>>().join(" AND ")
    };
    let of_own = || relation.from.iter().map(|id| format!("o.{}", column(entity, id))).collect();
    let of_target = || relation.to.iter().map(|id| format!("t.{}", column(target, id))).collect();
    match &relation.junction {
        None => format!("{own} o JOIN {other} t ON {}", pairs(of_own(), of_target())),
        Some(junction) => {
            let links = |names: &[String]| names.iter().map(|name| format!("j.{}", quoted(name))).collect();
            format!(
                "{own} o JOIN {} j ON {} JOIN {other} t ON {}",
                quoted(&junction.table.name),
                pairs(of_own(), links(&junction.from)),
                pairs(links(&junction.to), of_target())
            )
        }
    }
}

/// Compares the rows of an entity, and their number.
async fn rows_are_those_of_sqlite(familiar: &Familiar, entity: &Entity) {
    let columns = columns(entity);
    let list = familiar.list(&format!("{{ {} {{ {} }} }}", entity.roots.list, fields(&columns))).await;
    let found: Vec<_> = list.iter().map(|row| row_of_service(row, &columns)).collect();
    let sql = format!("SELECT {} FROM {} o", cells("o", &columns), quoted(&entity.table.name));
    let stored: Vec<_> = familiar.sql(&sql).await.iter().map(|row| row_of_sqlite(row, &columns)).collect();
    assert_eq!(sorted(found), sorted(stored.clone()), "{}", entity.name);
    let query = format!("{{ {} {{ count }} }}", entity.roots.aggregate);
    let (answer, _) = ask(&familiar.schema, &familiar.database, &query, Json::Null).await;
    assert_eq!(answer, json!({ "data": { entity.roots.aggregate.as_str(): { "count": stored.len() } } }));
}

/// Compares the rows of a relation, and of a list their number.
async fn related_rows_are_those_of_sqlite(familiar: &Familiar, entity: &Entity, relation: &Relation) {
    let target = &familiar.model.entities[relation.target];
    let (own, other) = (columns(entity), columns(target));
    let field = &relation.field;
    let count = if relation.is_many() { format!("{field}Aggregate {{ count }}") } else { String::new() };
    let query = format!(
        "{{ {} {{ {} related: {field} {{ {} }} {count} }} }}",
        entity.roots.list,
        fields(&own),
        fields(&other)
    );
    let mut found: Vec<(Vec<Told>, Vec<Vec<Told>>)> = Vec::new();
    for row in familiar.list(&query).await {
        let related = match &row["related"] {
            Json::Null => Vec::new(),
            Json::Array(rows) => rows.clone(),
            one => vec![one.clone()],
        };
        if relation.is_many() {
            assert_eq!(
                row[format!("{field}Aggregate")]["count"],
                json!(related.len()),
                "{}.{field}",
                entity.name
            );
        }
        let related = sorted(related.iter().map(|row| row_of_service(row, &other)).collect());
        found.push((row_of_service(&row, &own), related));
    }
    let all =
        familiar.sql(&format!("SELECT {} FROM {} o", cells("o", &own), quoted(&entity.table.name))).await;
    let pairs = format!(
        "SELECT json_array({}, {}) FROM {}",
        cells("o", &own),
        cells("t", &other),
        joined(&familiar.model, entity, relation)
    );
    let mut related: BTreeMap<Vec<Told>, Vec<Vec<Told>>> = BTreeMap::new();
    for pair in familiar.sql(&pairs).await {
        related.entry(row_of_sqlite(&pair[0], &own)).or_default().push(row_of_sqlite(&pair[1], &other));
    }
    let stored = all.iter().map(|row| {
        let row = row_of_sqlite(row, &own);
        let related = sorted(related.get(&row).cloned().unwrap_or_default());
        (row, related)
    });
    assert_eq!(sorted(found), sorted(stored.collect()), "{}.{field}", entity.name);
}

/// Returns the form of a value in which SQLite compares it as its type does: NULL for values of other classes.
fn key(value: &str, column_type: &ColumnType) -> Option<String> {
    Some(match column_type.stored() {
        ColumnType::Text => format!("CASE typeof({value}) WHEN 'text' THEN {value} END"),
        ColumnType::DateTime | ColumnType::Timestamp => format!(
            "CASE typeof({value}) WHEN 'text' THEN julianday({value}) WHEN 'real' THEN julianday({value}, 'auto') \
             WHEN 'integer' THEN julianday({value}, 'unixepoch') END"
        ),
        ColumnType::Date => format!("CASE typeof({value}) WHEN 'text' THEN date({value}) END"),
        column_type if column_type.operators().arithmetic => {
            format!("CASE WHEN typeof({value}) IN ('integer', 'real') THEN {value} END")
        }
        _ => return None,
    })
}

/// Compares the number of rows that a filter finds: each comparison of a column with each of its values.
async fn filters_find_the_rows_of_sqlite(familiar: &Familiar, entity: &Entity, column: &Column) {
    let column_type = &column.column_type;
    let Some(compared) = key(&quoted(&column.name), column_type) else { return };
    // The only column with a collation.
    let collated = if column.name == "level" { " COLLATE NOCASE" } else { "" };
    let (field, table, root) = (&column.field, quoted(&entity.table.name), &entity.roots.aggregate);
    let list = familiar.list(&format!("{{ {} {{ {field} }} }}", entity.roots.list)).await;
    let stored = familiar.sql(&format!("SELECT {} FROM {table} o", cells("o", &[column]))).await;
    for operand in list.iter().map(|row| &row[field]).filter(|value| !value.is_null()) {
        let told = of_service(operand, column_type);
        let cell = stored.iter().find(|cells| of_sqlite(&cells[0], column_type) == told);
        let value = match &cell
            .unwrap_or_else(|| panic!("{operand} of {}.{field} is not stored", entity.name))[0][1]
        {
            Json::String(text) => format!("'{}'", text.replace('\'', "''")),
            number => number.to_string(),
        };
        let value = key(&value, column_type).unwrap();
        for (operator, sign) in
            [("eq", "="), ("ne", "<>"), ("lt", "<"), ("lte", "<="), ("gt", ">"), ("gte", ">=")]
        {
            let query =
                format!("{{ {root}(where: {{ {field}: {{ {operator}: {operand} }} }}) {{ count }} }}");
            let (answer, _) = ask(&familiar.schema, &familiar.database, &query, Json::Null).await;
            let sql = format!(
                "SELECT json_array(count(*)) FROM {table} WHERE ({compared}){collated} {sign} ({value})"
            );
            let expected = &familiar.sql(&sql).await[0][0];
            assert_eq!(answer["data"][root]["count"], *expected, "{query}: {answer}");
        }
    }
}

/// Returns the fields, relations and notes of a model.
fn printed(familiar: &Familiar) -> String {
    let model = &familiar.model;
    let mut text = String::new();
    for (_, entity) in model.exposed() {
        text.push_str(&format!("{} of {}\n", entity.name, entity.table));
        for column in columns(entity) {
            let mark = if column.nullable { "" } else { "!" };
            text.push_str(&format!("    {}: {}{mark}\n", column.field, model.type_name(&column.column_type)));
        }
        for relation in &entity.relations {
            let target = &model.entities[relation.target].name;
            text.push_str(&format!("    {}: {}\n", relation.field, relation.cardinality.type_of(target)));
        }
    }
    for note in &model.notes {
        text.push_str(&format!("note: {note}\n"));
    }
    text
}

#[tokio::test]
async fn models_of_familiar_databases_are_the_written_ones() {
    for name in NAMES {
        let familiar = Familiar::open(name).await;
        let file = folder().join(format!("{name}.txt"));
        let printed = printed(&familiar);
        if std::env::var_os("UPDATE_GOLDEN").is_some() {
            std::fs::write(&file, &printed).unwrap();
        }
        assert_eq!(printed, std::fs::read_to_string(&file).unwrap_or_default(), "{}", file.display());
        familiar.database.drop().await;
    }
}

#[tokio::test]
async fn rows_relations_and_counts_of_familiar_databases_are_those_of_sqlite() {
    for name in NAMES {
        let familiar = Familiar::open(name).await;
        for (_, entity) in familiar.model.exposed() {
            rows_are_those_of_sqlite(&familiar, entity).await;
            for relation in &entity.relations {
                related_rows_are_those_of_sqlite(&familiar, entity, relation).await;
            }
        }
        familiar.database.drop().await;
    }
}

#[tokio::test]
async fn filters_of_familiar_databases_find_the_rows_of_sqlite() {
    for name in NAMES {
        let familiar = Familiar::open(name).await;
        for (_, entity) in familiar.model.exposed() {
            for column in columns(entity) {
                filters_find_the_rows_of_sqlite(&familiar, entity, column).await;
            }
        }
        familiar.database.drop().await;
    }
}
