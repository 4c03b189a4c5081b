//! Named rows that the database skipped: a trigger left them as they were, or a constraint that ignores conflicts.

use std::collections::HashSet;

use sea_orm::Value;

use super::lookup::{find, find_any};
use super::row::{RowInput, key_of};
use super::writer::MutationWriter;
use crate::error::{Error, Result};
use crate::model::{ColumnId, EntityId};
use crate::plan::Filter;

impl MutationWriter<'_> {
    /// Builds the error of a row that the database skipped. Links without a type are not named.
    pub fn skipped(&self, id: EntityId) -> Error {
        let cause = "a trigger or a rule of the database skipped a row, or moved it out of sight";
        let entity = &self.session.viewer().model().entities[id];
        Error::rule_violation(if entity.exposed { &entity.name } else { "" }, "").caused_by(cause)
    }

    /// Returns the rows whose columns `by` match one of `keys`, with all columns. Unreadable values count as equal.
    pub async fn whole_rows(
        &self,
        id: EntityId,
        by: &[ColumnId],
        keys: &[Vec<Value>],
    ) -> Result<HashSet<Vec<Value>>> {
        let columns: Vec<ColumnId> = (0..self.model().entities[id].columns.len()).collect();
        let found = find_any(self.session, id, &columns, Filter::one_of(by, keys.to_vec())).await?;
        self.session.statements().count_rows(found.len())?;
        Ok((0..found.len()).map(|row| found.values(row).collect()).collect())
    }

    /// Checks that an UPDATE wrote each existing row whose columns `by` match one of `keys`. `written` are its returned rows, with
    /// their primary keys.
    ///
    /// A plain table skips no row, and is not asked again.
    ///
    /// # Errors
    /// `CHECK_VIOLATION` if the database skipped a row.
    pub async fn require_written(
        &self,
        id: EntityId,
        by: &[ColumnId],
        keys: &[Vec<Value>],
        written: &[RowInput],
    ) -> Result<()> {
        let entity = &self.model().entities[id];
        if written.len() >= keys.len() || self.is_plain(&entity.table) {
            return Ok(());
        }
        let primary_key = &entity.primary_key;
        let there = find(self.session, id, primary_key, by, keys).await?;
        let written: HashSet<Vec<Value>> =
            written.iter().map(|row| key_of(entity, row, primary_key)).collect();
        match there.iter().all(|row| written.contains(&key_of(entity, row, primary_key))) {
            true => Ok(()),
            false => Err(self.skipped(id)),
        }
    }
}
