//! Where the databases' SQL differs; everything else is written once.

use sea_orm::sea_query::{
    Alias, ArrayType, Expr, ExprTrait, Func, FunctionCall, NullOrdering, Order, Query as Sql, SelectStatement,
};
use sea_orm::{DbBackend, Value};
use serde_json::Value as Json;

use super::filter::Comparison;
use super::pattern::Pattern;
use super::{sqlite_decimal, sqlite_time};
use crate::error::{Error, Result};
use crate::model::{ColumnType, Expected, Model};

/// The database's dialect of SQL.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Dialect {
    /// SQLite 3.41 or newer.
    Sqlite,
    /// PostgreSQL 13 or newer.
    Postgres,
}

impl Dialect {
    /// The dialect of a SeaORM backend.
    pub fn of(backend: DbBackend) -> Result<Self> {
        match backend {
            DbBackend::Sqlite => Ok(Self::Sqlite),
            DbBackend::Postgres => Ok(Self::Postgres),
            other => Err(Error::internal(format!("{other:?} is not supported; use SQLite or PostgreSQL"))),
        }
    }

    /// The SeaORM backend that builds its statements.
    pub fn backend(self) -> DbBackend {
        match self {
            Self::Sqlite => DbBackend::Sqlite,
            Self::Postgres => DbBackend::Postgres,
        }
    }

    /// A column as it is selected: what the driver cannot decode comes as text.
    pub fn selected(self, expression: Expr, column_type: &ColumnType) -> Expr {
        match (self, column_type) {
            (Self::Postgres, ColumnType::Enumeration(_)) => expression.cast_as("text"),
            _ => expression,
        }
    }

    /// A column as it is ordered and compared to a cursor: PostgreSQL would order enums by their declaration.
    pub fn ordered(self, expression: Expr, column_type: &ColumnType) -> Expr {
        match (self, column_type) {
            (Self::Postgres, ColumnType::Enumeration(_)) => expression.cast_as("text"),
            _ => self.compared(expression, column_type),
        }
    }

    /// A column as it is compared to other columns and to values of its type: equal values are the same there.
    pub fn compared(self, column: Expr, column_type: &ColumnType) -> Expr {
        match self {
            Self::Sqlite if sqlite_time::is_time(column_type) => sqlite_time::key(&column, column_type),
            _ => column,
        }
    }

    /// `column` compared to a value.
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
        // Decimals are bound as text, and a column may hold them as text: as numbers they compare in both cases.
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

    /// A value as it is compared to a column.
    pub fn operand(self, model: &Model, value: Value, column_type: &ColumnType) -> Expr {
        match (self, column_type) {
            (Self::Postgres, ColumnType::Enumeration(id)) => {
                Expr::val(value).as_enum(model.enumerations[*id].database_name.clone())
            }
            _ => Expr::val(value),
        }
    }

    /// Whether a column holds `value` as it is, whatever its declaration says.
    ///
    /// # Errors
    /// The form of the values that it holds.
    pub fn check(self, value: &Value) -> std::result::Result<(), Expected> {
        match self {
            Self::Sqlite if !sqlite_decimal::is_exact(value) => {
                Err(Expected("expected a decimal that a 64-bit floating-point number stands for".to_owned()))
            }
            _ => Ok(()),
        }
    }

    /// `column` is one of `values`: one parameter and one statement text whatever their number, where that can be.
    pub fn one_of(self, model: &Model, column: Expr, values: Vec<Value>, column_type: &ColumnType) -> Expr {
        match self.fits_one_parameter(column_type) {
            true => self.is_in(model, column, self.list_parameter(values, column_type), column_type),
            false => column.is_in(values),
        }
    }

    /// Whether a list of such values travels as one parameter.
    pub fn fits_one_parameter(self, column_type: &ColumnType) -> bool {
        self == Self::Postgres || always_fits_one_parameter(column_type)
    }

    /// A list of values as one parameter.
    pub fn list_parameter(self, values: Vec<Value>, column_type: &ColumnType) -> Value {
        match self {
            Self::Postgres => array(values, column_type),
            Self::Sqlite => json_list(values.iter().map(json_key)).into(),
        }
    }

    /// `column` is one of those in the parameter `list`.
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

    /// The function that makes a table of the list in a parameter.
    pub fn list_function(self) -> FunctionCall {
        match self {
            Self::Postgres => Func::cust("unnest"),
            Self::Sqlite => Func::cust("json_each"),
        }
    }

    /// An item of the list that [`Dialect::list_function`] has made to a table of this name.
    pub fn listed(self, table: &str, column_type: &ColumnType) -> Expr {
        match self {
            Self::Postgres => Expr::col((Alias::new(table), Alias::new(table))),
            Self::Sqlite => Expr::cust(json_item(&format!("\"{table}\".\"value\""), column_type)),
        }
    }

    /// The tuple of `columns` is one of `keys`, each a tuple of the same length.
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

    /// The tuple of `columns` is one of those in the `parameters`.
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

    /// The parameters by which [`Dialect::one_of_keys`] hands its keys over.
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

    /// How many [`Dialect::key_parameters`] there are.
    pub fn count_key_parameters(self, types: &[ColumnType]) -> usize {
        match self {
            Self::Postgres => types.len(),
            Self::Sqlite => 1,
        }
    }

    /// A list of rows to join with, its columns named `c0`, `c1` and so on: one parameter a column, or one in all.
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

    /// `column` begins with `prefix`: a range in the order of UTF-8, which an index can serve, and a value in a parameter
    /// does not hide it as it hides the beginning of a pattern. On PostgreSQL these are the operators of an index with
    /// `text_pattern_ops` or `varchar_pattern_ops`.
    pub fn starts_with(self, column: Expr, prefix: &str) -> Expr {
        if prefix.is_empty() {
            return column.is_not_null();
        }
        let (from, to) = match self {
            // A `CHAR(n)` would be compared without the blanks that fill it up.
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

    /// `column` fits a pattern with `%` and `_`, escaped by `\`. SQLite's `LIKE` ignores the case of ASCII letters, so
    /// `GLOB` takes its place. SQLite would also take a pattern to hold for nearly every row, and look at patterns last.
    pub fn like(self, column: Expr, pattern: &str) -> Expr {
        match self {
            Self::Postgres => Expr::cust_with_exprs("$1 LIKE $2", [column, Expr::val(pattern)]),
            Self::Sqlite => {
                Expr::cust_with_exprs("unlikely(? GLOB ?)", [column, Expr::val(glob_of_like(pattern))])
            }
        }
    }

    /// `column` matches a regular expression somewhere.
    pub fn matches(self, column: Expr, pattern: &Pattern) -> Expr {
        let operator = match self {
            Self::Postgres => "$1 ~ $2",
            Self::Sqlite => "unlikely(? REGEXP ?)",
        };
        Expr::cust_with_exprs(operator, [column, Expr::val(pattern.text(self))])
    }

    /// The sum of a column in the type that [`ColumnType::sum`] gives it.
    ///
    /// SQLite's sum of integers fails beyond 64 bits; so it sums the upper and the lower half of each and shows both, as
    /// in `1:5`, which is 2³² + 5.
    pub fn sum(self, column: Expr, column_type: &ColumnType) -> Expr {
        match (self, column_type) {
            (Self::Sqlite, ColumnType::BigInt | ColumnType::Unsigned | ColumnType::BigUnsigned) => {
                let halves = "SUM(? / 4294967296) || ':' || SUM(? % 4294967296)";
                Expr::cust_with_exprs(halves, [column.clone(), column])
            }
            // PostgreSQL's sum of floats of 32 bits has 32 bits itself.
            (Self::Postgres, ColumnType::Float) => column.cast_as("double precision").sum(),
            _ => self.widened(column.sum(), &column_type.sum()),
        }
    }

    /// The average of a column in the type that [`ColumnType::average`] gives it.
    ///
    /// PostgreSQL's average of integers is a decimal of few digits, other than the nearest `Float`; so it gets floats.
    pub fn average(self, column: Expr, column_type: &ColumnType) -> Expr {
        let average = column_type.average();
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
            (Self::Sqlite, ColumnType::Decimal) => aggregate.cast_as("TEXT"),
            (Self::Sqlite, _) => aggregate,
        }
    }

    /// Where NULL stands is said only where a column may be NULL and the database would put it elsewhere, so
    /// that an index in the database's own order still serves.
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

/// Whether a list of such values travels as one parameter on every database. SQLite does not read every float from text
/// as the float that was written.
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

/// A key inside a JSON list, as SQLite stores it.
fn json_key(value: &Value) -> Json {
    match value {
        Value::Bool(Some(value)) => Json::from(i32::from(*value)),
        Value::SmallInt(Some(value)) => Json::from(*value),
        Value::Int(Some(value)) => Json::from(*value),
        Value::BigInt(Some(value)) => Json::from(*value),
        Value::Float(Some(value)) => Json::from(*value),
        Value::Double(Some(value)) => Json::from(*value),
        Value::String(Some(value)) => Json::from(value.as_str()),
        Value::Decimal(Some(value)) => Json::from(value.to_string()),
        Value::Uuid(Some(value)) => Json::from(hex(value.as_bytes())),
        Value::Bytes(Some(value)) => Json::from(hex(value)),
        value => sqlite_time::stored(value).map_or(Json::Null, Json::from),
    }
}

/// Bytes and decimals cannot stand in JSON; they travel as hexadecimal digits and as text.
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

/// Escapes what `LIKE` would read as a wildcard.
pub fn escape_like(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        if matches!(letter, '%' | '_' | '\\') {
            escaped.push('\\');
        }
        escaped.push(letter);
    }
    escaped
}

/// The first text after all that begin with `prefix`; none where nothing comes after them.
fn after_prefix(prefix: &str) -> Option<String> {
    let mut rest = prefix.chars();
    while let Some(letter) = rest.next_back() {
        if let Some(next) = (letter..=char::MAX).nth(1) {
            return Some(format!("{}{next}", rest.as_str()));
        }
    }
    None
}

/// One step of a `LIKE` pattern.
pub(super) enum Wildcard {
    Any,
    One,
    Letter(char),
}

pub(super) fn wildcards(pattern: &str) -> impl Iterator<Item = Wildcard> {
    let mut letters = pattern.chars();
    std::iter::from_fn(move || {
        Some(match letters.next()? {
            '%' => Wildcard::Any,
            '_' => Wildcard::One,
            '\\' => Wildcard::Letter(letters.next().unwrap_or('\\')),
            letter => Wildcard::Letter(letter),
        })
    })
}

/// What a `LIKE` pattern wants at the beginning, where it wants nothing else.
pub fn prefix_of_like(pattern: &str) -> Option<String> {
    let mut prefix = String::with_capacity(pattern.len());
    let mut steps = wildcards(pattern);
    loop {
        match steps.next()? {
            Wildcard::Letter(letter) => prefix.push(letter),
            Wildcard::Any => return steps.next().is_none().then_some(prefix),
            Wildcard::One => return None,
        }
    }
}

pub(super) fn glob_of_like(pattern: &str) -> String {
    let mut glob = String::with_capacity(pattern.len());
    for step in wildcards(pattern) {
        match step {
            Wildcard::Any => glob.push('*'),
            Wildcard::One => glob.push('?'),
            Wildcard::Letter(letter @ ('*' | '?' | '[')) => glob.extend(['[', letter, ']']),
            Wildcard::Letter(letter) => glob.push(letter),
        }
    }
    glob
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn like_patterns_translate() {
        assert_eq!(glob_of_like(r"50\%*_%"), "50%[*]?*");
        assert_eq!(escape_like(r"50%_\"), r"50\%\_\\");
        assert_eq!(prefix_of_like(r"50\%*%").as_deref(), Some("50%*"));
        assert_eq!(prefix_of_like("%").as_deref(), Some(""));
        for pattern in ["", "a", "a_%", "%a%", "a%%"] {
            assert_eq!(prefix_of_like(pattern), None, "{pattern}");
        }
    }

    #[test]
    fn a_range_ends_after_its_prefix() {
        assert_eq!(after_prefix("Silverfox").as_deref(), Some("Silverfoy"));
        assert_eq!(after_prefix("a\u{d7ff}").as_deref(), Some("a\u{e000}"));
        assert_eq!(after_prefix("a\u{10ffff}\u{10ffff}").as_deref(), Some("b"));
        assert_eq!(after_prefix("\u{10ffff}"), None);
    }
}
