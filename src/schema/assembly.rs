//! Assembles the schema of a model, type by type.

use std::collections::HashSet;
use std::sync::Arc;

use async_graphql::ValidationMode;
use async_graphql::dynamic::{
    self, Enum, EnumItem, Object, Scalar as ScalarType, SchemaError, Subscription, Type, TypeRef,
};

use super::additions::{self, Additions, ApplicationRoots};
use super::compiled::DocumentCache;
use super::definition::{Schema, SchemaSettings};
use super::delegation::ExecutorFactory;
use super::introspection::Introspection;
use super::live_runs::LiveRuns;
use super::possible::Possible;
use super::writable::Writable;
use super::{inputs, mutations, objects, roots, type_system};
use crate::execute::Shared;
use crate::guard;
use crate::model::names::{self, QUERY};
use crate::model::{ColumnType, Entity, Model, Scalar};
use crate::plan::{Direction, ListDefaults, Rules};

impl SchemaSettings {
    /// Builds the schema of a model, with the rules of a role.
    pub(super) fn build(
        &self,
        mut model: Model,
        rules: Option<Rules>,
        additions: Additions,
    ) -> Result<Schema, SchemaError> {
        let defaults = match &rules {
            None => ListDefaults::compile(&model),
            Some(rules) => ListDefaults::of_role(&model, rules.model()),
        };
        let defaults = defaults
            .map_err(|faults| format!("the options of entities have faults:\n  {}", faults.join("\n  ")))?;
        let Self { guard, limits, consistency, isolation, request_rate, introspection, suggestions, .. } =
            *self;
        let resolvers = additions::extend(&mut model, &additions.entity_fields)?;
        // The user's types may use any scalar.
        let (used, adds_types) = (used_scalars(&model, rules.as_ref()), !additions.is_empty());
        let common = Scalar::CUSTOM.into_iter().filter(|scalar| adds_types || used.contains(scalar));
        let native = Scalar::NATIVE.into_iter().filter(|scalar| used.contains(scalar));
        let scalars: Vec<Scalar> = common.chain(native).collect();
        let (possible, writable) = (Possible::new(&model), Writable::new(&model, rules.as_ref()));
        let Additions { queries, mutations: own_mutations, subscriptions, entity_fields, types } = additions;
        let query = queries.into_iter().fold(roots::query(&possible), Object::field);
        // A type without fields is invalid: a role that writes nothing has no mutations.
        let (mutation, written) = mutations::root(&writable).unzip();
        let mutation = match mutation {
            None if own_mutations.is_empty() => None,
            root => {
                let root = root.unwrap_or_else(mutations::empty_root);
                Some(own_mutations.into_iter().fold(root, Object::field))
            }
        };
        let subscription =
            subscriptions.into_iter().fold(roots::subscription(&possible), Subscription::field);
        let built = dynamic::Schema::build(
            QUERY,
            mutation.as_ref().map(Object::type_name),
            Some(subscription.type_name()),
        )
        // Documents are validated earlier: see [`super::validate`].
        .validation_mode(ValidationMode::Fast)
        // The guard has counted the same levels before.
        .limit_recursive_depth(guard::DocumentLimits::DEEPEST)
        .extension(ExecutorFactory);
        let built = if suggestions { built } else { built.disable_suggestions() };
        let mut all: Vec<Type> = std::iter::once(query).chain(mutation).map(Type::from).collect();
        all.push(subscription.into());
        all.extend(scalars.into_iter().map(scalar).chain([direction().into()]));
        all.extend(enumerations(&model));
        all.extend(inputs::types(&possible));
        all.extend(objects::with_application_fields(&model, &entity_fields, objects::types(&possible)));
        all.extend(written.into_iter().flatten());
        // async-graphql would replace the earlier of two types with the later.
        let mut taken: HashSet<String> = all.iter().map(|own| type_name(own).to_owned()).collect();
        taken.extend(names::FIXED_TYPES.map(str::to_owned));
        for name in types.iter().map(type_name) {
            if !taken.insert(name.to_owned()) {
                return Err(format!("type {name} already exists; give the added type another name").into());
            }
        }
        let inner = all.into_iter().chain(types).fold(built, |built, one| built.register(one)).finish()?;
        let mut faults = type_system::faults(inner.registry());
        faults.extend(additions::faults(inner.registry(), &entity_fields));
        if !faults.is_empty() {
            return Err(format!("the schema is not valid:\n  {}", faults.join("\n  ")).into());
        }
        let application = Arc::new(ApplicationRoots::of(inner.registry(), &model));
        let model = Arc::new(model);
        let introspection = introspection.then(|| Introspection::of(inner.registry()));
        Ok(Schema {
            inner,
            shared: Arc::new(Shared {
                model,
                rules,
                defaults,
                limits,
                consistency,
                isolation,
                resolvers,
                availability: self.availability.clone(),
            }),
            application,
            guard,
            live: LiveRuns::default(),
            documents: DocumentCache::new(guard),
            introspection,
            roles: None,
            viewer: Arc::default(),
            impersonation: None,
            request_rate,
        })
    }
}

fn type_name(registered: &Type) -> &str {
    match registered {
        Type::Scalar(scalar) => scalar.type_name(),
        Type::Object(object) => object.type_name(),
        Type::InputObject(input) => input.type_name(),
        Type::Enum(one) => one.type_name(),
        Type::Interface(interface) => interface.type_name(),
        Type::Union(union) => union.type_name(),
        Type::Subscription(subscription) => subscription.type_name(),
        Type::Upload => TypeRef::UPLOAD,
    }
}

fn enumerations(model: &Model) -> impl Iterator<Item = Type> {
    model.enumerations.iter().filter(|enumeration| enumeration.exposed).map(|enumeration| {
        let items = enumeration
            .variants
            .iter()
            .map(|(name, stored)| EnumItem::new(name).description(format!("Stored as `{stored}`.")));
        Enum::new(&enumeration.name).items(items).into()
    })
}

/// Returns the scalars of columns and of their aggregates: introspection would hide unused ones.
fn used_scalars(model: &Model, rules: Option<&Rules>) -> HashSet<Scalar> {
    let mut used = HashSet::new();
    let given = rules.iter().flat_map(|rules| rules.given_columns());
    used.extend(given.filter_map(|(id, column)| model.entities[id].columns[column].column_type.scalar()));
    let columns_of = |entity| Entity::visible_columns(entity).map(|column| (entity.aggregated, column));
    for (aggregated, (_, column)) in model.entities.iter().flat_map(columns_of) {
        let of = &column.column_type;
        used.extend(of.scalar());
        if aggregated && of.operators().arithmetic {
            used.extend([of.sum(), of.average()].iter().filter_map(ColumnType::scalar));
        }
    }
    used
}

fn scalar(scalar: Scalar) -> Type {
    let built = ScalarType::new(scalar.name()).description(scalar.description());
    match scalar.specified_by() {
        Some(url) => built.specified_by_url(url).into(),
        None => built.into(),
    }
}

fn direction() -> Enum {
    let items = Direction::ALL.iter().map(|(name, direction)| {
        let order = if direction.descending { "Descending" } else { "Ascending" };
        let nulls = if direction.nulls_first { "nulls first" } else { "nulls last" };
        EnumItem::new(*name).description(format!("{order}, {nulls}."))
    });
    Enum::new("Direction").description("Sort direction and placement of nulls.").items(items)
}
