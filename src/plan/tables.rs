//! Tables that a plan reads, which a live query watches, and values of the viewer that its rules take.

use std::collections::BTreeSet;

use super::{Filter, Load, LoadKind, OrderBy, OrderTerm, Plan, Rules};
use crate::model::{EntityId, Model, Relation, Table, TableKind};

/// Tables that a plan reads, and the viewer's values that decide between two answers.
#[derive(Debug, Default)]
pub struct PlanReads {
    /// Every table that the statements read: rows, filters, orders, junctions, and the viewer's rules.
    tables: BTreeSet<Table>,
    /// True if the statements read a view or a foreign table, whose own tables are not known.
    reads_elsewhere: bool,
    /// Parameters of the rules of all entities that the statements read.
    pub viewer_parameters: BTreeSet<usize>,
}

impl PlanReads {
    /// Returns the tables, or `None` if the statements read a view or a foreign table: the tables behind it are not known.
    pub fn into_tables(self) -> Option<BTreeSet<Table>> {
        (!self.reads_elsewhere).then_some(self.tables)
    }
}

impl Plan {
    /// Returns what the statements read.
    pub fn reads(&self, model: &Model, rules: Option<&Rules>) -> PlanReads {
        let mut tables = Tables { model, rules, is_rule: false, found: PlanReads::default() };
        self.loads.iter().for_each(|load| tables.of_load(load));
        tables.found
    }
}

struct Tables<'a> {
    model: &'a Model,
    rules: Option<&'a Rules>,
    /// True inside a rule, whose parameters are values of the viewer.
    is_rule: bool,
    found: PlanReads,
}

impl Tables<'_> {
    fn of_load(&mut self, load: &Load) {
        self.of_entity(load.source.entity());
        if let Some((owner, relation)) = load.relation {
            self.of_relation(&self.model.entities[owner].relations[relation]);
        }
        self.of_filter(load.source.entity(), load.source.filter());
        if let LoadKind::Rows(rows) = &load.what {
            rows.order.iter().for_each(|term| self.of_order(load.source.entity(), term));
            rows.children.iter().for_each(|child| self.of_load(child));
        }
    }

    fn of_entity(&mut self, id: EntityId) {
        let entity = &self.model.entities[id];
        self.found.tables.insert(entity.table.clone());
        self.found.reads_elsewhere |= entity.kind != TableKind::Table;
        let Some(rules) = self.rules else { return };
        rules.filters(id).for_each(|rule| self.of_rule(rules, id, rule));
    }

    /// A rule is evaluated with full sight: no rules apply to the tables that the rule reads.
    fn of_rule(&mut self, rules: &Rules, id: EntityId, rule: &Filter) {
        let mut read =
            Tables { model: rules.model(), rules: None, is_rule: true, found: PlanReads::default() };
        read.of_filter(id, rule);
        self.found.reads_elsewhere |= read.found.reads_elsewhere;
        self.found.tables.append(&mut read.found.tables);
        self.found.viewer_parameters.append(&mut read.found.viewer_parameters);
    }

    fn of_relation(&mut self, relation: &Relation) {
        self.of_entity(relation.target);
        if let Some(junction) = &relation.junction {
            self.found.tables.insert(junction.table.clone());
            junction.entity.into_iter().for_each(|id| self.of_entity(id));
        }
    }

    fn of_filter(&mut self, id: EntityId, filter: &Filter) {
        match filter {
            Filter::All(filters) | Filter::Any(filters) => {
                filters.iter().for_each(|filter| self.of_filter(id, filter));
            }
            Filter::OfFullModel(filter) if self.rules.is_some() => {
                self.rules.into_iter().for_each(|rules| self.of_rule(rules, id, filter));
            }
            Filter::Not(filter) | Filter::OfFullModel(filter) => self.of_filter(id, filter),
            Filter::Column { test, .. } => {
                self.found.viewer_parameters.extend(test.parameter().filter(|_| self.is_rule));
            }
            Filter::Keys { .. } => {}
            Filter::Related { relation, filter, .. } => {
                let relation = &self.model.entities[id].relations[*relation];
                self.of_relation(relation);
                self.of_filter(relation.target, filter);
            }
        }
    }

    fn of_order(&mut self, root: EntityId, term: &OrderTerm) {
        let mut id = root;
        for hop in &term.path {
            let relation = &self.model.entities[id].relations[*hop];
            self.of_relation(relation);
            id = relation.target;
        }
        if let OrderBy::Count(relation) = term.by {
            self.of_relation(&self.model.entities[id].relations[relation]);
        }
    }
}
