//! Types of columns as a database or an entity declares them.

use std::fmt;
use std::sync::Arc;

use sea_orm::ColumnType as DatabaseType;

use super::native::{NativeForm, NativeType};
use super::spelling::Spelling;
use super::table::quoted_name;

/// Type of a column as it is declared.
#[derive(Clone, PartialEq)]
pub enum DeclaredType {
    /// A type of SeaORM.
    Common(DatabaseType),
    /// A type of PostgreSQL that SeaORM does not name, or whose values travel as text.
    Native(Arc<NativeType>),
    /// A domain of PostgreSQL over an enum.
    EnumDomain {
        /// Name of the enum.
        name: String,
        /// Labels of the enum.
        variants: Vec<String>,
    },
    /// A UUID in SQLite, in any spelling.
    AnyUuid,
    /// A UUID or a boolean as text, in one spelling.
    Spelled(Spelling),
    /// An array of PostgreSQL.
    List {
        /// Name of the array type in SQL.
        sql: String,
        /// Type of the items.
        element: Box<DeclaredType>,
    },
}

impl DeclaredType {
    /// Returns a native type with this name in SQL.
    pub fn native(sql: impl Into<String>, form: NativeForm) -> Self {
        Self::Native(Arc::new(NativeType { sql: sql.into(), form }))
    }

    /// Returns the list of such items, as far as GraphQL has one. PostgreSQL's arrays of documents are one document, and
    /// those of a type without a scalar are text.
    pub fn list(self, sql: impl Into<String>) -> Self {
        match &self {
            Self::Common(DatabaseType::Json | DatabaseType::JsonBinary) | Self::List { .. } => {
                Self::native(sql, NativeForm::Document)
            }
            Self::Native(native) if native.form.is_json() => Self::native(sql, NativeForm::Document),
            Self::Native(native) if native.form == NativeForm::Opaque => {
                Self::native(sql, NativeForm::Opaque)
            }
            Self::EnumDomain { .. } => Self::native(sql, NativeForm::Opaque),
            _ => Self::List { sql: sql.into(), element: Box::new(self) },
        }
    }

    /// Returns the type of a domain over this type.
    pub fn domain(self) -> Self {
        match self {
            Self::Common(DatabaseType::Enum { name, variants }) => Self::EnumDomain {
                name: name.to_string(),
                variants: variants.iter().map(ToString::to_string).collect(),
            },
            other => other,
        }
    }

    /// Returns the type of text whose collation equates different texts.
    pub fn collated(self) -> Self {
        match self {
            Self::Common(DatabaseType::Char(_) | DatabaseType::String(_) | DatabaseType::Text) => {
                Self::native("text", NativeForm::Collated)
            }
            other => other,
        }
    }

    /// Returns true for text of which the database equates different values.
    pub fn equates_texts(&self) -> bool {
        let is_form = |native: &NativeType| {
            matches!(native.form, NativeForm::Collated | NativeForm::CaseInsensitive(_))
        };
        matches!(self, Self::Native(native) if is_form(native))
    }

    /// Returns the type of SeaORM, if it is one.
    pub fn common(&self) -> Option<&DatabaseType> {
        match self {
            Self::Common(common) => Some(common),
            _ => None,
        }
    }

    /// Returns the type that an entity declares for values of this spelling.
    pub(super) fn of_spelled(spelling: Spelling) -> Self {
        if spelling.is_uuid() { DatabaseType::Uuid.into() } else { DatabaseType::Boolean.into() }
    }

    /// Returns true if values of the type may be texts of this spelling.
    pub(super) fn may_be(&self, spelling: Spelling) -> bool {
        match self {
            Self::Common(DatabaseType::Char(_) | DatabaseType::String(_) | DatabaseType::Text) => true,
            Self::Spelled(known) => known.is_uuid() == spelling.is_uuid(),
            Self::AnyUuid => spelling.is_uuid(),
            declared => *declared == Self::of_spelled(spelling),
        }
    }

    /// Returns true if clients can give a value.
    pub fn is_writable(&self) -> bool {
        !matches!(self, Self::Native(native) if !native.form.is_writable())
    }

    /// Returns the name in SQL of a type that SeaORM declares.
    fn sql(&self) -> Option<String> {
        Some(match self {
            Self::Native(native) => native.sql.clone(),
            Self::AnyUuid | Self::Spelled(_) | Self::List { .. } | Self::EnumDomain { .. } => return None,
            Self::Common(common) => match common {
                DatabaseType::Boolean => "bool",
                DatabaseType::SmallInteger => "int2",
                DatabaseType::Integer => "int4",
                DatabaseType::BigInteger => "int8",
                DatabaseType::Float => "float4",
                DatabaseType::Double => "float8",
                DatabaseType::Decimal(_) => "numeric",
                DatabaseType::Char(_) => "bpchar",
                DatabaseType::String(_) => "varchar",
                DatabaseType::Text => "text",
                DatabaseType::Uuid => "uuid",
                DatabaseType::Date => "date",
                DatabaseType::Time => "time",
                DatabaseType::DateTime | DatabaseType::Timestamp => "timestamp",
                DatabaseType::TimestampWithTimeZone => "timestamptz",
                DatabaseType::Json => "json",
                DatabaseType::JsonBinary => "jsonb",
                DatabaseType::Blob | DatabaseType::Binary(_) | DatabaseType::VarBinary(_) => "bytea",
                DatabaseType::Enum { name, .. } => return Some(quoted(&name.to_string())),
                _ => return None,
            }
            .to_owned(),
        })
    }
}

impl From<DatabaseType> for DeclaredType {
    fn from(common: DatabaseType) -> Self {
        let native = |sql: &str, form| Self::native(sql, form);
        match &common {
            DatabaseType::Inet => native("inet", NativeForm::Inet),
            DatabaseType::Cidr => native("cidr", NativeForm::Cidr),
            DatabaseType::MacAddr => native("macaddr", NativeForm::MacAddress),
            DatabaseType::Interval(..) => native("interval", NativeForm::Duration),
            DatabaseType::Money(_) => native("money", NativeForm::Money),
            DatabaseType::Bit(_) | DatabaseType::VarBit(_) => native("varbit", NativeForm::Bits),
            DatabaseType::Array(element) => {
                let element = Self::from((**element).clone());
                match element.sql() {
                    Some(sql) => element.list(format!("{sql}[]")),
                    None => Self::Common(common),
                }
            }
            _ => Self::Common(common),
        }
    }
}

/// Prints the type as it is declared, for messages.
impl fmt::Debug for DeclaredType {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Common(common) => common.fmt(formatter),
            Self::Native(native) => write!(formatter, "{:?} {}", native.form, native.sql),
            Self::EnumDomain { name, variants } => write!(formatter, "domain of enum {name} {variants:?}"),
            Self::AnyUuid => formatter.write_str("Uuid in any spelling"),
            Self::Spelled(spelling) => write!(formatter, "text spelled {spelling}"),
            Self::List { sql, element } => write!(formatter, "List({element:?}) {sql}"),
        }
    }
}

/// Quotes the name of an enum, which may begin with its schema and a point.
pub(crate) fn quoted(name: &str) -> String {
    match name.split_once('.') {
        Some((schema, name)) => format!("{}.{}", quoted_name(schema), quoted_name(name)),
        None => quoted_name(name),
    }
}
