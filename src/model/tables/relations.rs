//! Relations of tables: a forward and a reverse side for each foreign key. Junctions are found when the model is
//! assembled, as for entities.

use std::collections::{BTreeSet, HashMap};

use sea_orm::ColumnType as DatabaseType;

use super::names::{EntityNames, KeyWords};
use super::served::{Served, sorted};
use crate::model::reflect::Reflected;
use crate::model::registry::EntityOptions;
use crate::model::relation::Declared;
use crate::model::{ColumnType, Declaration, DeclaredType, ForeignKeyDescription, ModelFault, Note, Table};

/// Foreign key between two served tables.
struct Key<'a> {
    holder: usize,
    target: usize,
    description: &'a ForeignKeyDescription,
    /// Referenced columns: those of the description, or the key that the description leaves unsaid.
    target_columns: &'a [String],
}

/// Adds both sides of all foreign keys to the reflected tables, and notes the keys that are left out.
/// Returns a fault for each option that names no key.
pub(super) fn add(
    tables: &[Served],
    names: &[EntityNames],
    reverse_sides: bool,
    registered: &mut [(Reflected, EntityOptions)],
    notes: &mut Vec<Note>,
) -> Vec<ModelFault> {
    let (mut keys, mut faults) = (Vec::new(), Vec::new());
    let places: HashMap<&Table, usize> =
        tables.iter().enumerate().map(|(place, table)| (&table.description.table, place)).collect();
    for (holder, table) in tables.iter().enumerate() {
        let mut known = BTreeSet::new();
        let described = &table.description.foreign_keys;
        let first_declared = described.len() - table.declared_foreign_keys;
        for (place, description) in described.iter().enumerate() {
            let found = key(tables, &places, holder, description);
            let found = found.and_then(|key| {
                let pairs: BTreeSet<_> = key.description.columns.iter().zip(key.target_columns).collect();
                match known.insert((key.target, pairs)) {
                    true => Ok(key),
                    false => Err("another key has the same columns".to_owned()),
                }
            });
            match found {
                Ok(key) => keys.push(key),
                Err(problem) if place >= first_declared => faults.push(ModelFault::DeclaredKey {
                    table: table.named(),
                    option: "foreign_keys",
                    columns: description.columns.clone(),
                    problem,
                }),
                Err(reason) => {
                    notes.push(Note::RelationLeftOut { key: written(table, &description.columns), reason })
                }
            }
        }
    }
    let mut used = BTreeSet::new();
    let mut reverse: Vec<Vec<Declared>> = tables.iter().map(|_| Vec::new()).collect();
    let of_one_table = keys.chunk_by(|one, other| one.holder == other.holder);
    for (key, siblings) in of_one_table.flat_map(|keys| keys.iter().map(move |key| (key, keys))) {
        let words = words(key, siblings, names);
        let declared = declare(key, tables, &words);
        let named: Vec<String> = declared.fields.iter().chain([&declared.variant]).cloned().collect();
        let option = registered[key.holder].1.reads_as_list(&named).cloned();
        let is_list = !tables[key.holder].is_unique(&key.description.columns) || option.is_some();
        used.extend(option.map(|option| (key.holder, option)));
        let chosen = registered[key.holder].1.reverse_side(&named);
        used.extend(chosen.map(|(name, _)| (key.holder, name.clone())));
        if reverse_sides || chosen.is_some() {
            let is_chosen = chosen.is_some();
            let fields = chosen.map_or_else(|| words.reverse(is_list), |(_, field)| vec![field.clone()]);
            reverse[key.target].push(declared.reverse(is_list, fields, is_chosen));
        }
        registered[key.holder].0.relations.push(declared);
    }
    for ((reflected, _), reverse) in registered.iter_mut().zip(reverse) {
        reflected.relations.extend(reverse);
    }
    for (holder, (reflected, options)) in registered.iter().enumerate() {
        let named = options.many.iter().chain(options.reverse.keys());
        let unknown: BTreeSet<&String> =
            named.filter(|name| !used.contains(&(holder, (*name).clone()))).collect();
        let known = reflected.relations.iter().filter(|known| known.declaration == Declaration::BelongsTo);
        let known: Vec<&String> = known.flat_map(|known| known.fields.first()).collect();
        let entity = options.name.as_ref().or(reflected.names.first()).cloned().unwrap_or_default();
        faults.extend(
            unknown.into_iter().map(|name| ModelFault::unknown_option(&entity, name, known.iter().copied())),
        );
    }
    faults
}

fn declare(key: &Key, tables: &[Served], words: &KeyWords) -> Declared {
    let description = key.description;
    Declared {
        variant: written(&tables[key.holder], &description.columns),
        fields: words.forward(),
        fields_through: words.through(),
        declaration: Declaration::BelongsTo,
        from_table: tables[key.holder].description.table.clone(),
        from: description.columns.clone(),
        to_table: tables[key.target].description.table.clone(),
        to: key.target_columns.to_vec(),
        enforced: description.enforced,
        on_delete: description.on_delete,
        on_update: description.on_update,
        is_of_key: true,
        is_chosen: false,
        conditional: false,
    }
}

fn written(table: &Served, columns: &[String]) -> String {
    format!("{} ({})", table.description.table, columns.join(", "))
}

/// Returns a foreign key with its target, or the reason why the key is no relation.
fn key<'a>(
    tables: &'a [Served],
    places: &HashMap<&Table, usize>,
    holder: usize,
    description: &'a ForeignKeyDescription,
) -> Result<Key<'a>, String> {
    let table = &description.target;
    let target = places.get(&description.target).copied();
    let target = target.ok_or_else(|| format!("table {table} is not served"))?;
    let target_columns = match description.target_columns.is_empty() {
        true => &tables[target].key,
        false => &description.target_columns,
    };
    let key = Key { holder, target, description, target_columns };
    if description.columns.is_empty() || description.columns.len() != target_columns.len() {
        return Err(format!("its columns do not match those of {table}"));
    }
    for columns in [&description.columns, target_columns] {
        if columns.iter().collect::<BTreeSet<_>>().len() < columns.len() {
            return Err("it has a column twice".to_owned());
        }
    }
    for (from, to) in description.columns.iter().zip(target_columns) {
        let column = |table: &'a Served, name: &str| {
            table.column(name).ok_or_else(|| format!("column {name} does not exist"))?;
            table.column_type(name).ok_or_else(|| format!("there is no scalar for column {name}"))
        };
        let types = [column(&tables[holder], from)?, column(&tables[target], to)?];
        if !are_compared(types) {
            return Err(match types[0] == types[1] {
                true => format!("equal values of {from} may be different texts"),
                false => format!("{from} and {table}.{to} have different types"),
            });
        }
    }
    let is_key = tables[target].unique_keys().any(|key| sorted(key) == sorted(target_columns));
    if !is_key {
        let rows =
            if tables[target].description.inherited_by.is_empty() { "" } else { " with its inherited rows" };
        return Err(format!("({}) is not a unique key of {table}{rows}", target_columns.join(", ")));
    }
    Ok(key)
}

/// Returns true if the database compares the values of both types.
fn are_compared([from, to]: [&DeclaredType; 2]) -> bool {
    let is_enum = |declared: &DeclaredType| matches!(declared.common(), Some(DatabaseType::Enum { .. }));
    if is_enum(from) || is_enum(to) {
        return from == to;
    }
    let [from, to] = [from, to].map(|declared| ColumnType::of(declared, |_, _| 0));
    match (from, to) {
        (Some(from), Some(to)) => from.is_compared_with(&to),
        _ => false,
    }
}

/// Returns the words of a key; `siblings` are all keys of its table.
fn words<'a>(key: &'a Key, siblings: &'a [Key], names: &'a [EntityNames]) -> KeyWords<'a> {
    let others = || siblings.iter().filter(|other| !std::ptr::eq(*other, key));
    let columns = &key.description.columns;
    let is_own = |column: &&String| !others().any(|other| other.description.columns.contains(column));
    KeyWords {
        columns,
        target_columns: key.target_columns,
        own: columns.iter().filter(is_own).collect(),
        holder: &names[key.holder],
        target: &names[key.target],
        is_to_itself: key.holder == key.target,
        has_siblings: others().any(|other| other.target == key.target),
        others: others().map(|other| &names[other.target]).collect(),
    }
}
