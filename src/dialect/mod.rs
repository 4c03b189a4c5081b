//! Differences between the databases' SQL; all other SQL is written once.

mod comparison;
mod features;
mod like;
mod pattern;
mod postgres;
mod sql;
mod sqlite;
pub mod sqlite_decimal;
mod sqlite_float;
mod sqlite_storage;
pub mod sqlite_text;
pub mod sqlite_time;
mod sqlite_uuid;

use sea_orm::sea_query::{
    Expr, ExprTrait, Func, FunctionCall, NullOrdering, Order, SelectStatement, SqlWriter,
};
use sea_orm::{DbBackend, Value};

pub use comparison::{Comparison, SetOperator};
pub use features::{Features, FilterJoins, PartIndex, RefusalForm, StatementLimits};
use like::after_prefix;
pub use like::{escape_like, glob_of_like, prefix_of_like};
pub use pattern::{DESCRIPTION as REGEX_DESCRIPTION, Pattern};
use postgres::Postgres;
use sql::DatabaseSql;
pub use sql::always_fits_one_parameter;
use sqlite::Sqlite;

use crate::error::{Error, Result};
use crate::model::{ColumnType, Expected, Limit, Model};

/// SQL dialect of a database.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Dialect {
    /// SQLite 3.41 or newer.
    #[default]
    Sqlite,
    /// PostgreSQL 13 or newer.
    Postgres,
}

/// Names an item of [`DatabaseSql`] of the dialect's database.
macro_rules! sql {
    ($dialect:expr, $($item:tt)+) => {
        match $dialect {
            Dialect::Sqlite => Sqlite::$($item)+,
            Dialect::Postgres => Postgres::$($item)+,
        }
    };
}

impl Dialect {
    /// Returns the dialect of a SeaORM backend.
    pub fn of(backend: DbBackend) -> Result<Self> {
        match backend {
            DbBackend::Sqlite => Ok(Self::Sqlite),
            DbBackend::Postgres => Ok(Self::Postgres),
            other => Err(Error::internal(format!("{other:?} is not supported; use SQLite or PostgreSQL"))),
        }
    }

    /// Returns the SeaORM backend that builds the statements.
    pub fn backend(self) -> DbBackend {
        sql!(self, BACKEND)
    }

    /// Number of dialects, for tables with an entry for each.
    pub const COUNT: usize = 2;

    /// Returns the dialect's place in such a table.
    pub fn place(self) -> usize {
        self as usize
    }

    /// Returns the features of the database.
    pub fn features(self) -> &'static Features {
        sql!(self, FEATURES)
    }

    /// Writes a statement; `writer` gets a parameter for each value.
    pub fn write(self, statement: &SelectStatement, writer: &mut impl SqlWriter) {
        sql!(self, write(statement, writer));
    }

    /// Returns the placeholder of the parameter with this number, counted from one.
    pub fn placeholder(self, number: usize) -> String {
        sql!(self, placeholder(number))
    }

    /// Returns a column for the select list; a type that the driver cannot decode becomes text.
    pub fn selected(self, expression: Expr, column_type: &ColumnType) -> Expr {
        sql!(self, selected(expression, column_type))
    }

    /// Returns a column for ORDER BY and cursors, in an order that all databases share.
    pub fn ordered(self, expression: Expr, column_type: &ColumnType) -> Expr {
        sql!(self, ordered(expression, column_type))
    }

    /// Returns a column for comparison with columns and values of its type, in a form where equal values are
    /// identical.
    pub fn compared(self, column: Expr, column_type: &ColumnType) -> Expr {
        sql!(self, compared(column, column_type))
    }

    /// Returns true if columns of this type are compared as stored, so that an index of the column serves.
    pub fn compares_stored_form(self, column_type: &ColumnType) -> bool {
        let stored = Expr::val(0);
        self.compared(stored.clone(), column_type) == stored
    }

    /// Compares `column` with an operand.
    pub fn compare(
        self,
        model: &Model,
        column: Expr,
        comparison: Comparison,
        operand: Expr,
        column_type: &ColumnType,
    ) -> Expr {
        let operand = self.operand(model, operand, column_type);
        sql!(self, compare(column, comparison, operand, column_type))
    }

    /// Returns a condition that holds wherever the comparison with `operand` holds, and that an index of the column
    /// serves. `None` if an index serves the comparison itself, or no such condition exists.
    pub fn near(
        self,
        column: &Expr,
        comparison: Comparison,
        operand: &Expr,
        column_type: &ColumnType,
    ) -> Option<Expr> {
        sql!(self, near(column, comparison, operand, column_type))
    }

    /// Returns a value as it is bound for a comparison: a column may not hold every value of its type.
    pub fn bound(self, value: Value, comparison: Comparison) -> Value {
        sql!(self, bound(value, comparison))
    }

    /// Returns an operand for comparison with a column.
    pub fn operand(self, model: &Model, operand: Expr, column_type: &ColumnType) -> Expr {
        sql!(self, operand(model, operand, column_type))
    }

    /// Returns the test for false and NULL. `NOT` would lose the rows for which the condition is NULL.
    pub fn is_not_true(self, condition: Expr) -> Expr {
        sql!(self, is_not_true(condition))
    }

    /// Returns a value for comparison with the form of [`Dialect::ordered`].
    pub fn ordered_value(self, model: &Model, value: Value, column_type: &ColumnType) -> Expr {
        match column_type {
            ColumnType::Native(_) | ColumnType::List(_) => self.operand(model, Expr::val(value), column_type),
            _ => sql!(self, as_compared(Expr::val(value), column_type)),
        }
    }

    /// Compares the sets of `column` with a value.
    pub fn compare_sets(
        self,
        model: &Model,
        column: Expr,
        operator: SetOperator,
        operand: Expr,
        column_type: &ColumnType,
    ) -> Expr {
        let operand = self.operand(model, operand, column_type);
        Expr::cust_with_exprs(sql!(self, set_operator(operator, column_type)), [column, operand])
    }

    /// Tests the sets of `column` for having no item.
    pub fn is_empty(self, column: Expr, column_type: &ColumnType) -> Expr {
        match column_type {
            ColumnType::List(_) => self.length(column).eq(0),
            _ => Func::cust("isempty").arg(column).into(),
        }
    }

    /// Returns the number of items in the lists of `column`.
    pub fn length(self, column: Expr) -> Expr {
        Func::cust(sql!(self, LENGTH)).arg(column).into()
    }

    /// Checks that a column stores `value` unchanged, regardless of its declaration.
    ///
    /// # Errors
    /// Describes the values that fit.
    pub fn check(self, value: &Value) -> std::result::Result<(), Expected> {
        sql!(self, check(value))
    }

    /// Tests `column` for membership in `values`, each as a parameter of its own.
    pub fn is_in_values(self, column: Expr, values: Vec<Value>, column_type: &ColumnType) -> Expr {
        self.compared(column, column_type).is_in(values)
    }

    /// Returns true if a list of such values fits one parameter.
    pub fn fits_one_parameter(self, column_type: &ColumnType) -> bool {
        sql!(self, fits_one_parameter(column_type))
    }

    /// Encodes a list of values as one parameter.
    pub fn list_parameter(self, values: Vec<Value>, column_type: &ColumnType) -> Value {
        sql!(self, list_parameter(values, column_type))
    }

    /// Tests `column` for membership in the parameter `list`.
    pub fn is_in(self, model: &Model, column: Expr, list: Expr, column_type: &ColumnType) -> Expr {
        let near = sql!(self, near_list(&column, &list, column_type));
        let exact = sql!(self, is_in(model, column, list, column_type));
        match near {
            Some(near) => near.and(exact),
            None => exact,
        }
    }

    /// Tests `column` for a value outside the parameter `list`. A value that cannot be compared is neither in the
    /// list nor outside.
    pub fn is_not_in(self, model: &Model, column: Expr, list: Expr, column_type: &ColumnType) -> Expr {
        sql!(self, is_not_in(model, column, list, column_type))
    }

    /// Tests `column` for a value outside `values`, as [`Dialect::is_not_in`] does; each is a parameter of its own.
    pub fn is_not_in_values(self, column: Expr, values: Vec<Value>, column_type: &ColumnType) -> Expr {
        sql!(self, is_outside(column, values, column_type))
    }

    /// Returns the function that expands a list parameter to a table.
    pub fn list_function(self) -> FunctionCall {
        sql!(self, list_function())
    }

    /// Returns the item of the table with this name that [`Dialect::list_function`] expands.
    pub fn listed(self, table: &str, column_type: &ColumnType) -> Expr {
        sql!(self, listed(table, column_type))
    }

    /// Tests the tuple of `columns` for membership in `keys`, tuples of equal length.
    pub fn one_of_keys(
        self,
        model: &Model,
        columns: Vec<Expr>,
        types: &[ColumnType],
        keys: &[Vec<Value>],
    ) -> Expr {
        match (columns.as_slice(), types) {
            (_, types) if self.has_text_of_key(keys) => {
                let values = keys.iter().flatten().cloned().map(Expr::val);
                self.is_key(model, columns, types, values)
            }
            ([column], [column_type]) if !self.fits_one_parameter(column_type) => {
                self.is_in_values(column.clone(), keys.iter().flatten().cloned().collect(), column_type)
            }
            _ => {
                let parameters = self.key_parameters(types, keys).into_iter().map(Expr::val);
                self.is_in_keys(model, columns, types, parameters.collect())
            }
        }
    }

    /// Tests the tuple of `columns` as [`Dialect::one_of_keys`]. A single key is a value by itself, if it can be: in a list that is one
    /// text, as on SQLite, a kept statement has no place for it.
    pub fn one_of_written_keys(
        self,
        model: &Model,
        columns: Vec<Expr>,
        types: &[ColumnType],
        keys: &[Vec<Value>],
    ) -> Expr {
        match (columns.as_slice(), types, keys) {
            ([column], [column_type], [key])
                if self == Self::Sqlite && (column_type.is_integer() || *column_type == ColumnType::Text) =>
            {
                self.is_in_values(column.clone(), key.clone(), column_type)
            }
            _ => self.one_of_keys(model, columns, types, keys),
        }
    }

    /// Returns true if a comparison with these keys has the text of a single one: see [`Dialect::is_key`].
    pub fn has_text_of_key(self, keys: &[Vec<Value>]) -> bool {
        self.features().assumed_items.is_some() && keys.len() == 1
    }

    /// Tests `columns` for equality with the values of a single key.
    pub fn is_key(
        self,
        model: &Model,
        columns: Vec<Expr>,
        types: &[ColumnType],
        values: impl Iterator<Item = Expr>,
    ) -> Expr {
        let compared = columns.into_iter().zip(types).zip(values);
        let equal = compared.map(|((column, column_type), value)| {
            self.compare(model, column, Comparison::Equal, value, column_type)
        });
        equal.reduce(Expr::and).unwrap_or_else(|| Expr::cust("TRUE"))
    }

    /// Tests the tuple of `columns` for membership in the `parameters`.
    pub fn is_in_keys(
        self,
        model: &Model,
        columns: Vec<Expr>,
        types: &[ColumnType],
        parameters: Vec<Expr>,
    ) -> Expr {
        if let ([column], [column_type], [list]) = (columns.as_slice(), types, parameters.as_slice()) {
            return self.is_in(model, column.clone(), list.clone(), column_type);
        }
        let compared = columns.into_iter().zip(types);
        let tuple = Expr::tuple(compared.map(|(column, column_type)| self.compared(column, column_type)));
        Expr::cust_with_exprs(sql!(self, keys(model, types)), std::iter::once(tuple).chain(parameters))
    }

    /// Encodes keys as the parameters of [`Dialect::one_of_keys`]. The last of few keys is repeated, as often as the planner assumes.
    pub fn key_parameters(self, types: &[ColumnType], keys: &[Vec<Value>]) -> Vec<Value> {
        match types {
            [column_type] => {
                let mut values: Vec<Value> = keys.iter().flatten().cloned().collect();
                if let (Some(items), Some(last)) = (self.features().assumed_items, values.last().cloned()) {
                    values.resize(values.len().max(items), last);
                }
                vec![self.list_parameter(values, column_type)]
            }
            types => sql!(self, tuple_parameters(types, keys)),
        }
    }

    /// Returns the number of [`Dialect::key_parameters`].
    pub fn count_key_parameters(self, types: &[ColumnType]) -> usize {
        sql!(self, count_key_parameters(types))
    }

    /// Builds a list of rows to join with, with columns `c0`, `c1` and so on. Uses one parameter per column,
    /// or one in total.
    pub fn list<R: IntoIterator<Item = Value>>(
        self,
        model: &Model,
        types: &[ColumnType],
        rows: impl ExactSizeIterator<Item = R>,
    ) -> SelectStatement {
        sql!(self, list(model, types, rows))
    }

    /// Returns true if an INSERT takes several rows of these types as a [`Dialect::list`].
    pub fn inserts_lists(self, types: &[ColumnType]) -> bool {
        types.iter().all(|column_type| sql!(self, inserts_list(column_type)))
    }

    /// Tests `column` for a prefix, as a range in UTF-8 order. An index can serve the range; a parameter
    /// would hide the prefix of a pattern from the planner.
    pub fn starts_with(self, column: Expr, prefix: &str) -> Expr {
        if prefix.is_empty() {
            return sql!(self, is_text(column));
        }
        let Some((from, to)) = sql!(self, prefix_range(prefix)) else {
            return self.like(column, &format!("{}%", escape_like(prefix)));
        };
        let begins = Expr::cust_with_exprs(from, [column.clone(), Expr::val(prefix)]);
        match after_prefix(prefix) {
            Some(end) => begins.and(Expr::cust_with_exprs(to, [column, Expr::val(end)])),
            None => begins.and(sql!(self, is_text(column))),
        }
    }

    /// Returns a column of this limit as answers show its text: without the blanks that fill a `CHAR(n)`.
    pub fn unpadded(self, column: Expr, limit: Limit) -> Expr {
        match limit {
            Limit::Padded(_) => sql!(self, unpadded(column)),
            _ => column,
        }
    }

    /// Tests `column` against a pattern with `%` and `_`, escaped by `\`.
    pub fn like(self, column: Expr, pattern: &str) -> Expr {
        sql!(self, like(column, pattern))
    }

    /// Tests `column` for a match of a regular expression anywhere in the text.
    pub fn matches(self, column: Expr, pattern: &Pattern) -> Expr {
        sql!(self, matches(column, pattern.text(self)))
    }

    /// Returns the sum of a column, in the type of [`ColumnType::sum`].
    pub fn sum(self, column: Expr, column_type: &ColumnType) -> Expr {
        sql!(self, sum(column, column_type))
    }

    /// Returns the average of a column, in the type of [`ColumnType::average`].
    pub fn average(self, column: Expr, column_type: &ColumnType) -> Expr {
        sql!(self, average(column, column_type))
    }

    /// Returns the NULLS clause, only for a nullable column and an order other than the database's own.
    /// Without the clause, an index in the database's own order still serves.
    pub fn nulls(self, order: &Order, nulls_first: bool, nullable: bool) -> Option<NullOrdering> {
        let descending = matches!(order, Order::Desc);
        let own_nulls_first = sql!(self, NULLS_FIRST_ASCENDING) != descending;
        (nullable && nulls_first != own_nulls_first).then_some(if nulls_first {
            NullOrdering::First
        } else {
            NullOrdering::Last
        })
    }
}

impl Pattern {
    /// Returns the regular expression in the syntax of a database.
    pub fn text(&self, dialect: Dialect) -> &str {
        match dialect {
            Dialect::Sqlite => &self.sqlite,
            Dialect::Postgres => &self.postgres,
        }
    }
}
