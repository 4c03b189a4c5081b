//! Faults of policies: each is found when the schema is built, and named with its role and type.

use crowsfoot::Schema;
use crowsfoot::policy::Policies;
use serde_json::{Value as Json, json};

use crate::attacks;
use crate::support;

/// Roles with a fault each, and the message.
fn faulty() -> Vec<(Json, &'static str)> {
    let all = || json!({ "read": "true", "columns": ["*"] });
    let reading = |rule: &str| json!({ "Document": { "read": rule, "columns": ["*"] } });
    vec![
        (json!({ "includes": ["nobody"] }), "the included role nobody is not declared"),
        (json!({ "Dokument": all() }), "Dokument: no entity has this type name"),
        (
            json!({ "Document": { "read": "true", "columns": ["titel"] } }),
            "Document: no column has the field \"titel\"",
        ),
        (
            json!({ "Document": { "read": "true", "columns": ["*", "-titel"] } }),
            "Document: no column has the field \"titel\"",
        ),
        (
            json!({ "Document": { "read": "true", "columns": ["*"], "relations": ["writer"] } }),
            "Document: no relation has the field \"writer\"",
        ),
        (
            json!({ "Document": { "read": "true", "columns": ["*"], "relations": ["author"] } }),
            "Document: the relation author is granted, and nothing of the rows behind it: grant reading of User",
        ),
        (
            json!({ "Document": { "read": "true", "columns": ["title"] } }),
            "Document: the key column id must be granted",
        ),
        (json!({ "Document": { "columns": ["*"] } }), "Document: the grant has no rule"),
        (reading("{ titel: { eq: \"x\" } }"), "Document: "),
        (reading("{ title: { eq: 1 } }"), "Document: "),
        (reading("{ title: "), "Document: the rule cannot be read"),
        (reading("[1]"), "Document: the rule is no filter"),
        (
            reading("{ author: { id: { eq: $user } } }"),
            "Document: the rule uses $user, which is no declared variable",
        ),
        (
            reading("{ title: { eq: $userId } }"),
            "$userId is compared as String!, but its declared type is Int!",
        ),
        (
            json!({
                "Document": { "read": "{ author: seen }", "columns": ["*"] },
                "User": { "read": "{ org: seen }", "columns": ["*"] },
                "Org": { "read": "{ users: { some: { documents: { some: { author: seen } } } } }", "columns": ["*"] },
            }),
            "seen leads back to the rule of User",
        ),
        (
            reading("{ comments: seen }"),
            "comments is a list: seen stands for the filter of a to-one relation",
        ),
        (reading("{ author: seen }"), "Document: a rule holds for no row"),
        (reading("{ or: [] }"), "Document: a rule holds for no row"),
        (reading("{ id: { in: [] } }"), "Document: a rule holds for no row"),
        (reading("{ id: { gt: 5, lt: 5 } }"), "Document: a rule holds for no row"),
        (
            json!({ "Document": { "read": "true", "columns": ["*", { "title": "{ title: { isNull: true } }" }] } }),
            "Document: a rule holds for no row",
        ),
        (
            json!({ "Document": { "read": "true", "columns": ["*"], "delete": "{ id: { eq: 1 }, not: { id: { lt: 2 } } }" } }),
            "Document: a rule holds for no row",
        ),
        (
            json!({ "Document": { "read": "true", "columns": ["*"], "create": { "columns": ["title"] } } }),
            "Document: create has no check",
        ),
        (
            json!({ "Document": { "read": "true", "columns": ["*"], "update": { "columns": ["title"] } } }),
            "Document: update has no filter",
        ),
    ]
}

#[tokio::test]
async fn every_fault_is_named_when_the_schema_is_built() {
    let database = support::sqlite().await;
    let model = attacks::model(&database).await;
    for (role, expected) in faulty() {
        let policies = json!({ "viewer": { "userId": "Int!" }, "roles": { "user": role } });
        let policies: Policies = serde_json::from_value(policies).unwrap();
        let fault = Schema::builder(model.clone()).policies(policies).finish().err();
        let fault = fault.unwrap_or_else(|| panic!("no fault: {role}")).to_string();
        assert!(fault.contains("role user") && fault.contains(expected), "{role}: {fault}");
    }
    database.drop().await;
}

/// A grant that does not apply to a viewer, who lacks an optional variable, is no fault.
#[tokio::test]
async fn a_rule_of_an_absent_variable_is_no_fault() {
    let database = support::sqlite().await;
    let policies = json!({
        "viewer": { "userId": "Int" },
        "roles": { "user": { "User": { "read": "{ id: { eq: $userId } }", "columns": ["*"] } } },
    });
    let policies: Policies = serde_json::from_value(policies).unwrap();
    let schema = Schema::builder(attacks::model(&database).await).policies(policies).finish().unwrap();
    attacks::fill(&database).await;
    let viewer = crowsfoot::policy::Viewer::new("user");
    let seen = schema.seen_by(&viewer).unwrap();
    assert_eq!(support::data(&seen, &database, "{ users { id } }").await, json!({ "users": [] }));
    database.drop().await;
}
