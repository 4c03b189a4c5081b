//! Writes of the floor: one statement for a row or a link, a transaction for rows with their one-to-one rows.

use std::cell::RefCell;

use rusqlite::{Connection, OptionalExtension, params};
use serde::Deserialize;
use sqlx::{AssertSqlSafe, Connection as _, PgConnection, Row as _};

use super::json::Json;
use super::pooled::Taken;
use crate::Failure;

/// Variables of the requests that write.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct Given {
    #[serde(default)]
    id: i32,
    #[serde(default)]
    pub name: String,
    #[serde(default)]
    course: i32,
    #[serde(default)]
    users: Vec<GivenUser>,
}

/// New user with a profile.
#[derive(Clone, Debug, Deserialize)]
struct GivenUser {
    username: String,
    profile: GivenProfile,
}

#[derive(Clone, Debug, Deserialize)]
struct GivenProfile {
    create: NewProfile,
}

#[derive(Clone, Debug, Deserialize)]
struct NewProfile {
    bio: String,
}

const CREATE: &str = "INSERT INTO authors (name) VALUES ($1) RETURNING id, name";
const UPDATE: &str = "UPDATE authors SET name = $2 WHERE id = $1 RETURNING id, name";
/// SQLite numbers `$2` as its first parameter.
const SQLITE_UPDATE: &str = "UPDATE authors SET name = ?2 WHERE id = ?1 RETURNING id, name";
const DELETE: &str = "DELETE FROM posts WHERE id = $1 RETURNING id";
const USER: &str = "INSERT INTO users (username) VALUES ($1) RETURNING id, username";
const PROFILE: &str = "INSERT INTO profiles (user_id, bio) VALUES ($1, $2) RETURNING id, bio";
const UPSERT: &str = "INSERT INTO users (username) VALUES ($1)
    ON CONFLICT (username) DO UPDATE SET username = EXCLUDED.username RETURNING id, username";
const CONNECT: &str = "INSERT INTO course_students (student_id, course_id) VALUES ($1, $2) ON CONFLICT DO NOTHING RETURNING student_id";
const USERS: &str = "INSERT INTO users (username) SELECT unnest($1::text[]) RETURNING id";
const PROFILES: &str = "INSERT INTO profiles (user_id, bio) SELECT unnest($1::int[]), unnest($2::text[])";

/// Paths of the writes.
pub const PATHS: [&str; 7] = ["/create", "/update", "/upsert", "/delete", "/connect", "/create_o2o", "/bulk"];

/// Writes on PostgreSQL.
pub async fn to_postgres(
    session: &mut Taken<'_>,
    path: &str,
    given: &Given,
    json: &mut Json,
) -> Result<(), Failure> {
    let connection = session.connection()?;
    if path == "/bulk" {
        let mut transaction = connection.begin().await?;
        let names: Vec<&str> = given.users.iter().map(|user| user.username.as_str()).collect();
        let bios: Vec<&str> = given.users.iter().map(|user| user.profile.create.bio.as_str()).collect();
        let users = sqlx::query_scalar(AssertSqlSafe(USERS)).bind(names);
        let ids: Vec<i32> = users.fetch_all(&mut *transaction).await?;
        sqlx::query(AssertSqlSafe(PROFILES)).bind(&ids).bind(bios).execute(&mut *transaction).await?;
        transaction.commit().await?;
        created(json, &ids);
        return Ok(());
    }
    if path == "/connect" {
        let link = sqlx::query_scalar(AssertSqlSafe(CONNECT)).bind(given.id).bind(given.course);
        only_id(json, "\"updateStudent\":{\"id\":", link.fetch_one(connection).await?);
        return Ok(());
    }
    if path == "/delete" {
        let post = sqlx::query_scalar(AssertSqlSafe(DELETE)).bind(given.id);
        only_id(json, "\"deletePost\":{\"id\":", post.fetch_one(connection).await?);
        return Ok(());
    }
    if path == "/create_o2o" {
        let mut transaction = connection.begin().await?;
        let user = sqlx::query(AssertSqlSafe(USER)).bind(&given.name).fetch_one(&mut *transaction).await?;
        let id: i32 = user.try_get(0)?;
        let profile = sqlx::query(AssertSqlSafe(PROFILE)).bind(id).bind(&given.name);
        let profile = profile.fetch_one(&mut *transaction).await?;
        transaction.commit().await?;
        with_profile(json, (id, user.try_get(1)?), (profile.try_get(0)?, profile.try_get(1)?));
        return Ok(());
    }
    let row = one(connection, path, given).await?;
    answer(json, path, (row.try_get(0)?, row.try_get(1)?));
    Ok(())
}

async fn one(
    connection: &mut PgConnection,
    path: &str,
    given: &Given,
) -> Result<sqlx::postgres::PgRow, Failure> {
    let query = match path {
        "/create" => sqlx::query(AssertSqlSafe(CREATE)).bind(&given.name),
        "/upsert" => sqlx::query(AssertSqlSafe(UPSERT)).bind(&given.name),
        _ => sqlx::query(AssertSqlSafe(UPDATE)).bind(given.id).bind(&given.name),
    };
    Ok(query.fetch_one(connection).await?)
}

/// Writes on SQLite, over the only connection that writes.
pub fn to_sqlite(
    connection: &mut Connection,
    path: &str,
    given: &Given,
    json: &mut Json,
) -> Result<(), Failure> {
    if path == "/bulk" {
        let transaction = connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
        let mut ids = Vec::with_capacity(given.users.len());
        for user in &given.users {
            let id = transaction.prepare_cached(USER)?.query_row([&user.username], |row| row.get(0))?;
            ids.push(id);
            let bio = &user.profile.create.bio;
            transaction.prepare_cached(PROFILE)?.query_row(params![id, bio], |_| Ok(()))?;
        }
        transaction.commit()?;
        created(json, &ids);
        return Ok(());
    }
    if path == "/connect" {
        let mut link = connection.prepare_cached(CONNECT)?;
        let student = link.query_row([given.id, given.course], |row| row.get(0))?;
        only_id(json, "\"updateStudent\":{\"id\":", student);
        return Ok(());
    }
    if path == "/delete" {
        let mut delete = connection.prepare_cached(DELETE)?;
        only_id(json, "\"deletePost\":{\"id\":", delete.query_row([given.id], |row| row.get(0))?);
        return Ok(());
    }
    if path == "/create_o2o" {
        let transaction = connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
        let (user, profile) = {
            let mut insert = transaction.prepare_cached(USER)?;
            let user: (i32, String) = insert.query_row([&given.name], pair)?;
            let mut insert = transaction.prepare_cached(PROFILE)?;
            let profile: (i32, String) = insert.query_row(params![user.0, given.name], pair)?;
            (user, profile)
        };
        transaction.commit()?;
        with_profile(json, (user.0, &user.1), (profile.0, &profile.1));
        return Ok(());
    }
    let row = match path {
        "/create" => connection.prepare_cached(CREATE)?.query_row([&given.name], pair).optional()?,
        "/upsert" => connection.prepare_cached(UPSERT)?.query_row([&given.name], pair).optional()?,
        _ => connection
            .prepare_cached(SQLITE_UPDATE)?
            .query_row(params![given.id, given.name], pair)
            .optional()?,
    };
    let (id, name) = row.ok_or("no such row")?;
    answer(json, path, (id, &name));
    Ok(())
}

fn pair(row: &rusqlite::Row<'_>) -> rusqlite::Result<(i32, String)> {
    Ok((row.get(0)?, row.get(1)?))
}

fn answer(json: &mut Json, path: &str, (id, name): (i32, &str)) {
    let (field, column) = match path {
        "/create" => ("\"createAuthor\":{\"id\":", ",\"name\":"),
        "/upsert" => ("\"upsertUser\":{\"id\":", ",\"username\":"),
        _ => ("\"updateAuthor\":{\"id\":", ",\"name\":"),
    };
    json.raw(field);
    json.int(id.into());
    json.raw(column);
    json.text(name.as_bytes());
    json.raw("}");
}

/// Writes an object that has nothing but an id.
fn only_id(json: &mut Json, field: &str, id: i32) {
    json.raw(field);
    json.int(id.into());
    json.raw("}");
}

fn created(json: &mut Json, ids: &[i32]) {
    json.raw("\"createUsers\":[");
    for (index, id) in ids.iter().enumerate() {
        json.raw(if index == 0 { "{\"id\":" } else { ",{\"id\":" });
        json.int((*id).into());
        json.raw("}");
    }
    json.raw("]");
}

fn with_profile(json: &mut Json, user: (i32, &str), profile: (i32, &str)) {
    json.raw("\"createUser\":{\"id\":");
    json.int(user.0.into());
    json.raw(",\"username\":");
    json.text(user.1.as_bytes());
    json.raw(",\"profile\":{\"id\":");
    json.int(profile.0.into());
    json.raw(",\"bio\":");
    json.text(profile.1.as_bytes());
    json.raw("}}");
}

thread_local! {
    /// Connection of a worker that writes.
    static WRITER: RefCell<Option<Connection>> = const { RefCell::new(None) };
}

/// Runs a write with the worker's connection.
///
/// # Errors
/// If SQLite refuses.
pub fn with_writer<T>(
    open: impl FnOnce() -> Result<Connection, Failure>,
    write: impl FnOnce(&mut Connection) -> Result<T, Failure>,
) -> Result<T, Failure> {
    WRITER.with_borrow_mut(|writer| {
        let connection = match writer {
            Some(connection) => connection,
            None => writer.insert(open()?),
        };
        write(connection)
    })
}
