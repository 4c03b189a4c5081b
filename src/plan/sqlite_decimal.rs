//! Decimals in SQLite: stored as 64-bit integers and floating-point numbers.

use rust_decimal::Decimal;
use sea_orm::Value;

/// Returns the decimal of a floating-point number: the shortest one that identifies the number. `None` if it
/// has more digits than a decimal.
pub fn of_real(number: f64) -> Option<Decimal> {
    // Rust prints these digits, never an exponent.
    Decimal::from_str_exact(&number.to_string()).ok()
}

/// Returns true if SQLite returns the stored value unchanged. Always true except for decimals.
pub fn is_exact(value: &Value) -> bool {
    let Value::Decimal(Some(decimal)) = value else { return true };
    let number: Option<f64> = decimal.to_string().parse().ok();
    number.and_then(of_real) == Some(*decimal)
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
        assert_eq!(of_real(f64::INFINITY), None);
        assert_eq!(of_real(1e300), None);
        assert_eq!(of_real(1e-30), None);
        assert_eq!(of_real(0.1 + 0.2), Some("0.30000000000000004".parse().unwrap()));
    }
}
