//! Limits of introspection, and its cached responses: the schema never changes.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use async_graphql::parser::parse_query;
use async_graphql::parser::types::{ExecutableDocument, OperationDefinition, Selection, SelectionSet};
use async_graphql::registry::{MetaType, Registry};
use async_graphql::{Name, Pos, Positioned, Variables};
use lru::LruCache;

use super::compiled::{Compiled, capacity};
use super::executed::PartialResponse;
use super::introspection_depth::{FragmentMap, root_fields, spread};
use crate::error::{Error, Result};

/// Maximum size of a document's introspection, as a multiple of the standard query of GraphiQL and code
/// generators.
const MOST_TIMES_STANDARD: u64 = 4;

/// Total size of cached responses, in bytes.
const KEPT_BYTES: usize = 16 << 20;

/// Number of cached responses.
const KEPT_ANSWERS: usize = 256;

/// Introspection query of graphql-js with all options; GraphiQL and most tools send a variant.
const STANDARD: &str = include_str!("introspection.graphql");

/// Limits and cached responses of a schema's introspection.
#[derive(Clone)]
pub(super) struct Introspection {
    sizes: Sizes,
    limit: u64,
    kept: Arc<Mutex<ResponseCache>>,
}

/// Average and maximum length of each of the schema's lists, by field.
#[derive(Clone, Debug, Default)]
struct Sizes(HashMap<&'static str, (f64, f64)>);

impl Introspection {
    /// Creates the limits for the schema of this registry.
    pub fn of(registry: &Registry) -> Self {
        let sizes = Sizes::of(registry);
        let standard = parse_query(STANDARD).ok();
        let asked = standard.as_ref().map_or(0, |document| {
            let operation = document.operations.iter().next();
            operation.map_or(0, |(_, operation)| sizes.asked(&operation.node, &document.fragments))
        });
        let kept = ResponseCache { answers: LruCache::new(capacity(KEPT_ANSWERS)), bytes: 0 };
        Self { sizes, limit: asked.saturating_mul(MOST_TIMES_STANDARD), kept: Arc::new(Mutex::new(kept)) }
    }

    /// Checks the cost of an operation's introspection.
    ///
    /// # Errors
    /// `TOO_COMPLEX`.
    pub fn check_cost(&self, operation: &OperationDefinition, document: &ExecutableDocument) -> Result<()> {
        let asked = self.sizes.asked(operation, &document.fragments);
        if asked <= self.limit {
            return Ok(());
        }
        let message = format!("the query requests about {asked} introspection fields");
        Err(Error::too_complex("introspection", &message, self.limit, asked))
    }

    /// Returns the cached response to an operation.
    pub fn kept(&self, compiled: &Compiled, variables: &Variables) -> Option<PartialResponse> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.answers.get(&key(compiled, variables)).map(|data| (Some(data.to_vec()), Vec::new()))
    }

    /// Caches a response without errors.
    pub fn keep(&self, compiled: &Compiled, variables: &Variables, answered: &PartialResponse) {
        let (Some(data), []) = (&answered.0, answered.1.as_slice()) else { return };
        let (key, data): (ResponseKey, Arc<[u8]>) = (key(compiled, variables), data.as_slice().into());
        let bytes = size(&key, &data);
        if bytes > KEPT_BYTES {
            return;
        }
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.bytes += bytes;
        if let Some((key, data)) = kept.answers.push(key, data) {
            kept.bytes -= size(&key, &data);
        }
        while kept.bytes > KEPT_BYTES
            && let Some((key, data)) = kept.answers.pop_lru()
        {
            kept.bytes -= size(&key, &data);
        }
    }
}

/// Most recent responses.
struct ResponseCache {
    answers: LruCache<ResponseKey, Arc<[u8]>>,
    bytes: usize,
}

/// Text and name of the operation, and its variables as JSON.
type ResponseKey = (String, Option<String>, String);

fn key(compiled: &Compiled, variables: &Variables) -> ResponseKey {
    let variables = serde_json::to_string(variables).unwrap_or_default();
    (compiled.text.clone(), compiled.operation_name.clone(), variables)
}

fn size(key: &ResponseKey, data: &[u8]) -> usize {
    key.0.len() + key.1.as_ref().map_or(0, String::len) + key.2.len() + data.len()
}

impl Sizes {
    fn of(registry: &Registry) -> Self {
        let mut lengths: HashMap<&'static str, Vec<usize>> = HashMap::new();
        let mut add = |list: &'static str, length: usize| lengths.entry(list).or_default().push(length);
        for (name, of_type) in &registry.types {
            add("interfaces", registry.implements.get(name).map_or(0, |interfaces| interfaces.len()));
            match of_type {
                MetaType::Object { fields, .. } | MetaType::Interface { fields, .. } => {
                    add("fields", fields.len());
                    fields.values().for_each(|field| add("args", field.args.len()));
                }
                MetaType::InputObject { input_fields, .. } => add("inputFields", input_fields.len()),
                MetaType::Enum { enum_values, .. } => add("enumValues", enum_values.len()),
                MetaType::Union { .. } | MetaType::Scalar { .. } => {}
            }
            if let MetaType::Interface { possible_types, .. } | MetaType::Union { possible_types, .. } =
                of_type
            {
                add("possibleTypes", possible_types.len());
            }
        }
        let types = registry.types.len();
        let mut sizes = Self::default();
        for (list, lengths) in lengths {
            let all: usize = lengths.iter().sum();
            // Lists of types are averaged over all types, most of which have none; arguments are averaged
            // over fields.
            let owners = if list == "args" { lengths.len() } else { types };
            let longest = lengths.into_iter().max().unwrap_or_default();
            sizes.0.insert(list, (all as f64 / owners.max(1) as f64, longest as f64));
        }
        sizes.0.insert("types", (types as f64, types as f64));
        let directives = registry.directives.len() as f64;
        sizes.0.insert("directives", (directives, directives));
        sizes
    }

    /// Estimates the number of introspection fields in an operation's response.
    fn asked(&self, operation: &OperationDefinition, fragments: &FragmentMap) -> u64 {
        let mut at_root = Vec::new();
        root_fields(&operation.selection_set.node, fragments, &mut at_root);
        let of_field = |(_, name, set): (Pos, &Name, &SelectionSet)| {
            self.below(set, fragments, name.as_str() == "__type")
        };
        // The conversion saturates at the greatest number.
        at_root.into_iter().map(of_field).sum::<f64>().ceil() as u64
    }

    /// Estimates the number of fields in a selection's response, for a single object. `is_chosen` marks a
    /// type that the client names, which may be the longest.
    fn below(&self, set: &SelectionSet, fragments: &FragmentMap, is_chosen: bool) -> f64 {
        let of_selection = |selection: &Positioned<Selection>| match &selection.node {
            Selection::Field(field) => {
                let (average, longest) =
                    self.0.get(field.node.name.node.as_str()).copied().unwrap_or((1.0, 1.0));
                // The arguments of the longest type's fields may be the longest, too.
                let is_of_chosen = is_chosen && field.node.name.node.as_str() == "fields";
                let each = self.below(&field.node.selection_set.node, fragments, is_of_chosen);
                1.0 + each * if is_chosen { longest } else { average }
            }
            other => spread(other, fragments).map_or(0.0, |below| self.below(below, fragments, is_chosen)),
        };
        set.items.iter().map(of_selection).sum()
    }
}
