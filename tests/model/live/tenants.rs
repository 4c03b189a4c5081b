//! Joins by a tenant column: the plans carry it everywhere, and the answers stay as they are.
//!
//! `UPDATE_GOLDEN=1 cargo test --workspace --test model tenants` writes the plans anew.

use std::fmt::Write as _;
use std::path::Path;

use crowsfoot::internals::database::broken_promises;
use crowsfoot::internals::dialect::Dialect;
use crowsfoot::internals::plan::Catalog;
use crowsfoot::policy::{Policies, Viewer};
use crowsfoot::{Difference, ModelFault, Registry, Schema, TableOptions, describe};
use serde_json::{Value as Json, json};

use crate::support::{self, TestDatabase, ask, data, layout};

const TABLES: &str = include_str!("tenants.sql");

/// A query for each way in which statements join rows.
const QUERIES: &[&str] = &[
    "{ people { name boss { name boss { name } } tasks { title team { name } } } }",
    "{ people { tasks(limit: 1) { title } teams(limit: 1, orderBy: [{ name: DESC }]) { name } } }",
    "{ teams { people { name } peopleAggregate { count } tasksAggregate { count max { title } } } }",
    "{ tasks(where: { person: { boss: { name: { eq: \"Ada\" } } }, team: { memberships: { some: { role: { eq: \"lead\" } } } } }) { title } }",
    "{ people(where: { tasks: { every: { team: {} } }, teams: { some: { name: { eq: \"sales\" } } } }) { name } }",
    "{ people(where: { not: { reports: { some: {} } } }) { name } }",
    "{ tasks(orderBy: [{ person: { boss: { name: ASC } } }, { title: ASC }]) { title person { name } } }",
    "{ people(orderBy: [{ tasksCount: DESC }, { teamsCount: ASC }, { reportsCount: ASC }]) { name } }",
    "{ teamsConnection(first: 3) { nodes { name peopleConnection(first: 1) { totalCount edges { role cursor node { name } } } } } }",
    "{ labels { name tasks { title } tasksAggregate { count } } tasks { labels { name } } }",
    "{ tasks(where: { labels: { none: { name: { eq: \"later\" } } } }) { title } labels(where: { tasks: { some: {} } }) { name } }",
    "{ notes { text task { title notes { text } } } }",
    "{ orgs { name people { name memberships { role team { name org { name } } } } } }",
    "{ person(id: 3) { boss { name } tasks { title } } taskByOrgIdAndId(orgId: 1, id: 5) { person { name } } }",
];

/// Options that give the other side of a key a shorter name.
fn options() -> TableOptions {
    let people = |person: crowsfoot::EntityOptions| person.reverse("boss", "reports");
    TableOptions::new().entity("people", people)
}

async fn registry(database: &TestDatabase) -> Registry {
    let described = describe(&database.connection, &[]).await.unwrap();
    Registry::from_tables(&described.tables, &options())
}

/// Returns the schemas of the tables: without a tenant column, and with it.
async fn schemas(database: &TestDatabase) -> [Schema; 2] {
    let registry = registry(database).await;
    [registry.clone(), registry.tenant_column("org_id")].map(|registry| {
        let model = registry.model().unwrap_or_else(|error| panic!("{error}"));
        Schema::builder(model).policies(policies()).finish().unwrap()
    })
}

fn policies() -> Policies {
    let types = ["Person", "Team", "Membership", "Task", "TaskLabel", "Note"];
    let policies = Policies::new().variable("orgId", "Int!").unwrap();
    policies.role("user", |role| {
        let role = role.grant("Label", |label| label.read("true").columns(["*"]));
        types.into_iter().fold(role, |role, name| {
            role.grant(name, |grant| grant.read("{ orgId: { eq: $orgId } }").columns(["*"]))
        })
    })
}

fn viewer(org: i64) -> Viewer {
    Viewer::new("user").with("orgId", org)
}

/// Returns the plans of all queries, and those that differ without statistics, or as a role with a rule on the column sees them.
fn plans(schema: &Schema, catalog: &Catalog) -> String {
    let mut text = String::new();
    let seen = schema.seen_by(&viewer(1)).unwrap();
    for query in QUERIES {
        writeln!(text, "{query}").unwrap();
        for dialect in [Dialect::Sqlite, Dialect::Postgres] {
            let mut known = Vec::new();
            for (sight, schema, catalog) in [
                ("", schema, catalog),
                (" without statistics", schema, Catalog::none()),
                (" under a rule", &seen, catalog),
            ] {
                let Ok(plan) = schema.plan(&async_graphql::Request::new(*query)) else { continue };
                let plan = layout::of_plan(&plan.print(&schema.select(dialect, catalog)));
                if !known.contains(&plan) {
                    writeln!(text, "{dialect:?}{sight}: {plan}").unwrap();
                    known.push(plan);
                }
            }
        }
    }
    text
}

#[tokio::test]
async fn every_join_carries_the_tenant_column() {
    let database = support::sqlite().await;
    database.run(TABLES).await;
    let [_, schema] = schemas(&database).await;
    let found = plans(&schema, &database.connection.catalog().await.unwrap());
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/model/live/tenants.txt");
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&file, &found).unwrap();
    }
    assert_eq!(std::fs::read_to_string(&file).unwrap(), found);
    database.drop().await;
}

#[tokio::test]
async fn answers_over_rows_of_one_tenant_each_stay_as_they_are() {
    for database in support::databases().await {
        database.run(TABLES).await;
        database.run("ANALYZE").await;
        let [without, with] = schemas(&database).await;
        let broken = broken_promises(with.model(), &database.connection).await.unwrap();
        assert_eq!(broken, [], "{:?}", database.dialect);
        assert_eq!(without.sdl(), with.sdl());
        for query in QUERIES {
            assert_eq!(
                data(&with, &database, query).await,
                data(&without, &database, query).await,
                "{query}"
            );
            if query.contains("orgs") || query.contains(" org ") {
                continue;
            }
            for org in [1, 2, 3] {
                let [without, with] = [&without, &with].map(|schema| schema.seen_by(&viewer(org)).unwrap());
                let expected = data(&without, &database, query).await;
                assert_eq!(data(&with, &database, query).await, expected, "{org}: {query}");
            }
        }
        database.drop().await;
    }
}

#[tokio::test]
async fn writes_use_the_keys_alone_and_are_read_back_by_tenant() {
    for database in support::databases().await {
        database.run(TABLES).await;
        let [_, schema] = schemas(&database).await;
        let write = async |text: &str| data(&schema, &database, &format!("mutation {{ {text} }}")).await;
        // The columns of the organisation stay inputs, and a nullable key can be unset.
        let created = write(
            "createPerson(input: { id: 7, name: \"Gus\", org: { id: 1 }, boss: { id: 1 } }) \
             { name boss { name reports { name } } }",
        );
        let reports = json!([{ "name": "Cem" }, { "name": "Gus" }]);
        let boss = json!({ "name": "Ada", "reports": reports });
        assert_eq!(created.await["createPerson"], json!({ "name": "Gus", "boss": boss }));
        let updated = write("updatePerson(id: 7, input: { boss: null }) { orgId boss { name } }").await;
        assert_eq!(updated["updatePerson"], json!({ "orgId": 1, "boss": null }));
        let moved = write(
            "updatePerson(id: 1, input: { reports: { connect: [{ id: 7 }], disconnect: [{ id: 3 }] } }) { reports { name } }",
        );
        assert_eq!(moved.await["updatePerson"], json!({ "reports": [{ "name": "Gus" }] }));
        let deleted =
            write("deleteNotes(where: { task: { person: { name: { eq: \"Ada\" } } } }) { affected }").await;
        assert_eq!(deleted["deleteNotes"], json!({ "affected": 2 }));
        database.drop().await;
    }
}

#[tokio::test]
async fn rows_that_break_the_promise_are_found_by_the_check_and_by_no_join() {
    for database in support::databases().await {
        database.run(TABLES).await;
        let [_, schema] = schemas(&database).await;
        // A task of the first organisation by a person of the second, and a link between both.
        database.run("INSERT INTO tasks VALUES (9, 1, 'lost', 2, NULL)").await;
        database.run("INSERT INTO memberships VALUES (3, 6, 2, 'member')").await;
        let broken = broken_promises(schema.model(), &database.connection).await.unwrap();
        let relation = |relation: &str, [from, to]: [&str; 2]| Difference::OtherTenant {
            relation: relation.to_owned(),
            columns: [format!("{from} (org_id)"), format!("{to} (org_id)")],
        };
        assert_eq!(
            broken,
            [
                relation("Membership.team", ["memberships", "teams"]),
                relation("Task.person", ["tasks", "people"]),
            ]
        );
        assert!(broken.iter().all(|difference| difference.is_fault()));
        let (answer, _) =
            ask(&schema, &database, "{ task(id: 9) { title person { name } } }", Json::Null).await;
        assert_eq!(answer["data"], json!({ "task": null }));
        assert_eq!(answer["errors"][0]["path"], json!(["task", "person"]));
        assert_eq!(answer["errors"][0]["extensions"]["code"], json!("NOT_FOUND"));
        let lists =
            "{ person(id: 2) { tasks { title } } team(id: 3) { people { name } memberships { role } } }";
        let expected = json!({
            "person": { "tasks": [{ "title": "plan" }] },
            "team": { "people": [{ "name": "Cem" }, { "name": "Eve" }], "memberships": [{ "role": "lead" }, { "role": "member" }] },
        });
        assert_eq!(data(&schema, &database, lists).await, expected);
        database.drop().await;
    }
}

/// Returns the faults of tables with a tenant column.
async fn faults(tables: &str, column: &str) -> Vec<String> {
    let database = support::sqlite().await;
    database.run(tables).await;
    let described = describe(&database.connection, &[]).await.unwrap();
    let registry = Registry::from_tables(&described.tables, &TableOptions::new()).tenant_column(column);
    let faults = registry.model().map(drop).unwrap_err().faults;
    assert!(faults.iter().all(|fault| matches!(fault, ModelFault::TenantColumn { .. })), "{faults:?}");
    database.drop().await;
    faults.iter().map(ToString::to_string).collect()
}

#[tokio::test]
async fn columns_that_cannot_be_joined_are_faults() {
    let none = faults(TABLES, "organisation_id").await;
    assert_eq!(none, ["the tenant column organisation_id does not exist in any table"]);
    let parents = "CREATE TABLE parents (id integer PRIMARY KEY, tenant integer NOT NULL);";
    let child = |column: &str| {
        format!(
            "{parents} CREATE TABLE children (id integer PRIMARY KEY, parent_id integer REFERENCES parents (id), {column});"
        )
    };
    let other = faults(&child("tenant text NOT NULL"), "tenant").await;
    assert_eq!(
        other,
        [
            "the tenant column children.tenant has another type than parents.tenant, which its rows are joined with",
            "the tenant column parents.tenant has another type than children.tenant, which its rows are joined with",
        ]
    );
    let nullable = faults(&child("tenant integer"), "tenant").await;
    assert_eq!(
        nullable,
        [
            "the tenant column children.tenant may be NULL, and a join would lose such rows; make it NOT NULL, or \
          promise it with not_null for a view"
        ]
    );
    let blob = faults(&child("tenant geometry NOT NULL"), "tenant").await;
    assert_eq!(blob, ["the tenant column children.tenant has a type without a scalar"]);
}
