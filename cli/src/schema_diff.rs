//! Changes between two schemas, and their effect on clients, by the rules of graphql-js' `findBreakingChanges`.

mod types;

use std::collections::BTreeMap;
use std::fmt;

use async_graphql::parser::types::{
    DirectiveDefinition, InputValueDefinition, TypeDefinition, TypeKind, TypeSystemDefinition,
};
use async_graphql::parser::{self, Positioned};

use types::{accepts, is_required, returns};

use crate::config::{DatabaseOptions, ModelSource};
use crate::{Failure, schema};

/// Effect of a change on clients of the old schema.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ClientEffect {
    /// A valid document may become invalid, or a response may have another form.
    Breaking,
    /// A client may meet a value or type that it does not know.
    Dangerous,
    /// No client notices the change.
    Safe,
}

impl fmt::Display for ClientEffect {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(match self {
            Self::Breaking => "breaking",
            Self::Dangerous => "dangerous",
            Self::Safe => "safe",
        })
    }
}

/// Change of one part of the schema.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct SchemaChange {
    /// Effect on clients.
    pub effect: ClientEffect,
    /// Kind of the change, as graphql-js names it.
    pub kind: &'static str,
    /// Coordinate of the part: `Author.books(limit:)`.
    part: String,
    /// Both forms of a part that has changed.
    forms: Option<(String, String)>,
}

impl fmt::Display for SchemaChange {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:<9} {} {}", self.effect, self.kind, self.part)?;
        match &self.forms {
            Some((old, new)) => write!(formatter, ": {old} is now {new}"),
            None => Ok(()),
        }
    }
}

/// Parts of one schema by name.
#[derive(Default)]
struct SchemaParts {
    types: BTreeMap<String, TypeDefinition>,
    directives: BTreeMap<String, DirectiveDefinition>,
}

/// Prints all changes from another schema to this one: of a file, or of the database that a URL names.
///
/// # Errors
/// If a change breaks clients of the other schema.
pub async fn print(other: &str, source: &ModelSource, database: &DatabaseOptions) -> Result<(), Failure> {
    let old = if ["sqlite:", "postgres:", "postgresql:"].iter().any(|scheme| other.starts_with(scheme)) {
        let source = ModelSource { from_database: true, ..source.clone() };
        let database = DatabaseOptions { database_url: other.to_owned(), ..database.clone() };
        schema(&source, &database).await?.0.sdl()
    } else {
        std::fs::read_to_string(other).map_err(|error| format!("{other}: {error}"))?
    };
    let new = schema(source, database).await?.0.sdl();
    let changes = changes(&old, &new).map_err(|error| format!("the other schema does not parse: {error}"))?;
    changes.iter().for_each(|change| println!("{change}"));
    match changes.iter().filter(|change| change.effect == ClientEffect::Breaking).count() {
        0 => Ok(()),
        count => Err(format!("clients of the other schema may break ({count} breaking)").into()),
    }
}

/// Returns all changes from the old schema to the new one, both in the schema definition language, the breaking ones first.
///
/// # Errors
/// If one of the texts is no schema.
fn changes(old: &str, new: &str) -> Result<Vec<SchemaChange>, parser::Error> {
    let (old, new) = (parts(old)?, parts(new)?);
    let mut found = SchemaChanges::default();
    found.named("TYPE", &old.types, &new.types, String::clone);
    for (name, old) in &old.types {
        if let Some(new) = new.types.get(name) {
            found.of_type(name, &old.kind, &new.kind);
        }
    }
    found.named("DIRECTIVE", &old.directives, &new.directives, |name| format!("@{name}"));
    for (name, old) in &old.directives {
        if let Some(new) = new.directives.get(name) {
            found.of_directive(&format!("@{name}"), old, new);
        }
    }
    found.0.sort();
    Ok(found.0)
}

fn parts(sdl: &str) -> Result<SchemaParts, parser::Error> {
    let mut parts = SchemaParts::default();
    for definition in parser::parse_schema(sdl)?.definitions {
        match definition {
            TypeSystemDefinition::Schema(_) => {}
            TypeSystemDefinition::Type(found) => {
                parts.types.insert(found.node.name.node.to_string(), found.node);
            }
            TypeSystemDefinition::Directive(found) => {
                parts.directives.insert(found.node.name.node.to_string(), found.node);
            }
        }
    }
    Ok(parts)
}

/// Changes found so far.
#[derive(Default)]
struct SchemaChanges(Vec<SchemaChange>);

impl SchemaChanges {
    fn add(&mut self, effect: ClientEffect, kind: &'static str, part: impl Into<String>) {
        self.0.push(SchemaChange { effect, kind, part: part.into(), forms: None });
    }

    fn changed(&mut self, effect: ClientEffect, kind: &'static str, part: &str, old: String, new: String) {
        self.0.push(SchemaChange { effect, kind, part: part.to_owned(), forms: Some((old, new)) });
    }

    /// Compares the names of types or directives.
    fn named<T>(
        &mut self,
        of: &'static str,
        old: &BTreeMap<String, T>,
        new: &BTreeMap<String, T>,
        part: impl Fn(&String) -> String,
    ) {
        let [removed, added] = match of {
            "TYPE" => ["TYPE_REMOVED", "TYPE_ADDED"],
            _ => ["DIRECTIVE_REMOVED", "DIRECTIVE_ADDED"],
        };
        let missing = |name: &&String, there: &BTreeMap<String, T>| !there.contains_key(*name);
        for name in old.keys().filter(|name| missing(name, new)) {
            self.add(ClientEffect::Breaking, removed, part(name));
        }
        for name in new.keys().filter(|name| missing(name, old)) {
            self.add(ClientEffect::Safe, added, part(name));
        }
    }

    fn of_type(&mut self, name: &str, old: &TypeKind, new: &TypeKind) {
        match (old, new) {
            (TypeKind::Scalar, TypeKind::Scalar) => {}
            (TypeKind::Object(old), TypeKind::Object(new)) => {
                self.of_interfaces(name, &old.implements, &new.implements);
                self.of_fields(name, &old.fields, &new.fields);
            }
            (TypeKind::Interface(old), TypeKind::Interface(new)) => {
                self.of_interfaces(name, &old.implements, &new.implements);
                self.of_fields(name, &old.fields, &new.fields);
            }
            (TypeKind::Union(old), TypeKind::Union(new)) => {
                let kinds = ["TYPE_REMOVED_FROM_UNION", "TYPE_ADDED_TO_UNION"];
                self.of_members(name, kinds, &texts(&old.members), &texts(&new.members));
            }
            (TypeKind::Enum(old), TypeKind::Enum(new)) => {
                let kinds = ["VALUE_REMOVED_FROM_ENUM", "VALUE_ADDED_TO_ENUM"];
                let values = |of: &[Positioned<parser::types::EnumValueDefinition>]| -> Vec<String> {
                    of.iter().map(|value| value.node.value.node.to_string()).collect()
                };
                self.of_members(name, kinds, &values(&old.values), &values(&new.values));
            }
            (TypeKind::InputObject(old), TypeKind::InputObject(new)) => {
                let kinds = InputKinds {
                    removed: "FIELD_REMOVED",
                    changed: "FIELD_CHANGED_KIND",
                    required: "REQUIRED_INPUT_FIELD_ADDED",
                    optional: "OPTIONAL_INPUT_FIELD_ADDED",
                    addition: ClientEffect::Dangerous,
                };
                self.of_inputs(|field| format!("{name}.{field}"), &kinds, &old.fields, &new.fields);
            }
            (old, new) => {
                let (old, new) = (kind_of(old).to_owned(), kind_of(new).to_owned());
                self.changed(ClientEffect::Breaking, "TYPE_CHANGED_KIND", name, old, new);
            }
        }
    }

    fn of_interfaces(
        &mut self,
        name: &str,
        old: &[Positioned<async_graphql::Name>],
        new: &[Positioned<async_graphql::Name>],
    ) {
        let kinds = ["IMPLEMENTED_INTERFACE_REMOVED", "IMPLEMENTED_INTERFACE_ADDED"];
        self.of_members(name, kinds, &texts(old), &texts(new));
    }

    /// Compares lists of names, whose removal breaks and whose addition is dangerous.
    fn of_members(
        &mut self,
        name: &str,
        [removed, added]: [&'static str; 2],
        old: &[String],
        new: &[String],
    ) {
        for member in old.iter().filter(|member| !new.contains(member)) {
            self.add(ClientEffect::Breaking, removed, format!("{name}.{member}"));
        }
        for member in new.iter().filter(|member| !old.contains(member)) {
            self.add(ClientEffect::Dangerous, added, format!("{name}.{member}"));
        }
    }

    fn of_fields(
        &mut self,
        name: &str,
        old: &[Positioned<parser::types::FieldDefinition>],
        new: &[Positioned<parser::types::FieldDefinition>],
    ) {
        for field in new {
            let field = &field.node.name.node;
            if !old.iter().any(|old| old.node.name.node == *field) {
                self.add(ClientEffect::Safe, "FIELD_ADDED", format!("{name}.{field}"));
            }
        }
        for old in old.iter().map(|field| &field.node) {
            let part = format!("{name}.{}", old.name.node);
            let Some(new) = new.iter().find(|new| new.node.name.node == old.name.node) else {
                self.add(ClientEffect::Breaking, "FIELD_REMOVED", part);
                continue;
            };
            let (was, is) = (&old.ty.node, &new.node.ty.node);
            if was != is {
                let effect = if returns(was, is) { ClientEffect::Safe } else { ClientEffect::Breaking };
                self.changed(effect, "FIELD_CHANGED_KIND", &part, was.to_string(), is.to_string());
            }
            let argument = |argument: &str| format!("{part}({argument}:)");
            self.of_inputs(argument, &InputKinds::ARGUMENT, &old.arguments, &new.node.arguments);
        }
    }

    /// Compares arguments, or fields of an input object.
    fn of_inputs(
        &mut self,
        part: impl Fn(&str) -> String,
        kinds: &InputKinds,
        old: &[Positioned<InputValueDefinition>],
        new: &[Positioned<InputValueDefinition>],
    ) {
        for new in new.iter().map(|input| &input.node) {
            if !old.iter().any(|old| old.node.name.node == new.name.node) {
                let (effect, kind) = match is_required(new) {
                    true => (ClientEffect::Breaking, kinds.required),
                    false => (kinds.addition, kinds.optional),
                };
                self.add(effect, kind, part(&new.name.node));
            }
        }
        for old in old.iter().map(|input| &input.node) {
            let part = part(&old.name.node);
            let Some(new) = new.iter().find(|new| new.node.name.node == old.name.node) else {
                self.add(ClientEffect::Breaking, kinds.removed, part);
                continue;
            };
            let (was, is) = (&old.ty.node, &new.node.ty.node);
            if was != is {
                let effect = if accepts(was, is) { ClientEffect::Safe } else { ClientEffect::Breaking };
                self.changed(effect, kinds.changed, &part, was.to_string(), is.to_string());
            }
            self.of_default(&part, kinds, old, &new.node);
        }
    }

    /// Compares defaults, of which graphql-js follows those of arguments.
    fn of_default(
        &mut self,
        part: &str,
        kinds: &InputKinds,
        old: &InputValueDefinition,
        new: &InputValueDefinition,
    ) {
        let text =
            |input: &InputValueDefinition| input.default_value.as_ref().map(|value| value.node.to_string());
        let (was, is) = (text(old), text(new));
        if was == is || !accepts(&old.ty.node, &new.ty.node) {
            return;
        }
        let is_watched = kinds.removed == InputKinds::ARGUMENT.removed && was.is_some();
        let effect = if is_watched { ClientEffect::Dangerous } else { ClientEffect::Safe };
        let shown = |value: Option<String>| value.unwrap_or_else(|| "no default".to_owned());
        self.changed(effect, "ARG_DEFAULT_VALUE_CHANGE", part, shown(was), shown(is));
    }

    fn of_directive(&mut self, name: &str, old: &DirectiveDefinition, new: &DirectiveDefinition) {
        let kinds = InputKinds {
            removed: "DIRECTIVE_ARG_REMOVED",
            changed: "DIRECTIVE_ARG_CHANGED_KIND",
            required: "REQUIRED_DIRECTIVE_ARG_ADDED",
            optional: "OPTIONAL_DIRECTIVE_ARG_ADDED",
            addition: ClientEffect::Safe,
        };
        self.of_inputs(|argument| format!("{name}({argument}:)"), &kinds, &old.arguments, &new.arguments);
        if old.is_repeatable && !new.is_repeatable {
            self.add(ClientEffect::Breaking, "DIRECTIVE_REPEATABLE_REMOVED", name);
        }
        for location in &old.locations {
            if !new.locations.iter().any(|new| new.node == location.node) {
                self.add(
                    ClientEffect::Breaking,
                    "DIRECTIVE_LOCATION_REMOVED",
                    format!("{name} on {:?}", location.node),
                );
            }
        }
    }
}

/// Kinds of changes of arguments, or of fields of an input object.
struct InputKinds {
    removed: &'static str,
    changed: &'static str,
    required: &'static str,
    optional: &'static str,
    /// Effect of an optional part that is added.
    addition: ClientEffect,
}

impl InputKinds {
    const ARGUMENT: Self = Self {
        removed: "ARG_REMOVED",
        changed: "ARG_CHANGED_KIND",
        required: "REQUIRED_ARG_ADDED",
        optional: "OPTIONAL_ARG_ADDED",
        addition: ClientEffect::Dangerous,
    };
}

fn texts(names: &[Positioned<async_graphql::Name>]) -> Vec<String> {
    names.iter().map(|name| name.node.to_string()).collect()
}

fn kind_of(kind: &TypeKind) -> &'static str {
    match kind {
        TypeKind::Scalar => "a scalar",
        TypeKind::Object(_) => "an object",
        TypeKind::Interface(_) => "an interface",
        TypeKind::Union(_) => "a union",
        TypeKind::Enum(_) => "an enum",
        TypeKind::InputObject(_) => "an input object",
    }
}
