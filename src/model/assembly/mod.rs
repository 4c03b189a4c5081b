//! Assembles the model's relations from the declarations: both sides, junctions and `Related::via`.

mod clashes;
mod entity;
mod joins;
mod junctions;
mod naming;
mod resolution;
mod reverse;
mod rules;
pub(super) mod spellings;
mod tenant;

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use joins::{Joined, JoinedEntities};

use super::check::NamedPart;
use super::reflect::{Reflected, ReflectedVia};
use super::registry::{EntityOptions, Registry};
use super::relation::{Declared, pairs};
use super::{
    Cardinality, ColumnId, ColumnType, Declaration, EntityId, JoinColumns, Junction, KeyAction, Model,
    ModelError, ModelFault, Relation, Table, names,
};
use clashes::Clashes;

impl Registry {
    /// Builds the model of all registered entities, or returns every fault of the model.
    pub fn model(self) -> Result<Model, ModelError> {
        let mut assembly = Assembly::new(self);
        assembly.add_declared_relations();
        assembly.add_junctions();
        assembly.add_via();
        assembly.join_by_tenant();
        // Options refer to fields that are free of clashes, and may bring new ones.
        if assembly.clashes.resolves() {
            assembly.resolve_clashes();
        }
        assembly.add_rules();
        assembly.add_deletions();
        assembly.apply_options();
        assembly.name_values();
        let clashes = assembly.resolve_clashes();
        assembly.note_clashes();
        assembly.check_keys();
        let Assembly { mut model, mut faults, .. } = assembly;
        faults.extend(clashes);
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
    /// Entities by table.
    tables: BTreeMap<Table, EntityId>,
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
        let Registry {
            registered: given,
            via,
            values,
            mut faults,
            notes,
            resolves_clashes,
            reverse_sides,
            tenant_column,
        } = registry;
        let mut registered: Vec<(Reflected, EntityOptions)> = Vec::new();
        let mut tables = BTreeMap::new();
        for (mut reflected, options) in given {
            spellings::apply(&mut reflected, &options, &mut faults);
            if tables.contains_key(&reflected.table) {
                faults.push(ModelFault::RegisteredTwice { table: reflected.table.to_string() });
            } else {
                tables.insert(reflected.table.clone(), registered.len());
                registered.push((reflected, options));
            }
        }
        if !resolves_clashes {
            faults.extend(reverse::add(&mut registered, &tables, reverse_sides));
        }
        let mut model = Model { notes, is_of_tables: resolves_clashes, tenant_column, ..Model::default() };
        for (reflected, options) in &registered {
            let entity = entity::assemble(reflected, options, &mut model.enumerations, &mut faults);
            model.entities.push(entity);
        }
        let origins = registered.iter().map(|_| Vec::new()).collect();
        let lists = vec![BTreeSet::new(); registered.len()];
        let clashes = Clashes::new(resolves_clashes);
        Self { registered, via, values, model, origins, clashes, lists, tables, faults }
    }

    fn entity_of(&self, table: &Table) -> Option<EntityId> {
        self.tables.get(table).copied()
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
                table: declared.from_table.to_string(),
                expected: table.to_string(),
            });
            return;
        }
        let Some(target) = self.entity_of(&declared.to_table) else {
            self.faults
                .push(ModelFault::NotRegistered { relation: label, table: declared.to_table.to_string() });
            return;
        };
        let Some(Joined { from: Some(from), to: Some(to) }) = self.join(&label, declared) else { return };
        if declared.declaration != Declaration::BelongsTo && !self.has_forward_side(declared) {
            let expected = format!(
                "a belongs_to from {} ({}) to {} ({})",
                declared.to_table,
                declared.to.join(", "),
                declared.from_table,
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
                variant: Some(declared.variant.clone()).filter(|_| !declared.is_of_key),
                alternatives: declared.fields.iter().skip(1).cloned().collect(),
                is_chosen: declared.is_chosen,
                ..Origin::default()
            },
            Relation {
                field,
                description: None,
                target,
                cardinality,
                declaration: declared.declaration,
                enforced: declared.enforced,
                on_delete: declared.on_delete,
                on_update: declared.on_update,
                rule: None,
                set_value: None,
                deletes_target: false,
                join: JoinColumns::of_key(&from, &to, None),
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
        let holder = self.entity_of(&reverse.to_table).map(|id| &self.registered[id].0);
        holder.into_iter().flat_map(|reflected| &reflected.relations).any(|forward| {
            forward.declaration == Declaration::BelongsTo
                && forward.to_table == reverse.from_table
                && pairs(&forward.from, &forward.to) == pairs(&reverse.to, &reverse.from)
        })
    }

    /// Adds many-to-many relations declared by `Related::via`. If the junction already provides the relation, it only takes the
    /// field.
    fn add_via(&mut self) {
        for ReflectedVia { owner, field, to_junction, to_target } in std::mem::take(&mut self.via) {
            let label = format!("{} to {}", owner.name, to_target.to_table);
            if to_junction.conditional || to_target.conditional {
                self.faults.push(ModelFault::Conditional { relation: label });
                continue;
            }
            let starts = [(&to_junction.from_table, &owner), (&to_target.from_table, &to_junction.to_table)];
            if let Some((table, expected)) = starts.into_iter().find(|(table, expected)| table != expected) {
                let (table, expected) = (table.to_string(), expected.to_string());
                self.faults.push(ModelFault::WrongStart { relation: label, table, expected });
                continue;
            }
            let owner = self.entity_of(&to_junction.from_table);
            let target = self.entity_of(&to_target.to_table);
            let (Some(owner), Some(target)) = (owner, target) else {
                let table = if owner.is_none() { to_junction.from_table } else { to_target.to_table };
                let table = table.to_string();
                self.faults.push(ModelFault::NotRegistered { relation: label, table });
                continue;
            };
            let (near, far) = (self.join(&label, &to_junction), self.join(&label, &to_target));
            let (Some(from), Some(to)) = (near.and_then(|near| near.from), far.and_then(|far| far.to)) else {
                continue;
            };
            let junction = Junction {
                entity: self.entity_of(&to_junction.to_table),
                table: to_junction.to_table,
                from: to_junction.to,
                to: to_target.from,
                is_symmetrical: false,
            };
            let is_known = |relation: &Relation| {
                let known = relation.junction.as_ref();
                known.is_some_and(|known| Junction { is_symmetrical: false, ..known.clone() } == junction)
            };
            let relations = &mut self.model.entities[owner].relations;
            if let Some(known) = relations.iter().position(is_known) {
                relations[known].field = field;
                self.origins[owner][known].is_chosen = true;
            } else {
                let origin = Origin { is_chosen: true, ..Origin::default() };
                self.push(owner, origin, many_to_many(field, target, from, to, junction));
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
                relation.description = names.iter().find_map(|name| options.comments.get(name)).cloned();
                keep.push(!options.hides(&names));
                known.extend(names);
            }
            retain(&mut entity.relations, &keep);
            retain(&mut self.origins[id], &keep);
            // Options may also name relations that are already left out.
            for declared in reflected.relations.iter().filter(|declared| !declared.is_of_key) {
                known.extend(reflected.names_of_relation(&declared.variant, declared.is_list()));
            }
            let unknown = options.renamed.keys().chain(&options.hidden).chain(options.comments.keys());
            let unknown = unknown.filter(|name| !known.contains(*name));
            let lists = options.lists_through.keys().filter(|name| !self.lists[id].contains(*name));
            let generated =
                options.generated.iter().chain(options.defaults.keys()).chain(options.spellings.keys());
            let generated = generated.chain(options.choices.keys());
            let generated = generated.filter(|name| !columns.contains(*name));
            // Of tables, the options were read with the keys; an entity declares its keys and sides itself.
            let many = options.many.iter().filter(|_| !self.clashes.resolves());
            let of_tables = options.of_tables_alone().into_iter().filter(|_| !self.clashes.resolves());
            self.faults.extend(of_tables.map(|(option, columns)| ModelFault::DeclaredKey {
                table: entity.table.to_string(),
                option,
                columns,
                problem: "an entity declares it itself".to_owned(),
            }));
            let unknown: BTreeSet<&String> = unknown.chain(lists).chain(generated).chain(many).collect();
            self.faults.extend(
                unknown.into_iter().map(|name| ModelFault::unknown_option(&entity.name, name, &known)),
            );
        }
    }

    /// Applies the user's names to enum values.
    fn name_values(&mut self) {
        for ((enumeration, stored), name) in &self.values {
            let mut known = Vec::new();
            let mut is_known = false;
            for (id, of) in self.model.enumerations.iter_mut().enumerate() {
                for (value, (field, text)) in of.variants.iter_mut().enumerate() {
                    if of.database_name != *enumeration {
                        continue;
                    }
                    known.push(text.clone());
                    if text == stored && !is_known {
                        is_known = true;
                        field.clone_from(name);
                        self.clashes.choose(NamedPart::EnumValue(id, value));
                    }
                }
            }
            if !is_known {
                self.faults.push(ModelFault::unknown_option(enumeration, stored, &known));
            }
        }
    }

    /// Reports hidden key columns without a scalar, because key columns are read even if hidden.
    fn check_keys(&mut self) {
        let entities = &self.model.entities;
        let mut keys: Vec<BTreeSet<ColumnId>> =
            entities.iter().map(|entity| entity.primary_key.iter().copied().collect()).collect();
        for (owner, relation) in entities
            .iter()
            .enumerate()
            .flat_map(|(id, entity)| entity.relations.iter().map(move |of| (id, of)))
        {
            keys[owner].extend(&relation.from);
            keys[relation.target].extend(&relation.to);
        }
        for ((id, entity), keys) in entities.iter().enumerate().zip(&keys) {
            for column in keys.iter().map(|column| &self.registered[id].0.columns[*column]) {
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
        !declared.is_of_key
            && options.hides(&reflected.names_of_relation(&declared.variant, declared.is_list()))
    }

    /// Returns the columns by which a definition joins two tables, or the faults that prevent the join.
    fn joined(&self, relation: &str, declared: &Declared) -> Result<Joined, Vec<ModelFault>> {
        JoinedEntities { model: &self.model, tables: &self.tables, registered: &self.registered }
            .joined(relation, declared)
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
        description: None,
        target,
        cardinality: Cardinality::Many,
        declaration: Declaration::ManyToMany,
        enforced: true,
        on_delete: KeyAction::NoAction,
        on_update: KeyAction::NoAction,
        rule: None,
        set_value: None,
        deletes_target: false,
        join: JoinColumns::of_key(&from, &to, Some(&junction)),
        from,
        to,
        junction: Some(junction),
    }
}

/// Keeps the items at the places that `keep` marks.
fn retain<T>(items: &mut Vec<T>, keep: &[bool]) {
    let mut keep = keep.iter();
    items.retain(|_| keep.next() == Some(&true));
}
