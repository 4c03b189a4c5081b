//! Columns of an entity: Rust's types, and the attributes that say what the types do not.

use crowsfoot::internals::model::{Column, ColumnType, Scalar};
use crowsfoot::tables::{ColumnDescription, DeclaredType};
use sea_orm::ColumnType as DatabaseType;
use sea_orm::sea_query::StringLen;

use super::literal;
use super::names::ProjectNames;

/// Maximum number of digits of a `Decimal` in Rust.
const DIGITS: u32 = 28;

/// Type of a column in an entity.
pub struct EntityColumn {
    /// Type in Rust, without `Option`.
    pub rust: String,
    /// Attributes of the field that say what the type in Rust does not.
    pub attributes: Vec<String>,
}

impl EntityColumn {
    fn plain(rust: impl Into<String>) -> Self {
        Self { rust: rust.into(), attributes: Vec::new() }
    }

    fn with(rust: &str, column_type: &str) -> Self {
        Self { rust: rust.to_owned(), attributes: vec![format!("column_type = {}", literal(column_type))] }
    }

    /// Makes the statements of SeaORM cast the column to `text`, and a value to the declared type.
    fn cast(mut self, text: &str, described: &ColumnDescription) -> Self {
        self.attributes.push(format!("select_as = {}", literal(text)));
        self.attributes.push(format!("save_as = {}", literal(&described.declared_type)));
        self
    }
}

/// Returns the type of a column. A type that SeaORM does not name is PostgreSQL's text form of the value, under the
/// database's own name; the database's description, which the project reads at start, tells its values to the service.
pub fn of(described: &ColumnDescription, column: &Column, names: &ProjectNames) -> EntityColumn {
    let named = format!("custom({})", literal(&described.declared_type));
    let served = &column.column_type;
    match &described.database_type {
        Some(DeclaredType::List { element, .. }) => {
            let item = match served {
                ColumnType::List(list) => item(element, &list.element, names),
                _ => None,
            };
            match item {
                Some(item) => EntityColumn::plain(format!("Vec<{}>", item.rust)),
                None => EntityColumn::with("Vec<String>", &named).cast("text[]", described),
            }
        }
        // In the spelling of the database's programs, which are not SeaORM.
        Some(DeclaredType::Spelled(_)) => EntityColumn::with("String", &named),
        Some(declared) => match item(declared, served, names) {
            Some(item) if item.rust == "Decimal" && is_long(declared) => {
                EntityColumn { rust: "String".to_owned(), ..item }.cast("text", described)
            }
            Some(item) => item,
            None => EntityColumn::with("String", &named).cast("text", described),
        },
        None if column.hidden => EntityColumn::with("String", &named),
        // An option sets the scalar.
        None => of_scalar(served),
    }
}

/// Returns true for numbers with more digits than a `Decimal` of Rust has.
fn is_long(declared: &DeclaredType) -> bool {
    matches!(declared.common(), Some(DatabaseType::Decimal(Some((precision, _)))) if *precision > DIGITS)
}

/// Returns the type of a column, or of the items of a list; `None` if SeaORM does not name it.
fn item(declared: &DeclaredType, served: &ColumnType, names: &ProjectNames) -> Option<EntityColumn> {
    let plain = |rust: &str| Some(EntityColumn::plain(rust));
    let with = |rust: &str, column_type: &str| Some(EntityColumn::with(rust, column_type));
    let enumeration = || {
        let id = served.enumeration()?;
        Some(EntityColumn::plain(format!("super::enums::{}", names.enumeration(id))))
    };
    let common = match declared {
        DeclaredType::Common(common) => common,
        DeclaredType::AnyUuid => return plain("Uuid"),
        DeclaredType::EnumDomain { .. } => return enumeration(),
        DeclaredType::Native(_) | DeclaredType::Spelled(_) | DeclaredType::List { .. } => return None,
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
        // The drivers of SeaORM have no unsigned numbers of 64 bits.
        DatabaseType::BigUnsigned => with("i64", "BigUnsigned"),
        DatabaseType::Float => plain("f32"),
        DatabaseType::Double => plain("f64"),
        DatabaseType::Decimal(None) => with("Decimal", "Decimal(None)"),
        DatabaseType::Decimal(Some((precision, scale))) => {
            with("Decimal", &format!("Decimal(Some(({precision}, {scale})))"))
        }
        DatabaseType::Char(length) => with("String", &format!("Char({length:?})")),
        DatabaseType::String(StringLen::N(length)) => {
            with("String", &format!("String(StringLen::N({length}))"))
        }
        DatabaseType::String(_) => plain("String"),
        DatabaseType::Text => with("String", "Text"),
        DatabaseType::Uuid => plain("Uuid"),
        DatabaseType::Date => plain("Date"),
        DatabaseType::Time => plain("Time"),
        DatabaseType::DateTime => plain("DateTime"),
        DatabaseType::Timestamp => with("DateTime", "Timestamp"),
        DatabaseType::TimestampWithTimeZone => plain("DateTimeWithTimeZone"),
        DatabaseType::Json => with("Json", "Json"),
        DatabaseType::JsonBinary => with("Json", "JsonBinary"),
        DatabaseType::Blob => with("Vec<u8>", "Blob"),
        DatabaseType::Binary(length) => with("Vec<u8>", &format!("Binary({length})")),
        DatabaseType::VarBinary(StringLen::N(length)) => {
            with("Vec<u8>", &format!("VarBinary(StringLen::N({length}))"))
        }
        DatabaseType::VarBinary(_) => with("Vec<u8>", "VarBinary(StringLen::None)"),
        DatabaseType::Enum { .. } => enumeration(),
        _ => None,
    }
}

/// Returns the type of a column without a declared type.
fn of_scalar(served: &ColumnType) -> EntityColumn {
    EntityColumn::plain(match served.scalar() {
        Some(Scalar::Int) => "i32",
        Some(Scalar::BigInt) => "i64",
        Some(Scalar::Float) => "f64",
        Some(Scalar::Decimal) => "Decimal",
        Some(Scalar::Boolean) => "bool",
        Some(Scalar::Date) => "Date",
        Some(Scalar::Time) => "Time",
        Some(Scalar::DateTime) => "DateTime",
        Some(Scalar::Uuid) => "Uuid",
        Some(Scalar::Json) => "Json",
        _ => "String",
    })
}
