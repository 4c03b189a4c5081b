//! Mutations of several rows, composed into one statement that also returns the result:
//!
//! ```sql
//! WITH "users" AS (INSERT INTO "users" ("username") VALUES ($1) RETURNING "id", "username"),
//!      "profiles" AS (INSERT INTO "profiles" ("bio", "user_id") VALUES ($2, (SELECT "id" FROM "users")) RETURNING …)
//! SELECT … FROM "users" AS "main" LEFT JOIN "profiles" AS … ON …
//! ```
//!
//! The name of a common table expression hides the table, so the statement of the result's plan reads the returned
//! rows. The tables would not show them: all parts of a statement read one snapshot (PostgreSQL, section 7.8.4).

use std::collections::{BTreeMap, BTreeSet};

use sea_orm::Statement;
use sea_orm::sea_query::{Alias, CommonTableExpression, Expr, Query as Sql, SubQueryStatement, WithClause};

use super::alone::{SingleStatement, SingleWrite};
use super::statement::WriteStatement;
use crate::execute::is_joined;
use crate::model::{ColumnId, EntityId, Model, RelationId, Table, TableKind};
use crate::plan::{Catalog, Load, LoadKind, Selection};

/// Parts of the statement, at most one of each table.
#[derive(Default)]
pub(super) struct Composed {
    parts: WithClause,
    /// Entities whose tables the parts hide, with the row that each returns.
    hidden: BTreeMap<EntityId, Option<ReturnedRow>>,
    touches: Vec<Table>,
}

/// Row that a part returns, with all its columns.
pub(super) struct ReturnedRow {
    /// Owner and relation through which another returned row reaches this one; `None` at the root.
    pub relation: Option<(EntityId, RelationId)>,
    /// Columns whose values the client gave.
    pub given: BTreeSet<ColumnId>,
}

impl Composed {
    /// Adds a part under the name of the table that it writes.
    pub fn add(&mut self, table: &Table, part: impl Into<SubQueryStatement>, touches: Vec<Table>) {
        let mut expression = CommonTableExpression::new();
        expression.table_name(Alias::new(&table.name)).query(part);
        self.parts.cte(expression);
        self.touches.extend(touches);
    }
}

impl SingleWrite<'_> {
    /// Announces the part that writes a table, before the parts that it needs, and the row that it will return. `None` if the
    /// table cannot be hidden, or if a trigger may change the row after it has been returned.
    pub(super) fn announce(
        &self,
        composed: &mut Composed,
        id: EntityId,
        row: Option<ReturnedRow>,
    ) -> Option<()> {
        let entity = &self.writer.model().entities[id];
        // A name with a schema is not hidden.
        let can_be_hidden = entity.kind == TableKind::Table && entity.table.schema.is_none();
        let is_hidden = can_be_hidden && self.writer.is_plain(&entity.table);
        (is_hidden && composed.hidden.insert(id, row).is_none()).then_some(())
    }

    /// Returns the statement. `None` if it could not return the result.
    pub(super) fn compose(
        &self,
        composed: Composed,
        load: Load,
        selection: Selection,
    ) -> Option<SingleStatement> {
        if !self.reads_safely(&composed, &load) {
            return None;
        }
        let select = self.writer.session.select(Catalog::none());
        let built = select.of_written(&load, composed.parts);
        if !is_joined(load.children(), &built.slots.joins) {
            return None;
        }
        let values = select.values(&built, &[], &[]);
        let backend = self.writer.session.dialect().backend();
        let statement = WriteStatement {
            own: self.writer.model().entities[load.source.entity()].table.clone(),
            statement: Statement::from_sql_and_values(backend, &*built.sql, values.iter().cloned()),
            columns: built.columns.to_vec(),
            touches: composed.touches,
            inserted: None,
        };
        Some(SingleStatement { load, selection, statement, joins: built.slots.joins })
    }

    /// Returns true if the result reads each returned row through the relation that leads to it, and all columns are readable
    /// whatever their values.
    fn reads_safely(&self, composed: &Composed, load: &Load) -> bool {
        let LoadKind::Rows(rows) = &load.what else { return false };
        let id = load.source.entity();
        let hidden = composed.hidden.get(&id);
        let returned = hidden.and_then(Option::as_ref);
        // A row of the table that is not the returned one is hidden.
        let is_hidden = hidden.is_some() && returned.is_none_or(|row| row.relation != load.relation);
        let given = returned.map(|row| &row.given);
        !is_hidden
            && rows.computed.is_empty()
            && self.writer.are_readable(id, &rows.columns, given.unwrap_or(&BTreeSet::new()))
            && rows.children.iter().all(|child| child.joined && self.reads_safely(composed, child))
    }
}

/// Returns the cell of the returned row of an entity.
pub(super) fn cell(model: &Model, id: EntityId, column: ColumnId) -> Expr {
    let entity = &model.entities[id];
    let mut select = Sql::select();
    select.column(Alias::new(&entity.columns[column].name)).from(Alias::new(&entity.table.name));
    Expr::SubQuery(None, Box::new(select.into()))
}
