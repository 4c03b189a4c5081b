//! Faults found by random mutations, each as a test of its own.

use serde_json::{Value as Json, json};

use crate::client::Client;
use crate::support;

/// Two users, of whom the first has an info, and an unassigned badge.
const BEGINNING: &str = "mutation {
    createUsers(input: [{ username: \"a\", userInfos: { create: [{ phoneNumber: \"1\" }] } }, { username: \"b\" }]) { id }
    createBadge(input: { code: \"b\" }) { id }
}";

const EVERYTHING: &str =
    "{ users { id username userInfos { id } } badges { id code employee { id } } employees { id } }";

/// Checks that a mutation is refused with these extensions.
async fn refuses(mutation: &str, extensions: Json) {
    for database in support::databases().await {
        let client = Client::new(&database, 1).await;
        client.data(BEGINNING).await;
        let before = client.data(EVERYTHING).await;
        let (answer, _) = client.ask(mutation, Json::Null).await;
        assert_eq!(answer["errors"][0]["extensions"], extensions, "{answer:#}");
        assert_eq!(client.data(EVERYTHING).await, before);
        client.close().await;
        database.drop().await;
    }
}

/// Checks the response of a mutation, and of a query after it.
async fn does(mutation: &str, answer: Json, query: &str, after: Json) {
    for database in support::databases().await {
        let client = Client::new(&database, 1).await;
        client.data(BEGINNING).await;
        assert_eq!(client.data(mutation).await, answer);
        assert_eq!(client.data(query).await, after);
        client.close().await;
        database.drop().await;
    }
}

#[tokio::test]
async fn connecting_by_the_key_that_moves_finds_whether_there_is_a_row() {
    refuses(
        "mutation { updateUser(id: 2, input: { userInfos: { connect: [{ userId: 7 }] } }) { id } }",
        json!({ "code": "NOT_FOUND", "entity": "UserInfo", "key": { "userId": 7 } }),
    )
    .await;
    does(
        "mutation { updateUser(id: 2, input: { userInfos: { connect: [{ userId: 1 }] } }) { userInfos { id } } }",
        json!({ "updateUser": { "userInfos": [{ "id": 1 }] } }),
        "{ users { userInfos { id } } }",
        json!({ "users": [{ "userInfos": [] }, { "userInfos": [{ "id": 1 }] }] }),
    )
    .await;
}

#[tokio::test]
async fn moves_a_row_to_the_last_of_two_places() {
    does(
        "mutation { createUsers(input: [
            { username: \"c\", userInfos: { connect: [{ id: 1 }] } }, { username: \"d\", userInfos: { connect: [{ id: 1 }] } }
        ]) { userInfos { id } } }",
        json!({ "createUsers": [{ "userInfos": [] }, { "userInfos": [{ "id": 1 }] }] }),
        "{ userInfos { user { username } } }",
        json!({ "userInfos": [{ "user": { "username": "d" } }] }),
    )
    .await;
}

#[tokio::test]
async fn a_key_that_must_be_there_cannot_be_null() {
    refuses(
        "mutation { updateUserInfo(id: 1, input: { user: null }) { id } }",
        json!({ "code": "BAD_USER_INPUT", "argument": "input.user", "value": null }),
    )
    .await;
}

#[tokio::test]
async fn creates_no_nested_rows_when_an_update_matches_no_row() {
    let change = "{ manager: { create: { name: \"m\", badge: { code: \"b\" } } } }";
    refuses(
        &format!("mutation {{ updateBadge(id: 1, input: {{ employee: {{ update: {change} }} }}) {{ id }} }}"),
        json!({ "code": "NOT_FOUND", "entity": "Employee", "key": { "badgeId": 1 } }),
    )
    .await;
    let upsert = format!("{{ create: {{ name: \"new\" }}, update: {change} }}");
    does(
        &format!("mutation {{ updateBadge(id: 1, input: {{ employee: {{ upsert: {upsert} }} }}) {{ id }} }}"),
        json!({ "updateBadge": { "id": 1 } }),
        "{ employees { name manager { name } } }",
        json!({ "employees": [{ "name": "new", "manager": null }] }),
    )
    .await;
}

#[tokio::test]
async fn an_upsert_by_another_key_keeps_the_primary_key() {
    does(
        "mutation { upsertUser(input: { id: 9, username: \"a\" }, onConflict: USERNAME) { id username } }",
        json!({ "upsertUser": { "id": 1, "username": "a" } }),
        "{ users { id } }",
        json!({ "users": [{ "id": 1 }, { "id": 2 }] }),
    )
    .await;
}
