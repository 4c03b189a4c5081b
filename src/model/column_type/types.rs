//! The column types, and the database types that they stand for.

use std::sync::Arc;

use sea_orm::ColumnType as DatabaseType;

use super::scalar::Scalar;
use crate::model::declared_type::{DeclaredType, quoted};
use crate::model::native::{Folding, NativeForm, NativeType};
use crate::model::spelling::Spelling;

/// Type of a column: every database type that has a scalar.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum ColumnType {
    /// `true` or `false`.
    Boolean,
    /// 8 bits, signed.
    TinyInt,
    /// 16 bits, signed.
    SmallInt,
    /// 32 bits, signed.
    Int,
    /// 64 bits, signed.
    BigInt,
    /// 8 bits, unsigned.
    TinyUnsigned,
    /// 16 bits, unsigned.
    SmallUnsigned,
    /// 32 bits, unsigned.
    Unsigned,
    /// 64 bits, unsigned.
    BigUnsigned,
    /// IEEE 754, 32 bits.
    Float,
    /// IEEE 754, 64 bits.
    Double,
    /// Exact decimal.
    Decimal,
    /// Text of any length.
    Text,
    /// A UUID.
    Uuid,
    /// A UUID in SQLite, whose values have several spellings, or are not known yet: 16 bytes, and text of 32 digits or 36
    /// characters.
    AnyUuid,
    /// A UUID or a boolean as text; all values have one spelling.
    Spelled(Spelling),
    /// A calendar date.
    Date,
    /// A time of day.
    Time,
    /// Date and time without an offset; read and written as UTC.
    DateTime,
    /// Instant: date and time with an offset.
    Timestamp,
    /// A JSON document.
    Json,
    /// Bytes.
    Bytes,
    /// Value of a database enum; the index is into [`Model::enumerations`](crate::model::Model::enumerations).
    Enumeration(usize),
    /// Text or an integer of which an option lists the values, or a domain over an enum.
    Choice(Arc<ChoiceType>),
    /// A type of PostgreSQL whose values travel as text.
    Native(Arc<NativeType>),
    /// An array of PostgreSQL.
    List(Arc<ListType>),
}

/// Type of a column whose values an option lists.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ChoiceType {
    /// Index into [`Model::enumerations`](crate::model::Model::enumerations).
    pub enumeration: usize,
    /// Type of the stored values: text, an integer, or an enum behind a domain.
    pub stored: ColumnType,
}

/// Type of an array.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ListType {
    /// Name of the array type in SQL.
    pub sql: String,
    /// Type of the items, which is no list.
    pub element: ColumnType,
}

impl ColumnType {
    /// Returns the column type of a declared type, or `None` if no scalar fits.
    ///
    /// `enumeration` returns the index of a database enum by name and variants.
    pub(crate) fn of(
        declared: &DeclaredType,
        enumeration: impl FnOnce(&str, &[String]) -> usize,
    ) -> Option<Self> {
        match declared {
            DeclaredType::List { sql, element } => {
                let element = Self::of_item(element, enumeration)?;
                Some(Self::List(Arc::new(ListType { sql: sql.clone(), element })))
            }
            item => Self::of_item(item, enumeration),
        }
    }

    fn of_item(item: &DeclaredType, enumeration: impl FnOnce(&str, &[String]) -> usize) -> Option<Self> {
        let database_type = match item {
            DeclaredType::Common(common) => common,
            DeclaredType::Native(native) => return Some(Self::Native(native.clone())),
            DeclaredType::EnumDomain { name, variants } => {
                let stored =
                    Self::Native(Arc::new(NativeType { sql: quoted(name), form: NativeForm::Label }));
                return Some(Self::Choice(Arc::new(ChoiceType {
                    enumeration: enumeration(name, variants),
                    stored,
                })));
            }
            DeclaredType::AnyUuid => return Some(Self::AnyUuid),
            DeclaredType::Spelled(spelling) => return Some(Self::Spelled(*spelling)),
            DeclaredType::List { .. } => return None,
        };
        Some(match database_type {
            DatabaseType::Boolean => Self::Boolean,
            DatabaseType::TinyInteger => Self::TinyInt,
            DatabaseType::SmallInteger => Self::SmallInt,
            DatabaseType::Integer => Self::Int,
            DatabaseType::BigInteger => Self::BigInt,
            DatabaseType::TinyUnsigned => Self::TinyUnsigned,
            DatabaseType::SmallUnsigned => Self::SmallUnsigned,
            DatabaseType::Unsigned => Self::Unsigned,
            DatabaseType::BigUnsigned => Self::BigUnsigned,
            DatabaseType::Float => Self::Float,
            DatabaseType::Double => Self::Double,
            DatabaseType::Decimal(_) => Self::Decimal,
            DatabaseType::Char(_) | DatabaseType::String(_) | DatabaseType::Text => Self::Text,
            DatabaseType::Uuid => Self::Uuid,
            DatabaseType::Date => Self::Date,
            DatabaseType::Time => Self::Time,
            DatabaseType::DateTime => Self::DateTime,
            DatabaseType::Timestamp => Self::DateTime,
            DatabaseType::TimestampWithTimeZone => Self::Timestamp,
            DatabaseType::Json | DatabaseType::JsonBinary => Self::Json,
            DatabaseType::Blob | DatabaseType::Binary(_) | DatabaseType::VarBinary(_) => Self::Bytes,
            DatabaseType::Enum { name, variants } => {
                let variants: Vec<String> = variants.iter().map(ToString::to_string).collect();
                Self::Enumeration(enumeration(&name.to_string(), &variants))
            }
            _ => return None,
        })
    }

    /// Returns the scalar of the values, or `None` for an enum, whose values are names.
    pub fn scalar(&self) -> Option<Scalar> {
        Some(match self {
            Self::Boolean => Scalar::Boolean,
            Self::TinyInt | Self::SmallInt | Self::Int | Self::TinyUnsigned | Self::SmallUnsigned => {
                Scalar::Int
            }
            Self::BigInt | Self::Unsigned | Self::BigUnsigned => Scalar::BigInt,
            Self::Float | Self::Double => Scalar::Float,
            Self::Decimal => Scalar::Decimal,
            Self::Text => Scalar::String,
            Self::Uuid | Self::AnyUuid => Scalar::Uuid,
            Self::Spelled(spelling) if spelling.is_uuid() => Scalar::Uuid,
            Self::Spelled(_) => Scalar::Boolean,
            Self::Date => Scalar::Date,
            Self::Time => Scalar::Time,
            Self::DateTime | Self::Timestamp => Scalar::DateTime,
            Self::Json => Scalar::Json,
            Self::Bytes => Scalar::Bytes,
            Self::Enumeration(_) | Self::Choice(_) => return None,
            Self::Native(native) => match &native.form {
                NativeForm::Inet | NativeForm::Cidr => Scalar::Inet,
                NativeForm::MacAddress | NativeForm::MacAddress8 => Scalar::MacAddress,
                NativeForm::Duration => Scalar::Duration,
                NativeForm::CaseInsensitive(_) | NativeForm::Collated | NativeForm::Label => Scalar::String,
                NativeForm::Range(_) => Scalar::Range,
                NativeForm::Multirange(_) => Scalar::Multirange,
                NativeForm::Bits => Scalar::BitString,
                NativeForm::Money => Scalar::Decimal,
                NativeForm::OffsetTime => Scalar::OffsetTime,
                NativeForm::Xml => Scalar::Xml,
                NativeForm::Hstore
                | NativeForm::Composite(_)
                | NativeForm::Geometry
                | NativeForm::Geography(_)
                | NativeForm::Document => Scalar::Json,
                NativeForm::Opaque => Scalar::DatabaseText,
            },
            Self::List(list) => return list.element.scalar(),
        })
    }

    /// Returns the type of the stored values, which differs for choices alone.
    pub fn stored(&self) -> &Self {
        match self {
            Self::Choice(choice) => &choice.stored,
            other => other,
        }
    }

    /// Returns the index of an enum type among the model's enumerations.
    pub fn enumeration(&self) -> Option<usize> {
        match self {
            Self::Enumeration(id) => Some(*id),
            Self::Choice(choice) => Some(choice.enumeration),
            Self::List(list) => list.element.enumeration(),
            _ => None,
        }
    }

    /// Returns the folding by which equal values have equal texts.
    pub(super) fn folding(&self) -> Option<Folding> {
        match self {
            Self::Native(native) => match native.form {
                NativeForm::CaseInsensitive(folding) => Some(folding),
                _ => None,
            },
            _ => None,
        }
    }

    /// Returns true for integers of any width.
    pub fn is_integer(&self) -> bool {
        matches!(
            self,
            Self::TinyInt
                | Self::SmallInt
                | Self::Int
                | Self::BigInt
                | Self::TinyUnsigned
                | Self::SmallUnsigned
                | Self::Unsigned
                | Self::BigUnsigned
        )
    }

    /// Returns true if the values are JSON documents.
    pub fn is_json(&self) -> bool {
        match self {
            Self::Json => true,
            Self::Native(native) => native.form.is_json(),
            _ => false,
        }
    }

    /// Returns true if clients read the values as JSON strings, regardless of the database type.
    pub fn is_text_in_json(&self) -> bool {
        !matches!(self.scalar(), Some(Scalar::Boolean | Scalar::Int | Scalar::Float | Scalar::Json))
    }
}
