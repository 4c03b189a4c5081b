//! Schema as clients see it, read through introspection.

use std::collections::BTreeMap;

use crowsfoot::Schema;
use serde_json::Value as Json;

use crate::support;

/// Types of a schema, by name.
pub struct Types(BTreeMap<String, Type>);

/// Type: each of its fields with the field's type in SDL, such as `[Post!]!`.
pub struct Type {
    pub kind: String,
    pub fields: BTreeMap<String, String>,
    pub interfaces: Vec<String>,
}

const QUERY: &str = "{ __schema { types {
    kind name
    fields { name type { ...type } }
    inputFields { name type { ...type } }
    interfaces { name }
} } }
fragment type on __Type { kind name ofType { kind name ofType { kind name ofType { kind name } } } }";

impl Types {
    pub async fn of(schema: &Schema) -> Self {
        let database = support::sqlite().await;
        let mut data = support::data(schema, &database, QUERY).await;
        database.drop().await;
        let Json::Array(types) = data["__schema"]["types"].take() else { panic!("no types: {data}") };
        Self(types.iter().map(|one| (text(&one["name"]), Type::read(one))).collect())
    }

    pub fn get(&self, name: &str) -> &Type {
        self.0.get(name).unwrap_or_else(|| panic!("there is no type {name}"))
    }

    pub fn has(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    pub fn iter(&self) -> impl Iterator<Item = (&str, &Type)> {
        self.0.iter().map(|(name, one)| (name.as_str(), one))
    }

    /// Returns true if values of this type, inside any lists and non-nulls, are objects.
    pub fn is_object(&self, written: &str) -> bool {
        self.get(written.trim_matches(['[', ']', '!'])).kind == "OBJECT"
    }

    /// Returns the names of row types: those with a `nodeId`.
    pub fn nodes(&self) -> Vec<&str> {
        self.iter().filter(|(_, one)| one.interfaces == ["Node"]).map(|(name, _)| name).collect()
    }
}

impl Type {
    fn read(one: &Json) -> Self {
        let list = |key: &str| one[key].as_array().cloned().unwrap_or_default();
        let fields = list("fields").into_iter().chain(list("inputFields"));
        Self {
            kind: text(&one["kind"]),
            fields: fields.map(|field| (text(&field["name"]), written(&field["type"]))).collect(),
            interfaces: list("interfaces").iter().map(|interface| text(&interface["name"])).collect(),
        }
    }

    /// Returns the type of a field; empty if the field does not exist.
    pub fn field(&self, name: &str) -> &str {
        self.fields.get(name).map_or("", String::as_str)
    }
}

fn written(one: &Json) -> String {
    match one["kind"].as_str() {
        Some("NON_NULL") => format!("{}!", written(&one["ofType"])),
        Some("LIST") => format!("[{}]", written(&one["ofType"])),
        _ => text(&one["name"]),
    }
}

fn text(json: &Json) -> String {
    json.as_str().unwrap_or_else(|| panic!("not a text: {json}")).to_owned()
}
