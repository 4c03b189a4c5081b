//! Orders in SQL, and the places that cursors mark in them.

use sea_orm::Value;
use sea_orm::sea_query::{
    Alias, Condition, Expr, ExprTrait, NullOrdering, Order, SelectStatement, TableRef, WindowStatement,
};

use super::condition::{Conditions, meet};
use super::{JUNCTION, MAIN, Output, Select, table};
use crate::model::{ColumnType, EntityId};
use crate::plan::cursor::Cursor;
use crate::plan::filter::Filter;
use crate::plan::order::{Direction, OrderBy, OrderTerm};

/// An order in SQL.
pub(super) struct Ordering<'a> {
    select: &'a Select<'a>,
    /// The tables of to-one relations, joined so that rows without a partner stay.
    pub(super) joins: Vec<(TableRef, Condition)>,
    terms: Vec<Term>,
}

struct Term {
    expression: Expr,
    column_type: ColumnType,
    nullable: bool,
    direction: Direction,
}

/// What can be given an order: a statement, or a window in it.
pub(super) trait Ordered {
    fn add(&mut self, expression: Expr, order: Order, nulls: Option<NullOrdering>);
}

impl Ordered for SelectStatement {
    fn add(&mut self, expression: Expr, order: Order, nulls: Option<NullOrdering>) {
        match nulls {
            Some(nulls) => self.order_by_expr_with_nulls(expression, order, nulls),
            None => self.order_by_expr(expression, order),
        };
    }
}

impl Ordered for WindowStatement {
    fn add(&mut self, expression: Expr, order: Order, nulls: Option<NullOrdering>) {
        match nulls {
            Some(nulls) => self.order_by_expr_with_nulls(expression, order, nulls),
            None => self.order_by_expr(expression, order),
        };
    }
}

impl<'a> Ordering<'a> {
    pub(super) fn none(select: &'a Select) -> Self {
        Self { select, joins: Vec::new(), terms: Vec::new() }
    }

    pub(super) fn new(select: &'a Select, root: EntityId, order: &[OrderTerm]) -> Self {
        let mut ordering = Self::none(select);
        let mut aliases: Vec<(Vec<usize>, String)> = Vec::new();
        for term in order {
            let mut entity = root;
            let mut alias = MAIN.to_owned();
            for depth in 1..=term.path.len() {
                let relation = &select.model.entities[entity].relations[term.path[depth - 1]];
                let path = &term.path[..depth];
                alias = match aliases.iter().find(|(known, _)| known == path) {
                    Some((_, known)) => known.clone(),
                    None => {
                        let joined = format!("order{}", aliases.len());
                        let target = &select.model.entities[relation.target];
                        let on = meet(select, entity, &alias, relation, &joined);
                        ordering.joins.push((table(&target.table, &joined), on));
                        aliases.push((path.to_vec(), joined.clone()));
                        joined
                    }
                };
                entity = relation.target;
            }
            let expression = match term.by {
                OrderBy::Column(id) => Expr::col((
                    Alias::new(&alias),
                    Alias::new(&select.model.entities[entity].columns[id].name),
                )),
                OrderBy::Junction(junction, id) => {
                    Expr::col((JUNCTION, Alias::new(&select.model.entities[junction].columns[id].name)))
                }
                OrderBy::Count(relation) => {
                    let mut conditions = Conditions::new(select);
                    let mut count =
                        conditions.related(entity, &alias, relation, "counted", &Filter::everything());
                    count.expr(Expr::cust("COUNT(*)"));
                    Expr::from(count)
                }
            };
            let (column_type, nullable) = term.column_type(select.model, root);
            ordering.terms.push(Term {
                expression: select.dialect.ordered(expression, &column_type),
                column_type,
                nullable,
                direction: term.direction,
            });
        }
        ordering
    }

    pub(super) fn apply(&self, statement: &mut impl Ordered, reversed: bool) {
        for term in &self.terms {
            let direction = if reversed { term.direction.reversed() } else { term.direction };
            let order = if direction.descending { Order::Desc } else { Order::Asc };
            let nulls = self.select.dialect.nulls(&order, direction.nulls_first, term.nullable);
            statement.add(term.expression.clone(), order, nulls);
        }
    }

    pub(super) fn cursor_columns(&self) -> Vec<Output> {
        let output = |(index, term): (usize, &Term)| Output {
            expression: self.select.dialect.selected(term.expression.clone(), &term.column_type),
            column_type: term.column_type.clone(),
            alias: format!("cursor{index}"),
        };
        self.terms.iter().enumerate().map(output).collect()
    }

    /// The rows that come after `cursor` in the order, or before it when reversed. The condition is true or false
    /// and never NULL, so that its negation holds for exactly the other rows.
    pub(super) fn beyond(&self, cursor: &Cursor, reversed: bool) -> Expr {
        if let Some(simple) = self.beyond_by_tuple(cursor, reversed) {
            return simple;
        }
        let mut condition: Option<Expr> = None;
        for (term, value) in self.terms.iter().zip(&cursor.0).rev() {
            let direction = if reversed { term.direction.reversed() } else { term.direction };
            let past = term.past(value.as_ref(), direction);
            condition = Some(match condition {
                None => past,
                Some(rest) => {
                    let tie = term.equal_to(value.as_ref()).and(rest);
                    Expr::or(past, tie)
                }
            });
        }
        condition.unwrap_or_else(|| Expr::cust("FALSE"))
    }

    /// `(a, b) > (?, ?)` where every term goes the same way and none is NULL: an index can follow it.
    fn beyond_by_tuple(&self, cursor: &Cursor, reversed: bool) -> Option<Expr> {
        let descending = self.terms.first()?.direction.descending != reversed;
        let uniform = self
            .terms
            .iter()
            .all(|term| !term.nullable && (term.direction.descending != reversed) == descending);
        let values: Option<Vec<Value>> = cursor.0.iter().cloned().collect();
        let values = values.filter(|_| uniform)?;
        let (columns, values) = match (self.terms.as_slice(), values.as_slice()) {
            ([term], [value]) => (term.expression.clone(), Expr::val(value.clone())),
            _ => (
                Expr::tuple(self.terms.iter().map(|term| term.expression.clone())),
                Expr::tuple(values.into_iter().map(Expr::val)),
            ),
        };
        Some(if descending { columns.lt(values) } else { columns.gt(values) })
    }
}

impl Term {
    fn past(&self, value: Option<&Value>, direction: Direction) -> Expr {
        let column = || self.expression.clone();
        let Some(value) = value else {
            // Past NULL are the values when it stands first, and nothing when it stands last.
            return if direction.nulls_first { column().is_not_null() } else { Expr::cust("FALSE") };
        };
        let value = Expr::val(value.clone());
        let compared = if direction.descending { column().lt(value) } else { column().gt(value) };
        match (self.nullable, direction.nulls_first) {
            (false, _) => compared,
            (true, false) => compared.or(column().is_null()),
            (true, true) => compared.and(column().is_not_null()),
        }
    }

    fn equal_to(&self, value: Option<&Value>) -> Expr {
        match value {
            None => self.expression.clone().is_null(),
            Some(value) if self.nullable => {
                let equal = self.expression.clone().eq(Expr::val(value.clone()));
                equal.and(self.expression.clone().is_not_null())
            }
            Some(value) => self.expression.clone().eq(Expr::val(value.clone())),
        }
    }
}
