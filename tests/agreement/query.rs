//! Queries as values, from which both the text for Crowsfoot and the naive response are made.

use std::fmt;

use crate::cell::Cell;
use crate::tables::{Relation, TABLES};

/// Field with its response key.
#[derive(Clone, Debug)]
pub struct Keyed<T> {
    pub key: String,
    pub what: T,
}

pub type Field = Keyed<FieldKind>;

#[derive(Clone, Debug)]
pub enum FieldKind {
    TypeName,
    NodeId,
    Column(usize),
    One {
        relation: usize,
        fields: Vec<Field>,
    },
    List {
        of: Of,
        arguments: List,
        fields: Vec<Field>,
    },
    Connection {
        of: Of,
        arguments: Connection,
        fields: Vec<Keyed<OfConnection>>,
    },
    Aggregate {
        of: Of,
        filter: Filter,
        fields: Vec<Keyed<OfAggregate>>,
    },
    Lookup {
        table: usize,
        lookup: usize,
        key: Vec<Cell>,
        fields: Vec<Field>,
    },
    Node {
        place: Place,
        fields: Vec<Field>,
    },
    /// Nodes, with the fields of each type.
    Nodes {
        places: Vec<Place>,
        fields: Vec<(usize, Vec<Field>)>,
    },
}

/// Source of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Of {
    /// All rows of a table.
    Root(usize),
    /// Relation of the parent row.
    Relation(usize),
}

/// Row of a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    pub table: usize,
    pub row: usize,
}

/// Arguments of a list.
#[derive(Clone, Debug, Default)]
pub struct List {
    pub filter: Filter,
    pub order: Vec<OrderTerm>,
    pub limit: Option<usize>,
    pub offset: Option<usize>,
}

/// Arguments of a connection. A cursor is given as its row.
#[derive(Clone, Debug, Default)]
pub struct Connection {
    pub filter: Filter,
    pub order: Vec<OrderTerm>,
    pub first: Option<usize>,
    pub last: Option<usize>,
    pub after: Option<usize>,
    pub before: Option<usize>,
}

#[derive(Clone, Debug)]
pub enum OfConnection {
    TypeName,
    TotalCount,
    Edges(Vec<Keyed<OfEdge>>),
    Nodes(Vec<Field>),
    PageInfo(Vec<OfPageInfo>),
}

#[derive(Clone, Debug)]
pub enum OfEdge {
    TypeName,
    Cursor,
    Node(Vec<Field>),
    /// Column of the junction.
    Junction(usize),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OfPageInfo {
    HasNextPage,
    HasPreviousPage,
    StartCursor,
    EndCursor,
}

impl OfPageInfo {
    pub const ALL: [Self; 4] = [Self::HasNextPage, Self::HasPreviousPage, Self::StartCursor, Self::EndCursor];

    pub fn name(self) -> &'static str {
        match self {
            Self::HasNextPage => "hasNextPage",
            Self::HasPreviousPage => "hasPreviousPage",
            Self::StartCursor => "startCursor",
            Self::EndCursor => "endCursor",
        }
    }
}

#[derive(Clone, Debug)]
pub enum OfAggregate {
    TypeName,
    Count,
    Group(Group, Vec<usize>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Group {
    CountDistinct,
    Sum,
    Average,
    Minimum,
    Maximum,
}

impl Group {
    pub const ALL: [Self; 5] = [Self::CountDistinct, Self::Sum, Self::Average, Self::Minimum, Self::Maximum];

    pub fn name(self) -> &'static str {
        match self {
            Self::CountDistinct => "countDistinct",
            Self::Sum => "sum",
            Self::Average => "avg",
            Self::Minimum => "min",
            Self::Maximum => "max",
        }
    }
}

/// Conjunction of conditions with different names. They are sorted by name, as in JSON variables: equal
/// filters are loaded together.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Filter(pub Vec<Clause>);

#[derive(Clone, Debug, PartialEq)]
pub enum Clause {
    And(Vec<Filter>),
    Or(Vec<Filter>),
    Not(Filter),
    Column(usize, Vec<Test>),
    One(usize, Filter),
    Many(usize, Vec<(Quantifier, Filter)>),
}

impl Clause {
    /// Returns the field of the condition in a table's filter.
    pub fn name(&self, table: usize) -> &'static str {
        match self {
            Self::And(_) => "and",
            Self::Or(_) => "or",
            Self::Not(_) => "not",
            Self::Column(column, _) => &TABLES[table].columns[*column].field,
            Self::One(relation, _) | Self::Many(relation, _) => TABLES[table].relations[*relation].field,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Quantifier {
    Some,
    Every,
    None,
}

impl Quantifier {
    pub const ALL: [Self; 3] = [Self::Some, Self::Every, Self::None];

    pub fn name(self) -> &'static str {
        match self {
            Self::Some => "some",
            Self::Every => "every",
            Self::None => "none",
        }
    }
}

#[derive(Clone, Debug, PartialEq)]
pub enum Test {
    Compare(Comparison, Operand),
    In(Vec<Operand>),
    NotIn(Vec<Operand>),
    Text(TextTest, String),
    IsNull(bool),
}

impl Test {
    /// Returns the operator.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Compare(comparison, _) => comparison.name(),
            Self::In(_) => "in",
            Self::NotIn(_) => "notIn",
            Self::Text(test, _) => test.name(),
            Self::IsNull(_) => "isNull",
        }
    }
}

/// Value with the spelling that the client uses.
#[derive(Clone, PartialEq)]
pub struct Operand {
    pub cell: Cell,
    pub other_spelling: bool,
}

/// Formats the value alone: filters that differ only in spelling load the same rows.
impl fmt::Debug for Operand {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.cell {
            Cell::Decimal(value) => value.normalize().fmt(formatter),
            other => other.fmt(formatter),
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Comparison {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

impl Comparison {
    pub const ALL: [Self; 6] =
        [Self::Equal, Self::NotEqual, Self::Less, Self::LessOrEqual, Self::Greater, Self::GreaterOrEqual];

    pub fn name(self) -> &'static str {
        match self {
            Self::Equal => "eq",
            Self::NotEqual => "ne",
            Self::Less => "lt",
            Self::LessOrEqual => "lte",
            Self::Greater => "gt",
            Self::GreaterOrEqual => "gte",
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TextTest {
    Contains,
    StartsWith,
    EndsWith,
    Like,
    IEq,
    IContains,
    IStartsWith,
    IEndsWith,
    ILike,
    Regex,
}

impl TextTest {
    pub const ALL: [Self; 10] = [
        Self::Contains,
        Self::StartsWith,
        Self::EndsWith,
        Self::Like,
        Self::IEq,
        Self::IContains,
        Self::IStartsWith,
        Self::IEndsWith,
        Self::ILike,
        Self::Regex,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Self::Contains => "contains",
            Self::StartsWith => "startsWith",
            Self::EndsWith => "endsWith",
            Self::Like => "like",
            Self::IEq => "iEq",
            Self::IContains => "iContains",
            Self::IStartsWith => "iStartsWith",
            Self::IEndsWith => "iEndsWith",
            Self::ILike => "iLike",
            Self::Regex => "regex",
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OrderTerm {
    /// To-one relations on the path.
    pub path: Vec<usize>,
    pub by: By,
    pub direction: Direction,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum By {
    Column(usize),
    /// Length of a list.
    Count(usize),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    Asc,
    AscNullsFirst,
    AscNullsLast,
    Desc,
    DescNullsFirst,
    DescNullsLast,
}

impl Direction {
    pub const ALL: [Self; 6] = [
        Self::Asc,
        Self::AscNullsFirst,
        Self::AscNullsLast,
        Self::Desc,
        Self::DescNullsFirst,
        Self::DescNullsLast,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Self::Asc => "ASC",
            Self::AscNullsFirst => "ASC_NULLS_FIRST",
            Self::AscNullsLast => "ASC_NULLS_LAST",
            Self::Desc => "DESC",
            Self::DescNullsFirst => "DESC_NULLS_FIRST",
            Self::DescNullsLast => "DESC_NULLS_LAST",
        }
    }
}

impl Of {
    /// Returns the table of the list's rows.
    pub fn target(self, above: Option<usize>) -> usize {
        match self {
            Self::Root(table) => table,
            Self::Relation(_) => self.relation(above).unwrap().target,
        }
    }

    pub fn relation(self, above: Option<usize>) -> Option<&'static Relation> {
        match self {
            Self::Root(_) => None,
            Self::Relation(relation) => Some(&TABLES[above.unwrap()].relations[relation]),
        }
    }

    /// Returns the field of the list.
    pub fn field(self, above: Option<usize>) -> &'static str {
        match self {
            Self::Root(table) => TABLES[table].list,
            Self::Relation(_) => self.relation(above).unwrap().field,
        }
    }
    /// Returns the prefix of the connection's type names: shared by all lists of an entity, unless edges
    /// carry a junction's columns.
    pub fn type_name(self, above: Option<usize>) -> String {
        let junction = self.relation(above).and_then(|relation| relation.junction.as_ref());
        let field = self.field(above);
        match above {
            Some(above) if junction.is_some_and(|junction| !junction.own.is_empty()) => {
                format!("{}{}{}", TABLES[above].name, field[..1].to_uppercase(), &field[1..])
            }
            _ => TABLES[self.target(above)].name.to_owned(),
        }
    }
}
