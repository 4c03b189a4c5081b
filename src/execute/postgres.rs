//! Reading from PostgreSQL.
//!
//! sqlx's pool asks the server whether a connection lives whenever one is given back: a round trip for every
//! statement. These connections are not asked. One that turns out to be broken is thrown away, and the statement is sent
//! again: it only reads.

mod fault;
#[allow(dead_code, reason = "the reading connections are about to be opened by it")]
mod startup;
mod stream;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use futures_util::TryStreamExt;
use sea_orm::{ConnAcquireErr, DbErr, QueryResult, RuntimeErr, Values};
use sea_query_sqlx::SqlxValues;
use sqlx::postgres::types::Oid;
use sqlx::postgres::{PgArguments, PgConnectOptions, PgRow, PgValueFormat};
use sqlx::{
    AssertSqlSafe, ConnectOptions, Connection, IntoArguments, PgConnection, PgPool, Postgres, Row, ValueRef,
};
use tokio::runtime::Handle;
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::timeout;

use super::connect::ACQUIRE_TIMEOUT;
use super::row::RowSet;
use super::statements::fault;
use crate::error::Result;
use crate::model::ColumnType;

/// How long the server may take to let a connection in: one that is there needs far less.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);

/// PostgreSQL's codes for a connection that can do no more, or whose prepared statements are not what they were: the
/// server ends it, a table has other columns now, a pooler between has forgotten them.
const STALE: [&str; 4] = ["08", "57P", "0A000", "26000"];

/// Sends what is only read, outside transactions.
#[derive(Debug)]
pub(super) struct PostgresReader {
    options: Arc<PgConnectOptions>,
    lifetime: Option<Duration>,
    limit: usize,
    /// One place for each connection in use.
    room: Semaphore,
    connections: Mutex<Connections>,
}

#[derive(Debug, Default)]
struct Connections {
    idle: Vec<Open>,
    /// How many there are, those in use and those being opened included.
    count: usize,
}

#[derive(Debug)]
struct Open {
    connection: PgConnection,
    since: Instant,
    /// Where its socket is watched. Another runtime can use it, but is woken by this one each time.
    home: tokio::runtime::Id,
}

/// A place among the connections in use. Its connection goes back only when it is there at the end: a statement that
/// was given up half-way, or met a fault of the connection, has taken it along.
struct Lease<'a> {
    reader: &'a PostgresReader,
    open: Option<Open>,
    _place: SemaphorePermit<'a>,
}

impl Drop for Lease<'_> {
    fn drop(&mut self) {
        let open = self
            .open
            .take()
            .filter(|open| self.reader.lifetime.is_none_or(|lifetime| open.since.elapsed() < lifetime));
        let mut connections = self.reader.connections();
        match open {
            Some(open) => connections.idle.push(open),
            None => connections.count -= 1,
        }
    }
}

impl PostgresReader {
    /// Connections as those of `pool`, and no more of them; opened when they are needed.
    pub fn new(pool: &PgPool) -> Self {
        let limit = pool.options().get_max_connections() as usize;
        Self {
            options: pool.connect_options(),
            lifetime: pool.options().get_max_lifetime(),
            limit,
            room: Semaphore::new(limit),
            connections: Mutex::default(),
        }
    }

    /// Sends a statement that reads, and decodes its rows.
    pub async fn read(&self, sql: &Arc<str>, values: Values, columns: &[ColumnType]) -> Result<RowSet> {
        let arguments = IntoArguments::<Postgres>::into_arguments(SqlxValues(values));
        let mut lease = self.take().await.map_err(fault)?;
        if let Some(open) = lease.open.take() {
            match lease.run(open, sql, arguments.clone(), columns).await {
                Err(error) if is_stale(&error) => {
                    tracing::info!(%error, "a connection to the database is lost");
                    // What ended this one has most likely ended those that lie idle.
                    self.forget_idle();
                }
                result => return result.map_err(|error| fault(of_query(error))).and_then(decoded),
            }
        }
        let open = self.open().await.map_err(fault)?;
        let result = lease.run(open, sql, arguments, columns).await;
        result.map_err(|error| fault(of_query(error))).and_then(decoded)
    }

    /// How many connections lie idle, and how many are in use or being opened.
    pub fn idle_and_busy(&self) -> (usize, usize) {
        let connections = self.connections();
        let idle = connections.idle.len();
        (idle, connections.count.saturating_sub(idle))
    }

    /// Closes what lies idle, and lets nobody in any more.
    pub async fn close(&self) {
        self.room.close();
        for open in self.forget_idle() {
            // What the server thinks of it does not matter any more.
            let _ = open.connection.close().await;
        }
    }

    /// A place, with an idle connection where there is a good one or no other may be opened.
    async fn take(&self) -> Result<Lease<'_>, DbErr> {
        let place = match self.room.try_acquire() {
            Ok(place) => place,
            Err(_) => timeout(ACQUIRE_TIMEOUT, self.room.acquire())
                .await
                .map_err(|_| DbErr::ConnectionAcquire(ConnAcquireErr::Timeout))?
                .map_err(|_| DbErr::ConnectionAcquire(ConnAcquireErr::ConnectionClosed))?,
        };
        let home = Handle::current().id();
        let mut connections = self.connections();
        let near = connections.idle.iter().rposition(|open| open.home == home);
        let any =
            || (connections.count >= self.limit).then(|| connections.idle.len().checked_sub(1)).flatten();
        let open = match near.or_else(any) {
            Some(index) => Some(connections.idle.swap_remove(index)),
            None => {
                connections.count += 1;
                None
            }
        };
        Ok(Lease { reader: self, open, _place: place })
    }

    async fn open(&self) -> Result<Open, DbErr> {
        match timeout(CONNECT_TIMEOUT, self.options.connect()).await {
            Ok(Ok(connection)) => {
                Ok(Open { connection, since: Instant::now(), home: Handle::current().id() })
            }
            Ok(Err(error)) => Err(DbErr::Conn(RuntimeErr::SqlxError(error.into()))),
            Err(_) => Err(DbErr::ConnectionAcquire(ConnAcquireErr::Timeout)),
        }
    }

    fn forget_idle(&self) -> Vec<Open> {
        let mut connections = self.connections();
        connections.count -= connections.idle.len();
        std::mem::take(&mut connections.idle)
    }

    fn connections(&self) -> MutexGuard<'_, Connections> {
        self.connections.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Lease<'_> {
    /// Sends a statement, and keeps the connection when it is still good. Inside, what could not be decoded.
    async fn run(
        &mut self,
        mut open: Open,
        sql: &Arc<str>,
        arguments: PgArguments,
        columns: &[ColumnType],
    ) -> Result<Result<RowSet, DbErr>, sqlx::Error> {
        let rows = fetch(&mut open.connection, sql, arguments, columns).await;
        let is_good = match &rows {
            Ok(_) => true,
            Err(error) => matches!(error, sqlx::Error::Database(_)) && !is_stale(error),
        };
        if is_good {
            self.open = Some(open);
        }
        rows
    }
}

async fn fetch(
    connection: &mut PgConnection,
    sql: &Arc<str>,
    arguments: PgArguments,
    columns: &[ColumnType],
) -> Result<Result<RowSet, DbErr>, sqlx::Error> {
    let query = sqlx::query_with(AssertSqlSafe(sql.clone()), arguments);
    let mut results = query.fetch(connection);
    let mut rows = RowSet::new(columns);
    let mut decoder = None;
    let mut decoded = Ok(());
    while let Some(row) = results.try_next().await? {
        // Whatever else comes is read from the connection, which is as good as before then.
        if decoded.is_ok() {
            let decoder = decoder.get_or_insert_with(|| Decoder::new(&row, columns));
            decoded = decoder.decode(&row.into(), &mut rows);
        }
    }
    Ok(decoded.map(|()| rows))
}

fn is_stale(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Database(database) => {
            let code = database.code().unwrap_or_default();
            STALE.iter().any(|class| code.starts_with(class))
        }
        sqlx::Error::Io(_) | sqlx::Error::Protocol(_) | sqlx::Error::Tls(_) => true,
        _ => false,
    }
}

fn of_query(error: sqlx::Error) -> DbErr {
    DbErr::Query(RuntimeErr::SqlxError(error.into()))
}

fn decoded(rows: Result<RowSet, DbErr>) -> Result<RowSet> {
    rows.map_err(fault)
}

/// How the rows of one statement are decoded: found out once, not for each cell.
pub(super) struct Decoder<'a> {
    columns: Vec<(Form, &'a ColumnType)>,
}

/// Days and microseconds from 2000 on that chrono has a date for, with room to spare: it ends in the year 262142.
const MOST_DAYS: i32 = 94_000_000;
const MOST_MICROSECONDS: i64 = MOST_DAYS as i64 * 86_400 * 1_000_000;

/// PostgreSQL's calendar goes further than chrono's, and knows `infinity`; sqlx would panic.
fn is_beyond_chrono(column_type: &ColumnType, bytes: &[u8]) -> bool {
    match column_type {
        ColumnType::Date => {
            fixed(bytes).is_ok_and(|bytes| !(-MOST_DAYS..=MOST_DAYS).contains(&i32::from_be_bytes(bytes)))
        }
        ColumnType::DateTime | ColumnType::Timestamp => fixed(bytes).is_ok_and(|bytes| {
            !(-MOST_MICROSECONDS..=MOST_MICROSECONDS).contains(&i64::from_be_bytes(bytes))
        }),
        _ => false,
    }
}

/// What the server sends for a column, in the binary format.
#[derive(Clone, Copy)]
enum Form {
    Boolean,
    Int2,
    Int4,
    Int8,
    Float4,
    Float8,
    Text,
    /// Something rarer, or not what the column should hold: sqlx decodes or refuses it.
    Other,
}

/// The object ids of types (`pg_type.dat`).
const BOOL: Oid = Oid(16);
const NAME: Oid = Oid(19);
const INT8: Oid = Oid(20);
const INT2: Oid = Oid(21);
const INT4: Oid = Oid(23);
const TEXT: Oid = Oid(25);
const FLOAT4: Oid = Oid(700);
const FLOAT8: Oid = Oid(701);
const BPCHAR: Oid = Oid(1042);
const VARCHAR: Oid = Oid(1043);

impl<'a> Decoder<'a> {
    /// For all rows of the statement that `row` is of.
    pub fn new(row: &PgRow, columns: &'a [ColumnType]) -> Self {
        let column = |(index, column_type)| (Form::of(row, index, column_type), column_type);
        Self { columns: columns.iter().enumerate().map(column).collect() }
    }

    /// Adds a row.
    pub fn decode(&self, result: &QueryResult, rows: &mut RowSet) -> Result<(), DbErr> {
        let Some(row) = result.try_as_pg_row() else {
            return Err(DbErr::Type("a row is not PostgreSQL's".to_owned()));
        };
        for (index, (form, column_type)) in self.columns.iter().enumerate() {
            let value = row.try_get_raw(index).map_err(of_query)?;
            if value.is_null() {
                rows.push_null();
                continue;
            }
            let bytes = value.as_bytes().map_err(|error| DbErr::Type(error.to_string()))?;
            match form {
                Form::Boolean => rows.push_boolean(fixed::<1>(bytes)? != [0]),
                Form::Int2 => rows.push_integer(i16::from_be_bytes(fixed(bytes)?).into()),
                Form::Int4 => rows.push_integer(i32::from_be_bytes(fixed(bytes)?).into()),
                Form::Int8 => rows.push_integer(i64::from_be_bytes(fixed(bytes)?)),
                Form::Float4 => rows.push_float(f32::from_be_bytes(fixed(bytes)?)),
                Form::Float8 => rows.push_double(f64::from_be_bytes(fixed(bytes)?)),
                Form::Text => rows.push_text(text(bytes)?),
                Form::Other if is_beyond_chrono(column_type, bytes) => {
                    return Err(DbErr::Type(format!("column {index} holds a moment that is out of range")));
                }
                Form::Other => rows.push_result(result, index, column_type)?,
            }
        }
        Ok(())
    }
}

impl Form {
    fn of(row: &PgRow, index: usize, column_type: &ColumnType) -> Self {
        let Ok(value) = row.try_get_raw(index) else { return Self::Other };
        if value.format() != PgValueFormat::Binary {
            return Self::Other;
        }
        let Some(oid) = value.type_info().oid() else { return Self::Other };
        match column_type {
            ColumnType::Boolean if oid == BOOL => Self::Boolean,
            // PostgreSQL stores 8 bits in 16, and 16, 32 and 64 unsigned ones in the next wider signed type.
            ColumnType::TinyInt | ColumnType::SmallInt | ColumnType::TinyUnsigned if oid == INT2 => {
                Self::Int2
            }
            ColumnType::Int | ColumnType::SmallUnsigned if oid == INT4 => Self::Int4,
            ColumnType::BigInt | ColumnType::Unsigned | ColumnType::BigUnsigned if oid == INT8 => Self::Int8,
            ColumnType::Float if oid == FLOAT4 => Self::Float4,
            ColumnType::Double if oid == FLOAT8 => Self::Float8,
            ColumnType::Text | ColumnType::Enumeration(_) if [TEXT, VARCHAR, BPCHAR, NAME].contains(&oid) => {
                Self::Text
            }
            _ => Self::Other,
        }
    }
}

fn fixed<const N: usize>(bytes: &[u8]) -> Result<[u8; N], DbErr> {
    bytes.try_into().map_err(|_| DbErr::Type(format!("{} bytes came for a value of {N}", bytes.len())))
}

fn text(bytes: &[u8]) -> Result<&str, DbErr> {
    std::str::from_utf8(bytes).map_err(|error| DbErr::Type(error.to_string()))
}
