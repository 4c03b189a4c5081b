//! Selection + model → [`Plan`]: what to load, statement by statement, and how the answer is read from it.
//!
//! Nothing here touches a database. A plan is a tree of [`Load`]s, each one statement however many rows its
//! parents have, and beside it the tree of [`Field`]s as the client selected them.

mod catalog;
mod certainty;
mod complexity;
mod cost;
mod cursor;
mod dialect;
mod filter;
mod input;
mod node_id;
mod order;
mod pattern;
mod planner;
mod print;
mod room;
mod select;
mod selection;
pub mod sqlite_decimal;
pub mod sqlite_time;
mod tables;
mod variables;

use std::collections::BTreeSet;

use async_graphql::{Name, Pos};
use sea_orm::Value;

pub use catalog::Catalog;
pub use complexity::Complexity;
pub use cost::rows_asked;
pub use cursor::Cursor;
pub use dialect::Dialect;
pub use filter::{Comparison, Filter, Operand, Quantifier, Test};
pub use input::{Arguments, Input};
pub use node_id::write as write_node_id;
pub use order::{Direction, OrderBy, OrderTerm};
pub use pattern::{DESCRIPTION as REGEX_DESCRIPTION, Pattern};
pub use planner::{Planner, plan};
pub use room::Room;
pub use select::{Join, Key, LastRun, Query, Select, Templates};
pub use selection::Document;
pub use variables::{Parameter, Variables};

use crate::error::Error;
use crate::model::{ColumnId, EntityId, RelationId};

/// What one operation loads and answers.
#[derive(Debug, Default)]
pub struct Plan {
    /// The root fields, in the order of the answer.
    pub fields: Vec<Field>,
    /// What they load.
    pub loads: Vec<Load>,
    /// What is read from each request that it serves.
    pub parameters: Vec<Parameter>,
    /// The variables whose values it depends on. Of the others it is enough whether they are given, and not null.
    pub depends_on: BTreeSet<Name>,
    /// How large its statements are, as far as databases limit that.
    pub complexity: Complexity,
    /// For the bytes of its answers.
    pub room: Room,
}

impl Plan {
    /// The number of statements it sends when no level is empty.
    pub fn statements(&self) -> usize {
        self.loads.iter().map(Load::statements).sum()
    }

    /// The fault of the first root field that could not be planned.
    pub fn first_fault(&self) -> Option<&Error> {
        self.fields.iter().find_map(|field| match &field.kind {
            FieldKind::Failed { error, .. } => Some(error),
            _ => None,
        })
    }
}

/// One statement, or a part of its parent's: rows, or aggregates of rows, of one entity.
#[derive(Clone, Debug, PartialEq)]
pub struct Load {
    /// Whose rows.
    pub entity: EntityId,
    /// The relation that leads there, with the entity that has it; none at the root.
    pub relation: Option<(EntityId, RelationId)>,
    /// Which rows.
    pub filter: Filter,
    /// What of them.
    pub what: What,
    /// Whether its rows come with those of the parent, in one statement for both.
    pub joined: bool,
    /// What is kept of its statement.
    pub templates: Templates,
}

impl Load {
    /// What a statement of its own loads, at the root.
    pub fn new(entity: EntityId, filter: Filter, what: What) -> Self {
        Self { entity, relation: None, filter, what, joined: false, templates: Templates::default() }
    }

    /// What is loaded for each of its rows in turn.
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

/// What a [`Load`] loads.
#[derive(Clone, Debug, PartialEq)]
pub enum What {
    /// The rows themselves.
    Rows(Rows),
    /// Something computed of all of them.
    Aggregates(Vec<Aggregate>),
}

/// The rows of a [`Load`].
#[derive(Clone, Debug, PartialEq)]
pub struct Rows {
    /// A total order; none where at most one row is wanted.
    pub order: Vec<OrderTerm>,
    /// Which part of the list, per parent.
    pub page: Page,
    /// The columns that the selection and the relations below need; a column's index here is its slot.
    pub columns: Vec<ColumnId>,
    /// The junction's own columns, for the edges of a connection.
    pub junction_columns: Vec<ColumnId>,
    /// Whether each row comes with the values of its cursor.
    pub cursors: bool,
    /// What is loaded for each row in turn.
    pub children: Vec<Load>,
}

impl Rows {
    /// Rows whose order does not matter, since at most one answers each question.
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

/// Which part of a list.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Page {
    /// All of it.
    All,
    /// By number.
    Slice {
        /// At most so many.
        limit: Option<u64>,
        /// After so many.
        offset: u64,
    },
    /// By cursors (Relay Cursor Connections Specification, section 4.4).
    Keyset {
        /// `first` or `last`.
        limit: Option<u64>,
        /// Whether `limit` counts from the end.
        backward: bool,
        /// Only what comes after.
        after: Option<Cursor>,
        /// Only what comes before.
        before: Option<Cursor>,
        /// Whether the answer says if there is something outside the cursors.
        looks_outside: bool,
    },
}

/// One aggregate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Aggregate {
    /// How many rows.
    Count,
    /// How many different values.
    CountDistinct(ColumnId),
    /// Their sum.
    Sum(ColumnId),
    /// Their average.
    Average(ColumnId),
    /// The least.
    Minimum(ColumnId),
    /// The greatest.
    Maximum(ColumnId),
}

/// One field of the answer.
#[derive(Debug)]
pub struct Field {
    /// Its name in the answer.
    pub key: Name,
    /// The same as the answer has it between the value before and its own: comma, quotes and colon included. Names are
    /// letters, digits and `_` (October 2021, section 2.1.9): nothing to escape.
    pub label: Box<str>,
    /// Its name in the schema.
    pub name: Name,
    /// Where it stands in the document.
    pub position: Pos,
    /// What is there.
    pub kind: FieldKind,
}

impl Field {
    /// A field under its name in the answer and its name in the schema.
    pub fn new(key: Name, name: Name, position: Pos, kind: FieldKind) -> Self {
        let label = format!(",\"{key}\":").into();
        Self { key, label, name, position, kind }
    }
}

/// What a field of the answer holds. A `load` is an index into the loads below the row it stands on, or into
/// [`Plan::loads`] at the root; a `slot` is an index into that row.
#[derive(Debug)]
pub enum FieldKind {
    /// `__typename`.
    TypeName(String),
    /// A column.
    Column {
        /// Its place in the row.
        slot: usize,
        /// The column.
        column: ColumnId,
    },
    /// `nodeId`.
    NodeId {
        /// The places of the primary key.
        slots: Vec<usize>,
    },
    /// At most one row.
    One {
        /// Its rows.
        load: usize,
        /// What is read of it.
        selection: Selection,
        /// The foreign key in the row, where the relation promises a target for it: present without one is an
        /// error, for a nullable relation too.
        key: Option<Vec<usize>>,
        /// Whether `null` cannot stand here.
        non_null: bool,
    },
    /// Rows.
    List {
        /// The rows.
        load: usize,
        /// What is read of each.
        selection: Selection,
    },
    /// `nodes`: rows of several types in the order of their ids.
    Nodes {
        /// For each id the group it is in and its key.
        items: Vec<(usize, Vec<Value>)>,
        /// One load per type.
        groups: Vec<NodeGroup>,
    },
    /// Rows with cursors.
    Connection {
        /// The rows; none where only the count is asked.
        load: Option<usize>,
        /// What is read of it.
        fields: Vec<ConnectionField>,
    },
    /// Aggregates.
    Aggregate {
        /// The aggregates.
        load: usize,
        /// What is read of them.
        fields: Vec<AggregateField>,
    },
    /// A fault found while planning.
    Failed {
        /// The fault.
        error: Error,
        /// The rest of the path to it, below this field.
        below: Vec<String>,
        /// Whether `null` cannot stand here.
        non_null: bool,
    },
    /// Introspection, or a root field of the user's own: answered by async-graphql.
    Foreign,
}

/// What is read of a row.
#[derive(Debug)]
pub struct Selection {
    /// Whose row.
    pub entity: EntityId,
    /// Its fields, in the order of the answer.
    pub fields: Vec<Field>,
}

/// The nodes of one type.
#[derive(Debug)]
pub struct NodeGroup {
    /// Their rows.
    pub load: usize,
    /// What is read of each.
    pub selection: Selection,
    /// The places of the primary key.
    pub slots: Vec<usize>,
}

/// One field of a connection.
#[derive(Debug)]
pub struct ConnectionField {
    /// Its name in the answer.
    pub key: Name,
    /// Where it stands in the document.
    pub position: Pos,
    /// What is there.
    pub kind: ConnectionFieldKind,
}

/// What a field of a connection holds.
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
    /// `totalCount`: the index of its load.
    TotalCount(usize),
}

/// One field of an edge.
#[derive(Debug)]
pub struct EdgeField {
    /// Its name in the answer.
    pub key: Name,
    /// Where it stands in the document.
    pub position: Pos,
    /// What is there.
    pub kind: EdgeFieldKind,
}

/// What a field of an edge holds.
#[derive(Debug)]
pub enum EdgeFieldKind {
    /// `__typename`.
    TypeName(String),
    /// `cursor`.
    Cursor,
    /// `node`.
    Node(Selection),
    /// A column of the junction: its place among the junction's columns, and the junction's entity and column.
    JunctionColumn(usize, EntityId, ColumnId),
}

/// What a field of `pageInfo` holds.
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

/// One field of an aggregate.
#[derive(Debug)]
pub struct AggregateField {
    /// Its name in the answer.
    pub key: Name,
    /// Where it stands in the document.
    pub position: Pos,
    /// What is there.
    pub kind: AggregateFieldKind,
}

/// What a field of an aggregate holds.
#[derive(Debug)]
pub enum AggregateFieldKind {
    /// `__typename`.
    TypeName(String),
    /// A number or value at this place.
    Value(usize),
    /// An object such as `sum`, with a field per column.
    Group(Vec<AggregateField>),
}
