//! Dataset of both servers: the same at every run, on every database.

use migration::Migrator;
use sea_orm::{ConnectionTrait, DatabaseBackend, DatabaseConnection, DbErr, Statement, TransactionTrait};
use sea_orm_migration::MigratorTrait;

use crate::Failure;
use crate::database::Database;

/// Number of users.
pub const USERS: usize = 10_000;
const AUTHORS: usize = 1_000;
/// Number of posts per author.
pub const POSTS_EACH: usize = 20;
/// Number of posts.
pub const POSTS: usize = AUTHORS * POSTS_EACH;
const STUDENTS: usize = 10_000;
const COURSES: usize = 1_000;
/// Number of courses per student.
pub const COURSES_EACH: usize = 5;
/// Number of places.
pub const PLACES: usize = 5_000;
/// Number of waiters per restaurant.
pub const WAITERS_EACH: usize = 3;

/// Returns true if the user with this id has a profile: nine of ten have.
pub fn has_profile(user: usize) -> bool {
    !user.is_multiple_of(10)
}

/// Returns true if the place with this id is a restaurant: four of five are.
pub fn is_restaurant(place: usize) -> bool {
    !place.is_multiple_of(5)
}

/// Returns the name of the place with this id; about twenty begin with the same word.
pub fn place_name(place: usize) -> String {
    let kind = pick(&KINDS, place / 7);
    format!("{}{} {kind} {place}", pick(&COLOURS, place), pick(&THINGS, place / COLOURS.len()))
}

const COLOURS: [&str; 16] = [
    "Amber", "Black", "Blue", "Copper", "Crimson", "Dusk", "Emerald", "Golden", "Green", "Grey", "Ivory",
    "Red", "Rose", "Silver", "Violet", "White",
];
const THINGS: [&str; 16] = [
    "bell", "boat", "bridge", "crown", "field", "fox", "gate", "harbour", "hill", "lamp", "mill", "oak",
    "river", "stone", "swan", "wheel",
];
/// Some need escaping in JSON, some in SQL, and some have more bytes than letters.
const KINDS: [&str; 6] = ["Kitchen", "Hall", "\"Annexe\"", "Café", "Baker's", "Works"];
const FIRST: [&str; 12] =
    ["Ada", "Bela", "Chiara", "Dmitri", "Élodie", "Farid", "Grace", "Hana", "Ivo", "Jorge", "Kwame", "Lena"];
const LAST: [&str; 10] = [
    "Abara",
    "Brandt",
    "Costa",
    "Dvořák",
    "Eriksen",
    "Fontaine",
    "Grünwald",
    "Hashimoto",
    "Ivanova",
    "O'Neill",
];
const SUBJECTS: [&str; 8] =
    ["Algebra", "Botany", "Ceramics", "Drawing", "Economics", "Geology", "Harmony", "Navigation"];

fn pick(words: &[&'static str], index: usize) -> &'static str {
    words[index % words.len()]
}

fn person(number: usize) -> String {
    format!("{} {} {number}", pick(&FIRST, number * 5), pick(&LAST, number / 3))
}

/// Quotes a text for SQL.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// Table, with its rows.
struct Table {
    name: &'static str,
    columns: &'static str,
    rows: Vec<String>,
}

/// Returns every table, referenced ones first. The database generates serial keys.
fn tables() -> Vec<Table> {
    let table = |name, columns, rows| Table { name, columns, rows };
    let restaurants = || (1..=PLACES).filter(|place| is_restaurant(*place));
    vec![
        table("users", "username", (1..=USERS).map(user).collect()),
        table(
            "profiles",
            "user_id, bio, birthdate",
            (1..=USERS).filter(|user| has_profile(*user)).map(profile).collect(),
        ),
        table("authors", "name", (1..=AUTHORS).map(|author| quoted(&person(author))).collect()),
        // An author's posts are not adjacent.
        table("posts", "author_id, title, content", (0..POSTS).map(post).collect()),
        table("students", "name", (1..=STUDENTS).map(|student| quoted(&person(student + 77))).collect()),
        table("courses", "title", (1..=COURSES).map(course).collect()),
        table(
            "course_students",
            "course_id, student_id",
            (0..STUDENTS * COURSES_EACH).map(enrolment).collect(),
        ),
        table("places", "name, address", (1..=PLACES).map(place).collect()),
        table(
            "restaurants",
            "place_id, serves_hot_dogs, serves_pizza",
            restaurants().map(restaurant).collect(),
        ),
        table(
            "waiters",
            "restaurant_id, name",
            restaurants().flat_map(|place| (0..WAITERS_EACH).map(move |nth| waiter(place, nth))).collect(),
        ),
    ]
}

fn user(number: usize) -> String {
    quoted(&format!("{}.{number}", pick(&FIRST, number).to_lowercase()))
}

fn profile(user: usize) -> String {
    let bio = match user % 7 {
        0 => String::new(),
        1 => format!("{} by day,\n\"{}\" by night.", pick(&SUBJECTS, user), pick(&SUBJECTS, user / 8)),
        _ => format!("Likes {} and {}.", pick(&SUBJECTS, user / 2), pick(&SUBJECTS, user / 3)),
    };
    let birthdate = match user % 4 {
        0 => "NULL".to_owned(),
        _ => format!("'{}-{:02}-{:02}'", 1940 + user % 70, 1 + user % 12, 1 + user % 28),
    };
    format!("{user}, {}, {birthdate}", quoted(&bio))
}

fn post(number: usize) -> String {
    let title = format!("On {} and {} ({number})", pick(&SUBJECTS, number), pick(&THINGS, number / 8));
    let content = format!("What {} has to do with it. ", pick(&LAST, number)).repeat(1 + number % 4);
    format!("{}, {}, {}", 1 + number % AUTHORS, quoted(&title), quoted(&content))
}

fn course(number: usize) -> String {
    quoted(&format!("{} {}", pick(&SUBJECTS, number), 100 + number / SUBJECTS.len()))
}

/// Returns an enrolment, grouped by student; a student's courses are not in the order of their ids.
fn enrolment(number: usize) -> String {
    let (student, nth) = (number / COURSES_EACH, number % COURSES_EACH);
    format!("{}, {}", 1 + (student * 7 + nth * 391) % COURSES, 1 + student)
}

fn place(number: usize) -> String {
    let street = pick(&THINGS, number * 3);
    format!("{}, {}", quoted(&place_name(number)), quoted(&format!("{} {street} street", 1 + number % 240)))
}

fn restaurant(place: usize) -> String {
    let (hot_dogs, pizza) = (place.is_multiple_of(2), place.is_multiple_of(3));
    format!("{place}, {hot_dogs}, {pizza}")
}

fn waiter(place: usize, nth: usize) -> String {
    format!("{place}, {}", quoted(&person(place * WAITERS_EACH + nth)))
}

/// Creates the dataset, replacing an existing one.
///
/// # Errors
/// If the database refuses.
pub async fn make(database: &Database) -> Result<(), Failure> {
    let connection = database.anew().await?;
    Migrator::up(&connection, None).await?;
    let transaction = connection.begin().await?;
    for table in tables() {
        for rows in table.rows.chunks(1_000) {
            let (name, columns) = (table.name, table.columns);
            let sql = format!("INSERT INTO {name} ({columns}) VALUES ({})", rows.join("), ("));
            transaction.execute_unprepared(&sql).await?;
        }
    }
    transaction.commit().await?;
    // Otherwise PostgreSQL would vacuum later, during a measurement.
    let settle = match connection.get_database_backend() {
        DatabaseBackend::Postgres => "VACUUM (FREEZE, ANALYZE)",
        _ => "ANALYZE",
    };
    connection.execute_unprepared(settle).await?;
    Ok(connection.close().await?)
}

/// Creates the dataset if it is missing.
///
/// # Errors
/// If the database refuses.
pub async fn ensure(database: &Database) -> Result<(), Failure> {
    if let Ok(connection) = database.connect().await {
        let there = is_complete(&connection).await.unwrap_or(false);
        connection.close().await?;
        if there {
            return Ok(());
        }
    }
    eprintln!("making the dataset in {}", database.url());
    make(database).await
}

async fn is_complete(connection: &DatabaseConnection) -> Result<bool, DbErr> {
    for table in tables() {
        let sql = format!("SELECT COUNT(*) FROM {}", table.name);
        let statement = Statement::from_string(connection.get_database_backend(), sql);
        let Some(row) = connection.query_one_raw(statement).await? else { return Ok(false) };
        if usize::try_from(row.try_get_by_index::<i64>(0)?).ok() != Some(table.rows.len()) {
            return Ok(false);
        }
    }
    Ok(true)
}
