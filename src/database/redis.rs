//! Carrier over publish and subscribe of Redis, and of servers that speak its protocol.
//!
//! One connection in protocol 3 sends and hears, so a check of the connection holds for both.

use std::time::Duration;

use async_trait::async_trait;
use redis::aio::MultiplexedConnection;
use redis::{
    AsyncConnectionConfig, Client, ConnectionAddr, IntoConnectionInfo, ProtocolVersion, PushInfo, PushKind,
};
use tokio_rustls::rustls::crypto::ring;

use super::carrier::{CarriedMessages, CarrierError, ChangeCarrier};
use super::relay::RelayError;
use super::settings::ACQUIRE_TIMEOUT;

/// Maximum time to wait for an answer, after which the connection counts as lost.
const PATIENCE: Duration = Duration::from_secs(5);

/// Carrier over publish and subscribe of Redis, release 6 or later.
///
/// ```no_run
/// use crowsfoot::{Database, RedisCarrier};
///
/// # async fn serve(database: Database) -> Result<(), Box<dyn std::error::Error>> {
/// let relay = database.relay_over(RedisCarrier::new("redis://127.0.0.1")?).await?;
/// # relay.close().await;
/// # Ok(())
/// # }
/// ```
pub struct RedisCarrier {
    client: Client,
    connection: Option<MultiplexedConnection>,
}

impl RedisCarrier {
    /// Returns the carrier over the server at a URL: `redis://[[user]:password@]host[:port][/number]`, or `rediss://` for TLS
    /// with the certificates of the system. The number becomes part of the channel's name, which separates databases of one
    /// name. Nothing is sent.
    ///
    /// # Errors
    /// If the URL has another form.
    pub fn new(url: &str) -> Result<Self, RelayError> {
        const FORM: &str = "expected a form such as redis://:password@host:6379/0";
        let wrong = |error: redis::RedisError| RelayError::WrongUrl(format!("{FORM}: {error}"));
        let mut place = url.into_connection_info().map_err(wrong)?;
        place.redis.protocol = ProtocolVersion::RESP3;
        if matches!(place.addr, ConnectionAddr::TcpTls { .. }) {
            // Fails if the application has chosen already.
            let _ = ring::default_provider().install_default();
        }
        Ok(Self { client: Client::open(place).map_err(wrong)?, connection: None })
    }

    /// Returns the name of a channel at this server. Redis knows no databases of channels.
    fn channel(&self, channel: &str) -> String {
        format!("{channel}:{}", self.client.get_connection_info().redis.db)
    }

    fn connection(&mut self) -> Result<&mut MultiplexedConnection, CarrierError> {
        self.connection.as_mut().ok_or_else(|| "the connection is closed".into())
    }
}

#[async_trait]
impl ChangeCarrier for RedisCarrier {
    async fn open(&mut self, channel: &str, messages: CarriedMessages) -> Result<(), CarrierError> {
        // The task of the connection drops the receiver at its end.
        let hear = move |push: PushInfo| {
            if push.kind == PushKind::Message
                && let Some(payload) = push.data.into_iter().nth(1)
            {
                messages.deliver(redis::from_owned_redis_value(payload)?);
            }
            Ok::<(), redis::RedisError>(())
        };
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(ACQUIRE_TIMEOUT)
            .set_response_timeout(PATIENCE)
            .set_push_sender(hear);
        let mut connection = self.client.get_multiplexed_async_connection_with_config(&config).await?;
        connection.subscribe(self.channel(channel)).await?;
        self.connection = Some(connection);
        Ok(())
    }

    async fn publish(&mut self, channel: &str, message: &str) -> Result<(), CarrierError> {
        let channel = self.channel(channel);
        Ok(redis::cmd("PUBLISH").arg(channel).arg(message).exec_async(self.connection()?).await?)
    }

    async fn check(&mut self) -> Result<(), CarrierError> {
        Ok(redis::cmd("PING").exec_async(self.connection()?).await?)
    }
}
