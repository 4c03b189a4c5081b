//! Attacks that read: 1 to 41.
//!
//! Each query is answered as in a database that never had the hidden rows and cells, and otherwise than to an administrator.

use crowsfoot::Schema;
use crowsfoot::internals::model::Entity;
use crowsfoot::policy::{Policies, RoleLimits, Viewer};
use serde_json::{Value as Json, json};

use super::{ROWS, TABLES, fill, policies, schema, viewer};
use crate::domain;
use crate::support::{self, TestDatabase};

/// Rows and cells that the viewer 1 of the first organisation does not see, and that a clerk does not see.
const HIDDEN: &str = "
    DELETE FROM members WHERE org_id = 2;
    DELETE FROM document_tags WHERE document_id = 3 OR tag_id = 3;
    DELETE FROM tags WHERE org_id = 2;
    DELETE FROM comments WHERE author_id = 3;
    DELETE FROM documents WHERE org_id = 2;
    DELETE FROM profiles WHERE user_id = 3;
    DELETE FROM users WHERE org_id = 2;
    DELETE FROM orgs WHERE id = 2;
    DELETE FROM tickets WHERE author_id <> 2;
    UPDATE users SET salary = NULL WHERE manager_id IS NULL OR manager_id <> 1";

const HIDDEN_FROM_CLERKS: &str = "
    DELETE FROM members;
    DELETE FROM document_tags WHERE tag_id < 2 OR document_id = 3;
    DELETE FROM comments;
    DELETE FROM documents WHERE org_id = 2;
    DELETE FROM profiles WHERE bio = 'of a'";

/// Queries with the numbers of their attacks.
const OF_USERS: [(&str, &str); 27] = [
    (
        "1",
        "{ documents { id title } users { id email } orgs { id } tags { id } comments { id } members { id } }",
    ),
    ("2", "{ document(id: 3) { id } user(id: 3) { id } profile(userId: 3) { bio } }"),
    ("3", "{ documentByCode(code: \"b1\") { id } userByEmail(email: \"c\") { id } }"),
    ("4", "{ node(nodeId: \"DOCUMENT_3\") { nodeId } }"),
    ("5", "{ nodes(nodeIds: [\"DOCUMENT_4\", \"DOCUMENT_3\", \"DOCUMENT_1\"]) { nodeId } }"),
    ("6", "{ documents(orderBy: { code: DESC }, limit: 1) { id } }"),
    ("7", "{ documents(orderBy: { code: DESC }, offset: 1) { id } }"),
    (
        "8",
        "{ documentsConnection(first: 3, orderBy: { code: ASC }) { totalCount pageInfo { hasNextPage } nodes { id } } }",
    ),
    (
        "10",
        "{ documentsConnection(first: 2, after: \"CURSOR_OF_B\", orderBy: { code: DESC }) { nodes { id } pageInfo { hasPreviousPage } } }",
    ),
    ("11", "{ document(id: 4) { comments(orderBy: { id: DESC }, limit: 1) { id } } }"),
    ("12", "{ comments { id document { id title } } }"),
    ("13", "{ users { comments { id document { id comments { id } } } } }"),
    ("16", "{ document(id: 4) { tags { id } tagsConnection { totalCount } } }"),
    ("18", "{ users { id manager { id } } }"),
    (
        "19",
        "{ a: documents(where: { id: { gt: 0 } }) { ...f } b: documents(limit: 3) { ...f } } fragment f on Document { id comments { id } c: comments(limit: 1, orderBy: { id: DESC }) { id } }",
    ),
    ("20", "{ documents(where: { comments: { some: { id: { eq: 5 } } } }) { id } }"),
    ("21", "{ documents(where: { tags: { none: { label: { eq: \"three\" } } } }) { id } }"),
    ("22", "{ documents(where: { comments: { every: { author: { id: { eq: 1 } } } } }) { id } }"),
    ("23", "{ users(where: { manager: {} }) { id } other: users(where: { not: { manager: {} } }) { id } }"),
    (
        "28",
        "{ documents(orderBy: [{ commentsCount: DESC }, { id: DESC }]) { id } tags(orderBy: { documentsCount: DESC }) { id } }",
    ),
    ("29", "{ comments(orderBy: [{ document: { title: DESC } }, { id: ASC }]) { id } }"),
    (
        "31",
        "{ documentsAggregate { count max { title } } users { documentsAggregate { count } commentsAggregate { count } } }",
    ),
    ("32", "{ usersAggregate { countDistinct { salary } sum { salary } max { salary } } }"),
    (
        "33",
        "{ a: users(where: { salary: { gt: 5 } }) { id } b: users(where: { salary: { gt: 15 } }) { id } c: users(where: { salary: { lte: 30 } }) { id } d: users(where: { not: { salary: { eq: 10 } } }) { id } }",
    ),
    ("33", "{ users(where: { salary: { isNull: true } }) { id salary } }"),
    ("34", "{ usersConnection(orderBy: { salary: ASC }, first: 1) { edges { cursor node { id } } } }"),
    ("37", "{ comments { id } documents { id comments { id } } }"),
];

const OF_CLERKS: [(&str, &str); 5] = [
    ("14", "{ users { id profile { bio } } }"),
    ("15", "{ document(id: 4) { tags { id } tagsAggregate { count } } }"),
    ("17", "{ documents { tags { id documents { id tags { id } } } } }"),
    ("23", "{ users(where: { profile: {} }) { id } other: users(where: { not: { profile: {} } }) { id } }"),
    ("28", "{ documents(orderBy: [{ tagsCount: DESC }, { id: DESC }]) { id } }"),
];

/// Queries of what is not granted: the column `note`, the types `Seal` and `DocumentTag`.
const UNKNOWN: [(&str, &str); 9] = [
    ("24", "{ documents(where: { note: { isNull: true } }) { id } }"),
    ("25", "{ comments(where: { document: { note: { isNull: true } } }) { id } }"),
    ("25", "{ users(where: { comments: { some: { document: { note: { isNull: true } } } } }) { id } }"),
    ("26", "{ documents(orderBy: { note: ASC }) { id } }"),
    ("27", "{ comments(orderBy: { document: { note: ASC } }) { id } }"),
    ("30", "{ documentsAggregate { min { note } } }"),
    ("39", "{ documents { notee } }"),
    ("39", "{ seal { id } }"),
    ("39", "{ sealsAggregat { count } }"),
];

/// Creates a database without constraints, and with the rows that a role sees alone.
async fn without(database: &TestDatabase, hidden: &str) {
    for table in TABLES.split(';') {
        let mut plain = String::new();
        for (at, part) in table.split(" REFERENCES ").enumerate() {
            let rest = if at == 0 { part } else { part.split_once(')').unwrap().1 };
            plain.push_str(rest.strip_prefix(" ON DELETE CASCADE").unwrap_or(rest));
        }
        database.run(&plain).await;
    }
    for statement in ROWS.split(';').chain(hidden.split(';')) {
        database.run(statement).await;
    }
}

/// Databases of one kind: with all rows, and with those that users and clerks see.
async fn databases() -> Vec<[TestDatabase; 3]> {
    let all = std::iter::zip(support::databases().await, support::databases().await);
    let mut databases = Vec::new();
    for ((full, users), clerks) in all.zip(support::databases().await) {
        without(&users, HIDDEN).await;
        without(&clerks, HIDDEN_FROM_CLERKS).await;
        databases.push([full, users, clerks]);
    }
    databases
}

/// Replaces the names of node ids and of the other organisation's cursor.
async fn filled(schema: &Schema, full: &TestDatabase, query: &str) -> String {
    let documents = support::data(schema, full, "{ documents { nodeId } }").await;
    let of_b = schema.seen_by(&viewer(3, 2)).unwrap();
    let page = "{ documentsConnection(orderBy: { code: DESC }) { pageInfo { endCursor } } }";
    let page = support::data(&of_b, full, page).await;
    let mut query =
        query.replace("CURSOR_OF_B", page["documentsConnection"]["pageInfo"]["endCursor"].as_str().unwrap());
    for id in 1..=4 {
        let node_id = documents["documents"][id - 1]["nodeId"].as_str().unwrap();
        query = query.replace(&format!("DOCUMENT_{id}"), node_id);
    }
    query
}

#[tokio::test]
async fn attacks_that_read_get_what_they_would_get_without_the_hidden_rows() {
    let mut faults = Vec::new();
    for [full, users, clerks] in databases().await {
        let schema = schema(&full).await;
        fill(&full).await;
        let user = schema.seen_by(&viewer(1, 1)).unwrap();
        let clerk = schema.seen_by(&Viewer::new("clerk").with("userId", 1).with("orgId", 1)).unwrap();
        let of_users = OF_USERS.iter().map(|attack| (attack, &user, &users));
        let of_clerks = OF_CLERKS.iter().map(|attack| (attack, &clerk, &clerks));
        for ((number, query), role, without) in of_users.chain(of_clerks) {
            let query = filled(&schema, &full, query).await;
            let (answer, sent) = support::ask(role, &full, &query, Json::Null).await;
            let (expected, sent_without) = support::ask(role, without, &query, Json::Null).await;
            let (everything, _) = support::ask(&schema, &full, &query, Json::Null).await;
            if answer != expected || sent.len() != sent_without.len() || answer.get("errors").is_some() {
                faults.push(format!("{:?}, {number}: {query}\n{answer}\nexpected {expected}", full.dialect));
            }
            // An attack that finds nothing as administrator either tests nothing.
            if answer == everything {
                faults.push(format!("{:?}, {number}: hides nothing: {query}\n{answer}", full.dialect));
            }
        }
        for database in [full, users, clerks] {
            database.drop().await;
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n\n"));
}

#[tokio::test]
async fn attack_9_walking_all_pages_finds_exactly_the_seen_rows() {
    let database = support::sqlite().await;
    let schema = schema(&database).await;
    fill(&database).await;
    let user = schema.seen_by(&viewer(1, 1)).unwrap();
    let mut found = Vec::new();
    let mut after = Json::Null;
    loop {
        let query = "query ($after: String) { documentsConnection(first: 1, after: $after, orderBy: { code: ASC }) \
            { nodes { id } pageInfo { hasNextPage endCursor } } }";
        let (answer, _) = support::ask(&user, &database, query, json!({ "after": after })).await;
        let page = &answer["data"]["documentsConnection"];
        found.extend(page["nodes"].as_array().unwrap().iter().map(|node| node["id"].as_u64().unwrap()));
        if page["pageInfo"]["hasNextPage"] == false {
            break;
        }
        after = page["pageInfo"]["endCursor"].clone();
    }
    assert_eq!(found, [1, 2, 4]);
    database.drop().await;
}

#[tokio::test]
async fn attacks_24_to_27_30_and_39_name_what_is_not_granted_and_find_it_unknown() {
    let database = support::sqlite().await;
    let schema = schema(&database).await;
    fill(&database).await;
    let user = schema.seen_by(&viewer(1, 1)).unwrap();
    for (number, query) in UNKNOWN {
        let (answer, statements) = support::ask(&user, &database, query, Json::Null).await;
        let error = &answer["errors"][0];
        assert_eq!(error["extensions"]["code"], "GRAPHQL_VALIDATION_FAILED", "{number}: {answer}");
        assert!(statements.is_empty());
        let message = error["message"].as_str().unwrap();
        if number == "39" {
            for hidden in ["\"note\"", "\"seals\"", "\"sealsAggregate\"", "Seal"] {
                assert!(!message.contains(hidden), "{number}: {message}");
            }
        }
    }
    // The administrator is helped.
    let (answer, _) = support::ask(&schema, &database, "{ documents { notee } }", Json::Null).await;
    assert!(answer["errors"][0]["message"].as_str().unwrap().contains("\"note\""), "{answer}");
    database.drop().await;
}

#[tokio::test]
async fn attacks_35_and_36_a_pattern_tells_nothing_of_hidden_text() {
    for database in support::databases().await {
        let schema = schema(&database).await;
        fill(&database).await;
        let invalid = "{ documents(where: { title: { regex: \"(\" } }) { id } }";
        let mut answers = Vec::new();
        // The first sees documents, the second none.
        for viewer in [viewer(1, 1), viewer(9, 9)] {
            let role = schema.seen_by(&viewer).unwrap();
            let (answer, statements) = support::ask(&role, &database, invalid, Json::Null).await;
            assert_eq!(answer["errors"][0]["extensions"]["code"], "BAD_USER_INPUT", "{answer}");
            assert!(statements.is_empty());
            answers.push(answer);
            for operator in ["regex", "like", "contains", "iContains", "endsWith"] {
                let query = format!("{{ documents(where: {{ title: {{ {operator}: \"e\" }} }}) {{ id }} }}");
                let (answer, statements) = support::ask(&role, &database, &query, Json::Null).await;
                assert_eq!(answer.get("errors"), None, "{answer}");
                let sql = &statements[0].sql;
                assert!(sql.contains("CASE WHEN"), "{operator}: {sql}");
            }
        }
        assert_eq!(answers[0], answers[1]);
        database.drop().await;
    }
}

#[tokio::test]
async fn attack_37_limits_count_the_rows_that_are_seen() {
    let database = support::sqlite().await;
    let model = super::model(&database).await;
    fill(&database).await;
    let policies = policies().role("narrow", |role| {
        let role = role.limits(RoleLimits::default().rows(3));
        role.grant("Document", |grant| grant.read("{ org: { id: { eq: $orgId } } }").columns(["*"]))
    });
    let schema = Schema::builder(model).policies(policies).finish().unwrap();
    let role = schema.seen_by(&Viewer::new("narrow").with("userId", 1).with("orgId", 1)).unwrap();
    // Four rows are stored, and three seen.
    let answer = support::data(&role, &database, "{ documents { id } }").await;
    assert_eq!(answer["documents"].as_array().map(Vec::len), Some(3));
    let (answer, _) =
        support::ask(&role, &database, "{ documents { id } a: documents { id } }", Json::Null).await;
    assert_eq!(answer["errors"][0]["extensions"]["code"], "TOO_MANY_ROWS", "{answer}");
    database.drop().await;
}

#[tokio::test]
async fn attacks_40_and_41_introspection_has_no_hidden_type_and_no_enum_of_a_hidden_column() {
    let database = support::sqlite().await;
    let schema = schema(&database).await;
    let user = schema.seen_by(&viewer(1, 1)).unwrap();
    for name in ["Seal", "SealFilter", "SealConnection", "SealOrder", "SealAggregate"] {
        let query = format!("{{ __type(name: \"{name}\") {{ name }} }}");
        let told = support::data(&schema, &database, &query).await;
        assert_eq!(told["__type"]["name"], name);
        let told = support::data(&user, &database, &query).await;
        assert_eq!(told["__type"], Json::Null, "{name}");
    }
    let types = "{ __schema { types { name fields { name } inputFields { name } enumValues { name } } } }";
    let told = support::data(&user, &database, types).await.to_string();
    assert!(!told.contains("Seal") && !told.contains("seals") && !told.contains("\"note\""), "{told}");
    database.drop().await;

    let model = domain::registry().model().unwrap();
    let of_enums = |entity: &Entity| -> Vec<(String, String)> {
        let columns = entity.visible_columns().map(|(_, column)| column);
        let columns = columns.filter(|column| column.column_type.enumeration().is_some());
        columns.map(|one| (one.field.clone(), model.type_name(&one.column_type).to_owned())).collect()
    };
    let (entity, columns) = model
        .exposed()
        .map(|(_, entity)| (entity.name.clone(), of_enums(entity)))
        .find(|(_, columns)| !columns.is_empty())
        .unwrap();
    let hidden: Vec<String> = columns.iter().map(|(field, _)| format!("-{field}")).collect();
    let policies = Policies::new().role("reader", |role| {
        let columns = std::iter::once("*").chain(hidden.iter().map(String::as_str));
        role.grant(&entity, |grant| grant.read("true").columns(columns))
    });
    let schema = Schema::builder(model.clone()).policies(policies).finish().unwrap();
    let (all, seen) = (schema.sdl(), schema.of_role("reader").unwrap().sdl());
    for (_, name) in &columns {
        let declared = format!("enum {name} ");
        assert!(all.contains(&declared) && !seen.contains(&declared), "{entity}: {name}");
    }
}
