//! A new row with the new rows of its to-one relations, inserted by one statement that also returns the result:
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

use futures_util::future::BoxFuture;
use sea_orm::Statement;
use sea_orm::sea_query::{Alias, CommonTableExpression, Expr, Query as Sql, WithClause};

use super::alone::{SingleStatement, SingleWrite};
use super::change::{Create, ForwardLink, NestedWrite, ToOneWrite};
use super::statement::WriteStatement;
use super::touched;
use crate::execute::is_joined;
use crate::model::{ColumnId, EntityId, Model, Relation, RelationId, Table, TableKind};
use crate::plan::{Catalog, Load, LoadKind};

/// New rows of the statement, at most one of each entity.
#[derive(Default)]
struct NewRows {
    rows: BTreeMap<EntityId, NewRow>,
    statements: WithClause,
    touches: Vec<Table>,
}

/// New row.
struct NewRow {
    /// Owner and relation through which another new row reaches this one; `None` at the root.
    relation: Option<(EntityId, RelationId)>,
    /// Columns whose values the client gave.
    given: BTreeSet<ColumnId>,
}

impl SingleWrite<'_> {
    /// Returns the statement that creates a row with its nested rows. `None` if it could not return the result, or if a
    /// nested write is more than a new row of a to-one relation.
    pub(super) async fn insert_nested(&self, id: EntityId, create: &Create) -> Option<SingleStatement> {
        let (load, selection) = self.load(id)?;
        let mut new = NewRows::default();
        self.add(&mut new, id, create, Vec::new(), None).await?;
        if !self.reads_safely(&new, &load) {
            return None;
        }
        let select = self.writer.session.select(Catalog::none());
        let built = select.of_written(&load, new.statements);
        if !is_joined(load.children(), &built.slots.joins) {
            return None;
        }
        let values = select.values(&built, &[], &[]);
        let backend = self.writer.session.dialect().backend();
        let statement = WriteStatement {
            own: self.writer.model().entities[id].table.clone(),
            statement: Statement::from_sql_and_values(backend, &*built.sql, values.iter().cloned()),
            columns: built.columns.to_vec(),
            touches: new.touches,
        };
        Some(SingleStatement { load, selection, statement, joins: built.slots.joins, missing: None })
    }

    /// Adds a row, after the new rows that the row references and before those that reference the row. `links` are the
    /// columns of its keys to rows added before.
    fn add<'b>(
        &'b self,
        new: &'b mut NewRows,
        id: EntityId,
        create: &'b Create,
        mut links: Vec<(ColumnId, Expr)>,
        relation: Option<(EntityId, RelationId)>,
    ) -> BoxFuture<'b, Option<()>> {
        Box::pin(async move {
            let model = self.writer.model();
            let entity = &model.entities[id];
            let is_known = new.rows.keys().any(|known| model.entities[*known].table == entity.table);
            // A name with a schema is not hidden. A trigger may change rows that have been returned.
            let is_plain = entity.kind == TableKind::Table && entity.table.schema.is_none();
            if is_known || !is_plain || !self.is_untriggered(&entity.table) {
                return None;
            }
            let given = create.values.iter().map(|(column, _)| *column).collect();
            new.rows.insert(id, NewRow { relation, given });
            let mut known_links = Vec::new();
            for (place, link) in &create.forward {
                let ForwardLink::Create(target) = link else {
                    known_links.push((*place, link.clone()));
                    continue;
                };
                let Relation { target: target_id, from, to, .. } = &entity.relations[*place];
                self.add(new, *target_id, target, Vec::new(), Some((id, *place))).await?;
                links.extend(from.iter().copied().zip(to.iter().map(|to| cell(model, *target_id, *to))));
            }
            if self.writer.asks_first(id, &known_links) {
                return None;
            }
            let row = self.row(id, create.values.iter().cloned().collect(), &known_links).await?;
            let mut columns: BTreeSet<ColumnId> = row.keys().copied().collect();
            if !links.iter().all(|(column, _)| columns.insert(*column)) {
                return None;
            }
            let writes = self.writer.writes();
            let mut part = CommonTableExpression::new();
            part.table_name(Alias::new(&entity.table.name)).query(writes.insert_linked(id, row, links));
            new.statements.cte(part);
            let columns: Vec<ColumnId> = columns.into_iter().collect();
            new.touches.extend(touched::by_update(model, writes.keys.as_deref(), id, &columns));
            for (place, write) in &create.nested {
                let NestedWrite::ToOne(write) = write else { return None };
                let ToOneWrite {
                    removal: None,
                    update: None,
                    upsert: None,
                    connect: None,
                    create: Some(create),
                } = &**write
                else {
                    return None;
                };
                let Relation { target, from, to, .. } = &entity.relations[*place];
                let links = to.iter().copied().zip(from.iter().map(|from| cell(model, id, *from)));
                self.add(new, *target, create, links.collect(), Some((id, *place))).await?;
            }
            Some(())
        })
    }

    /// Returns true if the result reads each new row through the relation that made it, and all columns are readable
    /// whatever their values.
    fn reads_safely(&self, new: &NewRows, load: &Load) -> bool {
        let LoadKind::Rows(rows) = &load.what else { return false };
        let id = load.source.entity();
        let made = new.rows.get(&id);
        // A row of the table that is not the new one is hidden.
        let is_hidden = made.is_some_and(|row| row.relation != load.relation);
        let given = made.map(|row| &row.given);
        !is_hidden
            && self.are_readable(id, &rows.columns, given.unwrap_or(&BTreeSet::new()))
            && rows.children.iter().all(|child| child.joined && self.reads_safely(new, child))
    }
}

/// Returns the cell of the new row of an entity.
fn cell(model: &Model, id: EntityId, column: ColumnId) -> Expr {
    let entity = &model.entities[id];
    let mut select = Sql::select();
    select.column(Alias::new(&entity.columns[column].name)).from(Alias::new(&entity.table.name));
    Expr::SubQuery(None, Box::new(select.into()))
}
