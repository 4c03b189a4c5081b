//! What is kept of a document between requests: parsed and validated once, and planned once for all values of variables
//! that only stand in statements as parameters.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, PoisonError};

use async_graphql::parser::types::{
    Directive, ExecutableDocument, Field, OperationDefinition, OperationType, Selection, SelectionSet,
};
use async_graphql::{Name, Positioned, Variables};
use async_graphql_value::Value;
use lru::LruCache;
use thread_local::ThreadLocal;

use super::{answering, variables};
use crate::error::{Error, LocatedError};
use crate::guard;
use crate::plan::Plan;

/// One operation of a document.
#[derive(Debug)]
pub(super) struct Compiled {
    pub text: String,
    pub document: ExecutableDocument,
    pub operation_name: Option<String>,
    /// Whether what validation finds is the same whatever variables are given: none is declared, or each stands alone
    /// as the value of an argument.
    pub verdict_is_final: bool,
    /// How often and how deep it uses each variable.
    pub uses: guard::Uses,
    /// What validation has found: nothing, or why the document is refused. By which variables are given.
    verdicts: Mutex<LruCache<String, Verdict>>,
    plans: Mutex<Plans>,
}

/// The errors of a document.
pub(super) type Verdict = Arc<Vec<LocatedError>>;

/// The plans that are kept of a document.
#[derive(Debug)]
struct Plans {
    /// The variables whose values at least one of them depends on. Every plan is kept under these values.
    depend_on: BTreeSet<Name>,
    kept: LruCache<String, Arc<Plan>>,
}

/// So many documents each thread keeps.
const DOCUMENTS: usize = 500;

/// So many plans are kept of each, and so many verdicts.
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

fn capacity(entries: usize) -> NonZeroUsize {
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
        let fragments = document.fragments.values();
        let variables_stand_alone = stands_alone_in_directives(&operation.directives)
            && stands_alone(&operation.selection_set.node)
            && fragments.clone().all(|fragment| stands_alone_in_directives(&fragment.node.directives))
            && fragments.clone().all(|fragment| stands_alone(&fragment.node.selection_set.node));
        Ok(Self {
            uses: guard::Uses::of(&document),
            verdict_is_final: operation.variable_definitions.is_empty() || variables_stand_alone,
            text,
            document,
            operation_name,
            verdicts: Mutex::new(LruCache::new(capacity(PLANS))),
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

    /// What validation has found where these variables were given (see [`variables::given`]).
    pub fn verdict(&self, given: &str) -> Option<Verdict> {
        self.verdicts.lock().unwrap_or_else(PoisonError::into_inner).get(given).cloned()
    }

    /// Keeps what validation has found.
    pub fn keep_verdict(&self, given: String, verdict: Verdict) {
        self.verdicts.lock().unwrap_or_else(PoisonError::into_inner).put(given, verdict);
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

fn stands_alone(selection: &SelectionSet) -> bool {
    selection.items.iter().all(|item| match &item.node {
        Selection::Field(Positioned { node: Field { arguments, directives, selection_set, .. }, .. }) => {
            arguments_stand_alone(arguments)
                && stands_alone_in_directives(directives)
                && stands_alone(&selection_set.node)
        }
        Selection::InlineFragment(fragment) => {
            stands_alone_in_directives(&fragment.node.directives)
                && stands_alone(&fragment.node.selection_set.node)
        }
        Selection::FragmentSpread(spread) => stands_alone_in_directives(&spread.node.directives),
    })
}

fn stands_alone_in_directives(directives: &[Positioned<Directive>]) -> bool {
    directives.iter().all(|directive| arguments_stand_alone(&directive.node.arguments))
}

fn arguments_stand_alone(arguments: &[(Positioned<Name>, Positioned<Value>)]) -> bool {
    arguments.iter().all(|(_, value)| matches!(value.node, Value::Variable(_)) || !has_variable(&value.node))
}

fn has_variable(value: &Value) -> bool {
    match value {
        Value::Variable(_) => true,
        Value::List(items) => items.iter().any(has_variable),
        Value::Object(fields) => fields.values().any(has_variable),
        _ => false,
    }
}
