//! Input types: filters and orders.

use async_graphql::dynamic::{InputObject, InputValue, Type, TypeRef};

use super::possible::Possible;
use crate::model::{ColumnType, Entity, Model, Operators, Relation, names};
use crate::plan::REGEX_DESCRIPTION;

/// Builds all input types of a model.
pub(super) fn types(possible: &Possible) -> Vec<Type> {
    let model = possible.model;
    let mut types: Vec<Type> = Vec::new();
    for (name, operators) in used_types(model) {
        types.push(scalar_filter(name, operators).into());
    }
    for (id, entity) in model.exposed() {
        types.push(filter(model, entity).into());
        types.extend(model.leading_to(id).any(Relation::is_many).then(|| list_filter(entity).into()));
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
        "What {name} values are compared to; several operators must all hold. A missing value satisfies none but isNull."
    ));
    if operators.equality {
        filter = filter
            .field(field("eq", one(), "Equal."))
            .field(field("ne", one(), "Not equal."))
            .field(field("in", many(), "One of these; an empty list holds for nothing."))
            .field(field("notIn", many(), "None of these."));
    }
    if operators.comparison {
        filter = filter
            .field(field("lt", one(), "Less."))
            .field(field("lte", one(), "Less or equal."))
            .field(field("gt", one(), "Greater."))
            .field(field("gte", one(), "Greater or equal."));
    }
    if operators.text {
        for (operator, description) in TEXT_OPERATORS {
            filter = filter.field(field(operator, one(), description));
        }
    }
    filter.field(field("isNull", TypeRef::named(TypeRef::BOOLEAN), "Missing (true) or present (false)."))
}

const TEXT_OPERATORS: [(&str, &str); 10] = [
    ("contains", "Has this in it; % and _ are letters like others."),
    ("startsWith", "Begins with this."),
    ("endsWith", "Ends with this."),
    ("like", "Fits this pattern: % is any text, _ any letter, a backslash makes a letter of either."),
    (
        "iEq",
        "Equal, ignoring case: letters are equal that Unicode's simple case folding makes equal (σ and ς, but not ß and ss).",
    ),
    ("iContains", "Has this in it, ignoring case."),
    ("iStartsWith", "Begins with this, ignoring case."),
    ("iEndsWith", "Ends with this, ignoring case."),
    ("iLike", "Fits this pattern, ignoring case."),
    ("regex", REGEX_DESCRIPTION),
];

fn filter(model: &Model, entity: &Entity) -> InputObject {
    let name = &entity.types.filter;
    let mut filter = InputObject::new(name).description(format!(
        "Conditions on {} objects; all must hold, and an empty filter always does.",
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
                .description("There is one and this holds for it; {} asks only whether there is one.")
        };
        filter = filter.field(input);
    }
    filter
        .field(InputValue::new("and", TypeRef::named_nn_list(name)).description("All of these hold."))
        .field(
            InputValue::new("or", TypeRef::named_nn_list(name)).description("At least one of these holds."),
        )
        .field(InputValue::new("not", TypeRef::named(name)).description("This does not hold."))
}

fn list_filter(entity: &Entity) -> InputObject {
    let of = || TypeRef::named(&entity.types.filter);
    InputObject::new(&entity.types.list_filter)
        .description(format!("Conditions on a list of {} objects.", entity.name))
        .field(InputValue::new("some", of()).description("All of this holds for at least one of them."))
        .field(InputValue::new("every", of()).description("This holds for each of them, or there are none."))
        .field(InputValue::new("none", of()).description("This holds for none of them."))
}

fn order(possible: &Possible, entity: &Entity) -> InputObject {
    let direction = || TypeRef::named("Direction");
    let mut order = InputObject::new(&entity.types.order)
        .description(format!("One thing that {} objects are ordered by.", entity.name))
        .oneof();
    for (_, column) in entity.visible_columns() {
        if ColumnType::sortable(&column.column_type) {
            order = order.field(InputValue::new(&column.field, direction()));
        }
    }
    for relation in entity.relations.iter().filter(|one| one.is_many() || possible.orders(one.target)) {
        let input = if relation.is_many() {
            InputValue::new(names::count_order(&relation.field), direction())
                .description(format!("By how many there are in {}.", relation.field))
        } else {
            let target = &possible.model.entities[relation.target].types;
            InputValue::new(&relation.field, TypeRef::named(&target.order))
        };
        order = order.field(input);
    }
    order
}
