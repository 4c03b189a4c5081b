//! Rows in memory, and the same rows in a database.

use std::ops::Range;

use chrono::{DateTime, Utc};
use rust_decimal::Decimal;
use sea_orm::sea_query::{Alias, Expr, Query};
use sea_orm::{ConnectionTrait, DatabaseConnection, DbBackend, TransactionTrait};
use serde_json::json;
use uuid::Uuid;

use crate::cell::{Cell, GRADES};
use crate::choices::Choices;
use crate::live;
use crate::tables::{Kind, TABLES, of_entities, of_live, table, table_among};

pub type Row = Vec<Cell>;

/// Rows of the tables of the entities, or of all tables, in the order of [`TABLES`].
#[derive(Clone, Debug)]
pub struct World {
    pub tables: Vec<Vec<Row>>,
    /// True if foreign keys may reference absent rows, as for a viewer who does not see all rows.
    pub is_partial: bool,
}

/// Maximum number of rows of a table.
const MOST_ROWS: usize = 8;

/// Building blocks of text: letters that differ only in case, wildcards of every pattern language, quotes,
/// and letters of one to four bytes.
const TEXTS: [&str; 24] = [
    "a", "A", "b", "B", "", "ab", "Ab", "aB", "é", "É", "ß", "ж", "日", "🦀", "%", "_", "\\", "*", "?", "[",
    "]", "'", "\"", "b\nA",
];

const INTEGERS: [i64; 6] = [0, 1, 2, 3, -1, -7];

impl World {
    /// Returns tables without rows.
    pub fn empty() -> Self {
        Self { tables: vec![Vec::new(); of_entities().len()], is_partial: false }
    }

    /// Returns random rows of the live database's tables. Rows without a key may be there twice.
    pub fn live(choices: &mut Choices) -> Self {
        let mut world = Self { tables: vec![Vec::new(); TABLES.len()], is_partial: false };
        for id in of_live().filter(|id| !TABLES[*id].is_view) {
            world.fill(id, 2 * MOST_ROWS, choices);
            if TABLES[id].primary_key.is_empty() {
                let again = choices.some_below(world.tables[id].len(), 3);
                let again: Vec<Row> = again.into_iter().map(|row| world.tables[id][row].clone()).collect();
                world.tables[id].extend(again);
            }
        }
        live::fill_views(&mut world.tables);
        world
    }

    /// Returns the tables that are types of the schema.
    pub fn entities(&self) -> Vec<usize> {
        self.served().filter(|id| !TABLES[*id].name.is_empty()).collect()
    }

    /// Returns the tables of the database.
    fn served(&self) -> Range<usize> {
        if self.tables.len() > of_entities().len() { of_live() } else { of_entities() }
    }

    pub fn random(choices: &mut Choices) -> Self {
        let mut world = Self::empty();
        for id in of_entities() {
            let tries = choices.below(MOST_ROWS + 1);
            world.fill(id, tries, choices);
        }
        world
    }

    /// Fills each table with its maximum number of rows.
    pub fn full(choices: &mut Choices) -> Self {
        let mut world = Self::empty();
        for id in of_entities() {
            world.fill(id, 10 * MOST_ROWS, choices);
        }
        world
    }

    /// Fills only exhibits, with arbitrary column values.
    pub fn wild(choices: &mut Choices) -> Self {
        let mut world = Self::empty();
        let exhibits = table("Exhibit");
        for id in 0..MOST_ROWS {
            let columns = &TABLES[exhibits].columns;
            let mut row: Row =
                columns.iter().map(|column| wild_cell(column.kind, column.nullable, choices)).collect();
            row[0] = Cell::Int(id.try_into().unwrap());
            for column in TABLES[exhibits].columns_named("shelf_room curator_id") {
                row[column] = Cell::Null;
            }
            world.tables[exhibits].push(row);
        }
        world
    }

    fn fill(&mut self, id: usize, tries: usize, choices: &mut Choices) {
        for _ in 0..tries {
            if self.tables[id].len() < MOST_ROWS
                && let Some(row) = self.random_row(id, choices)
            {
                self.tables[id].push(row);
            }
        }
        self.tie_to_itself(id, choices);
    }

    /// Returns a row that violates no constraint; `None` if chance found none.
    fn random_row(&self, id: usize, choices: &mut Choices) -> Option<Row> {
        let table = &TABLES[id];
        let mut row: Row =
            table.columns.iter().map(|column| random_cell(column.kind, column.nullable, choices)).collect();
        for (columns, target, to) in foreign_keys(id) {
            let targets = &self.tables[target];
            let is_optional = columns.iter().any(|column| table.columns[*column].nullable);
            if targets.is_empty() || (is_optional && choices.once_in(4)) {
                // A single NULL part unties the whole key; the other parts keep their values.
                let nullable = columns.iter().find(|column| table.columns[**column].nullable)?;
                row[*nullable] = Cell::Null;
                continue;
            }
            let found = choices.pick(targets);
            for (column, to) in columns.iter().zip(to) {
                row[*column] = found[to].clone();
            }
        }
        let is_taken = |key: &Vec<usize>| {
            self.tables[id].iter().any(|other| {
                key.iter().all(|column| !row[*column].is_null() && row[*column] == other[*column])
            })
        };
        (!unique_keys(id).iter().any(is_taken)).then_some(row)
    }

    /// Links the rows of a self-referencing table at random, so that trees have roots, branches and cycles.
    fn tie_to_itself(&mut self, id: usize, choices: &mut Choices) {
        for (columns, target, to) in foreign_keys(id) {
            if target == id {
                for row in 0..self.tables[id].len() {
                    let found = choices.pick(&self.tables[id]).clone();
                    let is_tied = !choices.once_in(3);
                    for (column, to) in columns.iter().zip(&to) {
                        self.tables[id][row][*column] = if is_tied { found[*to].clone() } else { Cell::Null };
                    }
                }
            }
        }
    }

    /// Replaces all rows in the database.
    pub async fn store(&self, connection: &DatabaseConnection) {
        let transaction = connection.begin().await.unwrap();
        let stored: Vec<usize> = self.served().filter(|id| !TABLES[*id].is_view).collect();
        for table in stored.iter().rev().map(|id| &TABLES[*id]) {
            transaction.execute(Query::delete().from_table(table.stored)).await.unwrap();
        }
        let filled =
            stored.iter().map(|id| (&TABLES[*id], &self.tables[*id])).filter(|(_, rows)| !rows.is_empty());
        for (table, rows) in filled {
            let mut insert = Query::insert();
            insert.into_table(table.stored);
            insert.columns(table.columns.iter().map(|column| Alias::new(&column.name)));
            for (number, row) in rows.iter().enumerate() {
                // On SQLite, several programs write times, each in its own spelling; keys use the spelling
                // that all share.
                let is_key = ["slots", "bookings"].contains(&table.stored);
                let is_spelled = connection.get_database_backend() == DbBackend::Sqlite;
                let cells = row.iter().zip(&table.columns).enumerate().map(|(place, (cell, column))| {
                    let spelled = cell.spelled(number + place).filter(|_| is_spelled && !is_key);
                    spelled.map_or_else(|| cell.insert(column.kind), Expr::val)
                });
                insert.values_panic(cells);
            }
            transaction.execute(&insert).await.unwrap();
        }
        transaction.commit().await.unwrap();
        // Otherwise PostgreSQL's statistics would depend on the time of its autovacuum.
        if connection.get_database_backend() == DbBackend::Postgres {
            connection.execute_unprepared("ANALYZE").await.unwrap();
            // Numbers that no stored row has: those that a row before has drawn are not given back.
            let numbers = "SELECT setval(oid::regclass, 1000) FROM pg_class WHERE relkind = 'S'";
            connection.execute_unprepared(numbers).await.unwrap();
        }
    }
}

/// Returns the foreign keys of a table: columns, referenced table, and referenced columns.
pub fn foreign_keys(id: usize) -> Vec<(Vec<usize>, usize, Vec<usize>)> {
    let key = |columns: &str, target: &str, to: &str| {
        let target = table_among(if of_entities().contains(&id) { of_entities() } else { of_live() }, target);
        (TABLES[id].columns_named(columns), target, TABLES[target].columns_named(to))
    };
    match TABLES[id].stored {
        "people" => vec![key("manager_id", "people", "id")],
        "follows" => vec![key("follower_id", "people", "id"), key("followed_id", "people", "id")],
        "lockers" => vec![key("person_id", "people", "id")],
        "curators" => vec![key("person_id", "people", "id")],
        "permits" => vec![key("curator_id", "curators", "person_id")],
        "shelf_keepers" => {
            vec![key("room number", "shelves", "room number"), key("keeper_id", "people", "id")]
        }
        "exhibits" => vec![
            key("shelf_room shelf_number", "shelves", "room number"),
            key("curator_id", "curators", "person_id"),
        ],
        "exhibit_topics" => vec![key("exhibit_id", "exhibits", "id"), key("topic_id", "topics", "id")],
        "messages" => vec![
            key("sender_id", "people", "id"),
            key("recipient_id", "people", "id"),
            key("topic_code", "topics", "code"),
            key("reply_to", "messages", "digest"),
        ],
        "visits" => vec![key("person_id", "people", "id"), key("topic_code", "topics", "code")],
        "memberships" => vec![key("team_id", "teams", "id"), key("person_id", "people", "id")],
        "bookings" => vec![key(
            "slot_open slot_count slot_weight slot_code slot_day slot_at slot_logged slot_sent slot_raw slot_grade",
            "slots",
            "open count weight code day at logged sent raw grade",
        )],
        _ => Vec::new(),
    }
}

fn unique_keys(id: usize) -> Vec<Vec<usize>> {
    let table = &TABLES[id];
    let further = match table.stored {
        "lockers" => Some("person_id"),
        "permits" => Some("curator_id"),
        "topics" => Some("code"),
        "exhibit_topics" => Some("exhibit_id topic_id"),
        _ => None,
    };
    let mut keys = vec![table.primary_key.clone()];
    keys.retain(|key| !key.is_empty());
    keys.extend(further.map(|columns| table.columns_named(columns)));
    keys
}

/// Returns one of few values, so that values repeat and conditions match.
pub fn random_cell(kind: Kind, nullable: bool, choices: &mut Choices) -> Cell {
    if nullable && choices.once_in(3) {
        return Cell::Null;
    }
    match kind {
        Kind::Bool => Cell::Bool(choices.once_in(2)),
        Kind::SmallInt => Cell::Int(random_integer(i16::MAX.into(), choices)),
        Kind::Int => Cell::Int(random_integer(i32::MAX.into(), choices)),
        Kind::BigInt => Cell::Int(random_integer(i64::MAX, choices)),
        Kind::Float => Cell::Float(match choices.below(4) {
            0 => *choices.pick(&[0.0, 0.5, -1.5, 0.1, 2e9, -1e-7]),
            // Infinite binary fraction.
            1 => (choices.below(1_000) as f64) / 997.0,
            _ => (choices.below(5) as f64) - 2.0,
        }),
        Kind::Decimal => Cell::Decimal(
            choices
                .pick(&["0", "1", "1.5", "1.50", "-2.25", "0.001", "99999999.9999", "10"])
                .parse()
                .unwrap(),
        ),
        Kind::Text => {
            let count = choices.below(3);
            Cell::Text((0..=count).map(|_| *choices.pick(&TEXTS)).collect())
        }
        Kind::Uuid => {
            let number =
                choices.pick(&[0, 1, 0x80 << 120, u128::MAX, 0x67e5_5044_10b1_426f_9247_bb68_0e5f_e0c8]);
            Cell::Uuid(Uuid::from_u128(*number))
        }
        Kind::Date => Cell::Date(random_moment(choices).date_naive()),
        Kind::Time => Cell::Time(random_moment(choices).time()),
        Kind::DateTime => Cell::DateTime(random_moment(choices).naive_utc()),
        Kind::Timestamp => Cell::Timestamp(random_moment(choices)),
        Kind::Json => Cell::Json(
            choices
                .pick(&[
                    json!({}),
                    json!([]),
                    json!({ "a": [1, null, { "é": "\"'" }] }),
                    json!("text"),
                    json!(1.5),
                    json!(true),
                    json!({ "b": 1, "a": -2 }),
                ])
                .clone(),
        ),
        Kind::Bytes => {
            let pool: [&[u8]; 7] = [&[0], &[], &[0, 0], &[1], &[127, 128], &[255], b"a"];
            Cell::Bytes(choices.pick(&pool).to_vec())
        }
        Kind::Grade => Cell::Text(choices.pick(&GRADES).0.to_owned()),
    }
}

/// Returns an arbitrary value: every bit counts.
fn wild_cell(kind: Kind, nullable: bool, choices: &mut Choices) -> Cell {
    if nullable && choices.once_in(4) {
        return Cell::Null;
    }
    let bits = (0..4).fold(0, |bits, _| bits << 16 | choices.below(1 << 16) as u64);
    let signed = bits.cast_signed();
    match kind {
        Kind::SmallInt => Cell::Int((signed as i16).into()),
        Kind::Int => Cell::Int((signed as i32).into()),
        Kind::BigInt => Cell::Int(signed),
        // SQLite does not keep the sign of zero; NaN is never stored.
        Kind::Float => {
            Cell::Float(Some(f64::from_bits(bits)).filter(|value| value.is_finite()).unwrap_or(0.1) + 0.0)
        }
        // Limited to the digits that SQLite keeps.
        Kind::Decimal => Cell::Decimal(Decimal::new(signed % 1_000_000_000_000_000, (bits % 9) as u32)),
        Kind::Text => {
            let letter =
                |place: u64| char::from_u32((bits.rotate_left(place as u32 * 16) as u32) % 0x11_0000);
            Cell::Text((0..bits % 4).filter_map(letter).filter(|letter| *letter != '\0').collect())
        }
        Kind::Uuid => Cell::Uuid(Uuid::from_u64_pair(bits, bits.rotate_left(7))),
        Kind::Date => Cell::Date(wild_moment(bits).date_naive()),
        Kind::Time => Cell::Time(wild_moment(bits).time()),
        Kind::DateTime => Cell::DateTime(wild_moment(bits).naive_utc()),
        Kind::Timestamp => Cell::Timestamp(wild_moment(bits)),
        Kind::Bytes => Cell::Bytes(bits.to_be_bytes()[..(bits % 8) as usize].to_vec()),
        Kind::Bool | Kind::Json | Kind::Grade => random_cell(kind, nullable, choices),
    }
}

/// Returns a time from year 1 to 9999, by the microsecond.
fn wild_moment(bits: u64) -> DateTime<Utc> {
    let first: DateTime<Utc> = "0001-01-01T00:00:00Z".parse().unwrap();
    let last: DateTime<Utc> = "9999-12-31T23:59:59Z".parse().unwrap();
    let span = (last.timestamp_micros() - first.timestamp_micros()).cast_unsigned();
    DateTime::from_timestamp_micros(first.timestamp_micros() + (bits % span).cast_signed()).unwrap()
}

fn random_integer(greatest: i64, choices: &mut Choices) -> i64 {
    match choices.below(8) {
        7 => *choices.pick(&[greatest, -greatest, greatest - 1]),
        _ => *choices.pick(&INTEGERS),
    }
}

fn random_moment(choices: &mut Choices) -> DateTime<Utc> {
    let day =
        choices.pick(&["2024-02-29", "1999-12-31", "2000-01-01", "1969-07-20", "9999-12-31", "0001-01-01"]);
    let time = choices.pick(&[
        "00:00:00",
        "12:00:00",
        "12:00:00.5",
        "12:00:00.500001",
        "12:00:00.000001",
        "23:59:59.999999",
    ]);
    format!("{day}T{time}Z").parse().unwrap()
}
