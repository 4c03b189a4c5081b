//! Reading from SQLite.
//!
//! sqlx has a thread for each connection and copies every value on its way from there. Here a statement is stepped where
//! its rows are wanted. What takes long must not keep a worker from its other requests: see [`LIGHT_STEPS`].

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, ThreadId};

use chrono::{
    DateTime, FixedOffset, NaiveDate, NaiveDateTime, NaiveTime, Offset, SecondsFormat, TimeZone, Utc,
};
use regex::Regex;
use rusqlite::config::DbConfig;
use rusqlite::functions::{Context, FunctionFlags};
use rusqlite::types::{ToSqlOutput, Value as Stored, ValueRef};
use rusqlite::{Connection, ErrorCode, OpenFlags, StatementStatus, ToSql};
use rust_decimal::Decimal;
use sea_orm::{ConnAcquireErr, DbErr, Value};
use serde_json::Value as Json;
use sqlx::SqlitePool;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::coop::consume_budget;
use tokio::task::spawn_blocking;
use tokio::time::timeout;
use uuid::Uuid;

use super::connect::{ACQUIRE_TIMEOUT, SQLITE_CACHE, SQLITE_MAPPED_BYTES};
use super::row::RowSet;
use super::row_builder::RowSetBuilder;
use super::statements::fault;
use crate::error::{Error, Result};
use crate::model::ColumnType;
use crate::plan::Query;

/// A statement whose last run took at most so many steps of SQLite's machine runs on the worker that wants its rows: that
/// is over within a quarter of a millisecond, and changing threads would cost more than it is worth. One that takes more
/// than it did is stopped there and begun anew on a thread that may block, where the others run.
const LIGHT_STEPS: i32 = 10_000;

/// Prepared statements that each connection keeps.
const KEPT_STATEMENTS: usize = 256;

/// Sends what is only read, outside transactions.
#[derive(Debug)]
pub(super) struct SqliteReader {
    /// One place for each connection in use.
    room: Arc<Semaphore>,
    limit: usize,
    file: Arc<File>,
}

#[derive(Debug)]
struct File {
    path: PathBuf,
    is_read_only: bool,
    /// Each with the thread that used it last.
    idle: Mutex<Vec<(ThreadId, Connection)>>,
}

/// Why a statement brought no rows.
enum Fault {
    Sqlite(rusqlite::Error),
    /// A value that its column should not hold.
    Decode(DbErr),
}

impl From<rusqlite::Error> for Fault {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sqlite(error)
    }
}

impl From<Fault> for Error {
    fn from(fault: Fault) -> Self {
        let error = match fault {
            Fault::Sqlite(error) => error,
            Fault::Decode(error) => return Self::internal(error),
        };
        match error.sqlite_error_code() {
            Some(ErrorCode::DatabaseBusy) => Self::conflict(error),
            Some(ErrorCode::OperationInterrupted) => Self::timeout(error),
            Some(ErrorCode::CannotOpen | ErrorCode::SystemIoFailure) => Self::unavailable(error),
            _ => Self::internal(error),
        }
    }
}

impl Fault {
    fn is_interrupt(&self) -> bool {
        matches!(self, Self::Sqlite(error) if error.sqlite_error_code() == Some(ErrorCode::OperationInterrupted))
    }

    /// Whether the connection is to blame, or the file below it.
    fn is_of_connection(&self) -> bool {
        let Self::Sqlite(error) = self else { return false };
        let code = error.sqlite_error_code();
        matches!(
            code,
            Some(
                ErrorCode::CannotOpen
                    | ErrorCode::SystemIoFailure
                    | ErrorCode::DatabaseCorrupt
                    | ErrorCode::NotADatabase
            )
        )
    }
}

/// Tells the thread that runs a statement when nobody waits for its rows any more.
struct Waiting(Arc<AtomicBool>);

impl Drop for Waiting {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

impl SqliteReader {
    /// Connections to the file of `pool`, and no more of them. None where others would not see the same: in memory, or
    /// with settings in the URL that are sqlx's to understand.
    pub fn new(url: &str, pool: &SqlitePool) -> Option<Self> {
        let parameters = url.split_once('?').map_or("", |(_, parameters)| parameters);
        if url.contains(":memory:") || !["", "mode=ro", "mode=rw", "mode=rwc"].contains(&parameters) {
            return None;
        }
        let options = pool.connect_options();
        let file = File {
            path: options.get_filename().to_owned(),
            is_read_only: parameters == "mode=ro",
            idle: Mutex::default(),
        };
        // Whatever keeps it from being opened keeps it so.
        file.give_back(file.open().ok()?);
        let limit = pool.options().get_max_connections() as usize;
        Some(Self { room: Arc::new(Semaphore::new(limit)), limit, file: Arc::new(file) })
    }

    /// Sends a statement that reads, and decodes its rows.
    pub async fn read(&self, query: &Query, values: Arc<[Value]>) -> Result<RowSet> {
        // Else one that reads again and again would never let others have the worker.
        consume_budget().await;
        let place = self.place().await.map_err(fault)?;
        let mut idle = self.file.take();
        if let Some(connection) = idle.take() {
            match run_light(&connection, query, &values) {
                Ok(Some(rows)) => {
                    self.file.give_back(connection);
                    return Ok(rows);
                }
                Ok(None) => idle = Some(connection),
                Err(fault) => {
                    if !fault.is_of_connection() {
                        self.file.give_back(connection);
                    }
                    return Err(fault.into());
                }
            }
        }
        let waiting = Waiting(Arc::default());
        let given_up = waiting.0.clone();
        let (file, sql, rows) = (self.file.clone(), query.sql.clone(), RowSetBuilder::of(query));
        let task = spawn_blocking(move || {
            // In use until the statement is over, whether anybody waits for it or not.
            let _place: OwnedSemaphorePermit = place;
            let connection = match idle {
                Some(connection) => connection,
                None => file.open()?,
            };
            let ran = run_watched(&connection, given_up, &sql, &values, rows);
            if !ran.as_ref().is_err_and(Fault::is_of_connection) {
                file.give_back(connection);
            }
            ran
        });
        let ran = task.await.map_err(Error::internal)?;
        drop(waiting);
        Ok(ran?)
    }

    /// How many connections lie idle, and how many are in use or being opened.
    pub fn idle_and_busy(&self) -> (usize, usize) {
        (self.file.idle().len(), self.limit.saturating_sub(self.room.available_permits()))
    }

    /// Closes what lies idle, and lets nobody in any more.
    pub fn close(&self) {
        self.room.close();
        self.file.idle().clear();
    }

    async fn place(&self) -> Result<OwnedSemaphorePermit, DbErr> {
        if let Ok(place) = self.room.clone().try_acquire_owned() {
            return Ok(place);
        }
        timeout(ACQUIRE_TIMEOUT, self.room.clone().acquire_owned())
            .await
            .map_err(|_| DbErr::ConnectionAcquire(ConnAcquireErr::Timeout))?
            .map_err(|_| DbErr::ConnectionAcquire(ConnAcquireErr::ConnectionClosed))
    }
}

impl File {
    fn open(&self) -> Result<Connection, Fault> {
        // A reader, too, may have to write: to the index of the write-ahead log, and when the last one has crashed.
        let mode = if self.is_read_only {
            OpenFlags::SQLITE_OPEN_READ_ONLY
        } else {
            OpenFlags::SQLITE_OPEN_READ_WRITE
        };
        let flags = mode | OpenFlags::SQLITE_OPEN_NO_MUTEX | OpenFlags::SQLITE_OPEN_PRIVATE_CACHE;
        let connection = Connection::open_with_flags(&self.path, flags)?;
        connection.busy_timeout(ACQUIRE_TIMEOUT)?;
        connection.pragma_update(None, "query_only", true)?;
        connection.pragma_update(None, "mmap_size", SQLITE_MAPPED_BYTES)?;
        connection.pragma_update(None, "cache_size", SQLITE_CACHE)?;
        // Else a statement is prepared anew whenever a value comes that might change its plan, which is nearly always.
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
        connection.set_prepared_statement_cache_capacity(KEPT_STATEMENTS);
        let flags = FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_DETERMINISTIC;
        connection.create_scalar_function("regexp", 2, flags, regexp)?;
        // Reads the schema, which the first statement would do else, on a worker perhaps.
        connection.query_row("SELECT COUNT(*) FROM sqlite_schema", [], |_| Ok(()))?;
        stop_where_heavy(&connection)?;
        Ok(connection)
    }

    /// An idle connection, best the one that this thread used last: what SQLite keeps of the file and its statements lies in
    /// this processor's cache then.
    fn take(&self) -> Option<Connection> {
        let own = thread::current().id();
        let mut idle = self.idle();
        let place = idle.iter().rposition(|(last, _)| *last == own).or(idle.len().checked_sub(1))?;
        Some(idle.swap_remove(place).1)
    }

    fn give_back(&self, connection: Connection) {
        self.idle().push((thread::current().id(), connection));
    }

    fn idle(&self) -> MutexGuard<'_, Vec<(ThreadId, Connection)>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// `value REGEXP pattern`, as sqlx defines it.
fn regexp(context: &Context<'_>) -> rusqlite::Result<Option<bool>> {
    let (Some(_), Some(text)) = (shown(context.get_raw(0))?, shown(context.get_raw(1))?) else {
        return Ok(None);
    };
    let pattern = context.get_or_create_aux(
        0,
        |pattern| -> Result<Regex, Box<dyn std::error::Error + Send + Sync>> {
            Ok(Regex::new(&shown(pattern)?.unwrap_or_default())?)
        },
    )?;
    Ok(Some(pattern.is_match(&text)))
}

/// A value as text; none for NULL.
fn shown(value: ValueRef<'_>) -> rusqlite::Result<Option<std::borrow::Cow<'_, str>>> {
    Ok(match value {
        ValueRef::Null => None,
        ValueRef::Integer(value) => Some(value.to_string().into()),
        ValueRef::Real(value) => Some(format!("{value:?}").into()),
        ValueRef::Text(bytes) | ValueRef::Blob(bytes) => {
            let text = std::str::from_utf8(bytes);
            Some(text.map_err(|error| rusqlite::Error::UserFunctionError(error.into()))?.into())
        }
    })
}

/// The rows of a statement, where it is known to be light and is so again.
fn run_light(connection: &Connection, query: &Query, values: &[Value]) -> Result<Option<RowSet>, Fault> {
    let run = || -> Result<_, Fault> {
        let mut statement = connection.prepare_cached(&query.sql)?;
        let steps = statement.reset_status(StatementStatus::VmStep);
        if !(1..=LIGHT_STEPS).contains(&steps) {
            return Ok(None);
        }
        fill(&mut statement, values, RowSetBuilder::of(query)).map(Some)
    };
    match run() {
        // Preparing it takes steps, too.
        Err(fault) if fault.is_interrupt() => Ok(None),
        ran => ran,
    }
}

/// The rows of a statement, as long as anybody waits for them.
fn run_watched(
    connection: &Connection,
    given_up: Arc<AtomicBool>,
    sql: &str,
    values: &[Value],
    rows: RowSetBuilder,
) -> Result<RowSet, Fault> {
    connection.progress_handler(LIGHT_STEPS, Some(move || given_up.load(Ordering::Relaxed)))?;
    let ran = connection
        .prepare_cached(sql)
        .map_err(Fault::from)
        .and_then(|mut statement| fill(&mut statement, values, rows));
    stop_where_heavy(connection)?;
    ran
}

/// The counter that calls this is the one that [`run_light`] sets back.
fn stop_where_heavy(connection: &Connection) -> Result<(), Fault> {
    Ok(connection.progress_handler(LIGHT_STEPS, Some(|| true))?)
}

fn fill(
    statement: &mut rusqlite::Statement<'_>,
    values: &[Value],
    mut rows: RowSetBuilder,
) -> Result<RowSet, Fault> {
    for (index, value) in values.iter().enumerate() {
        statement.raw_bind_parameter(index + 1, Parameter(value))?;
    }
    let columns = rows.columns().clone();
    let mut results = statement.raw_query();
    while let Some(row) = results.next()? {
        for (index, column_type) in columns.iter().enumerate() {
            push(&mut rows, row.get_ref(index), column_type)?;
        }
    }
    rows.finish().map_err(Fault::Decode)
}

/// A value as sqlx writes it.
struct Parameter<'a>(&'a Value);

impl ToSql for Parameter<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        let stored = match self.0 {
            Value::Bool(value) => value.map(|value| Stored::Integer(value.into())),
            Value::TinyInt(value) => value.map(|value| Stored::Integer(value.into())),
            Value::SmallInt(value) => value.map(|value| Stored::Integer(value.into())),
            Value::Int(value) => value.map(|value| Stored::Integer(value.into())),
            Value::BigInt(value) => value.map(Stored::Integer),
            Value::TinyUnsigned(value) => value.map(|value| Stored::Integer(value.into())),
            Value::SmallUnsigned(value) => value.map(|value| Stored::Integer(value.into())),
            Value::Unsigned(value) => value.map(|value| Stored::Integer(value.into())),
            Value::BigUnsigned(value) => match value.map(i64::try_from).transpose() {
                Ok(value) => value.map(Stored::Integer),
                Err(error) => return Err(rusqlite::Error::ToSqlConversionFailure(error.into())),
            },
            Value::Float(value) => value.map(|value| Stored::Real(value.into())),
            Value::Double(value) => value.map(Stored::Real),
            Value::String(Some(text)) => return Ok(ToSqlOutput::Borrowed(ValueRef::Text(text.as_bytes()))),
            Value::Bytes(Some(bytes)) => return Ok(ToSqlOutput::Borrowed(ValueRef::Blob(bytes))),
            Value::Uuid(Some(id)) => return Ok(ToSqlOutput::Borrowed(ValueRef::Blob(id.as_bytes()))),
            Value::Json(Some(json)) => Some(Stored::Text(json.to_string())),
            Value::Decimal(Some(value)) => Some(Stored::Text(value.to_string())),
            Value::ChronoDate(Some(date)) => Some(Stored::Text(date.format("%F").to_string())),
            Value::ChronoTime(Some(time)) => Some(Stored::Text(time.format("%T%.f").to_string())),
            Value::ChronoDateTime(Some(moment)) => Some(Stored::Text(moment.format("%F %T%.f").to_string())),
            Value::ChronoDateTimeUtc(Some(moment)) => {
                Some(Stored::Text(moment.to_rfc3339_opts(SecondsFormat::AutoSi, false)))
            }
            Value::ChronoDateTimeWithTimeZone(Some(moment)) => {
                Some(Stored::Text(moment.to_rfc3339_opts(SecondsFormat::AutoSi, false)))
            }
            value if crate::model::is_null(value) => None,
            value => {
                let told = format!("SQLite has no value such as {value:?}");
                return Err(rusqlite::Error::ToSqlConversionFailure(told.into()));
            }
        };
        Ok(ToSqlOutput::Owned(stored.unwrap_or(Stored::Null)))
    }
}

/// Adds what is stored to the cells, as sqlx would decode it. A column may hold values of any type: one that is not its
/// own is refused.
///
/// What nearly all cells are is taken from where SQLite's driver has left it. As a value of its own it would be copied
/// first, as a whole, while its parts are still on their way to memory: the processor waits for that, and it was a
/// twentieth of the time of an answer.
#[inline(always)]
fn push(
    rows: &mut RowSetBuilder,
    stored: rusqlite::Result<ValueRef<'_>>,
    column_type: &ColumnType,
) -> Result<(), Fault> {
    let pushed = match stored {
        Ok(ValueRef::Integer(value)) => push_integer(rows, value, column_type),
        Ok(ValueRef::Text(bytes)) if matches!(column_type, ColumnType::Text | ColumnType::Enumeration(_)) => {
            rows.push_text(bytes)
        }
        Ok(ValueRef::Null) => {
            rows.push_null();
            Ok(())
        }
        Ok(other) => push_rarer(rows, other, column_type),
        Err(error) => return Err(error.into()),
    };
    pushed.map_err(Fault::Decode)
}

fn push_integer(rows: &mut RowSetBuilder, value: i64, column_type: &ColumnType) -> Result<(), DbErr> {
    use ColumnType as Type;

    let fits = match column_type {
        Type::Boolean => {
            rows.push_boolean(value != 0);
            return Ok(());
        }
        Type::TinyInt | Type::SmallInt | Type::TinyUnsigned => i16::try_from(value).is_ok(),
        Type::Int | Type::SmallUnsigned => i32::try_from(value).is_ok(),
        column_type if column_type.is_integer() => true,
        column_type => return push_rarer(rows, ValueRef::Integer(value), column_type),
    };
    if !fits {
        return Err(DbErr::Type(format!("{value} is too large for {column_type:?}")));
    }
    rows.push_integer(value);
    Ok(())
}

fn push_rarer(rows: &mut RowSetBuilder, stored: ValueRef<'_>, column_type: &ColumnType) -> Result<(), DbErr> {
    use ColumnType as Type;

    let other = match (column_type, stored) {
        (Type::Float, ValueRef::Real(value)) => {
            rows.push_float(value as f32);
            return Ok(());
        }
        (Type::Double, ValueRef::Real(value)) => {
            rows.push_double(value);
            return Ok(());
        }
        (Type::Date, ValueRef::Text(bytes)) => {
            rows.push_date(date(text(bytes)?)?);
            return Ok(());
        }
        (Type::Decimal, ValueRef::Text(bytes)) => decimal(text(bytes)?)?.into(),
        (Type::Uuid, ValueRef::Blob(bytes) | ValueRef::Text(bytes)) => {
            Uuid::from_slice(bytes).map_err(|error| DbErr::Type(error.to_string()))?.into()
        }
        (Type::Time, ValueRef::Text(bytes)) => time(text(bytes)?)?.into(),
        (Type::DateTime, stored) => moment(stored)?.naive_local().into(),
        (Type::Timestamp, stored) => moment(stored)?.into(),
        (Type::Json, ValueRef::Text(bytes)) => {
            serde_json::from_slice::<Json>(bytes).map_err(|error| DbErr::Json(error.to_string()))?.into()
        }
        (Type::Bytes, ValueRef::Blob(bytes) | ValueRef::Text(bytes)) => bytes.to_vec().into(),
        (column_type, stored) => {
            return Err(DbErr::Type(format!("{column_type:?} cannot be {}", stored.data_type())));
        }
    };
    rows.push_other(other);
    Ok(())
}

fn text(bytes: &[u8]) -> Result<&str, DbErr> {
    std::str::from_utf8(bytes).map_err(|error| DbErr::Type(error.to_string()))
}

/// A decimal comes as the text that SQLite shows (see `Dialect::selected`), a sum of integers in two halves (see
/// `Dialect::sum`).
pub(super) fn decimal(text: &str) -> Result<Decimal, DbErr> {
    let read = |text: &str| text.parse::<Decimal>().or_else(|_| Decimal::from_scientific(text));
    let value = match text.split_once(':') {
        None => read(text),
        Some((upper, lower)) => {
            read(upper).and_then(|upper| Ok(upper * Decimal::from(1_u64 << 32) + read(lower)?))
        }
    };
    value.map_err(|error| DbErr::Type(format!("\"{text}\" is not a decimal: {error}")))
}

fn date(text: &str) -> Result<NaiveDate, DbErr> {
    if let Some(usual) = usual_date(text.as_bytes()) {
        return Ok(usual);
    }
    NaiveDate::parse_from_str(text, "%F").map_err(|error| DbErr::Type(format!("\"{text}\": {error}")))
}

/// `YYYY-MM-DD`, without the machine that reads dates of any form.
fn usual_date(text: &[u8]) -> Option<NaiveDate> {
    let &[y0, y1, y2, y3, b'-', m0, m1, b'-', d0, d1] = text else { return None };
    let number = |digits: &[u8]| {
        digits.iter().try_fold(0, |number, digit| {
            digit.is_ascii_digit().then(|| number * 10 + u32::from(digit - b'0'))
        })
    };
    let year = i32::try_from(number(&[y0, y1, y2, y3])?).ok()?;
    NaiveDate::from_ymd_opt(year, number(&[m0, m1])?, number(&[d0, d1])?)
}

/// The forms in which SQLite's own functions take a time of day.
const TIMES: [&str; 6] = ["%T%.f", "%R", "%RZ", "%T%.fZ", "%R%:z", "%T%.f%:z"];

fn time(text: &str) -> Result<NaiveTime, DbErr> {
    let read = |form: &&str| NaiveTime::parse_from_str(text, form).ok();
    TIMES.iter().find_map(read).ok_or_else(|| DbErr::Type(format!("\"{text}\" is not a time")))
}

/// The forms of a moment, that in which it is written first. Without an offset it is in UTC.
const MOMENTS: [&str; 12] = [
    "%F %T%.f",
    "%F %R",
    "%F %RZ",
    "%F %R%:z",
    "%F %T%.fZ",
    "%F %T%.f%:z",
    "%FT%R",
    "%FT%RZ",
    "%FT%R%:z",
    "%FT%T%.f",
    "%FT%T%.fZ",
    "%FT%T%.f%:z",
];

/// The day from which SQLite's Julian day numbers count to 1970-01-01.
const JULIAN_EPOCH: f64 = 2_440_587.5;

const SECONDS_OF_A_DAY: f64 = 86_400.0;

fn moment(stored: ValueRef<'_>) -> Result<DateTime<FixedOffset>, DbErr> {
    let utc = Utc.fix();
    let moment = match stored {
        ValueRef::Text(bytes) => {
            let text = text(bytes)?;
            let read = |form: &&str| {
                let without = || NaiveDateTime::parse_from_str(text, form).ok();
                let with = || DateTime::parse_from_str(text, form).ok();
                let with = if form.ends_with("%:z") { with() } else { None };
                with.or_else(|| Some(utc.from_utc_datetime(&without()?)))
            };
            let [most, ..] = &MOMENTS;
            read(most)
                .or_else(|| DateTime::parse_from_rfc3339(text).ok())
                .or_else(|| MOMENTS.iter().find_map(read))
        }
        ValueRef::Integer(seconds) => utc.timestamp_opt(seconds, 0).single(),
        ValueRef::Real(days) => {
            let seconds = (days - JULIAN_EPOCH) * SECONDS_OF_A_DAY;
            let nanoseconds = (seconds.fract() * 1e9).abs() as u32;
            let whole = seconds.is_finite().then(|| seconds.trunc() as i64);
            whole.and_then(|whole| utc.timestamp_opt(whole, nanoseconds).single())
        }
        _ => None,
    };
    moment.ok_or_else(|| DbErr::Type(format!("{stored:?} is not a moment")))
}
