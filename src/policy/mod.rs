//! Policies: who may read and write which rows and columns.
//!
//! A viewer gets what an administrator would get from a database out of which every row and column that the viewer may
//! not see has been taken. A role reads and writes nothing that no grant allows. Grants of reading are united with those of
//! included roles; grants of writing are never inherited.

mod grant;
mod isolation;
mod limits;
mod print;
mod reader;
mod request_rate;
mod restrict;
mod rule;
mod session_settings;
mod viewer;
mod writing;

use std::collections::BTreeMap;

use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer};

pub use grant::{ColumnGrant, CreateGrant, Grant, UpdateGrant};
pub use isolation::Isolation;
pub use limits::RoleLimits;
pub use reader::PolicyFault;
pub use request_rate::RequestRate;
pub(crate) use restrict::Restricted;
pub use session_settings::DatabaseSettings;
pub(crate) use session_settings::SessionSettings;
pub use viewer::{Viewer, ViewerType};
pub(crate) use writing::{EntityWrites, Preset, RowAction, RowWrites};

/// Grants of all roles, and the variables that a viewer brings.
///
/// ```
/// use crowsfoot::policy::Policies;
///
/// let policies = Policies::new().variable("userId", "Int!")?.role("user", |role| {
///     role.grant("Post", |post| post.read("{ author: { id: { eq: $userId } } }").columns(["*"]))
/// });
/// let schema = crowsfoot::Schema::builder(
///     crowsfoot::Registry::new()
///         .register::<entity::author::Entity>()
///         .register::<entity::book::Entity>()
///         .register::<entity::post::Entity>()
///         .model()?,
/// )
/// .policies(policies)
/// .finish()?;
/// # let viewer = crowsfoot::policy::Viewer::new("user").with("userId", 1);
/// assert!(!schema.seen_by(&viewer)?.sdl().contains("type Book "));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Policies {
    /// Variables of rules, with their types.
    #[serde(default, rename = "viewer")]
    variables: BTreeMap<String, ViewerType>,
    /// Roles by name.
    #[serde(default)]
    roles: BTreeMap<String, RoleGrants>,
    /// Settings of viewers' statements in PostgreSQL.
    #[serde(default)]
    database: DatabaseSettings,
}

/// Grants of one role, by the type name of the entity.
#[derive(Clone, Debug, Default)]
pub struct RoleGrants {
    /// Roles whose grants this role has too. Rows and columns are those that any of the roles reads.
    includes: Vec<String>,
    /// Limits of the requests.
    limits: RoleLimits,
    isolation: Isolation,
    grants: BTreeMap<String, Grant>,
}

/// Written out, because a derived reader of flattened entries loses the line of a fault.
impl<'de> Deserialize<'de> for RoleGrants {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Entries;

        impl<'de> Visitor<'de> for Entries {
            type Value = RoleGrants;

            fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str("a table of grants by type name")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<RoleGrants, A::Error> {
                let mut role = RoleGrants::default();
                while let Some(key) = map.next_key::<String>()? {
                    match key.as_str() {
                        "includes" => role.includes = map.next_value()?,
                        "limits" => role.limits = map.next_value()?,
                        "isolation" => role.isolation = map.next_value()?,
                        _ => drop(role.grants.insert(key, map.next_value()?)),
                    }
                }
                Ok(role)
            }
        }

        deserializer.deserialize_map(Entries)
    }
}

impl Policies {
    /// Returns policies without roles: no viewer reads anything.
    pub fn new() -> Self {
        Self::default()
    }

    /// Declares a variable of the viewer, for use in rules. `of` is a GraphQL type: `Int!`, `[Int!]!`, `String`.
    /// A viewer may lack a variable whose type is nullable; grants with rules that use the variable then do not apply.
    ///
    /// # Errors
    /// If `of` is no type of a scalar or of a list of scalars.
    pub fn variable(mut self, name: impl Into<String>, of: &str) -> Result<Self, String> {
        self.variables.insert(name.into(), of.parse()?);
        Ok(self)
    }

    /// Collects variables and roles that were read apart.
    pub fn from_parts(variables: BTreeMap<String, ViewerType>, roles: BTreeMap<String, RoleGrants>) -> Self {
        Self { variables, roles, database: DatabaseSettings::default() }
    }

    /// Declares a role.
    pub fn role(mut self, name: impl Into<String>, grants: impl FnOnce(RoleGrants) -> RoleGrants) -> Self {
        self.roles.insert(name.into(), grants(RoleGrants::default()));
        self
    }

    /// Returns the names of the roles.
    pub fn roles(&self) -> impl Iterator<Item = &str> {
        self.roles.keys().map(String::as_str)
    }

    /// Sets what PostgreSQL gets with each statement of a viewer. Statements of administrators have the connection's role.
    pub fn database(mut self, database: DatabaseSettings) -> Self {
        self.database = database;
        self
    }

    /// Returns the settings of a viewer's statements; `None` if there are none.
    pub fn session_settings(&self, viewer: &Viewer) -> Option<SessionSettings> {
        self.database.session(viewer)
    }

    /// Returns the database's roles that viewers have.
    pub fn database_roles(&self) -> Vec<String> {
        self.roles().filter_map(|role| self.database.role_of(role)).collect()
    }

    /// Returns the faults of the settings of viewers' statements.
    pub(crate) fn database_faults(&self) -> Vec<String> {
        self.database.faults(&self.roles().collect::<Vec<_>>())
    }

    /// Returns the role and all roles that it includes, each once, declared or not.
    fn included<'a>(&'a self, role: &'a str) -> Vec<&'a str> {
        let mut found = Vec::new();
        let mut waiting = vec![role];
        while let Some(role) = waiting.pop() {
            if !found.contains(&role) {
                found.push(role);
                let includes = self.roles.get(role).map(|grants| grants.includes.iter().map(String::as_str));
                waiting.extend(includes.into_iter().flatten());
            }
        }
        found
    }

    /// Returns the declared roles among a role and those that it includes.
    fn grants_of<'a>(&'a self, role: &'a str) -> impl Iterator<Item = &'a RoleGrants> {
        self.included(role).into_iter().filter_map(|role| self.roles.get(role))
    }

    /// Returns the limits of a role: the greatest that it or an included role declares.
    pub(crate) fn limits(&self, role: &str) -> RoleLimits {
        self.grants_of(role).map(|role| role.limits).fold(RoleLimits::default(), RoleLimits::or)
    }

    /// Returns the isolation of a role: the strictest that it or an included role declares.
    pub(crate) fn isolation(&self, role: &str) -> Isolation {
        self.grants_of(role).map(|role| role.isolation).max().unwrap_or_default()
    }

    /// Returns the declared variables with their types.
    pub fn variables(&self) -> impl Iterator<Item = (&str, &ViewerType)> {
        self.variables.iter().map(|(name, of)| (name.as_str(), of))
    }
}

impl RoleGrants {
    /// Adds the grants of another role.
    pub fn includes(mut self, role: impl Into<String>) -> Self {
        self.includes.push(role.into());
        self
    }

    /// Sets the limits of the requests.
    pub fn limits(mut self, limits: RoleLimits) -> Self {
        self.limits = limits;
        self
    }

    /// Sets the isolation of the requests. That of a role is the strictest that it or an included role declares.
    pub fn isolation(mut self, isolation: Isolation) -> Self {
        self.isolation = isolation;
        self
    }

    /// Grants reading and writing of the entity with this type name.
    pub fn grant(mut self, entity: impl Into<String>, grant: impl FnOnce(Grant) -> Grant) -> Self {
        self.grants.insert(entity.into(), grant(Grant::default()));
        self
    }
}
