//! Section 5.6: literal values in the document.

use std::fmt;

use async_graphql::registry::{MetaInputValue, MetaType, MetaTypeName, Registry, ScalarValidatorFn};
use async_graphql::{Name, Pos};
use async_graphql_value::Value;
use indexmap::IndexMap;

/// Use of a variable.
#[derive(Clone, Debug)]
pub(super) struct Usage<'a> {
    pub name: Name,
    pub position: Pos,
    /// Location that the variable is the value of, if the schema knows it.
    pub place: Option<Place<'a>>,
}

/// Location of a value: its expected type and default.
#[derive(Clone, Copy, Debug)]
pub(in crate::schema) struct Place<'a> {
    /// Expected type.
    pub of: &'a str,
    /// True if the schema has a default for it.
    pub has_default: bool,
    /// The `@oneOf` input object that the field belongs to (section 3.10.1).
    pub one_of: Option<&'a str>,
}

impl<'a> Place<'a> {
    pub fn of(definition: &'a MetaInputValue) -> Self {
        Self { of: &definition.ty, has_default: definition.default_value.is_some(), one_of: None }
    }

    /// Returns a nested location, such as an item of a list.
    fn inner(of: &'a str) -> Self {
        Self { of, has_default: false, one_of: None }
    }
}

/// Path to a value: `where.or.0.name`.
pub(in crate::schema) enum Path<'p> {
    Argument(&'p str),
    Field(&'p Path<'p>, &'p str),
    Item(&'p Path<'p>, usize),
}

impl fmt::Display for Path<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Argument(name) => formatter.write_str(name),
            Self::Field(above, name) => write!(formatter, "{above}.{name}"),
            Self::Item(above, place) => write!(formatter, "{above}.{place}"),
        }
    }
}

/// Walk through the value of an argument.
pub(in crate::schema) struct Walk<'a> {
    registry: &'a Registry,
    position: Pos,
    /// Variables used in the value.
    pub(super) usages: Vec<Usage<'a>>,
    /// Path and reason of the first fault.
    pub fault: Option<String>,
}

impl<'a> Walk<'a> {
    pub fn new(registry: &'a Registry, position: Pos) -> Self {
        Self { registry, position, usages: Vec::new(), fault: None }
    }

    fn fail(&mut self, path: &Path<'_>, reason: impl FnOnce() -> String) {
        self.fault.get_or_insert_with(|| format!("\"{path}\", {}", reason()));
    }

    fn note(&mut self, name: &Name, place: Option<Place<'a>>) {
        self.usages.push(Usage { name: name.clone(), position: self.position, place });
    }

    /// Checks a value against its location. Without a location only variables are collected.
    pub fn value(&mut self, place: Option<Place<'a>>, value: &Value, path: &Path<'_>) {
        let Some(inside) = place else { return self.untyped(value) };
        match (MetaTypeName::create(inside.of), value) {
            (_, Value::Variable(name)) => self.note(name, place),
            (MetaTypeName::NonNull(_), Value::Null) => {
                self.fail(path, || format!("expected type \"{}\"", inside.of));
            }
            (MetaTypeName::NonNull(of), value) => self.value(Some(Place::inner(of)), value, path),
            (_, Value::Null) => {}
            (MetaTypeName::List(of), Value::List(items)) => {
                for (index, item) in items.iter().enumerate() {
                    self.value(Some(Place::inner(of)), item, &Path::Item(path, index));
                }
            }
            // A single value stands for a list of one item (section 3.11).
            (MetaTypeName::List(of), value) => self.value(Some(Place::inner(of)), value, path),
            (MetaTypeName::Named(of), value) => self.named(of, value, path),
        }
    }

    fn named(&mut self, of: &'a str, value: &Value, path: &Path<'_>) {
        let is_valid = match (self.registry.types.get(of), value) {
            (Some(MetaType::InputObject { input_fields, oneof, .. }), Value::Object(given)) => {
                return self.object(InputObjectType { of, input_fields, is_one_of: *oneof }, given, path);
            }
            (Some(MetaType::InputObject { .. }), _) => false,
            (Some(MetaType::Enum { enum_values, .. }), Value::Enum(name)) => {
                if !enum_values.contains_key(name.as_str()) {
                    let reason =
                        || format!("enumeration type \"{of}\" does not contain the value \"{name}\"");
                    self.fail(path, reason);
                }
                true
            }
            // An enum literal is a name, never a string.
            (Some(MetaType::Enum { .. }), _) => false,
            (Some(MetaType::Scalar { is_valid, .. }), value) => is_literal(of, is_valid.as_ref(), value),
            _ => true,
        };
        if !is_valid {
            self.fail(path, || format!("expected type \"{of}\""));
        }
        self.untyped(value);
    }

    /// Collects the variables of a value whose parts have no known types.
    fn untyped(&mut self, value: &Value) {
        match value {
            Value::Variable(name) => self.note(name, None),
            Value::List(items) => items.iter().for_each(|item| self.untyped(item)),
            Value::Object(fields) => fields.values().for_each(|field| self.untyped(field)),
            _ => {}
        }
    }

    fn object(&mut self, input: InputObjectType<'a>, given: &IndexMap<Name, Value>, path: &Path<'_>) {
        let InputObjectType { of, input_fields, is_one_of } = input;
        for (name, value) in given {
            let definition = input_fields.get(name.as_str());
            // Section 5.6.2, Input Object Field Names.
            if definition.is_none() {
                self.fail(path, || format!("unknown field \"{name}\" of type \"{of}\""));
            }
            let place = definition
                .map(|definition| Place { one_of: is_one_of.then_some(of), ..Place::of(definition) });
            self.value(place, value, &Path::Field(path, name));
        }
        // Section 5.6.4, Input Object Required Fields.
        for definition in input_fields.values() {
            let is_required =
                MetaTypeName::create(&definition.ty).is_non_null() && definition.default_value.is_none();
            if is_required && !given.contains_key(definition.name.as_str()) {
                let MetaInputValue { name, ty, .. } = definition;
                self.fail(path, || format!("field \"{name}\" of type \"{ty}\" is required but not provided"));
            }
        }
        // Section 3.10.1, OneOf Input Objects.
        if is_one_of && (given.len() != 1 || given.values().any(|value| *value == Value::Null)) {
            self.fail(path, || format!("\"{of}\" takes exactly one field, and a value for it"));
        }
    }
}

/// Input object of the schema.
struct InputObjectType<'a> {
    of: &'a str,
    input_fields: &'a IndexMap<String, MetaInputValue>,
    is_one_of: bool,
}

/// Returns true if a literal fits a scalar (section 3.5): a built-in one, or another by its own rule.
fn is_literal(of: &str, is_valid: Option<&ScalarValidatorFn>, value: &Value) -> bool {
    match (of, value) {
        ("Int", Value::Number(number)) => number.as_i64().is_some_and(|number| i32::try_from(number).is_ok()),
        ("ID", Value::Number(number)) => !number.is_f64(),
        ("Float", Value::Number(_))
        | ("String" | "ID", Value::String(_))
        | ("Boolean", Value::Boolean(_)) => true,
        ("Int" | "Float" | "String" | "Boolean" | "ID", _) => false,
        _ => match (is_valid, value.clone().into_const()) {
            (Some(is_valid), Some(constant)) => is_valid(&constant),
            _ => true,
        },
    }
}
