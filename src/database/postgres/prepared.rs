//! Named prepared statements.

use std::fmt::Write as _;
use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

use lru::LruCache;
use postgres_types::Type;
use sea_orm::Value;
use sha2::{Digest, Sha256};

use super::decoder::CellDecoder;
use super::parameters;
use crate::model::ColumnType;

/// Maximum number of prepared statements per connection: 256.
const KEPT_STATEMENTS: NonZeroUsize = NonZeroUsize::MIN.saturating_add(255);

/// Maximum text size of all prepared statements of a connection. The server's plans take about ten times as
/// much.
const KEPT_BYTES: usize = 1 << 20;

/// Size above which texts are parsed on every execution.
const LARGEST_KEPT: usize = 64 << 10;

/// Parsed statement.
pub(super) struct PreparedStatement {
    /// Name at the server. Empty for an unnamed statement, which lasts until the next one.
    pub name: String,
    pub types: Vec<Type>,
    pub columns: Arc<[ColumnType]>,
    /// Column decoders, known once the server has described the rows, which precedes any row.
    pub forms: OnceLock<Vec<CellDecoder>>,
    /// True if the server parsed the statement, but has not described it on this connection.
    pub is_undescribed: AtomicBool,
}

impl PreparedStatement {
    pub fn new(name: String, types: Vec<Type>, columns: Arc<[ColumnType]>) -> Self {
        Self { name, types, columns, forms: OnceLock::new(), is_undescribed: AtomicBool::new(false) }
    }

    /// Returns true if the statement has these value types and columns.
    fn fits(&self, values: &[Value], columns: &Arc<[ColumnType]>) -> bool {
        let mut types = values.iter().zip(&self.types);
        self.columns == *columns
            && types.all(|(value, known)| parameters::type_of(value).as_ref() == Some(known))
    }
}

/// Returns the name of a statement: a hash of its text, its parameter types and the role that executes it. A name identifies
/// one statement in every process, because a pooler may share a server connection among all processes. The server plans
/// a statement again whenever another role executes it, if row security is involved; hence a name for each role.
pub(super) fn name_of(sql: &str, types: &[Type], role: Option<&str>) -> String {
    let mut hash = Sha256::new();
    hash.update(sql);
    hash.update([0]);
    for oid in types.iter().map(Type::oid) {
        hash.update(oid.to_be_bytes());
    }
    if let Some(role) = role {
        hash.update([0]);
        hash.update(role);
    }
    let mut name = String::from("cf_");
    for byte in &hash.finalize()[..16] {
        // Writing to a string cannot fail.
        let _ = write!(name, "{byte:02x}");
    }
    name
}

/// Statements of one connection by the role that executes them. The roles of viewers are declared, and few.
#[derive(Default)]
pub(super) struct RoleStatements(Vec<(Option<String>, StatementCache)>);

impl RoleStatements {
    /// Returns the statements of a role; `None` is that of the connection.
    pub fn of(&mut self, role: Option<&str>) -> &mut StatementCache {
        let known = self.0.iter().position(|(known, _)| known.as_deref() == role);
        let place = known.unwrap_or_else(|| {
            self.0.push((role.map(str::to_owned), StatementCache::new()));
            self.0.len() - 1
        });
        &mut self.0[place].1
    }
}

/// Recently used statements of one role on one connection, bounded by number and by text size.
pub(super) struct StatementCache {
    statements: LruCache<Arc<str>, Arc<PreparedStatement>>,
    bytes: usize,
}

impl StatementCache {
    pub fn new() -> Self {
        Self { statements: LruCache::new(KEPT_STATEMENTS), bytes: 0 }
    }

    /// Returns true if a statement with this text is kept at all.
    pub fn takes(sql: &str) -> bool {
        sql.len() <= LARGEST_KEPT
    }

    pub fn get(
        &mut self,
        sql: &Arc<str>,
        values: &[Value],
        columns: &Arc<[ColumnType]>,
    ) -> Option<Arc<PreparedStatement>> {
        self.statements.get(sql).filter(|prepared| prepared.fits(values, columns)).cloned()
    }

    /// Keeps a statement, and returns the names of evicted statements.
    pub fn put(&mut self, sql: Arc<str>, prepared: Arc<PreparedStatement>) -> Vec<String> {
        let mut forgotten = Vec::new();
        let name = prepared.name.clone();
        self.bytes += sql.len();
        let replaced = self.statements.push(sql, prepared);
        let mut forget = |sql: Arc<str>, prepared: Arc<PreparedStatement>, bytes: &mut usize| {
            *bytes = bytes.saturating_sub(sql.len());
            if prepared.name != name {
                forgotten.push(prepared.name.clone());
            }
        };
        if let Some((sql, prepared)) = replaced {
            forget(sql, prepared, &mut self.bytes);
        }
        while self.bytes > KEPT_BYTES && self.statements.len() > 1 {
            let Some((sql, prepared)) = self.statements.pop_lru() else { break };
            forget(sql, prepared, &mut self.bytes);
        }
        forgotten
    }

    /// Forgets a statement, unless it was replaced meanwhile. Returns true if it was kept.
    pub fn forget(&mut self, sql: &Arc<str>, prepared: &Arc<PreparedStatement>) -> bool {
        let is_same = self.statements.peek(sql).is_some_and(|kept| Arc::ptr_eq(kept, prepared));
        if is_same && self.statements.pop(sql).is_some() {
            self.bytes = self.bytes.saturating_sub(sql.len());
        }
        is_same
    }

    /// Records that the server already knows a statement by name; the next use describes it first.
    pub fn note_known(&mut self, sql: &Arc<str>, prepared: &Arc<PreparedStatement>) {
        let known =
            PreparedStatement::new(prepared.name.clone(), prepared.types.clone(), prepared.columns.clone());
        known.is_undescribed.store(true, Ordering::Relaxed);
        if self.forget(sql, prepared) {
            self.put(sql.clone(), Arc::new(known));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(sql: &str) -> (Arc<str>, Arc<PreparedStatement>) {
        (sql.into(), Arc::new(PreparedStatement::new(name_of(sql, &[], None), Vec::new(), Arc::default())))
    }

    #[test]
    fn statement_name_depends_only_on_text_types_and_role() {
        assert_eq!(name_of("SELECT $1", &[Type::INT4], None), "cf_40b6f694ccf3b6bb0c506f464022154f");
        assert_ne!(name_of("SELECT $1", &[Type::INT4], None), name_of("SELECT $1", &[Type::INT8], None));
        assert_ne!(name_of("SELECT $1", &[], None), name_of("SELECT $2", &[], None));
        assert_ne!(name_of("SELECT $1", &[], None), name_of("SELECT $1", &[], Some("a")));
        assert_ne!(name_of("SELECT $1", &[], Some("b")), name_of("SELECT $1", &[], Some("a")));
    }

    #[test]
    fn statements_are_kept_up_to_a_number_of_bytes() {
        let mut all = StatementCache::new();
        let mut names = Vec::new();
        for number in 0..100 {
            let (sql, prepared) = kept(&format!("{number}{}", " ".repeat(LARGEST_KEPT - 10)));
            names.push(prepared.name.clone());
            let forgotten = all.put(sql, prepared);
            assert!(all.bytes <= KEPT_BYTES, "{}", all.bytes);
            assert!(forgotten.iter().all(|name| names.contains(name)));
        }
        assert!(all.statements.len() < 20, "{}", all.statements.len());
        let bytes: usize = all.statements.iter().map(|(sql, _)| sql.len()).sum();
        assert_eq!(bytes, all.bytes);
    }

    #[test]
    fn a_statement_that_was_replaced_is_not_forgotten() {
        let mut all = StatementCache::new();
        let ((sql, old), (_, new)) = (kept("SELECT 1"), kept("SELECT 1"));
        assert!(all.put(sql.clone(), old.clone()).is_empty());
        // Equal names: closing the old one would close the new one.
        assert!(all.put(sql.clone(), new.clone()).is_empty());
        assert!(!all.forget(&sql, &old));
        assert!(all.forget(&sql, &new));
        assert_eq!(all.bytes, 0);
    }
}
