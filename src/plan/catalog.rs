//! What a database tells of itself, as far as it decides how a statement is written.

use std::collections::BTreeMap;

use super::{Dialect, Load, OrderBy, OrderTerm, Page, Rows, What};
use crate::model::{Column, ColumnType, Entity, Model, Relation, Table};

/// A table counts as small that has at most so many rows for each one that is joined with it.
const SMALL: u64 = 5;

/// The indexes of a database, and how large its tables are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Catalog {
    /// Of each table, each by the names of its columns in their order.
    indexes: BTreeMap<Table, Vec<Vec<String>>>,
    /// Of each table that was counted; an estimate.
    rows: BTreeMap<Table, u64>,
}

impl Load {
    /// Whether it may depend on the catalog how its statement is written.
    pub(crate) fn asks_catalog(&self, dialect: Dialect) -> bool {
        let What::Rows(rows) = &self.what else { return false };
        if rows.order.iter().any(|term| matches!(term.by, OrderBy::Count(_))) {
            return true;
        }
        match self.relation {
            Some(_) => rows.is_part_of_each_list(),
            None => dialect == Dialect::Postgres && rows.limit_before_joins().is_some(),
        }
    }
}

impl Rows {
    /// Whether only a part of each parent's list is wanted, and nothing about the rest: one search for each parent can
    /// find that.
    pub(super) fn is_part_of_each_list(&self) -> bool {
        match self.page {
            Page::All => false,
            Page::Slice { limit, offset } => limit.is_some() || offset > 0,
            Page::Keyset { limit, looks_outside, .. } => limit.is_some() && !looks_outside,
        }
    }

    /// The most rows there are, where others are joined with them.
    fn limit_before_joins(&self) -> Option<u64> {
        match self.page {
            Page::Slice { limit, .. } => limit.filter(|_| self.children.iter().any(|child| child.joined)),
            _ => None,
        }
    }

    /// The columns that give the order, where all of them are the rows' own.
    fn order_of_own_columns<'a>(&'a self, entity: &'a Entity) -> Option<Vec<(&'a Column, &'a OrderTerm)>> {
        let own = |term: &'a OrderTerm| match term.by {
            OrderBy::Column(id) if term.path.is_empty() => Some((&entity.columns[id], term)),
            _ => None,
        };
        self.order.iter().map(own).collect()
    }
}

impl Catalog {
    /// What is known of a database that was not asked.
    pub fn none() -> &'static Self {
        static NONE: Catalog = Catalog { indexes: BTreeMap::new(), rows: BTreeMap::new() };
        &NONE
    }

    /// Adds an index that holds all rows, and puts them in the database's own order.
    pub fn add_index(&mut self, table: Table, columns: Vec<String>) {
        self.indexes.entry(table).or_default().push(columns);
    }

    /// Says how many rows a table has, about.
    pub fn set_rows(&mut self, table: Table, rows: u64) {
        self.rows.insert(table, rows);
    }

    /// Whether an index finds a part of one parent's list sooner than the lists of all parents can be sorted.
    ///
    /// SQLite follows an index of the key, and sorts what it finds there if it must. PostgreSQL could walk another index in
    /// the hope to meet the parent's rows there soon, unless one has key and order both. It need not have the whole order:
    /// what is equal in the first column is sorted as it comes.
    pub(super) fn finds_part(
        &self,
        dialect: Dialect,
        entity: &Entity,
        relation: &Relation,
        rows: &Rows,
    ) -> bool {
        // Each parent's rows are found by themselves: no row may be those of two, as texts that only a collation takes
        // for the same could have it.
        let is_exact = |id: usize| {
            let column_type = &entity.columns[id].column_type;
            column_type.is_integer() || *column_type == ColumnType::Uuid
        };
        let (None, [key]) = (&relation.junction, relation.to.as_slice()) else { return false };
        let order = rows.order_of_own_columns(entity).unwrap_or_default();
        let Some((first, OrderTerm { direction, .. })) = order.first().filter(|_| is_exact(*key)) else {
            return false;
        };
        let key = &entity.columns[*key].name;
        let is_in_its_order = !matches!(first.column_type, ColumnType::Enumeration(_))
            && (!first.nullable || direction.nulls_first == direction.descending);
        self.indexes.get(&entity.table).into_iter().flatten().any(|index| match (dialect, index.as_slice()) {
            (Dialect::Sqlite, [column, ..]) => column == key,
            (Dialect::Postgres, [column, next, ..]) => {
                column == key && *next == first.name && is_in_its_order
            }
            _ => false,
        })
    }

    /// Whether an order by the number of rows in a list joins the numbers of all lists, grouped in one pass: where no
    /// index leads to one list. Counting each list by itself would read the whole table for every row.
    pub(super) fn groups_counts(&self, model: &Model, relation: &Relation) -> bool {
        let target = &model.entities[relation.target];
        let (table, keys): (&Table, Vec<&String>) = match &relation.junction {
            Some(junction) => (&junction.table, junction.from.iter().collect()),
            None => (&target.table, relation.to.iter().map(|id| &target.columns[*id].name).collect()),
        };
        // A catalog without a single index is that of a database that was not asked.
        let leads = |index: &Vec<String>| index.first().is_some_and(|first| keys.contains(&first));
        !self.indexes.is_empty() && !self.indexes.get(table).is_some_and(|indexes| indexes.iter().any(leads))
    }

    /// Whether the first rows are better found before others are joined with them: where those are in small tables.
    ///
    /// PostgreSQL looks each of them up in an index otherwise, since it takes the limit for the last of its work. Of a small
    /// table it makes a hash instead, which it would do with larger ones, too, and read them whole.
    pub(super) fn joins_what_is_left(&self, dialect: Dialect, model: &Model, load: &Load) -> bool {
        let (Dialect::Postgres, None, What::Rows(rows)) = (dialect, load.relation, &load.what) else {
            return false;
        };
        rows.limit_before_joins().is_some_and(|limit| {
            rows.order_of_own_columns(&model.entities[load.entity]).is_some()
                && self.are_small(model, rows, limit.saturating_mul(SMALL))
        })
    }

    fn are_small(&self, model: &Model, rows: &Rows, bound: u64) -> bool {
        rows.children.iter().filter(|child| child.joined).all(|child| {
            let table = &model.entities[child.entity].table;
            let is_small = self.rows.get(table).is_some_and(|rows| *rows <= bound);
            is_small && matches!(&child.what, What::Rows(rows) if self.are_small(model, rows, bound))
        })
    }
}
