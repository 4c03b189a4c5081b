//! Errors of values that the database refuses although the model accepts them. The column is narrower than
//! declared, the value exceeds an index, or the column is always generated.

use rust_decimal::prelude::ToPrimitive;
use sea_orm::Value;
use serde_json::Value as Json;

use super::attempt::Attempt;
use super::naming::fields;
use crate::database::{Cell, SqlRefusal};
use crate::dialect::RefusalForm;
use crate::error::{Error, Result};
use crate::execute::Session;
use crate::model::{ColumnId, ColumnType, Entity, Expected, Limit};

/// PostgreSQL's class of errors about values (appendix A of its manual).
const DATA_EXCEPTION: &str = "22";
const PROGRAM_LIMIT_EXCEEDED: &str = "54000";
const GENERATED_ALWAYS: &str = "428C9";

/// SQLite's result codes `SQLITE_TOOBIG`, `SQLITE_MISMATCH` and `SQLITE_CONSTRAINT_DATATYPE`.
const SQLITE_OF_VALUES: [&str; 3] = ["18", "20", "3091"];

/// Message of SQLite for a value of a generated column, which has no result code of its own.
const SQLITE_GENERATED: &str = "generated column \"";

/// Returns true if the database refused a statement because of a value.
pub(super) fn is_of_values(refusal: &SqlRefusal) -> bool {
    let code = refusal.code.as_str();
    code.starts_with(DATA_EXCEPTION) && code.len() == 5
        || [PROGRAM_LIMIT_EXCEEDED, GENERATED_ALWAYS].contains(&code)
        || SQLITE_OF_VALUES.contains(&code)
        || refusal.message.contains(SQLITE_GENERATED)
}

/// Column as PostgreSQL's catalog describes it.
#[derive(Debug, PartialEq)]
struct CatalogColumn {
    name: String,
    type_name: String,
    /// Length, or precision and scale; -1 for none.
    modifier: i64,
    always_generated: bool,
}

/// Columns of a table: name, type, modifier, and whether the database always generates the value.
const LIVE_COLUMNS: &str =
    "SELECT c.attname::text, CASE WHEN t.typtype = 'e' THEN 'enum' ELSE t.typname END::text,
    c.atttypmod::int8, (c.attidentity = 'a' OR c.attgenerated <> '')::int::int8
    FROM pg_attribute c JOIN pg_type t ON t.oid = c.atttypid
    WHERE c.attrelid = to_regclass($1) AND c.attnum > 0 AND NOT c.attisdropped";

/// Offset of a type modifier (`VARHDRSZ`).
const MODIFIER_HEAD: i64 = 4;

impl CatalogColumn {
    /// Returns the expected form of a value that the column refuses.
    fn refuse(&self, value: &Value) -> Option<Expected> {
        if self.always_generated {
            return Some(never_given());
        }
        match self.type_name.as_str() {
            "int2" => is_outside(value, i16::MIN.into(), i16::MAX.into()),
            "int4" => is_outside(value, i32::MIN.into(), i32::MAX.into()),
            "int8" => is_outside(value, i64::MIN, i64::MAX),
            "float4" => match value {
                Value::Double(Some(wide)) if !(*wide as f32).is_finite() => {
                    Some(Expected("expected a number in the range of a 32-bit float".to_owned()))
                }
                _ => None,
            },
            _ => self.limit().check(value).err(),
        }
    }

    fn limit(&self) -> Limit {
        let Ok(modifier) = u32::try_from(self.modifier - MODIFIER_HEAD) else { return Limit::None };
        match self.type_name.as_str() {
            "varchar" => Limit::Characters(modifier),
            "bpchar" => Limit::Padded(modifier),
            // `numeric_typmod_precision` and `numeric_typmod_scale` in PostgreSQL's numeric.c; the scale is
            // signed.
            "numeric" => match modifier & 0x7ff {
                scale @ ..0x400 => Limit::Digits { precision: modifier >> 16, scale },
                _ => Limit::None,
            },
            _ => Limit::None,
        }
    }
}

fn never_given() -> Expected {
    Expected("expected no value, because the database always generates it".to_owned())
}

fn is_outside(value: &Value, low: i64, high: i64) -> Option<Expected> {
    let number = match value {
        Value::SmallInt(Some(number)) => i64::from(*number),
        Value::Int(Some(number)) => i64::from(*number),
        Value::BigInt(Some(number)) => *number,
        Value::Decimal(Some(number)) => number.to_i64()?,
        _ => return None,
    };
    let fits = (low..=high).contains(&number);
    (!fits).then(|| Expected(format!("expected an integer from {low} to {high}")))
}

/// Builds the error of a refused value, and names the value if it can be identified.
pub(super) async fn describe(session: &Session, refusal: &SqlRefusal, attempt: Attempt<'_>) -> Result<Error> {
    Unfit { session, refusal, attempt }.describe().await
}

/// Statement that was refused because of a value.
struct Unfit<'a> {
    session: &'a Session,
    refusal: &'a SqlRefusal,
    attempt: Attempt<'a>,
}

impl Unfit<'_> {
    async fn describe(&self) -> Result<Error> {
        let entity = &self.session.model().entities[self.attempt.entity];
        let found = match self.session.dialect().features().refusal {
            RefusalForm::Columns => self.find_by_message(),
            RefusalForm::Constraint => {
                let live = self.live_columns(entity).await?;
                self.find_by_catalog(&live)
            }
        };
        Ok(match found {
            Some((row, column, expected)) => {
                let value = self.attempt.rows[row].get(column);
                self.misfit(row, column, value.unwrap_or(&Value::Bool(None)), &expected)
            }
            None => {
                let expected = format!("expected values that the database accepts for {}", entity.name);
                Error::bad_input(&self.attempt.path(0), Json::Null, expected)
            }
        })
    }

    /// Identifies the value by SQLite's message, which names only the column: reports the first row with a
    /// value for it.
    fn find_by_message(&self) -> Option<(usize, ColumnId, Expected)> {
        let entity = &self.session.model().entities[self.attempt.entity];
        let (name, expected) = match self.refusal.message.split_once(SQLITE_GENERATED) {
            Some((_, rest)) => (rest.split('"').next()?, never_given()),
            None => {
                let expected = "expected a value of the column's type in the database";
                (self.refusal.message.rsplit('.').next()?, Expected(expected.to_owned()))
            }
        };
        let column = entity.column_named(name)?;
        let row = self.attempt.rows.iter().position(|row| row.has(column))?;
        Some((row, column, expected))
    }

    fn find_by_catalog(&self, live: &[CatalogColumn]) -> Option<(usize, ColumnId, Expected)> {
        let entity = &self.session.model().entities[self.attempt.entity];
        let live: Vec<(ColumnId, &CatalogColumn)> =
            live.iter().filter_map(|live| Some((entity.column_named(&live.name)?, live))).collect();
        let all = || {
            self.attempt.rows.iter().enumerate().flat_map(|(index, row)| {
                live.iter().filter_map(move |(id, live)| Some((index, *id, *live, row.get(*id)?)))
            })
        };
        if self.refusal.code == PROGRAM_LIMIT_EXCEEDED {
            // The largest value is the one that exceeds the index.
            let (row, column, ..) = all().max_by_key(|(.., value)| length(value))?;
            return Some((
                row,
                column,
                Expected("expected a value that fits into the table's index".to_owned()),
            ));
        }
        let refused = |(row, column, live, value): (usize, ColumnId, &CatalogColumn, &Value)| {
            let is_given = !crate::model::is_null(value);
            live.refuse(value).filter(|_| is_given || live.always_generated).map(|why| (row, column, why))
        };
        let of_enum = || {
            let (row, column, ..) = all().find(|(.., live, _)| live.type_name == "enum")?;
            Some((row, column, Expected("expected a value of the database's enum".to_owned())))
        };
        let native = || {
            let column_type = |id: ColumnId| &entity.columns[id].column_type;
            let is_native =
                |id: ColumnId| matches!(column_type(id), ColumnType::Native(_) | ColumnType::List(_));
            let (row, column, ..) =
                all().find(|(_, id, _, value)| is_native(*id) && !crate::model::is_null(value))?;
            Some((
                row,
                column,
                Expected("expected a value that the database accepts in this column".to_owned()),
            ))
        };
        all().find_map(refused).or_else(of_enum).or_else(native)
    }

    fn misfit(&self, row: usize, column: ColumnId, value: &Value, expected: &Expected) -> Error {
        let entity = &self.session.model().entities[self.attempt.entity];
        let column_type = &entity.columns[column].column_type;
        let path = self.attempt.path(row);
        let fields = fields(entity, &[column]);
        let field = fields.first().map_or("", String::as_str);
        let shown = column_type.write(value, self.session.model().variants(column_type)).unwrap_or_default();
        Error::bad_input(&format!("{path}.{field}"), shown, &expected.0)
    }

    /// Reads the table's columns. The transaction is lost after the error, and its connection is freed before
    /// the query.
    async fn live_columns(&self, entity: &Entity) -> Result<Vec<CatalogColumn>> {
        self.session.statements().rollback().await?;
        let columns = [ColumnType::Text, ColumnType::Text, ColumnType::BigInt, ColumnType::BigInt];
        let values = vec![Value::from(entity.table.quoted())];
        let rows = self.session.statements().ask(LIVE_COLUMNS, values, columns.into()).await?;
        let text = |cell: Cell| match cell {
            Cell::Text(text) => String::from_utf8_lossy(text).into_owned(),
            _ => String::new(),
        };
        let integer = |cell: Cell| match cell {
            Cell::Integer(integer) => integer,
            _ => -1,
        };
        let live = |index| {
            let row = rows.row(index);
            CatalogColumn {
                name: text(row.cell(0)),
                type_name: text(row.cell(1)),
                modifier: integer(row.cell(2)),
                always_generated: integer(row.cell(3)) == 1,
            }
        };
        Ok((0..rows.len()).map(live).collect())
    }
}

/// Returns the bytes of a value in an index.
fn length(value: &Value) -> usize {
    match value {
        Value::String(Some(text)) => text.len(),
        Value::Bytes(Some(bytes)) => bytes.len(),
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn live(type_name: &str, modifier: i64) -> CatalogColumn {
        CatalogColumn {
            name: "c".to_owned(),
            type_name: type_name.to_owned(),
            modifier,
            always_generated: false,
        }
    }

    #[test]
    fn modifiers_are_limits() {
        assert_eq!(live("varchar", 14).limit(), Limit::Characters(10));
        assert_eq!(live("varchar", -1).limit(), Limit::None);
        assert_eq!(live("bpchar", 5).limit(), Limit::Padded(1));
        assert_eq!(live("numeric", (5 << 16 | 2) + 4).limit(), Limit::Digits { precision: 5, scale: 2 });
        assert!(live("int2", -1).refuse(&40_000.into()).is_some());
        assert!(live("int4", -1).refuse(&40_000.into()).is_none());
    }

    #[test]
    fn refusals_of_values_are_known_by_their_codes() {
        let is_of_values = |code: &str, message: &str| {
            super::is_of_values(&SqlRefusal {
                code: code.into(),
                message: message.into(),
                ..SqlRefusal::default()
            })
        };
        for code in ["22001", "22003", "22021", "54000", "428C9", "18", "20", "3091"] {
            assert!(is_of_values(code, ""), "{code}");
        }
        assert!(is_of_values("1", "cannot INSERT into generated column \"whole\""));
        for code in ["23505", "2067", "1", "40001"] {
            assert!(!is_of_values(code, ""), "{code}");
        }
    }
}
