//! Validates documents and builds their plans.

use std::sync::Arc;

use async_graphql::parser::types::{OperationDefinition, OperationType};
use async_graphql::{Request, Variables};
use tokio::task::spawn_blocking;
use tracing::Span;

use super::compiled::{Compiled, operation};
use super::definition::Schema;
use super::validate::validate;
use super::variables;
use crate::dialect::Dialect;
use crate::error::{Error, LocatedError, Result};
use crate::execute::{PreparedPlan, Session, Shared};
use crate::guard;
use crate::model::names::{QUERY, SUBSCRIPTION};
use crate::plan::{self, Catalog, FragmentDefinitions, Plan};

/// The most selections and values that a worker plans itself: some milliseconds of work.
const LIGHT: u64 = 2_000;

impl Schema {
    /// Plans an operation without a database. Validates only as far as planning needs.
    ///
    /// # Errors
    /// If the guard refuses the document, it has no such operation, or a root field of it cannot be planned.
    #[doc(hidden)]
    pub fn plan(&self, request: &Request) -> Result<Plan> {
        let document = guard::parse(&request.query, &self.guard).map_err(|refusal| refusal.error)?;
        guard::Uses::of(&document).check(&request.variables, &self.guard)?;
        let operation_name = request.operation_name.as_deref().filter(|name| !name.is_empty());
        let operation = operation(&document, operation_name)?;
        let variables = variables::with_defaults(operation, request.variables.clone())?;
        let make = |variables| plan(&self.shared, operation, &document.fragments, variables);
        let mut plan = make(plan::Variables::open(variables.clone()))?;
        // A value beyond its column's range fits no database.
        if plan.values(&self.select(Dialect::default(), Catalog::none()), &variables).is_none() {
            plan = make(plan::Variables::fixed(variables))?;
        }
        match plan.first_fault() {
            Some(error) => Err(error.clone()),
            None => Ok(plan),
        }
    }

    /// Returns the plan of a query or a subscription for these variables, and the values of its parameters.
    pub(super) async fn plan_anew(
        &self,
        session: &Arc<Session>,
        compiled: &Arc<Compiled>,
        variables: &Variables,
        read: fn(Variables) -> plan::Variables,
    ) -> Result<Arc<PreparedPlan>> {
        let make = |schema: &Self, compiled: &Compiled, variables: plan::Variables| {
            let fragments = &compiled.document.fragments;
            let make = || plan(&schema.shared, compiled.operation()?, fragments, variables);
            tracing::debug_span!("plan").in_scope(make)
        };
        let (weight, _) = compiled.uses.weight(variables, |_| true);
        let variables = read(variables.clone());
        if weight <= LIGHT {
            return Ok(Arc::new(make(self, compiled, variables)?.into()));
        }
        let catalog = session.statements().catalog().await;
        let (schema, session, compiled) = (self.clone(), session.clone(), compiled.clone());
        let span = Span::current();
        let plan_and_write = move || {
            let _entered = span.entered();
            let plan = PreparedPlan::from(make(&schema, &compiled, variables)?);
            session.afford_plan(&plan)?;
            plan.build_statements(&session.select(&catalog));
            Ok(Arc::new(plan))
        };
        spawn_blocking(plan_and_write).await.map_err(Error::internal)?
    }

    /// Validates the document, once while it is cached.
    pub(super) fn validate(&self, compiled: &Compiled) -> Result<(), Vec<LocatedError>> {
        let errors = compiled.validation_result.get_or_init(|| {
            let validate = || validate(self.inner.registry(), &compiled.document);
            tracing::debug_span!("validate").in_scope(validate)
        });
        if errors.is_empty() { Ok(()) } else { Err(errors.clone()) }
    }
}

/// Builds the plan of a query or a subscription.
pub(super) fn plan(
    shared: &Shared,
    operation: &OperationDefinition,
    fragments: &FragmentDefinitions,
    variables: plan::Variables,
) -> Result<Plan> {
    let root = match operation.ty {
        OperationType::Query => QUERY,
        OperationType::Subscription => SUBSCRIPTION,
        OperationType::Mutation => {
            return Err(Error::validation(
                "a mutation has no plan, because each of its fields is read after it is written",
            ));
        }
    };
    let context = (&shared.defaults, shared.rules.as_ref());
    let plan = plan::plan(&shared.model, context, operation, fragments, variables, root)?;
    match plan.fields.as_slice() {
        // Single root field without introspection (September 2025, section 5.2.4.1).
        [field] if root == SUBSCRIPTION && field.name.starts_with("__") => Err(Error::validation(format!(
            "a subscription must select a field with results, and {} has none",
            field.name
        ))),
        fields if root == SUBSCRIPTION && fields.len() != 1 => Err(Error::validation(format!(
            "a subscription must have exactly one root field, but this one has {}",
            fields.len()
        ))),
        _ => Ok(plan),
    }
}
