//! Storage classes of SQLite. A column holds values of any class, whatever its declaration; only STRICT tables forbid them.
//!
//! SQLite orders numbers before texts, and texts before blobs: `'abc'` is greater than every number. A comparison of a client holds
//! only for values of the class that the column's type is stored in. Any other value is no value of the type: as for NULL, no
//! comparison holds, and reading it fails.
//!
//! The boundary of a class is the second bound of a range, so an index still serves it. `likelihood` keeps the estimate of a
//! range with one bound: SQLite would otherwise expect a sixteenth of its rows, and prefer the index to a better one.

use sea_orm::sea_query::{Expr, ExprTrait};

use super::comparison::Comparison;
use crate::model::ColumnType;

/// Class of stored values.
#[derive(Clone, Copy)]
enum StorageClass {
    /// Integers and floating-point numbers.
    Number,
    Text,
    Blob,
}

/// Least text, which is greater than every number.
const LEAST_TEXT: &str = "''";
/// Least blob, which is greater than every text.
const LEAST_BLOB: &str = "x''";

impl StorageClass {
    /// Returns the class of a type's values. `None` for types that are compared by a key, which other values do not have.
    fn of(column_type: &ColumnType) -> Option<Self> {
        match column_type.stored() {
            ColumnType::Text | ColumnType::Enumeration(_) | ColumnType::Spelled(_) => Some(Self::Text),
            ColumnType::Uuid | ColumnType::Bytes => Some(Self::Blob),
            ColumnType::Boolean => Some(Self::Number),
            column_type if column_type.operators().arithmetic => Some(Self::Number),
            _ => None,
        }
    }

    /// Returns the least value of the class, and the least value of the next class.
    fn bounds(self) -> (Option<&'static str>, Option<&'static str>) {
        match self {
            Self::Number => (None, Some(LEAST_TEXT)),
            Self::Text => (Some(LEAST_TEXT), Some(LEAST_BLOB)),
            Self::Blob => (Some(LEAST_BLOB), None),
        }
    }
}

/// Narrows a comparison of `column` to values of its type's class.
pub(super) fn narrowed(
    compared: Expr,
    column: Expr,
    comparison: Comparison,
    column_type: &ColumnType,
) -> Expr {
    use Comparison as Is;

    let Some((first, next)) = StorageClass::of(column_type).map(StorageClass::bounds) else {
        return compared;
    };
    let bound = match comparison {
        Is::Equal => None,
        Is::NotEqual => is_of_class(&column, column_type),
        Is::Less | Is::LessOrEqual => {
            first.map(|first| Expr::cust_with_exprs(format!("likelihood(? >= {first}, 1.0)"), [column]))
        }
        Is::Greater | Is::GreaterOrEqual => {
            next.map(|next| Expr::cust_with_exprs(format!("likelihood(? < {next}, 1.0)"), [column]))
        }
    };
    match bound {
        Some(bound) => compared.and(bound),
        None => compared,
    }
}

/// Narrows the test of `column` for a value outside a list: a value of another class is neither in the list nor outside, unless
/// the list is empty.
pub(super) fn narrowed_outside(
    outside: Expr,
    column: &Expr,
    is_empty: Option<Expr>,
    column_type: &ColumnType,
) -> Expr {
    // The list decides on NULL.
    let is_of_class = is_of_class(column, column_type)
        .map(|is_of_class| Expr::cust_with_exprs("(?) IS NOT FALSE", [is_of_class]));
    match (is_of_class, is_empty) {
        (None, _) => outside,
        (Some(is_of_class), None) => outside.and(is_of_class),
        (Some(is_of_class), Some(is_empty)) => outside.and(is_of_class.or(is_empty)),
    }
}

/// Tests for a value of the type's class, NULL for NULL. `None` for types that are compared by a key. The sign keeps SQLite from
/// searching an index of nearly all rows.
fn is_of_class(column: &Expr, column_type: &ColumnType) -> Option<Expr> {
    // Any other number is neither true nor false.
    if *column_type.stored() == ColumnType::Boolean {
        return Some(Expr::cust_with_exprs("+? IN (0, 1)", [column.clone()]));
    }
    let (first, next) = StorageClass::of(column_type)?.bounds();
    let from = first.map(|first| Expr::cust_with_exprs(format!("+? >= {first}"), [column.clone()]));
    let to = next.map(|next| Expr::cust_with_exprs(format!("+? < {next}"), [column.clone()]));
    from.into_iter().chain(to).reduce(Expr::and)
}

/// Tests for a text.
pub(super) fn is_text(column: Expr) -> Expr {
    Expr::cust_with_exprs("typeof(?) = 'text'", [column])
}

/// Makes a sum or an average of numbers unreadable where a value is a text or a blob, which SQLite would count as the number at
/// its start. The greatest value tells, in a third of the time that the class of each value takes.
pub(super) fn readable(aggregate: Expr, column: Expr) -> Expr {
    let sql = format!("CASE WHEN MAX(?) >= {LEAST_TEXT} THEN 'unreadable' ELSE ? END");
    Expr::cust_with_exprs(sql, [column, aggregate])
}
