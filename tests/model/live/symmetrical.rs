//! Symmetrical lists, and lists over junctions that may repeat a pair.

use crowsfoot::TableOptions;
use serde_json::{Value as Json, json};

use super::served;
use crate::support::{TestDatabase, ask, data};

const FRIENDS: &str = "
    CREATE TABLE people (id integer PRIMARY KEY, name text NOT NULL UNIQUE);
    CREATE TABLE friendships (from_person_id integer NOT NULL REFERENCES people (id) ON DELETE CASCADE,
        to_person_id integer NOT NULL REFERENCES people (id) ON DELETE CASCADE, PRIMARY KEY (from_person_id, to_person_id));
    INSERT INTO people VALUES (1, 'Ada'), (2, 'Bob'), (3, 'Cem'), (4, 'Dee');";

/// Junction with a column of its own, in which a pair may stand twice.
const NOTED: &str = "
    CREATE TABLE people (id integer PRIMARY KEY, name text NOT NULL UNIQUE);
    CREATE TABLE friendships (id {key}, from_person_id integer NOT NULL REFERENCES people (id) ON DELETE CASCADE,
        to_person_id integer NOT NULL REFERENCES people (id) ON DELETE CASCADE, since integer);
    INSERT INTO people VALUES (1, 'Ada'), (2, 'Bob'), (3, 'Cem'), (4, 'Dee');";

fn friends() -> TableOptions {
    TableOptions::new().entity("friendships", |friendship| friendship.symmetrical("friends"))
}

/// Returns the rows of the junction, in order.
async fn rows(database: &TestDatabase) -> Vec<[i32; 2]> {
    use sea_orm::{ConnectionTrait, Statement};
    let sql = "SELECT from_person_id, to_person_id FROM friendships ORDER BY 1, 2";
    let statement = Statement::from_string(database.connection.get_database_backend(), sql);
    let rows = database.connection.query_all_raw(statement).await.unwrap();
    rows.iter().map(|row| [0, 1].map(|index| row.try_get_by_index(index).unwrap())).collect()
}

fn names(of: &Json) -> Vec<&str> {
    of.as_array().unwrap().iter().map(|row| row["name"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn a_symmetrical_link_is_two_rows_that_come_and_go_together() {
    for (tables, eve) in [(FRIENDS, "id: 5, name: \"Eve\""), (NOTED, "node: { id: 5, name: \"Eve\" }")] {
        for (database, schema) in served(tables, &friends()).await {
            let sdl = schema.sdl();
            let person = sdl.split("type Person ").nth(1).unwrap().split("\n}").next().unwrap();
            assert_eq!(person.matches(": [Person!]!").count(), 1, "{person}");
            let update = async |id: i32, write: &str| {
                let text = format!(
                    "mutation {{ updatePerson(id: {id}, input: {{ friends: {{ {write} }} }}) {{ friends(orderBy: [{{ name: ASC }}]) {{ name }} }} }}"
                );
                data(&schema, &database, &text).await["updatePerson"]["friends"].clone()
            };
            assert_eq!(names(&update(1, "connect: [{ id: 2 }, { id: 3 }]").await), ["Bob", "Cem"]);
            assert_eq!(rows(&database).await, [[1, 2], [1, 3], [2, 1], [3, 1]]);
            // A link that exists is not added again, from either side.
            update(2, "connect: [{ id: 1 }]").await;
            update(1, "connect: [{ name: \"Bob\" }]").await;
            assert_eq!(rows(&database).await, [[1, 2], [1, 3], [2, 1], [3, 1]]);
            // A friend of oneself is one row.
            update(4, "connect: [{ id: 4 }]").await;
            assert_eq!(rows(&database).await.last(), Some(&[4, 4]));
            // Removed from the other side than it was added from.
            update(2, "disconnect: [{ id: 1 }]").await;
            assert_eq!(rows(&database).await, [[1, 3], [3, 1], [4, 4]]);
            assert_eq!(names(&update(1, "set: [{ id: 4 }, { id: 3 }]").await), ["Cem", "Dee"]);
            assert_eq!(rows(&database).await, [[1, 3], [1, 4], [3, 1], [4, 1], [4, 4]]);
            update(4, "set: []").await;
            assert_eq!(rows(&database).await, [[1, 3], [3, 1]]);
            update(3, &format!("create: [{{ {eve} }}]")).await;
            assert_eq!(rows(&database).await, [[1, 3], [3, 1], [3, 5], [5, 3]]);
            // Lists of many parents are one statement, with filters and counts from both sides.
            let query = "{ people(where: { friends: { some: { name: { in: [\"Cem\", \"Eve\"] } } } }) { name friends { name } friendsAggregate { count } } }";
            let (read, statements) = ask(&schema, &database, query, Json::Null).await;
            let expected = json!([
                { "name": "Ada", "friends": [{ "name": "Cem" }], "friendsAggregate": { "count": 1 } },
                { "name": "Cem", "friends": [{ "name": "Ada" }, { "name": "Eve" }], "friendsAggregate": { "count": 2 } },
                { "name": "Eve", "friends": [{ "name": "Cem" }], "friendsAggregate": { "count": 1 } },
            ]);
            assert_eq!(read["data"]["people"], expected);
            assert_eq!(statements.len(), 3);
            data(&schema, &database, "mutation { deletePerson(id: 3) { name } }").await;
            assert_eq!(rows(&database).await, Vec::<[i32; 2]>::new());
            database.drop().await;
        }
    }
}

/// A row of the junction that is written as an object has no other direction.
#[tokio::test]
async fn columns_of_the_junction_are_mirrored_and_kept() {
    for (database, schema) in served(NOTED, &friends()).await {
        let write = "mutation { updatePerson(id: 1, input: { friends: { connect: [{ id: 2, since: 1990 }] } }) { id } }";
        data(&schema, &database, write).await;
        let since = "{ friendships(orderBy: [{ id: ASC }]) { fromPerson { id } toPerson { id } since } }";
        let expected = json!([
            { "fromPerson": { "id": 1 }, "toPerson": { "id": 2 }, "since": 1990 },
            { "fromPerson": { "id": 2 }, "toPerson": { "id": 1 }, "since": 1990 },
        ]);
        assert_eq!(data(&schema, &database, since).await["friendships"], expected);
        let set =
            "mutation { updatePerson(id: 2, input: { friends: { set: [{ id: 1, since: 2000 }] } }) { id } }";
        data(&schema, &database, set).await;
        assert_eq!(data(&schema, &database, since).await["friendships"], expected);
        let alone =
            "mutation { createFriendship(input: { fromPerson: { id: 3 }, toPerson: { id: 4 } }) { id } }";
        data(&schema, &database, alone).await;
        assert_eq!(rows(&database).await, [[1, 2], [2, 1], [3, 4]]);
        database.drop().await;
    }
}

const ENROLMENTS: &str = "
    CREATE TABLE students (id integer PRIMARY KEY, name text NOT NULL);
    CREATE TABLE courses (id integer PRIMARY KEY, title text NOT NULL);
    CREATE TABLE enrolments (id integer PRIMARY KEY, student_id integer REFERENCES students (id) ON DELETE SET NULL,
        course_id integer NOT NULL REFERENCES courses (id), tutor_id integer REFERENCES students (id), grade integer);
    INSERT INTO students VALUES (1, 'Ada'), (2, 'Bob'), (3, 'Cem');
    INSERT INTO courses VALUES (1, 'Algebra'), (2, 'Botany');
    INSERT INTO enrolments VALUES (1, 1, 1, 3, 5), (2, 1, 1, NULL, 3), (3, 2, 1, 3, NULL), (4, 3, 2, NULL, NULL);";

#[tokio::test]
async fn a_junction_that_may_repeat_has_the_lists_that_options_declare() {
    let options = TableOptions::new().entity("enrolments", |enrolment| {
        enrolment
            .many_to_many("student", "course", "courses")
            .many_to_many("course", "student", "students")
            .many_to_many("tutor", "course", "tutoredCourses")
    });
    for (database, schema) in served(ENROLMENTS, &options).await {
        let query = "{ students { name courses { title } tutoredCourses { title } }
            courses { students { name } studentsAggregate { count } } }";
        let read = data(&schema, &database, query).await;
        let algebra = || json!({ "title": "Algebra" });
        assert_eq!(
            read["students"],
            json!([
                { "name": "Ada", "courses": [algebra(), algebra()], "tutoredCourses": [] },
                { "name": "Bob", "courses": [algebra()], "tutoredCourses": [] },
                { "name": "Cem", "courses": [{ "title": "Botany" }], "tutoredCourses": [algebra(), algebra()] },
            ])
        );
        assert_eq!(names(&read["courses"][0]["students"]), ["Ada", "Ada", "Bob"]);
        // A link whose end became NULL stays, and no list has it.
        data(&schema, &database, "mutation { deleteStudent(id: 2) { id } }").await;
        let read = data(
            &schema,
            &database,
            "{ enrolments { id } courses { students { name } studentsAggregate { count } } }",
        )
        .await;
        assert_eq!(read["enrolments"].as_array().unwrap().len(), 4);
        assert_eq!(names(&read["courses"][0]["students"]), ["Ada", "Ada"]);
        assert_eq!(read["courses"][0]["studentsAggregate"]["count"], json!(2));
        database.drop().await;
    }
}
