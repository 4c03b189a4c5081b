//! The loaded tree, written straight to the response as the client selected it.
//!
//! A field that cannot be answered becomes `null`, or takes the nearest parent that can be `null` with it
//! (October 2021, section 6.4.4); its error carries the path.

mod aggregate;
mod cell;
mod connection;
mod text;
mod writer;

use async_graphql::{Name, PathSegment};
use serde::Serialize;

use super::tree::{Child, Loaded};
use crate::error::{LocatedError, Result};
use crate::model::Model;
use crate::plan::{FieldKind, Load, Plan, Selection};
pub(super) use text::is_all_plain;
use writer::{Above, Bubble, Step, Writer, begin_field};

/// JSON text, as it goes to the client.
pub type Json = Vec<u8>;

/// The room with which an answer begins where nothing is known of others.
const USUAL_BYTES: usize = 8 << 10;

/// The room for what is written around an answer.
const AROUND_BYTES: usize = 16;

/// The answer to the model's own fields of an operation.
#[derive(Debug, Default)]
pub struct Answer {
    /// The root fields in order, each with its value; none where async-graphql answers.
    pub fields: Vec<(Name, Option<Json>)>,
    /// What went wrong, each with its path.
    pub errors: Vec<LocatedError>,
    /// Whether a field that cannot be `null` took the whole answer with it.
    pub is_null: bool,
}

impl Answer {
    /// Writes the answer to `plan` from what was loaded. `path` leads to the object whose fields they are.
    pub fn write(model: &Model, plan: &Plan, children: &[Result<Child>], path: Vec<PathSegment>) -> Self {
        let mut writer = Writer::new(model, path);
        let mut answer = Self::default();
        for field in &plan.fields {
            if let FieldKind::Foreign = field.kind {
                answer.fields.push((field.key.clone(), None));
                continue;
            }
            let above = Above { loads: &plan.loads, children, row: None, index: 0 };
            match writer.field(field, None, above) {
                Ok(()) => answer.fields.push((field.key.clone(), Some(std::mem::take(&mut writer.json)))),
                Err(Bubble) => {
                    writer.json.clear();
                    answer.is_null = true;
                }
            }
        }
        answer.errors = writer.errors;
        answer
    }

    /// Writes the whole answer to `plan`, every field of which is the model's own, as one object.
    pub fn write_object(model: &Model, plan: &Plan, children: &[Result<Child>]) -> (Json, Vec<LocatedError>) {
        let mut writer = Writer::new(model, Vec::new());
        writer.json.reserve(plan.room.or(USUAL_BYTES) + AROUND_BYTES);
        let above = Above { loads: &plan.loads, children, row: None, index: 0 };
        let mut is_null = false;
        writer.json.push(b'{');
        for (place, field) in plan.fields.iter().enumerate() {
            begin_field(&mut writer.json, place, &field.key);
            // The other root fields may have errors to tell.
            is_null |= writer.field(field, None, above).is_err();
        }
        writer.json.push(b'}');
        if is_null {
            writer.json.clear();
            writer.scalar(&());
        }
        plan.room.note(writer.json.len());
        (writer.json, writer.errors)
    }

    /// Writes rows that a user's own root field answers with. `path` leads to that field; each row is answered by
    /// itself, `None` where an error took it.
    pub fn write_rows(
        model: &Model,
        load: &Load,
        selection: &Selection,
        loaded: &Loaded,
        path: Vec<PathSegment>,
    ) -> (Vec<Option<Json>>, Vec<LocatedError>) {
        let mut writer = Writer::new(model, path);
        let mut rows = Vec::new();
        for index in 0..loaded.rows.len() {
            writer.path.push(Step::Index(index));
            let written = writer.object(selection, load, loaded, index);
            let json = std::mem::take(&mut writer.json);
            rows.push(written.is_ok().then_some(json));
            writer.path.pop();
        }
        (rows, writer.errors)
    }
}

/// Puts written values together to an object.
pub fn object<'a>(fields: impl IntoIterator<Item = (&'a str, &'a [u8])>) -> Json {
    let mut json = vec![b'{'];
    for (place, (key, value)) in fields.into_iter().enumerate() {
        begin_field(&mut json, place, key);
        json.extend_from_slice(value);
    }
    json.push(b'}');
    json
}

/// A value as JSON text.
pub fn json(value: &impl Serialize) -> Json {
    serde_json::to_vec(value).unwrap_or_else(|_| b"null".to_vec())
}
