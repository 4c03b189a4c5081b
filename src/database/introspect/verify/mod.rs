//! Compares the model with the live database, to find promises of the schema that the database does not
//! guarantee.

mod difference;
mod promises;

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::column_types::unreadable_columns;
use super::describe::{DatabaseDescription, LeftOut, describe};
use super::foreign_keys::{Checked, ForeignKey, ForeignKeys};
use crate::database::handle::Database;
use crate::error::Result;
use crate::model::{
    ColumnDescription, ColumnId, ColumnType, Declaration, DeclaredType, Entity, EntityId, Generation,
    KeyAction, Model, OnDelete, Relation, Table, TableDescription, TableKind, UniqueKeyDescription,
};
pub use difference::Difference;
pub use promises::broken_promises;

/// Compares the model with the database that will be served.
///
/// # Errors
/// Fails if the database cannot be queried.
pub async fn verify(model: &Model, database: &Database) -> Result<Vec<Difference>> {
    let named: BTreeSet<String> =
        model.entities.iter().filter_map(|entity| entity.table.schema.clone()).collect();
    let mut described = describe(database, &[]).await?;
    if !named.is_empty() {
        let others = describe(database, &Vec::from_iter(named)).await?;
        described.tables.extend(others.tables);
        described.left_out.extend(others.left_out);
    }
    verify_described(model, &described, database).await
}

/// Compares the model with a description of the database that will be served.
///
/// # Errors
/// Fails if the database cannot be queried.
pub async fn verify_described(
    model: &Model,
    described: &DatabaseDescription,
    database: &Database,
) -> Result<Vec<Difference>> {
    let keys = database.read_keys().await?;
    let mut by_name: HashMap<&str, Vec<&TableDescription>> = HashMap::new();
    for table in &described.tables {
        by_name.entry(&table.table.name).or_default().push(table);
    }
    let table_of = |entity: &Entity| {
        let of_name = by_name.get(entity.table.name.as_str()).into_iter().flatten();
        { of_name }.copied().find(|table| keys.is(&table.table, &entity.table))
    };
    let tables: Vec<Option<&TableDescription>> = model.entities.iter().map(table_of).collect();
    let mut differences = Vec::new();
    for (entity, table) in model.entities.iter().zip(&tables) {
        match table {
            Some(table) => {
                compare_columns(entity, table, &described.left_out, &mut differences);
                compare_unique_keys(entity, table, &mut differences);
                compare_foreign_keys(model, entity, &keys, &mut differences);
                find_equated_keys(model, entity, (&tables, &keys, &described.left_out), &mut differences);
            }
            None => differences.push(missing_table(entity, &described.left_out)),
        }
    }
    differences.extend(unreadable_columns(model, database).await?);
    // A model of tables names the keys that it leaves out.
    if !model.is_of_tables {
        differences.append(&mut outside(model, &keys));
    }
    Ok(differences)
}

/// Returns the reason why an entity's table is not described.
fn missing_table(entity: &Entity, left_out: &[LeftOut]) -> Difference {
    let schema = entity.table.schema.as_ref();
    let is_reason = |part: &&LeftOut| match part {
        LeftOut::TableWithoutRight { table } => *table == entity.table,
        LeftOut::BrokenView { view } => *view == entity.table,
        LeftOut::NoSchema { schema: named } | LeftOut::SchemaWithoutRight { schema: named } => {
            Some(named) == schema
        }
        LeftOut::NoOwnSchema => schema.is_none(),
        _ => false,
    };
    match left_out.iter().find(is_reason) {
        Some(reason) => Difference::LeftOut { entity: entity.name.clone(), reason: reason.clone() },
        None => Difference::NoTable { entity: entity.name.clone(), table: entity.table.to_string() },
    }
}

fn compare_columns(
    entity: &Entity,
    table: &TableDescription,
    left_out: &[LeftOut],
    differences: &mut Vec<Difference>,
) {
    let described: BTreeMap<&str, &ColumnDescription> =
        table.columns.iter().map(|column| (column.name.as_str(), column)).collect();
    for (id, column) in entity.columns.iter().enumerate().filter(|(_, column)| !column.hidden) {
        let label = format!("{}.{}", entity.table, column.name);
        let Some(in_database) = described.get(column.name.as_str()) else {
            let right =
                LeftOut::ColumnWithoutRight { table: table.table.clone(), column: column.name.clone() };
            differences.push(match left_out.contains(&right) {
                true => Difference::LeftOut { entity: entity.name.clone(), reason: right },
                false => Difference::NoColumn { column: label },
            });
            continue;
        };
        // A view promises nothing, and a key is never NULL.
        let may_differ = table.kind != TableKind::Table || entity.primary_key.contains(&id);
        let is_promised = entity.promises.not_null.contains(&id);
        if !may_differ && !is_promised && in_database.nullable != column.nullable {
            let in_database = in_database.nullable;
            differences.push(Difference::Nullable { column: label.clone(), in_database });
        }
        let is_generated = match in_database.generation {
            Generation::AlwaysNumber | Generation::Computed => {
                if !column.always_generated {
                    differences.push(Difference::AlwaysGenerated { column: label });
                }
                continue;
            }
            // An entity need not let the database number its rows.
            Generation::Number if !column.has_default => continue,
            Generation::Number => true,
            Generation::None => false,
        };
        let in_database = in_database.has_default || is_generated;
        if in_database != (column.has_default && !column.fills_default) {
            differences.push(Difference::Default { column: label, in_database });
        }
    }
}

fn compare_unique_keys(entity: &Entity, described: &TableDescription, differences: &mut Vec<Difference>) {
    // The keys of a view are declared, and kept by nothing.
    if described.kind != TableKind::Table {
        return;
    }
    let table = &entity.table;
    let whole = described.unique_keys.iter().filter(|key| key.is_whole).map(|key| &key.columns);
    let primary = Some(&described.primary_key).filter(|key| !key.is_empty());
    let kept: BTreeSet<BTreeSet<String>> =
        primary.into_iter().chain(whole).map(|key| key.iter().cloned().collect()).collect();
    let mut declared: Vec<BTreeSet<String>> = Vec::new();
    for key in entity.all_keys().filter(|key| !entity.promises.unique_keys.contains(key)) {
        let names: Vec<String> = key.iter().map(|id| entity.columns[*id].name.clone()).collect();
        let set: BTreeSet<String> = names.iter().cloned().collect();
        if !kept.contains(&set) {
            let columns = label(table, &names);
            let is_own =
                |key: &UniqueKeyDescription| key.columns.iter().cloned().collect::<BTreeSet<_>>() == set;
            let is_inherited = !described.inherited_by.is_empty() && described.unique_keys.iter().any(is_own);
            let by = || described.inherited_by.iter().map(ToString::to_string).collect();
            differences.push(match is_inherited {
                true => Difference::InheritedKey { columns, by: by() },
                false => Difference::NoUniqueKey { columns },
            });
        }
        declared.push(set);
    }
    // A key over hidden columns, or over values that are not compared, cannot be a look-up.
    let is_usable = |name: &String| {
        entity.column_named(name).is_some_and(|id| {
            let column = &entity.columns[id];
            !column.hidden && column.column_type.is_compared_with(&column.column_type)
        })
    };
    for key in kept.iter().filter(|key| !declared.contains(key) && key.iter().all(is_usable)) {
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
        let (from, to) = (label(&entity.table, &from), label(target, &to));
        match found {
            Some(key) if relation.enforced && !key.enforced => {
                differences.push(Difference::NoForeignKey { relation: named, from, to });
            }
            Some(key) => {
                if key.enforced && !relation.enforced {
                    let relation = Some(named.clone());
                    differences.push(Difference::UndeclaredForeignKey { relation, from, to });
                }
                compare_actions(named, relation, key, !model.is_of_tables, differences);
            }
            None if relation.enforced => {
                differences.push(Difference::NoForeignKey { relation: named, from, to });
            }
            None => {}
        }
    }
}

/// Finds relations whose key the database compares by more than the texts themselves. Rows are assigned to each other by the
/// same texts.
fn find_equated_keys(
    model: &Model,
    entity: &Entity,
    (tables, keys, left_out): (&[Option<&TableDescription>], &ForeignKeys, &[LeftOut]),
    differences: &mut Vec<Difference>,
) {
    for relation in entity.relations.iter().filter(|of| of.declaration == Declaration::BelongsTo) {
        let (from, to) = (names(entity, relation), target_names(model, relation));
        let target = &model.entities[relation.target];
        let is_left_out = |part: &LeftOut| match part {
            LeftOut::CollatedKey { table, columns, target: named } => {
                keys.is(table, &entity.table) && keys.is(named, &target.table) && *columns == from
            }
            _ => false,
        };
        let is_equated = |id: &ColumnId| {
            let column = &target.columns[*id];
            let described = tables[relation.target].and_then(|table| table.column(&column.name));
            let declared = described.and_then(|column| column.database_type.as_ref());
            column.column_type == ColumnType::Text && declared.is_some_and(DeclaredType::equates_texts)
        };
        if left_out.iter().any(is_left_out) || relation.to.iter().any(is_equated) {
            differences.push(Difference::EquatedKey {
                relation: format!("{}.{}", entity.name, relation.field),
                from: label(&entity.table, &from),
                to: label(&target.table, &to),
            });
        }
    }
}

fn compare_actions(
    named: String,
    relation: &Relation,
    key: &ForeignKey,
    notes_time: bool,
    differences: &mut Vec<Difference>,
) {
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
    if notes_time && key.checked == Checked::Deferred {
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
    let mut by_name: HashMap<&str, Vec<EntityId>> = HashMap::new();
    for (id, entity) in model.entities.iter().enumerate() {
        by_name.entry(&entity.table.name).or_default().push(id);
    }
    let entity_of = |table: &Table| {
        let named = by_name.get(table.name.as_str()).into_iter().flatten();
        { named }.copied().find(|id| keys.is(table, &model.entities[*id].table))
    };
    let mut differences = Vec::new();
    for key in keys.all() {
        let (holder, target) = (entity_of(&key.table), entity_of(&key.target));
        let is_declared = holder.is_some_and(|holder| {
            let entity = &model.entities[holder];
            entity.relations.iter().any(|relation| {
                relation.declaration == Declaration::BelongsTo
                    && Some(relation.target) == target
                    && key.meets(&names(entity, relation), &target_names(model, relation))
            })
        });
        if !is_declared && (holder.is_some() || target.is_some()) {
            differences.push(Difference::UndeclaredForeignKey {
                relation: None,
                from: label(&key.table, &key.columns),
                to: label(&key.target, &key.target_columns),
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

fn label(table: &Table, columns: &[String]) -> String {
    format!("{table} ({})", columns.join(", "))
}
