//! The domain as the contract shows it to clients, written by hand: basis of queries, and data of the naive
//! executor. Neither the entities nor Crowsfoot's model are read.

use std::ops::Range;
use std::sync::LazyLock;

use crate::live;

/// Type of a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Bool,
    SmallInt,
    Int,
    BigInt,
    Float,
    Decimal,
    Text,
    Uuid,
    Date,
    Time,
    /// Timestamp without an offset.
    DateTime,
    /// Timestamp with an offset.
    Timestamp,
    Json,
    Bytes,
    Grade,
}

#[derive(Debug)]
pub struct Column {
    pub field: String,
    /// Name in the database.
    pub name: String,
    pub kind: Kind,
    pub nullable: bool,
}

#[derive(Debug)]
pub struct Relation {
    pub field: &'static str,
    pub target: usize,
    pub arity: Arity,
    pub from: Vec<usize>,
    pub to: Vec<usize>,
    pub junction: Option<Junction>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arity {
    /// Forward side that always exists.
    One,
    OptionalOne,
    Many,
}

#[derive(Debug)]
pub struct Junction {
    pub table: usize,
    pub from: Vec<usize>,
    pub to: Vec<usize>,
    /// Columns of the junction beside its keys, which edges carry.
    pub own: Vec<usize>,
}

/// Lookup by a unique key.
#[derive(Debug)]
pub struct Lookup {
    pub field: &'static str,
    pub key: Vec<usize>,
}

#[derive(Debug)]
pub struct Table {
    /// Name of the type; empty for a junction without a type.
    pub name: &'static str,
    /// Name in the database.
    pub stored: &'static str,
    pub list: &'static str,
    pub columns: Vec<Column>,
    /// Columns of the key, which an option declares for a view. Empty for rows without a key.
    pub primary_key: Vec<usize>,
    /// True if the rows are those of other tables.
    pub is_view: bool,
    pub lookups: Vec<Lookup>,
    pub relations: Vec<Relation>,
}

impl Table {
    /// Returns the columns with these database names, separated by blanks.
    pub fn columns_named(&self, names: &str) -> Vec<usize> {
        let column = |name| self.columns.iter().position(|column| column.name == name);
        names.split_whitespace().map(|name| column(name).unwrap_or_else(|| panic!("{name}"))).collect()
    }
}

/// All tables, each after those it references: those of the entities, and then those of the live database.
pub static TABLES: LazyLock<Vec<Table>> = LazyLock::new(|| {
    let mut tables = tables_of_entities();
    let first = tables.len();
    tables.extend(live::tables());
    let (entities, live) = tables.split_at_mut(first);
    RELATIONS.iter().for_each(|relation| relate(entities, 0, relation));
    live::RELATIONS.iter().for_each(|relation| relate(live, first, relation));
    tables
});

/// Returns the tables of the SeaORM entities.
pub fn of_entities() -> Range<usize> {
    static COUNT: LazyLock<usize> = LazyLock::new(|| tables_of_entities().len());
    0..*COUNT
}

/// Returns the tables and views that are served as the live database describes them.
pub fn of_live() -> Range<usize> {
    of_entities().end..TABLES.len()
}

/// Returns the entities that are types of the schema.
pub fn entities() -> impl Iterator<Item = usize> {
    of_entities().filter(|id| !TABLES[*id].name.is_empty())
}

/// Returns the table of the entities with this type name or database name.
pub fn table(name: &str) -> usize {
    table_among(of_entities(), name)
}

/// Returns the table with this type name or database name.
pub fn table_among(mut range: Range<usize>, name: &str) -> usize {
    range.find(|id| TABLES[*id].name == name || TABLES[*id].stored == name).unwrap()
}

fn tables_of_entities() -> Vec<Table> {
    vec![
        entity(
            "Person",
            "people",
            "id Int, name Text, nick Text?, manager_id Int?",
            "id",
            &[("person", "id")],
        ),
        junction("follows", "follower_id Int, followed_id Int", "follower_id followed_id"),
        entity(
            "Locker",
            "lockers",
            "code Text, person_id Int?, floor SmallInt",
            "code",
            &[("locker", "code"), ("lockerByPersonId", "person_id")],
        ),
        entity("Curator", "curators", "person_id Int, title Text?", "person_id", &[("curator", "person_id")]),
        entity(
            "Permit",
            "permits",
            "id BigInt, curator_id BigInt, valid Date?",
            "id",
            &[("permit", "id"), ("permitByCuratorId", "curator_id")],
        ),
        entity(
            "Shelf",
            "shelves",
            "room Text, number SmallInt, width Float?",
            "room number",
            &[("shelf", "room number")],
        ),
        junction("shelf_keepers", "room Text, number SmallInt, keeper_id Int", "room number keeper_id"),
        entity(
            "Exhibit",
            "exhibits",
            "id Int, flag Bool, maybe_flag Bool?, small SmallInt, maybe_small SmallInt?, medium Int, \
             maybe_medium Int?, big BigInt, maybe_big BigInt?, ratio Float, maybe_ratio Float?, price Decimal, \
             maybe_price Decimal?, label Text, maybe_label Text?, code Uuid, maybe_code Uuid?, found Date, \
             maybe_found Date?, at Time, maybe_at Time?, logged DateTime, maybe_logged DateTime?, sent Timestamp, \
             maybe_sent Timestamp?, extra Json, maybe_extra Json?, raw Bytes, maybe_raw Bytes?, grade Grade, \
             maybe_grade Grade?, shelf_room Text?, shelf_number SmallInt, curator_id Int?",
            "id",
            &[("exhibit", "id")],
        ),
        entity(
            "Topic",
            "topics",
            "id BigInt, code Text, label Text?",
            "id",
            &[("topic", "id"), ("topicByCode", "code")],
        ),
        junction("exhibit_topics", "id Int, exhibit_id BigInt, topic_id BigInt", "id"),
        entity(
            "Message",
            "messages",
            "digest Bytes, body Text, sent Timestamp, sender_id Int, recipient_id Int?, topic_code Text?, \
             reply_to Bytes?",
            "digest",
            &[("message", "digest")],
        ),
        entity("Team", "teams", "id Uuid, name Text", "id", &[("team", "id")]),
        entity(
            "Membership",
            "memberships",
            "team_id Uuid, person_id Int, since Date, role Text?, level SmallInt",
            "team_id person_id",
            &[("membership", "team_id person_id")],
        ),
        entity(
            "Slot",
            "slots",
            "open Bool, count BigInt, weight Decimal, code Uuid, day Date, at Time, logged DateTime, sent Timestamp, \
             raw Bytes, grade Grade",
            SLOT_KEY,
            &[("slot", SLOT_KEY)],
        ),
        entity(
            "Booking",
            "bookings",
            "id Int, note Text?, slot_open Bool, slot_count BigInt, slot_weight Decimal, slot_code Uuid, \
             slot_day Date, slot_at Time, slot_logged DateTime, slot_sent Timestamp, slot_raw Bytes?, slot_grade Grade",
            "id",
            &[("booking", "id")],
        ),
    ]
}

const SLOT_KEY: &str = "open count weight code day at logged sent raw grade";

/// Line of a relation: the type, its field, its arity, and the path.
pub type RelationLine = (&'static str, &'static str, Arity, &'static str);

/// Relations of the entities. A path is `columns > table columns`, or `columns > junction
/// columns / columns > table columns` through a junction.
const RELATIONS: &[RelationLine] = &[
    ("Person", "manager", Arity::OptionalOne, "manager_id > people id"),
    ("Person", "reports", Arity::Many, "id > people manager_id"),
    ("Person", "locker", Arity::OptionalOne, "id > lockers person_id"),
    ("Person", "curator", Arity::OptionalOne, "id > curators person_id"),
    ("Person", "sent", Arity::Many, "id > messages sender_id"),
    ("Person", "received", Arity::Many, "id > messages recipient_id"),
    ("Person", "memberships", Arity::Many, "id > memberships person_id"),
    ("Person", "teams", Arity::Many, "id > memberships person_id / team_id > teams id"),
    ("Person", "shelves", Arity::Many, "id > shelf_keepers keeper_id / room number > shelves room number"),
    ("Person", "idols", Arity::Many, "id > follows follower_id / followed_id > people id"),
    ("Person", "fans", Arity::Many, "id > follows followed_id / follower_id > people id"),
    ("Locker", "person", Arity::OptionalOne, "person_id > people id"),
    ("Curator", "person", Arity::One, "person_id > people id"),
    ("Curator", "permits", Arity::Many, "person_id > permits curator_id"),
    ("Curator", "exhibits", Arity::Many, "person_id > exhibits curator_id"),
    ("Permit", "curator", Arity::One, "curator_id > curators person_id"),
    ("Shelf", "exhibits", Arity::Many, "room number > exhibits shelf_room shelf_number"),
    ("Shelf", "keepers", Arity::Many, "room number > shelf_keepers room number / keeper_id > people id"),
    ("Exhibit", "shelf", Arity::OptionalOne, "shelf_room shelf_number > shelves room number"),
    ("Exhibit", "curator", Arity::OptionalOne, "curator_id > curators person_id"),
    ("Exhibit", "topics", Arity::Many, "id > exhibit_topics exhibit_id / topic_id > topics id"),
    ("Topic", "exhibits", Arity::Many, "id > exhibit_topics topic_id / exhibit_id > exhibits id"),
    ("Topic", "messages", Arity::Many, "code > messages topic_code"),
    ("Message", "sender", Arity::One, "sender_id > people id"),
    ("Message", "recipient", Arity::OptionalOne, "recipient_id > people id"),
    ("Message", "topic", Arity::OptionalOne, "topic_code > topics code"),
    ("Message", "original", Arity::OptionalOne, "reply_to > messages digest"),
    ("Message", "replies", Arity::Many, "digest > messages reply_to"),
    ("Team", "memberships", Arity::Many, "id > memberships team_id"),
    ("Team", "members", Arity::Many, "id > memberships team_id / person_id > people id"),
    ("Membership", "team", Arity::One, "team_id > teams id"),
    ("Membership", "member", Arity::One, "person_id > people id"),
    (
        "Slot",
        "bookings",
        Arity::Many,
        "open count weight code day at logged sent raw grade > bookings slot_open slot_count slot_weight slot_code \
         slot_day slot_at slot_logged slot_sent slot_raw slot_grade",
    ),
    (
        "Booking",
        "slot",
        Arity::OptionalOne,
        "slot_open slot_count slot_weight slot_code slot_day slot_at slot_logged slot_sent slot_raw slot_grade > slots \
         open count weight code day at logged sent raw grade",
    ),
];

pub fn entity(
    name: &'static str,
    stored: &'static str,
    columns: &str,
    primary_key: &str,
    lookups: &[(&'static str, &str)],
) -> Table {
    let mut table = Table { name, list: stored, ..junction(stored, columns, primary_key) };
    let lookup = |(field, key): &(&'static str, &str)| Lookup { field, key: table.columns_named(key) };
    table.lookups = lookups.iter().map(lookup).collect();
    table
}

fn junction(stored: &'static str, columns: &str, primary_key: &str) -> Table {
    let mut table = Table {
        name: "",
        stored,
        list: "",
        columns: columns.split(", ").map(column).collect(),
        primary_key: Vec::new(),
        is_view: false,
        lookups: Vec::new(),
        relations: Vec::new(),
    };
    table.primary_key = table.columns_named(primary_key);
    table
}

/// Parses `name Kind`, with `?` for a nullable column.
fn column(text: &str) -> Column {
    let (name, kind) = text.trim().split_once(' ').unwrap();
    let kind = match kind.trim_end_matches('?') {
        "Bool" => Kind::Bool,
        "SmallInt" => Kind::SmallInt,
        "Int" => Kind::Int,
        "BigInt" => Kind::BigInt,
        "Float" => Kind::Float,
        "Decimal" => Kind::Decimal,
        "Text" => Kind::Text,
        "Uuid" => Kind::Uuid,
        "Date" => Kind::Date,
        "Time" => Kind::Time,
        "DateTime" => Kind::DateTime,
        "Timestamp" => Kind::Timestamp,
        "Json" => Kind::Json,
        "Bytes" => Kind::Bytes,
        "Grade" => Kind::Grade,
        other => panic!("{other}"),
    };
    Column { field: camel_case(name), name: name.to_owned(), kind, nullable: text.ends_with('?') }
}

fn camel_case(name: &str) -> String {
    let mut words = name.split('_');
    let mut field = words.next().unwrap().to_owned();
    for word in words {
        field.push_str(&word[..1].to_uppercase());
        field.push_str(&word[1..]);
    }
    field
}

/// Adds a relation to its owner. `first` is the place of the first table among all.
fn relate(tables: &mut [Table], first: usize, (owner, field, arity, way): &RelationLine) {
    let (field, arity) = (*field, *arity);
    let find = |name: &str| tables.iter().position(|table| table.stored == name).unwrap();
    let hop = |from: usize, hop: &str| {
        let (own, there) = hop.split_once(" > ").unwrap();
        let (target, columns) = there.trim().split_once(' ').unwrap();
        let target = find(target);
        (tables[from].columns_named(own), target, tables[target].columns_named(columns))
    };
    let owner = tables.iter().position(|table| table.name == *owner).unwrap();
    let relation = match way.split_once(" / ") {
        None => {
            let (from, target, to) = hop(owner, way);
            Relation { field, target: first + target, arity, from, to, junction: None }
        }
        Some((near, far)) => {
            let (from, table, junction_from) = hop(owner, near);
            let (junction_to, target, to) = hop(table, far);
            let is_own = |id: &usize| {
                let keys = [&junction_from, &junction_to, &tables[table].primary_key];
                !keys.iter().any(|key| key.contains(id)) && !tables[table].name.is_empty()
            };
            let own = (0..tables[table].columns.len()).filter(is_own).collect();
            let junction = Some(Junction { table: first + table, from: junction_from, to: junction_to, own });
            Relation { field, target: first + target, arity, from, to, junction }
        }
    };
    tables[owner].relations.push(relation);
}
