//! Tables and rows, always tested on SQLite, and on PostgreSQL if `CROWSFOOT_TEST_POSTGRES` holds the address
//! of a server whose user may create databases.

#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::{BTreeMap, HashSet};
use std::sync::Mutex;
use std::task::Poll;

use entity::{
    author, badge, book, course, course_student, employee, passport, person, place, post, profile,
    restaurant, student, user, user_info, waiter,
};
use migration::seed::{self, MAX_SCALE, SeedError, TABLES, rows};
use migration::{Migrator, apply};
use sea_orm_migration::prelude::*;
use sea_orm_migration::sea_orm::{
    ActiveModelTrait, ColumnTrait, ConnectOptions, Database, DatabaseConnection, DbBackend, EntityName,
    EntityTrait, Iterable, ModelTrait, PrimaryKeyToColumn, QueryFilter, QueryOrder, Related, RelationTrait,
    RelationType, Schema, Set, Statement,
};

/// Number of example rows by table.
const COUNTS: [(&str, u64); 16] = [
    ("users", 8),
    ("profiles", 5),
    ("user_infos", 4),
    ("authors", 6),
    ("posts", 9),
    ("books", 8),
    ("students", 7),
    ("courses", 6),
    ("course_students", 12),
    ("badges", 8),
    ("employees", 7),
    ("persons", 5),
    ("passports", 4),
    ("places", 6),
    ("restaurants", 4),
    ("waiters", 6),
];

/// Calls a macro for every entity.
macro_rules! for_every_entity {
    ($do:ident) => {
        $do!(user);
        $do!(profile);
        $do!(user_info);
        $do!(author);
        $do!(post);
        $do!(book);
        $do!(student);
        $do!(course);
        $do!(course_student);
        $do!(badge);
        $do!(employee);
        $do!(person);
        $do!(passport);
        $do!(place);
        $do!(restaurant);
        $do!(waiter);
    };
}

/// Opens an empty in-memory database. It has one connection, because each connection would have its own
/// database.
async fn sqlite() -> DatabaseConnection {
    let mut options = ConnectOptions::new("sqlite::memory:");
    options.max_connections(1);
    Database::connect(options).await.unwrap()
}

async fn migrated_sqlite() -> DatabaseConnection {
    let db = sqlite().await;
    Migrator::up(&db, None).await.unwrap();
    db
}

/// Polls a future up to `most` times; returns `None` and drops the future if it is not ready by then.
async fn polled<T>(future: impl Future<Output = T>, most: usize) -> Option<T> {
    let mut future = std::pin::pin!(future);
    let mut polls = 0;
    std::future::poll_fn(|context| {
        if polls == most {
            return Poll::Ready(None);
        }
        polls += 1;
        future.as_mut().poll(context).map(Some)
    })
    .await
}

#[tokio::test]
async fn interrupted_migrations_are_completed_by_the_next_run() {
    for most in 0.. {
        let db = sqlite().await;
        let up = polled(apply::up(&db), most).await;
        let applied = Migrator::get_applied_migrations(&db).await.unwrap().len();
        assert!(existing_tables(&db).await.len() == [0, 3, 6, 9, 11, 13, 16][applied], "{most}: {applied}");
        apply::up(&db).await.unwrap();
        assert_eq!(existing_tables(&db).await, TABLES, "{most}");

        let down = polled(apply::down(&db), most).await;
        let applied = Migrator::get_applied_migrations(&db).await.unwrap().len();
        assert!(existing_tables(&db).await.len() == [0, 3, 6, 9, 11, 13, 16][applied], "{most}: {applied}");
        apply::down(&db).await.unwrap();
        assert_eq!(existing_tables(&db).await, [""; 0], "{most}");
        if up.is_some() && down.is_some() {
            // How often a future is polled depends on the machine. Fewer than four stops in a migration would prove little.
            let migrations = Migrator::migrations().len();
            assert!(most > 4 * migrations, "{most} polls did all {migrations} migrations");
            break;
        }
    }
}

#[tokio::test]
async fn from_up_to_down_on_sqlite() {
    from_up_to_down(&sqlite().await).await;
}

#[tokio::test]
async fn from_up_to_down_on_postgres() {
    let Ok(server) = std::env::var("CROWSFOOT_TEST_POSTGRES") else {
        println!("PostgreSQL was left out: CROWSFOOT_TEST_POSTGRES is not set");
        return;
    };
    let name = format!("crowsfoot_migration_{}", std::process::id());
    let admin = Database::connect(&server).await.unwrap();
    admin.execute_unprepared(&format!("CREATE DATABASE {name}")).await.unwrap();
    let (before, _) = server.rsplit_once('/').unwrap();
    let url = format!("{before}/{name}");
    // In a task of its own, so that the database is dropped after a failure too.
    let outcome = tokio::spawn(async move {
        let db = Database::connect(&url).await.unwrap();
        from_up_to_down(&db).await;
        db.close().await.unwrap();
    })
    .await;
    admin.execute_unprepared(&format!("DROP DATABASE {name} WITH (FORCE)")).await.unwrap();
    if let Err(failure) = outcome {
        std::panic::resume_unwind(failure.into_panic());
    }
}

async fn from_up_to_down(db: &DatabaseConnection) {
    assert_eq!(existing_tables(db).await, [""; 0], "before up");
    Migrator::up(db, None).await.unwrap();
    assert_eq!(existing_tables(db).await, TABLES, "after up");
    assert!(seed::is_empty(db).await.unwrap());

    a_failed_seed_leaves_nothing(db).await;
    a_seed_reports_its_progress(db).await;
    the_interesting_cases_hold(db).await;
    a_second_seed_is_refused(db).await;
    ids_go_on_after_the_seed(db).await;
    keys_enforce_their_actions(db).await;

    Migrator::down(db, None).await.unwrap();
    assert_eq!(existing_tables(db).await, [""; 0], "after down");

    // After down, up applies again, now with three times the rows.
    Migrator::up(db, None).await.unwrap();
    seed::seed(db, 3, |_, _| ()).await.unwrap();
    for (table, count) in COUNTS {
        assert_eq!(count_of(db, table).await, 3 * count, "{table}");
    }
    the_rows_are_those_of_the_scale(db, 3).await;
    Migrator::down(db, None).await.unwrap();
    assert_eq!(existing_tables(db).await, [""; 0], "after the second down");
}

async fn existing_tables(db: &DatabaseConnection) -> Vec<&'static str> {
    let manager = SchemaManager::new(db);
    let mut tables = Vec::new();
    for table in TABLES {
        if manager.has_table(table).await.unwrap() {
            tables.push(table);
        }
    }
    tables
}

async fn count_of(db: &DatabaseConnection, table: &str) -> u64 {
    let count =
        Statement::from_string(db.get_database_backend(), format!("SELECT COUNT(*) AS number FROM {table}"));
    let row = db.query_one_raw(count).await.unwrap().unwrap();
    row.try_get::<i64>("", "number").unwrap().unsigned_abs()
}

/// Renames a column of the last table, so that the seed fails after all other tables are written.
async fn a_failed_seed_leaves_nothing(db: &DatabaseConnection) {
    let rename = |from: &str, to: &str| format!("ALTER TABLE waiters RENAME COLUMN {from} TO {to}");
    db.execute_unprepared(&rename("name", "label")).await.unwrap();
    let written = Mutex::new(0);
    let failure = seed::seed(db, 1, |done, _| *written.lock().unwrap() = done).await.unwrap_err();
    assert!(matches!(failure, SeedError::Database(_)), "{failure}");
    assert_eq!(*written.lock().unwrap(), rows::total(1) - 6);
    assert!(seed::is_empty(db).await.unwrap());
    db.execute_unprepared(&rename("label", "name")).await.unwrap();
}

async fn a_seed_reports_its_progress(db: &DatabaseConnection) {
    let reports = Mutex::new(Vec::new());
    let written = seed::seed(db, 1, |done, total| reports.lock().unwrap().push((done, total))).await.unwrap();
    assert_eq!(written, COUNTS.iter().map(|(_, count)| count).sum::<u64>());
    let reports = reports.into_inner().unwrap();
    assert_eq!(reports.len(), TABLES.len(), "one statement for each table");
    assert!(reports.is_sorted_by(|one, next| one.0 < next.0));
    assert!(reports.iter().all(|(_, total)| *total == written));
    assert_eq!(reports.last(), Some(&(written, written)));
    for (table, count) in COUNTS {
        assert_eq!(count_of(db, table).await, count, "{table}");
    }
    assert!(!seed::is_empty(db).await.unwrap());
}

async fn a_second_seed_is_refused(db: &DatabaseConnection) {
    let failure = seed::seed(db, 1, |_, _| panic!("nothing may be written")).await.unwrap_err();
    assert!(matches!(failure, SeedError::NotEmpty { table: "users" }), "{failure}");
    assert_eq!(failure.to_string(), "the database is not empty: there are rows in table `users`");
    assert_eq!(count_of(db, "users").await, 8);
}

/// Checks the cases of the example in the database, through the entities' relations.
async fn the_interesting_cases_hold(db: &DatabaseConnection) {
    let users = user::Entity::find()
        .find_also_related(profile::Entity)
        .order_by_asc(user::Column::Id)
        .all(db)
        .await
        .unwrap();
    let without_profile: Vec<_> =
        users.iter().filter(|(_, profile)| profile.is_none()).map(|(user, _)| user.id).collect();
    assert_eq!(without_profile, [4, 7, 8]);
    let profiles: Vec<_> = users.iter().filter_map(|(_, profile)| profile.as_ref()).collect();
    assert!(profiles.iter().any(|profile| profile.birthdate.is_none()));
    assert!(profiles.iter().any(|profile| profile.birthdate.is_some()));
    assert!(profiles.iter().any(|profile| profile.bio.is_empty()));

    let infos = user::Entity::find().find_with_related(user_info::Entity).all(db).await.unwrap();
    let listed = |id| infos.iter().find(|(user, _)| user.id == id).unwrap().1.len();
    assert_eq!([1, 2, 4, 8].map(listed), [1, 0, 1, 0]);

    let posts = lists::<author::Entity, post::Entity>(db, |author| author.id).await;
    assert_eq!(posts, [(1, 3), (2, 2), (3, 3), (4, 0), (5, 0), (6, 1)].into());
    let books = lists::<author::Entity, book::Entity>(db, |author| author.id).await;
    assert_eq!(books, [(1, 3), (2, 2), (3, 0), (4, 2), (5, 0), (6, 1)].into());

    let courses = lists::<student::Entity, course::Entity>(db, |student| student.id).await;
    assert_eq!(courses[&1], 4);
    assert_eq!(courses[&7], 0);
    let students = lists::<course::Entity, student::Entity>(db, |course| course.id).await;
    assert_eq!(students[&6], 0);
    assert_eq!(students[&1], 5);

    let badges = badge::Entity::find().find_also_related(employee::Entity).all(db).await.unwrap();
    let unworn: Vec<_> =
        badges.iter().filter(|(_, employee)| employee.is_none()).map(|(badge, _)| badge.id).collect();
    assert_eq!(unworn, [5]);

    let staff = employee::Entity::find().all(db).await.unwrap();
    assert_eq!(levels(&staff), [1, 2, 4]);

    let persons = person::Entity::find().find_also_related(passport::Entity).all(db).await.unwrap();
    let without: Vec<_> =
        persons.iter().filter(|(_, passport)| passport.is_none()).map(|(person, _)| person.id).collect();
    assert_eq!(without, [3]);

    let places = place::Entity::find()
        .find_also_related(restaurant::Entity)
        .order_by_asc(place::Column::Id)
        .all(db)
        .await
        .unwrap();
    let no_restaurants: Vec<_> = places
        .iter()
        .filter(|(_, restaurant)| restaurant.is_none())
        .map(|(place, _)| (place.name.as_str(), place.address.as_str()))
        .collect();
    assert_eq!(no_restaurants, [("Demon Dogs", "944 W. Fullerton"), ("Ace Hardware", "1013 N. Ashland")]);
    let waiters = lists::<restaurant::Entity, waiter::Entity>(db, |restaurant| restaurant.place_id).await;
    assert_eq!(waiters, [(3, 2), (4, 3), (5, 1), (6, 0)].into());

    let mut texts: Vec<String> = Vec::new();
    texts.extend(users.into_iter().map(|(user, _)| user.username));
    let posts = post::Entity::find().all(db).await.unwrap();
    texts.extend(posts.into_iter().map(|post| post.title));
    let books = book::Entity::find().all(db).await.unwrap();
    texts.extend(books.into_iter().map(|book| book.title));
    for sign in ["%", "_", "'", "é", "ü", "ß"] {
        assert!(texts.iter().any(|text| text.contains(sign)), "{sign}");
    }
}

/// Returns the number of related rows of `R` for each row of `E`.
async fn lists<E, R>(db: &DatabaseConnection, id: impl Fn(&E::Model) -> i32) -> BTreeMap<i32, usize>
where
    E: EntityTrait + Related<R>,
    R: EntityTrait,
{
    let all = E::find().find_with_related(R::default()).all(db).await.unwrap();
    all.iter().map(|(one, many)| (id(one), many.len())).collect()
}

/// Returns the number of employees at each level below the top.
fn levels(staff: &[employee::Model]) -> Vec<usize> {
    let managers: BTreeMap<_, _> = staff.iter().map(|one| (one.id, one.manager_id)).collect();
    let mut levels = Vec::new();
    for one in staff {
        let above = std::iter::successors(one.manager_id, |manager| managers[manager]).count();
        if levels.len() <= above {
            levels.resize(above + 1, 0);
        }
        levels[above] += 1;
    }
    levels
}

async fn ids_go_on_after_the_seed(db: &DatabaseConnection) {
    let late = user::ActiveModel { username: Set("late".to_owned()), ..Default::default() };
    let late = late.insert(db).await.unwrap();
    assert_eq!(late.id, 9);
    // Column defaults fill in omitted values.
    let profile = profile::ActiveModel { user_id: Set(late.id), ..Default::default() };
    let profile = profile.insert(db).await.unwrap();
    assert_eq!((profile.bio.as_str(), profile.birthdate), ("", None));
    let place = place::ActiveModel {
        name: Set("Late".to_owned()),
        address: Set("1 New Road".to_owned()),
        ..Default::default()
    };
    let place = place.insert(db).await.unwrap();
    let restaurant = restaurant::ActiveModel { place_id: Set(place.id), ..Default::default() };
    let restaurant = restaurant.insert(db).await.unwrap();
    assert_eq!((restaurant.serves_hot_dogs, restaurant.serves_pizza), (false, false));
}

/// Checks that unique keys refuse duplicates, deletions cascade or set NULL, and an updated shared key
/// updates its references.
/// references.
async fn keys_enforce_their_actions(db: &DatabaseConnection) {
    let second_profile = profile::ActiveModel { user_id: Set(1), ..Default::default() };
    second_profile.insert(db).await.unwrap_err();
    let second_info = user_info::ActiveModel {
        user_id: Set(1),
        phone_number: Set("+44 20 7946 0000".to_owned()),
        ..Default::default()
    };
    second_info.insert(db).await.unwrap_err();
    let second_enrolment =
        course_student::ActiveModel { course_id: Set(1), student_id: Set(1), ..Default::default() };
    second_enrolment.insert(db).await.unwrap_err();
    let nobody = post::ActiveModel {
        author_id: Set(1000),
        title: Set(String::new()),
        content: Set(String::new()),
        ..Default::default()
    };
    nobody.insert(db).await.unwrap_err();

    let ada = user::Entity::find_by_id(1).one(db).await.unwrap().unwrap();
    ada.delete(db).await.unwrap();
    let orphans = profile::Entity::find().filter(profile::Column::UserId.eq(1));
    assert!(orphans.one(db).await.unwrap().is_none());

    // Employee 2 manages 4, 5 and 7, who remain.
    employee::Entity::delete_by_id(2).exec(db).await.unwrap();
    let free = employee::Entity::find()
        .filter(employee::Column::ManagerId.is_null())
        .order_by_asc(employee::Column::Id)
        .all(db)
        .await
        .unwrap();
    let free: Vec<_> = free.iter().map(|employee| employee.id).collect();
    assert_eq!(free, [1, 4, 5, 7]);
    // Deleting a badge deletes its employee.
    badge::Entity::delete_by_id(3).exec(db).await.unwrap();
    assert!(employee::Entity::find_by_id(1).one(db).await.unwrap().is_none());

    // Restaurant 4 moves with its place, and its three waiters with it.
    db.execute_unprepared("UPDATE places SET id = 400 WHERE id = 4").await.unwrap();
    let moved = restaurant::Entity::find_by_id(400).one(db).await.unwrap().unwrap();
    assert!(moved.serves_hot_dogs && moved.serves_pizza);
    assert_eq!(moved.find_related(waiter::Entity).all(db).await.unwrap().len(), 3);
    db.execute_unprepared("UPDATE persons SET id = 500 WHERE id = 5").await.unwrap();
    let passport = passport::Entity::find_by_id(500).one(db).await.unwrap().unwrap();
    assert_eq!(passport.number, "X1204587");
    place::Entity::delete_by_id(400).exec(db).await.unwrap();
    assert_eq!(count_of(db, "waiters").await, 3);
}

/// Compares every row of the database with the generated one.
async fn the_rows_are_those_of_the_scale(db: &DatabaseConnection, scale: u32) {
    macro_rules! compare {
        ($($entity:ident = $rows:ident),+ $(,)?) => {$(
            let mut query = $entity::Entity::find();
            for key in $entity::PrimaryKey::iter() {
                query = query.order_by_asc(key.into_column());
            }
            let stored = query.all(db).await.unwrap();
            let mut made: Vec<_> = rows::$rows(scale).collect();
            made.sort_by_key(|row| key_of::<$entity::Entity>(row));
            assert_eq!(stored, made, stringify!($entity));
        )+};
    }
    compare!(
        user = users,
        profile = profiles,
        user_info = user_infos,
        author = authors,
        post = posts,
        book = books,
        student = students,
        course = courses,
        course_student = course_students,
        badge = badges,
        employee = employees,
        person = persons,
        passport = passports,
        place = places,
        restaurant = restaurants,
        waiter = waiters,
    );
}

fn key_of<E: EntityTrait>(row: &E::Model) -> i32 {
    let key = E::PrimaryKey::iter().next().unwrap().into_column();
    row.get(key).unwrap()
}

#[tokio::test]
async fn a_seed_takes_several_statements_a_table() {
    let db = migrated_sqlite().await;
    let scale = 201;
    let statements = Mutex::new(0_u64);
    let written = seed::seed(&db, scale, |_, _| *statements.lock().unwrap() += 1).await.unwrap();
    assert_eq!(written, rows::total(scale));
    let needed = COUNTS.iter().map(|(_, count)| (count * u64::from(scale)).div_ceil(500));
    assert_eq!(*statements.lock().unwrap(), needed.sum::<u64>());
    // Single head, and a tree deeper than the example's three levels.
    let staff: Vec<_> = rows::employees(scale).collect();
    let levels = levels(&staff);
    assert_eq!(levels[0], 1);
    assert_eq!(levels.len(), 7);
}

#[tokio::test]
async fn a_scale_out_of_range_is_refused() {
    let db = migrated_sqlite().await;
    for wrong in [0, MAX_SCALE + 1] {
        let failure = seed::seed(&db, wrong, |_, _| ()).await.unwrap_err();
        assert!(matches!(failure, SeedError::Scale { scale } if scale == wrong), "{failure}");
    }
    assert!(seed::is_empty(&db).await.unwrap());
}

#[tokio::test]
async fn a_seed_without_tables_fails() {
    let failure = seed::seed(&sqlite().await, 1, |_, _| ()).await.unwrap_err();
    assert!(matches!(failure, SeedError::Database(_)), "{failure}");
}

#[test]
fn generated_rows_keep_every_unique_key() {
    let scale = 400;
    no_doubles("users.username", rows::users(scale).map(|row| row.username));
    no_doubles("profiles.user_id", rows::profiles(scale).map(|row| row.user_id));
    no_doubles("user_infos.user_id", rows::user_infos(scale).map(|row| row.user_id));
    no_doubles("badges.code", rows::badges(scale).map(|row| row.code));
    no_doubles("employees.badge_id", rows::employees(scale).map(|row| row.badge_id));
    no_doubles("passports.person_id", rows::passports(scale).map(|row| row.person_id));
    no_doubles("passports.number", rows::passports(scale).map(|row| row.number));
    no_doubles("restaurants.place_id", rows::restaurants(scale).map(|row| row.place_id));
    let enrolments = rows::course_students(scale).map(|row| (row.course_id, row.student_id));
    no_doubles("course_students", enrolments);
}

fn no_doubles<T: Eq + std::hash::Hash + std::fmt::Debug>(key: &str, values: impl Iterator<Item = T>) {
    let mut seen = HashSet::new();
    for value in values {
        assert!(!seen.contains(&value), "{key} has {value:?} twice");
        seen.insert(value);
    }
}

#[test]
fn a_small_scale_begins_a_greater_one() {
    macro_rules! compare {
        ($($rows:ident),+ $(,)?) => {$(
            let small: Vec<_> = rows::$rows(3).collect();
            let great: Vec<_> = rows::$rows(7).take(small.len()).collect();
            assert_eq!(small, great, stringify!($rows));
        )+};
    }
    compare!(
        users,
        profiles,
        user_infos,
        authors,
        posts,
        books,
        students,
        courses,
        course_students,
        badges,
        employees,
        persons,
        passports,
        places,
        restaurants,
        waiters,
    );
}

#[test]
fn every_isbn_has_its_check_digit() {
    for book in rows::books(200) {
        assert_eq!(book.isbn.len(), 13, "{}", book.isbn);
        let sum: u32 = (book.isbn.chars().map(|digit| digit.to_digit(10).unwrap()))
            .zip([1, 3].into_iter().cycle())
            .map(|(digit, weight)| digit * weight)
            .sum();
        assert_eq!(sum % 10, 0, "{}", book.isbn);
    }
}

#[test]
fn every_profile_of_the_pattern_has_a_birthdate() {
    // Three of five: an invalid day would silently become `None`.
    let born = rows::profiles(300).filter(|profile| profile.birthdate.is_some());
    assert_eq!(born.count(), 900);
}

#[test]
fn the_tables_are_those_of_the_entities() {
    let mut tables = Vec::new();
    macro_rules! push {
        ($entity:ident) => {
            tables.push($entity::Entity.table_name());
        };
    }
    for_every_entity!(push);
    assert_eq!(tables, TABLES);
}

/// Compares the definition of `Reports` with the reverse of `Manager`.
#[test]
fn reports_are_the_reverse_of_manager() {
    let reports = employee::Relation::Reports.def();
    assert_eq!(reports.rel_type, RelationType::HasMany);
    assert!(reports.from_col.iter().map(|col| col.to_string()).eq(["id"]));
    assert!(reports.to_col.iter().map(|col| col.to_string()).eq(["manager_id"]));
    let manager = employee::Relation::Manager.def();
    assert!(manager.from_col.iter().map(|col| col.to_string()).eq(["manager_id"]));
    assert!(manager.to_col.iter().map(|col| col.to_string()).eq(["id"]));
}

/// Columns of a table according to SQLite.
const COLUMNS: &str = "
    SELECT name || ' ' || type || ' notnull ' || \"notnull\" || ' pk ' || pk
        || ' default ' || COALESCE(dflt_value, 'none') AS line
    FROM pragma_table_info($1) ORDER BY cid";

/// Foreign keys of a table.
const FOREIGN_KEYS: &str = "
    SELECT \"from\" || ' to ' || \"table\" || '.' || \"to\"
        || ' on delete ' || on_delete || ' on update ' || on_update AS line
    FROM pragma_foreign_key_list($1) ORDER BY 1";

/// Columns of a table's unique keys.
const UNIQUE_KEYS: &str = "
    SELECT group_concat(name, ', ') AS line
    FROM (
        SELECT list.name AS key, part.name AS name
        FROM pragma_index_list($1) AS list, pragma_index_info(list.name) AS part
        WHERE list.\"unique\" ORDER BY list.name, part.seqno
    )
    GROUP BY key ORDER BY 1";

/// Foreign keys of a table that are not the primary key and begin no index.
const UNSERVED_KEYS: &str = "
    SELECT \"from\" AS line
    FROM pragma_foreign_key_list($1)
    WHERE \"from\" NOT IN (SELECT name FROM pragma_table_info($1) WHERE pk = 1)
        AND \"from\" NOT IN (
            SELECT part.name
            FROM pragma_index_list($1) AS list, pragma_index_info(list.name) AS part
            WHERE part.seqno = 0
        )";

async fn ask(db: &DatabaseConnection, question: &str, table: &str) -> Vec<String> {
    let question = Statement::from_sql_and_values(DbBackend::Sqlite, question, [table.into()]);
    let rows = db.query_all_raw(question).await.unwrap();
    rows.iter().map(|row| row.try_get("", "line").unwrap()).collect()
}

/// Compares the hand-written tables with tables created from the entities, as SQLite reports them.
#[tokio::test]
async fn the_tables_agree_with_the_entities() {
    let by_hand = migrated_sqlite().await;
    let derived = sqlite().await;
    let schema = Schema::new(DbBackend::Sqlite);
    macro_rules! create {
        ($entity:ident) => {
            let table = schema.create_table_from_entity($entity::Entity);
            derived.execute(&table).await.unwrap();
            for index in schema.create_index_from_entity($entity::Entity) {
                derived.execute(&index).await.unwrap();
            }
        };
    }
    for_every_entity!(create);
    let mut keys = 0;
    for table in TABLES {
        for question in [COLUMNS, FOREIGN_KEYS, UNIQUE_KEYS] {
            let ours = ask(&by_hand, question, table).await;
            let theirs = ask(&derived, question, table).await;
            assert_eq!(ours, theirs, "{table}: {question}");
        }
        keys += ask(&by_hand, FOREIGN_KEYS, table).await.len();
        let unserved = ask(&by_hand, UNSERVED_KEYS, table).await;
        assert_eq!(unserved, [""; 0], "{table}");
    }
    assert_eq!(keys, 11);
}

/// Ids are never reused, not even those of deleted rows.
#[tokio::test]
async fn ids_are_autoincrement_on_sqlite() {
    let db = migrated_sqlite().await;
    for table in TABLES {
        let sql = ask(&db, "SELECT sql AS line FROM sqlite_master WHERE name = $1", table).await;
        let shared = matches!(table, "passports" | "restaurants");
        assert_ne!(sql[0].contains("PRIMARY KEY AUTOINCREMENT"), shared, "{table}");
    }
}
