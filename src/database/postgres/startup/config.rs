//! Connection parameters of a PostgreSQL server.

use std::borrow::Cow;
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use percent_encoding::percent_decode_str;
use sqlx::postgres::{PgConnectOptions, PgSslMode};
use url::Url;

use super::environment;
use super::hosts::{Address, Hosts, SessionAttributes};
use super::settings::{self, Setting};
use crate::database::postgres::fault::Fault;
use crate::database::postgres::probe::Probe;
use crate::database::settings::{POSTGRES_CONNECT_TIMEOUT, Pooler};

/// Connection parameters: address, credentials and settings. All connections use them, sqlx's too.
pub struct PgConfig {
    pub(super) hosts: Hosts,
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

pub struct Encryption {
    pub(super) mode: PgSslMode,
    pub(super) channel_binding: Binding,
    /// Additional root certificates.
    pub(super) roots: Option<Pem>,
    /// Client certificate.
    pub(super) certificate: Option<Pem>,
    pub(super) key: Option<Pem>,
}

/// Use of channel binding, which ties the proof of the password to the TLS connection (`channel_binding`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Binding {
    Disable,
    #[default]
    Prefer,
    Require,
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
            .field("hosts", &self.hosts)
            .field("user", &self.user)
            .field("database", &self.database)
            .finish_non_exhaustive()
    }
}

/// Formats the server for error messages.
impl fmt::Display for PgConfig {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let database = self.database.as_ref().unwrap_or(&self.user);
        write!(formatter, "PostgreSQL's {database} at {}", self.hosts)
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
        let (text, list) = hosts_of(url);
        let url = Url::parse(&text).map_err(|error| Fault::Settings(format!("database URL: {error}")))?;
        let mut parts = Parts::of_environment();
        parts.take_url(&url)?;
        if let Some(list) = list {
            parts.take_hosts(list)?;
        }
        for (name, value) in url.query_pairs() {
            parts.take_parameter(&name, &value)?;
        }
        parts.finish()
    }

    /// Returns the addresses of the hosts.
    pub fn server(&self) -> String {
        self.hosts.to_string()
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

    /// Returns the timeout for a new connection to one of the hosts.
    pub fn connect_timeout(&self) -> Duration {
        let rounds = self.hosts.len() * self.hosts.wanted.rounds().len();
        self.connect_timeout.saturating_mul(u32::try_from(rounds).unwrap_or(u32::MAX))
    }

    /// Returns the timeout for a new connection to a single host.
    pub(super) fn host_timeout(&self) -> Duration {
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
        let mut options = match self.hosts.chosen() {
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
    hosts: Vec<String>,
    /// Addresses of the hosts, which spare a look-up; as many as hosts, or none.
    addresses: Vec<String>,
    /// Ports of the hosts; one serves all.
    ports: Vec<u16>,
    wanted: SessionAttributes,
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
            channel_binding: Binding::default(),
            roots: pem("PGSSLROOTCERT"),
            certificate: pem("PGSSLCERT"),
            key: pem("PGSSLKEY"),
        };
        let password = environment::variable("PGPASSWORD");
        Self {
            hosts: vec![known.get_host().to_owned()],
            addresses: Vec::new(),
            ports: vec![known.get_port()],
            wanted: SessionAttributes::default(),
            has_password: password.is_some(),
            place: PgConfig {
                hosts: Hosts::new(Address::Unix(PathBuf::new()), Vec::new(), SessionAttributes::Any),
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
            self.hosts = vec![decoded("host", host)?.trim_matches(['[', ']']).to_owned()];
        }
        if let Some(port) = url.port() {
            self.ports = vec![port];
        }
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

    /// Takes a list such as `one:5432,two`, where a port follows its host.
    fn take_hosts(&mut self, list: &str) -> Result<(), Fault> {
        let (mut hosts, mut ports) = (Vec::new(), Vec::new());
        let default = self.ports.first().copied().unwrap_or(DEFAULT_PORT);
        for host in list.split(',') {
            let (host, port) = match host.rsplit_once(':') {
                // The colons of an IPv6 address are in brackets.
                Some((host, port)) if !port.ends_with(']') => (host, number("port", port)?),
                _ => (host, default),
            };
            hosts.push(decoded("host", host)?.trim_matches(['[', ']']).to_owned());
            ports.push(port);
        }
        (self.hosts, self.ports) = (hosts, ports);
        Ok(())
    }

    fn take_parameter(&mut self, name: &str, value: &str) -> Result<(), Fault> {
        let place = &mut self.place;
        let keep_alive = &mut place.keep_alive;
        match name {
            "host" => {
                (self.hosts, self.addresses) = (value.split(',').map(str::to_owned).collect(), Vec::new());
            }
            "hostaddr" => {
                let is_address = |text: &str| text.parse::<std::net::IpAddr>().is_ok();
                if !value.split(',').all(is_address) {
                    return Err(unreadable(name, "an address"));
                }
                self.addresses = value.split(',').map(str::to_owned).collect();
            }
            "port" => {
                self.ports = value.split(',').map(|port| number(name, port)).collect::<Result<_, _>>()?;
            }
            "target_session_attrs" => {
                let wanted = SessionAttributes::read(value);
                self.wanted = wanted.ok_or_else(|| unreadable(name, "a name that libpq knows"))?;
            }
            "channel_binding" => {
                place.encryption.channel_binding = match value {
                    "disable" => Binding::Disable,
                    "prefer" => Binding::Prefer,
                    "require" => Binding::Require,
                    _ => return Err(unreadable(name, "disable, prefer or require")),
                };
            }
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

    fn finish(self) -> Result<PgConfig, Fault> {
        let Self { hosts, addresses, ports, wanted, mut place, has_password } = self;
        let count = hosts.len().max(addresses.len());
        let fits = |length: usize| length == count || length <= 1;
        if !fits(hosts.len()) || !fits(ports.len()) || !(addresses.is_empty() || addresses.len() == count) {
            let message = "database URL: host, hostaddr and port are lists of different lengths";
            return Err(Fault::Settings(message.to_owned()));
        }
        let mut found = (0..count).map(|place| {
            let host = hosts.get(place).or(hosts.first()).cloned().unwrap_or_default();
            let port = ports.get(place).or(ports.first()).copied().unwrap_or(DEFAULT_PORT);
            (host, addresses.get(place).cloned(), port)
        });
        let (host, address, port) = found.next().unwrap_or_default();
        if !has_password {
            let database = place.database.as_deref().unwrap_or(&place.user);
            let password = environment::password(&host, port, &place.user, database);
            place.password = password.unwrap_or_default();
        }
        place.hosts = Hosts::new(address_of((host, address, port)), found.map(address_of).collect(), wanted);
        Ok(place)
    }
}

fn address_of((host, address, port): (String, Option<String>, u16)) -> Address {
    match host.starts_with('/') && address.is_none() {
        true => Address::Unix(PathBuf::from(host).join(format!(".s.PGSQL.{port}"))),
        false => Address::Tcp { host, address, port },
    }
}

/// Splits a list of hosts off a URL, which has a single host by its standard (RFC 3986).
fn hosts_of(url: &str) -> (Cow<'_, str>, Option<&str>) {
    let Some((scheme, rest)) = url.split_once("://") else { return (url.into(), None) };
    let (authority, path) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
    let (user, hosts) = authority.rsplit_once('@').map_or(("", authority), |(user, hosts)| (user, hosts));
    match hosts.contains(',') {
        true => (
            format!("{scheme}://{user}{}hosts{path}", if user.is_empty() { "" } else { "@" }).into(),
            Some(hosts),
        ),
        false => (url.into(), None),
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
