//! Which fields a selection asks for: fragments spread, `@skip` and `@include` obeyed, fields of one name merged
//! (October 2021, section 6.3.2, CollectFields).

use std::collections::{HashMap, HashSet};

use async_graphql::parser::types::{Directive, Field, FragmentDefinition, Selection, SelectionSet};
use async_graphql::{Name, Pos, Positioned};
use indexmap::IndexMap;

use super::input::Arguments;
use super::variables::Variables;
use crate::error::{Error, Result};

/// A document's parts that a selection may refer to.
#[derive(Clone, Copy, Debug)]
pub struct Document<'a> {
    /// Its fragments.
    pub fragments: &'a HashMap<Name, Positioned<FragmentDefinition>>,
    /// The request's variables.
    pub variables: &'a Variables,
}

/// Every field that a selection has under one name.
#[derive(Debug)]
pub struct Merged<'a> {
    /// The name in the answer.
    pub key: &'a Name,
    /// The fields, which ask for the same with the same arguments.
    fields: Vec<&'a Positioned<Field>>,
}

impl<'a> Merged<'a> {
    /// Adds a field (October 2021, section 5.3.2, Field Selection Merging). async-graphql compares those that stand
    /// side by side, and neither what comes from fragments nor what is below fields that merge.
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

    /// The field's name in the schema.
    pub fn name(&self) -> &'a Name {
        &self.first().node.name.node
    }

    /// Where it first stands in the document.
    pub fn position(&self) -> Pos {
        self.first().pos
    }

    /// What is selected below.
    pub fn selection_sets(&self) -> Vec<&'a SelectionSet> {
        self.fields.iter().map(|field| &field.node.selection_set.node).collect()
    }

    /// Its arguments.
    pub fn arguments(&self, document: &Document<'a>) -> Arguments<'a> {
        Arguments::new(&self.first().node.arguments, document.variables)
    }
}

impl<'a> Document<'a> {
    /// The fields that `sets` select on the type `type_name`, which implements `interfaces`.
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
                    // Once is enough: a second spread adds nothing, and a cycle ends here.
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

/// Whether two fields have the same name and the same arguments, in whatever order.
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
