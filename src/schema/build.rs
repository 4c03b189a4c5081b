//! Builder of a schema.

use std::sync::Arc;

use async_graphql::dynamic::{Field, SchemaError, SubscriptionField, Type};

use super::additions::{Additions, EntityField};
use super::definition::{Roles, Schema, SchemaSettings};
use crate::database::Availability;
use crate::execute::{ExecutionLimits, ReadConsistency};
use crate::guard;
use crate::model::Model;
use crate::policy::{Isolation, Policies};

/// Builder of a [`Schema`], with the user's additions.
pub struct SchemaBuilder {
    model: Model,
    settings: SchemaSettings,
    policies: Option<Policies>,
    additions: Additions,
}

impl Schema {
    /// Builds the schema of a model.
    ///
    /// # Errors
    /// If async-graphql refuses an addition: see [`SchemaBuilder::finish`].
    pub fn new(model: Model) -> Result<Self, SchemaError> {
        SchemaBuilder::new(model).finish()
    }

    /// Returns a builder for a schema with the user's own root fields and types.
    pub fn builder(model: Model) -> SchemaBuilder {
        SchemaBuilder::new(model)
    }
}

impl SchemaBuilder {
    fn new(model: Model) -> Self {
        Self {
            model,
            settings: SchemaSettings {
                guard: guard::DocumentLimits::default(),
                limits: ExecutionLimits::default(),
                consistency: ReadConsistency::default(),
                isolation: Isolation::default(),
                request_rate: None,
                introspection: true,
                suggestions: true,
                availability: Availability::default(),
            },
            policies: None,
            additions: Additions::default(),
        }
    }

    /// Sets the limits of a document.
    pub fn guard(mut self, guard: guard::DocumentLimits) -> Self {
        self.settings.guard = guard;
        self
    }

    /// Sets the limits of a request's database use.
    pub fn limits(mut self, limits: ExecutionLimits) -> Self {
        self.settings.limits = limits;
        self
    }

    /// State of the database that the statements of one query see.
    pub fn read_consistency(mut self, consistency: ReadConsistency) -> Self {
        self.settings.consistency = consistency;
        self
    }

    /// Enables or disables introspection.
    pub fn introspection(mut self, introspection: bool) -> Self {
        self.settings.introspection = introspection;
        self
    }

    /// Enables or disables suggestions in validation errors, which reveal parts of the schema.
    pub fn suggestions(mut self, suggestions: bool) -> Self {
        self.settings.suggestions = suggestions;
        self
    }

    /// Sets the policies: [`Schema::seen_by`] then gives each viewer the schema of the viewer's role. The schema itself
    /// stays that of an administrator.
    pub fn policies(mut self, policies: Policies) -> Self {
        self.policies = Some(policies);
        self
    }

    /// Adds a root field. Administrators alone see it. Its resolver finds the request's [`Session`](crate::execute::Session) as data, in
    /// an `Arc`, and may return rows of an entity through [`rows`](super::rows()).
    pub fn query_field(mut self, field: Field) -> Self {
        self.additions.queries.push(field);
        self
    }

    /// Adds a root field of mutations. Administrators alone see it. The field takes its place among the generated fields of
    /// an operation, in their transaction: an error of any of them rolls back all.
    ///
    /// The resolver finds the request's [`Session`](crate::execute::Session) as data, in an `Arc`, and sends its statements
    /// over [`Session::transaction`](crate::execute::Session::transaction). It may run more than once, as the whole
    /// operation does after a conflict with another one; effects outside the database belong elsewhere. After the commit
    /// all live queries run again, because the tables that the resolver wrote are not known.
    pub fn mutation_field(mut self, field: Field) -> Self {
        self.additions.mutations.push(field);
        self
    }

    /// Adds a root field of subscriptions. Administrators alone see it. Its events are the items of the resolver's stream;
    /// an event may be rows of an entity through [`rows`](super::rows()).
    pub fn subscription_field(mut self, field: SubscriptionField) -> Self {
        self.additions.subscriptions.push(field);
        self
    }

    /// Adds a field to the type of an entity. Administrators alone see it. It is resolved once for all rows of a level.
    pub fn entity_field(mut self, field: EntityField) -> Self {
        self.additions.entity_fields.push(field);
        self
    }

    /// Adds a type for such fields.
    pub fn register(mut self, registered: impl Into<Type>) -> Self {
        self.additions.types.push(registered.into());
        self
    }

    /// Builds the schema.
    ///
    /// # Errors
    /// If an added type exists already, an addition refers to an unknown type, the schema violates type system
    /// validation, or a policy has a fault. Reports all such faults at once.
    ///
    /// # Panics
    /// If an added root field exists already.
    pub fn finish(self) -> Result<Schema, SchemaError> {
        let Self { model, settings, policies, additions } = self;
        // The model of roles lacks the fields of the application.
        let of_roles = policies.is_some().then(|| model.clone());
        let mut schema = settings.build(model, None, additions)?;
        if let (Some(policies), Some(model)) = (policies, of_roles) {
            schema.roles = Some(Arc::new(Roles::new(policies, Arc::new(model), settings)?));
        }
        Ok(schema)
    }
}
