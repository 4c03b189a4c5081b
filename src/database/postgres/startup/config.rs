//! Connection parameters of a PostgreSQL server.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use percent_encoding::percent_decode_str;
use sqlx::postgres::{PgConnectOptions, PgSslMode};
use url::Url;

use super::environment;
use super::settings::{self, Setting};
use crate::database::postgres::fault::Fault;
use crate::database::postgres::probe::Probe;
use crate::database::settings::{POSTGRES_CONNECT_TIMEOUT, Pooler};

/// Connection parameters: address, credentials and settings. All connections use them, sqlx's too.
pub struct PgConfig {
    pub(super) address: Address,
    pub(super) user: String,
    /// Password; empty without one.
    pub(super) password: String,
    pub(super) database: Option<String>,
    pub(super) application_name: Option<String>,
    /// Session settings.
    pub(super) settings: Vec<Setting>,
    pub(super) encryption: Encryption,
    pub(super) keep_alive: KeepAlive,
    connect_timeout: Duration,
    /// True if statements may have names.
    has_names: bool,
    pub(super) pooler: Pooler,
    /// Statement that applies the settings to one transaction, behind a pooler.
    preamble: Option<String>,
    /// Availability of the server, shared by all connections.
    pub(in crate::database::postgres) probe: Probe,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Address {
    Tcp { host: String, address: Option<String>, port: u16 },
    Unix(PathBuf),
}

pub struct Encryption {
    pub(super) mode: PgSslMode,
    /// Additional root certificates.
    pub(super) roots: Option<Pem>,
    /// Client certificate.
    pub(super) certificate: Option<Pem>,
    pub(super) key: Option<Pem>,
}

/// Source of certificates or a key.
#[derive(Clone, PartialEq, Eq)]
pub enum Pem {
    File(PathBuf),
    Inline(String),
}

/// TCP keep-alive settings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeepAlive {
    /// Idle time before probes; none without keep-alive.
    pub(super) idle: Option<Duration>,
    pub(super) interval: Duration,
    pub(super) count: u32,
    /// Maximum time that sent bytes may stay unacknowledged.
    pub(super) user_timeout: Duration,
}

impl Default for KeepAlive {
    fn default() -> Self {
        let user_timeout = Duration::from_secs(5);
        Self { idle: Some(Duration::from_secs(5)), interval: Duration::from_secs(1), count: 5, user_timeout }
    }
}

/// Omits secrets.
impl fmt::Debug for PgConfig {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("PgConfig")
            .field("address", &self.address)
            .field("user", &self.user)
            .field("database", &self.database)
            .finish_non_exhaustive()
    }
}

/// Formats the server for error messages.
impl fmt::Display for PgConfig {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let database = self.database.as_ref().unwrap_or(&self.user);
        match &self.address {
            Address::Tcp { host, port, .. } => write!(formatter, "PostgreSQL's {database} at {host}:{port}"),
            Address::Unix(path) => {
                let folder = path.parent().unwrap_or(path);
                write!(formatter, "PostgreSQL's {database} at {}", folder.display())
            }
        }
    }
}

impl PgConfig {
    /// Reads a URL as libpq and sqlx do; missing parts come from libpq's environment variables and password
    /// file.
    ///
    /// # Errors
    /// Fails for a part of the URL that is invalid. No message repeats a value of the URL, because it may be
    /// the password.
    pub fn new(url: &str) -> Result<Self, Fault> {
        let url = Url::parse(url).map_err(|error| Fault::Settings(format!("database URL: {error}")))?;
        let mut parts = Parts::of_environment();
        parts.take_url(&url)?;
        for (name, value) in url.query_pairs() {
            parts.take_parameter(&name, &value)?;
        }
        Ok(parts.finish())
    }

    /// Adds these settings, unless the URL sets them.
    pub fn with_defaults(mut self, application_name: &str, defaults: &[(&str, String)]) -> Self {
        self.application_name.get_or_insert_with(|| application_name.to_owned());
        for (name, value) in defaults {
            if !self.settings.iter().any(|setting| setting.is(name)) {
                self.settings.push(Setting { name: (*name).to_owned(), value: value.clone() });
            }
        }
        self
    }

    /// Sets the kind of pooler.
    pub fn behind(mut self, pooler: Pooler) -> Self {
        self.preamble = (pooler == Pooler::Transaction).then(|| settings::preamble(&self.settings)).flatten();
        self.pooler = pooler;
        self
    }

    /// Returns true behind a pooler in transaction mode.
    pub fn is_pooled(&self) -> bool {
        self.pooler == Pooler::Transaction
    }

    /// Returns true if statements have names, which outlast the transaction.
    pub fn names_statements(&self) -> bool {
        self.has_names && !self.is_pooled()
    }

    /// Returns the statement sent ahead of each transaction behind a pooler.
    pub fn preamble(&self) -> Option<&str> {
        self.preamble.as_deref()
    }

    /// Returns the timeout for a new connection.
    pub fn connect_timeout(&self) -> Duration {
        self.connect_timeout
    }

    /// Returns the server's time limit for a statement, if set.
    pub fn statement_timeout(&self) -> Option<Duration> {
        settings::statement_timeout(&self.settings)
    }

    /// Converts the parameters for sqlx, whose connections serve migrations and the application's own
    /// statements.
    pub fn sqlx_options(&self) -> PgConnectOptions {
        let options =
            PgConnectOptions::new_without_pgpass().username(&self.user).ssl_mode(self.encryption.mode);
        let mut options = match &self.address {
            Address::Unix(path) => {
                let port = path.extension().and_then(|port| port.to_str()?.parse().ok());
                options.socket(path.parent().unwrap_or(path)).port(port.unwrap_or(DEFAULT_PORT))
            }
            Address::Tcp { host, address, port } => {
                options.host(address.as_ref().unwrap_or(host)).port(*port)
            }
        };
        if !self.password.is_empty() {
            options = options.password(&self.password);
        }
        if let Some(database) = &self.database {
            options = options.database(database);
        }
        if let Some(name) = &self.application_name {
            options = options.application_name(name);
        }
        let Encryption { roots, certificate, key, .. } = &self.encryption;
        options = match roots {
            Some(Pem::File(path)) => options.ssl_root_cert(path),
            Some(Pem::Inline(text)) => options.ssl_root_cert_from_pem(text.clone().into_bytes()),
            None => options,
        };
        options = match certificate {
            Some(Pem::File(path)) => options.ssl_client_cert(path),
            Some(Pem::Inline(text)) => options.ssl_client_cert_from_pem(text),
            None => options,
        };
        options = match key {
            Some(Pem::File(path)) => options.ssl_client_key(path),
            Some(Pem::Inline(text)) => options.ssl_client_key_from_pem(text),
            None => options,
        };
        if !self.names_statements() {
            options = options.statement_cache_capacity(0);
        }
        if self.is_pooled() {
            return options.extra_float_digits(None);
        }
        // sqlx escapes the settings itself.
        let settings = self.settings.iter().map(|setting| (&setting.name, &setting.value));
        options.options(settings)
    }
}

/// Parts of the parameters, read in order; the last value wins.
struct Parts {
    host: String,
    address: Option<String>,
    port: u16,
    place: PgConfig,
    has_password: bool,
}

pub(super) const DEFAULT_PORT: u16 = 5432;

impl Parts {
    /// Returns the defaults for parts that the URL lacks.
    fn of_environment() -> Self {
        // sqlx reads the values that have getters; the rest is read as sqlx does.
        let known = PgConnectOptions::new_without_pgpass();
        let pem = |name| environment::variable(name).map(|text| Pem::new(&text));
        let encryption = Encryption {
            mode: known.get_ssl_mode(),
            roots: pem("PGSSLROOTCERT"),
            certificate: pem("PGSSLCERT"),
            key: pem("PGSSLKEY"),
        };
        let password = environment::variable("PGPASSWORD");
        Self {
            host: known.get_host().to_owned(),
            address: None,
            port: known.get_port(),
            has_password: password.is_some(),
            place: PgConfig {
                address: Address::Unix(PathBuf::new()),
                user: known.get_username().to_owned(),
                password: password.unwrap_or_default(),
                database: known.get_database().map(str::to_owned),
                application_name: known.get_application_name().map(str::to_owned),
                settings: known.get_options().map(settings::read).unwrap_or_default(),
                encryption,
                keep_alive: KeepAlive::default(),
                connect_timeout: POSTGRES_CONNECT_TIMEOUT,
                has_names: true,
                pooler: Pooler::Auto,
                preamble: None,
                probe: Probe::default(),
            },
        }
    }

    fn take_url(&mut self, url: &Url) -> Result<(), Fault> {
        if let Some(host) = url.host_str() {
            // A URL has an IPv6 address in brackets.
            self.host = decoded("host", host)?.trim_matches(['[', ']']).to_owned();
        }
        self.port = url.port().unwrap_or(self.port);
        if !url.username().is_empty() {
            self.place.user = decoded("user", url.username())?;
        }
        if let Some(password) = url.password() {
            self.set_password(decoded("password", password)?);
        }
        let database = url.path().trim_start_matches('/');
        if !database.is_empty() {
            self.place.database = Some(decoded("database", database)?);
        }
        Ok(())
    }

    fn take_parameter(&mut self, name: &str, value: &str) -> Result<(), Fault> {
        let place = &mut self.place;
        let keep_alive = &mut place.keep_alive;
        match name {
            "host" => (self.host, self.address) = (value.to_owned(), None),
            "hostaddr" => {
                value.parse::<std::net::IpAddr>().map_err(|_| unreadable(name, "an address"))?;
                self.address = Some(value.to_owned());
            }
            "port" => self.port = number(name, value)?,
            "dbname" => place.database = Some(value.to_owned()),
            "user" => place.user = value.to_owned(),
            "password" => self.set_password(value.to_owned()),
            "application_name" => place.application_name = Some(value.to_owned()),
            "options" => place.settings.extend(settings::read(value)),
            "sslmode" | "ssl-mode" => {
                place.encryption.mode = value.parse().map_err(|_| unreadable(name, "an sslmode of libpq"))?;
            }
            "sslrootcert" | "ssl-root-cert" | "ssl-ca" => place.encryption.roots = Some(Pem::new(value)),
            "sslcert" | "ssl-cert" => place.encryption.certificate = Some(Pem::new(value)),
            "sslkey" | "ssl-key" => place.encryption.key = Some(Pem::new(value)),
            "statement-cache-capacity" => place.has_names = number::<u64>(name, value)? > 0,
            "connect_timeout" => match number(name, value)? {
                0 => place.connect_timeout = Duration::from_secs(u64::from(u32::MAX)),
                seconds => place.connect_timeout = Duration::from_secs(seconds),
            },
            "keepalives" => {
                if number::<u8>(name, value)? == 0 {
                    keep_alive.idle = None;
                }
            }
            "keepalives_idle" => keep_alive.idle = Some(Duration::from_secs(number(name, value)?)),
            "keepalives_interval" => keep_alive.interval = Duration::from_secs(number(name, value)?),
            "keepalives_count" => keep_alive.count = number(name, value)?,
            "tcp_user_timeout" => keep_alive.user_timeout = Duration::from_millis(number(name, value)?),
            _ => match name.strip_prefix("options[").and_then(|name| name.strip_suffix(']')) {
                Some(name) => {
                    place.settings.push(Setting { name: name.to_owned(), value: value.to_owned() });
                }
                None => tracing::warn!(name, "unknown parameter in the database URL"),
            },
        }
        Ok(())
    }

    fn set_password(&mut self, password: String) {
        self.place.password = password;
        self.has_password = true;
    }

    fn finish(self) -> PgConfig {
        let Self { host, address, port, mut place, has_password } = self;
        if !has_password {
            let database = place.database.as_deref().unwrap_or(&place.user);
            let password = environment::password(&host, port, &place.user, database);
            place.password = password.unwrap_or_default();
        }
        place.address = match host.starts_with('/') && address.is_none() {
            true => Address::Unix(PathBuf::from(host).join(format!(".s.PGSQL.{port}"))),
            false => Address::Tcp { host, address, port },
        };
        place
    }
}

fn decoded(name: &str, text: &str) -> Result<String, Fault> {
    let text = percent_decode_str(text).decode_utf8().map_err(|_| unreadable(name, "UTF-8"))?;
    Ok(text.into_owned())
}

fn number<T: std::str::FromStr>(name: &str, value: &str) -> Result<T, Fault> {
    value.parse().map_err(|_| unreadable(name, "a number"))
}

fn unreadable(name: &str, expected: &str) -> Fault {
    Fault::Settings(format!("database URL: {name} is not {expected}"))
}

impl Encryption {
    /// Returns true if the client asks for TLS. As in sqlx, `allow` never asks.
    pub(super) fn is_wanted(&self) -> bool {
        !matches!(self.mode, PgSslMode::Disable | PgSslMode::Allow)
    }

    /// Returns true if a connection requires TLS.
    pub(super) fn is_required(&self) -> bool {
        matches!(self.mode, PgSslMode::Require | PgSslMode::VerifyCa | PgSslMode::VerifyFull)
    }
}

impl Pem {
    /// Accepts PEM text, or the path of a file.
    fn new(text: &str) -> Self {
        match text.trim_start().starts_with("-----BEGIN ") {
            true => Self::Inline(text.to_owned()),
            false => Self::File(text.into()),
        }
    }
}
