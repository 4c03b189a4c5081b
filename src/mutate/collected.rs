//! Deletions by rules of the application: keys are set first, then rows are deleted, referencing rows before
//! referenced ones.

use sea_orm::Value;

use super::delete::{DeletionScope, keys_of};
use super::lookup::references_to;
use super::reference::{Reference, Rule};
use super::row::{RowInput, values_of};
use super::writer::MutationWriter;
use crate::database::SqlError;
use crate::model::{ColumnId, EntityId, OnDelete};

/// Foreign key between deleted rows.
struct Edge {
    child: EntityId,
    target: EntityId,
    /// Nullable columns of the key.
    nullable: Vec<ColumnId>,
}

/// Step of a deletion.
#[derive(Debug, PartialEq, Eq)]
enum DeletionStep {
    /// Sets a key of deleted rows to NULL, so that the referenced rows can be deleted before them.
    Null(EntityId, Vec<ColumnId>),
    Delete(EntityId),
}

impl MutationWriter<'_> {
    /// Deletes all collected rows, and returns the number of directly deleted rows.
    pub async fn delete_collected(&self, reach: &DeletionScope) -> Result<usize, SqlError> {
        let mut edges = Vec::new();
        for (entity, rows) in reach.gone.iter().filter(|(_, rows)| !rows.is_empty()) {
            for reference in references_to(self.session, *entity) {
                let Some(child) = reference.child else { continue };
                if let Rule::Application(rule @ (OnDelete::SetNull | OnDelete::SetDefault)) = reference.rule {
                    self.set_keys(child, &reference, rule, rows).await?;
                }
                let is_checked = reference.enforced && !reference.deferred;
                let goes_along = reach.gone.get(&child).is_some_and(|rows| !rows.is_empty());
                if is_checked && goes_along && child != *entity {
                    let nullable = self.nullable(child, &reference.from);
                    edges.push(Edge { child, target: *entity, nullable });
                }
            }
        }
        let entities = reach.gone.iter().filter(|(_, rows)| !rows.is_empty()).map(|(entity, _)| *entity);
        for step in steps(entities.collect(), edges) {
            match step {
                DeletionStep::Null(entity, columns) => {
                    let values = self.nulls(entity, &columns);
                    let (primary_key, keys) = self.keys_that_go(reach, entity);
                    self.try_to(self.writes().update(entity, &values, primary_key, &keys, &[])).await?;
                }
                DeletionStep::Delete(entity) => {
                    let (primary_key, keys) = self.keys_that_go(reach, entity);
                    self.try_to(self.writes().delete(entity, primary_key, &keys, primary_key)).await?;
                }
            }
        }
        Ok(reach.first)
    }

    /// Sets the keys of remaining rows that reference `rows`.
    async fn set_keys(
        &self,
        child: EntityId,
        reference: &Reference<'_>,
        rule: OnDelete,
        rows: &[RowInput],
    ) -> Result<(), SqlError> {
        let keys = keys_of(rows, &reference.to);
        if keys.is_empty() {
            return Ok(());
        }
        let values = match rule {
            OnDelete::SetDefault => {
                let default = reference.default_key(self.model()).unwrap_or_default();
                reference.from.iter().copied().zip(default).collect()
            }
            _ => self.nulls(child, &self.nullable(child, &reference.from)),
        };
        self.try_to(self.writes().update(child, &values, &reference.from, &keys, &[])).await?;
        Ok(())
    }

    fn nullable(&self, id: EntityId, columns: &[ColumnId]) -> Vec<ColumnId> {
        let entity = &self.model().entities[id];
        columns.iter().copied().filter(|column| entity.columns[*column].nullable).collect()
    }

    fn nulls(&self, id: EntityId, columns: &[ColumnId]) -> Vec<(ColumnId, Value)> {
        let entity = &self.model().entities[id];
        columns.iter().map(|column| (*column, entity.columns[*column].column_type.null())).collect()
    }

    fn keys_that_go(&self, reach: &DeletionScope, id: EntityId) -> (&[ColumnId], Vec<Vec<Value>>) {
        let primary_key = &self.model().entities[id].primary_key;
        let rows = reach.gone.get(&id).map_or(&[][..], Vec::as_slice);
        (primary_key, rows.iter().map(|row| values_of(row, primary_key)).collect())
    }
}

/// Orders the deletion of entities so that immediate foreign keys hold. A cycle is broken at a nullable key;
/// a cycle without one is left to the database.
fn steps(mut entities: Vec<EntityId>, mut edges: Vec<Edge>) -> Vec<DeletionStep> {
    let mut steps = Vec::new();
    while !entities.is_empty() {
        let is_referenced = |entity: &EntityId| {
            edges.iter().any(|edge| edge.target == *entity && entities.contains(&edge.child))
        };
        if let Some(free) = entities.iter().position(|entity| !is_referenced(entity)) {
            steps.push(DeletionStep::Delete(entities.remove(free)));
            continue;
        }
        let is_left = |edge: &Edge| entities.contains(&edge.child) && entities.contains(&edge.target);
        match edges.iter().position(|edge| is_left(edge) && !edge.nullable.is_empty()) {
            Some(place) => {
                let edge = edges.remove(place);
                steps.push(DeletionStep::Null(edge.child, edge.nullable));
            }
            None => steps.push(DeletionStep::Delete(entities.remove(0))),
        }
    }
    steps
}

#[cfg(test)]
mod tests {
    use super::*;

    fn edge(child: EntityId, target: EntityId, nullable: &[ColumnId]) -> Edge {
        Edge { child, target, nullable: nullable.to_vec() }
    }

    #[test]
    fn referencing_rows_are_deleted_first_and_cycles_are_broken() {
        let chain = steps(vec![0, 1, 2], vec![edge(1, 0, &[]), edge(2, 1, &[]), edge(2, 0, &[])]);
        assert_eq!(chain, [DeletionStep::Delete(2), DeletionStep::Delete(1), DeletionStep::Delete(0)]);
        let circle = steps(vec![0, 1, 2], vec![edge(1, 0, &[]), edge(0, 1, &[7]), edge(2, 0, &[])]);
        assert_eq!(
            circle,
            [
                DeletionStep::Delete(2),
                DeletionStep::Null(0, vec![7]),
                DeletionStep::Delete(1),
                DeletionStep::Delete(0)
            ]
        );
        let closed = steps(vec![0, 1], vec![edge(1, 0, &[]), edge(0, 1, &[])]);
        assert_eq!(closed, [DeletionStep::Delete(0), DeletionStep::Delete(1)]);
    }
}
