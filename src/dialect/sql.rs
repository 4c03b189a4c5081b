//! Interface of the databases' SQL.

use sea_orm::sea_query::{Expr, ExprTrait, FunctionCall, QueryBuilder, SelectStatement, SqlWriter};
use sea_orm::{DbBackend, Value};

use super::comparison::{Comparison, SetOperator};
use super::features::Features;
use crate::model::{ColumnType, Expected, Model};

/// Parts of a regular expression that the databases write differently.
pub(super) struct RegexSyntax {
    /// Any character.
    pub any: &'static str,
    /// End of the text.
    pub end: &'static str,
    /// Boundary between a word of ASCII letters, digits and `_`, and other characters.
    pub word_boundary: &'static str,
    /// Returns the escape of the character with this code.
    pub letter: fn(u32) -> String,
}

/// SQL of one database. [`Dialect`](super::Dialect) documents each method.
pub(super) trait DatabaseSql {
    /// Writer of sea-query's trees.
    type Builder: QueryBuilder + Default;

    /// Backend of SeaORM that builds the statements.
    const BACKEND: DbBackend;

    /// Features of the database outside its SQL.
    const FEATURES: &'static Features;

    /// True if NULL comes first in the database's own ascending order, and last in its descending order.
    const NULLS_FIRST_ASCENDING: bool;

    /// Function that counts the items of a list.
    const LENGTH: &'static str;

    /// Syntax of regular expressions.
    const REGEX: RegexSyntax;

    fn write(statement: &SelectStatement, writer: &mut impl SqlWriter) {
        statement.build_collect_into(Self::Builder::default(), writer);
    }

    fn placeholder(number: usize) -> String;

    fn selected(expression: Expr, _: &ColumnType) -> Expr {
        expression
    }

    fn ordered(expression: Expr, column_type: &ColumnType) -> Expr {
        Self::compared(expression, column_type)
    }

    fn compared(column: Expr, _: &ColumnType) -> Expr {
        column
    }

    fn as_compared(operand: Expr, _: &ColumnType) -> Expr {
        operand
    }

    fn compare(column: Expr, comparison: Comparison, operand: Expr, _: &ColumnType) -> Expr {
        comparison.of(column, operand)
    }

    fn near(_: &Expr, _: Comparison, _: &Expr, _: &ColumnType) -> Option<Expr> {
        None
    }

    fn near_list(_: &Expr, _: &Expr, _: &ColumnType) -> Option<Expr> {
        None
    }

    fn bound(value: Value, _: Comparison) -> Value {
        value
    }

    fn operand(_: &Model, operand: Expr, _: &ColumnType) -> Expr {
        operand
    }

    fn is_not_true(condition: Expr) -> Expr;

    /// Returns the comparison of two sets, both as placeholders. Only PostgreSQL has columns of sets.
    fn set_operator(_: SetOperator, _: &ColumnType) -> &'static str {
        "? = ?"
    }

    fn check(_: &Value) -> Result<(), Expected> {
        Ok(())
    }

    fn fits_one_parameter(column_type: &ColumnType) -> bool;

    fn list_parameter(values: Vec<Value>, column_type: &ColumnType) -> Value;

    fn is_in(model: &Model, column: Expr, list: Expr, column_type: &ColumnType) -> Expr;

    fn is_not_in(model: &Model, column: Expr, list: Expr, column_type: &ColumnType) -> Expr {
        Self::is_in(model, column, list, column_type).not()
    }

    /// Tests `column` for a value outside `values`, each as a parameter of its own.
    fn is_outside(column: Expr, values: Vec<Value>, column_type: &ColumnType) -> Expr {
        Self::compared(column, column_type).is_not_in(values)
    }

    fn list_function() -> FunctionCall;

    fn listed(table: &str, column_type: &ColumnType) -> Expr;

    /// Returns the test of a tuple for membership in [`DatabaseSql::tuple_parameters`], both as placeholders.
    fn keys(model: &Model, types: &[ColumnType]) -> String;

    /// Encodes keys of several columns as parameters.
    fn tuple_parameters(types: &[ColumnType], keys: &[Vec<Value>]) -> Vec<Value>;

    fn count_key_parameters(types: &[ColumnType]) -> usize;

    fn list<R: IntoIterator<Item = Value>>(
        model: &Model,
        types: &[ColumnType],
        rows: impl ExactSizeIterator<Item = R>,
    ) -> SelectStatement;

    fn inserts_list(_: &ColumnType) -> bool {
        false
    }

    /// Returns the tests for texts from the prefix on, and before its end; none if only `LIKE` serves.
    fn prefix_range(prefix: &str) -> Option<(&'static str, &'static str)>;

    /// Tests a column of texts for a text, whatever it is.
    fn is_text(column: Expr) -> Expr {
        column.is_not_null()
    }

    /// Returns the text of a `CHAR(n)` without the blanks that fill it. Other databases than PostgreSQL add none.
    fn unpadded(column: Expr) -> Expr {
        column
    }

    fn like(column: Expr, pattern: &str) -> Expr;

    fn matches(column: Expr, pattern: &str) -> Expr;

    fn sum(column: Expr, column_type: &ColumnType) -> Expr;

    fn average(column: Expr, column_type: &ColumnType) -> Expr;
}

/// Returns true if a list of such values fits one parameter on every database. SQLite does not read every
/// float from text exactly.
pub fn always_fits_one_parameter(column_type: &ColumnType) -> bool {
    !matches!(column_type, ColumnType::Float | ColumnType::Double)
}
