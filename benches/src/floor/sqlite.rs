//! Floor on SQLite: statements are stepped in the handler, on the worker's own thread and connection. The
//! response is written from each row as it is read. A list is one statement per parent row, which without a
//! network costs no more.

use std::path::{Path, PathBuf};

use rusqlite::config::DbConfig;
use rusqlite::types::ValueRef;
use rusqlite::{CachedStatement, Connection, OpenFlags, Row};

use super::chain;
use super::json::Json;
use super::postgres::after;
use crate::Failure;

/// Memory-mapped size of the file, and size of the page cache (in KiB).
const PRAGMAS: &str = "PRAGMA mmap_size = 268435456; PRAGMA cache_size = -65536;";

/// Connection of a worker.
pub struct Store(std::cell::OnceCell<Connection>, PathBuf);

const FLAT: &str = "SELECT id, username FROM users ORDER BY id LIMIT ?1";
const O2O: &str = "SELECT u.id, u.username, p.id, p.bio, p.birthdate \
    FROM users u LEFT JOIN profiles p ON p.user_id = u.id ORDER BY u.id LIMIT ?1";
const AUTHORS: &str = "SELECT id, name FROM authors ORDER BY id LIMIT ?1";
const POSTS: &str = "SELECT id, title FROM posts WHERE author_id = ?1 ORDER BY id";
const FK_FWD: &str = "SELECT p.id, p.title, a.id, a.name \
    FROM posts p CROSS JOIN authors a ON a.id = p.author_id ORDER BY p.id LIMIT ?1";
const STUDENTS: &str = "SELECT id, name FROM students ORDER BY id LIMIT ?1";
const COURSES: &str = "SELECT c.id, c.title FROM course_students j CROSS JOIN courses c ON c.id = j.course_id \
    WHERE j.student_id = ?1";
const PLACES: &str = "SELECT p.id, p.name, p.address, r.place_id, r.serves_hot_dogs, r.serves_pizza \
    FROM places p LEFT JOIN restaurants r ON r.place_id = p.id ORDER BY p.id LIMIT ?1";
const WAITERS: &str = "SELECT id, name FROM waiters WHERE restaurant_id = ?1 ORDER BY id";
const FILTER: &str = "SELECT r.serves_hot_dogs, r.serves_pizza, p.id, p.name, p.address \
    FROM places p CROSS JOIN restaurants r ON r.place_id = p.id \
    WHERE p.name >= ?1 AND p.name < ?2 ORDER BY p.id";
const POINT: &str = "SELECT u.id, u.username, p.id, p.bio, p.birthdate \
    FROM users u LEFT JOIN profiles p ON p.user_id = u.id WHERE u.id = ?1";

fn open(file: &Path) -> Result<Connection, Failure> {
    // A single thread uses the connection, so it needs no lock.
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(file, flags)?;
    connection.execute_batch(PRAGMAS)?;
    // With ANALYZE statistics, a statement would be prepared again for each new key; QPSG prevents that.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    connection.set_prepared_statement_cache_capacity(64);
    Ok(connection)
}

impl Store {
    /// Opens a connection that waits for the disk at every commit, as the service does.
    pub fn open_to_write(&self) -> Result<Connection, Failure> {
        let connection = open(&self.1)?;
        connection.busy_timeout(std::time::Duration::from_secs(5))?;
        connection.execute_batch("PRAGMA foreign_keys = ON; PRAGMA synchronous = FULL")?;
        Ok(connection)
    }
}

fn text<'a>(row: &'a Row, column: usize) -> Result<&'a [u8], Failure> {
    Ok(row.get_ref(column)?.as_bytes()?)
}

fn is_null(row: &Row, column: usize) -> Result<bool, Failure> {
    Ok(row.get_ref(column)? == ValueRef::Null)
}

/// Writes the columns of a key and a text; the object stays open.
fn object(json: &mut Json, row: &Row, from: usize, text_name: &str) -> Result<(), Failure> {
    json.raw("{\"id\":");
    json.int(row.get_ref(from)?.as_i64()?);
    json.raw(text_name);
    json.text(text(row, from + 1)?);
    Ok(())
}

fn user_with_profile(json: &mut Json, row: &Row) -> Result<(), Failure> {
    object(json, row, 0, ",\"username\":")?;
    if is_null(row, 2)? {
        json.raw(",\"profile\":null}");
        return Ok(());
    }
    json.raw(",\"profile\":");
    object(json, row, 2, ",\"bio\":")?;
    json.raw(",\"birthdate\":");
    match row.get_ref(4)? {
        ValueRef::Null => json.raw("null"),
        day => json.text(day.as_bytes()?),
    }
    json.raw("}}");
    Ok(())
}

/// Writes the list of a row, in the order of the statement.
fn list(json: &mut Json, statement: &mut CachedStatement, key: i64, text_name: &str) -> Result<(), Failure> {
    let mut rows = statement.query([key])?;
    json.raw("[");
    while let Some(row) = rows.next()? {
        json.item();
        object(json, row, 0, text_name)?;
        json.raw("}");
    }
    json.raw("]");
    Ok(())
}

/// Runs statements in one transaction: each by itself would lock and unlock the file.
fn at_one_moment(connection: &Connection, work: impl FnOnce() -> Result<(), Failure>) -> Result<(), Failure> {
    connection.prepare_cached("BEGIN")?.execute([])?;
    let done = work();
    connection.prepare_cached("COMMIT")?.execute([])?;
    done
}

impl Store {
    /// Creates the handle without connecting.
    pub fn new(file: PathBuf) -> Self {
        Self(std::cell::OnceCell::new(), file)
    }

    /// Writes the response of a workload.
    pub fn answer(&self, path: &str, asked: &str, json: &mut Json) -> Result<(), Failure> {
        let connection = match self.0.get() {
            Some(connection) => connection,
            None => {
                let connection = open(&self.1)?;
                self.0.get_or_init(|| connection)
            }
        };
        match path {
            "/flat" => flat(connection, asked.parse()?, json),
            "/o2o" => o2o(connection, asked.parse()?, json),
            "/fk" => {
                let count = asked.parse()?;
                at_one_moment(connection, || fk(connection, count, json))
            }
            "/fk_fwd" => fk_fwd(connection, asked.parse()?, json),
            "/m2m" => {
                let count = asked.parse()?;
                at_one_moment(connection, || m2m(connection, count, json))
            }
            "/deep" => {
                let count = asked.parse()?;
                at_one_moment(connection, || deep(connection, count, json))
            }
            "/filter" => filter(connection, asked, json),
            "/point" => point(connection, asked.parse()?, json),
            "/chain" => users_and_profiles(connection, asked.parse()?, json),
            _ => Err("no such workload".into()),
        }
    }
}

fn flat(connection: &Connection, count: i64, json: &mut Json) -> Result<(), Failure> {
    let mut statement = connection.prepare_cached(FLAT)?;
    json.raw("\"users\":");
    list(json, &mut statement, count, ",\"username\":")
}

fn o2o(connection: &Connection, count: i64, json: &mut Json) -> Result<(), Failure> {
    let mut statement = connection.prepare_cached(O2O)?;
    let mut rows = statement.query([count])?;
    json.raw("\"users\":[");
    while let Some(row) = rows.next()? {
        json.item();
        user_with_profile(json, row)?;
    }
    json.raw("]");
    Ok(())
}

fn fk(connection: &Connection, count: i64, json: &mut Json) -> Result<(), Failure> {
    let mut authors = connection.prepare_cached(AUTHORS)?;
    let mut posts = connection.prepare_cached(POSTS)?;
    let mut rows = authors.query([count])?;
    json.raw("\"authors\":[");
    while let Some(row) = rows.next()? {
        json.item();
        object(json, row, 0, ",\"name\":")?;
        json.raw(",\"posts\":");
        list(json, &mut posts, row.get_ref(0)?.as_i64()?, ",\"title\":")?;
        json.raw("}");
    }
    json.raw("]");
    Ok(())
}

fn fk_fwd(connection: &Connection, count: i64, json: &mut Json) -> Result<(), Failure> {
    let mut statement = connection.prepare_cached(FK_FWD)?;
    let mut rows = statement.query([count])?;
    json.raw("\"posts\":[");
    while let Some(row) = rows.next()? {
        json.item();
        object(json, row, 0, ",\"title\":")?;
        json.raw(",\"author\":");
        object(json, row, 2, ",\"name\":")?;
        json.raw("}}");
    }
    json.raw("]");
    Ok(())
}

/// Writes students with their courses. Courses come in the order of enrolment: they are written as read and
/// then sorted.
fn m2m(connection: &Connection, count: i64, json: &mut Json) -> Result<(), Failure> {
    let mut students = connection.prepare_cached(STUDENTS)?;
    let mut courses = connection.prepare_cached(COURSES)?;
    let mut rows = students.query([count])?;
    let (mut written, mut order) = (Json::empty(), Vec::new());
    json.raw("\"students\":[");
    while let Some(row) = rows.next()? {
        json.item();
        object(json, row, 0, ",\"name\":")?;
        json.raw(",\"courses\":[");
        written.clear();
        order.clear();
        let mut rows = courses.query([row.get_ref(0)?.as_i64()?])?;
        while let Some(row) = rows.next()? {
            let start = written.len();
            object(&mut written, row, 0, ",\"title\":")?;
            order.push((row.get_ref(0)?.as_i64()?, start..written.len()));
        }
        order.sort_unstable_by_key(|course| course.0);
        for (_, course) in &order {
            json.item();
            json.part(&written, course.clone());
            json.raw("}");
        }
        json.raw("]}");
    }
    json.raw("]");
    Ok(())
}

fn deep(connection: &Connection, count: i64, json: &mut Json) -> Result<(), Failure> {
    let mut places = connection.prepare_cached(PLACES)?;
    let mut waiters = connection.prepare_cached(WAITERS)?;
    let mut rows = places.query([count])?;
    json.raw("\"places\":[");
    while let Some(row) = rows.next()? {
        json.item();
        object(json, row, 0, ",\"name\":")?;
        json.raw(",\"address\":");
        json.text(text(row, 2)?);
        if is_null(row, 3)? {
            json.raw(",\"restaurant\":null}");
            continue;
        }
        json.raw(",\"restaurant\":{\"servesHotDogs\":");
        json.boolean(row.get_ref(4)?.as_i64()? != 0);
        json.raw(",\"servesPizza\":");
        json.boolean(row.get_ref(5)?.as_i64()? != 0);
        json.raw(",\"waiters\":");
        list(json, &mut waiters, row.get_ref(3)?.as_i64()?, ",\"name\":")?;
        json.raw("}}");
    }
    json.raw("]");
    Ok(())
}

fn filter(connection: &Connection, start: &str, json: &mut Json) -> Result<(), Failure> {
    let mut statement = connection.prepare_cached(FILTER)?;
    let mut rows = statement.query([start, &after(start)])?;
    json.raw("\"restaurants\":[");
    while let Some(row) = rows.next()? {
        json.item();
        json.raw("{\"servesHotDogs\":");
        json.boolean(row.get_ref(0)?.as_i64()? != 0);
        json.raw(",\"servesPizza\":");
        json.boolean(row.get_ref(1)?.as_i64()? != 0);
        json.raw(",\"place\":");
        object(json, row, 2, ",\"name\":")?;
        json.raw(",\"address\":");
        json.text(text(row, 4)?);
        json.raw("}}");
    }
    json.raw("]");
    Ok(())
}

fn point(connection: &Connection, key: i64, json: &mut Json) -> Result<(), Failure> {
    let mut statement = connection.prepare_cached(POINT)?;
    let mut rows = statement.query([key])?;
    json.raw("\"user\":");
    match rows.next()? {
        Some(row) => user_with_profile(json, row),
        None => {
            json.raw("null");
            Ok(())
        }
    }
}

fn users_and_profiles(connection: &Connection, depth: usize, json: &mut Json) -> Result<(), Failure> {
    let mut statement = connection.prepare_cached(chain::SQLITE.get(depth).ok_or("too deep")?)?;
    let mut rows = statement.query([100])?;
    json.raw("\"users\":[");
    while let Some(row) = rows.next()? {
        json.item();
        object(json, row, 0, ",\"username\":")?;
        let mut open = 1;
        for level in 2..=depth {
            let (name, text_name) = chain::names(level);
            json.raw(name);
            if is_null(row, 2 * level - 2)? {
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
