//! Assembles an entity of the model from the reflected entity and its options. Relations are added later.

use std::sync::Arc;

use sea_orm::Value;

use crate::model::reflect::{Reflected, ReflectedColumn};
use crate::model::registry::EntityOptions;
use crate::model::{
    AcceptedWrites, ChoiceType, Column, ColumnId, ColumnType, Entity, Enumeration, Limit, ModelFault,
    Promises, Scalar, names,
};

/// Returns the entity, and adds the enums of its columns to `enumerations`.
pub(super) fn assemble(
    reflected: &Reflected,
    options: &EntityOptions,
    enumerations: &mut Vec<Enumeration>,
    faults: &mut Vec<ModelFault>,
) -> Entity {
    let name = options.name.as_ref().or(reflected.names.first()).cloned().unwrap_or_default();
    let columns: Vec<Column> = reflected
        .columns
        .iter()
        .map(|column| {
            let hidden = column.is_unreadable || options.hides(&reflected.names_of_column(column));
            let generated = reflected.auto_increment && reflected.primary_key == [column.name.clone()];
            let mut assembled = assemble_column(&name, column, (hidden, generated), enumerations, faults);
            let comments = reflected.names_of_column(column);
            if let Some(choices) = options.choices_of(&comments) {
                choose(&name, reflected, &mut assembled, choices, enumerations, faults);
            }
            if let Some(comment) = comments.iter().find_map(|name| options.comments.get(name)) {
                assembled.description = Some(comment.clone());
            }
            if column.always_generated || options.generates(&reflected.names_of_column(column)) {
                assembled.always_generated = true;
                assembled.generated = true;
                assembled.has_default = true;
            }
            if let Some(value) = options.default_of(&reflected.names_of_column(column)) {
                fill(&name, &mut assembled, value, enumerations, faults);
            }
            if column.is_read_only {
                assembled.always_generated = true;
                assembled.generated = true;
            }
            assembled
        })
        .collect();
    let one = names::field(&name);
    let many = options.plural.clone().unwrap_or_else(|| names::list_field(&name));
    let position = |wanted: &String| reflected.columns.iter().position(|column| column.name == *wanted);
    let keys = |keys: &[Vec<String>]| -> Vec<Vec<ColumnId>> {
        keys.iter().map(|key| key.iter().filter_map(position).collect()).collect()
    };
    Entity {
        description: options.comment.as_ref().or(reflected.comment.as_ref()).cloned(),
        table: reflected.table.clone(),
        primary_key: reflected.primary_key.iter().filter_map(position).collect(),
        kind: reflected.kind,
        unique_keys: keys(&reflected.unique_keys),
        deferrable_keys: keys(&reflected.deferrable_keys),
        promises: Promises {
            unique_keys: keys(&reflected.promised_keys),
            not_null: reflected.promised_not_null.iter().filter_map(position).collect(),
        },
        writes: writes(&name, reflected, options, faults),
        relations: Vec::new(),
        order_by: options.order_by.clone(),
        scope: options.scope.clone(),
        roots: names::RootNames::new(&one, &many),
        exposed: true,
        restricted: false,
        aggregated: true,
        list_limit: None,
        types: names::TypeNames::new(&name),
        name,
        columns,
    }
}

/// Returns the ways in which clients may write the rows: those that the database accepts, if an option or the kind of the
/// table allows any.
fn writes(
    entity: &str,
    reflected: &Reflected,
    options: &EntityOptions,
    faults: &mut Vec<ModelFault>,
) -> AcceptedWrites {
    match options.writable {
        Some(true) if !reflected.writes.any() => {
            let table = reflected.table.clone();
            faults.push(ModelFault::NotWritable { entity: entity.to_owned(), table });
            AcceptedWrites::NONE
        }
        None if !reflected.writable => AcceptedWrites::NONE,
        Some(false) => AcceptedWrites::NONE,
        _ => reflected.writes,
    }
}

fn assemble_column(
    entity: &str,
    column: &ReflectedColumn,
    (hidden, generated): (bool, bool),
    enumerations: &mut Vec<Enumeration>,
    faults: &mut Vec<ModelFault>,
) -> Column {
    let column_type = ColumnType::of(&column.database_type, |name, variants| {
        enumeration(enumerations, name, variants, !hidden)
    });
    if column_type.is_none() && !hidden {
        faults.push(ModelFault::NoScalar {
            column: format!("{entity}.{}", column.name),
            database_type: format!("{:?}", column.database_type),
            is_key: false,
        });
    }
    Column {
        name: column.name.clone(),
        field: column.field.clone(),
        // A hidden column is not read unless a key contains the column, and keys are checked.
        column_type: column_type.unwrap_or(ColumnType::Text),
        limit: column.database_type.common().map_or(Limit::None, Limit::of),
        nullable: column.nullable,
        has_default: column.has_default || generated,
        default: column.default.clone(),
        fills_default: false,
        generated,
        always_generated: false,
        description: column.comment.clone(),
        hidden,
    }
}

/// Makes an enum of a column whose values an option lists.
fn choose(
    entity: &str,
    reflected: &Reflected,
    column: &mut Column,
    choices: &[(String, serde_json::Value)],
    enumerations: &mut Vec<Enumeration>,
    faults: &mut Vec<ModelFault>,
) {
    let label = format!("{entity}.{}", column.name);
    let stored = column.column_type.clone();
    if stored != ColumnType::Text && !stored.is_integer() {
        let declared = stored.scalar().map_or("another enum", Scalar::name).to_owned();
        faults.push(ModelFault::ChoicesOfType { column: label, declared });
        return;
    }
    let mut variants: Vec<(String, String)> = Vec::new();
    for (name, value) in choices {
        let read = stored.read(value, &[]).and_then(|value| column.limit.check(&value).map(|()| value));
        let text = match read {
            Ok(Value::String(Some(text))) => text,
            Ok(_) => value.as_str().map_or_else(|| value.to_string(), str::to_owned),
            Err(expected) => {
                faults.push(ModelFault::ChoiceValue {
                    column: label,
                    value: value.to_string(),
                    expected: expected.0,
                });
                return;
            }
        };
        if let Some((first, _)) = variants.iter().find(|(_, known)| *known == text) {
            let names = [first.clone(), name.clone()];
            faults.push(ModelFault::ChoiceTwice { column: label, stored: text, names });
            return;
        }
        variants.push((name.clone(), text));
    }
    column.column_type = ColumnType::Choice(Arc::new(ChoiceType { enumeration: enumerations.len(), stored }));
    enumerations.push(Enumeration {
        name: names::choices(entity, &column.field),
        database_name: format!("{}.{}", reflected.table, column.name),
        variants,
        exposed: !column.hidden,
    });
}

/// Sets the default that the service inserts.
fn fill(
    entity: &str,
    column: &mut Column,
    value: &serde_json::Value,
    enumerations: &[Enumeration],
    faults: &mut Vec<ModelFault>,
) {
    let variants = column.column_type.enumeration().and_then(|id| enumerations.get(id));
    let variants = variants.map_or(&[][..], |enumeration| &enumeration.variants);
    match column.column_type.read(value, variants) {
        Ok(value) => {
            column.default = Some(value);
            column.has_default = true;
            column.fills_default = true;
        }
        Err(expected) => faults.push(ModelFault::DefaultValue {
            column: format!("{entity}.{}", column.name),
            value: value.to_string(),
            expected: expected.0,
        }),
    }
}

fn enumeration(enumerations: &mut Vec<Enumeration>, name: &str, variants: &[String], exposed: bool) -> usize {
    let found = Enumeration {
        name: names::type_of(name),
        database_name: name.to_owned(),
        variants: variants.iter().map(|stored| (names::enum_value(stored), stored.clone())).collect(),
        exposed,
    };
    // Two different enums with the same database name stay two entries; the name check reports the clash.
    let is_found =
        |known: &Enumeration| known.database_name == found.database_name && known.variants == found.variants;
    if let Some(known) = enumerations.iter().position(is_found) {
        enumerations[known].exposed |= exposed;
        return known;
    }
    enumerations.push(found);
    enumerations.len() - 1
}
