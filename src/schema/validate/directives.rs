//! Section 5.7: directives.

use std::collections::HashSet;

use async_graphql::Positioned;
use async_graphql::parser::types::Directive;
use async_graphql::registry::__DirectiveLocation as Location;

use super::Validator;
use super::selections::Owner;

impl<'a> Validator<'a> {
    /// Checks the directives at a location in the document.
    pub(super) fn directives(&mut self, directives: &'a [Positioned<Directive>], location: Location) {
        let mut names = HashSet::new();
        for Positioned { node: directive, pos } in directives {
            let name = &directive.name.node;
            let definition = self.registry.directives.get(name.as_str());
            match definition {
                // Section 5.7.1, Directives Are Defined.
                None => self.report(*pos, format!("Unknown directive \"{name}\"")),
                // Section 5.7.2, Directives Are in Valid Locations.
                Some(definition) if !definition.locations.contains(&location) => {
                    self.report(*pos, format!("Directive \"{name}\" may not be used on \"{location:?}\""));
                }
                Some(_) => {}
            }
            // Section 5.7.3, Directives Are Unique per Location.
            let is_repeatable = definition.is_some_and(|definition| definition.is_repeatable);
            if !names.insert(name) && definition.is_some() && !is_repeatable {
                self.report(*pos, format!("Duplicate directive \"{name}\""));
            }
            let owner = Owner {
                unknown: |argument: &str| format!("Unknown argument \"{argument}\" on directive \"{name}\"."),
                missing: |argument: &str| {
                    format!("Directive \"@{name}\" argument \"{argument}\" is required but not provided")
                },
            };
            let definitions = definition.map(|definition| &definition.args);
            self.arguments(&directive.arguments, definitions, definition.is_some(), *pos, &owner);
        }
    }
}
