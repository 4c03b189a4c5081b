//! Defaults of columns that are plain values.

use sea_orm::{ColumnType as DatabaseType, Value};
use serde_json::Value as Json;

use super::literal::{Literal, parse};
use crate::model::{ColumnType, DeclaredType, Limit};

/// Default of a column.
#[derive(Debug, PartialEq)]
pub(super) struct ColumnDefault {
    /// True if the database fills in a missing value. `DEFAULT NULL` fills in nothing.
    pub exists: bool,
    /// Default that is a plain value of the column's type.
    pub value: Option<Value>,
}

impl ColumnDefault {
    /// Reads the expression of a default, as the catalog prints it.
    pub fn read(expression: Option<&str>, declared: Option<&DeclaredType>) -> Self {
        let database_type = declared.and_then(DeclaredType::common);
        let Some(expression) = expression else { return Self { exists: false, value: None } };
        match parse(expression) {
            Some(Literal::Null) => Self { exists: false, value: None },
            Some(literal) => {
                Self { exists: true, value: database_type.and_then(|kind| convert(&literal, kind)) }
            }
            None => Self { exists: true, value: None },
        }
    }
}

/// Converts a literal to a value of the column. Only types whose literals have one spelling are converted: booleans,
/// numbers, text and enums.
fn convert(literal: &Literal, database_type: &DatabaseType) -> Option<Value> {
    let mut variants = Vec::new();
    let column_type = ColumnType::of(&database_type.clone().into(), |_, labels| {
        variants = labels.iter().map(|label| (label.clone(), label.clone())).collect();
        0
    })?;
    let json = match (&column_type, literal) {
        (ColumnType::Boolean, Literal::Boolean(value)) => Json::from(*value),
        (ColumnType::Boolean, Literal::Number(text)) => match text.as_str() {
            "0" => Json::from(false),
            "1" => Json::from(true),
            _ => return None,
        },
        (ColumnType::Text | ColumnType::Enumeration(_), Literal::Text(text)) => Json::from(text.clone()),
        (ColumnType::Decimal, Literal::Number(text) | Literal::Text(text)) => Json::from(text.clone()),
        (ColumnType::Float | ColumnType::Double, Literal::Number(text) | Literal::Text(text)) => {
            Json::from(text.parse::<f64>().ok()?)
        }
        (kind, Literal::Number(text) | Literal::Text(text)) if kind.is_integer() => {
            let number: i64 = text.parse().ok()?;
            if kind.is_text_in_json() { Json::from(number.to_string()) } else { Json::from(number) }
        }
        _ => return None,
    };
    let value = column_type.read(&json, &variants).ok()?;
    Limit::of(database_type).check(&value).is_ok().then_some(value)
}

#[cfg(test)]
mod tests {
    use rust_decimal::Decimal;
    use sea_orm::sea_query::StringLen;

    use super::*;

    fn value(expression: &str, database_type: DatabaseType) -> Option<Value> {
        ColumnDefault::read(Some(expression), Some(&database_type.into())).value
    }

    fn text(value: &str) -> Option<Value> {
        Some(Value::from(value))
    }

    #[test]
    fn literals_are_values_of_their_column() {
        assert_eq!(value("'-1'::integer", DatabaseType::Integer), Some(Value::Int(Some(-1))));
        assert_eq!(value("0", DatabaseType::BigInteger), Some(Value::BigInt(Some(0))));
        assert_eq!(value("(+3)", DatabaseType::SmallInteger), Some(Value::SmallInt(Some(3))));
        assert_eq!(value("(0)::double precision", DatabaseType::Double), Some(Value::Double(Some(0.0))));
        assert_eq!(value("- 1.5", DatabaseType::Double), Some(Value::Double(Some(-1.5))));
        let decimal: Decimal = "19.90".parse().unwrap();
        assert_eq!(value("19.90", DatabaseType::Decimal(Some((6, 2)))), Some(decimal.into()));
        assert_eq!(value("'it''s'::character varying", DatabaseType::Text), text("it's"));
        assert_eq!(value("\"draft\"", DatabaseType::Text), text("draft"));
        assert_eq!(value("''::text", DatabaseType::Text), text(""));
        assert_eq!(value("'a\nb\\c'::text", DatabaseType::Text), text("a\nb\\c"));
        assert_eq!(value("TRUE", DatabaseType::Boolean), Some(true.into()));
        assert_eq!(value("0", DatabaseType::Boolean), Some(false.into()));
        let mood = DatabaseType::Enum { name: "mood".into(), variants: vec!["sad".into(), "so so".into()] };
        assert_eq!(value("'so so'::x.\"Mood\"", mood.clone()), text("so so"));
        assert_eq!(value("'gone'::mood", mood), None);
    }

    #[test]
    fn expressions_are_defaults_without_a_value() {
        for expression in [
            "now()",
            "1 + 1",
            "('a'::text || 'b'::text)",
            "CURRENT_TIMESTAMP",
            "upper('x'::text)",
            "('abcd'::character varying)::character varying(3)",
            "'{}'::integer[]",
            "'open",
            "(1",
            "",
            "x'00'",
            "0x10",
        ] {
            let read = ColumnDefault::read(Some(expression), Some(&DatabaseType::Text.into()));
            assert_eq!(read, ColumnDefault { exists: true, value: None }, "{expression}");
            let read = ColumnDefault::read(Some(expression), Some(&DatabaseType::Integer.into()));
            assert_eq!(read, ColumnDefault { exists: true, value: None }, "{expression}");
        }
        // Neither would be the stored value.
        assert_eq!(value("1.999", DatabaseType::Decimal(Some((4, 2)))), None);
        assert_eq!(value("'abcd'::text", DatabaseType::String(StringLen::N(3))), None);
        assert_eq!(value("70000", DatabaseType::SmallInteger), None);
        assert_eq!(value("'{}'::jsonb", DatabaseType::JsonBinary), None);
    }

    #[test]
    fn null_is_no_default() {
        for expression in [None, Some("NULL"), Some("null"), Some("NULL::character varying"), Some("(NULL)")]
        {
            let read = ColumnDefault::read(expression, Some(&DatabaseType::Text.into()));
            assert_eq!(read, ColumnDefault { exists: false, value: None }, "{expression:?}");
        }
    }
}
