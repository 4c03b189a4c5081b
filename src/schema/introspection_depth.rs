//! Introspection in a document: its root fields, and how deep they nest.

use std::collections::HashMap;

use async_graphql::parser::types::{FragmentDefinition, OperationDefinition, Selection, SelectionSet};
use async_graphql::{Name, Pos, Positioned};

/// Nesting of type, field and input field lists at which introspection is refused. graphql-js has the same
/// rule and the same number.
const LISTS_TOO_DEEP: usize = 3;

/// Returns true if a root field queries the schema.
pub(super) fn is_about_schema(name: &str) -> bool {
    matches!(name, "__schema" | "__type")
}

pub(super) type FragmentMap = HashMap<Name, Positioned<FragmentDefinition>>;

/// Returns the position of the first root field that nests the schema's lists too deep.
///
/// Recurses once per level of nesting, and per fragment at every spread: the guard bounds both.
pub(super) fn too_deep(operation: &OperationDefinition, fragments: &FragmentMap) -> Option<Pos> {
    let mut at_root = Vec::new();
    root_fields(&operation.selection_set.node, fragments, &mut at_root);
    let nests = |set: &SelectionSet| nests_too_deep(set, fragments, 0);
    at_root.into_iter().find_map(|(position, _, set)| nests(set).then_some(position))
}

/// Collects the introspection root fields: position, name and selection set.
pub(super) fn root_fields<'a>(
    set: &'a SelectionSet,
    fragments: &'a FragmentMap,
    found: &mut Vec<(Pos, &'a Name, &'a SelectionSet)>,
) {
    for selection in &set.items {
        match &selection.node {
            Selection::Field(field) if is_about_schema(&field.node.name.node) => {
                found.push((field.pos, &field.node.name.node, &field.node.selection_set.node));
            }
            Selection::Field(_) => {}
            other => {
                if let Some(below) = spread(other, fragments) {
                    root_fields(below, fragments, found);
                }
            }
        }
    }
}

/// Returns the selection set of a fragment; `None` for a field, and for an unknown fragment.
pub(super) fn spread<'a>(selection: &'a Selection, fragments: &'a FragmentMap) -> Option<&'a SelectionSet> {
    match selection {
        Selection::Field(_) => None,
        Selection::InlineFragment(fragment) => Some(&fragment.node.selection_set.node),
        Selection::FragmentSpread(spread) => {
            Some(&fragments.get(&spread.node.fragment_name.node)?.node.selection_set.node)
        }
    }
}

fn nests_too_deep(set: &SelectionSet, fragments: &FragmentMap, lists: usize) -> bool {
    set.items.iter().any(|selection| match &selection.node {
        Selection::Field(field) => {
            let name = field.node.name.node.as_str();
            let is_list = matches!(name, "fields" | "interfaces" | "possibleTypes" | "inputFields");
            let lists = lists + usize::from(is_list);
            lists >= LISTS_TOO_DEEP || nests_too_deep(&field.node.selection_set.node, fragments, lists)
        }
        other => spread(other, fragments).is_some_and(|below| nests_too_deep(below, fragments, lists)),
    })
}
