//! Default orders and scopes of lists, compiled from the options of entities.

use std::collections::{BTreeMap, BTreeSet};

use async_graphql_value::Value as Written;

use super::filter::Filter;
use super::input::Input;
use super::order::OrderTerm;
use super::variables::Variables;
use crate::error::Result;
use crate::guard;
use crate::model::{Entity, EntityId, Model};

/// Default order and scope of each entity that has them.
#[derive(Debug, Default)]
pub struct ListDefaults {
    orders: BTreeMap<EntityId, Vec<OrderTerm>>,
    scopes: BTreeMap<EntityId, Filter>,
}

impl ListDefaults {
    /// Compiles the options of a full model.
    ///
    /// # Errors
    /// All orders and scopes that cannot be read, or that name anything the model does not have.
    pub fn compile(model: &Model) -> std::result::Result<Self, Vec<String>> {
        let mut defaults = Self::default();
        let mut faults = Vec::new();
        for (id, entity) in model.entities.iter().enumerate() {
            let mut fault = |option: &str, message: String| {
                faults.push(format!("{}: {option}: {message}", entity.name));
            };
            match entity.order_by.as_deref().map(|text| read_order(model, id, text)) {
                None => {}
                Some(Err(message)) => fault("order_by", message),
                Some(Ok(terms)) => {
                    let (terms, refused): (Vec<_>, Vec<_>) = terms.into_iter().partition(Result::is_ok);
                    refused.into_iter().filter_map(Result::err).for_each(|error| {
                        fault("order_by", error.message().to_owned());
                    });
                    defaults.orders.insert(id, terms.into_iter().flatten().collect());
                }
            }
            match entity.scope.as_deref().map(|text| read_scope(model, id, text)) {
                None => {}
                Some(Err(message)) => fault("scope", message),
                Some(Ok(filter)) => drop(defaults.scopes.insert(id, filter)),
            }
        }
        if faults.is_empty() { Ok(defaults) } else { Err(faults) }
    }

    /// Compiles the options for the model of a role, a restriction of the `full` model. Sort keys that the role does not read
    /// are left out; scopes see everything.
    ///
    /// # Errors
    /// Errors of the full model.
    pub fn of_role(model: &Model, full: &Model) -> std::result::Result<Self, Vec<String>> {
        let mut defaults = Self::compile(full)?;
        for (id, order) in &mut defaults.orders {
            let entity: &Entity = &model.entities[*id];
            let terms = entity.order_by.as_deref().map(|text| read_order(model, *id, text));
            *order = terms.into_iter().flatten().flatten().flatten().collect();
        }
        for scope in defaults.scopes.values_mut() {
            *scope = Filter::OfFullModel(Box::new(std::mem::replace(scope, Filter::everything())));
        }
        Ok(defaults)
    }

    /// Returns the default order of an entity's lists, which is not yet total.
    pub(super) fn order(&self, id: EntityId) -> &[OrderTerm] {
        self.orders.get(&id).map_or(&[], Vec::as_slice)
    }

    /// Returns the filter of an entity's list: the client's within the scope.
    pub(super) fn within_scope(&self, id: EntityId, filter: Filter) -> Filter {
        match self.scopes.get(&id) {
            None => filter,
            Some(scope) if filter.is_everything() => scope.clone(),
            Some(scope) => Filter::All(vec![scope.clone(), filter]),
        }
    }
}

/// Reads the terms of an order, each on its own.
fn read_order(
    model: &Model,
    id: EntityId,
    text: &str,
) -> std::result::Result<Vec<Result<OrderTerm>>, String> {
    let written = literal(text)?;
    let variables = Variables::default();
    let terms = Input::option("orderBy", &written, &variables).list();
    Ok(terms.iter().map(|term| OrderTerm::read_term(model, id, term)).collect())
}

fn read_scope(model: &Model, id: EntityId, text: &str) -> std::result::Result<Filter, String> {
    let written = literal(text)?;
    let variables = Variables::default();
    let filter = Filter::read(model, id, &Input::option("where", &written, &variables));
    filter.map_err(|error| error.message().to_owned())
}

fn literal(text: &str) -> std::result::Result<Written, String> {
    let written = guard::literal(text)?.ok_or_else(|| format!("expected one value, but got {text}"))?;
    let mut names = BTreeSet::new();
    variables_of(&written, &mut names);
    match names.first() {
        Some(name) => Err(format!("expected no variable, but got ${name}")),
        None => Ok(written),
    }
}

fn variables_of(written: &Written, found: &mut BTreeSet<String>) {
    match written {
        Written::Variable(name) => drop(found.insert(name.to_string())),
        Written::List(items) => items.iter().for_each(|item| variables_of(item, found)),
        Written::Object(fields) => fields.values().for_each(|value| variables_of(value, found)),
        _ => {}
    }
}
