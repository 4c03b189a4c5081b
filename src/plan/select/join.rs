//! Joins of to-one relations: `LEFT JOIN`, so that a row without a partner stays.
//!
//! The join stands beside `ORDER BY … LIMIT`, not around it. For a join after the limit, PostgreSQL reads the
//! whole other table, even with a known number of rows. That is faster for a small table, and many times
//! slower for a large one.

use sea_orm::JoinType;
use sea_orm::sea_query::{Alias, Condition, Expr, ExprTrait, SelectStatement, TableRef};

use super::condition::join_condition;
use super::output::OutputColumn;
use super::ruled_table::RuledTable;
use super::scope::Scope;
use super::statement::Join;
use crate::model::{ColumnId, EntityId, Relation, RelationId};
use crate::plan::{Load, LoadKind};

/// Joined relations of one statement.
pub(super) struct Joins<'a> {
    select: Scope<'a>,
    known: &'a [(RelationId, String)],
    /// Relations joined to the rows themselves; the statement supplies their own columns.
    direct: Vec<(&'a Relation, EntityId, String)>,
    /// Relations joined to a joined relation.
    further: Vec<(TableRef, Condition)>,
    /// Selected columns of the joins.
    pub outputs: Vec<OutputColumn>,
    /// Slots of the columns, for each nested load.
    pub slots: Vec<Option<Join>>,
    count: usize,
}

impl<'a> Joins<'a> {
    /// Collects the joined relations below `load`, whose own outputs end before `first`. Relations in `known`
    /// are in the statement already, under these aliases.
    pub fn new(select: Scope<'a>, load: &'a Load, first: usize, known: &'a [(RelationId, String)]) -> Self {
        let mut joins = Self {
            select,
            known,
            direct: Vec::new(),
            further: Vec::new(),
            outputs: Vec::new(),
            slots: Vec::new(),
            count: 0,
        };
        joins.slots = joins.collect(load, None, first);
        joins
    }

    fn collect(&mut self, load: &'a Load, parent: Option<&str>, first: usize) -> Vec<Option<Join>> {
        load.children().iter().map(|child| self.join(child, parent, first)).collect()
    }

    fn join(&mut self, load: &'a Load, parent: Option<&str>, first: usize) -> Option<Join> {
        let (owner, id) = load.relation.filter(|_| load.joined)?;
        let LoadKind::Rows(rows) = &load.what else { return None };
        let model = self.select.model;
        let relation = &model.entities[owner].relations[id];
        let target = &model.entities[load.source.entity()];
        let mut alias = format!("one{}", self.count);
        self.count += 1;
        match (parent, self.known.iter().find(|(known, _)| *known == id)) {
            (Some(parent), _) => {
                let on = join_condition(&self.select, owner, parent, relation, &alias);
                let RuledTable { table, rule } = self.select.table_of(load.source.entity(), &alias);
                self.further.push((table, on.add_option(rule)));
            }
            (None, Some((_, known))) => alias.clone_from(known),
            (None, None) => self.direct.push((relation, load.source.entity(), alias.clone())),
        }
        let start = self.outputs.len();
        let mut columns: Vec<ColumnId> = rows.columns.clone();
        let mut place = |column: &ColumnId| {
            columns.iter().position(|known| known == column).unwrap_or_else(|| {
                columns.push(*column);
                columns.len() - 1
            })
        };
        let key = relation.to.iter().map(|column| first + start + place(column)).collect();
        for id in columns {
            let column = &target.columns[id];
            let expression = self.select.cell(load.source.entity(), id, &alias);
            self.outputs.push(OutputColumn {
                expression: self.select.dialect.selected(expression, &column.column_type),
                column_type: column.column_type.clone(),
                alias: String::new(),
            });
        }
        let below = self.collect(load, Some(&alias), first);
        Some(Join { first: first + start, key, below })
    }

    /// Adds the joins to a statement; `own` returns a column of the statement's rows.
    pub fn apply(&self, statement: &mut SelectStatement, own: impl Fn(ColumnId) -> Expr) {
        for (relation, id, alias) in &self.direct {
            let target = &self.select.model.entities[*id];
            let met = relation.join.from.iter().zip(&relation.join.to).map(|(from, to)| {
                let column = &target.columns[*to];
                let there = Expr::col((Alias::new(alias), Alias::new(&column.name)));
                let dialect = self.select.dialect;
                dialect
                    .compared(there, &column.column_type)
                    .eq(dialect.compared(own(*from), &column.column_type))
            });
            let on = met.fold(Condition::all(), Condition::add);
            let RuledTable { table, rule } = self.select.table_of(*id, alias);
            statement.join(JoinType::LeftJoin, table, on.add_option(rule));
        }
        for (table, on) in &self.further {
            statement.join(JoinType::LeftJoin, table.clone(), on.clone());
        }
        for output in &self.outputs {
            statement.expr(output.expression.clone());
        }
    }
}
