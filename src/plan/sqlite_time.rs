//! Times as SQLite stores them. It has no type for them: one moment may be text in several spellings, an integer or a
//! real, and none of these compare as times do. They are compared by a key, which every spelling of a moment shares.
//!
//! Understood are:
//!
//! - text such as `2025-12-31`, `2025-12-31 23:59` and `2025-12-31T23:59:59.123456789+02:00`: the time after a blank or a
//!   `T`, a fraction of any length (from its tenth digit on it is ignored), and an offset of up to 14:59 hours or `Z`,
//!   without which it is in UTC;
//! - text such as `23:59:59.5`, with the same fractions and offsets, where the column holds a time of day;
//! - the first of these, whatever the time of day after it, where the column holds a date;
//! - where it holds no date, an integer, the seconds since 1970, and a real, a Julian day or (beyond those, as SQLite's `auto` has it) the seconds
//!   since 1970, to the millisecond. A column that is declared as text makes text of numbers, which is not understood.
//!
//! Anything else is no time: its key is NULL, so no comparison holds for it, and it cannot be read. Written is what the key
//! is, in UTC and without zeros at the end of the fraction. SQLite's `CURRENT_TIMESTAMP` and `datetime` write the same.

use chrono::{Duration, NaiveDateTime, NaiveTime, Timelike};
use sea_orm::Value;
use sea_orm::sea_query::{Expr, ExprTrait};

use super::filter::Comparison;
use crate::model::ColumnType;

/// The text in which a date, a time of day or a moment is stored; none for values of other types.
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

/// A leap second is the first second of the next minute, as on PostgreSQL.
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

/// Whether values of this type are times.
pub(super) fn is_time(column_type: &ColumnType) -> bool {
    use ColumnType as Type;

    matches!(column_type, Type::Date | Type::Time | Type::DateTime | Type::Timestamp)
}

/// What stands for a column of times in comparisons: as text in the order of time, the same for every spelling of one.
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

/// The first second of the year 0, since 1970, and the Julian day of it: years before it have a sign, and no order as text.
const FIRST_SECOND: i64 = -62_167_219_200;
const FIRST_DAY: f64 = 1_721_059.5;

const DATE_KEY: &str = "CASE WHEN date(substr(?, 1, 10)) = substr(?, 1, 10) AND substr(?, 11, 1) IN ('', ' ', 'T') \
     THEN substr(?, 1, 10) END";

/// SQLite's functions read the text without its fraction, which they would round to milliseconds. They take the thirtieth of
/// February for the first of March or the second, and the hour 24 for the next day.
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

/// The text without the fraction of its second, which would begin at this place.
fn whole(fraction: usize) -> String {
    format!("substr(?, 1, {}) || ltrim(substr(?, {fraction}), '.0123456789')", fraction - 1)
}

/// Its fraction, without the zeros at the end.
fn fraction_digits(fraction: usize) -> String {
    let text = whole(fraction);
    format!("rtrim(substr(?, {fraction}, min(10, length(?) - length({text}))), '0.')")
}

/// Whether there is no fraction, or one point and then digits, and nowhere a blank, which SQLite's functions skip.
fn is_fraction(fraction: usize) -> String {
    format!(
        "(substr(?, {fraction}) NOT GLOB '[.0-9]*' OR substr(?, {fraction}) GLOB '.[0-9]*') \
         AND instr(substr(?, {}), '.') = 0 AND substr(?, {}) NOT GLOB '*[^-+:.0-9Zz]*'",
        fraction + 1,
        fraction - 8
    )
}

/// A column of times compared to `operand`, which is bound as it would be [stored].
///
/// No index holds the keys. But the date in any spelling is at most a day from that in UTC, so that an index of the column
/// narrows the search down to the days about the operand. Numbers stand before all text.
pub(crate) fn compare(
    column: &Expr,
    comparison: Comparison,
    operand: &Expr,
    column_type: &ColumnType,
) -> Expr {
    use Comparison as Is;

    let key = key(column, column_type);
    let operand = operand.clone();
    let exact = match comparison {
        Is::Equal => key.eq(operand.clone()),
        Is::NotEqual => key.ne(operand.clone()),
        Is::Less => key.lt(operand.clone()),
        Is::LessOrEqual => key.lte(operand.clone()),
        Is::Greater => key.gt(operand.clone()),
        Is::GreaterOrEqual => key.gte(operand.clone()),
    };
    // No date comes after the last year, but every text that may be meant comes before this one.
    let (from, to) = match column_type {
        // A date is not moved by an offset.
        ColumnType::Date => ("?", "ifnull(date(?, '+1 day'), 'A')"),
        ColumnType::Time => return exact,
        _ => ("date(?, '-1 day')", "ifnull(date(?, '+2 days'), 'A')"),
    };
    let from = || column.clone().gte(Expr::cust_with_exprs(from, [operand.clone()]));
    let to = || column.clone().lt(Expr::cust_with_exprs(to, [operand.clone()]));
    let or_number = |near: Expr| match column_type {
        ColumnType::Date => near,
        _ => near.or(column.clone().lt(Expr::cust("''"))),
    };
    let near = match comparison {
        Is::NotEqual => return exact,
        Is::Equal => or_number(from().and(to())),
        Is::Less | Is::LessOrEqual => to(),
        Is::Greater | Is::GreaterOrEqual => or_number(from()),
    };
    near.and(exact)
}
