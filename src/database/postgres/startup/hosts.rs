//! Hosts that a URL names, and the choice between them:
//! <https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-MULTIPLE-HOSTS>.

use std::fmt;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Address of a server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Address {
    Tcp { host: String, address: Option<String>, port: u16 },
    Unix(PathBuf),
}

/// Formats the address for error messages.
impl fmt::Display for Address {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp { host, port, .. } => write!(formatter, "{host}:{port}"),
            Self::Unix(path) => write!(formatter, "{}", path.parent().unwrap_or(path).display()),
        }
    }
}

/// Hosts of one database, at least one. New connections begin with the host that accepted the last one.
#[derive(Debug)]
pub struct Hosts {
    all: Vec<Address>,
    chosen: AtomicUsize,
    pub(super) wanted: SessionAttributes,
}

impl Hosts {
    /// Creates a list of hosts; new connections begin with `first`.
    pub(super) fn new(first: Address, others: Vec<Address>, wanted: SessionAttributes) -> Self {
        let all = std::iter::once(first).chain(others).collect();
        Self { all, chosen: AtomicUsize::new(0), wanted }
    }

    /// Returns the host that accepted the last connection.
    pub(super) fn chosen(&self) -> &Address {
        &self.all[self.chosen.load(Ordering::Relaxed) % self.all.len()]
    }

    pub(super) fn len(&self) -> usize {
        self.all.len()
    }

    /// Returns all hosts with their numbers, beginning with the chosen one.
    pub(super) fn in_turn(&self) -> impl Iterator<Item = (usize, &Address)> {
        let chosen = self.chosen.load(Ordering::Relaxed);
        self.all.iter().enumerate().cycle().skip(chosen).take(self.all.len())
    }

    /// Records the host that accepted a connection.
    pub(super) fn choose(&self, number: usize) {
        if self.chosen.swap(number, Ordering::Relaxed) != number {
            tracing::info!(host = %self.chosen(), "connected to another host of the database");
        }
    }
}

/// Formats the hosts for error messages.
impl fmt::Display for Hosts {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, address) in self.all.iter().enumerate() {
            write!(formatter, "{}{address}", if number > 0 { ", " } else { "" })?;
        }
        Ok(())
    }
}

/// Kind of server that is wanted (`target_session_attrs`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SessionAttributes {
    #[default]
    Any,
    ReadWrite,
    ReadOnly,
    Primary,
    Standby,
    PreferStandby,
}

impl SessionAttributes {
    /// Reads libpq's name.
    pub(super) fn read(name: &str) -> Option<Self> {
        Some(match name {
            "any" => Self::Any,
            "read-write" => Self::ReadWrite,
            "read-only" => Self::ReadOnly,
            "primary" => Self::Primary,
            "standby" => Self::Standby,
            "prefer-standby" => Self::PreferStandby,
            _ => return None,
        })
    }

    /// Returns the kinds that all hosts are asked for in turn.
    pub(super) fn rounds(self) -> &'static [Self] {
        match self {
            Self::Any => &[Self::Any],
            Self::ReadWrite => &[Self::ReadWrite],
            Self::ReadOnly => &[Self::ReadOnly],
            Self::Primary => &[Self::Primary],
            Self::Standby => &[Self::Standby],
            Self::PreferStandby => &[Self::Standby, Self::Any],
        }
    }

    /// Returns the query that tells whether a server is of this kind, `t` or `f`; `None` if any server is.
    pub(super) fn question(self) -> Option<&'static str> {
        match self {
            Self::Any | Self::PreferStandby => None,
            Self::ReadWrite => Some("SELECT current_setting('transaction_read_only') = 'off'"),
            Self::ReadOnly => Some("SELECT current_setting('transaction_read_only') = 'on'"),
            Self::Primary => Some("SELECT NOT pg_is_in_recovery()"),
            Self::Standby => Some("SELECT pg_is_in_recovery()"),
        }
    }
}
