//! Index and row-count statistics that influence SQL generation.

use std::collections::{BTreeMap, BTreeSet};

use super::{Load, LoadKind, OrderBy, OrderTerm, Page, Rows};
use crate::dialect::{Dialect, PartIndex};
use crate::model::{Column, ColumnType, Entity, EntityId, Model, Relation, Table};

/// Factor below which a table counts as small: rows for each row joined with it.
const SMALL: u64 = 5;

/// Indexes of a database, and estimated row counts of its tables.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Catalog {
    /// Indexes by table, each as its column names in order.
    indexes: BTreeMap<Table, Vec<Vec<String>>>,
    /// Estimated row counts of the counted tables.
    rows: BTreeMap<Table, u64>,
    /// Plain tables, each with its columns that are never NULL. A statement that writes such a table returns rows as they stay.
    plain: BTreeMap<Table, BTreeSet<String>>,
}

impl Load {
    /// Returns true if the statement's form may depend on the catalog, apart from the rules of a role.
    pub(super) fn depends_on_statistics(&self, dialect: Dialect) -> bool {
        if !dialect.features().hashes_exists && self.source.filter().looks_beyond() {
            return true;
        }
        let LoadKind::Rows(rows) = &self.what else { return false };
        if rows.order.iter().any(|term| matches!(term.by, OrderBy::Count(_))) {
            return true;
        }
        match self.relation {
            Some(_) => rows.is_top_n_per_parent(),
            None => dialect.features().limits_before_joins && rows.limit_before_joins().is_some(),
        }
    }
}

impl Rows {
    /// Returns true if only a part of each parent's list is wanted, without facts about the rest. A search
    /// per parent can find such a part.
    pub(super) fn is_top_n_per_parent(&self) -> bool {
        match self.page {
            Page::All => false,
            Page::Slice { limit, offset } => limit.is_some() || offset > 0,
            Page::Keyset { limit, looks_outside, .. } => limit.is_some() && !looks_outside,
        }
    }

    /// Returns the page limit, if to-one relations are joined to the rows.
    fn limit_before_joins(&self) -> Option<u64> {
        match self.page {
            Page::Slice { limit, .. } => limit.filter(|_| self.children.iter().any(|child| child.joined)),
            _ => None,
        }
    }

    /// Returns the columns of the order, if all belong to the rows' own table.
    fn order_of_own_columns<'a>(&'a self, entity: &'a Entity) -> Option<Vec<(&'a Column, &'a OrderTerm)>> {
        let own = |term: &'a OrderTerm| match term.by {
            OrderBy::Column(id) if term.path.is_empty() => Some((&entity.columns[id], term)),
            _ => None,
        };
        self.order.iter().map(own).collect()
    }
}

impl Catalog {
    /// Returns the catalog of a database without known statistics.
    pub fn none() -> &'static Self {
        static NONE: Catalog =
            Catalog { indexes: BTreeMap::new(), rows: BTreeMap::new(), plain: BTreeMap::new() };
        &NONE
    }

    /// Returns true if nothing is known.
    pub(super) fn is_empty(&self) -> bool {
        self.indexes.is_empty() && self.rows.is_empty()
    }

    /// Adds an index that covers all rows, in the database's default order.
    pub fn add_index(&mut self, table: Table, columns: Vec<String>) {
        self.indexes.entry(table).or_default().push(columns);
    }

    /// Sets the estimated row count of a table.
    pub fn set_rows(&mut self, table: Table, rows: u64) {
        self.rows.insert(table, rows);
    }

    /// Adds a plain table: the database changes nothing by itself when its rows are written, besides following foreign keys.
    pub fn add_plain(&mut self, table: Table) {
        self.plain.entry(table).or_default();
    }

    /// Adds a column that is never NULL, of a plain table.
    pub fn add_never_null(&mut self, table: Table, column: String) {
        self.plain.entry(table).or_default().insert(column);
    }

    /// Returns the columns of a plain table that are never NULL. `None` if triggers, rules and the like may change or skip
    /// written rows, or write other tables, or if nothing is known.
    pub(crate) fn never_null_of_plain(&self, table: &Table) -> Option<&BTreeSet<String>> {
        self.plain.get(table)
    }

    /// Returns true if an index finds a part of one parent's list faster than a sort of all parents' lists.
    ///
    /// SQLite follows an index of the key, and sorts the found rows if necessary. PostgreSQL could scan
    /// another index in the hope of meeting the parent's rows soon, unless an index has key and order both.
    /// That index need not have the whole order: rows equal in the first column are sorted incrementally.
    pub(super) fn finds_part(
        &self,
        dialect: Dialect,
        entity: &Entity,
        relation: &Relation,
        rows: &Rows,
    ) -> bool {
        // Each parent's rows are found separately, so no row may belong to two parents. Texts that are equal
        // only in a collation could share a row.
        let is_exact = |id: usize| {
            let column_type = &entity.columns[id].column_type;
            column_type.is_integer() || matches!(column_type, ColumnType::Uuid | ColumnType::Spelled(_))
        };
        let (None, [key]) = (&relation.junction, relation.join.to.as_slice()) else { return false };
        let order = rows.order_of_own_columns(entity).unwrap_or_default();
        let Some((first, OrderTerm { direction, .. })) = order.first().filter(|_| is_exact(*key)) else {
            return false;
        };
        let key = &entity.columns[*key].name;
        let is_in_its_order = !matches!(first.column_type, ColumnType::Enumeration(_))
            && (!first.nullable || direction.nulls_first == direction.descending);
        self.indexes.get(&entity.table).into_iter().flatten().any(|index| {
            match (dialect.features().part_index, index.as_slice()) {
                (PartIndex::Key, [column, ..]) => column == key,
                (PartIndex::KeyAndOrder, [column, next, ..]) => {
                    column == key && *next == first.name && is_in_its_order
                }
                _ => false,
            }
        })
    }

    /// Returns true if no index leads from one row to the rows at the other end of a relation: a sub-select per
    /// row would read the whole table each time.
    pub(super) fn reads_whole_tables(
        &self,
        dialect: Dialect,
        model: &Model,
        owner: EntityId,
        relation: &Relation,
    ) -> bool {
        // An empty catalog belongs to a database without known statistics.
        if self.indexes.is_empty() {
            return false;
        }
        let finds = |table: &Table, tenant: Option<&String>, name: &String, column: &Column| {
            // An index by the tenant column alone would find all rows of the tenant.
            let leads =
                |index: &&Vec<String>| index.iter().find(|first| Some(*first) != tenant) == Some(name);
            dialect.compares_stored_form(&column.column_type)
                && self.indexes.get(table).into_iter().flatten().any(|index| leads(&index))
        };
        let target = &model.entities[relation.target];
        let tenant = relation.join.to.get(relation.to.len()).map(|id| &target.columns[*id].name);
        let mut far = relation.to.iter().map(|id| &target.columns[*id]);
        let finds_target = far.any(|column| finds(&target.table, tenant, &column.name, column));
        let finds_links = relation.junction.as_ref().is_none_or(|junction| {
            // Keys of a junction are compared as the columns that they reference.
            let mut near = junction.from.iter().zip(&relation.from);
            let tenant = relation.join.near.get(junction.from.len());
            near.any(|(name, id)| finds(&junction.table, tenant, name, &model.entities[owner].columns[*id]))
        });
        !(finds_target && finds_links)
    }

    /// Returns true if the limit applies before to-one joins, because the joined tables are small.
    ///
    /// Otherwise PostgreSQL looks up each joined row in an index, because it applies the limit last. It
    /// hashes a small table instead; after a limit it would hash larger tables too, and read them whole.
    pub(super) fn limits_before_join(&self, dialect: Dialect, model: &Model, load: &Load) -> bool {
        let (true, None, LoadKind::Rows(rows)) =
            (dialect.features().limits_before_joins, load.relation, &load.what)
        else {
            return false;
        };
        rows.limit_before_joins().is_some_and(|limit| {
            rows.order_of_own_columns(&model.entities[load.source.entity()]).is_some()
                && self.are_small(model, rows, limit.saturating_mul(SMALL))
        })
    }

    fn are_small(&self, model: &Model, rows: &Rows, bound: u64) -> bool {
        rows.children.iter().filter(|child| child.joined).all(|child| {
            let table = &model.entities[child.source.entity()].table;
            let is_small = self.rows.get(table).is_some_and(|rows| *rows <= bound);
            is_small && matches!(&child.what, LoadKind::Rows(rows) if self.are_small(model, rows, bound))
        })
    }
}
