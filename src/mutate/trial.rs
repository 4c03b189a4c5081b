//! Attributes violations of deferred constraints to fields of the operation.
//!
//! A refused COMMIT has few details (none on SQLite), and ends the transaction. The operation is therefore
//! repeated as a trial, which records the writes and deletions of each root field. Before its end, the trial
//! looks for rows that would be refused. An operation without refusal pays nothing.

use std::collections::{BTreeMap, HashSet};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use sea_orm::Value;

use super::constraint::{Attempt, Linked};
use super::delete::{DeletionScope, keys_of};
use super::naming::foreign_key_violation;
use super::reference::{Reference, Rule};
use super::writer::{MutationWriter, RowInput, has_null, key_of, values_of};
use crate::error::{Error, Result};
use crate::model::{ColumnId, Declaration, EntityId, KeyAction, OnDelete, normalize_key};

/// Record of the writes of an operation's root fields.
#[derive(Debug, Default)]
pub(super) struct Trial {
    root: AtomicUsize,
    done: Mutex<Vec<Done>>,
}

#[derive(Clone, Debug)]
struct Done {
    /// Index of the root field.
    root: usize,
    what: Effect,
}

#[derive(Clone, Debug)]
enum Effect {
    Wrote {
        entity: EntityId,
        rows: Vec<RowInput>,
        link: Option<Linked>,
    },
    /// Changed keys, with their previous values.
    Moved {
        entity: EntityId,
        rows: Vec<RowInput>,
    },
    Deleted {
        id: EntityId,
        by: Vec<ColumnId>,
        keys: Vec<Vec<Value>>,
        gone: BTreeMap<EntityId, Vec<RowInput>>,
    },
}

impl Trial {
    /// Begins a root field.
    pub fn begin(&self, root: usize) {
        self.root.store(root, Ordering::Relaxed);
    }

    /// Records a deletion.
    pub fn deleted(&self, id: EntityId, by: &[ColumnId], keys: &[Vec<Value>], reach: DeletionScope) {
        let (by, keys) = (by.to_vec(), keys.to_vec());
        self.note(Effect::Deleted { id, by, keys, gone: reach.gone });
    }

    /// Records the writes of a statement.
    pub fn wrote(&self, attempt: Attempt<'_>) {
        if !attempt.rows.is_empty() || attempt.link.is_some() {
            let Attempt { entity, rows, link, .. } = attempt;
            self.note(Effect::Wrote { entity, rows: rows.to_vec(), link: link.cloned() });
        }
    }

    /// Records rows whose keys a statement will change.
    pub fn moved(&self, entity: EntityId, rows: Vec<RowInput>) {
        if !rows.is_empty() {
            self.note(Effect::Moved { entity, rows });
        }
    }

    fn note(&self, what: Effect) {
        let root = self.root.load(Ordering::Relaxed);
        self.done.lock().unwrap_or_else(PoisonError::into_inner).push(Done { root, what });
    }

    fn done(&self) -> Vec<Done> {
        self.done.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Rows of one entity that lost their keys.
struct Lost<'a> {
    entity: EntityId,
    rows: &'a [RowInput],
}

impl Effect {
    fn lost(&self) -> Vec<Lost<'_>> {
        match self {
            Self::Wrote { .. } => Vec::new(),
            Self::Moved { entity, rows } => vec![Lost { entity: *entity, rows }],
            Self::Deleted { gone, .. } => {
                gone.iter().map(|(entity, rows)| Lost { entity: *entity, rows }).collect()
            }
        }
    }
}

impl MutationWriter<'_> {
    /// Records, during a trial, the keys that a change of the rows found by `by` takes from referencing rows.
    pub async fn note_moves(&self, attempt: Attempt<'_>) -> Result<()> {
        let (Some(trial), Some((by, keys))) = (self.trial, attempt.at) else { return Ok(()) };
        let is_set = |column: &ColumnId| attempt.rows.iter().any(|row| row.contains_key(column));
        let mut columns: Vec<ColumnId> =
            self.references(attempt.entity).into_iter().flat_map(|reference| reference.to).collect();
        columns.dedup();
        if columns.iter().any(is_set) {
            trial.moved(attempt.entity, self.find(attempt.entity, &columns, by, keys).await?);
        }
        Ok(())
    }

    /// Returns the first root field whose rows would be refused at the end of the transaction, with its
    /// error.
    pub async fn judge(&self) -> Result<Option<(usize, Error)>> {
        let Some(trial) = self.trial else { return Ok(None) };
        let all = trial.done();
        for (place, done) in all.iter().enumerate() {
            let later = &all[place + 1..];
            let error = match &done.what {
                Effect::Wrote { entity, rows, link } => {
                    self.judge_written(*entity, rows, link.as_ref(), later).await?
                }
                Effect::Moved { .. } => self.judge_lost(&done.what, later).await?.map(|(_, error)| error),
                Effect::Deleted { id, by, keys, .. } => {
                    let lost = self.judge_lost(&done.what, later).await?;
                    lost.map(|(by_relation, error)| match by_relation.is_empty() {
                        true => error,
                        false => self.deletion_restricted(*id, by, keys, &by_relation),
                    })
                }
            };
            if let Some(error) = error {
                return Ok(Some((done.root, error)));
            }
        }
        Ok(None)
    }

    async fn judge_written(
        &self,
        id: EntityId,
        rows: &[RowInput],
        link: Option<&Linked>,
        later: &[Done],
    ) -> Result<Option<Error>> {
        let entity = &self.model().entities[id];
        let forward = entity
            .relations
            .iter()
            .filter(|relation| relation.declaration == Declaration::BelongsTo && !rows.is_empty());
        for relation in forward {
            let references = self.references(relation.target);
            let is_this = |reference: &&Reference<'_>| {
                reference.enforced
                    && reference.child == Some(id)
                    && reference.relation.is_some_and(|known| known.field == relation.field)
            };
            let Some(reference) = references.iter().find(is_this) else { continue };
            let complete = |row: &&RowInput| relation.from.iter().all(|column| row.contains_key(column));
            let keys = rows.iter().filter(complete).map(|row| values_of(row, &relation.from));
            let keys: Vec<Vec<Value>> = keys.filter(|key| !has_null(key)).collect();
            let missing = self.missing_keys(relation.target, &relation.to, keys).await?;
            let missing = not_lost_later(relation.target, &relation.to, missing, later);
            if !self.find(id, &entity.primary_key, &relation.from, &missing).await?.is_empty() {
                return Ok(Some(match link {
                    Some(link) => self.link_error(link),
                    None => self.dangling(id, reference),
                }));
            }
        }
        let Some(link) = link.filter(|_| rows.is_empty()) else { return Ok(None) };
        let missing =
            self.missing_keys(link.relation.target, &link.relation.to, link.targets.clone()).await?;
        let missing = not_lost_later(link.relation.target, &link.relation.to, missing, later);
        Ok((!missing.is_empty()).then(|| self.link_error(link)))
    }

    /// Finds rows that reference removed keys, by relation, with the error of the first. Rows that fell back
    /// to a default restrict nothing.
    async fn judge_lost(
        &self,
        what: &Effect,
        later: &[Done],
    ) -> Result<Option<(Vec<(Option<String>, i64)>, Error)>> {
        let mut by_relation = Vec::new();
        let mut first = None;
        for Lost { entity, rows } in what.lost() {
            for reference in self.references(entity).iter().filter(|reference| reference.enforced) {
                let default = self.default_key(reference);
                let keys = match &default {
                    Some(default) if has_null(default) => Vec::new(),
                    Some(default) => vec![default.clone()],
                    None => keys_of(rows, &reference.to),
                };
                let keys = self.missing_keys(entity, &reference.to, keys).await?;
                let keys = not_written_later(reference, keys, later);
                let count = match reference.child {
                    Some(child) => {
                        let primary_key = &self.model().entities[child].primary_key;
                        self.find(child, primary_key, &reference.from, &keys).await?.len() as i64
                    }
                    None => self.count_outside(entity, reference, &keys).await?,
                };
                if count > 0 {
                    let restricting = default.is_none().then(|| (self.label(entity, reference), count));
                    by_relation.extend(restricting);
                    first = first.or_else(|| {
                        Some(match reference.child {
                            Some(child) => self.dangling(child, reference),
                            None => foreign_key_violation((self.model().entities[entity].name.clone(), None)),
                        })
                    });
                }
            }
        }
        Ok(first.map(|error| (by_relation, error)))
    }

    /// Returns the default key of a reference with the action SET DEFAULT.
    fn default_key(&self, reference: &Reference<'_>) -> Option<Vec<Value>> {
        let falls_back = matches!(
            reference.rule,
            Rule::Database(KeyAction::SetDefault) | Rule::Application(OnDelete::SetDefault)
        );
        let columns = &self.model().entities[reference.child.filter(|_| falls_back)?].columns;
        let default = |id: &ColumnId| {
            let column = &columns[*id];
            column.default.clone().unwrap_or_else(|| column.column_type.null())
        };
        Some(reference.from.iter().map(default).collect())
    }

    /// Returns those `keys` that no row of an entity has.
    pub async fn missing_keys(
        &self,
        id: EntityId,
        columns: &[ColumnId],
        keys: Vec<Vec<Value>>,
    ) -> Result<Vec<Vec<Value>>> {
        let found = self.find(id, columns, columns, &keys).await?;
        let found: HashSet<Vec<Value>> = found.iter().map(|row| key_of(row, columns)).collect();
        Ok(keys.into_iter().filter(|key| !found.contains(&normalized(key))).collect())
    }
}

fn normalized(key: &[Value]) -> Vec<Value> {
    key.iter().cloned().map(normalize_key).collect()
}

/// Removes keys that a later field deleted, because that field is at fault.
fn not_lost_later(
    target: EntityId,
    to: &[ColumnId],
    keys: Vec<Vec<Value>>,
    later: &[Done],
) -> Vec<Vec<Value>> {
    let lost: HashSet<Vec<Value>> = later
        .iter()
        .flat_map(|done| done.what.lost())
        .filter(|lost| lost.entity == target)
        .flat_map(|lost| lost.rows.iter().map(|row| key_of(row, to)).collect::<Vec<_>>())
        .collect();
    keys.into_iter().filter(|key| !lost.contains(&normalized(key))).collect()
}

/// Removes keys that a later field wrote again, because that field is at fault.
fn not_written_later(reference: &Reference<'_>, keys: Vec<Vec<Value>>, later: &[Done]) -> Vec<Vec<Value>> {
    let written: HashSet<Vec<Value>> = later
        .iter()
        .flat_map(|done| match &done.what {
            Effect::Wrote { entity, rows, .. } if Some(*entity) == reference.child => &rows[..],
            _ => &[],
        })
        .filter(|row| reference.from.iter().all(|column| row.contains_key(column)))
        .map(|row| key_of(row, &reference.from))
        .collect();
    keys.into_iter().filter(|key| !written.contains(&normalized(key))).collect()
}
