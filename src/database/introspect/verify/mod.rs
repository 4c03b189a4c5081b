//! Compares the model with the live database, to find promises of the schema that the database does not
//! guarantee.

mod difference;
mod live;

use std::collections::BTreeSet;

use super::column_types;
use super::foreign_keys::{Checked, ForeignKey, ForeignKeys};
use crate::database::handle::Database;
use crate::error::Result;
use crate::model::{Declaration, Entity, KeyAction, Model, OnDelete, Relation};
pub use difference::Difference;
use live::{LiveTable, read_tables};

/// Compares the model with the database that will be served.
///
/// # Errors
/// Fails if the database cannot be queried.
pub async fn verify(model: &Model, database: &Database) -> Result<Vec<Difference>> {
    let live = read_tables(database).await?;
    let keys = database.read_keys().await?;
    let mut differences = Vec::new();
    for entity in &model.entities {
        match live.get(&entity.table) {
            Some(table) => {
                compare_columns(entity, table, &mut differences);
                compare_unique_keys(entity, table, &mut differences);
                compare_foreign_keys(model, entity, &keys, &mut differences);
            }
            None => differences
                .push(Difference::NoTable { entity: entity.name.clone(), table: entity.table.name.clone() }),
        }
    }
    differences.extend(column_types::compare(model, database).await?);
    differences.append(&mut outside(model, &keys));
    Ok(differences)
}

fn compare_columns(entity: &Entity, live: &LiveTable, differences: &mut Vec<Difference>) {
    for column in entity.columns.iter().filter(|column| !column.hidden) {
        let label = format!("{}.{}", entity.table.name, column.name);
        let Some(in_database) = live.columns.get(&column.name) else {
            differences.push(Difference::NoColumn { column: label });
            continue;
        };
        if in_database.nullable != column.nullable {
            let in_database = in_database.nullable;
            differences.push(Difference::Nullable { column: label.clone(), in_database });
        }
        if let Some(in_database) = in_database.has_default.filter(|known| *known != column.has_default) {
            differences.push(Difference::Default { column: label, in_database });
        }
    }
}

fn compare_unique_keys(entity: &Entity, live: &LiveTable, differences: &mut Vec<Difference>) {
    let table = &entity.table.name;
    let mut declared: Vec<BTreeSet<String>> = Vec::new();
    for key in std::iter::once(&entity.primary_key).chain(&entity.unique_keys) {
        let names: Vec<String> = key.iter().map(|id| entity.columns[*id].name.clone()).collect();
        let set: BTreeSet<String> = names.iter().cloned().collect();
        if !live.unique_keys.contains(&set) {
            differences.push(Difference::NoUniqueKey { columns: label(table, &names) });
        }
        declared.push(set);
    }
    let is_visible = |key: &&BTreeSet<String>| {
        key.iter().all(|name| entity.column_named(name).is_some_and(|id| !entity.columns[id].hidden))
    };
    for key in live.unique_keys.iter().filter(|key| !declared.contains(key)).filter(is_visible) {
        let names: Vec<String> = key.iter().cloned().collect();
        differences.push(Difference::UndeclaredUniqueKey { columns: label(table, &names) });
    }
}

fn compare_foreign_keys(
    model: &Model,
    entity: &Entity,
    keys: &ForeignKeys,
    differences: &mut Vec<Difference>,
) {
    for relation in &entity.relations {
        if relation.declaration != Declaration::BelongsTo {
            continue;
        }
        let (from, to) = (names(entity, relation), target_names(model, relation));
        let target = &model.entities[relation.target].table;
        let mut there = keys.referencing(target).iter();
        let found = there.find(|key| keys.is(&key.table, &entity.table) && key.meets(&from, &to));
        let named = format!("{}.{}", entity.name, relation.field);
        let (from, to) = (label(&entity.table.name, &from), label(&target.name, &to));
        match found {
            Some(key) => {
                if !relation.enforced {
                    let relation = Some(named.clone());
                    differences.push(Difference::UndeclaredForeignKey { relation, from, to });
                }
                compare_actions(named, relation, key, differences);
            }
            None if relation.enforced => {
                differences.push(Difference::NoForeignKey { relation: named, from, to });
            }
            None => {}
        }
    }
}

fn compare_actions(named: String, relation: &Relation, key: &ForeignKey, differences: &mut Vec<Difference>) {
    match relation.rule {
        None | Some(OnDelete::DoNothing) => {
            differences.extend(action(&named, false, relation.on_delete, key.on_delete));
        }
        // A restricting key leaves both work and refusals to the service.
        Some(_) if key.on_delete.restricts() => {}
        Some(rule) if acts_alike(rule, key.on_delete) => {}
        Some(rule) => differences.push(Difference::OverruledRule {
            relation: named.clone(),
            rule,
            in_database: key.on_delete,
        }),
    }
    differences.extend(action(&named, true, relation.on_update, key.on_update));
    if key.checked == Checked::Deferred {
        differences.push(Difference::Deferred { relation: named });
    }
}

fn action(named: &str, on_update: bool, declared: KeyAction, in_database: KeyAction) -> Option<Difference> {
    (declared != in_database).then(|| Difference::Action {
        relation: named.to_owned(),
        on_update,
        declared,
        in_database,
    })
}

fn acts_alike(rule: OnDelete, action: KeyAction) -> bool {
    matches!(
        (rule, action),
        (OnDelete::Cascade, KeyAction::Cascade)
            | (OnDelete::SetNull, KeyAction::SetNull)
            | (OnDelete::SetDefault, KeyAction::SetDefault)
    )
}

/// Finds keys to or from tables of the model that no relation represents.
fn outside(model: &Model, keys: &ForeignKeys) -> Vec<Difference> {
    let mut differences = Vec::new();
    for key in keys.all() {
        let holder = model.entities.iter().find(|entity| keys.is(&key.table, &entity.table));
        let is_target = |entity: &Entity| keys.is(&key.target, &entity.table);
        let is_declared = holder.is_some_and(|entity| {
            entity.relations.iter().any(|relation| {
                relation.declaration == Declaration::BelongsTo
                    && is_target(&model.entities[relation.target])
                    && key.meets(&names(entity, relation), &target_names(model, relation))
            })
        });
        if !is_declared && (holder.is_some() || model.entities.iter().any(is_target)) {
            differences.push(Difference::UndeclaredForeignKey {
                relation: None,
                from: label(&key.table.name, &key.columns),
                to: label(&key.target.name, &key.target_columns),
            });
        }
    }
    differences
}

fn names(entity: &Entity, relation: &Relation) -> Vec<String> {
    relation.from.iter().map(|id| entity.columns[*id].name.clone()).collect()
}

fn target_names(model: &Model, relation: &Relation) -> Vec<String> {
    let target = &model.entities[relation.target];
    relation.to.iter().map(|id| target.columns[*id].name.clone()).collect()
}

fn label(table: &str, columns: &[String]) -> String {
    format!("{table} ({})", columns.join(", "))
}
