//! `graphql_client`: Rust's types are made of documents.

use graphql_client::{GraphQLQuery, Response};

use crate::post;

/// Each scalar that the documents use has a type of its name.
type Date = String;

#[derive(GraphQLQuery)]
#[graphql(schema_path = "../../schema.graphql", query_path = "src/documents.graphql")]
pub struct Users;

#[derive(GraphQLQuery)]
#[graphql(schema_path = "../../schema.graphql", query_path = "src/documents.graphql")]
pub struct Rename;

pub fn users(url: &str, limit: i64) -> Result<Vec<users::UsersUsers>, ureq::Error> {
    let answer: Response<users::ResponseData> = post(url, Users::build_query(users::Variables { limit }))?;
    Ok(answer.data.map_or_else(Vec::new, |data| data.users))
}

/// Returns the code of the error, if the name is refused.
pub fn rename(url: &str, id: i64, username: &str) -> Result<Option<String>, ureq::Error> {
    let request = Rename::build_query(rename::Variables { id, username: username.to_owned() });
    let answer: Response<rename::ResponseData> = post(url, request)?;
    let first = answer.errors.into_iter().flatten().next();
    let code = first.and_then(|error| error.extensions?.get("code")?.as_str().map(str::to_owned));
    Ok(code)
}
