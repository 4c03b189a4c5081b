//! Attacks on policies that write: each with its number, its request, and the answer that tells nothing.
//!
//! The numbers are those of the project's list of attacks. Two organisations share the tables; a viewer of the first one
//! attacks rows of the second.

use crowsfoot::database::describe;
use crowsfoot::model::TableOptions;
use crowsfoot::policy::{Policies, Viewer};
use crowsfoot::{Registry, Schema};
use serde_json::{Value as Json, json};

use crate::support::{self, TestDatabase};

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
    INSERT INTO users VALUES (1, 1, 'a', 10, NULL), (2, 1, 'b', 20, 1), (3, 2, 'c', 30, NULL);
    INSERT INTO profiles VALUES (1, 'of a'), (3, 'of c');
    INSERT INTO documents VALUES (1, 1, 1, 'sealed', 'a1', 'A', NULL), (2, 2, 1, 'of b', 'a2', 'A', NULL),
        (3, 3, 2, 'of c', 'b1', 'B', NULL), (4, 1, 1, 'free', 'a4', 'A', NULL);
    INSERT INTO comments VALUES (1, 1, 1, 'x'), (3, 3, 3, 'x'), (4, 1, 4, 'x'), (5, 3, 4, 'x'), (6, 2, 2, 'x');
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

fn policies() -> Policies {
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
        } },
    });
    serde_json::from_value(grants).unwrap()
}

/// Answer that an attack gets, and what it leaves.
enum Expected {
    /// The data; something was written.
    Data(Json),
    /// Code and extensions of the only error; nothing was written.
    Error(Json),
}

use Expected::{Data, Error};

/// Attacks of the viewer with this id, in the first organisation.
#[allow(clippy::too_many_lines, clippy::type_complexity, reason = "a table")]
fn attacks() -> Vec<(&'static str, i64, &'static str, Expected)> {
    let not_found =
        |entity: &str, key: Json| Error(json!({ "code": "NOT_FOUND", "entity": entity, "key": key }));
    let forbidden = |entity: &str, action: &str| {
        Error(json!({ "code": "FORBIDDEN", "entity": entity, "action": action }))
    };
    let unknown = || Error(json!({ "code": "GRAPHQL_VALIDATION_FAILED" }));
    vec![
        (
            "43 update of a row of B",
            1,
            "mutation { updateDocument(id: 3, input: { title: \"x\" }) { id } }",
            not_found("Document", json!({ "id": 3 })),
        ),
        (
            "43 the same for an absent row",
            1,
            "mutation { updateDocument(id: 9, input: { title: \"x\" }) { id } }",
            not_found("Document", json!({ "id": 9 })),
        ),
        (
            "43 a row that is seen, but not of the viewer",
            1,
            "mutation { updateDocument(id: 2, input: { title: \"x\" }) { id } }",
            not_found("Document", json!({ "id": 2 })),
        ),
        (
            "44 deletion of a row of B",
            1,
            "mutation { deleteDocument(id: 3) { id } }",
            not_found("Document", json!({ "id": 3 })),
        ),
        (
            "44 the same for an absent row",
            1,
            "mutation { deleteDocument(id: 9) { id } }",
            not_found("Document", json!({ "id": 9 })),
        ),
        (
            "45 update of all rows",
            1,
            "mutation { updateDocuments(where: {}, all: true, input: { title: \"x\" }) { affected nodes { id } } }",
            Data(json!({ "updateDocuments": { "affected": 2, "nodes": [{ "id": 1 }, { "id": 4 }] } })),
        ),
        (
            "46 deletion with cascades",
            1,
            "mutation { deleteDocuments(where: { code: { ne: \"a1\" } }) { affected cascaded { entity count } } }",
            Data(
                json!({ "deleteDocuments": { "affected": 1, "cascaded": [{ "entity": "Comment", "count": 1 }] } }),
            ),
        ),
        (
            "47 a row given away",
            1,
            "mutation { updateDocument(id: 4, input: { author: { id: 2 } }) { id } }",
            forbidden("Document", "update"),
        ),
        (
            "48 another owner in a new row",
            1,
            "mutation { createDocument(input: { id: 9, title: \"x\", code: \"x\", region: \"A\", org: { id: 1 }, author: { id: 2 } }) { id } }",
            unknown(),
        ),
        (
            "49 a set value in a nested input",
            1,
            "mutation { updateDocument(id: 4, input: { comments: { create: [{ id: 9, text: \"x\", author: { id: 2 } }] } }) { id } }",
            unknown(),
        ),
        (
            "50 a new row that is refused twice",
            1,
            "mutation { createDocument(input: { id: 9, title: \"x\", code: \"b1\", region: \"B\", org: { id: 1 } }) { id } }",
            forbidden("Document", "create"),
        ),
        (
            "51 a new row with the key of a hidden row",
            1,
            "mutation { createDocument(input: { id: 9, title: \"x\", code: \"b1\", region: \"A\", org: { id: 1 } }) { id } }",
            Error(json!({ "code": "UNIQUE_VIOLATION", "entity": "Document", "fields": [] })),
        ),
        (
            "51 the same with a row that is seen",
            1,
            "mutation { createDocument(input: { id: 9, title: \"x\", code: \"a2\", region: \"A\", org: { id: 1 } }) { id } }",
            Error(json!({ "code": "UNIQUE_VIOLATION", "entity": "Document", "fields": ["code"] })),
        ),
        (
            "51 an update to the key of a hidden row",
            1,
            "mutation { updateDocument(id: 4, input: { code: \"b1\" }) { id } }",
            Error(json!({ "code": "UNIQUE_VIOLATION", "entity": "Document", "fields": [] })),
        ),
        (
            "51 the same of an email",
            1,
            "mutation { updateUser(id: 1, input: { email: \"c\" }) { id } }",
            Error(json!({ "code": "UNIQUE_VIOLATION", "entity": "User", "fields": [] })),
        ),
        (
            "52 upsert onto a row of B",
            1,
            "mutation { upsertProfile(onConflict: USER_ID, input: { bio: \"x\", user: { id: 3 } }) { bio } }",
            not_found("User", json!({ "id": 3 })),
        ),
        (
            "52 upsert of an own row",
            1,
            "mutation { upsertProfile(onConflict: USER_ID, input: { bio: \"x\", user: { id: 1 } }) { bio } }",
            Data(json!({ "upsertProfile": { "bio": "x" } })),
        ),
        (
            "53 link to a row of B by its id",
            1,
            "mutation { createComment(input: { id: 9, text: \"x\", document: { id: 3 } }) { id } }",
            not_found("Document", json!({ "id": 3 })),
        ),
        (
            "53 the same for an absent row",
            1,
            "mutation { createComment(input: { id: 9, text: \"x\", document: { id: 9 } }) { id } }",
            not_found("Document", json!({ "id": 9 })),
        ),
        (
            "54 link to a row of B by a unique key",
            1,
            "mutation { createComment(input: { id: 9, text: \"x\", document: { code: \"b1\" } }) { id } }",
            not_found("Document", json!({ "code": "b1" })),
        ),
        (
            "54 the same for an absent row",
            1,
            "mutation { createComment(input: { id: 9, text: \"x\", document: { code: \"b9\" } }) { id } }",
            not_found("Document", json!({ "code": "b9" })),
        ),
        (
            "55 a comment of B taken away",
            1,
            "mutation { updateDocument(id: 4, input: { comments: { connect: [{ id: 3 }] } }) { id } }",
            not_found("Comment", json!({ "id": 3 })),
        ),
        (
            "55 a comment of another user taken away",
            1,
            "mutation { updateDocument(id: 4, input: { comments: { connect: [{ id: 6 }] } }) { id } }",
            not_found("Comment", json!({ "id": 6 })),
        ),
        (
            "56 set of links beside hidden ones",
            1,
            "mutation { updateDocument(id: 4, input: { tags: { set: [{ id: 2 }] } }) { tags { id } } }",
            Data(json!({ "updateDocument": { "tags": [{ "id": 2 }] } })),
        ),
        (
            "56 link to a tag of B",
            1,
            "mutation { updateDocument(id: 4, input: { tags: { connect: [{ id: 3 }] } }) { id } }",
            not_found("Tag", json!({ "id": 3 })),
        ),
        (
            "57 nested row without a grant",
            1,
            "mutation { updateDocument(id: 4, input: { tags: { create: [{ id: 9, label: \"x\" }] } }) { id } }",
            unknown(),
        ),
        (
            "57 nested row of a hidden type",
            1,
            "mutation { updateDocument(id: 4, input: { seals: { create: [{ id: 9 }] } }) { id } }",
            unknown(),
        ),
        (
            "58 a membership that justifies itself",
            2,
            "mutation { createMember(input: { id: 9, org: { id: 1 }, user: { id: 2 }, admin: true }) { id } }",
            forbidden("Member", "create"),
        ),
        (
            "58 a changed membership that justifies itself",
            2,
            "mutation { updateMember(id: 2, input: { admin: true }) { id } }",
            forbidden("Member", "update"),
        ),
        (
            "58 a membership made by an administrator",
            1,
            "mutation { createMember(input: { id: 9, org: { id: 1 }, user: { id: 2 }, admin: true }) { id } }",
            Data(json!({ "createMember": { "id": 9 } })),
        ),
        (
            "59 two rows that justify each other",
            2,
            "mutation { createMembers(input: [{ id: 8, org: { id: 1 }, user: { id: 2 }, admin: true }, { id: 9, org: { id: 1 }, user: { id: 2 }, admin: true }]) { id } }",
            forbidden("Member", "create"),
        ),
        (
            "59 two fields that justify each other",
            2,
            "mutation { a: createMember(input: { id: 8, org: { id: 1 }, user: { id: 2 }, admin: true }) { id } b: createMember(input: { id: 9, org: { id: 1 }, user: { id: 2 }, admin: true }) { id } }",
            forbidden("Member", "create"),
        ),
        (
            "61 the second field fails the check",
            1,
            "mutation { updateUser(id: 1, input: { email: \"x\" }) { id } updateDocument(id: 4, input: { author: { id: 2 } }) { id } }",
            forbidden("Document", "update"),
        ),
        (
            "62 a shared key moved under a parent of B",
            1,
            "mutation { updateProfile(userId: 1, input: { user: { id: 3 } }) { bio } }",
            not_found("User", json!({ "id": 3 })),
        ),
        (
            "63 a deletion that hidden rows refuse",
            1,
            "mutation { deleteDocument(id: 1) { id } }",
            Error(json!({ "code": "DELETE_RESTRICTED", "entity": "Document", "key": { "id": 1 }, "by": [] })),
        ),
        (
            "64 a new row that leaves sight",
            1,
            "mutation { createTicket(input: { id: 9, text: \"x\" }) { id } }",
            Data(json!({ "createTicket": null })),
        ),
    ]
}

async fn schema(database: &TestDatabase) -> Schema {
    for table in TABLES.split(';') {
        database.run(table).await;
    }
    let described = describe(&database.connection, &[]).await.unwrap();
    let model = Registry::from_tables(&described.tables, &TableOptions::new()).model().unwrap();
    Schema::builder(model).policies(policies()).finish().unwrap_or_else(|error| panic!("{error}"))
}

async fn fill(database: &TestDatabase) {
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

#[tokio::test]
async fn attacks_that_write_tell_and_change_nothing() {
    for database in support::databases().await {
        let schema = schema(&database).await;
        let mut faults = Vec::new();
        for (name, user, query, expected) in attacks() {
            fill(&database).await;
            let viewer = Viewer::new("user").with("userId", user).with("orgId", 1);
            let before = support::data(&schema, &database, EVERYTHING).await;
            let (answer, _) =
                support::ask(&schema.seen_by(&viewer).unwrap(), &database, query, Json::Null).await;
            let after = support::data(&schema, &database, EVERYTHING).await;
            let agrees = match &expected {
                Data(data) => answer == json!({ "data": data }) && before != after,
                Error(error) => answer["errors"][0]["extensions"] == *error && before == after,
            };
            if !agrees {
                faults.push(format!("{:?}, {name}: {answer}", database.dialect));
            }
            if name.starts_with("56 set") {
                assert_eq!(
                    after["documents"][3]["tags"],
                    json!([{ "id": 2 }, { "id": 3 }]),
                    "hidden links stay"
                );
            }
        }
        assert!(faults.is_empty(), "{}", faults.join("\n"));
        database.drop().await;
    }
}
