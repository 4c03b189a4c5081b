//! Input types: filters and orders.

use async_graphql::dynamic::{InputObject, InputValue, Type, TypeRef};

use super::possible::Possible;
use crate::dialect::REGEX_DESCRIPTION;
use crate::model::{ColumnType, Entity, Model, Operators, Relation, names};

/// Builds all input types of a model.
pub(super) fn types(possible: &Possible) -> Vec<Type> {
    let model = possible.model;
    let mut types: Vec<Type> = Vec::new();
    for (name, operators) in used_types(model) {
        types.push(scalar_filter(name, operators).into());
    }
    for (id, entity) in model.exposed() {
        types.push(filter(model, entity).into());
        types.extend(model.incoming_relations(id).any(Relation::is_many).then(|| list_filter(entity).into()));
        types.extend(possible.orders(id).then(|| order(possible, entity).into()));
    }
    types
}

/// Returns the scalars and enums that filters need, each once.
fn used_types(model: &Model) -> Vec<(&str, Operators)> {
    let mut used: Vec<(&str, Operators)> = Vec::new();
    for (_, entity) in model.exposed() {
        for (_, column) in entity.visible_columns() {
            let name = model.type_name(&column.column_type);
            if !used.iter().any(|(known, _)| *known == name) {
                used.push((name, column.column_type.operators()));
            }
        }
    }
    used
}

fn scalar_filter(name: &str, operators: Operators) -> InputObject {
    let field = |operator: &str, of: TypeRef, description: &str| {
        InputValue::new(operator, of).description(description)
    };
    let one = || TypeRef::named(name);
    let many = || TypeRef::named_nn_list(name);
    let mut filter = InputObject::new(names::scalar_filter(name)).description(format!(
        "Comparison operators for {name} values. All given operators must match; null matches only `isNull`."
    ));
    if operators.equality {
        filter = filter
            .field(field("eq", one(), "Equals this value."))
            .field(field("ne", one(), "Differs from this value."))
            .field(field("in", many(), "Equals one of these values; an empty list matches nothing."))
            .field(field("notIn", many(), "Equals none of these values."));
    }
    if operators.comparison {
        filter = filter
            .field(field("lt", one(), "Is less than this value."))
            .field(field("lte", one(), "Is less than or equal to this value."))
            .field(field("gt", one(), "Is greater than this value."))
            .field(field("gte", one(), "Is greater than or equal to this value."));
    }
    if operators.text {
        for (operator, description) in TEXT_OPERATORS {
            filter = filter.field(field(operator, one(), description));
        }
    }
    filter.field(field("isNull", TypeRef::named(TypeRef::BOOLEAN), "Is null (true) or not null (false)."))
}

const TEXT_OPERATORS: [(&str, &str); 10] = [
    ("contains", "Contains this text; % and _ have no special meaning."),
    ("startsWith", "Begins with this text."),
    ("endsWith", "Ends with this text."),
    (
        "like",
        "Matches this pattern: % stands for any text, _ for any one character; a backslash escapes either.",
    ),
    (
        "iEq",
        "Equals this text, ignoring case by Unicode simple case folding: σ equals ς, but ß does not equal ss.",
    ),
    ("iContains", "Contains this text, ignoring case."),
    ("iStartsWith", "Begins with this text, ignoring case."),
    ("iEndsWith", "Ends with this text, ignoring case."),
    ("iLike", "Matches this pattern, ignoring case."),
    ("regex", REGEX_DESCRIPTION),
];

fn filter(model: &Model, entity: &Entity) -> InputObject {
    let name = &entity.types.filter;
    let mut filter = InputObject::new(name).description(format!(
        "Conditions on {} objects. All of them must hold; an empty filter matches every object.",
        entity.name
    ));
    for (_, column) in entity.visible_columns() {
        let of = names::scalar_filter(model.type_name(&column.column_type));
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
    filter
        .field(
            InputValue::new("and", TypeRef::named_nn_list(name))
                .description("Matches if all of these filters match."),
        )
        .field(
            InputValue::new("or", TypeRef::named_nn_list(name))
                .description("Matches if at least one of these filters matches."),
        )
        .field(
            InputValue::new("not", TypeRef::named(name))
                .description("Matches if this filter does not match."),
        )
}

fn list_filter(entity: &Entity) -> InputObject {
    let of = || TypeRef::named(&entity.types.filter);
    InputObject::new(&entity.types.list_filter)
        .description(format!("Conditions on a list of {} objects.", entity.name))
        .field(
            InputValue::new("some", of())
                .description("Matches if at least one object of the list matches this filter."),
        )
        .field(
            InputValue::new("every", of()).description(
                "Matches if every object of the list matches this filter, or the list is empty.",
            ),
        )
        .field(
            InputValue::new("none", of())
                .description("Matches if no object of the list matches this filter."),
        )
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
    for relation in entity.relations.iter().filter(|one| one.is_many() || possible.orders(one.target)) {
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
