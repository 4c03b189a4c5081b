//! Steps statements: light ones on the requesting worker, others on a thread that may block.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rusqlite::{Connection, StatementStatus};
use sea_orm::Value;

use super::decoder::push;
use super::fault::SqliteError;
use super::parameter::SqliteParameter;
use crate::database::row::RowSet;
use crate::database::row_builder::RowSetBuilder;

/// Maximum number of virtual machine steps for a statement to run on the requesting worker. Such a statement
/// ends within a quarter of a millisecond, and a thread change would cost more than it saves. A statement
/// that exceeds the limit is stopped, and restarted on a blocking thread.
const LIGHT_STEPS: i32 = 10_000;

/// Guard that signals a statement's thread when the receiver is dropped.
pub(super) struct CancelGuard(pub(super) Arc<AtomicBool>);

impl Drop for CancelGuard {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Runs a known light statement; `None` if it is not light, or no longer.
pub(super) fn run_light(
    connection: &Connection,
    sql: &str,
    values: &[Value],
    rows: impl FnOnce() -> RowSetBuilder,
) -> Result<Option<RowSet>, SqliteError> {
    let run = || -> Result<_, SqliteError> {
        let mut statement = connection.prepare_cached(sql)?;
        let steps = statement.reset_status(StatementStatus::VmStep);
        if !(1..=LIGHT_STEPS).contains(&steps) {
            return Ok(None);
        }
        fill(&mut statement, values, rows()).map(Some)
    };
    match run() {
        // Preparation takes steps too.
        Err(fault) if fault.is_interrupt() => Ok(None),
        ran => ran,
    }
}

/// Runs a statement until its receiver is dropped.
pub(super) fn run_watched(
    connection: &Connection,
    given_up: Arc<AtomicBool>,
    sql: &str,
    values: &[Value],
    rows: RowSetBuilder,
) -> Result<RowSet, SqliteError> {
    connection.progress_handler(LIGHT_STEPS, Some(move || given_up.load(Ordering::Relaxed)))?;
    let ran = run(connection, sql, values, rows);
    stop_where_heavy(connection)?;
    ran
}

/// Runs a statement.
pub(super) fn run(
    connection: &Connection,
    sql: &str,
    values: &[Value],
    rows: RowSetBuilder,
) -> Result<RowSet, SqliteError> {
    let mut statement = connection.prepare_cached(sql)?;
    fill(&mut statement, values, rows)
}

/// Stops statements above the limit. The step counter is the one that [`run_light`] resets.
pub(super) fn stop_where_heavy(connection: &Connection) -> Result<(), SqliteError> {
    Ok(connection.progress_handler(LIGHT_STEPS, Some(|| true))?)
}

fn fill(
    statement: &mut rusqlite::Statement<'_>,
    values: &[Value],
    mut rows: RowSetBuilder,
) -> Result<RowSet, SqliteError> {
    for (index, value) in values.iter().enumerate() {
        statement.raw_bind_parameter(index + 1, SqliteParameter(value))?;
    }
    let columns = rows.columns().clone();
    let mut results = statement.raw_query();
    while let Some(row) = results.next()? {
        for (index, column_type) in columns.iter().enumerate() {
            push(&mut rows, row.get_ref(index), column_type)?;
        }
    }
    Ok(rows.finish())
}
