//! Sizes of a plan's statements that databases limit, known before execution.

use std::collections::HashSet;

use super::filter::Filter;
use super::filter_size::{ConditionSizes, FilterSize, PLAIN, by_key};
use super::rules::Rules;
use super::source::Source;
use super::{Aggregate, Load, LoadKind, OrderBy, Page, Rows};
use crate::dialect::{Dialect, StatementLimits};
use crate::error::{Error, Result};
use crate::model::{EntityId, Model};

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

impl Complexity {
    /// Measures the statements of `loads`, with the rules of a role.
    pub fn of(model: &Model, rules: Option<&Rules>, loads: &[Load]) -> Self {
        let mut all = Self::default();
        loads.iter().for_each(|load| all.add_load(ConditionSizes { model, rules, is_signed: false }, load));
        all
    }

    /// Returns the errors of rules that no statement of a database can have, each with the rule's entity.
    pub fn unfit(rules: &Rules, dialect: Dialect) -> Vec<(EntityId, Error)> {
        let unfit = rules.all().filter_map(|(id, rule)| {
            let rule = Filter::OfFullModel(Box::new(rule.clone()));
            let load = Load::new(Source::of(id).narrow(rule), LoadKind::Rows(Rows::unordered()));
            let refused = Self::of(rules.model(), None, &[load]).check(dialect).err()?;
            Some((id, refused))
        });
        unfit.collect()
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
    fn add_load(&mut self, sizes: ConditionSizes, load: &Load) {
        let (model, id) = (sizes.model, load.source.entity());
        // The key of the parents takes at most as many parameters as columns.
        let relation = load.relation.map(|(owner, relation)| &model.entities[owner].relations[relation]);
        let rules = relation.map_or_else(|| sizes.rows(id), |relation| sizes.rows_of(relation));
        let has_offset =
            matches!(&load.what, LoadKind::Rows(Rows { page: Page::Slice { offset: 1.., .. }, .. }));
        let conditions = ConditionSizes { is_signed: has_offset, ..sizes };
        let filter = conditions.filter(id, load.source.filter()).chained(rules);
        let mut own = Self { tables: 1, pattern_bytes: filter.pattern_bytes, ..Self::default() };
        let key = relation.map_or(0, |relation| relation.join.from.len() as u64);
        own.tables += relation.map_or(0, |relation| u64::from(relation.junction.is_some()));
        own.tables += filter.joins.min(FILTER_JOINS);
        own.columns += key;
        let mut conditions = filter.height;
        let mut parameters = filter.parameters + key;
        let mut beside = FilterSize::default();
        match &load.what {
            LoadKind::Aggregates(aggregates) => {
                own.columns += aggregates.len() as u64;
                for aggregate in aggregates {
                    if let Aggregate::OfColumn(_, column) = aggregate {
                        beside = beside.beside(sizes.compared_cell(id, *column));
                    }
                }
            }
            LoadKind::Rows(rows) => {
                let links = relation.and_then(|relation| relation.junction.as_ref()?.entity);
                let (order, selected) = own.add_rows(sizes, id, rows, links);
                beside = order.beside(selected);
                if let Page::Keyset { after, before, looks_outside, .. } = &rows.page {
                    let cursors = u64::from(after.is_some()) + u64::from(before.is_some());
                    let terms = rows.order.len() as u64;
                    conditions += cursors * (3 * terms + PLAIN + order.height);
                    parameters += cursors * (2 * terms + 1 + 2 * order.parameters);
                    // The page, the rows before it and the rows after it.
                    parameters *= if *looks_outside { 3 } else { 1 };
                }
            }
        }
        let keys = model.entities[id].columns.iter().filter_map(|column| by_key(&column.column_type));
        conditions += keys.map(|(levels, _)| levels).max().unwrap_or(0);
        // Conditions of joins follow the filter in one chain.
        own.depth = filter.nested + conditions + own.tables + key + PLAIN;
        own.depth = own.depth.max(beside.depth() + own.tables + PLAIN);
        own.parameters = parameters.saturating_add(beside.parameters);
        self.add(own);
        for child in load.children() {
            self.add_load_below(sizes, child);
        }
    }

    /// Adds the statements of nested loads, also below joined loads.
    fn add_load_below(&mut self, sizes: ConditionSizes, load: &Load) {
        match load.joined {
            true => load.children().iter().for_each(|child| self.add_load_below(sizes, child)),
            false => self.add_load(sizes, load),
        }
    }

    /// Adds the tables and columns of rows. Returns the sizes of rules in the order, and in all else that is selected or
    /// joined.
    fn add_rows(
        &mut self,
        sizes: ConditionSizes,
        id: EntityId,
        rows: &Rows,
        links: Option<EntityId>,
    ) -> (FilterSize, FilterSize) {
        let (mut order, mut selected) = (FilterSize::default(), FilterSize::default());
        let mut paths = HashSet::new();
        for term in &rows.order {
            let mut owner = id;
            for depth in 1..=term.path.len() {
                let relation = &sizes.model.entities[owner].relations[term.path[depth - 1]];
                if paths.insert(&term.path[..depth]) {
                    selected = selected.beside(sizes.rows_of(relation));
                }
                owner = relation.target;
            }
            order = order.beside(match term.by {
                OrderBy::Column(column) => sizes.compared_cell(owner, column),
                OrderBy::Junction(junction, column) => sizes.compared_cell(junction, column),
                OrderBy::Count(list) => {
                    self.tables += 1;
                    sizes.rows_of(&sizes.model.entities[owner].relations[list])
                }
            });
        }
        self.tables += paths.len() as u64;
        // An order column may be selected a second time for the cursor.
        let terms = rows.order.len() as u64;
        let primary_key = sizes.model.entities[id].primary_key.len() as u64;
        self.columns += 2 * terms + primary_key + (rows.columns.len() + rows.junction_columns.len()) as u64;
        selected = selected.beside(self.add_selected(sizes, id, rows));
        let links = rows.junction_columns.iter().filter_map(|column| Some(sizes.cell(links?, *column)));
        (order, links.fold(selected, FilterSize::beside))
    }

    /// Returns the sizes of the cells of rows, and of the loads that are joined to them.
    fn add_selected(&mut self, sizes: ConditionSizes, id: EntityId, rows: &Rows) -> FilterSize {
        let cells = rows.columns.iter().map(|column| sizes.cell(id, *column));
        let mut size = cells.fold(FilterSize::default(), FilterSize::beside);
        for child in rows.children.iter().filter(|child| child.joined) {
            size = size.beside(self.add_joined(sizes, child));
        }
        size
    }

    /// Adds a joined relation, with all relations joined below it.
    fn add_joined(&mut self, sizes: ConditionSizes, load: &Load) -> FilterSize {
        self.tables += 1;
        let LoadKind::Rows(rows) = &load.what else { return FilterSize::default() };
        let relation = load.relation.map(|(owner, id)| &sizes.model.entities[owner].relations[id]);
        self.columns += (rows.columns.len() + relation.map_or(0, |relation| relation.to.len())) as u64;
        let rules = relation.map(|relation| sizes.rows_of(relation)).unwrap_or_default();
        rules.beside(self.add_selected(sizes, load.source.entity(), rows))
    }
}
