//! Attributes violations of deferred constraints to fields of the operation.
//!
//! A refused COMMIT has few details (none on SQLite), and ends the transaction. The operation is therefore
//! repeated as a trial, which records the writes and deletions of each root field. Before its end, the trial
//! looks for rows that would be refused. An operation without refusal pays nothing.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use sea_orm::Value;

use super::attempt::{Attempt, Linked};
use super::lookup::{find, references_to};
use super::row::RowInput;
use crate::error::Result;
use crate::execute::Session;
use crate::model::{ColumnId, EntityId};

/// Record of the writes of an operation's root fields.
#[derive(Debug, Default)]
pub(super) struct Trial {
    root: AtomicUsize,
    done: Mutex<Vec<Done>>,
}

/// Effect of a root field.
#[derive(Clone, Debug)]
pub(super) struct Done {
    /// Index of the root field.
    pub root: usize,
    pub what: Effect,
}

/// Effect of a statement.
#[derive(Clone, Debug)]
pub(super) enum Effect {
    Wrote {
        entity: EntityId,
        rows: Vec<RowInput>,
        link: Option<Box<Linked>>,
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
    pub fn deleted(
        &self,
        id: EntityId,
        by: &[ColumnId],
        keys: &[Vec<Value>],
        gone: BTreeMap<EntityId, Vec<RowInput>>,
    ) {
        let (by, keys) = (by.to_vec(), keys.to_vec());
        self.note(Effect::Deleted { id, by, keys, gone });
    }

    /// Records the writes of a statement.
    pub fn wrote(&self, attempt: Attempt<'_>) {
        if !attempt.rows.is_empty() || attempt.link.is_some() {
            let Attempt { entity, rows, link, .. } = attempt;
            self.note(Effect::Wrote { entity, rows: rows.to_vec(), link: link.cloned().map(Box::new) });
        }
    }

    /// Records rows whose keys a statement will change.
    fn moved(&self, entity: EntityId, rows: Vec<RowInput>) {
        if !rows.is_empty() {
            self.note(Effect::Moved { entity, rows });
        }
    }

    fn note(&self, what: Effect) {
        let root = self.root.load(Ordering::Relaxed);
        self.done.lock().unwrap_or_else(PoisonError::into_inner).push(Done { root, what });
    }

    /// Returns the effects in order.
    pub fn done(&self) -> Vec<Done> {
        self.done.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Records the keys that a change takes from referencing rows.
    pub async fn note_moves(&self, session: &Session, attempt: Attempt<'_>) -> Result<()> {
        let Some((by, keys)) = attempt.at else { return Ok(()) };
        let is_set = |column: &ColumnId| attempt.rows.iter().any(|row| row.has(*column));
        let mut columns: Vec<ColumnId> =
            references_to(session, attempt.entity).into_iter().flat_map(|reference| reference.to).collect();
        columns.dedup();
        if columns.iter().any(is_set) {
            self.moved(attempt.entity, find(session, attempt.entity, &columns, by, keys).await?);
        }
        Ok(())
    }
}

/// Rows of one entity that lost their keys.
pub(super) struct Lost<'a> {
    pub entity: EntityId,
    pub rows: &'a [RowInput],
}

impl Effect {
    /// Returns the rows that lost their keys.
    pub fn lost(&self) -> Vec<Lost<'_>> {
        match self {
            Self::Wrote { .. } => Vec::new(),
            Self::Moved { entity, rows } => vec![Lost { entity: *entity, rows }],
            Self::Deleted { gone, .. } => {
                gone.iter().map(|(entity, rows)| Lost { entity: *entity, rows }).collect()
            }
        }
    }
}
