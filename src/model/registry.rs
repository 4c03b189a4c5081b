//! Registered entities become a [`Model`].

use std::collections::{BTreeMap, BTreeSet};

use sea_orm::{EntityTrait, Related};

use super::reflect::{self, Reflected, ReflectedVia};
use super::{Fault, Model, ModelError, OnDelete, assembly};

/// The entities that a service serves.
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
/// # Ok::<(), crowsfoot::model::ModelError>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct Registry {
    pub(super) registered: Vec<(Reflected, EntityOptions)>,
    pub(super) via: Vec<ReflectedVia>,
    pub(super) values: BTreeMap<(String, String), String>,
    pub(super) faults: Vec<Fault>,
}

/// What a user decides about one entity, where the defaults do not fit.
///
/// A column or relation is called by its field in the schema or by its variant in the entity. Where a column and a
/// relation would share both, as `author` and `Author`, the field means the column and the variant the relation.
#[derive(Clone, Debug, Default)]
pub struct EntityOptions {
    pub(super) name: Option<String>,
    pub(super) plural: Option<String>,
    pub(super) renamed: BTreeMap<String, String>,
    pub(super) hidden: BTreeSet<String>,
    pub(super) lists_through: BTreeMap<String, String>,
    pub(super) generated: BTreeSet<String>,
    pub(super) on_delete: BTreeMap<String, OnDelete>,
}

impl EntityOptions {
    /// The name of its type, instead of the module's.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// The root field of its list, instead of the type's plural.
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

    /// Says that the database always makes the value of a column, as `GENERATED ALWAYS AS IDENTITY` and
    /// `GENERATED ALWAYS AS (…) STORED` do: no input has it. An entity cannot say so.
    pub fn generated(mut self, column: impl Into<String>) -> Self {
        self.generated.insert(column.into());
        self
    }

    /// Of a junction: the field of the list that follows its relation `relation` to the far end.
    ///
    /// For follows with the relations `follower` and `followed`, `list_through("follower", "fans")` gives
    /// those who follow, and `list_through("followed", "idols")` those who are followed.
    pub fn list_through(mut self, relation: impl Into<String>, field: impl Into<String>) -> Self {
        self.lists_through.insert(relation.into(), field.into());
        self
    }

    /// Rule of the application for the rows that reference a deleted row, as Django's `on_delete`. The service finds,
    /// deletes, changes, counts or refuses in the transaction of the deletion, whatever the database's own action is.
    ///
    /// The relation is named from either side: the entity that holds the key says `author`, the entity that it
    /// references says `posts`. A list through a junction stands for the junction's key to this entity.
    ///
    /// ```
    /// use crowsfoot::model::OnDelete;
    ///
    /// let model = crowsfoot::Registry::new()
    ///     .register_with::<entity::author::Entity>(|author| author.on_delete("posts", OnDelete::Cascade))
    ///     .register::<entity::book::Entity>()
    ///     .register::<entity::post::Entity>()
    ///     .model()?;
    /// let post = model.entities.iter().find(|entity| entity.name == "Post");
    /// let rules = post.into_iter().flat_map(|post| &post.relations).map(|relation| relation.rule);
    /// assert_eq!(rules.collect::<Vec<_>>(), [Some(OnDelete::Cascade)]);
    /// # Ok::<(), crowsfoot::model::ModelError>(())
    /// ```
    pub fn on_delete(mut self, relation: impl Into<String>, rule: OnDelete) -> Self {
        self.on_delete.insert(relation.into(), rule);
        self
    }

    /// Gives `field` its new name where one of `names` has one.
    pub(super) fn rename_to(&self, field: &mut String, names: &[String]) {
        if let Some(renamed) = names.iter().find_map(|name| self.renamed.get(name)) {
            field.clone_from(renamed);
        }
    }

    /// Whether one of `names` is always generated.
    pub(super) fn generates(&self, names: &[String]) -> bool {
        names.iter().any(|name| self.generated.contains(name))
    }

    /// Whether one of `names` is hidden.
    pub(super) fn hides(&self, names: &[String]) -> bool {
        names.iter().any(|name| self.hidden.contains(name))
    }
}

impl Registry {
    /// No entities.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds the entity `E` as it is.
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

    /// Adds the many-to-many relation that `E` declares to `R` by `Related::via`. Not needed where the junction
    /// itself is registered: it shows the relation in both directions.
    pub fn many_to_many<E, R>(mut self) -> Self
    where
        E: EntityTrait + Related<R>,
        R: EntityTrait,
    {
        match reflect::via::<E, R>() {
            Some(via) => self.via.push(via),
            None => self.faults.push(Fault::NotManyToMany {
                from: E::default().table_name().to_owned(),
                to: R::default().table_name().to_owned(),
            }),
        }
        self
    }

    /// Names a value of a database enum in the schema, where what the database stores does not make a good name.
    pub fn enum_value(
        mut self,
        enumeration: impl Into<String>,
        stored: impl Into<String>,
        name: impl Into<String>,
    ) -> Self {
        self.values.insert((enumeration.into(), stored.into()), name.into());
        self
    }

    /// The model of all that was registered, or every fault that it has.
    pub fn model(self) -> Result<Model, ModelError> {
        assembly::assemble(self)
    }
}
