//! Registry of entities, from which a [`Model`] is built.

use std::collections::{BTreeMap, BTreeSet};

use sea_orm::{EntityTrait, Related};

use super::reflect::{self, Reflected, ReflectedVia};
use super::{ModelFault, Note, OnDelete, Spelling};

/// Registry of the entities that a service exposes.
///
/// ```
/// # mod author {
/// #     use sea_orm::entity::prelude::*;
/// #     #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
/// #     #[sea_orm(table_name = "authors")]
/// #     pub struct Model { #[sea_orm(primary_key)] pub id: i32, pub name: String, pub password: String }
/// #     #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
/// #     pub enum Relation {}
/// #     impl ActiveModelBehavior for ActiveModel {}
/// # }
/// let model = crowsfoot::Registry::new()
///     .register_with::<author::Entity>(|entity| entity.hide("password"))
///     .model()?;
/// assert_eq!(model.entities[0].name, "Author");
/// # Ok::<(), crowsfoot::ModelError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Registry {
    pub(super) registered: Vec<(Reflected, EntityOptions)>,
    pub(super) via: Vec<ReflectedVia>,
    pub(super) values: BTreeMap<(String, String), String>,
    pub(super) faults: Vec<ModelFault>,
    pub(super) notes: Vec<Note>,
    /// True if names that clash give way by rule; otherwise each clash is a fault. People chose the names of
    /// entities, and would not find them in the schema.
    pub(super) resolves_clashes: bool,
    /// True if the other sides of all forward relations are shown, declared or not.
    pub(super) reverse_sides: bool,
    /// Name of the tenant column.
    pub(super) tenant_column: Option<String>,
}

/// Options of one entity, which override the defaults.
///
/// Options name a column or relation by its field in the schema or by its variant in the entity. If a column
/// and a relation share both, as `author` and `Author`, the field means the column and the variant the
/// relation.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct EntityOptions {
    pub(super) name: Option<String>,
    pub(super) plural: Option<String>,
    pub(super) renamed: BTreeMap<String, String>,
    pub(super) hidden: BTreeSet<String>,
    pub(super) lists_through: BTreeMap<String, String>,
    pub(super) generated: BTreeSet<String>,
    pub(super) on_delete: BTreeMap<String, OnDelete>,
    pub(super) many: BTreeSet<String>,
    pub(super) defaults: BTreeMap<String, serde_json::Value>,
    pub(super) set_on_delete: BTreeMap<String, serde_json::Value>,
    pub(super) parents: BTreeSet<String>,
    pub(super) order_by: Option<String>,
    pub(super) scope: Option<String>,
    pub(super) symmetrical: Option<String>,
    /// Lists through this junction: the relations by which each enters and leaves, and its field.
    pub(super) many_to_many: Vec<(String, String, String)>,
    pub(super) shown: bool,
    pub(super) reverse: BTreeMap<String, String>,
    pub(super) comment: Option<String>,
    pub(super) comments: BTreeMap<String, String>,
    pub(super) spellings: BTreeMap<String, Spelling>,
    pub(super) choices: BTreeMap<String, Vec<(String, serde_json::Value)>>,
    /// Columns that identify the rows of a table without a primary key.
    pub(super) key: Vec<String>,
    pub(super) unique_keys: Vec<Vec<String>>,
    pub(super) foreign_keys: Vec<ForeignKeyOption>,
    pub(super) not_null: BTreeSet<String>,
    /// Scalars of columns without a type.
    pub(super) types: BTreeMap<String, String>,
    pub(super) writable: Option<bool>,
}

/// Foreign key that an option declares.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ForeignKeyOption {
    pub columns: Vec<String>,
    /// Referenced table.
    pub references: String,
    /// Referenced columns; the key of the table if empty.
    pub to: Vec<String>,
}

impl EntityOptions {
    /// Sets the type name, instead of the module's.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// Sets the root field of the list, instead of the type's plural.
    pub fn plural(mut self, plural: impl Into<String>) -> Self {
        self.plural = Some(plural.into());
        self
    }

    /// Gives the column or relation `from` the field `to`.
    pub fn rename(mut self, from: impl Into<String>, to: impl Into<String>) -> Self {
        self.renamed.insert(from.into(), to.into());
        self
    }

    /// Keeps a column or relation out of the schema.
    pub fn hide(mut self, field: impl Into<String>) -> Self {
        self.hidden.insert(field.into());
        self
    }

    /// Sets the value of a column in rows that are created without one, for a database whose column has no default, as
    /// Django makes them. No input then requires the column. The value has the form of the schema.
    ///
    /// ```
    /// use serde_json::json;
    ///
    /// let model = crowsfoot::Registry::new()
    ///     .register_with::<entity::badge::Entity>(|badge| badge.default_value("code", json!("new")))
    ///     .register::<entity::employee::Entity>()
    ///     .model()?;
    /// assert!(model.entities[0].columns.iter().any(|column| column.name == "code" && column.has_default));
    /// # Ok::<(), crowsfoot::ModelError>(())
    /// ```
    pub fn default_value(mut self, column: impl Into<String>, value: serde_json::Value) -> Self {
        self.defaults.insert(column.into(), value);
        self
    }

    /// Sets the value that the key of a forward relation takes when the referenced row is deleted, as Django's `SET`. The key has
    /// one column.
    pub fn set_on_delete(mut self, relation: impl Into<String>, value: serde_json::Value) -> Self {
        self.set_on_delete.insert(relation.into(), value);
        self
    }

    /// Makes the row that this forward relation references a part of the row, as the parent in Django's multi-table
    /// inheritance: both are deleted together.
    pub fn parent(mut self, relation: impl Into<String>) -> Self {
        self.parents.insert(relation.into());
        self
    }

    /// Marks a column as always generated by the database, as by `GENERATED ALWAYS AS IDENTITY` and
    /// `GENERATED ALWAYS AS (…) STORED`. No input has the column. An entity cannot declare this.
    pub fn generated(mut self, column: impl Into<String>) -> Self {
        self.generated.insert(column.into());
        self
    }

    /// Sets the field of a list through this junction; the list follows the junction's relation `relation`.
    ///
    /// For follows with the relations `follower` and `followed`, `list_through("follower", "fans")` lists the
    /// followers, and `list_through("followed", "idols")` the followed.
    pub fn list_through(mut self, relation: impl Into<String>, field: impl Into<String>) -> Self {
        self.lists_through.insert(relation.into(), field.into());
        self
    }

    /// Adds a list through this junction, or names one that exists. The list belongs to the entity behind the relation
    /// `from`, and leads to the entity behind the relation `to`. The links need not be unique: a pair that is linked twice is
    /// listed twice.
    ///
    /// For enrolments with the relations `student` and `course`, `many_to_many("student", "course", "courses")` lists the
    /// courses of a student.
    pub fn many_to_many(
        mut self,
        from: impl Into<String>,
        to: impl Into<String>,
        field: impl Into<String>,
    ) -> Self {
        self.many_to_many.push((from.into(), to.into(), field.into()));
        self
    }

    /// Makes one list of both directions of this junction, which links the rows of a table with each other, as friends. A
    /// link is two rows of the junction, which the service writes and removes together.
    ///
    /// If the junction has more than two keys, [`EntityOptions::many_to_many`] of the same field names the two.
    pub fn symmetrical(mut self, field: impl Into<String>) -> Self {
        self.symmetrical = Some(field.into());
        self
    }

    /// Keeps this junction as a type of the schema, although it has no columns of its own.
    pub fn shown(mut self, shown: bool) -> Self {
        self.shown = shown;
        self
    }

    /// Shows the other side of this forward relation as `field` of the referenced entity: one row if the key is unique,
    /// otherwise a list. A side that the referenced entity declares gets the field.
    ///
    /// ```
    /// let model = crowsfoot::Registry::new()
    ///     .register::<entity::author::Entity>()
    ///     .register::<entity::post::Entity>()
    ///     .register_with::<entity::book::Entity>(|book| book.reverse("author", "works"))
    ///     .model()?;
    /// assert!(model.entities[0].relation_of_field("works").is_some());
    /// # Ok::<(), crowsfoot::ModelError>(())
    /// ```
    pub fn reverse(mut self, relation: impl Into<String>, field: impl Into<String>) -> Self {
        self.reverse.insert(relation.into(), field.into());
        self
    }

    /// Describes the type in the schema, instead of the table's comment.
    pub fn comment(mut self, text: impl Into<String>) -> Self {
        self.comment = Some(text.into());
        self
    }

    /// Describes the field of a column or relation in the schema, instead of the column's comment or the usual text.
    pub fn comments(mut self, field: impl Into<String>, text: impl Into<String>) -> Self {
        self.comments.insert(field.into(), text.into());
        self
    }

    /// Reads a column of text as UUIDs or booleans: all its values have this spelling. A value in another spelling is an error
    /// of its own cell, and equals none. Keys that reference the column need the option, too.
    pub fn spelling(mut self, column: impl Into<String>, spelling: Spelling) -> Self {
        self.spellings.insert(column.into(), spelling);
        self
    }

    /// Lists the values of a column of text or integers, each with its name: the column becomes an enum of the schema. A stored
    /// value that is not listed is an error of its own cell.
    ///
    /// ```
    /// use serde_json::json;
    ///
    /// let model = crowsfoot::Registry::new()
    ///     .register_with::<entity::badge::Entity>(|badge| {
    ///         badge.choices("code", [("RED", json!("r")), ("BLUE", json!("b"))])
    ///     })
    ///     .register::<entity::employee::Entity>()
    ///     .model()?;
    /// assert_eq!(model.enumerations[0].name, "BadgeCode");
    /// # Ok::<(), crowsfoot::ModelError>(())
    /// ```
    pub fn choices<N: Into<String>>(
        mut self,
        column: impl Into<String>,
        values: impl IntoIterator<Item = (N, serde_json::Value)>,
    ) -> Self {
        let values = values.into_iter().map(|(name, stored)| (name.into(), stored)).collect();
        self.choices.insert(column.into(), values);
        self
    }

    /// Reads the other side of this forward relation as a list, although its key is unique. For tables alone: an
    /// entity declares `has_many`.
    pub fn many(mut self, relation: impl Into<String>) -> Self {
        self.many.insert(relation.into());
        self
    }

    /// Promises that these columns identify the rows of a view, a foreign table, or a table without a primary key. The rows
    /// then have look-ups, node ids and connections, and can be referenced. For tables alone: an entity declares its key.
    ///
    /// The database does not keep the promise; `crowsfoot check` finds rows that break it.
    pub fn key(mut self, columns: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.key = columns.into_iter().map(Into::into).collect();
        self
    }

    /// Promises that these columns are unique. The other side of a foreign key over them is one row. For tables alone.
    pub fn unique_key(mut self, columns: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.unique_keys.push(columns.into_iter().map(Into::into).collect());
        self
    }

    /// Declares that these columns reference the rows of another table by its columns `to`, or by its key if `to` is empty.
    /// Both sides are relations, as those of a key that the database has. For tables alone.
    pub fn foreign_key(
        mut self,
        columns: impl IntoIterator<Item = impl Into<String>>,
        references: impl Into<String>,
        to: impl IntoIterator<Item = impl Into<String>>,
    ) -> Self {
        self.foreign_keys.push(ForeignKeyOption {
            columns: columns.into_iter().map(Into::into).collect(),
            references: references.into(),
            to: to.into_iter().map(Into::into).collect(),
        });
        self
    }

    /// Promises that a column is never NULL, as of a view, of which PostgreSQL says nothing. For tables alone.
    pub fn not_null(mut self, column: impl Into<String>) -> Self {
        self.not_null.insert(column.into());
        self
    }

    /// Sets the scalar of a column that has no type, as an expression in a view of SQLite: `Int`, `BigInt`, `Float`,
    /// `Decimal`, `String`, `Boolean`, `Date`, `Time`, `DateTime`, `UUID` or `JSON`. For tables alone.
    pub fn column_type(mut self, column: impl Into<String>, scalar: impl Into<String>) -> Self {
        self.types.insert(column.into(), scalar.into());
        self
    }

    /// Allows or forbids clients to write the rows. A view, a foreign table and a table with a declared key are read-only
    /// unless this is true; every other table and entity is writable unless this is false.
    pub fn writable(mut self, writable: bool) -> Self {
        self.writable = Some(writable);
        self
    }

    /// Sets the default order of the entity's lists, as a value of the argument `orderBy`. The argument replaces the default
    /// order. The fields are those of the schema; a role's lists leave out the sort keys that the role does not read.
    ///
    /// ```
    /// let model = crowsfoot::Registry::new()
    ///     .register::<entity::author::Entity>()
    ///     .register::<entity::post::Entity>()
    ///     .register_with::<entity::book::Entity>(|book| book.order_by("[{ title: DESC }]"))
    ///     .model()?;
    /// let schema = crowsfoot::Schema::new(model)?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn order_by(mut self, order: impl Into<String>) -> Self {
        self.order_by = Some(order.into());
        self
    }

    /// Sets the scope of the entity's lists, as a value of the argument `where`: no root list, list of a relation, connection
    /// or aggregate has other rows. To-one relations, look-ups by key, filters over relations, and writes see all rows, so
    /// that a required relation always has its row.
    ///
    /// The fields are those of the schema. The scope holds for every role, whatever columns the role reads.
    ///
    /// ```
    /// let model = crowsfoot::Registry::new()
    ///     .register::<entity::author::Entity>()
    ///     .register::<entity::post::Entity>()
    ///     .register_with::<entity::book::Entity>(|book| book.scope("{ title: { ne: \"\" } }"))
    ///     .model()?;
    /// let schema = crowsfoot::Schema::new(model)?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn scope(mut self, filter: impl Into<String>) -> Self {
        self.scope = Some(filter.into());
        self
    }

    /// Sets the rule of the application for rows that reference a deleted row, as Django's `on_delete`. The
    /// service finds, deletes, changes, counts or refuses in the transaction of the deletion, whatever the
    /// database's own action is.
    ///
    /// Either side may name the relation: the entity that holds the key says `author`, the referenced entity
    /// says `posts`. A list through a junction stands for the junction's key to this entity.
    ///
    /// ```
    /// use crowsfoot::OnDelete;
    ///
    /// let model = crowsfoot::Registry::new()
    ///     .register_with::<entity::author::Entity>(|author| author.on_delete("posts", OnDelete::Cascade))
    ///     .register::<entity::book::Entity>()
    ///     .register::<entity::post::Entity>()
    ///     .model()?;
    /// let post = model.entities.iter().find(|entity| entity.name == "Post");
    /// let rules = post.into_iter().flat_map(|post| &post.relations).map(|relation| relation.rule);
    /// assert_eq!(rules.collect::<Vec<_>>(), [Some(OnDelete::Cascade)]);
    /// # Ok::<(), crowsfoot::ModelError>(())
    /// ```
    pub fn on_delete(mut self, relation: impl Into<String>, rule: OnDelete) -> Self {
        self.on_delete.insert(relation.into(), rule);
        self
    }

    /// Replaces `field` by the new name of any of `names`. Returns true if there is one.
    pub(super) fn rename_to(&self, field: &mut String, names: &[String]) -> bool {
        let renamed = names.iter().find_map(|name| self.renamed.get(name));
        if let Some(renamed) = renamed {
            field.clone_from(renamed);
        }
        renamed.is_some()
    }

    /// Returns the option by which the other side of the forward relation with these fields is a list.
    pub(super) fn reads_as_list(&self, fields: &[String]) -> Option<&String> {
        fields.iter().find_map(|name| self.many.get(name))
    }

    /// Returns the option that names the other side of the forward relation with these names, and the side's field.
    pub(super) fn reverse_side(&self, names: &[String]) -> Option<(&String, &String)> {
        names.iter().find_map(|name| self.reverse.get_key_value(name))
    }

    /// Returns the options that tables alone have, each with its columns.
    pub(super) fn of_tables_alone(&self) -> Vec<(&'static str, Vec<String>)> {
        let unique = self.unique_keys.iter().map(|columns| ("unique_keys", columns.clone()));
        let foreign = self.foreign_keys.iter().map(|key| ("foreign_keys", key.columns.clone()));
        let others = [
            ("key", self.key.clone()),
            ("not_null", self.not_null.iter().cloned().collect()),
            ("types", self.types.keys().cloned().collect()),
        ];
        unique.chain(foreign).chain(others).filter(|(_, columns)| !columns.is_empty()).collect()
    }

    /// Returns the default of the column with these names.
    pub(super) fn default_of(&self, names: &[String]) -> Option<&serde_json::Value> {
        names.iter().find_map(|name| self.defaults.get(name))
    }

    /// Returns the spelling of the column with these names.
    pub(super) fn spelling_of(&self, names: &[String]) -> Option<Spelling> {
        names.iter().find_map(|name| self.spellings.get(name)).copied()
    }

    /// Returns the values of the column with these names.
    pub(super) fn choices_of(&self, names: &[String]) -> Option<&[(String, serde_json::Value)]> {
        names.iter().find_map(|name| self.choices.get(name)).map(Vec::as_slice)
    }

    /// Returns true if any of `names` is always generated.
    pub(super) fn generates(&self, names: &[String]) -> bool {
        names.iter().any(|name| self.generated.contains(name))
    }

    /// Returns true if any of `names` is hidden.
    pub(super) fn hides(&self, names: &[String]) -> bool {
        names.iter().any(|name| self.hidden.contains(name))
    }
}

impl Registry {
    /// Returns an empty registry.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds the entity `E` with default options.
    pub fn register<E: EntityTrait>(self) -> Self {
        self.register_with::<E>(|options| options)
    }

    /// Adds the entity `E` with options.
    pub fn register_with<E: EntityTrait>(
        mut self,
        options: impl FnOnce(EntityOptions) -> EntityOptions,
    ) -> Self {
        self.registered.push((reflect::entity::<E>(), options(EntityOptions::default())));
        self
    }

    /// Adds the many-to-many relation that `E` declares to `R` by `Related::via`, as the list `field` of `E`. If the junction
    /// itself is registered, it adds the lists of both directions; this one then has the given field.
    ///
    /// ```
    /// use entity::{course, student};
    ///
    /// let model = crowsfoot::Registry::new()
    ///     .register::<student::Entity>()
    ///     .register::<course::Entity>()
    ///     .many_to_many::<student::Entity, course::Entity>("courses")
    ///     .model()?;
    /// assert!(model.entities[0].relation_of_field("courses").is_some());
    /// # Ok::<(), crowsfoot::ModelError>(())
    /// ```
    pub fn many_to_many<E, R>(mut self, field: impl Into<String>) -> Self
    where
        E: EntityTrait + Related<R>,
        R: EntityTrait,
    {
        match reflect::via::<E, R>(field.into()) {
            Some(via) => self.via.push(via),
            None => self.faults.push(ModelFault::NotManyToMany {
                from: E::default().table_name().to_owned(),
                to: R::default().table_name().to_owned(),
            }),
        }
        self
    }

    /// Shows the other side of every forward relation, although the referenced entity does not declare it: one row if the key
    /// is unique, otherwise a list. The fields are named as those of tables; [`EntityOptions::reverse`] names one. Generators
    /// leave such sides out where an entity has several relations to another.
    pub fn reverse_sides(mut self, shown: bool) -> Self {
        self.reverse_sides = shown;
        self
    }

    /// Joins rows by the column `name`, besides the keys, wherever both tables have the column: in lists and to-one relations,
    /// filters, orders and aggregates. A statement with a condition on the column then reads the rows of one tenant alone, at
    /// one node of a database that is distributed by it. A key with the column on either side is left as it is.
    ///
    /// This promises that rows which reference each other have the same value in the column. No row of another tenant is found:
    /// a required relation to one is an error of its field. `crowsfoot check` finds such rows. Writes use the keys alone.
    ///
    /// ```
    /// let error = crowsfoot::Registry::new()
    ///     .register::<entity::badge::Entity>()
    ///     .register::<entity::employee::Entity>()
    ///     .tenant_column("tenant_id")
    ///     .model()
    ///     .unwrap_err();
    /// assert!(error.to_string().contains("the tenant column tenant_id does not exist in any table"));
    /// ```
    pub fn tenant_column(mut self, name: impl Into<String>) -> Self {
        self.tenant_column = Some(name.into());
        self
    }

    /// Names a value of a database enum in the schema, for stored text that does not make a good name.
    pub fn enum_value(
        mut self,
        enumeration: impl Into<String>,
        stored: impl Into<String>,
        name: impl Into<String>,
    ) -> Self {
        self.values.insert((enumeration.into(), stored.into()), name.into());
        self
    }
}
