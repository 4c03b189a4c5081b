//! Tables of a statement, with the rules of the viewer's role.

use sea_orm::sea_query::{Alias, Expr, IntoIden, TableRef};

use super::builder::SqlBuilder;
use super::condition::Conditions;
use super::scope::Scope;
use crate::model::{ColumnId, EntityId, Relation, Table};
use crate::plan::filter::Filter;
use crate::plan::rules::Sight;

/// Table of a FROM or a JOIN, with the rule of its rows. Only this file names tables, so that no statement misses
/// a rule.
pub(super) struct RuledTable {
    pub table: TableRef,
    pub rule: Option<Expr>,
}

/// Table at the other end of a relation, and the junction between, with the rules of the links and the rows.
pub(super) struct RelatedTables {
    pub target: TableRef,
    pub junction: Option<TableRef>,
    pub rules: Vec<Expr>,
}

impl Scope<'_> {
    /// Returns the table of an entity by this alias.
    pub(super) fn table_of(&self, id: EntityId, alias: &str) -> RuledTable {
        let table = named(&self.model.entities[id].table, alias);
        RuledTable { table, rule: self.rule_of_rows(id, alias) }
    }

    /// Returns the tables that lead to the other end of a relation, by these aliases.
    pub(super) fn related_tables(&self, relation: &Relation, alias: &str, junction: &str) -> RelatedTables {
        let RuledTable { table: target, rule } = self.table_of(relation.target, alias);
        let between = relation.junction.as_ref();
        let links = between.and_then(|between| self.rule_of_rows(between.entity?, junction));
        let junction = between.map(|between| named(&between.table, junction));
        RelatedTables { target, junction, rules: links.into_iter().chain(rule).collect() }
    }

    /// Returns the rule of an entity's rows, for the table with this alias.
    pub(super) fn rule_of_rows(&self, id: EntityId, alias: &str) -> Option<Expr> {
        let sight = self.sight?;
        Some(self.rule(sight, id, alias, sight.rules.of_rows(id)?))
    }

    /// Returns a column as the viewer sees it: null in rows for which the column's rule does not hold.
    pub(super) fn cell(&self, id: EntityId, column: ColumnId, alias: &str) -> Expr {
        let name = &self.model.entities[id].columns[column].name;
        let stored = Expr::col((Alias::new(alias), Alias::new(name)));
        let rule = self.sight.and_then(|sight| Some((sight, sight.rules.of_column(id, column)?)));
        match rule {
            Some((sight, rule)) => Expr::case(self.rule(sight, id, alias, rule), stored).into(),
            None => stored,
        }
    }

    /// Builds a rule with full sight: the full model, and no further rules.
    pub(super) fn rule(&self, sight: Sight, id: EntityId, alias: &str, rule: &Filter) -> Expr {
        let full = SqlBuilder { model: sight.rules.model(), sight: None, ..self.builder };
        Conditions::of_rule(Scope { builder: full, ..*self }).filter(id, alias, rule)
    }
}

fn named(table: &Table, alias: &str) -> TableRef {
    let name = Alias::new(&table.name);
    let reference: TableRef = match &table.schema {
        Some(schema) => (Alias::new(schema), name).into(),
        None => name.into(),
    };
    reference.alias(Alias::new(alias).into_iden())
}
