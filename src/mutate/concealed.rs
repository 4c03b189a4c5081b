//! Refusals of the database, as a role may know them: a constraint must tell no more than looking would have told.

use std::collections::HashSet;

use sea_orm::Value;
use sea_orm::sea_query::{Alias, Expr, Query as Sql, SelectStatement};

use super::attempt::Attempt;
use super::lookup::{find, one_row, read};
use super::row::{RowInput, key_of, values_of};
use crate::error::{Code, Error, Result};
use crate::execute::Session;
use crate::model::{ColumnId, ColumnType, Entity, EntityId};
use crate::plan::{Check, Filter};
use crate::policy::RowAction;

/// Returns the error of a refused statement of a role. A row that the role may not leave behind is `FORBIDDEN`, whatever
/// constraint refused it. The checks of the other rows were not reached.
///
/// # Errors
/// If the rows cannot be checked.
pub(super) async fn concealed(session: &Session, error: Error, attempt: Attempt<'_>) -> Result<Error> {
    let is_constraint =
        matches!(error.code(), Code::UniqueViolation | Code::ForeignKeyViolation | Code::CheckViolation);
    let viewer = session.viewer();
    let (true, Some(sight)) = (is_constraint, viewer.sight()) else { return Ok(error) };
    let action = if attempt.at.is_some() { RowAction::Update } else { RowAction::Create };
    let rules = sight.rules.writes(attempt.entity, action);
    let Some(rule) = rules.and_then(|rules| rules.check.as_ref()) else { return Ok(error) };
    session.statements().rollback().await?;
    let outside = session.outside();
    let entity = &session.model().entities[attempt.entity];
    let rows = attempted_rows(&outside, attempt).await?;
    if rows.is_empty() {
        return Ok(error);
    }
    let load = one_row(attempt.entity, Filter::everything());
    let check = Check { rule, written: &[], rows: Some(as_table(&outside, entity, &rows)) };
    let catalog = outside.statements().known_catalog();
    let query = outside.viewer().select(&catalog).failing(&load, check);
    let failing = read(outside.viewer(), attempt.entity, query).await?;
    Ok(if failing.is_empty() { error } else { Error::write_forbidden(&entity.name, action.name()) })
}

/// Returns true if a row that the viewer does not see has the same unique key, over these columns, as an attempted row.
pub(super) async fn hides_conflict(
    session: &Session,
    id: EntityId,
    key: &[ColumnId],
    attempt: Attempt<'_>,
) -> Result<bool> {
    session.statements().rollback().await?;
    let outside = session.outside();
    let entity = &session.model().entities[id];
    let primary_key = &entity.primary_key;
    let rows = if attempt.entity == id { attempted_rows(&outside, attempt).await? } else { Vec::new() };
    let values: Vec<Vec<Value>> =
        rows.iter().map(|row| values_of(row, key)).filter(|values| values.len() == key.len()).collect();
    let found = find(&outside, id, primary_key, key, &values).await?;
    let seen = find(outside.viewer(), id, primary_key, key, &values).await?;
    let mut known: HashSet<Vec<Value>> = seen.iter().map(|row| key_of(entity, row, primary_key)).collect();
    if let Some((by, keys)) = attempt.at {
        let own = find(&outside, id, primary_key, by, keys).await?;
        known.extend(own.iter().map(|row| key_of(entity, row, primary_key)));
    }
    Ok(rows.is_empty() || found.iter().any(|row| !known.contains(&key_of(entity, row, primary_key))))
}

/// Returns the rows as the refused statement would have left them.
async fn attempted_rows(session: &Session, attempt: Attempt<'_>) -> Result<Vec<RowInput>> {
    let Some((by, keys)) = attempt.at else { return Ok(attempt.rows.to_vec()) };
    let all: Vec<ColumnId> = (0..session.model().entities[attempt.entity].columns.len()).collect();
    let mut rows = Vec::new();
    for (place, key) in keys.iter().enumerate() {
        // One change for all rows, or one for each.
        let Some(change) = attempt.rows.get(place).or(attempt.rows.first()) else { continue };
        for mut row in find(session, attempt.entity, &all, by, std::slice::from_ref(key)).await? {
            row.extend(change.clone());
            rows.push(row);
        }
    }
    Ok(rows)
}

/// Builds rows as a table of their entity. A column without a value has its default.
fn as_table(session: &Session, entity: &Entity, rows: &[RowInput]) -> SelectStatement {
    let types: Vec<ColumnType> = entity.columns.iter().map(|column| column.column_type.clone()).collect();
    let values = |row: &RowInput| -> Vec<Value> {
        let columns = entity.columns.iter().enumerate();
        columns
            .map(|(id, column)| {
                let default = || column.default.clone().unwrap_or_else(|| column.column_type.null());
                row.get(id).cloned().unwrap_or_else(default)
            })
            .collect()
    };
    let list = session.dialect().list(session.model(), &types, rows.iter().map(values));
    let mut named = Sql::select();
    named.from_subquery(list, Alias::new("given"));
    for (place, column) in entity.columns.iter().enumerate() {
        named.expr_as(Expr::col(Alias::new(format!("c{place}"))), Alias::new(&column.name));
    }
    named
}
