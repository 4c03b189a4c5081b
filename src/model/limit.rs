//! Limits that a column's declaration adds to its type: length, precision and scale.

use rust_decimal::Decimal;
use sea_orm::sea_query::StringLen;
use sea_orm::{ColumnType as DatabaseType, Value};

use super::expected::Expected;
use super::long_decimal::long_decimal;

/// Limit of a column's values. SQLite stores any value in any column, so this check makes both databases
/// behave alike.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Limit {
    /// No limit besides that of the type.
    #[default]
    None,
    /// `VARCHAR(n)`: maximum number of characters.
    Characters(u32),
    /// `CHAR(n)`: maximum number of characters. PostgreSQL pads the text with blanks, and ignores trailing
    /// blanks.
    Padded(u32),
    /// `VARBINARY(n)`: maximum number of bytes.
    Bytes(u32),
    /// `DECIMAL(precision, scale)`.
    Digits {
        /// Total number of digits.
        precision: u32,
        /// Number of digits after the point.
        scale: u32,
    },
}

impl Limit {
    /// Returns the limit that a SeaORM column type declares.
    pub(crate) fn of(database_type: &DatabaseType) -> Self {
        match database_type {
            DatabaseType::String(StringLen::N(most)) => Self::Characters(*most),
            DatabaseType::Char(most) => Self::Padded(most.unwrap_or(1)),
            DatabaseType::Binary(most) | DatabaseType::VarBinary(StringLen::N(most)) => Self::Bytes(*most),
            DatabaseType::Decimal(Some((precision, scale))) => {
                Self::Digits { precision: *precision, scale: *scale }
            }
            _ => Self::None,
        }
    }

    /// Refuses a value that the column cannot hold exactly. No value is cut or rounded; trailing zeros of a
    /// decimal do not count as digits.
    ///
    /// # Errors
    /// Describes the values that fit.
    pub fn check(self, value: &Value) -> Result<(), Expected> {
        match (self, value) {
            (Self::Characters(most) | Self::Padded(most), Value::String(Some(text)))
                if text.chars().count() > most as usize =>
            {
                Err(Expected(format!("expected at most {most} characters")))
            }
            (Self::Padded(_), Value::String(Some(text))) if text.ends_with(' ') => {
                Err(Expected("expected text without trailing spaces".to_owned()))
            }
            (Self::Bytes(most), Value::Bytes(Some(bytes))) if bytes.len() > most as usize => {
                Err(Expected(format!("expected at most {most} bytes")))
            }
            (Self::Digits { precision, scale }, Value::Decimal(Some(number))) => {
                check_digits(number, precision, scale)
            }
            (Self::Digits { precision, scale }, value) => match long_decimal(value) {
                Some(digits) => check_count(digits, precision, scale),
                None => Ok(()),
            },
            _ => Ok(()),
        }
    }
}

fn check_digits(number: &Decimal, precision: u32, scale: u32) -> Result<(), Expected> {
    check_count(&number.normalize().to_string(), precision, scale)
}

/// Checks digits without zeros at their ends.
fn check_count(digits: &str, precision: u32, scale: u32) -> Result<(), Expected> {
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    if fraction.len() > scale as usize {
        return Err(Expected(format!("expected at most {scale} digits after the point")));
    }
    let most = precision.saturating_sub(scale);
    if whole.trim_start_matches(['-', '0']).len() > most as usize {
        return Err(Expected(format!("expected at most {most} digits before the point")));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fits(limit: Limit, value: impl Into<Value>) -> bool {
        limit.check(&value.into()).is_ok()
    }

    #[test]
    fn length_counts_characters_and_bytes() {
        assert!(fits(Limit::Characters(3), "日本語"));
        assert!(fits(Limit::Characters(3), "a  "));
        assert!(!fits(Limit::Characters(3), "abc "));
        assert!(fits(Limit::Padded(3), " ab"));
        assert!(!fits(Limit::Padded(3), "ab "));
        assert!(!fits(Limit::Padded(3), "abcd"));
        assert!(fits(Limit::Bytes(2), vec![0_u8, 1]));
        assert!(!fits(Limit::Bytes(2), vec![0_u8, 1, 2]));
        assert!(fits(Limit::Characters(0), Value::String(None)));
    }

    #[test]
    fn digits_before_and_after_the_point_are_counted() {
        let price = Limit::Digits { precision: 5, scale: 2 };
        for good in ["0", "999.99", "-999.99", "1.500", "0.01", "-0.00", "100"] {
            assert!(fits(price, good.parse::<Decimal>().unwrap()), "{good}");
        }
        for bad in ["1000", "-1000.00", "0.001", "999.999", "12345678901234567890"] {
            assert!(!fits(price, bad.parse::<Decimal>().unwrap()), "{bad}");
        }
        assert!(!fits(Limit::Digits { precision: 2, scale: 2 }, "1.5".parse::<Decimal>().unwrap()));
        assert!(fits(Limit::Digits { precision: 2, scale: 2 }, "0.5".parse::<Decimal>().unwrap()));
    }
}
