//! Assembles the model's relations from the declarations: both sides, junctions and `Related::via`.

mod clashes;
mod entity;
mod joins;
mod resolution;
mod rules;

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use joins::{Joined, JoinedEntities};

use super::check::NamedPart;
use super::reflect::{Reflected, ReflectedVia};
use super::registry::{EntityOptions, Registry};
use super::relation::Declared;
use super::{
    Cardinality, ColumnId, ColumnType, Declaration, EntityId, Junction, KeyAction, Model, ModelError,
    ModelFault, Relation, names,
};
use clashes::Clashes;

impl Registry {
    /// Builds the model of all registered entities, or returns every fault of the model.
    pub fn model(self) -> Result<Model, ModelError> {
        let mut assembly = Assembly::new(self);
        assembly.add_declared_relations();
        assembly.add_junctions();
        assembly.add_via();
        // Options refer to fields that are free of clashes, and may bring new ones.
        if assembly.clashes.resolves() {
            assembly.resolve_clashes();
        }
        assembly.add_rules();
        assembly.apply_options();
        assembly.name_values();
        let findings = assembly.resolve_clashes();
        assembly.note_clashes();
        assembly.check_keys();
        let Assembly { mut model, mut faults, .. } = assembly;
        faults.extend(findings.faults);
        model.name_roots();
        if faults.is_empty() { Ok(model) } else { Err(ModelError { faults }) }
    }
}

/// Model under construction.
struct Assembly {
    registered: Vec<(Reflected, EntityOptions)>,
    via: Vec<ReflectedVia>,
    values: BTreeMap<(String, String), String>,
    model: Model,
    /// Origin of each relation, by entity.
    origins: Vec<Vec<Origin>>,
    clashes: Clashes,
    /// Keys of the option `list_through` that named a list, by entity.
    lists: Vec<BTreeSet<String>>,
    faults: Vec<ModelFault>,
}

/// Origin of a relation: the declaration, and the names that the declaration offers.
#[derive(Default)]
struct Origin {
    /// Declaring variant.
    variant: Option<String>,
    /// Further fields in order of preference.
    alternatives: VecDeque<String>,
    /// True if an option chose the field.
    is_chosen: bool,
    /// Last clash by which the relation lost a field.
    lost: Option<[String; 2]>,
}

impl Assembly {
    fn new(registry: Registry) -> Self {
        let Registry { registered: given, via, values, mut faults, notes, resolves_clashes } = registry;
        let mut registered: Vec<(Reflected, EntityOptions)> = Vec::new();
        for (reflected, options) in given {
            if registered.iter().any(|(known, _)| known.table == reflected.table) {
                faults.push(ModelFault::RegisteredTwice { table: reflected.table.name });
            } else {
                registered.push((reflected, options));
            }
        }
        let mut model = Model { notes, ..Model::default() };
        for (reflected, options) in &registered {
            let entity = entity::assemble(reflected, options, &mut model.enumerations, &mut faults);
            model.entities.push(entity);
        }
        let origins = registered.iter().map(|_| Vec::new()).collect();
        let lists = vec![BTreeSet::new(); registered.len()];
        let clashes = Clashes::new(resolves_clashes);
        Self { registered, via, values, model, origins, clashes, lists, faults }
    }

    /// Adds `belongs_to`, `has_one` and `has_many` relations as declared.
    fn add_declared_relations(&mut self) {
        for id in 0..self.registered.len() {
            for declared in self.registered[id].0.relations.clone() {
                if !self.is_hidden(id, &declared) {
                    self.add_declared(id, &declared);
                }
            }
        }
    }

    fn add_declared(&mut self, id: EntityId, declared: &Declared) {
        let label = format!("{}.{}", self.model.entities[id].name, declared.variant);
        if declared.conditional {
            self.faults.push(ModelFault::Conditional { relation: label });
            return;
        }
        let table = &self.registered[id].0.table;
        if declared.from_table != *table {
            self.faults.push(ModelFault::WrongStart {
                relation: label,
                table: declared.from_table.name.clone(),
                expected: table.name.clone(),
            });
            return;
        }
        let Some(target) = self.model.entity_of_table(&declared.to_table) else {
            self.faults
                .push(ModelFault::NotRegistered { relation: label, table: declared.to_table.name.clone() });
            return;
        };
        let Some(Joined { from: Some(from), to: Some(to) }) = self.join(&label, declared) else { return };
        if declared.declaration != Declaration::BelongsTo && !self.has_forward_side(declared) {
            let expected = format!(
                "a belongs_to from {} ({}) to {} ({})",
                declared.to_table.name,
                declared.to.join(", "),
                declared.from_table.name,
                declared.from.join(", ")
            );
            self.faults.push(ModelFault::NoForwardSide { relation: label, expected });
            return;
        }
        let entity = &self.model.entities[id];
        let cardinality = match declared.declaration {
            Declaration::HasMany | Declaration::ManyToMany => Cardinality::Many,
            Declaration::HasOne => Cardinality::OptionalOne,
            Declaration::BelongsTo => {
                let may_be_null = from.iter().any(|column| entity.columns[*column].nullable);
                if declared.enforced && !may_be_null { Cardinality::One } else { Cardinality::OptionalOne }
            }
        };
        let field = self.default_field(id, target, declared);
        self.push(
            id,
            Origin {
                variant: Some(declared.variant.clone()),
                alternatives: declared.fields.iter().skip(1).cloned().collect(),
                ..Origin::default()
            },
            Relation {
                field,
                target,
                cardinality,
                declaration: declared.declaration,
                enforced: declared.enforced,
                on_delete: declared.on_delete,
                on_update: declared.on_update,
                rule: None,
                from,
                to,
                junction: None,
            },
        );
    }

    /// Returns the default field of a relation. A forward relation that a generator numbered (`Users1`) or
    /// called `SelfRef` is named after its key.
    fn default_field(&self, id: EntityId, target: EntityId, declared: &Declared) -> String {
        if let Some(field) = declared.fields.first() {
            return field.clone();
        }
        if declared.declaration == Declaration::HasMany {
            return names::list_field(&declared.variant);
        }
        let of_target = self.registered[target].0.names.first().cloned().unwrap_or_default();
        let numbered = declared.variant.trim_end_matches(|letter: char| letter.is_ascii_digit());
        let is_numbered = numbered.len() < declared.variant.len() && names::type_of(numbered) == of_target;
        let of_key = match (declared.declaration, declared.from.as_slice()) {
            (Declaration::BelongsTo, [column]) if is_numbered || numbered == "SelfRef" => {
                names::field_of_key(column)
            }
            _ => None,
        };
        // Generated entities of plural tables have plural variants for to-one relations too.
        let of_variant = || {
            let of_variant = names::type_of(&declared.variant);
            let is_target = of_variant == of_target && target != id;
            names::field(if is_target { &of_variant } else { &declared.variant })
        };
        of_key.unwrap_or_else(of_variant)
    }

    fn has_forward_side(&self, reverse: &Declared) -> bool {
        self.registered.iter().filter(|(reflected, _)| reflected.table == reverse.to_table).any(
            |(reflected, _)| {
                reflected.relations.iter().any(|forward| {
                    forward.declaration == Declaration::BelongsTo
                        && forward.to_table == reverse.from_table
                        && pairs(&forward.from, &forward.to) == pairs(&reverse.to, &reverse.from)
                })
            },
        )
    }

    /// Adds many-to-many relations found at junctions: two `belongs_to` whose columns together form a key.
    fn add_junctions(&mut self) {
        for id in 0..self.registered.len() {
            let forward: Vec<Declared> = self.registered[id]
                .0
                .relations
                .iter()
                // A faulty relation was reported above; a hidden relation does not count.
                .filter(|declared| {
                    declared.declaration == Declaration::BelongsTo
                        && !declared.conditional
                        && declared.from_table == self.registered[id].0.table
                        && self.joined("", declared).is_ok()
                        // A table through which its own rows reach each other is an entity, not a junction.
                        && !(self.clashes.resolves() && declared.to_table == declared.from_table)
                })
                .cloned()
                .collect();
            let mut pairs = Vec::new();
            for (index, one) in forward.iter().enumerate() {
                for other in &forward[index + 1..] {
                    if self.is_exactly_a_key(id, one, other) {
                        pairs.push((one, other));
                    }
                }
            }
            for (one, other) in &pairs {
                self.add_list_through(id, one, other);
                self.add_list_through(id, other, one);
            }
            if pairs.iter().any(|(one, other)| self.has_nothing_beside(id, one, other)) {
                self.model.entities[id].exposed = false;
            }
        }
        self.drop_relations_to_hidden_junctions();
    }

    fn is_exactly_a_key(&self, id: EntityId, one: &Declared, other: &Declared) -> bool {
        let pair: BTreeSet<&String> = one.from.iter().chain(&other.from).collect();
        let reflected = &self.registered[id].0;
        one.from != other.from
            && std::iter::once(&reflected.primary_key)
                .chain(&reflected.unique_keys)
                .any(|key| key.iter().collect::<BTreeSet<_>>() == pair)
    }

    /// Returns true if the junction has only the two keys, and perhaps a surrogate key that no relation
    /// references.
    fn has_nothing_beside(&self, id: EntityId, one: &Declared, other: &Declared) -> bool {
        let reflected = &self.registered[id].0;
        let is_pointed_at =
            self.registered.iter().flat_map(|(reflected, _)| &reflected.relations).any(|declared| {
                declared.declaration == Declaration::BelongsTo && declared.to_table == reflected.table
            });
        let is_surrogate =
            |column: &String| reflected.primary_key.len() == 1 && reflected.primary_key[0] == *column;
        !is_pointed_at
            && reflected.columns.iter().all(|column| {
                one.from.contains(&column.name)
                    || other.from.contains(&column.name)
                    || is_surrogate(&column.name)
            })
    }

    /// Adds the list that enters the junction by `near` and leaves by `far`.
    fn add_list_through(&mut self, junction: EntityId, near: &Declared, far: &Declared) {
        let (Some(owner), Some(target)) =
            (self.model.entity_of_table(&near.to_table), self.model.entity_of_table(&far.to_table))
        else {
            // Reported where the junction's own relation was added.
            return;
        };
        let to_columns = |declared| self.joined("", declared).ok().and_then(|joined| joined.to);
        let (Some(from), Some(to)) = (to_columns(near), to_columns(far)) else { return };
        let far_field = self.default_field(junction, target, far);
        let named = &self.registered[junction].1.lists_through;
        let of_user = [far_field.as_str(), &names::field(&far.variant), &far.variant]
            .into_iter()
            .find_map(|name| named.get_key_value(name));
        self.lists[junction].extend(of_user.map(|(name, _)| name.clone()));
        let mut fields: VecDeque<String> = far.fields_through.iter().cloned().collect();
        let field = fields.pop_front().unwrap_or_else(|| names::list_field(&far_field));
        let origin = Origin { alternatives: fields, is_chosen: of_user.is_some(), ..Origin::default() };
        let field = of_user.map_or(field, |(_, field)| field.clone());
        let junction = Junction {
            table: self.model.entities[junction].table.clone(),
            entity: Some(junction),
            from: near.from.clone(),
            to: far.from.clone(),
        };
        self.push(owner, origin, many_to_many(field, target, from, to, junction));
    }

    fn drop_relations_to_hidden_junctions(&mut self) {
        for id in 0..self.model.entities.len() {
            let keep: Vec<bool> = self.model.entities[id]
                .relations
                .iter()
                .map(|relation| self.model.entities[relation.target].exposed)
                .collect();
            retain(&mut self.model.entities[id].relations, &keep);
            retain(&mut self.origins[id], &keep);
        }
    }

    /// Adds many-to-many relations declared by `Related::via`, unless the junction already provides the
    /// relation.
    fn add_via(&mut self) {
        for ReflectedVia { owner, to_junction, to_target } in std::mem::take(&mut self.via) {
            let label = format!("{} to {}", owner.name, to_target.to_table.name);
            if to_junction.conditional || to_target.conditional {
                self.faults.push(ModelFault::Conditional { relation: label });
                continue;
            }
            let starts = [(&to_junction.from_table, &owner), (&to_target.from_table, &to_junction.to_table)];
            if let Some((table, expected)) = starts.into_iter().find(|(table, expected)| table != expected) {
                let (table, expected) = (table.name.clone(), expected.name.clone());
                self.faults.push(ModelFault::WrongStart { relation: label, table, expected });
                continue;
            }
            let owner = self.model.entity_of_table(&to_junction.from_table);
            let target = self.model.entity_of_table(&to_target.to_table);
            let (Some(owner), Some(target)) = (owner, target) else {
                let table =
                    if owner.is_none() { to_junction.from_table.name } else { to_target.to_table.name };
                self.faults.push(ModelFault::NotRegistered { relation: label, table });
                continue;
            };
            let (near, far) = (self.join(&label, &to_junction), self.join(&label, &to_target));
            let (Some(from), Some(to)) = (near.and_then(|near| near.from), far.and_then(|far| far.to)) else {
                continue;
            };
            let junction = Junction {
                entity: self.model.entity_of_table(&to_junction.to_table),
                table: to_junction.to_table,
                from: to_junction.to,
                to: to_target.from,
            };
            let is_known = |relation: &Relation| relation.junction.as_ref() == Some(&junction);
            if !self.model.entities[owner].relations.iter().any(is_known) {
                let field = names::list_field(&self.model.entities[target].name);
                self.push(owner, Origin::default(), many_to_many(field, target, from, to, junction));
            }
        }
    }

    /// Applies the options that rename and hide. An option for an unknown name is a fault.
    fn apply_options(&mut self) {
        for (id, (reflected, options)) in self.registered.iter().enumerate() {
            let entity = &mut self.model.entities[id];
            let mut columns: BTreeSet<String> = BTreeSet::new();
            for (number, (column, declared)) in entity.columns.iter_mut().zip(&reflected.columns).enumerate()
            {
                let mut names = reflected.names_of_column(declared);
                if column.field != declared.field {
                    // The declared field now names another column.
                    names = vec![column.field.clone()];
                    column.hidden |= options.hides(&names);
                }
                if options.rename_to(&mut column.field, &names) {
                    self.clashes.choose(NamedPart::Column(id, number));
                }
                columns.extend(names);
            }
            let mut known = columns.clone();
            let mut keep = Vec::new();
            for (relation, origin) in entity.relations.iter_mut().zip(&mut self.origins[id]) {
                let mut names =
                    Vec::from_iter(Some(relation.field.clone()).filter(|name| !columns.contains(name)));
                if let Some(variant) = &origin.variant {
                    names.extend(reflected.names_of_relation(variant, relation.is_many()));
                }
                origin.is_chosen |= options.rename_to(&mut relation.field, &names);
                keep.push(!options.hides(&names));
                known.extend(names);
            }
            retain(&mut entity.relations, &keep);
            retain(&mut self.origins[id], &keep);
            // Options may also name relations that are already left out.
            for declared in &reflected.relations {
                known.extend(reflected.names_of_relation(&declared.variant, declared.is_list()));
            }
            let unknown = options.renamed.keys().chain(&options.hidden).filter(|name| !known.contains(*name));
            let lists = options.lists_through.keys().filter(|name| !self.lists[id].contains(*name));
            let generated = options.generated.iter().filter(|name| !columns.contains(*name));
            // Of tables, the option was read with the keys; an entity declares the side itself.
            let many = options.many.iter().filter(|_| !self.clashes.resolves());
            let unknown: BTreeSet<&String> = unknown.chain(lists).chain(generated).chain(many).collect();
            self.faults.extend(
                unknown.into_iter().map(|name| ModelFault::UnknownOption {
                    entity: entity.name.clone(),
                    name: name.clone(),
                }),
            );
        }
    }

    /// Applies the user's names to enum values.
    fn name_values(&mut self) {
        for ((enumeration, stored), name) in &self.values {
            let enumerations = self.model.enumerations.iter_mut();
            let mut values = enumerations
                .filter(|known| known.database_name == *enumeration)
                .flat_map(|known| &mut known.variants);
            match values.find(|(_, known)| known == stored) {
                Some((known, _)) => known.clone_from(name),
                None => self
                    .faults
                    .push(ModelFault::UnknownOption { entity: enumeration.clone(), name: stored.clone() }),
            }
        }
    }

    /// Reports hidden key columns without a scalar, because key columns are read even if hidden.
    fn check_keys(&mut self) {
        for (id, entity) in self.model.entities.iter().enumerate() {
            let relations = || self.model.entities.iter().flat_map(|owner| &owner.relations);
            let own = entity.relations.iter().flat_map(|relation| &relation.from);
            let others =
                relations().filter(|relation| relation.target == id).flat_map(|relation| &relation.to);
            let keys: BTreeSet<&ColumnId> = entity.primary_key.iter().chain(own).chain(others).collect();
            for column in keys.into_iter().map(|column| &self.registered[id].0.columns[*column]) {
                let is_hidden = self.registered[id].1.hides(&self.registered[id].0.names_of_column(column));
                if is_hidden && ColumnType::of(&column.database_type, |_, _| 0).is_none() {
                    self.faults.push(ModelFault::NoScalar {
                        column: format!("{}.{}", entity.name, column.name),
                        database_type: format!("{:?}", column.database_type),
                        is_key: true,
                    });
                }
            }
        }
    }

    fn is_hidden(&self, id: EntityId, declared: &Declared) -> bool {
        let (reflected, options) = &self.registered[id];
        options.hides(&reflected.names_of_relation(&declared.variant, declared.is_list()))
    }

    /// Returns the columns by which a definition joins two tables, and keeps the faults.
    /// Returns the columns by which a definition joins two tables, or the faults that prevent the join.
    fn joined(&self, relation: &str, declared: &Declared) -> Result<Joined, Vec<ModelFault>> {
        JoinedEntities { model: &self.model, registered: &self.registered }.joined(relation, declared)
    }

    fn join(&mut self, relation: &str, declared: &Declared) -> Option<Joined> {
        self.joined(relation, declared).map_err(|faults| self.faults.extend(faults)).ok()
    }

    fn push(&mut self, id: EntityId, origin: Origin, relation: Relation) {
        self.model.entities[id].relations.push(relation);
        self.origins[id].push(origin);
    }
}

/// Builds the list relation to `target` through `junction`.
fn many_to_many(
    field: String,
    target: EntityId,
    from: Vec<ColumnId>,
    to: Vec<ColumnId>,
    junction: Junction,
) -> Relation {
    Relation {
        field,
        target,
        cardinality: Cardinality::Many,
        declaration: Declaration::ManyToMany,
        enforced: true,
        on_delete: KeyAction::NoAction,
        on_update: KeyAction::NoAction,
        rule: None,
        from,
        to,
        junction: Some(junction),
    }
}

/// Pairs the columns of both sides, regardless of order.
fn pairs<'a>(from: &'a [String], to: &'a [String]) -> BTreeSet<(&'a String, &'a String)> {
    from.iter().zip(to).collect()
}

/// Keeps the items at the places that `keep` marks.
fn retain<T>(items: &mut Vec<T>, keep: &[bool]) {
    let mut keep = keep.iter();
    items.retain(|_| keep.next() == Some(&true));
}
