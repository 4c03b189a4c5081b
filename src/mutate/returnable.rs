//! Results that a writing statement can return: readable whatever their values, and changed by nothing afterwards.

use std::collections::BTreeSet;

use chrono::Timelike;
use sea_orm::Value;

use super::change::{Create, ForwardLink, LinkWrite, NestedWrite, ToManyWrite, ToOneWrite};
use super::writer::MutationWriter;
use crate::model::{ColumnId, ColumnType, EntityId, RelationId, Table};
use crate::plan::Load;

/// Last second of a day.
const LAST_SECOND: u32 = 86_399;

impl MutationWriter<'_> {
    /// Returns true if these columns are readable whatever their values, since nothing can be taken back, and if nothing changes
    /// returned rows of the table. The values of `given` columns have been checked.
    pub fn are_readable(&self, id: EntityId, columns: &[ColumnId], given: &BTreeSet<ColumnId>) -> bool {
        if !self.session.dialect().features().checks_column_types {
            return false;
        }
        let entity = &self.model().entities[id];
        let catalog = self.session.statements().known_catalog();
        let Some(never_null) = catalog.never_null_of_plain(&entity.table) else { return false };
        columns.iter().all(|column| {
            let described = &entity.columns[*column];
            let is_given = given.contains(column);
            (is_given || is_always_readable(&described.column_type))
                && (is_given || described.nullable || never_null.contains(&described.name))
        })
    }

    /// Returns true if the database neither changes nor skips written rows of the table by itself, and writes no other table
    /// besides following foreign keys.
    pub fn is_plain(&self, table: &Table) -> bool {
        self.session.statements().known_catalog().never_null_of_plain(table).is_some()
    }

    /// Returns true if written rows of the table are looked at again: those of a role, and those that the database may skip.
    pub fn is_verified(&self, table: &Table) -> bool {
        self.is_ruled() || !self.is_plain(table)
    }

    /// Returns true if the nested writes of a new row only add rows of other tables than that of the entity `id`, and no trigger
    /// changes any.
    pub fn leaves(&self, id: EntityId, owner: EntityId, create: &Create) -> bool {
        let entities = &self.model().entities;
        let is_apart = |target: EntityId, create: &Create| {
            target != id && self.is_plain(&entities[target].table) && self.leaves(id, target, create)
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
                NestedWrite::ToMany(write) => {
                    let ToManyWrite { disconnect, delete, set, update, connect, create } = &**write;
                    disconnect.is_empty()
                        && delete.is_empty()
                        && set.is_none()
                        && update.is_empty()
                        && connect.is_empty()
                        && create.iter().all(|create| is_apart(relation.target, create))
                }
                NestedWrite::Links(write) => {
                    let LinkWrite { disconnect, set, connect: _, create } = &**write;
                    let junction = relation.junction.as_ref().map(|junction| &junction.table);
                    disconnect.is_empty()
                        && set.is_none()
                        && junction.is_some_and(|table| self.is_plain(table))
                        && create.iter().all(|(create, _)| is_apart(relation.target, create))
                }
            }
        };
        create.forward.iter().all(is_forward_apart) && create.nested.iter().all(is_nested_apart)
    }
}

/// Returns true if a column of fewer digits may round the value beyond the range of its type: `time(0)` makes `24:00:00` of
/// `23:59:59.5`, which is no time of day here.
pub(super) fn may_be_rounded_up(value: &Value) -> bool {
    let Value::ChronoTime(Some(time)) = value else { return false };
    time.num_seconds_from_midnight() == LAST_SECOND && time.nanosecond() > 0
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
