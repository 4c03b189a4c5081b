//! Claims of a token as the role and the values of a viewer.

use std::time::{Duration, SystemTime};

use serde_json::Value as Json;

use super::settings::{JwtFault, JwtSettings};
use crate::policy::{Policies, Viewer, ViewerType};
use crate::server::sign_in::identity::Identity;

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
    pub(super) fn new(settings: &JwtSettings, policies: &Policies) -> Result<Self, JwtFault> {
        for (name, pointer) in &settings.claims {
            if !pointer.starts_with('/') {
                return Err(JwtFault(format!(
                    "claims.{name}: expected a JSON pointer such as /sub, but {pointer:?} was given"
                )));
            }
        }
        let mut claims = settings.claims.clone();
        let (role, roles) = (claims.remove(ROLE), claims.remove(ROLES));
        if role.is_none() && settings.role.is_none() {
            return Err(JwtFault("neither claims.role nor role is given".to_owned()));
        }
        let mut variables = Vec::new();
        for (name, of) in policies.variables() {
            match claims.remove(name) {
                Some(pointer) => variables.push((name.to_owned(), pointer, of.clone())),
                None if of.nullable => {}
                None => {
                    let message = format!("claims.{name} is missing: every viewer has the variable {name}");
                    return Err(JwtFault(message));
                }
            }
        }
        match claims.keys().next() {
            None => Ok(Self { role, roles, default_role: settings.role.clone(), variables }),
            Some(name) => Err(JwtFault(format!("claims.{name}: no variable of the viewer has this name"))),
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
                    let value = value(claim, of).ok_or("a claim is not of its variable's type")?;
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

/// Returns a claim as a value of this type. Values of the model's own scalars are checked with the rules.
fn value(claim: &Json, of: &ViewerType) -> Option<Json> {
    match (claim, of.is_list) {
        (Json::Array(items), true) => {
            items.iter().map(|item| scalar(item, &of.scalar)).collect::<Option<Vec<_>>>().map(Json::Array)
        }
        (_, true) => None,
        (one, false) => scalar(one, &of.scalar),
    }
}

fn scalar(claim: &Json, name: &str) -> Option<Json> {
    match (name, claim) {
        ("Boolean", Json::Bool(_)) | ("String" | "ID", Json::String(_)) => Some(claim.clone()),
        ("Boolean" | "String" | "ID", _) => None,
        ("Int", Json::Number(number)) => {
            number.as_i64().filter(|number| i32::try_from(*number).is_ok())?;
            Some(claim.clone())
        }
        // `sub` is always a string (RFC 7519, section 4.1.2).
        ("Int", Json::String(digits)) => {
            let number: i32 = digits.parse().ok()?;
            (number.to_string() == *digits).then(|| number.into())
        }
        ("Int", _) => None,
        ("Float", Json::Number(_)) => Some(claim.clone()),
        ("Float", _) => None,
        (_, Json::String(_) | Json::Number(_)) => Some(claim.clone()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_claim_of_another_type_is_no_value() {
        for (claim, of, expected) in [
            (json!(1), "Int!", Some(json!(1))),
            (json!("1"), "Int!", Some(json!(1))),
            (json!("-7"), "Int", Some(json!(-7))),
            (json!("01"), "Int!", None),
            (json!("+1"), "Int!", None),
            (json!(" 1"), "Int!", None),
            (json!("1 or 1=1"), "Int!", None),
            (json!(1.5), "Int!", None),
            (json!(2_147_483_648_i64), "Int!", None),
            (json!(true), "Int!", None),
            (json!([1]), "Int!", None),
            (json!({}), "Int!", None),
            (json!(1), "[Int!]!", None),
            (json!([1, "2"]), "[Int!]!", Some(json!([1, 2]))),
            (json!([1, null]), "[Int!]!", None),
            (json!([[1]]), "[Int!]!", None),
            (json!("a"), "String", Some(json!("a"))),
            (json!(1), "String", None),
            (json!("true"), "Boolean", None),
            (json!(true), "Boolean", Some(json!(true))),
            (json!("0b4c"), "UUID", Some(json!("0b4c"))),
            (json!({}), "UUID", None),
        ] {
            assert_eq!(value(&claim, &of.parse().unwrap()), expected, "{claim} as {of}");
        }
    }
}
