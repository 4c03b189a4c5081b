//! Settings of a viewer's statements, and the check of the database's roles before the first of them.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use crate::database::{Database, impersonation};
use crate::error::{Error, Result};
use crate::model::Model;
use crate::policy::SessionSettings;

/// Settings of a viewer's statements.
pub(super) struct Impersonation {
    pub settings: Arc<SessionSettings>,
    pub check: Arc<ImpersonationCheck>,
}

/// Roles that viewers have, and the databases where policies bind them.
pub(super) struct ImpersonationCheck {
    roles: Vec<String>,
    checked: Mutex<BTreeSet<u64>>,
}

impl ImpersonationCheck {
    pub(super) fn new(roles: Vec<String>) -> Self {
        Self { roles, checked: Mutex::default() }
    }

    /// Checks the roles once for each database.
    pub(super) async fn pass(&self, model: &Model, database: &Database) -> Result<Vec<String>> {
        let is_checked = |id: u64| self.checked.lock().unwrap_or_else(PoisonError::into_inner).contains(&id);
        if is_checked(database.id()) {
            return Ok(Vec::new());
        }
        let tables: Vec<_> = model.entities.iter().map(|entity| entity.table.clone()).collect();
        let faults = impersonation::faults(database, &self.roles, &tables).await?;
        if faults.is_empty() {
            self.checked.lock().unwrap_or_else(PoisonError::into_inner).insert(database.id());
        }
        Ok(faults)
    }
}

impl Impersonation {
    /// Returns the settings for statements on `database`.
    ///
    /// # Errors
    /// If a role of the database may not be impersonated there.
    pub(super) async fn settings(&self, model: &Model, database: &Database) -> Result<Arc<SessionSettings>> {
        let faults = self.check.pass(model, database).await?;
        match faults.is_empty() {
            true => Ok(self.settings.clone()),
            false => Err(Error::internal(faults.join("; "))),
        }
    }
}
