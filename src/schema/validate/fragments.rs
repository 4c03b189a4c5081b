//! Section 5.5: fragments.

use std::collections::HashSet;

use async_graphql::parser::types::{FragmentSpread, InlineFragment, TypeCondition};
use async_graphql::registry::{__DirectiveLocation as Location, MetaType};
use async_graphql::{Pos, Positioned};

use super::Validator;

impl<'a> Validator<'a> {
    /// Checks each fragment definition.
    pub(super) fn fragments(&mut self) {
        for (name, fragment) in &self.document.fragments {
            let condition = &fragment.node.type_condition;
            let on = self.condition(condition, |on| {
                format!("Fragment \"{name}\" cannot condition non composite type \"{on}\"")
            });
            self.directives(&fragment.node.directives, Location::FRAGMENT_DEFINITION);
            self.selection_set(&fragment.node.selection_set.node, on);
            let part = std::mem::take(&mut self.part);
            self.fragments.insert(name, part);
        }
    }

    /// Section 5.5.1.4, Fragments Must Be Used.
    pub(super) fn fragments_are_used(&mut self, used: &HashSet<&'a str>) {
        for (name, fragment) in &self.document.fragments {
            if !used.contains(name.as_str()) {
                self.report(fragment.pos, format!("Fragment \"{name}\" is never used"));
            }
        }
    }

    /// Checks that the type exists and is an object, interface or union (sections 5.5.1.2 and 5.5.1.3).
    fn condition(
        &mut self,
        condition: &'a Positioned<TypeCondition>,
        message: impl FnOnce(&str) -> String,
    ) -> Option<&'a MetaType> {
        let Positioned { node: on, pos } = &condition.node.on;
        match self.registry.types.get(on.as_str()) {
            None => self.report(*pos, format!("Unknown type \"{on}\"")),
            Some(found) if !found.is_composite() => self.report(*pos, message(on)),
            Some(found) => return Some(found),
        }
        None
    }

    pub(super) fn inline_fragment(
        &mut self,
        fragment: &'a Positioned<InlineFragment>,
        parent: Option<&'a MetaType>,
    ) {
        self.directives(&fragment.node.directives, Location::INLINE_FRAGMENT);
        let on = match &fragment.node.type_condition {
            None => parent,
            Some(condition) => {
                let on = self.condition(condition, |on| {
                    format!("Fragment cannot condition non composite type \"{on}\"")
                });
                self.spread_is_possible("Fragment", parent, on, fragment.pos);
                on
            }
        };
        self.selection_set(&fragment.node.selection_set.node, on);
    }

    pub(super) fn fragment_spread(
        &mut self,
        spread: &'a Positioned<FragmentSpread>,
        parent: Option<&'a MetaType>,
    ) {
        self.directives(&spread.node.directives, Location::FRAGMENT_SPREAD);
        let Positioned { node: name, pos } = &spread.node.fragment_name;
        // Section 5.5.2.1, Fragment Spread Target Defined.
        let Some(fragment) = self.document.fragments.get(name) else {
            self.report(*pos, format!("Unknown fragment: \"{name}\""));
            return;
        };
        self.part.spreads.push(name);
        let on = self.registry.types.get(fragment.node.type_condition.node.on.node.as_str());
        self.spread_is_possible(&format!("Fragment \"{name}\""), parent, on, spread.pos);
    }

    /// Section 5.5.2.3, Fragment Spread Is Possible.
    fn spread_is_possible(
        &mut self,
        fragment: &str,
        parent: Option<&'a MetaType>,
        on: Option<&'a MetaType>,
        position: Pos,
    ) {
        let (Some(parent), Some(on)) = (parent, on) else { return };
        if on.is_composite() && !overlap(parent, on) {
            let (parent, on) = (parent.name(), on.name());
            self.report(
                position,
                format!(
                    "{fragment} cannot be spread here as objects of type \"{parent}\" can never be of type \"{on}\""
                ),
            );
        }
    }
}

/// Returns true if an object can be of both types.
fn overlap(one: &MetaType, other: &MetaType) -> bool {
    let has = |of: &MetaType, name: &str| of.name() == name || of.is_possible_type(name);
    match (one.possible_types(), other.possible_types()) {
        (Some(possible), _) => possible.iter().any(|name| has(other, name)),
        (None, Some(possible)) => possible.contains(one.name()),
        (None, None) => one.name() == other.name(),
    }
}
