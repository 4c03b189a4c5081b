//! Types of SQLite's columns.

use sea_orm::ColumnType as DatabaseType;
use sea_orm::sea_query::StringLen;

/// Returns the type of a column by its declaration, or `None` for a declaration without a scalar.
///
/// SQLite keeps any declaration as text, so known names come first: those of SQL, of common programs, and of SeaORM
/// (`timestamp_text`). Other names follow SQLite's rules of affinity. `integer` has 32 bits, as in SQL; other names that
/// contain `int` have 64.
pub(super) fn of(declared: &str) -> Option<DatabaseType> {
    let (name, lengths) = split(declared);
    let length = lengths.first().copied();
    Some(match name.as_str() {
        "boolean" | "bool" => DatabaseType::Boolean,
        "tinyint" | "int1" => DatabaseType::TinyInteger,
        "smallint" | "int2" => DatabaseType::SmallInteger,
        "integer" | "int" | "int4" | "mediumint" => DatabaseType::Integer,
        "tinyint unsigned" => DatabaseType::TinyUnsigned,
        "smallint unsigned" => DatabaseType::SmallUnsigned,
        "integer unsigned" | "int unsigned" | "mediumint unsigned" => DatabaseType::Unsigned,
        "bigint unsigned" | "unsigned big int" => DatabaseType::BigUnsigned,
        // SQLite's floats have 64 bits, whatever their name.
        "real" | "real_money" if lengths.len() == 2 => decimal(&lengths),
        "real_decimal" | "decimal" | "numeric" | "number" | "dec" | "money" | "real_money" | "num" => {
            decimal(&lengths)
        }
        "char" | "character" | "nchar" | "native character" if length.is_some() => DatabaseType::Char(length),
        "varchar" | "character varying" | "varying character" | "nvarchar" | "varchar2" => {
            DatabaseType::String(length.map_or(StringLen::None, StringLen::N))
        }
        // Its affinity is numeric, but the word means text.
        "string" => DatabaseType::Text,
        "uuid" | "uuid_text" | "uuid_blob" | "guid" => DatabaseType::Uuid,
        "date" | "date_text" => DatabaseType::Date,
        "time" | "time_text" | "time without time zone" => DatabaseType::Time,
        "datetime" | "datetime_text" => DatabaseType::DateTime,
        "timestamp" | "timestamp_text" | "timestamp without time zone" => DatabaseType::Timestamp,
        "timestamp_with_timezone_text" | "timestamp with time zone" | "timestamptz" | "datetimeoffset" => {
            DatabaseType::TimestampWithTimeZone
        }
        "json" | "json_text" => DatabaseType::Json,
        "jsonb" | "jsonb_text" => DatabaseType::JsonBinary,
        "blob" | "binary" => length.map_or(DatabaseType::Blob, DatabaseType::Binary),
        "varbinary_blob" | "varbinary" => {
            length.map_or(DatabaseType::Blob, |length| DatabaseType::VarBinary(StringLen::N(length)))
        }
        "bytea" => DatabaseType::Blob,
        other => return of_affinity(other),
    })
}

/// Returns the type by section 3.1 of SQLite's "Datatypes in SQLite". Numeric affinity is left out: such a column may hold
/// anything.
fn of_affinity(name: &str) -> Option<DatabaseType> {
    let has = |parts: &[&str]| parts.iter().any(|part| name.contains(part));
    if has(&["int"]) {
        // `interval` and `point` contain `int` as well, but mean no number.
        return (!has(&["interval", "point"])).then_some(DatabaseType::BigInteger);
    }
    match () {
        () if has(&["char", "clob", "text"]) => Some(DatabaseType::Text),
        () if has(&["blob"]) => Some(DatabaseType::Blob),
        () if has(&["real", "floa", "doub"]) => Some(DatabaseType::Double),
        () => None,
    }
}

/// Splits a declaration into its name, in lower case and without lengths, and its lengths.
fn split(declared: &str) -> (String, Vec<u32>) {
    let (before, lengths, after) = match declared.split_once('(') {
        Some((before, rest)) => {
            let (lengths, after) = rest.split_once(')').unwrap_or((rest, ""));
            (before, lengths, after)
        }
        None => (declared, "", ""),
    };
    let words: Vec<String> =
        before.split_whitespace().chain(after.split_whitespace()).map(str::to_ascii_lowercase).collect();
    (words.join(" "), lengths.split(',').map_while(|length| length.trim().parse().ok()).collect())
}

/// Without a scale, SQL's scale is zero.
fn decimal(lengths: &[u32]) -> DatabaseType {
    DatabaseType::Decimal(match lengths {
        [] => None,
        [precision] => Some((*precision, 0)),
        [precision, scale, ..] => Some((*precision, *scale)),
    })
}

#[cfg(test)]
mod tests {
    use sea_orm::sea_query::{Alias, ColumnDef, SqliteQueryBuilder, Table};

    use super::*;

    /// Returns the declaration of a column in a statement of SeaORM.
    fn printed(database_type: DatabaseType) -> String {
        let column = ColumnDef::new_with_type(Alias::new("c"), database_type).take();
        let sql = Table::create().table(Alias::new("t")).col(column).to_string(SqliteQueryBuilder);
        sql.split_once("\"c\" ").unwrap().1.trim_end_matches(" )").to_owned()
    }

    #[test]
    fn declarations_of_seaorm_have_their_type() {
        for database_type in [
            DatabaseType::Boolean,
            DatabaseType::TinyInteger,
            DatabaseType::SmallInteger,
            DatabaseType::Integer,
            DatabaseType::Double,
            DatabaseType::Decimal(None),
            DatabaseType::Decimal(Some((10, 2))),
            DatabaseType::Char(Some(3)),
            DatabaseType::String(StringLen::None),
            DatabaseType::String(StringLen::N(40)),
            DatabaseType::Text,
            DatabaseType::Uuid,
            DatabaseType::Date,
            DatabaseType::Time,
            DatabaseType::DateTime,
            DatabaseType::Timestamp,
            DatabaseType::TimestampWithTimeZone,
            DatabaseType::Json,
            DatabaseType::JsonBinary,
            DatabaseType::Blob,
            DatabaseType::Binary(16),
            DatabaseType::VarBinary(StringLen::N(20)),
        ] {
            let declared = printed(database_type.clone());
            assert_eq!(of(&declared), Some(database_type), "{declared}");
        }
    }

    #[test]
    fn declarations_of_other_programs_have_their_type() {
        for (declared, expected) in [
            ("INTEGER", DatabaseType::Integer),
            ("bigint", DatabaseType::BigInteger),
            ("INT8", DatabaseType::BigInteger),
            ("integer unsigned", DatabaseType::Unsigned),
            ("smallint unsigned", DatabaseType::SmallUnsigned),
            ("bool", DatabaseType::Boolean),
            ("float", DatabaseType::Double),
            ("double precision", DatabaseType::Double),
            ("REAL", DatabaseType::Double),
            ("decimal", DatabaseType::Decimal(None)),
            ("NUMERIC(10)", DatabaseType::Decimal(Some((10, 0)))),
            ("VARCHAR(255)", DatabaseType::String(StringLen::N(255))),
            ("character  varying(20)", DatabaseType::String(StringLen::N(20))),
            ("char(32)", DatabaseType::Char(Some(32))),
            ("CHAR", DatabaseType::Text),
            ("MEDIUMTEXT", DatabaseType::Text),
            ("datetime", DatabaseType::DateTime),
            ("timestamp with time zone", DatabaseType::TimestampWithTimeZone),
            ("timestamp(3) with time zone", DatabaseType::TimestampWithTimeZone),
            ("LONGBLOB", DatabaseType::Blob),
            ("uuid", DatabaseType::Uuid),
        ] {
            assert_eq!(of(declared), Some(expected), "{declared}");
        }
        for declared in ["", "ANY", "INTERVAL", "POINT", "geometry", "time with time zone"] {
            assert_eq!(of(declared), None, "{declared}");
        }
    }
}
