//! SQL of PostgreSQL.

use sea_orm::sea_query::{
    Alias, ArrayType, Expr, ExprTrait, Func, FunctionCall, PostgresQueryBuilder, Query as Sql,
    SelectStatement,
};
use sea_orm::{DbBackend, Value};

use super::comparison::{Comparison, SetOperator};
use super::features::{Features, FilterJoins, PartIndex, RefusalForm, StatementLimits};
use super::sql::{DatabaseSql, RegexSyntax};
use crate::model::{ColumnType, Model, NativeForm, NativeType, long_decimal, quoted};

/// PostgreSQL 13 or newer.
pub(super) struct Postgres;

/// Limits of PostgreSQL: the protocol counts parameters in 16 bits, and the row size limits columns. The table limit is the
/// project's own, because planning time grows with the number of tables.
const LIMITS: StatementLimits = StatementLimits {
    depth: u64::MAX,
    tables: 256,
    parameters: 65_535,
    columns: 1_664,
    pattern_bytes: u64::MAX,
};

impl DatabaseSql for Postgres {
    type Builder = PostgresQueryBuilder;

    const BACKEND: DbBackend = DbBackend::Postgres;

    const FEATURES: &'static Features = &Features {
        telemetry_name: "postgresql",
        locks_rows: true,
        checks_column_types: true,
        has_writing_expressions: true,
        has_lateral: true,
        replans_parameterized_limits: true,
        assumed_items: Some(10),
        hashes_exists: true,
        offset_counts_partners: false,
        default_keyword: Some("DEFAULT"),
        numbers_beyond_type: false,
        filter_joins: FilterJoins::LoadedRelations,
        part_index: PartIndex::KeyAndOrder,
        limits_before_joins: true,
        refusal: RefusalForm::Constraint,
        limits: LIMITS,
    };

    const NULLS_FIRST_ASCENDING: bool = false;

    const LENGTH: &'static str = "cardinality";

    const REGEX: RegexSyntax = RegexSyntax {
        any: ".",
        end: "\\Z",
        word_boundary: "(?:(?<=[0-9A-Z_a-z])(?![0-9A-Z_a-z])|(?<![0-9A-Z_a-z])(?=[0-9A-Z_a-z]))",
        letter: |code| if code <= 0xffff { format!("\\u{code:04X}") } else { format!("\\U{code:08X}") },
    };

    fn placeholder(number: usize) -> String {
        format!("${number}")
    }

    /// The driver cannot decode an enum or a native type, so it becomes text.
    fn selected(expression: Expr, column_type: &ColumnType) -> Expr {
        match column_type.stored() {
            ColumnType::Enumeration(_) => expression.cast_as("text"),
            ColumnType::Native(native) => match &native.form {
                // The decoder reads the binary format, because the text depends on a setting of the connection.
                NativeForm::Duration => expression,
                NativeForm::Money => expression.cast_as("numeric"),
                NativeForm::Hstore => expression.cast_as("json"),
                NativeForm::Geometry => geojson(expression, &native.sql),
                NativeForm::Geography(geometry) => geojson(expression.cast_as(geometry.clone()), geometry),
                NativeForm::Composite(_) | NativeForm::Document => {
                    Func::cust("to_json").arg(expression).into()
                }
                _ => expression.cast_as("text"),
            },
            ColumnType::List(list) => match &list.element {
                ColumnType::Enumeration(_) => expression.cast_as("text[]"),
                ColumnType::Native(native) => match native.form {
                    NativeForm::Duration => expression,
                    NativeForm::Money => expression.cast_as("numeric[]"),
                    _ => expression.cast_as("text[]"),
                },
                _ => expression,
            },
            _ => expression,
        }
    }

    /// PostgreSQL would order enums by their declaration.
    fn ordered(expression: Expr, column_type: &ColumnType) -> Expr {
        match column_type {
            ColumnType::Enumeration(_) => Self::selected(expression, column_type),
            _ if label(column_type).is_some() => Self::selected(expression, column_type),
            _ => expression,
        }
    }

    /// Casts a domain over an enum to the enum: PostgreSQL has no operators for the domain.
    fn compared(column: Expr, column_type: &ColumnType) -> Expr {
        match label(column_type) {
            Some(native) => column.cast_as(native.sql.clone()),
            None => column,
        }
    }

    fn compare(column: Expr, comparison: Comparison, operand: Expr, column_type: &ColumnType) -> Expr {
        comparison.of(Self::compared(column, column_type), operand)
    }

    fn operand(model: &Model, operand: Expr, column_type: &ColumnType) -> Expr {
        typed(model, operand, column_type)
    }

    fn set_operator(operator: SetOperator, column_type: &ColumnType) -> &'static str {
        let is_network = matches!(column_type, ColumnType::Native(native) if native.form.is_network());
        match (operator, is_network) {
            (SetOperator::Contains, false) => "$1 @> $2",
            (SetOperator::Contains, true) => "$1 >>= $2",
            (SetOperator::ContainedBy, false) => "$1 <@ $2",
            (SetOperator::ContainedBy, true) => "$1 <<= $2",
            (SetOperator::Overlaps, _) => "$1 && $2",
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
        let array = match cast(model, column_type) {
            Some(sql) => list.cast_as(format!("{sql}[]")),
            None => list,
        };
        Expr::cust_with_exprs("$1 = ANY($2)", [Self::compared(column, column_type), array])
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
            .map(|(index, column_type)| match cast(model, column_type) {
                Some(sql) => format!("key.k{index}::{sql}"),
                None => format!("key.k{index}"),
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

    fn list<R: IntoIterator<Item = Value>>(
        model: &Model,
        types: &[ColumnType],
        rows: impl ExactSizeIterator<Item = R>,
    ) -> SelectStatement {
        let mut columns: Vec<Vec<Value>> = types.iter().map(|_| Vec::with_capacity(rows.len())).collect();
        for row in rows {
            for (column, value) in columns.iter_mut().zip(row) {
                column.push(value);
            }
        }
        let mut list = Sql::select();
        for (index, (column_type, values)) in types.iter().zip(columns).enumerate() {
            let values = match column_type {
                ColumnType::List(_) => array(values.iter().map(literal).collect(), &ColumnType::Text),
                _ => array(values, column_type),
            };
            let item = Expr::cust_with_exprs("unnest($1)", [Expr::val(values)]);
            list.expr_as(typed(model, item, column_type), Alias::new(format!("c{index}")));
        }
        list
    }

    /// A JSON value keeps its spelling only without an array around, and an array of arrays has one dimension more.
    fn inserts_list(column_type: &ColumnType) -> bool {
        !matches!(column_type.stored(), ColumnType::Json | ColumnType::List(_) | ColumnType::Native(_))
    }

    /// The operators are those of an index with `text_pattern_ops` or `varchar_pattern_ops`.
    fn prefix_range(prefix: &str) -> Option<(&'static str, &'static str)> {
        // A `CHAR(n)` would be compared without its padding blanks.
        (!prefix.ends_with(' ')).then_some(("$1 ~>=~ $2", "$1 ~<~ $2"))
    }

    /// The patterns of `CHAR(n)` would see the blanks that fill it.
    fn unpadded(column: Expr) -> Expr {
        column.cast_as("text")
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

    /// PostgreSQL's average of integers is a decimal of few digits, which differs from the nearest `Float`. Their exact sum is
    /// therefore divided as a float.
    fn average(column: Expr, column_type: &ColumnType) -> Expr {
        match column_type.average() {
            _ if *column_type == ColumnType::Double => of_doubles(column, "AVG"),
            ColumnType::Double if column_type.is_integer() => {
                column.clone().sum().cast_as("double precision").div(column.count())
            }
            ColumnType::Double => column.cast_as("double precision").avg(),
            average => widened(column.avg(), &average),
        }
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

/// Returns the type to which values of a column type are cast, because they travel as another type.
fn cast(model: &Model, column_type: &ColumnType) -> Option<String> {
    match column_type.stored() {
        ColumnType::Enumeration(id) => Some(quoted(&model.enumerations[*id].database_name)),
        ColumnType::Native(native) => Some(native.sql.clone()),
        ColumnType::List(list) => Some(list.sql.clone()),
        _ => None,
    }
}

/// Returns the enum behind a domain.
fn label(column_type: &ColumnType) -> Option<&NativeType> {
    match column_type.stored() {
        ColumnType::Native(native) if native.form == NativeForm::Label => Some(native),
        _ => None,
    }
}

/// Returns a geometry as GeoJSON with all its digits. The reference system is a part of it unless it is that of GeoJSON. The
/// function is in the schema of the type.
fn geojson(geometry: Expr, name: &str) -> Expr {
    let schema = name.strip_suffix("geometry").unwrap_or_default();
    Expr::cust_with_exprs(format!("{schema}ST_AsGeoJSON($1, 15, 8)"), [geometry]).cast_as("json")
}

/// Casts a value to the type of its column, where they differ.
fn typed(model: &Model, value: Expr, column_type: &ColumnType) -> Expr {
    let Some(sql) = cast(model, column_type) else { return value };
    match column_type {
        ColumnType::Native(native) => match &native.form {
            NativeForm::Composite(_) => {
                Expr::cust_with_exprs(format!("jsonb_populate_record(NULL::{sql}, $1)"), [value])
            }
            // PostGIS reads GeoJSON as `geometry` alone.
            NativeForm::Geography(geometry) => value.cast_as(geometry.clone()).cast_as(sql),
            _ => value.cast_as(sql),
        },
        _ => value.cast_as(sql),
    }
}

/// Writes a list as a literal of PostgreSQL, because an array cannot hold arrays of different lengths.
fn literal(list: &Value) -> Value {
    let Value::Array(_, Some(items)) = list else { return Value::String(None) };
    let item = |item: &Value| match item {
        Value::Bytes(Some(bytes)) => {
            bytes.iter().fold("\"\\\\x".to_owned(), |text, byte| format!("{text}{byte:02x}")) + "\""
        }
        Value::Bool(Some(value)) => value.to_string(),
        Value::SmallInt(Some(value)) => value.to_string(),
        Value::Int(Some(value)) => value.to_string(),
        Value::BigInt(Some(value)) => value.to_string(),
        Value::Float(Some(value)) => value.to_string(),
        Value::Double(Some(value)) => value.to_string(),
        Value::Decimal(Some(value)) => value.to_string(),
        Value::Uuid(Some(value)) => value.to_string(),
        Value::ChronoDate(Some(value)) => value.to_string(),
        Value::ChronoTime(Some(value)) => value.to_string(),
        Value::ChronoDateTime(Some(value)) => format!("\"{value}\""),
        Value::ChronoDateTimeWithTimeZone(Some(value)) => format!("\"{}\"", value.to_rfc3339()),
        Value::String(Some(text)) => format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\"")),
        item => long_decimal(item).unwrap_or("NULL").to_owned(),
    };
    let items: Vec<String> = items.iter().map(item).collect();
    format!("{{{}}}", items.join(",")).into()
}

fn widened(aggregate: Expr, wide: &ColumnType) -> Expr {
    match wide {
        ColumnType::BigInt => aggregate.cast_as("bigint"),
        ColumnType::Decimal => aggregate.cast_as("numeric"),
        _ => aggregate.cast_as("double precision"),
    }
}

fn array(values: Vec<Value>, column_type: &ColumnType) -> Value {
    let (array_type, values) = match column_type.stored() {
        // Keys are compared in their widest form (see `normalize_key`).
        column_type if column_type.is_integer() => {
            (ArrayType::BigInt, values.into_iter().map(crate::model::normalize_key).collect())
        }
        column_type => (column_type.array_type(), values),
    };
    Value::Array(array_type, Some(Box::new(values)))
}
