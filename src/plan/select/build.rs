//! Entry points of the builder: statements of loads, and the values of their binds.

use std::sync::Arc;

use sea_orm::Value;
use sea_orm::sea_query::{Alias, LockType, SelectStatement, TableRef, WithClause};

use super::binds::{Bind, Binds, ParameterSlot};
use super::body::Body;
use super::builder::SqlBuilder;
use super::condition::{Conditions, Evidence};
use super::output::MAIN;
use super::scope::Scope;
use super::statement::{RelationKey, SqlStatement};
use crate::plan::filter::Filter;
use crate::plan::load::Load;

/// Check of written rows.
#[derive(Clone, Debug)]
pub struct Check<'a> {
    /// Rule that the rows satisfy.
    pub rule: &'a Filter,
    /// Primary keys of all rows of the entity that the operation has written: none of them is evidence.
    pub written: &'a [Vec<Value>],
    /// Rows in place of those of the table, with all columns.
    pub rows: Option<SelectStatement>,
}

impl SqlBuilder<'_> {
    /// Builds the statement of `load`. Its text depends on `keys`, those of the parents, if they are [a single
    /// one](crate::dialect::Dialect::has_text_of_key), or if the load does not [serve all keys](SqlBuilder::serves_all_keys).
    /// Keys are empty at the root.
    pub fn build(&self, load: &Load, keys: &[RelationKey]) -> SqlStatement {
        let binds = Binds::default();
        let body = Body::new(Scope { builder: *self, binds: &binds }, load, keys);
        body.of_load()
    }

    /// Returns true if one statement of `load` serves all keys of parents, and another one a single key.
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
            Bind::KeyList => {
                let values = keys.iter().flatten().cloned().collect();
                Some(self.dialect.list_parameter(values, statement.key_types.first()?))
            }
            Bind::KeyValue(place) => keys.first().and_then(|key| key.get(*place)).cloned(),
            Bind::Parameter(slot) => given(slot),
            Bind::Operand(slot, comparison) => Some(self.dialect.bound(given(slot)?, *comparison)),
        };
        // Collected at once into its shared form: a vector would be copied.
        statement.binds.iter().map(|bind| value(bind).unwrap_or(Value::Int(None))).collect()
    }

    /// Builds the statement of a root load that also locks the rows, in the order found. A rule of the role narrows them
    /// further. PostgreSQL rechecks the rows' own columns after a wait for a lock; SQLite has one writer and needs no lock.
    pub fn locking(&self, load: &Load, lock: Option<LockType>, rule: Option<&Filter>) -> SqlStatement {
        let binds = Binds::default();
        let scope = Scope { builder: *self, binds: &binds };
        let mut body = Body::new(scope, load, &[]);
        body.lock = lock.filter(|_| self.dialect.features().locks_rows);
        let rule = rule.filter(|_| self.sight.is_some());
        let rule = rule.map(|rule| scope.rule(load.source.entity(), MAIN, rule));
        body.filters.extend(rule);
        body.of_load()
    }

    /// Builds the statement of a root load over rows that the statement itself writes. Each statement of `written` returns
    /// rows under the name of their table, which hides the table.
    pub fn of_written(&self, load: &Load, written: WithClause) -> SqlStatement {
        let binds = Binds::default();
        let mut body = Body::new(Scope { builder: *self, binds: &binds }, load, &[]);
        body.written = Some(written);
        body.of_load()
    }

    /// Builds the statement that finds the rows of a root load for which a check does not hold.
    pub fn failing(&self, load: &Load, check: Check) -> SqlStatement {
        if self.sight.is_none() {
            return self.build(load, &[]);
        }
        let binds = Binds::default();
        let scope = Scope { builder: self.under_no_rules(), binds: &binds };
        let mut body = Body::new(scope, load, &[]);
        if let Some(rows) = check.rows {
            body.table = TableRef::SubQuery(Box::new(rows), Alias::new(MAIN).into());
        }
        let entity = load.source.entity();
        let evidence = Evidence { entity, written: check.written };
        body.filters.push(Conditions::of_check(scope, evidence).fails(entity, MAIN, check.rule));
        body.of_load()
    }
}
