//! Spellings of UUIDs and booleans in SQLite, which has no type for them: a sample of each column's values tells how the
//! database's programs write them.

use std::collections::BTreeMap;

use sea_orm::ColumnType as DatabaseType;
use serde_json::Value as Json;

use super::description::DatabaseDescription;
use crate::database::handle::Database;
use crate::database::introspect::catalog_row::text;
use crate::error::Result;
use crate::model::{ColumnType, DeclaredType, Spelling, Table, TableDescription, TableKind};

/// Columns that one statement samples. SQLite returns at most 2,000 columns.
const COLUMNS: usize = 500;

/// Rows of a table that are sampled.
const SAMPLE: usize = 100;

/// Names of SeaORM's own types of UUIDs, which SeaORM stores as bytes.
const SEAORM: [&str; 2] = ["uuid_text", "uuid_blob"];

/// Place of a column: table and column.
type ColumnPlace = (usize, usize);

/// Sets the spelling of each column of UUIDs or booleans.
///
/// # Errors
/// Fails if the database cannot be queried.
pub(super) async fn read(database: &Database, described: &mut DatabaseDescription) -> Result<()> {
    let places = places(&described.tables);
    let mut found: BTreeMap<ColumnPlace, Option<DeclaredType>> = BTreeMap::new();
    for places in places.chunks(COLUMNS) {
        let samples = places.iter().map(|place| sample(&described.tables, *place));
        let sql = format!("SELECT {}", samples.collect::<Vec<_>>().join(", "));
        let columns = vec![ColumnType::Text; places.len()].into();
        let rows = database.ask(&sql, Vec::new(), columns).await?;
        for (slot, place) in places.iter().enumerate() {
            let sample: Option<Vec<Json>> =
                text(&rows, 0, slot).and_then(|sample| serde_json::from_str(&sample).ok());
            found.insert(*place, sample.and_then(|sample| form(&described.tables, *place, &sample)));
        }
    }
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

/// Returns the columns of UUIDs and booleans. A sample of a view could take as long as the view itself.
fn places(tables: &[TableDescription]) -> Vec<ColumnPlace> {
    let mut places = Vec::new();
    for (table, described) in tables.iter().enumerate().filter(|(_, table)| table.kind == TableKind::Table) {
        for (column, described) in described.columns.iter().enumerate() {
            let common = described.database_type.as_ref().and_then(DeclaredType::common);
            if matches!(common, Some(DatabaseType::Uuid | DatabaseType::Boolean)) {
                places.push((table, column));
            }
        }
    }
    places
}

/// Builds the sample of a column: a JSON list with its texts, 0 for bytes and 1 for a number.
fn sample(tables: &[TableDescription], (table, column): ColumnPlace) -> String {
    let quoted = |name: &str| format!("\"{}\"", name.replace('"', "\"\""));
    let (column, table) = (quoted(&tables[table].columns[column].name), quoted(&tables[table].table.name));
    format!(
        "(SELECT json_group_array(CASE typeof(c) WHEN 'text' THEN substr(c, 1, 40) WHEN 'blob' THEN 0 ELSE 1 END) \
         FROM (SELECT {column} AS c FROM {table} WHERE {column} IS NOT NULL LIMIT {SAMPLE}))"
    )
}

/// Returns the type that all values of a sample have; `None` without values, and for booleans that are not texts of one
/// spelling.
fn form(tables: &[TableDescription], (table, column): ColumnPlace, sample: &[Json]) -> Option<DeclaredType> {
    let is_uuid = tables[table].columns[column].database_type == Some(DatabaseType::Uuid.into());
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
