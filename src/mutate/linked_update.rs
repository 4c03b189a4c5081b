//! An existing row, changed or only read, with links to other rows of many-to-many relations, written by one statement:
//!
//! ```sql
//! WITH "students" AS (SELECT … FROM "students" WHERE "id" = $1),
//!      "course_students" AS (INSERT INTO "course_students" ("student_id", "course_id")
//!         SELECT "id", $2 FROM "students" ON CONFLICT ("student_id", "course_id") DO NOTHING)
//! SELECT … FROM "students" AS "main"
//! ```
//!
//! A row that is only read needs no lock if the database has the junction's foreign key, which keeps the row. Links are only
//! added, so that the statement comes wholly before or wholly after another write of the same list.

use sea_orm::Value;
use sea_orm::sea_query::LockType;

use super::alone::{SingleStatement, SingleWrite};
use super::change::{LinkWrite, NestedWrite, Update};
use super::composed::{Composed, ReturnedRow};
use super::returnable::is_row;
use super::touched;
use super::unlink::Through;
use crate::model::{ColumnId, EntityId, Relation, RelationId};

impl SingleWrite<'_> {
    /// Returns the statement that changes a row, and adds links to existing rows. `None` if it could not return the result, or if
    /// a nested write is another one.
    pub(super) async fn update_linked(
        &self,
        id: EntityId,
        key: &[Value],
        update: &Update,
    ) -> Option<SingleStatement> {
        let (load, selection) = self.load(id)?;
        // Another transaction may have changed the row and its relations since the snapshot of the statement, which then reads
        // the row of now with the relations of before.
        if !is_row(&load) {
            return None;
        }
        let model = self.writer.model();
        let entity = &model.entities[id];
        let row = self.changed(id, update).await?;
        let set: Vec<ColumnId> = row.columns().collect();
        let given = set.iter().copied().collect();
        let values: Vec<(ColumnId, Value)> = row.into_iter().collect();
        let mut composed = Composed::default();
        self.announce(&mut composed, id, Some(ReturnedRow { relation: None, given }))?;
        let writes = self.writer.writes();
        let (by, keys) = (&entity.primary_key, [key.to_vec()]);
        match set.is_empty() {
            true => {
                let lock = (!self.are_keys_enforced(id, update)).then_some(LockType::NoKeyUpdate);
                composed.add(&entity.table, writes.read_whole(id, by, &keys, lock), Vec::new());
            }
            false => {
                let touches = touched::by_update(model, writes.keys.as_deref(), id, &set);
                composed.add(&entity.table, writes.update_whole(id, &values, by, &keys), touches);
            }
        }
        for (place, write) in &update.nested {
            let relation = &entity.relations[*place];
            let (NestedWrite::Links(write), Some(junction)) = (write, &relation.junction) else {
                return None;
            };
            self.add_links(&mut composed, Through { owner: id, relation, junction }, write)?;
        }
        self.compose(composed, load, selection)
    }

    /// Returns true if the database has the foreign keys from the links of these nested writes to their owner.
    fn are_keys_enforced(&self, id: EntityId, update: &Update) -> bool {
        let entity = &self.writer.model().entities[id];
        let Some(keys) = self.writer.session.statements().foreign_keys() else { return false };
        let is_enforced = |(place, _): &(RelationId, NestedWrite)| {
            let Relation { from, junction, .. } = &entity.relations[*place];
            let owned: Vec<String> = from.iter().map(|column| entity.columns[*column].name.clone()).collect();
            junction.as_ref().is_some_and(|junction| {
                let mut references = keys.referencing(&entity.table).iter();
                references
                    .any(|key| keys.is(&key.table, &junction.table) && key.meets(&junction.from, &owned))
            })
        };
        update.nested.iter().all(is_enforced)
    }

    /// Adds the links of the returned row. `None` if more than links to existing rows is written, or if a link is more than its
    /// two ends.
    fn add_links(&self, composed: &mut Composed, through: Through<'_>, write: &LinkWrite) -> Option<()> {
        let LinkWrite { disconnect, set: None, connect, create } = write else { return None };
        let Through { relation, junction, .. } = through;
        let (from, to) = self.writer.junction_columns(through);
        let pair = [&from[..], &to[..]].concat();
        let id = junction.entity?;
        let entity = &self.writer.model().entities[id];
        let is_end = |column: ColumnId| pair.iter().any(|(name, _)| *name == entity.columns[column].name);
        let is_plain = disconnect.is_empty()
            && create.is_empty()
            && !junction.is_symmetrical
            && connect.iter().all(|(key, own)| own.is_empty() && key.columns == relation.to)
            && entity.filled_defaults().all(|(column, _)| is_end(column))
            && self.writer.is_unique_pair(junction, &pair);
        if !is_plain {
            return None;
        }
        if connect.is_empty() {
            return Some(());
        }
        self.announce(composed, id, None)?;
        let targets: Vec<Vec<Value>> = connect.iter().map(|(key, _)| key.values.clone()).collect();
        let links = self.writer.writes().insert_links_of_returned(through, (&from, &to), &targets)?;
        composed.add(&junction.table, links, vec![junction.table.clone()]);
        Some(())
    }
}
