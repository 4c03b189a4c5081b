//! Filters: what a client asks of rows.

use sea_orm::Value;

use super::dialect::{escape_like, prefix_of_like};
use super::input::Input;
use super::pattern::Pattern;
use crate::error::Result;
use crate::model::{ColumnId, EntityId, Model, RelationId};

/// A condition on the rows of one entity. An empty `All` holds for each of them.
#[derive(Clone, Debug, PartialEq)]
pub enum Filter {
    /// Every one holds.
    All(Vec<Filter>),
    /// At least one holds.
    Any(Vec<Filter>),
    /// Does not hold; rows for which the inner filter is neither true nor false (NULL) are kept.
    Not(Box<Filter>),
    /// A column compared.
    Column {
        /// The column.
        column: ColumnId,
        /// How it is compared, and to what.
        test: Test,
    },
    /// Several columns that together are one of these keys.
    Keys {
        /// The columns.
        columns: Vec<ColumnId>,
        /// Each with a value for every column.
        keys: Vec<Vec<Value>>,
    },
    /// The rows at the other end of a relation.
    Related {
        /// The relation.
        relation: RelationId,
        /// How many of them.
        quantifier: Quantifier,
        /// What is asked of them.
        filter: Box<Filter>,
    },
}

/// How a column is compared, and to what.
#[derive(Clone, Debug, PartialEq)]
pub enum Test {
    /// With one of the operators `= <> < <= > >=`.
    Compare(Comparison, Operand<Value>),
    /// One of these, or none of them when negated.
    OneOf {
        /// The values.
        values: Operand<Vec<Value>>,
        /// `notIn`.
        negated: bool,
    },
    /// Missing or not.
    IsNull(bool),
    /// Text that begins with this.
    StartsWith(String),
    /// Text that fits a pattern with `%` and `_`, escaped by `\`.
    Like(String),
    /// Text that matches a regular expression.
    Matches(Pattern),
}

/// What a column is compared to.
#[derive(Clone, Debug, PartialEq)]
pub enum Operand<T> {
    /// Known when it was planned.
    Value(T),
    /// Read from each request: a place in [`Plan::parameters`](super::Plan::parameters).
    Parameter(usize),
}

/// A comparing operator.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Comparison {
    /// `=`
    Equal,
    /// `<>`
    NotEqual,
    /// `<`
    Less,
    /// `<=`
    LessOrEqual,
    /// `>`
    Greater,
    /// `>=`
    GreaterOrEqual,
}

/// How many of the related rows a filter speaks of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Quantifier {
    /// At least one.
    Some,
    /// All of them; holds where there are none.
    Every,
    /// Not one.
    None,
}

impl Filter {
    /// The filter that holds for every row.
    pub fn everything() -> Self {
        Self::All(Vec::new())
    }

    /// Whether it holds for every row by its form.
    pub fn is_everything(&self) -> bool {
        matches!(self, Self::All(filters) if filters.iter().all(Self::is_everything))
    }

    /// Whether it asks for rows of other tables.
    pub fn looks_beyond(&self) -> bool {
        match self {
            Self::All(filters) | Self::Any(filters) => filters.iter().any(Self::looks_beyond),
            Self::Not(filter) => filter.looks_beyond(),
            Self::Column { .. } | Self::Keys { .. } => false,
            Self::Related { .. } => true,
        }
    }

    /// These columns equal these operands.
    pub fn equals(columns: &[ColumnId], operands: impl IntoIterator<Item = Operand<Value>>) -> Self {
        let compare =
            |(column, operand)| Self::Column { column, test: Test::Compare(Comparison::Equal, operand) };
        Self::All(columns.iter().copied().zip(operands).map(compare).collect())
    }

    /// These columns are one of these keys.
    pub fn one_of(columns: &[ColumnId], keys: Vec<Vec<Value>>) -> Self {
        match columns {
            [column] => {
                let values = Operand::Value(keys.into_iter().flatten().collect());
                Self::Column { column: *column, test: Test::OneOf { values, negated: false } }
            }
            _ => Self::Keys { columns: columns.to_vec(), keys },
        }
    }

    /// Reads a filter on `entity`, such as `UserFilter`.
    ///
    /// A variable without a value is refused wherever it stands in the filter: left out, its operand would make the filter
    /// hold for more rows than was meant.
    pub fn read(model: &Model, entity: EntityId, input: &Input) -> Result<Self> {
        input.require_values()?;
        Self::read_fields(model, entity, input)
    }

    fn read_fields(model: &Model, entity: EntityId, input: &Input) -> Result<Self> {
        let mut filters = Vec::new();
        for (name, input) in input.object()? {
            filters.push(Self::read_field(model, entity, name, &input)?);
        }
        Ok(Self::All(filters))
    }

    fn read_field(model: &Model, id: EntityId, name: &str, input: &Input) -> Result<Self> {
        let entity = &model.entities[id];
        match name {
            "and" | "or" if input.is_null() => return Err(input.refuse("expected a list of filters")),
            "and" => return Ok(Self::All(Self::read_list(model, id, input)?)),
            "or" => return Ok(Self::Any(Self::read_list(model, id, input)?)),
            "not" => return Ok(Self::Not(Box::new(Self::read_fields(model, id, input)?))),
            _ => {}
        }
        if let Some(column) = entity.column_of_field(name) {
            let mut tests = Vec::new();
            for (operator, operand) in input.object()? {
                let test = Test::read(model, id, column, operator, &operand)?;
                tests.push(Self::Column { column, test });
            }
            return Ok(Self::All(tests));
        }
        let Some(relation) = entity.relation_of_field(name) else {
            return Err(input.refuse(format!("{} has no field \"{name}\"", entity.name)));
        };
        let target = entity.relations[relation].target;
        if !entity.relations[relation].is_many() {
            let filter = Box::new(Self::read_fields(model, target, input)?);
            return Ok(Self::Related { relation, quantifier: Quantifier::Some, filter });
        }
        let mut filters = Vec::new();
        for (quantifier, operand) in input.object()? {
            let quantifier = match quantifier.as_str() {
                "some" => Quantifier::Some,
                "every" => Quantifier::Every,
                "none" => Quantifier::None,
                _ => return Err(operand.refuse("expected one of some, every, none")),
            };
            let filter = Box::new(Self::read_fields(model, target, &operand)?);
            filters.push(Self::Related { relation, quantifier, filter });
        }
        Ok(Self::All(filters))
    }

    fn read_list(model: &Model, entity: EntityId, input: &Input) -> Result<Vec<Self>> {
        input.list().iter().map(|input| Self::read_fields(model, entity, input)).collect()
    }
}

impl Test {
    fn read(model: &Model, id: EntityId, column: ColumnId, operator: &str, operand: &Input) -> Result<Self> {
        let column_type = &model.entities[id].columns[column].column_type;
        if operand.is_null() {
            return Err(operand.refuse("expected a value (use isNull to test for null)"));
        }
        let compare = |comparison| Ok(Self::Compare(comparison, operand.operand(model, column_type)?));
        let one_of = |negated| Ok(Self::OneOf { values: operand.operands(model, column_type)?, negated });
        match operator {
            "eq" => compare(Comparison::Equal),
            "ne" => compare(Comparison::NotEqual),
            "lt" => compare(Comparison::Less),
            "lte" => compare(Comparison::LessOrEqual),
            "gt" => compare(Comparison::Greater),
            "gte" => compare(Comparison::GreaterOrEqual),
            "in" => one_of(false),
            "notIn" => one_of(true),
            "isNull" => Ok(Self::IsNull(operand.boolean()?)),
            _ => {
                let text = match operand.column_value(model, column_type)? {
                    Value::String(Some(text)) => text,
                    _ => return Err(operand.refuse("expected text")),
                };
                Self::read_text(operator, &text, operand)
            }
        }
    }

    fn read_text(operator: &str, text: &str, operand: &Input) -> Result<Self> {
        let (form, ignores_case) = match operator.strip_prefix('i') {
            Some(form) => (form, true),
            None => (operator, false),
        };
        let literal = escape_like(text);
        let pattern = match form {
            "contains" | "Contains" => format!("%{literal}%"),
            "startsWith" => return Ok(Self::StartsWith(text.to_owned())),
            "StartsWith" => format!("{literal}%"),
            "endsWith" | "EndsWith" => format!("%{literal}"),
            "Eq" => literal,
            "like" | "Like" => {
                if text.chars().rev().take_while(|letter| *letter == '\\').count() % 2 == 1 {
                    return Err(operand.refuse("expected a pattern without an unpaired backslash at its end"));
                }
                match prefix_of_like(text) {
                    Some(prefix) if !ignores_case => return Ok(Self::StartsWith(prefix)),
                    _ => text.to_owned(),
                }
            }
            "regex" => {
                let pattern = Pattern::regex(text).map_err(|expected| operand.refuse(expected))?;
                return Ok(Self::Matches(pattern));
            }
            _ => return Err(operand.refuse(format!("expected a known operator instead of \"{operator}\""))),
        };
        if ignores_case {
            let pattern = Pattern::ignoring_case(&pattern).map_err(|expected| operand.refuse(expected))?;
            return Ok(Self::Matches(pattern));
        }
        Ok(Self::Like(pattern))
    }
}
