//! Options of a live database's entities, from a TOML file.

use std::collections::BTreeMap;
use std::path::Path;

use crowsfoot::model::{OnDelete, TableOptions};
use serde::Deserialize;

use crate::Failure;

/// Similarity from which a known name is suggested for an unknown one.
const LEAST_SIMILARITY: f64 = 0.7;

/// Options file: `crowsfoot.toml`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct OptionsFile {
    /// Patterns of tables to serve; all if empty.
    #[serde(default)]
    include: Vec<String>,
    /// Patterns of tables to leave out.
    #[serde(default)]
    exclude: Vec<String>,
    /// Options of entities, by table.
    #[serde(default)]
    entities: BTreeMap<String, EntitySection>,
}

/// Section of one entity, in the words of [`EntityOptions`](crowsfoot::EntityOptions).
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct EntitySection {
    name: Option<String>,
    plural: Option<String>,
    #[serde(default)]
    rename: BTreeMap<String, String>,
    #[serde(default)]
    hide: Vec<String>,
    #[serde(default)]
    many: Vec<String>,
    #[serde(default)]
    generated: Vec<String>,
    #[serde(default)]
    list_through: BTreeMap<String, String>,
    #[serde(default)]
    on_delete: BTreeMap<String, DeletionRule>,
}

/// Deletion rule of the application.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
enum DeletionRule {
    Cascade,
    Protect,
    Restrict,
    SetNull,
    SetDefault,
    DoNothing,
}

impl From<DeletionRule> for OnDelete {
    fn from(rule: DeletionRule) -> Self {
        match rule {
            DeletionRule::Cascade => Self::Cascade,
            DeletionRule::Protect => Self::Protect,
            DeletionRule::Restrict => Self::Restrict,
            DeletionRule::SetNull => Self::SetNull,
            DeletionRule::SetDefault => Self::SetDefault,
            DeletionRule::DoNothing => Self::DoNothing,
        }
    }
}

/// Reads an options file. An error names the file, line and column.
pub fn read(file: &Path) -> Result<TableOptions, Failure> {
    let text = std::fs::read_to_string(file).map_err(|error| format!("{}: {error}", file.display()))?;
    Ok(parse(&text).map_err(|error| format!("{}: {error}", file.display()))?)
}

fn parse(text: &str) -> Result<TableOptions, String> {
    let file: OptionsFile = toml::from_str(text).map_err(|error| with_suggestion(&error))?;
    let options = file.include.into_iter().fold(TableOptions::new(), TableOptions::include);
    let options = file.exclude.into_iter().fold(options, TableOptions::exclude);
    Ok(file.entities.into_iter().fold(options, |options, (table, section)| {
        options.entity(table, |mut entity| {
            if let Some(name) = section.name {
                entity = entity.name(name);
            }
            if let Some(plural) = section.plural {
                entity = entity.plural(plural);
            }
            entity = section.rename.into_iter().fold(entity, |entity, (from, to)| entity.rename(from, to));
            entity = section.hide.into_iter().fold(entity, |entity, field| entity.hide(field));
            entity = section.many.into_iter().fold(entity, |entity, relation| entity.many(relation));
            entity = section.generated.into_iter().fold(entity, |entity, column| entity.generated(column));
            let lists = section.list_through.into_iter();
            entity = lists.fold(entity, |entity, (relation, field)| entity.list_through(relation, field));
            let rules = section.on_delete.into_iter();
            rules.fold(entity, |entity, (relation, rule)| entity.on_delete(relation, rule.into()))
        })
    }))
}

/// Returns the text of an error with its line and column, and the known name that an unknown one resembles.
fn with_suggestion(error: &toml::de::Error) -> String {
    let text = error.to_string();
    let text = text.trim_end();
    // The message has the unknown name and then the known ones, each between backticks.
    let mut names = error.message().split('`').skip(1).step_by(2);
    let Some(unknown) = names.next().filter(|_| error.message().starts_with("unknown")) else {
        return text.to_owned();
    };
    let similar = names.map(|name| (strsim::jaro_winkler(unknown, name), name));
    let nearest = similar.max_by(|(one, _), (other, _)| one.total_cmp(other));
    match nearest.filter(|(similarity, _)| *similarity >= LEAST_SIMILARITY) {
        Some((_, name)) => format!("{text}\nDid you mean `{name}`?"),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_key_is_named_with_line_column_and_suggestion() {
        let error = parse("include = [\"a*\"]\n\n[entities.users]\nplurl = \"people\"\n").unwrap_err();
        assert!(error.contains("line 4, column 1") && error.ends_with("Did you mean `plural`?"), "{error}");
        let error = parse("[entities.users.on_delete]\nposts = \"cascde\"\n").unwrap_err();
        assert!(error.contains("line 2, column 9") && error.ends_with("Did you mean `cascade`?"), "{error}");
        let error = parse("[entities.users]\nname = 1\n").unwrap_err();
        assert!(error.contains("line 2, column 8") && !error.contains("Did you mean"), "{error}");
        let error = parse("entities = [").unwrap_err();
        assert!(error.contains("line 1"), "{error}");
    }

    #[test]
    fn every_key_is_read() {
        let text = r#"
            include = ["*"]
            exclude = ["old_*"]
            [entities.users]
            name = "Account"
            plural = "people"
            hide = ["password"]
            many = ["user"]
            generated = ["length"]
            rename = { posts = "articles" }
            list_through = { follower = "fans" }
            on_delete = { posts = "set_null" }
        "#;
        let read = format!("{:?}", parse(text).unwrap());
        for value in [
            "\"*\"", "old_*", "Account", "people", "password", "\"user\"", "length", "articles", "fans",
            "SetNull",
        ] {
            assert!(read.contains(value), "{value}: {read}");
        }
    }
}
