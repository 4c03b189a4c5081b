//! Tables of a statement, with the rules of the viewer's role.

use sea_orm::sea_query::{Alias, Expr};

use super::condition::Conditions;
use super::ruled_table::{RelatedTables, RuledTable};
use super::scope::Scope;
use crate::model::{ColumnId, EntityId, Relation};
use crate::plan::filter::Filter;

impl Scope<'_> {
    /// Returns the table of an entity by this alias.
    pub(super) fn table_of(&self, id: EntityId, alias: &str) -> RuledTable {
        RuledTable::new(&self.model.entities[id].table, alias, self.rule_of_rows(id, alias))
    }

    /// Returns the tables that lead to the other end of a relation, by these aliases.
    pub(super) fn related_tables(&self, relation: &Relation, alias: &str, junction: &str) -> RelatedTables {
        let junction = relation.junction.as_ref().map(|between| {
            let rule = between.entity.and_then(|id| self.rule_of_rows(id, junction));
            RuledTable::new(&between.table, junction, rule)
        });
        RelatedTables::new(self.table_of(relation.target, alias), junction)
    }

    /// Returns the rule of an entity's rows, for the table with this alias.
    pub(super) fn rule_of_rows(&self, id: EntityId, alias: &str) -> Option<Expr> {
        let sight = self.sight?;
        Some(self.rule(id, alias, sight.rules.of_rows(id)?))
    }

    /// Returns a column as the viewer sees it: null in rows for which the column's rule does not hold.
    pub(super) fn cell(&self, id: EntityId, column: ColumnId, alias: &str) -> Expr {
        let name = &self.model.entities[id].columns[column].name;
        let stored = Expr::col((Alias::new(alias), Alias::new(name)));
        match self.sight.and_then(|sight| sight.rules.of_column(id, column)) {
            Some(rule) => Expr::case(self.rule(id, alias, rule), stored).into(),
            None => stored,
        }
    }

    /// Builds a rule with full sight: the full model, and no further rules.
    pub(super) fn rule(&self, id: EntityId, alias: &str, rule: &Filter) -> Expr {
        Conditions::of_rule(Scope { builder: self.under_no_rules(), ..*self }).filter(id, alias, rule)
    }
}
