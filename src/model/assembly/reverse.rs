//! Other sides of forward relations that entities leave out.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::reflect::Reflected;
use crate::model::registry::EntityOptions;
use crate::model::relation::{Declared, pairs};
use crate::model::tables::{EntityNames, KeyWords};
use crate::model::{Declaration, EntityId, ModelFault, Table, names};

/// Adds the other sides that options name, or `all`. Returns a fault for each option that names no forward relation.
pub(super) fn add(
    registered: &mut [(Reflected, EntityOptions)],
    tables: &BTreeMap<Table, EntityId>,
    all: bool,
) -> Vec<ModelFault> {
    let entity_names: Vec<EntityNames> = registered
        .iter()
        .map(|(reflected, options)| {
            let table = names::readable(&reflected.table.name, "table");
            EntityNames::new(reflected.names.clone(), table, options.name.as_ref())
        })
        .collect();
    let mut faults = Vec::new();
    for holder in 0..registered.len() {
        let (reflected, options) = &registered[holder];
        let options = options.clone();
        let keys: Vec<Declared> = reflected
            .relations
            .iter()
            .filter(|declared| declared.declaration == Declaration::BelongsTo && !declared.conditional)
            .cloned()
            .collect();
        let mut known = Vec::new();
        let mut used = BTreeSet::new();
        for key in &keys {
            let names_of_key = registered[holder].0.names_of_relation(&key.variant, false);
            let chosen = options.reverse_side(&names_of_key);
            used.extend(chosen.map(|(name, _)| name.clone()));
            known.push(names::field(&key.variant));
            let Some(target) = tables.get(&key.to_table).copied() else { continue };
            let is_reverse = |side: &Declared| {
                side.declaration != Declaration::BelongsTo
                    && side.to_table == key.from_table
                    && pairs(&side.to, &side.from) == pairs(&key.from, &key.to)
            };
            let declared = registered[target].0.relations.iter_mut().find(|side| is_reverse(side));
            match (declared, chosen) {
                (Some(declared), Some((_, field))) => {
                    declared.fields = vec![field.clone()];
                    declared.is_chosen = true;
                }
                (Some(_), None) => {}
                (None, None) if !all => {}
                (None, _) => {
                    let is_list = !is_unique(&registered[holder].0, &key.from);
                    let words = words(key, &keys, (holder, target), tables, &entity_names);
                    let fields =
                        chosen.map_or_else(|| words.reverse(is_list), |(_, field)| vec![field.clone()]);
                    let free = fields.iter().find(|field| !is_taken(&registered[target].0, field));
                    let field = free.or(fields.first()).cloned().into_iter().collect();
                    let side = key.reverse(is_list, field, chosen.is_some());
                    registered[target].0.relations.push(Declared { is_of_key: true, ..side });
                }
            }
        }
        let unknown = options.reverse.keys().filter(|name| !used.contains(*name));
        let (reflected, options) = &registered[holder];
        let entity = options.name.as_ref().or(reflected.names.first()).cloned().unwrap_or_default();
        faults.extend(unknown.map(|name| ModelFault::unknown_option(&entity, name, &known)));
    }
    faults
}

/// Returns true if these columns contain a unique key.
fn is_unique(reflected: &Reflected, columns: &[String]) -> bool {
    std::iter::once(&reflected.primary_key)
        .chain(&reflected.unique_keys)
        .any(|key| !key.is_empty() && key.iter().all(|name| columns.contains(name)))
}

/// Returns true if a column or relation of the entity has this field.
fn is_taken(reflected: &Reflected, field: &String) -> bool {
    let of_relation = |declared: &Declared| match declared.fields.first() {
        Some(known) => known == field,
        None => reflected.names_of_relation(&declared.variant, declared.is_list()).contains(field),
    };
    reflected.columns.iter().any(|column| column.field == *field)
        || reflected.relations.iter().any(of_relation)
}

/// Returns the words of a key between these entities; `siblings` are all keys of its table.
fn words<'a>(
    key: &'a Declared,
    siblings: &'a [Declared],
    (holder, target): (EntityId, EntityId),
    tables: &BTreeMap<Table, EntityId>,
    names: &'a [EntityNames],
) -> KeyWords<'a> {
    let others = || siblings.iter().filter(|other| !std::ptr::eq(*other, key));
    let is_own = |column: &&String| !others().any(|other| other.from.contains(column));
    KeyWords {
        columns: &key.from,
        target_columns: &key.to,
        own: key.from.iter().filter(is_own).collect(),
        holder: &names[holder],
        target: &names[target],
        is_to_itself: key.from_table == key.to_table,
        has_siblings: others().any(|other| other.to_table == key.to_table),
        others: others().filter_map(|other| Some(&names[*tables.get(&other.to_table)?])).collect(),
    }
}
