//! Many-to-many relations found at junctions, and those that options declare.

use std::collections::{BTreeSet, VecDeque};

use super::{Assembly, Origin, many_to_many};
use crate::model::relation::Declared;
use crate::model::{Declaration, EntityId, Junction, ModelFault, Table, TableKind, names};

/// List through a junction: it enters by one key of the junction, and leaves by another.
struct ListThrough {
    near: usize,
    far: usize,
    /// Field that an option chose.
    field: Option<String>,
    /// True if each link stands for both directions.
    is_symmetrical: bool,
}

impl ListThrough {
    fn between(near: usize, far: usize) -> Self {
        Self { near, far, field: None, is_symmetrical: false }
    }
}

impl Assembly {
    /// Adds many-to-many relations found at junctions, two `belongs_to` whose columns together form a key, and those that
    /// options of a junction declare.
    pub(super) fn add_junctions(&mut self) {
        let referenced: BTreeSet<Table> = self
            .registered
            .iter()
            .flat_map(|(reflected, _)| &reflected.relations)
            .filter(|declared| declared.declaration == Declaration::BelongsTo)
            .map(|declared| declared.to_table.clone())
            .collect();
        for id in 0..self.registered.len() {
            let keys = self.keys_of_junction(id);
            let mut lists = Vec::new();
            let mut is_hidden = false;
            for one in 0..keys.len() {
                for other in one + 1..keys.len() {
                    if self.is_exactly_a_key(id, &keys[one], &keys[other]) {
                        lists.extend([ListThrough::between(one, other), ListThrough::between(other, one)]);
                        is_hidden |= self.has_nothing_beside(id, &keys[one], &keys[other]);
                    }
                }
            }
            self.declare_lists(id, &keys, &mut lists);
            self.make_symmetrical(id, &keys, &mut lists);
            for list in &lists {
                self.add_list_through(id, &keys, list);
            }
            let (reflected, options) = &self.registered[id];
            if is_hidden && !options.shown && !referenced.contains(&reflected.table) {
                self.model.entities[id].exposed = false;
            }
        }
        self.drop_relations_to_hidden_junctions();
    }

    /// Returns the forward relations that may be sides of a junction.
    pub(super) fn keys_of_junction(&self, id: EntityId) -> Vec<Declared> {
        let reflected = &self.registered[id].0;
        // A faulty relation was reported above; a hidden relation does not count.
        let is_side = |declared: &&Declared| {
            declared.declaration == Declaration::BelongsTo
                && !declared.conditional
                && declared.from_table == reflected.table
                && self.joined("", declared).is_ok()
                // A table through which its own rows reach each other is an entity, not a junction.
                && !(self.clashes.resolves() && declared.to_table == declared.from_table)
        };
        reflected.relations.iter().filter(is_side).cloned().collect()
    }

    fn is_exactly_a_key(&self, id: EntityId, one: &Declared, other: &Declared) -> bool {
        let pair: BTreeSet<&String> = one.from.iter().chain(&other.from).collect();
        let reflected = &self.registered[id].0;
        // A view or a table without a key links nothing: its rows are a type of their own.
        reflected.kind == TableKind::Table
            && !reflected.primary_key.is_empty()
            && one.from != other.from
            && std::iter::once(&reflected.primary_key)
                .chain(&reflected.unique_keys)
                .any(|key| key.iter().collect::<BTreeSet<_>>() == pair)
    }

    /// Returns true if the junction has only the two keys, and perhaps a surrogate key.
    fn has_nothing_beside(&self, id: EntityId, one: &Declared, other: &Declared) -> bool {
        let reflected = &self.registered[id].0;
        let is_surrogate =
            |column: &String| reflected.primary_key.len() == 1 && reflected.primary_key[0] == *column;
        reflected.columns.iter().all(|column| {
            one.from.contains(&column.name) || other.from.contains(&column.name) || is_surrogate(&column.name)
        })
    }

    /// Returns the names by which an option refers to a key of a junction.
    pub(super) fn names_of_key(&self, junction: EntityId, key: &Declared) -> Vec<String> {
        let target = self.entity_of(&key.to_table);
        let field = target.map(|target| self.default_field(junction, target, key));
        let mut names = Vec::from_iter(field);
        if !key.is_of_key {
            names.extend([names::field(&key.variant), key.variant.clone()]);
        }
        let mut renamed = String::new();
        if self.registered[junction].1.rename_to(&mut renamed, &names) {
            names.push(renamed);
        }
        names
    }

    /// Adds the lists of the option `many_to_many`, or names those that exist.
    fn declare_lists(&mut self, id: EntityId, keys: &[Declared], lists: &mut Vec<ListThrough>) {
        for (from, to, field) in self.registered[id].1.many_to_many.clone() {
            let place = |name: &String| keys.iter().position(|key| self.names_of_key(id, key).contains(name));
            let (near, far) = match (place(&from), place(&to)) {
                (Some(near), Some(far)) if near != far => (near, far),
                (near, _) => {
                    let name = if near.is_none() { from } else { to };
                    let known: Vec<String> =
                        keys.iter().flat_map(|key| self.names_of_key(id, key).into_iter().next()).collect();
                    let entity = &self.model.entities[id].name;
                    self.faults.push(ModelFault::unknown_option(entity, &name, &known));
                    continue;
                }
            };
            match lists.iter_mut().find(|list| (list.near, list.far) == (near, far)) {
                Some(list) => list.field = Some(field),
                None => lists.push(ListThrough { field: Some(field), ..ListThrough::between(near, far) }),
            }
        }
    }

    /// Makes one list of both directions, if the option `symmetrical` names it.
    fn make_symmetrical(&mut self, id: EntityId, keys: &[Declared], lists: &mut Vec<ListThrough>) {
        let Some(field) = self.registered[id].1.symmetrical.clone() else { return };
        let is_of_one_table = |near: usize, far: usize| {
            keys[near].to_table == keys[far].to_table && keys[near].to == keys[far].to
        };
        let named = lists.iter().find(|list| list.field.as_ref() == Some(&field));
        let named =
            named.map(|list| (list.near, list.far)).filter(|(near, far)| is_of_one_table(*near, *far));
        let pairs = || (0..keys.len()).flat_map(|near| (near + 1..keys.len()).map(move |far| (near, far)));
        let mut only = pairs().filter(|(near, far)| is_of_one_table(*near, *far));
        let found = named.or_else(|| only.next().filter(|_| only.next().is_none()));
        let Some((near, far)) = found else {
            let entity = self.model.entities[id].name.clone();
            self.faults.push(ModelFault::NotSymmetrical { entity, field });
            return;
        };
        lists.retain(|list| ![(near, far), (far, near)].contains(&(list.near, list.far)));
        lists.push(ListThrough { near, far, field: Some(field), is_symmetrical: true });
    }

    fn add_list_through(&mut self, junction: EntityId, keys: &[Declared], list: &ListThrough) {
        let (near, far) = (&keys[list.near], &keys[list.far]);
        let (Some(owner), Some(target)) = (self.entity_of(&near.to_table), self.entity_of(&far.to_table))
        else {
            // Reported where the junction's own relation was added.
            return;
        };
        let to_columns = |declared| self.joined("", declared).ok().and_then(|joined| joined.to);
        let (Some(from), Some(to)) = (to_columns(near), to_columns(far)) else { return };
        let named = &self.registered[junction].1.lists_through;
        let of_user =
            self.names_of_key(junction, far).into_iter().find_map(|name| named.get_key_value(&name));
        let chosen = list.field.clone().or_else(|| of_user.map(|(_, field)| field.clone()));
        self.lists[junction].extend(of_user.map(|(name, _)| name.clone()));
        let mut fields: VecDeque<String> = far.fields_through.iter().cloned().collect();
        let field = fields
            .pop_front()
            .unwrap_or_else(|| names::list_field(&self.default_field(junction, target, far)));
        let origin = Origin { alternatives: fields, is_chosen: chosen.is_some(), ..Origin::default() };
        let junction = Junction {
            table: self.model.entities[junction].table.clone(),
            entity: Some(junction),
            from: near.from.clone(),
            to: far.from.clone(),
            is_symmetrical: list.is_symmetrical,
        };
        self.push(owner, origin, many_to_many(chosen.unwrap_or(field), target, from, to, junction));
    }

    fn drop_relations_to_hidden_junctions(&mut self) {
        for id in 0..self.model.entities.len() {
            let keep: Vec<bool> = self.model.entities[id]
                .relations
                .iter()
                .map(|relation| self.model.entities[relation.target].exposed)
                .collect();
            super::retain(&mut self.model.entities[id].relations, &keep);
            super::retain(&mut self.origins[id], &keep);
        }
    }
}
