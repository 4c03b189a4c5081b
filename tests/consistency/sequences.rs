//! Sequences of random mutations: the model predicts the response and the state after each, on every
//! database.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use proptest::collection::vec;
use proptest::test_runner::{TestCaseError, TestError, TestRunner};
use sea_orm::ConnectionTrait;
use serde_json::{Value as Json, json};
use tokio::runtime::Runtime;

use crate::change::{Change, Handle, Ids, document};
use crate::choices::{self, Choices};
use crate::client::Client;
use crate::domain::{COURSE, Kind, STUDENT, TABLES};
use crate::random_change::Random;
use crate::support::{self, TestDatabase};
use crate::world::{Outcome, Refusal, World, sorted};

/// Number of sequences, and of mutations in each.
const CASES: u32 = 20;
const LENGTH: usize = 16;

#[test]
fn random_mutations_do_what_the_model_says_on_every_database() {
    let runtime = Runtime::new().unwrap();
    let databases = runtime.block_on(async {
        let mut databases = Vec::new();
        for database in support::databases().await {
            let client = Client::new(&database, 2).await;
            databases.push(Asked { database, client, ids: Ids::new() });
        }
        databases
    });
    let databases = std::cell::RefCell::new(databases);
    let counts = std::cell::RefCell::new(BTreeMap::<String, usize>::new());
    let mut runner = TestRunner::new(choices::config(CASES));
    let result = runner.run(&vec(choices::choices(120), LENGTH / 2..=LENGTH), |sequence| {
        let mut databases = databases.borrow_mut();
        let done = runtime.block_on(run(&mut databases, &sequence));
        for (code, count) in done.map_err(TestCaseError::fail)? {
            *counts.borrow_mut().entry(code).or_default() += count;
        }
        Ok(())
    });
    eprintln!("{:?}", counts.borrow());
    if let Err(TestError::Fail(reason, _) | TestError::Abort(reason)) = result {
        panic!("{reason}");
    }
    // A model that refuses everything, or nothing, would agree often.
    for code in ["", "BAD_USER_INPUT", "NOT_FOUND", "UNIQUE_VIOLATION", "FOREIGN_KEY_VIOLATION"] {
        assert!(counts.borrow().contains_key(code), "no mutation ended with {code:?}");
    }
    runtime.block_on(async {
        for asked in databases.into_inner() {
            asked.client.close().await;
            asked.database.drop().await;
        }
    });
}

/// Database, with the keys that it has given to the model's rows.
struct Asked {
    database: TestDatabase,
    client: Client,
    ids: Ids,
}

/// Runs a sequence from empty tables on every database; returns the number of responses with each code.
async fn run(databases: &mut [Asked], sequence: &[Vec<u16>]) -> Result<BTreeMap<String, usize>, String> {
    for asked in databases.iter_mut() {
        asked.empty().await;
    }
    let mut world = World::new();
    let mut gone = vec![Vec::new(); TABLES.len()];
    let mut texts = 0;
    let mut counts = BTreeMap::new();
    let mut told = String::new();
    for (place, numbers) in sequence.iter().enumerate() {
        let mut choices = Choices::new(numbers);
        let mut random = Random {
            world: &world,
            choices: &mut choices,
            gone: &gone,
            texts: &mut texts,
            moved: Vec::new(),
        };
        let changes = if place == 0 { random.beginning() } else { random.mutation() };
        let before = world.clone();
        let outcome = world.apply(&changes);
        for (gone, (before, after)) in gone.iter_mut().zip(before.tables.iter().zip(&world.tables)) {
            gone.extend(before.keys().filter(|row| !after.contains_key(row)));
        }
        let mut answers = Vec::new();
        for asked in databases.iter_mut() {
            let text = document(&changes, &asked.ids);
            let step = asked.step(&text, &changes, &outcome, &world).await;
            write!(told, "\n{:?}: {text}\n  {outcome:?}\n", asked.database.dialect).unwrap();
            answers.push(step.map_err(|fault| format!("{fault}\n\nafter\n{told}"))?);
        }
        // A database may find any of several faults first.
        let is_certain = outcome.as_ref().err().is_none_or(|(_, refusals)| refusals.len() == 1);
        if is_certain && answers.iter().any(|answer| *answer != answers[0]) {
            return Err(format!("the databases differ: {answers:#?}\n\nafter\n{told}"));
        }
        *counts.entry(answers.remove(0).unwrap_or_default()).or_default() += 1;
    }
    Ok(counts)
}

impl Asked {
    async fn empty(&mut self) {
        self.ids.clear();
        // Referencing tables first.
        let mut sql = "DELETE FROM course_students;".to_owned();
        for stored in TABLES.iter().rev().map(|table| table.stored) {
            write!(sql, "DELETE FROM {stored};").unwrap();
        }
        self.client.connection.execute_unprepared(&sql).await.unwrap();
    }

    /// Runs a mutation; returns its code, or the difference.
    async fn step(
        &mut self,
        text: &str,
        changes: &[Change],
        outcome: &Outcome,
        world: &World,
    ) -> Result<Option<String>, String> {
        let (answer, _) = self.client.ask(text, Json::Null).await;
        let code = match outcome {
            Ok(expected) => {
                check_success(&answer, changes, expected)?;
                None
            }
            Err((place, refusals)) => Some(check_refusal(&answer, *place, refusals)?),
        };
        let (read, _) = self.client.ask(&read_back(), Json::Null).await;
        if read.get("errors").is_some() {
            return Err(format!("{read:#}"));
        }
        let read = &read["data"];
        self.learn(read, world)?;
        let expected = self.expected(world);
        if *read != expected {
            return Err(format!("there is\n{read:#}\nand there should be\n{expected:#}"));
        }
        self.check_keys(world).await?;
        Ok(code)
    }

    /// Learns the keys of new rows: all other values must match the model.
    fn learn(&mut self, read: &Json, world: &World) -> Result<(), String> {
        for (id, table) in TABLES.iter().enumerate() {
            if table.is_shared() {
                for (handle, row) in &world.tables[id] {
                    self.ids.insert(*handle, self.ids[&row.to[0].unwrap()]);
                }
                continue;
            }
            let known: BTreeSet<i64> =
                world.tables[id].keys().filter_map(|handle| self.ids.get(handle).copied()).collect();
            let new: Vec<Handle> =
                world.tables[id].keys().filter(|handle| !self.ids.contains_key(handle)).copied().collect();
            let text = table.text.as_ref().unwrap();
            let rows = read[table.all].as_array().unwrap();
            for handle in new {
                let found = rows.iter().find(|row| {
                    row[text.field] == world.tables[id][&handle].text
                        && !known.contains(&row["id"].as_i64().unwrap())
                });
                let Some(found) = found else {
                    return Err(format!("no {} {:?}: {read:#}", table.name, world.tables[id][&handle]));
                };
                let key = found["id"].as_i64().unwrap();
                if let Some(chosen) = world.chosen.get(&handle)
                    && *chosen != key
                {
                    return Err(format!("{} was to have the key {chosen} and has {key}", table.name));
                }
                self.ids.insert(handle, key);
            }
        }
        Ok(())
    }

    /// Returns the expected response of reading everything.
    fn expected(&self, world: &World) -> Json {
        let key = |table: usize, row: Handle| json!({ TABLES[table].key.0: self.ids[&row] });
        let sorted_keys = |table: usize, mut rows: Vec<Handle>| -> Json {
            rows.sort_by_key(|row| self.ids[row]);
            rows.into_iter().map(|row| key(table, row)).collect()
        };
        let mut all = serde_json::Map::new();
        for (id, table) in TABLES.iter().enumerate() {
            let mut rows: Vec<_> = world.tables[id].iter().collect();
            rows.sort_by_key(|(handle, _)| self.ids[*handle]);
            let written = rows.iter().map(|(handle, row)| {
                let mut written = key(id, **handle);
                if let Some(text) = &table.text {
                    written[text.field] = json!(row.text);
                }
                for (forward, target) in table.forward.iter().zip(&row.to) {
                    written[forward.field] = target.map_or(Json::Null, |target| key(forward.target, target));
                }
                for below in table.below {
                    written[below.field] = match below.kind {
                        Kind::One(forward) => {
                            let there = world.pointing(below.target, forward, **handle);
                            there.first().map_or(Json::Null, |row| key(below.target, *row))
                        }
                        Kind::Many(forward) => {
                            sorted_keys(below.target, world.pointing(below.target, forward, **handle))
                        }
                        Kind::Links => {
                            let ends = world.links.iter().map(|(course, student)| match below.target {
                                COURSE => (*student, *course),
                                _ => (*course, *student),
                            });
                            let linked = ends.filter(|(here, _)| *here == **handle).map(|(_, far)| far);
                            sorted_keys(below.target, linked.collect())
                        }
                    };
                }
                written
            });
            all.insert(table.all.to_owned(), written.collect());
            all.insert(format!("{}Aggregate", table.all), json!({ "count": rows.len() }));
        }
        all.into()
    }

    /// Checks counts, foreign keys and unique keys directly in the database.
    async fn check_keys(&self, world: &World) -> Result<(), String> {
        let mut faults = vec![];
        let mut faulty = |sql: String| faults.push(sql);
        for (id, table) in TABLES.iter().enumerate() {
            let stored = table.stored;
            let count = world.tables[id].len();
            faulty(format!("SELECT 1 WHERE (SELECT count(*) FROM {stored}) <> {count}"));
            for forward in table.forward {
                let Some(target) = TABLES.get(forward.target) else { continue };
                let (column, target, key) = (forward.column, target.stored, target.key.1);
                faulty(format!(
                    "SELECT 1 FROM {stored} WHERE {column} IS NOT NULL AND {column} NOT IN (SELECT {key} FROM {target})"
                ));
                if forward.is_unique {
                    faulty(format!("SELECT 1 FROM {stored} GROUP BY {column} HAVING count(*) > 1"));
                }
            }
        }
        let links = world.links.len();
        faulty(format!("SELECT 1 WHERE (SELECT count(*) FROM course_students) <> {links}"));
        faulty("SELECT 1 FROM course_students GROUP BY course_id, student_id HAVING count(*) > 1".to_owned());
        for (column, target) in [("course_id", COURSE), ("student_id", STUDENT)] {
            let target = TABLES[target].stored;
            faulty(format!("SELECT 1 FROM course_students WHERE {column} NOT IN (SELECT id FROM {target})"));
        }
        let all = faults.iter().map(|sql| format!("SELECT count(*) AS faults FROM ({sql}) AS found"));
        let all = all.collect::<Vec<_>>().join(" UNION ALL ");
        let sum = format!("SELECT CAST(sum(faults) AS BIGINT) FROM ({all}) AS counted");
        match self.client.number(&sum).await {
            0 => Ok(()),
            _ => Err("the tables themselves are not as they should be".to_owned()),
        }
    }
}

/// Returns a query of everything.
fn read_back() -> String {
    let mut text = "{".to_owned();
    for table in &TABLES {
        write!(text, " {} {{ {}", table.all, table.key.0).unwrap();
        if let Some(described) = &table.text {
            write!(text, " {}", described.field).unwrap();
        }
        for forward in table.forward {
            write!(text, " {} {{ {} }}", forward.field, TABLES[forward.target].key.0).unwrap();
        }
        for below in table.below {
            write!(text, " {} {{ {} }}", below.field, TABLES[below.target].key.0).unwrap();
        }
        write!(text, " }} {}Aggregate {{ count }}", table.all).unwrap();
    }
    text + " }"
}

fn check_success(answer: &Json, changes: &[Change], expected: &[Json]) -> Result<(), String> {
    if answer.get("errors").is_some() {
        return Err(format!("refused: {answer:#}"));
    }
    for (place, (change, expected)) in changes.iter().zip(expected).enumerate() {
        let mut answered = answer["data"][format!("c{place}")].clone();
        let list = match change {
            Change::UpdateMany { .. } => answered.get_mut("nodes"),
            Change::DeleteMany { .. } => answered.get_mut("cascaded"),
            _ => None,
        };
        if let Some(list) = list {
            *list = sorted(list.as_array().unwrap().clone()).into();
        }
        if answered != *expected {
            return Err(format!("c{place} answers {answered:#} and should {expected:#}"));
        }
    }
    Ok(())
}

fn check_refusal(answer: &Json, place: usize, refusals: &BTreeSet<Refusal>) -> Result<String, String> {
    let fault = |what: &str| Err(format!("{what}, expected one of {refusals:#?} at c{place}: {answer:#}"));
    let Some(errors) = answer.get("errors").and_then(Json::as_array) else { return fault("done") };
    let [error] = &errors[..] else { return fault("several errors") };
    if !answer["data"].is_null() {
        return fault("data beside an error");
    }
    if error["path"][0] != format!("c{place}") {
        return fault("an error elsewhere");
    }
    let extensions = &error["extensions"];
    let matches = |refusal: &&Refusal| {
        extensions["code"] == refusal.code
            && match refusal.code {
                "BAD_USER_INPUT" => extensions["value"].is_null() && extensions["argument"].is_string(),
                "NOT_FOUND" => {
                    extensions["entity"] == refusal.entity
                        && extensions["key"].as_object().is_some_and(|key| {
                            key.len() == 1 && refusal.fields.iter().all(|field| key.contains_key(*field))
                        })
                }
                "UNIQUE_VIOLATION" => {
                    extensions["entity"] == refusal.entity && extensions["fields"] == json!(refusal.fields)
                }
                _ => {
                    extensions["entity"] == refusal.entity && extensions["field"] == json!(refusal.fields[0])
                }
            }
    };
    match refusals.iter().find(matches) {
        Some(refusal) => Ok(refusal.code.to_owned()),
        None => fault("another refusal"),
    }
}
