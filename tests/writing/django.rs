//! Databases created by Django: every foreign key without an action, checked at the end of the transaction.
//! `django/` has the models and the output of Django 5.2's `migrate`.

use async_graphql::{Request, Variables};
use crowsfoot::internals::dialect::Dialect;
use crowsfoot::tables::KeyAction;
use crowsfoot::{Difference, OnDelete, Registry, Schema, TableOptions, describe, verify};
use serde_json::{Value as Json, json};

use crate::entity::entity;
use crate::support::{self, TestDatabase};

entity! {
    author in "authors" {
        #[sea_orm(primary_key)] id: i64,
        name: String,
    }
    #[sea_orm(has_many = "super::book::Entity")] Books,
}
entity! {
    book in "books" {
        #[sea_orm(primary_key)] id: i64,
        title: String,
        author_id: i64,
    }
    #[sea_orm(belongs_to = "super::author::Entity", from = "Column::AuthorId", to = "super::author::Column::Id", on_delete = "Cascade")] Author
    => author by Author
}
entity! {
    user in "users" {
        #[sea_orm(primary_key)] id: i64,
        #[sea_orm(unique)] username: String,
    }
    #[sea_orm(has_one = "super::profile::Entity")] Profile,
    #[sea_orm(has_many = "super::user_info::Entity")] UserInfos,
}
entity! {
    profile in "profiles" {
        #[sea_orm(primary_key)] id: i64,
        bio: String,
        #[sea_orm(unique)] user_id: i64,
    }
    #[sea_orm(belongs_to = "super::user::Entity", from = "Column::UserId", to = "super::user::Column::Id")] User
    => user by User
}
entity! {
    user_info in "user_infos" {
        #[sea_orm(primary_key)] id: i64,
        phone_number: String,
        #[sea_orm(unique)] user_id: i64,
    }
    #[sea_orm(belongs_to = "super::user::Entity", from = "Column::UserId", to = "super::user::Column::Id")] User
    => user by User
}
entity! {
    student in "students" {
        #[sea_orm(primary_key)] id: i64,
        name: String,
    }
}
entity! {
    course in "courses" {
        #[sea_orm(primary_key)] id: i64,
        title: String,
    }
}
entity! {
    course_student in "courses_students" {
        #[sea_orm(primary_key)] id: i64,
        #[sea_orm(unique_key = "pair")] course_id: i64,
        #[sea_orm(unique_key = "pair")] student_id: i64,
    }
    #[sea_orm(belongs_to = "super::course::Entity", from = "Column::CourseId", to = "super::course::Column::Id")] Course,
    #[sea_orm(belongs_to = "super::student::Entity", from = "Column::StudentId", to = "super::student::Column::Id")] Student,
}
entity! {
    badge in "badges" {
        #[sea_orm(primary_key)] id: i64,
        #[sea_orm(unique)] code: String,
    }
    #[sea_orm(has_one = "super::employee::Entity")] Employee,
}
entity! {
    employee in "employees" {
        #[sea_orm(primary_key)] id: i64,
        name: String,
        #[sea_orm(unique)] badge_id: i64,
        manager_id: Option<i64>,
    }
    #[sea_orm(belongs_to = "super::badge::Entity", from = "Column::BadgeId", to = "super::badge::Column::Id")] Badge,
    #[sea_orm(belongs_to = "Entity", from = "Column::ManagerId", to = "Column::Id")] Manager,
    #[sea_orm(has_many = "Entity", via_rel = "Relation::Manager")] Reports
    => badge by Badge
}
entity! {
    person in "persons" {
        #[sea_orm(primary_key)] id: i64,
        name: String,
    }
    #[sea_orm(has_one = "super::passport::Entity")] Passport,
}
entity! {
    passport in "passports" {
        #[sea_orm(primary_key, auto_increment = false)] person_id: i64,
        #[sea_orm(unique)] number: String,
    }
    #[sea_orm(belongs_to = "super::person::Entity", from = "Column::PersonId", to = "super::person::Column::Id")] Person
    => person by Person
}
entity! {
    place in "places" {
        #[sea_orm(primary_key)] id: i64,
        name: String,
        address: String,
    }
    #[sea_orm(has_one = "super::restaurant::Entity")] Restaurant,
}
entity! {
    restaurant in "restaurants" {
        #[sea_orm(primary_key, auto_increment = false)] place_id: i64,
        serves_hot_dogs: bool,
    }
    #[sea_orm(belongs_to = "super::place::Entity", from = "Column::PlaceId", to = "super::place::Column::Id")] Place,
    #[sea_orm(has_many = "super::waiter::Entity")] Waiters
    => place by Place
}
entity! {
    waiter in "waiters" {
        #[sea_orm(primary_key)] id: i64,
        name: String,
        restaurant_id: i64,
    }
    #[sea_orm(belongs_to = "super::restaurant::Entity", from = "Column::RestaurantId", to = "super::restaurant::Column::PlaceId")] Restaurant
    => restaurant by Restaurant
}

/// Returns the entities, without rules or with those of the models.
fn registry(rules: bool) -> Registry {
    use OnDelete::{Cascade, Protect, SetNull};
    macro_rules! rule {
        ($($relation:literal $rule:ident),*) => {
            |entity| if rules { entity$(.on_delete($relation, $rule))* } else { entity }
        };
    }
    Registry::new()
        .register_with::<author::Entity>(rule!("books" Cascade))
        .register::<book::Entity>()
        .register_with::<user::Entity>(rule!("profile" Cascade, "userInfos" Cascade))
        .register::<profile::Entity>()
        .register::<user_info::Entity>()
        .register_with::<student::Entity>(rule!("courses" Cascade))
        .register_with::<course::Entity>(rule!("students" Cascade))
        .register::<course_student::Entity>()
        .register::<badge::Entity>()
        .register_with::<employee::Entity>(rule!("badge" Protect, "manager" SetNull))
        .register::<person::Entity>()
        .register_with::<passport::Entity>(rule!("person" Cascade))
        .register::<place::Entity>()
        .register_with::<restaurant::Entity>(rule!("place" Cascade, "waiters" Cascade))
        .register::<waiter::Entity>()
}

fn schema(rules: bool) -> Schema {
    Schema::new(registry(rules).model().unwrap()).unwrap()
}

async fn databases(change: fn(&str) -> String) -> Vec<TestDatabase> {
    let databases = support::databases().await;
    for database in &databases {
        let sql = match database.dialect {
            Dialect::Sqlite => include_str!("django/sqlite.sql"),
            Dialect::Postgres => include_str!("django/postgres.sql"),
        };
        database.run(&change(sql)).await;
    }
    databases
}

async fn ask(schema: &Schema, database: &TestDatabase, query: &str) -> Json {
    let request = Request::new(query).variables(Variables::default());
    let executed = schema.execute(request, &database.connection).await;
    serde_json::from_slice(&executed.to_json()).unwrap()
}

/// Returns the only error of a refusal: its path, its extensions and its message.
async fn refusal(schema: &Schema, database: &TestDatabase, query: &str) -> (Json, Json, String) {
    let mut answer = ask(schema, database, query).await;
    assert_eq!(answer["data"], Json::Null, "{query}: {answer:#}");
    let error = answer["errors"][0].take();
    (error["path"].clone(), error["extensions"].clone(), error["message"].as_str().unwrap().to_owned())
}

const ROWS: &str = r#"mutation {
    createAuthors(input: [
        { name: "Ada", books: { create: [{ title: "One" }, { title: "Two" }] } }
        { name: "Bob", books: { create: { title: "Three" } } }
    ]) { id }
    createUser(input: {
        username: "ada", profile: { create: { bio: "b" } }, userInfos: { create: { phoneNumber: "1" } }
    }) { id }
    createStudents(input: [
        { name: "Sue", courses: { create: { title: "Maths" } } } { name: "Tim" }
    ]) { id }
    createEmployees(input: [{ name: "Boss", badge: { create: { code: "A" } } }]) { id }
    worker: createEmployee(input: { name: "Worker", badge: { create: { code: "B" } }, manager: { id: 1 } }) { id }
    createPlace(input: { name: "Dogs", address: "a", restaurant: { create: {
        servesHotDogs: true, waiters: { create: [{ name: "Joe" }, { name: "Jim" }] }
    } } }) { id }
    createPerson(input: { name: "Pat", passport: { create: { number: "7" } } }) { id }
}"#;

const KEYS: [&str; 10] = [
    "Book.author",
    "Profile.user",
    "UserInfo.user",
    "CourseStudent.course",
    "CourseStudent.student",
    "Employee.badge",
    "Employee.manager",
    "Passport.person",
    "Restaurant.place",
    "Waiter.restaurant",
];

#[tokio::test]
async fn verify_reports_check_times_and_declared_actions_of_djangos_tables() {
    let deferred =
        || KEYS.iter().map(|key| Difference::Deferred { relation: (*key).to_owned() }).collect::<Vec<_>>();
    for database in databases(str::to_owned).await {
        let found = verify(&registry(true).model().unwrap(), &database.connection).await.unwrap();
        assert_eq!(found, deferred(), "{:?}", database.dialect);
        assert!(!found.iter().any(Difference::is_fault));
        // Without a rule the database's action applies, and the entity declares another.
        let found = verify(&registry(false).model().unwrap(), &database.connection).await.unwrap();
        let mut expected = deferred();
        expected.insert(
            0,
            Difference::Action {
                relation: "Book.author".to_owned(),
                on_update: false,
                declared: KeyAction::Cascade,
                in_database: KeyAction::NoAction,
            },
        );
        assert_eq!(found, expected, "{:?}", database.dialect);
        assert!(found[0].is_fault());
        database.drop().await;
    }
}

#[tokio::test]
async fn with_the_rules_of_its_models_rows_go_as_under_django() {
    let schema = schema(true);
    for database in databases(str::to_owned).await {
        let made = ask(&schema, &database, ROWS).await;
        assert_eq!(made.get("errors"), None, "{made:#}");
        let protected = refusal(&schema, &database, "mutation { deleteBadge(id: 1) { id } }").await;
        assert_eq!(protected.0, json!(["deleteBadge"]));
        assert_eq!(protected.1["code"], "DELETE_RESTRICTED");
        assert_eq!(protected.1["by"], json!([{ "relation": "Employee.badge", "count": 1 }]));
        let gone = ask(
            &schema,
            &database,
            r#"mutation {
                authors: deleteAuthors(where: { name: { eq: "Ada" } }) { affected cascaded { entity count } }
                users: deleteUsers(where: {}, all: true) { affected cascaded { entity count } }
                students: deleteStudents(where: { name: { eq: "Sue" } }) { affected cascaded { entity count } }
                employees: deleteEmployees(where: { name: { eq: "Boss" } }) { affected cascaded { entity count } }
                places: deletePlaces(where: {}, all: true) { affected cascaded { entity count } }
                people: deletePeople(where: {}, all: true) { affected cascaded { entity count } }
                deleteBadge(id: 1) { code }
            }"#,
        )
        .await;
        let counts = |cascaded: &[(&str, u32)]| -> Json {
            let counts = cascaded.iter().map(|(entity, count)| json!({ "entity": entity, "count": count }));
            json!({ "affected": 1, "cascaded": counts.collect::<Vec<_>>() })
        };
        let expected = json!({ "data": {
            "authors": counts(&[("Book", 2)]),
            "users": counts(&[("Profile", 1), ("UserInfo", 1)]),
            "students": counts(&[("CourseStudent", 1)]),
            "employees": counts(&[]),
            "places": counts(&[("Restaurant", 1), ("Waiter", 2)]),
            "people": counts(&[("Passport", 1)]),
            "deleteBadge": { "code": "A" },
        } });
        assert_eq!(gone, expected, "{:?}", database.dialect);
        let left = support::data(
            &schema,
            &database,
            "{ books { title } profiles { id } courses { students { id } } employees { name manager { id } }
               restaurants { placeId } waiters { id } passports { number } }",
        )
        .await;
        let expected = json!({
            "books": [{ "title": "Three" }], "profiles": [], "courses": [{ "students": [] }],
            "employees": [{ "name": "Worker", "manager": null }],
            "restaurants": [], "waiters": [], "passports": [],
        });
        assert_eq!(left, expected, "{:?}", database.dialect);
        database.drop().await;
    }
}

#[tokio::test]
async fn reports_deferred_violations_at_the_field_that_caused_them() {
    let schema = schema(false);
    for database in databases(str::to_owned).await {
        assert_eq!(ask(&schema, &database, ROWS).await.get("errors"), None);
        for selection in ["title", "title author { name }"] {
            let query = format!(
                r#"mutation {{
                    first: createAuthor(input: {{ name: "Cy" }}) {{ name }}
                    second: createBook(input: {{ title: "Four", author: {{ id: 99 }} }}) {{ {selection} }}
                    third: createAuthor(input: {{ name: "Di" }}) {{ name }}
                }}"#
            );
            let (path, extensions, _) = refusal(&schema, &database, &query).await;
            assert_eq!(path, json!(["second"]), "{:?} {selection}", database.dialect);
            let expected = json!({ "code": "FOREIGN_KEY_VIOLATION", "entity": "Book", "field": "author" });
            assert_eq!(extensions, expected);
        }
        // The entity declares CASCADE, the database NO ACTION: the database's action applies.
        let query = "mutation { one: deletePerson(id: 99) { id } }";
        assert_eq!(refusal(&schema, &database, query).await.1["code"], "NOT_FOUND");
        let query = r#"mutation {
            fine: createAuthor(input: { name: "Cy" }) { name }
            held: deleteAuthor(id: 1) { name }
        }"#;
        let (path, extensions, message) = refusal(&schema, &database, query).await;
        assert_eq!(path, json!(["held"]), "{:?}", database.dialect);
        assert_eq!(message, "Author cannot be deleted: it is referenced by Book.author (2)");
        assert_eq!(extensions["key"], json!({ "id": "1" }));
        assert_eq!(extensions["by"], json!([{ "relation": "Book.author", "count": 2 }]));
        // List through a junction that the schema hides.
        let query = "mutation { deleteStudent(id: 1) { name } }";
        let (_, extensions, _) = refusal(&schema, &database, query).await;
        assert_eq!(extensions["by"], json!([{ "relation": "Student.courses", "count": 1 }]));
        // A dangling key that another field of the same operation repairs is no fault.
        let query = r#"mutation {
            createBook(input: { title: "Five", author: { id: 50 } }) { title }
            createAuthor(input: { id: 50, name: "Fay" }) { books { title } }
            deleteAuthor(id: 2) { name }
            deleteBooks(where: { title: { eq: "Three" } }) { affected }
        }"#;
        let repaired = ask(&schema, &database, query).await;
        assert_eq!(repaired.get("errors"), None, "{repaired:#}");
        assert_eq!(repaired["data"]["createAuthor"]["books"], json!([{ "title": "Five" }]));
        database.drop().await;
    }
}

#[tokio::test]
async fn the_database_decides_cascades_and_restrictions() {
    let schema = schema(false);
    let changed = |sql: &str| {
        // The entity declares no action here.
        sql.replace(
            r#"REFERENCES "restaurants" ("place_id")"#,
            r#"REFERENCES "restaurants" ("place_id") ON DELETE CASCADE"#,
        ) + "CREATE TABLE reviews (id integer PRIMARY KEY, author_id bigint NOT NULL REFERENCES authors (id));"
    };
    for database in databases(changed).await {
        assert_eq!(ask(&schema, &database, ROWS).await.get("errors"), None);
        database.run("DELETE FROM books; INSERT INTO reviews VALUES (1, 1), (2, 1);").await;
        let query =
            "mutation { deleteRestaurants(where: {}, all: true) { affected cascaded { entity count } } }";
        let gone = ask(&schema, &database, query).await;
        let expected = json!({ "affected": 1, "cascaded": [{ "entity": "Waiter", "count": 2 }] });
        assert_eq!(gone["data"]["deleteRestaurants"], expected, "{:?} {gone:#}", database.dialect);
        // A table without an entity has no name in the schema.
        let (path, extensions, message) =
            refusal(&schema, &database, "mutation { deleteAuthor(id: 1) { name } }").await;
        assert_eq!(path, json!(["deleteAuthor"]));
        assert_eq!(message, "Author cannot be deleted: it is referenced by rows outside the schema (2)");
        assert_eq!(extensions["by"], json!([{ "relation": null, "count": 2 }]));
        database.drop().await;
    }
}

#[tokio::test]
async fn reports_what_postgresql_refuses_at_commit_or_excludes_at_the_field_that_caused_it() {
    let Some(database) = support::postgres().await else { return };
    database
        .run(
            "CREATE TABLE seats (id integer PRIMARY KEY, name text UNIQUE DEFERRABLE INITIALLY DEFERRED,
                 a integer, b integer, UNIQUE (a, b) DEFERRABLE INITIALLY DEFERRED);
             CREATE TABLE stays (id integer PRIMARY KEY, during int4range, EXCLUDE USING gist (during WITH &&),
                 late integer, CONSTRAINT later EXCLUDE USING btree (late WITH =) DEFERRABLE INITIALLY DEFERRED);
             INSERT INTO seats VALUES (1, 'x', 1, 1), (2, 'y', 1, 2);
             INSERT INTO stays VALUES (1, '[1,5)', 1)",
        )
        .await;
    let described = describe(&database.connection, &[]).await.unwrap();
    let model = Registry::from_tables(&described.tables, &TableOptions::new()).model().unwrap();
    let schema = Schema::new(model).unwrap();
    let taken = |fields: Json| json!({ "code": "UNIQUE_VIOLATION", "entity": "Seat", "fields": fields });
    let excluded = |name: &str| json!({ "code": "CHECK_VIOLATION", "entity": "Stay", "constraint": name });
    let create = |key: &str, input: &str| format!("{key}: createSeat(input: {{ {input} }}) {{ id }}");
    let (fine, again) = (create("fine", "id: 3, name: \"z\""), create("again", "id: 4, name: \"x\""));
    for (mutation, field, expected) in [
        (create("one", "id: 3, name: \"x\""), "one", taken(json!(["name"]))),
        ([fine.as_str(), &again, &create("end", "id: 5")].join(" "), "again", taken(json!(["name"]))),
        // Both fields write the key: the later one is at fault.
        (
            [create("one", "id: 3, name: \"z\""), create("two", "id: 4, name: \"z\"")].join(" "),
            "two",
            taken(json!(["name"])),
        ),
        (
            "set: updateSeats(where: { id: { lt: 3 } }, input: { name: \"q\" }) { affected }".to_owned(),
            "set",
            taken(json!(["name"])),
        ),
        // A part of a key: the trial does not see the other part.
        ("part: updateSeat(id: 2, input: { b: 1 }) { id }".to_owned(), "part", taken(json!(["a", "b"]))),
        (
            "range: createStay(input: { id: 2, during: \"[4,9)\" }) { id }".to_owned(),
            "range",
            excluded("stays_during_excl"),
        ),
        ("late: createStay(input: { id: 2, late: 1 }) { id }".to_owned(), "late", excluded("later")),
    ] {
        let (path, extensions, _) = refusal(&schema, &database, &format!("mutation {{ {mutation} }}")).await;
        assert_eq!(path, json!([field]), "{mutation}");
        assert_eq!(extensions, expected, "{mutation}");
    }
    // Two names change places within one transaction.
    let swap = "mutation { a: updateSeat(id: 1, input: { name: \"y\" }) { id } b: updateSeat(id: 2, input: { name: \"x\" }) { id } }";
    assert_eq!(ask(&schema, &database, swap).await.get("errors"), None);
    database.drop().await;
}
