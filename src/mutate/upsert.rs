//! Upserts of a role: the existing row is looked up, because the rules of new rows and of changed rows differ.

use sea_orm::Value;
use sea_orm::sea_query::LockType;

use super::attempt::Attempt;
use super::naming::fields;
use super::purpose::Purpose;
use super::row::{RowInput, has_null, rows_of, values_of};
use super::statement::is_changed_on_conflict;
use super::writer::MutationWriter;
use crate::error::{Error, Result};
use crate::model::{ColumnId, EntityId};
use crate::plan::InputPath;
use crate::policy::RowAction;

impl MutationWriter<'_> {
    /// Changes the row with the same `key`, and returns the columns `returning`. `None` if there is no such row.
    ///
    /// # Errors
    /// `UNIQUE_VIOLATION` if the role may not change the row.
    pub async fn update_existing(
        &self,
        id: EntityId,
        row: &RowInput,
        key: &[ColumnId],
        path: &InputPath,
        returning: &[ColumnId],
    ) -> Result<Option<RowInput>> {
        let keys = [values_of(row, key)];
        if keys[0].len() < key.len() || has_null(&keys[0]) {
            return Ok(None);
        }
        let entity = &self.model().entities[id];
        let primary_key = &entity.primary_key;
        if self.lock(id, primary_key, key, &keys, LockType::NoKeyUpdate).await?.is_empty() {
            return Ok(None);
        }
        let (by, keys) = self.allowed(Purpose::Update, id, key, keys.to_vec()).await?;
        if keys.is_empty() {
            return Err(self.taken(id, key, &values_of(row, key)).await?);
        }
        let set_in_new_rows = self.row_rules(id, RowAction::Create)?.map(|rules| &rules.set[..]);
        let is_changed = |column: &ColumnId| {
            is_changed_on_conflict(entity, key, *column)
                && !set_in_new_rows.into_iter().flatten().any(|(set, _)| set == column)
        };
        let mut values: RowInput = row.clone().into_iter().filter(|(column, _)| is_changed(column)).collect();
        values.extend(self.set_values(id, RowAction::Update)?);
        if values.is_empty() {
            return Ok(self.lock(id, returning, &by, &keys, LockType::NoKeyUpdate).await?.pop());
        }
        let set: Vec<(ColumnId, Value)> = values.clone().into_iter().collect();
        let write = self.writes().update(id, &set, &by, &keys, returning);
        let (rows, paths) = ([values], [path.clone()]);
        let attempt = Attempt { at: Some((&by, &keys)), paths: &paths, ..Attempt::of(id, &rows) };
        let changed = rows_of(&self.send(write, attempt).await?, returning);
        self.require_written(id, &by, &keys, &changed).await?;
        self.check(id, RowAction::Update, &changed).await?;
        Ok(changed.into_iter().next())
    }

    /// Builds the error of a key that another row has: without fields if the viewer does not see that row.
    async fn taken(&self, id: EntityId, key: &[ColumnId], values: &[Value]) -> Result<Error> {
        let entity = &self.session.viewer().model().entities[id];
        let seen = self.named(Purpose::Link, id, &entity.primary_key, key, &[values.to_vec()]).await?;
        let fields = if seen.is_empty() { Vec::new() } else { fields(entity, key) };
        Ok(Error::unique_violation(&entity.name, &fields))
    }
}
