//! Grants of writing of one role: columns, set values, and rules before and after the change.

use std::collections::{BTreeMap, BTreeSet};

use async_graphql_value::Value as Written;
use serde_json::Value as Json;

use super::reader::{RawGrants, RoleReader};
use super::rule::{Granted, any, entails};
use crate::model::{ColumnId, ColumnType, Declaration, Entity, EntityId, Relation, Scalar};

/// Writes of one entity that a role may make.
#[derive(Clone, Debug, Default)]
pub struct EntityWrites {
    /// New rows.
    pub create: Option<RowWrites>,
    /// Changes of rows.
    pub update: Option<RowWrites>,
    /// Deletions, each with the rule of the rows; `None` inside for all rows that the role reads.
    pub delete: Option<Option<Written>>,
}

/// Rows of one entity that a role creates or changes.
#[derive(Clone, Debug, Default)]
pub struct RowWrites {
    /// Columns that clients give.
    pub columns: BTreeSet<ColumnId>,
    /// Columns that the service sets.
    pub set: BTreeMap<ColumnId, Preset>,
    /// Rule of the rows before a change, besides the rule of reading.
    pub filter: Option<Written>,
    /// Rule of the rows after the write.
    pub check: Option<Written>,
    /// True if a written row may be one that the role does not read.
    pub leaves_sight: bool,
}

/// Value that the service sets in a written row.
#[derive(Clone, Debug, PartialEq)]
pub enum Preset {
    /// Value of a viewer's variable.
    Variable(String),
    /// Time of the write.
    Now,
    /// New UUID.
    Uuid,
    /// Value in its JSON form.
    Literal(Json),
}

/// Action that leaves a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RowAction {
    /// A new row.
    Create,
    /// A change of a row.
    Update,
}

impl RowAction {
    /// Returns the name of the action in grants and errors.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Update => "update",
        }
    }
}

/// Grant of new or changed rows, as written.
struct WrittenGrant<'a> {
    action: RowAction,
    columns: &'a [String],
    set: &'a BTreeMap<String, Json>,
    filter: Option<&'a str>,
    check: &'a str,
}

impl EntityWrites {
    /// Returns the columns that clients give.
    pub fn columns(&self) -> impl Iterator<Item = ColumnId> {
        [&self.create, &self.update].into_iter().flatten().flat_map(|rows| rows.columns.iter().copied())
    }
}

impl<'a> RoleReader<'a> {
    /// Returns the role's own grants of writing. Those of included roles are not inherited.
    pub fn writes(&mut self, raw: &RawGrants<'a>) -> BTreeMap<EntityId, EntityWrites> {
        let mut writes = BTreeMap::new();
        let Some(role) = self.policies.roles.get(self.role) else { return writes };
        for (name, grant) in &role.grants {
            let Some(id) = self.entity_named(name).filter(|id| raw.contains_key(id)) else { continue };
            let accepted = self.model.entities[id].writes;
            if grant.create.is_some() && !accepted.create
                || grant.update.is_some() && !accepted.update
                || grant.delete.is_some() && !accepted.delete
            {
                self.fault(
                    Some(name),
                    match accepted.any() {
                        false => "create, update and delete cannot be granted: the entity is read-only",
                        true => "an action is granted that the database does not accept for this view",
                    },
                );
            }
            let create = grant.create.as_ref().and_then(|create| {
                let Some(check) = &create.check else {
                    self.fault(Some(name), "create has no check: write check = \"true\" for all rows");
                    return None;
                };
                let (action, columns) = (RowAction::Create, &create.columns);
                Some(WrittenGrant { action, columns, set: &create.set, filter: None, check })
            });
            let update = grant.update.as_ref().and_then(|update| {
                let Some(filter) = &update.filter else {
                    self.fault(Some(name), "update has no filter: write filter = \"true\" for all rows");
                    return None;
                };
                let (action, columns) = (RowAction::Update, &update.columns);
                let check = update.check.as_ref().unwrap_or(filter);
                Some(WrittenGrant { action, columns, set: &update.set, filter: Some(filter), check })
            });
            let create = create.and_then(|written| self.row_writes(id, &written, raw));
            let update = update.and_then(|written| self.row_writes(id, &written, raw));
            let delete = grant.delete.as_ref().and_then(|rule| self.write_rule(id, rule, raw));
            writes.insert(id, EntityWrites { create, update, delete });
        }
        writes
    }

    /// Reads a rule; `None` if the grant does not apply, because the viewer lacks a variable of the rule.
    fn write_rule(&mut self, id: EntityId, written: &str, raw: &RawGrants<'a>) -> Option<Option<Written>> {
        if self.uses_missing(written) {
            return None;
        }
        let name = &self.model.entities[id].name;
        let rule = self.rule(name, written)?;
        Some(self.without_seen(id, &rule, raw, &mut vec![id]).filter())
    }

    fn row_writes(
        &mut self,
        id: EntityId,
        written: &WrittenGrant<'_>,
        raw: &RawGrants<'a>,
    ) -> Option<RowWrites> {
        let filter = match written.filter {
            Some(filter) => self.write_rule(id, filter, raw),
            None => Some(None),
        };
        let check = self.write_rule(id, written.check, raw);
        let mut columns = self.given_columns(id, written.columns, raw);
        let mut set = BTreeMap::new();
        let mut applies = true;
        for (field, value) in written.set {
            let Some(column) = self.set_column(id, field) else { continue };
            match self.preset(id, column, field, value, written.action) {
                Some(preset) => drop(set.insert(column, preset)),
                None => applies = false,
            }
        }
        columns.retain(|column| !set.contains_key(column));
        let (filter, check) = (filter?, check?);
        let seen = self.rule_of_reading(id, raw);
        let leaves_sight = match (&seen, &check) {
            (Granted::All, _) => false,
            (Granted::If(rule), Some(check)) => !entails(check, rule),
            (Granted::If(_), None) => true,
        };
        applies.then_some(RowWrites { columns, set, filter, check, leaves_sight })
    }

    fn rule_of_reading(&mut self, id: EntityId, raw: &RawGrants<'a>) -> Granted {
        let rules = raw[&id].iter().map(|(rule, _)| self.without_seen(id, rule, raw, &mut vec![id]));
        any(rules.collect()).unwrap_or(Granted::All)
    }

    /// Returns the columns behind input fields: columns of their own, and keys of relations that the row holds.
    fn given_columns(&mut self, id: EntityId, fields: &[String], raw: &RawGrants<'a>) -> BTreeSet<ColumnId> {
        let model = self.model;
        let entity = &model.entities[id];
        let is_read = |target: EntityId| raw.contains_key(&target) && model.entities[target].exposed;
        let mut given = BTreeSet::new();
        for written in fields {
            let (field, is_granted) = match written.strip_prefix('-') {
                Some(field) => (field, false),
                None => (written.as_str(), true),
            };
            let columns: Vec<ColumnId> = if field == "*" {
                let own = (0..entity.columns.len()).filter(|column| is_own(entity, *column));
                let keys = forward(entity).filter(|relation| is_read(relation.target));
                own.chain(keys.flat_map(|relation| relation.from.iter().copied())).collect()
            } else if let Some(relation) = forward(entity).find(|relation| relation.field == field) {
                if !is_read(relation.target) {
                    let target = &model.entities[relation.target].name;
                    let message = format!("{field} cannot be given: the role does not read {target}");
                    self.fault(Some(&entity.name), message);
                }
                relation.from.clone()
            } else if let Some(column) = entity.column_of_field(field) {
                if !is_own(entity, column) {
                    let message = format!("{field} is part of a relation's key: name the relation instead");
                    self.fault(Some(&entity.name), message);
                }
                vec![column]
            } else {
                let message = format!("no column and no relation to one row has the field \"{field}\"");
                self.fault(Some(&entity.name), message);
                Vec::new()
            };
            match is_granted {
                true => given.extend(columns),
                false => given.retain(|column| !columns.contains(column)),
            }
        }
        given
    }

    /// Returns the column that a set field stands for.
    fn set_column(&mut self, id: EntityId, field: &str) -> Option<ColumnId> {
        let entity = &self.model.entities[id];
        let key = forward(entity).find(|relation| relation.field == field).map(|relation| &relation.from[..]);
        let found = match key {
            Some([column]) => Some(*column),
            Some(_) => None,
            None => entity.column_of_field(field),
        };
        if found.is_none() {
            let message = format!("set: no column and no relation over one column has the field \"{field}\"");
            self.fault(Some(&entity.name), message);
        }
        found
    }

    /// Reads a value to set; `None` if the grant does not apply, because the viewer lacks the variable.
    fn preset(
        &mut self,
        id: EntityId,
        column: ColumnId,
        field: &str,
        value: &Json,
        action: RowAction,
    ) -> Option<Preset> {
        let entity = &self.model.entities[id];
        let column = &entity.columns[column];
        let is_time = matches!(
            column.column_type,
            ColumnType::Date | ColumnType::Time | ColumnType::DateTime | ColumnType::Timestamp
        );
        let text = value.as_str();
        if let Some(name) = text.and_then(|text| text.strip_prefix('$')) {
            if self.policies.variable_type(name).is_none() {
                let message = format!("set uses ${name}, which is no declared variable of the viewer");
                self.fault(Some(&entity.name), message);
            }
            return (!self.missing.contains(name)).then(|| Preset::Variable(name.to_owned()));
        }
        Some(match text {
            Some("now") if is_time => Preset::Now,
            Some("uuid") if column.column_type.scalar() == Some(Scalar::Uuid) => {
                if action == RowAction::Update {
                    let message = format!("set: {field} of several rows cannot be one new uuid");
                    self.fault(Some(&entity.name), message);
                }
                Preset::Uuid
            }
            _ => Preset::Literal(value.clone()),
        })
    }
}

fn forward(entity: &Entity) -> impl Iterator<Item = &Relation> {
    entity.relations.iter().filter(|relation| relation.declaration == Declaration::BelongsTo)
}

/// Returns true if the column has an input field of its own: a relation sets the columns of its key.
fn is_own(entity: &Entity, column: ColumnId) -> bool {
    !entity.columns[column].hidden && entity.relations_of_column(column).next().is_none()
}
