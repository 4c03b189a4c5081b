//! Where a PostgreSQL server is, and how it lets us in.

use std::fmt;
use std::path::PathBuf;

use percent_encoding::percent_decode_str;
use sqlx::ConnectOptions;
use sqlx::postgres::{PgConnectOptions, PgSslMode};

use crate::execute::postgres::fault::Fault;

/// Where the server is, who we are there, and what is asked of the connection.
pub struct Place {
    pub(super) address: Address,
    pub(super) user: String,
    /// Empty where there is none.
    pub(super) password: String,
    pub(super) database: Option<String>,
    pub(super) application_name: Option<String>,
    /// Settings as a server's command line has them.
    pub(super) options: Option<String>,
    pub(super) encryption: Encryption,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Address {
    Tcp { host: String, port: u16 },
    Unix(PathBuf),
}

pub struct Encryption {
    pub(super) mode: PgSslMode,
    /// Who else may vouch for the server.
    pub(super) roots: Option<Pem>,
    /// What we show the server of ourselves.
    pub(super) certificate: Option<Pem>,
    pub(super) key: Option<Pem>,
}

/// Where certificates or a key are written down.
#[derive(Clone, PartialEq, Eq)]
pub enum Pem {
    File(PathBuf),
    Inline(String),
}

/// Without what is secret.
impl fmt::Debug for Place {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Place")
            .field("address", &self.address)
            .field("user", &self.user)
            .field("database", &self.database)
            .finish_non_exhaustive()
    }
}

impl Place {
    /// As sqlx would connect with these options.
    pub fn new(options: &PgConnectOptions) -> Result<Self, Fault> {
        // Password and certificates can be read from the options' URL alone. It is that of a copy whose other parts are
        // harmless: sqlx writes user and host into it as they are, and panics where that makes no URL, as with an IPv6
        // address without brackets.
        let url = options.clone().username("user").socket("/").to_url_lossy();
        let password = percent_decode_str(url.password().unwrap_or_default())
            .decode_utf8()
            .map_err(|error| Fault::Settings(format!("the password is not UTF-8: {error}")))?;
        let pem = |name| match url.query_pairs().find(|(key, _)| key == name) {
            Some((_, text)) => Pem::new(name, &text).map(Some),
            None => Ok(None),
        };
        Ok(Self {
            address: Address::new(options),
            user: options.get_username().to_owned(),
            password: password.into_owned(),
            database: options.get_database().map(str::to_owned),
            application_name: options.get_application_name().map(str::to_owned),
            options: options.get_options().map(str::to_owned),
            encryption: Encryption {
                mode: options.get_ssl_mode(),
                roots: pem("sslrootcert")?,
                certificate: pem("sslcert")?,
                key: pem("sslkey")?,
            },
        })
    }
}

impl Address {
    fn new(options: &PgConnectOptions) -> Self {
        let (host, port) = (options.get_host(), options.get_port());
        let directory = options.get_socket().cloned().or_else(|| host.starts_with('/').then(|| host.into()));
        match directory {
            Some(directory) => Self::Unix(directory.join(format!(".s.PGSQL.{port}"))),
            // A URL has an IPv6 address in brackets, and sqlx keeps them.
            None => Self::Tcp { host: host.trim_matches(['[', ']']).to_owned(), port },
        }
    }
}

impl Encryption {
    /// Whether the server is asked for TLS. As in sqlx, `allow` never gets as far as asking.
    pub(super) fn is_wanted(&self) -> bool {
        !matches!(self.mode, PgSslMode::Disable | PgSslMode::Allow)
    }

    /// Whether there is no connection without TLS.
    pub(super) fn is_required(&self) -> bool {
        matches!(self.mode, PgSslMode::Require | PgSslMode::VerifyCa | PgSslMode::VerifyFull)
    }
}

impl Pem {
    /// From what sqlx prints: a file's path after `file: `, or the text itself.
    fn new(name: &str, printed: &str) -> Result<Self, Fault> {
        // What is not UTF-8 has been replaced: that would be another file.
        if printed.contains(char::REPLACEMENT_CHARACTER) {
            return Err(Fault::Settings(format!("{name} is not UTF-8")));
        }
        Ok(match printed.strip_prefix("file: ") {
            Some(path) => Self::File(path.into()),
            None => Self::Inline(printed.to_owned()),
        })
    }
}
