//! Sizes of a plan's statements that databases limit, known before execution.

use std::collections::HashSet;

use super::filter::{Filter, Test};
use super::operand::Operand;
use super::select::depth_of_balanced;
use super::{Load, LoadKind, OrderBy, Page, Rows};
use crate::dialect::{Dialect, StatementLimits, always_fits_one_parameter, glob_of_like};
use crate::error::{Error, Result};
use crate::model::{ColumnType, EntityId, Model, Quantifier, Relation};

/// Upper bounds for the statements of a plan; each size is the largest over all statements.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Complexity {
    /// Nesting levels of expressions. Levels around a sub-select are added to its own, as SQLite counts.
    depth: u64,
    /// Tables in one FROM.
    tables: u64,
    /// Bind parameters.
    parameters: u64,
    /// Columns selected or ordered by.
    columns: u64,
    /// Bytes of the longest pattern in its SQLite form.
    pattern_bytes: u64,
}

/// Maximum number of tables that a filter joins, see `select/condition.rs`.
const FILTER_JOINS: u64 = 8;

/// Levels of the largest comparison: a converted value, a collation, and a hint around both.
const COMPARISON: u64 = 6;

/// Levels and parameters of a comparison with times, which SQLite reads in every spelling.
const TIME: (u64, u64) = (40, 5);

/// Levels and parameters of a comparison with floats of 32 bits, which SQLite rounds first.
const FLOAT: (u64, u64) = (12, 5);

/// Levels of a plain comparison of a column with a value.
const PLAIN: u64 = 4;

impl Complexity {
    /// Measures the statements of `loads`.
    pub fn of(model: &Model, loads: &[Load]) -> Self {
        let mut all = Self::default();
        loads.iter().for_each(|load| all.add_load(model, load));
        all
    }

    /// Checks that a database of this dialect accepts the statements.
    ///
    /// # Errors
    /// `TOO_COMPLEX` with the first exceeded limit.
    pub fn check(&self, dialect: Dialect) -> Result<()> {
        let limits = &dialect.features().limits;
        let fits = self.depth <= limits.depth
            && self.tables <= limits.tables
            && self.parameters <= limits.parameters
            && self.columns <= limits.columns
            && self.pattern_bytes <= limits.pattern_bytes;
        // Nearly every request fits, and needs no table of names.
        if fits { Ok(()) } else { self.refuse(limits) }
    }

    /// Refuses the statements with the first exceeded limit.
    #[cold]
    fn refuse(&self, limits: &StatementLimits) -> Result<()> {
        let sizes: [(u64, u64, &str, &str); 5] = [
            (self.depth, limits.depth, "expressionDepth", "nests conditions and sort keys"),
            (self.tables, limits.tables, "tables", "joins"),
            (self.parameters, limits.parameters, "parameters", "has"),
            (self.columns, limits.columns, "columns", "selects and sorts by"),
            (self.pattern_bytes, limits.pattern_bytes, "patternBytes", "has a pattern of"),
        ];
        let Some((asked, limit, of, verb)) = sizes.into_iter().find(|(asked, limit, ..)| asked > limit)
        else {
            return Ok(());
        };
        let what = match of {
            "expressionDepth" => "levels deep",
            "patternBytes" => "bytes",
            of => of,
        };
        let message = format!("a statement of the query {verb} {asked} {what} on this database");
        Err(Error::too_complex(of, &message, limit, asked))
    }

    fn add(&mut self, other: Self) {
        self.depth = self.depth.max(other.depth);
        self.tables = self.tables.max(other.tables);
        self.parameters = self.parameters.max(other.parameters);
        self.columns = self.columns.max(other.columns);
        self.pattern_bytes = self.pattern_bytes.max(other.pattern_bytes);
    }

    /// Adds the statement of `load`, and the statements of nested loads.
    fn add_load(&mut self, model: &Model, load: &Load) {
        let mut filter = OfFilter::default();
        filter.read(model, load.source.entity(), load.source.filter());
        let mut own = Self { tables: 1, pattern_bytes: filter.pattern_bytes, ..Self::default() };
        // The key of the parents takes at most as many parameters as columns.
        let relation = load.relation.map(|(owner, relation)| &model.entities[owner].relations[relation]);
        let key = relation.map_or(0, |relation| relation.from.len() as u64);
        own.tables += relation.map_or(0, |relation| u64::from(relation.junction.is_some()));
        own.tables += filter.joins.min(FILTER_JOINS);
        own.columns += key;
        let mut conditions = filter.height;
        let mut parameters = filter.parameters + key;
        match &load.what {
            LoadKind::Aggregates(aggregates) => own.columns += aggregates.len() as u64,
            LoadKind::Rows(rows) => {
                own.add_rows(model, load.source.entity(), rows);
                if let Page::Keyset { after, before, looks_outside, .. } = &rows.page {
                    let cursors = u64::from(after.is_some()) + u64::from(before.is_some());
                    let terms = rows.order.len() as u64;
                    conditions += cursors * (3 * terms + PLAIN);
                    parameters += cursors * (2 * terms + 1);
                    // The page, the rows before it and the rows after it.
                    parameters *= if *looks_outside { 3 } else { 1 };
                }
            }
        }
        let keys = model.entities[load.source.entity()]
            .columns
            .iter()
            .filter_map(|column| by_key(&column.column_type));
        conditions += keys.map(|(levels, _)| levels).max().unwrap_or(0);
        // Conditions of joins follow the filter in one chain.
        own.depth = filter.nested + conditions + own.tables + key + PLAIN;
        own.parameters = parameters;
        self.add(own);
        for child in load.children() {
            self.add_load_below(model, child);
        }
    }

    /// Adds the statements of nested loads, also below joined loads.
    fn add_load_below(&mut self, model: &Model, load: &Load) {
        match load.joined {
            true => load.children().iter().for_each(|child| self.add_load_below(model, child)),
            false => self.add_load(model, load),
        }
    }

    fn add_rows(&mut self, model: &Model, entity: EntityId, rows: &Rows) {
        let mut paths = HashSet::new();
        for term in &rows.order {
            paths.extend((1..=term.path.len()).map(|depth| &term.path[..depth]));
            self.tables += u64::from(matches!(term.by, OrderBy::Count(_)));
        }
        self.tables += paths.len() as u64;
        // An order column may be selected a second time for the cursor.
        let order = rows.order.len() as u64;
        let primary_key = model.entities[entity].primary_key.len() as u64;
        self.columns += 2 * order + primary_key + (rows.columns.len() + rows.junction_columns.len()) as u64;
        rows.children.iter().filter(|child| child.joined).for_each(|child| self.add_joined(model, child));
    }

    /// Adds a joined relation, with all relations joined below it.
    fn add_joined(&mut self, model: &Model, load: &Load) {
        self.tables += 1;
        let LoadKind::Rows(rows) = &load.what else { return };
        let key = load.relation.map_or(0, |(owner, id)| model.entities[owner].relations[id].to.len());
        self.columns += (rows.columns.len() + key) as u64;
        rows.children.iter().filter(|child| child.joined).for_each(|child| self.add_joined(model, child));
    }
}

/// Sizes of a filter.
#[derive(Clone, Copy, Debug, Default)]
struct OfFilter {
    /// Levels of the expression, sub-selects included.
    height: u64,
    /// Levels in the sub-selects, added up along the deepest path.
    nested: u64,
    parameters: u64,
    pattern_bytes: u64,
    /// Relations that may be joined.
    joins: u64,
}

impl OfFilter {
    /// Measures a filter. Recurses for each nesting level, which the guard bounds.
    fn read(&mut self, model: &Model, id: EntityId, filter: &Filter) {
        match filter {
            Filter::All(filters) | Filter::Any(filters) => {
                filters.iter().for_each(|filter| self.read_beside(model, id, filter));
                self.height += depth_of_balanced(filters.len() as u64);
            }
            Filter::Not(filter) => {
                self.read(model, id, filter);
                self.height += 1;
            }
            Filter::Column { column, test } => {
                self.read_test(&model.entities[id].columns[*column].column_type, test)
            }
            Filter::Keys { columns, .. } => {
                self.height = COMPARISON;
                self.parameters = columns.len() as u64;
            }
            // As other rules, a scope is the operator's, not the client's.
            Filter::OfFullModel(_) => {}
            Filter::Related { relation, quantifier, filter } => {
                let relation = &model.entities[id].relations[*relation];
                self.read_related(model, relation, *quantifier, filter);
            }
        }
    }

    /// Adds a sibling filter.
    fn read_beside(&mut self, model: &Model, id: EntityId, filter: &Filter) {
        let mut other = Self::default();
        other.read(model, id, filter);
        self.height = self.height.max(other.height);
        self.nested = self.nested.max(other.nested);
        self.parameters = self.parameters.saturating_add(other.parameters);
        self.joins += other.joins;
        self.pattern_bytes = self.pattern_bytes.max(other.pattern_bytes);
    }

    fn read_related(&mut self, model: &Model, relation: &Relation, quantifier: Quantifier, filter: &Filter) {
        self.read(model, relation.target, filter);
        let is_negated = quantifier == Quantifier::Every;
        // The join columns of both ends, and the filter, in one chain.
        let inside = self.height.max(PLAIN) + relation.from.len() as u64 + u64::from(is_negated);
        self.nested += inside;
        // EXISTS, with a sign or a NOT before it.
        self.height = inside + 1 + u64::from(quantifier != Quantifier::Some || relation.is_many());
        self.joins += 1;
    }

    fn read_test(&mut self, column_type: &ColumnType, test: &Test) {
        (self.height, self.parameters) = match test {
            Test::IsNull(_) | Test::IsEmpty(_) => (PLAIN, 0),
            Test::Set(..) => (PLAIN, 1),
            Test::Length(test) => return self.read_test(&ColumnType::Int, test),
            Test::Compare(..) => by_key(column_type).unwrap_or((PLAIN, 1)),
            Test::StartsWith(_) => (COMPARISON + 1, 2),
            Test::Like(pattern) => {
                self.pattern_bytes = glob_of_like(pattern).len() as u64;
                (COMPARISON, 1)
            }
            Test::Matches(_) => (COMPARISON, 1),
            Test::OneOf { values: Operand::Value(values), .. } if !always_fits_one_parameter(column_type) => {
                let (levels, _) = by_key(column_type).unwrap_or((COMPARISON, 1));
                (levels, values.len() as u64)
            }
            Test::OneOf { .. } => by_key(column_type).unwrap_or((COMPARISON, 1)),
        };
    }
}

/// Returns the levels and parameters of a comparison that SQLite makes by a key instead of the stored value.
fn by_key(column_type: &ColumnType) -> Option<(u64, u64)> {
    match column_type {
        ColumnType::Date | ColumnType::Time | ColumnType::DateTime | ColumnType::Timestamp => Some(TIME),
        ColumnType::Float => Some(FLOAT),
        _ => None,
    }
}
