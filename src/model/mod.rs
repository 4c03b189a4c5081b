//! Entities as plain, checked data, which every other part of Crowsfoot reads.

mod assembly;
mod check;
mod column_type;
mod declared_type;
mod description;
mod expected;
mod fault;
mod limit;
mod long_decimal;
mod merge;
pub mod names;
mod native;
mod note;
mod range;
mod reflect;
mod registry;
mod relation;
mod spelling;
mod table;
mod tables;
mod vocabulary;

pub use column_type::{ChoiceType, ColumnType, ListType, Scalar};
pub use column_type::{Operators, array_type_of, is_null, normalize_key};
pub use declared_type::DeclaredType;
pub(crate) use declared_type::quoted;
pub use description::{
    AcceptedWrites, ColumnDescription, ForeignKeyDescription, Generation, TableDescription, TableKind,
    UniqueKeyDescription,
};
pub use expected::Expected;
pub use fault::{ModelError, ModelFault};
pub use limit::Limit;
pub use long_decimal::{long_decimal, read_decimal, stored_decimal};
pub use native::{Folding, NativeForm, NativeType, Subtype};
pub use note::Note;
pub use registry::{EntityOptions, Registry};
pub use relation::{Cardinality, Declaration, JoinColumns, Junction, KeyAction, OnDelete, Relation};
pub use spelling::Spelling;
pub(crate) use table::quoted_name;
pub use table::{ColumnId, EntityId, RelationId, Table};
pub use tables::TableOptions;
pub use vocabulary::{AggregateFunction, Combinator, NestedNeed, NestedVerb, Operator, Quantifier};

use std::collections::{BTreeMap, HashMap};

use sea_orm::Value;

use names::{ConnectionTypes, MutationRoot, RootNames, TypeNames};

/// All registered entities and their relations, checked. [`Schema::builder`](crate::Schema::builder) serves them;
/// [`diagram::draw`](crate::diagram::draw) draws them.
#[derive(Clone, Debug, Default)]
pub struct Model {
    #[doc(hidden)]
    /// Entities in order of registration.
    pub entities: Vec<Entity>,
    #[doc(hidden)]
    /// Database enums of the entities' columns.
    pub enumerations: Vec<Enumeration>,
    #[doc(hidden)]
    /// Root fields that read an entity, by name.
    pub roots: HashMap<String, (EntityId, Root)>,
    #[doc(hidden)]
    /// Root fields that write an entity, by name.
    pub mutation_roots: HashMap<String, (EntityId, MutationRoot)>,
    /// Parts of a database that the model leaves out, and names that gave way. Entities have none.
    pub notes: Vec<Note>,
    #[doc(hidden)]
    /// True if a database's tables fill the model, and not entities.
    pub is_of_tables: bool,
    #[doc(hidden)]
    /// Name of the tenant column, which joins compare besides the keys.
    pub tenant_column: Option<String>,
    #[doc(hidden)]
    /// Fields of the application on the types of entities, by entity and name.
    pub computed: BTreeMap<EntityId, BTreeMap<String, ComputedField>>,
}

/// Field of the application on the type of an entity.
#[derive(Clone, Debug)]
pub struct ComputedField {
    /// Columns that the field is resolved from.
    pub columns: Vec<ColumnId>,
    /// Names of the arguments.
    pub arguments: Vec<String>,
    /// True if the field is non-null.
    pub non_null: bool,
    /// Index of the field's resolver.
    pub resolver: usize,
}

/// Kind of a root field.
#[derive(Clone, Debug)]
pub enum Root {
    /// Row with this key.
    One(Vec<ColumnId>),
    /// List of rows.
    List,
    /// Page of rows with cursors.
    Connection,
    /// Aggregates over rows.
    Aggregate,
}

/// Entity: a table with its columns and relations.
#[derive(Clone, Debug)]
pub struct Entity {
    /// Type name in the schema: `User`.
    pub name: String,
    /// Names of the types derived from the entity.
    pub types: TypeNames,
    /// Comment of the table.
    pub description: Option<String>,
    /// Table that holds the rows.
    pub table: Table,
    /// Columns in order of declaration.
    pub columns: Vec<Column>,
    /// Kind of the relation in the database. Entities of an application are tables.
    pub kind: TableKind,
    /// Columns of the primary key, or of the key that takes its place. Empty if nothing identifies the rows: the entity
    /// is then a list alone.
    pub primary_key: Vec<ColumnId>,
    /// Further unique keys, each as its columns.
    pub unique_keys: Vec<Vec<ColumnId>>,
    /// Keys among these that the database may check at the end of the transaction alone.
    pub deferrable_keys: Vec<Vec<ColumnId>>,
    /// Promises of the database's owner, which the database does not keep.
    pub promises: Promises,
    /// Ways in which clients may write the rows.
    pub writes: AcceptedWrites,
    /// Forward, reverse and many-to-many relations.
    pub relations: Vec<Relation>,
    /// Default order of lists, as the value of `orderBy`.
    pub order_by: Option<String>,
    /// Filter of all lists, as the value of `where`.
    pub scope: Option<String>,
    /// Names of the root fields.
    pub roots: RootNames,
    /// True if the entity is a type of the schema. A junction with only its keys is not.
    pub exposed: bool,
    /// True if the viewer may not see all rows: a key may then reference a row that the viewer does not see.
    pub restricted: bool,
    /// True if the viewer may aggregate and count the rows.
    pub aggregated: bool,
    /// Maximum number of rows of a list, besides the row ceiling of a response.
    pub list_limit: Option<u64>,
}

/// Promises about the rows of an entity that its options make, as for a view.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Promises {
    /// Unique keys, each as its columns.
    pub unique_keys: Vec<Vec<ColumnId>>,
    /// Columns that are never NULL.
    pub not_null: Vec<ColumnId>,
}

/// A column of a table.
#[derive(Clone, Debug)]
pub struct Column {
    /// Name in the database.
    pub name: String,
    /// Field name in the schema.
    pub field: String,
    /// Type of the values.
    pub column_type: ColumnType,
    /// Limit of the values besides that of the type.
    pub limit: Limit,
    /// True if the column may be NULL.
    pub nullable: bool,
    /// True if the database fills in a missing value.
    pub has_default: bool,
    /// Default value that the entity declares, unless the default is an expression.
    pub default: Option<Value>,
    /// True if the service inserts [`Column::default`] for a missing value, because the database has no default.
    pub fills_default: bool,
    /// True if the default is a number that the database generates.
    pub generated: bool,
    /// True if the database always generates the value, as by `GENERATED ALWAYS`: clients cannot give a
    /// value.
    pub always_generated: bool,
    /// Comment of the column.
    pub description: Option<String>,
    /// True if the column is left out of the schema.
    pub hidden: bool,
}

/// A database enum.
#[derive(Clone, Debug)]
pub struct Enumeration {
    /// Type name in the schema.
    pub name: String,
    /// Type name in the database.
    pub database_name: String,
    /// Values: name in the schema, and stored text.
    pub variants: Vec<(String, String)>,
    /// True if the enum is a type of the schema. An enum of hidden columns only is not.
    pub exposed: bool,
}

#[doc(hidden)]
impl Model {
    /// Returns the exposed entity with the type `name`.
    pub fn entity_named(&self, name: &str) -> Option<EntityId> {
        self.entities.iter().position(|entity| entity.exposed && entity.name == name)
    }

    /// Returns the entity of `table`.
    pub fn entity_of_table(&self, table: &Table) -> Option<EntityId> {
        self.entities.iter().position(|entity| entity.table == *table)
    }

    /// Returns the exposed entities with their ids.
    pub fn exposed(&self) -> impl Iterator<Item = (EntityId, &Entity)> {
        self.entities.iter().enumerate().filter(|(_, entity)| entity.exposed)
    }

    /// Returns true if objects have node ids: all but those of entities without a key.
    pub fn has_nodes(&self) -> bool {
        let mut exposed = self.exposed().peekable();
        exposed.peek().is_none() || exposed.any(|(_, entity)| entity.has_key())
    }

    /// Returns the root field `name`.
    pub fn root(&self, name: &str) -> Option<(EntityId, &Root)> {
        self.roots.get(name).map(|(id, root)| (*id, root))
    }

    /// Returns the application's field `name` of an entity.
    pub fn computed_field(&self, id: EntityId, name: &str) -> Option<&ComputedField> {
        self.computed.get(&id)?.get(name)
    }

    /// Returns the root field `name` of mutations.
    pub fn mutation_root(&self, name: &str) -> Option<(EntityId, MutationRoot)> {
        self.mutation_roots.get(name).copied()
    }

    /// Names the root fields of the exposed entities.
    pub(crate) fn name_roots(&mut self) {
        let mut roots = HashMap::new();
        let mut mutation_roots = HashMap::new();
        for (id, entity) in self.exposed() {
            let one = entity.lookups().map(|(name, key)| (name, Root::One(key.to_vec())));
            let connection = (entity.roots.connection.clone(), Root::Connection);
            let aggregate = (entity.roots.aggregate.clone(), Root::Aggregate);
            let many = std::iter::once((entity.roots.list.clone(), Root::List))
                .chain(entity.aggregated.then_some(aggregate))
                .chain(entity.has_key().then_some(connection));
            roots.extend(one.chain(many).map(|(name, root)| (name, (id, root))));
            let mutations = entity.roots.mutations().into_iter().filter(|_| entity.writes.any());
            mutation_roots.extend(mutations.map(|(name, root)| (name.to_owned(), (id, root))));
        }
        self.roots = roots;
        self.mutation_roots = mutation_roots;
    }

    /// Returns the relations of exposed entities that lead to `target`.
    pub fn incoming_relations(&self, target: EntityId) -> impl Iterator<Item = &Relation> {
        let relations = self.exposed().flat_map(|(_, entity)| &entity.relations);
        relations.filter(move |relation| relation.target == target)
    }

    /// Returns true if a list has a connection: its order is total, so that a cursor is one position. Rows of an entity
    /// without a key, and equal links of a junction without one, have no order among each other.
    pub fn has_connection(&self, target: EntityId, relation: Option<(EntityId, RelationId)>) -> bool {
        let relation = relation.map(|(owner, relation)| &self.entities[owner].relations[relation]);
        let junction = relation.and_then(|relation| relation.junction.as_ref()?.entity);
        self.entities[target].has_key() && junction.is_none_or(|id| self.entities[id].has_key())
    }

    /// Returns true for a list whose rows the viewer may count.
    pub fn is_counted(&self, relation: &Relation) -> bool {
        relation.is_many() && self.entities[relation.target].aggregated
    }

    /// Returns true if a join over a relation of `owner` matches at most one row, and compares keys exactly
    /// as the values do. A unique key that is only promised guarantees nothing.
    pub fn is_unique_join(&self, owner: EntityId, relation: &Relation) -> bool {
        let (owner, target) = (&self.entities[owner], &self.entities[relation.target]);
        let mut pairs = relation.join.from.iter().zip(&relation.join.to);
        !relation.is_many()
            && relation.junction.is_none()
            && target.is_kept_unique(&relation.to)
            && pairs.all(|(from, to)| compare_alike(&owner.columns[*from], &target.columns[*to]))
    }

    /// Returns the values of an enum column; none for other types.
    pub fn variants(&self, column_type: &ColumnType) -> &[(String, String)] {
        match column_type {
            ColumnType::List(list) => self.variants(&list.element),
            of => of.enumeration().map_or(&[], |id| &self.enumerations[id].variants),
        }
    }

    /// Returns the name of a column type in the schema; for a list, that of its items.
    pub fn type_name(&self, column_type: &ColumnType) -> &str {
        match column_type {
            ColumnType::List(list) => self.type_name(&list.element),
            other => match other.enumeration() {
                Some(id) => &self.enumerations[id].name,
                None => other.scalar().map_or("", Scalar::name),
            },
        }
    }

    /// Returns the name of the filter on a column type.
    pub fn filter_name(&self, column_type: &ColumnType) -> String {
        let name = self.type_name(column_type);
        match column_type {
            ColumnType::List(_) => names::list_filter(name),
            _ => names::scalar_filter(name),
        }
    }

    /// Returns the types of the connection to `target`. All lists share these types, unless the edges of
    /// `relation` carry junction columns.
    pub fn connection_types(
        &self,
        target: EntityId,
        relation: Option<(EntityId, RelationId)>,
    ) -> ConnectionTypes {
        if let Some((owner, relation)) = relation {
            let owner = &self.entities[owner];
            let relation = &owner.relations[relation];
            if !self.junction_columns(relation).is_empty() {
                return ConnectionTypes::of_relation(&owner.name, &relation.field);
            }
        }
        self.entities[target].types.pages.clone()
    }

    /// Returns the forward relation (`belongs_to`) that matches a `has_one` or `has_many`.
    pub fn forward_side(&self, owner: EntityId, relation: RelationId) -> Option<RelationId> {
        let reverse = &self.entities[owner].relations[relation];
        self.entities[reverse.target].relations.iter().position(|forward| {
            reverse.junction.is_none()
                && forward.declaration == Declaration::BelongsTo
                && forward.target == owner
                && forward.from == reverse.to
                && forward.to == reverse.from
        })
    }

    /// Returns the forward relations of all entities that reference this entity and are enforced by the
    /// database or a deletion rule.
    pub fn referencing_relations(&self, id: EntityId) -> impl Iterator<Item = (EntityId, &Relation)> {
        self.entities.iter().enumerate().flat_map(move |(child, entity)| {
            let points_here = move |relation: &&Relation| {
                relation.declaration == Declaration::BelongsTo
                    && (relation.enforced || relation.rule.is_some())
                    && relation.target == id
            };
            entity.relations.iter().filter(points_here).map(move |relation| (child, relation))
        })
    }

    /// Returns the junction's own columns, which the edges of this relation's connection carry.
    pub fn junction_columns(&self, relation: &Relation) -> Vec<ColumnId> {
        let Some(junction) = &relation.junction else { return Vec::new() };
        let Some(entity) = junction.entity.map(|id| &self.entities[id]).filter(|entity| entity.exposed)
        else {
            return Vec::new();
        };
        let is_own = |id: &ColumnId| {
            let column = &entity.columns[*id];
            !column.hidden
                && !entity.primary_key.contains(id)
                && !junction.from.contains(&column.name)
                && !junction.to.contains(&column.name)
        };
        (0..entity.columns.len()).filter(is_own).collect()
    }
}

impl Entity {
    /// Returns the visible column with the field `field`.
    pub fn column_of_field(&self, field: &str) -> Option<ColumnId> {
        self.columns.iter().position(|column| !column.hidden && column.field == field)
    }

    /// Returns the column with the database name `name`.
    pub fn column_named(&self, name: &str) -> Option<ColumnId> {
        self.columns.iter().position(|column| column.name == name)
    }

    /// Returns the columns whose defaults the service inserts, with the values.
    pub(crate) fn filled_defaults(&self) -> impl Iterator<Item = (ColumnId, &Value)> {
        let filled = self.columns.iter().enumerate().filter(|(_, column)| column.fills_default);
        filled.filter_map(|(id, column)| Some((id, column.default.as_ref()?)))
    }

    /// Returns the relation with the field `field`.
    pub fn relation_of_field(&self, field: &str) -> Option<RelationId> {
        self.relations.iter().position(|relation| relation.field == field)
    }

    /// Returns the columns that clients see.
    pub fn visible_columns(&self) -> impl Iterator<Item = (ColumnId, &Column)> {
        self.columns.iter().enumerate().filter(|(_, column)| !column.hidden)
    }

    /// Returns true if a key identifies the rows.
    pub fn has_key(&self) -> bool {
        !self.primary_key.is_empty()
    }

    /// Returns the look-up fields of all visible unique keys, the primary key first.
    pub fn lookups(&self) -> impl Iterator<Item = (String, &[ColumnId])> {
        let is_visible =
            |key: &&[ColumnId]| !key.is_empty() && key.iter().all(|id| !self.columns[*id].hidden);
        let primary = std::iter::once((self.roots.one.clone(), self.primary_key.as_slice()));
        let further = self.unique_keys.iter().map(Vec::as_slice).filter(is_visible).map(|key| {
            let fields: Vec<&str> = key.iter().map(|id| self.columns[*id].field.as_str()).collect();
            (names::unique_lookup(&self.roots.one, &fields), key)
        });
        primary.filter(move |(_, key)| is_visible(key)).chain(further)
    }

    /// Returns every visible unique key with the input field that names the key.
    pub fn keys(&self) -> impl Iterator<Item = (String, &[ColumnId])> {
        let is_visible = |key: &&[ColumnId]| key.iter().all(|id| !self.columns[*id].hidden);
        self.all_keys().map(Vec::as_slice).filter(is_visible).map(|key| {
            let fields: Vec<&str> = key.iter().map(|id| self.columns[*id].field.as_str()).collect();
            (names::key_field(&fields), key)
        })
    }

    /// Returns the forward relations whose key contains this column.
    pub fn relations_of_column(&self, column: ColumnId) -> impl Iterator<Item = (RelationId, &Relation)> {
        self.relations.iter().enumerate().filter(move |(_, relation)| {
            relation.declaration == Declaration::BelongsTo && relation.from.contains(&column)
        })
    }

    /// Returns the primary key and the further unique keys.
    pub fn all_keys(&self) -> impl Iterator<Item = &Vec<ColumnId>> {
        std::iter::once(&self.primary_key).chain(&self.unique_keys).filter(|key| !key.is_empty())
    }

    /// Returns true if these columns contain a unique key.
    pub fn is_unique(&self, columns: &[ColumnId]) -> bool {
        self.all_keys().any(|key| key.iter().all(|id| columns.contains(id)))
    }

    /// Returns true if `ON CONFLICT` can name this key: the database keeps it, and checks it with each statement.
    pub fn is_arbiter(&self, key: &[ColumnId]) -> bool {
        !self.promises.unique_keys.iter().chain(&self.deferrable_keys).any(|known| known == key)
    }

    /// Returns true if these columns contain a unique key that the database keeps.
    pub fn is_kept_unique(&self, columns: &[ColumnId]) -> bool {
        let is_kept = |key: &&Vec<ColumnId>| !self.promises.unique_keys.contains(key);
        self.all_keys().filter(is_kept).any(|key| key.iter().all(|id| columns.contains(id)))
    }
}

/// Returns true if the database compares two columns exactly as their values are compared here.
fn compare_alike(from: &Column, to: &Column) -> bool {
    match (from.column_type.stored(), to.column_type.stored()) {
        // The selected form of these types differs from the stored form.
        (
            ColumnType::Enumeration(_) | ColumnType::Decimal | ColumnType::Native(_) | ColumnType::AnyUuid,
            _,
        ) => false,
        (from, to) => from == to || from.is_integer() && to.is_integer(),
    }
}
