//! Filters in SQL.

use sea_orm::Value;
use sea_orm::sea_query::{Alias, Condition, Expr, ExprTrait, TableRef};

use super::binds::{Bind, ParameterSlot};
use super::builder::SqlBuilder;
use super::output::MAIN;
use super::ruled_table::RuledTable;
use super::scope::Scope;
use crate::model::{Column, ColumnId, ColumnType, EntityId, Quantifier, Relation, RelationId};
use crate::plan::filter::{Filter, Test};
use crate::plan::load::Load;
use crate::plan::operand::Operand;

/// Maximum number of tables that a filter joins. SQLite accepts 64 per statement, and weighs every join
/// order.
const MOST_JOINS: usize = 8;

/// Relations of a filter that may be joined instead of tested by `EXISTS`.
#[derive(Clone, Copy)]
pub(super) enum Joinable<'a> {
    /// All to-one relations, and to-one relations beyond them.
    All,
    /// Relations that these loads join anyway.
    Loaded(&'a [Load]),
}

impl Joinable<'_> {
    fn has(self, owner: EntityId, relation: RelationId) -> bool {
        match self {
            Self::All => true,
            Self::Loaded(loads) => {
                loads.iter().any(|load| load.joined && load.relation == Some((owner, relation)))
            }
        }
    }

    fn beyond(self) -> Self {
        match self {
            Self::All => Self::All,
            Self::Loaded(_) => Self::Loaded(&[]),
        }
    }
}

/// Entity of checked rows, and its rows that are no evidence.
#[derive(Clone, Copy)]
pub(super) struct Evidence<'a> {
    pub entity: EntityId,
    /// Primary keys.
    pub written: &'a [Vec<Value>],
}

/// Builder of filter conditions; each sub-select has its own alias.
pub(super) struct Conditions<'a> {
    pub(super) select: Scope<'a>,
    pub(super) aliases: usize,
    pub(super) has_offset: bool,
    /// True for a rule, whose parameters are values of the viewer.
    pub(super) is_rule: bool,
    /// Rows whose existence does not make a check hold.
    pub(super) evidence: Option<Evidence<'a>>,
    /// True inside an odd number of negations: a row found there makes a check fail.
    pub(super) is_negated: bool,
    /// Tables that [`Conditions::filter_by_joins`] joins: each has exactly one row per passing row.
    pub(super) joins: Vec<(TableRef, Condition)>,
    /// Joined relations of the table itself, with their aliases.
    pub(super) joined: Vec<(RelationId, String)>,
}

impl<'a> Conditions<'a> {
    pub(super) fn new(select: Scope<'a>) -> Self {
        Self {
            select,
            aliases: 0,
            has_offset: false,
            is_rule: false,
            evidence: None,
            is_negated: false,
            joins: Vec::new(),
            joined: Vec::new(),
        }
    }

    /// Creates the conditions of a rule, which may stand in a statement with OFFSET.
    pub(super) fn of_rule(select: Scope<'a>) -> Self {
        Self { is_rule: true, has_offset: true, ..Self::new(select) }
    }

    /// Creates the conditions of a check.
    pub(super) fn of_check(select: Scope<'a>, evidence: Evidence<'a>) -> Self {
        Self { evidence: Some(evidence), ..Self::of_rule(select) }
    }

    /// Adapts the conditions to a statement with OFFSET. SQLite 3.51 turns `EXISTS` into a join, and OFFSET
    /// then counts a row once per partner. A sign before `EXISTS` prevents that.
    pub(super) fn beside_offset(self) -> Self {
        Self { has_offset: true, ..self }
    }

    pub(super) fn filter(&mut self, id: EntityId, alias: &str, filter: &Filter) -> Expr {
        let entity = &self.select.model.entities[id];
        match filter {
            Filter::All(filters) => {
                let conditions = filters.iter().filter(|filter| !filter.is_everything());
                let conditions = conditions.map(|filter| self.filter(id, alias, filter)).collect();
                balanced(conditions, Expr::and).unwrap_or_else(|| Expr::cust("TRUE"))
            }
            Filter::Any(filters) => {
                let conditions = filters.iter().map(|filter| self.filter(id, alias, filter)).collect();
                balanced(conditions, Expr::or).unwrap_or_else(|| Expr::cust("FALSE"))
            }
            Filter::Keys { columns, keys } => {
                let types: Vec<ColumnType> =
                    columns.iter().map(|column| entity.columns[*column].column_type.clone()).collect();
                let columns = columns.iter().map(|column| self.select.cell(id, *column, alias));
                let SqlBuilder { model, dialect, .. } = *self.select;
                dialect.one_of_keys(model, columns.collect(), &types, keys)
            }
            Filter::OfFullModel(filter) => match self.select.sight {
                Some(_) => self.select.rule(id, alias, filter),
                None => self.filter(id, alias, filter),
            },
            // `NOT` would lose the rows for which the inner condition is NULL.
            Filter::Not(filter) => {
                self.is_negated ^= true;
                let inner = self.fails(id, alias, filter);
                self.is_negated ^= true;
                inner
            }
            Filter::Column { column, test } => {
                let Column { column_type, limit, .. } = &entity.columns[*column];
                let mut cell = self.select.cell(id, *column, alias);
                if test.sees_padding() {
                    cell = self.select.dialect.unpadded(cell, *limit);
                }
                let tested = self.test(cell, column_type, test);
                // PostgreSQL may test a row before its rule. The time of a pattern depends on the text: a hidden
                // row's text must not be looked at.
                match (test, self.select.rule_of_rows(id, alias)) {
                    (Test::Matches(_) | Test::Like(_), Some(rule)) => Expr::case(rule, tested).into(),
                    _ => tested,
                }
            }
            Filter::Related { relation, quantifier, filter } => {
                self.is_related(id, alias, *relation, *quantifier, filter)
            }
        }
    }

    /// Builds the filter as a list of conditions that all must hold, and joins to-one relations that are
    /// unconditionally required.
    ///
    /// SQLite starts with the statement's rows and probes `EXISTS` for each; a join starts at either end, by
    /// sizes and indexes. `IN (SELECT …)` would read the other table first, even if a thousand times larger.
    /// PostgreSQL chooses its start in any case, but plans a table that appears once faster than twice.
    pub(super) fn filter_by_joins(
        &mut self,
        id: EntityId,
        alias: &str,
        filter: &Filter,
        joinable: Joinable,
    ) -> Vec<Expr> {
        let model = self.select.model;
        match filter {
            Filter::All(filters) => {
                let mut conditions = Vec::new();
                for filter in filters {
                    conditions.extend(self.filter_by_joins(id, alias, filter, joinable));
                }
                conditions
            }
            Filter::Related { relation, quantifier: Quantifier::Some, filter }
                if self.joins.len() < MOST_JOINS
                    && joinable.has(id, *relation)
                    && model.is_unique_join(id, &model.entities[id].relations[*relation]) =>
            {
                self.aliases += 1;
                let other = format!("t{}", self.aliases);
                if alias == MAIN {
                    self.joined.push((*relation, other.clone()));
                }
                let relation = &model.entities[id].relations[*relation];
                let on = join_condition(&self.select, id, alias, relation, &other);
                let RuledTable { table, rule } = self.select.table_of(relation.target, &other);
                self.joins.push((table, on));
                let filters = self.filter_by_joins(relation.target, &other, filter, joinable.beyond());
                rule.into_iter().chain(filters).collect()
            }
            _ => vec![self.filter(id, alias, filter)],
        }
    }

    /// Returns the condition of the rows for which a filter does not hold.
    pub(super) fn fails(&mut self, id: EntityId, alias: &str, filter: &Filter) -> Expr {
        self.select.dialect.is_not_true(self.filter(id, alias, filter))
    }

    fn test(&self, column: Expr, column_type: &ColumnType, test: &Test) -> Expr {
        let SqlBuilder { model, dialect, .. } = *self.select;
        match test {
            Test::Compare(comparison, operand) => {
                let value = match operand {
                    Operand::Value(value) => Expr::val(dialect.bound(value.clone(), *comparison)),
                    Operand::Parameter(parameter) if *column_type == ColumnType::Decimal => {
                        let slot = self.parameter(*parameter);
                        self.select.binds.expr(Bind::Operand(slot, *comparison))
                    }
                    Operand::Parameter(parameter) => self.parameter_bind(*parameter),
                };
                dialect.compare(model, column, *comparison, value, column_type)
            }
            Test::OneOf { values, negated } => {
                let list = match values {
                    Operand::Value(values) if dialect.fits_one_parameter(column_type) => {
                        Expr::val(dialect.list_parameter(values.clone(), column_type))
                    }
                    Operand::Value(values) => {
                        return match negated {
                            true => dialect.is_not_in_values(column, values.clone(), column_type),
                            false => dialect.is_in_values(column, values.clone(), column_type),
                        };
                    }
                    Operand::Parameter(parameter) => self.parameter_bind(*parameter),
                };
                match negated {
                    true => dialect.is_not_in(model, column, list, column_type),
                    false => dialect.is_in(model, column, list, column_type),
                }
            }
            Test::IsNull(true) => column.is_null(),
            Test::IsNull(false) => column.is_not_null(),
            Test::StartsWith(prefix) => dialect.starts_with(column, prefix),
            Test::Like(pattern) => dialect.like(column, pattern),
            Test::Matches(pattern) => dialect.matches(column, pattern),
            Test::Set(operator, operand) => {
                let value = match operand {
                    Operand::Value(value) => Expr::val(value.clone()),
                    Operand::Parameter(parameter) => self.parameter_bind(*parameter),
                };
                dialect.compare_sets(model, column, *operator, value, column_type)
            }
            Test::IsEmpty(true) => dialect.is_empty(column, column_type),
            Test::IsEmpty(false) => dialect.is_empty(column, column_type).not(),
            Test::Length(test) => self.test(dialect.length(column), &ColumnType::Int, test),
        }
    }

    /// Returns the slot of a parameter: among the plan's, or among the viewer's values.
    fn parameter(&self, parameter: usize) -> ParameterSlot {
        match self.is_rule {
            true => ParameterSlot::OfViewer(parameter),
            false => ParameterSlot::OfPlan(parameter),
        }
    }

    fn parameter_bind(&self, parameter: usize) -> Expr {
        self.select.binds.expr(Bind::Parameter(self.parameter(parameter)))
    }
}

/// Maximum number of conditions in one chain, as in hand-written SQL.
pub(super) const CHAIN: usize = 8;

/// Combines conditions in a balanced tree, whose depth grows with the logarithm of their number. A chain
/// would nest as deep as its length in every recursive function. These are the statement writer, its
/// destructor, and the parsers and planners of the databases.
pub(super) fn balanced(mut conditions: Vec<Expr>, join: fn(Expr, Expr) -> Expr) -> Option<Expr> {
    if conditions.len() <= CHAIN {
        return conditions.into_iter().reduce(join);
    }
    let right = conditions.split_off(conditions.len() / 2);
    let (left, right) = (balanced(conditions, join), balanced(right, join));
    left.into_iter().chain(right).reduce(join)
}

/// Returns the depth that [`balanced`] adds for this number of conditions.
pub(in crate::plan) fn depth_of_balanced(conditions: u64) -> u64 {
    match conditions {
        0 | 1 => 0,
        2..=8 => conditions - 1,
        _ => 1 + depth_of_balanced(conditions.div_ceil(2)),
    }
}

/// Builds the join condition between both ends of a plain relation.
pub(super) fn join_condition(
    select: &SqlBuilder,
    owner: EntityId,
    alias: &str,
    relation: &Relation,
    other: &str,
) -> Condition {
    let owner = &select.model.entities[owner];
    let target = &select.model.entities[relation.target];
    let pairs = relation.join.from.iter().zip(&relation.join.to);
    let equal = pairs.map(|(from, to)| {
        let (from, to) = (&owner.columns[*from], &target.columns[*to]);
        let here = select.dialect.compared(column(alias, &from.name), &from.column_type);
        select.dialect.compared(column(other, &to.name), &to.column_type).eq(here)
    });
    equal.fold(Condition::all(), Condition::add)
}

/// Builds the join condition between a junction's columns and an entity's columns.
pub(super) fn meet_junction(
    select: &SqlBuilder,
    junction: &str,
    names: &[String],
    alias: &str,
    entity: EntityId,
    columns: &[ColumnId],
) -> Condition {
    let entity = &select.model.entities[entity];
    let equal = names.iter().zip(columns).map(|(name, own)| {
        let own = &entity.columns[*own];
        let here = select.dialect.compared(column(alias, &own.name), &own.column_type);
        select.dialect.compared(column(junction, name), &own.column_type).eq(here)
    });
    equal.fold(Condition::all(), Condition::add)
}

pub(super) fn column(alias: &str, name: &str) -> Expr {
    Expr::col((Alias::new(alias), Alias::new(name)))
}
