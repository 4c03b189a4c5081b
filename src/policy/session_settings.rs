//! Settings of a viewer's statements in PostgreSQL, for the database's own policies and triggers.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Map, Value as Json};

use super::viewer::Viewer;

/// Name of the claim with the role.
const ROLE: &str = "role";

/// Settings that PostgreSQL gets with each statement of a viewer: the table `[database]` of an options file.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DatabaseSettings {
    /// Roles of the database that the statements of viewers have; `None` for that of the connection.
    #[serde(default)]
    impersonate: Option<DatabaseRoles>,
    /// Setting that has the viewer's role and values as a JSON object, such as `request.jwt.claims`.
    #[serde(default)]
    claims: Option<String>,
}

/// Roles of the database by roles of viewers.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
enum DatabaseRoles {
    /// The role of the same name.
    Same(SameRole),
    /// A role each.
    Named(BTreeMap<String, String>),
}

/// The word `role`.
#[derive(Clone, Copy, Debug, Deserialize)]
enum SameRole {
    #[serde(rename = "role")]
    Role,
}

/// Settings of one viewer's statements.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionSettings {
    /// Role of the database.
    pub role: Option<String>,
    /// Name and value of the setting with the claims.
    pub claims: Option<(String, String)>,
}

impl DatabaseSettings {
    /// Returns settings that change nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// Gives each viewer the database's role of the same name.
    pub fn impersonate_roles(mut self) -> Self {
        self.impersonate = Some(DatabaseRoles::Same(SameRole::Role));
        self
    }

    /// Gives viewers of `role` a role of the database.
    pub fn impersonate(mut self, role: impl Into<String>, database_role: impl Into<String>) -> Self {
        let mut named = match self.impersonate {
            Some(DatabaseRoles::Named(named)) => named,
            _ => BTreeMap::new(),
        };
        named.insert(role.into(), database_role.into());
        self.impersonate = Some(DatabaseRoles::Named(named));
        self
    }

    /// Sets the setting that has the viewer's role and values.
    pub fn claims(mut self, setting: impl Into<String>) -> Self {
        self.claims = Some(setting.into());
        self
    }

    /// Returns true if the settings change nothing.
    pub fn is_empty(&self) -> bool {
        self.impersonate.is_none() && self.claims.is_none()
    }

    /// Returns true if viewers have roles of the database.
    pub(super) fn impersonates(&self) -> bool {
        self.impersonate.is_some()
    }

    /// Returns the database's role of viewers with this role.
    pub(super) fn role_of(&self, role: &str) -> Option<String> {
        match self.impersonate.as_ref()? {
            DatabaseRoles::Same(_) => Some(role.to_owned()),
            DatabaseRoles::Named(named) => named.get(role).cloned(),
        }
    }
}

impl DatabaseSettings {
    /// Returns the settings of a viewer's statements; `None` if there are none.
    pub(super) fn session(&self, viewer: &Viewer) -> Option<SessionSettings> {
        if self.is_empty() {
            return None;
        }
        let claims = self.claims.as_ref().map(|name| {
            let mut values: Map<String, Json> = viewer.values.clone();
            values.insert(ROLE.to_owned(), viewer.role.clone().into());
            (name.clone(), Json::Object(values).to_string())
        });
        Some(SessionSettings { role: self.role_of(&viewer.role), claims })
    }

    /// Returns the faults of the settings beside these roles of viewers.
    pub(super) fn faults(&self, roles: &[&str]) -> Vec<String> {
        let mut faults = Vec::new();
        if self.impersonates() {
            let lacks = roles.iter().filter(|role| self.role_of(role).is_none());
            faults
                .extend(lacks.map(|role| {
                    format!("database.impersonate: the role {role} has no role of the database")
                }));
        }
        if let Some(DatabaseRoles::Named(named)) = &self.impersonate {
            let unknown = named.keys().filter(|name| !roles.contains(&name.as_str()));
            faults.extend(unknown.map(|name| format!("database.impersonate: no role has the name {name}")));
        }
        // PostgreSQL knows such names without a declaration; others are its own settings.
        if let Some(name) = self.claims.as_ref().filter(|name| !name.contains('.')) {
            faults.push(format!(
                "database.claims: expected a name such as request.jwt.claims, but {name:?} was given"
            ));
        }
        faults
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn viewers_have_the_roles_and_claims_of_the_settings() {
        let viewer = Viewer::new("user").with("userId", 1).with("role", "forged");
        let settings = |text| {
            let database: DatabaseSettings = serde_json::from_str(text).unwrap();
            (database.session(&viewer), database.faults(&["a", "user"]))
        };
        assert_eq!(settings("{}"), (None, Vec::new()));
        let (same, faults) = settings(r#"{ "impersonate": "role", "claims": "request.jwt.claims" }"#);
        let same = same.unwrap();
        assert_eq!((same.role.as_deref(), faults.len()), (Some("user"), 0));
        let (name, claims) = same.claims.unwrap();
        let claims: Json = serde_json::from_str(&claims).unwrap();
        assert_eq!(
            (name.as_str(), claims),
            ("request.jwt.claims", serde_json::json!({ "role": "user", "userId": 1 }))
        );
        let (named, faults) =
            settings(r#"{ "impersonate": { "user": "app_user", "b": "c" }, "claims": "claims" }"#);
        assert_eq!(named.unwrap().role.as_deref(), Some("app_user"));
        assert_eq!(faults.len(), 3, "{faults:?}");
        assert!(serde_json::from_str::<DatabaseSettings>(r#"{ "impersonate": "user" }"#).is_err());
    }
}
