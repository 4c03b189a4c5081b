//! Changes as plain data, and their GraphQL text.

use std::collections::HashMap;
use std::fmt::Write as _;

use crate::domain::{Kind, TABLES};

/// Row, identified across databases.
pub type Handle = usize;

/// Keys that a database has given to the rows.
pub type Ids = HashMap<Handle, i64>;

/// Root field of a mutation.
#[derive(Clone, Debug)]
pub enum Change {
    Create { table: usize, rows: Vec<Row>, many: bool },
    Update { table: usize, key: Key, row: Row },
    UpdateMany { table: usize, keys: Vec<Key>, row: Row },
    Upsert { table: usize, row: Row, on: On },
    Delete { table: usize, key: Key },
    DeleteMany { table: usize, keys: Vec<Key> },
}

/// Conflict key of an upsert.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum On {
    Key,
    Text,
    Forward(usize),
}

/// Row by a unique key.
#[derive(Clone, Debug, PartialEq)]
pub enum Key {
    Id(Handle),
    Text(String),
    /// By the row that its unique foreign key references.
    Of(usize, Handle),
    /// By a primary key that no row has.
    Missing,
}

/// Key that no row has.
const NOBODY: i64 = 2_000_000_001;

/// Values of a row, new or existing.
#[derive(Clone, Debug, Default)]
pub struct Row {
    /// Key of a new row: that of an existing row, or an unused one.
    pub id: Option<Id>,
    pub text: Option<String>,
    pub null: Option<Null>,
    pub forward: Vec<(usize, Link)>,
    pub below: Vec<(usize, Below)>,
}

#[derive(Clone, Copy, Debug)]
pub enum Id {
    Of(Handle),
    Fresh(i64),
}

/// Required value that is given as null.
#[derive(Clone, Copy, Debug)]
pub enum Null {
    Text,
    Forward(usize),
}

#[derive(Clone, Debug)]
pub enum Link {
    Null,
    Key(Key),
    Create(Box<Row>),
}

#[derive(Clone, Debug, Default)]
pub struct Below {
    pub create: Vec<Row>,
    pub connect: Vec<Key>,
    pub update: Vec<(Option<Key>, Row)>,
    pub upsert: Option<(Row, Row)>,
    pub disconnect: Vec<Key>,
    pub delete: Vec<Key>,
    pub delete_one: bool,
    pub set: Option<Vec<Key>>,
}

impl Change {
    pub fn table(&self) -> usize {
        match self {
            Self::Create { table, .. }
            | Self::Update { table, .. }
            | Self::UpdateMany { table, .. }
            | Self::Upsert { table, .. }
            | Self::Delete { table, .. }
            | Self::DeleteMany { table, .. } => *table,
        }
    }
}

/// Writes a mutation with these root fields, `c0` and so on.
pub fn document(changes: &[Change], ids: &Ids) -> String {
    let mut text = "mutation {".to_owned();
    for (place, change) in changes.iter().enumerate() {
        write!(text, "\n  c{place}: {}", Writing { ids }.change(change)).unwrap();
    }
    text.push_str("\n}");
    text
}

#[derive(Clone, Copy)]
struct Writing<'a> {
    ids: &'a Ids,
}

impl Writing<'_> {
    fn change(self, change: &Change) -> String {
        let table = &TABLES[change.table()];
        let name = table.name;
        let all = table.all[..1].to_uppercase() + &table.all[1..];
        let one = match &table.text {
            Some(text) => format!("{{ {} }}", text.field),
            None => "{ place { name } }".to_owned(),
        };
        match change {
            Change::Create { table, rows, many: false } => {
                format!("create{name}(input: {}) {one}", self.row(*table, &rows[0]))
            }
            Change::Create { table, rows, many: true } => {
                format!("create{all}(input: {}) {one}", self.rows(*table, rows))
            }
            Change::Update { table, key, row } => {
                format!(
                    "update{name}({}, input: {}) {one}",
                    self.argument(*table, key),
                    self.row(*table, row)
                )
            }
            Change::UpdateMany { table, keys, row } => format!(
                "update{all}(where: {}, input: {}) {{ affected nodes {one} }}",
                self.filter(*table, keys),
                self.row(*table, row)
            ),
            Change::Upsert { table, row, on } => format!(
                "upsert{name}(input: {}, onConflict: {}) {one}",
                self.row(*table, row),
                conflict(*table, *on)
            ),
            Change::Delete { table, key } => format!("delete{name}({}) {one}", self.argument(*table, key)),
            Change::DeleteMany { table, keys } => format!(
                "delete{all}(where: {}) {{ affected cascaded {{ entity count }} }}",
                self.filter(*table, keys)
            ),
        }
    }

    /// Returns the primary key of a row, whatever key identifies it.
    fn primary(self, key: &Key) -> i64 {
        match key {
            Key::Id(handle) | Key::Of(_, handle) => self.ids[handle],
            Key::Missing => NOBODY,
            Key::Text(text) => panic!("{text} is no primary key"),
        }
    }

    fn argument(self, table: usize, key: &Key) -> String {
        format!("{}: {}", TABLES[table].key.0, self.primary(key))
    }

    fn filter(self, table: usize, keys: &[Key]) -> String {
        let keys: Vec<String> = keys.iter().map(|key| self.primary(key).to_string()).collect();
        format!("{{ {}: {{ in: [{}] }} }}", TABLES[table].key.0, keys.join(", "))
    }

    fn key(self, table: usize, key: &Key) -> String {
        let table = &TABLES[table];
        match key {
            Key::Id(_) | Key::Missing => format!("{{ {}: {} }}", table.key.0, self.primary(key)),
            Key::Text(text) => format!("{{ {}: {text:?} }}", table.text.as_ref().unwrap().field),
            Key::Of(forward, handle) => {
                format!("{{ {}: {} }}", table.forward[*forward].key.unwrap(), self.ids[handle])
            }
        }
    }

    fn keys(self, table: usize, keys: &[Key]) -> String {
        let keys: Vec<String> = keys.iter().map(|key| self.key(table, key)).collect();
        format!("[{}]", keys.join(", "))
    }

    fn rows(self, table: usize, rows: &[Row]) -> String {
        let rows: Vec<String> = rows.iter().map(|row| self.row(table, row)).collect();
        format!("[{}]", rows.join(", "))
    }

    fn row(self, id: usize, row: &Row) -> String {
        let table = &TABLES[id];
        let mut fields = Vec::new();
        match row.id {
            Some(Id::Of(handle)) => fields.push(format!("id: {}", self.ids[&handle])),
            Some(Id::Fresh(id)) => fields.push(format!("id: {id}")),
            None => {}
        }
        if let (Some(text), Some(described)) = (&row.text, &table.text) {
            fields.push(format!("{}: {text:?}{}", described.field, table.needs));
        }
        match row.null {
            Some(Null::Text) => fields.push(format!("{}: null", table.text.as_ref().unwrap().field)),
            Some(Null::Forward(forward)) => fields.push(format!("{}: null", table.forward[forward].field)),
            None => {}
        }
        for (forward, link) in &row.forward {
            let forward = &table.forward[*forward];
            let link = match link {
                Link::Null => "null".to_owned(),
                Link::Key(key) => self.key(forward.target, key),
                Link::Create(row) => format!("{{ create: {} }}", self.row(forward.target, row)),
            };
            fields.push(format!("{}: {link}", forward.field));
        }
        for (below, change) in &row.below {
            let below = &table.below[*below];
            let change = match below.kind {
                Kind::One(_) => self.below_one(below.target, change),
                Kind::Many(_) | Kind::Links => self.below_many(below.target, change),
            };
            fields.push(format!("{}: {{ {} }}", below.field, change.join(", ")));
        }
        format!("{{ {} }}", fields.join(", "))
    }

    fn below_one(self, target: usize, below: &Below) -> Vec<String> {
        let mut fields = Vec::new();
        if below.delete_one {
            fields.push("delete: true".to_owned());
        }
        fields.extend(below.update.iter().map(|(_, row)| format!("update: {}", self.row(target, row))));
        fields.extend(below.upsert.iter().map(|(create, update)| {
            let (create, update) = (self.row(target, create), self.row(target, update));
            format!("upsert: {{ create: {create}, update: {update} }}")
        }));
        fields.extend(below.connect.iter().map(|key| format!("connect: {}", self.key(target, key))));
        fields.extend(below.create.iter().map(|row| format!("create: {}", self.row(target, row))));
        fields
    }

    fn below_many(self, target: usize, below: &Below) -> Vec<String> {
        let mut fields = Vec::new();
        let lists =
            [("disconnect", &below.disconnect), ("delete", &below.delete), ("connect", &below.connect)];
        for (name, keys) in lists.into_iter().filter(|(_, keys)| !keys.is_empty()) {
            fields.push(format!("{name}: {}", self.keys(target, keys)));
        }
        fields.extend(below.set.iter().map(|keys| format!("set: {}", self.keys(target, keys))));
        if !below.update.is_empty() {
            let update = |(key, row): &(Option<Key>, Row)| {
                let key = self.key(target, key.as_ref().unwrap());
                format!("{{ where: {key}, input: {} }}", self.row(target, row))
            };
            let updates: Vec<String> = below.update.iter().map(update).collect();
            fields.push(format!("update: [{}]", updates.join(", ")));
        }
        if !below.create.is_empty() {
            fields.push(format!("create: {}", self.rows(target, &below.create)));
        }
        fields
    }
}

fn conflict(table: usize, on: On) -> String {
    let table = &TABLES[table];
    let field = match on {
        On::Key => table.key.0,
        On::Text => table.text.as_ref().unwrap().field,
        On::Forward(forward) => table.forward[forward].key.unwrap(),
    };
    let mut name = String::new();
    for letter in field.chars() {
        if letter.is_uppercase() {
            name.push('_');
        }
        name.push(letter.to_ascii_uppercase());
    }
    name
}
