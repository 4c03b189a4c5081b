//! `cynic`: documents are made of Rust's types.

use cynic::{GraphQlResponse, MutationBuilder, QueryBuilder};
use serde::Deserialize;

use crate::post;

#[cynic::schema("crowsfoot")]
mod schema {}

#[derive(cynic::Scalar, Debug, PartialEq)]
pub struct Date(pub String);

#[derive(cynic::QueryVariables)]
pub struct Limit {
    pub limit: i32,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "Query", variables = "Limit")]
pub struct Users {
    #[arguments(limit: $limit)]
    pub users: Vec<User>,
}

#[derive(cynic::QueryFragment)]
pub struct User {
    pub username: String,
    /// The other side of a one-to-one relation: the row may be missing.
    pub profile: Option<Profile>,
}

#[derive(cynic::QueryFragment)]
pub struct Profile {
    pub birthdate: Option<Date>,
}

pub fn users(url: &str, limit: i32) -> Result<Vec<User>, ureq::Error> {
    let answer: GraphQlResponse<Users> = post(url, Users::build(Limit { limit }))?;
    Ok(answer.data.map_or_else(Vec::new, |data| data.users))
}

#[derive(cynic::QueryVariables)]
pub struct NewName {
    pub id: i32,
    pub username: String,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "Mutation", variables = "NewName")]
pub struct Rename {
    #[arguments(id: $id, input: { username: $username })]
    pub update_user: Option<Renamed>,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "User")]
pub struct Renamed {
    pub username: String,
}

#[derive(Deserialize)]
struct Facts {
    code: String,
}

/// Returns the code of the error, if the name is refused.
pub fn rename(url: &str, id: i32, username: &str) -> Result<Option<String>, ureq::Error> {
    let request = Rename::build(NewName { id, username: username.to_owned() });
    let answer: GraphQlResponse<Rename, Facts> = post(url, request)?;
    let first = answer.errors.into_iter().flatten().next();
    Ok(first.and_then(|error| error.extensions).map(|facts| facts.code))
}
