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

/// Larger texts, of documents and of variables that plans depend on, are read anew each time.
const LARGEST_TEXT: usize = 16 << 10;

/// The documents that each thread was asked for last. Threads that had one in common would take it, its plans and their counts
/// of references out of each other's caches with every request.
#[derive(Clone)]
pub(super) struct Documents {
    guard: guard::Limits,
    known: Arc<ThreadLocal<RefCell<Known>>>,
}

type Known = LruCache<Key, Arc<Compiled>>;

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
        let known = self.known.get_or(|| RefCell::new(LruCache::new(capacity(DOCUMENTS))));
        if let Some(compiled) = known.borrow_mut().get(&key) {
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
        Ok(Self {
            introspects_too_deep: introspection::too_deep(operation, &document.fragments),
            uses: guard::Uses::of(&document),
            text,
            document,
            operation_name,
            verdict: OnceLock::new(),
            plans: Mutex::new(Plans { depend_on: BTreeSet::new(), kept: LruCache::new(capacity(PLANS)) }),
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
