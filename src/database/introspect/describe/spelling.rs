//! Spellings of UUIDs and booleans: a sample of each column's values tells how the database's programs write them. SQLite has no
//! type for them. Columns of text whose length is that of a UUID are sampled for suggestions alone.

use std::collections::BTreeMap;

use sea_orm::ColumnType as DatabaseType;
use sea_orm::sea_query::StringLen;
use serde_json::Value as Json;

use super::description::DatabaseDescription;
use crate::database::handle::Database;
use crate::database::introspect::catalog_row::text;
use crate::dialect::Dialect;
use crate::error::Result;
use crate::model::{ColumnType, DeclaredType, Spelling, Table, TableDescription, TableKind, quoted_name};

/// Columns that one statement samples. SQLite returns at most 2,000 columns, PostgreSQL 1,664.
const COLUMNS: usize = 500;

/// Values of a column that are sampled.
const SAMPLE: usize = 100;

/// Rows of a table that are searched for values, so that a column of NULL alone is not read to its end.
const ROWS: usize = 10_000;

/// Lengths of UUIDs as text: with hyphens and without.
const LENGTHS: [u32; 2] = [36, 32];

/// Names of SeaORM's own types of UUIDs, which SeaORM stores as bytes.
const SEAORM: [&str; 2] = ["uuid_text", "uuid_blob"];

/// Place of a column: table and column.
type ColumnPlace = (usize, usize);

/// Suggests a spelling for the columns of text whose first values are all UUIDs, by table and column.
///
/// # Errors
/// Fails if the database cannot be queried.
pub async fn suggested_spellings(
    database: &Database,
    described: &DatabaseDescription,
) -> Result<BTreeMap<(Table, String), Spelling>> {
    let is_long_enough = |common: &DatabaseType| match common {
        DatabaseType::Char(Some(length)) | DatabaseType::String(StringLen::N(length)) => {
            LENGTHS.contains(length)
        }
        _ => false,
    };
    let mut found = forms(database, &described.tables, is_long_enough).await?;
    spread(&described.tables, &mut found);
    let suggested = found.into_iter().filter_map(|((table, column), form)| match form {
        Some(DeclaredType::Spelled(spelling)) => {
            let table = &described.tables[table];
            Some(((table.table.clone(), table.columns[column].name.clone()), spelling))
        }
        _ => None,
    });
    Ok(suggested.collect())
}

/// Sets the spelling of each column of UUIDs or booleans of SQLite.
///
/// # Errors
/// Fails if the database cannot be queried.
pub(super) async fn read(database: &Database, described: &mut DatabaseDescription) -> Result<()> {
    let is_spelled = |common: &DatabaseType| matches!(common, DatabaseType::Uuid | DatabaseType::Boolean);
    let mut found = forms(database, &described.tables, is_spelled).await?;
    spread(&described.tables, &mut found);
    for ((table, column), form) in found {
        let column = &mut described.tables[table].columns[column];
        let is_uuid = column.database_type == Some(DatabaseType::Uuid.into());
        let is_of_seaorm = SEAORM.contains(&column.declared_type.to_ascii_lowercase().as_str());
        let form = form.or_else(|| (is_uuid && !is_of_seaorm).then_some(DeclaredType::AnyUuid));
        if let Some(form) = form.filter(|form| column.database_type.as_ref() != Some(form)) {
            column.database_type = Some(form);
            column.default = None;
        }
    }
    Ok(())
}

/// Returns the form of the values of each column with such a type.
async fn forms(
    database: &Database,
    tables: &[TableDescription],
    is_wanted: impl Fn(&DatabaseType) -> bool,
) -> Result<BTreeMap<ColumnPlace, Option<DeclaredType>>> {
    let dialect = Dialect::of(database.get_database_backend())?;
    let mut found = BTreeMap::new();
    for places in places(tables, is_wanted).chunks(COLUMNS) {
        let samples = places.iter().map(|place| sample(dialect, tables, *place));
        let sql = format!("SELECT {}", samples.collect::<Vec<_>>().join(", "));
        let columns = vec![ColumnType::Text; places.len()].into();
        let rows = database.ask(&sql, Vec::new(), columns).await?;
        for (slot, (table, column)) in places.iter().enumerate() {
            let is_boolean =
                tables[*table].columns[*column].database_type == Some(DatabaseType::Boolean.into());
            let sample: Option<Vec<Json>> =
                text(&rows, 0, slot).and_then(|sample| serde_json::from_str(&sample).ok());
            found.insert((*table, *column), sample.and_then(|sample| form(!is_boolean, &sample)));
        }
    }
    Ok(found)
}

/// Returns the columns with such a type. A sample of a view could take as long as the view itself.
fn places(tables: &[TableDescription], is_wanted: impl Fn(&DatabaseType) -> bool) -> Vec<ColumnPlace> {
    let mut places = Vec::new();
    for (table, described) in tables.iter().enumerate().filter(|(_, table)| table.kind == TableKind::Table) {
        for (column, described) in described.columns.iter().enumerate() {
            let common = described.database_type.as_ref().and_then(DeclaredType::common);
            if common.is_some_and(&is_wanted) {
                places.push((table, column));
            }
        }
    }
    places
}

/// Builds the sample of a column: a JSON list with its texts, and on SQLite 0 for bytes and 1 for a number.
fn sample(dialect: Dialect, tables: &[TableDescription], (table, column): ColumnPlace) -> String {
    let TableDescription { table, columns, .. } = &tables[table];
    let (table, column) = (table.quoted(), quoted_name(&columns[column].name));
    let list = match dialect {
        Dialect::Sqlite => {
            "json_group_array(CASE typeof(c) WHEN 'text' THEN substr(c, 1, 40) WHEN 'blob' THEN 0 ELSE 1 END)"
        }
        Dialect::Postgres => "json_agg(c)::text",
    };
    format!(
        "(SELECT {list} FROM (SELECT c FROM (SELECT {column} AS c FROM {table} LIMIT {ROWS}) r \
         WHERE c IS NOT NULL LIMIT {SAMPLE}) s)"
    )
}

/// Returns the type that all values of a sample have; `None` without values, and for booleans that are not texts of one
/// spelling.
fn form(is_uuid: bool, sample: &[Json]) -> Option<DeclaredType> {
    if sample.is_empty() {
        return None;
    }
    let texts: Option<Vec<&str>> = sample.iter().map(Json::as_str).collect();
    let mut spellings = Spelling::ALL.into_iter().filter(|spelling| spelling.is_uuid() == is_uuid);
    let spelling = spellings
        .find(|spelling| texts.as_ref().is_some_and(|texts| texts.iter().all(|text| spelling.is_of(text))));
    match spelling {
        Some(spelling) => Some(DeclaredType::Spelled(spelling)),
        None if !is_uuid => None,
        None if sample.iter().all(|value| *value == 0) => Some(DatabaseType::Uuid.into()),
        None => Some(DeclaredType::AnyUuid),
    }
}

/// Gives both columns of each foreign key one form: that of the column with rows, or any spelling where the forms differ.
fn spread(tables: &[TableDescription], found: &mut BTreeMap<ColumnPlace, Option<DeclaredType>>) {
    let pairs = pairs(tables);
    loop {
        let mut is_settled = true;
        for (from, to) in &pairs {
            let (Some(one), Some(other)) = (found.get(from), found.get(to)) else { continue };
            let form = match (one, other) {
                (one, other) if one == other => continue,
                (Some(form), None) | (None, Some(form)) => form.clone(),
                _ => DeclaredType::AnyUuid,
            };
            found.insert(*from, Some(form.clone()));
            found.insert(*to, Some(form));
            is_settled = false;
        }
        if is_settled {
            return;
        }
    }
}

/// Returns the columns of all foreign keys, with the referenced ones.
fn pairs(tables: &[TableDescription]) -> Vec<(ColumnPlace, ColumnPlace)> {
    let places: BTreeMap<&Table, usize> =
        tables.iter().enumerate().map(|(place, table)| (&table.table, place)).collect();
    let place = |table: usize, name: &str| {
        let column = tables[table].columns.iter().position(|column| column.name == name);
        column.map(|column| (table, column))
    };
    let mut pairs = Vec::new();
    for (holder, table) in tables.iter().enumerate() {
        for key in &table.foreign_keys {
            let Some(target) = places.get(&key.target) else { continue };
            let referenced = match key.target_columns.is_empty() {
                true => &tables[*target].primary_key,
                false => &key.target_columns,
            };
            let columns = key.columns.iter().zip(referenced);
            pairs.extend(columns.filter_map(|(from, to)| Some((place(holder, from)?, place(*target, to)?))));
        }
    }
    pairs
}
