//! Random mutations, valid and invalid ones.

use crate::change::{Below, Change, Handle, Id, Key, Link, Null, On, Row};
use crate::choices::Choices;
use crate::domain::{COURSE, Kind, TABLES};
use crate::world::World;

/// Number of unique texts: few, so that duplicates occur.
const UNIQUE_TEXTS: usize = 7;

/// Generator of random changes.
pub struct Random<'a, 'b> {
    pub world: &'a World,
    pub choices: &'a mut Choices<'b>,
    /// Deleted rows, by table.
    pub gone: &'a [Vec<Handle>],
    /// Number of texts and keys given out so far.
    pub texts: &'a mut usize,
    /// Rows that this root field already moves.
    pub moved: Vec<(usize, Handle)>,
}

/// Maximum nesting of new rows.
const DEEPEST: usize = 3;

impl Random<'_, '_> {
    /// Returns one to three root fields.
    pub fn mutation(&mut self) -> Vec<Change> {
        let count = [1, 1, 1, 2, 3][self.choices.below(5)];
        (0..count).map(|_| self.change()).collect()
    }

    /// Returns initial rows of every kind.
    pub fn beginning(&mut self) -> Vec<Change> {
        let roots = TABLES.iter().enumerate().filter(|(_, table)| table.forward.is_empty());
        roots
            .filter(|(id, _)| *id != COURSE)
            .map(|(table, _)| {
                let rows = (0..3).map(|number| self.full_row(table, number, DEEPEST)).collect();
                Change::Create { table, rows, many: true }
            })
            .collect()
    }

    /// Returns a row, and for an even number also rows that reference it.
    fn full_row(&mut self, table: usize, number: usize, depth: usize) -> Row {
        let described = &TABLES[table];
        let text = described.text.as_ref().map(|text| match text.is_unique {
            true => format!("n{number}"),
            false => self.text(table),
        });
        let mut row = Row { text, ..Row::default() };
        let below = described.below.iter().enumerate().filter(|(_, below)| below.target != table);
        for (id, below) in below.filter(|_| depth > 0 && number.is_multiple_of(2)) {
            let depth = if below.kind == Kind::Links { 0 } else { depth - 1 };
            let create = vec![self.full_row(below.target, number, depth)];
            row.below.push((id, Below { create, ..Below::default() }));
        }
        row
    }

    fn change(&mut self) -> Change {
        self.moved.clear();
        let table = self.choices.below(TABLES.len());
        match self.choices.below(10) {
            0 => Change::Create { table, rows: vec![self.new_row(table, DEEPEST, None)], many: false },
            1 | 2 => {
                let count = self.choices.below(4);
                Change::Create { table, rows: self.new_rows(table, DEEPEST, None, count), many: true }
            }
            3..=5 => {
                let key = self.primary_key(table);
                let row = self.root_update(table, &key);
                Change::Update { table, key, row }
            }
            6 => {
                Change::UpdateMany { table, keys: self.primary_keys(table), row: self.update_of_many(table) }
            }
            7 => self.upsert(table),
            8 => Change::Delete { table, key: self.primary_key(table) },
            _ => Change::DeleteMany { table, keys: self.primary_keys(table) },
        }
    }

    fn text(&mut self, table: usize) -> String {
        if TABLES[table].has_unique_text() {
            return format!("n{}", self.choices.below(UNIQUE_TEXTS));
        }
        *self.texts += 1;
        format!("t{}", self.texts)
    }

    /// Returns an existing row, if any.
    fn present(&mut self, table: usize) -> Option<Handle> {
        let count = self.world.tables[table].len();
        if count == 0 {
            return None;
        }
        self.world.tables[table].keys().nth(self.choices.below(count)).copied()
    }

    /// Returns the primary key of a row, mostly an existing one.
    fn primary_key(&mut self, table: usize) -> Key {
        if self.choices.once_in(12) {
            let gone = &self.gone[table];
            return match gone.last() {
                Some(gone) if !TABLES[table].is_shared() && self.choices.once_in(2) => Key::Id(*gone),
                _ => Key::Missing,
            };
        }
        let Some(row) = self.present(table) else { return Key::Missing };
        self.primary_key_of(table, row)
    }

    fn primary_key_of(&self, table: usize, row: Handle) -> Key {
        if !TABLES[table].is_shared() {
            return Key::Id(row);
        }
        match self.world.tables[table][&row].to[0] {
            Some(target) => Key::Of(0, target),
            None => Key::Missing,
        }
    }

    fn primary_keys(&mut self, table: usize) -> Vec<Key> {
        (0..=self.choices.below(3)).map(|_| self.primary_key(table)).collect()
    }

    /// Returns any unique key of a row, mostly an existing one.
    fn key(&mut self, table: usize) -> Key {
        let described = &TABLES[table];
        let key = self.primary_key(table);
        match self.choices.below(3) {
            1 if described.has_unique_text() => match self.world.find(table, &key) {
                Some(row) => Key::Text(self.world.tables[table][&row].text.clone()),
                None => Key::Text(self.text(table)),
            },
            2 => {
                let unique = described.forward.iter().position(|forward| forward.key.is_some());
                let Some(forward) = unique else { return key };
                let target = match self.world.find(table, &key) {
                    Some(row) => self.world.tables[table][&row].to[forward],
                    None => self.present(described.forward[forward].target),
                };
                target.map_or(key, |target| Key::Of(forward, target))
            }
            _ => key,
        }
    }

    /// Returns keys of different rows.
    fn keys(&mut self, table: usize, most: usize) -> Vec<Key> {
        let mut keys: Vec<Key> = Vec::new();
        for _ in 0..self.choices.below(most + 1) {
            let key = self.key(table);
            let row = self.world.find(table, &key);
            let is_named =
                |known: &Key| *known == key || (row.is_some() && self.world.find(table, known) == row);
            if !keys.iter().any(is_named) {
                keys.push(key);
            }
        }
        keys
    }

    /// Returns keys of rows that no other part of the root field moves: the order of two moves is not
    /// specified.
    fn keys_to_move(&mut self, table: usize, most: usize) -> Vec<Key> {
        let keys = self.keys(table, most);
        let mut moved = Vec::new();
        for key in keys {
            match self.world.find(table, &key) {
                Some(row) if self.moved.contains(&(table, row)) => {}
                found => {
                    self.moved.extend(found.map(|row| (table, row)));
                    moved.push(key);
                }
            }
        }
        moved
    }

    fn link(&mut self, table: usize, depth: usize) -> Link {
        if depth > 0 && self.choices.once_in(3) {
            return Link::Create(Box::new(self.new_row(table, depth - 1, None)));
        }
        Link::Key(self.key(table))
    }

    fn new_rows(&mut self, table: usize, depth: usize, place: Option<usize>, count: usize) -> Vec<Row> {
        (0..count).map(|_| self.new_row(table, depth, place)).collect()
    }

    /// Returns a new row; its nesting determines the foreign key `place`.
    fn new_row(&mut self, table: usize, depth: usize, place: Option<usize>) -> Row {
        let described = &TABLES[table];
        let mut row = Row { text: described.text.is_some().then(|| self.text(table)), ..Row::default() };
        if !described.is_shared() && self.choices.once_in(25) {
            row.id = self.present(table).map(Id::Of);
        }
        for (id, forward) in described.forward.iter().enumerate().filter(|(id, _)| Some(*id) != place) {
            if forward.is_nullable && self.choices.once_in(2) {
                continue;
            }
            row.forward.push((id, self.link(forward.target, depth)));
        }
        if depth > 0 {
            for (id, below) in described.below.iter().enumerate() {
                if self.choices.once_in(3) {
                    let below = self.below_new(below.target, below.kind, depth - 1);
                    row.below.push((id, below));
                }
            }
        }
        row
    }

    fn below_new(&mut self, target: usize, kind: Kind, depth: usize) -> Below {
        let mut below = Below::default();
        match kind {
            Kind::One(forward) if self.choices.once_in(3) => {
                below.connect = self.keys_to_move(target, 1);
                if below.connect.is_empty() {
                    below.create = vec![self.new_row(target, depth, Some(forward))];
                }
            }
            Kind::One(forward) => below.create = vec![self.new_row(target, depth, Some(forward))],
            Kind::Many(forward) => {
                let count = self.choices.below(3);
                below.create = self.new_rows(target, depth, Some(forward), count);
                below.connect = self.keys_to_move(target, 2);
            }
            Kind::Links => {
                let count = self.choices.below(3);
                below.create = self.new_rows(target, depth, None, count);
                below.connect = self.keys(target, 3);
            }
        }
        below
    }

    fn root_update(&mut self, table: usize, key: &Key) -> Row {
        let above = self.world.find(table, key);
        let mut row = self.update(table, above, DEEPEST, None);
        let described = &TABLES[table];
        if self.choices.once_in(15) {
            let required = described.forward.iter().position(|forward| !forward.is_nullable);
            row.null = match (required, &described.text) {
                (Some(forward), _) if self.choices.once_in(2) => Some(Null::Forward(forward)),
                (_, Some(_)) => Some(Null::Text),
                (required, None) => required.map(Null::Forward),
            };
            match row.null {
                Some(Null::Text) => row.text = None,
                Some(Null::Forward(forward)) => row.forward.retain(|(id, _)| *id != forward),
                None => {}
            }
        }
        row
    }

    /// Returns an update of a row, and of rows that reference it.
    fn update(&mut self, table: usize, above: Option<Handle>, depth: usize, place: Option<usize>) -> Row {
        let described = &TABLES[table];
        let mut row = Row::default();
        // A row whose key moves below itself is no longer found under its former key.
        self.moved.extend(above.filter(|_| described.is_shared()).map(|above| (table, above)));
        if described.text.is_some() && self.choices.once_in(2) {
            row.text = Some(self.text(table));
        }
        for (id, forward) in described.forward.iter().enumerate().filter(|(id, _)| Some(*id) != place) {
            if !self.choices.once_in(3) {
                continue;
            }
            let link = match forward.is_nullable && self.choices.once_in(3) {
                true => Link::Null,
                false => self.link(forward.target, depth.saturating_sub(1)),
            };
            row.forward.push((id, link));
        }
        if depth > 0 {
            for (id, below) in described.below.iter().enumerate() {
                if self.choices.once_in(2) {
                    let below = self.below(below.target, below.kind, above, depth - 1);
                    row.below.push((id, below));
                }
            }
        }
        row
    }

    fn below(&mut self, target: usize, kind: Kind, above: Option<Handle>, depth: usize) -> Below {
        match kind {
            Kind::One(forward) => self.below_one(target, forward, above, depth),
            Kind::Many(forward) => self.below_many(target, forward, above, depth),
            Kind::Links => {
                let mut below = Below { disconnect: self.keys(target, 2), ..Below::default() };
                if self.choices.once_in(2) {
                    below.set = Some(self.keys(target, 3));
                }
                below.connect = self.keys(target, 2);
                let count = self.choices.below(2);
                below.create = self.new_rows(target, depth, None, count);
                below
            }
        }
    }

    fn below_one(&mut self, target: usize, forward: usize, above: Option<Handle>, depth: usize) -> Below {
        let mut below = Below::default();
        let there = above.and_then(|above| self.world.pointing(target, forward, above).first().copied());
        match self.choices.below(6) {
            0 => below.create = vec![self.new_row(target, depth, Some(forward))],
            1 => below.connect = self.keys_to_move(target, 1),
            2 => below.update = vec![(None, self.update(target, there, depth, Some(forward)))],
            3 => {
                let create = self.new_row(target, depth, Some(forward));
                below.upsert = Some((create, self.update(target, there, depth, Some(forward))));
            }
            4 => below.delete_one = true,
            _ => {
                below.delete_one = true;
                below.create = vec![self.new_row(target, depth, Some(forward))];
            }
        }
        below
    }

    fn below_many(&mut self, target: usize, forward: usize, above: Option<Handle>, depth: usize) -> Below {
        let mut below = Below::default();
        let here: Vec<Handle> = above.map_or(Vec::new(), |above| self.world.pointing(target, forward, above));
        // Mostly existing ones.
        let named = |random: &mut Self| match here.is_empty() || random.choices.once_in(5) {
            true => random.key(target),
            false => {
                let row = *random.choices.pick(&here);
                random.primary_key_of(target, row)
            }
        };
        let is_nullable = TABLES[target].forward[forward].is_nullable;
        if self.choices.once_in(3) {
            below.delete = vec![named(self)];
        }
        if is_nullable && self.choices.once_in(3) {
            below.disconnect = vec![named(self)];
        }
        if is_nullable && self.choices.once_in(3) {
            below.set = Some(self.keys_to_move(target, 3));
        }
        if self.choices.once_in(3) {
            let key = named(self);
            let row = self.world.find(target, &key);
            below.update = vec![(Some(key), self.update(target, row, depth, Some(forward)))];
        }
        if self.choices.once_in(3) {
            below.connect = self.keys_to_move(target, 2);
        }
        let count = self.choices.below(3);
        below.create = self.new_rows(target, depth, Some(forward), count);
        below
    }

    /// Returns an update of many rows. Nested rows would be created for each, so only updates of one row have
    /// them.
    fn update_of_many(&mut self, table: usize) -> Row {
        let mut row = Row { below: Vec::new(), ..self.update(table, None, 0, None) };
        for (id, below) in TABLES[table].below.iter().enumerate() {
            if below.kind == Kind::Links && self.choices.once_in(2) {
                let mut change = Below { disconnect: self.keys(below.target, 2), ..Below::default() };
                if self.choices.once_in(2) {
                    change.set = Some(self.keys(below.target, 3));
                }
                change.connect = self.keys(below.target, 2);
                row.below.push((id, change));
            }
        }
        row
    }

    fn upsert(&mut self, table: usize) -> Change {
        let described = &TABLES[table];
        let mut row = self.new_row(table, DEEPEST, None);
        row.id = None;
        let unique = described.forward.iter().position(|forward| forward.key.is_some());
        let on = match (self.choices.below(3), unique) {
            (1, _) if described.has_unique_text() => On::Text,
            (2, Some(forward)) if !described.is_shared() => On::Forward(forward),
            _ => On::Key,
        };
        if on == On::Key && !described.is_shared() {
            let present = self.present(table).filter(|_| !self.choices.once_in(4));
            row.id = Some(present.map_or_else(
                || {
                    *self.texts += 1;
                    Id::Fresh(900_000_000 - *self.texts as i64)
                },
                Id::Of,
            ));
        }
        Change::Upsert { table, row, on }
    }
}
