//! Model of expected states: rows, links, and the result of each change.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde_json::{Value as Json, json};

use crate::change::{Below, Change, Handle, Id, Key, Link, On, Row};
use crate::domain::{COURSE, Kind, STUDENT, TABLES};

/// Existing row.
#[derive(Clone, Debug, PartialEq)]
pub struct Stored {
    pub text: String,
    pub to: Vec<Option<Handle>>,
}

/// All rows and links.
#[derive(Clone, Debug)]
pub struct World {
    pub tables: Vec<BTreeMap<Handle, Stored>>,
    /// Courses and their students.
    pub links: BTreeSet<(Handle, Handle)>,
    /// Keys of rows whose keys the client chose.
    pub chosen: HashMap<Handle, i64>,
    next: Handle,
}

/// Reason for refusing a change: the code, the entity and the fields.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Refusal {
    pub code: &'static str,
    pub entity: &'static str,
    pub fields: Vec<&'static str>,
}

/// Outcome of a mutation: the results of its fields, or the index of the failing field with its possible
/// refusals.
pub type Outcome = Result<Vec<Json>, (usize, BTreeSet<Refusal>)>;

impl World {
    pub fn new() -> Self {
        Self {
            tables: vec![BTreeMap::new(); TABLES.len()],
            links: BTreeSet::new(),
            chosen: HashMap::new(),
            next: 0,
        }
    }

    /// Applies a mutation, or leaves the state unchanged.
    pub fn apply(&mut self, changes: &[Change]) -> Outcome {
        // Inputs are checked before any change.
        for (place, change) in changes.iter().enumerate() {
            if change.has_null() {
                let refusal = Refusal { code: "BAD_USER_INPUT", entity: "", fields: Vec::new() };
                return Err((place, BTreeSet::from([refusal])));
            }
        }
        let mut after = self.clone();
        let mut answers = Vec::new();
        for (place, change) in changes.iter().enumerate() {
            let mut doing = Doing { world: &mut after, refusals: BTreeSet::new(), dangling: BTreeSet::new() };
            let answer = doing.change(change);
            if !doing.refusals.is_empty() {
                return Err((place, doing.refusals));
            }
            answers.push(answer);
        }
        *self = after;
        Ok(answers)
    }

    /// Returns the rows of a table that reference this row.
    pub fn pointing(&self, table: usize, forward: usize, at: Handle) -> Vec<Handle> {
        let rows = self.tables[table].iter();
        rows.filter(|(_, row)| row.to[forward] == Some(at)).map(|(handle, _)| *handle).collect()
    }

    pub fn find(&self, table: usize, key: &Key) -> Option<Handle> {
        match key {
            Key::Id(handle) => self.tables[table].contains_key(handle).then_some(*handle),
            Key::Text(text) => {
                self.tables[table].iter().find(|(_, row)| row.text == *text).map(|(handle, _)| *handle)
            }
            Key::Of(forward, target) => self.pointing(table, *forward, *target).first().copied(),
            Key::Missing => None,
        }
    }

    /// Returns the response of a row: its text.
    fn answer(&self, table: usize, handle: Handle) -> Json {
        let Some(row) = self.tables[table].get(&handle) else { return Json::Null };
        match &TABLES[table].text {
            Some(text) => json!({ text.field: row.text }),
            None => {
                let place =
                    row.to[0].map(|place| self.tables[TABLES[table].forward[0].target][&place].text.clone());
                json!({ "place": { "name": place } })
            }
        }
    }
}

impl Change {
    fn has_null(&self) -> bool {
        match self {
            Self::Create { rows, .. } => rows.iter().any(|row| row.null.is_some()),
            Self::Update { row, .. } | Self::UpdateMany { row, .. } | Self::Upsert { row, .. } => {
                row.null.is_some()
            }
            Self::Delete { .. } | Self::DeleteMany { .. } => false,
        }
    }
}

/// Change in progress. After a refusal it continues without the refused part, to find further refusals.
struct Doing<'a> {
    world: &'a mut World,
    refusals: BTreeSet<Refusal>,
    /// Foreign keys without a target.
    dangling: BTreeSet<(usize, usize)>,
}

impl Doing<'_> {
    fn refuse(&mut self, code: &'static str, entity: &'static str, fields: Vec<&'static str>) {
        self.refusals.insert(Refusal { code, entity, fields });
    }

    fn not_found(&mut self, table: usize, key: &Key) {
        let table = &TABLES[table];
        let field = match key {
            Key::Id(_) | Key::Missing => table.key.0,
            Key::Text(_) => table.text.as_ref().unwrap().field,
            Key::Of(forward, _) => table.forward[*forward].key.unwrap(),
        };
        self.refuse("NOT_FOUND", table.name, vec![field]);
    }

    fn dangling(&mut self, table: usize, forward: usize) {
        let described = &TABLES[table].forward[forward];
        self.refuse("FOREIGN_KEY_VIOLATION", TABLES[table].name, vec![described.field]);
        // Two foreign keys with the same missing target are duplicates too.
        if described.is_unique && !self.dangling.insert((table, forward)) {
            self.refuse("UNIQUE_VIOLATION", TABLES[table].name, vec![described.field]);
        }
    }

    fn change(&mut self, change: &Change) -> Json {
        match change {
            Change::Create { table, rows, many } => {
                let made = self.create(*table, rows, None);
                let answers: Vec<Json> = made.iter().map(|row| self.world.answer(*table, *row)).collect();
                if *many { json!(answers) } else { answers[0].clone() }
            }
            Change::Update { table, key, row } => match self.world.find(*table, key) {
                Some(found) => {
                    self.update(*table, &[found], row);
                    self.world.answer(*table, found)
                }
                None => {
                    self.not_found(*table, key);
                    Json::Null
                }
            },
            Change::UpdateMany { table, keys, row } => {
                let found = self.found(*table, keys);
                if !found.is_empty() {
                    self.update(*table, &found, row);
                }
                let nodes: Vec<Json> = found.iter().map(|row| self.world.answer(*table, *row)).collect();
                // By key, which only the databases know.
                json!({ "affected": found.len(), "nodes": sorted(nodes) })
            }
            Change::Upsert { table, row, on } => self.upsert(*table, row, *on),
            Change::Delete { table, key } => match self.world.find(*table, key) {
                Some(found) => {
                    let answer = self.world.answer(*table, found);
                    self.delete(*table, found, &mut BTreeMap::new());
                    answer
                }
                None => {
                    self.not_found(*table, key);
                    Json::Null
                }
            },
            Change::DeleteMany { table, keys } => {
                let found = self.found(*table, keys);
                let mut cascaded = BTreeMap::new();
                for row in &found {
                    self.delete(*table, *row, &mut cascaded);
                }
                let counts =
                    cascaded.iter().map(|(entity, count)| json!({ "entity": entity, "count": count }));
                json!({ "affected": found.len(), "cascaded": sorted(counts.collect()) })
            }
        }
    }

    fn found(&self, table: usize, keys: &[Key]) -> Vec<Handle> {
        let found: BTreeSet<Handle> = keys.iter().filter_map(|key| self.world.find(table, key)).collect();
        found.into_iter().collect()
    }

    /// Returns the targets of a row's links; creates new ones.
    fn follow(&mut self, table: usize, row: &Row) -> Vec<(usize, Option<Handle>)> {
        let mut to = Vec::new();
        for (forward, link) in &row.forward {
            let described = &TABLES[table].forward[*forward];
            let target = match link {
                Link::Null => None,
                Link::Create(row) => {
                    self.create(described.target, std::slice::from_ref(row), None).first().copied()
                }
                Link::Key(key) => {
                    let found = self.world.find(described.target, key);
                    if found.is_none() {
                        match key {
                            Key::Of(_, _) if !TABLES[described.target].is_shared() => {
                                self.not_found(described.target, key);
                            }
                            Key::Text(_) => self.not_found(described.target, key),
                            // By the column of the foreign key: the constraint refuses it.
                            Key::Id(_) | Key::Missing | Key::Of(_, _) => self.dangling(table, *forward),
                        }
                    }
                    found
                }
            };
            to.push((*forward, target));
        }
        to
    }

    /// Checks uniqueness among all other rows.
    fn check_unique(
        &mut self,
        table: usize,
        own: &[Handle],
        text: Option<&str>,
        to: &[(usize, Option<Handle>)],
    ) {
        let described = &TABLES[table];
        let taken = |is_same: &dyn Fn(&Stored) -> bool| {
            self.world.tables[table].iter().any(|(handle, row)| is_same(row) && !own.contains(handle))
                || own.len() > 1
        };
        let mut fields = Vec::new();
        if let Some(text) = text
            && described.has_unique_text()
            && taken(&|row| row.text == text)
        {
            fields.push(described.text.as_ref().unwrap().field);
        }
        for (forward, target) in to.iter().filter(|(_, target)| target.is_some()) {
            if described.forward[*forward].is_unique && taken(&|row| row.to[*forward] == *target) {
                fields.push(described.forward[*forward].field);
            }
        }
        for field in fields {
            self.refuse("UNIQUE_VIOLATION", described.name, vec![field]);
        }
    }

    /// Creates rows: first the rows that they reference, then themselves, then the rows that reference them.
    fn create(&mut self, table: usize, rows: &[Row], place: Option<(usize, Handle)>) -> Vec<Handle> {
        let followed: Vec<_> = rows.iter().map(|row| self.follow(table, row)).collect();
        let mut made = Vec::new();
        for (row, mut to) in rows.iter().zip(followed) {
            to.extend(place.map(|(forward, above)| (forward, Some(above))));
            made.push(self.insert(table, row, &to));
        }
        for (handle, row) in made.iter().zip(rows) {
            self.write_below(table, *handle, row);
        }
        made
    }

    fn insert(&mut self, table: usize, row: &Row, to: &[(usize, Option<Handle>)]) -> Handle {
        self.check_unique(table, &[], row.text.as_deref(), to);
        let handle = match row.id {
            Some(Id::Of(known)) => {
                if self.world.tables[table].contains_key(&known) {
                    self.refuse("UNIQUE_VIOLATION", TABLES[table].name, vec!["id"]);
                }
                // A key is free again after its row is deleted.
                known
            }
            Some(Id::Fresh(_)) | None => self.world.next,
        };
        self.world.next += 1;
        if let Some(Id::Fresh(id)) = row.id {
            self.world.chosen.insert(handle, id);
        }
        let mut stored = Stored {
            text: row.text.clone().unwrap_or_default(),
            to: vec![None; TABLES[table].forward.len()],
        };
        for (forward, target) in to {
            stored.to[*forward] = *target;
        }
        self.world.tables[table].insert(handle, stored);
        handle
    }

    /// Updates existing rows, all in the same way.
    fn update(&mut self, table: usize, rows: &[Handle], row: &Row) {
        let to = self.follow(table, row);
        self.change_rows(table, rows, row.text.as_deref(), &to);
        for handle in rows {
            self.write_below(table, *handle, row);
        }
    }

    fn change_rows(
        &mut self,
        table: usize,
        rows: &[Handle],
        text: Option<&str>,
        to: &[(usize, Option<Handle>)],
    ) {
        self.check_unique(table, rows, text, to);
        for handle in rows {
            let Some(stored) = self.world.tables[table].get_mut(handle) else { continue };
            if let Some(text) = text {
                stored.text = text.to_owned();
            }
            for (forward, target) in to {
                stored.to[*forward] = *target;
            }
        }
    }

    fn upsert(&mut self, table: usize, row: &Row, on: On) -> Json {
        let to = self.follow(table, row);
        let target =
            |forward: usize| to.iter().find(|(of, _)| *of == forward).and_then(|(_, target)| *target);
        let found = match on {
            On::Key if TABLES[table].is_shared() => {
                target(0).and_then(|target| self.world.find(table, &Key::Of(0, target)))
            }
            On::Key => match row.id {
                Some(Id::Of(handle)) => self.world.find(table, &Key::Id(handle)),
                Some(Id::Fresh(_)) | None => None,
            },
            On::Text => row.text.clone().and_then(|text| self.world.find(table, &Key::Text(text))),
            On::Forward(forward) => {
                target(forward).and_then(|target| self.world.find(table, &Key::Of(forward, target)))
            }
        };
        let handle = match found {
            Some(handle) => {
                self.change_rows(table, &[handle], row.text.as_deref(), &to);
                handle
            }
            None => self.insert(table, row, &to),
        };
        self.write_below(table, handle, row);
        self.world.answer(table, handle)
    }

    fn write_below(&mut self, table: usize, above: Handle, row: &Row) {
        for (id, below) in &row.below {
            let described = &TABLES[table].below[*id];
            match described.kind {
                Kind::One(forward) | Kind::Many(forward) => {
                    self.write_reverse(described.target, forward, above, below);
                }
                Kind::Links => self.write_links(table, described.target, above, below),
            }
        }
    }

    fn write_reverse(&mut self, target: usize, forward: usize, above: Handle, below: &Below) {
        let is_here = |world: &World, row: Handle| {
            world.tables[target].get(&row).is_some_and(|row| row.to[forward] == Some(above))
        };
        if below.delete_one {
            for row in self.world.pointing(target, forward, above) {
                self.delete(target, row, &mut BTreeMap::new());
            }
        }
        for (keys, deletes) in [(&below.disconnect, false), (&below.delete, true)] {
            for key in keys {
                match self.world.find(target, key).filter(|row| is_here(self.world, *row)) {
                    Some(row) if deletes => self.delete(target, row, &mut BTreeMap::new()),
                    Some(row) => self.change_rows(target, &[row], None, &[(forward, None)]),
                    None => self.not_found(target, key),
                }
            }
        }
        let mut connect: Vec<&Key> = Vec::new();
        if let Some(keys) = &below.set {
            let kept = self.found(target, keys);
            for row in self.world.pointing(target, forward, above) {
                if !kept.contains(&row) {
                    self.change_rows(target, &[row], None, &[(forward, None)]);
                }
            }
            connect.extend(keys);
        }
        for (key, row) in &below.update {
            let named = key.clone().unwrap_or(Key::Of(forward, above));
            match self.world.find(target, &named).filter(|row| is_here(self.world, *row)) {
                Some(found) => self.update(target, &[found], row),
                None => self.not_found(target, &named),
            }
        }
        let mut create = Vec::new();
        if let Some((new, change)) = &below.upsert {
            match self.world.pointing(target, forward, above).first() {
                Some(found) => self.update(target, &[*found], change),
                None => create.push(new.clone()),
            }
        }
        connect.extend(&below.connect);
        for key in connect {
            match self.world.find(target, key) {
                Some(row) => self.change_rows(target, &[row], None, &[(forward, Some(above))]),
                None => self.not_found(target, key),
            }
        }
        create.extend(below.create.iter().cloned());
        self.create(target, &create, Some((forward, above)));
    }

    fn write_links(&mut self, table: usize, target: usize, above: Handle, below: &Below) {
        let pair = |row: Handle| if table == COURSE { (above, row) } else { (row, above) };
        for key in &below.disconnect {
            if let Some(row) = self.world.find(target, key) {
                self.world.links.remove(&pair(row));
            }
        }
        if let Some(keys) = &below.set {
            let kept: BTreeSet<_> = self.found(target, keys).into_iter().map(pair).collect();
            self.world.links.retain(|link| {
                let here = if table == COURSE { link.0 } else { link.1 };
                here != above || kept.contains(link)
            });
        }
        for key in below.set.iter().flatten().chain(&below.connect) {
            match self.world.find(target, key) {
                Some(row) => {
                    self.world.links.insert(pair(row));
                }
                None => {
                    let field = if target == COURSE { "course" } else { "student" };
                    self.refuse("FOREIGN_KEY_VIOLATION", "CourseStudent", vec![field]);
                }
            }
        }
        for row in self.create(target, &below.create, None) {
            self.world.links.insert(pair(row));
        }
    }

    /// Deletes a row and cascades; counts the cascaded rows.
    fn delete(&mut self, table: usize, handle: Handle, cascaded: &mut BTreeMap<&'static str, usize>) {
        self.world.tables[table].remove(&handle);
        for (id, child) in TABLES.iter().enumerate() {
            for (forward, described) in child.forward.iter().enumerate() {
                if described.target != table {
                    continue;
                }
                for row in self.world.pointing(id, forward, handle) {
                    if described.is_nullable {
                        self.change_rows(id, &[row], None, &[(forward, None)]);
                    } else {
                        *cascaded.entry(child.name).or_default() += 1;
                        self.delete(id, row, cascaded);
                    }
                }
            }
        }
        if table == COURSE || table == STUDENT {
            let before = self.world.links.len();
            let is_end = |link: &(Handle, Handle)| handle == if table == COURSE { link.0 } else { link.1 };
            self.world.links.retain(|link| !is_end(link));
            if self.world.links.len() < before {
                *cascaded.entry("CourseStudent").or_default() += before - self.world.links.len();
            }
        }
    }
}

/// Sorts values deterministically.
pub fn sorted(mut values: Vec<Json>) -> Vec<Json> {
    values.sort_by_key(|value| value.to_string());
    values
}
