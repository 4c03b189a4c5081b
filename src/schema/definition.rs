//! The schema with its parts, and the schemas of roles behind it. The other files of this room add what a schema does.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use async_graphql::SDLExportOptions;
use async_graphql::dynamic;
use serde_json::{Map, Value as Json};

use super::additions::ApplicationRoots;
use super::compiled::DocumentCache;
use super::impersonation::{Impersonation, ImpersonationCheck};
use super::introspection::Introspection;
use super::live_runs::LiveRuns;
use crate::database::Availability;
use crate::dialect::Dialect;
use crate::execute::{ExecutionLimits, ReadConsistency, Shared};
use crate::guard::DocumentLimits;
use crate::model::Model;
use crate::plan::{Catalog, Sight, SqlBuilder};
use crate::policy::{Isolation, Policies, RequestRate};

/// GraphQL schema over a database.
#[derive(Clone)]
pub struct Schema {
    pub(super) inner: dynamic::Schema,
    pub(super) shared: Arc<Shared>,
    pub(super) application: Arc<ApplicationRoots>,
    pub(super) guard: DocumentLimits,
    pub(super) live: LiveRuns,
    pub(super) documents: DocumentCache,
    /// `None` if introspection is disabled.
    pub(super) introspection: Option<Introspection>,
    /// Schemas of the roles; `None` without policies, and in the schema of a role.
    pub(super) roles: Option<Arc<Roles>>,
    /// Values of the viewer's variables.
    pub(super) viewer: Arc<Map<String, Json>>,
    /// Settings that PostgreSQL gets with each statement of the viewer.
    pub(super) impersonation: Option<Arc<Impersonation>>,
    /// Maximum number of operations of each viewer of the role.
    pub(super) request_rate: Option<RequestRate>,
}

/// Settings that the schemas of all roles share.
#[derive(Clone, Debug)]
pub(super) struct SchemaSettings {
    pub guard: DocumentLimits,
    pub limits: ExecutionLimits,
    pub consistency: ReadConsistency,
    pub isolation: Isolation,
    pub request_rate: Option<RequestRate>,
    pub introspection: bool,
    pub suggestions: bool,
    pub availability: Availability,
}

/// Role, and the optional variables that the viewer lacks: grants that use them do not apply.
pub(super) type RoleKey = (String, BTreeSet<String>);

/// Schemas of roles: those of complete viewers, and those of viewers without some variables when first asked for.
pub(super) struct Roles {
    pub policies: Policies,
    pub model: Arc<Model>,
    pub settings: SchemaSettings,
    /// `None` if statements of viewers have no settings.
    pub impersonation: Option<Arc<ImpersonationCheck>>,
    pub built: Mutex<BTreeMap<RoleKey, Schema>>,
}

impl Schema {
    /// Returns the model of the schema.
    pub fn model(&self) -> &Arc<Model> {
        &self.shared.model
    }

    /// Returns the maximum number of operations of each viewer of the role.
    pub fn request_rate(&self) -> Option<RequestRate> {
        self.request_rate
    }

    /// Prints the schema in the schema definition language.
    pub fn sdl(&self) -> String {
        let options = SDLExportOptions::new()
            .include_specified_by()
            .prefer_single_line_descriptions()
            .use_space_ident()
            .indent_width(2);
        format!("{}\n", self.inner.sdl_with_options(options).trim())
    }

    /// Returns the SQL builder of the schema's plans for a dialect and a catalog.
    #[doc(hidden)]
    pub fn select<'a>(&'a self, dialect: Dialect, catalog: &'a Catalog) -> SqlBuilder<'a> {
        SqlBuilder {
            model: &self.shared.model,
            dialect,
            row_ceiling: self.shared.limits.rows,
            catalog,
            sight: self.shared.rules.as_ref().map(|rules| Sight { rules, values: &[] }),
        }
    }
}
