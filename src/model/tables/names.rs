//! Names of entities, columns and relations after tables, columns and keys.
//!
//! | part | name | example |
//! | --- | --- | --- |
//! | entity | singular of the table without a common prefix | `shop_orders` is `Order` |
//! | forward relation | the key's column without `_id` | `owner_id` is `owner` |
//! | | a column without such an end: the target | `country_code` to countries is `country` |
//! | | a key of several columns: the target | `tenant_id, team_id` is `team` |
//! | reverse relation | the entity that holds the key | `books`, or `passport` if it is one |
//! | | entities that only a prefix tells apart: also the prefix | `basketLines`, `orderLines` |
//! | | several keys to one target: also the key | `homeGames`, `ticketsAssignedTo`, `messagesBySender` |
//! | list through a junction | plural of the target | `courses` |
//! | | a junction named after the owner and the list | `range_excluded_categories` is `excludedCategories` |
//! | | several keys of the junction to one target: the key | `followers` |

use std::collections::BTreeMap;

use heck::ToSnakeCase;

use super::served::Served;
use crate::model::{TableKind, names};

/// Number of tables that make a common beginning a prefix.
const FEWEST_WITH_PREFIX: usize = 3;

/// Words that end a participle or a verb, after which the object is missing: `created_by`.
const PREPOSITIONS: [&str; 9] = ["by", "to", "from", "for", "in", "at", "of", "on", "with"];

/// Names of an entity.
pub(in crate::model) struct EntityNames {
    /// Type names in order of preference.
    pub types: Vec<String>,
    /// Type after which relations are named, in snake_case: the option's, or the preferred.
    word: String,
    /// Plural of [`EntityNames::word`].
    words: String,
    /// Table, in snake_case.
    table: String,
}

impl EntityNames {
    /// Returns the names of an entity and its table: `types` in order of preference, unless an option chose one.
    pub fn new(types: Vec<String>, table: String, chosen: Option<&String>) -> Self {
        let singular = chosen.or(types.first()).cloned().unwrap_or_default();
        Self {
            types,
            word: singular.to_snake_case(),
            words: names::list_field(&singular).to_snake_case(),
            table,
        }
    }
}

/// Returns the names of all entities.
pub(super) fn entities(tables: &[Served]) -> Vec<EntityNames> {
    let readable: Vec<String> =
        tables.iter().map(|table| names::readable(&table.description.table.name, "table")).collect();
    let prefixes = prefixes(tables, &readable);
    let name = |((table, words), prefix): ((&Served, &String), usize)| {
        let stripped: Vec<&str> = words.split('_').skip(prefix).collect();
        // A rest that begins with a digit is no name.
        let stripped = names::readable(&stripped.join("_"), "table");
        let mut types = vec![names::type_of(&stripped), names::type_of(words)];
        if let Some(schema) = &table.description.table.schema {
            types.push(names::type_of(&format!("{}_{words}", names::readable(schema, "schema"))));
        }
        types.dedup();
        EntityNames::new(types, words.clone(), table.options.name.as_ref())
    };
    tables.iter().zip(&readable).zip(prefixes).map(name).collect()
}

/// Returns the number of words at the beginning of each table's name that are a prefix: of all tables, or of a
/// Django application. Views have the prefix if their names begin with it; they do not decide about it.
fn prefixes(tables: &[Served], readable: &[String]) -> Vec<usize> {
    let split: Vec<Vec<&str>> = readable.iter().map(|name| name.split('_').collect()).collect();
    let is_table = |table: &&Served| table.description.kind == TableKind::Table;
    let deciding = tables.iter().zip(&split).filter(|(table, _)| is_table(table)).map(|(_, words)| words);
    let is_django = tables.iter().any(|table| table.description.table.name == "django_content_type");
    if is_django {
        let mut applications: BTreeMap<&str, Vec<&Vec<&str>>> = BTreeMap::new();
        for words in deciding {
            applications.entry(words[0]).or_default().push(words);
        }
        let prefixes: BTreeMap<&str, &[&str]> =
            applications.into_iter().map(|(application, names)| (application, common(&names))).collect();
        let of_application = |words: &Vec<&str>| prefixes.get(words[0]).copied().unwrap_or_default();
        return split.iter().map(|words| begins(words, of_application(words))).collect();
    }
    let all: Vec<&Vec<&str>> = deciding.collect();
    let prefix = if all.len() < FEWEST_WITH_PREFIX { &[] } else { common(&all) };
    split.iter().map(|words| begins(words, prefix)).collect()
}

/// Returns the length of the prefix if the name begins with it and has a further word.
fn begins(words: &[&str], prefix: &[&str]) -> usize {
    if words.len() > prefix.len() && words.starts_with(prefix) { prefix.len() } else { 0 }
}

/// Returns the words with which all names begin. At least one word of each name is left.
fn common<'a>(names: &[&'a Vec<&str>]) -> &'a [&'a str] {
    let Some(first) = names.first() else { return &[] };
    let shortest = names.iter().map(|words| words.len()).min().unwrap_or(0);
    let is_common = |place: &usize| names.iter().all(|words| words[*place] == first[*place]);
    let most = if names.len() == 1 { 1 } else { usize::MAX };
    &first[..(0..shortest.saturating_sub(1).min(most)).take_while(is_common).count()]
}

/// Returns the field of a column.
pub(super) fn field_of_column(column: &str) -> String {
    field(&names::readable(column, "column"))
}

/// Returns a field; a name that would begin with a digit in camelCase gets a word before it.
fn field(words: &str) -> String {
    names::field(&names::readable(words, "field"))
}

/// Foreign key, as far as names depend on it.
pub(in crate::model) struct KeyWords<'a> {
    /// Columns of the key.
    pub columns: &'a [String],
    /// Referenced columns.
    pub target_columns: &'a [String],
    /// Columns that no other key of the table has.
    pub own: Vec<&'a String>,
    pub holder: &'a EntityNames,
    pub target: &'a EntityNames,
    /// True if the key references its own table.
    pub is_to_itself: bool,
    /// True if the table has a further key to the same target.
    pub has_siblings: bool,
    /// Targets of the table's other keys.
    pub others: Vec<&'a EntityNames>,
}

impl KeyWords<'_> {
    /// Returns the words of a column without the end that says that it is a key: `owner_id`, `fk_owner`.
    fn stem(&self, column: &str) -> Option<String> {
        let words = names::readable(column, "column");
        let target = &self.target.word;
        let place = self.columns.iter().position(|name| name == column);
        let referenced = place.and_then(|place| self.target_columns.get(place));
        let referenced = referenced.map(|name| names::readable(name, "column")).unwrap_or_default();
        if words == format!("{target}{referenced}") {
            return Some(target.clone());
        }
        let ends = ["_id".to_owned(), "_fk".to_owned(), "_uuid".to_owned(), format!("_{referenced}")];
        let without_end = ends.iter().find_map(|end| words.strip_suffix(end.as_str()));
        let begun = without_end.unwrap_or(&words);
        let without_begin = ["id_", "fk_"].iter().find_map(|begin| begun.strip_prefix(begin));
        let stem = without_begin.or(without_end)?;
        let is_name = |stem: &&str| stem.starts_with(|first: char| first.is_ascii_alphabetic());
        Some(stem).filter(is_name).map(str::to_owned)
    }

    /// Returns the words by which people tell the key from others: its stem, or else its columns.
    fn words(&self) -> String {
        match (self.own_stem(), self.columns) {
            (Some(stem), _) => stem,
            (None, columns) => {
                let words: Vec<String> =
                    columns.iter().map(|column| names::readable(column, "column")).collect();
                words.join("_and_")
            }
        }
    }

    /// Returns the stem of the only column, or of the only one that no other key has.
    fn own_stem(&self) -> Option<String> {
        match (self.columns, self.own.as_slice()) {
            ([column], _) => self.stem(column),
            (_, [column]) => self.stem(column),
            _ => None,
        }
    }

    /// Returns the fields of the forward relation in order of preference.
    pub fn forward(&self) -> Vec<String> {
        let target = &self.target.word;
        let with_target = |words: &str| {
            let is_named = words == target || words.ends_with(&format!("_{target}"));
            (!is_named).then(|| format!("{words}_{target}"))
        };
        let stem = self.own_stem();
        let longer = with_target(&self.words());
        let mut fields = Vec::new();
        if self.columns.len() == 1 {
            match stem {
                Some(stem) => fields.push(stem),
                None if self.is_to_itself => {}
                None => fields.push(target.clone()),
            }
        } else if self.is_to_itself {
            fields.extend(stem);
        } else {
            fields.push(target.clone());
            fields.extend(stem);
        }
        fields.extend(longer);
        if fields.is_empty() {
            fields.push(target.clone());
        }
        in_order(&fields)
    }

    /// Returns the fields of the reverse relation in order of preference.
    pub fn reverse(&self, is_list: bool) -> Vec<String> {
        let holder = if is_list { &self.holder.words } else { &self.holder.word };
        let (words, target) = (self.words(), &self.target.word);
        let by_key = format!("{holder}_by_{words}");
        let last = words.rsplit('_').next().unwrap_or_default();
        let with_key = match words.strip_suffix(&format!("_{target}")) {
            Some(role) => format!("{role}_{holder}"),
            None if words.contains('_') && PREPOSITIONS.contains(&last) => format!("{holder}_{words}"),
            None => by_key.clone(),
        };
        let child = if is_list { "children" } else { "child" };
        let is_confusing = self.is_to_itself && !is_list;
        let fields = if self.is_to_itself && words == "parent" {
            vec![child.to_owned(), holder.clone(), by_key]
        } else if self.has_siblings && words != *target || is_confusing {
            vec![with_key, by_key]
        } else {
            let with_prefix = self.holder.types.get(1).map(|longer| match is_list {
                true => names::list_field(longer).to_snake_case(),
                false => longer.to_snake_case(),
            });
            [Some(holder.clone()), with_prefix, Some(with_key), Some(by_key)].into_iter().flatten().collect()
        };
        in_order(&fields)
    }

    /// Returns the fields, in order of preference, of a list that follows this key of a junction.
    pub fn through(&self) -> Vec<String> {
        let targets = &self.target.words;
        let words = self.words();
        // A participle has no plural.
        let by_key = match words.ends_with("ed") || self.own_stem().is_none() {
            true => format!("{words}_{targets}"),
            false => names::list_field(&words).to_snake_case(),
        };
        let named = self.others.iter().find_map(|owner| self.named_after(owner));
        let is_of_target = |named: &&str| *named == targets || named.ends_with(&format!("_{targets}"));
        let by_name = named.filter(is_of_target).map(str::to_owned);
        let by_junction =
            format!("{targets}_by_{}", self.named_after(self.target).unwrap_or(&self.holder.word));
        let own = (!self.has_siblings).then(|| targets.clone());
        let fields: Vec<String> =
            [by_name, own, Some(by_key), Some(by_junction)].into_iter().flatten().collect();
        in_order(&fields)
    }

    /// Returns the rest of the junction's name after the name of an owner's table: Django names a junction after the model
    /// and its list.
    fn named_after(&self, owner: &EntityNames) -> Option<&str> {
        self.holder.table.strip_prefix(&owner.table)?.strip_prefix('_')
    }
}

/// Returns each field once.
fn in_order(words: &[String]) -> Vec<String> {
    let mut fields: Vec<String> = Vec::new();
    for field in words.iter().map(|words| field(words)) {
        if !fields.contains(&field) {
            fields.push(field);
        }
    }
    fields
}
