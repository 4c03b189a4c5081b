//! Columns of an entity: Rust's types, and the attributes that say what the types do not.

use crowsfoot::internals::model::ColumnType;
use crowsfoot::tables::{ColumnDescription, DeclaredType};
use sea_orm::ColumnType as DatabaseType;
use sea_orm::sea_query::StringLen;

use super::literal;
use super::names::ProjectNames;

/// Type of a column in an entity.
pub struct EntityColumn {
    /// Type in Rust, without `Option`.
    pub rust: String,
    /// Value of the attribute `column_type`, where the type in Rust does not say it.
    pub attribute: Option<String>,
}

/// Returns the type of a column. A type that SeaORM does not name is text with the database's own name; the database's
/// description, which the project reads at start, tells its values.
pub fn of(described: &ColumnDescription, served: &ColumnType, names: &ProjectNames) -> EntityColumn {
    let plain = |rust: &str| EntityColumn { rust: rust.to_owned(), attribute: None };
    let with =
        |rust: &str, attribute: String| EntityColumn { rust: rust.to_owned(), attribute: Some(attribute) };
    let unnamed = || with("String", format!("custom({})", literal(&described.declared_type)));
    let common = match &described.database_type {
        Some(DeclaredType::Common(common)) => common,
        // Values of the entity's type, in the spelling of the database's programs.
        Some(DeclaredType::Spelled(spelling)) if !spelling.is_uuid() => return plain("bool"),
        Some(DeclaredType::Spelled(_) | DeclaredType::AnyUuid) => return plain("Uuid"),
        Some(DeclaredType::EnumDomain { .. }) => {
            return match served.enumeration() {
                Some(id) => plain(&format!("super::enums::{}", names.enumeration(id))),
                None => unnamed(),
            };
        }
        _ => return unnamed(),
    };
    match common {
        DatabaseType::Boolean => plain("bool"),
        DatabaseType::TinyInteger => plain("i8"),
        DatabaseType::SmallInteger => plain("i16"),
        DatabaseType::Integer => plain("i32"),
        DatabaseType::BigInteger => plain("i64"),
        DatabaseType::TinyUnsigned => plain("u8"),
        DatabaseType::SmallUnsigned => plain("u16"),
        DatabaseType::Unsigned => plain("u32"),
        DatabaseType::BigUnsigned => plain("u64"),
        DatabaseType::Float => plain("f32"),
        DatabaseType::Double => plain("f64"),
        DatabaseType::Decimal(None) => with("Decimal", "Decimal(None)".to_owned()),
        DatabaseType::Decimal(Some((precision, scale))) => {
            with("Decimal", format!("Decimal(Some(({precision}, {scale})))"))
        }
        DatabaseType::Char(length) => with("String", format!("Char({length:?})")),
        DatabaseType::String(StringLen::N(length)) => {
            with("String", format!("String(StringLen::N({length}))"))
        }
        DatabaseType::String(_) => plain("String"),
        DatabaseType::Text => with("String", "Text".to_owned()),
        DatabaseType::Uuid => plain("Uuid"),
        DatabaseType::Date => plain("Date"),
        DatabaseType::Time => plain("Time"),
        DatabaseType::DateTime => plain("DateTime"),
        DatabaseType::Timestamp => with("DateTime", "Timestamp".to_owned()),
        DatabaseType::TimestampWithTimeZone => plain("DateTimeWithTimeZone"),
        DatabaseType::Json => with("Json", "Json".to_owned()),
        DatabaseType::JsonBinary => with("Json", "JsonBinary".to_owned()),
        DatabaseType::Blob => with("Vec<u8>", "Blob".to_owned()),
        DatabaseType::Binary(length) => with("Vec<u8>", format!("Binary({length})")),
        DatabaseType::VarBinary(StringLen::N(length)) => {
            with("Vec<u8>", format!("VarBinary(StringLen::N({length}))"))
        }
        DatabaseType::VarBinary(_) => with("Vec<u8>", "VarBinary(StringLen::None)".to_owned()),
        DatabaseType::Enum { .. } => match served.enumeration() {
            Some(id) => plain(&format!("super::enums::{}", names.enumeration(id))),
            None => unnamed(),
        },
        _ => unnamed(),
    }
}
