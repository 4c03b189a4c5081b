//! Floats of 32 bits in SQLite, whose numbers have 64. Another program may have stored 0.1, which a client reads as
//! the nearest number of 32 bits, and sends back as that one. Comparisons therefore use a key: the stored number,
//! rounded as it is read.

use sea_orm::sea_query::{Expr, ExprTrait};

use super::comparison::Comparison;

/// Greatest number that is rounded to 32 bits, and not to infinity.
const GREATEST: &str = "3.4028235677973362e+38";
/// Least number with all 24 bits of precision; numbers below are multiples of 2⁻¹⁴⁹.
const LEAST_NORMAL: &str = "1.1754943508222875e-38";
/// Number that leaves 24 of 53 bits: 2²⁹ + 1 (Veltkamp's splitting).
const SPLITTER: &str = "536870913.0";
/// 1.5 · 2⁻⁹⁷, whose last bit is 2⁻¹⁴⁹.
const SHIFT: &str = "9.466330862652142e-30";

/// Returns the comparison key of a column: the number of 32 bits nearest to the stored one, an even one at a tie.
/// Values that no number of 32 bits stands for are their own keys.
pub(super) fn key(column: &Expr) -> Expr {
    let sql = format!(
        "CASE WHEN ? BETWEEN -{GREATEST} AND {GREATEST} THEN CASE WHEN abs(?) < {LEAST_NORMAL} \
         THEN ? + {SHIFT} - {SHIFT} ELSE ? * {SPLITTER} - (? * {SPLITTER} - ?) END ELSE ? END"
    );
    let columns = vec![column.clone(); sql.matches('?').count()];
    Expr::cust_with_exprs(sql, columns)
}

/// Narrows the search for rows whose comparison holds to the numbers near `operand`, which an index finds: rounding
/// moves a number by less than a ten-millionth.
pub(super) fn near(column: &Expr, comparison: Comparison, operand: &Expr) -> Option<Expr> {
    use Comparison as Is;

    let beside = |sign: char| {
        let sql = format!("? {sign} (abs(?) * 1e-7 + 1e-44)");
        Expr::cust_with_exprs(sql, [operand.clone(), operand.clone()])
    };
    let from = || column.clone().gte(beside('-'));
    let to = || column.clone().lte(beside('+'));
    match comparison {
        Is::NotEqual => None,
        Is::Equal => Some(from().and(to())),
        Is::Less | Is::LessOrEqual => Some(to()),
        Is::Greater | Is::GreaterOrEqual => Some(from()),
    }
}
