//! The command `client`: settings of client libraries that fit the schema.
//!
//! Caches of clients take a field `id` for the identity of an object unless they are told otherwise. Here the key of a type
//! may have other columns, and objects such as a sum have a field `id` that is no identity.

use std::fmt::Write;

use async_graphql::Positioned;
use async_graphql::parser::parse_schema;
use async_graphql::parser::types::{ObjectType, ServiceDocument, TypeKind, TypeSystemDefinition};
use crowsfoot::{Model, Schema};
use serde_json::{Map, Value as Json, json};

use crate::Failure;
use crate::config::ClientName;

/// Field that identifies an object among all types.
const NODE_ID: &str = "nodeId";

const ROOTS: [&str; 3] = ["Query", "Mutation", "Subscription"];

/// Returns the settings of a client library for the schema.
pub fn settings(client: ClientName, schema: &Schema) -> Result<String, Failure> {
    let types = SchemaTypes::new(&parse_schema(schema.sdl())?, schema.model());
    Ok(match client {
        ClientName::Apollo => apollo(&types),
        ClientName::Relay => relay(&types),
        ClientName::Urql => urql(&types),
    })
}

/// Types of the schema, as far as clients have settings for them; in the order of their names.
struct SchemaTypes {
    objects: Vec<ClientType>,
    /// Scalars that are not built into GraphQL.
    scalars: Vec<String>,
}

/// Object type.
struct ClientType {
    name: String,
    has_id: bool,
    /// Fields of the key; empty for an object without identity.
    key: Vec<String>,
    /// Fields that are connections.
    connections: Vec<String>,
    /// Fields that are lists of rows.
    lists: Vec<String>,
}

impl ClientType {
    fn is_root(&self) -> bool {
        ROOTS.contains(&self.name.as_str())
    }

    /// Returns true if the key is the field that clients expect.
    fn has_usual_key(&self) -> bool {
        self.key == ["id"]
    }
}

impl SchemaTypes {
    fn new(document: &ServiceDocument, model: &Model) -> Self {
        let (mut objects, mut scalars) = (Vec::new(), Vec::new());
        for definition in &document.definitions {
            let TypeSystemDefinition::Type(Positioned { node: of, .. }) = definition else { continue };
            let name = of.name.node.to_string();
            match &of.kind {
                TypeKind::Scalar => scalars.push(name),
                TypeKind::Object(object) => objects.push(client_type(name, object, model)),
                _ => {}
            }
        }
        objects.sort_by(|one, other| one.name.cmp(&other.name));
        scalars.sort();
        Self { objects, scalars }
    }

    fn nodes(&self) -> impl Iterator<Item = &ClientType> {
        self.objects.iter().filter(|object| !object.key.is_empty())
    }

    fn with_connections(&self) -> impl Iterator<Item = &ClientType> {
        self.objects.iter().filter(|object| !object.connections.is_empty())
    }

    /// Returns the types of the scalars in TypeScript: all are strings, except for JSON.
    fn scalar_types(&self) -> impl Iterator<Item = (&str, &'static str)> {
        self.scalars.iter().map(|name| (name.as_str(), if name == "JSON" { "unknown" } else { "string" }))
    }
}

fn client_type(name: String, object: &ObjectType, model: &Model) -> ClientType {
    let has_field = |field: &str| object.fields.iter().any(|known| known.node.name.node == field);
    let is_node = object.implements.iter().any(|interface| interface.node == "Node");
    let entity = model.entities.iter().find(|entity| is_node && entity.name == name);
    let key: Vec<String> = entity.map_or_else(Vec::new, |entity| {
        entity.primary_key.iter().map(|id| entity.columns[*id].field.clone()).collect()
    });
    // An option may hide the columns of the key.
    let key = match is_node && (key.is_empty() || !key.iter().all(|field| has_field(field))) {
        true => vec![NODE_ID.to_owned()],
        false => key,
    };
    let fields_with = |argument: &str, is_wanted: fn(&str) -> bool| -> Vec<String> {
        let fields = object.fields.iter().map(|field| &field.node).filter(|field| {
            is_wanted(field.ty.node.to_string().trim_end_matches('!'))
                && field.arguments.iter().any(|known| known.node.name.node == argument)
        });
        fields.map(|field| field.name.node.to_string()).collect()
    };
    // A live result replaces the previous one, and joins no page.
    let (connections, lists) = match name.as_str() {
        "Subscription" => (Vec::new(), Vec::new()),
        _ => (
            fields_with("after", |of| of.ends_with("Connection")),
            fields_with("limit", |of| of.starts_with('[')),
        ),
    };
    ClientType { has_id: has_field("id"), key, connections, lists, name }
}

fn quoted(fields: &[String]) -> String {
    fields.iter().map(|field| format!("'{field}'")).collect::<Vec<_>>().join(", ")
}

fn apollo(types: &SchemaTypes) -> String {
    let mut text = "\
// Settings of Apollo Client 3 and 4, by `crowsfoot client apollo`. Write them again when the schema changes.
import type { TypePolicies } from '@apollo/client';
import { relayStylePagination } from '@apollo/client/utilities';

export const possibleTypes = {\n"
        .to_owned();
    let nodes: String = types.nodes().map(|object| format!("    '{}',\n", object.name)).collect();
    let _ = write!(text, "  Node: [\n{nodes}  ],\n}};\n\nexport const typePolicies: TypePolicies = {{\n");
    for object in &types.objects {
        let mut policy = Vec::new();
        match object.key.as_slice() {
            // Not an identity: two sums of one value are two objects.
            [] if object.has_id => policy.push("keyFields: false".to_owned()),
            key if !key.is_empty() && !object.has_usual_key() => {
                policy.push(format!("keyFields: [{}]", quoted(key)));
            }
            _ => {}
        }
        let pages = object.connections.iter().map(|field| format!("      {field}: pages(),\n"));
        // Apollo warns of a list that becomes shorter, unless it is told that the newer one counts.
        let lists = object.lists.iter().map(|field| format!("      {field}: {{ merge: false }},\n"));
        let fields: String = pages.chain(lists).collect();
        if !fields.is_empty() {
            policy.push(format!("fields: {{\n{fields}    }}"));
        }
        match policy.as_slice() {
            [] => {}
            [only] if !only.contains('\n') => {
                let _ = writeln!(text, "  {}: {{ {only} }},", object.name);
            }
            several => {
                let lines: String = several.iter().map(|line| format!("    {line},\n")).collect();
                let _ = writeln!(text, "  {}: {{\n{lines}  }},", object.name);
            }
        }
    }
    text.push_str(
        "};\n\n/** Joins the pages of a connection: a list for each filter and order. */\n\
         function pages() {\n  return relayStylePagination(['where', 'orderBy']);\n}\n\n",
    );
    write_scalars(&mut text, types);
    text
}

fn urql(types: &SchemaTypes) -> String {
    let mut text = "\
// Settings of urql's Graphcache, by `crowsfoot client urql`. Write them again when the schema changes.
import type { KeyingConfig, ResolverConfig } from '@urql/exchange-graphcache';
import { relayPagination } from '@urql/exchange-graphcache/extras';

export const keys: KeyingConfig = {\n"
        .to_owned();
    for object in types.objects.iter().filter(|object| !object.is_root() && !object.has_usual_key()) {
        let key = match object.key.as_slice() {
            [] => "() => null".to_owned(),
            key => format!("keyOf({})", quoted(key)),
        };
        let _ = writeln!(text, "  {}: {key},", object.name);
    }
    text.push_str("};\n\nexport const resolvers: ResolverConfig = {\n");
    for object in types.with_connections() {
        let fields = object.connections.iter().map(|field| format!("    {field}: relayPagination(),\n"));
        let _ = writeln!(text, "  {}: {{\n{}  }},", object.name, fields.collect::<String>());
    }
    text.push_str(
        "};\n\n/** Identifies an object by these fields; an object without them is kept with its parent. */\n\
         function keyOf(...fields: string[]) {\n\
         \x20 return (data: Record<string, unknown>) =>\n\
         \x20   fields.every((field) => data[field] != null) ? fields.map((field) => data[field]).join(' ') : null;\n\
         }\n\n",
    );
    write_scalars(&mut text, types);
    text
}

fn write_scalars(text: &mut String, types: &SchemaTypes) {
    text.push_str("/** Types of the scalars, for graphql-codegen. */\nexport const scalars = {\n");
    for (name, of) in types.scalar_types() {
        let _ = writeln!(text, "  {name}: '{of}',");
    }
    text.push_str("};\n");
}

fn relay(types: &SchemaTypes) -> String {
    let scalars: Map<String, Json> =
        types.scalar_types().map(|(name, of)| (name.to_owned(), of.into())).collect();
    let config = json!({
        "src": "./src",
        "schema": "./schema.graphql",
        "language": "typescript",
        "eagerEsModules": true,
        "schemaConfig": { "nodeInterfaceIdField": NODE_ID, "nodeInterfaceIdVariableName": NODE_ID },
        "customScalarTypes": scalars,
    });
    format!("{config:#}\n")
}
