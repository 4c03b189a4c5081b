//! The indexes of a database, as far as they decide how a statement is written.

use std::collections::BTreeMap;

use super::{Dialect, OrderBy, Page, Rows};
use crate::model::{ColumnType, Entity, Relation, Table};

/// The indexes of each table, each by the names of its columns in their order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Indexes(BTreeMap<Table, Vec<Vec<String>>>);

impl Rows {
    /// Whether only a part of each parent's list is wanted, and nothing about the rest: one search for each parent can
    /// find that.
    pub(crate) fn is_part_of_each_list(&self) -> bool {
        match self.page {
            Page::All => false,
            Page::Slice { limit, offset } => limit.is_some() || offset > 0,
            Page::Keyset { limit, looks_outside, .. } => limit.is_some() && !looks_outside,
        }
    }
}

impl Indexes {
    /// What is known of a database that was not asked.
    pub fn none() -> &'static Self {
        static NONE: Indexes = Indexes(BTreeMap::new());
        &NONE
    }

    /// Adds one. It holds all rows, and puts them in the database's own order.
    pub fn add(&mut self, table: Table, columns: Vec<String>) {
        self.0.entry(table).or_default().push(columns);
    }

    /// Whether an index finds a part of one parent's list sooner than the lists of all parents can be sorted.
    ///
    /// SQLite follows an index of the key, and sorts what it finds there if it must. PostgreSQL could walk another index in
    /// the hope to meet the parent's rows there soon, unless one has key and order both. It need not have the whole order:
    /// what is equal in the first column is sorted as it comes.
    pub(super) fn find_part(
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
        let own_columns = rows.order.iter().map(|term| match term.by {
            OrderBy::Column(id) if term.path.is_empty() => Some((&entity.columns[id], term.direction)),
            _ => None,
        });
        let Some(order) = own_columns.collect::<Option<Vec<_>>>() else { return false };
        let Some((first, direction)) = order.first().filter(|_| is_exact(*key)) else { return false };
        let key = &entity.columns[*key].name;
        let is_in_its_order = !matches!(first.column_type, ColumnType::Enumeration(_))
            && (!first.nullable || direction.nulls_first == direction.descending);
        self.0.get(&entity.table).into_iter().flatten().any(|index| match (dialect, index.as_slice()) {
            (Dialect::Sqlite, [column, ..]) => column == key,
            (Dialect::Postgres, [column, next, ..]) => {
                column == key && *next == first.name && is_in_its_order
            }
            _ => false,
        })
    }
}
