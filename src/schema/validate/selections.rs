//! Sections 5.3 and 5.4: fields and arguments.

use std::collections::HashSet;

use async_graphql::parser::types::{Field, Selection, SelectionSet};
use async_graphql::registry::{__DirectiveLocation as Location, MetaInputValue, MetaType, MetaTypeName};
use async_graphql::{Name, Pos, Positioned};
use async_graphql_value::Value;
use indexmap::IndexMap;

use super::Validator;
use super::values::{Path, Place, Walk};

/// Meta field of every object (section 4.1).
pub(super) const TYPE_NAME: &str = "__typename";

pub(super) type ArgumentDefinitions<'a> = Option<&'a IndexMap<String, MetaInputValue>>;

impl<'a> Validator<'a> {
    /// Returns the type of a field.
    pub(super) fn type_of_field(&self, parent: &'a MetaType, name: &str) -> Option<&'a str> {
        match name {
            TYPE_NAME if parent.is_composite() => Some("String!"),
            _ => parent.field_by_name(name).map(|field| field.ty.as_str()),
        }
    }

    /// Checks a selection set on `parent`, which is `None` if the type is unknown.
    pub(super) fn selection_set(&mut self, set: &'a SelectionSet, parent: Option<&'a MetaType>) {
        for selection in &set.items {
            match &selection.node {
                Selection::Field(field) => self.field(field, parent),
                Selection::InlineFragment(fragment) => self.inline_fragment(fragment, parent),
                Selection::FragmentSpread(spread) => self.fragment_spread(spread, parent),
            }
        }
    }

    fn field(
        &mut self,
        Positioned { node: field, pos }: &'a Positioned<Field>,
        parent: Option<&'a MetaType>,
    ) {
        let name = &field.name.node;
        let of = parent.and_then(|parent| self.type_of_field(parent, name));
        if let (Some(parent), None) = (parent, of) {
            self.unknown_field(parent, name, *pos);
        }
        let definition = parent.and_then(|parent| parent.field_by_name(name));
        let parent_name = parent.map_or("", MetaType::name);
        let owner = Owner {
            unknown: |argument: &str| {
                format!("Unknown argument \"{argument}\" on field \"{name}\" of type \"{parent_name}\".")
            },
            missing: |argument: &str| {
                format!(
                    "Field \"{name}\" argument \"{argument}\" of type \"{parent_name}\" is required but not provided"
                )
            },
        };
        let definitions = definition.map(|definition| &definition.args);
        // Arguments of an unknown field are unknown too, but those of `__typename` are known: it has none.
        self.arguments(&field.arguments, definitions, of.is_some(), *pos, &owner);
        self.directives(&field.directives, Location::FIELD);
        self.leaf(field, of, *pos);
        let below = of.and_then(|of| self.named_type(of)).filter(|below| below.is_composite());
        self.selection_set(&field.selection_set.node, below);
    }

    /// Section 5.3.1, Field Selections.
    fn unknown_field(&mut self, parent: &MetaType, name: &str, position: Pos) {
        let known = parent.fields().into_iter().flat_map(IndexMap::keys);
        let suggestion = self.did_you_mean(name, known.filter(|known| !known.starts_with("__")));
        let parent = parent.name();
        self.report(position, format!("Unknown field \"{name}\" on type \"{parent}\".{suggestion}"));
    }

    /// Section 5.3.3, Leaf Field Selections.
    fn leaf(&mut self, field: &Field, of: Option<&'a str>, position: Pos) {
        let Some((of, named)) = of.and_then(|of| Some((of, self.named_type(of)?))) else { return };
        let (name, has_selection) = (&field.name.node, !field.selection_set.node.items.is_empty());
        if named.is_leaf() && has_selection {
            let message =
                format!("Field \"{name}\" must not have a selection since type \"{of}\" has no subfields");
            self.report(position, message);
        } else if named.is_composite() && !has_selection {
            let message = format!("Field \"{name}\" of type \"{of}\" must have a selection of subfields");
            self.report(position, message);
        }
    }

    /// Section 5.4: checks names, uniqueness, presence and values (section 5.6.1) of arguments. Reports no unknown
    /// arguments if the `owner` itself is unknown (`is_known` is false).
    pub(super) fn arguments(
        &mut self,
        given: &'a [(Positioned<Name>, Positioned<Value>)],
        definitions: ArgumentDefinitions<'a>,
        is_known: bool,
        position: Pos,
        owner: &Owner<impl Fn(&str) -> String, impl Fn(&str) -> String>,
    ) {
        let mut names = HashSet::new();
        for (name, value) in given {
            if !names.insert(&name.node) {
                let message = format!("There can only be one argument named \"{}\"", name.node);
                self.report(name.pos, message);
            }
            let definition = definitions.and_then(|definitions| definitions.get(name.node.as_str()));
            if definition.is_none() && is_known {
                let known = definitions.into_iter().flat_map(IndexMap::keys);
                let suggestion = self.did_you_mean(&name.node, known);
                self.report(name.pos, (owner.unknown)(&name.node) + &suggestion);
            }
            let mut walk = Walk::new(self.registry, value.pos);
            walk.value(definition.map(Place::of), &value.node, &Path::Argument(&name.node));
            self.part.usages.append(&mut walk.usages);
            if let Some(reason) = walk.fault {
                self.report(value.pos, format!("Invalid value for argument {reason}"));
            }
        }
        for definition in definitions.into_iter().flat_map(IndexMap::values) {
            let is_required =
                MetaTypeName::create(&definition.ty).is_non_null() && definition.default_value.is_none();
            if is_required && !given.iter().any(|(name, _)| name.node == definition.name) {
                self.report(position, (owner.missing)(&definition.name));
            }
        }
    }
}

/// Error messages for the field or directive that owns arguments.
pub(super) struct Owner<U, M> {
    /// Message for an argument that the owner does not have.
    pub unknown: U,
    /// Message for a missing required argument.
    pub missing: M,
}
