//! Schemas of roles: each has what its role reads, and nothing else.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

use async_graphql::dynamic::SchemaError;
use serde_json::Value as Json;

use super::additions::Additions;
use super::definition::{Roles, Schema, SchemaSettings};
use super::impersonation::{Impersonation, ImpersonationCheck};
use crate::database::Database;
use crate::dialect::Dialect;
use crate::error::{Error, Result};
use crate::execute::ReadConsistency;
use crate::model::Model;
use crate::plan::{Complexity, PlanReads, Rules};
use crate::policy::{Isolation, Policies, PolicyFault, RoleLimits, Viewer};

impl Roles {
    /// Builds the schemas of all roles.
    ///
    /// # Errors
    /// All faults of all roles at once.
    pub fn new(policies: Policies, model: Arc<Model>, settings: SchemaSettings) -> Result<Self, SchemaError> {
        let has_settings = policies.session_settings(&Viewer::new("")).is_some();
        let impersonation =
            has_settings.then(|| Arc::new(ImpersonationCheck::new(policies.database_roles())));
        let mut faults = policies.database_faults();
        let mut roles = Self { policies, model, settings, impersonation, built: Mutex::default() };
        let mut built = BTreeMap::new();
        for role in roles.policies.roles() {
            match roles.build(role, &BTreeSet::new()) {
                Ok(schema) => drop(built.insert((role.to_owned(), BTreeSet::new()), schema)),
                Err(found) => faults.extend(found),
            }
        }
        roles.built = Mutex::new(built);
        match faults.is_empty() {
            true => Ok(roles),
            false => Err(format!("the policies have faults:\n  {}", faults.join("\n  ")).into()),
        }
    }

    fn build(&self, role: &str, missing: &BTreeSet<String>) -> Result<Schema, Vec<String>> {
        let texts = |faults: Vec<PolicyFault>| faults.iter().map(ToString::to_string).collect::<Vec<_>>();
        let settings = self.settings.of_role(role, &self.policies);
        let compiled = self.policies.restrict(&self.model, role, missing).and_then(|restricted| {
            let rules = Rules::compile(self.model.clone(), &self.policies, role, &restricted)?;
            // Rules with variables that the viewer lacks hold for no row.
            let unsatisfiable = if missing.is_empty() { rules.unsatisfiable(role) } else { Vec::new() };
            if !unsatisfiable.is_empty() {
                return Err(unsatisfiable);
            }
            Ok((restricted.model, rules))
        });
        let (settings, (model, rules)) = match (settings, compiled) {
            (Ok(settings), Ok(compiled)) => (settings, compiled),
            (settings, compiled) => {
                let faults = settings.err().into_iter().chain(compiled.err()).flatten();
                return Err(texts(faults.collect()));
            }
        };
        let built = settings.build(model, Some(rules), Additions::default());
        built.map_err(|error| vec![format!("role {role}: {error}")])
    }

    /// Returns the optional variables that a viewer lacks.
    fn missing(&self, viewer: &Viewer) -> Result<BTreeSet<String>> {
        let mut missing = BTreeSet::new();
        for (name, of) in self.policies.variables() {
            if viewer.values.get(name).is_some_and(|value| *value != Json::Null) {
                continue;
            }
            if !of.nullable && viewer.role != Viewer::ANONYMOUS {
                let expected = format!("expected a value of type {of}");
                return Err(Error::bad_input(&format!("viewer.{name}"), Json::Null, expected));
            }
            missing.insert(name.to_owned());
        }
        Ok(missing)
    }

    fn of_role(&self, role: &str) -> Option<Schema> {
        let built = self.built.lock().unwrap_or_else(PoisonError::into_inner);
        built.get(&(role.to_owned(), BTreeSet::new())).cloned()
    }

    fn seen_by(&self, viewer: &Viewer) -> Result<Schema> {
        if !self.policies.roles().any(|role| role == viewer.role) {
            return Err(Error::unknown_role(&viewer.role));
        }
        let key = (viewer.role.clone(), self.missing(viewer)?);
        let mut built = self.built.lock().unwrap_or_else(PoisonError::into_inner);
        let schema = match built.get(&key) {
            Some(schema) => schema.clone(),
            None => {
                let schema =
                    self.build(&key.0, &key.1).map_err(|faults| Error::internal(faults.join("; ")))?;
                built.insert(key, schema.clone());
                schema
            }
        };
        if let Some(rules) = &schema.shared.rules {
            // Types of values are those of the model, whatever the database.
            rules.values(Dialect::default(), &viewer.values)?;
        }
        let settings = self.policies.session_settings(viewer).map(Arc::new).zip(self.impersonation.clone());
        let impersonation = settings.map(|(settings, check)| Arc::new(Impersonation { settings, check }));
        Ok(Schema { viewer: Arc::new(viewer.values.clone()), impersonation, ..schema })
    }
}

impl SchemaSettings {
    /// Returns the settings of a role's schema.
    ///
    /// # Errors
    /// All limits of the role that are not within those of the service.
    fn of_role(&self, role: &str, policies: &Policies) -> Result<Self, Vec<PolicyFault>> {
        let limits = policies.limits(role);
        let of_service = RoleLimits::default().rows(self.limits.rows).cost(self.limits.cost);
        let faults = limits.faults(of_service);
        if !faults.is_empty() {
            let fault = |message| PolicyFault { role: role.to_owned(), entity: None, message };
            return Err(faults.into_iter().map(fault).collect());
        }
        let mut settings = self.clone();
        settings.limits.rows = limits.rows.unwrap_or(settings.limits.rows);
        settings.limits.cost = limits.cost.unwrap_or(settings.limits.cost);
        settings.request_rate = limits.requests;
        settings.isolation = policies.isolation(role);
        if settings.isolation == Isolation::RepeatableRead {
            settings.consistency = ReadConsistency::Snapshot;
        }
        Ok(settings)
    }
}

impl Schema {
    /// Returns the schema as a viewer sees it. Everything that is executed on it is subject to the rules of the viewer's
    /// role. Without policies, every viewer sees the whole schema.
    ///
    /// # Errors
    /// `FORBIDDEN` for a role that no policy declares, `BAD_USER_INPUT` for a viewer without a required variable, or with a
    /// value of another type.
    pub fn seen_by(&self, viewer: &Viewer) -> Result<Self> {
        match &self.roles {
            Some(roles) => roles.seen_by(viewer),
            None => Ok(self.clone()),
        }
    }

    /// Returns the schema of a role as viewers with all variables see it, to be printed.
    ///
    /// # Errors
    /// `FORBIDDEN` for a role that no policy declares.
    pub fn of_role(&self, role: &str) -> Result<Self> {
        let built = self.roles.as_ref().and_then(|roles| roles.of_role(role));
        built.ok_or_else(|| Error::unknown_role(role))
    }

    /// Checks that the database's own policies bind the roles that viewers have. Otherwise the first operation of a viewer is
    /// refused with the same faults.
    ///
    /// # Errors
    /// All faults, or the error of the database.
    pub async fn check_impersonation(&self, database: &Database) -> std::result::Result<(), String> {
        let check = self.roles.as_ref().and_then(|roles| roles.impersonation.clone());
        let Some(check) = check else { return Ok(()) };
        let faults = check.pass(self.model(), database).await.map_err(|error| error.to_string())?;
        if faults.is_empty() { Ok(()) } else { Err(faults.join("\n")) }
    }

    /// Checks that the statements of a database of this dialect can have the rules of all roles.
    ///
    /// # Errors
    /// All rules beyond the limits of the database.
    pub fn check_rules(&self, dialect: Dialect) -> Result<(), Vec<PolicyFault>> {
        let built = self.roles.iter().map(|roles| roles.built.lock().unwrap_or_else(PoisonError::into_inner));
        let mut faults = Vec::new();
        for ((role, _), schema) in built.flat_map(|built| built.clone()) {
            let Some(rules) = &schema.shared.rules else { continue };
            faults.extend(Complexity::unfit(rules, dialect).into_iter().map(|(id, error)| PolicyFault {
                role: role.clone(),
                entity: Some(rules.model().entities[id].name.clone()),
                message: error.message().to_owned(),
            }));
        }
        match faults.is_empty() {
            true => Ok(()),
            false => Err(faults),
        }
    }

    /// Returns the policies that decide what a viewer sees.
    pub fn policies(&self) -> Option<&Policies> {
        self.roles.as_ref().map(|roles| &roles.policies)
    }

    /// Returns the viewer's values that decide between two live queries: those that the rules of entities which the plan
    /// reads take, those that all rules take if there is no plan, or all settings of the database's own policies.
    pub(super) fn viewer_key(&self, reads: Option<&PlanReads>) -> String {
        // The database's own policies may read any of the settings.
        if let Some(Impersonation { settings, .. }) = self.impersonation.as_deref() {
            return format!("{settings:?}{}", serde_json::to_string(&*self.viewer).unwrap_or_default());
        }
        let variables = self.shared.rules.iter().flat_map(Rules::variables).enumerate();
        let is_used =
            |parameter: usize| reads.is_none_or(|reads| reads.viewer_parameters.contains(&parameter));
        let used: BTreeMap<&str, Option<&Json>> = variables
            .filter(|(parameter, _)| is_used(*parameter))
            .map(|(_, name)| (name, self.viewer.get(name)))
            .collect();
        serde_json::to_string(&used).unwrap_or_default()
    }
}
