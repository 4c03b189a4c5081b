//! Sizes of filters in statements, with the rules of the viewer's role.

use super::filter::{Filter, Test};
use super::operand::Operand;
use super::rules::Rules;
use super::select::depth_of_balanced;
use crate::dialect::{always_fits_one_parameter, glob_of_like};
use crate::model::{ColumnId, ColumnType, EntityId, Model, Quantifier, Relation};

/// Levels of the largest comparison: a converted value, a collation, and a hint around both.
const COMPARISON: u64 = 6;

/// Levels and parameters of a comparison with times, which SQLite reads in every spelling.
const TIME: (u64, u64) = (40, 5);

/// Levels and parameters of a comparison with floats of 32 bits, which SQLite rounds first.
const FLOAT: (u64, u64) = (12, 5);

/// Levels of a plain comparison of a column with a value.
pub(super) const PLAIN: u64 = 4;

/// Mentions of a column in a comparison with times, with floats, in the sum of decimals, and in any other test or order. A cell
/// with a rule is a CASE at each of them.
const TIME_MENTIONS: u64 = 45;
const FLOAT_MENTIONS: u64 = 10;
const DECIMAL_MENTIONS: u64 = 20;
const MENTIONS: u64 = 4;

/// Sizes of a filter, or of a rule.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct FilterSize {
    /// Levels of the expression, sub-selects included.
    pub height: u64,
    /// Levels in the sub-selects, added up along the deepest path.
    pub nested: u64,
    pub parameters: u64,
    pub pattern_bytes: u64,
    /// Relations that may be joined.
    pub joins: u64,
}

impl FilterSize {
    /// Returns the size of both side by side.
    pub fn beside(self, other: Self) -> Self {
        Self {
            height: self.height.max(other.height),
            nested: self.nested.max(other.nested),
            parameters: self.parameters.saturating_add(other.parameters),
            pattern_bytes: self.pattern_bytes.max(other.pattern_bytes),
            joins: self.joins + other.joins,
        }
    }

    /// Returns the size of both in one chain of conditions.
    pub fn chained(self, other: Self) -> Self {
        let beside = self.beside(other);
        Self { height: beside.height + u64::from(other.height > 0), ..beside }
    }

    /// Returns the size of an expression that mentions this one.
    fn mentioned(self, times: u64) -> Self {
        Self { parameters: self.parameters.saturating_mul(times), ..self }
    }

    /// Returns the levels of the expression with all sub-selects, as SQLite counts.
    pub fn depth(self) -> u64 {
        self.height + self.nested
    }
}

/// Sizes of conditions in the statements of a viewer.
#[derive(Clone, Copy)]
pub(super) struct ConditionSizes<'a> {
    pub model: &'a Model,
    /// Rules of the viewer's role.
    pub rules: Option<&'a Rules>,
    /// True if a sign stands before each EXISTS: in rules, and beside OFFSET.
    pub is_signed: bool,
}

impl<'a> ConditionSizes<'a> {
    /// Returns the size of a filter. Recurses for each nesting level, which the guard bounds.
    pub fn filter(self, id: EntityId, filter: &Filter) -> FilterSize {
        match filter {
            Filter::All(filters) | Filter::Any(filters) => {
                let all = filters.iter().map(|filter| self.filter(id, filter));
                let all = all.fold(FilterSize::default(), FilterSize::beside);
                FilterSize { height: all.height + depth_of_balanced(filters.len() as u64), ..all }
            }
            Filter::Not(filter) => {
                let inner = self.filter(id, filter);
                FilterSize { height: inner.height + 1, ..inner }
            }
            Filter::Column { column, test } => self.column(id, *column, test),
            Filter::Keys { columns, .. } => {
                let cells = columns.iter().map(|column| self.cell(id, *column));
                let cells = cells.fold(FilterSize::default(), FilterSize::beside);
                let keys = FilterSize { parameters: columns.len() as u64, ..cells };
                FilterSize { height: COMPARISON + cells.height, ..keys.beside(cells) }
            }
            Filter::OfFullModel(filter) => self.of_rule(id, Some(filter)),
            Filter::Related { relation, quantifier, filter } => {
                let relation = &self.model.entities[id].relations[*relation];
                self.related(relation, *quantifier, filter)
            }
        }
    }

    /// Returns the size of the rule of an entity's rows.
    pub fn rows(self, id: EntityId) -> FilterSize {
        self.of_rule(id, self.rules.and_then(|rules| rules.of_rows(id)))
    }

    /// Returns the size of the rules of the rows and links at the other end of a relation.
    pub fn rows_of(self, relation: &Relation) -> FilterSize {
        let links = relation.junction.as_ref().and_then(|junction| junction.entity);
        let links = links.map(|id| self.rows(id)).unwrap_or_default();
        self.rows(relation.target).chained(links)
    }

    /// Returns the size of a cell: a CASE, if it has a rule.
    pub fn cell(self, id: EntityId, column: ColumnId) -> FilterSize {
        match self.rules.and_then(|rules| rules.of_column(id, column)) {
            None => FilterSize::default(),
            Some(rule) => {
                let size = self.of_rule(id, Some(rule));
                FilterSize { height: size.height + 2, ..size }
            }
        }
    }

    /// Returns the size of a cell at every mention in an order, or in an aggregate.
    pub fn compared_cell(self, id: EntityId, column: ColumnId) -> FilterSize {
        let column_type = &self.model.entities[id].columns[column].column_type;
        let levels = by_key(column_type).map_or(COMPARISON, |(levels, _)| levels);
        let cell = self.cell(id, column).mentioned(mentions(column_type));
        FilterSize { height: if cell.height > 0 { cell.height + levels } else { 0 }, ..cell }
    }

    /// Returns the size of a rule, which is evaluated with full sight.
    fn of_rule(self, id: EntityId, rule: Option<&Filter>) -> FilterSize {
        let model = self.rules.map_or(self.model, |rules| rules.model());
        let size = rule
            .map(|rule| ConditionSizes { model, rules: None, is_signed: true }.filter(id, rule))
            .unwrap_or_default();
        // Rules are conditions, and never joins.
        FilterSize { joins: 0, ..size }
    }

    fn related(self, relation: &Relation, quantifier: Quantifier, filter: &Filter) -> FilterSize {
        let inner = self.filter(relation.target, filter).chained(self.rows_of(relation));
        let is_negated = quantifier == Quantifier::Every;
        // The join columns of both ends, the filter, and the rules, in one chain.
        let inside = inner.height.max(PLAIN) + relation.join.from.len() as u64 + u64::from(is_negated);
        FilterSize {
            nested: inner.nested + inside,
            // EXISTS, with a sign or a NOT before it.
            height: inside
                + 1
                + u64::from(self.is_signed || quantifier != Quantifier::Some || relation.is_many()),
            joins: inner.joins + 1,
            ..inner
        }
    }

    fn column(self, id: EntityId, column: ColumnId, test: &Test) -> FilterSize {
        let column_type = &self.model.entities[id].columns[column].column_type;
        let tested = of_test(column_type, test);
        let cell = self.cell(id, column).mentioned(mentions(column_type));
        let tested = FilterSize { height: tested.height + cell.height, ..tested.beside(cell) };
        match test {
            // A rule of the rows is a CASE around a pattern.
            Test::Like(_) | Test::Matches(_) => {
                let rule = self.rows(id);
                let beside = tested.beside(rule);
                FilterSize { height: beside.height + 2 * u64::from(rule.height > 0), ..beside }
            }
            _ => tested,
        }
    }
}

/// Returns the mentions of a column of this type in an expression that compares, orders or sums it.
fn mentions(column_type: &ColumnType) -> u64 {
    match column_type {
        // The sum of decimals is made of whole and broken parts.
        ColumnType::Decimal => DECIMAL_MENTIONS,
        column_type => match by_key(column_type) {
            Some(TIME) => TIME_MENTIONS,
            Some(_) => FLOAT_MENTIONS,
            None => MENTIONS,
        },
    }
}

fn of_test(column_type: &ColumnType, test: &Test) -> FilterSize {
    let mut pattern_bytes = 0;
    let (height, parameters) = match test {
        Test::IsNull(_) | Test::IsEmpty(_) => (PLAIN, 0),
        Test::Set(..) => (PLAIN, 1),
        Test::Length(test) => return of_test(&ColumnType::Int, test),
        Test::Compare(..) => by_key(column_type).unwrap_or((PLAIN + 1, 1)),
        Test::StartsWith(_) => (COMPARISON + 1, 2),
        Test::Like(pattern) => {
            pattern_bytes = glob_of_like(pattern).len() as u64;
            (COMPARISON, 1)
        }
        Test::Matches(_) => (COMPARISON, 1),
        Test::OneOf { values: Operand::Value(values), .. } if !always_fits_one_parameter(column_type) => {
            let (levels, _) = by_key(column_type).unwrap_or((COMPARISON, 1));
            (levels, values.len() as u64)
        }
        // SQLite looks at the list again for values of another storage class.
        Test::OneOf { negated: true, .. } => {
            let (levels, parameters) = by_key(column_type).unwrap_or((COMPARISON, 1));
            (levels, parameters + 1)
        }
        Test::OneOf { .. } => by_key(column_type).unwrap_or((COMPARISON, 1)),
    };
    FilterSize { height, parameters, pattern_bytes, ..FilterSize::default() }
}

/// Returns the levels and parameters of a comparison that SQLite makes by a key instead of the stored value.
pub(super) fn by_key(column_type: &ColumnType) -> Option<(u64, u64)> {
    match column_type {
        ColumnType::Date | ColumnType::Time | ColumnType::DateTime | ColumnType::Timestamp => Some(TIME),
        ColumnType::Float => Some(FLOAT),
        _ => None,
    }
}
