//! Keyset cursors: a position in an order, as the values of the order's terms.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use sea_orm::Value;
use serde_json::Value as Json;

use super::input::Input;
use super::order::{OrderBy, OrderTerm};
use crate::error::Result;
use crate::model::{ColumnType, EntityId, Model, is_null};

/// Values of an order's terms at one row; `None` is NULL.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Cursor(pub Vec<Option<Value>>);

impl Cursor {
    /// Writes the cursor of a row, or `None` if a value has no form that [`Cursor::read`] accepts.
    ///
    /// The cursor is base64 of `["User", "username+,id+", "ada", 1]`. Type and order precede the values, so
    /// that a cursor of another list is recognised.
    pub fn write(model: &Model, entity: EntityId, order: &[OrderTerm], values: &[Value]) -> Option<String> {
        let mut parts = vec![
            Json::from(model.entities[entity].name.as_str()),
            Json::from(describe(model, entity, order)),
        ];
        for (term, value) in order.iter().zip(values) {
            let (column_type, nullable) = term.column_type(model, entity);
            parts.push(match (&column_type, value) {
                // In a column that is not nullable, NULL stands for a stored value without a place in the
                // order.
                (_, value) if is_null(value) && !nullable => return None,
                (_, value) if is_null(value) => Json::Null,
                // The stored number has more digits than a `Decimal`.
                (ColumnType::Decimal, Value::String(_)) => return None,
                (column_type, value) => column_type.write(value, model.variants(column_type))?,
            });
        }
        Some(BASE64.encode(Json::Array(parts).to_string()))
    }

    /// Reads a cursor from [`Cursor::write`] for the same entity and order.
    pub fn read(model: &Model, entity: EntityId, order: &[OrderTerm], input: &Input) -> Result<Self> {
        let text = input.text()?;
        let foreign = || input.refuse("expected a cursor of this list with the same orderBy");
        let decoded = BASE64.decode(text).map_err(|_| foreign())?;
        let parts: Vec<Json> = serde_json::from_slice(&decoded).map_err(|_| foreign())?;
        let (name, described, values) = match parts.as_slice() {
            [name, described, values @ ..] if values.len() == order.len() => (name, described, values),
            _ => return Err(foreign()),
        };
        if *name != model.entities[entity].name || *described != describe(model, entity, order) {
            return Err(foreign());
        }
        let mut read = Vec::new();
        for (term, value) in order.iter().zip(values) {
            let (column_type, nullable) = term.column_type(model, entity);
            read.push(match value {
                Json::Null if nullable => None,
                Json::Null => return Err(foreign()),
                value => {
                    Some(column_type.restore(value, model.variants(&column_type)).map_err(|_| foreign())?)
                }
            });
        }
        Ok(Self(read))
    }
}

/// Abbreviates an order: `place.name+,id-`; `^` marks a NULL position other than the default.
fn describe(model: &Model, entity: EntityId, order: &[OrderTerm]) -> String {
    let describe_term = |term: &OrderTerm| {
        let mut id = entity;
        let mut text = String::new();
        for hop in &term.path {
            let relation = &model.entities[id].relations[*hop];
            text.push_str(&relation.field);
            text.push('.');
            id = relation.target;
        }
        match term.by {
            OrderBy::Column(column) => text.push_str(&model.entities[id].columns[column].field),
            OrderBy::Count(relation) => {
                text.push('#');
                text.push_str(&model.entities[id].relations[relation].field);
            }
            OrderBy::Junction(junction, column) => {
                text.push('~');
                text.push_str(&model.entities[junction].columns[column].field);
            }
        }
        text.push(if term.direction.descending { '-' } else { '+' });
        if term.direction.nulls_first != term.direction.descending {
            text.push('^');
        }
        text
    };
    order.iter().map(describe_term).collect::<Vec<_>>().join(",")
}
