//! Writes the loaded tree to the response, as the client selected it.
//!
//! A field that fails becomes `null`, or nulls the nearest nullable parent (September 2025, section 6.4.4).
//! The error carries the path.

mod aggregate;
mod cell;
mod connection;
mod json;
mod text;
mod writer;

use async_graphql::{Name, PathSegment};

use super::prepared_plan::PreparedPlan;
use super::tree::{Child, Loaded};
use crate::error::{LocatedError, Result};
use crate::model::Model;
use crate::plan::{FieldKind, Load, Plan, Selection};
use json::begin_field;
pub use json::{Json, json, object};
use writer::{AnswerWriter, NullPropagation, ParentContext, PathStep};

/// Initial capacity of a response without a capacity hint.
const USUAL_BYTES: usize = 8 << 10;

/// Capacity for the text around a response.
const AROUND_BYTES: usize = 16;

/// Response to the model's own fields of an operation.
#[derive(Debug, Default)]
pub struct ModelResponse {
    /// Root fields in order, with their values; `None` for fields delegated to async-graphql.
    pub fields: Vec<(Name, Option<Json>)>,
    /// Errors with their paths.
    pub errors: Vec<LocatedError>,
    /// True if a non-null field nulled the whole response.
    pub is_null: bool,
}

impl ModelResponse {
    /// Writes the response to `plan` from the loaded tree. `path` leads to the object of the fields.
    pub fn write(model: &Model, plan: &Plan, children: &[Result<Child>], path: Vec<PathSegment>) -> Self {
        let mut writer = AnswerWriter::new(model, path);
        let mut answer = Self::default();
        for field in &plan.fields {
            if let FieldKind::Delegated = field.kind {
                answer.fields.push((field.key.clone(), None));
                continue;
            }
            let above = ParentContext { loads: &plan.loads, children, computed: &[], row: None, index: 0 };
            match writer.field(field, None, above) {
                Ok(()) => answer.fields.push((field.key.clone(), Some(std::mem::take(&mut writer.json)))),
                Err(NullPropagation) => {
                    writer.json.clear();
                    answer.is_null = true;
                }
            }
        }
        answer.errors = writer.errors;
        answer
    }

    /// Writes the whole response to `plan` as one object; all fields must be the model's own.
    pub fn write_object(
        model: &Model,
        plan: &PreparedPlan,
        children: &[Result<Child>],
    ) -> (Json, Vec<LocatedError>) {
        let mut writer = AnswerWriter::new(model, Vec::new());
        writer.json.reserve(plan.response_bytes.or(USUAL_BYTES) + AROUND_BYTES);
        let above = ParentContext { loads: &plan.loads, children, computed: &[], row: None, index: 0 };
        let mut is_null = false;
        writer.json.push(b'{');
        for (place, field) in plan.fields.iter().enumerate() {
            begin_field(&mut writer.json, place, &field.key);
            // The other root fields may add errors.
            is_null |= writer.field(field, None, above).is_err();
        }
        writer.json.push(b'}');
        if is_null {
            writer.json.clear();
            writer.scalar(&());
        }
        plan.response_bytes.note(writer.json.len());
        (writer.json, writer.errors)
    }

    /// Writes the rows that an application's root field returns. `path` leads to that field. Each row is
    /// written separately, and is `None` if an error nulled it.
    pub fn write_rows(
        model: &Model,
        load: &Load,
        selection: &Selection,
        loaded: &Loaded,
        path: Vec<PathSegment>,
    ) -> (Vec<Option<Json>>, Vec<LocatedError>) {
        let mut writer = AnswerWriter::new(model, path);
        let mut rows = Vec::new();
        for index in 0..loaded.rows.len() {
            writer.path.push(PathStep::Index(index));
            let written = writer.object(selection, load, loaded, index);
            let json = std::mem::take(&mut writer.json);
            rows.push(written.is_ok().then_some(json));
            writer.path.pop();
        }
        (rows, writer.errors)
    }
}
