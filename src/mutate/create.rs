//! New rows, as many as are given with one statement for each shape.

use std::collections::BTreeMap;

use futures_util::future::BoxFuture;
use indexmap::IndexMap;
use sea_orm::Value;

use super::change::{Below, Create};
use super::constraint::Attempt;
use super::writer::{Row, Writer, rows_of};
use crate::error::{Error, Result};
use crate::model::{ColumnId, EntityId, RelationId};

impl Writer<'_> {
    /// Makes rows of one entity and all that hangs on them: first the rows they point at, then themselves, then
    /// those that point at them. Each comes with the values that its place gives it. With `conflict`, rows whose
    /// key is taken change the row that has it.
    ///
    /// Returns the columns `wanted` and the primary key of each, in their order. Boxed, since rows nest.
    pub fn create<'b>(
        &'b self,
        id: EntityId,
        creates: Vec<(Create, Row)>,
        wanted: &'b [ColumnId],
        conflict: Option<&'b [ColumnId]>,
    ) -> BoxFuture<'b, Result<Vec<Row>>> {
        Box::pin(async move {
            if creates.is_empty() {
                return Ok(Vec::new());
            }
            let mut rows = Vec::new();
            let mut paths = Vec::new();
            let mut links = Vec::new();
            let mut below: BTreeMap<RelationId, Vec<(usize, Below)>> = BTreeMap::new();
            for (index, (create, place)) in creates.into_iter().enumerate() {
                let mut row = place;
                row.extend(create.values);
                rows.push(row);
                paths.push(create.path);
                links.push(create.forward);
                for (relation, nested) in create.below {
                    below.entry(relation).or_default().push((index, nested));
                }
            }
            self.follow(id, links, &mut rows).await?;
            let returning = self.returning(id, wanted, below.keys());
            let created = self.insert(id, (rows, paths), &returning, conflict).await?;
            for (relation, nested) in below {
                let nested =
                    nested.into_iter().map(|(index, below)| (created[index].clone(), below)).collect();
                self.write_below(id, relation, nested).await?;
            }
            Ok(created)
        })
    }

    /// What a written row must come back with: its primary key, what is wanted, and the keys of what hangs on it.
    pub fn returning<'r>(
        &self,
        id: EntityId,
        wanted: &[ColumnId],
        below: impl Iterator<Item = &'r RelationId>,
    ) -> Vec<ColumnId> {
        let entity = &self.model().entities[id];
        let mut columns = entity.primary_key.clone();
        let keys = below.flat_map(|relation| &entity.relations[*relation].from);
        for column in wanted.iter().chain(keys) {
            if !columns.contains(column) {
                columns.push(*column);
            }
        }
        columns
    }

    /// One statement for each set of columns that rows give, in the order in which they are first met: columns left
    /// out take their defaults. The databases return the rows of a statement in the order of its values.
    async fn insert(
        &self,
        id: EntityId,
        (rows, paths): (Vec<Row>, Vec<String>),
        returning: &[ColumnId],
        conflict: Option<&[ColumnId]>,
    ) -> Result<Vec<Row>> {
        let mut inserted: Vec<Option<Row>> = vec![None; rows.len()];
        let mut shapes: IndexMap<Vec<ColumnId>, Vec<(usize, Row)>> = IndexMap::new();
        for (index, row) in rows.into_iter().enumerate() {
            shapes.entry(row.keys().copied().collect()).or_default().push((index, row));
        }
        let entity = &self.model().entities[id];
        for (columns, rows) in shapes {
            for part in rows.chunks(self.writes().rows_per_insert(columns.len())) {
                let attempted: Vec<Row> = part.iter().map(|(_, row)| row.clone()).collect();
                let values =
                    attempted.iter().map(|row| row.values().cloned().collect::<Vec<Value>>()).collect();
                let conflict = conflict.map(|key| self.writes().on_conflict(entity, key, &columns));
                let write = self.writes().insert(id, &columns, values, returning, conflict);
                let paths: Vec<String> = part.iter().map(|(index, _)| paths[*index].clone()).collect();
                let attempt = Attempt { paths: &paths, ..Attempt::of(id, &attempted) };
                let returned = self.send(write, attempt).await?;
                for ((index, _), row) in part.iter().zip(rows_of(&returned, returning)) {
                    inserted[*index] = Some(row);
                }
            }
        }
        let all: Option<Vec<Row>> = inserted.into_iter().collect();
        all.ok_or_else(|| Error::internal("the database returned fewer rows than it was given"))
    }
}
