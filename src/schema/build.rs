//! Builds the schema, type by type.

use std::collections::HashSet;
use std::sync::Arc;

use async_graphql::ValidationMode;
use async_graphql::dynamic::{
    Enum, EnumItem, Field, Object, Scalar as ScalarType, SchemaError, Subscription, SubscriptionField, Type,
    TypeRef,
};

use super::additions::{self, Additions, ApplicationRoots, EntityField};
use super::compiled::DocumentCache;
use super::executor::ExecutorFactory;
use super::introspection::Introspection;
use super::live::LiveRuns;
use super::possible::Possible;
use super::roles::Roles;
use super::writable::Writable;
use super::{QUERY, Schema, inputs, objects, roots, type_system};
use crate::database::Availability;
use crate::execute::{ExecutionLimits, ReadConsistency, Shared};
use crate::guard;
use crate::model::{ColumnType, Entity, Model, Scalar, names};
use crate::plan::{Direction, ListDefaults, Rules};
use crate::policy::Policies;

/// Builder of a [`Schema`], with the user's additions.
pub struct SchemaBuilder {
    model: Model,
    settings: SchemaSettings,
    policies: Option<Policies>,
    additions: Additions,
}

/// Settings that the schemas of all roles share.
#[derive(Clone, Debug)]
pub(super) struct SchemaSettings {
    guard: guard::DocumentLimits,
    limits: ExecutionLimits,
    consistency: ReadConsistency,
    introspection: bool,
    suggestions: bool,
    availability: Availability,
}

impl SchemaBuilder {
    pub(super) fn new(model: Model) -> Self {
        Self {
            model,
            settings: SchemaSettings {
                guard: guard::DocumentLimits::default(),
                limits: ExecutionLimits::default(),
                consistency: ReadConsistency::default(),
                introspection: true,
                suggestions: true,
                availability: Availability::default(),
            },
            policies: None,
            additions: Additions::default(),
        }
    }

    /// Sets the limits of a document.
    pub fn guard(mut self, guard: guard::DocumentLimits) -> Self {
        self.settings.guard = guard;
        self
    }

    /// Sets the limits of a request's database use.
    pub fn limits(mut self, limits: ExecutionLimits) -> Self {
        self.settings.limits = limits;
        self
    }

    /// State of the database that the statements of one query see.
    pub fn read_consistency(mut self, consistency: ReadConsistency) -> Self {
        self.settings.consistency = consistency;
        self
    }

    /// Enables or disables introspection.
    pub fn introspection(mut self, introspection: bool) -> Self {
        self.settings.introspection = introspection;
        self
    }

    /// Enables or disables suggestions in validation errors, which reveal parts of the schema.
    pub fn suggestions(mut self, suggestions: bool) -> Self {
        self.settings.suggestions = suggestions;
        self
    }

    /// Sets the policies: [`Schema::seen_by`] then gives each viewer the schema of the viewer's role. The schema itself
    /// stays that of an administrator.
    pub fn policies(mut self, policies: Policies) -> Self {
        self.policies = Some(policies);
        self
    }

    /// Adds a root field. Administrators alone see it. Its resolver finds the request's [`Session`](crate::execute::Session) as data, in
    /// an `Arc`, and may return rows of an entity through [`rows`](super::rows()).
    pub fn query_field(mut self, field: Field) -> Self {
        self.additions.queries.push(field);
        self
    }

    /// Adds a root field of mutations. Administrators alone see it. The field takes its place among the generated fields of
    /// an operation, in their transaction: an error of any of them rolls back all.
    ///
    /// The resolver finds the request's [`Session`](crate::execute::Session) as data, in an `Arc`, and sends its statements
    /// over [`Session::transaction`](crate::execute::Session::transaction). It may run more than once, as the whole
    /// operation does after a conflict with another one; effects outside the database belong elsewhere. After the commit
    /// all live queries run again, because the tables that the resolver wrote are not known.
    pub fn mutation_field(mut self, field: Field) -> Self {
        self.additions.mutations.push(field);
        self
    }

    /// Adds a root field of subscriptions. Administrators alone see it. Its events are the items of the resolver's stream;
    /// an event may be rows of an entity through [`rows`](super::rows()).
    pub fn subscription_field(mut self, field: SubscriptionField) -> Self {
        self.additions.subscriptions.push(field);
        self
    }

    /// Adds a field to the type of an entity. Administrators alone see it. It is resolved once for all rows of a level.
    pub fn entity_field(mut self, field: EntityField) -> Self {
        self.additions.entity_fields.push(field);
        self
    }

    /// Adds a type for such fields.
    pub fn register(mut self, registered: impl Into<Type>) -> Self {
        self.additions.types.push(registered.into());
        self
    }

    /// Builds the schema.
    ///
    /// # Errors
    /// If an added type exists already, an addition refers to an unknown type, the schema violates type system
    /// validation, or a policy has a fault. Reports all such faults at once.
    ///
    /// # Panics
    /// If an added root field exists already.
    pub fn finish(self) -> Result<Schema, SchemaError> {
        let Self { model, settings, policies, additions } = self;
        // The model of roles lacks the fields of the application.
        let of_roles = policies.is_some().then(|| model.clone());
        let mut schema = settings.build(model, None, additions)?;
        if let (Some(policies), Some(model)) = (policies, of_roles) {
            schema.roles = Some(Arc::new(Roles::new(policies, Arc::new(model), settings)?));
        }
        Ok(schema)
    }
}

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
        let Self { guard, limits, consistency, introspection, suggestions, .. } = *self;
        let resolvers = additions::extend(&mut model, &additions.entity_fields)?;
        // The user's types may use any scalar.
        let (used, adds_types) = (used_scalars(&model, rules.as_ref()), !additions.is_empty());
        let common = Scalar::CUSTOM.into_iter().filter(|scalar| adds_types || used.contains(scalar));
        let native = Scalar::NATIVE.into_iter().filter(|scalar| used.contains(scalar));
        let scalars: Vec<Scalar> = common.chain(native).collect();
        let (possible, writable) = (Possible::new(&model), Writable::new(&model, rules.as_ref()));
        let Additions { queries, mutations, subscriptions, entity_fields, types } = additions;
        let query = queries.into_iter().fold(roots::query(&possible), Object::field);
        // A type without fields is invalid: a role that writes nothing has no mutations.
        let (mutation, written) = super::mutations::root(&writable).unzip();
        let mutation = match mutation {
            None if mutations.is_empty() => None,
            root => {
                let root = root.unwrap_or_else(super::mutations::empty_root);
                Some(mutations.into_iter().fold(root, Object::field))
            }
        };
        let subscription =
            subscriptions.into_iter().fold(roots::subscription(&possible), Subscription::field);
        let built = async_graphql::dynamic::Schema::build(
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
    for (_, column) in model.entities.iter().flat_map(Entity::visible_columns) {
        let of = &column.column_type;
        used.extend(of.scalar());
        if of.operators().arithmetic {
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
