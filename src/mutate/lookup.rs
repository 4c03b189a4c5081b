//! Reads inside a mutation's transaction: rows by their keys, and the references to an entity.

use std::collections::HashSet;
use std::slice;
use std::sync::Arc;

use sea_orm::Value;

use super::reference::{Reference, references};
use super::row::{RowInput, compared, key_of, rows_of};
use crate::database::{RowSet, TrackedStatement};
use crate::error::{Error, Result};
use crate::execute::Session;
use crate::model::{ColumnId, EntityId};
use crate::plan::{Catalog, Filter, Load, LoadKind, Page, Rows, Source, SqlStatement};

/// Returns the columns `wanted` of the rows whose columns `by` match one of `keys`.
pub(super) async fn find(
    session: &Session,
    id: EntityId,
    wanted: &[ColumnId],
    by: &[ColumnId],
    keys: &[Vec<Value>],
) -> Result<Vec<RowInput>> {
    if keys.is_empty() {
        return Ok(Vec::new());
    }
    let found = find_where(session, id, wanted, Filter::one_of(by, keys.to_vec())).await?;
    session.statements().count_rows(found.len())?;
    Ok(found)
}

/// Returns the columns `wanted` of the rows that match `filter`.
pub(super) async fn find_where(
    session: &Session,
    id: EntityId,
    wanted: &[ColumnId],
    filter: Filter,
) -> Result<Vec<RowInput>> {
    Ok(rows_of(&readable(session, id, find_any(session, id, wanted, filter).await?)?, wanted))
}

/// Returns the columns `wanted` of the rows that match `filter`, whose values may be unreadable.
pub(super) async fn find_any(
    session: &Session,
    id: EntityId,
    wanted: &[ColumnId],
    filter: Filter,
) -> Result<RowSet> {
    let rows = Rows { columns: wanted.to_vec(), ..Rows::unordered() };
    let load = Load::new(Source::of(id).narrow(filter), LoadKind::Rows(rows));
    session.check_complexity(slice::from_ref(&load))?;
    let catalog = session.statements().known_catalog();
    let (query, values) = with_values(session, session.select(&catalog).build(&load, &[]));
    session.statements().query(&query, values).await
}

/// Returns a load that tells whether a row matches `filter`.
pub(super) fn one_row(id: EntityId, filter: Filter) -> Load {
    let page = Page::Slice { limit: Some(1), offset: 0 };
    Load::new(Source::of(id).narrow(filter), LoadKind::Rows(Rows { page, ..Rows::unordered() }))
}

/// Reads the rows of a query.
pub(super) async fn read(session: &Session, id: EntityId, query: SqlStatement) -> Result<RowSet> {
    let (query, values) = with_values(session, query);
    readable(session, id, session.statements().query(&query, values).await?)
}

/// Returns a query to send, with its values.
fn with_values(session: &Session, query: SqlStatement) -> (TrackedStatement, Arc<[Value]>) {
    let values = session.select(Catalog::none()).values(&query, &[], &[]);
    (query.into(), values)
}

/// Checks that all keys are readable, because later statements find the rows by key.
pub(super) fn readable(session: &Session, id: EntityId, rows: RowSet) -> Result<RowSet> {
    match rows.has_unreadable() {
        true => {
            Err(Error::unreadable(&session.model().entities[id].name, None, "a key of a row to be written"))
        }
        false => Ok(rows),
    }
}

/// Returns those `keys` that no row of an entity has.
pub(super) async fn missing_keys(
    session: &Session,
    id: EntityId,
    columns: &[ColumnId],
    keys: Vec<Vec<Value>>,
) -> Result<Vec<Vec<Value>>> {
    let found = find(session, id, columns, columns, &keys).await?;
    let entity = &session.model().entities[id];
    let found: HashSet<Vec<Value>> = found.iter().map(|row| key_of(entity, row, columns)).collect();
    Ok(keys.into_iter().filter(|key| !found.contains(&compared(entity, columns, key))).collect())
}

/// Returns the keys that reference an entity.
pub(super) fn references_to(session: &Session, id: EntityId) -> Vec<Reference<'_>> {
    references(session.model(), session.statements().foreign_keys().as_deref(), id)
}
