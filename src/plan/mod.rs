//! Selection + model → [`Plan`]: loads, statement by statement, and the response fields that read them.
//!
//! Planning never touches a database. A plan is a tree of [`Load`]s, each one statement for any number of
//! parent rows. Beside the loads stands the tree of [`Field`]s as the client selected them.

mod catalog;
mod certainty;
mod complexity;
mod cost;
mod cursor;
mod defaults;
mod filter;
mod filter_size;
mod input;
mod input_path;
mod input_value;
mod known_order;
mod load;
mod node_id;
mod operand;
mod order;
mod planner;
mod print;
mod rules;
mod select;
mod selection;
mod source;
mod tables;
mod values;
mod variables;
mod write_rules;

use std::collections::BTreeSet;

use async_graphql::{Name, Pos};
use sea_orm::Value;

pub use catalog::Catalog;
pub use complexity::Complexity;
pub use cost::rows_asked;
pub use cursor::Cursor;
pub use defaults::ListDefaults;
pub use filter::{Filter, Test};
pub use input::{Arguments, Input};
pub use input_path::InputPath;
pub use load::{Aggregate, ComputedLoad, Load, LoadKind, Page, Rows};
pub use node_id::write as write_node_id;
pub use operand::Operand;
pub use order::{Direction, OrderBy, OrderTerm};
pub use planner::{Planner, plan};
pub use rules::{Rules, Sight};
pub use select::{
    Bind, Check, Join, OutputSlots, PageSide, ParameterSlot, RelationKey, SqlBuilder, SqlStatement,
};
pub use selection::{Document, FragmentDefinitions};
pub use source::Source;
pub use tables::PlanReads;
pub use variables::{PlanParameter, Variables};
pub use write_rules::{DeleteRule, RowRules, SetValue};

use crate::error::Error;
use crate::model::{ColumnId, EntityId};

/// Loads and response fields of one operation.
#[derive(Debug, Default)]
pub struct Plan {
    /// Root fields, in response order.
    pub fields: Vec<Field>,
    /// Loads of the root fields.
    pub loads: Vec<Load>,
    /// Parameters read from each request.
    pub parameters: Vec<PlanParameter>,
    /// Variables whose values affect the plan. For all other variables only presence and nullness matter.
    pub depends_on: BTreeSet<Name>,
    /// Statement sizes that databases limit.
    pub complexity: Complexity,
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
    /// A field of the application on an entity's type.
    Computed {
        /// Index of the field among those of the rows.
        place: usize,
        /// True if the field is non-null.
        non_null: bool,
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
    Delegated,
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
