//! Updates of existing rows.

use sea_orm::Value;
use sea_orm::sea_query::LockType;

use super::change::{ForwardLink, Update};
use super::constraint::Attempt;
use super::writer::{MutationWriter, RowInput, rows_of, values_of};
use crate::error::Result;
use crate::model::{ColumnId, EntityId};

use futures_util::future::BoxFuture;

impl MutationWriter<'_> {
    /// Applies one change to the rows whose columns `by` match one of `keys`. Returns the new columns
    /// `wanted` and the primary key of each. Boxed, because changes nest.
    pub fn update<'b>(
        &'b self,
        id: EntityId,
        by: &'b [ColumnId],
        keys: Vec<Vec<Value>>,
        update: Update,
        wanted: &'b [ColumnId],
    ) -> BoxFuture<'b, Result<Vec<RowInput>>> {
        Box::pin(async move {
            // Rows are found first: without a row no referenced row is created, and a created row never
            // matches itself.
            let (by, keys) = if self.asks_first(id, &update) {
                let primary_key = &self.model().entities[id].primary_key;
                let found = self.lock(id, primary_key, by, &keys, LockType::NoKeyUpdate).await?;
                if found.is_empty() {
                    return Ok(Vec::new());
                }
                (&primary_key[..], found.iter().map(|row| values_of(row, primary_key)).collect())
            } else {
                (by, keys)
            };
            let paths = [update.path];
            let mut values = [RowInput::from_iter(update.values)];
            self.follow(id, vec![update.forward], &mut values).await?;
            let [values] = values;
            let returning = self.returning(id, wanted, update.nested.iter().map(|(relation, _)| relation));
            let rows = if values.is_empty() {
                // The lock serializes nested writes below a row: two concurrent writes of one list would
                // otherwise mix.
                self.lock(id, &returning, by, &keys, LockType::NoKeyUpdate).await?
            } else {
                let set: Vec<(ColumnId, Value)> = values.clone().into_iter().collect();
                let write = self.writes().update(id, &set, by, &keys, &returning);
                let at = Some((by, &keys[..]));
                let attempt = Attempt { at, paths: &paths, ..Attempt::of(id, std::slice::from_ref(&values)) };
                rows_of(&self.send(write, attempt).await?, &returning)
            };
            for (relation, nested) in update.nested {
                let nested = rows.iter().map(|row| (row.clone(), nested.clone())).collect();
                self.write_nested(id, relation, nested).await?;
            }
            Ok(rows)
        })
    }

    /// Returns true if a link of the change needs statements before the rows themselves are changed.
    fn asks_first(&self, id: EntityId, update: &Update) -> bool {
        let relations = &self.model().entities[id].relations;
        update.forward.iter().any(|(relation, link)| match link {
            ForwardLink::Null => false,
            ForwardLink::Key(key) => key.columns != relations[*relation].to,
            ForwardLink::Create(_) => true,
        })
    }
}
