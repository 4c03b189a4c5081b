//! Values of the viewer's variables, as tokens and webhooks bring them.

use serde_json::Value as Json;

use crate::policy::ViewerType;

/// Returns a claim, or an entry of a webhook's answer, as a value of this type. Values of the model's own scalars are checked with the rules.
pub(super) fn read(claim: &Json, of: &ViewerType) -> Option<Json> {
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
            assert_eq!(read(&claim, &of.parse().unwrap()), expected, "{claim} as {of}");
        }
    }
}
