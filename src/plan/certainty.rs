//! Decides whether a filter holds for every row or for no row, regardless of the data.
//!
//! A bulk write whose filter holds for every row may be an accident, however the filter is spelled: `or:
//! [{}]`, `not: { in: [] }`, `or: [{ id: { lt: 5 } }, { id: { gte: 5 } }]`. The filter is evaluated for every
//! case that its tests can distinguish. For an integer column, a case is one value between each two compared
//! values. For other columns, the cases are less, equal and greater, where the order of two values excludes some; for tests that are not analysed, true
//! and false. Every row falls into one of these cases. Cases without any possible row only make the check
//! more lenient.

use std::cmp::Ordering;

use sea_orm::Value;

use super::filter::{Filter, Test};
use super::known_order::{is_least, known_order};
use super::operand::Operand;
use crate::dialect::Comparison;
use crate::model::{Cardinality, ColumnId, ColumnType, Entity, EntityId, Model, Quantifier, RelationId};

/// Maximum number of cases evaluated.
const MOST_CASES: usize = 4_096;

/// Maximum number of parts in a case. More than half as many, with two cases each, exceed the number of cases.
const MOST_PARTS: usize = 24;

/// Maximum number of steps for all cases together.
const MOST_STEPS: usize = 1 << 20;

/// Maximum number of list values examined individually.
const MOST_VALUES: usize = 1_000;

impl Filter {
    /// Returns true if the filter certainly holds for every row of `entity`.
    pub fn takes_everything(&self, model: &Model, entity: EntityId) -> bool {
        Certainty::of(model, entity, self).always
    }

    /// Returns true if the filter certainly holds for no row of `entity`.
    pub fn takes_nothing(&self, model: &Model, entity: EntityId) -> bool {
        Certainty::of(model, entity, self).never
    }
}

/// Certain results of a filter.
struct Certainty {
    /// True if the filter holds for every row.
    always: bool,
    /// True if the filter holds for no row.
    never: bool,
}

impl Certainty {
    fn of(model: &Model, id: EntityId, filter: &Filter) -> Self {
        let mut cases = Cases { model, entity: &model.entities[id], parts: Vec::new(), tests: 0 };
        cases.collect(filter);
        let Some(count) = cases.count() else {
            // Too many cases: only what holds in all cases alike is detected.
            cases.parts.retain(|part| matches!(part.kind, PropertyValues::Known(_)));
            let holds = cases.evaluate(filter);
            return Self { always: holds == Some(true), never: holds == Some(false) };
        };
        let mut certainty = Self { always: true, never: true };
        let ordered = cases.ordered();
        for _ in 0..count {
            if cases.is_possible(&ordered) {
                let holds = cases.evaluate(filter);
                certainty.always &= holds == Some(true);
                certainty.never &= holds == Some(false);
            }
            if !certainty.always && !certainty.never {
                break;
            }
            cases.advance();
        }
        certainty
    }
}

/// Cases that the tests of one filter distinguish, and the current case.
struct Cases<'a> {
    model: &'a Model,
    entity: &'a Entity,
    parts: Vec<Property<'a>>,
    tests: usize,
}

/// Property that differs between rows.
struct Property<'a> {
    about: About<'a>,
    kind: PropertyValues,
    /// Index of the current case.
    now: usize,
}

#[derive(PartialEq)]
enum About<'a> {
    /// NULL or not, for a column.
    Missing(ColumnId),
    /// Value of an integer column.
    Number(ColumnId),
    /// Comparison of a column with a value.
    Against(ColumnId, &'a Value),
    /// Test of a column that is not analysed.
    Test(ColumnId, &'a Test),
    /// Existence of a related row that passes this filter, or its negation.
    Related { relation: RelationId, filter: &'a Filter, is_negated: bool },
}

enum PropertyValues {
    /// Equal for every row.
    Known(bool),
    /// True or false.
    Either,
    /// Less, equal or greater.
    Compared,
    /// List of values.
    Numbers(Vec<i128>),
}

impl Property<'_> {
    /// Returns the order of the column's value and the compared one in the current case.
    fn ordering(&self) -> Ordering {
        [Ordering::Less, Ordering::Equal, Ordering::Greater][self.now.min(2)]
    }
}

impl PropertyValues {
    fn cases(&self) -> usize {
        match self {
            Self::Known(_) => 1,
            Self::Either => 2,
            Self::Compared => 3,
            Self::Numbers(numbers) => numbers.len(),
        }
    }
}

impl<'a> Cases<'a> {
    fn collect(&mut self, filter: &'a Filter) {
        match filter {
            Filter::All(filters) | Filter::Any(filters) => {
                filters.iter().for_each(|filter| self.collect(filter));
            }
            Filter::Not(filter) => self.collect(filter),
            Filter::Column { column, test } => self.collect_test(*column, test),
            Filter::Keys { .. } | Filter::OfFullModel(_) => self.tests += 1,
            Filter::Related { relation, quantifier, filter } => {
                let about = related(*relation, *quantifier, filter);
                self.tests += 1;
                if self.parts.len() > MOST_PARTS || self.find(&about).is_some() {
                    return;
                }
                let described = &self.entity.relations[*relation];
                let Certainty { always, never } = Certainty::of(self.model, described.target, filter);
                let is_negated = *quantifier == Quantifier::Every;
                let (always, never) = if is_negated { (never, always) } else { (always, never) };
                let kind = match described.cardinality {
                    _ if never => PropertyValues::Known(false),
                    // A required key that is enforced always leads to a row.
                    Cardinality::One if always => PropertyValues::Known(true),
                    _ => PropertyValues::Either,
                };
                self.parts.push(Property { about, kind, now: 0 });
            }
        }
    }

    fn collect_test(&mut self, id: ColumnId, test: &'a Test) {
        let column = &self.entity.columns[id];
        if column.nullable {
            self.add(About::Missing(id), PropertyValues::Either);
        }
        self.tests += 1;
        let mut values: &[Value] = &[];
        match test {
            Test::Compare(_, Operand::Value(value)) => values = std::slice::from_ref(value),
            Test::OneOf { values: Operand::Value(all), .. } => values = all,
            Test::IsNull(_) => {}
            test if holds_for_all_values(test) => {}
            test => self.add(About::Test(id, test), PropertyValues::Either),
        }
        self.tests += values.len();
        if values.len() > MOST_VALUES {
            self.tests = MOST_STEPS;
            return;
        }
        for value in values {
            match self.number(id, value) {
                Some(number) => self.add_number(id, number),
                None => self.add(About::Against(id, value), PropertyValues::Compared),
            }
        }
    }

    fn add(&mut self, about: About<'a>, kind: PropertyValues) {
        // Beyond the maximum number of parts no case is evaluated.
        if self.parts.len() <= MOST_PARTS && self.find(&about).is_none() {
            self.parts.push(Property { about, kind, now: 0 });
        }
    }

    /// Adds a value and its neighbours; a neighbour represents all values up to the next added one.
    fn add_number(&mut self, id: ColumnId, number: i128) {
        let (least, greatest) = self.range(id);
        self.add(About::Number(id), PropertyValues::Numbers(Vec::new()));
        let about = About::Number(id);
        let part = self.parts.iter_mut().find(|part| part.about == about);
        if let Some(Property { kind: PropertyValues::Numbers(numbers), .. }) = part
            && numbers.len() < MOST_CASES
        {
            let near = [number - 1, number, number + 1].into_iter();
            let near = near.map(|near| near.clamp(least, greatest));
            for near in near.chain([number]) {
                if !numbers.contains(&near) {
                    numbers.push(near);
                }
            }
        }
    }

    /// Returns the number of cases, or `None` if too large.
    fn count(&self) -> Option<usize> {
        let cases = self.parts.iter().map(|part| part.kind.cases());
        let count = cases.fold(1, usize::saturating_mul);
        let steps = count.saturating_mul(self.tests).saturating_mul(self.parts.len().max(1));
        let is_small = self.parts.len() <= MOST_PARTS && count <= MOST_CASES && steps <= MOST_STEPS;
        is_small.then_some(count)
    }

    /// Returns the pairs of compared values of one column whose order is known, the lesser one first.
    fn ordered(&self) -> Vec<(usize, usize)> {
        let compared = |place: usize| match self.parts[place].about {
            About::Against(column, value) => Some((column, value)),
            _ => None,
        };
        let is_less = |a: usize, b: usize| match (compared(a), compared(b)) {
            (Some((a, less)), Some((b, greater))) if a == b => {
                known_order(less, greater) == Some(Ordering::Less)
            }
            _ => false,
        };
        let places = 0..self.parts.len();
        let pairs = places.clone().flat_map(|a| places.clone().map(move |b| (a, b)));
        pairs.filter(|(a, b)| is_less(*a, *b)).collect()
    }

    /// Returns true if a value may exist in the current case: one that is at most the lesser of two values is less than
    /// the greater.
    fn is_possible(&self, ordered: &[(usize, usize)]) -> bool {
        let in_order = |(less, greater): &(usize, usize)| {
            let (less, greater) = (self.parts[*less].ordering(), self.parts[*greater].ordering());
            less == Ordering::Greater || greater == Ordering::Less
        };
        let is_in_range = |part: &Property| match part.about {
            About::Against(_, value) => part.ordering() != Ordering::Less || !is_least(value),
            _ => true,
        };
        ordered.iter().all(in_order) && self.parts.iter().all(is_in_range)
    }

    fn advance(&mut self) {
        for part in &mut self.parts {
            part.now += 1;
            if part.now < part.kind.cases() {
                return;
            }
            part.now = 0;
        }
    }

    fn find(&self, about: &About) -> Option<&Property<'a>> {
        self.parts.iter().find(|part| part.about == *about)
    }

    /// Evaluates the filter in the current case; `None` if the result is unknown.
    fn evaluate(&self, filter: &Filter) -> Option<bool> {
        match filter {
            Filter::All(filters) => self.all(filters, true),
            Filter::Any(filters) => {
                self.all(filters, false).or_else(|| has_opposites(filters).then_some(true))
            }
            Filter::Not(filter) => self.evaluate(filter).map(|holds| !holds),
            Filter::Column { column, test } => self.holds(*column, test),
            // Some rows may have other keys.
            Filter::Keys { .. } | Filter::OfFullModel(_) => None,
            Filter::Related { relation, quantifier, filter } => {
                let some = self.either(&related(*relation, *quantifier, filter))?;
                Some(some == (*quantifier == Quantifier::Some))
            }
        }
    }

    /// Returns `wanted` if all filters evaluate to `wanted`, the opposite if one does not, and `None` if
    /// unknown.
    fn all(&self, filters: &[Filter], wanted: bool) -> Option<bool> {
        let mut all = Some(wanted);
        for filter in filters {
            match self.evaluate(filter) {
                Some(holds) if holds != wanted => return Some(holds),
                Some(_) => {}
                None => all = None,
            }
        }
        all
    }

    fn either(&self, about: &About) -> Option<bool> {
        self.find(about).map(|part| match part.kind {
            PropertyValues::Known(known) => known,
            _ => part.now == 1,
        })
    }

    fn holds(&self, id: ColumnId, test: &Test) -> Option<bool> {
        let is_null = match self.entity.columns[id].nullable {
            true => self.either(&About::Missing(id)),
            false => Some(false),
        };
        match test {
            Test::IsNull(wanted) => is_null.map(|is_null| is_null == *wanted),
            // An empty list compares nothing, not even NULL.
            Test::OneOf { values: Operand::Value(values), negated } if values.is_empty() => Some(*negated),
            // No other test holds for NULL.
            test if is_null != Some(true) => {
                let holds = self.holds_for_value(id, test);
                if is_null.is_none() && holds == Some(true) { None } else { holds }
            }
            _ => Some(false),
        }
    }

    fn holds_for_value(&self, id: ColumnId, test: &Test) -> Option<bool> {
        match test {
            Test::Compare(comparison, Operand::Value(value)) => {
                self.compared(id, value).map(|ordering| accepts(*comparison, ordering))
            }
            Test::OneOf { values: Operand::Value(values), negated } => {
                let mut is_one = Some(false);
                for value in values {
                    match self.compared(id, value) {
                        Some(Ordering::Equal) => return Some(!negated),
                        Some(_) => {}
                        None => is_one = None,
                    }
                }
                is_one.map(|is_one| is_one != *negated)
            }
            test if holds_for_all_values(test) => Some(true),
            test => self.either(&About::Test(id, test)),
        }
    }

    /// Compares the column's value in the current case with this value.
    fn compared(&self, id: ColumnId, value: &Value) -> Option<Ordering> {
        if let Some(number) = self.number(id, value) {
            let part = self.find(&About::Number(id))?;
            return match &part.kind {
                PropertyValues::Numbers(numbers) => numbers.get(part.now).map(|now| now.cmp(&number)),
                _ => None,
            };
        }
        self.find(&About::Against(id, value)).map(Property::ordering)
    }

    /// Converts a value of an enumerable column to a number.
    fn number(&self, id: ColumnId, value: &Value) -> Option<i128> {
        Some(match value {
            Value::Bool(Some(value)) => (*value).into(),
            Value::TinyInt(Some(value)) => (*value).into(),
            Value::SmallInt(Some(value)) => (*value).into(),
            Value::Int(Some(value)) => (*value).into(),
            Value::BigInt(Some(value)) => (*value).into(),
            Value::String(Some(stored)) => {
                let variants = self.model.variants(&self.entity.columns[id].column_type);
                variants.iter().position(|(_, known)| *known == **stored)? as i128
            }
            _ => return None,
        })
    }

    /// Returns the minimum and maximum value of such a column.
    fn range(&self, id: ColumnId) -> (i128, i128) {
        match &self.entity.columns[id].column_type {
            ColumnType::Boolean => (0, 1),
            ColumnType::TinyInt => (i8::MIN.into(), i8::MAX.into()),
            ColumnType::SmallInt => (i16::MIN.into(), i16::MAX.into()),
            ColumnType::Int => (i32::MIN.into(), i32::MAX.into()),
            ColumnType::TinyUnsigned => (0, u8::MAX.into()),
            ColumnType::SmallUnsigned => (0, u16::MAX.into()),
            ColumnType::Unsigned => (0, u32::MAX.into()),
            ColumnType::BigUnsigned => (0, i64::MAX.into()),
            ColumnType::Enumeration(_) => {
                let variants = self.model.variants(&self.entity.columns[id].column_type);
                (0, variants.len().saturating_sub(1) as i128)
            }
            _ => (i64::MIN.into(), i64::MAX.into()),
        }
    }
}

/// Expresses a quantifier as existence: all rows pass if no row passes the negation.
fn related(relation: RelationId, quantifier: Quantifier, filter: &Filter) -> About<'_> {
    About::Related { relation, filter, is_negated: quantifier == Quantifier::Every }
}

/// Returns true if the list contains a filter and its negation.
fn has_opposites(filters: &[Filter]) -> bool {
    let is_negated_in = |filter: &Filter| match filter {
        Filter::All(only) if only.len() == 1 => matches!(&only[0], Filter::Not(not) if filters.contains(not)),
        Filter::Not(not) => filters.contains(not),
        _ => false,
    };
    filters.len() <= MOST_PARTS && filters.iter().any(is_negated_in)
}

fn accepts(comparison: Comparison, ordering: Ordering) -> bool {
    match comparison {
        Comparison::Equal => ordering.is_eq(),
        Comparison::NotEqual => ordering.is_ne(),
        Comparison::Less => ordering.is_lt(),
        Comparison::LessOrEqual => ordering.is_le(),
        Comparison::Greater => ordering.is_gt(),
        Comparison::GreaterOrEqual => ordering.is_ge(),
    }
}

/// Returns true if a text test holds for every text.
fn holds_for_all_values(test: &Test) -> bool {
    match test {
        Test::StartsWith(prefix) => prefix.is_empty(),
        Test::Matches(pattern) => pattern.is_everything(),
        Test::Like(pattern) => !pattern.is_empty() && pattern.bytes().all(|byte| byte == b'%'),
        _ => false,
    }
}
