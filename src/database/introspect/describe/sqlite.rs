//! Tables of SQLite, from its pragmas.

use std::collections::{BTreeMap, BTreeSet};

use sea_orm::Value;
use serde_json::Value as Json;

use super::default::ColumnDefault;
use super::description::{DatabaseDescription, LeftOut};
use super::keys::{UNIQUE_KEY_COLUMNS, add_foreign_keys, add_unique_keys};
use super::{spelling, sqlite_type, statement};
use crate::database::handle::Database;
use crate::database::introspect::catalog_row::{flag, place, text};
use crate::database::row::RowSet;
use crate::error::{Code, Result};
use crate::model::ColumnType::{BigInt, Boolean, Text};
use crate::model::{
    AcceptedWrites, ColumnDescription, ColumnType, DeclaredType, Generation, Table, TableDescription,
    TableKind,
};

/// Name of the schema of the opened file.
const MAIN: &str = "main";

/// Tables: name, kind, true for a relation whose columns SQLite could not count, the table's own statement if it has
/// conditions, and the triggers of a view as JSON. Tables of a virtual table's module (`shadow`) are left out, and SQLite's
/// own tables.
const TABLES: &str = r"SELECT name, type, ncol = 0,
        (SELECT m.sql FROM sqlite_schema m WHERE m.type = 'table' AND m.name = l.name AND m.sql LIKE '%check%'),
        CASE type WHEN 'view' THEN (SELECT json_group_array(m.sql) FROM sqlite_schema m
            WHERE m.type = 'trigger' AND m.tbl_name = l.name COLLATE NOCASE) END
    FROM pragma_table_list l
    WHERE schema = 'main' AND type IN ('table', 'view', 'virtual') AND name NOT LIKE 'sqlite\_%' ESCAPE '\'
    ORDER BY name";

const TABLE_COLUMNS: [ColumnType; 5] = [Text, Text, Boolean, Text, Text];

/// Columns of a view. The statement fails if a table or column of the view is missing.
const VIEW: &str = "SELECT count(*) FROM pragma_table_xinfo(?, 'main')";

/// Columns of these tables: place of the table, name, declared type, not null, default, part of the primary key, computed.
const COLUMNS: &str = r#"SELECT s.key, c.name, c.type, c."notnull", c.dflt_value, c.pk > 0, c.hidden IN (2, 3)
    FROM json_each(?) s CROSS JOIN pragma_table_xinfo(s.value, 'main') c
    WHERE c.hidden <> 1 ORDER BY s.key, c.cid"#;

const COLUMN_COLUMNS: [ColumnType; 7] = [BigInt, Text, Text, Boolean, Text, Boolean, Boolean];

/// Unique indexes of these tables: as [`UNIQUE_KEY_COLUMNS`], and true for a collation that equates different texts. Rows with
/// NULL are distinct in each of them.
const UNIQUE_KEYS: &str = r#"SELECT s.key, i.name, i.origin = 'pk', i.partial = 0, 0, 0, x.name,
        x.coll <> 'BINARY' COLLATE NOCASE
    FROM json_each(?) s CROSS JOIN pragma_index_list(s.value, 'main') i
    CROSS JOIN pragma_index_xinfo(i.name, 'main') x
    WHERE i."unique" AND x.key ORDER BY s.key, i.name, x.seqno"#;

/// Reads the tables.
///
/// # Errors
/// Fails if the database cannot be queried.
pub(super) async fn read(database: &Database, schemas: &[String]) -> Result<DatabaseDescription> {
    let mut described = DatabaseDescription::default();
    for schema in schemas.iter().filter(|schema| *schema != MAIN) {
        described.left_out.push(LeftOut::NoSchema { schema: schema.clone() });
    }
    if described.left_out.len() == schemas.len() && !schemas.is_empty() {
        return Ok(described);
    }
    let rows = database.ask(TABLES, Vec::new(), TABLE_COLUMNS.into()).await?;
    let statements = add_tables(database, &mut described, &rows).await?;
    let tables = &mut described.tables;
    let names: Json = tables.iter().map(|table| table.table.name.clone()).collect();
    let names = Value::from(names.to_string());
    let rows = database.ask(COLUMNS, vec![names.clone()], COLUMN_COLUMNS.into()).await?;
    let keys = add_columns(tables, &rows);
    statements.iter().for_each(|(place, sql)| add_accepted(&mut tables[*place], sql));
    let columns = UNIQUE_KEY_COLUMNS.into_iter().chain([Boolean]).collect();
    let unique_keys = database.ask(UNIQUE_KEYS, vec![names], columns).await?;
    add_unique_keys(tables, &unique_keys);
    add_foreign_keys(&mut described, &database.read_keys().await?);
    leave_out_collated(&mut described, &unique_keys);
    for (place, column) in keys {
        number_rows(&mut described.tables[place], column);
    }
    spelling::read(database, &mut described).await?;
    Ok(described)
}

/// Leaves out foreign keys to collated columns: rows are assigned to each other by the same texts.
fn leave_out_collated(described: &mut DatabaseDescription, keys: &RowSet) {
    let DatabaseDescription { tables, left_out, .. } = described;
    let column = |row| Some((tables.get(place(keys, row, 0)?)?.table.clone(), text(keys, row, 6)?));
    let collated: BTreeSet<(Table, String)> =
        (0..keys.len()).filter(|row| flag(keys, *row, 7)).filter_map(column).collect();
    let primary_keys: BTreeMap<Table, Vec<String>> =
        tables.iter().map(|table| (table.table.clone(), table.primary_key.clone())).collect();
    for TableDescription { table, foreign_keys, .. } in tables {
        foreign_keys.retain(|key| {
            let named = match key.target_columns.is_empty() {
                true => primary_keys.get(&key.target).map_or(&[][..], Vec::as_slice),
                false => &key.target_columns,
            };
            let is_exact = !named.iter().any(|name| collated.contains(&(key.target.clone(), name.clone())));
            if !is_exact {
                let (table, columns, target) = (table.clone(), key.columns.clone(), key.target.clone());
                left_out.push(LeftOut::CollatedKey { table, columns, target });
            }
            is_exact
        });
    }
}

/// Adds the tables, and returns the statements of those with conditions, by place.
async fn add_tables(
    database: &Database,
    described: &mut DatabaseDescription,
    rows: &RowSet,
) -> Result<Vec<(usize, String)>> {
    let mut statements = Vec::new();
    for row in 0..rows.len() {
        let table = Table { schema: None, name: text(rows, row, 0).unwrap_or_default() };
        let kind = match text(rows, row, 1).as_deref() {
            Some("virtual") => {
                described.left_out.push(LeftOut::VirtualTable { table });
                continue;
            }
            // SQLite counts the columns of all views up to the first broken one.
            Some("view") if flag(rows, row, 2) && is_broken(database, &table.name).await? => {
                described.left_out.push(LeftOut::BrokenView { view: table });
                continue;
            }
            Some("view") => TableKind::View,
            _ => TableKind::Table,
        };
        statements.extend(text(rows, row, 3).map(|sql| (described.tables.len(), sql)));
        described.tables.push(TableDescription {
            table,
            kind,
            comment: None,
            columns: Vec::new(),
            primary_key: Vec::new(),
            unique_keys: Vec::new(),
            foreign_keys: Vec::new(),
            inherited_by: Vec::new(),
            estimated_rows: None,
            writes: text(rows, row, 4).map_or(AcceptedWrites::ALL, |triggers| writes(&triggers)),
        });
    }
    Ok(statements)
}

/// Returns the ways in which a view with these triggers is written: SQLite writes no view by itself.
fn writes(triggers: &str) -> AcceptedWrites {
    let triggers: Vec<String> = serde_json::from_str(triggers).unwrap_or_default();
    let events: Vec<String> = triggers.iter().filter_map(|sql| statement::event_of_trigger(sql)).collect();
    let has = |event: &str| events.iter().any(|known| known.eq_ignore_ascii_case(event));
    AcceptedWrites { create: has("insert"), update: has("update"), delete: has("delete") }
}

/// Returns true if SQLite refuses to name the view's columns.
async fn is_broken(database: &Database, view: &str) -> Result<bool> {
    match database.ask(VIEW, vec![view.into()], [BigInt].into()).await {
        Ok(_) => Ok(false),
        Err(error) if error.code() == Code::Internal => Ok(true),
        Err(error) => Err(error),
    }
}

/// Adds the columns to their tables, and returns the last column of each primary key by the place of its table.
///
/// A column of a primary key may hold NULL unless SQLite says otherwise: it forbids NULL only for NOT NULL, in tables
/// WITHOUT ROWID, and in STRICT tables.
fn add_columns(tables: &mut [TableDescription], rows: &RowSet) -> BTreeMap<usize, usize> {
    let mut keys = BTreeMap::new();
    for row in 0..rows.len() {
        let Some((place, table)) =
            place(rows, row, 0).and_then(|place| Some((place, tables.get_mut(place)?)))
        else {
            continue;
        };
        let declared_type = text(rows, row, 2).unwrap_or_default();
        let database_type = sqlite_type::of(&declared_type).map(DeclaredType::from);
        let default = ColumnDefault::read(text(rows, row, 4).as_deref(), database_type.as_ref());
        if flag(rows, row, 5) {
            keys.insert(place, table.columns.len());
        }
        table.columns.push(ColumnDescription {
            name: text(rows, row, 1).unwrap_or_default(),
            declared_type,
            database_type,
            holds_any_integer: true,
            nullable: !flag(rows, row, 3),
            has_default: default.exists,
            default: default.value,
            generation: if flag(rows, row, 6) { Generation::Computed } else { Generation::None },
            accepted: Vec::new(),
            comment: None,
        });
    }
    keys
}

/// Adds the values that the conditions of a table's statement list to their columns.
fn add_accepted(table: &mut TableDescription, sql: &str) {
    for (name, values) in statement::accepted(sql) {
        let mut columns = table.columns.iter_mut();
        if let Some(column) = columns.find(|column| column.name.eq_ignore_ascii_case(&name)) {
            column.accepted = values;
        }
    }
}

/// Makes this column the number of the row, if no index serves the primary key: an `INTEGER PRIMARY KEY` alone needs none.
/// Its NULL is a request for the next number, and is never stored. A column that references another table gets no number:
/// it would lead to a row at random.
fn number_rows(table: &mut TableDescription, column: usize) {
    if table.primary_key.is_empty() {
        let column = &mut table.columns[column];
        column.nullable = false;
        table.primary_key.push(column.name.clone());
        if !table.foreign_keys.iter().any(|key| key.columns.contains(&column.name)) {
            column.generation = Generation::Number;
        }
    }
}
