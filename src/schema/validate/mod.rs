//! Validation (September 2025, section 5): the rules that a document is checked by before it is planned. No value of a
//! variable takes part, so the verdict is kept with the document.
//!
//! Some rules are kept elsewhere. A document that has two operations, fragments or input fields of one name, an operation
//! without a name beside another one, or a definition that is not executable, is refused while it is parsed (sections 5.1.1,
//! 5.2.2.1, 5.2.3.1, 5.5.1.1 and 5.6.3); fragments that spread themselves by the guard (section 5.5.2.2).
//!
//! async-graphql's validation is not used: it misses faults that graphql-js finds, and refuses documents that are valid.

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
pub(super) use values::{Path, Place, Walk};
use variables::Usage;

/// Returns the errors of a document in the order of its text; none where it is valid.
pub(super) fn validate(registry: &Registry, document: &ExecutableDocument) -> Vec<LocatedError> {
    let mut validator = Validator {
        registry,
        document,
        errors: Vec::new(),
        part: Part::default(),
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
    /// The operation or fragment that is being read.
    part: Part<'a>,
    /// All fragments, once they were read.
    fragments: HashMap<&'a str, Part<'a>>,
}

/// What an operation or a fragment refers to by itself, without the fragments that it spreads.
#[derive(Debug, Default)]
struct Part<'a> {
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

    /// The names of the fragments that a part spreads, directly or by other fragments.
    fn spread_by(&self, part: &Part<'a>) -> HashSet<&'a str> {
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

    /// The type behind all wrappers of a type of the schema.
    fn named_type(&self, of: &str) -> Option<&'a MetaType> {
        self.registry.types.get(MetaTypeName::concrete_typename(of))
    }
}
