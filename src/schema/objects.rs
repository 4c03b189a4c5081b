//! Output types. Their fields only read data that was loaded before.

use std::collections::BTreeMap;

use async_graphql::dynamic::{Field, InputValue, Interface, InterfaceField, Object, Type, TypeRef};

use super::additions::EntityField;
use super::column_types::column_type;
use super::field::{FieldDefinition, object_field, scalar_field};
use super::possible::Possible;
use crate::model::names::ConnectionTypes;
use crate::model::{
    AggregateFunction, Cardinality, Column, Declaration, Entity, EntityId, Model, Relation, RelationId, names,
};

/// Builds all output types of a model.
pub(super) fn types(possible: &Possible) -> Vec<Type> {
    let model = possible.model;
    let mut types: Vec<Type> = Vec::new();
    if model.has_nodes() {
        types.extend([node().into(), page_info().into()]);
    }
    for (id, entity) in model.exposed() {
        types.push(object(possible, id).into());
        if entity.has_key() {
            types.extend(connection(entity, &entity.types.pages, Vec::new()));
        }
        if entity.aggregated {
            types.extend(aggregates(model, entity));
        }
        for relation_id in 0..entity.relations.len() {
            types.extend(junction_connection(model, id, relation_id).into_iter().flatten());
        }
    }
    types
}

fn node() -> Interface {
    let id = InterfaceField::new(names::NODE_ID, TypeRef::named_nn(TypeRef::ID))
        .description("Globally unique identifier of the object.");
    Interface::new("Node")
        .description("Object that can be fetched by its globally unique identifier.")
        .field(id)
}

fn page_info() -> Object {
    let field = |name: &str, of: TypeRef, description: &str| scalar_field(name, of).description(description);
    Object::new("PageInfo")
        .description("Position of a page within its connection.")
        .field(field(
            "hasNextPage",
            TypeRef::named_nn(TypeRef::BOOLEAN),
            "Indicates whether more edges follow this page.",
        ))
        .field(field(
            "hasPreviousPage",
            TypeRef::named_nn(TypeRef::BOOLEAN),
            "Indicates whether more edges precede this page.",
        ))
        .field(field(
            "startCursor",
            TypeRef::named(TypeRef::STRING),
            "Cursor of the first edge; null if the page is empty.",
        ))
        .field(field(
            "endCursor",
            TypeRef::named(TypeRef::STRING),
            "Cursor of the last edge; null if the page is empty.",
        ))
}

fn object(possible: &Possible, id: EntityId) -> Object {
    let model = possible.model;
    let entity = &model.entities[id];
    let mut object = Object::new(&entity.name);
    if let Some(description) = &entity.description {
        object = object.description(description);
    }
    if entity.has_key() {
        object = object.implement("Node").field(
            scalar_field(names::NODE_ID, TypeRef::named_nn(TypeRef::ID))
                .description("Globally unique identifier of the object."),
        );
    }
    for (_, column) in entity.visible_columns() {
        object = object.field(column_field(model, column));
    }
    for (relation_id, relation) in entity.relations.iter().enumerate() {
        let target = &model.entities[relation.target];
        if relation.is_many() {
            let fields = list_fields(possible, &relation.field, relation.target, Some((id, relation_id)));
            for (place, field) in fields.into_iter().enumerate() {
                let field = match &relation.description {
                    Some(text) if place == 0 => field.description(text),
                    _ => field,
                };
                object = object.field(field.into_object_field());
            }
        } else {
            object = object.field(to_one(entity, target, relation));
        }
    }
    object
}

fn column_field(model: &Model, column: &Column) -> Field {
    let field = scalar_field(&column.field, column_type(model, &column.column_type, column.nullable));
    match &column.description {
        Some(description) => field.description(description),
        None => field,
    }
}

fn to_one(entity: &Entity, target: &Entity, relation: &Relation) -> Field {
    let of = match relation.cardinality {
        Cardinality::One => TypeRef::named_nn(&target.name),
        _ => TypeRef::named(&target.name),
    };
    let description = match (relation.declaration, relation.cardinality) {
        (Declaration::BelongsTo, Cardinality::One) => {
            format!("{} that this {} references.", target.name, entity.name)
        }
        (Declaration::BelongsTo, _) => {
            format!("{} that this {} references; null if none.", target.name, entity.name)
        }
        _ => {
            format!("{} that references this {}; null if none.", target.name, entity.name)
        }
    };
    object_field(&relation.field, of).description(relation.description.as_ref().unwrap_or(&description))
}

/// Builds a list field, its aggregate, and its connection if it has one, for roots and objects alike.
pub(super) fn list_fields(
    possible: &Possible,
    list: &str,
    target: EntityId,
    relation: Option<(EntityId, RelationId)>,
) -> Vec<FieldDefinition> {
    let model = possible.model;
    let entity @ Entity { name, types, list_limit, .. } = &model.entities[target];
    let whose = match relation {
        Some((owner, _)) => format!(" of this {}", model.entities[owner].name),
        None => String::new(),
    };
    let filter = || {
        InputValue::new("where", TypeRef::named(&types.filter))
            .description("Filter that the rows must match; all rows if omitted.")
    };
    let ordered = |field: FieldDefinition| {
        if !possible.orders(target) {
            return field;
        }
        field.argument(InputValue::new("orderBy", TypeRef::named_nn_list(&types.order)).description(
            match entity.has_key() {
                true => "Sort keys in order of priority; the primary key breaks ties.",
                false => "Sort keys in order of priority; the columns in their order break ties.",
            },
        ))
    };
    let number = |name: &str, description: &str| {
        InputValue::new(name, TypeRef::named(TypeRef::INT)).description(description)
    };
    let cursor = |name: &str, description: &str| {
        InputValue::new(name, TypeRef::named(TypeRef::STRING)).description(description)
    };
    let omitted = list_limit
        .map_or_else(|| "unlimited if omitted".to_owned(), |most| format!("{most} at most, and if omitted"));
    let rows = ordered(
        FieldDefinition::new(list, TypeRef::named_nn_list_nn(name))
            .description(format!("Lists {name} objects{whose}."))
            .argument(filter()),
    )
    .argument(number("limit", &format!("Maximum number of rows to return; {omitted}.")))
    .argument(number("offset", "Number of rows to skip; 0 if omitted."));
    let pages = model.has_connection(target, relation).then(|| {
        let of = TypeRef::named_nn(model.connection_types(target, relation).connection);
        ordered(
            FieldDefinition::new(names::connection_field(list), of)
                .description(format!("Pages through {name} objects{whose} by cursor."))
                .argument(filter()),
        )
        .argument(number(
            "first",
            &format!("Maximum number of edges to return, from the start of the list; {omitted}."),
        ))
        .argument(cursor("after", "Returns only edges after this cursor."))
        .argument(number(
            "last",
            &format!("Maximum number of edges to return, from the end of the list; {omitted}."),
        ))
        .argument(cursor("before", "Returns only edges before this cursor."))
    });
    let aggregate = entity.aggregated.then(|| {
        FieldDefinition::new(names::aggregate_field(list), TypeRef::named_nn(&types.aggregate))
            .description(format!("Aggregates {name} objects{whose}."))
            .argument(filter())
    });
    std::iter::once(rows).chain(pages).chain(aggregate).collect()
}

fn connection(of: &Entity, types: &ConnectionTypes, junction_columns: Vec<Field>) -> [Type; 2] {
    let entity = of.name.as_str();
    let connection = Object::new(&types.connection)
        .description(format!("Page of {entity} objects (Relay Cursor Connections Specification)."))
        .field(
            object_field("edges", TypeRef::named_nn_list_nn(&types.edge))
                .description("Objects of the page, each with its cursor."),
        )
        .field(
            object_field("nodes", TypeRef::named_nn_list_nn(entity))
                .description("Objects of the page, without cursors."),
        )
        .field(
            object_field("pageInfo", TypeRef::named_nn("PageInfo"))
                .description("Position of the page within the list."),
        );
    let count = || {
        scalar_field("totalCount", TypeRef::named_nn(TypeRef::INT))
            .description("Number of objects on all pages.")
    };
    let connection = if of.aggregated { connection.field(count()) } else { connection };
    let edge = Object::new(&types.edge)
        .description(format!("{entity} object with its cursor."))
        .field(scalar_field("cursor", TypeRef::named(TypeRef::STRING)).description(
            "Position in the list, for `after` and `before`; null, with an error, if a value of its order \
                 cannot be represented.",
        ))
        .field(object_field("node", TypeRef::named_nn(entity)).description(format!("{entity} object.")));
    [connection.into(), junction_columns.into_iter().fold(edge, Object::field).into()]
}

/// Builds the connection of a many-to-many list whose edges carry the junction's columns.
fn junction_connection(model: &Model, id: EntityId, relation_id: RelationId) -> Option<[Type; 2]> {
    let owner = &model.entities[id];
    let relation = &owner.relations[relation_id];
    let junction = &model.entities[relation.junction.as_ref()?.entity?];
    let columns = model.junction_columns(relation);
    if columns.is_empty() || !model.has_connection(relation.target, Some((id, relation_id))) {
        return None;
    }
    let fields = columns.into_iter().map(|id| column_field(model, &junction.columns[id])).collect();
    let target = &model.entities[relation.target];
    let types = ConnectionTypes::of_relation(&owner.name, &relation.field);
    Some(connection(target, &types, fields))
}

/// Builds `UserAggregate`, and the types of its groups that have a column.
fn aggregates(model: &Model, entity: &Entity) -> Vec<Type> {
    let name = &entity.name;
    let mut aggregate = Object::new(&entity.types.aggregate)
        .description(format!("Aggregate values of {name} objects."))
        .field(scalar_field("count", TypeRef::named_nn(TypeRef::INT)).description("Number of objects."));
    let mut types = Vec::new();
    for function in AggregateFunction::ALL {
        let columns: Vec<&Column> = entity
            .visible_columns()
            .map(|(_, column)| column)
            .filter(|column| function.is_among(column.column_type.operators()))
            .collect();
        if columns.is_empty() {
            continue;
        }
        let (subject, is_count) = match function {
            AggregateFunction::CountDistinct => ("Number of distinct values", true),
            AggregateFunction::Sum => ("Sum", false),
            AggregateFunction::Average => ("Average", false),
            AggregateFunction::Minimum => ("Minimum", false),
            AggregateFunction::Maximum => ("Maximum", false),
        };
        let type_name = function.type_name(&entity.types);
        let mut object = Object::new(type_name).description(format!("{subject} of each column."));
        for column in columns {
            let of = match is_count {
                true => TypeRef::named_nn(TypeRef::INT),
                false => column_type(model, &function.column_type(&column.column_type), true),
            };
            object = object.field(scalar_field(&column.field, of));
        }
        types.push(object.into());
        aggregate = aggregate.field(
            object_field(function.name(), TypeRef::named_nn(type_name))
                .description(format!("{subject} of each column.")),
        );
    }
    types.push(aggregate.into());
    types
}

/// Adds the application's fields to the types of their entities.
pub(super) fn with_application_fields(model: &Model, fields: &[EntityField], types: Vec<Type>) -> Vec<Type> {
    let mut by_type: BTreeMap<&str, Vec<&EntityField>> = BTreeMap::new();
    for field in fields {
        if let Some(id) = model.entity_of_table(&field.table) {
            by_type.entry(&model.entities[id].name).or_default().push(field);
        }
    }
    let with_fields = |one| match one {
        Type::Object(object) => {
            let added = by_type.remove(object.type_name()).unwrap_or_default();
            Type::Object(
                added.into_iter().fold(object, |object, field| object.field(application_field(field))),
            )
        }
        other => other,
    };
    types.into_iter().map(with_fields).collect()
}

/// Builds a field of the application, whose value was computed before.
fn application_field(field: &EntityField) -> Field {
    let defined = scalar_field(&field.name, field.of.clone());
    let defined = match &field.description {
        Some(description) => defined.description(description),
        None => defined,
    };
    let argument = |(name, of): &(String, TypeRef)| InputValue::new(name, of.clone());
    field.arguments.iter().map(argument).fold(defined, Field::argument)
}
