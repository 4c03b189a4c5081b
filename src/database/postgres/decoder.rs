//! Decodes PostgreSQL's binary format directly into cells.

use chrono::{DateTime, NaiveDate, NaiveTime};
use postgres_types::{Kind, Type};
use sea_orm::{QueryResult, Value};
use sqlx::{Row, ValueRef};
use uuid::Uuid;

use super::{duration, numeric, parameters};
use crate::database::row::Unreadable;
use crate::database::row_builder::RowSetBuilder;
use crate::model::{ColumnType, NativeForm, array_type_of};

/// Decoder of a column's cells, determined once per statement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum CellDecoder {
    Boolean,
    Int2,
    Int4,
    Int8,
    Float4,
    Float8,
    Text,
    /// Text padded with blanks, which PostgreSQL ignores.
    Padded,
    Decimal,
    Uuid,
    Date,
    Time,
    DateTime,
    Timestamp,
    Json,
    JsonBinary,
    Bytes,
    /// Address that PostgreSQL prints with the prefix of a single host.
    Inet,
    Duration,
    /// One-dimensional array.
    List(&'static CellDecoder),
    /// Column type that does not match the entity's: only NULL can be read.
    Other(u32),
}

/// First type id that PostgreSQL itself does not assign (`access/transam.h`).
const FIRST_OWN_TYPE: u32 = 16_384;

/// Send functions that write values as the text that clients read. Other extension types, such as `ltree`,
/// have a binary form.
const SENDS_TEXT: [&str; 6] =
    ["textsend", "varcharsend", "bpcharsend", "namesend", "enum_send", "citextsend"];

/// Returns true if values of PostgreSQL's type `oid`, written by `send`, can be read as the entity's type.
pub(in crate::database) fn is_readable(column_type: &ColumnType, oid: u32, send: &str) -> bool {
    // An enum is selected as text, in any storage. A native type is checked by its cast.
    matches!(column_type, ColumnType::Enumeration(_) | ColumnType::Native(_) | ColumnType::List(_))
        || (!matches!(CellDecoder::of(column_type, oid), CellDecoder::Other(_))
            && (oid < FIRST_OWN_TYPE || SENDS_TEXT.contains(&send)))
}

/// Decodes the rows of an sqlx transaction.
pub(in crate::database) fn decode(results: &[QueryResult], rows: &mut RowSetBuilder) {
    let columns = rows.columns().clone();
    let mut forms: Vec<CellDecoder> = Vec::new();
    for result in results {
        for (index, column_type) in columns.iter().enumerate() {
            let value = result.try_as_pg_row().map(|row| row.try_get_raw(index));
            let Some(Ok(value)) = value else {
                rows.push_unreadable(Unreadable::WrongType);
                continue;
            };
            let bytes = if value.is_null() { Ok(None) } else { value.as_bytes().map(Some) };
            if forms.len() == index {
                let oid = value.type_info().oid().map_or(0, |oid| oid.0);
                forms.push(CellDecoder::of(column_type, oid));
            }
            match bytes {
                Ok(bytes) => forms[index].decode(bytes, rows),
                Err(_) => rows.push_unreadable(Unreadable::Malformed),
            }
        }
    }
}

impl CellDecoder {
    /// Returns the decoder for a column of these types in the entity and the database.
    pub fn of(column_type: &ColumnType, oid: u32) -> Self {
        let is = |other: &Type| oid == other.oid();
        match column_type.stored() {
            ColumnType::Boolean if is(&Type::BOOL) => Self::Boolean,
            // PostgreSQL stores 8 bits in 16, and unsigned 16, 32 and 64 bits in the next wider signed type.
            ColumnType::TinyInt | ColumnType::SmallInt | ColumnType::TinyUnsigned if is(&Type::INT2) => {
                Self::Int2
            }
            ColumnType::Int | ColumnType::SmallUnsigned if is(&Type::INT4) => Self::Int4,
            ColumnType::BigInt | ColumnType::Unsigned | ColumnType::BigUnsigned if is(&Type::INT8) => {
                Self::Int8
            }
            ColumnType::Float if is(&Type::FLOAT4) => Self::Float4,
            ColumnType::Double if is(&Type::FLOAT8) => Self::Float8,
            ColumnType::Text | ColumnType::Enumeration(_) | ColumnType::Spelled(_)
                if [Type::TEXT, Type::VARCHAR, Type::NAME].iter().any(is)
                    // Such as citext.
                    || oid >= FIRST_OWN_TYPE =>
            {
                Self::Text
            }
            ColumnType::Text | ColumnType::Spelled(_) if is(&Type::BPCHAR) => Self::Padded,
            ColumnType::Decimal if is(&Type::NUMERIC) => Self::Decimal,
            ColumnType::Uuid if is(&Type::UUID) => Self::Uuid,
            ColumnType::Date if is(&Type::DATE) => Self::Date,
            ColumnType::Time if is(&Type::TIME) => Self::Time,
            ColumnType::DateTime if is(&Type::TIMESTAMP) => Self::DateTime,
            ColumnType::Timestamp if is(&Type::TIMESTAMPTZ) => Self::Timestamp,
            ColumnType::Json if is(&Type::JSON) => Self::Json,
            ColumnType::Json if is(&Type::JSONB) => Self::JsonBinary,
            ColumnType::Bytes if is(&Type::BYTEA) => Self::Bytes,
            ColumnType::Native(native) => match native.form {
                NativeForm::Inet if is(&Type::TEXT) => Self::Inet,
                NativeForm::Duration if is(&Type::INTERVAL) => Self::Duration,
                NativeForm::Money if is(&Type::NUMERIC) => Self::Decimal,
                _ if is(&Type::TEXT) => Self::Text,
                _ if native.form.is_json() && is(&Type::JSON) => Self::Json,
                _ => Self::Other(oid),
            },
            ColumnType::List(list) => Self::list(&list.element, oid),
            _ => Self::Other(oid),
        }
    }

    /// Returns the decoder of an array by its items. An array of the user's own domain has items of the domain's base.
    fn list(element: &ColumnType, oid: u32) -> Self {
        let item = match Type::from_oid(oid).as_ref().map(Type::kind) {
            Some(Kind::Array(item)) => Some(item.oid()),
            Some(_) => None,
            None => parameters::type_of(&element.null()).map(|item| item.oid()),
        };
        let item = item.map(|item| Self::of(element, item));
        match ITEMS.iter().find(|known| Some(**known) == item) {
            Some(item) => Self::List(item),
            None => Self::Other(oid),
        }
    }

    /// Adds a cell; `None` is NULL. A value outside the column's type becomes an unreadable cell.
    pub fn decode(self, bytes: Option<&[u8]>, rows: &mut RowSetBuilder) {
        let Some(bytes) = bytes else { return rows.push_null() };
        if let Err(why) = self.push(bytes, rows) {
            rows.push_unreadable(why);
        }
    }

    fn push(self, bytes: &[u8], rows: &mut RowSetBuilder) -> Result<(), Unreadable> {
        match self {
            Self::Boolean => rows.push_boolean(fixed::<1>(bytes)? != [0]),
            Self::Int2 => rows.push_integer(i16::from_be_bytes(fixed(bytes)?).into()),
            Self::Int4 => rows.push_integer(i32::from_be_bytes(fixed(bytes)?).into()),
            Self::Int8 => rows.push_integer(i64::from_be_bytes(fixed(bytes)?)),
            Self::Float4 => rows.push_float(f32::from_be_bytes(fixed(bytes)?)),
            Self::Float8 => rows.push_double(f64::from_be_bytes(fixed(bytes)?)),
            Self::Date => rows.push_date(date(i32::from_be_bytes(fixed(bytes)?))?),
            Self::Text => rows.push_text(bytes),
            Self::Padded => rows.push_text(without_padding(bytes)),
            Self::Inet => rows.push_text(without_host_prefix(bytes)),
            Self::Json => rows.push_json(bytes),
            Self::JsonBinary => match bytes.split_first() {
                Some((1, text)) => rows.push_json(text),
                _ => return Err(Unreadable::Malformed),
            },
            rarer => rows.push_other(rarer.value(bytes)?),
        }
        Ok(())
    }

    /// Decodes the items of an array (`array_send`): number of dimensions, a flag, the id of the items' type, length and
    /// first index of each dimension; then each item after its length, which is -1 for NULL.
    fn items(self, bytes: &[u8]) -> Result<Value, Unreadable> {
        let (dimensions, rest) = number(bytes)?;
        let (_, rest) = number(rest)?;
        let (_, rest) = number(rest)?;
        let mut rest = match dimensions {
            0 => rest,
            1 => number(number(rest)?.1)?.1,
            _ => return Err(Unreadable::NotAList),
        };
        let null = self.null();
        let mut items = Vec::new();
        while !rest.is_empty() {
            let (length, values) = number(rest)?;
            if length == NULL_LENGTH {
                items.push(null.clone());
                rest = values;
                continue;
            }
            let length = usize::try_from(length).map_err(|_| Unreadable::Malformed)?;
            let (value, others) = values.split_at_checked(length).ok_or(Unreadable::Malformed)?;
            items.push(self.item(value)?);
            rest = others;
        }
        Ok(Value::Array(array_type_of(&null), Some(Box::new(items))))
    }

    fn item(self, bytes: &[u8]) -> Result<Value, Unreadable> {
        let text = |bytes: &[u8]| {
            let text = std::str::from_utf8(bytes).map_err(|_| Unreadable::Malformed)?;
            Ok::<Value, Unreadable>(text.into())
        };
        let float = |value: f64| if value.is_finite() { Ok(value) } else { Err(Unreadable::NotFinite) };
        Ok(match self {
            Self::Boolean => (fixed::<1>(bytes)? != [0]).into(),
            Self::Int2 => i16::from_be_bytes(fixed(bytes)?).into(),
            Self::Int4 => i32::from_be_bytes(fixed(bytes)?).into(),
            Self::Int8 => i64::from_be_bytes(fixed(bytes)?).into(),
            Self::Float4 => {
                let value = f32::from_be_bytes(fixed(bytes)?);
                float(value.into()).map(|_| value.into())?
            }
            Self::Float8 => float(f64::from_be_bytes(fixed(bytes)?))?.into(),
            Self::Date => date(i32::from_be_bytes(fixed(bytes)?))?.into(),
            Self::Text => text(bytes)?,
            Self::Padded => text(without_padding(bytes))?,
            Self::Inet => text(without_host_prefix(bytes))?,
            rarer => rarer.value(bytes)?,
        })
    }

    /// Returns NULL among the items of an array.
    fn null(self) -> Value {
        match self {
            Self::Boolean => Value::Bool(None),
            Self::Int2 => Value::SmallInt(None),
            Self::Int4 => Value::Int(None),
            Self::Int8 => Value::BigInt(None),
            Self::Float4 => Value::Float(None),
            Self::Float8 => Value::Double(None),
            Self::Decimal => Value::Decimal(None),
            Self::Uuid => Value::Uuid(None),
            Self::Date => Value::ChronoDate(None),
            Self::Time => Value::ChronoTime(None),
            Self::DateTime => Value::ChronoDateTime(None),
            Self::Timestamp => Value::ChronoDateTimeWithTimeZone(None),
            Self::Bytes => Value::Bytes(None),
            _ => Value::String(None),
        }
    }

    fn value(self, bytes: &[u8]) -> Result<Value, Unreadable> {
        Ok(match self {
            Self::Decimal => numeric::read(bytes)?,
            Self::Uuid => Uuid::from_slice(bytes).map_err(|_| Unreadable::Malformed)?.into(),
            Self::Time => time(i64::from_be_bytes(fixed(bytes)?))?.into(),
            Self::DateTime => moment(i64::from_be_bytes(fixed(bytes)?))?.naive_utc().into(),
            Self::Timestamp => moment(i64::from_be_bytes(fixed(bytes)?))?.fixed_offset().into(),
            Self::Bytes => bytes.to_vec().into(),
            Self::Duration => duration::read(bytes)?.into(),
            Self::List(item) => item.items(bytes)?,
            _ => return Err(Unreadable::WrongType),
        })
    }
}

/// Decoders of items.
const ITEMS: [CellDecoder; 17] = [
    CellDecoder::Boolean,
    CellDecoder::Int2,
    CellDecoder::Int4,
    CellDecoder::Int8,
    CellDecoder::Float4,
    CellDecoder::Float8,
    CellDecoder::Text,
    CellDecoder::Padded,
    CellDecoder::Decimal,
    CellDecoder::Uuid,
    CellDecoder::Date,
    CellDecoder::Time,
    CellDecoder::DateTime,
    CellDecoder::Timestamp,
    CellDecoder::Bytes,
    CellDecoder::Inet,
    CellDecoder::Duration,
];

/// Removes the prefix length of a single host, as PostgreSQL does when it prints a value instead of casting it.
fn without_host_prefix(address: &[u8]) -> &[u8] {
    let host: &[u8] = if address.contains(&b':') { b"/128" } else { b"/32" };
    address.strip_suffix(host).unwrap_or(address)
}

fn without_padding(text: &[u8]) -> &[u8] {
    let end = text.iter().rposition(|byte| *byte != b' ').map_or(0, |last| last + 1);
    &text[..end]
}

fn number(bytes: &[u8]) -> Result<(i32, &[u8]), Unreadable> {
    let (number, rest) = bytes.split_first_chunk().ok_or(Unreadable::Malformed)?;
    Ok((i32::from_be_bytes(*number), rest))
}

fn fixed<const N: usize>(bytes: &[u8]) -> Result<[u8; N], Unreadable> {
    bytes.try_into().map_err(|_| Unreadable::Malformed)
}

/// Length of NULL among the items of an array.
const NULL_LENGTH: i32 = -1;

/// Days of the common era up to 2000-01-01, PostgreSQL's epoch.
const EPOCH_DAYS: i32 = 730_120;

/// Microseconds from 1970-01-01 to 2000-01-01.
const EPOCH_MICROSECONDS: i64 = 946_684_800_000_000;

/// Decodes a date. PostgreSQL's calendar is larger than chrono's, and includes `infinity`.
fn date(days: i32) -> Result<NaiveDate, Unreadable> {
    let date = days.checked_add(EPOCH_DAYS).and_then(NaiveDate::from_num_days_from_ce_opt);
    date.ok_or(Unreadable::OutOfRange)
}

fn moment(microseconds: i64) -> Result<DateTime<chrono::Utc>, Unreadable> {
    let moment = microseconds.checked_add(EPOCH_MICROSECONDS).and_then(DateTime::from_timestamp_micros);
    moment.ok_or(Unreadable::OutOfRange)
}

/// Decodes a time of day. PostgreSQL has `24:00:00` as well, which equals no other time.
fn time(microseconds: i64) -> Result<NaiveTime, Unreadable> {
    let (seconds, rest) = (microseconds / 1_000_000, microseconds % 1_000_000);
    let time = u32::try_from(seconds).ok().zip(u32::try_from(rest * 1_000).ok());
    time.and_then(|(seconds, nanoseconds)| {
        NaiveTime::from_num_seconds_from_midnight_opt(seconds, nanoseconds)
    })
    .ok_or(Unreadable::OutOfRange)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use proptest::sample::select;

    use super::*;

    /// Column types of an entity and the database, for each decoder.
    const COLUMNS: [(ColumnType, Type); 19] = [
        (ColumnType::Boolean, Type::BOOL),
        (ColumnType::TinyInt, Type::INT2),
        (ColumnType::SmallInt, Type::INT2),
        (ColumnType::Int, Type::INT4),
        (ColumnType::BigInt, Type::INT8),
        (ColumnType::BigUnsigned, Type::INT8),
        (ColumnType::Float, Type::FLOAT4),
        (ColumnType::Double, Type::FLOAT8),
        (ColumnType::Text, Type::TEXT),
        (ColumnType::Text, Type::BPCHAR),
        (ColumnType::Decimal, Type::NUMERIC),
        (ColumnType::Uuid, Type::UUID),
        (ColumnType::Date, Type::DATE),
        (ColumnType::Time, Type::TIME),
        (ColumnType::DateTime, Type::TIMESTAMP),
        (ColumnType::Timestamp, Type::TIMESTAMPTZ),
        (ColumnType::Json, Type::JSONB),
        (ColumnType::Bytes, Type::BYTEA),
        (ColumnType::Int, Type::TEXT),
    ];

    /// Bytes of a cell: random ones, of the usual widths, or the form of a decimal.
    fn cell_bytes() -> impl Strategy<Value = Vec<u8>> {
        let words = prop::collection::vec(prop_oneof![0..4_u16, 0..10_000_u16, any::<u16>()], 0..8);
        let decimal = (words, any::<bool>()).prop_map(|(mut words, is_counted)| {
            if is_counted && words.len() >= 4 {
                words[0] = (words.len() - 4) as u16;
            }
            words.into_iter().flat_map(u16::to_be_bytes).collect()
        });
        let width = select(vec![0, 1, 2, 4, 8, 16]);
        prop_oneof![
            prop::collection::vec(any::<u8>(), 0..40),
            width.prop_flat_map(|width| prop::collection::vec(any::<u8>(), width)),
            decimal,
        ]
    }

    proptest! {
        #[test]
        fn any_bytes_are_a_cell_or_an_unreadable_one(bytes in cell_bytes()) {
            for (column_type, database_type) in COLUMNS {
                let mut rows = RowSetBuilder::new([column_type.clone()].into());
                CellDecoder::of(&column_type, database_type.oid()).decode(Some(&bytes), &mut rows);
                let rows = rows.finish();
                prop_assert_eq!(rows.len(), 1);
                prop_assert_eq!(rows.values(0).count(), 1);
            }
        }
    }
}
