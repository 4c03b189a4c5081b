//! Differences between the databases' SQL; all other SQL is written once.

mod comparison;
mod like;
mod pattern;
pub mod sqlite_decimal;
pub mod sqlite_time;

use sea_orm::sea_query::{
    Alias, ArrayType, Expr, ExprTrait, Func, FunctionCall, NullOrdering, Order, Query as Sql, SelectStatement,
};
use sea_orm::{DbBackend, Value};
use serde_json::Value as Json;

pub use comparison::Comparison;
use like::after_prefix;
pub use like::{escape_like, glob_of_like, prefix_of_like};
pub use pattern::{DESCRIPTION as REGEX_DESCRIPTION, Pattern};

use crate::error::{Error, Result};
use crate::model::{ColumnType, Expected, Model};

/// SQL dialect of a database.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Dialect {
    /// SQLite 3.41 or newer.
    Sqlite,
    /// PostgreSQL 13 or newer.
    Postgres,
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
        match self {
            Self::Sqlite => DbBackend::Sqlite,
            Self::Postgres => DbBackend::Postgres,
        }
    }

    /// Returns a column for the select list; a type that the driver cannot decode becomes text.
    pub fn selected(self, expression: Expr, column_type: &ColumnType) -> Expr {
        match (self, column_type) {
            (Self::Postgres, ColumnType::Enumeration(_)) => expression.cast_as("text"),
            _ => expression,
        }
    }

    /// Returns a column for ORDER BY and cursors: PostgreSQL would order enums by their declaration.
    pub fn ordered(self, expression: Expr, column_type: &ColumnType) -> Expr {
        match (self, column_type) {
            (Self::Postgres, ColumnType::Enumeration(_)) => expression.cast_as("text"),
            _ => self.compared(expression, column_type),
        }
    }

    /// Returns a column for comparison with columns and values of its type, in a form where equal values are
    /// identical.
    pub fn compared(self, column: Expr, column_type: &ColumnType) -> Expr {
        match self {
            Self::Sqlite if sqlite_time::is_time(column_type) => sqlite_time::key(&column, column_type),
            _ => column,
        }
    }

    /// Compares `column` with a value.
    pub fn compare(
        self,
        model: &Model,
        column: Expr,
        comparison: Comparison,
        value: Value,
        column_type: &ColumnType,
    ) -> Expr {
        let operand = self.operand(model, value, column_type);
        if self == Self::Sqlite && sqlite_time::is_time(column_type) {
            return sqlite_time::compare(&column, comparison, &operand, column_type);
        }
        // Decimals are bound as text, and a column may store text: as numbers both compare correctly.
        let operand = match (self, column_type) {
            (Self::Sqlite, ColumnType::Decimal) => operand.cast_as("NUMERIC"),
            _ => operand,
        };
        match comparison {
            Comparison::Equal => column.eq(operand),
            Comparison::NotEqual => column.ne(operand),
            Comparison::Less => column.lt(operand),
            Comparison::LessOrEqual => column.lte(operand),
            Comparison::Greater => column.gt(operand),
            Comparison::GreaterOrEqual => column.gte(operand),
        }
    }

    /// Returns a value as it is bound for a comparison: SQLite's columns do not hold every decimal.
    pub fn bound(self, value: Value, comparison: Comparison) -> Value {
        match (self, value) {
            (Self::Sqlite, Value::Decimal(Some(decimal))) => sqlite_decimal::bound(decimal, comparison),
            (_, value) => value,
        }
    }

    /// Returns a value for comparison with a column.
    pub fn operand(self, model: &Model, value: Value, column_type: &ColumnType) -> Expr {
        match (self, column_type) {
            (Self::Postgres, ColumnType::Enumeration(id)) => {
                Expr::val(value).as_enum(model.enumerations[*id].database_name.clone())
            }
            _ => Expr::val(value),
        }
    }

    /// Checks that a column stores `value` unchanged, regardless of its declaration.
    ///
    /// # Errors
    /// Describes the values that fit.
    pub fn check(self, value: &Value) -> std::result::Result<(), Expected> {
        match self {
            Self::Sqlite if !sqlite_decimal::is_exact(value) => {
                Err(Expected("expected a decimal number that a 64-bit float represents exactly".to_owned()))
            }
            _ => Ok(()),
        }
    }

    /// Tests `column` for membership in `values`. Uses one parameter, and one statement text for any number
    /// of values, where possible.
    pub fn one_of(self, model: &Model, column: Expr, values: Vec<Value>, column_type: &ColumnType) -> Expr {
        match self.fits_one_parameter(column_type) {
            true => self.is_in(model, column, self.list_parameter(values, column_type), column_type),
            false => column.is_in(values),
        }
    }

    /// Returns true if a list of such values fits one parameter.
    pub fn fits_one_parameter(self, column_type: &ColumnType) -> bool {
        self == Self::Postgres || always_fits_one_parameter(column_type)
    }

    /// Encodes a list of values as one parameter.
    pub fn list_parameter(self, values: Vec<Value>, column_type: &ColumnType) -> Value {
        match self {
            Self::Postgres => array(values, column_type),
            Self::Sqlite => json_list(values.iter().map(json_key)).into(),
        }
    }

    /// Tests `column` for membership in the parameter `list`.
    pub fn is_in(self, model: &Model, column: Expr, list: Value, column_type: &ColumnType) -> Expr {
        match self {
            Self::Postgres => {
                let array = Expr::val(list);
                let array = match column_type {
                    ColumnType::Enumeration(id) => {
                        array.as_enum(format!("{}[]", model.enumerations[*id].database_name))
                    }
                    _ => array,
                };
                Expr::cust_with_exprs("$1 = ANY($2)", [column, array])
            }
            Self::Sqlite => {
                let item = json_item("value", column_type);
                let sql = format!("? IN (SELECT {item} FROM json_each(?))");
                Expr::cust_with_exprs(sql, [self.compared(column, column_type), Expr::val(list)])
            }
        }
    }

    /// Returns the function that expands a list parameter to a table.
    pub fn list_function(self) -> FunctionCall {
        match self {
            Self::Postgres => Func::cust("unnest"),
            Self::Sqlite => Func::cust("json_each"),
        }
    }

    /// Returns the item of the table with this name that [`Dialect::list_function`] expands.
    pub fn listed(self, table: &str, column_type: &ColumnType) -> Expr {
        match self {
            Self::Postgres => Expr::col((Alias::new(table), Alias::new(table))),
            Self::Sqlite => Expr::cust(json_item(&format!("\"{table}\".\"value\""), column_type)),
        }
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
            ([column], [column_type]) if !self.fits_one_parameter(column_type) => {
                column.clone().is_in(keys.iter().flatten().cloned())
            }
            _ => self.is_in_keys(model, columns, types, self.key_parameters(types, keys)),
        }
    }

    /// Tests the tuple of `columns` for membership in the `parameters`.
    pub fn is_in_keys(
        self,
        model: &Model,
        columns: Vec<Expr>,
        types: &[ColumnType],
        parameters: Vec<Value>,
    ) -> Expr {
        if let ([column], [column_type], [list]) = (columns.as_slice(), types, parameters.as_slice()) {
            return self.is_in(model, column.clone(), list.clone(), column_type);
        }
        let compared = columns.into_iter().zip(types);
        let tuple = Expr::tuple(compared.map(|(column, column_type)| self.compared(column, column_type)));
        let parameters = parameters.into_iter().map(Expr::val);
        match self {
            Self::Postgres => {
                let places: Vec<String> = (2..types.len() + 2).map(|place| format!("${place}")).collect();
                let items: Vec<String> = types
                    .iter()
                    .enumerate()
                    .map(|(index, column_type)| match column_type {
                        ColumnType::Enumeration(id) => {
                            format!("key.k{index}::\"{}\"", model.enumerations[*id].database_name)
                        }
                        _ => format!("key.k{index}"),
                    })
                    .collect();
                let names: Vec<String> = (0..types.len()).map(|index| format!("k{index}")).collect();
                let sql = format!(
                    "$1 IN (SELECT {} FROM unnest({}) AS key({}))",
                    items.join(", "),
                    places.join(", "),
                    names.join(", ")
                );
                Expr::cust_with_exprs(sql, std::iter::once(tuple).chain(parameters))
            }
            Self::Sqlite => {
                let items: Vec<String> = types
                    .iter()
                    .enumerate()
                    .map(|(index, column_type)| json_item(&format!("value ->> {index}"), column_type))
                    .collect();
                let sql = format!("? IN (SELECT {} FROM json_each(?))", items.join(", "));
                Expr::cust_with_exprs(sql, std::iter::once(tuple).chain(parameters))
            }
        }
    }

    /// Encodes keys as the parameters of [`Dialect::one_of_keys`].
    pub fn key_parameters(self, types: &[ColumnType], keys: &[Vec<Value>]) -> Vec<Value> {
        match (self, types) {
            (_, [column_type]) => {
                vec![self.list_parameter(keys.iter().flatten().cloned().collect(), column_type)]
            }
            (Self::Postgres, types) => types
                .iter()
                .enumerate()
                .map(|(index, column_type)| {
                    array(keys.iter().map(|key| key[index].clone()).collect(), column_type)
                })
                .collect(),
            (Self::Sqlite, _) => {
                let keys = keys.iter().map(|key| Json::Array(key.iter().map(json_key).collect()));
                vec![json_list(keys).into()]
            }
        }
    }

    /// Returns the number of [`Dialect::key_parameters`].
    pub fn count_key_parameters(self, types: &[ColumnType]) -> usize {
        match self {
            Self::Postgres => types.len(),
            Self::Sqlite => 1,
        }
    }

    /// Builds a list of rows to join with, with columns `c0`, `c1` and so on. Uses one parameter per column,
    /// or one in total.
    pub fn list(self, model: &Model, types: &[ColumnType], rows: &[Vec<Value>]) -> SelectStatement {
        let mut list = Sql::select();
        for (index, column_type) in types.iter().enumerate() {
            let item = match (self, column_type) {
                (Self::Postgres, column_type) => {
                    let values = array(rows.iter().map(|row| row[index].clone()).collect(), column_type);
                    let item = Expr::cust_with_exprs("unnest($1)", [Expr::val(values)]);
                    match column_type {
                        ColumnType::Enumeration(id) => {
                            item.as_enum(model.enumerations[*id].database_name.clone())
                        }
                        _ => item,
                    }
                }
                (Self::Sqlite, column_type) => {
                    Expr::cust(json_item(&format!("value ->> {index}"), column_type))
                }
            };
            list.expr_as(item, Alias::new(format!("c{index}")));
        }
        if self == Self::Sqlite {
            let rows = rows.iter().map(|row| Json::Array(row.iter().map(json_key).collect())).collect();
            let rows = Expr::val(Json::Array(rows).to_string());
            list.from_function(self.list_function().arg(rows), Alias::new("rows"));
        }
        list
    }

    /// Tests `column` for a prefix, as a range in UTF-8 order. An index can serve the range; a parameter
    /// would hide the prefix of a pattern from the planner. On PostgreSQL the operators are those of an index
    /// with `text_pattern_ops` or `varchar_pattern_ops`.
    pub fn starts_with(self, column: Expr, prefix: &str) -> Expr {
        if prefix.is_empty() {
            return column.is_not_null();
        }
        let (from, to) = match self {
            // A `CHAR(n)` would be compared without its padding blanks.
            Self::Postgres if prefix.ends_with(' ') => {
                return self.like(column, &format!("{}%", escape_like(prefix)));
            }
            Self::Postgres => ("$1 ~>=~ $2", "$1 ~<~ $2"),
            Self::Sqlite => ("unlikely(? COLLATE BINARY >= ?)", "unlikely(? COLLATE BINARY < ?)"),
        };
        let begins = Expr::cust_with_exprs(from, [column.clone(), Expr::val(prefix)]);
        match after_prefix(prefix) {
            Some(end) => begins.and(Expr::cust_with_exprs(to, [column, Expr::val(end)])),
            None => begins,
        }
    }

    /// Tests `column` against a pattern with `%` and `_`, escaped by `\`. SQLite's `LIKE` ignores the case of
    /// ASCII letters, so `GLOB` replaces it. `unlikely` keeps SQLite from assuming that a pattern holds for
    /// nearly every row, and from testing patterns last.
    pub fn like(self, column: Expr, pattern: &str) -> Expr {
        match self {
            Self::Postgres => Expr::cust_with_exprs("$1 LIKE $2", [column, Expr::val(pattern)]),
            Self::Sqlite => {
                Expr::cust_with_exprs("unlikely(? GLOB ?)", [column, Expr::val(glob_of_like(pattern))])
            }
        }
    }

    /// Tests `column` for a match of a regular expression anywhere in the text.
    pub fn matches(self, column: Expr, pattern: &Pattern) -> Expr {
        let operator = match self {
            Self::Postgres => "$1 ~ $2",
            Self::Sqlite => "unlikely(? REGEXP ?)",
        };
        Expr::cust_with_exprs(operator, [column, Expr::val(pattern.text(self))])
    }

    /// Returns the sum of a column, in the type of [`ColumnType::sum`].
    ///
    /// SQLite's sum of integers fails beyond 64 bits, and its sum of decimals is a floating-point number. The
    /// statement therefore returns both in parts, which [`sqlite_decimal::of_text`] reads.
    pub fn sum(self, column: Expr, column_type: &ColumnType) -> Expr {
        match (self, column_type) {
            (Self::Sqlite, ColumnType::BigInt | ColumnType::Unsigned | ColumnType::BigUnsigned) => {
                Expr::cust_with_exprs(sqlite_decimal::halves("?"), [column.clone(), column])
            }
            (Self::Sqlite, ColumnType::Decimal) => sqlite_decimal::sum(&column),
            // PostgreSQL's sum of floats of 32 bits has 32 bits itself.
            (Self::Postgres, ColumnType::Float) => column.cast_as("double precision").sum(),
            _ => self.widened(column.sum(), &column_type.sum()),
        }
    }

    /// Returns the average of a column, in the type of [`ColumnType::average`].
    ///
    /// PostgreSQL's average of integers is a decimal of few digits, which differs from the nearest `Float`.
    /// The column is therefore cast to float.
    pub fn average(self, column: Expr, column_type: &ColumnType) -> Expr {
        let average = column_type.average();
        if (self, &average) == (Self::Sqlite, &ColumnType::Decimal) {
            return sqlite_decimal::average(&column);
        }
        let column = match (self, &average) {
            (Self::Postgres, ColumnType::Double) => column.cast_as("double precision"),
            _ => column,
        };
        self.widened(column.avg(), &average)
    }

    fn widened(self, aggregate: Expr, wide: &ColumnType) -> Expr {
        match (self, wide) {
            (Self::Postgres, ColumnType::BigInt) => aggregate.cast_as("bigint"),
            (Self::Postgres, ColumnType::Decimal) => aggregate.cast_as("numeric"),
            (Self::Postgres, _) => aggregate.cast_as("double precision"),
            (Self::Sqlite, _) => aggregate,
        }
    }

    /// Returns the NULLS clause, only for a nullable column and an order other than the database's own.
    /// Without the clause, an index in the database's own order still serves.
    pub fn nulls(self, order: &Order, nulls_first: bool, nullable: bool) -> Option<NullOrdering> {
        let descending = matches!(order, Order::Desc);
        let own_nulls_first = match self {
            Self::Postgres => descending,
            Self::Sqlite => !descending,
        };
        (nullable && nulls_first != own_nulls_first).then_some(if nulls_first {
            NullOrdering::First
        } else {
            NullOrdering::Last
        })
    }
}

/// Returns true if a list of such values fits one parameter on every database. SQLite does not read every
/// float from text exactly.
pub fn always_fits_one_parameter(column_type: &ColumnType) -> bool {
    !matches!(column_type, ColumnType::Float | ColumnType::Double)
}

fn json_list(items: impl Iterator<Item = Json>) -> String {
    Json::Array(items.collect()).to_string()
}

fn array(values: Vec<Value>, column_type: &ColumnType) -> Value {
    let (array_type, values) = match column_type {
        ColumnType::Boolean => (ArrayType::Bool, values),
        // Keys are compared in their widest form (see `normalize_key`).
        ColumnType::TinyInt
        | ColumnType::SmallInt
        | ColumnType::Int
        | ColumnType::BigInt
        | ColumnType::TinyUnsigned
        | ColumnType::SmallUnsigned
        | ColumnType::Unsigned
        | ColumnType::BigUnsigned => {
            (ArrayType::BigInt, values.into_iter().map(crate::model::normalize_key).collect())
        }
        ColumnType::Float => (ArrayType::Float, values),
        ColumnType::Double => (ArrayType::Double, values),
        ColumnType::Decimal => (ArrayType::Decimal, values),
        ColumnType::Text | ColumnType::Enumeration(_) => (ArrayType::String, values),
        ColumnType::Uuid => (ArrayType::Uuid, values),
        ColumnType::Date => (ArrayType::ChronoDate, values),
        ColumnType::Time => (ArrayType::ChronoTime, values),
        ColumnType::DateTime => (ArrayType::ChronoDateTime, values),
        ColumnType::Timestamp => (ArrayType::ChronoDateTimeWithTimeZone, values),
        ColumnType::Json => (ArrayType::Json, values),
        ColumnType::Bytes => (ArrayType::Bytes, values),
    };
    Value::Array(array_type, Some(Box::new(values)))
}

/// Encodes a key in a JSON list, as SQLite stores it.
fn json_key(value: &Value) -> Json {
    match value {
        Value::Bool(Some(value)) => Json::from(i32::from(*value)),
        Value::SmallInt(Some(value)) => Json::from(*value),
        Value::Int(Some(value)) => Json::from(*value),
        Value::BigInt(Some(value)) => Json::from(*value),
        Value::Float(Some(value)) => Json::from(*value),
        Value::Double(Some(value)) => Json::from(*value),
        Value::String(Some(value)) => Json::from(value.as_str()),
        Value::Decimal(Some(value)) => Json::from(sqlite_decimal::listed(value)),
        Value::Uuid(Some(value)) => Json::from(hex(value.as_bytes())),
        Value::Bytes(Some(value)) => Json::from(hex(value)),
        value => sqlite_time::stored(value).map_or(Json::Null, Json::from),
    }
}

/// Decodes a JSON item in SQL. Bytes travel as hexadecimal digits and decimals as text, because JSON holds
/// neither.
fn json_item(item: &str, column_type: &ColumnType) -> String {
    match column_type {
        ColumnType::Uuid | ColumnType::Bytes => format!("unhex({item})"),
        ColumnType::Decimal => format!("CAST({item} AS NUMERIC)"),
        _ => item.to_owned(),
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02X}")).collect()
}
