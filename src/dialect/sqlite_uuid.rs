//! UUIDs in SQLite in any spelling: 16 bytes, or text of 32 hexadecimal digits or 36 characters, in lower or upper case.
//! Comparisons use a key, the 16 bytes. Any other value is no UUID: its key is NULL, and reading it fails.

use sea_orm::sea_query::Expr;

use super::comparison::Comparison;

/// Returns the comparison key of a column.
pub(super) fn key(column: &Expr) -> Expr {
    let sql = "CASE typeof(?) WHEN 'blob' THEN CASE WHEN length(?) = 16 THEN ? END \
         WHEN 'text' THEN CASE WHEN ? COLLATE BINARY IN (lower(?), upper(?)) THEN CASE length(?) WHEN 32 THEN unhex(?) \
         WHEN 36 THEN CASE WHEN substr(?, 9, 1) || substr(?, 14, 1) || substr(?, 19, 1) || substr(?, 24, 1) = '----' \
         THEN unhex(substr(?, 1, 8) || substr(?, 10, 4) || substr(?, 15, 4) || substr(?, 20, 4) || substr(?, 25)) END \
         END END END";
    let columns = vec![column.clone(); sql.matches('?').count()];
    Expr::cust_with_exprs(sql, columns)
}

/// Narrows the search for rows whose UUID equals `operand` to the spellings of the operand, which an index finds.
pub(super) fn near(column: &Expr, comparison: Comparison, operand: &Expr) -> Option<Expr> {
    let digits = Expr::cust_with_exprs("SELECT hex(?) AS digits", [operand.clone()]);
    (comparison == Comparison::Equal).then(|| is_spelling_of(column, digits))
}

/// Narrows the search for rows whose UUID is an item of the JSON list `list`.
pub(super) fn near_list(column: &Expr, list: &Expr) -> Expr {
    let digits = Expr::cust_with_exprs("SELECT value AS digits FROM json_each(?)", [list.clone()]);
    is_spelling_of(column, digits)
}

/// Tests for a spelling of `digits`, a statement that selects hexadecimal digits in upper case.
fn is_spelling_of(column: &Expr, digits: Expr) -> Expr {
    let hyphens = "substr(digits, 1, 8) || '-' || substr(digits, 9, 4) || '-' || substr(digits, 13, 4) || '-' || \
                   substr(digits, 17, 4) || '-' || substr(digits, 21)";
    let sql = format!(
        "? IN (WITH known AS (?) SELECT unhex(digits) FROM known UNION ALL SELECT digits FROM known \
         UNION ALL SELECT lower(digits) FROM known UNION ALL SELECT {hyphens} FROM known \
         UNION ALL SELECT lower({hyphens}) FROM known)"
    );
    Expr::cust_with_exprs(sql, [column.clone(), digits])
}
