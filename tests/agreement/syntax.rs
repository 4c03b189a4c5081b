//! GraphQL text with its variables. The same query is written in several ways: with values as variables,
//! repeated fields, fragments and directives.

use std::collections::HashMap;
use std::fmt::Write as _;

use serde_json::{Map, Value as Json};

use crate::choices::Choices;

/// Selection of a document.
#[derive(Clone, Debug)]
pub enum Written {
    Field(WrittenField),
    /// Fields of an implementing type of an interface.
    On(String, Vec<Written>),
}

#[derive(Clone, Debug)]
pub struct WrittenField {
    pub key: String,
    pub name: String,
    pub arguments: Vec<Argument>,
    /// Type of the nested object, and its selections.
    pub below: Option<(String, Vec<Written>)>,
}

#[derive(Clone, Debug)]
pub struct Argument {
    pub name: &'static str,
    pub type_name: String,
    pub input: Input,
}

/// Value given by a client.
#[derive(Clone, Debug)]
pub enum Input {
    Leaf {
        type_name: &'static str,
        value: Json,
    },
    /// Value of an enum.
    Name {
        type_name: &'static str,
        value: &'static str,
    },
    List(Vec<Input>),
    Object(Vec<(String, Input)>),
}

impl Input {
    fn json(&self) -> Json {
        match self {
            Self::Leaf { value, .. } => value.clone(),
            Self::Name { value, .. } => Json::from(*value),
            Self::List(items) => items.iter().map(Self::json).collect(),
            Self::Object(fields) => fields.iter().map(|(name, value)| (name.clone(), value.json())).collect(),
        }
    }
}

/// Request as sent.
#[derive(Clone, Debug)]
pub struct Document {
    pub text: String,
    pub variables: Json,
}

/// Writes a query; with all choices at zero in the plainest form.
pub fn write(fields: &[Written], choices: &mut Choices) -> Document {
    let mut writer = Writer {
        choices,
        variables: Map::new(),
        given: HashMap::new(),
        declared: Vec::new(),
        fragments: Vec::new(),
    };
    let body = writer.selection("Query", fields);
    let Writer { variables, declared, fragments, .. } = writer;
    let head = if declared.is_empty() { String::new() } else { format!("query ({}) ", declared.join(", ")) };
    let text = format!("{head}{body}{}", fragments.concat());
    Document { text, variables: Json::Object(variables) }
}

/// Writes an input without variables.
pub fn literal(input: &Input) -> String {
    let mut writer = Writer {
        choices: &mut Choices::new(&[]),
        variables: Map::new(),
        given: HashMap::new(),
        declared: Vec::new(),
        fragments: Vec::new(),
    };
    writer.input(input)
}

struct Writer<'a, 'b> {
    choices: &'a mut Choices<'b>,
    variables: Map<String, Json>,
    /// Variables by type and value text; `None` for a literal. Different spellings are loaded separately, so
    /// equal values are written alike.
    given: HashMap<(String, String), Option<String>>,
    /// Declaration such as `$v0: Int!`.
    declared: Vec<String>,
    fragments: Vec<String>,
}

impl Writer<'_, '_> {
    fn selection(&mut self, type_name: &str, fields: &[Written]) -> String {
        format!("{{ {} }}", self.selected(type_name, fields).join(" "))
    }

    fn selected(&mut self, type_name: &str, fields: &[Written]) -> Vec<String> {
        fields.iter().map(|field| self.selected_one(type_name, field)).collect()
    }

    fn selected_one(&mut self, type_name: &str, field: &Written) -> String {
        let field = match field {
            Written::Field(field) => field,
            Written::On(type_name, fields) => {
                return format!("... on {type_name} {}", self.selection(type_name, fields));
            }
        };
        let text = self.field(field);
        match self.choices.below(24) {
            20 => format!("... on {type_name} {{ {text} }}"),
            21 => format!("... @include(if: true) {{ {text} }}"),
            22 => {
                let name = format!("F{}", self.fragments.len());
                self.fragments.push(format!(" fragment {name} on {type_name} {{ {text} }}"));
                format!("...{name}")
            }
            // Skipped fields are not loaded.
            23 => {
                let key = &field.key;
                let unnamed = text.strip_prefix(&format!("{key}: ")).unwrap_or(&text);
                format!("{text} ... @skip(if: true) {{ {key}Skipped: {unnamed} }}")
            }
            _ => text,
        }
    }

    fn field(&mut self, field: &WrittenField) -> String {
        let key = if field.key == field.name { String::new() } else { format!("{}: ", field.key) };
        let head = format!("{key}{}{}", field.name, self.arguments(&field.arguments));
        let Some((type_name, below)) = &field.below else { return head };
        let below = self.selected(type_name, below);
        if below.len() > 1 && self.choices.once_in(12) {
            // The field twice, with its selections split between both and one selection in both.
            let middle = self.choices.below(below.len() - 1) + 1;
            let [one, other] = [&below[..middle], &below[middle - 1..]].map(|part| part.join(" "));
            return format!("{head} {{ {one} }} {head} {{ {other} }}");
        }
        format!("{head} {{ {} }}", below.join(" "))
    }

    fn arguments(&mut self, arguments: &[Argument]) -> String {
        if arguments.is_empty() {
            return String::new();
        }
        let written: Vec<String> = arguments
            .iter()
            .map(|argument| {
                let variable = self.variable(&argument.type_name, argument.input.json(), 6);
                let value = variable.unwrap_or_else(|| self.input(&argument.input));
                format!("{}: {value}", argument.name)
            })
            .collect();
        format!("({})", written.join(", "))
    }

    fn input(&mut self, input: &Input) -> String {
        match input {
            Input::Leaf { type_name, value } => {
                let variable = self.variable(&format!("{type_name}!"), input.json(), 5);
                variable.unwrap_or_else(|| value.to_string())
            }
            Input::Name { type_name, value } => {
                let variable = self.variable(&format!("{type_name}!"), input.json(), 5);
                variable.unwrap_or_else(|| (*value).to_owned())
            }
            Input::List(items) => {
                let items: Vec<String> = items.iter().map(|item| self.input(item)).collect();
                format!("[{}]", items.join(", "))
            }
            Input::Object(fields) => {
                let mut text = String::from("{");
                for (name, value) in fields {
                    let value = self.input(value);
                    write!(text, " {name}: {value}").unwrap();
                }
                text.push_str(" }");
                text
            }
        }
    }

    /// Returns the variable for a value, if any: once in `once_in` times.
    fn variable(&mut self, type_name: &str, value: Json, once_in: usize) -> Option<String> {
        let key = (type_name.to_owned(), value.to_string());
        if let Some(known) = self.given.get(&key) {
            return known.clone();
        }
        let variable = self.choices.once_in(once_in).then(|| {
            let name = format!("v{}", self.variables.len());
            self.declared.push(format!("${name}: {type_name}"));
            self.variables.insert(name.clone(), value);
            format!("${name}")
        });
        self.given.insert(key, variable.clone());
        variable
    }
}
