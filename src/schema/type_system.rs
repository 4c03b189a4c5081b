//! Type system validation (September 2025, section 3): checks the schema itself before it is served. Every
//! client tool refuses a schema that violates it.

use std::collections::HashSet;

use async_graphql::Pos;
use async_graphql::parser::types::{DocumentOperations, Selection};
use async_graphql::registry::{MetaField, MetaInputValue, MetaType, MetaTypeName, Registry};
use async_graphql_value::Value;
use indexmap::IndexMap;

use super::validate::{Path, Place, Walk};
use crate::guard;

/// Returns all faults of a schema, each as a sentence.
pub(super) fn faults(registry: &Registry) -> Vec<String> {
    let mut checks = Checks { registry, finite: finite_inputs(registry), faults: Vec::new() };
    checks.roots();
    for (name, of) in &registry.types {
        // Reserved Names (section 4): only names of the introspection system begin with two underscores.
        if !INTROSPECTION.contains(&name.as_str()) {
            checks.name("type", name);
        }
        checks.type_definition(name, of);
    }
    for (name, directive) in &registry.directives {
        checks.name("directive", name);
        checks.arguments(&format!("@{name}"), &directive.args);
    }
    checks.faults
}

const INTROSPECTION: [&str; 8] = [
    "__Schema",
    "__Type",
    "__TypeKind",
    "__Field",
    "__InputValue",
    "__EnumValue",
    "__Directive",
    "__DirectiveLocation",
];

struct Checks<'a> {
    registry: &'a Registry,
    /// Input objects that have a finite value.
    finite: HashSet<&'a str>,
    faults: Vec<String>,
}

impl<'a> Checks<'a> {
    fn fail(&mut self, message: String) {
        self.faults.push(message);
    }

    fn named(&self, of: &str) -> Option<&'a MetaType> {
        self.registry.types.get(MetaTypeName::concrete_typename(of))
    }

    /// Section 3.3.1, Root Operation Types.
    fn roots(&mut self) {
        let Registry { query_type, mutation_type, subscription_type, .. } = self.registry;
        let roots: Vec<&String> =
            std::iter::once(query_type).chain(mutation_type).chain(subscription_type).collect();
        for (place, root) in roots.iter().enumerate() {
            if !matches!(self.named(root), Some(MetaType::Object { .. })) {
                self.fail(format!("the root type {root} is not an object"));
            }
            if roots[..place].contains(root) {
                self.fail(format!("the type {root} is the root of more than one kind of operation"));
            }
        }
    }

    fn name(&mut self, what: &str, name: &str) {
        let begins = name.starts_with(|first: char| first == '_' || first.is_ascii_alphabetic());
        if !begins || !name.chars().all(|one| one == '_' || one.is_ascii_alphanumeric()) {
            self.fail(format!("the {what} \"{name}\" has a name that GraphQL does not allow"));
        } else if name.starts_with("__") {
            self.fail(format!("the {what} \"{name}\" has a name that is reserved: it begins with \"__\""));
        }
    }

    fn type_definition(&mut self, name: &'a str, of: &'a MetaType) {
        match of {
            MetaType::Scalar { .. } => {}
            MetaType::Object { fields, .. } => {
                self.fields(name, fields);
                for interface in self.registry.implements.get(name).into_iter().flatten() {
                    self.implements(name, fields, interface);
                }
            }
            MetaType::Interface { fields, .. } => self.fields(name, fields),
            MetaType::Union { possible_types, .. } => {
                if possible_types.is_empty() {
                    self.fail(format!("the union {name} has no members"));
                }
                for member in possible_types {
                    if !matches!(self.named(member), Some(MetaType::Object { .. })) {
                        self.fail(format!("the member {member} of the union {name} is not an object"));
                    }
                }
            }
            MetaType::Enum { enum_values, .. } => {
                if enum_values.is_empty() {
                    self.fail(format!("the enum {name} has no values"));
                }
                for value in enum_values.keys() {
                    self.name(&format!("value of {name}"), value);
                    if matches!(value.as_str(), "true" | "false" | "null") {
                        self.fail(format!("the enum {name} has a value with the name {value}"));
                    }
                }
            }
            MetaType::InputObject { input_fields, oneof, .. } => self.input(name, input_fields, *oneof),
        }
    }

    /// Checks the fields of objects and interfaces (sections 3.6 and 3.7).
    fn fields(&mut self, owner: &str, fields: &'a IndexMap<String, MetaField>) {
        let is_introspection = |name: &str| name.starts_with("__");
        if fields.keys().all(|name| is_introspection(name)) {
            self.fail(format!("the type {owner} has no fields"));
        }
        for (name, field) in fields {
            let place = format!("{owner}.{name}");
            // The query root has two fields of the introspection system (section 4.2).
            if !(owner == self.registry.query_type && matches!(name.as_str(), "__schema" | "__type")) {
                self.name(&format!("field of {owner}"), name);
            }
            match self.named(&field.ty) {
                None => self.fail(format!("{place} has the unknown type {}", field.ty)),
                Some(MetaType::InputObject { .. }) => {
                    self.fail(format!("{place} has the type {}, which is an input type", field.ty));
                }
                Some(_) => {}
            }
            self.arguments(&place, &field.args);
        }
    }

    fn arguments(&mut self, owner: &str, arguments: &'a IndexMap<String, MetaInputValue>) {
        for argument in arguments.values() {
            self.name(&format!("argument of {owner}"), &argument.name);
            self.input_value(&format!("{owner}({})", argument.name), argument);
        }
    }

    /// Checks input objects (section 3.10).
    fn input(&mut self, name: &str, fields: &'a IndexMap<String, MetaInputValue>, is_one_of: bool) {
        if fields.is_empty() {
            self.fail(format!("the input {name} has no fields"));
        } else if !self.finite.contains(name) {
            self.fail(format!("the input {name} requires itself, so that it has no finite value"));
        }
        for field in fields.values() {
            let place = format!("{name}.{}", field.name);
            self.name(&format!("field of {name}"), &field.name);
            self.input_value(&place, field);
            if is_one_of && (field.ty.ends_with('!') || field.default_value.is_some()) {
                self.fail(format!("{place} must be nullable and without a default, since {name} is @oneOf"));
            }
        }
    }

    /// Checks that an argument or an input field has an input type, and a default of that type.
    fn input_value(&mut self, place: &str, value: &'a MetaInputValue) {
        match self.named(&value.ty) {
            None => self.fail(format!("{place} has the unknown type {}", value.ty)),
            Some(of) if !of.is_input() => {
                self.fail(format!("{place} has the type {}, which is an output type", value.ty));
            }
            Some(_) => {}
        }
        let Some(default) = &value.default_value else { return };
        let Some(default) = literal(default) else {
            return self.fail(format!("{place} has the default {default}, which is not a valid value"));
        };
        let mut walk = Walk::new(self.registry, Pos::default());
        walk.value(Some(Place::of(value)), &default, &Path::Argument(place));
        if let Some(reason) = walk.fault {
            self.fail(format!("a default does not match its type: {reason}"));
        }
    }

    /// Section 3.6, IsValidImplementation.
    fn implements(&mut self, object: &str, fields: &'a IndexMap<String, MetaField>, interface: &str) {
        let Some(MetaType::Interface { fields: expected, .. }) = self.named(interface) else {
            return self.fail(format!("{object} implements {interface}, which is not an interface"));
        };
        for (name, expected) in expected {
            let Some(field) = fields.get(name) else {
                self.fail(format!("{object} implements {interface} without the field {name}"));
                continue;
            };
            if !self.is_subtype(&field.ty, &expected.ty) {
                let (of, expected) = (&field.ty, &expected.ty);
                self.fail(format!(
                    "{object}.{name} has the type {of}; expected {expected}, as in {interface}"
                ));
            }
            for (argument, expected) in &expected.args {
                if field.args.get(argument).is_none_or(|given| given.ty != expected.ty) {
                    let of = &expected.ty;
                    self.fail(format!(
                        "{object}.{name} has no argument {argument} of type {of}, which {interface} has"
                    ));
                }
            }
            for given in field.args.values().filter(|given| !expected.args.contains_key(&given.name)) {
                if given.ty.ends_with('!') && given.default_value.is_none() {
                    let argument = &given.name;
                    self.fail(format!(
                        "{object}.{name} requires the argument {argument}, which {interface} does not have"
                    ));
                }
            }
        }
    }

    fn is_subtype(&self, of: &str, expected: &str) -> bool {
        match (MetaTypeName::create(of), MetaTypeName::create(expected)) {
            (MetaTypeName::NonNull(of), MetaTypeName::NonNull(expected))
            | (MetaTypeName::List(of), MetaTypeName::List(expected)) => self.is_subtype(of, expected),
            (MetaTypeName::NonNull(of), _) => self.is_subtype(of, expected),
            (MetaTypeName::Named(of), MetaTypeName::Named(expected)) => {
                of == expected || self.named(expected).is_some_and(|expected| expected.is_possible_type(of))
            }
            _ => false,
        }
    }
}

/// Computes the input objects that have a finite value: begins with none, and adds those that require only
/// known ones.
fn finite_inputs(registry: &Registry) -> HashSet<&str> {
    let mut finite = HashSet::new();
    loop {
        let known = finite.len();
        for (name, of) in &registry.types {
            let MetaType::InputObject { input_fields, oneof, .. } = of else { continue };
            let can_be_given = |field: &MetaInputValue, is_needed: bool| {
                let of = match MetaTypeName::create(&field.ty) {
                    MetaTypeName::NonNull(of) => MetaTypeName::create(of),
                    _ if is_needed => MetaTypeName::create(&field.ty),
                    _ => return true,
                };
                match of {
                    MetaTypeName::Named(of) => {
                        !matches!(registry.types.get(of), Some(MetaType::InputObject { .. }))
                            || finite.contains(of)
                    }
                    _ => true,
                }
            };
            let is_finite = match oneof {
                true => input_fields.values().any(|field| can_be_given(field, true)),
                false => input_fields
                    .values()
                    .all(|field| field.default_value.is_some() || can_be_given(field, false)),
            };
            if is_finite {
                finite.insert(name.as_str());
            }
        }
        if finite.len() == known {
            return finite;
        }
    }
}

/// Parses the text of a registry default as a literal.
fn literal(text: &str) -> Option<Value> {
    let document =
        guard::parse(&format!("{{ field(argument: {text}) }}"), &guard::DocumentLimits::NONE).ok()?;
    let DocumentOperations::Single(operation) = document.operations else { return None };
    let Selection::Field(field) = &operation.node.selection_set.node.items.first()?.node else { return None };
    Some(field.node.arguments.first()?.1.node.clone())
}
