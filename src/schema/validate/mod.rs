//! Validation (September 2025, section 5): checks a document before it is planned. The result does not depend
//! on variable values, so it is cached with the document.
//!
//! Some rules are enforced elsewhere. The parser refuses duplicate operations, fragments or input fields, an
//! anonymous operation beside another one, and definitions that are not executable (sections 5.1.1, 5.2.2.1,
//! 5.2.3.1, 5.5.1.1 and 5.6.3). The guard refuses fragment cycles (section 5.5.2.2).
//!
//! async-graphql's validation is not used: it misses faults that graphql-js finds, and refuses valid
//! documents.

mod directives;
mod fragments;
mod merging;
mod operations;
mod selections;
mod suggestions;
mod values;
mod variables;

use std::collections::{HashMap, HashSet};

use async_graphql::Pos;
use async_graphql::parser::types::ExecutableDocument;
use async_graphql::registry::{MetaType, MetaTypeName, Registry};

use crate::error::{Error, LocatedError};
use values::Usage;
pub(super) use values::{Path, Place, Walk};

/// Returns the errors of a document in the order of its text; empty if it is valid.
pub(super) fn validate(registry: &Registry, document: &ExecutableDocument) -> Vec<LocatedError> {
    let mut validator = Validator {
        registry,
        document,
        errors: Vec::new(),
        part: PartUsages::default(),
        fragments: HashMap::new(),
    };
    validator.fragments();
    validator.operations();
    validator.errors.sort_by_key(|error| error.locations.first().copied());
    validator.errors
}

struct Validator<'a> {
    registry: &'a Registry,
    document: &'a ExecutableDocument,
    errors: Vec<LocatedError>,
    /// Current operation or fragment.
    part: PartUsages<'a>,
    /// Fragments read so far.
    fragments: HashMap<&'a str, PartUsages<'a>>,
}

/// References of an operation or a fragment itself, without its spread fragments.
#[derive(Debug, Default)]
struct PartUsages<'a> {
    usages: Vec<Usage<'a>>,
    spreads: Vec<&'a str>,
}

impl<'a> Validator<'a> {
    fn report(&mut self, position: Pos, message: String) {
        self.report_at(&[position], message);
    }

    fn report_at(&mut self, positions: &[Pos], message: String) {
        let error = Error::validation(message);
        self.errors.push(LocatedError { error, path: Vec::new(), locations: positions.to_vec() });
    }

    /// Returns the names of the fragments that a part spreads, directly or indirectly.
    fn spread_by(&self, part: &PartUsages<'a>) -> HashSet<&'a str> {
        let mut names = HashSet::new();
        let mut waiting = part.spreads.clone();
        while let Some(name) = waiting.pop() {
            if names.insert(name)
                && let Some(fragment) = self.fragments.get(name)
            {
                waiting.extend(&fragment.spreads);
            }
        }
        names
    }

    /// Returns the named type inside all wrappers of a type.
    fn named_type(&self, of: &str) -> Option<&'a MetaType> {
        self.registry.types.get(MetaTypeName::concrete_typename(of))
    }
}
