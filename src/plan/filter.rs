//! Filters: conditions of clients on rows.

use sea_orm::Value;

use super::input::Input;
use super::operand::Operand;
use crate::dialect::{Comparison, Pattern, SetOperator, escape_like, prefix_of_like};
use crate::error::{Error, Result};
use crate::model::{
    ColumnId, ColumnType, Combinator, EntityId, Model, NativeForm, Operator, Quantifier, RelationId,
};

/// The most conditions that one filter may have, its columns, operators and connectives counted. Reading a condition and
/// writing it into a statement take microseconds, and a database plans as long again.
const MOST_CONDITIONS: u64 = 25_000;

/// The most relations that one filter may follow: each is a sub-select, which takes a database much longer than a comparison
/// (PostgreSQL plans 1,000 of them in a second, and 100,000 in two minutes).
const MOST_RELATIONS: u64 = 1_000;

/// Condition on the rows of one entity. An empty `All` holds for every row.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Filter {
    /// All filters hold.
    All(Vec<Filter>),
    /// At least one filter holds.
    Any(Vec<Filter>),
    /// The filter does not hold. Rows for which the inner filter is NULL, neither true nor false, are kept.
    Not(Box<Filter>),
    /// Test of a column.
    Column {
        /// The column.
        column: ColumnId,
        /// The test.
        test: Test,
    },
    /// Membership of several columns together in a list of keys.
    Keys {
        /// The columns.
        columns: Vec<ColumnId>,
        /// Keys, each with a value for every column.
        keys: Vec<Vec<Value>>,
    },
    /// Condition on the rows at the other end of a relation.
    Related {
        /// The relation.
        relation: RelationId,
        /// Quantifier over the related rows.
        quantifier: Quantifier,
        /// Filter on the related rows.
        filter: Box<Filter>,
    },
    /// Filter on the full model, in the plan of a role: evaluated with full sight, as the rules of the role are.
    OfFullModel(Box<Filter>),
}

/// Test of a column, with its operand.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Test {
    /// Comparison by one of the operators `= <> < <= > >=`.
    Compare(Comparison, Operand<Value>),
    /// Membership in a list of values.
    OneOf {
        /// The values.
        values: Operand<Vec<Value>>,
        /// True for `notIn`.
        negated: bool,
    },
    /// True tests for NULL, false for a value.
    IsNull(bool),
    /// Text with this prefix.
    StartsWith(String),
    /// Text that matches a pattern with `%` and `_`, escaped by `\`.
    Like(String),
    /// Text that matches a regular expression.
    Matches(Pattern),
    /// Comparison of two sets: lists, ranges or networks.
    Set(SetOperator, Operand<Value>),
    /// True tests for an empty list or range, false for one with items.
    IsEmpty(bool),
    /// Test of the number of items in a list.
    Length(Box<Test>),
}

impl Test {
    /// Returns the parameter that the test takes.
    pub fn parameter(&self) -> Option<usize> {
        match self {
            Self::Compare(_, Operand::Parameter(parameter))
            | Self::OneOf { values: Operand::Parameter(parameter), .. }
            | Self::Set(_, Operand::Parameter(parameter)) => Some(*parameter),
            Self::Length(test) => test.parameter(),
            Self::Compare(..)
            | Self::OneOf { .. }
            | Self::Set(..)
            | Self::IsNull(_)
            | Self::StartsWith(_) => None,
            Self::Like(_) | Self::Matches(_) | Self::IsEmpty(_) => None,
        }
    }
}

impl Filter {
    /// Returns the filter that holds for every row.
    pub fn everything() -> Self {
        Self::All(Vec::new())
    }

    /// Returns true if the filter's form alone makes it hold for every row.
    pub fn is_everything(&self) -> bool {
        matches!(self, Self::All(filters) if filters.iter().all(Self::is_everything))
    }

    /// Returns true if the filter reads other tables.
    pub fn looks_beyond(&self) -> bool {
        match self {
            Self::All(filters) | Self::Any(filters) => filters.iter().any(Self::looks_beyond),
            Self::Not(filter) | Self::OfFullModel(filter) => filter.looks_beyond(),
            Self::Column { .. } | Self::Keys { .. } => false,
            Self::Related { .. } => true,
        }
    }

    /// Returns the filter that compares these columns with these operands.
    pub fn equals(columns: &[ColumnId], operands: impl IntoIterator<Item = Operand<Value>>) -> Self {
        let compare =
            |(column, operand)| Self::Column { column, test: Test::Compare(Comparison::Equal, operand) };
        Self::All(columns.iter().copied().zip(operands).map(compare).collect())
    }

    /// Returns the filter that tests these columns for membership in these keys.
    pub fn one_of(columns: &[ColumnId], keys: Vec<Vec<Value>>) -> Self {
        let [column] = columns else { return Self::Keys { columns: columns.to_vec(), keys } };
        let mut values: Vec<Value> = keys.into_iter().flatten().collect();
        let only = if values.len() == 1 { values.pop() } else { None };
        let test = match only {
            Some(value) => Test::Compare(Comparison::Equal, Operand::Value(value)),
            None => Test::OneOf { values: Operand::Value(values), negated: false },
        };
        Self::Column { column: *column, test }
    }

    /// Reads a filter on `entity`, such as `UserFilter`.
    ///
    /// A variable without a value is refused anywhere in the filter. Without its operand, the filter would
    /// hold for more rows than intended.
    pub fn read(model: &Model, entity: EntityId, input: &Input) -> Result<Self> {
        let conditions = input.count_fields();
        if conditions > MOST_CONDITIONS {
            let subject = format!("the filter \"{}\" has {conditions} conditions", input.path());
            return Err(Error::too_complex("conditions", &subject, MOST_CONDITIONS, conditions));
        }
        input.require_values()?;
        let filter = Self::read_fields(model, entity, input)?;
        let relations = filter.count_relations();
        if relations > MOST_RELATIONS {
            let subject = format!("the filter \"{}\" follows {relations} relations", input.path());
            return Err(Error::too_complex("relations", &subject, MOST_RELATIONS, relations));
        }
        Ok(filter)
    }

    fn count_relations(&self) -> u64 {
        match self {
            Self::All(filters) | Self::Any(filters) => filters.iter().map(Self::count_relations).sum(),
            Self::Not(filter) => filter.count_relations(),
            Self::Column { .. } | Self::Keys { .. } | Self::OfFullModel(_) => 0,
            Self::Related { filter, .. } => 1 + filter.count_relations(),
        }
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
        match Combinator::find(name) {
            Some(Combinator::And | Combinator::Or) if input.is_null() => {
                return Err(input.refuse("expected a list of filters"));
            }
            Some(Combinator::And) => return Ok(Self::All(Self::read_list(model, id, input)?)),
            Some(Combinator::Or) => return Ok(Self::Any(Self::read_list(model, id, input)?)),
            Some(Combinator::Not) => return Ok(Self::Not(Box::new(Self::read_fields(model, id, input)?))),
            None => {}
        }
        if let Some(column) = entity.column_of_field(name) {
            let mut tests = Vec::new();
            for (operator, operand) in input.object()? {
                let column_type = &entity.columns[column].column_type;
                let read = match operator.as_str() {
                    name if name == Operator::Length.name() && column_type.operators().length => {
                        Test::read_length(model, &operand)?
                    }
                    operator => vec![Test::read(model, column_type, operator, &operand)?],
                };
                tests.extend(read.into_iter().map(|test| Self::Column { column, test }));
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
        for (name, operand) in input.object()? {
            let quantifier = Quantifier::find(name).ok_or_else(|| {
                let names = Quantifier::ALL.map(Quantifier::name).join(", ");
                operand.refuse(format!("expected one of {names}"))
            })?;
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
    /// Returns true if blanks at the end of a text matter. PostgreSQL's comparisons of `CHAR(n)` ignore them, and so do those for a
    /// prefix.
    pub(super) fn sees_padding(&self) -> bool {
        match self {
            Self::Like(_) | Self::Matches(_) => true,
            Self::StartsWith(prefix) => prefix.ends_with(' '),
            _ => false,
        }
    }

    /// Reads a filter on the length of a list.
    fn read_length(model: &Model, input: &Input) -> Result<Vec<Self>> {
        let read = |(operator, operand): (_, Input)| Self::read(model, &ColumnType::Int, operator, &operand);
        let fields = input.object()?.map(|(name, operand)| (name.as_str(), operand));
        fields.map(|field| Ok(Self::Length(Box::new(read(field)?)))).collect()
    }

    fn read(model: &Model, column_type: &ColumnType, operator: &str, operand: &Input) -> Result<Self> {
        if operand.is_null() {
            return Err(operand.refuse("expected a value (use isNull to test for null)"));
        }
        let Some(operator) = Operator::find(operator) else {
            return Err(operand.refuse(format!("expected a known operator instead of \"{operator}\"")));
        };
        let compare = |comparison| Ok(Self::Compare(comparison, operand.operand(model, column_type)?));
        let set = |operator| Ok(Self::Set(operator, operand.operand(model, column_type)?));
        let one_of = |negated| Ok(Self::OneOf { values: operand.operands(model, column_type)?, negated });
        let text = || match operand.column_value(model, column_type)? {
            Value::String(Some(text)) => Ok(text),
            _ => Err(operand.refuse("expected text")),
        };
        let literal = || text().map(|text| escape_like(&text));
        match operator {
            Operator::Equal => compare(Comparison::Equal),
            Operator::NotEqual => compare(Comparison::NotEqual),
            Operator::Less => compare(Comparison::Less),
            Operator::LessOrEqual => compare(Comparison::LessOrEqual),
            Operator::Greater => compare(Comparison::Greater),
            Operator::GreaterOrEqual => compare(Comparison::GreaterOrEqual),
            Operator::In => one_of(false),
            Operator::NotIn => one_of(true),
            Operator::IsNull => Ok(Self::IsNull(operand.boolean()?)),
            Operator::IsEmpty => Ok(Self::IsEmpty(operand.boolean()?)),
            Operator::Contains if column_type.operators().sets => set(SetOperator::Contains),
            Operator::ContainedBy => set(SetOperator::ContainedBy),
            Operator::Overlaps => set(SetOperator::Overlaps),
            Operator::Contains => Ok(Self::Like(format!("%{}%", literal()?))),
            // The order of bytes, which finds a prefix, is not the order without case.
            Operator::StartsWith if ignores_case(column_type) => Ok(Self::Like(format!("{}%", literal()?))),
            Operator::StartsWith => Ok(Self::StartsWith(text()?)),
            Operator::EndsWith => Ok(Self::Like(format!("%{}", literal()?))),
            Operator::Like => {
                let pattern = paired(text()?, operand)?;
                match prefix_of_like(&pattern).filter(|_| !ignores_case(column_type)) {
                    Some(prefix) => Ok(Self::StartsWith(prefix)),
                    None => Ok(Self::Like(pattern)),
                }
            }
            Operator::EqualIgnoringCase => Self::ignoring_case(&literal()?, operand),
            Operator::ContainsIgnoringCase => Self::ignoring_case(&format!("%{}%", literal()?), operand),
            Operator::StartsWithIgnoringCase => Self::ignoring_case(&format!("{}%", literal()?), operand),
            Operator::EndsWithIgnoringCase => Self::ignoring_case(&format!("%{}", literal()?), operand),
            Operator::LikeIgnoringCase => Self::ignoring_case(&paired(text()?, operand)?, operand),
            Operator::Regex => {
                Ok(Self::Matches(Pattern::regex(&text()?).map_err(|expected| operand.refuse(expected))?))
            }
            Operator::Length => Err(operand.refuse("expected conditions on the length of a list")),
        }
    }

    /// Returns the test for a pattern of LIKE, ignoring case.
    fn ignoring_case(pattern: &str, operand: &Input) -> Result<Self> {
        let pattern = Pattern::ignoring_case(pattern).map_err(|expected| operand.refuse(expected))?;
        Ok(Self::Matches(pattern))
    }
}

/// Returns a pattern of LIKE.
///
/// # Errors
/// If a backslash at the end escapes nothing.
fn paired(pattern: String, operand: &Input) -> Result<String> {
    match pattern.chars().rev().take_while(|letter| *letter == '\\').count() % 2 {
        0 => Ok(pattern),
        _ => Err(operand.refuse("expected a pattern without an unpaired backslash at its end")),
    }
}

fn ignores_case(column_type: &ColumnType) -> bool {
    matches!(column_type, ColumnType::Native(native) if matches!(native.form, NativeForm::CaseInsensitive(_)))
}
