//! The page about policies: its tables, options and requests work, and have the answers that the page shows.

use sea_orm::ConnectionTrait;
use serde_json::{Value as Json, json};

use crate::process::{Folder, Service, within};
use crate::support;

const PAGE: &str = include_str!("../../docs/policies.md");

const SECRET: &str = "the secret of administrators";

/// Returns the fenced blocks of a language, in order.
fn blocks(language: &str) -> Vec<&'static str> {
    let fence = format!("```{language}\n");
    PAGE.split(fence.as_str()).skip(1).map(|rest| rest.split("\n```").next().unwrap()).collect()
}

#[tokio::test]
async fn requests_have_the_answers_of_the_page() {
    let folder = Folder::new();
    let database = support::sqlite().await;
    database.connection.execute_unprepared(blocks("sql")[0]).await.unwrap();
    let options = folder.path().join("options.toml");
    std::fs::write(&options, blocks("toml").join("\n")).unwrap();
    let arguments =
        ["--from-database", "--options", options.to_str().unwrap(), "--database-url", &database.url];
    let service = Service::start_in(&folder, &arguments, &[("CROWSFOOT_ADMIN_SECRET", SECRET)]).await;
    let ask = async |query: &str| -> Json {
        let request = service.post("/graphql").header("crowsfoot-admin-secret", SECRET);
        let request = request.header("crowsfoot-role", "user").header("crowsfoot-viewer", "{\"userId\":1}");
        within(within(request.json(&json!({ "query": query })).send()).await.unwrap().json()).await.unwrap()
    };
    let (queries, answers) = (blocks("graphql"), blocks("json"));
    assert!(queries.len() == answers.len() && !queries.is_empty());
    for (query, answer) in queries.into_iter().zip(answers) {
        assert_eq!(ask(query).await, serde_json::from_str::<Json>(answer).unwrap(), "{query}");
    }
    let foreign = "mutation { createDocument(input: { id: 5, title: \"x\", team: { id: 2 } }) { title } }";
    let refused = ask(foreign).await;
    assert_eq!(refused["data"], Json::Null, "{refused}");
    service.stop().await;
    database.drop().await;
}
