//! Entry points of the builder: statements of loads, and the values of their binds.

use std::sync::Arc;

use sea_orm::Value;
use sea_orm::sea_query::LockType;

use super::binds::{Bind, Binds, ParameterSlot};
use super::body::Body;
use super::builder::SqlBuilder;
use super::scope::Scope;
use super::statement::{RelationKey, SqlStatement};
use crate::dialect::Dialect;
use crate::plan::load::{Load, LoadKind, Rows};

impl SqlBuilder<'_> {
    /// Builds the statement of `load`. Its text depends on `keys`, those of the parents, only if the load does not
    /// [serve all keys](SqlBuilder::serves_all_keys). Keys are empty at the root.
    pub fn build(&self, load: &Load, keys: &[RelationKey]) -> SqlStatement {
        let binds = Binds::default();
        let body = Body::new(Scope { builder: *self, binds: &binds }, load, keys);
        match &load.what {
            LoadKind::Rows(rows) => body.rows(rows),
            LoadKind::Aggregates(aggregates) => body.aggregates(aggregates),
        }
    }

    /// Returns true if one statement of `load` serves all keys of parents.
    pub fn serves_all_keys(&self, load: &Load) -> bool {
        let binds = Binds::default();
        Body::new(Scope { builder: *self, binds: &binds }, load, &[]).keys_in_text().is_none()
    }

    /// Returns the values of a statement's binds for these parent keys and these values of
    /// [`Plan::parameters`](crate::plan::Plan::parameters). A slot without a value is NULL, which only a
    /// statement that is not sent may have.
    pub fn values(&self, statement: &SqlStatement, keys: &[RelationKey], values: &[Value]) -> Arc<[Value]> {
        let mut parts = None;
        let given = |slot: &ParameterSlot| match slot {
            ParameterSlot::OfPlan(index) => values.get(*index).cloned(),
            ParameterSlot::OfViewer(index) => self.sight?.values.get(*index).cloned(),
        };
        let mut value = |bind: &Bind| match bind {
            Bind::Value(value) => Some(value.clone()),
            Bind::Rows(rows) => Some((*rows).into()),
            Bind::RowsOfPages => Some(self.most_rows_of_pages(keys.len()).into()),
            Bind::Keys(part) => {
                let read = || self.dialect.key_parameters(&statement.key_types, keys);
                parts.get_or_insert_with(read).get(*part).cloned()
            }
            Bind::Parameter(slot) => given(slot),
            Bind::Operand(slot, comparison) => Some(self.dialect.bound(given(slot)?, *comparison)),
        };
        // Collected at once into its shared form: a vector would be copied.
        statement.binds.iter().map(|bind| value(bind).unwrap_or(Value::Int(None))).collect()
    }

    /// Builds the statement of a root load of `rows` that also locks the rows, in the order found. PostgreSQL
    /// rechecks the rows' own columns after a wait for a lock; SQLite has one writer and needs no lock.
    pub fn locking(&self, load: &Load, rows: &Rows, lock: LockType) -> SqlStatement {
        let binds = Binds::default();
        let mut body = Body::new(Scope { builder: *self, binds: &binds }, load, &[]);
        body.lock = Some(lock).filter(|_| self.dialect == Dialect::Postgres);
        body.rows(rows)
    }
}
