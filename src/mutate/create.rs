//! Creates rows, in input order.

use std::collections::BTreeSet;
use std::slice;

use futures_util::future::BoxFuture;

use super::attempt::Attempt;
use super::change::Create;
use super::row::{RowInput, rows_of};
use super::statement::WriteStatement;
use super::update::NestedWrites;
use super::writer::MutationWriter;
use crate::error::Result;
use crate::model::{ColumnId, ColumnType, Entity, EntityId, RelationId};
use crate::plan::InputPath;
use crate::policy::RowAction;

impl MutationWriter<'_> {
    /// Creates rows of one entity with their nested writes: referenced rows first, then the rows, then
    /// referencing rows. Each row comes with the values that its parent determines. With `conflict`, a row
    /// whose key exists updates the existing row.
    ///
    /// Returns the columns `wanted` and the primary key of each row, in order. With `None` the caller needs no rows, and the
    /// database may return none. Boxed, because rows nest.
    pub fn create<'b>(
        &'b self,
        id: EntityId,
        creates: Vec<(&'b Create, RowInput)>,
        wanted: Option<&'b [ColumnId]>,
        conflict: Option<&'b [ColumnId]>,
    ) -> BoxFuture<'b, Result<Vec<RowInput>>> {
        Box::pin(async move {
            if creates.is_empty() {
                return Ok(Vec::new());
            }
            let mut rows = Vec::new();
            let mut paths = Vec::new();
            let mut links = Vec::new();
            let mut changes = Vec::new();
            for (create, place) in creates {
                let mut row = place;
                row.extend(create.values.iter().cloned());
                row.extend(self.set_values(id, RowAction::Create)?);
                rows.push(row);
                paths.push(create.path.clone());
                links.push(&create.forward[..]);
                changes.push(&create.nested[..]);
            }
            self.follow(id, links, &mut rows).await?;
            let relations = changes.iter().copied().flatten().map(|(relation, _)| relation);
            let has_nested = changes.iter().any(|changes| !changes.is_empty());
            let returning = match wanted {
                None if !has_nested && self.is_unread(id) => Vec::new(),
                wanted => self.returning(id, wanted.unwrap_or_default(), relations),
            };
            let existing = match (conflict, &rows[..]) {
                (Some(key), [row]) if self.is_ruled() => {
                    self.update_existing(id, row, key, &paths[0], &returning).await?
                }
                _ => None,
            };
            let created = match existing {
                Some(row) => vec![row],
                None => {
                    let conflict = conflict.filter(|_| !self.is_ruled());
                    let created = self.insert(id, (rows, paths), &returning, conflict).await?;
                    self.check(id, RowAction::Create, &created).await?;
                    created
                }
            };
            let mut nested = NestedWrites::new();
            for (row, changes) in created.iter().zip(changes) {
                self.add_nested(id, &mut nested, slice::from_ref(row), changes);
            }
            self.write_nested(id, nested).await?;
            Ok(created)
        })
    }

    /// Returns true if nothing is read of a new row besides what its writer wants: no rule of a role checks the row, the database
    /// skips none, and gives it no number beyond its type.
    fn is_unread(&self, id: EntityId) -> bool {
        let numbers_beyond_type = self.session.dialect().features().numbers_beyond_type;
        !numbers_beyond_type && !self.is_verified(&self.model().entities[id].table)
    }

    /// Returns the columns that a written row must return: its primary key, `wanted`, and the keys of nested
    /// relations.
    pub fn returning<'r>(
        &self,
        id: EntityId,
        wanted: &[ColumnId],
        nested: impl Iterator<Item = &'r RelationId>,
    ) -> Vec<ColumnId> {
        let entity = &self.model().entities[id];
        let mut columns = entity.primary_key.clone();
        let keys = nested.flat_map(|relation| &entity.relations[*relation].from);
        for column in wanted.iter().chain(keys) {
            if !columns.contains(column) {
                columns.push(*column);
            }
        }
        columns
    }

    /// Builds the statement that inserts rows of these columns; also returns the rows, with their defaults.
    pub fn insertion(
        &self,
        id: EntityId,
        columns: BTreeSet<ColumnId>,
        rows: Vec<RowInput>,
        returning: &[ColumnId],
        conflict: Option<&[ColumnId]>,
    ) -> (WriteStatement, Vec<RowInput>) {
        let entity = &self.model().entities[id];
        let columns: Vec<ColumnId> = columns.into_iter().collect();
        let conflict = conflict.map(|key| self.writes().on_conflict(entity, key, &columns));
        let (columns, rows) = with_defaults(entity, columns, rows);
        (self.writes().insert(id, &columns, &rows, returning, conflict), rows)
    }

    /// Inserts rows. The databases create and return the rows of a statement in the order of its values.
    async fn insert(
        &self,
        id: EntityId,
        (rows, paths): (Vec<RowInput>, Vec<InputPath>),
        returning: &[ColumnId],
        conflict: Option<&[ColumnId]>,
    ) -> Result<Vec<RowInput>> {
        let count = rows.len();
        let mut inserted = Vec::new();
        let mut sent = 0;
        for (columns, rows) in self.writes().parts_of(id, rows) {
            let numbered = self.numbered_key(id, &columns);
            let (mut write, rows) = self.insertion(id, columns, rows, returning, conflict);
            let place = numbered.and_then(|key| returning.iter().position(|column| *column == key));
            if let Some(place) = place {
                write.columns[place] = ColumnType::BigInt;
            }
            let paths = paths.get(sent..).unwrap_or_default();
            sent += rows.len();
            let attempt = Attempt { paths, ..Attempt::of(id, &rows) };
            let returned = self.send(write, attempt).await?;
            let mut returned = rows_of(&returned, returning);
            if let Some(key) = numbered {
                self.keep_in_range(id, key, &mut returned, paths).await?;
            }
            inserted.extend(returned);
        }
        if inserted.len() != count && !returning.is_empty() {
            return Err(self.skipped(id));
        }
        Ok(inserted)
    }
}

/// Adds the values of missing columns whose defaults the database does not have.
pub(super) fn with_defaults(
    entity: &Entity,
    mut columns: Vec<ColumnId>,
    mut rows: Vec<RowInput>,
) -> (Vec<ColumnId>, Vec<RowInput>) {
    for (id, value) in entity.filled_defaults() {
        for row in &mut rows {
            if !row.has(id) {
                row.insert(id, value.clone());
            }
        }
        if !columns.contains(&id) {
            columns.push(id);
        }
    }
    (columns, rows)
}
