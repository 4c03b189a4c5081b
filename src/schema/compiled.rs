//! Cache of documents between requests. Each is parsed and validated once, and planned once for all values of
//! variables that become statement parameters.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use async_graphql::parser::types::{
    DocumentOperations, ExecutableDocument, OperationDefinition, OperationType,
};
use async_graphql::{Name, Pos, Variables};
use lru::LruCache;
use thread_local::ThreadLocal;

use super::{introspection_depth, variables};
use crate::error::{Error, LocatedError, Result};
use crate::execute::PreparedPlan;
use crate::guard;
use crate::mutate::KeptWrites;
use crate::plan::Plan;

/// Compiled operation of a document.
#[derive(Debug)]
pub(super) struct Compiled {
    pub text: String,
    pub document: ExecutableDocument,
    pub operation_name: Option<String>,
    /// Position of the root field whose introspection nests too deep.
    pub introspects_too_deep: Option<Pos>,
    /// Validation errors, once computed; empty for a valid document.
    pub validation_result: OnceLock<Vec<LocatedError>>,
    /// Uses of each variable, with count and depth.
    pub uses: guard::Uses,
    plans: Mutex<Plans>,
    /// Statements of the operation, if it is a mutation of one statement.
    pub writes: KeptWrites,
}

/// Bytes of so many nodes beside texts of so many bytes.
fn bytes_of(nodes: u64, texts: u64) -> usize {
    let bytes = nodes.saturating_mul(NODE_BYTES as u64).saturating_add(texts);
    usize::try_from(bytes).unwrap_or(usize::MAX)
}

/// Cached plans of a document.
#[derive(Debug)]
struct Plans {
    /// Variables on whose values at least one plan depends. These values are part of every plan's key.
    depend_on: BTreeSet<Name>,
    /// Each with its bytes.
    kept: LruCache<String, (Arc<PreparedPlan>, usize)>,
    bytes: usize,
}

/// Maximum number of cached documents per thread.
const DOCUMENTS: usize = 500;

/// Maximum number of cached plans per document.
const PLANS: usize = 64;

/// Bytes of the documents that each thread keeps, without their plans.
const DOCUMENT_BYTES: usize = 16 << 20;

/// Bytes of the plans that are kept of one document. With [`DOCUMENTS`] this bounds the plans of a thread.
const PLAN_BYTES: usize = 256 << 10;

/// Bytes of a selection or a value in a parsed document, or in a plan and its statement: structures of up to
/// 300 bytes, their names and texts in allocations of their own, spare room in lists.
const NODE_BYTES: usize = 400;

/// Bytes of a statement in a plan, without its conditions: its text, its columns, the tree that it is built from.
const STATEMENT_BYTES: usize = 2 << 10;

/// Maximum size of cached texts, of documents and of plan keys; larger ones are not cached.
const LARGEST_TEXT: usize = 16 << 10;

/// Per-thread caches of recent documents. A shared cache would cause cache-line contention on documents,
/// plans and their reference counts with every request.
#[derive(Clone)]
pub(super) struct DocumentCache {
    guard: guard::DocumentLimits,
    known: Arc<ThreadLocal<RefCell<RecentDocuments>>>,
}

/// Recent documents, bounded by number and by text size.
struct RecentDocuments {
    documents: LruCache<DocumentKey, Arc<Compiled>>,
    bytes: usize,
}

impl RecentDocuments {
    fn new() -> Self {
        Self { documents: LruCache::new(capacity(DOCUMENTS)), bytes: 0 }
    }

    fn put(&mut self, key: DocumentKey, compiled: Arc<Compiled>) {
        self.bytes += compiled.bytes();
        if let Some((_, gone)) = self.documents.push(key, compiled) {
            self.bytes = self.bytes.saturating_sub(gone.bytes());
        }
        while self.bytes > DOCUMENT_BYTES {
            let Some((_, gone)) = self.documents.pop_lru() else { break };
            self.bytes = self.bytes.saturating_sub(gone.bytes());
        }
    }
}

/// Text and operation name of a document.
type DocumentKey = (String, Option<String>);

pub(super) fn capacity(entries: usize) -> NonZeroUsize {
    NonZeroUsize::new(entries).unwrap_or(NonZeroUsize::MIN)
}

impl DocumentCache {
    pub fn new(guard: guard::DocumentLimits) -> Self {
        Self { guard, known: Arc::default() }
    }

    /// Refuses variables whose values exceed the limits.
    ///
    /// # Errors
    /// `TOO_COMPLEX` or `TOO_DEEP`.
    pub fn check(&self, compiled: &Compiled, variables: &Variables) -> Result<(), LocatedError> {
        Ok(compiled.uses.check(variables, &self.guard)?)
    }

    /// Returns the compiled operation of a document, cached or newly parsed.
    ///
    /// # Errors
    /// If the guard refuses the document, or it has no such operation. Faulty documents are not cached.
    pub fn get(&self, text: String, operation_name: Option<String>) -> Result<Arc<Compiled>, LocatedError> {
        let key = (text, operation_name);
        let known = self.known.get_or(|| RefCell::new(RecentDocuments::new()));
        if let Some(compiled) = known.borrow_mut().documents.get(&key) {
            return Ok(compiled.clone());
        }
        let (text, operation_name) = key.clone();
        let compiled = Arc::new(Compiled::read(text, operation_name, &self.guard)?);
        if key.0.len() <= LARGEST_TEXT {
            known.borrow_mut().put(key, compiled.clone());
        }
        Ok(compiled)
    }
}

impl Compiled {
    fn read(
        text: String,
        operation_name: Option<String>,
        guard: &guard::DocumentLimits,
    ) -> Result<Self, LocatedError> {
        let document = guard::parse(&text, guard)?;
        let operation = operation(&document, operation_name.as_deref())?;
        Ok(Self {
            introspects_too_deep: introspection_depth::too_deep(operation, &document.fragments),
            uses: guard::Uses::of(&document),
            text,
            document,
            operation_name,
            validation_result: OnceLock::new(),
            plans: Mutex::new(Plans::new()),
            writes: KeptWrites::default(),
        })
    }

    /// Bytes of the document with its text, which is kept twice, and without its plans.
    fn bytes(&self) -> usize {
        let name = self.operation_name.as_ref().map_or(0, String::len);
        bytes_of(self.uses.nodes(), 2 * (self.text.len() + name) as u64)
    }

    /// Bytes of a plan of the operation and of its statements. A variable that is only handed to the database is no part of
    /// the plan.
    fn bytes_of_plan(&self, plan: &Plan, variables: &Variables) -> usize {
        let (nodes, texts) = self.uses.weight(variables, |name| plan.depends_on.contains(name));
        bytes_of(nodes, texts).saturating_add(plan.statements().saturating_mul(STATEMENT_BYTES))
    }

    /// Returns the operation, which was found when the document was read.
    pub fn operation(&self) -> Result<&OperationDefinition, Error> {
        operation(&self.document, self.operation_name.as_deref())
    }

    /// Returns the type of the operation.
    pub fn operation_type(&self) -> OperationType {
        self.operation().map_or(OperationType::Query, |operation| operation.ty)
    }

    /// The kept plan for these variables of `operation`.
    pub fn kept_plan(
        &self,
        operation: &OperationDefinition,
        variables: &Variables,
    ) -> Option<Arc<PreparedPlan>> {
        self.plans.lock().unwrap_or_else(PoisonError::into_inner).get(operation, variables)
    }

    /// Returns the plan of `operation` for these variables, cached or made by `plan`. Failed plans are not
    /// cached.
    pub fn keep_plan(&self, operation: &OperationDefinition, variables: &Variables, plan: Arc<PreparedPlan>) {
        let bytes = self.bytes_of_plan(&plan, variables);
        self.plans.lock().unwrap_or_else(PoisonError::into_inner).keep(operation, variables, (plan, bytes));
    }
}

impl Plans {
    fn new() -> Self {
        Self { depend_on: BTreeSet::new(), kept: LruCache::new(capacity(PLANS)), bytes: 0 }
    }

    fn get(&mut self, operation: &OperationDefinition, variables: &Variables) -> Option<Arc<PreparedPlan>> {
        let key = variables::key(operation, variables, &self.depend_on);
        self.kept.get(&key).map(|(plan, _)| plan.clone())
    }

    fn keep(
        &mut self,
        operation: &OperationDefinition,
        variables: &Variables,
        (plan, bytes): (Arc<PreparedPlan>, usize),
    ) {
        if !plan.depends_on.is_subset(&self.depend_on) {
            // The cached plans would no longer be found under the longer key.
            self.depend_on.extend(plan.depends_on.iter().cloned());
            self.kept.clear();
            self.bytes = 0;
        }
        let key = variables::key(operation, variables, &self.depend_on);
        let bytes = bytes.saturating_add(key.len());
        if key.len() > LARGEST_TEXT || bytes > PLAN_BYTES {
            return;
        }
        self.bytes += bytes;
        if let Some((_, (_, gone))) = self.kept.push(key, (plan, bytes)) {
            self.bytes = self.bytes.saturating_sub(gone);
        }
        while self.bytes > PLAN_BYTES {
            let Some((_, (_, gone))) = self.kept.pop_lru() else { break };
            self.bytes = self.bytes.saturating_sub(gone);
        }
    }
}

/// Returns the operation that a request selects.
pub(super) fn operation<'a>(
    document: &'a ExecutableDocument,
    name: Option<&str>,
) -> Result<&'a OperationDefinition> {
    let found = match (&document.operations, name) {
        (DocumentOperations::Single(operation), None) => Some(operation),
        (DocumentOperations::Multiple(operations), Some(name)) => operations.get(name),
        (DocumentOperations::Multiple(operations), None) if operations.len() == 1 => {
            operations.values().next()
        }
        _ => None,
    };
    found.map(|operation| &operation.node).ok_or_else(|| match name {
        _ if document.operations.iter().next().is_none() => {
            Error::validation("the document has no operation")
        }
        Some(name) => Error::validation(format!("unknown operation \"{name}\"")),
        None => Error::validation("the document has several operations; expected an operationName"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn compiled(text: &str) -> Compiled {
        Compiled::read(text.to_owned(), None, &guard::DocumentLimits::default()).unwrap()
    }

    /// A text of about so many bytes, each two of which are a field.
    fn dense(number: usize, bytes: usize) -> String {
        format!("{{ field{number} {{ {}}} }}", "a ".repeat(bytes / 2))
    }

    #[test]
    fn documents_are_kept_up_to_a_number_of_bytes() {
        let mut known = RecentDocuments::new();
        for number in 0..300 {
            let text = dense(number, LARGEST_TEXT - 200);
            known.put((text.clone(), None), Arc::new(compiled(&text)));
            assert!(known.bytes <= DOCUMENT_BYTES, "{}", known.bytes);
        }
        let bytes: usize = known.documents.iter().map(|(_, compiled)| compiled.bytes()).sum();
        assert_eq!(bytes, known.bytes);
        assert!((1..300).contains(&known.documents.len()), "{}", known.documents.len());
    }

    #[test]
    fn a_document_weighs_no_less_than_its_tree() {
        for text in [dense(1, 10_000), format!("{{ a(b: [{}]) }}", "1 ".repeat(4_000))] {
            let compiled = compiled(&text);
            let selections = size_of::<async_graphql::Positioned<async_graphql::parser::types::Selection>>();
            let value = size_of::<async_graphql_value::Value>();
            let least = if text.contains('[') { 4_000 * value } else { 5_000 * selections };
            assert!(compiled.bytes() >= least, "{} of {least}", compiled.bytes());
        }
    }

    #[test]
    fn plans_are_kept_up_to_a_number_of_bytes() {
        let compiled = compiled("query ($v: [Int]) { a(b: $v) c(d: $v) }");
        let operation = compiled.operation().unwrap();
        for (items, most) in [(1, PLANS), (40, 8), (100, 4), (400, 0)] {
            for number in 0..200 {
                let variables = serde_json::json!({ "v": vec![number; items] });
                let variables = Variables::from_json(variables);
                let depends_on = BTreeSet::from([Name::new("v")]);
                compiled.keep_plan(
                    operation,
                    &variables,
                    Arc::new(Plan { depends_on, ..Plan::default() }.into()),
                );
                let plans = compiled.plans.lock().unwrap();
                assert!(plans.bytes <= PLAN_BYTES, "{items}: {}", plans.bytes);
                let bytes: usize = plans.kept.iter().map(|(_, (_, bytes))| bytes).sum();
                assert_eq!(bytes, plans.bytes);
                drop(plans);
                // Those that are too large to be kept push none out.
                assert_eq!(compiled.kept_plan(operation, &variables).is_some(), most > 0, "{items}");
            }
            if most > 0 {
                let kept = compiled.plans.lock().unwrap().kept.len();
                assert!(kept <= most, "{items}: {kept}");
            }
        }
    }

    #[test]
    fn a_variable_that_no_plan_depends_on_weighs_nothing() {
        let compiled = compiled("query ($v: [Int]) { a(b: $v) }");
        let operation = compiled.operation().unwrap();
        let variables = Variables::from_json(serde_json::json!({ "v": vec![1; 10_000] }));
        compiled.keep_plan(operation, &variables, Arc::default());
        assert!(compiled.kept_plan(operation, &variables).is_some());
    }
}
