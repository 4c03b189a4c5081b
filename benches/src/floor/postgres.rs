//! Floor on PostgreSQL: to-one rows are joined, lists are a second statement whose rows are sorted here.

use super::chain;
use super::json::Json;
use crate::Failure;

/// Source of sessions.
pub trait Source {
    /// Session type.
    type Session<'a>: Session
    where
        Self: 'a;

    /// Returns a session for a request.
    async fn session(&self) -> Result<Self::Session<'_>, Failure>;
}

/// Session that sends statements.
pub trait Session {
    /// Row type.
    type Row: Row;

    /// Returns all rows of a statement.
    async fn rows(&mut self, sql: &str, parameter: Parameter) -> Result<Vec<Self::Row>, Failure>;
}

/// Row in PostgreSQL's binary format.
pub trait Row {
    /// Returns a column in its wire format; `None` for NULL.
    fn bytes(&self, column: usize) -> Option<&[u8]>;

    /// Returns a column of type `integer`.
    fn int(&self, column: usize) -> Option<i32> {
        Some(i32::from_be_bytes(self.bytes(column)?.try_into().ok()?))
    }
}

/// Parameter of a statement.
pub enum Parameter {
    /// No parameter: the row limit is part of the text. As a parameter, it would make PostgreSQL plan at each
    /// execution.
    Nothing,
    /// Key.
    Key(i32),
    /// Several keys.
    Keys(Vec<i32>),
    /// Range from the first text up to, but excluding, the second.
    Range(String, String),
}

// Joins one-to-one relations before the LIMIT: both sides are read along an index and the join ends
// early. After a LIMIT, the planner reads the whole other table into a hash. If many rows reference the same
// row (`FK_FWD`), the opposite holds.
const FLAT: &str = "SELECT id, username FROM users ORDER BY id LIMIT $1";
const O2O: &str = "SELECT u.id, u.username, p.id, p.bio, p.birthdate \
    FROM users u LEFT JOIN profiles p ON p.user_id = u.id ORDER BY u.id LIMIT $1";
const AUTHORS: &str = "SELECT id, name FROM authors ORDER BY id LIMIT $1";
const POSTS: &str = "SELECT author_id, id, title FROM posts WHERE author_id = ANY($1)";
const FK_FWD: &str = "SELECT p.id, p.title, a.id, a.name \
    FROM (SELECT id, title, author_id FROM posts ORDER BY id LIMIT $1) p \
    JOIN authors a ON a.id = p.author_id ORDER BY p.id";
const STUDENTS: &str = "SELECT id, name FROM students ORDER BY id LIMIT $1";
const COURSES: &str = "SELECT j.student_id, c.id, c.title FROM course_students j \
    JOIN courses c ON c.id = j.course_id WHERE j.student_id = ANY($1)";
const PLACES: &str = "SELECT p.id, p.name, p.address, r.place_id, r.serves_hot_dogs, r.serves_pizza \
    FROM places p LEFT JOIN restaurants r ON r.place_id = p.id ORDER BY p.id LIMIT $1";
const WAITERS: &str = "SELECT restaurant_id, id, name FROM waiters WHERE restaurant_id = ANY($1)";
const FILTER: &str = "SELECT r.serves_hot_dogs, r.serves_pizza, p.id, p.name, p.address \
    FROM places p JOIN restaurants r ON r.place_id = p.id \
    WHERE p.name COLLATE \"C\" >= $1 AND p.name COLLATE \"C\" < $2 ORDER BY r.place_id";
const POINT: &str = "SELECT u.id, u.username, p.id, p.bio, p.birthdate \
    FROM users u LEFT JOIN profiles p ON p.user_id = u.id WHERE u.id = $1";

/// Writes the response of a workload.
pub async fn answer<S: Source>(source: &S, path: &str, asked: &str, json: &mut Json) -> Result<(), Failure> {
    let mut session = source.session().await?;
    let session = &mut session;
    match path {
        "/flat" => flat(session, asked.parse()?, json).await,
        "/o2o" => o2o(session, asked.parse()?, json).await,
        "/fk" => fk(session, asked.parse()?, json).await,
        "/fk_fwd" => fk_fwd(session, asked.parse()?, json).await,
        "/m2m" => m2m(session, asked.parse()?, json).await,
        "/deep" => deep(session, asked.parse()?, json).await,
        "/filter" => filter(session, asked, json).await,
        "/point" => point(session, asked.parse()?, json).await,
        "/chain" => users_and_profiles(session, asked.parse()?, json).await,
        _ => Err("no such workload".into()),
    }
}

/// Returns the statement with a row limit.
fn limited(sql: &str, count: i64) -> String {
    sql.replace("$1", &count.to_string())
}

fn int(row: &impl Row, column: usize) -> Result<i32, Failure> {
    row.int(column).ok_or_else(|| format!("column {column} is no integer").into())
}

fn text(row: &impl Row, column: usize) -> Result<&[u8], Failure> {
    row.bytes(column).ok_or_else(|| format!("column {column} is NULL").into())
}

fn boolean(row: &impl Row, column: usize) -> Result<bool, Failure> {
    Ok(text(row, column)? == [1])
}

/// Writes `"KEY":` and the columns of a key and a text; the object stays open.
fn object(json: &mut Json, row: &impl Row, from: usize, text_name: &str) -> Result<(), Failure> {
    json.raw("{\"id\":");
    json.int(int(row, from)?.into());
    json.raw(text_name);
    json.text(text(row, from + 1)?);
    Ok(())
}

async fn flat(session: &mut impl Session, count: i64, json: &mut Json) -> Result<(), Failure> {
    json.raw("\"users\":[");
    for row in &session.rows(&limited(FLAT, count), Parameter::Nothing).await? {
        json.item();
        object(json, row, 0, ",\"username\":")?;
        json.raw("}");
    }
    json.raw("]");
    Ok(())
}

async fn o2o(session: &mut impl Session, count: i64, json: &mut Json) -> Result<(), Failure> {
    json.raw("\"users\":[");
    for row in &session.rows(&limited(O2O, count), Parameter::Nothing).await? {
        json.item();
        user_with_profile(json, row)?;
    }
    json.raw("]");
    Ok(())
}

fn user_with_profile(json: &mut Json, row: &impl Row) -> Result<(), Failure> {
    object(json, row, 0, ",\"username\":")?;
    if row.bytes(2).is_none() {
        json.raw(",\"profile\":null}");
        return Ok(());
    }
    json.raw(",\"profile\":");
    object(json, row, 2, ",\"bio\":")?;
    json.raw(",\"birthdate\":");
    match row.int(4) {
        Some(days) => json.day(days),
        None => json.raw("null"),
    }
    json.raw("}}");
    Ok(())
}

/// Rows of lists: the parent's key, the own key, and the index of the row.
struct Children<R> {
    order: std::iter::Peekable<std::vec::IntoIter<(i32, i32, usize)>>,
    rows: Vec<R>,
}

impl<R: Row> Children<R> {
    async fn of(session: &mut impl Session<Row = R>, sql: &str, keys: Vec<i32>) -> Result<Self, Failure> {
        let rows =
            if keys.is_empty() { Vec::new() } else { session.rows(sql, Parameter::Keys(keys)).await? };
        let mut order = Vec::with_capacity(rows.len());
        for (at, row) in rows.iter().enumerate() {
            order.push((int(row, 0)?, int(row, 1)?, at));
        }
        order.sort_unstable();
        Ok(Self { order: order.into_iter().peekable(), rows })
    }

    /// Writes the list of the parent with this key; parents come in key order.
    fn write(&mut self, json: &mut Json, parent: i32, text_name: &str) -> Result<(), Failure> {
        json.raw("[");
        while let Some((.., at)) = self.order.next_if(|child| child.0 == parent) {
            json.item();
            object(json, &self.rows[at], 1, text_name)?;
            json.raw("}");
        }
        json.raw("]");
        Ok(())
    }
}

fn keys(rows: &[impl Row], column: usize) -> Vec<i32> {
    rows.iter().filter_map(|row| row.int(column)).collect()
}

async fn fk(session: &mut impl Session, count: i64, json: &mut Json) -> Result<(), Failure> {
    let authors = session.rows(&limited(AUTHORS, count), Parameter::Nothing).await?;
    let mut posts = Children::of(session, POSTS, keys(&authors, 0)).await?;
    json.raw("\"authors\":[");
    for row in &authors {
        json.item();
        object(json, row, 0, ",\"name\":")?;
        json.raw(",\"posts\":");
        posts.write(json, int(row, 0)?, ",\"title\":")?;
        json.raw("}");
    }
    json.raw("]");
    Ok(())
}

async fn fk_fwd(session: &mut impl Session, count: i64, json: &mut Json) -> Result<(), Failure> {
    json.raw("\"posts\":[");
    for row in &session.rows(&limited(FK_FWD, count), Parameter::Nothing).await? {
        json.item();
        object(json, row, 0, ",\"title\":")?;
        json.raw(",\"author\":");
        object(json, row, 2, ",\"name\":")?;
        json.raw("}}");
    }
    json.raw("]");
    Ok(())
}

async fn m2m(session: &mut impl Session, count: i64, json: &mut Json) -> Result<(), Failure> {
    let students = session.rows(&limited(STUDENTS, count), Parameter::Nothing).await?;
    let mut courses = Children::of(session, COURSES, keys(&students, 0)).await?;
    json.raw("\"students\":[");
    for row in &students {
        json.item();
        object(json, row, 0, ",\"name\":")?;
        json.raw(",\"courses\":");
        courses.write(json, int(row, 0)?, ",\"title\":")?;
        json.raw("}");
    }
    json.raw("]");
    Ok(())
}

async fn deep(session: &mut impl Session, count: i64, json: &mut Json) -> Result<(), Failure> {
    let places = session.rows(&limited(PLACES, count), Parameter::Nothing).await?;
    let mut waiters = Children::of(session, WAITERS, keys(&places, 3)).await?;
    json.raw("\"places\":[");
    for row in &places {
        json.item();
        object(json, row, 0, ",\"name\":")?;
        json.raw(",\"address\":");
        json.text(text(row, 2)?);
        if let Some(restaurant) = row.int(3) {
            json.raw(",\"restaurant\":{\"servesHotDogs\":");
            json.boolean(boolean(row, 4)?);
            json.raw(",\"servesPizza\":");
            json.boolean(boolean(row, 5)?);
            json.raw(",\"waiters\":");
            waiters.write(json, restaurant, ",\"name\":")?;
            json.raw("}}");
        } else {
            json.raw(",\"restaurant\":null}");
        }
    }
    json.raw("]");
    Ok(())
}

/// Returns the first text after all texts with this ASCII prefix.
pub fn after(start: &str) -> String {
    let mut bytes = start.as_bytes().to_vec();
    if let Some(last) = bytes.last_mut() {
        *last += 1;
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

async fn filter(session: &mut impl Session, start: &str, json: &mut Json) -> Result<(), Failure> {
    let range = Parameter::Range(start.to_owned(), after(start));
    json.raw("\"restaurants\":[");
    for row in &session.rows(FILTER, range).await? {
        json.item();
        json.raw("{\"servesHotDogs\":");
        json.boolean(boolean(row, 0)?);
        json.raw(",\"servesPizza\":");
        json.boolean(boolean(row, 1)?);
        json.raw(",\"place\":");
        object(json, row, 2, ",\"name\":")?;
        json.raw(",\"address\":");
        json.text(text(row, 4)?);
        json.raw("}}");
    }
    json.raw("]");
    Ok(())
}

async fn point(session: &mut impl Session, key: i32, json: &mut Json) -> Result<(), Failure> {
    json.raw("\"user\":");
    match session.rows(POINT, Parameter::Key(key)).await?.first() {
        Some(row) => user_with_profile(json, row),
        None => {
            json.raw("null");
            Ok(())
        }
    }
}

async fn users_and_profiles(
    session: &mut impl Session,
    depth: usize,
    json: &mut Json,
) -> Result<(), Failure> {
    let sql = chain::POSTGRES.get(depth).ok_or("too deep")?;
    json.raw("\"users\":[");
    for row in &session.rows(&limited(sql, 100), Parameter::Nothing).await? {
        json.item();
        object(json, row, 0, ",\"username\":")?;
        let mut open = 1;
        for level in 2..=depth {
            let (name, text_name) = chain::names(level);
            json.raw(name);
            if row.bytes(2 * level - 2).is_none() {
                json.raw("null");
                break;
            }
            object(json, row, 2 * level - 2, text_name)?;
            open += 1;
        }
        json.raw(&"}}}}}}"[..open]);
    }
    json.raw("]");
    Ok(())
}
