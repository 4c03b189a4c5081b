//! JSON text that is put together from written values.

use serde::Serialize;

/// JSON text of a response.
pub type Json = Vec<u8>;

/// Bytes around a key and its value: two quotation marks, a colon and a comma.
const AROUND_FIELD: usize = 4;

/// Joins written values to an object.
pub fn object<'a>(fields: impl Iterator<Item = (&'a str, &'a [u8])> + Clone) -> Json {
    let length: usize = fields.clone().map(|(key, value)| key.len() + value.len() + AROUND_FIELD).sum();
    let mut json = Vec::with_capacity(length + 2);
    json.push(b'{');
    for (place, (key, value)) in fields.enumerate() {
        begin_field(&mut json, place, key);
        json.extend_from_slice(value);
    }
    json.push(b'}');
    json
}

/// Serializes a value as JSON text.
pub fn json(value: &impl Serialize) -> Json {
    serde_json::to_vec(value).unwrap_or_else(|_| b"null".to_vec())
}

/// Begins a field. Names are letters, digits and `_` (September 2025, section 2.1.8), so nothing needs
/// escapes.
pub(super) fn begin_field(json: &mut Json, place: usize, key: &str) {
    if place > 0 {
        json.push(b',');
    }
    json.push(b'"');
    json.extend_from_slice(key.as_bytes());
    json.extend_from_slice(b"\":");
}
