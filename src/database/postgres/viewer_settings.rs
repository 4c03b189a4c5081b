//! Statement that sets the role and the claims of a viewer for one transaction.

use sea_orm::Value;

use crate::policy::SessionSettings;

/// Returns the statement and its values, all of them text. Names and claims are values, so no quotes can end them.
pub(in crate::database) fn statement(settings: &SessionSettings) -> (String, Vec<Value>) {
    let SessionSettings { role, claims } = settings;
    let mut values = Vec::new();
    let mut calls = Vec::new();
    let mut parameter = |value: &str| {
        values.push(Value::from(value));
        format!("${}", values.len())
    };
    // Claims first: the viewer's role may lack the right to set them.
    if let Some((name, value)) = claims {
        calls.push(format!("set_config({}, {}, true)", parameter(name), parameter(value)));
    }
    if let Some(role) = role {
        calls.push(format!("set_config('role', {}, true)", parameter(role)));
    }
    (format!("SELECT {}", calls.join(", ")), values)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_claims_are_values() {
        let claims = Some(("request.jwt.claims".to_owned(), "{}".to_owned()));
        let both = SessionSettings { role: Some("a'b\"c".to_owned()), claims: claims.clone() };
        let (sql, values) = statement(&both);
        assert_eq!(sql, "SELECT set_config($1, $2, true), set_config('role', $3, true)");
        assert_eq!(values, ["request.jwt.claims", "{}", "a'b\"c"].map(Value::from));
        assert_eq!(statement(&SessionSettings { role: None, claims }).0, "SELECT set_config($1, $2, true)");
    }
}
