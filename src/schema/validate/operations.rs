//! Section 5.2: operations.

use std::collections::HashSet;

use async_graphql::parser::types::{OperationDefinition, OperationType, Selection, SelectionSet};
use async_graphql::registry::__DirectiveLocation as Location;
use async_graphql::{Name, Pos, Positioned};
use indexmap::IndexMap;

use super::{PartUsages, Validator};

impl<'a> Validator<'a> {
    pub(super) fn operations(&mut self) {
        let mut operations: Vec<_> = self.document.operations.iter().collect();
        // Sorted, so that the same document always has the same errors.
        operations.sort_by_key(|(_, operation)| operation.pos);
        let mut used = HashSet::new();
        for (name, operation) in operations {
            let part = self.operation(name, operation);
            used.extend(self.spread_by(&part));
        }
        self.fragments_are_used(&used);
    }

    fn operation(
        &mut self,
        name: Option<&'a Name>,
        operation: &'a Positioned<OperationDefinition>,
    ) -> PartUsages<'a> {
        let Positioned { node, pos } = operation;
        let (location, root) = match node.ty {
            OperationType::Query => (Location::QUERY, Some(&self.registry.query_type)),
            OperationType::Mutation => (Location::MUTATION, self.registry.mutation_type.as_ref()),
            OperationType::Subscription => (Location::SUBSCRIPTION, self.registry.subscription_type.as_ref()),
        };
        // Section 5.2.1.1, Operation Type Existence.
        let root = root.and_then(|root| self.registry.types.get(root));
        if root.is_none() {
            self.report(*pos, format!("Schema is not configured for {}s.", node.ty));
        }
        self.variable_definitions(&node.variable_definitions);
        self.directives(&node.directives, location);
        self.selection_set(&node.selection_set.node, root);
        let part = std::mem::take(&mut self.part);
        self.variables(name, operation, &part);
        if node.ty == OperationType::Subscription {
            self.single_root_field(&node.selection_set.node, *pos);
        }
        self.fields_can_merge(&node.selection_set.node, root, *pos);
        part
    }

    /// Section 5.2.4.1, Single Root Field.
    fn single_root_field(&mut self, set: &'a SelectionSet, position: Pos) {
        let mut roots = RootFields::default();
        self.root_fields(set, &mut roots);
        if let Some(position) = roots.conditional {
            let message = "the root field of a subscription must not have @skip or @include";
            self.report(position, message.to_owned());
        }
        if roots.fields.len() > 1 {
            let message = format!(
                "a subscription must have exactly one root field, but this one has {}",
                roots.fields.len()
            );
            self.report(position, message);
        }
        for (_, (name, position)) in roots.fields {
            if name.starts_with("__") {
                let message = format!("a subscription must select a field with results, and {name} has none");
                self.report(position, message);
            }
        }
    }

    /// Collects the root fields of a subscription (CollectSubscriptionFields).
    fn root_fields(&self, set: &'a SelectionSet, roots: &mut RootFields<'a>) {
        for selection in &set.items {
            let conditional = selection
                .node
                .directives()
                .iter()
                .find(|directive| matches!(directive.node.name.node.as_str(), "skip" | "include"));
            roots.conditional = roots.conditional.or(conditional.map(|directive| directive.pos));
            match &selection.node {
                Selection::Field(field) => {
                    let field_name = field.node.name.node.as_str();
                    let key = field.node.response_key().node.as_str();
                    roots.fields.entry(key).or_insert((field_name, field.pos));
                }
                Selection::InlineFragment(fragment) => {
                    self.root_fields(&fragment.node.selection_set.node, roots);
                }
                Selection::FragmentSpread(spread) => {
                    let name = &spread.node.fragment_name.node;
                    if let Some(fragment) = self.document.fragments.get(name)
                        && roots.visited.insert(name)
                    {
                        self.root_fields(&fragment.node.selection_set.node, roots);
                    }
                }
            }
        }
    }
}

/// Root selection of a subscription.
#[derive(Default)]
struct RootFields<'a> {
    /// Name and position of the first field of each response key.
    fields: IndexMap<&'a str, (&'a str, Pos)>,
    /// Position of the first directive that may depend on variable values.
    conditional: Option<Pos>,
    visited: HashSet<&'a str>,
}
