//! Foreign keys of the database: their actions, and the time of their checks.

use std::collections::BTreeMap;

use super::catalog_row::{table, text};
use crate::database::row::RowSet;
use crate::dialect::Dialect;
use crate::model::{ColumnType, KeyAction, Table};

/// A foreign key of the database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ForeignKey {
    /// Name of the constraint. Empty on SQLite, whose catalog has none.
    pub name: String,
    /// Table that holds the key.
    pub table: Table,
    /// Columns of the key.
    pub columns: Vec<String>,
    /// Table that the key references.
    pub target: Table,
    /// Referenced columns, in the order of the referencing columns.
    pub target_columns: Vec<String>,
    /// ON DELETE.
    pub on_delete: KeyAction,
    /// ON UPDATE.
    pub on_update: KeyAction,
    /// Time of the check.
    pub checked: Checked,
    /// True if the database keeps the key for all rows.
    pub enforced: bool,
    /// True if the last columns are periods: the key's period lies within periods of the target, instead of being equal to
    /// one of them.
    pub over_period: bool,
}

/// Time at which a constraint is checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Checked {
    /// At the end of each statement.
    Immediately,
    /// At the end of each statement, unless a transaction defers it (`DEFERRABLE`).
    Deferrable,
    /// At the end of the transaction (`DEFERRABLE INITIALLY DEFERRED`).
    Deferred,
}

impl ForeignKey {
    /// Returns true if the key pairs exactly these columns with these target columns, in any order.
    pub fn meets(&self, columns: &[String], target_columns: &[String]) -> bool {
        let mut pairs = columns.iter().zip(target_columns);
        let has = |pair| self.columns.iter().zip(&self.target_columns).any(|known| known == pair);
        self.columns.len() == columns.len() && pairs.all(has)
    }
}

/// All foreign keys of a database, by the table that they reference.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ForeignKeys {
    by_target: BTreeMap<Table, Vec<ForeignKey>>,
    /// Schema of tables without a schema name.
    own_schema: Option<String>,
}

impl ForeignKeys {
    /// Returns the keys that reference this table.
    pub fn referencing(&self, table: &Table) -> &[ForeignKey] {
        match &table.schema {
            Some(_) if table.schema == self.own_schema => {
                self.referencing(&Table { schema: None, name: table.name.clone() })
            }
            _ => self.by_target.get(table).map_or(&[], Vec::as_slice),
        }
    }

    /// Returns true if a key's table is the entity's table, with or without the connection's own schema.
    pub fn is(&self, known: &Table, named: &Table) -> bool {
        let schema = named.schema.as_ref().filter(|_| named.schema != self.own_schema);
        known.name == named.name && known.schema.as_ref() == schema
    }

    /// Returns every key.
    pub fn all(&self) -> impl Iterator<Item = &ForeignKey> {
        self.by_target.values().flatten()
    }

    /// Returns true if the end of a transaction may refuse the writes of its statements.
    pub fn has_deferred(&self) -> bool {
        self.all().any(|key| key.checked == Checked::Deferred)
    }

    /// The statement that asks for all keys; its columns are [`COLUMNS`].
    pub(crate) fn sql(dialect: Dialect) -> &'static str {
        match dialect {
            Dialect::Sqlite => SQLITE,
            Dialect::Postgres => POSTGRES,
        }
    }

    /// Builds the keys from what [`ForeignKeys::sql`] brought.
    pub(crate) fn of(dialect: Dialect, rows: &RowSet) -> Self {
        let mut keys: BTreeMap<(Table, String), ForeignKey> = BTreeMap::new();
        let mut own_schema = None;
        for row in 0..rows.len() {
            own_schema = text(rows, row, 10);
            let told = |slot| text(rows, row, slot).unwrap_or_default();
            let key = match keys.entry((table(rows, row), told(2))) {
                std::collections::btree_map::Entry::Occupied(known) => known.into_mut(),
                std::collections::btree_map::Entry::Vacant(free) => {
                    let (table, id) = free.key().clone();
                    let key = ForeignKey {
                        name: told(11),
                        table,
                        columns: Vec::new(),
                        target: Table { schema: text(rows, row, 4), name: told(5) },
                        target_columns: Vec::new(),
                        on_delete: action(&told(7)),
                        on_update: action(&told(8)),
                        checked: match dialect {
                            Dialect::Sqlite => checked_in_sqlite(&id, &told(9)),
                            Dialect::Postgres => checked_in_postgres(&told(9)),
                        },
                        enforced: told(12) == TRUE,
                        over_period: told(13) == TRUE,
                    };
                    free.insert(key)
                }
            };
            key.columns.push(told(3));
            key.target_columns.push(told(6));
        }
        let mut by_target: BTreeMap<Table, Vec<ForeignKey>> = BTreeMap::new();
        for key in keys.into_values() {
            by_target.entry(key.target.clone()).or_default().push(key);
        }
        Self { by_target, own_schema }
    }
}

/// Types of what the catalog queries bring.
pub(crate) const COLUMNS: [ColumnType; 14] = [const { ColumnType::Text }; 14];

/// Text of a flag in [`COLUMNS`].
const TRUE: &str = "true";

/// Columns of foreign keys: schema, table, key, column, target schema, table and column, ON DELETE, ON
/// UPDATE, time of the check, the connection's own schema, name, and two flags: enforced, and over periods. The time of
/// the check is the table's CREATE statement here. SQLite returns names as the reference spells them, so they are looked
/// up.
const SQLITE: &str = r#"SELECT NULL, m.name, CAST(f.id AS TEXT), f."from",
        NULL, COALESCE(t.name, f."table"),
        COALESCE((SELECT name FROM pragma_table_info(f."table") WHERE name = f."to" COLLATE NOCASE),
            (SELECT name FROM pragma_table_info(f."table") WHERE f."to" IS NULL AND pk = f.seq + 1), f."to", ''),
        f.on_delete, f.on_update, m.sql, 'main', '',
        (SELECT CASE foreign_keys WHEN 1 THEN 'true' END FROM pragma_foreign_keys), NULL
    FROM sqlite_master m JOIN pragma_foreign_key_list(m.name) f
    LEFT JOIN sqlite_master t ON t.type = 'table' AND t.name = f."table" COLLATE NOCASE
    WHERE m.type = 'table' ORDER BY m.name, f.id, f.seq"#;

/// Keys of partitions repeat the keys of their partitioned table. A key does not hold for the rows of inheriting tables. Keys with
/// `RESTRICT` are never deferred. As JSON, a row of the catalog has fields that older servers lack: `conenforced` and `conperiod`
/// came with PostgreSQL 18.
const POSTGRES: &str =
    "SELECT NULLIF(n.nspname, current_schema())::text, t.relname::text, k.oid::text, c.attname::text,
        NULLIF(m.nspname, current_schema())::text, o.relname::text, d.attname::text,
        k.confdeltype::text, k.confupdtype::text,
        CASE WHEN k.condeferred THEN 'deferred' WHEN k.condeferrable THEN 'deferrable' ELSE '' END,
        current_schema()::text, k.conname::text,
        (k.convalidated AND COALESCE((to_jsonb(k) ->> 'conenforced')::boolean, true)
            AND (t.relkind = 'p' OR NOT EXISTS (SELECT FROM pg_inherits h WHERE h.inhparent = t.oid)))::text,
        to_jsonb(k) ->> 'conperiod'
    FROM pg_constraint k JOIN pg_class t ON t.oid = k.conrelid JOIN pg_namespace n ON n.oid = t.relnamespace
    JOIN pg_class o ON o.oid = k.confrelid JOIN pg_namespace m ON m.oid = o.relnamespace
    CROSS JOIN LATERAL unnest(k.conkey, k.confkey) WITH ORDINALITY AS p(own, other, place)
    JOIN pg_attribute c ON c.attrelid = t.oid AND c.attnum = p.own
    JOIN pg_attribute d ON d.attrelid = o.oid AND d.attnum = p.other
    WHERE k.contype = 'f' AND k.conparentid = 0 ORDER BY k.oid, p.place";

/// Decodes SQLite's words and PostgreSQL's letters.
fn action(code: &str) -> KeyAction {
    match code {
        "CASCADE" | "c" => KeyAction::Cascade,
        "SET NULL" | "n" => KeyAction::SetNull,
        "SET DEFAULT" | "d" => KeyAction::SetDefault,
        "RESTRICT" | "r" => KeyAction::Restrict,
        _ => KeyAction::NoAction,
    }
}

fn checked_in_postgres(code: &str) -> Checked {
    match code {
        "deferred" => Checked::Deferred,
        "deferrable" => Checked::Deferrable,
        _ => Checked::Immediately,
    }
}

/// Determines the time of the check from the table's CREATE statement, because SQLite's catalog lacks it.
/// Keys are numbered from the last `REFERENCES` of that text to the first.
fn checked_in_sqlite(id: &str, sql: &str) -> Checked {
    let words = words(sql);
    let clauses: Vec<&[&str]> = words
        .iter()
        .enumerate()
        .filter(|(_, word)| word.eq_ignore_ascii_case("REFERENCES"))
        .map(|(start, _)| clause(&words[start + 1..]))
        .collect();
    let clause = id.parse::<usize>().ok().and_then(|id| clauses.get(clauses.len().checked_sub(id + 1)?));
    let has = |wanted: &[&str]| {
        let is_wanted =
            |part: &[&str]| part.iter().zip(wanted).all(|(word, wanted)| word.eq_ignore_ascii_case(wanted));
        clause.is_some_and(|clause| clause.windows(wanted.len()).any(is_wanted))
    };
    // SQLite ignores INITIALLY DEFERRED after NOT DEFERRABLE.
    if !has(&["DEFERRABLE"]) || has(&["NOT", "DEFERRABLE"]) {
        Checked::Immediately
    } else if has(&["INITIALLY", "DEFERRED"]) {
        Checked::Deferred
    } else {
        Checked::Deferrable
    }
}

/// Returns the words up to the end of the column or constraint: a comma or parenthesis at its own level.
fn clause<'w, 's>(words: &'w [&'s str]) -> &'w [&'s str] {
    let mut depth = 0_usize;
    for (place, word) in words.iter().enumerate() {
        match *word {
            "(" => depth += 1,
            ")" if depth > 0 => depth -= 1,
            ")" => return &words[..place],
            "," if depth == 0 => return &words[..place],
            // The next reference of a column with several constraints is another key.
            word if word.eq_ignore_ascii_case("REFERENCES") => return &words[..place],
            _ => {}
        }
    }
    words
}

/// Splits SQL into words and single signs; comments, quoted names and texts are left out.
fn words(sql: &str) -> Vec<&str> {
    let mut words = Vec::new();
    let mut rest = sql;
    while let Some(first) = rest.chars().next() {
        let is_word = |letter: char| letter.is_alphanumeric() || letter == '_';
        let length = match first {
            '-' if rest.starts_with("--") => rest.find('\n').unwrap_or(rest.len()),
            '/' if rest.starts_with("/*") => rest.find("*/").map_or(rest.len(), |end| end + 2),
            '\'' | '"' | '`' => quoted(rest, first),
            '[' => rest.find(']').map_or(rest.len(), |end| end + 1),
            first if is_word(first) => rest.find(|letter| !is_word(letter)).unwrap_or(rest.len()),
            first => first.len_utf8(),
        };
        if is_word(first) || matches!(first, '(' | ')' | ',') {
            words.push(&rest[..length]);
        }
        rest = &rest[length..];
    }
    words
}

/// Returns the length of a quoted text or name; a doubled quote is an escaped quote.
fn quoted(text: &str, quote: char) -> usize {
    let mut place = 1;
    while let Some(end) = text[place..].find(quote) {
        place += end + 1;
        if !text[place..].starts_with(quote) {
            return place;
        }
        place += 1;
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_of_the_check_is_read_from_the_clause_of_each_key() {
        let sql = r#"CREATE TABLE "deferrable initially deferred" (
            id integer PRIMARY KEY, -- REFERENCES nothing DEFERRABLE INITIALLY DEFERRED
            a integer NOT NULL REFERENCES "x" ("id") DEFERRABLE INITIALLY DEFERRED,
            b integer REFERENCES x (id, 'it''s') ON DELETE CASCADE DEFERRABLE, /* REFERENCES */
            c integer DEFAULT 'REFERENCES x DEFERRABLE' references [y z] NOT DEFERRABLE INITIALLY DEFERRED,
            d integer REFERENCES x CHECK (d > 0), e integer DEFAULT (1 + (2)),
            CONSTRAINT k FOREIGN KEY (a, b) REFERENCES x (a, b) ON UPDATE SET NULL deferrable initially deferred
        )"#;
        let found: Vec<Checked> =
            ["4", "3", "2", "1", "0"].map(|id| checked_in_sqlite(id, sql)).into_iter().collect();
        let expected = [
            Checked::Deferred,
            Checked::Deferrable,
            Checked::Immediately,
            Checked::Immediately,
            Checked::Deferred,
        ];
        assert_eq!(found, expected);
        assert_eq!(checked_in_sqlite("5", sql), Checked::Immediately);
    }
}
