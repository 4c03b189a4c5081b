//! Options of a database's tables.

use std::collections::BTreeMap;

use crate::model::registry::EntityOptions;
use crate::model::{ModelFault, Table, TableDescription};

/// Options with which [`Registry::from_tables`](crate::Registry::from_tables) reads tables.
#[derive(Clone, Debug)]
pub struct TableOptions {
    /// True if both sides of each key are relations.
    pub(super) reverse_sides: bool,
    /// Names of values, by enum and stored text.
    pub(super) values: BTreeMap<(String, String), String>,
    include: Vec<String>,
    exclude: Vec<String>,
    entities: Vec<(String, EntityOptions)>,
}

impl Default for TableOptions {
    fn default() -> Self {
        Self {
            reverse_sides: true,
            values: BTreeMap::new(),
            include: Vec::new(),
            exclude: Vec::new(),
            entities: Vec::new(),
        }
    }
}

impl TableOptions {
    /// Returns options without an override.
    pub fn new() -> Self {
        Self::default()
    }

    /// Shows or hides the other sides of all keys, except those that [`EntityOptions::reverse`] names. They are shown by
    /// default.
    pub fn reverse_sides(mut self, shown: bool) -> Self {
        self.reverse_sides = shown;
        self
    }

    /// Names a value of a database enum in the schema.
    pub fn enum_value(
        mut self,
        enumeration: impl Into<String>,
        stored: impl Into<String>,
        name: impl Into<String>,
    ) -> Self {
        self.values.insert((enumeration.into(), stored.into()), name.into());
        self
    }

    /// Serves only tables whose name matches one of these patterns: `*` stands for any letters. A pattern with a point
    /// matches the schema and the table: `shop.*`.
    pub fn include(mut self, pattern: impl Into<String>) -> Self {
        self.include.push(pattern.into());
        self
    }

    /// Leaves out tables whose name matches this pattern.
    pub fn exclude(mut self, pattern: impl Into<String>) -> Self {
        self.exclude.push(pattern.into());
        self
    }

    /// Sets the options of the entity of a table, which is named by its table: `user_infos` or `shop.orders`.
    pub fn entity(
        mut self,
        table: impl Into<String>,
        options: impl FnOnce(EntityOptions) -> EntityOptions,
    ) -> Self {
        self.entities.push((table.into(), options(EntityOptions::default())));
        self
    }

    /// Returns true if the table is included and not excluded.
    pub(super) fn includes(&self, table: &Table) -> bool {
        let any = |patterns: &[String]| patterns.iter().any(|pattern| matches(pattern, table));
        (self.include.is_empty() || any(&self.include)) && !any(&self.exclude)
    }

    /// Returns true if an option names the table, without a pattern.
    pub(super) fn names(&self, table: &Table) -> bool {
        let names = self.include.iter().chain(self.entities.iter().map(|(name, _)| name));
        names.filter(|name| !name.contains('*')).any(|name| matches(name, table))
    }

    /// Returns a fault for each option of a table that does not exist.
    pub(super) fn unknown(&self, tables: &[TableDescription]) -> Vec<ModelFault> {
        let exists = |name: &str| tables.iter().any(|known| matches(name, &known.table));
        let unknown = self.entities.iter().map(|(name, _)| name).filter(|name| !exists(name));
        let known: Vec<String> = tables.iter().map(|known| known.table.to_string()).collect();
        unknown.map(|name| ModelFault::unknown_option("the database", name, &known)).collect()
    }

    /// Returns the table that an option names.
    pub(super) fn find<'a>(tables: &'a [TableDescription], name: &str) -> Option<&'a TableDescription> {
        tables.iter().find(|known| known.table.name == name || known.table.to_string() == name)
    }

    /// Returns the options of a table.
    pub(super) fn of_table(&self, table: &Table) -> EntityOptions {
        let found = self.entities.iter().find(|(name, _)| matches(name, table));
        found.map(|(_, options)| options.clone()).unwrap_or_default()
    }
}

fn matches(pattern: &str, table: &Table) -> bool {
    matches_text(pattern, &table.name) || matches_text(pattern, &table.to_string())
}

/// Returns true if a text matches a pattern: its parts between `*` follow each other.
fn matches_text(pattern: &str, text: &str) -> bool {
    let Some((first, rest)) = pattern.split_once('*') else { return pattern == text };
    let Some(mut text) = text.strip_prefix(first) else { return false };
    let mut parts: Vec<&str> = rest.split('*').collect();
    let Some(last) = parts.pop() else { return true };
    for part in parts {
        let Some(found) = text.find(part) else { return false };
        text = &text[found + part.len()..];
    }
    text.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stands_for_any_letters() {
        for (pattern, text) in
            [("a", "a"), ("*", ""), ("a*", "abc"), ("*c", "abc"), ("a*b*c", "a-b-c"), ("*b*", "abc")]
        {
            assert!(matches_text(pattern, text), "{pattern} {text}");
        }
        for (pattern, text) in [("a", "ab"), ("a*a", "a"), ("*b", "abc"), ("a*c*b", "abc"), ("ab*bc", "abc")]
        {
            assert!(!matches_text(pattern, text), "{pattern} {text}");
        }
    }
}
