//! Pages of a list in SQL.

use sea_orm::JoinType;
use sea_orm::sea_query::{
    Alias, Asterisk, Condition, Expr, ExprTrait, Func, IntoColumnRef, Order, OverStatement, Query as Sql,
    SelectStatement, UnionType, WindowStatement,
};

use super::binds::Bind;
use super::body::Body;
use super::ordering::Ordering;
use super::output::MAIN;
use super::selected::Selected;
use super::statement::PageSide;
use crate::model::TableKind;
use crate::plan::cursor::Cursor;
use crate::plan::{LoadKind, Page};

/// Alias of a row's position in its parent's list.
const POSITION: &str = "position";
/// Alias of the side of the page.
const SIDE: &str = "mark";
/// Alias of a sub-select that numbers rows.
const PAGE: &str = "page";
/// Alias of the parents' keys as a table.
const PARENT: &str = "parent";

/// Part of a page; by default all rows.
#[derive(Default)]
struct PagePart {
    /// Condition besides the load's own.
    condition: Option<Expr>,
    reversed: bool,
    limit: Option<u64>,
    offset: u64,
    side: Option<PageSide>,
}

impl Body<'_> {
    /// Builds the statement for the rows of `page`.
    pub(super) fn page(&self, page: &Page, selected: Selected) -> SelectStatement {
        match page {
            Page::All => self.part(&PagePart::default(), selected),
            Page::Slice { limit, offset } => {
                let part = PagePart { limit: *limit, offset: *offset, ..PagePart::default() };
                self.part(&part, selected)
            }
            Page::Keyset { limit, backward, after, before, looks_outside } => {
                let after_page = after.as_ref().map(|cursor| selected.order.beyond(cursor, false));
                let before_page = before.as_ref().map(|cursor| selected.order.beyond(cursor, true));
                let near =
                    |cursor: &Option<Cursor>, reversed| selected.order.near(cursor.as_ref()?, reversed);
                let inside =
                    [near(after, false), near(before, true), after_page.clone(), before_page.clone()];
                let inside = inside.into_iter().flatten().reduce(Expr::and);
                let page = PagePart {
                    condition: inside,
                    reversed: *backward,
                    // One row more than requested shows whether more rows exist.
                    limit: limit.map(|limit| limit + 1),
                    side: looks_outside.then_some(PageSide::Inside),
                    ..PagePart::default()
                };
                let mut statement = self.part(&page, selected);
                if *looks_outside {
                    let outside = |near: Option<Expr>, beyond: Option<Expr>, side| {
                        let condition = near.into_iter().chain([beyond?.not()]).reduce(Expr::and);
                        Some(PagePart { condition, limit: Some(1), side: Some(side), ..PagePart::default() })
                    };
                    let parts = [
                        outside(near(after, true), after_page, PageSide::Before),
                        outside(near(before, false), before_page, PageSide::After),
                    ];
                    for part in parts.into_iter().flatten() {
                        statement.union(UnionType::All, self.part(&part, selected));
                    }
                    statement.order_by(SIDE, Order::Asc).order_by(POSITION, Order::Asc);
                    self.limit(&mut statement);
                }
                statement
            }
        }
    }

    /// Builds one part of a page. `LIMIT` cuts a single list. For a list per parent, an index finds each
    /// part, or a window numbers the rows. Parts of a UNION are numbered too, or their order would be lost.
    fn part(&self, part: &PagePart, selected: Selected) -> SelectStatement {
        let is_cut_per_parent = self.relation.is_some() && (part.limit.is_some() || part.offset > 0);
        let is_numbered = is_cut_per_parent || part.side.is_some();
        if is_cut_per_parent && self.select.uses_lateral(self.load) {
            return self.lateral_per_parent(part, selected);
        }
        if self.select.limits_before_join(self.load) {
            return self.joined_what_is_left(part, selected);
        }
        let mut inner = self.source_of(part, selected.order, self.is_of_parents());
        if self.relation.is_none() && self.counts_partners_of_view(part) {
            return self.skipped(inner, part, selected);
        }
        if !is_cut_per_parent {
            self.cut(&mut inner, selected.order, part, self.most_rows());
        }
        if is_numbered {
            return self.windowed(inner, part, selected);
        }
        self.select_columns(&mut inner, selected);
        inner
    }

    /// Builds `FROM … WHERE`, with the part's own condition.
    fn source_of(&self, part: &PagePart, order: &Ordering, parents: Option<Expr>) -> SelectStatement {
        let mut source = self.source(order, parents);
        if let Some(condition) = &part.condition {
            source.and_where(condition.clone());
        }
        source
    }

    fn select_columns(&self, statement: &mut SelectStatement, selected: Selected) {
        for output in selected.outputs {
            statement.expr(output.expression.clone());
        }
        selected.joins.apply(statement, |id| Expr::col((MAIN, Alias::new(&self.entity.columns[id].name))));
    }

    /// Returns true if OFFSET would count the partners of an `EXISTS` in the view that the statement reads.
    fn counts_partners_of_view(&self, part: &PagePart) -> bool {
        let is_view = self.entity.kind != TableKind::Table;
        part.offset > 0 && is_view && self.select.dialect.features().offset_counts_partners
    }

    /// Builds `SELECT * FROM (SELECT … ORDER BY … LIMIT …) LIMIT … OFFSET …`. SQLite makes joins of an `EXISTS` in the view, but
    /// none with the rows of an outer statement.
    fn skipped(&self, mut rows: SelectStatement, part: &PagePart, selected: Selected) -> SelectStatement {
        let beyond = |rows: u64| Ord::min(rows.saturating_add(part.offset), i64::MAX.unsigned_abs());
        let ceiling = match self.most_rows() {
            Bind::Rows(most) => Bind::Rows(beyond(most)),
            other => other,
        };
        let first =
            PagePart { limit: part.limit.map(beyond), reversed: part.reversed, ..PagePart::default() };
        self.cut(&mut rows, selected.order, &first, ceiling);
        self.select_columns(&mut rows, selected);
        let mut statement = Sql::select();
        statement.column(Asterisk).from_subquery(rows, PAGE);
        self.limit(&mut statement);
        self.select.binds.offset(&mut statement, part.offset);
        statement
    }

    /// Builds `FROM (SELECT … ORDER BY … LIMIT …) LEFT JOIN …`.
    fn joined_what_is_left(&self, part: &PagePart, selected: Selected) -> SelectStatement {
        let mut rows = self.source_of(part, selected.order, None);
        self.cut(&mut rows, selected.order, part, self.most_rows());
        rows.column((MAIN, Asterisk));
        let mut statement = Sql::select();
        statement.from_subquery(rows, MAIN);
        self.select_columns(&mut statement, selected);
        selected.order.apply(&mut statement, part.reversed);
        statement
    }

    /// Builds one search per parent: `FROM keys JOIN LATERAL (SELECT … WHERE key = … ORDER BY … LIMIT …)`.
    /// SQLite has no `LATERAL`, and finds the rows by primary key.
    fn lateral_per_parent(&self, part: &PagePart, selected: Selected) -> SelectStatement {
        let dialect = self.select.dialect;
        let keys = self.key_columns().into_iter();
        let is_parents = keys
            .map(|key| {
                dialect
                    .compared(key.expression, &key.column_type)
                    .eq(dialect.listed(PARENT, &key.column_type))
            })
            .reduce(Expr::and);
        let mut list = self.source_of(part, selected.order, is_parents);
        self.cut(&mut list, selected.order, part, Bind::Rows(self.select.most_rows_of_pages(1)));
        let mut statement = Sql::select();
        let keys = dialect.list_function().arg(self.select.binds.expr(Bind::KeyList));
        statement.from_function(keys, PARENT);
        match dialect.features().has_lateral {
            true => {
                list.column((MAIN, Asterisk));
                statement.join_lateral(JoinType::InnerJoin, list, MAIN, Expr::cust("TRUE"));
            }
            false => {
                let primary_key = self.entity.primary_key.iter().map(|id| &self.entity.columns[*id].name);
                let primary_key = primary_key.map(|name| Expr::col((MAIN, Alias::new(name))));
                let found = Expr::tuple(primary_key.clone()).in_subquery(list.exprs(primary_key).take());
                // CROSS JOIN keeps SQLite from starting with the rows and searching for each of them.
                statement.join(JoinType::CrossJoin, self.table.clone(), Condition::all());
                statement.and_where(found);
            }
        }
        self.select_columns(&mut statement, selected);
        selected.order.apply(&mut statement, part.reversed);
        self.limit(&mut statement);
        statement
    }

    /// Returns a column of the rows, as seen from the outer statement.
    fn paged_column(&self, id: usize) -> Expr {
        let place = match &self.load.what {
            LoadKind::Rows(rows) => rows.columns.iter().position(|known| *known == id).unwrap_or_default(),
            LoadKind::Aggregates(_) => 0,
        };
        Expr::col((PAGE, Alias::new(format!("column{place}"))))
    }

    /// Builds `SELECT … FROM (SELECT …, ROW_NUMBER() OVER (PARTITION BY parent ORDER BY …)) WHERE position
    /// …`.
    fn windowed(&self, mut inner: SelectStatement, part: &PagePart, selected: Selected) -> SelectStatement {
        let Selected { outputs, order, joins } = selected;
        for output in outputs {
            inner.expr_as(output.expression.clone(), Alias::new(&output.alias));
        }
        let mut window = WindowStatement::new();
        for key in self.key_columns() {
            window.add_partition_by(self.select.dialect.compared(key.expression, &key.column_type));
        }
        order.apply(&mut window, part.reversed);
        inner.expr_window_as(Func::cust("ROW_NUMBER"), window, POSITION);
        let position = || Expr::col((PAGE, POSITION));
        let mut outer = Sql::select();
        outer.columns(outputs.iter().map(|output| (PAGE, Alias::new(&output.alias)).into_column_ref()));
        outer.from_subquery(inner, PAGE);
        joins.apply(&mut outer, |id| self.paged_column(id));
        if self.relation.is_some() && part.offset > 0 {
            outer.and_where(position().gt(part.offset as i64));
        }
        if let Some(limit) = part.limit.filter(|_| self.relation.is_some()) {
            outer.and_where(position().lte(part.offset.saturating_add(limit) as i64));
        }
        match part.side {
            Some(side) => {
                outer.expr_as(Expr::cust((side as i32).to_string()), SIDE).expr_as(position(), POSITION);
            }
            None => {
                outer.order_by((PAGE, POSITION), Order::Asc);
                self.limit(&mut outer);
            }
        }
        outer
    }

    /// Adds the row limit of the statement.
    fn limit(&self, statement: &mut SelectStatement) {
        self.select.binds.limit(statement, self.most_rows());
    }

    /// Adds `ORDER BY … LIMIT … OFFSET …`.
    fn cut(&self, statement: &mut SelectStatement, order: &Ordering, part: &PagePart, ceiling: Bind) {
        order.apply(statement, part.reversed);
        let limit = match (part.limit, ceiling) {
            (Some(limit), Bind::Rows(ceiling)) => Bind::Rows(Ord::min(limit, ceiling)),
            (Some(limit), _) => Bind::Rows(limit),
            (None, ceiling) => ceiling,
        };
        self.select.binds.limit(statement, limit);
        if part.offset > 0 {
            self.select.binds.offset(statement, part.offset);
        }
    }
}
