//! SQL of SQLite.

use sea_orm::sea_query::{
    Alias, Expr, ExprTrait, Func, FunctionCall, Query as Sql, SelectStatement, SqliteQueryBuilder,
};
use sea_orm::{DbBackend, Value};
use serde_json::Value as Json;

use super::comparison::Comparison;
use super::features::{Features, FilterJoins, PartIndex, RefusalForm, StatementLimits};
use super::like::glob_of_like;
use super::sql::{DatabaseSql, RegexSyntax, always_fits_one_parameter};
use super::{sqlite_decimal, sqlite_float, sqlite_storage, sqlite_text, sqlite_time, sqlite_uuid};
use crate::model::{ColumnType, Expected, Model, long_decimal};

/// SQLite 3.41 or newer.
pub(super) struct Sqlite;

/// Limits of a default SQLite build, with reserve for the expressions that SQLite itself adds, mostly for joins. SQLite accepts
/// 32,766 parameters, but preparation compares each parameter of a condition with all others. 8,000 take half a second, and four
/// times as many eight.
const LIMITS: StatementLimits =
    StatementLimits { depth: 900, tables: 64, parameters: 8_000, columns: 2_000, pattern_bytes: 50_000 };

impl DatabaseSql for Sqlite {
    type Builder = SqliteQueryBuilder;

    const BACKEND: DbBackend = DbBackend::Sqlite;

    const FEATURES: &'static Features = &Features {
        telemetry_name: "sqlite",
        locks_rows: false,
        checks_column_types: false,
        has_writing_expressions: false,
        has_lateral: false,
        replans_parameterized_limits: false,
        assumed_items: None,
        hashes_exists: false,
        offset_counts_partners: true,
        default_keyword: None,
        numbers_beyond_type: true,
        filter_joins: FilterJoins::WholeLists,
        part_index: PartIndex::Key,
        limits_before_joins: false,
        refusal: RefusalForm::Columns,
        limits: LIMITS,
    };

    const NULLS_FIRST_ASCENDING: bool = true;

    const LENGTH: &'static str = "json_array_length";

    const REGEX: RegexSyntax = RegexSyntax {
        any: "(?s:.)",
        end: "\\z",
        word_boundary: "(?-u:\\b)",
        letter: |code| format!("\\x{{{code:X}}}"),
    };

    fn placeholder(_: usize) -> String {
        "?".to_owned()
    }

    fn compared(column: Expr, column_type: &ColumnType) -> Expr {
        match column_type {
            ColumnType::Float => sqlite_float::key(&column),
            ColumnType::AnyUuid => sqlite_uuid::key(&column),
            column_type if sqlite_time::is_time(column_type) => sqlite_time::key(&column, column_type),
            _ => column,
        }
    }

    /// Decimals are bound as text, which every number precedes if the column is an expression.
    fn as_compared(operand: Expr, column_type: &ColumnType) -> Expr {
        match column_type {
            ColumnType::Decimal => operand.cast_as("NUMERIC"),
            _ => operand,
        }
    }

    fn compare(column: Expr, comparison: Comparison, operand: Expr, column_type: &ColumnType) -> Expr {
        let near = Self::near(&column, comparison, &operand, column_type);
        let operand = Self::as_compared(operand, column_type);
        let exact = comparison.of(Self::compared(column.clone(), column_type), operand);
        let exact = sqlite_storage::narrowed(exact, column, comparison, column_type);
        match near {
            Some(near) => near.and(exact),
            None => exact,
        }
    }

    fn near(column: &Expr, comparison: Comparison, operand: &Expr, column_type: &ColumnType) -> Option<Expr> {
        match column_type {
            ColumnType::Float => sqlite_float::near(column, comparison, operand),
            ColumnType::AnyUuid => sqlite_uuid::near(column, comparison, operand),
            column_type if sqlite_time::is_time(column_type) => {
                sqlite_time::near(column, comparison, operand, column_type)
            }
            _ => None,
        }
    }

    fn near_list(column: &Expr, list: &Expr, column_type: &ColumnType) -> Option<Expr> {
        match column_type {
            ColumnType::AnyUuid => Some(sqlite_uuid::near_list(column, list)),
            column_type if sqlite_time::is_time(column_type) => {
                sqlite_time::near_list(column, list, column_type)
            }
            _ => None,
        }
    }

    /// SQLite's columns do not hold every decimal.
    fn bound(value: Value, comparison: Comparison) -> Value {
        match value {
            Value::Decimal(Some(decimal)) => sqlite_decimal::bound(decimal, comparison),
            value => match long_decimal(&value) {
                Some(digits) => sqlite_decimal::bound_long(digits, comparison),
                None => value,
            },
        }
    }

    fn is_not_true(condition: Expr) -> Expr {
        Expr::cust_with_exprs("(?) IS NOT TRUE", [condition])
    }

    fn check(value: &Value) -> Result<(), Expected> {
        match sqlite_decimal::is_exact(value) {
            true => Ok(()),
            false => {
                Err(Expected("expected a decimal number that a 64-bit float represents exactly".to_owned()))
            }
        }
    }

    fn fits_one_parameter(column_type: &ColumnType) -> bool {
        always_fits_one_parameter(column_type)
    }

    fn list_parameter(values: Vec<Value>, _: &ColumnType) -> Value {
        json_list(values.iter().map(json_key)).into()
    }

    fn is_in(_: &Model, column: Expr, list: Expr, column_type: &ColumnType) -> Expr {
        let item = json_item("value", column_type);
        let sql = format!("? IN (SELECT {item} FROM json_each(?))");
        Expr::cust_with_exprs(sql, [Self::compared(column, column_type), list])
    }

    fn is_not_in(model: &Model, column: Expr, list: Expr, column_type: &ColumnType) -> Expr {
        let outside = Self::is_in(model, column.clone(), list.clone(), column_type).not();
        let is_empty = Expr::cust_with_exprs("json_array_length(?) = 0", [list]);
        sqlite_storage::narrowed_outside(outside, &column, Some(is_empty), column_type)
    }

    fn is_outside(column: Expr, values: Vec<Value>, column_type: &ColumnType) -> Expr {
        let has_values = !values.is_empty();
        let outside = Self::compared(column.clone(), column_type).is_not_in(values);
        match has_values {
            true => sqlite_storage::narrowed_outside(outside, &column, None, column_type),
            false => outside,
        }
    }

    fn list_function() -> FunctionCall {
        Func::cust("json_each")
    }

    fn listed(table: &str, column_type: &ColumnType) -> Expr {
        Expr::cust(json_item(&format!("\"{table}\".\"value\""), column_type))
    }

    fn keys(_: &Model, types: &[ColumnType]) -> String {
        let items: Vec<String> = types
            .iter()
            .enumerate()
            .map(|(index, column_type)| json_item(&format!("value ->> {index}"), column_type))
            .collect();
        format!("? IN (SELECT {} FROM json_each(?))", items.join(", "))
    }

    fn tuple_parameters(_: &[ColumnType], keys: &[Vec<Value>]) -> Vec<Value> {
        let keys = keys.iter().map(|key| Json::Array(key.iter().map(json_key).collect()));
        vec![json_list(keys).into()]
    }

    fn count_key_parameters(_: &[ColumnType]) -> usize {
        1
    }

    fn list<R: IntoIterator<Item = Value>>(
        _: &Model,
        types: &[ColumnType],
        rows: impl ExactSizeIterator<Item = R>,
    ) -> SelectStatement {
        let mut list = Sql::select();
        for (index, column_type) in types.iter().enumerate() {
            let item = Expr::cust(json_item(&format!("value ->> {index}"), column_type));
            list.expr_as(item, Alias::new(format!("c{index}")));
        }
        let row = |row: R| Json::Array(row.into_iter().map(|value| json_key(&value)).collect());
        let rows = rows.map(row).collect();
        let rows = Expr::val(Json::Array(rows).to_string());
        list.from_function(Self::list_function().arg(rows), Alias::new("rows"));
        list
    }

    fn prefix_range(_: &str) -> Option<(&'static str, &'static str)> {
        Some(("unlikely(? COLLATE BINARY >= ?)", "unlikely(? COLLATE BINARY < ?)"))
    }

    fn is_text(column: Expr) -> Expr {
        sqlite_storage::is_text(column)
    }

    /// SQLite's `LIKE` ignores the case of ASCII letters, so `GLOB` replaces it. `unlikely` keeps SQLite from
    /// assuming that a pattern holds for nearly every row, and from testing patterns last. `GLOB` would match blobs.
    fn like(column: Expr, pattern: &str) -> Expr {
        let like =
            Expr::cust_with_exprs("unlikely(? GLOB ?)", [column.clone(), Expr::val(glob_of_like(pattern))]);
        like.and(Self::is_text(column))
    }

    fn matches(column: Expr, pattern: &str) -> Expr {
        sqlite_text::matches(column, pattern)
    }

    /// SQLite's sum of integers fails beyond 64 bits, and its sum of decimals is a floating-point number. The
    /// statement therefore returns both in parts, which [`sqlite_decimal::of_aggregate`] reads.
    fn sum(column: Expr, column_type: &ColumnType) -> Expr {
        let sum = match column_type {
            ColumnType::BigInt | ColumnType::Unsigned | ColumnType::BigUnsigned => {
                let halves = sqlite_decimal::halves("?");
                sqlite_decimal::aggregate(Expr::cust_with_exprs(halves, [column.clone(), column.clone()]))
            }
            ColumnType::Decimal => sqlite_decimal::aggregate(sqlite_decimal::sum(&column)),
            // Any value may be stored, and a sum beyond 64 bits would end the statement. An infinite sum does not.
            ColumnType::TinyInt
            | ColumnType::SmallInt
            | ColumnType::Int
            | ColumnType::TinyUnsigned
            | ColumnType::SmallUnsigned => {
                let readable =
                    "CASE WHEN ? BETWEEN -2147483648 AND 2147483647 THEN ? WHEN ? IS NOT NULL THEN 9e999 END";
                return Expr::cust_with_exprs(format!("SUM({readable})"), vec![column; 3]);
            }
            _ => Self::compared(column.clone(), column_type).sum(),
        };
        sqlite_storage::readable(sum, column)
    }

    fn average(column: Expr, column_type: &ColumnType) -> Expr {
        let average = match column_type.average() {
            ColumnType::Decimal => sqlite_decimal::aggregate(sqlite_decimal::average(&column)),
            _ => Self::compared(column.clone(), column_type).avg(),
        };
        sqlite_storage::readable(average, column)
    }
}

fn json_list(items: impl Iterator<Item = Json>) -> String {
    Json::Array(items.collect()).to_string()
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
        // No column holds one.
        value if long_decimal(value).is_some() => Json::from(sqlite_decimal::NONE),
        value => sqlite_time::stored(value).map_or(Json::Null, Json::from),
    }
}

/// Decodes a JSON item in SQL. Bytes travel as hexadecimal digits and decimals as text, because JSON holds
/// neither.
fn json_item(item: &str, column_type: &ColumnType) -> String {
    match column_type {
        ColumnType::Uuid | ColumnType::AnyUuid | ColumnType::Bytes => format!("unhex({item})"),
        ColumnType::Decimal => format!("CAST({item} AS NUMERIC)"),
        _ => item.to_owned(),
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02X}")).collect()
}
