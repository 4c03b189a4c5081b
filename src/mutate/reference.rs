//! References to an entity: its incoming foreign keys, and their actions on deletion.

use sea_orm::Value;

use crate::database::{Checked, ForeignKey, ForeignKeys};
use crate::model::{ColumnId, Declaration, EntityId, KeyAction, Model, OnDelete, Relation, Table};

/// Foreign key that references an entity.
#[derive(Debug)]
pub(super) struct Reference<'a> {
    /// Entity that holds the key; `None` if its table, or a column of the key, is not registered.
    pub child: Option<EntityId>,
    /// Columns of the key in the child.
    pub from: Vec<ColumnId>,
    /// Table that holds the key.
    pub table: Table,
    /// Names of the key's columns.
    pub columns: Vec<String>,
    /// Referenced columns.
    pub to: Vec<ColumnId>,
    /// Relation of the child over this key, unless it is hidden.
    pub relation: Option<&'a Relation>,
    /// Action on the child's rows.
    pub rule: Rule,
    /// True if ON UPDATE changes the key.
    pub follows_updates: bool,
    /// True if the database has the key.
    pub enforced: bool,
    /// True if the key is checked at the end of the transaction.
    pub deferred: bool,
}

/// Action on the referencing rows when the referenced row is deleted, and its executor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rule {
    /// The service, by a rule of the application.
    Application(OnDelete),
    /// The database, by the action of its foreign key.
    Database(KeyAction),
    /// No action: the database has no such key.
    Nothing,
}

impl Rule {
    /// Returns true if the referencing rows are deleted too.
    pub fn cascades(self) -> bool {
        matches!(self, Self::Application(OnDelete::Cascade) | Self::Database(KeyAction::Cascade))
    }

    /// Returns true if the referencing rows remain with another key.
    pub fn changes_key(self) -> bool {
        matches!(
            self,
            Self::Application(OnDelete::SetNull | OnDelete::SetDefault)
                | Self::Database(KeyAction::SetNull | KeyAction::SetDefault)
        )
    }

    /// Returns true if remaining rows prevent the deletion.
    pub fn restricts(self) -> bool {
        match self {
            Self::Application(rule) => matches!(rule, OnDelete::Protect | OnDelete::Restrict),
            Self::Database(action) => action.restricts(),
            Self::Nothing => false,
        }
    }
}

impl Reference<'_> {
    /// Returns the key that SET DEFAULT writes; `None` if the child is no entity.
    pub fn default_key(&self, model: &Model) -> Option<Vec<Value>> {
        let columns = &model.entities[self.child?].columns;
        if let Some(value) = self.relation.and_then(|relation| relation.set_value.clone()) {
            return Some(vec![value]);
        }
        let default = |id: &ColumnId| {
            let column = &columns[*id];
            column.default.clone().unwrap_or_else(|| column.column_type.null())
        };
        Some(self.from.iter().map(default).collect())
    }
}

/// Returns every reference to `id`: by the database's own keys if known, otherwise by the declarations of
/// entities.
pub(super) fn references<'a>(
    model: &'a Model,
    keys: Option<&ForeignKeys>,
    id: EntityId,
) -> Vec<Reference<'a>> {
    let target = &model.entities[id];
    let known: &[ForeignKey] = keys.map_or(&[], |keys| keys.referencing(&target.table));
    let mut references = Vec::new();
    let mut is_named = vec![false; known.len()];
    for (child, entity) in model.entities.iter().enumerate() {
        let points_here =
            |relation: &&Relation| relation.declaration == Declaration::BelongsTo && relation.target == id;
        for relation in entity.relations.iter().filter(points_here) {
            let names = |columns: &[ColumnId], of: EntityId| -> Vec<String> {
                columns.iter().map(|column| model.entities[of].columns[*column].name.clone()).collect()
            };
            let (columns, targets) = (names(&relation.from, child), names(&relation.to, id));
            let mut key = None;
            for (place, known) in known.iter().enumerate() {
                if keys.is_some_and(|keys| keys.is(&known.table, &entity.table))
                    && known.meets(&columns, &targets)
                {
                    is_named[place] = true;
                    key = Some(known);
                }
            }
            references.push(Reference {
                child: Some(child),
                from: relation.from.clone(),
                table: entity.table.clone(),
                columns,
                to: relation.to.clone(),
                relation: Some(relation),
                rule: rule_of(relation, keys, key),
                follows_updates: match (keys, key) {
                    (None, _) => !relation.on_update.restricts(),
                    (Some(_), key) => key.is_some_and(|key| !key.on_update.restricts()),
                },
                enforced: if keys.is_some() { key.is_some() } else { relation.enforced },
                deferred: key.is_some_and(|key| key.checked == Checked::Deferred),
            });
        }
    }
    let unnamed = known.iter().zip(is_named).filter(|(_, is_named)| !is_named);
    references.extend(unnamed.filter_map(|(key, _)| unnamed_reference(model, keys?, id, key)));
    references
}

fn rule_of(relation: &Relation, keys: Option<&ForeignKeys>, key: Option<&ForeignKey>) -> Rule {
    match (relation.rule, key) {
        (None | Some(OnDelete::DoNothing), Some(key)) => Rule::Database(key.on_delete),
        (None | Some(OnDelete::DoNothing), None) if keys.is_some() || !relation.enforced => Rule::Nothing,
        (None | Some(OnDelete::DoNothing), None) => Rule::Database(relation.on_delete),
        (Some(rule), _) => Rule::Application(rule),
    }
}

/// Builds the reference of a key without a relation; `None` if the model lacks a referenced column.
fn unnamed_reference<'a>(
    model: &'a Model,
    keys: &ForeignKeys,
    id: EntityId,
    key: &ForeignKey,
) -> Option<Reference<'a>> {
    let target = &model.entities[id];
    let to = key.target_columns.iter().map(|name| target.column_named(name)).collect::<Option<Vec<_>>>()?;
    let child = holder_of(model, keys, &key.table);
    let from = child.and_then(|child| {
        let entity = &model.entities[child];
        key.columns.iter().map(|name| entity.column_named(name)).collect::<Option<Vec<_>>>()
    });
    Some(Reference {
        child: child.filter(|_| from.is_some()),
        from: from.unwrap_or_default(),
        table: key.table.clone(),
        columns: key.columns.clone(),
        to,
        relation: None,
        rule: Rule::Database(key.on_delete),
        follows_updates: !key.on_update.restricts(),
        enforced: true,
        deferred: key.checked == Checked::Deferred,
    })
}

/// Returns the entities whose rows reference those of a table outside the model, also through further such tables
/// whose rows are deleted too; each with the action of its key. An entity without a key is followed as such a table.
pub(super) fn beyond(model: &Model, keys: Option<&ForeignKeys>, table: &Table) -> Vec<(EntityId, KeyAction)> {
    let Some(keys) = keys else { return Vec::new() };
    let mut found = Vec::new();
    let mut tables = vec![table];
    let mut next = 0;
    while let Some(table) = tables.get(next).copied() {
        next += 1;
        for key in keys.referencing(table) {
            let holder = holder_of(model, keys, &key.table);
            found.extend(holder.map(|entity| (entity, key.on_delete)));
            let is_outside = holder.is_none_or(|entity| !model.entities[entity].has_key());
            if is_outside && key.on_delete == KeyAction::Cascade && !tables.contains(&&key.table) {
                tables.push(&key.table);
            }
        }
    }
    found
}

/// Returns the entity of a table whose rows a key identifies.
pub(super) fn entity_of(model: &Model, keys: &ForeignKeys, table: &Table) -> Option<EntityId> {
    holder_of(model, keys, table).filter(|id| model.entities[*id].has_key())
}

/// Returns the entity of a table.
fn holder_of(model: &Model, keys: &ForeignKeys, table: &Table) -> Option<EntityId> {
    model.entities.iter().position(|entity| keys.is(table, &entity.table))
}

/// Returns true if a deletion of this entity, or its cascades, meets a rule of the application.
pub(super) fn follows_rules(model: &Model, keys: Option<&ForeignKeys>, id: EntityId) -> bool {
    let is_plain = |relation: &Relation| relation.rule.is_none() && !relation.deletes_target;
    if model.entities.iter().flat_map(|entity| &entity.relations).all(is_plain) {
        return false;
    }
    let mut deleted = vec![id];
    let mut next = 0;
    while let Some(entity) = deleted.get(next).copied() {
        if model.entities[entity].relations.iter().any(|relation| relation.deletes_target) {
            return true;
        }
        for reference in references(model, keys, entity) {
            match (reference.rule, reference.child) {
                (Rule::Application(_), _) => return true,
                (Rule::Database(KeyAction::Cascade), Some(child)) if !deleted.contains(&child) => {
                    deleted.push(child);
                }
                (Rule::Database(KeyAction::Cascade), None) => {
                    for (child, action) in beyond(model, keys, &reference.table) {
                        if action == KeyAction::Cascade && !deleted.contains(&child) {
                            deleted.push(child);
                        }
                    }
                }
                _ => {}
            }
        }
        next += 1;
    }
    false
}
