//! PostgreSQL through sqlx: connections of a single worker, each used by one request at a time, without
//! pings.

use std::cell::RefCell;

use sqlx::postgres::{PgArguments, PgConnection, PgRow, Postgres};
use sqlx::query::Query;
use sqlx::{AssertSqlSafe, Connection, Row as _};
use tokio::sync::{Semaphore, SemaphorePermit};

use super::postgres::{Parameter, Row, Session, Source};
use crate::Failure;

/// Number of connections per worker. Fewer leave PostgreSQL idle, more gain nothing.
const CONNECTIONS: usize = 4;

/// Connections of a worker.
pub struct Pooled {
    url: String,
    idle: RefCell<Vec<PgConnection>>,
    permits: Semaphore,
}

/// Connection checked out for a request.
pub struct Taken<'a> {
    pool: &'a Pooled,
    connection: Option<PgConnection>,
    _permit: SemaphorePermit<'a>,
}

impl Pooled {
    /// Creates an empty pool; connections are opened on demand.
    pub fn new(url: String) -> Self {
        Self { url, idle: RefCell::default(), permits: Semaphore::new(CONNECTIONS) }
    }
}

impl Source for Pooled {
    type Session<'a> = Taken<'a>;

    async fn session(&self) -> Result<Taken<'_>, Failure> {
        let permit = self.permits.acquire().await?;
        let idle = self.idle.borrow_mut().pop();
        let connection = match idle {
            Some(connection) => connection,
            None => PgConnection::connect(&self.url).await?,
        };
        Ok(Taken { pool: self, connection: Some(connection), _permit: permit })
    }
}

impl Taken<'_> {
    /// Returns the connection.
    pub fn connection(&mut self) -> Result<&mut PgConnection, Failure> {
        self.connection.as_mut().ok_or_else(|| "the connection is gone".into())
    }
}

impl Drop for Taken<'_> {
    fn drop(&mut self) {
        self.pool.idle.borrow_mut().extend(self.connection.take());
    }
}

impl Session for Taken<'_> {
    type Row = PgRow;

    async fn rows(&mut self, sql: &str, parameter: Parameter) -> Result<Vec<PgRow>, Failure> {
        let connection = self.connection.as_mut().ok_or("the connection is gone")?;
        let query: Query<'_, Postgres, PgArguments> = sqlx::query(AssertSqlSafe(sql.to_owned()));
        let query = match parameter {
            Parameter::Nothing => query,
            Parameter::Key(key) => query.bind(key),
            Parameter::Keys(keys) => query.bind(keys),
            Parameter::Range(from, to) => query.bind(from).bind(to),
        };
        Ok(query.fetch_all(connection).await?)
    }
}

impl Row for PgRow {
    fn bytes(&self, column: usize) -> Option<&[u8]> {
        self.try_get_raw(column).ok()?.as_bytes().ok()
    }
}
