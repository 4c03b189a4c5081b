//! The scalars of the schema.

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
