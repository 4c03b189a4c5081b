//! Operators and roles of each type: filters, keys, orders and aggregates.

use super::types::ColumnType;
use crate::model::native::NativeForm;

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

    /// Returns true if every database compares values of the two types.
    pub(crate) fn is_compared_with(&self, other: &Self) -> bool {
        let (one, other) = (self.stored(), other.stored());
        let is_matched = one.is_identity() || one.folding().is_some();
        one == other && is_matched || one.is_integer() && other.is_integer()
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
}
