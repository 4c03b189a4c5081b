//! SQL of PostgreSQL.

use sea_orm::sea_query::{
    Alias, ArrayType, Expr, ExprTrait, Func, FunctionCall, PostgresQueryBuilder, Query as Sql,
    SelectStatement,
};
use sea_orm::{DbBackend, Value};

use super::sql::{DatabaseSql, RegexSyntax};
use crate::model::{ColumnType, Model};

/// PostgreSQL 13 or newer.
pub(super) struct Postgres;

impl DatabaseSql for Postgres {
    type Builder = PostgresQueryBuilder;

    const BACKEND: DbBackend = DbBackend::Postgres;

    const NULLS_FIRST_ASCENDING: bool = false;

    const REGEX: RegexSyntax = RegexSyntax {
        any: ".",
        end: "\\Z",
        word_boundary: "(?:(?<=[0-9A-Z_a-z])(?![0-9A-Z_a-z])|(?<![0-9A-Z_a-z])(?=[0-9A-Z_a-z]))",
        letter: |code| if code <= 0xffff { format!("\\u{code:04X}") } else { format!("\\U{code:08X}") },
    };

    fn placeholder(number: usize) -> String {
        format!("${number}")
    }

    /// The driver cannot decode an enum, so it becomes text.
    fn selected(expression: Expr, column_type: &ColumnType) -> Expr {
        match column_type {
            ColumnType::Enumeration(_) => expression.cast_as("text"),
            _ => expression,
        }
    }

    /// PostgreSQL would order enums by their declaration.
    fn ordered(expression: Expr, column_type: &ColumnType) -> Expr {
        Self::selected(expression, column_type)
    }

    fn operand(model: &Model, operand: Expr, column_type: &ColumnType) -> Expr {
        match column_type {
            ColumnType::Enumeration(id) => operand.as_enum(model.enumerations[*id].database_name.clone()),
            _ => operand,
        }
    }

    fn is_not_true(condition: Expr) -> Expr {
        Expr::cust_with_exprs("($1) IS NOT TRUE", [condition])
    }

    fn fits_one_parameter(_: &ColumnType) -> bool {
        true
    }

    fn list_parameter(values: Vec<Value>, column_type: &ColumnType) -> Value {
        array(values, column_type)
    }

    fn is_in(model: &Model, column: Expr, list: Expr, column_type: &ColumnType) -> Expr {
        let array = match column_type {
            ColumnType::Enumeration(id) => {
                list.as_enum(format!("{}[]", model.enumerations[*id].database_name))
            }
            _ => list,
        };
        Expr::cust_with_exprs("$1 = ANY($2)", [column, array])
    }

    fn list_function() -> FunctionCall {
        Func::cust("unnest")
    }

    fn listed(table: &str, _: &ColumnType) -> Expr {
        Expr::col((Alias::new(table), Alias::new(table)))
    }

    fn keys(model: &Model, types: &[ColumnType]) -> String {
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
        format!(
            "$1 IN (SELECT {} FROM unnest({}) AS key({}))",
            items.join(", "),
            places.join(", "),
            names.join(", ")
        )
    }

    fn tuple_parameters(types: &[ColumnType], keys: &[Vec<Value>]) -> Vec<Value> {
        let column = |index: usize| keys.iter().map(|key| key[index].clone()).collect();
        types.iter().enumerate().map(|(index, column_type)| array(column(index), column_type)).collect()
    }

    fn count_key_parameters(types: &[ColumnType]) -> usize {
        types.len()
    }

    fn list(model: &Model, types: &[ColumnType], rows: &[Vec<Value>]) -> SelectStatement {
        let mut list = Sql::select();
        for (index, column_type) in types.iter().enumerate() {
            let values = array(rows.iter().map(|row| row[index].clone()).collect(), column_type);
            let item = Expr::cust_with_exprs("unnest($1)", [Expr::val(values)]);
            let item = match column_type {
                ColumnType::Enumeration(id) => item.as_enum(model.enumerations[*id].database_name.clone()),
                _ => item,
            };
            list.expr_as(item, Alias::new(format!("c{index}")));
        }
        list
    }

    /// The operators are those of an index with `text_pattern_ops` or `varchar_pattern_ops`.
    fn prefix_range(prefix: &str) -> Option<(&'static str, &'static str)> {
        // A `CHAR(n)` would be compared without its padding blanks.
        (!prefix.ends_with(' ')).then_some(("$1 ~>=~ $2", "$1 ~<~ $2"))
    }

    fn like(column: Expr, pattern: &str) -> Expr {
        Expr::cust_with_exprs("$1 LIKE $2", [column, Expr::val(pattern)])
    }

    fn matches(column: Expr, pattern: &str) -> Expr {
        Expr::cust_with_exprs("$1 ~ $2", [column, Expr::val(pattern)])
    }

    fn sum(column: Expr, column_type: &ColumnType) -> Expr {
        match column_type {
            // PostgreSQL's sum of floats of 32 bits has 32 bits itself.
            ColumnType::Float => column.cast_as("double precision").sum(),
            ColumnType::Double => of_doubles(column, "SUM"),
            _ => widened(column.sum(), &column_type.sum()),
        }
    }

    /// PostgreSQL's average of integers is a decimal of few digits, which differs from the nearest `Float`.
    /// The column is therefore cast to float.
    fn average(column: Expr, column_type: &ColumnType) -> Expr {
        let average = column_type.average();
        if *column_type == ColumnType::Double {
            return of_doubles(column, "AVG");
        }
        let column = match &average {
            ColumnType::Double => column.cast_as("double precision"),
            _ => column,
        };
        widened(column.avg(), &average)
    }
}

/// Sum or average of floats of 64 bits, infinite if the sum is beyond their range. PostgreSQL's own `SUM` and `AVG` end
/// the statement then, and `AVG` also if only the squares are beyond the range.
///
/// The functions therefore read numbers below 10¹⁵⁰. Larger numbers are added up as 2⁻⁶⁴ of each; smaller ones are not,
/// because PostgreSQL refuses results that are too small as well.
fn of_doubles(column: Expr, function: &str) -> Expr {
    let usual = |function: &str| format!("{function}($1) FILTER (WHERE abs($1) < 1e150)");
    let large = "SUM($1 / 18446744073709551616) FILTER (WHERE abs($1) >= 1e150)";
    let count = if function == "AVG" { "COUNT($1)" } else { "1" };
    let sql = format!(
        "CASE WHEN {large} IS NULL THEN {} WHEN abs({large}) <= 9.745314011399998e288 \
         THEN ({large} * 18446744073709551616 + COALESCE({}, 0)) / {count} ELSE 'Infinity' END",
        usual(function),
        usual("SUM"),
    );
    Expr::cust_with_exprs(sql, [column])
}

fn widened(aggregate: Expr, wide: &ColumnType) -> Expr {
    match wide {
        ColumnType::BigInt => aggregate.cast_as("bigint"),
        ColumnType::Decimal => aggregate.cast_as("numeric"),
        _ => aggregate.cast_as("double precision"),
    }
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
