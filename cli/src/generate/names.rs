//! Names of Rust's items: modules, fields and variants.

use std::collections::BTreeSet;

use crowsfoot::Model;
use crowsfoot::internals::model::{EntityId, RelationId};
use heck::{ToPascalCase, ToSnakeCase};

/// Words that no item may have as its name. The last four have no raw form.
const KEYWORDS: [&str; 52] = [
    "abstract", "as", "async", "await", "become", "box", "break", "const", "continue", "do", "dyn", "else",
    "enum", "extern", "false", "final", "fn", "for", "gen", "if", "impl", "in", "let", "loop", "macro",
    "match", "mod", "move", "mut", "override", "priv", "pub", "ref", "return", "static", "struct", "trait",
    "true", "try", "type", "typeof", "union", "unsafe", "unsized", "use", "virtual", "where", "while",
    "yield", "self", "super", "crate",
];

/// Keywords without a raw form.
const NEVER_RAW: [&str; 3] = ["self", "super", "crate"];

/// Names of the project's items, by entity.
pub struct ProjectNames {
    modules: Vec<String>,
    columns: Vec<Vec<String>>,
    relations: Vec<Vec<String>>,
    enums: Vec<String>,
}

impl ProjectNames {
    /// Names all items of a model.
    pub fn new(model: &Model) -> Self {
        let mut taken = BTreeSet::from(["enums".to_owned()]);
        let modules: Vec<String> = model
            .entities
            .iter()
            .map(|entity| item(&entity.table.to_string(), "table", &mut taken))
            .collect();
        let (mut columns, mut relations) = (Vec::new(), Vec::new());
        for entity in &model.entities {
            // Fields that differ in their underscores alone would be one variant.
            let mut variants = BTreeSet::new();
            let fields: Vec<String> = entity
                .columns
                .iter()
                .map(|column| {
                    let mut field = item(&column.name, "column", &mut BTreeSet::new());
                    while !variants.insert(variant(&field)) {
                        field.push_str("_column");
                    }
                    field
                })
                .collect();
            columns.push(fields);
            let names = entity.relations.iter().map(|relation| {
                let mut name = variant(&relation.field);
                while !variants.insert(name.clone()) {
                    name.push_str("Relation");
                }
                name
            });
            relations.push(names.collect());
        }
        let mut taken = BTreeSet::new();
        let enums = model.enumerations.iter().map(|known| {
            let mut name = variant(&known.name);
            while !taken.insert(name.clone()) {
                name.push_str("Enum");
            }
            name
        });
        Self { modules, columns, relations, enums: enums.collect() }
    }

    /// Returns the module of an entity.
    pub fn module(&self, entity: EntityId) -> &str {
        &self.modules[entity]
    }

    /// Returns the field of a column.
    pub fn field(&self, entity: EntityId, column: usize) -> &str {
        &self.columns[entity][column]
    }

    /// Returns the variant of a column.
    pub fn column(&self, entity: EntityId, column: usize) -> String {
        variant(&self.columns[entity][column])
    }

    /// Returns the variant of a relation.
    pub fn relation(&self, entity: EntityId, relation: RelationId) -> &str {
        &self.relations[entity][relation]
    }

    /// Returns the type of an enum.
    pub fn enumeration(&self, id: usize) -> &str {
        &self.enums[id]
    }
}

/// Returns a variant or a type: in PascalCase, and beginning with a letter.
pub fn variant(name: &str) -> String {
    let name: String =
        name.trim_start_matches("r#").to_pascal_case().chars().filter(char::is_ascii_alphanumeric).collect();
    match name.chars().next() {
        Some(first) if first.is_ascii_alphabetic() && name != "Self" => name,
        _ => format!("Value{name}"),
    }
}

/// Returns a free name of a module or field.
fn item(name: &str, kind: &str, taken: &mut BTreeSet<String>) -> String {
    let letters: String =
        name.chars().map(|letter| if letter.is_ascii_alphanumeric() { letter } else { '_' }).collect();
    let mut name = letters.to_snake_case();
    if !name.starts_with(|first: char| first.is_ascii_lowercase()) {
        name = format!("{kind}_{name}");
    }
    while NEVER_RAW.contains(&name.as_str()) || taken.contains(&name) {
        name = format!("{name}_{kind}");
    }
    taken.insert(name.clone());
    if KEYWORDS.contains(&name.as_str()) { format!("r#{name}") } else { name }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_rust() {
        let item = |name| item(name, "column", &mut BTreeSet::new());
        for (name, expected) in [
            ("user_id", "user_id"),
            ("userId", "user_id"),
            ("type", "r#type"),
            ("self", "self_column"),
            ("2nd", "column_2nd"),
            ("Größe", "gr_e"),
            ("a b", "a_b"),
            ("名", "column_"),
        ] {
            assert_eq!(item(name), expected, "{name}");
        }
        assert_eq!(variant("r#type"), "Type");
        assert_eq!(variant("so so"), "SoSo");
        assert_eq!(variant("1st"), "Value1st");
        assert_eq!(variant("self"), "ValueSelf");
    }
}
