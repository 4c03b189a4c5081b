//! Options file: the entities of a live database, policies and sign-in, in TOML.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::Path;

use crowsfoot::policy::{DatabaseSettings, Policies, RoleGrants, ViewerType};
use crowsfoot::server::{JwtSettings, WebhookSettings};
use crowsfoot::{EntityOptions, ModelError, ModelFault, OnDelete, Registry, Spelling, TableOptions};
use serde::de::value::{MapAccessDeserializer, SeqAccessDeserializer};
use serde::de::{MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};

use crate::Failure;
use crate::config::ModelSource;

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
    /// False to leave out the other sides of keys, except those that a section names.
    reverse_sides: Option<bool>,
    /// Column of the tenant, which the command line may name, too.
    tenant_column: Option<String>,
    /// Names of values, by enum and stored text.
    #[serde(default)]
    enum_values: BTreeMap<String, BTreeMap<String, String>>,
    /// Options of entities, by table.
    #[serde(default)]
    entities: BTreeMap<String, EntitySection>,
    /// Variables of the viewer, with their types.
    #[serde(default)]
    viewer: BTreeMap<String, ViewerType>,
    /// Roles, with their grants.
    #[serde(default)]
    roles: BTreeMap<String, RoleGrants>,
    /// Settings of viewers' statements in PostgreSQL.
    #[serde(default)]
    pub database: DatabaseSettings,
    /// Issuers of tokens: a table, or several.
    #[serde(default, deserialize_with = "one_or_several")]
    pub sign_in: Vec<JwtSettings>,
    /// Verification of opaque tokens.
    #[serde(default)]
    pub sign_in_webhook: Option<WebhookSettings>,
    /// Name of the file.
    #[serde(skip)]
    file: String,
    /// Text of the file.
    #[serde(skip)]
    text: String,
}

/// Section of one entity, in the words of [`EntityOptions`].
#[derive(Clone, Debug, Deserialize)]
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
    reverse: BTreeMap<String, String>,
    comment: Option<String>,
    #[serde(default)]
    comments: BTreeMap<String, String>,
    #[serde(default)]
    spelling: BTreeMap<String, Spelling>,
    #[serde(default)]
    choices: BTreeMap<String, BTreeMap<String, serde_json::Value>>,
    #[serde(default)]
    generated: Vec<String>,
    #[serde(default)]
    default: BTreeMap<String, serde_json::Value>,
    #[serde(default)]
    set_on_delete: BTreeMap<String, serde_json::Value>,
    #[serde(default)]
    parents: Vec<String>,
    #[serde(default)]
    list_through: BTreeMap<String, String>,
    #[serde(default)]
    on_delete: BTreeMap<String, OnDelete>,
    #[serde(default)]
    many_to_many: Vec<ManyToManySection>,
    symmetrical: Option<String>,
    #[serde(default)]
    shown: bool,
    order_by: Option<String>,
    scope: Option<String>,
    #[serde(default)]
    key: Vec<String>,
    #[serde(default)]
    unique_keys: Vec<Vec<String>>,
    #[serde(default)]
    foreign_keys: Vec<ForeignKeySection>,
    #[serde(default)]
    not_null: Vec<String>,
    #[serde(default)]
    types: BTreeMap<String, String>,
    writable: Option<bool>,
}

/// Foreign key that the database does not know.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ForeignKeySection {
    columns: Vec<String>,
    references: String,
    #[serde(default)]
    to: Vec<String>,
}

/// List through a junction.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ManyToManySection {
    from: String,
    to: String,
    field: String,
}

impl Options {
    /// Reads the file of a source; without a file, the options are those of the command line.
    ///
    /// # Errors
    /// If the file cannot be read, or has a fault.
    pub fn read(source: &ModelSource) -> Result<Self, Failure> {
        Self::of_text(source, &text(source.options.as_deref())?)
    }

    /// Reads the text of a source's file. The command line takes precedence.
    ///
    /// # Errors
    /// If the text has faults: each with its line and column, and without the text of the line, which may contain a secret.
    pub fn of_text(source: &ModelSource, text: &str) -> Result<Self, Failure> {
        let name = source.options.as_deref().unwrap_or(Path::new("options")).display().to_string();
        let options = Self::parse(text).map_err(|faults| {
            faults.iter().map(|fault| format!("{name}: {fault}")).collect::<Vec<_>>().join("\n")
        })?;
        let tenant_column = source.tenant_column.clone().or(options.tenant_column);
        Ok(Self { file: name, text: text.to_owned(), tenant_column, ..options })
    }

    /// Adds the options that concern all entities.
    pub fn of_all_entities(&self, registry: Registry) -> Registry {
        self.tenant_column.iter().fold(registry, Registry::tenant_column)
    }

    /// Parses the text, or returns its faults. TOML's reader ends at the first fault, so it is taken out, and the rest is read
    /// again.
    fn parse(text: &str) -> Result<Self, Vec<String>> {
        let mut rest = text.to_owned();
        let mut faults = Vec::new();
        loop {
            let error = match toml::from_str(&rest) {
                Ok(options) if faults.is_empty() => return Ok(options),
                Ok(Self { .. }) => return Err(faults),
                Err(error) => error,
            };
            let place = error.span().map(|span| place(text, &span)).unwrap_or_default();
            faults.push(format!("{place}{}{}", error.message(), suggestion(error.message())));
            let without = error.span().map(|span| without_part(&rest, span.start)).unwrap_or_default();
            // The lines after the first line of a value would be further faults.
            if without == rest || toml::from_str::<toml::Table>(&without).is_err() {
                return Err(faults);
            }
            rest = without;
        }
    }

    /// Formats the faults of a model with these options: an option that names nothing with its line.
    pub fn located(&self, error: &ModelError) -> String {
        let mut lines = vec![format!("the entities are not a valid model ({} found):", error.faults.len())];
        for fault in &error.faults {
            let place = match fault {
                ModelFault::UnknownOption { name, .. } => self.place_of(name),
                ModelFault::DeclaredKey { option, .. } => self.place_of(option),
                ModelFault::WritableWithoutKey { .. } => self.place_of("writable"),
                ModelFault::NotWritable { table, .. } => self.place_in(&table.name, "writable"),
                ModelFault::DeclaredType { scalar, .. } => self.place_of(scalar),
                ModelFault::TenantColumn { .. } => self.place_of("tenant_column"),
                _ => String::new(),
            };
            lines.push(format!("\n  - {place}{fault}"));
        }
        lines.concat()
    }

    /// Formats the file and the lines with a word.
    fn place_of(&self, word: &str) -> String {
        let numbered = self.text.lines().zip(1..).filter(|(line, _)| has_word(line, word));
        self.place_at(numbered.map(|(_, number)| number))
    }

    /// Formats the file and the lines with a word, in the sections of a table.
    fn place_in(&self, table: &str, word: &str) -> String {
        let mut is_of_table = false;
        let numbered = self.text.lines().zip(1..).filter(|(line, _)| {
            let is_header = line.trim_start().starts_with('[');
            is_of_table = if is_header { has_word(line, table) } else { is_of_table };
            has_word(line, word) && (is_of_table || has_word(line, table))
        });
        self.place_at(numbered.map(|(_, number)| number))
    }

    /// Formats the file and these lines.
    fn place_at(&self, numbers: impl Iterator<Item = usize>) -> String {
        let numbers: Vec<String> = numbers.map(|number| number.to_string()).collect();
        match numbers.len() {
            0 => String::new(),
            1 => format!("{}: line {}: ", self.file, numbers.concat()),
            _ => format!("{}: lines {}: ", self.file, numbers.join(", ")),
        }
    }

    /// Returns the policies; `None` without roles.
    pub fn policies(&self) -> Option<Policies> {
        (!self.roles.is_empty()).then(|| {
            Policies::from_parts(self.viewer.clone(), self.roles.clone()).database(self.database.clone())
        })
    }

    /// Checks that options of tables come with the tables of a database.
    ///
    /// # Errors
    /// If the file has such options, and the model is that of the compiled entities.
    pub fn fit(&self, from_database: bool) -> Result<(), Failure> {
        let is_about_tables = !self.include.is_empty()
            || !self.exclude.is_empty()
            || !self.entities.is_empty()
            || !self.enum_values.is_empty()
            || self.reverse_sides.is_some();
        match is_about_tables && !from_database {
            true => {
                Err("include, exclude and [entities.…] describe tables: they need --from-database".into())
            }
            false => Ok(()),
        }
    }

    /// Returns the options of the entities.
    pub fn tables(&self) -> TableOptions {
        let options = self.include.iter().fold(TableOptions::new(), TableOptions::include);
        let options = self.exclude.iter().fold(options, TableOptions::exclude);
        let mut options = options.reverse_sides(self.reverse_sides.unwrap_or(true));
        for (enumeration, values) in &self.enum_values {
            let values = values.iter();
            options =
                values.fold(options, |options, (stored, name)| options.enum_value(enumeration, stored, name));
        }
        let entities = self.entities.iter();
        entities.fold(options, |options, (table, section)| {
            options.entity(table, |entity| section.clone().options(entity))
        })
    }
}

impl EntitySection {
    /// Adds the section to the options of its entity.
    fn options(self, mut entity: EntityOptions) -> EntityOptions {
        if let Some(name) = self.name {
            entity = entity.name(name);
        }
        if let Some(plural) = self.plural {
            entity = entity.plural(plural);
        }
        if let Some(order) = self.order_by {
            entity = entity.order_by(order);
        }
        if let Some(scope) = self.scope {
            entity = entity.scope(scope);
        }
        if let Some(field) = self.symmetrical {
            entity = entity.symmetrical(field);
        }
        if let Some(text) = self.comment {
            entity = entity.comment(text);
        }
        if let Some(writable) = self.writable {
            entity = entity.writable(writable);
        }
        entity = entity.key(self.key).shown(self.shown);
        entity = self.unique_keys.into_iter().fold(entity, EntityOptions::unique_key);
        entity = self.not_null.into_iter().fold(entity, EntityOptions::not_null);
        let types = self.types.into_iter();
        entity = types.fold(entity, |entity, (column, scalar)| entity.column_type(column, scalar));
        let keys = self.foreign_keys.into_iter();
        entity = keys.fold(entity, |entity, key| entity.foreign_key(key.columns, key.references, key.to));
        let texts = self.comments.into_iter();
        entity = texts.fold(entity, |entity, (column, text)| entity.comments(column, text));
        let spellings = self.spelling.into_iter();
        entity = spellings.fold(entity, |entity, (column, spelling)| entity.spelling(column, spelling));
        let choices = self.choices.into_iter();
        entity = choices.fold(entity, |entity, (column, values)| entity.choices(column, values));
        let sides = self.reverse.into_iter();
        entity = sides.fold(entity, |entity, (relation, field)| entity.reverse(relation, field));
        entity = self.rename.into_iter().fold(entity, |entity, (from, to)| entity.rename(from, to));
        entity = self.hide.into_iter().fold(entity, EntityOptions::hide);
        entity = self.many.into_iter().fold(entity, EntityOptions::many);
        entity = self.generated.into_iter().fold(entity, EntityOptions::generated);
        let lists = self.list_through.into_iter();
        entity = lists.fold(entity, |entity, (relation, field)| entity.list_through(relation, field));
        let lists = self.many_to_many.into_iter();
        entity = lists.fold(entity, |entity, list| entity.many_to_many(list.from, list.to, list.field));
        let defaults = self.default.into_iter();
        entity = defaults.fold(entity, |entity, (column, value)| entity.default_value(column, value));
        let values = self.set_on_delete.into_iter();
        entity = values.fold(entity, |entity, (relation, value)| entity.set_on_delete(relation, value));
        entity = self.parents.into_iter().fold(entity, EntityOptions::parent);
        let rules = self.on_delete.into_iter();
        rules.fold(entity, |entity, (relation, rule)| entity.on_delete(relation, rule))
    }
}

/// Returns true if a line has a word, outside of comments.
fn has_word(line: &str, word: &str) -> bool {
    let is_word = |letter: char| letter.is_alphanumeric() || letter == '_';
    let code = line.split('#').next().unwrap_or_default();
    code.split(|letter| !is_word(letter)).any(|found| found == word) || code.contains(&format!("\"{word}\""))
}

/// Reads a table or an array of tables. Written out, because a derived reader of either loses the line of a fault.
fn one_or_several<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<JwtSettings>, D::Error> {
    struct Tables;

    impl<'de> Visitor<'de> for Tables {
        type Value = Vec<JwtSettings>;

        fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            formatter.write_str("a table, or an array of tables")
        }

        fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Vec<JwtSettings>, A::Error> {
            Ok(vec![JwtSettings::deserialize(MapAccessDeserializer::new(map))?])
        }

        fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<Vec<JwtSettings>, A::Error> {
            Vec::deserialize(SeqAccessDeserializer::new(list))
        }
    }

    deserializer.deserialize_any(Tables)
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

/// Replaces the line at this place by blanks, or the whole section that begins there, so that all places stay as they are.
fn without_part(text: &str, place: usize) -> String {
    let start = text.get(..place).and_then(|before| before.rfind('\n')).map_or(0, |end| end + 1);
    let is_header = text[start..].trim_start().starts_with('[');
    let mut end = start;
    for (number, line) in text[start..].split_inclusive('\n').enumerate() {
        let goes_on = is_header && !line.trim_start().starts_with('[');
        if number > 0 && !goes_on {
            break;
        }
        end += line.len();
    }
    // As many blanks as bytes: the places behind stay as they are.
    let blank = |byte| if byte == b'\n' { '\n' } else { ' ' };
    let blank: String = text[start..end].bytes().map(blank).collect();
    [&text[..start], &blank, &text[end..]].concat()
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
        Options::parse(text).map(drop).unwrap_err().concat()
    }

    #[test]
    fn all_faults_are_named_at_once() {
        let text = "includ = [\"ü*\"]\n\n[entities.users]\nplurl = \"people\"\nhide = 1\nname = \"User\"\n[rolse.user]\nread = \"true\"\n\
                    [entities.posts.on_delete]\nauthor = \"cascde\"\n";
        let faults = Options::parse(text).map(drop).unwrap_err();
        let starts = [
            "line 1, column 1: unknown field `includ`",
            "line 4, column 1: unknown field `plurl`",
            "line 5, column 8: invalid type",
            "line 7, column 2: unknown field `rolse`",
            "line 10, column 10: unknown variant `cascde`",
        ];
        for start in starts {
            assert!(faults.iter().any(|fault| fault.starts_with(start)), "{start}: {faults:#?}");
        }
        assert_eq!(faults.len(), starts.len(), "{faults:#?}");
        // A value of several lines is one fault.
        let faults = Options::parse("hid = [\n  1,\n  2,\n]\n").map(drop).unwrap_err();
        assert_eq!(faults.len(), 1, "{faults:#?}");
        let faults = Options::parse("hid = [").map(drop).unwrap_err();
        assert_eq!(faults.len(), 1, "{faults:#?}");
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
        let second =
            fault("[[sign_in]]\nalgorithms = [\"HS256\"]\n[[sign_in]]\nalgorithms = []\nisuer = \"a\"\n");
        assert!(second.starts_with("line 5, column 1: unknown field `isuer`"), "{second}");
        let none = fault("[sign_in]\nalgorithms = [\"none\"]\n");
        assert!(none.starts_with("line 2, column 15: unknown variant `none`"), "{none}");
    }

    #[test]
    fn options_of_the_guide_and_of_the_readme_are_read() {
        for page in [include_str!("../../docs/guide/src/database.md"), include_str!("../../README.md")] {
            let blocks: Vec<&str> =
                page.split("```toml").skip(1).filter_map(|rest| rest.split("```").next()).collect();
            assert!(blocks.len() > 1);
            for block in blocks {
                let options = block.strip_prefix(" config").unwrap_or(block);
                assert!(
                    Options::parse(options).is_ok(),
                    "{:?}: {options}",
                    Options::parse(options).map(drop)
                );
            }
        }
    }

    #[test]
    fn every_key_is_read() {
        let text = r#"
            include = ["*"]
            exclude = ["old_*"]
            reverse_sides = false
            tenant_column = "tenant_id"
            enum_values.mood = { "so so" = "MEH" }
            [entities.users]
            name = "Account"
            plural = "people"
            hide = ["password"]
            many = ["user"]
            reverse = { user = "infos" }
            comment = "People"
            comments = { email = "Address" }
            spelling = { id = "hex", active = "Y/N" }
            choices = { level = { HIGH = 2 } }
            generated = ["length"]
            rename = { posts = "articles" }
            list_through = { follower = "fans" }
            on_delete = { posts = "set_null" }
            many_to_many = [{ from = "tutor", to = "course", field = "tutored" }]
            symmetrical = "friends"
            default = { length = 12 }
            set_on_delete = { account = 34 }
            parents = ["human"]
            shown = true
            order_by = "{ id: DESC }"
            scope = "{ id: { gt: 1 } }"
        "#;
        let read = format!("{:?}", Options::parse(text).unwrap().tables());
        for value in [
            "\"*\"",
            "old_*",
            "Account",
            "people",
            "password",
            "\"user\"",
            "length",
            "articles",
            "fans",
            "SetNull",
            "infos",
            "People",
            "Address",
            "\"id\": Hex",
            "UpperYN",
            "(\"HIGH\", Number(2))",
            "reverse_sides: false",
            "MEH",
            "tutored",
            "friends",
            "Number(12)",
            "Number(34)",
            "human",
            "shown: true",
            "DESC",
            "gt: 1",
        ] {
            assert!(read.contains(value), "{value}: {read}");
        }
    }
}
