//! Decodes SQLite's stored times, by the same rules as the comparisons of [`crate::dialect::sqlite_time`].

use chrono::{DateTime, Datelike, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta};
use rusqlite::types::ValueRef;

/// Reads an instant, in UTC.
pub(super) fn moment(stored: ValueRef<'_>) -> Option<NaiveDateTime> {
    let moment = match stored {
        ValueRef::Text(text) => match text.split_at_checked(10)? {
            (date, []) => usual_date(date)?.and_time(NaiveTime::MIN),
            (date, [b' ' | b'T', time @ ..]) => {
                let midnight = usual_date(date)?.and_time(NaiveTime::MIN);
                midnight.checked_add_signed(since_midnight(time)?)?
            }
            _ => return None,
        },
        ValueRef::Integer(seconds) => DateTime::from_timestamp(seconds, 0)?.naive_utc(),
        ValueRef::Real(number) => DateTime::from_timestamp_millis(milliseconds(number)?)?.naive_utc(),
        _ => return None,
    };
    // Range of SQLite's functions, and of RFC 3339.
    (0..=9999).contains(&moment.year()).then_some(moment)
}

/// Reads a date, with any text as the time of day.
pub(super) fn date(stored: ValueRef<'_>) -> Option<NaiveDate> {
    let ValueRef::Text(text) = stored else { return None };
    match text.split_at_checked(10)? {
        (date, [] | [b' ' | b'T', ..]) => usual_date(date),
        _ => None,
    }
}

/// Reads a time of day, or the time of an instant.
pub(super) fn time(stored: ValueRef<'_>) -> Option<NaiveTime> {
    match stored {
        ValueRef::Text(text) if text.get(2) == Some(&b':') => {
            Some(NaiveTime::MIN.overflowing_add_signed(since_midnight(text)?).0)
        }
        stored => Some(moment(stored)?.time()),
    }
}

/// Parses `YYYY-MM-DD`, without chrono's general parser.
fn usual_date(text: &[u8]) -> Option<NaiveDate> {
    let &[y0, y1, y2, y3, b'-', m0, m1, b'-', d0, d1] = text else { return None };
    let year = i32::try_from(number(&[y0, y1, y2, y3])?).ok()?;
    NaiveDate::from_ymd_opt(year, number(&[m0, m1])?, number(&[d0, d1])?)
}

/// Parses `HH:MM`, optional `:SS` and fraction, and subtracts an offset.
fn since_midnight(text: &[u8]) -> Option<TimeDelta> {
    let (clock, mut rest) = text.split_at_checked(5)?;
    let minutes = minutes(clock, 23)?;
    let (mut seconds, mut nanoseconds) = (0, 0);
    if let [b':', s0, s1, after @ ..] = rest {
        seconds = number(&[*s0, *s1]).filter(|seconds| *seconds < 60)?;
        rest = after;
        if let [b'.', digits @ ..] = after {
            let count = digits.iter().take_while(|digit| digit.is_ascii_digit()).count();
            let (digits, after) = digits.split_at_checked(count).filter(|_| count > 0)?;
            let digit = |place: usize| digits.get(place).map_or(0, |digit| i64::from(digit - b'0'));
            nanoseconds = (0..9).fold(0, |number, place| number * 10 + digit(place));
            rest = after;
        }
    }
    let offset = offset_minutes(rest)?;
    let seconds = (minutes - offset) * 60 + i64::from(seconds);
    Some(TimeDelta::seconds(seconds) + TimeDelta::nanoseconds(nanoseconds))
}

fn offset_minutes(text: &[u8]) -> Option<i64> {
    match text {
        [] | [b'Z' | b'z'] => Some(0),
        [b'+', clock @ ..] => minutes(clock, 14),
        [b'-', clock @ ..] => Some(-minutes(clock, 14)?),
        _ => None,
    }
}

/// Parses `HH:MM` to minutes.
fn minutes(clock: &[u8], most_hours: u32) -> Option<i64> {
    let &[h0, h1, b':', m0, m1] = clock else { return None };
    let hours = number(&[h0, h1]).filter(|hours| *hours <= most_hours)?;
    let minutes = number(&[m0, m1]).filter(|minutes| *minutes < 60)?;
    Some(i64::from(hours * 60 + minutes))
}

fn number(digits: &[u8]) -> Option<u32> {
    digits
        .iter()
        .try_fold(0, |number, digit| digit.is_ascii_digit().then(|| number * 10 + u32::from(digit - b'0')))
}

/// First Julian day beyond the range of SQLite's functions.
const JULIAN_END: f64 = 5_373_484.5;
/// Milliseconds of the Julian days before 1970-01-01.
const EPOCH: f64 = 210_866_760_000_000.0;

/// Returns the milliseconds since 1970 of a number, by the steps of SQLite's `auto`.
fn milliseconds(number: f64) -> Option<i64> {
    let julian = match number {
        0.0..JULIAN_END => number * 86_400_000.0,
        -210_866_760_000.0..=253_402_300_799.0 => number * 1000.0 + EPOCH,
        _ => return None,
    };
    Some((julian + 0.5) as i64 - EPOCH as i64)
}

#[cfg(test)]
mod tests {
    use rusqlite::Connection;
    use rusqlite::types::Value as Stored;
    use sea_orm::Value;
    use sea_orm::sea_query::{Expr, ExprTrait, Query, SqliteQueryBuilder};

    use super::*;
    use crate::dialect::{Comparison, Dialect, sqlite_time};
    use crate::model::{ColumnType, Model};

    /// Returns the spellings of SQLite's own functions, sqlx and other programs, and texts that are nearly
    /// times.
    fn spellings() -> Vec<Stored> {
        let dates = [
            "2026-11-28",
            "1969-12-31",
            "2024-02-29",
            "2023-02-29",
            "2026-04-31",
            "0001-01-01",
            "9999-12-31",
        ];
        let broken = [
            "",
            "now",
            "28.11.2026",
            "2026-11-2",
            "-2026-11-28",
            "2026-13-01",
            "1.0e-05-07-",
            "noon",
            "1795886591",
        ];
        let separators = [" ", "T", "  ", "t", ""];
        let clocks = [
            "17:23", "17:23:11", "00:00:00", "23:59:59", "24:00:00", "17:23:60", "17:61", "7:23:11", "17:23:",
        ];
        let fractions = ["", ".5", ".500", ".123456789", ".1234567891", ".", ".1.2", "5", ".0", ".0005"];
        let offsets = ["", "Z", "z", "+00:00", "+02:00", "-14:59", "+15:00", " +02:00", "+02", " ", "+0200"];
        let mut spellings: Vec<String> = broken.map(str::to_owned).into();
        for clock in clocks {
            for fraction in fractions {
                for offset in offsets {
                    let time = format!("{clock}{fraction}{offset}");
                    for date in dates {
                        spellings.extend(separators.map(|separator| format!("{date}{separator}{time}")));
                    }
                    spellings.push(time);
                }
            }
        }
        spellings.extend(dates.map(str::to_owned));
        let numbers = [
            0.0,
            2_461_373.224_432_87,
            2_440_587.5,
            1_795_886_591.25,
            -1.5,
            5_373_484.4,
            5_373_484.5,
            3e11,
            1e300,
        ];
        let integers = [0, 1_795_886_591, -1, 253_402_300_799, 253_402_300_800, 2_461_373, i64::MAX];
        let texts = spellings.into_iter().map(Stored::Text);
        texts
            .chain(numbers.map(Stored::Real))
            .chain(integers.map(Stored::Integer))
            .chain([Stored::Null, Stored::Blob(b"2026-11-28".into())])
            .collect()
    }

    /// The key in SQL equals the decoded value for every spelling, and is NULL for unreadable ones.
    #[test]
    fn comparison_key_equals_the_decoded_value() {
        let database = Connection::open_in_memory().unwrap();
        let mut read = 0;
        for column_type in [ColumnType::Date, ColumnType::Time, ColumnType::DateTime, ColumnType::Timestamp] {
            let key = Dialect::Sqlite.compared(Expr::col("c"), &column_type);
            let sql = Query::select().expr(key).from("stored").to_string(SqliteQueryBuilder);
            let sql = format!("WITH stored(c) AS (SELECT ?) {sql}");
            let mut statement = database.prepare(&sql).unwrap();
            for spelling in spellings() {
                let known: Option<String> = statement.query_row([&spelling], |row| row.get(0)).unwrap();
                let stored = ValueRef::from(&spelling);
                let value = match column_type {
                    ColumnType::Date => date(stored).map(Value::from),
                    ColumnType::Time => time(stored).map(Value::from),
                    _ => moment(stored).map(Value::from),
                };
                read += usize::from(value.is_some());
                let expected = value.map(|value| sqlite_time::stored(&value).unwrap());
                assert_eq!(known, expected, "{spelling:?} as {column_type:?}");
            }
        }
        assert!(read > 1_000, "{read}");
    }

    /// A table of these values under one declared type. The types keep text, or turn it to numbers where they can.
    fn table_of(declared: &str, values: &[Stored]) -> Connection {
        let database = Connection::open_in_memory().unwrap();
        let tables = format!("CREATE TABLE notes (c {declared}); CREATE INDEX i ON notes (c); BEGIN");
        database.execute_batch(&tables).unwrap();
        let mut insert = database.prepare("INSERT INTO notes VALUES (?)").unwrap();
        values.iter().for_each(|value| {
            insert.execute([value]).unwrap();
        });
        drop(insert);
        database.execute_batch("COMMIT").unwrap();
        database
    }

    fn select(what: &'static str, condition: Expr) -> String {
        Query::select()
            .expr(Expr::cust(what))
            .from("notes")
            .and_where(condition)
            .to_string(SqliteQueryBuilder)
    }

    /// Comparisons that an index serves.
    const ORDERED: [Comparison; 5] = [
        Comparison::Equal,
        Comparison::Less,
        Comparison::LessOrEqual,
        Comparison::Greater,
        Comparison::GreaterOrEqual,
    ];

    /// Whatever a comparison finds, its narrowed search finds.
    #[test]
    fn narrowing_drops_no_row() {
        let model = Model::default();
        let dialect = Dialect::Sqlite;
        let column = || Expr::col("c");
        let operands = [
            "0001-01-01 00:00:00",
            "1969-12-31 23:59:59.5",
            "2026-11-28 00:00:00",
            "2026-11-28 17:23:11.123456789",
            "2026-11-29 08:22:11",
            "9999-12-31 23:59:59.9",
        ];
        let (mut found, mut narrowed) = (0, 0);
        let values = spellings();
        for (declared, column_type) in [
            ("timestamp_text", ColumnType::Timestamp),
            ("timestamp", ColumnType::DateTime),
            ("date_text", ColumnType::Date),
        ] {
            let database = table_of(declared, &values);
            let count = |condition: Expr| -> u32 {
                database.query_row(&select("count(*)", condition), [], |row| row.get(0)).unwrap()
            };
            let is_date = column_type == ColumnType::Date;
            let operands = operands.map(|operand| if is_date { &operand[..10] } else { operand });
            let mut check = |near: Expr, exact: Expr, which: &str| {
                let beyond = Expr::cust_with_exprs("(?) IS NOT TRUE", [near]);
                narrowed += count(beyond.clone());
                found += count(exact.clone());
                assert_eq!(count(beyond.and(exact)), 0, "{which} of {column_type:?}");
            };
            for (place, operand) in operands.iter().enumerate() {
                for comparison in ORDERED {
                    let near = dialect.near(&column(), comparison, &Expr::val(*operand), &column_type);
                    let exact = comparison.of(dialect.compared(column(), &column_type), Expr::val(*operand));
                    check(near.unwrap(), exact, &format!("{comparison:?} {operand}"));
                }
                let list = Expr::val(serde_json::to_string(&operands[place..]).unwrap());
                let inside = dialect.is_in(&model, column(), list.clone(), &column_type);
                let exact = dialect.is_not_in(&model, column(), list, &column_type).not();
                check(inside, exact, &format!("in {:?}", &operands[place..]));
            }
        }
        assert!(found > 1_000 && narrowed > 1_000, "{found} {narrowed}");
    }

    /// A value that is no time is neither in a list of times nor outside of it.
    #[test]
    fn no_time_is_outside_of_a_list() {
        let values = ["noon", "2026-11-28"].map(|text| Stored::Text(text.to_owned()));
        let database = table_of("timestamp_text", &values);
        for (list, expected) in [("[\"2026-11-28 00:00:00\"]", 0), ("[\"2026-11-29 00:00:00\"]", 1)] {
            let column_type = ColumnType::Timestamp;
            let outside =
                Dialect::Sqlite.is_not_in(&Model::default(), Expr::col("c"), Expr::val(list), &column_type);
            let count: u32 = database.query_row(&select("count(*)", outside), [], |row| row.get(0)).unwrap();
            assert_eq!(count, expected, "{list}");
        }
    }

    /// The index narrows the search to days near the operands.
    #[test]
    fn an_index_of_the_column_serves() {
        let days = (0..1_000).map(|day| {
            let day = NaiveDate::default() + TimeDelta::days(20 * day);
            Stored::Text(day.format("%F").to_string())
        });
        let days: Vec<Stored> = days.collect();
        let model = Model::default();
        for (declared, column_type) in [
            ("timestamp_text", ColumnType::Timestamp),
            ("timestamp", ColumnType::DateTime),
            ("date_text", ColumnType::Date),
        ] {
            let database = table_of(declared, &days);
            let (dialect, column) = (Dialect::Sqlite, || Expr::col("c"));
            let compared = ORDERED.map(|comparison| {
                let operand = Expr::val("2026-11-28");
                dialect.compare(&model, column(), comparison, operand, &column_type)
            });
            let list = Expr::val("[\"2026-11-28\", \"2026-12-01\"]");
            let listed = dialect.is_in(&model, column(), list, &column_type);
            for condition in compared.into_iter().chain([listed]) {
                let sql = select("1", condition);
                let mut statement = database.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
                let plan = statement.query_map([], |row| row.get::<_, String>(3)).unwrap();
                let plan: Vec<String> = plan.map(Result::unwrap).collect();
                assert!(
                    !plan.iter().any(|step| step.contains("SCAN notes"))
                        && plan.iter().any(|step| step.starts_with("SEARCH notes USING")),
                    "{column_type:?}: {plan:?}\n{sql}"
                );
            }
        }
    }
}
