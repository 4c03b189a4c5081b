//! Tables that a plan reads, which a live query watches.

use std::collections::BTreeSet;

use super::{Filter, Load, LoadKind, OrderBy, OrderTerm, Plan, Rules};
use crate::model::{EntityId, Model, Relation, Table, TableKind};

impl Plan {
    /// Returns every table that the statements read: rows, filters, orders, junctions, and the viewer's rules. `None` if
    /// they read a view or a foreign table, because the tables behind it are not known.
    pub fn tables(&self, model: &Model, rules: Option<&Rules>) -> Option<BTreeSet<Table>> {
        let mut tables = Tables { model, rules, found: BTreeSet::new(), reads_elsewhere: false };
        self.loads.iter().for_each(|load| tables.of_load(load));
        (!tables.reads_elsewhere).then_some(tables.found)
    }
}

struct Tables<'a> {
    model: &'a Model,
    rules: Option<&'a Rules>,
    found: BTreeSet<Table>,
    /// True if a view or a foreign table is read.
    reads_elsewhere: bool,
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
        self.found.insert(entity.table.clone());
        self.reads_elsewhere |= entity.kind != TableKind::Table;
        let Some(rules) = self.rules else { return };
        rules.filters(id).for_each(|rule| self.of_rule(rules, id, rule));
    }

    /// A rule is evaluated with full sight: no rules apply to the tables that the rule reads.
    fn of_rule(&mut self, rules: &Rules, id: EntityId, rule: &Filter) {
        let (model, found) = (rules.model(), BTreeSet::new());
        let mut read = Tables { model, rules: None, found, reads_elsewhere: false };
        read.of_filter(id, rule);
        self.reads_elsewhere |= read.reads_elsewhere;
        self.found.append(&mut read.found);
    }

    fn of_relation(&mut self, relation: &Relation) {
        self.of_entity(relation.target);
        if let Some(junction) = &relation.junction {
            self.found.insert(junction.table.clone());
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
            Filter::Column { .. } | Filter::Keys { .. } => {}
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
