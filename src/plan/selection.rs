//! Field collection: spreads fragments, applies `@skip` and `@include`, and merges fields with one response
//! key (September 2025, section 6.3.2, CollectFields).

use std::collections::{HashMap, HashSet};

use async_graphql::parser::types::{Directive, Field, FragmentDefinition, Selection, SelectionSet};
use async_graphql::{Name, Pos, Positioned};
use indexmap::IndexMap;

use super::input::Arguments;
use super::variables::Variables;
use crate::error::{Error, Result};

/// Fragments of a document, by name.
pub type FragmentDefinitions = HashMap<Name, Positioned<FragmentDefinition>>;

/// Parts of a document that a selection may refer to.
#[derive(Clone, Copy, Debug)]
pub struct Document<'a> {
    /// Fragments of the document.
    pub fragments: &'a FragmentDefinitions,
    /// Variables of the request.
    pub variables: &'a Variables,
}

/// Fields of a selection that share a response key.
#[derive(Debug)]
pub struct Merged<'a> {
    /// Response key.
    pub key: &'a Name,
    /// Fields, equal in name and arguments.
    fields: Vec<&'a Positioned<Field>>,
}

impl<'a> Merged<'a> {
    /// Adds a field (September 2025, section 5.3.2, Field Selection Merging). async-graphql compares only
    /// adjacent fields, not fields from fragments or below merged fields.
    fn add(&mut self, field: &'a Positioned<Field>) -> Result<()> {
        if self.fields.first().is_some_and(|first| !asks_for_the_same(&first.node, &field.node)) {
            return Err(Error::validation(format!(
                "fields \"{}\" conflict: they are different fields or have different arguments; give them different aliases",
                self.key
            )));
        }
        self.fields.push(field);
        Ok(())
    }

    fn first(&self) -> &'a Positioned<Field> {
        self.fields[0]
    }

    /// Returns the field's name in the schema.
    pub fn name(&self) -> &'a Name {
        &self.first().node.name.node
    }

    /// Returns the position of the first field in the document.
    pub fn position(&self) -> Pos {
        self.first().pos
    }

    /// Returns the nested selection sets.
    pub fn selection_sets(&self) -> Vec<&'a SelectionSet> {
        self.fields.iter().map(|field| &field.node.selection_set.node).collect()
    }

    /// Returns the fields as the document has them.
    pub fn nodes(&self) -> Vec<Positioned<Field>> {
        self.fields.iter().map(|field| (*field).clone()).collect()
    }

    /// Returns the arguments.
    pub fn arguments(&self, document: &Document<'a>) -> Arguments<'a> {
        Arguments::new(&self.first().node.arguments, document.variables)
    }
}

impl<'a> Document<'a> {
    /// Collects the fields that `sets` select on the type `type_name`, which implements `interfaces`.
    pub fn collect(
        &self,
        sets: &[&'a SelectionSet],
        type_name: &str,
        interfaces: &[&str],
    ) -> Result<Vec<Merged<'a>>> {
        let mut collected = IndexMap::new();
        let mut visited = HashSet::new();
        for set in sets {
            self.collect_into(set, type_name, interfaces, &mut visited, &mut collected)?;
        }
        Ok(collected.into_values().collect())
    }

    fn collect_into(
        &self,
        set: &'a SelectionSet,
        type_name: &str,
        interfaces: &[&str],
        visited: &mut HashSet<&'a str>,
        collected: &mut IndexMap<&'a Name, Merged<'a>>,
    ) -> Result<()> {
        let applies = |condition: &str| condition == type_name || interfaces.contains(&condition);
        for selection in &set.items {
            if self.is_skipped(directives(&selection.node))? {
                continue;
            }
            match &selection.node {
                Selection::Field(field) => {
                    let key = &field.node.response_key().node;
                    collected.entry(key).or_insert(Merged { key, fields: Vec::new() }).add(field)?;
                }
                Selection::FragmentSpread(spread) => {
                    let name = &spread.node.fragment_name.node;
                    // A second spread adds nothing, and a cycle ends here.
                    if !visited.insert(name) {
                        continue;
                    }
                    let fragment = self
                        .fragments
                        .get(name)
                        .ok_or_else(|| Error::validation(format!("unknown fragment \"{name}\"")))?;
                    if applies(&fragment.node.type_condition.node.on.node) {
                        let set = &fragment.node.selection_set.node;
                        self.collect_into(set, type_name, interfaces, visited, collected)?;
                    }
                }
                Selection::InlineFragment(fragment) => {
                    let condition = fragment.node.type_condition.as_ref();
                    if condition.is_none_or(|condition| applies(&condition.node.on.node)) {
                        let set = &fragment.node.selection_set.node;
                        self.collect_into(set, type_name, interfaces, visited, collected)?;
                    }
                }
            }
        }
        Ok(())
    }

    fn is_skipped(&self, directives: &[Positioned<Directive>]) -> Result<bool> {
        for directive in directives {
            let skips_when = match directive.node.name.node.as_str() {
                "skip" => true,
                "include" => false,
                _ => continue,
            };
            let condition = Arguments::new(&directive.node.arguments, self.variables).get("if");
            let missing = || Error::bad_input("if", serde_json::Value::Null, "expected true or false");
            if condition.ok_or_else(missing)?.boolean()? == skips_when {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

/// Returns true if two fields have equal names and equal arguments, in any order.
fn asks_for_the_same(one: &Field, other: &Field) -> bool {
    let argument = |name: &str| {
        let found = other.arguments.iter().find(|(known, _)| known.node == name);
        found.map(|(_, value)| &value.node)
    };
    one.name.node == other.name.node
        && one.arguments.len() == other.arguments.len()
        && one.arguments.iter().all(|(name, value)| argument(&name.node) == Some(&value.node))
}

fn directives(selection: &Selection) -> &[Positioned<Directive>] {
    match selection {
        Selection::Field(field) => &field.node.directives,
        Selection::FragmentSpread(spread) => &spread.node.directives,
        Selection::InlineFragment(fragment) => &fragment.node.directives,
    }
}
