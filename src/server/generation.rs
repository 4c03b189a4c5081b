//! The served schema, which can be replaced while requests run.

use std::sync::Arc;

use arc_swap::{ArcSwap, Guard};

use super::error::ServeError;
use super::operations::request_rate::LimitedSender;
use super::pages::drawings::Drawings;
use super::realtime::shutdown::Shutdown;
use super::sign_in::{Access, Authenticator, SignIn};
use crate::database::Database;
use crate::dialect::Dialect;
use crate::schema::Schema;

/// Schema with everything that is derived from it: plans, roles and live queries (inside the schema), sign-in, drawings.
///
/// A request keeps the generation that it began with, so no response mixes two.
pub(super) struct SchemaGeneration {
    pub schema: Schema,
    pub drawings: Drawings,
    /// `None` without policies: then every caller may do everything.
    pub authenticator: Option<Authenticator>,
    /// Begins when another generation has taken over.
    pub superseded: Shutdown,
}

impl SchemaGeneration {
    /// # Errors
    /// [`ServeError::NoSignIn`] or [`ServeError::NoPolicies`] if one of policies and sign-in lacks the other,
    /// [`ServeError::Rules`] if the statements of the database cannot have a rule.
    pub fn new(schema: Schema, sign_in: SignIn, database: &Database) -> Result<Self, ServeError> {
        // Requests report a database that is not supported.
        if let Ok(dialect) = Dialect::of(database.get_database_backend()) {
            schema.check_rules(dialect).map_err(ServeError::rules)?;
        }
        let authenticator = match (schema.policies(), sign_in.is_empty()) {
            (Some(_), true) => return Err(ServeError::NoSignIn),
            (None, false) => return Err(ServeError::NoPolicies),
            (policies, _) => policies.map(|policies| Authenticator::new(sign_in, policies)),
        };
        let drawings = Drawings::of(schema.model().clone());
        Ok(Self { schema, drawings, authenticator, superseded: Shutdown::default() })
    }
}

/// Reference of a request to its generation. Short-lived references of one thread do not touch the shared count.
pub(super) type GenerationRef = Guard<Arc<SchemaGeneration>>;

/// Current generation, shared by all workers.
#[derive(Clone)]
pub(super) struct CurrentGeneration(Arc<ArcSwap<SchemaGeneration>>);

impl CurrentGeneration {
    pub fn new(first: SchemaGeneration) -> Self {
        Self(Arc::new(ArcSwap::from_pointee(first)))
    }

    /// Returns the generation for a request that begins now.
    pub fn get(&self) -> GenerationRef {
        self.0.load()
    }

    /// Serves `next` to all requests that begin from now on, and ends the live queries of the previous generation.
    pub fn replace(&self, next: SchemaGeneration) {
        self.0.swap(Arc::new(next)).superseded.begin();
    }
}

/// Access of a caller to the generation that was current when the request began.
pub(super) struct Admission {
    pub generation: GenerationRef,
    pub access: Access,
    /// `None` if the sender's operations are not counted.
    pub sender: Option<LimitedSender>,
}

impl Admission {
    /// Returns the schema as the caller sees it.
    pub fn schema(&self) -> &Schema {
        self.access.schema(&self.generation.schema)
    }

    /// Converts the admission of a socket, which lasts: a thread has few uncounted references.
    pub fn lasting(self) -> Self {
        Self { generation: Guard::from_inner(Guard::into_inner(self.generation)), ..self }
    }
}
