//! Consistency checks of the model. All faults are collected before any is reported.

use std::collections::hash_map::Entry;
use std::collections::{BTreeSet, HashMap};

use super::fault::ModelFault;
use super::vocabulary::Combinator;
use super::{
    Column, ColumnId, ColumnType, Declaration, Entity, EntityId, Model, Relation, RelationId, Scalar, names,
};

/// Part of the model that has a name, or to which names are derived.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum NamedPart {
    /// Part of every schema.
    Fixed,
    /// Field of a column, or of a unique key that begins with the column.
    Column(EntityId, ColumnId),
    /// Type of an entity, and root fields in the singular.
    Entity(EntityId),
    /// Root fields in the plural.
    Plural(EntityId),
    /// Field of a relation, and the fields and types that are derived from the field.
    Relation(EntityId, RelationId),
    /// Type derived from an entity, by the position in [`names::TypeNames::all`].
    Derived(EntityId, usize),
    /// Type of an enum, and the enum's filter.
    Enumeration(usize),
    /// Value of an enum.
    EnumValue(usize, usize),
}

/// Function that returns the option by which a part of the model takes another name.
type NamingOption<'a> = &'a dyn Fn(NamedPart) -> Option<String>;

/// Result of a check.
pub(super) struct Findings<'a> {
    /// Faults, each with its text.
    pub faults: Vec<ModelFault>,
    /// Parts of the model whose names are invalid or not free.
    pub clashes: Vec<Clash>,
    naming_option: NamingOption<'a>,
}

/// Name with two owners. An invalid name belongs to every schema and to its owner.
#[derive(Clone, Debug)]
pub(super) struct Clash {
    pub name: String,
    /// Owners: the first, and the one that finds the name taken.
    pub between: [NamedPart; 2],
    /// Descriptions of the owners.
    pub described: [String; 2],
}

/// Collects the faults of the finished model: name clashes, and keys that are missing or may repeat. The fault of a clash
/// states the options by which its owners take other names.
pub(super) fn check<'a>(model: &Model, naming_option: NamingOption<'a>) -> Findings<'a> {
    let mut findings = Findings { faults: Vec::new(), clashes: Vec::new(), naming_option };
    let faults = &mut findings.faults;
    for entity in &model.entities {
        check_key(model, entity, faults);
        check_columns(entity, faults);
        check_single(model, entity, faults);
    }
    for (id, entity) in model.exposed() {
        check_fields(model, (id, entity), &mut findings);
        check_edges(model, (id, entity), &mut findings);
    }
    check_values(model, &mut findings);
    let named = check_types(model, &mut findings);
    check_roots(&named, &mut findings);
    check_mutations(&named, &mut findings);
    for entity in named {
        check_keys(entity, &mut findings);
    }
    findings
}

/// Checks that an entity without a key is of a table, is read-only, and has a field.
fn check_key(model: &Model, entity: &Entity, faults: &mut Vec<ModelFault>) {
    if entity.has_key() {
        return;
    }
    let entity_name = || entity.name.clone();
    if !model.is_of_tables {
        faults.push(ModelFault::NoPrimaryKey { entity: entity_name() });
    }
    if model.is_of_tables && entity.writes.any() {
        faults.push(ModelFault::WritableWithoutKey { entity: entity_name() });
    }
    if entity.exposed && entity.visible_columns().next().is_none() {
        faults.push(ModelFault::NoField { entity: entity_name() });
    }
}

/// Checks that each column has one field, because an INSERT must not name a column twice.
fn check_columns(entity: &Entity, faults: &mut Vec<ModelFault>) {
    for (id, column) in entity.columns.iter().enumerate() {
        let is_named = |other: &Column| other.name == column.name;
        // Reported once per column, at its second field.
        if entity.columns[..id].iter().filter(|other| is_named(other)).count() == 1 {
            let column = format!("{}.{}", entity.table, column.name);
            faults.push(ModelFault::ColumnTwice { entity: entity.name.clone(), column });
        }
    }
}

/// Checks that a to-one side has a unique key, which guarantees at most one row. A foreign key constraint
/// implies a unique target.
fn check_single(model: &Model, entity: &Entity, faults: &mut Vec<ModelFault>) {
    let promises = |relation: &&Relation| match relation.declaration {
        Declaration::HasOne => true,
        Declaration::BelongsTo => !relation.enforced,
        Declaration::HasMany | Declaration::ManyToMany => false,
    };
    for relation in entity.relations.iter().filter(promises) {
        let target = &model.entities[relation.target];
        if !target.is_unique(&relation.to) {
            faults.push(ModelFault::NotUnique {
                relation: format!("{}.{}", entity.name, relation.field),
                declaration: relation.declaration,
                columns: format!("{} ({})", target.table, columns(target, &relation.to)),
            });
        }
    }
}

fn columns(entity: &Entity, columns: &[ColumnId]) -> String {
    let names: Vec<&str> = columns.iter().map(|id| entity.columns[*id].name.as_str()).collect();
    names.join(", ")
}

impl Findings<'_> {
    fn invalid(&mut self, name: &str, named: NamedPart, of: String) {
        self.faults.push(ModelFault::InvalidName { name: name.to_owned(), of: of.clone() });
        self.clashes.push(Clash {
            name: name.to_owned(),
            between: [NamedPart::Fixed, named],
            described: ["not a valid name".to_owned(), of],
        });
    }
}

/// Names in use; finds the second user of each name.
struct Names<'a, 'b> {
    taken: HashMap<String, (NamedPart, String)>,
    findings: &'a mut Findings<'b>,
}

/// Clash of a name: the name, descriptions of both owners, and the options that name them.
struct Taken {
    name: String,
    between: [String; 2],
    options: Vec<String>,
}

impl Taken {
    fn field_of(self, entity: &str) -> ModelFault {
        let Self { name, between, options } = self;
        ModelFault::FieldClash { entity: entity.to_owned(), field: name, between, options }
    }

    fn type_name(self) -> ModelFault {
        let Self { name, between, options } = self;
        ModelFault::TypeClash { name, between, options }
    }
}

impl<'a, 'b> Names<'a, 'b> {
    fn new(findings: &'a mut Findings<'b>) -> Self {
        Self { taken: HashMap::new(), findings }
    }

    /// Returns true if the name is valid and free. Names derived from an invalid name are not worth a fault
    /// each.
    fn take(
        &mut self,
        name: &str,
        (named, what): (NamedPart, String),
        fault: impl FnOnce(Taken) -> ModelFault,
    ) -> bool {
        let is_valid = names::is_valid(name);
        if !is_valid {
            self.findings.invalid(name, named, what.clone());
        }
        match self.taken.entry(name.to_owned()) {
            Entry::Occupied(first) => {
                let (owner, first) = first.get().clone();
                let (name, described) = (name.to_owned(), [first, what]);
                let owners = if owner == named { vec![owner] } else { vec![owner, named] };
                let options = owners.into_iter().filter_map(self.findings.naming_option).collect();
                let taken = Taken { name: name.clone(), between: described.clone(), options };
                self.findings.faults.push(fault(taken));
                self.findings.clashes.push(Clash { name, between: [owner, named], described });
                false
            }
            Entry::Vacant(free) => {
                free.insert((named, what));
                is_valid
            }
        }
    }
}

fn check_fields(model: &Model, (id, entity): (EntityId, &Entity), findings: &mut Findings) {
    let clash = |taken: Taken| taken.field_of(&entity.name);
    let mut names = Names::new(findings);
    names.take(names::NODE_ID, (NamedPart::Fixed, "the node id".to_owned()), clash);
    // Combinators share the filter with columns and relations.
    for combinator in Combinator::ALL.map(Combinator::name) {
        names.take(combinator, (NamedPart::Fixed, format!("the filter's {combinator}")), clash);
    }
    for (column_id, column) in entity.visible_columns() {
        let named = NamedPart::Column(id, column_id);
        names.take(&column.field, (named, format!("column {}", column.name)), clash);
    }
    for (relation_id, relation) in entity.relations.iter().enumerate() {
        let named = NamedPart::Relation(id, relation_id);
        let what = described(model, entity, relation);
        if names.take(&relation.field, (named, what.clone()), clash) && relation.is_many() {
            let forms = [names::connection_field, names::aggregate_field, names::count_order];
            for form in forms {
                names.take(&form(&relation.field), (named, format!("a field derived from {what}")), clash);
            }
        }
    }
}

/// Returns the key of a relation in words.
pub(super) fn described(model: &Model, entity: &Entity, relation: &Relation) -> String {
    let target = &model.entities[relation.target];
    match (&relation.junction, relation.declaration) {
        (Some(junction), _) => {
            format!("the list through {} ({})", junction.table, junction.to.join(", "))
        }
        (None, Declaration::BelongsTo) => {
            format!("the relation by {} to {}", columns(entity, &relation.from), target.table)
        }
        (None, _) => {
            format!("the relation from {} ({})", target.table, columns(target, &relation.to))
        }
    }
}

/// Checks the columns of a junction for clashes. The columns share an edge with the fields of every edge. In
/// the input for a link, the columns share the object with the unique keys of the target.
fn check_edges(model: &Model, (_, entity): (EntityId, &Entity), findings: &mut Findings) {
    for relation in &entity.relations {
        let columns = model.junction_columns(relation);
        let junction = relation.junction.as_ref().and_then(|junction| junction.entity);
        let Some(junction_id) = junction.filter(|_| !columns.is_empty()) else { continue };
        let junction = &model.entities[junction_id];
        let mut beside = |place: String, others: Vec<(String, (NamedPart, String))>| {
            let clash = |taken: Taken| taken.field_of(&place);
            let mut names = Names::new(findings);
            for (field, owner) in others {
                names.take(&field, owner, clash);
            }
            for id in &columns {
                let column = &junction.columns[*id];
                // An invalid name was reported where the column is checked.
                if names::is_valid(&column.field) {
                    let what = format!("column {}.{}", junction.table, column.name);
                    names.take(&column.field, (NamedPart::Column(junction_id, *id), what), clash);
                }
            }
        };
        let every = names::EDGE_FIELDS
            .map(|field| (field.to_owned(), (NamedPart::Fixed, format!("the {field} of every edge"))));
        beside(names::ConnectionTypes::of_relation(&entity.name, &relation.field).edge, every.into());
        let target = &model.entities[relation.target];
        let keys = target.keys().filter(|(field, _)| names::is_valid(field));
        let keys = keys.map(|(field, key)| {
            let what = format!("the unique key {} ({})", target.table, self::columns(target, key));
            (field, (column_of(relation.target, key), what))
        });
        beside(names::NestedInputs::new(&entity.name, &relation.field).connect_link, keys.collect());
    }
}

fn check_values(model: &Model, findings: &mut Findings) {
    let exposed = model.enumerations.iter().enumerate().filter(|(_, enumeration)| enumeration.exposed);
    for (id, enumeration) in exposed {
        let mut taken: HashMap<&String, (NamedPart, &String)> = HashMap::new();
        for (value, (name, stored)) in enumeration.variants.iter().enumerate() {
            let named = NamedPart::EnumValue(id, value);
            if !names::is_valid_value(name) {
                let of = format!("value \"{stored}\" of database enum {}", enumeration.database_name);
                findings.invalid(name, named, of);
            } else if let Some((owner, first)) = taken.insert(name, (named, stored)) {
                let stored = [first.clone(), stored.clone()];
                findings.clashes.push(Clash {
                    name: name.clone(),
                    between: [owner, named],
                    described: stored.clone().map(|stored| format!("value \"{stored}\"")),
                });
                findings.faults.push(ModelFault::ValueClash {
                    enumeration: enumeration.name.clone(),
                    name: name.clone(),
                    stored,
                });
            }
        }
    }
}

/// Returns the entities whose type name is unique.
fn check_types<'a>(model: &'a Model, findings: &mut Findings) -> Vec<(EntityId, &'a Entity)> {
    let clash = Taken::type_name;
    let fixed = |what: String| (NamedPart::Fixed, what);
    let mut names = Names::new(findings);
    for name in names::FIXED_TYPES {
        names.take(name, fixed("a type of every schema".to_owned()), clash);
    }
    for scalar in Scalar::CUSTOM {
        names.take(scalar.name(), fixed("a scalar".to_owned()), clash);
        let filter = names::scalar_filter(scalar.name());
        names.take(&filter, fixed(format!("the filter of scalar {}", scalar.name())), clash);
    }
    for scalar in ["Boolean", "Int", "Float", "String"] {
        let filter = names::scalar_filter(scalar);
        names.take(&filter, fixed(format!("the filter of scalar {scalar}")), clash);
    }
    let used: Vec<&ColumnType> = model
        .exposed()
        .flat_map(|(_, entity)| entity.visible_columns())
        .map(|(_, of)| &of.column_type)
        .collect();
    for scalar in Scalar::NATIVE {
        if used.iter().any(|of| of.scalar() == Some(scalar)) {
            names.take(scalar.name(), fixed("a scalar".to_owned()), clash);
            let filter = names::scalar_filter(scalar.name());
            names.take(&filter, fixed(format!("the filter of scalar {}", scalar.name())), clash);
        }
    }
    let lists: BTreeSet<&str> = used
        .iter()
        .filter(|of| matches!(of, ColumnType::List(_)))
        .filter_map(|of| of.scalar())
        .map(Scalar::name)
        .collect();
    for item in lists {
        names.take(&names::list_filter(item), fixed(format!("the filter of lists of {item}")), clash);
    }
    let exposed = model.enumerations.iter().enumerate().filter(|(_, enumeration)| enumeration.exposed);
    for (id, enumeration) in exposed {
        let named = NamedPart::Enumeration(id);
        let what = format!("database enum {}", enumeration.database_name);
        if names.take(&enumeration.name, (named, what.clone()), clash) {
            let filter = names::scalar_filter(&enumeration.name);
            names.take(&filter, (named, format!("the filter of {what}")), clash);
            if used
                .iter()
                .any(|of| matches!(of, ColumnType::List(list) if list.element.enumeration() == Some(id)))
            {
                let filter = names::list_filter(&enumeration.name);
                names.take(&filter, (named, format!("the filter of lists of {what}")), clash);
            }
        }
    }
    let mut named = Vec::new();
    for (id, entity) in model.exposed() {
        let what = format!("the entity of table {}", entity.table);
        if !names.take(&entity.name, (NamedPart::Entity(id), what.clone()), clash) {
            continue;
        }
        named.push((id, entity));
        for (number, name) in entity.types.all().into_iter().enumerate() {
            names.take(name, (NamedPart::Derived(id, number), format!("a type of {what}")), clash);
        }
        check_inputs(model, (id, entity), &mut names);
        let with_columns =
            named_relations(entity).filter(|(_, relation)| !model.junction_columns(relation).is_empty());
        for (relation_id, relation) in with_columns {
            let owner = || {
                let what = format!("a type of relation {}.{}", entity.name, relation.field);
                (NamedPart::Relation(id, relation_id), what)
            };
            let types = names::ConnectionTypes::of_relation(&entity.name, &relation.field);
            names.take(&types.connection, owner(), clash);
            names.take(&types.edge, owner(), clash);
        }
    }
    named
}

/// Returns the relations whose field forms type names. A second relation with the same field was reported
/// before.
fn named_relations(entity: &Entity) -> impl Iterator<Item = (RelationId, &Relation)> {
    let is_first = |(id, relation): &(usize, &Relation)| {
        entity.relation_of_field(&relation.field) == Some(*id) && names::is_valid(&relation.field)
    };
    entity.relations.iter().enumerate().filter(is_first)
}

fn check_roots(entities: &[(EntityId, &Entity)], findings: &mut Findings) {
    let clash = |taken: Taken| taken.field_of("Query");
    let mut names = Names::new(findings);
    for name in names::FIXED_ROOTS {
        names.take(name, (NamedPart::Fixed, "the look-up of nodes".to_owned()), clash);
    }
    for (id, entity) in entities {
        let roots = &entity.roots;
        let one = format!("the look-up of {}", entity.name);
        if names.take(&roots.one, (NamedPart::Entity(*id), one.clone()), clash) {
            let further = entity.lookups().filter(|(name, _)| *name != roots.one && names::is_valid(name));
            for (name, key) in further {
                names.take(&name, (column_of(*id, key), one.clone()), clash);
            }
        }
        let many = (NamedPart::Plural(*id), format!("the list of {}", entity.name));
        if roots.list == roots.one {
            let field = roots.list.clone();
            names.findings.clashes.push(Clash {
                name: field.clone(),
                between: [NamedPart::Entity(*id), NamedPart::Plural(*id)],
                described: [one, many.1],
            });
            names.findings.faults.push(ModelFault::NoPlural { entity: entity.name.clone(), field });
        } else if names.take(&roots.list, many.clone(), clash) {
            names.take(&roots.connection, many.clone(), clash);
            names.take(&roots.aggregate, many, clash);
        }
    }
}

/// Checks the names of the inputs for nested writing.
fn check_inputs(model: &Model, (id, entity): (EntityId, &Entity), names: &mut Names) {
    let clash = Taken::type_name;
    for (field, _) in entity.keys().filter(|(field, key)| key.len() > 1 && names::is_valid(field)) {
        let what = format!("the columns of a unique key of {}", entity.name);
        let key = entity.types.all().iter().position(|name| **name == entity.types.key).unwrap_or_default();
        let named = NamedPart::Derived(id, key);
        names.take(&names::composite_key(&entity.types.key, &field), (named, what), clash);
    }
    for (relation_id, relation) in named_relations(entity) {
        let what = || {
            let what = format!("an input of relation {}.{}", entity.name, relation.field);
            (NamedPart::Relation(id, relation_id), what)
        };
        if relation.declaration == Declaration::BelongsTo {
            for input in [&entity.types.create, &entity.types.update] {
                names.take(&names::without(input, &relation.field), what(), clash);
            }
            continue;
        }
        let nested = names::NestedInputs::new(&entity.name, &relation.field);
        let mut inputs = vec![nested.create, nested.update];
        if !model.junction_columns(relation).is_empty() {
            inputs.extend([nested.connect_link, nested.create_link]);
        } else if relation.junction.is_none() {
            inputs.push(if relation.is_many() { nested.row } else { nested.upsert });
        }
        for input in inputs {
            names.take(&input, what(), clash);
        }
    }
}

fn check_mutations(entities: &[(EntityId, &Entity)], findings: &mut Findings) {
    let clash = |taken: Taken| taken.field_of("Mutation");
    let mut names = Names::new(findings);
    // Entities whose list and single field are equal were reported before.
    for (id, entity) in entities.iter().filter(|(_, entity)| entity.roots.list != entity.roots.one) {
        for (name, _) in entity.roots.mutations() {
            names.take(name, (NamedPart::Entity(*id), format!("a mutation of {}", entity.name)), clash);
        }
    }
}

/// Checks the fields of the link input, where `create` stands beside the unique keys.
fn check_keys((id, entity): (EntityId, &Entity), findings: &mut Findings) {
    let clash = |taken: Taken| taken.field_of(&entity.types.link);
    let mut names = Names::new(findings);
    names.take("create", (NamedPart::Fixed, "a new row".to_owned()), clash);
    // Missing keys and invalid names were reported before.
    for (field, key) in entity.keys().filter(|(field, _)| names::is_valid(field)) {
        let owner = (column_of(id, key), format!("the unique key ({})", columns(entity, key)));
        names.take(&field, owner, clash);
    }
}

/// Returns the part that names a unique key: the key's first column.
fn column_of(entity: EntityId, key: &[ColumnId]) -> NamedPart {
    key.first().map_or(NamedPart::Entity(entity), |column| NamedPart::Column(entity, *column))
}
