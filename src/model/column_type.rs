//! Table of column types with their scalars, values and operators; the only one in the project.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use chrono::{DateTime, FixedOffset, NaiveDate, NaiveDateTime, NaiveTime, SecondsFormat, Utc};
use rust_decimal::Decimal;
use sea_orm::sea_query::{ArrayType, OptionEnum};
use sea_orm::{ColumnType as DatabaseType, Value};
use serde_json::Value as Json;
use uuid::Uuid;

use super::declared_type::{DeclaredType, quoted};
use super::expected::Expected;
use super::long_decimal::{long_decimal, read_decimal};
use super::native::{Folding, NativeForm, NativeType};
use super::range;
use super::spelling::Spelling;

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
    /// Value of a database enum; the index is into [`Model::enumerations`](super::Model::enumerations).
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
    /// Index into [`Model::enumerations`](super::Model::enumerations).
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

/// A scalar of the schema.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Scalar {
    /// Built in.
    Boolean,
    /// Built in, 32 bits.
    Int,
    /// 64 bits, as a string.
    BigInt,
    /// Built in.
    Float,
    /// Exact decimal, as a string.
    Decimal,
    /// Built in.
    String,
    /// RFC 9562.
    Uuid,
    /// RFC 3339 full-date.
    Date,
    /// RFC 3339 partial-time.
    Time,
    /// RFC 3339 date-time.
    DateTime,
    /// RFC 8259.
    Json,
    /// Base64, RFC 4648 section 4.
    Bytes,
    /// Address or network.
    Inet,
    /// MAC address.
    MacAddress,
    /// ISO 8601.
    Duration,
    /// Range, in PostgreSQL's notation.
    Range,
    /// Set of ranges, in PostgreSQL's notation.
    Multirange,
    /// Zeros and ones.
    BitString,
    /// Time of day with an offset.
    OffsetTime,
    /// XML document, or a part of one.
    Xml,
    /// Text form of any other type.
    DatabaseText,
}

impl Scalar {
    /// Scalars of native types, which are types of the schema only if a column has them.
    pub const NATIVE: [Self; 9] = [
        Self::Inet,
        Self::MacAddress,
        Self::Duration,
        Self::Range,
        Self::Multirange,
        Self::BitString,
        Self::OffsetTime,
        Self::Xml,
        Self::DatabaseText,
    ];

    /// Scalars that are neither built into GraphQL nor of native types.
    pub const CUSTOM: [Self; 8] = [
        Self::BigInt,
        Self::Decimal,
        Self::Uuid,
        Self::Date,
        Self::Time,
        Self::DateTime,
        Self::Json,
        Self::Bytes,
    ];

    /// Returns the scalar's name in the schema.
    pub fn name(self) -> &'static str {
        match self {
            Self::Boolean => "Boolean",
            Self::Int => "Int",
            Self::BigInt => "BigInt",
            Self::Float => "Float",
            Self::Decimal => "Decimal",
            Self::String => "String",
            Self::Uuid => "UUID",
            Self::Date => "Date",
            Self::Time => "Time",
            Self::DateTime => "DateTime",
            Self::Json => "JSON",
            Self::Bytes => "Bytes",
            Self::Inet => "Inet",
            Self::MacAddress => "MacAddress",
            Self::Duration => "Duration",
            Self::Range => "Range",
            Self::Multirange => "Multirange",
            Self::BitString => "BitString",
            Self::OffsetTime => "OffsetTime",
            Self::Xml => "XML",
            Self::DatabaseText => "DatabaseText",
        }
    }

    /// Returns the scalar's description in the schema.
    pub fn description(self) -> &'static str {
        match self {
            Self::BigInt => {
                "64-bit integer as a string, because JavaScript numbers are exact only up to 2^53."
            }
            Self::Decimal => "Exact decimal number as a string, such as \"19.90\".",
            Self::Uuid => "UUID, such as \"67e55044-10b1-426f-9247-bb680e5fe0c8\".",
            Self::Date => "Calendar date, such as \"2025-12-31\".",
            Self::Time => "Time of day, such as \"23:59:59\" or \"23:59:59.123456\".",
            Self::DateTime => "Date and time, such as \"2025-12-31T23:59:59Z\".",
            Self::Json => "Any JSON value.",
            Self::Bytes => "Binary data in base64.",
            Self::Inet => "IPv4 or IPv6 address or network, such as \"192.168.0.1\" or \"192.168.0.0/24\".",
            Self::MacAddress => "MAC address, such as \"08:00:2b:01:02:03\".",
            Self::Duration => "ISO 8601 duration, such as \"P1Y2M3DT4H5M6.7S\".",
            Self::Range => {
                "Range of values in PostgreSQL's notation, such as \"[1,5)\": a square bracket includes the bound, \
                 a missing bound is infinite, and \"empty\" contains nothing."
            }
            Self::Multirange => "Set of ranges in PostgreSQL's notation, such as \"{[1,5),[7,9)}\".",
            Self::BitString => "Bits as text, such as \"0101\".",
            Self::OffsetTime => "Time of day with an offset from UTC, such as \"23:59:59+02:00\".",
            Self::Xml => "XML document, or a part of one.",
            Self::DatabaseText => "Text form of a database type that has no scalar of its own; read-only.",
            Self::Boolean | Self::Int | Self::Float | Self::String => "",
        }
    }

    /// Returns the URL of the specification that defines the format of the values.
    pub fn specified_by(self) -> Option<&'static str> {
        match self {
            Self::Uuid => Some("https://www.rfc-editor.org/rfc/rfc9562"),
            Self::Date | Self::Time | Self::DateTime => Some("https://www.rfc-editor.org/rfc/rfc3339"),
            Self::Json => Some("https://www.rfc-editor.org/rfc/rfc8259"),
            Self::Bytes => Some("https://www.rfc-editor.org/rfc/rfc4648#section-4"),
            Self::Duration => Some("https://www.iso.org/standard/70907.html"),
            Self::Xml => Some("https://www.w3.org/TR/xml/"),
            _ => None,
        }
    }
}

/// Operators that a filter on a column has besides `isNull`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Operators {
    /// `eq ne`.
    pub equality: bool,
    /// `in notIn`.
    pub membership: bool,
    /// `lt lte gt gte`.
    pub comparison: bool,
    /// `min` and `max`, which PostgreSQL has for fewer types than it can compare.
    pub extremes: bool,
    /// `contains startsWith …`, and their case-insensitive forms.
    pub text: bool,
    /// `sum` and `avg`.
    pub arithmetic: bool,
    /// `contains containedBy overlaps`, between values of the type.
    pub sets: bool,
    /// `isEmpty`.
    pub emptiness: bool,
    /// `length`.
    pub length: bool,
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
                NativeForm::Hstore | NativeForm::Composite(_) | NativeForm::Document => Scalar::Json,
                NativeForm::Opaque => Scalar::DatabaseText,
            },
            Self::List(list) => return list.element.scalar(),
        })
    }

    /// Returns the operators that make sense on the values, equal on every database.
    pub fn operators(&self) -> Operators {
        let none = Operators::default();
        let equal = Operators { equality: true, membership: true, ..none };
        let ordered = Operators { comparison: true, extremes: true, ..equal };
        match self {
            Self::Json => none,
            Self::Boolean | Self::Enumeration(_) | Self::Choice(_) => equal,
            Self::Spelled(spelling) if !spelling.is_uuid() => equal,
            Self::Uuid | Self::AnyUuid | Self::Spelled(_) | Self::Bytes => {
                Operators { extremes: false, ..ordered }
            }
            Self::Text => Operators { text: true, ..ordered },
            Self::Date | Self::Time | Self::DateTime | Self::Timestamp => ordered,
            Self::Native(native) if native.form.is_compared() => Operators {
                extremes: native.form.has_extremes(),
                text: matches!(native.form, NativeForm::CaseInsensitive(_)),
                sets: native.form.is_set(),
                emptiness: native.form.is_range(),
                ..ordered
            },
            Self::Native(_) => none,
            Self::List(list) => {
                let is_compared = list.element.operators().equality;
                Operators { equality: is_compared, sets: is_compared, emptiness: true, length: true, ..none }
            }
            _ => Operators { arithmetic: true, ..ordered },
        }
    }

    /// Returns true if the values are JSON documents.
    pub fn is_json(&self) -> bool {
        match self {
            Self::Json => true,
            Self::Native(native) => native.form.is_json(),
            _ => false,
        }
    }

    /// Returns true if equal values are equal in the form that clients read, so that rows can be matched by the values.
    pub fn is_identity(&self) -> bool {
        match self {
            Self::Json | Self::List(_) => false,
            Self::Native(native) => native.form.is_identity(),
            _ => true,
        }
    }

    /// Returns true if the values can identify rows: a primary key of them orders the rows, and a value finds its row.
    pub fn is_key(&self) -> bool {
        self.is_identity()
            || matches!(self, Self::Native(native) if matches!(native.form, NativeForm::CaseInsensitive(_) | NativeForm::Collated))
    }

    /// Returns true if rows can be ordered by the column (JSON has no order on PostgreSQL).
    pub fn sortable(&self) -> bool {
        match self {
            Self::Json => false,
            Self::Native(native) => native.form.is_compared(),
            Self::List(list) => list.element.operators().equality,
            _ => true,
        }
    }

    /// Returns the type of a sum, wide enough not to overflow where such a type exists.
    pub fn sum(&self) -> Self {
        match self {
            Self::Float | Self::Double => Self::Double,
            Self::TinyInt | Self::SmallInt | Self::Int | Self::TinyUnsigned | Self::SmallUnsigned => {
                Self::BigInt
            }
            _ => Self::Decimal,
        }
    }

    /// Returns the type of an average.
    pub fn average(&self) -> Self {
        match self {
            Self::Decimal => Self::Decimal,
            _ => Self::Double,
        }
    }

    /// Reads a client's value, and refuses a value that a column of this type cannot hold exactly. The limits
    /// of a single column are checked on write: see [`Limit`](super::Limit).
    pub fn read(&self, json: &Json, variants: &[(String, String)]) -> Result<Value, Expected> {
        if let Self::List(list) = self {
            return list.read(json, |item| list.element.read(item, variants));
        }
        let value = self.restore(json, variants)?;
        range::check(&value)?;
        Ok(value)
    }

    /// Returns true if every database compares values of the two types.
    pub(crate) fn is_compared_with(&self, other: &Self) -> bool {
        let (one, other) = (self.stored(), other.stored());
        let is_matched = one.is_identity() || one.folding().is_some();
        one == other && is_matched || one.is_integer() && other.is_integer()
    }

    /// Returns the folding by which equal values have equal texts.
    fn folding(&self) -> Option<Folding> {
        match self {
            Self::Native(native) => match native.form {
                NativeForm::CaseInsensitive(folding) => Some(folding),
                _ => None,
            },
            _ => None,
        }
    }

    /// Normalizes a key of this type: see [`normalize_key`]. Equal keys of `citext` become one text.
    pub fn normalize_key(&self, value: Value) -> Value {
        match (self.folding(), value) {
            (Some(folding), Value::String(Some(text))) => folding.lower(&text).into(),
            (_, value) => normalize_key(value),
        }
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

    /// Reads a stored value from the form of [`ColumnType::write`]; the value may exceed the range of input.
    ///
    /// Integers get the narrowest signed type that every database can bind: PostgreSQL has neither unsigned
    /// nor 8-bit columns. `variants` maps GraphQL names to stored enum values.
    pub fn restore(&self, json: &Json, variants: &[(String, String)]) -> Result<Value, Expected> {
        let value = match (self, json) {
            (Self::Boolean, Json::Bool(value)) => Value::Bool(Some(*value)),
            (Self::TinyInt, json) => Value::SmallInt(Some(integer(json, i8::MIN, i8::MAX)?.into())),
            (Self::SmallInt, json) => Value::SmallInt(Some(integer(json, i16::MIN, i16::MAX)?)),
            (Self::Int, json) => Value::Int(Some(integer(json, i32::MIN, i32::MAX)?)),
            (Self::BigInt, json) => Value::BigInt(Some(big_integer(json, i64::MIN, i64::MAX)?)),
            (Self::TinyUnsigned, json) => Value::SmallInt(Some(integer(json, u8::MIN, u8::MAX)?.into())),
            (Self::SmallUnsigned, json) => Value::Int(Some(integer(json, u16::MIN, u16::MAX)?.into())),
            (Self::Unsigned, json) => Value::BigInt(Some(big_integer(json, u32::MIN, u32::MAX)?.into())),
            // SQLite and PostgreSQL have no unsigned columns; SeaORM uses signed 64-bit columns.
            (Self::BigUnsigned, json) => Value::BigInt(Some(big_integer(json, 0, i64::MAX)?)),
            (Self::Float, Json::Number(number)) => Value::Float(Some(single(number)?)),
            (Self::Double, Json::Number(number)) => Value::Double(Some(float(number)?)),
            (Self::Decimal, json) => decimal(json)?,
            (Self::Text, Json::String(text)) => Value::String(Some(storable(text)?.to_owned())),
            (Self::Uuid | Self::AnyUuid, Json::String(text)) => {
                Value::Uuid(Some(text.parse::<Uuid>().map_err(|_| Expected("expected a UUID".into()))?))
            }
            (Self::Spelled(spelling), json) => match spelling.stored(json) {
                Some(text) => text.into(),
                None if spelling.is_uuid() => return Err(Expected("expected a UUID".into())),
                None => return Err(Expected("expected Boolean".into())),
            },
            (Self::Date, Json::String(text)) => Value::ChronoDate(Some(
                text.parse::<NaiveDate>()
                    .map_err(|_| Expected("expected a date such as \"2025-12-31\"".into()))?,
            )),
            (Self::Time, Json::String(text)) => Value::ChronoTime(Some(
                text.parse::<NaiveTime>()
                    .map_err(|_| Expected("expected a time such as \"23:59:59\"".into()))?,
            )),
            (Self::DateTime, Json::String(text)) => Value::ChronoDateTime(Some(moment(text)?.naive_utc())),
            // Always UTC, because SQLite compares the stored text, including the offset.
            (Self::Timestamp, Json::String(text)) => {
                Value::ChronoDateTimeWithTimeZone(Some(moment(text)?.to_utc().fixed_offset()))
            }
            (Self::Json, json) => Value::Json(Some(Box::new(json.clone()))),
            (Self::Bytes, Json::String(text)) => {
                Value::Bytes(Some(BASE64.decode(text).map_err(|_| Expected("expected base64".into()))?))
            }
            (Self::Native(native), json) if native.form == NativeForm::Money => money(decimal(json)?)?.into(),
            (Self::Native(native), json) => native.form.read(json).map_err(Expected)?,
            (Self::List(list), json) => list.read(json, |item| list.element.restore(item, variants))?,
            (Self::Enumeration(_) | Self::Choice(_), Json::String(name)) => {
                match variants.iter().find(|(variant, _)| variant == name) {
                    Some((_, stored)) => self.listed(stored),
                    None => {
                        let names: Vec<&str> = variants.iter().map(|(variant, _)| variant.as_str()).collect();
                        return Err(Expected(format!("expected one of {}", names.join(", "))));
                    }
                }
            }
            _ => {
                let scalar = self.scalar().map_or("an enum value", Scalar::name);
                return Err(Expected(format!("expected {scalar}")));
            }
        };
        Ok(value)
    }

    /// Returns a stored value of an enum or of choices from its text.
    fn listed(&self, stored: &str) -> Value {
        match self.stored() {
            of if of.is_integer() => stored.parse().map_or_else(|_| of.null(), |value| of.integer(value)),
            _ => stored.into(),
        }
    }

    /// Returns NULL of this type.
    pub fn null(&self) -> Value {
        match self {
            Self::Boolean => Value::Bool(None),
            Self::TinyInt | Self::SmallInt | Self::TinyUnsigned => Value::SmallInt(None),
            Self::Int | Self::SmallUnsigned => Value::Int(None),
            Self::BigInt | Self::Unsigned | Self::BigUnsigned => Value::BigInt(None),
            Self::Float => Value::Float(None),
            Self::Double => Value::Double(None),
            Self::Decimal => Value::Decimal(None),
            Self::Text | Self::Enumeration(_) | Self::Spelled(_) => Value::String(None),
            Self::Uuid | Self::AnyUuid => Value::Uuid(None),
            Self::Date => Value::ChronoDate(None),
            Self::Time => Value::ChronoTime(None),
            Self::DateTime => Value::ChronoDateTime(None),
            Self::Timestamp => Value::ChronoDateTimeWithTimeZone(None),
            Self::Json => Value::Json(None),
            Self::Bytes => Value::Bytes(None),
            Self::Choice(choice) => choice.stored.null(),
            Self::Native(native) => match native.form {
                NativeForm::Money => Value::Decimal(None),
                NativeForm::Composite(_) => Value::Json(None),
                _ => Value::String(None),
            },
            Self::List(list) => Value::Array(list.element.array_type(), None),
        }
    }

    /// Returns the type of a list of such values as one parameter.
    pub fn array_type(&self) -> ArrayType {
        match self.null() {
            Value::Bool(_) => ArrayType::Bool,
            Value::SmallInt(_) => ArrayType::SmallInt,
            Value::Int(_) => ArrayType::Int,
            Value::BigInt(_) => ArrayType::BigInt,
            Value::Float(_) => ArrayType::Float,
            Value::Double(_) => ArrayType::Double,
            Value::Decimal(_) => ArrayType::Decimal,
            Value::Uuid(_) => ArrayType::Uuid,
            Value::ChronoDate(_) => ArrayType::ChronoDate,
            Value::ChronoTime(_) => ArrayType::ChronoTime,
            Value::ChronoDateTime(_) => ArrayType::ChronoDateTime,
            Value::ChronoDateTimeWithTimeZone(_) => ArrayType::ChronoDateTimeWithTimeZone,
            Value::Json(_) => ArrayType::Json,
            Value::Bytes(_) => ArrayType::Bytes,
            _ => ArrayType::String,
        }
    }

    /// Returns true if clients read the values as JSON strings, regardless of the database type.
    pub fn is_text_in_json(&self) -> bool {
        !matches!(self.scalar(), Some(Scalar::Boolean | Scalar::Int | Scalar::Float | Scalar::Json))
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

    /// Converts an integer to a value of this type.
    pub fn integer(&self, value: i64) -> Value {
        match self.stored() {
            Self::TinyInt | Self::SmallInt | Self::TinyUnsigned => Value::SmallInt(value.try_into().ok()),
            Self::Int | Self::SmallUnsigned => Value::Int(value.try_into().ok()),
            _ => Value::BigInt(Some(value)),
        }
    }

    /// Converts a value of a SeaORM model to the form that the project keeps for this column.
    pub fn canonical(&self, value: Value) -> Value {
        match value {
            Value::TinyInt(value) => Value::SmallInt(value.map(Into::into)),
            Value::TinyUnsigned(value) => Value::SmallInt(value.map(Into::into)),
            Value::SmallUnsigned(value) => Value::Int(value.map(Into::into)),
            Value::Unsigned(value) => Value::BigInt(value.map(Into::into)),
            Value::BigUnsigned(value) => Value::BigInt(value.and_then(|value| i64::try_from(value).ok())),
            Value::Char(value) => Value::String(value.map(Into::into)),
            Value::ChronoDateTimeUtc(value) => {
                Value::ChronoDateTimeWithTimeZone(value.map(|value| value.fixed_offset()))
            }
            Value::ChronoDateTimeLocal(value) => {
                Value::ChronoDateTimeWithTimeZone(value.map(|value| value.fixed_offset()))
            }
            long if long_decimal(&long).is_some() => long,
            Value::Enum(OptionEnum::Some(value)) => Value::String(Some(value.value.to_string())),
            Value::Enum(OptionEnum::None(_)) => Value::String(None),
            other => other,
        }
    }

    /// Writes a value as JSON, or returns `None` if JSON has no such value (NaN, infinities, an unknown enum
    /// value).
    pub fn write(&self, value: &Value, variants: &[(String, String)]) -> Option<Json> {
        if let Self::Choice(choice) = self {
            let stored = choice.stored.write(value, &[])?;
            let stored = stored.as_str().map_or_else(|| stored.to_string(), str::to_owned);
            return variants
                .iter()
                .find(|(_, listed)| *listed == stored)
                .map(|(name, _)| name.as_str().into());
        }
        Some(match value {
            Value::Bool(Some(value)) => Json::from(*value),
            Value::SmallInt(Some(value)) => Json::from(*value),
            Value::Int(Some(value)) => Json::from(*value),
            Value::BigInt(Some(value)) => Json::from(value.to_string()),
            // Uses the shortest text: 0.1f32 is 0.1 to the client, not 0.10000000149011612.
            Value::Float(Some(value)) => {
                Json::Number(serde_json::Number::from_f64(value.to_string().parse().ok()?)?)
            }
            Value::Double(Some(value)) => Json::Number(serde_json::Number::from_f64(*value)?),
            Value::Decimal(Some(value)) => Json::from(value.to_string()),
            Value::String(Some(value)) => match self {
                Self::Enumeration(_) => Json::from(
                    variants.iter().find(|(_, stored)| stored == value).map(|(name, _)| name.as_str())?,
                ),
                Self::Spelled(spelling) => spelling.value(value)?,
                _ => Json::from(value.as_str()),
            },
            Value::Uuid(Some(value)) => Json::from(value.to_string()),
            Value::ChronoDate(Some(value)) => Json::from(value.to_string()),
            Value::ChronoTime(Some(value)) => Json::from(value.to_string()),
            Value::ChronoDateTime(Some(value)) => {
                Json::from(value.and_utc().to_rfc3339_opts(SecondsFormat::AutoSi, true))
            }
            Value::ChronoDateTimeWithTimeZone(Some(value)) => {
                Json::from(value.with_timezone(&Utc).to_rfc3339_opts(SecondsFormat::AutoSi, true))
            }
            Value::Json(Some(value)) => (**value).clone(),
            Value::Bytes(Some(value)) => Json::from(BASE64.encode(value)),
            Value::Array(_, Some(items)) => {
                let Self::List(list) = self else { return None };
                items.iter().map(|item| list.element.write(item, variants)).collect::<Option<Json>>()?
            }
            value => long_decimal(value)?.into(),
        })
    }
}

impl ListType {
    /// Reads a list; a single value is a list of one item (September 2025, section 3.11).
    fn read(&self, json: &Json, read: impl Fn(&Json) -> Result<Value, Expected>) -> Result<Value, Expected> {
        let items = match json {
            Json::Array(items) => items.as_slice(),
            json => std::slice::from_ref(json),
        };
        let items = items.iter().enumerate().map(|(place, item)| {
            read(item).map_err(|Expected(expected)| Expected(format!("item {place}: {expected}")))
        });
        Ok(Value::Array(self.element.array_type(), Some(Box::new(items.collect::<Result<_, _>>()?))))
    }
}

/// Returns true if a cell is NULL.
pub fn is_null(value: &Value) -> bool {
    *value == value.as_null()
}

/// Normalizes a key so that keys of both sides of a relation compare equal. A foreign key may be narrower or
/// wider than the key that it references.
pub fn normalize_key(value: Value) -> Value {
    match value {
        Value::SmallInt(Some(value)) => Value::BigInt(Some(value.into())),
        Value::Int(Some(value)) => Value::BigInt(Some(value.into())),
        Value::Decimal(Some(value)) => Value::Decimal(Some(value.normalize())),
        other => long_decimal(&other).and_then(read_decimal).unwrap_or(other),
    }
}

fn integer<T: TryFrom<i64> + Into<i64>>(json: &Json, low: T, high: T) -> Result<T, Expected> {
    let number = json.as_i64().or_else(|| whole(json.as_f64()?));
    number.and_then(|number| T::try_from(number).ok()).ok_or_else(|| between(low, high))
}

fn big_integer<T: TryFrom<i64> + Into<i64> + PartialOrd + Copy>(
    json: &Json,
    low: T,
    high: T,
) -> Result<T, Expected> {
    let number = match json {
        Json::String(text) => text.parse::<i64>().ok(),
        other => other.as_i64(),
    };
    // The bounds may be narrower than the type: an unsigned 64-bit integer is kept in a signed one.
    let number = number.and_then(|number| T::try_from(number).ok());
    number.filter(|number| (low..=high).contains(number)).ok_or_else(|| between(low, high))
}

/// Decimal digits that every 64-bit float keeps.
const FLOAT_DIGITS: usize = 15;

/// Converts a float without a fraction: input coercion of `Int` accepts `1.0` too (September 2025, section
/// 3.5.1).
fn whole(number: f64) -> Option<i64> {
    (number.fract() == 0.0 && number.abs() < 2f64.powi(53)).then_some(number as i64)
}

fn between<T: Into<i64>>(low: T, high: T) -> Expected {
    let (low, high): (i64, i64) = (low.into(), high.into());
    Expected(format!("expected an integer from {low} to {high}"))
}

fn float(number: &serde_json::Number) -> Result<f64, Expected> {
    number
        .as_f64()
        .filter(|value| value.is_finite())
        .ok_or_else(|| Expected("expected a finite number".into()))
}

/// Returns the nearest 32-bit float. Refuses overflow, and underflow to zero.
fn single(number: &serde_json::Number) -> Result<f32, Expected> {
    let wide = float(number)?;
    let value = wide as f32;
    let fits = value.is_finite() && (value != 0.0 || wide == 0.0);
    fits.then_some(value).ok_or_else(|| Expected("expected a number in the range of a 32-bit float".into()))
}

fn decimal(json: &Json) -> Result<Value, Expected> {
    let text = match json {
        Json::String(text) => text.clone(),
        Json::Number(number) => number.to_string(),
        _ => String::new(),
    };
    // JSON numbers are floats here: beyond 15 digits the value differs from the written number.
    if json.is_f64() && text.bytes().filter(u8::is_ascii_digit).count() > FLOAT_DIGITS {
        return Err(Expected(
            "expected a string, because JSON numbers are exact only up to 15 digits".into(),
        ));
    }
    read_decimal(&text).ok_or_else(|| Expected("expected a decimal number, such as \"19.90\"".into()))
}

/// Refuses an amount of money that PostgreSQL would round, or could not hold in 64 bits.
fn money(amount: Value) -> Result<Decimal, Expected> {
    let refused =
        || Expected("expected an amount of at most two digits after the point and 17 before it".into());
    let Value::Decimal(Some(amount)) = amount else { return Err(refused()) };
    let cents = amount.normalize();
    let fits = cents.scale() <= 2 && (amount.abs() <= Decimal::new(i64::MAX, 2));
    fits.then_some(amount).ok_or_else(refused)
}

/// Refuses U+0000, which PostgreSQL cannot store in text, so that every database behaves alike.
fn storable(text: &str) -> Result<&str, Expected> {
    if text.contains('\0') { Err(Expected("expected text without U+0000".into())) } else { Ok(text) }
}

/// Parses RFC 3339; without an offset the time is UTC.
fn moment(text: &str) -> Result<DateTime<FixedOffset>, Expected> {
    DateTime::parse_from_rfc3339(text)
        .or_else(|_| text.parse::<NaiveDateTime>().map(|moment| moment.and_utc().fixed_offset()))
        .map_err(|_| Expected("expected a date and time such as \"2025-12-31T23:59:59Z\"".into()))
}

#[cfg(test)]
mod tests {
    use super::*;
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
