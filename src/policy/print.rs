//! Prints what a role may do.

use std::fmt::Write as _;

use async_graphql_value::Value as Written;

use super::restrict::Restricted;
use super::writing::{Preset, RowWrites};
use super::{Isolation, RoleLimits};
use crate::model::{ColumnId, Entity, EntityId, Model};

impl Restricted {
    /// Prints the grants as they apply: united with those of included roles, with `seen` replaced by its rule. `full` is the
    /// model that they restrict.
    pub fn print(&self, full: &Model) -> String {
        let mut text = String::new();
        if self.limits != RoleLimits::default() {
            // Writing to a string cannot fail.
            let _ = writeln!(text, "limits: {}", self.limits);
        }
        if self.isolation == Isolation::RepeatableRead {
            let _ = writeln!(text, "isolation: repeatable read");
        }
        for (id, entity) in full.entities.iter().enumerate() {
            let seen = &self.model.entities[id];
            let writes = self.writes.get(&id);
            if !seen.exposed && writes.is_none() {
                continue;
            }
            let _ = writeln!(text, "{}\n  read: {}", entity.name, rule(self.rows.get(&id)));
            let columns =
                seen.visible_columns().map(|(column, described)| match self.columns.get(&(id, column)) {
                    Some(rule) => format!("{} if {rule}", described.field),
                    None => described.field.clone(),
                });
            let _ = writeln!(text, "  columns: {}", list(columns));
            let relations = seen.relations.iter().map(|relation| relation.field.clone());
            let _ = writeln!(text, "  relations: {}", list(relations));
            if !seen.aggregated {
                let _ = writeln!(text, "  aggregate: false");
            }
            if let Some(limit) = seen.list_limit {
                let _ = writeln!(text, "  limit: {limit}");
            }
            let Some(writes) = writes else { continue };
            for (action, rows) in [("create", &writes.create), ("update", &writes.update)] {
                if let Some(rows) = rows {
                    let _ = writeln!(text, "  {action}: {}", self.row_writes(full, id, rows));
                }
            }
            if let Some(filter) = &writes.delete {
                let _ = writeln!(text, "  delete: {}", rule(filter.as_ref()));
            }
        }
        text
    }

    fn row_writes(&self, full: &Model, id: EntityId, rows: &RowWrites) -> String {
        let entity = &full.entities[id];
        let mut parts = vec![list(rows.columns.iter().map(|column| field(entity, *column)))];
        let set =
            rows.set.iter().map(|(column, preset)| format!("{} = {}", field(entity, *column), value(preset)));
        if !rows.set.is_empty() {
            parts.push(format!("set {}", list(set)));
        }
        if let Some(filter) = &rows.filter {
            parts.push(format!("filter {filter}"));
        }
        parts.push(format!("check {}", rule(rows.check.as_ref())));
        parts.join("; ")
    }
}

/// Returns the input field of a column: its relation, if the column is part of a key.
fn field(entity: &Entity, column: ColumnId) -> String {
    let relation = entity.relations_of_column(column).next();
    relation.map_or_else(|| entity.columns[column].field.clone(), |(_, relation)| relation.field.clone())
}

fn value(preset: &Preset) -> String {
    match preset {
        Preset::Variable(name) => format!("${name}"),
        Preset::Now => "now".to_owned(),
        Preset::Uuid => "uuid".to_owned(),
        Preset::Literal(json) => json.to_string(),
    }
}

fn rule(rule: Option<&Written>) -> String {
    rule.map_or_else(|| "true".to_owned(), ToString::to_string)
}

fn list(items: impl Iterator<Item = String>) -> String {
    let mut items: Vec<String> = items.collect();
    items.dedup();
    match items.is_empty() {
        true => "none".to_owned(),
        false => items.join(", "),
    }
}
