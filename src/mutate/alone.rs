//! Mutations of one statement, which commits by itself: neither BEGIN nor COMMIT, and no second look at the written row.

use std::collections::BTreeSet;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::slice;
use std::sync::Arc;

use async_graphql::parser::types::SelectionSet;
use async_graphql::{Name, PathSegment};
use futures_util::future::BoxFuture;
use sea_orm::Value;

use super::change::{Create, ForwardLink, Update};
use super::kept_write::{KeptValue, KeptWrite, KeptWrites, Template, is_constant, kept_values};
use super::lookup::references_to;
use super::reference::follows_rules;
use super::returnable::{is_row, may_be_rounded_up};
use super::root::{Change, Failed, RootWrite, write_field};
use super::row::RowInput;
use super::statement::{WriteStatement, is_changed_on_conflict};
use super::writer::MutationWriter;
use super::written::WrittenRows;
use crate::database::{AloneWrite, CommitSharing, ExecutionStats, RowSet, SqlError, WrittenAlone};
use crate::error::LocatedError;
use crate::execute::{Child, Json, Session, object};
use crate::model::{ColumnId, EntityId, Model, RelationId, Table};
use crate::plan::{Document, FieldKind, Join, Load, LoadKind, Selection};

/// Carries out a mutation of one root field by one statement, which is kept with the document.
///
/// Returns `None`, with nothing written, if the mutation needs more than one statement, if the statement cannot return the result,
/// or if the database refused it. In a transaction, the refusal can be described.
///
/// Boxed: its type would be a part of the future of every mutation.
pub(super) fn write_alone<'a>(
    session: &'a Session,
    change: &'a Change<'_>,
    document: Document<'a>,
    kept: &'a KeptWrites,
    operation: &'a SelectionSet,
) -> BoxFuture<'a, Option<Result<Json, Failed>>> {
    Box::pin(async move {
        if session.sight().is_some() || !session.statements().write_alone_is_possible() {
            return None;
        }
        let written = WrittenRows::default();
        let writer = MutationWriter { session, trial: None, written: &written };
        let (statement, given) = find_or_build(writer, change, document, kept, operation).await?;
        let values = statement.values(&given);
        if values.iter().any(may_be_rounded_up) {
            return None;
        }
        send(writer, change, statement, values).await
    })
}

/// Returns the statement of a mutation, and the values that the client gives.
async fn find_or_build(
    writer: MutationWriter<'_>,
    change: &Change<'_>,
    document: Document<'_>,
    kept: &KeptWrites,
    operation: &SelectionSet,
) -> Option<(Arc<KeptWrite>, Vec<Value>)> {
    let statements = writer.session.statements();
    let (catalog, keys) = (statements.known_catalog(), statements.foreign_keys());
    if let Some((template, given)) = Template::of(&change.write, change.position, &catalog, keys.as_ref()) {
        let statement = match kept.find(&template) {
            Some(known) => known,
            None => {
                let alone = SingleWrite { writer, document, change, write: &template.write };
                let built = match is_constant(operation, document.fragments) {
                    true => alone.statement().await.and_then(|built| alone.prepare(built, given.len())),
                    false => None,
                };
                let built = built.map(Arc::new);
                kept.keep(template, built.clone());
                built
            }
        };
        if let Some(statement) = statement {
            return Some((statement, given));
        }
    }
    let alone = SingleWrite { writer, document, change, write: &change.write };
    let built = alone.statement().await?;
    Some((Arc::new(alone.prepare(built, 0)?), Vec::new()))
}

/// Answer of a statement that writes one row.
enum RowAnswer {
    Row(Json),
    NoRow,
    Unreadable(Failed),
}

/// Sends a statement, and writes the answer from the row that it returns.
async fn send(
    writer: MutationWriter<'_>,
    change: &Change<'_>,
    statement: Arc<KeptWrite>,
    values: Arc<[Value]>,
) -> Option<Result<Json, Failed>> {
    let path = || vec![PathSegment::Field(change.key.to_string())];
    let failed = |error| vec![LocatedError::new(error, change.position, path())];
    let sharing = statement
        .may_share_commit
        .then(|| CommitSharing { last_run: &statement.last_run, lock_order: lock_order(&change.write) });
    let KeptWrite { sql, columns, touches, .. } = &*statement;
    let answer = {
        let (model, key, statement) = (writer.session.model().clone(), change.key.clone(), statement.clone());
        move |rows| write_answer(&model, &key, &statement, rows)
    };
    let write = AloneWrite { sql, values: &values, columns, touches, sharing };
    match writer.session.statements().write_alone(write, answer).await {
        Ok(WrittenAlone { answer: RowAnswer::NoRow, .. }) => match &change.write {
            RootWrite::Update { entity, key, .. } | RootWrite::Delete { entity, key } => {
                let by = &writer.model().entities[*entity].primary_key;
                Some(Err(failed(writer.no_row(*entity, by, key))))
            }
            // New rows are not left out without a reason, which the transaction finds.
            _ => None,
        },
        Ok(WrittenAlone { is_taken_back: true, .. }) => None,
        Ok(WrittenAlone { answer: RowAnswer::Row(json), .. }) => Some(Ok(json)),
        Ok(WrittenAlone { answer: RowAnswer::Unreadable(errors), .. }) => Some(Err(errors)),
        Err(error) if is_described_in_a_transaction(&error) => None,
        Err(error) => Some(Err(failed(error.into()))),
    }
}

/// Returns the position of a write among those that lock rows: equal for equal keys of an entity.
fn lock_order(write: &RootWrite) -> u64 {
    let mut hash = DefaultHasher::new();
    let mut add = |value: &Value| match value {
        Value::Int(key) => key.hash(&mut hash),
        Value::BigInt(key) => key.hash(&mut hash),
        Value::String(key) => key.hash(&mut hash),
        other => other.to_string().hash(&mut hash),
    };
    match write {
        RootWrite::Update { entity, key, .. } | RootWrite::Delete { entity, key } => {
            key.iter().for_each(&mut add);
            entity.hash(&mut hash);
        }
        RootWrite::Upsert { entity, create, key } => {
            let is_key = |(column, _): &&(ColumnId, Value)| key.contains(column);
            create.values.iter().filter(is_key).for_each(|(_, value)| add(value));
            entity.hash(&mut hash);
        }
        // New rows wait for no other row.
        _ => return 0,
    }
    hash.finish()
}

/// Writes the answer from the returned row. An error takes the statement back, if the database still can.
fn write_answer(
    model: &Model,
    key: &Name,
    statement: &KeptWrite,
    rows: RowSet,
) -> Result<RowAnswer, RowAnswer> {
    let KeptWrite { joins, plan, .. } = statement;
    let (false, Some(load)) = (rows.is_empty(), plan.loads.first()) else { return Err(RowAnswer::NoRow) };
    // A cell beside the selection, such as a numbered key.
    let is_readable = !rows.has_unreadable();
    let written = write_field(model, plan, &[Ok(Child::of_written(rows, load, joins))], Vec::new());
    let value = written.map_err(RowAnswer::Unreadable)?;
    let row = RowAnswer::Row(object([(key.as_str(), value.as_slice())].into_iter()));
    if is_readable { Ok(row) } else { Err(row) }
}

/// Returns true if the transaction that follows meets the same refusal, and finds its words.
fn is_described_in_a_transaction(error: &SqlError) -> bool {
    // A statement that ran out of time would do so again.
    error.refusal().is_some_and(|refusal| refusal.code != SqlError::QUERY_CANCELED)
}

/// Statement that writes, and returns the result.
pub(super) struct SingleStatement {
    /// Load of the result.
    pub load: Load,
    /// Selection of the result.
    pub selection: Selection,
    pub statement: WriteStatement,
    /// Joined relations, for each of the load's children.
    pub joins: Vec<Option<Join>>,
}

/// Root field of a mutation.
pub(super) struct SingleWrite<'a> {
    pub writer: MutationWriter<'a>,
    document: Document<'a>,
    change: &'a Change<'a>,
    /// The write, or a template of it.
    write: &'a RootWrite,
}

impl SingleWrite<'_> {
    /// Returns the statement, if one is enough.
    async fn statement(&self) -> Option<SingleStatement> {
        match self.write {
            RootWrite::Create { entity, creates, many: false } => {
                let create = creates.first()?;
                let (load, selection) = self.load(*entity)?;
                match create.has_nested_writes() || !is_row(&load) {
                    true if !self.composes() => None,
                    true => self.insert_nested(*entity, create, load, selection).await,
                    false => self.insert(*entity, create, None, load, selection).await,
                }
            }
            RootWrite::Upsert { entity, create, key } => {
                let (load, selection) = self.load(*entity)?;
                self.insert(*entity, create, Some(key), load, selection).await
            }
            RootWrite::Update { entity, key, update } => match update.nested.is_empty() {
                true => self.update(*entity, key, update).await,
                false if !self.composes() => None,
                false => self.update_linked(*entity, key, update).await,
            },
            RootWrite::Delete { entity, key } => self.delete(*entity, key),
            RootWrite::Create { .. }
            | RootWrite::UpdateMany { .. }
            | RootWrite::DeleteMany { .. }
            | RootWrite::Application(_)
            | RootWrite::TypeName => None,
        }
    }

    async fn insert(
        &self,
        id: EntityId,
        create: &Create,
        conflict: Option<&[ColumnId]>,
        load: Load,
        selection: Selection,
    ) -> Option<SingleStatement> {
        if create.has_nested_writes() || self.writer.asks_first(id, &create.forward) {
            return None;
        }
        let row = self.row(id, create.values.iter().cloned().collect(), &create.forward).await?;
        let entity = &self.writer.model().entities[id];
        let columns: BTreeSet<ColumnId> = row.columns().collect();
        if let Some(key) = conflict
            && self
                .changes_references(id, columns.iter().filter(|id| is_changed_on_conflict(entity, key, **id)))
        {
            return None;
        }
        // An existing row keeps its generated values.
        let keeps = |column: &&ColumnId| conflict.is_some() && entity.columns[**column].generated;
        let given = columns.iter().filter(|column| !keeps(column)).copied().collect();
        let returned = self.returned(id, &load, &given)?;
        // The transaction moves a new row whose number is too large.
        if self.writer.numbered_key(id, &columns).is_some_and(|key| !returned.contains(&key)) {
            return None;
        }
        let (statement, _) = self.writer.insertion(id, columns, vec![row], &returned, conflict);
        Some(SingleStatement { load, selection, statement, joins: Vec::new() })
    }

    async fn update(&self, id: EntityId, key: &[Value], update: &Update) -> Option<SingleStatement> {
        let row = self.changed(id, update).await?;
        if row.is_empty() {
            return None;
        }
        let (load, selection) = self.load(id)?;
        let returned = self.returned(id, &load, &row.columns().collect())?;
        let by = &self.writer.model().entities[id].primary_key;
        let set: Vec<(ColumnId, Value)> = row.into_iter().collect();
        let statement = self.writer.writes().update(id, &set, by, &[key.to_vec()], &returned);
        Some(SingleStatement { load, selection, statement, joins: Vec::new() })
    }

    /// Returns the new values of a row. `None` if a link needs statements first, or if a changed key may change the row once more,
    /// through a key of the table that references it.
    pub(super) async fn changed(&self, id: EntityId, update: &Update) -> Option<RowInput> {
        if self.writer.asks_first(id, &update.forward) {
            return None;
        }
        let row = self.row(id, update.values.iter().cloned().collect(), &update.forward).await?;
        let columns: Vec<ColumnId> = row.columns().collect();
        (!self.changes_references(id, &columns)).then_some(row)
    }

    /// Returns true if new values of these columns may change keys that reference the row.
    fn changes_references<'c>(&self, id: EntityId, columns: impl IntoIterator<Item = &'c ColumnId>) -> bool {
        let entity = &self.writer.model().entities[id];
        let mut columns = columns.into_iter();
        if self.writer.session.statements().foreign_keys().is_none() {
            return columns.any(|column| entity.keys().any(|(_, key)| key.contains(column)));
        }
        let references = references_to(self.writer.session, id);
        let is_followed = |column: &ColumnId| {
            references.iter().any(|reference| reference.follows_updates && reference.to.contains(column))
        };
        columns.any(|column| entity.primary_key.contains(column) || is_followed(column))
    }

    fn delete(&self, id: EntityId, key: &[Value]) -> Option<SingleStatement> {
        let known = self.writer.session.statements().foreign_keys();
        if follows_rules(self.writer.model(), known.as_deref(), id) {
            return None;
        }
        let (load, selection) = self.load(id)?;
        let returned = self.returned(id, &load, &BTreeSet::new())?;
        let by = &self.writer.model().entities[id].primary_key;
        let statement = self.writer.writes().delete(id, by, &[key.to_vec()], &returned);
        Some(SingleStatement { load, selection, statement, joins: Vec::new() })
    }

    /// Returns a row with the keys of its links. An error of the links is found again in the transaction.
    pub(super) async fn row(
        &self,
        id: EntityId,
        values: RowInput,
        links: &[(RelationId, ForwardLink)],
    ) -> Option<RowInput> {
        let mut rows = [values];
        self.writer.follow(id, vec![links], &mut rows).await.ok()?;
        let [row] = rows;
        Some(row)
    }

    /// Returns the load of the result, and its selection, unless a filter hides rows of the entity.
    pub(super) fn load(&self, id: EntityId) -> Option<(Load, Selection)> {
        let session = self.writer.session;
        let (load, selection) = session.planner(self.document).written(id, &self.change.selection).ok()?;
        session.check_cost(slice::from_ref(&load), 1).ok()?;
        load.source.filter().is_everything().then_some((load, selection))
    }

    /// Returns true if one statement can write rows of several tables.
    fn composes(&self) -> bool {
        self.writer.session.dialect().features().has_writing_expressions
    }

    /// Returns the columns of the result, if a statement that writes a row of the entity returns all of it.
    fn returned(&self, id: EntityId, load: &Load, given: &BTreeSet<ColumnId>) -> Option<Vec<ColumnId>> {
        let LoadKind::Rows(rows) = &load.what else { return None };
        let returns_all = match self.writer.session.dialect().features().checks_column_types {
            true => self.writer.are_readable(id, &rows.columns, given),
            // A statement whose row is not readable is taken back.
            false => self.writer.is_plain(&self.writer.model().entities[id].table),
        };
        (is_row(load) && returns_all).then(|| rows.columns.clone())
    }

    /// Returns true if a statement that writes these tables may share its commit.
    fn may_share_commit(&self, touches: &[Table]) -> bool {
        let keys = self.writer.session.statements().foreign_keys();
        let has_deferred = keys.is_none_or(|keys| keys.has_deferred());
        !has_deferred && touches.iter().all(|table| self.writer.is_plain(table))
    }

    /// Returns a built statement with the places of its values. `None` if a placeholder of the template is not a value by itself.
    fn prepare(&self, built: SingleStatement, placeholders: usize) -> Option<KeptWrite> {
        let SingleStatement { load, selection, statement, joins } = built;
        let WriteStatement { statement, columns, touches, .. } = statement;
        let values = statement.values.map(|values| values.0).unwrap_or_default();
        let values = match placeholders {
            0 => values.into_iter().map(KeptValue::Fixed).collect(),
            count => kept_values(&statement.sql, values, count)?,
        };
        let kind = FieldKind::One { load: 0, selection, key: None, non_null: true };
        Some(KeptWrite {
            sql: statement.sql.into(),
            values,
            columns: columns.into(),
            joins,
            plan: self.change.plan(&self.change.key, load, kind),
            may_share_commit: self.may_share_commit(&touches),
            last_run: ExecutionStats::default(),
            touches: self.writer.with_triggered(&touches).into_iter().collect(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_keys_have_one_lock_order() {
        let delete = |entity, key: i32| lock_order(&RootWrite::Delete { entity, key: vec![key.into()] });
        assert_eq!(delete(1, 7), delete(1, 7));
        assert_ne!(delete(1, 7), delete(1, 8));
        assert_ne!(delete(1, 7), delete(2, 7));
        let upsert = |key: i32, other: i32| {
            let create = Create { values: vec![(0, key.into()), (1, other.into())], ..Create::default() };
            lock_order(&RootWrite::Upsert { entity: 1, create, key: vec![0] })
        };
        assert_eq!(upsert(7, 1), upsert(7, 2));
        assert_ne!(upsert(7, 1), upsert(8, 1));
        let create = RootWrite::Create { entity: 1, creates: Vec::new(), many: false };
        assert_eq!(lock_order(&create), 0);
    }
}
