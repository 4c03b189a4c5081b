//! Live query of the floor: each commit runs the query once, and sends its text to all subscribers.

use std::convert::Infallible;

use actix_web::HttpResponse;
use actix_web::error::ErrorInternalServerError;
use actix_web::web::{self, Bytes, Data};
use futures_util::stream::{self, StreamExt as _};
use rusqlite::{Connection, params};
use sqlx::{AssertSqlSafe, PgConnection, Row as _};
use tokio::sync::watch::Sender;

use super::json::Json;
use super::pooled::Pooled;
use super::postgres::Source as _;
use super::sqlite::Store;
use super::writes::with_writer;
use super::{WriteBody, response};
use crate::Failure;

/// Path of the live query, as an event stream.
pub const LIVE: &str = "/live";

/// Path of the write that changes its result.
pub const RENAME: &str = "/rename";

const USERS: &str = "SELECT id, username FROM users WHERE id IN (1, 2) ORDER BY id";
const NAME: &str = "UPDATE users SET username = $1 WHERE id = 1 RETURNING id";

/// Last result, which all workers share.
pub struct LastResult(Sender<Bytes>);

impl LastResult {
    /// Creates an empty result.
    pub fn new() -> Self {
        Self(Sender::default())
    }

    /// Answers with `first`, and with each later result.
    fn stream(&self, first: Bytes) -> HttpResponse {
        let later = stream::unfold(self.0.subscribe(), |mut results| async {
            results.changed().await.ok()?;
            let result = results.borrow_and_update().clone();
            Some((result, results))
        });
        let results = stream::once(async { first }).chain(later).map(Ok::<Bytes, Infallible>);
        HttpResponse::Ok().content_type("text/event-stream").streaming(results)
    }
}

pub async fn from_postgres(source: Data<Pooled>, last: Data<LastResult>) -> actix_web::Result<HttpResponse> {
    let first = async {
        let mut session = source.session().await?;
        of_postgres(session.connection()?).await
    };
    Ok(last.stream(first.await.map_err(ErrorInternalServerError)?))
}

pub async fn rename_in_postgres(
    body: web::Json<WriteBody>,
    source: Data<Pooled>,
    last: Data<LastResult>,
) -> actix_web::Result<HttpResponse> {
    let renamed = async {
        let mut session = source.session().await?;
        let connection = session.connection()?;
        let id: i32 = sqlx::query_scalar(AssertSqlSafe(NAME))
            .bind(&body.variables.name)
            .fetch_one(&mut *connection)
            .await?;
        last.0.send_replace(of_postgres(connection).await?);
        Ok::<i32, Failure>(id)
    };
    Ok(renamed_user(renamed.await.map_err(ErrorInternalServerError)?))
}

pub async fn from_sqlite(store: Data<Store>, last: Data<LastResult>) -> actix_web::Result<HttpResponse> {
    let first = with_writer(|| store.open_to_write(), |connection| of_sqlite(connection));
    Ok(last.stream(first.map_err(ErrorInternalServerError)?))
}

pub async fn rename_in_sqlite(
    body: web::Json<WriteBody>,
    store: Data<Store>,
    last: Data<LastResult>,
) -> actix_web::Result<HttpResponse> {
    let rename = |connection: &mut Connection| {
        let id: i32 =
            connection.prepare_cached(NAME)?.query_row(params![body.variables.name], |row| row.get(0))?;
        last.0.send_replace(of_sqlite(connection)?);
        Ok(id)
    };
    Ok(renamed_user(with_writer(|| store.open_to_write(), rename).map_err(ErrorInternalServerError)?))
}

async fn of_postgres(connection: &mut PgConnection) -> Result<Bytes, Failure> {
    let rows = sqlx::query(AssertSqlSafe(USERS)).fetch_all(connection).await?;
    let users: Result<Vec<(i32, String)>, sqlx::Error> =
        rows.iter().map(|row| Ok((row.try_get(0)?, row.try_get(1)?))).collect();
    Ok(event(&users?))
}

fn of_sqlite(connection: &Connection) -> Result<Bytes, Failure> {
    let mut users = connection.prepare_cached(USERS)?;
    let users = users.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(event(&users.collect::<Result<Vec<(i32, String)>, _>>()?))
}

/// Returns the result as an event.
fn event(users: &[(i32, String)]) -> Bytes {
    let mut json = Json::new();
    json.raw("\"users\":[");
    for (id, username) in users {
        json.item();
        json.raw("{\"id\":");
        json.int((*id).into());
        json.raw(",\"username\":");
        json.text(username.as_bytes());
        json.raw("}");
    }
    json.raw("]");
    [b"event: next\ndata: ", &json.finish()[..], b"\n\n"].concat().into()
}

fn renamed_user(id: i32) -> HttpResponse {
    let mut json = Json::new();
    json.raw("\"updateUser\":{\"id\":");
    json.int(id.into());
    json.raw("}");
    response(json)
}
