//! A new row with the new rows of its to-one relations, inserted by one statement.
//!
//! The result may also read existing rows that the new row references. The statement reads them in the snapshot of its beginning,
//! while the database checks the key later. A row that another transaction has added in between would be missing in the
//! result, so the new row is inserted only if the snapshot has the referenced row.

use std::collections::BTreeSet;

use futures_util::future::BoxFuture;
use sea_orm::Value;
use sea_orm::sea_query::Expr;

use super::alone::{SingleStatement, SingleWrite};
use super::change::{Create, ForwardLink, NestedWrite, ToOneWrite};
use super::composed::{Composed, ReturnedRow, cell};
use super::row::RowInput;
use super::touched;
use crate::model::{ColumnId, Declaration, EntityId, JoinColumns, Relation, RelationId};
use crate::plan::{Load, Selection};

impl SingleWrite<'_> {
    /// Returns the statement that creates a row with its nested rows. `None` if it could not return the result, or if a
    /// nested write is more than a new row of a to-one relation.
    pub(super) async fn insert_nested(
        &self,
        id: EntityId,
        create: &Create,
        load: Load,
        selection: Selection,
    ) -> Option<SingleStatement> {
        let mut composed = Composed::default();
        let mut read = BTreeSet::new();
        add_relations(&mut read, &load);
        self.add_new(&mut composed, &read, id, create, Vec::new(), None).await?;
        self.compose(composed, load, selection)
    }

    /// Adds a row, after the new rows that the row references and before those that reference the row. `links` are the
    /// columns of its keys to rows added before; `read` are the relations of the result.
    fn add_new<'b>(
        &'b self,
        composed: &'b mut Composed,
        read: &'b BTreeSet<(EntityId, RelationId)>,
        id: EntityId,
        create: &'b Create,
        mut links: Vec<(ColumnId, Expr)>,
        relation: Option<(EntityId, RelationId)>,
    ) -> BoxFuture<'b, Option<()>> {
        Box::pin(async move {
            let model = self.writer.model();
            let entity = &model.entities[id];
            let given = create.values.iter().map(|(column, _)| *column).collect();
            self.announce(composed, id, Some(ReturnedRow { relation, given }))?;
            let mut known_links = Vec::new();
            for (place, link) in &create.forward {
                let ForwardLink::Create(target) = link else {
                    known_links.push((*place, link.clone()));
                    continue;
                };
                let Relation { target: target_id, from, to, .. } = &entity.relations[*place];
                self.add_new(composed, read, *target_id, target, Vec::new(), Some((id, *place))).await?;
                links.extend(from.iter().copied().zip(to.iter().map(|to| cell(model, *target_id, *to))));
            }
            if self.writer.asks_first(id, &known_links) {
                return None;
            }
            let row = self.row(id, create.values.iter().cloned().collect(), &known_links).await?;
            let checks = self.checks_of_read_targets(id, &row, &links, read)?;
            // Without the row, the rows around it must be missing too.
            if !checks.is_empty() && (relation.is_some() || create.has_nested_writes()) {
                return None;
            }
            // The transaction compares two links that set one column.
            let mut columns: BTreeSet<ColumnId> = row.columns().collect();
            if !links.iter().all(|(column, _)| columns.insert(*column)) {
                return None;
            }
            let insert = self.writer.writes().insert_linked(id, row, links, checks)?;
            composed.add(&entity.table, insert, touched::by_insert(model, id));
            for (place, write) in &create.nested {
                let NestedWrite::ToOne(write) = write else { return None };
                let ToOneWrite {
                    removal: None,
                    update: None,
                    upsert: None,
                    connect: None,
                    create: Some(create),
                } = &**write
                else {
                    return None;
                };
                let Relation { target, from, to, .. } = &entity.relations[*place];
                let links = to.iter().copied().zip(from.iter().map(|from| cell(model, id, *from)));
                self.add_new(composed, read, *target, create, links.collect(), Some((id, *place))).await?;
            }
            Some(())
        })
    }

    /// Returns the conditions that the existing rows which a new row references, and the result reads, are in the snapshot of the
    /// statement. `None` if the database may choose such a row.
    fn checks_of_read_targets(
        &self,
        id: EntityId,
        row: &RowInput,
        links: &[(ColumnId, Expr)],
        read: &BTreeSet<(EntityId, RelationId)>,
    ) -> Option<Vec<Expr>> {
        let entity = &self.writer.model().entities[id];
        let mut checks = Vec::new();
        for (place, relation) in entity.relations.iter().enumerate() {
            let JoinColumns { from, to, .. } = &relation.join;
            let is_linked = from.iter().any(|column| links.iter().any(|(linked, _)| linked == column));
            let is_forward = relation.declaration == Declaration::BelongsTo;
            if !is_forward || is_linked || !read.contains(&(id, place)) {
                continue;
            }
            let values: Vec<Option<&Value>> = from.iter().map(|column| row.get(*column)).collect();
            let is_left_null = |(column, value): (&ColumnId, &Option<&Value>)| match value {
                Some(value) => **value == value.as_null(),
                None => !entity.columns[*column].has_default && !entity.columns[*column].fills_default,
            };
            if from.iter().zip(&values).any(is_left_null) {
                continue;
            }
            let values: Option<Vec<Value>> = values.into_iter().map(Option::<&Value>::cloned).collect();
            checks.push(self.writer.writes().row_exists(relation.target, to, &values?));
        }
        Some(checks)
    }
}

/// Adds the relations that a load reads.
fn add_relations(read: &mut BTreeSet<(EntityId, RelationId)>, load: &Load) {
    read.extend(load.relation);
    for child in load.children() {
        add_relations(read, child);
    }
}
