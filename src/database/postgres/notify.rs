//! Carrier over PostgreSQL's notifications.
//!
//! NOTIFY is sent after the commit, from a connection of its own, which listens too. Inside the transaction NOTIFY takes a
//! lock that all notifying commits share, and halves the number of commits per second.

use std::sync::Arc;

use async_trait::async_trait;
use sea_orm::Value;

use super::connection::Connection;
use super::fault::Fault;
use super::startup::PgConfig;
use crate::database::carrier::{CarriedMessages, CarrierError, ChangeCarrier};
use crate::database::row_builder::RowSetBuilder;

/// Maximum size of a payload (PostgreSQL's documentation, NOTIFY: shorter than 8000 bytes).
const LARGEST_PAYLOAD: usize = 7_999;

/// Payload in place of a larger one: any table may have changed.
const ANY: &str = "null";

const LISTEN: &str = "LISTEN crowsfoot_changes";

const NOTIFY: &str = "SELECT pg_notify('crowsfoot_changes', $1)";

/// Carrier over notifications, whose channels belong to one database each.
pub(in crate::database) struct NotifyCarrier {
    place: Arc<PgConfig>,
    connection: Option<Connection>,
}

impl NotifyCarrier {
    pub fn new(place: Arc<PgConfig>) -> Self {
        Self { place, connection: None }
    }

    async fn ask(&self, sql: &str, values: &[&str]) -> Result<(), CarrierError> {
        let connection = self.connection.as_ref().ok_or(Fault::Closed)?;
        let values = values.iter().map(|value| Value::from(*value)).collect();
        connection.read(sql.into(), values, None, RowSetBuilder::new([].into())).await?;
        Ok(())
    }
}

#[async_trait]
impl ChangeCarrier for NotifyCarrier {
    async fn open(&mut self, _channel: &str, messages: CarriedMessages) -> Result<(), CarrierError> {
        self.connection = Some(Connection::open_listening(&self.place, messages.0).await?);
        self.ask(LISTEN, &[]).await
    }

    async fn publish(&mut self, _channel: &str, message: &str) -> Result<(), CarrierError> {
        let payload = if message.len() <= LARGEST_PAYLOAD { message } else { ANY };
        self.ask(NOTIFY, &[payload]).await
    }

    async fn check(&mut self) -> Result<(), CarrierError> {
        self.ask("SELECT 1", &[]).await
    }
}
