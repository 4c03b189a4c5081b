//! Tables of a statement, with the rules of their rows.

use sea_orm::sea_query::{Alias, Expr, IntoIden, TableRef};

use crate::model::Table;

/// Table of a FROM or a JOIN, with the rule of its rows. Only this file names tables, so that no statement misses
/// a rule.
pub(super) struct RuledTable {
    pub table: TableRef,
    pub rule: Option<Expr>,
}

impl RuledTable {
    /// Names a table by this alias.
    pub fn new(table: &Table, alias: &str, rule: Option<Expr>) -> Self {
        let name = Alias::new(&table.name);
        let reference: TableRef = match &table.schema {
            Some(schema) => (Alias::new(schema), name).into(),
            None => name.into(),
        };
        Self { table: reference.alias(Alias::new(alias).into_iden()), rule }
    }
}

/// Table at the other end of a relation, and the junction between, with the rules of the links and the rows.
pub(super) struct RelatedTables {
    pub target: TableRef,
    pub junction: Option<TableRef>,
    pub rules: Vec<Expr>,
}

impl RelatedTables {
    /// Joins the rules of the tables.
    pub fn new(target: RuledTable, junction: Option<RuledTable>) -> Self {
        let (junction, of_links) = junction.map_or((None, None), |links| (Some(links.table), links.rule));
        let rules = of_links.into_iter().chain(target.rule).collect();
        Self { target: target.table, junction, rules }
    }
}
