//! Attacks on policies, each with its number, its request, and the answer that tells nothing.
//!
//! The numbers are those of the project's list of attacks. Two organisations share the tables; a viewer of the first one
//! attacks rows of the second.

mod isolation;
mod plans;
mod reading;
mod sharing;
mod writing;

use crowsfoot::policy::{Policies, Viewer};
use crowsfoot::{Model, Registry, Schema, TableOptions, describe};
use serde_json::json;

use crate::support::TestDatabase;

const TABLES: &str = "
    CREATE TABLE orgs (id INTEGER PRIMARY KEY, name TEXT NOT NULL);
    CREATE TABLE users (id INTEGER PRIMARY KEY, org_id INTEGER NOT NULL REFERENCES orgs(id),
        email TEXT NOT NULL UNIQUE, salary INTEGER, manager_id INTEGER REFERENCES users(id));
    CREATE TABLE profiles (user_id INTEGER PRIMARY KEY REFERENCES users(id), bio TEXT NOT NULL);
    CREATE TABLE documents (id INTEGER PRIMARY KEY, author_id INTEGER NOT NULL REFERENCES users(id),
        org_id INTEGER NOT NULL REFERENCES orgs(id), title TEXT NOT NULL, code TEXT NOT NULL UNIQUE,
        region TEXT NOT NULL, note TEXT);
    CREATE TABLE comments (id INTEGER PRIMARY KEY, author_id INTEGER NOT NULL REFERENCES users(id),
        document_id INTEGER NOT NULL REFERENCES documents(id) ON DELETE CASCADE, text TEXT NOT NULL);
    CREATE TABLE seals (id INTEGER PRIMARY KEY, document_id INTEGER NOT NULL REFERENCES documents(id));
    CREATE TABLE tags (id INTEGER PRIMARY KEY, org_id INTEGER NOT NULL REFERENCES orgs(id), label TEXT NOT NULL);
    CREATE TABLE document_tags (document_id INTEGER NOT NULL REFERENCES documents(id) ON DELETE CASCADE,
        tag_id INTEGER NOT NULL REFERENCES tags(id), PRIMARY KEY (document_id, tag_id));
    CREATE TABLE members (id INTEGER PRIMARY KEY, org_id INTEGER NOT NULL REFERENCES orgs(id),
        user_id INTEGER NOT NULL REFERENCES users(id), admin BOOLEAN NOT NULL);
    CREATE TABLE tickets (id INTEGER PRIMARY KEY, author_id INTEGER NOT NULL REFERENCES users(id), text TEXT NOT NULL)";

const ROWS: &str = "
    INSERT INTO orgs VALUES (1, 'A'), (2, 'B');
    INSERT INTO users VALUES (1, 1, 'a', 10, NULL), (2, 1, 'b', 20, 1), (3, 2, 'c', 30, NULL), (4, 1, 'd', 40, 3);
    INSERT INTO profiles VALUES (1, 'of a'), (3, 'of c');
    INSERT INTO documents VALUES (1, 1, 1, 'sealed', 'a1', 'A', NULL), (2, 2, 1, 'of b', 'a2', 'A', NULL),
        (3, 3, 2, 'of c', 'b1', 'B', NULL), (4, 1, 1, 'free', 'a4', 'A', NULL);
    INSERT INTO comments VALUES (1, 1, 1, 'x'), (3, 3, 3, 'x'), (4, 1, 4, 'x'), (5, 3, 4, 'x'), (6, 2, 2, 'x'), (7, 1, 3, 'x');
    INSERT INTO seals VALUES (1, 1);
    INSERT INTO tags VALUES (1, 1, 'one'), (2, 1, 'two'), (3, 2, 'three');
    INSERT INTO document_tags VALUES (4, 1), (4, 3), (3, 3);
    INSERT INTO members VALUES (1, 1, 1, TRUE), (2, 1, 2, FALSE), (3, 2, 3, TRUE);
    INSERT INTO tickets VALUES (1, 2, 'x')";

const NAMES: [&str; 10] = [
    "tickets",
    "members",
    "document_tags",
    "tags",
    "seals",
    "comments",
    "documents",
    "profiles",
    "users",
    "orgs",
];

/// All rows, as an administrator sees them.
const EVERYTHING: &str = "{ orgs { id name } users { id org { id } email salary manager { id } } profiles { userId bio }
    documents { id author { id } org { id } title code region tags { id } } comments { id text author { id } document { id } }
    seals { id document { id } } members { id org { id } user { id } admin } tickets { id text author { id } } }";

/// Grants of the viewers of both organisations.
pub fn policies() -> Policies {
    let own_org = "{ org: { id: { eq: $orgId } } }";
    let own = "{ author: { id: { eq: $userId } } }";
    let by_admin = "{ org: { members: { some: { user: { id: { eq: $userId } }, admin: { eq: true } } } } }";
    let grants = json!({
        "viewer": { "userId": "Int!", "orgId": "Int!" },
        "roles": { "user": {
            "Org": { "read": "{ id: { eq: $orgId } }", "columns": ["*"] },
            "User": {
                "read": own_org,
                "columns": ["*", { "salary": "{ manager: { id: { eq: $userId } } }" }],
                "update": { "columns": ["email"], "filter": "{ id: { eq: $userId } }" },
            },
            "Profile": {
                "read": "{ user: seen }", "columns": ["*"],
                "create": { "columns": ["*"], "check": "{ user: { id: { eq: $userId } } }" },
                "update": { "columns": ["*"], "filter": "{ user: { id: { eq: $userId } } }" },
            },
            "Document": {
                "read": own_org, "columns": ["*", "-note"],
                "create": {
                    "columns": ["id", "title", "code", "region", "org"], "set": { "author": "$userId" },
                    "check": "{ org: { id: { eq: $orgId } }, region: { eq: \"A\" } }",
                },
                "update": { "columns": ["title", "code", "region", "author"], "filter": own },
                "delete": own,
            },
            "Comment": {
                "read": "{ author: seen }", "columns": ["*"],
                "create": { "columns": ["id", "text", "document"], "set": { "author": "$userId" }, "check": "true" },
                "update": { "columns": ["text", "document"], "filter": own },
                "delete": own,
            },
            "Tag": { "read": own_org, "columns": ["*"] },
            "DocumentTag": {
                "read": "true", "create": { "columns": ["*"], "check": "true" }, "delete": "true",
            },
            "Member": {
                "read": own_org, "columns": ["*"],
                "create": { "columns": ["*"], "check": by_admin },
                "update": { "columns": ["admin"], "filter": "true", "check": by_admin },
            },
            "Ticket": {
                "read": "{ author: { manager: { id: { eq: $userId } } } }", "columns": ["*"],
                "create": { "columns": ["id", "text"], "set": { "author": "$userId" }, "check": "true" },
            },
        }, "clerk": {
            "User": { "read": "true", "columns": ["*"] },
            "Profile": { "read": "{ bio: { ne: \"of a\" } }", "columns": ["*"] },
            "Document": { "read": own_org, "columns": ["*"] },
            "Tag": { "read": "true", "columns": ["*"] },
            "DocumentTag": { "read": "{ tag: { id: { gt: 1 } } }" },
        }, "member": {
            "Document": {
                "read": "{ org: { members: { some: { user: { id: { eq: $userId } } } } } }", "columns": ["*"],
            },
            "Tag": { "read": "true", "columns": ["*"] },
        }, "witness": {
            "Document": {
                "read": "true", "columns": ["*"],
                "create": {
                    "columns": ["id", "title", "code", "region", "org"], "set": { "author": "$userId" },
                    "check": "{ author: { tickets: { some: {} } } }",
                },
            },
            "Org": { "read": "true", "columns": ["*"] },
            "Ticket": {
                "read": "true", "columns": ["*"],
                "create": {
                    "columns": ["id", "text"], "set": { "author": "$userId" },
                    "check": "{ author: { documents: { some: { title: { eq: \"key\" } } } } }",
                },
            },
        } },
    });
    serde_json::from_value(grants).unwrap()
}

/// Returns the viewer with this id, of an organisation.
pub fn viewer(user: i64, org: i64) -> Viewer {
    Viewer::new("user").with("userId", user).with("orgId", org)
}

/// Creates the tables, and returns their model.
pub async fn model(database: &TestDatabase) -> Model {
    for table in TABLES.split(';') {
        database.run(table).await;
    }
    let described = describe(&database.connection, &[]).await.unwrap();
    Registry::from_tables(&described.tables, &TableOptions::new()).model().unwrap()
}

/// Creates the tables, and returns their schema with the policies.
pub async fn schema(database: &TestDatabase) -> Schema {
    let model = model(database).await;
    Schema::builder(model).policies(policies()).finish().unwrap_or_else(|error| panic!("{error}"))
}

/// Replaces all rows.
pub async fn fill(database: &TestDatabase) {
    for name in NAMES {
        if name == "users" {
            database.run("UPDATE users SET manager_id = NULL").await;
        }
        database.run(&format!("DELETE FROM {name}")).await;
    }
    for rows in ROWS.split(';') {
        database.run(rows).await;
    }
}
