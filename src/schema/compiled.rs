//! What is kept of a document between requests: parsed and validated once, and planned once for all values of variables
//! that only stand in statements as parameters.

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

/// One operation of a document.
#[derive(Debug)]
pub(super) struct Compiled {
    pub text: String,
    pub document: ExecutableDocument,
    pub operation_name: Option<String>,
    /// The root field that asks about the schema deeper than any field may.
    pub introspects_too_deep: Option<Pos>,
    /// The errors of validation, once it was done; none where the document is valid.
    pub verdict: OnceLock<Vec<LocatedError>>,
    /// How often and how deep it uses each variable.
    pub uses: guard::Uses,
    plans: Mutex<Plans>,
}

/// The plans that are kept of a document.
#[derive(Debug)]
struct Plans {
    /// The variables whose values at least one of them depends on. Every plan is kept under these values.
    depend_on: BTreeSet<Name>,
    kept: LruCache<String, Arc<Plan>>,
}

/// So many documents each thread keeps.
const DOCUMENTS: usize = 500;

/// So many plans are kept of each.
const PLANS: usize = 64;

/// Bytes of text, names included, of the documents that each thread keeps, and of the document's text for each of its plans: what
/// is made of a text takes some ten times as much.
const DOCUMENT_BYTES: usize = 2 << 20;
const PLAN_BYTES: usize = 256 << 10;

/// Larger texts, of documents and of variables that plans depend on, are read anew each time.
const LARGEST_TEXT: usize = 16 << 10;

/// The documents that each thread was asked for last. Threads that had one in common would take it, its plans and their counts
/// of references out of each other's caches with every request.
#[derive(Clone)]
pub(super) struct Documents {
    guard: guard::Limits,
    known: Arc<ThreadLocal<RefCell<Known>>>,
}

/// Documents that were asked for last, bounded by their number and by the bytes of their texts.
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

/// How many plans are kept of a document of so many bytes.
fn plans_of(bytes: usize) -> NonZeroUsize {
    capacity(PLANS.min(PLAN_BYTES / bytes.max(1)))
}

/// Text and name of the operation.
type Key = (String, Option<String>);

pub(super) fn capacity(entries: usize) -> NonZeroUsize {
    NonZeroUsize::new(entries).unwrap_or(NonZeroUsize::MIN)
}

impl Documents {
    pub fn new(guard: guard::Limits) -> Self {
        Self { guard, known: Arc::default() }
    }

    /// Refuses variables whose values are larger than the limits allow.
    ///
    /// # Errors
    /// `TOO_COMPLEX` or `TOO_DEEP`.
    pub fn check(&self, compiled: &Compiled, variables: &Variables) -> Result<(), LocatedError> {
        Ok(compiled.uses.check(variables, &self.guard)?)
    }

    /// The operation of a document, from what is kept or parsed anew.
    ///
    /// # Errors
    /// When the guard refuses the document, or it has no such operation. Faulty documents are not kept.
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

    /// The operation, which was found when the document was read.
    pub fn operation(&self) -> Result<&OperationDefinition, Error> {
        answering::operation(&self.document, self.operation_name.as_deref())
    }

    /// What the operation does.
    pub fn operation_type(&self) -> OperationType {
        self.operation().map_or(OperationType::Query, |operation| operation.ty)
    }

    /// The plan for these variables of `operation`, from what is kept or made by `plan`. Plans that failed are not kept.
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
            // Those that are kept would not be found any more.
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
