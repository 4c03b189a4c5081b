//! Attacks that write: 43 to 64.

use crowsfoot::policy::Viewer;
use serde_json::{Value as Json, json};

use super::{EVERYTHING, fill, schema, viewer};
use crate::support;

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

#[tokio::test]
async fn attacks_that_write_tell_and_change_nothing() {
    for database in support::databases().await {
        let schema = schema(&database).await;
        let mut faults = Vec::new();
        for (name, user, query, expected) in attacks() {
            fill(&database).await;
            let viewer = viewer(user, 1);
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

#[tokio::test]
async fn attack_60_two_entities_cannot_justify_each_other_in_one_operation() {
    for database in support::databases().await {
        let schema = schema(&database).await;
        fill(&database).await;
        let witness = Viewer::new("witness").with("userId", 1).with("orgId", 1);
        let witness = schema.seen_by(&witness).unwrap();
        let ticket = "createTicket(input: { id: 9, text: \"x\" }) { id }";
        let document = "createDocument(input: { id: 9, title: \"key\", code: \"x\", region: \"A\", org: { id: 1 } }) { id }";
        let before = support::data(&schema, &database, EVERYTHING).await;
        for (first, second, entity) in [(ticket, document, "Ticket"), (document, ticket, "Document")] {
            let mutation = format!("mutation {{ {first} {second} }}");
            let (answer, _) = support::ask(&witness, &database, &mutation, Json::Null).await;
            let expected = json!({ "code": "FORBIDDEN", "entity": entity, "action": "create" });
            assert_eq!(answer["errors"][0]["extensions"], expected, "{answer}");
            assert_eq!(support::data(&schema, &database, EVERYTHING).await, before);
        }
        // With one of both there, the other follows.
        database.run("INSERT INTO tickets VALUES (8, 1, 'x')").await;
        let mutation = format!("mutation {{ {document} {ticket} }}");
        let (answer, _) = support::ask(&witness, &database, &mutation, Json::Null).await;
        assert_eq!(
            answer["data"],
            json!({ "createDocument": { "id": 9 }, "createTicket": { "id": 9 } }),
            "{answer}"
        );
        database.drop().await;
    }
}
