//! What is kept of a document between requests: parsed and validated once, planned once for each set of variables.

use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use async_graphql::parser::types::{
    Directive, ExecutableDocument, Field, OperationDefinition, OperationType, Selection, SelectionSet,
};
use async_graphql::{Name, Positioned, ServerError};
use async_graphql_value::Value;
use lru::LruCache;

use super::answering;
use crate::error::Error;
use crate::guard;
use crate::plan::Plan;

/// One operation of a document.
#[derive(Debug)]
pub(super) struct Compiled {
    pub text: String,
    pub document: ExecutableDocument,
    pub operation_name: Option<String>,
    /// Whether every variable stands alone as the value of an argument. Validation of the document says nothing of the
    /// variables' values then, and its verdict holds for all of them.
    pub variables_stand_alone: bool,
    /// What validation has found: nothing, or why the document is refused.
    pub verdict: OnceLock<Vec<ServerError>>,
    /// Plans by the JSON text of their variables.
    plans: Mutex<LruCache<String, Arc<Plan>>>,
}

/// So many documents are kept.
const DOCUMENTS: usize = 1_000;

/// So many plans are kept of each.
const PLANS: usize = 64;

/// Larger texts, of documents and of variables, are read anew each time.
const LARGEST_TEXT: usize = 16 << 10;

/// The documents that were asked for last.
#[derive(Clone)]
pub(super) struct Documents {
    guard: guard::Limits,
    known: Arc<Mutex<LruCache<Key, Arc<Compiled>>>>,
}

/// Text and name of the operation.
type Key = (String, Option<String>);

fn capacity(entries: usize) -> NonZeroUsize {
    NonZeroUsize::new(entries).unwrap_or(NonZeroUsize::MIN)
}

impl Documents {
    pub fn new(guard: guard::Limits) -> Self {
        Self { guard, known: Arc::new(Mutex::new(LruCache::new(capacity(DOCUMENTS)))) }
    }

    /// The operation of a document, from what is kept or parsed anew.
    ///
    /// # Errors
    /// When the guard refuses the document, or it has no such operation. Faulty documents are not kept.
    pub fn get(&self, text: String, operation_name: Option<String>) -> Result<Arc<Compiled>, ServerError> {
        let key = (text, operation_name);
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner).get(&key).cloned();
        if let Some(compiled) = known {
            return Ok(compiled);
        }
        let (text, operation_name) = key.clone();
        let compiled = Arc::new(Compiled::read(text, operation_name, &self.guard)?);
        if key.0.len() <= LARGEST_TEXT {
            self.known.lock().unwrap_or_else(PoisonError::into_inner).put(key, compiled.clone());
        }
        Ok(compiled)
    }
}

impl Compiled {
    fn read(
        text: String,
        operation_name: Option<String>,
        guard: &guard::Limits,
    ) -> Result<Self, ServerError> {
        let document = guard::parse(&text, guard)
            .map_err(|refusal| refusal.error.to_server_error(refusal.position, Vec::new()))?;
        let refuse = |error: Error| error.to_server_error(Default::default(), Vec::new());
        let operation = answering::operation(&document, operation_name.as_deref()).map_err(refuse)?;
        let fragments = document.fragments.values();
        let variables_stand_alone = stands_alone_in_directives(&operation.directives)
            && stands_alone(&operation.selection_set.node)
            && fragments.clone().all(|fragment| stands_alone_in_directives(&fragment.node.directives))
            && fragments.clone().all(|fragment| stands_alone(&fragment.node.selection_set.node));
        Ok(Self {
            text,
            variables_stand_alone,
            document,
            operation_name,
            verdict: OnceLock::new(),
            plans: Mutex::new(LruCache::new(capacity(PLANS))),
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

    /// The plan for these variables, from what is kept or made by `plan`. Plans that failed are not kept.
    pub fn plan<E>(
        &self,
        variables: &async_graphql::Variables,
        plan: impl FnOnce() -> Result<Plan, E>,
    ) -> Result<Arc<Plan>, E> {
        let key = serde_json::to_string(variables).unwrap_or_default();
        let known = self.plans.lock().unwrap_or_else(PoisonError::into_inner).get(&key).cloned();
        if let Some(plan) = known {
            return Ok(plan);
        }
        let plan = Arc::new(plan()?);
        if key.len() <= LARGEST_TEXT {
            self.plans.lock().unwrap_or_else(PoisonError::into_inner).put(key, plan.clone());
        }
        Ok(plan)
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
