//! Claims of a token as the role and the values of a viewer.

use std::time::{Duration, SystemTime};

use serde_json::Value as Json;

use super::settings::JwtSettings;
use crate::policy::{Policies, Viewer, ViewerType};
use crate::server::sign_in::identity::Identity;
use crate::server::sign_in::tokens::fault::SignInFault;
use crate::server::sign_in::tokens::viewer_value;

/// Entries of the settings that are no variables.
const ROLE: &str = "role";
const ROLES: &str = "roles";

/// Places of the claims that make up an identity, as JSON pointers.
pub(super) struct ClaimMap {
    role: Option<String>,
    roles: Option<String>,
    default_role: Option<String>,
    variables: Vec<(String, String, ViewerType)>,
}

impl ClaimMap {
    pub(super) fn new(settings: &JwtSettings, policies: &Policies) -> Result<Self, SignInFault> {
        for (name, pointer) in &settings.claims {
            if !pointer.starts_with('/') {
                return Err(SignInFault(format!(
                    "claims.{name}: expected a JSON pointer such as /sub, but {pointer:?} was given"
                )));
            }
        }
        let mut claims = settings.claims.clone();
        let (role, roles) = (claims.remove(ROLE), claims.remove(ROLES));
        if role.is_none() && settings.role.is_none() {
            return Err(SignInFault("neither claims.role nor role is given".to_owned()));
        }
        let mut variables = Vec::new();
        for (name, of) in policies.variables() {
            match claims.remove(name) {
                Some(pointer) => variables.push((name.to_owned(), pointer, of.clone())),
                None if of.nullable => {}
                None => {
                    let message = format!("claims.{name} is missing: every viewer has the variable {name}");
                    return Err(SignInFault(message));
                }
            }
        }
        match claims.keys().next() {
            None => Ok(Self { role, roles, default_role: settings.role.clone(), variables }),
            Some(name) => Err(SignInFault(format!("claims.{name}: no variable of the viewer has this name"))),
        }
    }

    /// Returns the identity of a verified token.
    ///
    /// # Errors
    /// If a claim is missing or of another type.
    pub(super) fn identity(&self, claims: &Json) -> Result<Identity, &'static str> {
        let at = |pointer: &str| claims.pointer(pointer).filter(|claim| !claim.is_null());
        let role = match self.role.as_deref().and_then(at) {
            Some(Json::String(role)) => role.clone(),
            Some(_) => return Err("the claim of the role is not a string"),
            None => self.default_role.clone().ok_or("the claim of the role is missing")?,
        };
        let roles = match self.roles.as_deref().and_then(at) {
            None => Vec::new(),
            Some(Json::Array(roles)) => {
                let names = roles.iter().map(|role| role.as_str().map(str::to_owned));
                names.collect::<Option<_>>().ok_or("the claim of the roles is not a list of strings")?
            }
            Some(_) => return Err("the claim of the roles is not a list of strings"),
        };
        let mut viewer = Viewer::new(role);
        for (name, pointer, of) in &self.variables {
            match at(pointer) {
                Some(claim) => {
                    let value =
                        viewer_value::read(claim, of).ok_or("a claim is not of its variable's type")?;
                    viewer.values.insert(name.clone(), value);
                }
                None if of.nullable => {}
                None => return Err("a claim of a required variable is missing"),
            }
        }
        // The library has checked the form. A fraction is cut off: the identity ends no later than the token.
        let seconds = claims.get("exp").and_then(|end| end.as_u64().or(end.as_f64().map(|end| end as u64)));
        let expires = seconds.and_then(|end| SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(end)));
        Ok(Identity { viewer, roles, expires })
    }
}
