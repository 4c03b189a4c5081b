//! Mutation operation: one transaction, fields in order, each read back before the next.

use std::slice;
use std::sync::Arc;
use std::time::{Duration, Instant};

use async_graphql::parser::types::OperationDefinition;
use async_graphql::{Name, PathSegment, Value as ConstValue};
use indexmap::IndexMap;
use sea_orm::Value;

use super::alone::write_alone;
use super::application::ApplicationFields;
use super::change::Update;
use super::committed::{CommitHook, CommittedWrites};
use super::constraint::{is_found_by_trial, refusal_at_the_end};
use super::delete::DeletionScope;
use super::kept_write::KeptWrites;
use super::lookup::{find, find_where};
use super::purpose::Purpose;
use super::root::{Change, Failed, MUTATION, RootWrite, read, write_field};
use super::row::{RowInput, values_of};
use super::touched;
use super::trial::Trial;
use super::writer::MutationWriter;
use super::written::WrittenRows;
use crate::database::CommitNotice;
use crate::error::{Code, Error, LocatedError, Result, Retry};
use crate::execute::{Child, Json, Session, Tree, json, object};
use crate::model::{Entity, EntityId};
use crate::plan::{Document, FieldKind, Filter, Load, LoadKind, NodeGroup, OrderTerm};
use crate::policy::RowAction;

/// Maximum number of retries after a conflict that may persist.
const FEW_TIMES: u32 = 5;

/// Maximum pause before the second attempt; doubles with each further attempt.
const FIRST_PAUSE: Duration = Duration::from_millis(20);

/// Maximum time that an operation which met a conflict waits for its turn before an attempt. Longer than several deadlock
/// checks of PostgreSQL, of one second each.
const TURN_PATIENCE: Duration = Duration::from_secs(10);

/// Maximum time that another operation lets those go first. Longer than one deadlock check.
const COURTESY: Duration = Duration::from_secs(2);

/// Maximum pause before any attempt.
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// Executes a mutation atomically.
///
/// # Errors
/// Returns the errors with their paths; nothing was written.
pub async fn mutate(
    session: &Session,
    operation: &OperationDefinition,
    document: Document<'_>,
    application: &dyn ApplicationFields,
    kept: &KeptWrites,
    on_commit: Option<&CommitHook>,
) -> Result<Json, Failed> {
    let changes = read(session, operation, document, application).await?;
    // Loads the catalog now, because a transaction does not query it.
    session.statements().catalog().await;
    if let ([only], None) = (&changes[..], on_commit)
        && let Some(done) = write_alone(session, only, document, kept, &operation.selection_set.node).await
    {
        return done;
    }
    let started = Instant::now();
    let mut attempt = 0;
    let mut trial = None;
    let mut queued = None;
    loop {
        let patience = if queued.is_some() { TURN_PATIENCE } else { COURTESY };
        let turn = session.conflicts().turn(patience).await;
        let done = attempt_once(session, &changes, document, application, trial.as_ref(), on_commit).await;
        drop(turn);
        match done {
            Err(FailedAttempt::AtTheEnd(_)) if trial.is_none() => trial = Some(Trial::default()),
            Err(FailedAttempt::AtOnce(errors)) => {
                let pause = pause(attempt);
                let has_time = started.elapsed() + pause < session.retry_time();
                if !errors.iter().any(|located| is_worth_trying(&located.error, attempt, has_time)) {
                    return Err(errors);
                }
                tracing::debug!(attempt, "a conflict with a concurrent operation; retrying");
                queued.get_or_insert_with(|| session.conflicts().join());
                tokio::time::sleep(pause).await;
                attempt += 1;
                trial = trial.map(|_| Trial::default());
            }
            Err(FailedAttempt::AtTheEnd(errors)) => return Err(errors),
            Ok(answer) => return Ok(answer),
        }
    }
}

/// Returns true if an operation with this error is retried, after this number of attempts.
fn is_worth_trying(error: &Error, attempts: u32, has_time: bool) -> bool {
    match error.retry() {
        Retry::Never => false,
        // The transaction that created the row has committed: the second attempt sees the row.
        Retry::Once => attempts == 0,
        Retry::FewTimes => attempts < FEW_TIMES,
        Retry::WhileTimeAllows => has_time,
    }
}

/// Returns a random pause below a growing bound (full jitter). Operations that conflicted spread over the whole
/// range, and do not meet again at once.
fn pause(attempts: u32) -> Duration {
    let longest = FIRST_PAUSE.saturating_mul(1 << attempts.min(16)).min(LONGEST_PAUSE);
    let part = f64::from(uuid::Uuid::new_v4().as_fields().0) / f64::from(u32::MAX);
    longest.mul_f64(part)
}

/// Time of an operation's failure.
enum FailedAttempt {
    AtOnce(Failed),
    /// A constraint that is checked at the end of the transaction failed, or may have failed: a row to read
    /// back is missing.
    AtTheEnd(Failed),
}

async fn attempt_once(
    session: &Session,
    changes: &[Change<'_>],
    document: Document<'_>,
    application: &dyn ApplicationFields,
    trial: Option<&Trial>,
    on_commit: Option<&CommitHook>,
) -> Result<Json, FailedAttempt> {
    let at_root = |error: Error| vec![error.into()];
    let is_of_application = |change: &Change<'_>| matches!(change.write, RootWrite::Application(_));
    let begun = match changes.iter().any(is_of_application) {
        true => Box::pin(session.begin_pooled()).await,
        false => session.begin().await,
    };
    let (inside, transaction) = begun.map_err(|error| FailedAttempt::AtOnce(at_root(error)))?;
    let (inside, written) = (Arc::new(inside.with_full_sight()), WrittenRows::default());
    let writer = MutationWriter { session: &inside, trial, written: &written };
    let mut done = carry_out(writer, &inside, changes, document, application).await;
    let is_lost = done.as_ref().err().is_some_and(|errors| !errors.iter().all(is_not_found));
    if trial.is_some() && !is_lost {
        match Box::pin(writer.judge()).await {
            Ok(None) => {}
            Ok(Some((root, error))) => {
                done = Err(vec![at_field(error, &changes[root])]);
            }
            Err(error) => done = Err(at_root(error)),
        }
    }
    let answer = match done {
        Ok(answer) => answer,
        Err(errors) => {
            if let Err(error) = transaction.rollback().await {
                // The connection is lost, and the transaction with it.
                tracing::warn!(%error, "a transaction could not be rolled back");
            }
            let keys = session.statements().foreign_keys();
            let may_be_deferred = keys.is_some_and(|keys| keys.has_deferred());
            return Err(match may_be_deferred && errors.iter().any(is_not_found) {
                true => FailedAttempt::AtTheEnd(errors),
                false => FailedAttempt::AtOnce(errors),
            });
        }
    };
    let notice = on_commit.cloned().map(|hook| {
        let rows = written.counts(inside.model());
        Box::new(move |is_certain| hook.run(CommittedWrites { rows, is_certain })) as CommitNotice
    });
    match transaction.commit(notice).await {
        Ok(()) => Ok(answer),
        // A constraint that is checked at the end of the transaction.
        Err(error) => {
            let is_found = is_found_by_trial(&error);
            let error = Box::pin(refusal_at_the_end(session, error)).await;
            let errors = match changes {
                [only] => vec![at_field(error, only)],
                _ => at_root(error),
            };
            Err(if is_found { FailedAttempt::AtTheEnd(errors) } else { FailedAttempt::AtOnce(errors) })
        }
    }
}

/// Returns the error of a root field.
fn at_field(error: Error, change: &Change<'_>) -> LocatedError {
    LocatedError::new(error, change.position, vec![PathSegment::Field(change.key.to_string())])
}

fn is_not_found(located: &LocatedError) -> bool {
    located.error.code() == Code::NotFound
}

async fn carry_out(
    writer: MutationWriter<'_>,
    session: &Arc<Session>,
    changes: &[Change<'_>],
    document: Document<'_>,
    application: &dyn ApplicationFields,
) -> Result<Json, Failed> {
    let mut answers = Vec::new();
    for (root, change) in changes.iter().enumerate() {
        if let Some(trial) = writer.trial {
            trial.begin(root);
        }
        if let RootWrite::Application(field) = &change.write {
            // The tables that the application writes are not known.
            session.statements().touch(touched::every(session.model()));
            answers.push(application.resolve(session, field).await?);
            continue;
        }
        let operation = Operation { writer, document, change };
        answers.push(operation.run().await?);
    }
    let keys = changes.iter().map(|change| change.key.as_str());
    Ok(object(keys.zip(answers.iter().map(Vec::as_slice))))
}

/// Execution of one root field inside the transaction.
pub(super) struct Operation<'a> {
    pub writer: MutationWriter<'a>,
    pub document: Document<'a>,
    pub change: &'a Change<'a>,
}

impl Operation<'_> {
    async fn run(&self) -> Result<Json, Failed> {
        let failed = |error| self.failed(error);
        match &self.change.write {
            // The application resolves its fields itself.
            RootWrite::TypeName | RootWrite::Application(_) => Ok(json(&MUTATION)),
            RootWrite::Create { entity, creates, many } => {
                let returned = self.returned_by_insert(*entity, creates);
                let wanted = returned.as_ref().map_or(&[][..], |result| &result.columns);
                let rows = creates.iter().map(|create| (create, RowInput::default())).collect();
                let created = self.writer.create(*entity, rows, Some(wanted), None).await.map_err(failed)?;
                match returned {
                    Some(result) => self.answer_returned(result, &created, *many),
                    None => self.read_rows(*entity, &created, *many, &[RowAction::Create]).await,
                }
            }
            RootWrite::Update { entity, key, update } => {
                let by = &self.entity(*entity).primary_key;
                let allowed = self.writer.allowed(Purpose::Update, *entity, by, vec![key.clone()]).await;
                let (columns, keys) = allowed.map_err(failed)?;
                let updated = self.writer.update(*entity, &columns, &keys, update).await.map_err(failed)?;
                self.writer.require_written(*entity, &columns, &keys, &updated).await.map_err(failed)?;
                if updated.is_empty() {
                    return Err(failed(self.writer.no_row(*entity, by, key)));
                }
                self.read_rows(*entity, &updated, false, &[RowAction::Update]).await
            }
            RootWrite::UpdateMany { entity, filter, update } => {
                self.update_many(*entity, filter, update).await
            }
            RootWrite::Upsert { entity, create, key } => {
                let creates = vec![(create, RowInput::default())];
                let written =
                    self.writer.create(*entity, creates, Some(&[]), Some(key)).await.map_err(failed)?;
                let actions = [RowAction::Create, RowAction::Update];
                self.read_rows(*entity, &written, false, &actions).await
            }
            RootWrite::Delete { entity, key } => {
                let by = &self.entity(*entity).primary_key;
                // Locked, so that the returned row is the deleted row.
                let keys = slice::from_ref(key);
                let found =
                    self.writer.named(Purpose::Delete, *entity, by, by, keys).await.map_err(failed)?;
                if found.is_empty() {
                    return Err(failed(self.writer.no_row(*entity, by, key)));
                }
                let answer = self.read_rows(*entity, &found, false, &[]).await?;
                let deleted = self.writer.delete_all(*entity, by, keys).await.map_err(failed)?;
                // A policy of the database hid the row from the statement.
                if deleted == 0 && self.writer.is_plain(&self.entity(*entity).table) {
                    return Err(failed(self.writer.no_row(*entity, by, key)));
                }
                Ok(answer)
            }
            RootWrite::DeleteMany { entity, filter } => {
                self.delete_many(*entity, filter).await.map_err(failed)
            }
        }
    }

    fn entity(&self, id: EntityId) -> &Entity {
        &self.writer.session.model().entities[id]
    }

    fn path(&self) -> Vec<PathSegment> {
        vec![PathSegment::Field(self.change.key.to_string())]
    }

    /// Builds the error of the whole field.
    pub fn failed(&self, error: Error) -> Failed {
        vec![LocatedError::new(error, self.change.position, self.path())]
    }

    async fn update_many(&self, id: EntityId, filter: &Filter, update: &Update) -> Result<Json, Failed> {
        let failed = |error| self.failed(error);
        let entity = self.entity(id);
        let by = &entity.primary_key;
        let keys = self.writer.choose(id, filter.clone(), Purpose::Update).await.map_err(failed)?;
        let updated = match keys.is_empty() {
            true => Vec::new(),
            false => self.writer.update(id, by, &keys, update).await.map_err(failed)?,
        };
        let type_name = &entity.types.update_result;
        let mut answer = Vec::new();
        for field in self.document.collect(&self.change.selection, type_name, &[]).map_err(failed)? {
            let value = match field.name().as_str() {
                "__typename" => json(type_name),
                "affected" => json(&updated.len()),
                _ => {
                    let keys: Vec<Vec<Value>> = updated.iter().map(|row| values_of(row, by)).collect();
                    let sets = field.selection_sets();
                    let (mut load, selection) =
                        self.viewer().planner(self.document).written(id, &sets).map_err(failed)?;
                    load.source = load.source.narrow(Filter::one_of(by, keys));
                    if let LoadKind::Rows(rows) = &mut load.what {
                        rows.order = OrderTerm::primary_key(entity);
                    }
                    let kind = FieldKind::List { load: 0, selection };
                    self.read_field(field.key, load, kind, self.path(), 0).await?
                }
            };
            answer.push((field.key, value));
        }
        Ok(put_together(&answer))
    }

    async fn delete_many(&self, id: EntityId, filter: &Filter) -> Result<Json> {
        let by = &self.entity(id).primary_key;
        let keys = self.writer.choose(id, filter.clone(), Purpose::Delete).await?;
        let fields = self.document.collect(&self.change.selection, DELETE_RESULT, &[])?;
        let asks_cascaded = fields.iter().any(|field| field.name() == "cascaded");
        // Locked level by level, so that no other transaction adds a row below those that were counted.
        let reach = if asks_cascaded {
            self.writer.reach(id, by, &keys, true).await?
        } else {
            DeletionScope::default()
        };
        let cascaded = self.seen_cascaded(&reach).await?;
        let affected = if keys.is_empty() { 0 } else { self.writer.delete_rows(id, by, &keys).await? };
        let mut answer = Vec::new();
        for field in fields {
            let value = match field.name().as_str() {
                "__typename" => json(&DELETE_RESULT),
                "affected" => json(&affected),
                _ => {
                    let mut counts = Vec::new();
                    for (entity, rows) in &cascaded {
                        let mut count = IndexMap::new();
                        for nested in self.document.collect(&field.selection_sets(), CASCADED_COUNT, &[])? {
                            let value = match nested.name().as_str() {
                                "__typename" => ConstValue::from(CASCADED_COUNT),
                                "entity" => ConstValue::from(self.entity(*entity).name.as_str()),
                                _ => ConstValue::from(*rows),
                            };
                            count.insert(nested.key.clone(), value);
                        }
                        counts.push(ConstValue::Object(count));
                    }
                    json(&counts)
                }
            };
            answer.push((field.key, value));
        }
        Ok(put_together(&answer))
    }

    /// Counts the cascaded rows of each entity that the viewer sees.
    async fn seen_cascaded(&self, reach: &DeletionScope) -> Result<Vec<(EntityId, usize)>> {
        let mut counts = Vec::new();
        for (entity, rows) in reach.cascaded.iter().filter(|(_, rows)| !rows.is_empty()) {
            let by = &self.entity(*entity).primary_key;
            let viewer = self.viewer();
            let count = match viewer.sight() {
                None => rows.len(),
                Some(_) if !viewer.model().entities[*entity].exposed => 0,
                Some(_) => {
                    find(viewer, *entity, by, by, &rows.iter().cloned().collect::<Vec<_>>()).await?.len()
                }
            };
            counts.extend((count > 0).then_some((*entity, count)));
        }
        for (entity, keys) in &reach.unidentified {
            let viewer = self.viewer();
            if viewer.model().entities[*entity].exposed {
                let referencing = keys.iter().map(|(columns, keys)| Filter::one_of(columns, keys.clone()));
                let found = find_where(viewer, *entity, &[], Filter::Any(referencing.collect())).await?;
                viewer.statements().count_rows(found.len())?;
                counts.extend((!found.is_empty()).then_some((*entity, found.len())));
            }
        }
        Ok(counts)
    }

    /// Returns the session that the results are read through.
    fn viewer(&self) -> &Session {
        self.writer.session.viewer()
    }

    /// Reads rows back through a plan, in order. After some `actions` the viewer may not see them.
    async fn read_rows(
        &self,
        id: EntityId,
        rows: &[RowInput],
        many: bool,
        actions: &[RowAction],
    ) -> Result<Json, Failed> {
        let failed = |error| self.failed(error);
        let mut leaves_sight = false;
        for action in actions {
            let rules = self.writer.row_rules(id, *action).map_err(failed)?;
            leaves_sight |= rules.is_some_and(|rules| rules.leaves_sight);
        }
        let by = &self.entity(id).primary_key;
        let keys: Vec<Vec<Value>> = rows.iter().map(|row| values_of(row, by)).collect();
        let planner = self.viewer().planner(self.document);
        let (mut load, selection) = { planner }.written(id, &self.change.selection).map_err(failed)?;
        load.source = load.source.narrow(Filter::one_of(by, keys.clone()));
        let kind = if many {
            let mut slots = Vec::new();
            if let LoadKind::Rows(rows) = &mut load.what {
                for column in by {
                    slots.push(
                        rows.columns.iter().position(|known| known == column).unwrap_or(rows.columns.len()),
                    );
                    if slots.last() == Some(&rows.columns.len()) {
                        rows.columns.push(*column);
                    }
                }
            }
            let items = keys.into_iter().map(|key| (0, key)).collect();
            FieldKind::Nodes { items, groups: vec![NodeGroup { load: 0, selection, slots }] }
        } else {
            FieldKind::One { load: 0, selection, key: None, non_null: !leaves_sight }
        };
        let least = if leaves_sight { 0 } else { rows.len() };
        self.read_field(&self.change.key, load, kind, Vec::new(), least).await
    }

    async fn read_field(
        &self,
        key: &Name,
        load: Load,
        kind: FieldKind,
        path: Vec<PathSegment>,
        least: usize,
    ) -> Result<Json, Failed> {
        let (session, id) = (self.viewer(), load.source.entity());
        session.check_cost(slice::from_ref(&load), 1).map_err(|error| self.failed(error))?;
        let plan = self.change.plan(key, load, kind);
        let loaded = Tree { session, values: &[] }.load_roots(&plan).await;
        let is_short = |child: &Child| child.loaded.rows.len() < least;
        if loaded.iter().flatten().any(is_short) {
            return Err(self.failed(match session.sight() {
                // Nested writes may have changed what a check relied on.
                Some(_) => {
                    let entity = &session.model().entities[id].name;
                    Error::write_forbidden(entity, RowAction::Update.name())
                }
                None => self.writer.skipped(id),
            }));
        }
        write_field(session.model(), &plan, &loaded, path)
    }
}

fn put_together(fields: &[(&Name, Json)]) -> Json {
    object(fields.iter().map(|(key, value)| (key.as_str(), value.as_slice())))
}

/// Result types of a deletion of many rows.
const DELETE_RESULT: &str = "DeleteResult";
const CASCADED_COUNT: &str = "CascadedCount";
