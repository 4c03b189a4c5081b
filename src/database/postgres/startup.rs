//! Start-up of a PostgreSQL connection until it is ready for queries, and cancel requests.
//!
//! <https://www.postgresql.org/docs/current/protocol-flow.html#PROTOCOL-FLOW-START-UP>

mod config;
mod environment;
mod hosts;
mod settings;
mod tls;

#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::io;

use bytes::BytesMut;
use fallible_iterator::FallibleIterator;
use postgres_protocol::authentication::md5_hash;
use postgres_protocol::authentication::sasl::{
    ChannelBinding, SCRAM_SHA_256, SCRAM_SHA_256_PLUS, ScramSha256,
};
use postgres_protocol::message::backend::{AuthenticationSaslBody, Header, Message};
use postgres_protocol::message::frontend;
use socket2::{SockRef, TcpKeepalive};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
#[cfg(unix)]
use tokio::net::UnixStream;
use tokio::task::spawn_blocking;
use tokio::time::timeout;

use self::config::Binding;
pub(in crate::database) use self::config::PgConfig;
use self::hosts::{Address, SessionAttributes};
use super::fault::Fault;
use super::stream::Stream;
use crate::database::settings::Pooler;

/// Connection that is ready for queries.
#[derive(Debug)]
pub(super) struct OpenedConnection {
    pub stream: Stream,
    /// Bytes received after ReadyForQuery; normally none.
    pub received: BytesMut,
    /// Key data for [`cancel`]; 0 if the server sends none.
    pub process_id: i32,
    pub secret_key: i32,
}

/// Maximum message size before the connection is ready. The server is not authenticated yet, and may claim
/// any length; PostgreSQL sends a few hundred bytes.
const LONGEST_MESSAGE: usize = 64 * 1024;

/// Initial capacity for the messages of a start-up.
const USUAL_BYTES: usize = 1024;

/// Opens a connection to the first host that answers and is of the wanted kind. Has no timeout for all hosts together:
/// the caller sets one.
pub(super) async fn open(place: &PgConfig) -> Result<OpenedConnection, Fault> {
    let hosts = &place.hosts;
    if hosts.len() == 1 && hosts.wanted == SessionAttributes::Any {
        return open_at(place, hosts.chosen(), SessionAttributes::Any).await;
    }
    let mut last = Fault::Closed;
    for wanted in hosts.wanted.rounds() {
        for (number, address) in hosts.in_turn() {
            let limit = place.host_timeout();
            let opened = timeout(limit, open_at(place, address, *wanted)).await;
            match opened.unwrap_or(Err(Fault::Slow(limit))) {
                Ok(opened) => {
                    hosts.choose(number);
                    return Ok(opened);
                }
                // The other hosts would refuse the same credentials and settings.
                Err(fault) if !fault.is_of_host() => return Err(fault),
                Err(fault) => last = fault,
            }
        }
    }
    Err(last)
}

/// Opens a connection to one host.
async fn open_at(
    place: &PgConfig,
    address: &Address,
    wanted: SessionAttributes,
) -> Result<OpenedConnection, Fault> {
    let stream = reach(place, address).await?;
    let mut conversation = Conversation { stream, received: BytesMut::with_capacity(USUAL_BYTES) };
    conversation
        .send(|message| {
            let parameters = parameters(place);
            frontend::startup_message(parameters.iter().map(|(name, value)| (*name, &**value)), message)
        })
        .await?;
    conversation.authenticate(place).await?;
    let (mut process_id, mut secret_key) = (0, 0);
    loop {
        match conversation.receive().await? {
            Message::BackendKeyData(body) => {
                (process_id, secret_key) = (body.process_id(), body.secret_key());
            }
            Message::ReadyForQuery(_) => break,
            _ => return Err(Fault::protocol("neither ReadyForQuery nor an error after the startup message")),
        }
    }
    if let Some(question) = wanted.question()
        && conversation.ask(question).await? != "t"
    {
        return Err(Fault::Refused(format!("{address} is not of the wanted kind (target_session_attrs)")));
    }
    let Conversation { stream, received } = conversation;
    Ok(OpenedConnection { stream, received, process_id, secret_key })
}

/// Asks the server to cancel the current query of a connection. The outcome is unknown: the query ends early,
/// or does not. Has no timeout, as [`open`].
pub(super) async fn cancel(place: &PgConfig, process_id: i32, secret_key: i32) {
    let asked = async {
        let mut stream = reach(place, place.hosts.chosen()).await?;
        let mut message = BytesMut::new();
        frontend::cancel_request(process_id, secret_key, &mut message);
        stream.write_all(&message).await?;
        stream.flush().await?;
        // The server closes the connection after it has forwarded the request.
        stream.read_u8().await.map_err(Fault::Io)
    };
    match asked.await {
        Err(Fault::Io(error)) if error.kind() == io::ErrorKind::UnexpectedEof => {}
        Err(error) => tracing::info!(%error, "cannot cancel a query"),
        Ok(_) => tracing::info!("unexpected answer to a cancel request"),
    }
}

/// Detects a pooler in front of the server, unless the settings name one.
///
/// # Errors
/// Fails if no connection can be opened.
pub(in crate::database) async fn explore(place: PgConfig) -> Result<PgConfig, Fault> {
    let is_open_question = place.pooler == Pooler::Auto;
    let (place, opened) = match open(&place).await {
        Err(fault) if is_open_question && fault.is_unsupported_parameter() => {
            let place = place.behind(Pooler::Transaction);
            let opened = open(&place).await?;
            (place, opened)
        }
        opened => (place, opened?),
    };
    let process_id = opened.process_id.to_string();
    let mut conversation = Conversation { stream: opened.stream, received: opened.received };
    let is_pooled = match place.pooler {
        // A pooler assigns its own number to each client.
        Pooler::Auto => conversation.ask("SELECT pg_backend_pid()").await? != process_id,
        Pooler::None => false,
        Pooler::Transaction => true,
    };
    if !is_pooled {
        return Ok(place.behind(Pooler::None));
    }
    match conversation.begins_transactions().await? {
        true => {
            tracing::info!(
                "connected through a pooler in transaction mode: session state ends with each transaction"
            );
        }
        false => tracing::warn!(
            "connected through a pooler in statement mode, which refuses transactions: queries and mutations of one statement \
             are answered, other mutations and migrations fail; pool_mode = transaction serves all"
        ),
    }
    Ok(place.behind(Pooler::Transaction))
}

/// Returns the start-up parameters of sqlx, so that both kinds of connections get the same text for a value.
/// Poolers refuse all but a few parameters.
fn parameters(place: &PgConfig) -> Vec<(&str, Cow<'_, str>)> {
    let mut parameters: Vec<(&str, Cow<'_, str>)> = vec![
        ("user", (&place.user).into()),
        ("client_encoding", "UTF8".into()),
        ("DateStyle", "ISO, MDY".into()),
        ("TimeZone", "UTC".into()),
    ];
    parameters.extend(place.database.as_ref().map(|name| ("database", name.into())));
    parameters.extend(place.application_name.as_ref().map(|name| ("application_name", name.into())));
    if !place.is_pooled() {
        parameters.push(("extra_float_digits", "2".into()));
        parameters.extend(settings::write(&place.settings).map(|options| ("options", options.into())));
    }
    parameters
}

/// Opens a fresh connection, encrypted as required.
async fn reach(place: &PgConfig, address: &Address) -> Result<Stream, Fault> {
    let encryption = &place.encryption;
    let (host, target, port) = match address {
        Address::Tcp { host, address, port } => (host, address.as_ref().unwrap_or(host), *port),
        // PostgreSQL has no TLS over Unix sockets, and sqlx treats that as a refusal.
        Address::Unix(_) if encryption.is_required() => {
            return Err(Fault::tls("not available over a Unix socket"));
        }
        #[cfg(unix)]
        Address::Unix(path) => return Ok(Stream::Unix(UnixStream::connect(path).await?)),
        #[cfg(not(unix))]
        Address::Unix(_) => {
            return Err(Fault::Settings("Unix sockets are not available on this system".to_owned()));
        }
    };
    let mut socket = TcpStream::connect((target.as_str(), port)).await?;
    socket.set_nodelay(true)?;
    keep_alive(&socket, place)?;
    if encryption.is_wanted() {
        if offers_tls(&mut socket).await? {
            return Ok(Stream::Tls(Box::new(tls::encrypt(socket, host, encryption).await?)));
        }
        if encryption.is_required() {
            return Err(Fault::tls("not offered by the server"));
        }
    }
    Ok(Stream::Tcp(socket))
}

/// Sets TCP keep-alive, so that the system detects a dead path sooner than after a quarter of an hour.
fn keep_alive(socket: &TcpStream, place: &PgConfig) -> Result<(), Fault> {
    let socket = SockRef::from(socket);
    let wanted = place.keep_alive;
    if let Some(idle) = wanted.idle {
        let keep_alive = TcpKeepalive::new().with_time(idle).with_interval(wanted.interval);
        socket.set_tcp_keepalive(&keep_alive.with_retries(wanted.count))?;
    }
    #[cfg(target_os = "linux")]
    if !wanted.user_timeout.is_zero() {
        socket.set_tcp_user_timeout(Some(wanted.user_timeout))?;
    }
    Ok(())
}

/// Asks whether the server supports TLS. Reads no byte beyond the answer, because such a byte would be
/// unauthenticated.
async fn offers_tls(socket: &mut TcpStream) -> Result<bool, Fault> {
    let mut message = BytesMut::new();
    frontend::ssl_request(&mut message);
    socket.write_all(&message).await?;
    match socket.read_u8().await? {
        b'S' => Ok(true),
        b'N' => Ok(false),
        _ => Err(Fault::protocol("unexpected answer to the TLS request")),
    }
}

struct Conversation {
    stream: Stream,
    received: BytesMut,
}

impl Conversation {
    async fn send(&mut self, write: impl FnOnce(&mut BytesMut) -> io::Result<()>) -> Result<(), Fault> {
        let mut message = BytesMut::new();
        // Fails for a name or password with a zero byte.
        write(&mut message).map_err(|error| Fault::Settings(error.to_string()))?;
        self.stream.write_all(&message).await?;
        Ok(self.stream.flush().await?)
    }

    /// Receives the next relevant message.
    async fn receive(&mut self) -> Result<Message, Fault> {
        loop {
            if let Some(header) = Header::parse(&self.received).map_err(Fault::protocol)?
                && usize::try_from(header.len()).is_ok_and(|length| length > LONGEST_MESSAGE)
            {
                return Err(Fault::protocol("a message is too long"));
            }
            match Message::parse(&mut self.received).map_err(Fault::protocol)? {
                Some(Message::ErrorResponse(body)) => return Err(Fault::from(&body)),
                Some(Message::NoticeResponse(_) | Message::ParameterStatus(_)) => {}
                Some(message) => return Ok(message),
                None => {
                    if self.stream.read_buf(&mut self.received).await? == 0 {
                        return Err(Fault::Io(io::ErrorKind::UnexpectedEof.into()));
                    }
                }
            }
        }
    }

    /// Returns the first value of a query.
    async fn ask(&mut self, sql: &str) -> Result<String, Fault> {
        self.send(|message| frontend::query(sql, message)).await?;
        let mut answer = String::new();
        loop {
            match self.receive().await? {
                Message::DataRow(row) => {
                    if let Some(range) = row.ranges().next().map_err(Fault::protocol)?.flatten() {
                        answer = String::from_utf8_lossy(&row.buffer()[range]).into_owned();
                    }
                }
                Message::ReadyForQuery(_) => return Ok(answer),
                _ => {}
            }
        }
    }

    /// Returns false if a pooler in statement mode refuses a transaction.
    async fn begins_transactions(&mut self) -> Result<bool, Fault> {
        match self.ask("BEGIN").await {
            Err(Fault::Server(refusal)) if refusal.is_of_statement_mode() => Ok(false),
            begun => {
                begun?;
                self.ask("ROLLBACK").await?;
                Ok(true)
            }
        }
    }

    async fn authenticate(&mut self, place: &PgConfig) -> Result<(), Fault> {
        let password = place.password.as_bytes();
        let binding = place.encryption.channel_binding;
        match self.receive().await? {
            Message::AuthenticationSasl(body) => self.authenticate_by_scram(password, binding, &body).await?,
            _ if binding == Binding::Require => {
                return Err(Fault::protocol(
                    "channel binding is required, but the server does not use SCRAM",
                ));
            }
            Message::AuthenticationOk => return Ok(()),
            Message::AuthenticationCleartextPassword => {
                self.send(|message| frontend::password_message(password, message)).await?;
            }
            Message::AuthenticationMd5Password(body) => {
                let hash = md5_hash(place.user.as_bytes(), password, body.salt());
                self.send(|message| frontend::password_message(hash.as_bytes(), message)).await?;
            }
            _ => return Err(Fault::protocol("unsupported authentication method")),
        }
        match self.receive().await? {
            Message::AuthenticationOk => Ok(()),
            _ => Err(Fault::protocol("no answer to the password")),
        }
    }

    /// Authenticates by SCRAM (RFC 5802), where the server proves that it knows the password too.
    async fn authenticate_by_scram(
        &mut self,
        password: &[u8],
        wanted: Binding,
        body: &AuthenticationSaslBody,
    ) -> Result<(), Fault> {
        let mechanisms: Vec<&str> = body.mechanisms().collect().map_err(Fault::protocol)?;
        let has = |mechanism| mechanisms.contains(&mechanism);
        let end_point = tls::end_point(&self.stream).filter(|_| wanted != Binding::Disable);
        if wanted == Binding::Require && !(end_point.is_some() && has(SCRAM_SHA_256_PLUS)) {
            return Err(Fault::protocol("channel binding is required, but not available"));
        }
        let (mechanism, binding) = match end_point {
            Some(hash) if has(SCRAM_SHA_256_PLUS) => {
                (SCRAM_SHA_256_PLUS, ChannelBinding::tls_server_end_point(hash))
            }
            // A server whose offer was removed on the path will refuse this.
            Some(_) if has(SCRAM_SHA_256) => (SCRAM_SHA_256, ChannelBinding::unrequested()),
            None if has(SCRAM_SHA_256) => (SCRAM_SHA_256, ChannelBinding::unsupported()),
            _ => {
                return Err(Fault::protocol(format!(
                    "unsupported authentication mechanisms: {}",
                    mechanisms.join(", ")
                )));
            }
        };
        let mut scram = ScramSha256::new(password, binding);
        self.send(|message| frontend::sasl_initial_response(mechanism, scram.message(), message)).await?;
        let Message::AuthenticationSaslContinue(body) = self.receive().await? else {
            return Err(Fault::protocol("the SCRAM exchange was not continued"));
        };
        // Thousands of hashes, as many as the server demands, would block other requests.
        let mut scram = spawn_blocking(move || scram.update(body.data()).map(|()| scram))
            .await
            .map_err(Fault::protocol)?
            .map_err(Fault::protocol)?;
        self.send(|message| frontend::sasl_response(scram.message(), message)).await?;
        let Message::AuthenticationSaslFinal(body) = self.receive().await? else {
            return Err(Fault::protocol("no proof that the server knows the password"));
        };
        scram.finish(body.data()).map_err(Fault::protocol)
    }
}
