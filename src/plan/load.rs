//! Loads: rows or aggregates, with their pages.

use serde_json::{Map, Value as Json};

use super::cursor::Cursor;
use super::order::OrderTerm;
use super::source::Source;
use crate::model::{AggregateFunction, ColumnId, ColumnType, Entity, EntityId, RelationId};

/// Rows or aggregates of one entity, as a statement or a part of the parent's statement.
#[derive(Clone, Debug, PartialEq)]
pub struct Load {
    /// Rows that are loaded, or aggregated.
    pub source: Source,
    /// Relation that leads to the rows, with its owner; none at the root.
    pub relation: Option<(EntityId, RelationId)>,
    /// Kind of the load.
    pub what: LoadKind,
    /// True if the rows come with the parent's rows, in one statement.
    pub joined: bool,
}

impl Load {
    /// Builds a load at the root, with its own statement.
    pub fn new(source: Source, what: LoadKind) -> Self {
        Self { source, relation: None, what, joined: false }
    }

    /// Returns the loads nested below each row.
    pub fn children(&self) -> &[Load] {
        match &self.what {
            LoadKind::Rows(rows) => &rows.children,
            LoadKind::Aggregates(_) => &[],
        }
    }

    /// Returns the fields of the application on each row.
    pub fn computed(&self) -> &[ComputedLoad] {
        match &self.what {
            LoadKind::Rows(rows) => &rows.computed,
            LoadKind::Aggregates(_) => &[],
        }
    }

    /// Returns the number of statements of the load and the loads below it.
    pub(super) fn statements(&self) -> usize {
        usize::from(!self.joined) + self.children().iter().map(Load::statements).sum::<usize>()
    }
}

/// Kind of a [`Load`].
#[derive(Clone, Debug, PartialEq)]
pub enum LoadKind {
    /// Rows.
    Rows(Rows),
    /// Aggregates over all rows.
    Aggregates(Vec<Aggregate>),
}

/// Rows of a [`Load`].
#[derive(Clone, Debug, PartialEq)]
pub struct Rows {
    /// Total order; empty for at most one row.
    pub order: Vec<OrderTerm>,
    /// Page of the list, per parent.
    pub page: Page,
    /// Columns for the selection and the nested relations; a column's index is its slot.
    pub columns: Vec<ColumnId>,
    /// Columns of the junction, for the edges of a connection.
    pub junction_columns: Vec<ColumnId>,
    /// True if each row comes with its cursor values.
    pub cursors: bool,
    /// Loads nested below each row.
    pub children: Vec<Load>,
    /// Fields of the application on each row.
    pub computed: Vec<ComputedLoad>,
}

/// Field of the application on the rows of a load.
#[derive(Clone, Debug, PartialEq)]
pub struct ComputedLoad {
    /// Index of the field's resolver.
    pub resolver: usize,
    /// Slots of the primary key.
    pub key: Vec<usize>,
    /// Slots of the columns that the field is resolved from.
    pub slots: Vec<usize>,
    /// Arguments that the client gave.
    pub arguments: Map<String, Json>,
}

impl Rows {
    /// Returns rows without an order, for at most one row per parent or key.
    pub(crate) fn unordered() -> Self {
        Self {
            order: Vec::new(),
            page: Page::All,
            columns: Vec::new(),
            junction_columns: Vec::new(),
            cursors: false,
            children: Vec::new(),
            computed: Vec::new(),
        }
    }
}

/// Page of a list.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Page {
    /// Whole list.
    All,
    /// Page by limit and offset.
    Slice {
        /// Maximum number of rows.
        limit: Option<u64>,
        /// Number of rows to skip.
        offset: u64,
    },
    /// Page by cursors (Relay Cursor Connections Specification, section 4.4).
    Keyset {
        /// `first` or `last`.
        limit: Option<u64>,
        /// True if `limit` counts from the end.
        backward: bool,
        /// Rows after this cursor only.
        after: Option<Cursor>,
        /// Rows before this cursor only.
        before: Option<Cursor>,
        /// True if the response tells whether rows exist beyond the cursors.
        looks_outside: bool,
    },
}

/// Aggregate over rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Aggregate {
    /// Number of rows.
    Count,
    /// Function of a column.
    OfColumn(AggregateFunction, ColumnId),
}

impl Aggregate {
    /// Returns the type of the aggregate's result.
    pub fn column_type(self, entity: &Entity) -> ColumnType {
        match self {
            Self::Count => ColumnType::BigInt,
            Self::OfColumn(function, id) => function.column_type(&entity.columns[id].column_type),
        }
    }
}
