//! Orders in SQL, and the cursor conditions on them.

use sea_orm::sea_query::{
    Alias, Condition, Expr, ExprTrait, Func, NullOrdering, Order, Query as Sql, SelectStatement, TableRef,
    WindowStatement,
};
use sea_orm::{JoinType, Value};

use super::condition::{Conditions, join_condition, meet_junction};
use super::output::{JUNCTION, MAIN, OutputColumn};
use super::related::Correlation;
use super::ruled_table::RuledTable;
use super::scope::Scope;
use crate::dialect::Comparison;
use crate::model::{ColumnType, EntityId, Relation, RelationId};
use crate::plan::cursor::Cursor;
use crate::plan::filter::Filter;
use crate::plan::order::{Direction, OrderBy, OrderTerm};

/// Alias of the counted table.
const COUNTED: &str = "counted";
/// Alias of the number of rows in a list.
const COUNT: &str = "count";

/// Order in SQL.
pub(super) struct Ordering<'a> {
    select: Scope<'a>,
    /// Tables of to-one relations, left-joined so that rows without a partner stay.
    pub(super) joins: Vec<(TableRef, Condition)>,
    terms: Vec<Term>,
}

struct Term {
    /// Column or count, as stored.
    stored: Expr,
    /// Form of `stored` that is compared.
    expression: Expr,
    column_type: ColumnType,
    nullable: bool,
    direction: Direction,
}

/// Target of an ORDER BY: a statement, or a window.
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
    pub(super) fn none(select: Scope<'a>) -> Self {
        Self { select, joins: Vec::new(), terms: Vec::new() }
    }

    pub(super) fn new(select: Scope<'a>, root: EntityId, order: &[OrderTerm]) -> Self {
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
                        let on = join_condition(&select, entity, &alias, relation, &joined);
                        let RuledTable { table, rule } = select.table_of(relation.target, &joined);
                        ordering.joins.push((table, on.add_option(rule)));
                        aliases.push((path.to_vec(), joined.clone()));
                        joined
                    }
                };
                entity = relation.target;
            }
            let expression = match term.by {
                OrderBy::Column(id) => {
                    let cell = select.cell(entity, id, &alias);
                    match select.model.entities[entity].columns[id].column_type.sortable() {
                        true => cell,
                        false => cell.cast_as("text"),
                    }
                }
                OrderBy::Junction(junction, id) => select.cell(junction, id, JUNCTION),
                OrderBy::Count(relation) => ordering.count(entity, &alias, relation),
            };
            let (column_type, nullable) = term.column_type(select.model, root);
            ordering.terms.push(Term {
                expression: select.dialect.ordered(expression.clone(), &column_type),
                stored: expression,
                column_type,
                nullable,
                direction: term.direction,
            });
        }
        ordering
    }

    /// Returns the number of rows in a list. Counts per row if an index leads to the list; otherwise joins
    /// the counts of all lists, which omit empty lists.
    fn count(&mut self, owner: EntityId, alias: &str, id: RelationId) -> Expr {
        let model = self.select.model;
        let relation = &model.entities[owner].relations[id];
        if !self.select.reads_whole_tables(owner, relation) {
            let mut conditions = Conditions::new(self.select);
            let mut count =
                conditions.related(owner, alias, id, COUNTED, &Filter::everything(), Correlation::PerRow);
            count.expr(Expr::cust("COUNT(*)"));
            return Expr::from(count);
        }
        let counts = format!("counts{}", self.joins.len());
        let (mut lists, keys) = self.lists(relation);
        lists.expr_as(Expr::cust("COUNT(*)"), COUNT);
        let mut on = Condition::all();
        for (place, (key, own)) in keys.into_iter().zip(&relation.join.from).enumerate() {
            let name = Alias::new(format!("key{place}"));
            let own = &model.entities[owner].columns[*own];
            let dialect = self.select.dialect;
            let key = dialect.compared(key, &own.column_type);
            lists.expr_as(key.clone(), name.clone()).add_group_by([key]);
            let own =
                dialect.compared(Expr::col((Alias::new(alias), Alias::new(&own.name))), &own.column_type);
            on = on.add(Expr::col((Alias::new(&counts), name)).eq(own));
        }
        let lists = TableRef::SubQuery(Box::new(lists), Alias::new(&counts).into());
        self.joins.push((lists, on));
        Func::coalesce([Expr::col((Alias::new(&counts), COUNT)), Expr::cust("0")]).into()
    }

    /// Builds `FROM` for the rows of all lists of a relation, and returns the columns that identify the list.
    fn lists(&self, relation: &Relation) -> (SelectStatement, Vec<Expr>) {
        let target = &self.select.model.entities[relation.target];
        let far = |id: &usize| Expr::col((COUNTED, Alias::new(&target.columns[*id].name)));
        let mut lists = Sql::select();
        let tables = self.select.related_tables(relation, COUNTED, JUNCTION);
        lists.from(tables.target);
        for rule in tables.rules {
            lists.and_where(rule);
        }
        let join = &relation.join;
        let Some(between) = tables.junction else {
            return (lists, join.to.iter().map(far).collect());
        };
        let near = |column: &String| Expr::col((JUNCTION, Alias::new(column)));
        let met = meet_junction(&self.select, JUNCTION, &join.far, COUNTED, relation.target, &join.to);
        lists.join(JoinType::InnerJoin, between, met);
        (lists, join.near.iter().map(near).collect())
    }

    pub(super) fn apply(&self, statement: &mut impl Ordered, reversed: bool) {
        for term in &self.terms {
            let direction = if reversed { term.direction.reversed() } else { term.direction };
            let order = if direction.descending { Order::Desc } else { Order::Asc };
            let nulls = self.select.dialect.nulls(&order, direction.nulls_first, term.nullable);
            statement.add(term.expression.clone(), order, nulls);
        }
    }

    pub(super) fn cursor_columns(&self) -> Vec<OutputColumn> {
        let output = |(index, term): (usize, &Term)| OutputColumn {
            expression: self.select.dialect.selected(term.expression.clone(), &term.column_type),
            column_type: term.column_type.clone(),
            alias: format!("cursor{index}"),
        };
        self.terms.iter().enumerate().map(output).collect()
    }

    /// Returns the condition for rows after `cursor`, or before it when reversed. The condition is never
    /// NULL, so its negation holds for exactly the other rows.
    pub(super) fn beyond(&self, cursor: &Cursor, reversed: bool) -> Expr {
        if let Some(simple) = self.beyond_by_tuple(cursor, reversed) {
            return simple;
        }
        let mut condition: Option<Expr> = None;
        for (term, value) in self.terms.iter().zip(&cursor.0).rev() {
            let direction = if reversed { term.direction.reversed() } else { term.direction };
            let past = term.past(self.select, value.as_ref(), direction);
            condition = Some(match condition {
                None => past,
                Some(rest) => {
                    let tie = term.equal_to(self.select, value.as_ref()).and(rest);
                    Expr::or(past, tie)
                }
            });
        }
        condition.unwrap_or_else(|| Expr::cust("FALSE"))
    }

    /// Returns a condition that holds wherever [`Ordering::beyond`] holds for the cursor's row or a row after it, or
    /// before it when reversed. An index of the first column serves the condition.
    ///
    /// The condition stands beside the other one, whose negation would lose rows with it.
    pub(super) fn near(&self, cursor: &Cursor, reversed: bool) -> Option<Expr> {
        let (term, value) = (self.terms.first()?, cursor.0.first()?.as_ref()?);
        let direction = if reversed { term.direction.reversed() } else { term.direction };
        // NULL, which comes after the values here, is near none of them.
        if term.nullable && !direction.nulls_first {
            return None;
        }
        let comparison =
            if direction.descending { Comparison::LessOrEqual } else { Comparison::GreaterOrEqual };
        let value = Expr::val(value.clone());
        self.select.dialect.near(&term.stored, comparison, &value, &term.column_type)
    }

    /// Returns `(a, b) > (?, ?)` if all terms share a direction and none is nullable: an index can follow a
    /// tuple.
    fn beyond_by_tuple(&self, cursor: &Cursor, reversed: bool) -> Option<Expr> {
        let descending = self.terms.first()?.direction.descending != reversed;
        let uniform = self
            .terms
            .iter()
            .all(|term| !term.nullable && (term.direction.descending != reversed) == descending);
        let values: Option<Vec<Value>> = cursor.0.iter().cloned().collect();
        let values = values.filter(|_| uniform)?;
        let (columns, values) = match (self.terms.as_slice(), values.as_slice()) {
            ([term], [value]) => (term.expression.clone(), term.place(self.select, value)),
            _ => {
                let values = self.terms.iter().zip(&values);
                (
                    Expr::tuple(self.terms.iter().map(|term| term.expression.clone())),
                    Expr::tuple(values.map(|(term, value)| term.place(self.select, value))),
                )
            }
        };
        Some(if descending { columns.lt(values) } else { columns.gt(values) })
    }
}

impl Term {
    /// Returns a value of a cursor, for comparison with the ordered form of the column.
    fn place(&self, select: Scope<'_>, value: &Value) -> Expr {
        select.dialect.ordered_value(select.model, value.clone(), &self.column_type)
    }

    fn past(&self, select: Scope<'_>, value: Option<&Value>, direction: Direction) -> Expr {
        let column = || self.expression.clone();
        let Some(value) = value else {
            // After NULL come the values if NULL is first, and nothing if NULL is last.
            return if direction.nulls_first { column().is_not_null() } else { Expr::cust("FALSE") };
        };
        let value = self.place(select, value);
        let compared = if direction.descending { column().lt(value) } else { column().gt(value) };
        match (self.nullable, direction.nulls_first) {
            (false, _) => compared,
            (true, false) => compared.or(column().is_null()),
            (true, true) => compared.and(column().is_not_null()),
        }
    }

    fn equal_to(&self, select: Scope<'_>, value: Option<&Value>) -> Expr {
        match value {
            None => self.expression.clone().is_null(),
            Some(value) if self.nullable => {
                let equal = self.expression.clone().eq(self.place(select, value));
                equal.and(self.expression.clone().is_not_null())
            }
            Some(value) => self.expression.clone().eq(self.place(select, value)),
        }
    }
}
