//! Options file: the entities of a live database, policies and sign-in, in TOML.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::Path;

use crowsfoot::model::{OnDelete, TableOptions};
use crowsfoot::policy::{Policies, RoleGrants, ViewerType};
use crowsfoot::server::JwtSettings;
use serde::Deserialize;

use crate::Failure;

/// Similarity from which a known name is suggested for an unknown one.
const LEAST_SIMILARITY: f64 = 0.7;

/// Options file: `crowsfoot.toml`. Unknown keys are faults.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Options {
    /// Patterns of tables to serve; all if empty.
    #[serde(default)]
    include: Vec<String>,
    /// Patterns of tables to leave out.
    #[serde(default)]
    exclude: Vec<String>,
    /// Options of entities, by table.
    #[serde(default)]
    entities: BTreeMap<String, EntitySection>,
    /// Variables of the viewer, with their types.
    #[serde(default)]
    viewer: BTreeMap<String, ViewerType>,
    /// Roles, with their grants.
    #[serde(default)]
    roles: BTreeMap<String, RoleGrants>,
    /// Verification of tokens.
    #[serde(default)]
    pub sign_in: Option<JwtSettings>,
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
    on_delete: BTreeMap<String, OnDelete>,
    order_by: Option<String>,
    scope: Option<String>,
}

impl Options {
    /// Reads a file; without a file, the options are empty.
    ///
    /// # Errors
    /// If the file cannot be read, or has a fault.
    pub fn read(file: Option<&Path>) -> Result<Self, Failure> {
        Self::of_file(file, &text(file)?)
    }

    /// Reads the text of a file.
    ///
    /// # Errors
    /// If the text has a fault: with its line and column, and without the text of the line, which may contain a secret.
    pub fn of_file(file: Option<&Path>, text: &str) -> Result<Self, Failure> {
        let name = file.unwrap_or(Path::new("options")).display();
        Ok(Self::parse(text).map_err(|fault| format!("{name}: {fault}"))?)
    }

    fn parse(text: &str) -> Result<Self, String> {
        toml::from_str(text).map_err(|error| {
            let place = error.span().map(|span| place(text, &span)).unwrap_or_default();
            format!("{place}{}{}", error.message(), suggestion(error.message()))
        })
    }

    /// Returns the policies; `None` without roles.
    pub fn policies(&self) -> Option<Policies> {
        (!self.roles.is_empty()).then(|| Policies::from_parts(self.viewer.clone(), self.roles.clone()))
    }

    /// Returns true if the file has options of entities, which only a live database has.
    pub fn is_about_tables(&self) -> bool {
        !self.include.is_empty() || !self.exclude.is_empty() || !self.entities.is_empty()
    }

    /// Returns the options of the entities.
    pub fn tables(self) -> TableOptions {
        let options = self.include.into_iter().fold(TableOptions::new(), TableOptions::include);
        let options = self.exclude.into_iter().fold(options, TableOptions::exclude);
        self.entities.into_iter().fold(options, |options, (table, section)| {
            options.entity(table, |mut entity| {
                if let Some(name) = section.name {
                    entity = entity.name(name);
                }
                if let Some(plural) = section.plural {
                    entity = entity.plural(plural);
                }
                if let Some(order) = section.order_by {
                    entity = entity.order_by(order);
                }
                if let Some(scope) = section.scope {
                    entity = entity.scope(scope);
                }
                entity =
                    section.rename.into_iter().fold(entity, |entity, (from, to)| entity.rename(from, to));
                entity = section.hide.into_iter().fold(entity, |entity, field| entity.hide(field));
                entity = section.many.into_iter().fold(entity, |entity, relation| entity.many(relation));
                entity =
                    section.generated.into_iter().fold(entity, |entity, column| entity.generated(column));
                let lists = section.list_through.into_iter();
                entity = lists.fold(entity, |entity, (relation, field)| entity.list_through(relation, field));
                let rules = section.on_delete.into_iter();
                rules.fold(entity, |entity, (relation, rule)| entity.on_delete(relation, rule))
            })
        })
    }
}

/// Returns the text of an options file; without a file, an empty text.
///
/// # Errors
/// If the file cannot be read.
pub fn text(file: Option<&Path>) -> Result<String, Failure> {
    let Some(file) = file else { return Ok(String::new()) };
    Ok(std::fs::read_to_string(file).map_err(|error| format!("{}: {error}", file.display()))?)
}

/// Formats the line and column of a span.
fn place(text: &str, span: &Range<usize>) -> String {
    let before = text.get(..span.start).unwrap_or(text);
    let line = before.matches('\n').count() + 1;
    let column = before.chars().rev().take_while(|character| *character != '\n').count() + 1;
    format!("line {line}, column {column}: ")
}

/// Returns the known name that an unknown one resembles, as the end of a message.
fn suggestion(message: &str) -> String {
    // The message has the unknown name and then the known ones, each between backticks.
    let mut names = message.split('`').skip(1).step_by(2);
    let Some(unknown) = names.next().filter(|_| message.starts_with("unknown")) else { return String::new() };
    let similar = names.map(|name| (strsim::jaro_winkler(unknown, name), name));
    let nearest = similar.max_by(|(one, _), (other, _)| one.total_cmp(other));
    match nearest.filter(|(similarity, _)| *similarity >= LEAST_SIMILARITY) {
        Some((_, name)) => format!("\nDid you mean `{name}`?"),
        None => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(text: &str) -> String {
        Options::parse(text).map(drop).unwrap_err()
    }

    #[test]
    fn an_unknown_key_is_named_with_line_column_and_suggestion() {
        let error = fault("include = [\"a*\"]\n\n[entities.users]\nplurl = \"people\"\n");
        assert!(
            error.starts_with("line 4, column 1: unknown field") && error.ends_with("Did you mean `plural`?"),
            "{error}"
        );
        let error = fault("[entities.users.on_delete]\nposts = \"cascde\"\n");
        assert!(
            error.starts_with("line 2, column 9") && error.ends_with("Did you mean `cascade`?"),
            "{error}"
        );
        let error = fault("[entities.users]\nname = 1\n");
        assert!(error.starts_with("line 2, column 8") && !error.contains("Did you mean"), "{error}");
        let error = fault("entities = [");
        assert!(error.starts_with("line 1, "), "{error}");
    }

    #[test]
    fn a_fault_of_policies_and_sign_in_has_its_place_and_no_secret() {
        assert!(
            fault("[roles.user]\n\n[rolse.user]\n").starts_with("line 3, column 2: unknown field `rolse`")
        );
        let grant = fault("[roles.user.Post]\nread = \"true\"\ncolums = [\"*\"]\n");
        assert!(grant.starts_with("line 3, column 1: unknown field `colums`"), "{grant}");
        let of = fault("[viewer]\nuserId = \"Int?\"\n");
        assert!(of.starts_with("line 2, column 10: expected a type"), "{of}");
        let secret = fault("[sign_in]\nalgorithms = [\"HS256\"]\nsecert = \"not for the log\"\n");
        assert!(secret.starts_with("line 3, column 1: unknown field `secert`"), "{secret}");
        assert!(!secret.contains("not for"), "{secret}");
        let none = fault("[sign_in]\nalgorithms = [\"none\"]\n");
        assert!(none.starts_with("line 2, column 15: unknown variant `none`"), "{none}");
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
            order_by = "{ id: DESC }"
            scope = "{ id: { gt: 1 } }"
        "#;
        let read = format!("{:?}", Options::parse(text).unwrap().tables());
        for value in [
            "\"*\"", "old_*", "Account", "people", "password", "\"user\"", "length", "articles", "fans",
            "SetNull", "DESC", "gt: 1",
        ] {
            assert!(read.contains(value), "{value}: {read}");
        }
    }
}
