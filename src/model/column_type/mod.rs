//! Table of column types with their scalars, values and operators; the only one in the project.

mod input;
mod operators;
mod scalar;
mod types;
mod value;

pub use operators::Operators;
pub use scalar::Scalar;
pub use types::{ChoiceType, ColumnType, ListType};
pub use value::{array_type_of, is_null, normalize_key};

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::model::native::{NativeForm, NativeType, Subtype};
    use crate::model::spelling::Spelling;
    use serde_json::json;

    /// Each type reads its written values back unchanged: cursors and node ids depend on the round trip.
    #[test]
    fn every_type_reads_what_it_writes() {
        let cases = [
            (ColumnType::Boolean, json!(true)),
            (ColumnType::TinyInt, json!(-128)),
            (ColumnType::SmallInt, json!(32767)),
            (ColumnType::Int, json!(-2147483648)),
            (ColumnType::BigInt, json!("9223372036854775807")),
            (ColumnType::TinyUnsigned, json!(255)),
            (ColumnType::SmallUnsigned, json!(65535)),
            (ColumnType::Unsigned, json!("4294967295")),
            (ColumnType::BigUnsigned, json!("9223372036854775807")),
            (ColumnType::Float, json!(0.1)),
            (ColumnType::Double, json!(0.1)),
            (ColumnType::Decimal, json!("19.90")),
            (ColumnType::Decimal, json!("-12345678901234567890123456789012345678.9")),
            (ColumnType::Text, json!("ünïcode ' \" \\")),
            (ColumnType::Uuid, json!("67e55044-10b1-426f-9247-bb680e5fe0c8")),
            (ColumnType::AnyUuid, json!("67e55044-10b1-426f-9247-bb680e5fe0c8")),
            (ColumnType::Spelled(Spelling::UpperHex), json!("67e55044-10b1-426f-9247-bb680e5fe0c8")),
            (ColumnType::Spelled(Spelling::UpperYN), json!(false)),
            (ColumnType::Date, json!("2024-02-29")),
            (ColumnType::Time, json!("23:59:59.123456")),
            (ColumnType::DateTime, json!("2024-02-29T23:59:59.000001Z")),
            (ColumnType::Timestamp, json!("2024-02-29T23:59:59Z")),
            (ColumnType::Json, json!({ "a": [1, null] })),
            (ColumnType::Bytes, json!("AAEC/w==")),
            (ColumnType::Enumeration(0), json!("ON_HOLD")),
        ];
        let variants = [("ON_HOLD".to_owned(), "on hold".to_owned())];
        for (column_type, json) in cases {
            let value = column_type.read(&json, &variants).unwrap();
            assert_eq!(column_type.write(&value, &variants), Some(json), "{column_type:?}");
        }
    }

    /// Cursors and ids hold values that clients may not give.
    #[test]
    fn a_stored_value_beyond_the_range_of_input_is_restored() {
        let native = |sql, form| ColumnType::Native(Arc::new(NativeType { sql: String::from(sql), form }));
        for (column_type, json) in [
            (ColumnType::Date, json!("-0044-03-15")),
            (ColumnType::Date, json!("+10000-01-01")),
            (ColumnType::DateTime, json!("+10000-01-01T00:00:00.000001Z")),
            (ColumnType::DateTime, json!("-0044-03-15T12:00:00Z")),
            (ColumnType::DateTime, json!("0000-12-31T23:59:59Z")),
            (ColumnType::Timestamp, json!("+262142-12-31T23:59:59Z")),
            (ColumnType::Timestamp, json!("-4712-01-01T00:00:00Z")),
            (ColumnType::Text, json!("a\0b")),
            (native("timetz", NativeForm::OffsetTime), json!("24:00:00+00")),
            (native("daterange", NativeForm::Range(Subtype::Date)), json!("[2020-01-01,10000-01-01)")),
        ] {
            let value = column_type.restore(&json, &[]).unwrap();
            assert_eq!(column_type.write(&value, &[]), Some(json.clone()), "{column_type:?}");
            assert!(column_type.read(&json, &[]).is_err(), "{column_type:?} {json}");
        }
    }

    #[test]
    fn values_out_of_range_are_refused() {
        for (column_type, json) in [
            (ColumnType::SmallInt, json!(32768)),
            (ColumnType::Int, json!(2147483648_i64)),
            (ColumnType::Int, json!(1.5)),
            (ColumnType::Unsigned, json!("-1")),
            (ColumnType::BigUnsigned, json!("-1")),
            (ColumnType::BigInt, json!("9223372036854775808")),
            (ColumnType::Text, json!("a\0b")),
            (ColumnType::Text, json!(1)),
            (ColumnType::Date, json!("2023-02-29")),
            (ColumnType::Date, json!("0000-01-01")),
            (ColumnType::Date, json!("-0044-03-15")),
            (ColumnType::Date, json!("+10000-01-01")),
            (ColumnType::DateTime, json!("0000-12-31T23:59:59Z")),
            (ColumnType::Timestamp, json!("0001-01-01T00:00:00+01:00")),
            (ColumnType::Timestamp, json!("9999-12-31T23:59:59-01:00")),
            (ColumnType::Timestamp, json!("2016-12-31T23:59:60Z")),
            (ColumnType::Timestamp, json!("2016-12-31T23:59:59.1234567Z")),
            (ColumnType::Time, json!("23:59:60")),
            (ColumnType::Time, json!("23:59:59.0000001")),
            (ColumnType::Float, json!(1e39)),
            (ColumnType::Float, json!(1e-60)),
            (ColumnType::Decimal, json!("NaN")),
            (ColumnType::Decimal, json!(0.30000000000000004)),
            (ColumnType::Json, json!({ "a": ["\0"] })),
            (ColumnType::Json, json!({ "\0": 1 })),
            (ColumnType::Enumeration(0), json!("NONE")),
        ] {
            assert!(column_type.read(&json, &[]).is_err(), "{column_type:?} {json}");
        }
    }
}
