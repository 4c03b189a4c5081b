//! Node ids: a type and a primary key, opaque to clients (Relay's Global Object Identification).

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use sea_orm::Value;
use serde_json::Value as Json;

use super::input::Input;
use crate::error::Result;
use crate::model::{ColumnType, EntityId, Model};

/// Writes the id of a row by its primary key: base64 of `["User", 1]`. `None` if the key cannot be written.
pub fn write<'a>(model: &Model, entity: EntityId, key: impl Iterator<Item = &'a Value>) -> Option<String> {
    let entity = &model.entities[entity];
    let mut parts = vec![Json::from(entity.name.as_str())];
    for (column, value) in entity.primary_key.iter().zip(key) {
        let column_type = &entity.columns[*column].column_type;
        parts.push(column_type.write(value, model.variants(column_type))?);
    }
    Some(BASE64.encode(Json::Array(parts).to_string()))
}

/// Reads an id from [`write`].
pub fn read(model: &Model, input: &Input) -> Result<(EntityId, Vec<Value>)> {
    let refuse = || input.refuse("expected a node id");
    let decoded = BASE64.decode(input.id()?.as_bytes()).map_err(|_| refuse())?;
    let parts: Vec<Json> = serde_json::from_slice(&decoded).map_err(|_| refuse())?;
    let Some((Json::String(name), key)) = parts.split_first() else { return Err(refuse()) };
    let id = model.entity_named(name).ok_or_else(refuse)?;
    let entity = &model.entities[id];
    if !entity.has_key() || key.len() != entity.primary_key.len() {
        return Err(refuse());
    }
    let read_part = |(column, json): (&usize, &Json)| {
        let column_type: &ColumnType = &entity.columns[*column].column_type;
        column_type.restore(json, model.variants(column_type)).map_err(|_| refuse())
    };
    let key = entity.primary_key.iter().zip(key).map(read_part).collect::<Result<_>>()?;
    Ok((id, key))
}
