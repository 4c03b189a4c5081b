//! Logical decoding, which hears every writer: a connection has a temporary slot, which the server drops with the
//! connection, and polls it for the names of the touched tables.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use sea_orm::Value;
use tokio::time::{MissedTickBehavior, interval};

use super::connection::Connection;
use super::fault::Fault;
use super::startup::PgConfig;
use crate::database::carrier::{CarrierError, ChangeLink, QualifiedNames};
use crate::database::changes::ChangeNotifier;
use crate::database::row::RowSet;
use crate::database::row_builder::RowSetBuilder;
use crate::model::ColumnType;

/// Time between two polls of the slot.
const POLL: Duration = Duration::from_millis(50);

const CREATE_SLOT: &str =
    "SELECT pg_create_logical_replication_slot('crowsfoot_' || pg_backend_pid(), 'pgoutput', true)";

const HAS_PUBLICATION: &str = "SELECT EXISTS (SELECT FROM pg_publication WHERE pubname = $1)";

/// Names of the touched tables. A relation message, tag R, precedes the first change of each table (PostgreSQL's
/// documentation, section 55.9): tag, four bytes of the table's id, its schema and its name, each ended by a zero byte. The
/// schema `pg_catalog` is left empty.
const TOUCHED: &str = "WITH relation AS (
    SELECT substring(data FROM 6) AS names FROM pg_logical_slot_get_binary_changes(
        'crowsfoot_' || pg_backend_pid(), NULL, NULL, 'proto_version', '1', 'publication_names', quote_ident($1))
    WHERE get_byte(data, 0) = 82
), cut AS (
    SELECT names, position('\\x00'::bytea IN names) AS at FROM relation
), parts AS (
    SELECT substring(names FROM 1 FOR at - 1) AS schema, substring(names FROM at + 1) AS rest FROM cut
)
SELECT DISTINCT convert_from(schema, 'UTF8'),
    convert_from(substring(rest FROM 1 FOR position('\\x00'::bytea IN rest) - 1), 'UTF8') FROM parts";

/// Link that hears the commits of all writers. They hear each other by themselves, so it reports nothing.
pub(in crate::database) struct LogicalDecoding {
    place: Arc<PgConfig>,
    publication: String,
    names: QualifiedNames,
    changes: ChangeNotifier,
    connection: Option<Connection>,
}

impl LogicalDecoding {
    pub fn new(
        place: Arc<PgConfig>,
        publication: String,
        names: QualifiedNames,
        changes: &ChangeNotifier,
    ) -> Self {
        Self { place, publication, names, changes: changes.clone(), connection: None }
    }

    async fn ask(&self, sql: &str, values: &[&str], columns: &[ColumnType]) -> Result<RowSet, Fault> {
        let connection = self.connection.as_ref().ok_or(Fault::Closed)?;
        let values = values.iter().map(|value| Value::from(*value)).collect();
        Ok(connection.read(sql.into(), values, None, RowSetBuilder::new(columns.into())).await?.rows)
    }

    async fn poll(&self) -> Result<std::convert::Infallible, Fault> {
        let mut pause = interval(POLL);
        pause.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            pause.tick().await;
            let rows = self.ask(TOUCHED, &[&self.publication], &[ColumnType::Text, ColumnType::Text]).await?;
            if !rows.is_empty() {
                let names = (0..rows.len()).map(|row| (text(&rows, row, 0), text(&rows, row, 1)));
                self.changes.notify_received(self.names.read(names));
            }
        }
    }
}

#[async_trait]
impl ChangeLink for LogicalDecoding {
    async fn open(&mut self) -> Result<(), CarrierError> {
        self.connection = Some(Connection::open(&self.place, false).await?);
        let found = self.ask(HAS_PUBLICATION, &[&self.publication], &[ColumnType::Boolean]).await?;
        if found.row(0).value(0) != Value::Bool(Some(true)) {
            let publication = &self.publication;
            return Err(format!(
                "there is no publication \"{publication}\"; create it with CREATE PUBLICATION \"{publication}\" FOR ALL TABLES"
            )
            .into());
        }
        self.ask(CREATE_SLOT, &[], &[]).await?;
        Ok(())
    }

    async fn follow(&mut self) -> CarrierError {
        let Err(fault) = self.poll().await;
        fault.into()
    }

    async fn finish(&mut self) -> Result<(), CarrierError> {
        Ok(())
    }
}

fn text(rows: &RowSet, row: usize, column: usize) -> String {
    match rows.row(row).value(column) {
        Value::String(Some(text)) => text,
        _ => String::new(),
    }
}
