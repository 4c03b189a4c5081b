//! Input types: filters and orders.

use std::collections::HashSet;

use async_graphql::dynamic::{InputObject, InputValue, Type, TypeRef};

use super::column_types::column_type;
use super::possible::Possible;
use crate::dialect::REGEX_DESCRIPTION;
use crate::model::{ColumnType, Combinator, Entity, Model, Operator, Quantifier, Relation, names};

/// Builds all input types of a model.
pub(super) fn types(possible: &Possible) -> Vec<Type> {
    let model = possible.model;
    let mut types: Vec<Type> = Vec::new();
    for of in used_types(model) {
        types.push(scalar_filter(model, &of).into());
    }
    for (id, entity) in model.exposed() {
        types.push(filter(model, entity).into());
        types.extend(model.incoming_relations(id).any(Relation::is_many).then(|| list_filter(entity).into()));
        types.extend(possible.orders(id).then(|| order(possible, entity).into()));
    }
    types
}

/// Returns the scalars and enums that filters need, each once.
fn used_types(model: &Model) -> Vec<ColumnType> {
    let mut used: Vec<ColumnType> = Vec::new();
    let mut names = HashSet::new();
    let columns = model.exposed().flat_map(|(_, entity)| entity.visible_columns());
    let types = columns.flat_map(|(_, column)| {
        // The length of a list is an integer.
        let length = column.column_type.operators().length.then_some(ColumnType::Int);
        std::iter::once(column.column_type.clone()).chain(length)
    });
    for of in types {
        if names.insert(model.filter_name(&of)) {
            used.push(of);
        }
    }
    used
}

fn scalar_filter(model: &Model, of: &ColumnType) -> InputObject {
    let what = if matches!(of, ColumnType::List(_)) { "lists of " } else { "" };
    let name = model.type_name(of);
    let filter = InputObject::new(model.filter_name(of)).description(format!(
        "Comparison operators for {what}{name} values. All given operators must match; null matches only `isNull`."
    ));
    Operator::ALL.into_iter().filter(|operator| operator.is_among(of.operators())).fold(
        filter,
        |filter, operator| {
            let (of, description) = operand(operator, model, of);
            filter.field(InputValue::new(operator.name(), of).description(description))
        },
    )
}

/// Returns the type of an operator's operand, and the description of the operator.
fn operand(operator: Operator, model: &Model, of: &ColumnType) -> (TypeRef, &'static str) {
    let one = |description| (column_type(model, of, true), description);
    let many = |description| (TypeRef::named_nn_list(model.type_name(of)), description);
    let flag = |description| (TypeRef::named(TypeRef::BOOLEAN), description);
    match operator {
        Operator::Equal => one("Equals this value."),
        Operator::NotEqual => one("Differs from this value."),
        Operator::In => many("Equals one of these values; an empty list matches nothing."),
        Operator::NotIn => many("Equals none of these values."),
        Operator::Less => one("Is less than this value."),
        Operator::LessOrEqual => one("Is less than or equal to this value."),
        Operator::Greater => one("Is greater than this value."),
        Operator::GreaterOrEqual => one("Is greater than or equal to this value."),
        Operator::Contains if of.operators().sets => one("Contains all of this value."),
        Operator::ContainedBy => one("Lies within this value."),
        Operator::Overlaps => one("Has a part in common with this value."),
        Operator::IsEmpty => flag("Is empty (true) or not empty (false)."),
        Operator::Length => {
            (TypeRef::named(model.filter_name(&ColumnType::Int)), "Conditions on the number of items.")
        }
        Operator::Contains => one("Contains this text; % and _ have no special meaning."),
        Operator::StartsWith => one("Begins with this text."),
        Operator::EndsWith => one("Ends with this text."),
        Operator::Like => one(
            "Matches this pattern: % stands for any text, _ for any one character; a backslash escapes either.",
        ),
        Operator::EqualIgnoringCase => one(
            "Equals this text, ignoring case by Unicode simple case folding: σ equals ς, but ß does not equal ss.",
        ),
        Operator::ContainsIgnoringCase => one("Contains this text, ignoring case."),
        Operator::StartsWithIgnoringCase => one("Begins with this text, ignoring case."),
        Operator::EndsWithIgnoringCase => one("Ends with this text, ignoring case."),
        Operator::LikeIgnoringCase => one("Matches this pattern, ignoring case."),
        Operator::Regex => one(REGEX_DESCRIPTION),
        Operator::IsNull => flag("Is null (true) or not null (false)."),
    }
}

fn filter(model: &Model, entity: &Entity) -> InputObject {
    let name = &entity.types.filter;
    let mut filter = InputObject::new(name).description(format!(
        "Conditions on {} objects. All of them must hold; an empty filter matches every object.",
        entity.name
    ));
    for (_, column) in entity.visible_columns() {
        let of = model.filter_name(&column.column_type);
        filter = filter.field(InputValue::new(&column.field, TypeRef::named(of)));
    }
    for relation in &entity.relations {
        let target = &model.entities[relation.target].types;
        let input = if relation.is_many() {
            InputValue::new(&relation.field, TypeRef::named(&target.list_filter))
        } else {
            InputValue::new(&relation.field, TypeRef::named(&target.filter))
                .description("Matches if the related object exists and matches this filter; {} matches any related object.")
        };
        filter = filter.field(input);
    }
    Combinator::ALL.into_iter().fold(filter, |filter, combinator| {
        let (of, description) = match combinator {
            Combinator::And => (TypeRef::named_nn_list(name), "Matches if all of these filters match."),
            Combinator::Or => {
                (TypeRef::named_nn_list(name), "Matches if at least one of these filters matches.")
            }
            Combinator::Not => (TypeRef::named(name), "Matches if this filter does not match."),
        };
        filter.field(InputValue::new(combinator.name(), of).description(description))
    })
}

fn list_filter(entity: &Entity) -> InputObject {
    let filter = InputObject::new(&entity.types.list_filter)
        .description(format!("Conditions on a list of {} objects.", entity.name));
    Quantifier::ALL.into_iter().fold(filter, |filter, quantifier| {
        let description = match quantifier {
            Quantifier::Some => "Matches if at least one object of the list matches this filter.",
            Quantifier::Every => {
                "Matches if every object of the list matches this filter, or the list is empty."
            }
            Quantifier::None => "Matches if no object of the list matches this filter.",
        };
        let of = TypeRef::named(&entity.types.filter);
        filter.field(InputValue::new(quantifier.name(), of).description(description))
    })
}

fn order(possible: &Possible, entity: &Entity) -> InputObject {
    let direction = || TypeRef::named("Direction");
    let mut order = InputObject::new(&entity.types.order)
        .description(format!("Sort key of {} objects.", entity.name))
        .oneof();
    for (_, column) in entity.visible_columns() {
        if ColumnType::sortable(&column.column_type) {
            order = order.field(InputValue::new(&column.field, direction()));
        }
    }
    for relation in entity.relations.iter().filter(|relation| possible.orders_by(relation)) {
        let input = if relation.is_many() {
            InputValue::new(names::count_order(&relation.field), direction())
                .description(format!("Sorts by the number of objects in `{}`.", relation.field))
        } else {
            let target = &possible.model.entities[relation.target].types;
            InputValue::new(&relation.field, TypeRef::named(&target.order))
        };
        order = order.field(input);
    }
    order
}
