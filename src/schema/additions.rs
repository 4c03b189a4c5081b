//! Fields and types of the application, beside the generated ones.

use std::collections::BTreeSet;
use std::sync::Arc;

use async_graphql::Value;
use async_graphql::dynamic::{Field, SchemaError, SubscriptionField, Type, TypeRef};
use async_graphql::registry::{MetaType, MetaTypeName, Registry};
use futures_util::FutureExt;
use sea_orm::{ColumnTrait, EntityName};

use super::resolver_error::error_of_resolver;
use crate::execute::{FieldBatch, FieldResolver, FieldResolvers, json};
use crate::model::{ComputedField, Entity, EntityId, Model, Relation, Table, names};

/// Fields and types of the application. The schemas of roles have none of them: such a field may return anything,
/// whatever the grants of a role.
#[derive(Default)]
pub(super) struct Additions {
    pub queries: Vec<Field>,
    pub mutations: Vec<Field>,
    pub subscriptions: Vec<SubscriptionField>,
    pub entity_fields: Vec<EntityField>,
    pub types: Vec<Type>,
}

impl Additions {
    /// Returns true without additions.
    pub fn is_empty(&self) -> bool {
        let Self { queries, mutations, subscriptions, entity_fields, types } = self;
        queries.is_empty()
            && mutations.is_empty()
            && subscriptions.is_empty()
            && entity_fields.is_empty()
            && types.is_empty()
    }
}

/// Names of the application's root fields that are not queries.
#[derive(Clone, Debug, Default)]
pub(super) struct ApplicationRoots {
    pub mutations: BTreeSet<String>,
    pub subscriptions: BTreeSet<String>,
}

impl ApplicationRoots {
    /// Returns the root fields that the model does not have.
    pub fn of(registry: &Registry, model: &Model) -> Self {
        let fields = |root: &Option<String>, is_own: &dyn Fn(&str) -> bool| {
            let root = root.as_ref().and_then(|root| registry.types.get(root));
            let fields = root.and_then(MetaType::fields);
            fields.into_iter().flatten().map(|(name, _)| name.clone()).filter(|name| !is_own(name)).collect()
        };
        Self {
            mutations: fields(&registry.mutation_type, &|name| model.mutation_root(name).is_some()),
            subscriptions: fields(&registry.subscription_type, &|name| {
                model.root(name).is_some() || ["node", "nodes"].contains(&name)
            }),
        }
    }
}

/// Field of the application on the type of an entity.
///
/// The field is resolved once for all rows of a level, as a relation is. Its type is a scalar, an enum, or a list of them.
///
/// ```
/// use async_graphql::Value;
/// use async_graphql::dynamic::TypeRef;
/// use crowsfoot::EntityField;
///
/// /// `initial: String!`, the first letter of an author's name.
/// let initial = EntityField::new(
///     "initial",
///     TypeRef::named_nn(TypeRef::STRING),
///     [entity::author::Column::Name],
///     |authors| async move {
///         let names: Vec<String> = authors.column(0)?;
///         Ok(names.iter().map(|name| Value::from(name.chars().take(1).collect::<String>())).collect())
///     },
/// )
/// .description("First letter of the name.");
/// ```
pub struct EntityField {
    pub(super) table: Table,
    pub(super) name: String,
    pub(super) of: TypeRef,
    pub(super) description: Option<String>,
    columns: Vec<String>,
    pub(super) arguments: Vec<(String, TypeRef)>,
    resolver: FieldResolver,
}

impl EntityField {
    /// Creates a field with the columns that it is resolved from, all of one entity. `resolve` returns a value for each row
    /// of a batch, in order. Without a primary key among the columns, rows with equal values still come apart.
    pub fn new<C, F>(
        name: impl Into<String>,
        of: TypeRef,
        columns: impl IntoIterator<Item = C>,
        resolve: impl Fn(FieldBatch) -> F + Send + Sync + 'static,
    ) -> Self
    where
        C: ColumnTrait,
        F: Future<Output = async_graphql::Result<Vec<Value>>> + Send + 'static,
    {
        let entity = C::EntityName::default();
        let resolver = move |batch: FieldBatch| {
            let resolved = resolve(batch);
            let answer = async move {
                let values = resolved.await.map_err(error_of_resolver)?;
                Ok(values.iter().map(json).collect())
            };
            answer.boxed()
        };
        Self {
            table: Table {
                schema: entity.schema_name().map(str::to_owned),
                name: entity.table_name().to_owned(),
            },
            name: name.into(),
            of,
            description: None,
            columns: columns.into_iter().map(|column| column.as_str().to_owned()).collect(),
            arguments: Vec::new(),
            resolver: Arc::new(resolver),
        }
    }

    /// Sets the description in the schema.
    pub fn description(mut self, description: impl Into<String>) -> Self {
        self.description = Some(description.into());
        self
    }

    /// Adds an argument, whose value is among [`FieldBatch::arguments`].
    pub fn argument(mut self, name: impl Into<String>, of: TypeRef) -> Self {
        self.arguments.push((name.into(), of));
        self
    }
}

/// Adds the fields of entities to a model, and returns their resolvers.
///
/// # Errors
/// All fields whose entity, column or name does not fit the model, at once.
pub(super) fn extend(model: &mut Model, fields: &[EntityField]) -> Result<FieldResolvers, SchemaError> {
    let mut resolvers = FieldResolvers::default();
    let mut faults = Vec::new();
    for field in fields {
        match computed(model, field, resolvers.0.len()) {
            Ok((entity, computed)) => {
                model.computed.entry(entity).or_default().insert(field.name.clone(), computed);
                resolvers.0.push(field.resolver.clone());
            }
            Err(fault) => faults.push(format!("field {} of table {}: {fault}", field.name, field.table)),
        }
    }
    match faults.is_empty() {
        true => Ok(resolvers),
        false => Err(faults.join("\n").into()),
    }
}

fn computed(
    model: &Model,
    field: &EntityField,
    resolver: usize,
) -> Result<(EntityId, ComputedField), String> {
    let id = model.entity_of_table(&field.table).filter(|id| model.entities[*id].exposed);
    let id = id.ok_or("the entity is not a type of the schema; register the entity")?;
    let entity = &model.entities[id];
    if has_field(entity, &field.name) || model.computed_field(id, &field.name).is_some() {
        return Err(format!("{} has a field of this name already; choose another name", entity.name));
    }
    if !entity.has_key() {
        return Err(format!("{} has no key, by which the rows of a batch come apart", entity.name));
    }
    let column = |name: &String| {
        let place = entity.columns.iter().position(|column| column.name == *name);
        place.ok_or_else(|| format!("the entity has no column {name}"))
    };
    Ok((
        id,
        ComputedField {
            columns: field.columns.iter().map(column).collect::<Result<_, _>>()?,
            arguments: field.arguments.iter().map(|(name, _)| name.clone()).collect(),
            non_null: matches!(field.of, TypeRef::NonNull(_)),
            resolver,
        },
    ))
}

fn has_field(entity: &Entity, name: &str) -> bool {
    let is_of_relation = |relation: &Relation| {
        name == relation.field
            || relation.is_many()
                && [names::connection_field(&relation.field), names::aggregate_field(&relation.field)]
                    .iter()
                    .any(|field| field == name)
    };
    name == names::NODE_ID
        || entity.column_of_field(name).is_some()
        || entity.relations.iter().any(is_of_relation)
}

/// Returns the fields of entities whose type has fields itself: their values are written as they are.
pub(super) fn faults(registry: &Registry, fields: &[EntityField]) -> Vec<String> {
    let has_fields = |field: &&EntityField| {
        let of = field.of.to_string();
        let named = registry.types.get(MetaTypeName::concrete_typename(&of));
        named.is_some_and(|of| !matches!(of, MetaType::Scalar { .. } | MetaType::Enum { .. }))
    };
    let described = |field: &EntityField| {
        format!(
            "field {} of table {}: expected a scalar, an enum, or a list of them, but the type is {}",
            field.name, field.table, field.of
        )
    };
    fields.iter().filter(has_fields).map(described).collect()
}
