//! Times in SQLite, which has no type for them. One instant may be text in several spellings, an integer or a
//! real, and none of these compare as times do. Comparisons therefore use a key, which all spellings of an
//! instant share.
//!
//! Supported forms:
//!
//! - text such as `2025-12-31`, `2025-12-31 23:59` and `2025-12-31T23:59:59.123456789+02:00`. The time
//!   follows a blank or a `T`. A fraction has any length (digits after the ninth are ignored). An offset is
//!   up to 14:59 hours or `Z`; without an offset the time is in UTC.
//! - text such as `23:59:59.5`, with the same fractions and offsets, in a column for a time of day;
//! - the first form with any text as the time of day, in a column for a date;
//! - an integer, the seconds since 1970, except in a column for a date;
//! - a real, a Julian day, or beyond its range the seconds since 1970 (SQLite's `auto`), to the millisecond,
//!   except in a column for a date.
//!
//! A column declared as text converts numbers to text, which is not supported.
//!
//! Any other value is no time: its key is NULL, so no comparison holds, and reading it fails. Stored values
//! are written in the form of the key, in UTC and without trailing zeros in the fraction. SQLite's
//! `CURRENT_TIMESTAMP` and `datetime` write the same form.

use chrono::{Duration, NaiveDateTime, NaiveTime, Timelike};
use sea_orm::Value;
use sea_orm::sea_query::{Expr, ExprTrait};

use super::comparison::Comparison;
use crate::model::ColumnType;

/// Returns the stored text of a date, a time of day or an instant, or `None` for other types.
pub fn stored(value: &Value) -> Option<String> {
    match value {
        Value::ChronoDate(Some(date)) => Some(date.format("%F").to_string()),
        Value::ChronoTime(Some(time)) => Some(of_day(*time)),
        Value::ChronoDateTime(Some(moment)) => Some(of_moment(*moment)),
        Value::ChronoDateTimeUtc(Some(moment)) => Some(of_moment(moment.naive_utc())),
        Value::ChronoDateTimeWithTimeZone(Some(moment)) => Some(of_moment(moment.naive_utc())),
        Value::ChronoDateTimeLocal(Some(moment)) => Some(of_moment(moment.naive_utc())),
        _ => None,
    }
}

/// Formats an instant. A leap second becomes the first second of the next minute, as on PostgreSQL.
fn of_moment(moment: NaiveDateTime) -> String {
    let leap = i64::from(moment.nanosecond() / 1_000_000_000);
    let moment = moment.with_nanosecond(moment.nanosecond() % 1_000_000_000).unwrap_or(moment);
    let moment = moment.checked_add_signed(Duration::seconds(leap)).unwrap_or(moment);
    format!("{} {}", moment.format("%F"), of_day(moment.time()))
}

fn of_day(time: NaiveTime) -> String {
    let mut text = time.format("%T").to_string();
    if time.nanosecond() > 0 {
        let fraction = format!(".{:09}", time.nanosecond() % 1_000_000_000);
        text.push_str(fraction.trim_end_matches('0'));
    }
    text
}

/// Returns true for date and time types.
pub(super) fn is_time(column_type: &ColumnType) -> bool {
    use ColumnType as Type;

    matches!(column_type, Type::Date | Type::Time | Type::DateTime | Type::Timestamp)
}

/// Returns the comparison key of a time column: text in chronological order, equal for all spellings of an
/// instant.
pub(super) fn key(column: &Expr, column_type: &ColumnType) -> Expr {
    let moment = moment_key();
    let sql = match column_type {
        ColumnType::Date => DATE_KEY.to_owned(),
        ColumnType::Time => {
            format!("CASE WHEN substr(?, 3, 1) = ':' THEN {} ELSE substr({moment}, 12) END", day_key())
        }
        _ => moment,
    };
    let columns = vec![column.clone(); sql.matches('?').count()];
    Expr::cust_with_exprs(sql, columns)
}

/// First second of the year 0 since 1970, and its Julian day. Earlier years have a sign, and no order as
/// text.
const FIRST_SECOND: i64 = -62_167_219_200;
const FIRST_DAY: f64 = 1_721_059.5;

const DATE_KEY: &str = "CASE WHEN date(substr(?, 1, 10)) = substr(?, 1, 10) AND substr(?, 11, 1) IN ('', ' ', 'T') \
     THEN substr(?, 1, 10) END";

/// Builds the key of an instant. SQLite's functions get the text without its fraction, which they would round
/// to milliseconds. They take the thirtieth of February for the first or second of March, and hour 24 for the
/// next day.
fn moment_key() -> String {
    let fraction = 20;
    let (text, digits) = (whole(fraction), fraction_digits(fraction));
    format!(
        "CASE typeof(?) WHEN 'text' THEN CASE WHEN length(?) = 10 THEN CASE WHEN date(?) = ? THEN ? || ' 00:00:00' END \
         WHEN substr(?, 11, 1) IN (' ', 'T') AND substr(?, 12, 2) BETWEEN '00' AND '23' \
         AND (substr(?, 9, 2) < '29' OR date(substr(?, 1, 10)) = substr(?, 1, 10)) AND {} \
         THEN datetime({text}) || {digits} END \
         WHEN 'integer' THEN CASE WHEN ? >= {FIRST_SECOND} THEN datetime(?, 'unixepoch') END \
         WHEN 'real' THEN CASE WHEN ? >= {FIRST_DAY} OR ? < 0 AND ? >= {FIRST_SECOND} \
         THEN rtrim(rtrim(strftime('%Y-%m-%d %H:%M:%f', ?, 'auto'), '0'), '.') END END",
        is_fraction(fraction)
    )
}

fn day_key() -> String {
    let fraction = 9;
    let (text, digits) = (whole(fraction), fraction_digits(fraction));
    format!(
        "CASE WHEN typeof(?) = 'text' AND substr(?, 1, 2) BETWEEN '00' AND '23' AND {} THEN time({text}) || {digits} END",
        is_fraction(fraction)
    )
}

/// Returns the text without its fraction of a second, which would begin at this position.
fn whole(fraction: usize) -> String {
    format!("substr(?, 1, {}) || ltrim(substr(?, {fraction}), '.0123456789')", fraction - 1)
}

/// Returns the fraction of a second, without trailing zeros.
fn fraction_digits(fraction: usize) -> String {
    let text = whole(fraction);
    format!("rtrim(substr(?, {fraction}, min(10, length(?) - length({text}))), '0.')")
}

/// Tests for no fraction, or one point and digits, and for no blanks, which SQLite's functions skip.
fn is_fraction(fraction: usize) -> String {
    format!(
        "(substr(?, {fraction}) NOT GLOB '[.0-9]*' OR substr(?, {fraction}) GLOB '.[0-9]*') \
         AND instr(substr(?, {}), '.') = 0 AND substr(?, {}) NOT GLOB '*[^-+:.0-9Zz]*'",
        fraction + 1,
        fraction - 8
    )
}

/// Narrows the search for rows whose comparison with `operand`, bound in [stored] form, holds.
///
/// No index holds the keys. But the date in any spelling is at most a day from the date in UTC. An index of the
/// column therefore narrows the search to nearby days. Numbers sort before all text.
pub(super) fn near(
    column: &Expr,
    comparison: Comparison,
    operand: &Expr,
    column_type: &ColumnType,
) -> Option<Expr> {
    use Comparison as Is;

    let days = Days::around("?", "?", column_type)?;
    let from = || column.clone().gte(Expr::cust_with_exprs(days.from.clone(), [operand.clone()]));
    let to = || column.clone().lt(Expr::cust_with_exprs(days.to.clone(), [operand.clone()]));
    Some(match comparison {
        Is::NotEqual => return None,
        Is::Equal => or_number(column, column_type, from().and(to())),
        Is::Less | Is::LessOrEqual => to(),
        Is::Greater | Is::GreaterOrEqual => or_number(column, column_type, from()),
    })
}

/// Narrows the search for rows whose time is an item of the JSON list `list`: to the days from its first item to
/// its last.
pub(super) fn near_list(column: &Expr, list: &Expr, column_type: &ColumnType) -> Option<Expr> {
    let days = Days::around("min(value)", "max(value)", column_type)?;
    let of_list =
        |day: &str| Expr::cust_with_exprs(format!("(SELECT {day} FROM json_each(?))"), [list.clone()]);
    let near = column.clone().gte(of_list(&days.from)).and(column.clone().lt(of_list(&days.to)));
    Some(or_number(column, column_type, near))
}

/// Bounds of stored text in SQL, the second exclusive.
struct Days {
    from: String,
    to: String,
}

impl Days {
    /// Returns the bounds of the texts that may spell a time between `first` and `last`, or `None` for a time of
    /// day, whose text an offset moves anywhere.
    fn around(first: &str, last: &str, column_type: &ColumnType) -> Option<Self> {
        // No date follows the last year, but every supported text sorts before this one.
        let before = |day: String| format!("ifnull({day}, 'A')");
        match column_type {
            // An offset does not change a date.
            ColumnType::Date => {
                Some(Self { from: first.to_owned(), to: before(format!("date({last}, '+1 day')")) })
            }
            ColumnType::Time => None,
            _ => Some(Self {
                from: format!("date({first}, '-1 day')"),
                to: before(format!("date({last}, '+2 days')")),
            }),
        }
    }
}

/// Adds the stored numbers, except for a date, which no number is. Their estimated number is small. SQLite would
/// assume a quarter of all rows, and rather scan the table in the order of its key.
fn or_number(column: &Expr, column_type: &ColumnType, near: Expr) -> Expr {
    match column_type {
        ColumnType::Date => near,
        _ => near.or(Expr::cust_with_exprs("likelihood(? < '', 0.001)", [column.clone()])),
    }
}
