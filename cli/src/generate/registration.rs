//! Registration of the entities, with the options that make their schema the one of the tables.

use std::fmt::Write;

use crowsfoot::internals::model::{Column, ColumnType, Entity, EntityId, Relation, names as schema_names};
use crowsfoot::tables::{ColumnDescription, DeclaredType};
use crowsfoot::{DatabaseDescription, Declaration, Model, OnDelete};
use serde_json::Value as Json;

use super::literal;
use super::names::ProjectNames;

/// Writes the module of the entities.
pub fn module(model: &Model, described: &DatabaseDescription, names: &ProjectNames) -> String {
    let mut text = "//! Entities of the database, and their registration.\n".to_owned();
    let notes: Vec<String> = model.notes.iter().map(ToString::to_string).collect();
    if !notes.is_empty() {
        text.push_str("//!\n//! Notes about the tables:\n//!\n");
        notes.iter().for_each(|note| {
            let _ = writeln!(text, "//! - {note}");
        });
    }
    text.push('\n');
    let mut modules: Vec<&str> = (0..model.entities.len()).map(|id| names.module(id)).collect();
    if super::entity::enumerations(model, names).is_some() {
        modules.push("enums");
    }
    modules.sort_unstable();
    modules.iter().for_each(|module| {
        let _ = writeln!(text, "pub mod {module};");
    });
    let registered: String =
        (0..model.entities.len()).map(|id| registered(model, described, names, id)).collect();
    let values: String = model
        .enumerations
        .iter()
        .flat_map(|known| {
            let renamed =
                known.variants.iter().filter(|(name, stored)| *name != schema_names::enum_value(stored));
            renamed.map(|(name, stored)| {
                format!(
                    "        .enum_value({}, {}, {})\n",
                    literal(&known.database_name),
                    literal(stored),
                    literal(name)
                )
            })
        })
        .collect();
    let tenant = model.tenant_column.iter();
    let tenant: String = tenant.map(|name| format!("        .tenant_column({})\n", literal(name))).collect();
    let imports = match registered.contains("json!(") {
        true => "use crowsfoot::Registry;\nuse serde_json::json;\n",
        false => "use crowsfoot::Registry;\n",
    };
    let _ = write!(
        text,
        "\n{imports}\n/// Registers all entities.\npub fn registry() -> Registry {{\n    Registry::new()\n{registered}{values}{tenant}}}\n"
    );
    text
}

fn registered(model: &Model, described: &DatabaseDescription, names: &ProjectNames, id: EntityId) -> String {
    let entity = &model.entities[id];
    let table = described.tables.iter().find(|known| known.table == entity.table);
    let mut steps = Vec::new();
    let mut step =
        |name: &str, arguments: &[String]| steps.push(format!(".{name}({})", arguments.join(", ")));
    step("name", &[literal(&entity.name)]);
    if entity.roots.list != schema_names::list_field(&entity.name) {
        step("plural", &[literal(&entity.roots.list)]);
    }
    if let Some(text) = &entity.description {
        step("comment", &[literal(text)]);
    }
    let mut of_columns = Vec::new();
    for (place, column) in entity.columns.iter().enumerate() {
        let described = table.and_then(|table| table.column(&column.name));
        of_columns.extend(column_steps(model, column, &names.column(id, place), described));
    }
    let mut of_relations = Vec::new();
    for (place, relation) in entity.relations.iter().enumerate() {
        if relation.declaration != Declaration::ManyToMany {
            of_relations.extend(relation_steps(model, relation, names.relation(id, place)));
        }
    }
    for (word, value) in [("order_by", &entity.order_by), ("scope", &entity.scope)] {
        if let Some(value) = value {
            step(word, &[literal(value)]);
        }
    }
    steps.extend(of_columns);
    steps.extend(of_relations);
    steps.extend(junction_steps(model, names, (id, entity)));
    let head =
        format!("        .register_with::<{}::Entity>(|entity| {{\n            entity", names.module(id));
    let steps: String = steps.iter().map(|step| format!("\n                {step}")).collect();
    format!("{head}{steps}\n        }})\n")
}

fn column_steps(
    model: &Model,
    column: &Column,
    variant: &str,
    described: Option<&ColumnDescription>,
) -> Vec<String> {
    let mut steps = Vec::new();
    let name = literal(variant);
    if column.field != schema_names::field(variant) {
        steps.push(format!(".rename({name}, {})", literal(&column.field)));
    }
    if column.hidden {
        steps.push(format!(".hide({name})"));
    }
    if let Some(text) = &column.description {
        steps.push(format!(".comments({name}, {})", literal(text)));
    }
    let variants = model.variants(&column.column_type);
    if let Some(value) = column.default.as_ref().filter(|_| column.fills_default)
        && let Some(value) = column.column_type.write(value, variants)
    {
        steps.push(format!(".default_value({name}, {})", json(&value)));
    }
    match &column.column_type {
        // A column of text; the database's description tells the spelling of the others.
        ColumnType::Spelled(spelling)
            if described.is_some_and(|described| {
                !matches!(described.database_type, Some(DeclaredType::Spelled(_)))
            }) =>
        {
            steps.push(format!(".spelling({name}, crowsfoot::Spelling::{spelling:?})"));
        }
        // A domain over an enum is an enum by itself.
        ColumnType::Choice(choice) if !matches!(choice.stored, ColumnType::Native(_)) => {
            let listed = variants.iter().map(|(name, stored)| {
                let stored = match choice.stored.is_integer() {
                    true => stored.clone(),
                    false => literal(stored),
                };
                format!("({}, json!({stored}))", literal(name))
            });
            steps.push(format!(".choices({name}, [{}])", listed.collect::<Vec<_>>().join(", ")));
        }
        _ => {}
    }
    steps
}

fn relation_steps(model: &Model, relation: &Relation, variant: &str) -> Vec<String> {
    let mut steps = Vec::new();
    let name = literal(variant);
    let default = match relation.is_many() {
        true => schema_names::list_field(variant),
        false => schema_names::field(variant),
    };
    if relation.field != default {
        steps.push(format!(".rename({name}, {})", literal(&relation.field)));
    }
    if let Some(text) = &relation.description {
        steps.push(format!(".comments({name}, {})", literal(text)));
    }
    if let Some(value) = &relation.set_value {
        let target = &model.entities[relation.target];
        let written = relation.to.first().and_then(|id| {
            let of = &target.columns[*id].column_type;
            of.write(value, model.variants(of))
        });
        steps.extend(written.map(|value| format!(".set_on_delete({name}, {})", json(&value))));
    } else if let Some(rule) = relation.rule {
        steps.push(format!(".on_delete({name}, crowsfoot::OnDelete::{})", rule_name(rule)));
    }
    if relation.deletes_target {
        steps.push(format!(".parent({name})"));
    }
    steps
}

fn junction_steps(model: &Model, names: &ProjectNames, (id, entity): (EntityId, &Entity)) -> Vec<String> {
    let mut steps = Vec::new();
    let lists = model.entities.iter().flat_map(|owner| &owner.relations);
    for list in lists {
        let Some(through) = list.junction.as_ref().filter(|through| through.entity == Some(id)) else {
            continue;
        };
        let forward = |columns: &[String]| {
            let leads = |relation: &Relation| {
                let from: Vec<&str> =
                    relation.from.iter().map(|id| entity.columns[*id].name.as_str()).collect();
                from == columns.iter().map(String::as_str).collect::<Vec<_>>()
            };
            let place = entity.relations.iter().position(leads)?;
            Some(literal(names.relation(id, place)))
        };
        let field = literal(&list.field);
        let (Some(from), Some(to)) = (forward(&through.from), forward(&through.to)) else { continue };
        if through.is_symmetrical {
            steps.push(format!(".symmetrical({field})"));
            continue;
        }
        let columns =
            |names: &[String]| names.iter().filter_map(|name| entity.column_named(name)).collect::<Vec<_>>();
        let both = [columns(&through.from), columns(&through.to)].concat();
        match entity.is_unique(&both) {
            true => steps.push(format!(".list_through({to}, {field})")),
            false => steps.push(format!(".many_to_many({from}, {to}, {field})")),
        }
    }
    if !steps.is_empty() && entity.exposed {
        steps.push(".shown(true)".to_owned());
    }
    steps.dedup();
    steps
}

fn rule_name(rule: OnDelete) -> &'static str {
    match rule {
        OnDelete::Cascade => "Cascade",
        OnDelete::Protect => "Protect",
        OnDelete::Restrict => "Restrict",
        OnDelete::SetNull => "SetNull",
        OnDelete::SetDefault => "SetDefault",
        OnDelete::DoNothing => "DoNothing",
    }
}

fn json(value: &Json) -> String {
    format!("json!({value})")
}
