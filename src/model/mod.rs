//! Entities reflected into plain data, and checked: what every other part of Crowsfoot reads.

mod assembly;
mod check;
mod column_type;
mod limit;
pub mod names;
mod range;
mod reflect;
mod registry;
mod relation;

pub use check::{Fault, ModelError};
pub use column_type::{ColumnType, Expected, Operators, Scalar, is_null, normalize_key};
pub use limit::Limit;
pub use registry::{EntityOptions, Registry};
pub use relation::{Cardinality, Declaration, Junction, KeyAction, OnDelete, Relation};

use std::collections::HashMap;

use sea_orm::Value;

use names::{ConnectionTypes, RootNames, TypeNames};

/// Index of an [`Entity`] in [`Model::entities`].
pub type EntityId = usize;

/// Index of a [`Column`] in [`Entity::columns`].
pub type ColumnId = usize;

/// Index of a [`Relation`] in [`Entity::relations`].
pub type RelationId = usize;

/// All registered entities and what is between them.
#[derive(Clone, Debug, Default)]
pub struct Model {
    /// In the order of registration.
    pub entities: Vec<Entity>,
    /// The database enums that their columns use.
    pub enumerations: Vec<Enumeration>,
    /// The root fields that read one entity, by their names.
    pub roots: HashMap<String, (EntityId, Root)>,
}

/// What a root field reads of its entity.
#[derive(Clone, Debug)]
pub enum Root {
    /// The row with this key.
    One(Vec<ColumnId>),
    /// Rows.
    List,
    /// Rows with cursors.
    Connection,
    /// What is computed of rows.
    Aggregate,
}

/// A table and its rows.
#[derive(Clone, Debug)]
pub struct Entity {
    /// Its type in the schema: `User`.
    pub name: String,
    /// The types that go with it.
    pub types: TypeNames,
    /// Its table's comment.
    pub description: Option<String>,
    /// Where its rows are.
    pub table: Table,
    /// In the order of declaration.
    pub columns: Vec<Column>,
    /// The columns of the primary key.
    pub primary_key: Vec<ColumnId>,
    /// Further unique keys, each with its columns.
    pub unique_keys: Vec<Vec<ColumnId>>,
    /// Forward, reverse and many-to-many.
    pub relations: Vec<Relation>,
    /// Its root fields.
    pub roots: RootNames,
    /// Whether it is a type of the schema: a junction with nothing but its keys is not.
    pub exposed: bool,
}

/// A table's name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Table {
    /// The database schema it lies in, where that is not the connection's own.
    pub schema: Option<String>,
    /// Its name.
    pub name: String,
}

/// A column of a table.
#[derive(Clone, Debug)]
pub struct Column {
    /// Its name in the database.
    pub name: String,
    /// Its field in the schema.
    pub field: String,
    /// What it holds.
    pub column_type: ColumnType,
    /// Limit of its values beside that of the type.
    pub limit: Limit,
    /// Whether it may be NULL.
    pub nullable: bool,
    /// Whether the database gives it a value where none is given.
    pub has_default: bool,
    /// Default value that the entity declares; expressions are not among them.
    pub default: Option<Value>,
    /// Whether that value is a number of the database's own making.
    pub generated: bool,
    /// Whether the database always makes its value, as `GENERATED ALWAYS` says: clients cannot give one.
    pub always_generated: bool,
    /// Its comment.
    pub description: Option<String>,
    /// Whether clients do not see it.
    pub hidden: bool,
}

/// A database enum.
#[derive(Clone, Debug)]
pub struct Enumeration {
    /// Its type in the schema.
    pub name: String,
    /// Its type in the database.
    pub database_name: String,
    /// Its values: the name in the schema, and what the database stores.
    pub variants: Vec<(String, String)>,
    /// Whether it is a type of the schema: one that only hidden columns have is not.
    pub exposed: bool,
}

impl Model {
    /// The exposed entity whose type is `name`.
    pub fn entity_named(&self, name: &str) -> Option<EntityId> {
        self.entities.iter().position(|entity| entity.exposed && entity.name == name)
    }

    /// The entity whose rows are in `table`.
    pub fn entity_of_table(&self, table: &Table) -> Option<EntityId> {
        self.entities.iter().position(|entity| entity.table == *table)
    }

    /// The exposed entities with their ids.
    pub fn exposed(&self) -> impl Iterator<Item = (EntityId, &Entity)> {
        self.entities.iter().enumerate().filter(|(_, entity)| entity.exposed)
    }

    /// The root field that is called `name`, where it reads an exposed entity.
    pub fn root(&self, name: &str) -> Option<(EntityId, &Root)> {
        self.roots.get(name).map(|(id, root)| (*id, root))
    }

    fn name_roots(&mut self) {
        let mut roots = HashMap::new();
        for (id, entity) in self.exposed() {
            let one = entity.lookups().map(|(name, key)| (name, Root::One(key.to_vec())));
            let many = [
                (entity.roots.list.clone(), Root::List),
                (entity.roots.connection.clone(), Root::Connection),
                (entity.roots.aggregate.clone(), Root::Aggregate),
            ];
            roots.extend(one.chain(many).map(|(name, root)| (name, (id, root))));
        }
        self.roots = roots;
    }

    /// The relations of exposed entities that lead to an entity.
    pub fn leading_to(&self, target: EntityId) -> impl Iterator<Item = &Relation> {
        let relations = self.exposed().flat_map(|(_, entity)| &entity.relations);
        relations.filter(move |relation| relation.target == target)
    }

    /// Whether a join over a relation of `owner` meets one row at most, and the row that its values name.
    pub fn leads_to_one(&self, owner: EntityId, relation: &Relation) -> bool {
        let (owner, target) = (&self.entities[owner], &self.entities[relation.target]);
        let mut pairs = relation.from.iter().zip(&relation.to);
        !relation.is_many()
            && relation.junction.is_none()
            && target.is_unique(&relation.to)
            && pairs.all(|(from, to)| compare_alike(&owner.columns[*from], &target.columns[*to]))
    }

    /// The values of an enum column, none for other types.
    pub fn variants(&self, column_type: &ColumnType) -> &[(String, String)] {
        match column_type {
            ColumnType::Enumeration(id) => &self.enumerations[*id].variants,
            _ => &[],
        }
    }

    /// The name of a column type in the schema.
    pub fn type_name(&self, column_type: &ColumnType) -> &str {
        match column_type {
            ColumnType::Enumeration(id) => &self.enumerations[*id].name,
            other => other.scalar().map_or("", Scalar::name),
        }
    }

    /// The types of the connection to `target`: shared by all its lists, unless `relation`'s edges carry a junction's
    /// columns.
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

    /// The relation by which the rows of a reverse relation hold their key: what answers `has_one` and `has_many`.
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

    /// The forward relations of all entities that reference this one, and that the database or a rule of the
    /// application enforces.
    pub fn pointing_at(&self, id: EntityId) -> impl Iterator<Item = (EntityId, &Relation)> {
        self.entities.iter().enumerate().flat_map(move |(child, entity)| {
            let points_here = move |relation: &&Relation| {
                relation.declaration == Declaration::BelongsTo
                    && (relation.enforced || relation.rule.is_some())
                    && relation.target == id
            };
            entity.relations.iter().filter(points_here).map(move |relation| (child, relation))
        })
    }

    /// The junction's own columns, which the edges of this relation's connection carry.
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
    /// The column whose field is `field`, unless it is hidden.
    pub fn column_of_field(&self, field: &str) -> Option<ColumnId> {
        self.columns.iter().position(|column| !column.hidden && column.field == field)
    }

    /// The column that the database calls `name`.
    pub fn column_named(&self, name: &str) -> Option<ColumnId> {
        self.columns.iter().position(|column| column.name == name)
    }

    /// The relation whose field is `field`.
    pub fn relation_of_field(&self, field: &str) -> Option<RelationId> {
        self.relations.iter().position(|relation| relation.field == field)
    }

    /// The columns that clients see.
    pub fn visible_columns(&self) -> impl Iterator<Item = (ColumnId, &Column)> {
        self.columns.iter().enumerate().filter(|(_, column)| !column.hidden)
    }

    /// Every unique key that clients may look rows up by, the primary key first.
    pub fn lookups(&self) -> impl Iterator<Item = (String, &[ColumnId])> {
        let is_visible = |key: &&[ColumnId]| key.iter().all(|id| !self.columns[*id].hidden);
        let primary = std::iter::once((self.roots.one.clone(), self.primary_key.as_slice()));
        let further = self.unique_keys.iter().map(Vec::as_slice).filter(is_visible).map(|key| {
            let fields: Vec<&str> = key.iter().map(|id| self.columns[*id].field.as_str()).collect();
            (names::unique_lookup(&self.roots.one, &fields), key)
        });
        primary.filter(move |(_, key)| is_visible(key)).chain(further)
    }

    /// Every unique key that clients may name a row by, with the field that does.
    pub fn keys(&self) -> impl Iterator<Item = (String, &[ColumnId])> {
        let is_visible = |key: &&[ColumnId]| key.iter().all(|id| !self.columns[*id].hidden);
        let keys =
            std::iter::once(self.primary_key.as_slice()).chain(self.unique_keys.iter().map(Vec::as_slice));
        keys.filter(is_visible).map(|key| {
            let fields: Vec<&str> = key.iter().map(|id| self.columns[*id].field.as_str()).collect();
            (names::key_field(&fields), key)
        })
    }

    /// The forward relations that hold this column.
    pub fn relations_of_column(&self, column: ColumnId) -> impl Iterator<Item = (RelationId, &Relation)> {
        self.relations.iter().enumerate().filter(move |(_, relation)| {
            relation.declaration == Declaration::BelongsTo && relation.from.contains(&column)
        })
    }

    /// Whether these columns together can hold no combination twice.
    pub fn is_unique(&self, columns: &[ColumnId]) -> bool {
        std::iter::once(&self.primary_key)
            .chain(&self.unique_keys)
            .any(|key| !key.is_empty() && key.iter().all(|id| columns.contains(id)))
    }
}

/// Whether the database compares two columns as their values would be compared here.
fn compare_alike(from: &Column, to: &Column) -> bool {
    match (&from.column_type, &to.column_type) {
        // Their selected form is not the stored one.
        (ColumnType::Enumeration(_) | ColumnType::Decimal, _) => false,
        (from, to) => from == to || from.is_integer() && to.is_integer(),
    }
}
