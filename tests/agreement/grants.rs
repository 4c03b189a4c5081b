//! Limits of grants: what the schema of a role shows, what planning enforces, and the faults at start.

use std::collections::BTreeSet;

use crowsfoot::internals::dialect::Dialect;
use crowsfoot::policy::{Policies, RoleLimits, Viewer};
use crowsfoot::{ExecutionLimits, Model, Schema};
use serde_json::{Value as Json, json};

use crate::attacks;
use crate::support;

/// Tags are neither aggregated nor counted, and a list has two documents at most.
fn policies() -> Policies {
    let grants = json!({ "roles": {
        "reader": {
            "limits": { "rows": 5, "cost": 1000, "requests": "9/min" },
            "isolation": "repeatable read",
            "Document": { "read": "true", "columns": ["*"], "limit": 2 },
            "Tag": { "read": "true", "columns": ["*"], "aggregate": false },
            "DocumentTag": { "read": "true" },
        },
        "auditor": {
            "includes": ["reader"],
            "limits": { "rows": 3, "requests": "500/h" },
            "Document": { "read": "{ id: { eq: 1 } }", "columns": ["*"], "limit": 3 },
            "Tag": { "read": "true", "columns": ["*"] },
        },
        "editor": { "includes": ["reader"], "Document": { "read": "true", "columns": ["*"] } },
    } });
    serde_json::from_value(grants).unwrap()
}

#[tokio::test]
async fn a_role_that_may_not_aggregate_neither_aggregates_nor_counts() {
    let database = support::sqlite().await;
    let schema = Schema::builder(attacks::model(&database).await).policies(policies()).finish().unwrap();
    let sdl = schema.of_role("reader").unwrap().sdl();
    let of_tags = ["tagsAggregate", "TagAggregate", "TagSum", "tags_count", "tagsCount"];
    for name in of_tags {
        assert!(!sdl.contains(name), "{name}");
    }
    let count = schema.sdl().matches("totalCount").count();
    assert!(count > 0 && sdl.contains("documentsAggregate") && sdl.contains("type TagConnection"));
    let pages = sdl.split("type TagConnection {").nth(1).unwrap().split('}').next().unwrap();
    assert!(pages.contains("nodes") && !pages.contains("totalCount"), "{pages}");
    assert!(sdl.split("type DocumentConnection {").nth(1).unwrap().contains("totalCount"));
    // One of the united grants is enough.
    assert!(schema.of_role("auditor").unwrap().sdl().contains("tagsAggregate"));

    attacks::fill(&database).await;
    let reader = schema.seen_by(&Viewer::new("reader")).unwrap();
    for query in [
        "{ tagsAggregate { count } }",
        "{ documents { tagsAggregate { count } } }",
        "{ tagsConnection { totalCount } }",
        "{ documents { tagsConnection { totalCount } } }",
        "{ documents(orderBy: { tagsCount: ASC }) { id } }",
        "subscription { tagsAggregate { count } }",
    ] {
        let (answer, statements) = support::ask(&reader, &database, query, Json::Null).await;
        assert_eq!(
            answer["errors"][0]["extensions"]["code"], "GRAPHQL_VALIDATION_FAILED",
            "{query} {answer}"
        );
        assert!(statements.is_empty());
    }
    // Filters over the rows tell nothing that lists do not.
    let query = "{ tags(where: { documents: { some: { id: { eq: 4 } } } }) { id } }";
    let answer = support::data(&reader, &database, query).await;
    assert_eq!(answer, json!({ "tags": [{ "id": 1 }, { "id": 3 }] }));
    database.drop().await;
}

#[tokio::test]
async fn a_list_returns_at_most_the_rows_of_its_grant() {
    for database in support::databases().await {
        let schema = Schema::builder(attacks::model(&database).await).policies(policies()).finish().unwrap();
        attacks::fill(&database).await;
        let reader = schema.seen_by(&Viewer::new("reader")).unwrap();
        let first = json!([{ "id": 1 }, { "id": 2 }]);
        for (query, expected) in [
            ("{ documents { id } }", json!({ "documents": first })),
            ("{ documents(limit: 1) { id } }", json!({ "documents": [{ "id": 1 }] })),
            ("{ documents(offset: 3) { id } }", json!({ "documents": [{ "id": 4 }] })),
            (
                "{ documentsConnection { nodes { id } totalCount pageInfo { hasNextPage } } }",
                json!({ "documentsConnection": {
                    "nodes": first, "totalCount": 4, "pageInfo": { "hasNextPage": true },
                } }),
            ),
            (
                "{ documentsConnection(last: 2) { nodes { id } } }",
                json!({ "documentsConnection": { "nodes": [{ "id": 3 }, { "id": 4 }] } }),
            ),
            ("{ tags(limit: 1) { documents { id } } }", json!({ "tags": [{ "documents": [{ "id": 4 }] }] })),
        ] {
            assert_eq!(support::data(&reader, &database, query).await, expected, "{query}");
        }
        for query in [
            "{ documents(limit: 3) { id } }",
            "{ documentsConnection(first: 3) { nodes { id } } }",
            "{ documentsConnection(last: 3) { nodes { id } } }",
            "{ tags { documents(limit: 3) { id } } }",
            "query ($many: Int = 3) { documents(limit: $many) { id } }",
        ] {
            let (answer, _) = support::ask(&reader, &database, query, Json::Null).await;
            let error = &answer["errors"][0];
            assert_eq!(error["extensions"]["code"], "BAD_USER_INPUT", "{query} {answer}");
            assert!(error["message"].as_str().unwrap().contains("expected at most 2 rows"), "{error}");
        }
        // The greatest of united limits applies, and none if a grant has none.
        for (role, rows) in [("auditor", 3), ("editor", 4)] {
            let schema = schema.seen_by(&Viewer::new(role)).unwrap();
            let answer = support::data(&schema, &database, "{ documents { id } }").await;
            assert_eq!(answer["documents"].as_array().map(Vec::len), Some(rows), "{role}");
        }
        assert!(reader.sdl().contains("Maximum number of rows to return; 2 at most, and if omitted."));
        database.drop().await;
    }
}

#[tokio::test]
async fn a_role_has_its_own_limits_of_rows_and_cost() {
    let database = support::sqlite().await;
    let schema = Schema::builder(attacks::model(&database).await).policies(policies()).finish().unwrap();
    attacks::fill(&database).await;
    let reader = schema.seen_by(&Viewer::new("reader")).unwrap();
    let six = "{ a: documents { id } b: documents { id } c: tags(limit: 2) { id } }";
    let (answer, _) = support::ask(&reader, &database, six, Json::Null).await;
    assert_eq!(
        answer["errors"][0]["extensions"],
        json!({ "code": "TOO_MANY_ROWS", "limit": 5, "asked": 6 }),
        "{answer}"
    );
    // Two tags with ten documents of ten tags of two documents each, as far as a plan can tell.
    let deep = "{ tags { documents { tags { documents { id } } } } }";
    let (answer, statements) = support::ask(&reader, &database, deep, Json::Null).await;
    let extensions = &answer["errors"][0]["extensions"];
    assert_eq!((&extensions["code"], &extensions["of"]), (&json!("TOO_COMPLEX"), &json!("cost")), "{answer}");
    assert_eq!((&extensions["limit"], statements.len()), (&json!(1000), 0), "{answer}");
    // An included role's limit is greater than the own one; the administrator has none of both.
    let auditor = schema.seen_by(&Viewer::new("auditor")).unwrap();
    assert!(support::ask(&auditor, &database, "{ documents { id } tags(limit: 2) { id } }", Json::Null).await.0["errors"].is_null());
    support::data(&schema, &database, deep).await;
    support::data(&schema, &database, six).await;
    database.drop().await;
}

#[tokio::test]
async fn limits_of_grants_are_printed() {
    let database = support::sqlite().await;
    let model = attacks::model(&database).await;
    let print = |role: &str| policies().restrict(&model, role, &BTreeSet::new()).unwrap().print(&model);
    let printed = print("reader");
    // The greatest limits and the strictest isolation of the roles that are included.
    for text in [&printed, &print("auditor")] {
        let start = "limits: rows = 5, cost = 1000, requests = 9/min\nisolation: repeatable read\n";
        assert!(text.starts_with(start), "{text}");
    }
    let of = |name: &str| {
        printed
            .split(&format!("\n{name}\n  read"))
            .nth(1)
            .unwrap()
            .split("\n  read")
            .next()
            .unwrap()
            .to_owned()
    };
    assert!(of("Document").contains("\n  limit: 2\n"), "{printed}");
    assert!(of("Tag").contains("\n  aggregate: false\n"), "{printed}");
    database.drop().await;
}

#[tokio::test]
async fn limits_that_cannot_apply_are_faults_at_start_all_at_once() {
    let database = support::sqlite().await;
    let policies = Policies::new()
        .role("none", |role| {
            let role = role.limits(RoleLimits::default().rows(0).cost(2_000));
            role.grant("Document", |grant| grant.read("true").columns(["*"]).limit(0))
        })
        .role("many", |role| role.limits(RoleLimits::default().rows(101)))
        .role("only", |role| {
            let role = role.grant("Document", |grant| grant.read("true").columns(["*"]));
            role.grant("Tag", |grant| grant.aggregate(false))
        });
    let mut limits = ExecutionLimits::DEFAULT;
    (limits.rows, limits.cost) = (100, 1_000);
    let built = Schema::builder(attacks::model(&database).await).limits(limits).policies(policies).finish();
    let faults = built.err().unwrap().to_string();
    for fault in [
        "role none, Document: limit: expected at least 1 row, but got 0",
        "role many: limits.rows: expected 1 to 100, the service's limit, but got 101",
        "role only, Tag: aggregate and limit belong to a grant of reading: add read",
        "role none: limits.rows: expected 1 to 100, the service's limit, but got 0",
        "role none: limits.cost: expected 1 to 1000, the service's limit, but got 2000",
    ] {
        assert!(faults.contains(fault), "{fault}\n{faults}");
    }
    database.drop().await;
}

/// Writes a filter that follows managers, one level inside the other.
fn managers(levels: usize, inner: &str) -> String {
    format!("{}{inner}{}", "{ manager: ".repeat(levels), " }".repeat(levels))
}

fn with_rule(model: &Model, rule: &str) -> Schema {
    let policies = Policies::new().role("reader", |role| {
        role.grant("User", |user| {
            let user = user.read(rule).columns(["*"]).column_if("salary", rule);
            user.update(|update| update.columns(["salary"]).filter(rule))
        })
    });
    Schema::builder(model.clone()).policies(policies).finish().unwrap()
}

#[tokio::test]
async fn rules_count_among_the_sizes_that_a_database_limits() {
    for database in support::databases().await {
        let model = attacks::model(&database).await;
        let mut codes = BTreeSet::new();
        for rule in [1, 12, 24] {
            let schema = with_rule(&model, &managers(rule, "{ id: { gt: 0 } }"));
            let reader = schema.seen_by(&Viewer::new("reader")).unwrap();
            for levels in [0, 8, 16, 24] {
                let filter = managers(levels, "{ salary: { gt: 0 } }");
                let order = managers(levels, "{ salary: ASC }");
                for query in [
                    format!("{{ users(where: {filter}) {{ id salary }} }}"),
                    format!("{{ users(orderBy: {order}) {{ id }} }}"),
                    format!(
                        "{{ usersConnection(where: {filter}, orderBy: {order}, first: 1) {{ nodes {{ id }} pageInfo {{ endCursor }} }} }}"
                    ),
                    format!(
                        "{{ users {} }}",
                        "{ manager ".repeat(levels) + "{ salary }" + &" }".repeat(levels)
                    ),
                    format!(
                        "mutation {{ updateUsers(where: {filter}, input: {{ salary: 1 }}) {{ affected }} }}"
                    ),
                ] {
                    let (answer, statements) = support::ask(&reader, &database, &query, Json::Null).await;
                    let error = &answer["errors"][0]["extensions"];
                    let code = error["code"].as_str().unwrap_or_default();
                    assert!(["", "TOO_COMPLEX"].contains(&code), "{rule}, {levels}: {query}\n{answer}");
                    if code == "TOO_COMPLEX" {
                        assert!(error["asked"].as_u64() > error["limit"].as_u64(), "{error}");
                        assert!(statements.is_empty() || query.starts_with("mutation"));
                        // The rules alone are too much: the administrator is answered.
                        if levels < 20 {
                            let (answer, _) = support::ask(&schema, &database, &query, Json::Null).await;
                            assert!(answer["errors"].is_null(), "{answer}");
                        }
                    }
                    codes.insert(code.to_owned());
                }
            }
        }
        let expected: &[&str] = match database.dialect {
            Dialect::Sqlite => &["", "TOO_COMPLEX"],
            Dialect::Postgres => &[""],
        };
        assert!(codes.iter().map(String::as_str).eq(expected.iter().copied()), "{codes:?}");
        database.drop().await;
    }
}

#[tokio::test]
async fn a_rule_that_no_statement_can_have_is_a_fault_at_start() {
    let database = support::sqlite().await;
    let model = attacks::model(&database).await;
    let fits = with_rule(&model, &managers(16, "{ id: { gt: 0 } }"));
    assert_eq!(fits.check_rules(Dialect::Sqlite), Ok(()));
    let deep = with_rule(&model, &managers(44, "{ id: { gt: 0 } }"));
    let faults = deep.check_rules(Dialect::Sqlite).unwrap_err();
    let told = faults[0].to_string();
    assert!(told.starts_with("role reader, User: a statement of the query nests conditions"), "{told}");
    assert!(told.ends_with("the limit is 900"), "{told}");
    assert_eq!(deep.check_rules(Dialect::Postgres), Ok(()));
    database.drop().await;
}
