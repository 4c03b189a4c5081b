//! Conditions on related rows, as semi-joins, so that each row comes once.

use sea_orm::JoinType;
use sea_orm::sea_query::{Expr, ExprTrait, Query as Sql, SelectStatement};

use super::condition::{Conditions, Evidence, column, join_condition, meet_junction};
use super::output::JUNCTION;
use crate::model::{EntityId, Quantifier, Relation, RelationId};
use crate::plan::filter::Filter;

/// Use of the sub-select of related rows.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Correlation {
    /// Evaluated for one row of the owner: the sub-select compares the keys.
    PerRow,
    /// Evaluated once for all rows of the owner: the sub-select returns the keys.
    Once,
}

impl Conditions<'_> {
    /// Returns the condition on the rows at the other end of a relation.
    pub(super) fn is_related(
        &mut self,
        id: EntityId,
        alias: &str,
        relation: RelationId,
        quantifier: Quantifier,
        filter: &Filter,
    ) -> Expr {
        self.aliases += 1;
        // Aliases of a rule differ from those of the conditions around the rule.
        let inner_alias = format!("{}{}", if self.is_rule { "r" } else { "t" }, self.aliases);
        let negation = (quantifier == Quantifier::Every).then(|| Filter::Not(Box::new(filter.clone())));
        let between = &self.select.model.entities[id].relations[relation];
        let correlation = match self.select.is_membership(id, between) {
            true => Correlation::Once,
            false => Correlation::PerRow,
        };
        let is_negated = quantifier != Quantifier::Some;
        self.is_negated ^= is_negated;
        let filter = negation.as_ref().unwrap_or(filter);
        let related = self.related(id, alias, relation, &inner_alias, filter, correlation);
        self.is_negated ^= is_negated;
        let found = self.is_in(id, alias, between, related, correlation);
        let is_signed = self.has_offset && self.select.dialect.features().offset_counts_partners;
        match (correlation, is_negated) {
            (Correlation::PerRow, false) if is_signed => Expr::cust_with_exprs("+?", [found]),
            (Correlation::PerRow, true) => found.not(),
            // NULL if a key has NULL.
            (Correlation::Once, true) => self.select.dialect.is_not_true(found),
            (Correlation::PerRow | Correlation::Once, false) => found,
        }
    }

    /// Returns the condition that a row is among those of a sub-select.
    fn is_in(
        &self,
        id: EntityId,
        alias: &str,
        relation: &Relation,
        mut related: SelectStatement,
        correlation: Correlation,
    ) -> Expr {
        if correlation == Correlation::PerRow {
            related.expr(Expr::cust("1"));
            return Expr::exists(related);
        }
        let entity = &self.select.model.entities[id];
        let own = relation.join.from.iter().map(|id| &entity.columns[*id]);
        let mut own: Vec<Expr> =
            own.map(|own| self.select.dialect.compared(column(alias, &own.name), &own.column_type)).collect();
        match (own.pop(), own.is_empty()) {
            (Some(only), true) => only.in_subquery(related),
            (last, _) => Expr::tuple(own.into_iter().chain(last)).in_subquery(related),
        }
    }

    /// Returns the rows at the other end of a relation, as a sub-select: without columns, or with the keys alone.
    pub(super) fn related(
        &mut self,
        id: EntityId,
        alias: &str,
        relation: RelationId,
        inner_alias: &str,
        filter: &Filter,
        correlation: Correlation,
    ) -> SelectStatement {
        let relation = &self.select.model.entities[id].relations[relation];
        let between = format!("{inner_alias}_{JUNCTION}");
        let tables = self.select.related_tables(relation, inner_alias, &between);
        let mut statement = Sql::select();
        statement.from(tables.target);
        let join = &relation.join;
        let meets_owner = match tables.junction {
            Some(links) => {
                let far =
                    meet_junction(&self.select, &between, &join.far, inner_alias, relation.target, &join.to);
                statement.join(JoinType::InnerJoin, links, far);
                meet_junction(&self.select, &between, &join.near, alias, id, &join.from)
            }
            None => join_condition(&self.select, id, alias, relation, inner_alias),
        };
        match correlation {
            Correlation::PerRow => {
                statement.cond_where(meets_owner);
            }
            Correlation::Once => {
                statement.exprs(self.far_keys(id, relation, inner_alias, &between));
            }
        }
        for rule in tables.rules {
            statement.and_where(rule);
        }
        if let Some(evidence) = self.evidence.filter(|_| !self.is_negated) {
            let link = relation.junction.as_ref().and_then(|junction| junction.entity);
            for (entity, alias) in [(Some(relation.target), inner_alias), (link, &between)] {
                if entity == Some(evidence.entity) {
                    statement.and_where(self.is_written(evidence, alias).not());
                }
            }
        }
        if !filter.is_everything() {
            statement.and_where(self.filter(relation.target, inner_alias, filter));
        }
        statement
    }

    /// Returns the columns that are compared with the owner's key: the junction's, or the target's own.
    fn far_keys(&self, owner: EntityId, relation: &Relation, target: &str, junction: &str) -> Vec<Expr> {
        let entities = &self.select.model.entities;
        let join = &relation.join;
        let key = |index: usize| match &relation.junction {
            Some(_) => {
                let own = &entities[owner].columns[join.from[index]];
                (column(junction, &join.near[index]), &own.column_type)
            }
            None => {
                let far = &entities[relation.target].columns[join.to[index]];
                (column(target, &far.name), &far.column_type)
            }
        };
        let keys = (0..join.from.len()).map(key);
        keys.map(|(key, column_type)| self.select.dialect.compared(key, column_type)).collect()
    }

    /// Tests a row of the checked entity for being one that the operation has written.
    fn is_written(&self, evidence: Evidence, alias: &str) -> Expr {
        let entity = &self.select.model.entities[evidence.entity];
        let key = entity.primary_key.iter().map(|id| &entity.columns[*id]);
        let (columns, types) = key
            .map(|part| (column(alias, &part.name), part.column_type.clone()))
            .unzip::<_, _, Vec<_>, Vec<_>>();
        self.select.dialect.one_of_keys(self.select.model, columns, &types, evidence.written)
    }
}
