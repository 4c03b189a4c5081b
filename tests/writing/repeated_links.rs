//! Random writes of links whose pair may repeat, against a model in memory.
//!
//! `connect` and `set` add no link where one exists, and kept links keep their columns. `disconnect` removes every
//! link of a pair.

use std::cell::{Cell, RefCell};
use std::fmt::Write as _;

use crowsfoot::Schema;
use proptest::collection::vec;
use proptest::test_runner::{TestCaseError, TestRunner};
use serde_json::{Value as Json, json};
use tokio::runtime::Runtime;

use crate::choices::{self, Choices};
use crate::domain::Keys;
use crate::support::{self, TestDatabase};
use crate::{empty_tables, make_tables_with, schema};

/// Number of sequences, and of mutations in each.
const CASES: u32 = 12;
const LENGTH: usize = 14;

/// Number of members and rooms at the beginning.
const BEGINNING: usize = 3;

/// Member and room of a link, by number, and its note.
#[derive(Clone, Debug, PartialEq)]
struct Link {
    ends: [usize; 2],
    note: Option<usize>,
}

/// End of a link.
struct Side {
    /// Entity of this side, its list, and its relation to the other one.
    entity: &'static str,
    list: &'static str,
    relation: &'static str,
    /// Field that identifies a row, and begins with this letter in every text.
    key: &'static str,
    letter: &'static str,
    /// Further required input of a new row.
    needs: &'static str,
}

const SIDES: [Side; 2] = [
    Side {
        entity: "Member",
        list: "members",
        relation: "rooms",
        key: "email",
        letter: "m",
        needs: ", name: \"new\"",
    },
    Side { entity: "Room", list: "rooms", relation: "members", key: "name", letter: "r", needs: "" },
];

impl Side {
    fn named(&self, number: usize) -> String {
        format!("{}: \"{}{number}\"", self.key, self.letter)
    }
}

/// Rows and links.
#[derive(Clone, Debug)]
struct World {
    /// Numbers of the members, and of the rooms, in order of creation.
    rows: [Vec<usize>; 2],
    /// Links in order of creation.
    links: Vec<Link>,
}

/// Keys of the other side, each with the note of a new link.
type Named = Vec<(usize, Option<usize>)>;

/// Nested write of one row's links.
#[derive(Debug, Default)]
struct Nested {
    disconnect: Named,
    set: Option<Named>,
    connect: Named,
    create: Named,
}

impl World {
    /// Applies a nested write to the links of a row, or returns false if a named row does not exist.
    fn write(&mut self, side: usize, row: usize, nested: &Nested) -> bool {
        let pair = |other: usize| if side == 0 { [row, other] } else { [other, row] };
        let is_named = |named: &Named, link: &Link| named.iter().any(|(other, _)| pair(*other) == link.ends);
        let added = || nested.set.iter().flatten().chain(&nested.connect);
        if added().chain(&nested.disconnect).any(|(other, _)| !self.rows[1 - side].contains(other)) {
            return false;
        }
        self.links.retain(|link| !is_named(&nested.disconnect, link));
        if let Some(set) = &nested.set {
            self.links.retain(|link| link.ends[side] != row || is_named(set, link));
        }
        for (other, note) in added() {
            if !self.links.iter().any(|link| link.ends == pair(*other)) {
                self.links.push(Link { ends: pair(*other), note: *note });
            }
        }
        for (other, note) in &nested.create {
            self.rows[1 - side].push(*other);
            self.links.push(Link { ends: pair(*other), note: *note });
        }
        true
    }

    /// Returns the expected response of [`EVERYTHING`].
    fn expected(&self) -> Json {
        let name =
            |side: usize, row: usize| json!({ SIDES[side].key: format!("{}{row}", SIDES[side].letter) });
        let note = |link: &Link| link.note.map(|note| note.to_string());
        let shifts = self.links.iter().map(|link| {
            json!({ "note": note(link), "member": name(0, link.ends[0]), "room": name(1, link.ends[1]) })
        });
        let [members, rooms] = [0, 1].map(|side| {
            let lists = self.rows[side].iter().map(|row| {
                let mut links: Vec<&Link> =
                    self.links.iter().filter(|link| link.ends[side] == *row).collect();
                // By the key of the row at the far end, then by the key of the link.
                links.sort_by_key(|link| link.ends[1 - side]);
                let far: Vec<Json> = links.iter().map(|link| name(1 - side, link.ends[1 - side])).collect();
                let edges: Vec<Json> = links
                    .iter()
                    .zip(&far)
                    .map(|(link, far)| json!({ "note": note(link), "node": far }))
                    .collect();
                let mut row = name(side, *row);
                row[SIDES[side].relation] = json!(far);
                row[format!("{}Connection", SIDES[side].relation)] =
                    json!({ "totalCount": far.len(), "edges": edges });
                row
            });
            lists.collect::<Vec<_>>()
        });
        json!({ "shifts": shifts.collect::<Vec<_>>(), "members": members, "rooms": rooms })
    }
}

/// Query of all rows and links.
const EVERYTHING: &str = "{
    shifts { note member { email } room { name } }
    members { email rooms { name } roomsConnection { totalCount edges { note node { name } } } }
    rooms { name members { email } membersConnection { totalCount edges { note node { email } } } }
}";

/// Generator of nested writes.
struct Random<'a, 'b> {
    world: &'a World,
    choices: &'a mut Choices<'b>,
    /// Number of rows and notes given out so far.
    given: &'a mut usize,
}

impl Random<'_, '_> {
    fn row(&mut self, side: usize) -> usize {
        *self.choices.pick(&self.world.rows[side])
    }

    fn note(&mut self) -> Option<usize> {
        self.choices.once_in(2).then(|| {
            *self.given += 1;
            *self.given
        })
    }

    /// Returns keys, which may repeat and which rarely name no row.
    fn named(&mut self, side: usize, most: usize) -> Named {
        let count = self.choices.below(most + 1);
        let mut named = Named::new();
        for _ in 0..count {
            let row = if self.choices.once_in(40) { usize::MAX } else { self.row(side) };
            named.push((row, self.note()));
        }
        named
    }

    fn nested(&mut self, other: usize) -> Nested {
        let mut nested = Nested { disconnect: self.named(other, 2), ..Nested::default() };
        if self.choices.once_in(3) {
            nested.set = Some(self.named(other, 3));
        }
        nested.connect = self.named(other, 3);
        for _ in 0..self.choices.below(2) {
            *self.given += 1;
            nested.create.push((*self.given, self.note()));
        }
        nested
    }
}

/// Writes an update of the links of the row with this id.
fn update(side: usize, id: &Json, nested: &Nested) -> String {
    let (near, far) = (&SIDES[side], &SIDES[1 - side]);
    let note = |note: &Option<usize>| note.map_or(String::new(), |note| format!(", note: \"{note}\""));
    let keys = |named: &Named, noted: bool| -> String {
        let key = |(other, of): &(usize, Option<usize>)| {
            format!("{{ {}{} }}", far.named(*other), if noted { note(of) } else { String::new() })
        };
        named.iter().map(key).collect::<Vec<_>>().join(", ")
    };
    let new = |(other, of): &(usize, Option<usize>)| {
        format!("{{ node: {{ {}{} }}{} }}", far.named(*other), far.needs, note(of))
    };
    let mut text = format!("disconnect: [{}]", keys(&nested.disconnect, false));
    if let Some(set) = &nested.set {
        write!(text, ", set: [{}]", keys(set, true)).unwrap();
    }
    let create: Vec<String> = nested.create.iter().map(new).collect();
    write!(text, ", connect: [{}], create: [{}]", keys(&nested.connect, true), create.join(", ")).unwrap();
    format!(
        "update{}(id: {id}, input: {{ {}: {{ {text} }} }}) {{ {} }}",
        near.entity, near.relation, near.key
    )
}

/// Mutation of a step.
#[derive(Debug)]
enum Step {
    Create(Link),
    Update { side: usize, row: usize, nested: Nested },
}

impl Step {
    /// Writes the mutation. The ids of rows differ between databases, where refused mutations use up some.
    async fn text(&self, schema: &Schema, database: &TestDatabase) -> String {
        match self {
            Self::Create(Link { ends, note }) => {
                let note = note.map_or("null".to_owned(), |note| format!("\"{note}\""));
                let [member, room] = [0, 1].map(|side| SIDES[side].named(ends[side]));
                format!(
                    "createShift(input: {{ member: {{ {member} }}, room: {{ {room} }}, note: {note} }}) {{ id }}"
                )
            }
            Self::Update { side, row, nested } => {
                let Side { list, key, letter, .. } = &SIDES[*side];
                let find = format!("{{ {list}(where: {{ {key}: {{ eq: \"{letter}{row}\" }} }}) {{ id }} }}");
                let found = support::data(schema, database, &find).await;
                update(*side, &found[list][0]["id"], nested)
            }
        }
    }
}

/// Numbers of steps with an observed effect: refusals, and states with a repeated pair.
#[derive(Clone, Copy, Debug, Default)]
struct Seen {
    refused: usize,
    repeated: usize,
}

/// Runs a sequence on every database, and compares the state after each mutation.
async fn run(
    schema: &Schema,
    databases: &[TestDatabase],
    sequence: &[Vec<u16>],
    seen: &Cell<Seen>,
) -> Result<(), String> {
    let rows = || (0..BEGINNING).collect();
    let mut world = World { rows: [rows(), rows()], links: Vec::new() };
    for database in databases {
        empty_tables(database).await;
        for number in world.rows[0].clone() {
            let create = format!(
                "mutation {{ createMember(input: {{ email: \"m{number}\", name: \"new\" }}) {{ id }} \
                 createRoom(input: {{ name: \"r{number}\" }}) {{ id }} }}"
            );
            support::data(schema, database, &create).await;
        }
    }
    let mut given = BEGINNING;
    let mut told = String::new();
    for numbers in sequence {
        let mut choices = Choices::new(numbers);
        let mut random = Random { world: &world, choices: &mut choices, given: &mut given };
        let mut after = world.clone();
        let (step, is_done) = if random.choices.once_in(3) {
            // A link beside the relation may repeat a pair.
            let link = Link { ends: [random.row(0), random.row(1)], note: random.note() };
            after.links.push(link.clone());
            (Step::Create(link), true)
        } else {
            let side = random.choices.below(2);
            let (row, nested) = (random.row(side), random.nested(1 - side));
            let is_done = after.write(side, row, &nested);
            (Step::Update { side, row, nested }, is_done)
        };
        if is_done {
            world = after;
        }
        write!(told, "\n{step:?}").unwrap();
        let mut now = seen.get();
        now.refused += usize::from(!is_done);
        let is_repeated =
            |(place, link): (usize, &Link)| world.links[..place].iter().any(|other| other.ends == link.ends);
        now.repeated += usize::from(world.links.iter().enumerate().any(is_repeated));
        seen.set(now);
        for database in databases {
            let dialect = database.dialect;
            let text = step.text(schema, database).await;
            let (answer, _) =
                support::ask(schema, database, &format!("mutation {{ {text} }}"), Json::Null).await;
            if answer.get("errors").is_none() != is_done {
                return Err(format!("{dialect:?}: {answer:#}\n\nafter{told}"));
            }
            let (read, _) = support::ask(schema, database, EVERYTHING, Json::Null).await;
            let expected = world.expected();
            if read["data"] != expected {
                return Err(format!(
                    "{dialect:?}: there is\n{read:#}\nand there should be\n{expected:#}\n\nafter{told}"
                ));
            }
        }
    }
    Ok(())
}

#[test]
fn random_links_whose_pairs_repeat_are_written_as_the_model_says() {
    let runtime = Runtime::new().unwrap();
    let schema = schema();
    let seen = Cell::new(Seen::default());
    for keys in [Keys::Immediate, Keys::Deferred] {
        let databases = runtime.block_on(async {
            let databases = support::databases().await;
            for database in &databases {
                make_tables_with(database, keys).await;
            }
            databases
        });
        let databases = RefCell::new(databases);
        let strategy = vec(choices::choices(60), LENGTH / 2..=LENGTH);
        let result = TestRunner::new(choices::config(CASES)).run(&strategy, |sequence| {
            let done = runtime.block_on(run(&schema, &databases.borrow(), &sequence, &seen));
            done.map_err(TestCaseError::fail)
        });
        choices::expect(result);
        runtime.block_on(async {
            for database in databases.into_inner() {
                database.drop().await;
            }
        });
    }
    // Without refusals or repeated pairs, the test would show little.
    assert!(seen.get().refused > 3 && seen.get().repeated > 20, "{:?}", seen.get());
}
