//! The only builder of SELECTs.

mod condition;
mod join;
mod last_run;
mod ordering;
mod page;
mod template;

use std::sync::Arc;

use sea_orm::sea_query::{
    Alias, Expr, ExprTrait, IntoIden, LockType, Query as Sql, SelectStatement, TableRef,
};
use sea_orm::{JoinType, Statement, Value};

pub(super) use condition::depth_of_balanced;
use condition::{Conditions, Joinable, meet_junction};
pub use join::Join;
use join::Joins;
pub use last_run::LastRun;
use ordering::Ordering;
use page::Selected;
use template::Mark;
pub use template::Templates;

use super::dialect::Dialect;
use super::{Aggregate, Catalog, Load, OrderBy, OrderTerm, Page, Rows, What};
use crate::model::{ColumnType, Entity, Junction, Model, Relation, Table};

/// The values of a relation's columns in one row, in the form in which both sides compare equal.
pub type Key = Vec<Value>;

/// A statement, and what its columns hold.
///
/// The columns come in this order: the load's own ([`Rows::columns`] or its aggregates), the junction's
/// ([`Rows::junction_columns`]), the key that leads back to the parent and what the rows are sorted by where they are not
/// among them, the values of the cursor, the mark of the rows outside the page, and the columns of joined relations.
#[derive(Clone, Debug)]
pub struct Query {
    /// The text of the statement.
    pub sql: Arc<str>,
    /// Its values. Those that are known only when it is sent are marked: [`Select::prepare`] puts them in.
    pub values: Vec<Value>,
    /// The types of its columns.
    pub columns: Arc<[ColumnType]>,
    /// Where the parts of the parent's key are.
    pub key: Vec<usize>,
    /// Where the values of the cursor begin.
    pub cursor: usize,
    /// Where the mark is, when rows outside the page are asked for: 0 for the page, see [`Query::BEFORE`] and
    /// [`Query::AFTER`].
    pub mark: Option<usize>,
    /// The cells by which each parent's rows are put in order, where the statement does not: least first, and all of
    /// them integers.
    pub sort: Vec<usize>,
    /// Where the joined relations stand, for each of the load's children.
    pub joins: Vec<Option<Join>>,
    /// How it went the last time.
    pub last_run: LastRun,
}

impl Query {
    /// The mark of a row that stands before the page's cursor.
    pub const BEFORE: i32 = 1;
    /// The mark of a row that stands after it.
    pub const AFTER: i32 = 2;
}

/// Builds the statements of one model for one database.
#[derive(Clone, Copy, Debug)]
pub struct Select<'a> {
    /// The model.
    pub model: &'a Model,
    /// The database.
    pub dialect: Dialect,
    /// A statement asks for one row more than this, so that too many are noticed and never cut silently.
    pub row_ceiling: u64,
    /// What is known of the database.
    pub catalog: &'a Catalog,
}

impl Select<'_> {
    /// The statement of a root load of `rows` that locks them as well, in the order in which it finds them. PostgreSQL
    /// checks the rows' own columns once more when it had to wait for one; SQLite has one writer and needs no lock.
    pub fn locking(&self, load: &Load, rows: &Rows, lock: LockType) -> Query {
        let mut body = Body::new(self, load, &[]);
        body.lock = Some(lock).filter(|_| self.dialect == Dialect::Postgres);
        body.rows(rows)
    }

    /// Whether the statement is written otherwise than it would be if nothing were known of the database.
    fn follows_catalog(&self, load: &Load) -> bool {
        self.follows_index(load) || self.joins_what_is_left(load) || self.groups_counts(load)
    }

    /// Whether the order joins the numbers of all lists.
    fn groups_counts(&self, load: &Load) -> bool {
        let What::Rows(rows) = &load.what else { return false };
        rows.order.iter().any(|term| match term.by {
            OrderBy::Column(_) => false,
            OrderBy::Count(relation) => {
                let counted = &self.model.entities[term.entity(self.model, load.entity)].relations[relation];
                self.catalog.groups_counts(self.model, counted)
            }
        })
    }

    /// Whether an index finds the part of each parent's list that is wanted.
    fn follows_index(&self, load: &Load) -> bool {
        let (Some((owner, relation)), What::Rows(rows)) = (load.relation, &load.what) else { return false };
        let relation = &self.model.entities[owner].relations[relation];
        let entity = &self.model.entities[load.entity];
        rows.is_part_of_each_list() && self.catalog.finds_part(self.dialect, entity, relation, rows)
    }

    fn joins_what_is_left(&self, load: &Load) -> bool {
        self.catalog.joins_what_is_left(self.dialect, self.model, load)
    }

    /// One row more than may be answered.
    fn most_rows(&self) -> u64 {
        self.row_ceiling.saturating_add(1)
    }

    /// The same of a page by cursors for each of so many parents. What is read only to see whether there is more, up to
    /// three rows for each, comes on top, so that it is never cut to make room.
    fn most_rows_of_pages(&self, parents: usize) -> u64 {
        self.most_rows().saturating_add(3 * parents.max(1) as u64)
    }
}

/// The table that a statement is about, under its alias.
const MAIN: &str = "t0";
/// The junction that a list goes through.
const JUNCTION: &str = "junction";

/// One statement on its way.
struct Body<'a> {
    select: &'a Select<'a>,
    load: &'a Load,
    entity: &'a Entity,
    relation: Option<&'a Relation>,
    keys: &'a [Key],
    /// The load's filter.
    filters: Vec<Expr>,
    /// What that needs beside.
    conditions: Conditions<'a>,
    /// How it locks the rows that it finds.
    lock: Option<LockType>,
}

/// One column of a statement.
struct Output {
    expression: Expr,
    column_type: ColumnType,
    /// The name it needs where an outer statement refers to it.
    alias: String,
}

impl<'a> Body<'a> {
    fn new(select: &'a Select, load: &'a Load, keys: &'a [Key]) -> Self {
        let entity = &select.model.entities[load.entity];
        let relation =
            load.relation.map(|(owner, relation)| &select.model.entities[owner].relations[relation]);
        let mut conditions = Conditions::new(select);
        let filters = match joinable(select, load) {
            _ if load.filter.is_everything() => Vec::new(),
            Some(joinable) => {
                let parts = conditions.filter_by_joins(load.entity, MAIN, &load.filter, joinable);
                match parts.len() {
                    0..=condition::CHAIN => parts,
                    _ => condition::balanced(parts, Expr::and).into_iter().collect(),
                }
            }
            None => {
                if let What::Rows(Rows { page: Page::Slice { offset: 1.., .. }, .. }) = load.what {
                    conditions = conditions.beside_offset();
                }
                vec![conditions.filter(load.entity, MAIN, &load.filter)]
            }
        };
        Self { select, load, entity, relation, keys, filters, conditions, lock: None }
    }

    /// The most rows that the statement may find.
    fn most_rows(&self) -> u64 {
        match (&self.load.what, self.relation) {
            (What::Rows(Rows { page: Page::Keyset { .. }, .. }), Some(_)) => Mark::MOST_ROWS,
            (What::Rows(Rows { page: Page::Keyset { .. }, .. }), None) => self.select.most_rows_of_pages(1),
            _ => self.select.most_rows(),
        }
    }

    /// The column and the values of the keys where the statement's text depends on them.
    fn keys_in_text(&self) -> Option<(Expr, Vec<Value>)> {
        let mut columns = self.key_columns();
        match (columns.pop(), columns.pop()) {
            (Some(only), None) if !self.select.dialect.fits_one_parameter(&only.column_type) => {
                Some((only.expression, self.keys.iter().flatten().cloned().collect()))
            }
            _ => None,
        }
    }

    /// Whose rows they are, below the root: the keys' places are marked where the text does not depend on them.
    fn is_of_parents(&self) -> Option<Expr> {
        self.relation?;
        if let Some((column, values)) = self.keys_in_text() {
            return Some(column.is_in(values));
        }
        let Select { model, dialect, .. } = *self.select;
        let (columns, types): (Vec<Expr>, Vec<ColumnType>) =
            self.key_columns().into_iter().map(|output| (output.expression, output.column_type)).unzip();
        let parts = (0..).take(dialect.count_key_parameters(&types));
        Some(dialect.is_in_keys(model, columns, &types, parts.map(|part| Mark::Keys(part).into()).collect()))
    }

    fn rows(&self, rows: &Rows) -> Query {
        let order = Ordering::new(self.select, self.load.entity, &rows.order);
        let mut outputs = self.own_columns(rows);
        let key = self.key_places(rows, &mut outputs);
        let sort = self.sort_places(rows, &mut outputs);
        let order = if sort.is_empty() { order } else { Ordering::none(self.select) };
        let cursor = outputs.len();
        if rows.cursors {
            outputs.extend(order.cursor_columns());
        }
        if outputs.is_empty() {
            // Nothing but `__typename` or the place of the page is asked; a row has to have a column all the same.
            outputs.push(Output {
                expression: Expr::cust("1"),
                column_type: ColumnType::Int,
                alias: "present".to_owned(),
            });
        }
        let joins = Joins::new(self.select, self.load, outputs.len(), &self.conditions.joined);
        let mut statement =
            self.page(&rows.page, Selected { outputs: &outputs, order: &order, joins: &joins });
        if let Some(lock) = self.lock {
            // Of this table alone: those of its filter are only read.
            statement.lock_with_tables(lock, [Alias::new(MAIN)]);
        }
        let mark = matches!(rows.page, Page::Keyset { looks_outside: true, .. });
        let mut columns: Vec<ColumnType> = outputs.into_iter().map(|output| output.column_type).collect();
        if mark {
            columns.push(ColumnType::Int);
        }
        let mark = mark.then(|| columns.len() - 1);
        columns.extend(joins.outputs.iter().map(|output| output.column_type.clone()));
        let (sql, values) = self.built(&statement);
        let (columns, last_run) = (columns.into(), LastRun::default());
        Query { sql, values, mark, columns, key, cursor, sort, joins: joins.places, last_run }
    }

    /// The statement's text, and its values. With a parameter for `LIMIT` or `OFFSET`, PostgreSQL plans anew at each execution,
    /// since a plan for any number of rows looks worse to it; so the numbers stand in the text, from the last parameter on
    /// until one that is another, or that changes with the number of keys.
    fn built(&self, statement: &SelectStatement) -> (Arc<str>, Vec<Value>) {
        let dialect = self.select.dialect;
        let Statement { mut sql, values, .. } = dialect.backend().build(statement);
        let mut values = values.map(|values| values.0).unwrap_or_default();
        while dialect == Dialect::Postgres
            && let Some(Value::BigUnsigned(Some(rows))) = values.last()
            && *rows != Mark::MOST_ROWS
        {
            let place = values.len();
            let written = ["LIMIT", "OFFSET"].into_iter().find_map(|word| {
                let (before, after) = sql.rsplit_once(&format!(" {word} ${place}"))?;
                Some(format!("{before} {word} {rows}{after}"))
            });
            let Some(written) = written else { break };
            sql = written;
            values.pop();
        }
        (sql.into(), values)
    }

    /// The rows of a whole list below are put in order by whoever gives them to their parents: each list is short, and
    /// the database would have to sort them all.
    fn sort_places(&self, rows: &Rows, outputs: &mut Vec<Output>) -> Vec<usize> {
        let primary_key = &self.entity.primary_key;
        let is_integer = |id: &usize| self.entity.columns[*id].column_type.is_integer();
        let is_whole_list = self.relation.is_some_and(Relation::is_many) && rows.page == Page::All;
        let is_simple =
            rows.order == OrderTerm::primary_key(self.entity) && primary_key.iter().all(is_integer);
        // A row that comes with its cursor comes with what the order compares.
        if !is_whole_list || !is_simple || rows.cursors {
            return Vec::new();
        }
        let place = |id: &usize| {
            rows.columns.iter().position(|known| known == id).unwrap_or_else(|| {
                let column = &self.entity.columns[*id];
                outputs.push(Output {
                    expression: Expr::col((MAIN, Alias::new(&column.name))),
                    column_type: column.column_type.clone(),
                    alias: format!("sort{}", outputs.len()),
                });
                outputs.len() - 1
            })
        };
        primary_key.iter().map(place).collect()
    }

    fn aggregates(&self, aggregates: &[Aggregate]) -> Query {
        let mut statement = self.source(&Ordering::none(self.select), self.is_of_parents());
        let mut columns = Vec::new();
        for aggregate in aggregates {
            statement.expr(self.aggregate(*aggregate));
            columns.push(aggregate.column_type(self.entity));
        }
        let mut key = Vec::new();
        for output in self.key_columns() {
            let compared = self.select.dialect.compared(output.expression, &output.column_type);
            let selected = self.select.dialect.selected(compared.clone(), &output.column_type);
            statement.expr(selected).add_group_by([compared]);
            key.push(columns.len());
            columns.push(output.column_type);
        }
        let (sql, values) = self.built(&statement);
        Query {
            sql,
            values,
            cursor: columns.len(),
            columns: columns.into(),
            key,
            mark: None,
            sort: Vec::new(),
            joins: Vec::new(),
            last_run: LastRun::default(),
        }
    }

    fn aggregate(&self, aggregate: Aggregate) -> Expr {
        let dialect = self.select.dialect;
        let column = |id: usize| {
            let column = &self.entity.columns[id];
            (Expr::col((MAIN, Alias::new(&column.name))), &column.column_type)
        };
        let compared = |id: usize| {
            let (column, column_type) = column(id);
            (dialect.compared(column, column_type), column_type)
        };
        match aggregate {
            Aggregate::Count => Expr::cust("COUNT(*)"),
            Aggregate::CountDistinct(id) => compared(id).0.count_distinct(),
            Aggregate::Sum(id) => dialect.sum(column(id).0, column(id).1),
            Aggregate::Average(id) => dialect.average(column(id).0, column(id).1),
            Aggregate::Minimum(id) => dialect.selected(compared(id).0.min(), compared(id).1),
            Aggregate::Maximum(id) => dialect.selected(compared(id).0.max(), compared(id).1),
        }
    }

    /// `FROM … WHERE`: the table, the junction before it, the tables that the order needs, whose rows they are, and the
    /// filter.
    fn source(&self, order: &Ordering, parents: Option<Expr>) -> SelectStatement {
        let mut statement = Sql::select();
        statement.from(table(&self.entity.table, MAIN));
        if let Some(Junction { table: between, to, .. }) =
            self.relation.and_then(|relation| relation.junction.as_ref())
        {
            let target = self.relation.map_or(&[][..], |relation| &relation.to);
            let on = meet_junction(self.select, JUNCTION, to, MAIN, self.load.entity, target);
            statement.join(JoinType::InnerJoin, table(between, JUNCTION), on);
        }
        for (join, on) in &self.conditions.joins {
            statement.join(JoinType::InnerJoin, join.clone(), on.clone());
        }
        for (join, on) in &order.joins {
            statement.join(JoinType::LeftJoin, join.clone(), on.clone());
        }
        for filter in parents.into_iter().chain(self.filters.iter().cloned()) {
            statement.and_where(filter);
        }
        statement
    }

    fn own_columns(&self, rows: &Rows) -> Vec<Output> {
        let mut outputs = Vec::new();
        for id in &rows.columns {
            let column = &self.entity.columns[*id];
            let expression = Expr::col((MAIN, Alias::new(&column.name)));
            outputs.push(Output {
                expression: self.select.dialect.selected(expression, &column.column_type),
                column_type: column.column_type.clone(),
                alias: format!("column{}", outputs.len()),
            });
        }
        let junction = self.relation.and_then(|relation| relation.junction.as_ref()?.entity);
        for id in &rows.junction_columns {
            let Some(column) = junction.map(|entity| &self.select.model.entities[entity].columns[*id]) else {
                continue;
            };
            let expression = Expr::col((JUNCTION, Alias::new(&column.name)));
            outputs.push(Output {
                expression: self.select.dialect.selected(expression, &column.column_type),
                column_type: column.column_type.clone(),
                alias: format!("column{}", outputs.len()),
            });
        }
        outputs
    }

    /// Where the parent's key stands among the outputs; what is not selected anyway is added.
    fn key_places(&self, rows: &Rows, outputs: &mut Vec<Output>) -> Vec<usize> {
        let Some(relation) = self.relation else { return Vec::new() };
        let mut places = Vec::new();
        for (index, output) in self.key_columns().into_iter().enumerate() {
            // Behind a junction the key is the junction's: it may have more columns than the target's.
            let is_key = |known: &usize| relation.junction.is_none() && *known == relation.to[index];
            places.push(rows.columns.iter().position(is_key).unwrap_or_else(|| {
                let expression = self.select.dialect.selected(output.expression, &output.column_type);
                outputs.push(Output { expression, ..output });
                outputs.len() - 1
            }));
        }
        places
    }

    /// The columns that hold the parent's key: the junction's, or the target's own.
    fn key_columns(&self) -> Vec<Output> {
        let Some(relation) = self.relation else { return Vec::new() };
        let owner = self.load.relation.map_or(self.entity, |(owner, _)| &self.select.model.entities[owner]);
        let place = |index: usize| match &relation.junction {
            // The keys of a junction that is no entity are taken to have the types of the columns they point at.
            Some(junction) => {
                let entity = junction.entity.map(|id| &self.select.model.entities[id]);
                let own = entity
                    .and_then(|entity| Some(&entity.columns[entity.column_named(&junction.from[index])?]));
                let column_type = own.unwrap_or(&owner.columns[relation.from[index]]).column_type.clone();
                (Expr::col((JUNCTION, Alias::new(&junction.from[index]))), column_type)
            }
            None => {
                let column = &self.entity.columns[relation.to[index]];
                (Expr::col((MAIN, Alias::new(&column.name))), column.column_type.clone())
            }
        };
        (0..relation.from.len())
            .map(|index| {
                let (expression, column_type) = place(index);
                Output { expression, column_type, alias: format!("key{index}") }
            })
            .collect()
    }
}

impl Aggregate {
    /// What it comes out as.
    pub fn column_type(self, entity: &Entity) -> ColumnType {
        let of = |id: usize| &entity.columns[id].column_type;
        match self {
            Self::Count | Self::CountDistinct(_) => ColumnType::BigInt,
            Self::Sum(id) => of(id).sum(),
            Self::Average(id) => of(id).average(),
            Self::Minimum(id) | Self::Maximum(id) => of(id).clone(),
        }
    }
}

/// Which relations in the filter of a load are joined, and none of them where rows are found first, in a sub-select: there the filter is inside, and what is joined for its columns outside.
///
/// On SQLite all are where the filter alone says where to begin. The first few rows, or those of a few parents, are found
/// sooner from their own table, and SQLite does not see that they are few.
fn joinable<'a>(select: &Select, load: &'a Load) -> Option<Joinable<'a>> {
    let is_root = load.relation.is_none();
    let page = match &load.what {
        What::Rows(rows) => &rows.page,
        What::Aggregates(_) => &Page::All,
    };
    match (select.dialect, page) {
        _ if select.joins_what_is_left(load) => None,
        (Dialect::Sqlite, Page::All) if is_root => Some(Joinable::All),
        (Dialect::Postgres, Page::All) => Some(Joinable::Loaded(load.children())),
        (Dialect::Postgres, Page::Slice { .. }) if is_root => Some(Joinable::Loaded(load.children())),
        _ => None,
    }
}

fn table(table: &Table, alias: &str) -> TableRef {
    let name = Alias::new(&table.name);
    let reference: TableRef = match &table.schema {
        Some(schema) => (Alias::new(schema), name).into(),
        None => name.into(),
    };
    reference.alias(Alias::new(alias).into_iden())
}
