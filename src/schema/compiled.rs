//! Cache of documents between requests. Each is parsed and validated once, and planned once for all values of
//! variables that become statement parameters.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use async_graphql::parser::types::{ExecutableDocument, OperationDefinition, OperationType};
use async_graphql::{Name, Pos, Variables};
use lru::LruCache;
use thread_local::ThreadLocal;

use super::{answering, introspection, variables};
use crate::error::{Error, LocatedError};
use crate::guard;
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
    pub verdict: OnceLock<Vec<LocatedError>>,
    /// Uses of each variable, with count and depth.
    pub uses: guard::Uses,
    plans: Mutex<Plans>,
}

/// Cached plans of a document.
#[derive(Debug)]
struct Plans {
    /// Variables on whose values at least one plan depends. These values are part of every plan's key.
    depend_on: BTreeSet<Name>,
    kept: LruCache<String, Arc<Plan>>,
}

/// Maximum number of cached documents per thread.
const DOCUMENTS: usize = 500;

/// Maximum number of cached plans per document.
const PLANS: usize = 64;

/// Maximum text size, including names, of a thread's cached documents; and maximum text size of a document,
/// counted once per cached plan. The data made of a text takes about ten times its size.
const DOCUMENT_BYTES: usize = 2 << 20;
const PLAN_BYTES: usize = 256 << 10;

/// Maximum size of cached texts, of documents and of plan keys; larger ones are not cached.
const LARGEST_TEXT: usize = 16 << 10;

/// Per-thread caches of recent documents. A shared cache would cause cache-line contention on documents,
/// plans and their reference counts with every request.
#[derive(Clone)]
pub(super) struct Documents {
    guard: guard::Limits,
    known: Arc<ThreadLocal<RefCell<Known>>>,
}

/// Recent documents, bounded by number and by text size.
struct Known {
    documents: LruCache<Key, Arc<Compiled>>,
    bytes: usize,
}

impl Known {
    fn new() -> Self {
        Self { documents: LruCache::new(capacity(DOCUMENTS)), bytes: 0 }
    }

    fn put(&mut self, key: Key, compiled: Arc<Compiled>) {
        self.bytes += bytes_of(&key);
        if let Some((gone, _)) = self.documents.push(key, compiled) {
            self.bytes = self.bytes.saturating_sub(bytes_of(&gone));
        }
        while self.bytes > DOCUMENT_BYTES {
            let Some((gone, _)) = self.documents.pop_lru() else { break };
            self.bytes = self.bytes.saturating_sub(bytes_of(&gone));
        }
    }
}

fn bytes_of((text, operation_name): &Key) -> usize {
    text.len() + operation_name.as_ref().map_or(0, String::len)
}

/// Returns the maximum number of cached plans for a document of this size.
fn plans_of(bytes: usize) -> NonZeroUsize {
    capacity(PLANS.min(PLAN_BYTES / bytes.max(1)))
}

/// Text and operation name of a document.
type Key = (String, Option<String>);

pub(super) fn capacity(entries: usize) -> NonZeroUsize {
    NonZeroUsize::new(entries).unwrap_or(NonZeroUsize::MIN)
}

impl Documents {
    pub fn new(guard: guard::Limits) -> Self {
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
        let known = self.known.get_or(|| RefCell::new(Known::new()));
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
        guard: &guard::Limits,
    ) -> Result<Self, LocatedError> {
        let document = guard::parse(&text, guard)?;
        let operation = answering::operation(&document, operation_name.as_deref())?;
        let kept_plans = plans_of(text.len());
        Ok(Self {
            introspects_too_deep: introspection::too_deep(operation, &document.fragments),
            uses: guard::Uses::of(&document),
            text,
            document,
            operation_name,
            verdict: OnceLock::new(),
            plans: Mutex::new(Plans { depend_on: BTreeSet::new(), kept: LruCache::new(kept_plans) }),
        })
    }

    /// Returns the operation, which was found when the document was read.
    pub fn operation(&self) -> Result<&OperationDefinition, Error> {
        answering::operation(&self.document, self.operation_name.as_deref())
    }

    /// Returns the type of the operation.
    pub fn operation_type(&self) -> OperationType {
        self.operation().map_or(OperationType::Query, |operation| operation.ty)
    }

    /// Returns the plan of `operation` for these variables, cached or made by `plan`. Failed plans are not
    /// cached.
    pub fn plan<E>(
        &self,
        operation: &OperationDefinition,
        variables: &Variables,
        plan: impl FnOnce() -> Result<Plan, E>,
    ) -> Result<Arc<Plan>, E> {
        if let Some(plan) =
            self.plans.lock().unwrap_or_else(PoisonError::into_inner).get(operation, variables)
        {
            return Ok(plan);
        }
        let plan = Arc::new(plan()?);
        self.plans.lock().unwrap_or_else(PoisonError::into_inner).keep(operation, variables, plan.clone());
        Ok(plan)
    }
}

impl Plans {
    fn get(&mut self, operation: &OperationDefinition, variables: &Variables) -> Option<Arc<Plan>> {
        let key = variables::key(operation, variables, &self.depend_on);
        self.kept.get(&key).cloned()
    }

    fn keep(&mut self, operation: &OperationDefinition, variables: &Variables, plan: Arc<Plan>) {
        if !plan.depends_on.is_subset(&self.depend_on) {
            // The cached plans would no longer be found under the longer key.
            self.depend_on.extend(plan.depends_on.iter().cloned());
            self.kept.clear();
        }
        let key = variables::key(operation, variables, &self.depend_on);
        if key.len() <= LARGEST_TEXT {
            self.kept.put(key, plan);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documents_are_kept_up_to_a_number_of_bytes() {
        let mut known = Known::new();
        let limits = guard::Limits::default();
        for number in 0..300 {
            let text = format!("{{ field{number} }}{}", " ".repeat(LARGEST_TEXT - 20));
            let compiled = Compiled::read(text.clone(), None, &limits).unwrap();
            known.put((text, None), Arc::new(compiled));
            assert!(known.bytes <= DOCUMENT_BYTES, "{}", known.bytes);
        }
        let bytes: usize = known.documents.iter().map(|(key, _)| bytes_of(key)).sum();
        assert_eq!(bytes, known.bytes);
        assert!((100..300).contains(&known.documents.len()), "{}", known.documents.len());
    }

    #[test]
    fn a_long_document_has_fewer_plans() {
        assert_eq!((plans_of(0).get(), plans_of(1_000).get(), plans_of(LARGEST_TEXT).get()), (64, 64, 16));
    }
}
