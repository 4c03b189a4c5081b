//! The command `init`: an options file with everything that a live database has, as comments.

use std::fs::OpenOptions;
use std::io::Write;
use std::path::Path;

use crowsfoot::internals::model::{Column, ColumnType, Entity, EntityId, Junction, Relation};
use crowsfoot::{Declaration, Model};

use crate::Failure;

const HEAD: &str = "\
# Options of `crowsfoot serve --from-database --options FILE`. Each line below is a default: remove the `#` of a line and of
# the section above it, and change the value. A line that begins with `# #` is an example.

# include = [\"*\"]
# exclude = []
# reverse_sides = true
";

/// Writes the options file, unless the file exists.
pub fn write(model: &Model, file: &Path) -> Result<(), Failure> {
    let named = |error: std::io::Error| format!("{}: {error}", file.display());
    let mut created = OpenOptions::new().write(true).create_new(true).open(file).map_err(named)?;
    created.write_all(options(model).as_bytes()).map_err(named)?;
    Ok(())
}

fn options(model: &Model) -> String {
    let mut values = Vec::new();
    for known in model.enumerations.iter().filter(|known| known.exposed) {
        for (name, stored) in &known.variants {
            let (of, stored) = (quoted(&known.database_name), quoted(stored));
            values.push(format!("# enum_values.{of}.{stored} = {}\n", quoted(name)));
        }
    }
    let entities = model.entities.iter().enumerate();
    let written = entities.filter(|(id, entity)| entity.exposed || is_junction(model, *id));
    let mut sections: Vec<String> = written.map(|(id, entity)| section(model, id, entity)).collect();
    sections.sort_unstable();
    format!("{HEAD}{}{}", values.concat(), sections.concat())
}

fn section(model: &Model, id: EntityId, entity: &Entity) -> String {
    let mut lines = vec![format!("[entities.{}]", quoted(&entity.table.to_string()))];
    if is_junction(model, id) {
        lines.extend(junction(model, id, entity));
    }
    if entity.exposed {
        lines.push(format!("name = {}", quoted(&entity.name)));
        lines.push(format!("plural = {}", quoted(&entity.roots.list)));
        lines.extend(entity.description.iter().map(|text| format!("comment = {}", quoted(text))));
        lines.push("hide = []".to_owned());
        lines.extend(key_of(entity));
        let key = entity.primary_key.iter().map(|id| format!("{{ {}: ASC }}", entity.columns[*id].field));
        lines.push(format!("order_by = {}", quoted(&format!("[{}]", key.collect::<Vec<_>>().join(", ")))));
        lines.push("scope = \"{}\"".to_owned());
        lines.extend(entity.visible_columns().flat_map(|(_, found)| column(found)));
        lines.extend(entity.relations.iter().flat_map(|found| relation(model, id, found)));
    }
    let lines: Vec<String> = lines.iter().map(|line| format!("# {line}\n")).collect();
    format!("\n{}", lines.concat())
}

/// Returns true if a list of another entity leads through the entity.
fn is_junction(model: &Model, id: EntityId) -> bool {
    lists_through(model, id).next().is_some()
}

/// Returns the lists through a junction.
fn lists_through(model: &Model, id: EntityId) -> impl Iterator<Item = (&Relation, &Junction)> {
    let lists = model.entities.iter().flat_map(|entity| &entity.relations);
    lists.filter_map(move |list| Some((list, list.junction.as_ref().filter(|of| of.entity == Some(id))?)))
}

fn junction(model: &Model, id: EntityId, entity: &Entity) -> Vec<String> {
    let mut lines = vec![format!("shown = {}", entity.exposed)];
    for (list, through) in lists_through(model, id) {
        let leads = |forward: &&Relation| {
            let columns: Vec<&String> = forward.from.iter().map(|id| &entity.columns[*id].name).collect();
            columns == through.to.iter().collect::<Vec<_>>()
        };
        if let Some(forward) = entity.relations.iter().find(leads) {
            lines.push(format!("list_through.{} = {}", forward.field, quoted(&list.field)));
        }
        if through.is_symmetrical {
            lines.push(format!("symmetrical = {}", quoted(&list.field)));
        }
    }
    lines
}

fn column(found: &Column) -> Vec<String> {
    let field = &found.field;
    let mut lines = vec![format!("rename.{field} = {} # column {}", quoted(field), quoted(&found.name))];
    lines.extend(found.description.iter().map(|text| format!("comments.{field} = {}", quoted(text))));
    match &found.column_type {
        ColumnType::Spelled(spelling) => lines.push(format!("spelling.{field} = \"{spelling}\"")),
        ColumnType::AnyUuid => lines.push(format!("# spelling.{field} = \"uuid\"")),
        ColumnType::Text => lines.push(format!("# choices.{field} = {{ NAME = \"stored text\" }}")),
        _ => {}
    }
    if !found.nullable && !found.has_default {
        lines.push(format!("# default.{field} = \"\" # inserted by the service"));
        lines.push(format!("# generated = [{}] # a trigger sets the value", quoted(field)));
    }
    lines
}

fn relation(model: &Model, owner: EntityId, found: &Relation) -> Vec<String> {
    let field = &found.field;
    let target = found.cardinality.type_of(&model.entities[found.target].name);
    let mut lines = vec![format!("rename.{field} = {} # {target}", quoted(field))];
    if found.declaration != Declaration::BelongsTo {
        return lines;
    }
    let is_reverse = |other: &&Relation| {
        other.junction.is_none()
            && other.declaration != Declaration::BelongsTo
            && other.target == owner
            && (&other.from, &other.to) == (&found.to, &found.from)
    };
    if let Some(reverse) = model.entities[found.target].relations.iter().find(is_reverse) {
        lines.push(format!("reverse.{field} = {}", quoted(&reverse.field)));
        if reverse.declaration == Declaration::HasOne {
            lines.push(format!("# many = [{}] # a list on the other side", quoted(field)));
        }
    }
    lines
        .push(format!("on_delete.{field} = \"do_nothing\" # the database's own action: {}", found.on_delete));
    if found.from == model.entities[owner].primary_key {
        lines.push(format!("# parents = [{}] # the referenced row is deleted along", quoted(field)));
    }
    lines
}

/// Suggests a key for an entity without one, as a comment of its own because it changes the schema: a column `id`, or else
/// the first column that a key may have.
fn key_of(entity: &Entity) -> Option<String> {
    if entity.has_key() {
        return None;
    }
    let columns = || entity.visible_columns().filter(|(_, column)| column.column_type.is_key());
    let id = columns().find(|(_, column)| column.name.eq_ignore_ascii_case("id"));
    let (_, column) = id.or_else(|| columns().next())?;
    Some(format!("# key = [{}] # columns that identify the rows", quoted(&column.name)))
}

/// Returns a TOML string: the escapes of JSON are valid in TOML.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}
