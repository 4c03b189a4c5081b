//! Results from the rows that a statement returned, without a second look at their table.

use std::collections::BTreeSet;
use std::slice;

use super::change::{Create, ForwardLink, LinkWrite, NestedWrite, ToManyWrite, ToOneWrite};
use super::operation::Operation;
use super::root::{Failed, write_field};
use super::row::RowInput;
use super::writer::MutationWriter;
use crate::database::RowSet;
use crate::execute::{Child, Json};
use crate::model::{ColumnId, ColumnType, EntityId, RelationId, Table};
use crate::plan::{FieldKind, Load, LoadKind, Selection};

/// Result of created rows, read from what their INSERT returns.
pub(super) struct ReturnedResult {
    /// Columns of the result.
    pub columns: Vec<ColumnId>,
    load: Load,
    selection: Selection,
}

impl Operation<'_> {
    /// Returns the result of new rows, if their INSERT returns all of it, and if nothing in the operation changes them afterwards.
    pub(super) fn returned_by_insert(&self, id: EntityId, creates: &[Create]) -> Option<ReturnedResult> {
        if self.writer.is_ruled() || !creates.iter().all(|create| self.writer.leaves(id, id, create)) {
            return None;
        }
        let session = self.writer.session;
        let (load, selection) = session.planner(self.document).written(id, &self.change.selection).ok()?;
        let LoadKind::Rows(rows) = &load.what else { return None };
        let columns = rows.columns.clone();
        let is_returned = is_row(&load)
            && load.source.filter().is_everything()
            && self.writer.are_readable(id, &columns, &BTreeSet::new());
        is_returned.then_some(ReturnedResult { columns, load, selection })
    }

    /// Writes the result of new rows.
    pub(super) fn answer_returned(
        &self,
        result: ReturnedResult,
        created: &[RowInput],
        many: bool,
    ) -> Result<Json, Failed> {
        let session = self.writer.session;
        let checked = session.check_cost(slice::from_ref(&result.load), 1);
        let counted = checked.and_then(|()| session.statements().count_rows(created.len()));
        counted.map_err(|error| self.failed(error))?;
        let ReturnedResult { columns, load, selection } = result;
        let described = &session.model().entities[load.source.entity()].columns;
        let types: Vec<ColumnType> = columns.iter().map(|id| described[*id].column_type.clone()).collect();
        let values = created.iter().flat_map(|row| columns.iter().filter_map(|id| row.get(id).cloned()));
        let rows = Child::of_written(RowSet::of_values(values, types.into()), &load, &[]);
        let kind = match many {
            true => FieldKind::List { load: 0, selection },
            false => FieldKind::One { load: 0, selection, key: None, non_null: true },
        };
        let plan = self.change.plan(&self.change.key, load, kind);
        write_field(session.model(), &plan, &[Ok(rows)], Vec::new())
    }
}

impl MutationWriter<'_> {
    /// Returns true if these columns are readable whatever their values, since nothing can be taken back, and if nothing changes
    /// returned rows of the table. The values of `given` columns have been checked.
    pub fn are_readable(&self, id: EntityId, columns: &[ColumnId], given: &BTreeSet<ColumnId>) -> bool {
        let entity = &self.model().entities[id];
        let catalog = self.session.statements().known_catalog();
        let Some(never_null) = catalog.never_null_untriggered(&entity.table) else { return false };
        columns.iter().all(|column| {
            let described = &entity.columns[*column];
            let is_given = given.contains(column);
            (is_given || is_always_readable(&described.column_type))
                && (is_given || described.nullable || never_null.contains(&described.name))
        })
    }

    /// Returns true if no trigger or rule changes written rows of the table.
    pub fn is_untriggered(&self, table: &Table) -> bool {
        self.session.statements().known_catalog().never_null_untriggered(table).is_some()
    }

    /// Returns true if the nested writes of a new row only add rows of other tables than that of the entity `id`, and no trigger
    /// changes any.
    fn leaves(&self, id: EntityId, owner: EntityId, create: &Create) -> bool {
        let entities = &self.model().entities;
        let is_apart = |target: EntityId, create: &Create| {
            target != id && self.is_untriggered(&entities[target].table) && self.leaves(id, target, create)
        };
        let relation = |place: &RelationId| &entities[owner].relations[*place];
        let is_forward_apart = |(place, link): &(RelationId, ForwardLink)| match link {
            ForwardLink::Create(create) => is_apart(relation(place).target, create),
            ForwardLink::Key(_) | ForwardLink::Null => true,
        };
        let is_nested_apart = |(place, write): &(RelationId, NestedWrite)| {
            let relation = relation(place);
            match write {
                NestedWrite::ToOne(write) => match &**write {
                    ToOneWrite { removal: None, update: None, upsert: None, connect: None, create } => {
                        create.iter().all(|create| is_apart(relation.target, create))
                    }
                    _ => false,
                },
                NestedWrite::ToMany(ToManyWrite { disconnect, delete, set, update, connect, create }) => {
                    disconnect.is_empty()
                        && delete.is_empty()
                        && set.is_none()
                        && update.is_empty()
                        && connect.is_empty()
                        && create.iter().all(|create| is_apart(relation.target, create))
                }
                NestedWrite::Links(LinkWrite { disconnect, set, connect: _, create }) => {
                    let junction = relation.junction.as_ref().map(|junction| &junction.table);
                    disconnect.is_empty()
                        && set.is_none()
                        && junction.is_some_and(|table| self.is_untriggered(table))
                        && create.iter().all(|(create, _)| is_apart(relation.target, create))
                }
            }
        };
        create.forward.iter().all(is_forward_apart) && create.nested.iter().all(is_nested_apart)
    }
}

/// Returns true if a load reads columns of its rows alone.
pub(super) fn is_row(load: &Load) -> bool {
    load.children().is_empty() && load.computed().is_empty()
}

/// Returns true if every stored value of this type has a form in the API.
fn is_always_readable(column_type: &ColumnType) -> bool {
    use ColumnType::{BigInt, Boolean, Int, SmallInt, Text, Uuid};
    matches!(column_type, Boolean | SmallInt | Int | BigInt | Text | Uuid)
}
