//! Tables and views that are served as the live database describes them: a table without a key, a view with a declared key,
//! and a view without one, beside tables of the entities.

use crowsfoot::internals::dialect::Dialect;
use crowsfoot::{Registry, Schema, TableOptions, describe};

use crate::support::TestDatabase;
use crate::tables::{Arity, RelationLine, Table, entity, of_live, table_among};
use crate::world::Row;

/// Tables and views; `{bytes}` is the database's type of bytes. A visit may be there twice.
const TABLES: &str = "
    CREATE TABLE people (
        id integer NOT NULL PRIMARY KEY, name varchar NOT NULL, nick varchar, manager_id integer REFERENCES people (id)
    );
    CREATE TABLE topics (id bigint NOT NULL PRIMARY KEY, code varchar NOT NULL UNIQUE, label varchar);
    CREATE TABLE messages (
        digest {bytes} NOT NULL PRIMARY KEY, body varchar NOT NULL, sent timestamp with time zone NOT NULL,
        sender_id integer NOT NULL REFERENCES people (id), recipient_id integer REFERENCES people (id),
        topic_code varchar REFERENCES topics (code), reply_to {bytes} REFERENCES messages (digest)
    );
    CREATE TABLE visits (
        person_id integer REFERENCES people (id), topic_code varchar REFERENCES topics (code), page text,
        seconds integer NOT NULL, moment timestamp with time zone
    );
    CREATE VIEW managers AS SELECT id, name, nick, manager_id FROM people p
        WHERE EXISTS (SELECT 1 FROM people r WHERE r.manager_id = p.id);
    CREATE VIEW notes AS SELECT m.body, m.sent, m.sender_id, p.name AS sender_name
        FROM messages m JOIN people p ON p.id = m.sender_id;";

/// Returns the tables as the contract shows them.
pub fn tables() -> Vec<Table> {
    let view = |table: Table| Table { is_view: true, ..table };
    vec![
        entity(
            "Person",
            "people",
            "id Int, name Text, nick Text?, manager_id Int?",
            "id",
            &[("person", "id")],
        ),
        entity(
            "Topic",
            "topics",
            "id BigInt, code Text, label Text?",
            "id",
            &[("topic", "id"), ("topicByCode", "code")],
        ),
        entity(
            "Message",
            "messages",
            "digest Bytes, body Text, sent Timestamp, sender_id Int, recipient_id Int?, topic_code Text?, \
             reply_to Bytes?",
            "digest",
            &[("message", "digest")],
        ),
        entity(
            "Visit",
            "visits",
            "person_id Int?, topic_code Text?, page Text?, seconds Int, moment Timestamp?",
            "",
            &[],
        ),
        view(entity(
            "Manager",
            "managers",
            "id Int, name Text, nick Text?, manager_id Int?",
            "id",
            &[("manager", "id")],
        )),
        view(entity("Note", "notes", "body Text, sent Timestamp, sender_id Int, sender_name Text", "", &[])),
    ]
}

/// Relations of the tables.
pub const RELATIONS: &[RelationLine] = &[
    ("Person", "manager", Arity::OptionalOne, "manager_id > people id"),
    ("Person", "reports", Arity::Many, "id > people manager_id"),
    ("Person", "sent", Arity::Many, "id > messages sender_id"),
    ("Person", "received", Arity::Many, "id > messages recipient_id"),
    ("Person", "visits", Arity::Many, "id > visits person_id"),
    ("Person", "office", Arity::OptionalOne, "id > managers id"),
    ("Person", "led", Arity::Many, "id > managers manager_id"),
    ("Person", "notes", Arity::Many, "id > notes sender_id"),
    ("Topic", "messages", Arity::Many, "code > messages topic_code"),
    ("Topic", "visits", Arity::Many, "code > visits topic_code"),
    ("Message", "sender", Arity::One, "sender_id > people id"),
    ("Message", "recipient", Arity::OptionalOne, "recipient_id > people id"),
    ("Message", "topic", Arity::OptionalOne, "topic_code > topics code"),
    ("Message", "original", Arity::OptionalOne, "reply_to > messages digest"),
    ("Message", "replies", Arity::Many, "digest > messages reply_to"),
    ("Visit", "person", Arity::OptionalOne, "person_id > people id"),
    ("Visit", "topic", Arity::OptionalOne, "topic_code > topics code"),
    ("Manager", "person", Arity::OptionalOne, "id > people id"),
    ("Manager", "superior", Arity::OptionalOne, "manager_id > people id"),
    ("Note", "sender", Arity::OptionalOne, "sender_id > people id"),
];

/// Names and keys as the contract shows them.
fn options() -> TableOptions {
    TableOptions::new()
        .entity("people", |person| person.reverse("manager", "reports"))
        .entity("messages", |message| {
            message
                .rename("replyToMessage", "original")
                .reverse("replyToMessage", "replies")
                .reverse("sender", "sent")
                .reverse("recipient", "received")
        })
        .entity("managers", |manager| {
            manager
                .key(["id"])
                .foreign_key(["id"], "people", ["id"])
                .foreign_key(["manager_id"], "people", ["id"])
                .rename("manager", "superior")
                .reverse("manager", "led")
                .reverse("person", "office")
        })
        .entity("notes", |note| note.foreign_key(["sender_id"], "people", ["id"]))
}

/// Creates the tables and views, and returns their schema.
pub async fn create(database: &TestDatabase) -> Schema {
    let bytes = match database.dialect {
        Dialect::Sqlite => "blob",
        Dialect::Postgres => "bytea",
    };
    database.run(&TABLES.replace("{bytes}", bytes)).await;
    let described = describe(&database.connection, &[]).await.unwrap();
    let model = Registry::from_tables(&described.tables, &options()).model();
    Schema::new(model.unwrap_or_else(|error| panic!("{error}"))).unwrap()
}

/// Fills the views, whose rows follow from those of the other tables.
pub fn fill_views(rows: &mut [Vec<Row>]) {
    let [people, messages, managers, notes] =
        ["people", "messages", "managers", "notes"].map(|name| table_among(of_live(), name));
    let leads = |person: &&Row| rows[people].iter().any(|other| other[3] == person[0]);
    rows[managers] = rows[people].iter().filter(leads).cloned().collect();
    let note = |message: &Row| {
        let sender = rows[people].iter().find(|person| person[0] == message[3])?;
        Some(vec![message[1].clone(), message[2].clone(), message[3].clone(), sender[1].clone()])
    };
    rows[notes] = rows[messages].iter().filter_map(note).collect();
}
