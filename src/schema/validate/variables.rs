//! Section 5.8: variables.

use std::collections::HashSet;

use async_graphql::parser::types::{OperationDefinition, VariableDefinition};
use async_graphql::registry::{__DirectiveLocation as Location, MetaTypeName};
use async_graphql::{Name, Positioned, Value as Constant};

use super::values::{Path, Place, Usage, Walk};
use super::{PartUsages, Validator};

impl<'a> Validator<'a> {
    /// Checks the variable definitions of an operation.
    pub(super) fn variable_definitions(&mut self, definitions: &'a [Positioned<VariableDefinition>]) {
        let mut names = HashSet::new();
        for Positioned { node: definition, pos } in definitions {
            let name = &definition.name.node;
            // Section 5.8.1, Variable Uniqueness.
            if !names.insert(name) {
                self.report(*pos, format!("There can only be one variable named \"${name}\""));
            }
            self.directives(&definition.directives, Location::VARIABLE_DEFINITION);
            let of = definition.var_type.node.to_string();
            match self.named_type(&of) {
                None => {
                    let unknown = MetaTypeName::concrete_typename(&of);
                    self.report(definition.var_type.pos, format!("Unknown type \"{unknown}\""));
                }
                // Section 5.8.2, Variables Are Input Types.
                Some(named) if !named.is_input() => {
                    self.report(*pos, format!("Variable \"{name}\" cannot be of non-input type \"{of}\""));
                }
                Some(_) => {
                    if let Some(default) = &definition.default_value {
                        self.default_value(name, &of, default);
                    }
                }
            }
        }
    }

    /// Checks that a variable's default fits its type (section 5.6.1).
    fn default_value(&mut self, name: &str, of: &str, default: &Positioned<Constant>) {
        let place = Place { of, has_default: false, one_of: None };
        let mut walk = Walk::new(self.registry, default.pos);
        walk.value(Some(place), &default.node.clone().into_value(), &Path::Argument(&format!("${name}")));
        if let Some(reason) = walk.fault {
            self.report(default.pos, format!("Invalid default value for argument: {reason}"));
        }
    }

    /// Checks the variable uses of an operation, including those of its fragments.
    pub(super) fn variables(
        &mut self,
        name: Option<&Name>,
        operation: &'a Positioned<OperationDefinition>,
        part: &PartUsages<'a>,
    ) {
        let definitions = &operation.node.variable_definitions;
        let usages = self.usages(part);
        let of_operation = name.map(|name| format!(" by operation \"{name}\"")).unwrap_or_default();
        for usage in &usages {
            let name = &usage.name;
            match definitions.iter().find(|definition| definition.node.name.node == *name) {
                Some(definition) => self.usage_is_allowed(definition, usage),
                // Section 5.8.3, All Variable Uses Defined.
                None => self.report_at(
                    &[usage.position, operation.pos],
                    format!("Variable \"${name}\" is not defined{of_operation}"),
                ),
            }
        }
        let used: HashSet<&Name> = usages.iter().map(|usage| &usage.name).collect();
        for definition in definitions {
            let name = &definition.node.name.node;
            // Section 5.8.4, All Variables Used.
            if !used.contains(name) {
                self.report(definition.pos, format!("Variable \"${name}\" is not used{of_operation}"));
            }
        }
    }

    /// Section 5.8.5, All Variable Usages Are Allowed.
    fn usage_is_allowed(&mut self, definition: &Positioned<VariableDefinition>, usage: &Usage<'a>) {
        let Positioned { node: VariableDefinition { name, var_type, default_value, .. }, pos } = definition;
        let (Some(place), Some(named)) = (usage.place, self.named_type(&var_type.node.to_string())) else {
            return;
        };
        let name = &name.node;
        let given = var_type.node.to_string();
        let has_value =
            place.has_default || default_value.as_ref().is_some_and(|default| default.node != Constant::Null);
        let expected = match MetaTypeName::create(place.of) {
            MetaTypeName::NonNull(nullable) if has_value && var_type.node.nullable => nullable,
            _ => place.of,
        };
        if named.is_input() && !is_compatible(&given, expected) {
            let expected = place.of;
            self.report_at(
                &[*pos, usage.position],
                format!(
                    "Variable \"{name}\" of type \"{given}\" used in position expecting type \"{expected}\""
                ),
            );
        }
        if let Some(one_of) = place.one_of.filter(|_| var_type.node.nullable) {
            self.report_at(
                &[*pos, usage.position],
                format!("Variable \"{name}\" of type \"{given}\" must be non-null, since it is the only field of \"{one_of}\""),
            );
        }
    }

    /// Returns all variable uses of a part, including those of its fragments.
    fn usages(&self, part: &PartUsages<'a>) -> Vec<Usage<'a>> {
        let fragments = self.spread_by(part);
        let fragments = fragments.iter().filter_map(|name| self.fragments.get(name));
        part.usages.iter().chain(fragments.flat_map(|fragment| &fragment.usages)).cloned().collect()
    }
}

/// Returns true if a variable's type fits a location's type (AreTypesCompatible).
fn is_compatible(given: &str, expected: &str) -> bool {
    match (MetaTypeName::create(given), MetaTypeName::create(expected)) {
        (MetaTypeName::NonNull(given), MetaTypeName::NonNull(expected))
        | (MetaTypeName::List(given), MetaTypeName::List(expected)) => is_compatible(given, expected),
        (_, MetaTypeName::NonNull(_)) => false,
        (MetaTypeName::NonNull(given), _) => is_compatible(given, expected),
        (MetaTypeName::Named(given), MetaTypeName::Named(expected)) => given == expected,
        _ => false,
    }
}
