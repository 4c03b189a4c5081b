//! Positions of servers in the log of their cluster.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use sea_orm::Value;
use tokio::time::timeout;

use super::connection::Connection;
use super::fault::Fault;
use super::startup::PgConfig;
use crate::database::consistency::LogPosition;
use crate::database::row::RowSet;
use crate::database::row_builder::RowSetBuilder;
use crate::database::settings::ACQUIRE_TIMEOUT;
use crate::model::ColumnType;

/// Timeout of a question, after which the server counts as unavailable.
const PATIENCE: Duration = Duration::from_secs(1);

/// Database, system identifier of its cluster, and sizes of the log's pages and files.
const IDENTITY: &str = "SELECT current_database()::text, system_identifier,
        current_setting('wal_block_size')::int8,
        (SELECT setting::int8 FROM pg_settings WHERE name = 'wal_segment_size')
    FROM pg_control_system()";

/// End of the log of a primary: with what is not yet on its disk, and without. The name of a file of the log begins with the
/// timeline. NULL on a standby.
const PRIMARY: &str =
    "SELECT ('x' || substr(pg_walfile_name(pg_current_wal_insert_lsn()), 1, 8))::bit(32)::int8,
        (pg_current_wal_insert_lsn() - '0/0')::int8, (pg_current_wal_flush_lsn() - '0/0')::int8
    WHERE NOT pg_is_in_recovery()";

/// End of the log that a standby has replayed, and its timeline; no row on a primary. The timeline of the receiver is known at
/// once, but visible only to members of pg_read_all_stats; the others follow at the next restart point.
const STANDBY: &str = "SELECT GREATEST((SELECT timeline_id FROM pg_control_checkpoint()),
            (SELECT min_recovery_end_timeline FROM pg_control_recovery()),
            (SELECT received_tli FROM pg_stat_wal_receiver))::int8,
        (pg_last_wal_replay_lsn() - '0/0')::int8
    WHERE pg_is_in_recovery()";

/// Bytes of the head of a page of the log, and of the first page of a file (`XLogPageHeaderData`,
/// `XLogLongPageHeaderData`).
const PAGE_HEAD: u64 = 24;
const FILE_HEAD: u64 = 40;

/// Database with its cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::database) struct ServerIdentity {
    database: String,
    /// System identifier.
    pub cluster: u64,
}

impl fmt::Display for ServerIdentity {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} of the cluster {}", self.database, self.cluster)
    }
}

/// End of the log of a primary.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::database) struct PrimaryPosition {
    /// End of all commits that were acknowledged.
    pub at: LogPosition,
    /// Number of bytes that are on the disk of the primary, and that replicas can have.
    pub flushed: u64,
}

/// Connection that asks a server for its position.
#[derive(Debug)]
pub(in crate::database) struct PositionReader {
    connection: Connection,
    /// Identity of the server.
    pub identity: ServerIdentity,
    page: u64,
    file: u64,
}

impl PositionReader {
    /// Opens a connection to the server.
    ///
    /// # Errors
    /// Fails if the server cannot be reached, or does not let the user ask.
    pub async fn open(place: &Arc<PgConfig>) -> Result<Self, Fault> {
        let opened = timeout(ACQUIRE_TIMEOUT, Connection::open(place, false)).await;
        let connection = opened.unwrap_or(Err(Fault::Slow(ACQUIRE_TIMEOUT)))?;
        let number = ColumnType::BigInt;
        let columns = [ColumnType::Text, number.clone(), number.clone(), number];
        let found = ask(&connection, IDENTITY, &columns).await?;
        let database = match found.row(0).value(0) {
            Value::String(Some(name)) => name,
            _ => String::new(),
        };
        let [cluster, page, file] = [1, 2, 3].map(|column| unsigned(&found, column).unwrap_or_default());
        Ok(Self { connection, identity: ServerIdentity { database, cluster }, page, file })
    }

    /// Returns the end of the log of a primary; `None` on a standby.
    ///
    /// # Errors
    /// Fails if the server does not answer.
    pub async fn primary(&self) -> Result<Option<PrimaryPosition>, Fault> {
        let columns = [ColumnType::BigInt, ColumnType::BigInt, ColumnType::BigInt];
        let found = ask(&self.connection, PRIMARY, &columns).await?;
        let Some(at) = position(&found) else { return Ok(None) };
        let at = LogPosition { bytes: end_of_record(at.bytes, self.page, self.file), ..at };
        Ok(unsigned(&found, 2).map(|flushed| PrimaryPosition { at, flushed: flushed.min(at.bytes) }))
    }

    /// Returns the position up to which a standby has replayed the log; `None` on a primary.
    ///
    /// # Errors
    /// Fails if the server does not answer.
    pub async fn standby(&self) -> Result<Option<LogPosition>, Fault> {
        let found = ask(&self.connection, STANDBY, &[ColumnType::BigInt, ColumnType::BigInt]).await?;
        Ok(position(&found))
    }
}

async fn ask(connection: &Connection, sql: &str, columns: &[ColumnType]) -> Result<RowSet, Fault> {
    let rows = RowSetBuilder::new(columns.into());
    let asked = timeout(PATIENCE, connection.read(sql.into(), [].into(), None, rows)).await;
    Ok(asked.unwrap_or(Err(Fault::Slow(PATIENCE)))?.rows)
}

/// Returns the position in the first two columns, if there is a row.
fn position(found: &RowSet) -> Option<LogPosition> {
    let timeline = u32::try_from(unsigned(found, 0)?).ok()?;
    Some(LogPosition { timeline, bytes: unsigned(found, 1)? })
}

fn unsigned(found: &RowSet, column: usize) -> Option<u64> {
    match (!found.is_empty()).then(|| found.row(0).value(column))? {
        Value::BigInt(Some(number)) => u64::try_from(number).ok(),
        _ => None,
    }
}

/// Returns the end of the last record before the place of the next one, which comes after the head of its page. A standby
/// reports the end of the record, and would never seem to reach the head behind it.
fn end_of_record(next: u64, page: u64, file: u64) -> u64 {
    let (in_page, in_file) = (next.checked_rem(page), next.checked_rem(file));
    match (in_page, in_file) {
        (_, Some(FILE_HEAD)) => next - FILE_HEAD,
        (Some(PAGE_HEAD), Some(in_file)) if in_file >= page => next - PAGE_HEAD,
        _ => next,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The clocks of servers differ, so the age of a state is measured by the clock of this process alone.
    #[test]
    fn no_question_reads_the_clock_of_a_server() {
        for question in [IDENTITY, PRIMARY, STANDBY] {
            for clock in ["now(", "clock_", "timestamp", "localtime"] {
                assert!(!question.contains(clock), "{question}");
            }
        }
    }

    #[test]
    fn a_record_that_fills_its_page_ends_before_the_head_of_the_next() {
        let (page, file) = (8_192, 16 << 20);
        for (next, end) in [
            (3 * file + 5 * page + 24, 3 * file + 5 * page),
            (3 * file + 40, 3 * file),
            (3 * file + 5 * page + 40, 3 * file + 5 * page + 40),
            (3 * file + 5 * page + 32, 3 * file + 5 * page + 32),
            (3 * file + 5 * page, 3 * file + 5 * page),
            (3 * file + 24, 3 * file + 24),
        ] {
            assert_eq!(end_of_record(next, page, file), end, "{next}");
        }
        assert_eq!(end_of_record(24, 0, 0), 24);
    }
}
