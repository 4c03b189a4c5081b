//! Decimals in SQLite: stored as 64-bit integers and floating-point numbers.

use rust_decimal::prelude::ToPrimitive;
use rust_decimal::{Decimal, RoundingStrategy};
use sea_orm::Value;
use sea_orm::sea_query::{Expr, ExprTrait, Func};

use super::comparison::Comparison;
use crate::model::long_decimal;

/// From this number on, every floating-point number is an integer.
const INTEGERS: f64 = 9_007_199_254_740_992.0;

/// Returns the decimal of a floating-point number: the shortest one that identifies the number. A number from
/// `INTEGERS` on, which SQLite compares with its integers, is itself. `None` if it has more digits than a decimal.
pub fn of_real(number: f64) -> Option<Decimal> {
    if number.abs() >= INTEGERS {
        return Decimal::try_from_i128_with_scale(number as i128, 0).ok();
    }
    // Rust prints these digits, never an exponent.
    Decimal::from_str_exact(&number.to_string()).ok()
}

/// Returns true if SQLite returns the stored value unchanged. Always true except for decimals.
pub fn is_exact(value: &Value) -> bool {
    let Value::Decimal(Some(decimal)) = value else { return long_decimal(value).is_none() };
    nearest(*decimal).and_then(of_real) == Some(*decimal)
}

fn nearest(decimal: Decimal) -> Option<f64> {
    decimal.to_string().parse().ok()
}

/// Returns true if some column can hold the decimal: as a floating-point number, or as an integer of 64 bits.
fn is_storable(decimal: Decimal) -> bool {
    decimal.fract().is_zero() && decimal.to_i64().is_some() || is_exact(&decimal.into())
}

/// A decimal as it is bound, so that a stored number compares to it as the decimal that the number stands for does.
///
/// Where no column may hold the decimal itself, the nearest number takes its place that lies on the side where the comparison
/// stays the same; none equals it.
pub(super) fn bound(decimal: Decimal, comparison: Comparison) -> Value {
    if is_storable(decimal) {
        // With a point, SQLite would read an integer as a floating-point number.
        return if decimal.fract().is_zero() { decimal.trunc() } else { decimal }.into();
    }
    let is_upper = match comparison {
        Comparison::Equal | Comparison::NotEqual => return f64::INFINITY.into(),
        Comparison::Less | Comparison::GreaterOrEqual => true,
        Comparison::LessOrEqual | Comparison::Greater => false,
    };
    let whole = if is_upper { decimal.ceil() } else { decimal.floor() };
    let Some(near) = nearest(decimal) else { return decimal.into() };
    if near.abs() >= INTEGERS && is_storable(whole) {
        return whole.into();
    }
    let is_above = of_real(near).is_some_and(|near| near > decimal);
    match (is_upper, is_above) {
        (true, false) => near.next_up().into(),
        (false, true) => near.next_down().into(),
        _ => near.into(),
    }
}

/// A decimal of more digits than [`Decimal`] holds, as it is bound: the nearest one on the side where the comparison stays the
/// same. None equals it.
pub(super) fn bound_long(digits: &str, comparison: Comparison) -> Value {
    let infinity = if digits.starts_with('-') { f64::NEG_INFINITY } else { f64::INFINITY };
    let is_upper = match comparison {
        Comparison::Equal | Comparison::NotEqual => return f64::INFINITY.into(),
        Comparison::Less | Comparison::GreaterOrEqual => true,
        Comparison::LessOrEqual | Comparison::Greater => false,
    };
    let whole = digits.find('.').unwrap_or(digits.len());
    let mut cut = (whole..digits.len()).rev().map(|end| Decimal::from_str_exact(&digits[..end]));
    // Beyond all decimals.
    let Some(nearer_to_zero) = cut.find_map(Result::ok) else { return infinity.into() };
    let step = Decimal::new(1, nearer_to_zero.scale());
    let beside = match (digits.starts_with('-'), is_upper) {
        (false, false) | (true, true) => Some(nearer_to_zero),
        (false, true) => nearer_to_zero.checked_add(step),
        (true, false) => nearer_to_zero.checked_sub(step),
    };
    beside.map_or(infinity.into(), |beside| bound(beside, comparison))
}

/// A decimal that no column holds, as text that SQLite reads as a number.
pub(super) const NONE: &str = "9e999";

/// A decimal in a list, as text that SQLite reads as a number: infinity, which no decimal is, where no column may hold it.
pub(super) fn listed(decimal: &Decimal) -> String {
    match is_storable(*decimal) {
        true if decimal.fract().is_zero() => decimal.trunc().to_string(),
        true => decimal.to_string(),
        false => NONE.to_owned(),
    }
}

/// Splits a sum into integers that do not overflow: the sums of the upper and of the lower half of each number.
pub(super) fn halves(integer: &str) -> String {
    format!("SUM({integer} / 4294967296) || ':' || SUM({integer} % 4294967296)")
}

/// Result of an aggregate for [`of_aggregate`] to read: a blob, which no column of decimals stores.
pub(super) fn aggregate(text: Expr) -> Expr {
    text.cast_as("BLOB")
}

/// Sum of a column of decimals, as text.
///
/// A sum of floating-point numbers loses digits, so integers are summed: the whole part of each number, and its fraction
/// times 10¹⁵. The fraction is rounded first where the digits of the number end, which is after 15 in all, or after 16 where
/// the first one is below 4. Numbers beyond 64 bits have no whole part in SQLite: their sum is a floating-point number.
pub(super) fn sum(column: &Expr) -> Expr {
    let digits = "length(CAST(abs(?) * 2.5 AS INTEGER))";
    let power = "substr('1000000000000000', 1, ";
    let fraction = format!(
        "CAST(round((? - CAST(? AS INTEGER)) * {power}17 - {digits})) * {power}{digits}) AS INTEGER)"
    );
    let sql = format!(
        "CASE WHEN MAX(?) < 9e18 AND MIN(?) > -9e18 THEN {} || ':' || {} ELSE CAST(SUM(1.0 * ?) AS TEXT) END",
        halves("CAST(? AS INTEGER)"),
        halves(&fraction)
    );
    let columns = vec![column.clone(); sql.matches('?').count()];
    Expr::cust_with_exprs(sql, columns)
}

/// Average of a column of decimals, as text: the sum, and the number of values by which it is divided.
pub(super) fn average(column: &Expr) -> Expr {
    let count = Expr::from(Func::count(column.clone()));
    Expr::cust_with_exprs("? || ' of ' || ?", [sum(column), count])
}

/// Reads a decimal that a statement made of several numbers: `upper:lower` is a sum of integers (see `halves`), two more are its
/// fraction times 10¹⁵, and ` of count` makes an average of it.
pub fn of_aggregate(text: &str) -> Option<Decimal> {
    if let Some((sum, count)) = text.split_once(" of ") {
        return quotient(of_aggregate(sum)?, read(count)?);
    }
    let numbers: Option<Vec<Decimal>> = text.split(':').map(read).collect();
    let whole = |upper: &Decimal, lower: &Decimal| upper.checked_mul(HALF)?.checked_add(*lower);
    match numbers?.as_slice() {
        [number] => Some(*number),
        // A number with a fraction among integers makes both sums floating-point numbers, which have a point.
        [upper, lower] if upper.scale() == 0 && lower.scale() == 0 => whole(upper, lower),
        [upper, lower, fraction_upper, fraction_lower] => {
            let fraction = whole(fraction_upper, fraction_lower)?;
            let fraction = fraction.checked_mul(Decimal::new(1, FRACTION_DIGITS))?.normalize();
            Some(whole(upper, lower)?.checked_add(fraction)?.normalize())
        }
        _ => None,
    }
}

/// Value of one in the upper half of an integer.
const HALF: Decimal = Decimal::from_parts(0, 1, 0, false, 0);

/// Digits of the fraction that a [`sum`] counts.
const FRACTION_DIGITS: u32 = 15;

fn read(text: &str) -> Option<Decimal> {
    Decimal::from_str_exact(text).or_else(|_| Decimal::from_scientific(text)).ok()
}

/// Divides to as many digits as PostgreSQL does (`select_div_scale` in `utils/adt/numeric.c`).
fn quotient(sum: Decimal, count: Decimal) -> Option<Decimal> {
    let ((weight, first), (count_weight, count_first)) = (first_group(sum), first_group(count));
    let weight = weight - count_weight - i32::from(first <= count_first);
    let scale = Ord::max(u32::try_from(16 - 4 * weight).unwrap_or(0), sum.scale());
    let quotient = sum.checked_div(count)?;
    Some(quotient.round_dp_with_strategy(scale, RoundingStrategy::MidpointAwayFromZero).normalize())
}

/// First digit of a number in base 10,000, and the power of the base that it counts.
fn first_group(number: Decimal) -> (i32, Decimal) {
    let base = Decimal::from(10_000);
    let (mut weight, mut number) = (0, number.abs());
    while number >= base {
        (weight, number) = (weight + 1, number / base);
    }
    while number < Decimal::ONE && !number.is_zero() {
        (weight, number) = (weight - 1, number * base);
    }
    (weight, number.trunc())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exact_decimals_survive_a_round_trip() {
        for exact in [
            "0",
            "0.1",
            "1.50",
            "-2.25",
            "1234567890.123456",
            "1234567890.123457",
            "9007199254740992",
            "1e-5",
        ] {
            let exact = Decimal::from_scientific(exact).or_else(|_| exact.parse()).unwrap();
            assert!(is_exact(&exact.into()), "{exact}");
        }
        for inexact in ["9007199254740993", "0.1234567890123456789", "12345678901234567.25"] {
            let inexact: Decimal = inexact.parse().unwrap();
            assert!(!is_exact(&inexact.into()), "{inexact}");
        }
        assert_eq!(of_real(1e20), Some(Decimal::from(100_000_000_000_000_000_000_u128)));
        assert_eq!(of_real(2f64.powi(60)), Some(Decimal::from(1_u64 << 60)));
        assert_eq!(of_real(f64::INFINITY), None);
        assert_eq!(of_real(1e300), None);
        assert_eq!(of_real(1e-30), None);
        assert_eq!(of_real(0.1 + 0.2), Some("0.30000000000000004".parse().unwrap()));
    }
    /// SQLite reads a text with a point as a floating-point number, which would be 9007199254740992.
    #[test]
    fn an_integer_is_bound_without_a_point() {
        let whole: Decimal = "9007199254740993.00".parse().unwrap();
        assert_eq!(bound(whole, Comparison::Equal).unwrap::<Decimal>().to_string(), "9007199254740993");
        assert_eq!(listed(&whole), "9007199254740993");
    }

    /// Longer than any decimal that a column holds, and beside it.
    #[test]
    fn a_bound_long_decimal_compares_as_itself() {
        let database = rusqlite::Connection::open_in_memory().unwrap();
        let zeros = "0".repeat(40);
        for (stored, operand, is_less) in [
            ("0.1".to_owned(), format!("0.1{zeros}1"), true),
            ("0.1".to_owned(), format!("0.0{}", "9".repeat(40)), false),
            ("-0.1".to_owned(), format!("-0.1{zeros}1"), false),
            ("-0.1".to_owned(), format!("-0.0{}", "9".repeat(40)), true),
            ("9007199254740993".to_owned(), format!("9007199254740993.{zeros}1"), true),
            ("9007199254740993".to_owned(), format!("9007199254740992.{}", "9".repeat(40)), false),
            ("123".to_owned(), format!("1{zeros}"), true),
            ("123".to_owned(), format!("-1{zeros}"), false),
            ("0".to_owned(), format!("0.{zeros}1"), true),
        ] {
            let operators = ["=", "<>", "<", "<=", ">", ">="];
            for (comparison, operator) in Comparison::ALL.into_iter().zip(operators) {
                let expected = match comparison {
                    Comparison::Equal => false,
                    Comparison::NotEqual => true,
                    Comparison::Less | Comparison::LessOrEqual => is_less,
                    Comparison::Greater | Comparison::GreaterOrEqual => !is_less,
                };
                let sql = format!("SELECT CAST('{stored}' AS NUMERIC) {operator} CAST(? AS NUMERIC)");
                let mut statement = database.prepare(&sql).unwrap();
                let holds: bool = match bound_long(&operand, comparison) {
                    Value::Double(Some(bound)) => statement.query_row([bound], |row| row.get(0)).unwrap(),
                    bound => statement
                        .query_row([bound.unwrap::<Decimal>().to_string()], |row| row.get(0))
                        .unwrap(),
                };
                assert_eq!(holds, expected, "{stored} {operator} {operand}");
            }
        }
    }

    /// Against exact arithmetic: numbers of every size, and operands on and beside them.
    #[test]
    fn a_bound_decimal_compares_as_itself() {
        let database = rusqlite::Connection::open_in_memory().unwrap();
        database.execute_batch("CREATE TABLE stored (r real, n numeric)").unwrap();
        let steps = ["0", "0.00000000000000000001", "-0.00000000000000000001", "0.3", "-0.7", "1", "1000"];
        let numbers =
            ["0", "0.1", "0.3", "0.30000000000000004", "1.5", "1234567890.123456", "1234567890.123457"];
        let whole = ["4503599627370497", "9007199254740992", "9007199254740994", "1152921504606846976"];
        let operators = ["=", "<>", "<", "<=", ">", ">="];
        for number in numbers.into_iter().chain(whole) {
            database.execute("DELETE FROM stored", []).unwrap();
            database.execute("INSERT INTO stored VALUES (?1, ?1)", [number]).unwrap();
            let stored: Decimal = number.parse().unwrap();
            for step in steps {
                let Some(operand) = stored.checked_add(step.parse().unwrap()) else { continue };
                for (comparison, operator) in Comparison::ALL.into_iter().zip(operators) {
                    let expected = match comparison {
                        Comparison::Equal => stored == operand,
                        Comparison::NotEqual => stored != operand,
                        Comparison::Less => stored < operand,
                        Comparison::LessOrEqual => stored <= operand,
                        Comparison::Greater => stored > operand,
                        Comparison::GreaterOrEqual => stored >= operand,
                    };
                    for column in ["r", "n"] {
                        let sql = format!("SELECT {column} {operator} CAST(? AS NUMERIC) FROM stored");
                        let mut statement = database.prepare(&sql).unwrap();
                        let holds = match bound(operand, comparison) {
                            Value::Double(Some(bound)) => statement.query_row([bound], |row| row.get(0)),
                            bound => {
                                statement.query_row([bound.unwrap::<Decimal>().to_string()], |row| row.get(0))
                            }
                        };
                        let holds: bool = holds.unwrap();
                        assert_eq!(holds, expected, "{number} {operator} {operand} in {column}");
                    }
                }
            }
        }
    }
}
