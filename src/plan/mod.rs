//! Selection + model → [`Plan`]: loads, statement by statement, and the response fields that read them.
//!
//! Planning never touches a database. A plan is a tree of [`Load`]s, each one statement for any number of
//! parent rows. Beside the loads stands the tree of [`Field`]s as the client selected them.

mod catalog;
mod certainty;
mod complexity;
mod cost;
mod cursor;
mod filter;
mod input;
mod node_id;
mod order;
mod planner;
mod print;
mod room;
mod select;
mod selection;
mod tables;
mod variables;

use std::collections::BTreeSet;

use async_graphql::{Name, Pos};
use sea_orm::Value;

pub use catalog::Catalog;
pub use complexity::Complexity;
pub use cost::rows_asked;
pub use cursor::Cursor;
pub use filter::{Filter, Operand, Quantifier, Test};
pub use input::{Arguments, Input};
pub use node_id::write as write_node_id;
pub use order::{Direction, OrderBy, OrderTerm};
pub use planner::{Planner, plan};
pub use room::Room;
pub use select::{Join, Key, LastRun, Query, Select, Templates};
pub use selection::Document;
pub use variables::{Parameter, Variables};

use crate::error::Error;
use crate::model::{ColumnId, EntityId, RelationId};

/// Loads and response fields of one operation.
#[derive(Debug, Default)]
pub struct Plan {
    /// Root fields, in response order.
    pub fields: Vec<Field>,
    /// Loads of the root fields.
    pub loads: Vec<Load>,
    /// Parameters read from each request.
    pub parameters: Vec<Parameter>,
    /// Variables whose values affect the plan. For all other variables only presence and nullness matter.
    pub depends_on: BTreeSet<Name>,
    /// Statement sizes that databases limit.
    pub complexity: Complexity,
    /// Capacity hint for the bytes of the response.
    pub room: Room,
}

impl Plan {
    /// Returns the number of statements sent if no level is empty.
    pub fn statements(&self) -> usize {
        self.loads.iter().map(Load::statements).sum()
    }

    /// Returns the error of the first root field that could not be planned.
    pub fn first_fault(&self) -> Option<&Error> {
        self.fields.iter().find_map(|field| match &field.kind {
            FieldKind::Failed { error, .. } => Some(error),
            _ => None,
        })
    }
}

/// Rows or aggregates of one entity, as a statement or a part of the parent's statement.
#[derive(Clone, Debug, PartialEq)]
pub struct Load {
    /// Entity of the rows.
    pub entity: EntityId,
    /// Relation that leads to the rows, with its owner; none at the root.
    pub relation: Option<(EntityId, RelationId)>,
    /// Filter on the rows.
    pub filter: Filter,
    /// Kind of the load.
    pub what: What,
    /// True if the rows come with the parent's rows, in one statement.
    pub joined: bool,
    /// Cached statements of the load.
    pub templates: Templates,
}

impl Load {
    /// Builds a load at the root, with its own statement.
    pub fn new(entity: EntityId, filter: Filter, what: What) -> Self {
        Self { entity, relation: None, filter, what, joined: false, templates: Templates::default() }
    }

    /// Returns the loads nested below each row.
    pub fn children(&self) -> &[Load] {
        match &self.what {
            What::Rows(rows) => &rows.children,
            What::Aggregates(_) => &[],
        }
    }

    fn statements(&self) -> usize {
        usize::from(!self.joined) + self.children().iter().map(Load::statements).sum::<usize>()
    }
}

/// Kind of a [`Load`].
#[derive(Clone, Debug, PartialEq)]
pub enum What {
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

/// Aggregate function.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Aggregate {
    /// Number of rows.
    Count,
    /// Number of distinct values.
    CountDistinct(ColumnId),
    /// Sum of the values.
    Sum(ColumnId),
    /// Average of the values.
    Average(ColumnId),
    /// Minimum value.
    Minimum(ColumnId),
    /// Maximum value.
    Maximum(ColumnId),
}

/// Field of the response.
#[derive(Debug)]
pub struct Field {
    /// Response key.
    pub key: Name,
    /// Response key as JSON, with comma, quotes and colon. Names are letters, digits and `_` (September 2025,
    /// section 2.1.8), so nothing needs escapes.
    pub label: Box<str>,
    /// Field name in the schema.
    pub name: Name,
    /// Position in the document.
    pub position: Pos,
    /// Kind of the field.
    pub kind: FieldKind,
}

impl Field {
    /// Builds a field from its response key and its name in the schema.
    pub fn new(key: Name, name: Name, position: Pos, kind: FieldKind) -> Self {
        let label = format!(",\"{key}\":").into();
        Self { key, label, name, position, kind }
    }
}

/// Kind of a response field. A `load` is an index into the loads below the current row, or into
/// [`Plan::loads`] at the root. A `slot` is an index into the row.
#[derive(Debug)]
pub enum FieldKind {
    /// `__typename`.
    TypeName(String),
    /// A column.
    Column {
        /// Slot of the column in the row.
        slot: usize,
        /// The column.
        column: ColumnId,
    },
    /// `nodeId`.
    NodeId {
        /// Slots of the primary key.
        slots: Vec<usize>,
    },
    /// At most one row.
    One {
        /// Load of the row.
        load: usize,
        /// Selection on the row.
        selection: Selection,
        /// Slots of the foreign key, if the relation guarantees a target. A key without a target row is an
        /// error, for a nullable relation too.
        key: Option<Vec<usize>>,
        /// True if the field is non-null.
        non_null: bool,
    },
    /// List of rows.
    List {
        /// Load of the rows.
        load: usize,
        /// Selection on each row.
        selection: Selection,
    },
    /// `nodes`: rows of several types in the order of their ids.
    Nodes {
        /// Group and key of each id.
        items: Vec<(usize, Vec<Value>)>,
        /// Groups, one load per type.
        groups: Vec<NodeGroup>,
    },
    /// Connection.
    Connection {
        /// Load of the rows; none if only the count is selected.
        load: Option<usize>,
        /// Fields of the connection.
        fields: Vec<ConnectionField>,
    },
    /// Aggregates.
    Aggregate {
        /// Load of the aggregates.
        load: usize,
        /// Fields of the aggregate.
        fields: Vec<AggregateField>,
    },
    /// Error found while planning.
    Failed {
        /// The error.
        error: Error,
        /// Rest of the path to the error, below this field.
        below: Vec<String>,
        /// True if the field is non-null.
        non_null: bool,
    },
    /// Introspection, or a root field of the application: delegated to async-graphql.
    Foreign,
}

/// Selection on a row.
#[derive(Debug)]
pub struct Selection {
    /// Entity of the row.
    pub entity: EntityId,
    /// Fields, in response order.
    pub fields: Vec<Field>,
}

/// Nodes of one type.
#[derive(Debug)]
pub struct NodeGroup {
    /// Load of the nodes.
    pub load: usize,
    /// Selection on each node.
    pub selection: Selection,
    /// Slots of the primary key.
    pub slots: Vec<usize>,
}

/// Field of a connection.
#[derive(Debug)]
pub struct ConnectionField {
    /// Response key.
    pub key: Name,
    /// Position in the document.
    pub position: Pos,
    /// Kind of the field.
    pub kind: ConnectionFieldKind,
}

/// Kind of a connection field.
#[derive(Debug)]
pub enum ConnectionFieldKind {
    /// `__typename`.
    TypeName(String),
    /// `edges`.
    Edges(Vec<EdgeField>),
    /// `nodes`.
    Nodes(Selection),
    /// `pageInfo`.
    PageInfo(Vec<(Name, PageInfoField)>),
    /// `totalCount`, with the index of its load.
    TotalCount(usize),
}

/// Field of an edge.
#[derive(Debug)]
pub struct EdgeField {
    /// Response key.
    pub key: Name,
    /// Position in the document.
    pub position: Pos,
    /// Kind of the field.
    pub kind: EdgeFieldKind,
}

/// Kind of an edge field.
#[derive(Debug)]
pub enum EdgeFieldKind {
    /// `__typename`.
    TypeName(String),
    /// `cursor`.
    Cursor,
    /// `node`.
    Node(Selection),
    /// Column of the junction: index among the junction columns, entity and column of the junction.
    JunctionColumn(usize, EntityId, ColumnId),
}

/// Kind of a `pageInfo` field.
#[derive(Debug)]
pub enum PageInfoField {
    /// `__typename`.
    TypeName,
    /// `hasNextPage`.
    HasNextPage,
    /// `hasPreviousPage`.
    HasPreviousPage,
    /// `startCursor`.
    StartCursor,
    /// `endCursor`.
    EndCursor,
}

/// Field of an aggregate.
#[derive(Debug)]
pub struct AggregateField {
    /// Response key.
    pub key: Name,
    /// Position in the document.
    pub position: Pos,
    /// Kind of the field.
    pub kind: AggregateFieldKind,
}

/// Kind of an aggregate field.
#[derive(Debug)]
pub enum AggregateFieldKind {
    /// `__typename`.
    TypeName(String),
    /// Value at this index.
    Value(usize),
    /// Object such as `sum`, with a field per column.
    Group(Vec<AggregateField>),
}
