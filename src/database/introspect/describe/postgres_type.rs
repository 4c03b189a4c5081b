//! Types of PostgreSQL's columns.

use sea_orm::ColumnType as DatabaseType;
use sea_orm::sea_query::StringLen;

/// Length of the header that `atttypmod` counts (`VARHDRSZ`).
const HEADER: i64 = 4;

/// Returns the type of a column of PostgreSQL's own type `name`, or `None` for a type without a scalar. `modifier` is
/// `atttypmod`, negative if the declaration has no length.
pub(super) fn of(name: &str, modifier: i64) -> Option<DatabaseType> {
    let length = u32::try_from(modifier - HEADER).ok();
    Some(match name {
        "bool" => DatabaseType::Boolean,
        "int2" => DatabaseType::SmallInteger,
        "int4" => DatabaseType::Integer,
        "int8" => DatabaseType::BigInteger,
        "float4" => DatabaseType::Float,
        "float8" => DatabaseType::Double,
        "numeric" => DatabaseType::Decimal(length.and_then(precision_and_scale)),
        "varchar" => DatabaseType::String(length.map_or(StringLen::None, StringLen::N)),
        // Without a length, `bpchar` is text of any length.
        "bpchar" => length.map_or(DatabaseType::Text, |length| DatabaseType::Char(Some(length))),
        "text" | "name" => DatabaseType::Text,
        "uuid" => DatabaseType::Uuid,
        "date" => DatabaseType::Date,
        "time" => DatabaseType::Time,
        "timestamp" => DatabaseType::DateTime,
        "timestamptz" => DatabaseType::TimestampWithTimeZone,
        "json" => DatabaseType::Json,
        "jsonb" => DatabaseType::JsonBinary,
        "bytea" => DatabaseType::Blob,
        _ => return None,
    })
}

/// Decodes the precision and the scale of `numeric`. The scale has 11 bits and a sign. A negative scale rounds digits
/// before the point, which no limit here expresses.
fn precision_and_scale(modifier: u32) -> Option<(u32, u32)> {
    let scale = modifier & 0x7ff;
    (scale < 0x400).then_some((modifier >> 16, scale))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modifiers_are_lengths_and_digits() {
        let numeric = |precision: i64, scale: i64| of("numeric", (precision << 16 | scale & 0x7ff) + HEADER);
        assert_eq!(numeric(10, 2), Some(DatabaseType::Decimal(Some((10, 2)))));
        assert_eq!(numeric(3, 5), Some(DatabaseType::Decimal(Some((3, 5)))));
        assert_eq!(numeric(5, -2), Some(DatabaseType::Decimal(None)));
        assert_eq!(of("numeric", -1), Some(DatabaseType::Decimal(None)));
        assert_eq!(of("varchar", 44), Some(DatabaseType::String(StringLen::N(40))));
        assert_eq!(of("varchar", -1), Some(DatabaseType::String(StringLen::None)));
        assert_eq!(of("bpchar", 7), Some(DatabaseType::Char(Some(3))));
        assert_eq!(of("bpchar", -1), Some(DatabaseType::Text));
    }
}
