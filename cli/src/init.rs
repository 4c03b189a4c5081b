//! The command `init`: an options file with everything that a live database has, as comments.

use std::collections::BTreeMap;
use std::fs::OpenOptions;
use std::io::Write;
use std::path::Path;

use crowsfoot::internals::model::{Column, ColumnType, Entity, EntityId, Junction, Relation, names};
use crowsfoot::tables::{KeyAction, Table, TableKind};
use crowsfoot::{DatabaseDescription, Declaration, Model, Spelling};

use crate::Failure;

const HEAD: &str = "\
# Options of `crowsfoot serve --from-database --options FILE`. Each line below is a default: remove the `#` of a line and of
# the section above it, and change the value. A line that begins with `# #` is an example.

# include = [\"*\"]
# exclude = []
# reverse_sides = true
# # tenant_column = \"tenant_id\"
";

/// Description of a database, with samples of its values.
pub struct SampledDatabase<'a> {
    /// Tables, with the values that their conditions list.
    pub described: &'a DatabaseDescription,
    /// Spellings of columns of text whose first values are all UUIDs.
    pub spellings: &'a BTreeMap<(Table, String), Spelling>,
}

/// Writes the options file, unless the file exists.
pub fn write(model: &Model, sampled: &SampledDatabase, file: &Path) -> Result<(), Failure> {
    let named = |error: std::io::Error| format!("{}: {error}", file.display());
    let mut created = OpenOptions::new().write(true).create_new(true).open(file).map_err(named)?;
    created.write_all(options(model, sampled).as_bytes()).map_err(named)?;
    Ok(())
}

fn options(model: &Model, sampled: &SampledDatabase) -> String {
    let mut values = Vec::new();
    for known in model.enumerations.iter().filter(|known| known.exposed) {
        for (name, stored) in &known.variants {
            let (of, stored) = (quoted(&known.database_name), quoted(stored));
            values.push(format!("# enum_values.{of}.{stored} = {}\n", quoted(name)));
        }
    }
    let entities = model.entities.iter().enumerate();
    let written = entities.filter(|(id, entity)| entity.exposed || is_junction(model, *id));
    let mut sections: Vec<String> = written.map(|(id, entity)| section(model, sampled, id, entity)).collect();
    sections.sort_unstable();
    format!("{HEAD}{}{}", values.concat(), sections.concat())
}

fn section(model: &Model, sampled: &SampledDatabase, id: EntityId, entity: &Entity) -> String {
    let mut lines = vec![format!("[entities.{}]", quoted(&entity.table.to_string()))];
    if is_junction(model, id) {
        lines.extend(junction(model, id, entity));
    } else {
        lines.extend(links(model, id, entity));
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
        lines.extend(entity.visible_columns().flat_map(|(_, of)| column(of)));
        lines.extend(entity.visible_columns().filter_map(|(_, of)| spelling(sampled, entity, of)));
        lines.extend(choices(sampled.described, entity));
        lines.extend(entity.relations.iter().flat_map(|of| relation(model, id, of)));
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
    let forward = |columns: &[String]| {
        entity.relations.iter().find(|relation| {
            let names = relation.from.iter().map(|id| &entity.columns[*id].name);
            relation.declaration == Declaration::BelongsTo && names.eq(columns)
        })
    };
    let lists: Vec<_> = lists_through(model, id).collect();
    let mut of_pairs = Vec::new();
    for (list, through) in &lists {
        let (Some(near), Some(far)) = (forward(&through.from), forward(&through.to)) else { continue };
        // Each side has one list, unless the junction joins more than two tables.
        let is_only = lists.iter().filter(|(_, other)| other.to == through.to).count() == 1;
        match is_only {
            true => lines.push(format!("list_through.{} = {}", far.field, quoted(&list.field))),
            false => of_pairs.push(many_to_many(near, far, &list.field)),
        }
        if through.is_symmetrical {
            lines.push(format!("symmetrical = {}", quoted(&list.field)));
        } else if near.target == far.target && is_only && through.from < through.to {
            lines.push(format!("# symmetrical = {} # one list of both directions", quoted(&list.field)));
        }
    }
    if !of_pairs.is_empty() {
        lines.push(format!("many_to_many = [{}]", of_pairs.join(", ")));
    }
    lines
}

/// Suggests lists through a table whose rows link those of two others, and may repeat.
fn links(model: &Model, id: EntityId, entity: &Entity) -> Option<String> {
    let forward: Vec<&Relation> =
        entity.relations.iter().filter(|relation| relation.declaration == Declaration::BelongsTo).collect();
    let [one, other] = forward[..] else { return None };
    let is_of_link = |place: usize| one.from.contains(&place) || other.from.contains(&place);
    let may_be_left_out =
        |(place, column): (usize, &Column)| is_of_link(place) || column.nullable || column.has_default;
    let is_link = entity.kind == TableKind::Table
        && entity.has_key()
        && [one, other]
            .iter()
            .all(|key| key.target != id && key.from.iter().all(|place| !entity.columns[*place].nullable))
        && entity.columns.iter().enumerate().all(may_be_left_out)
        && !model
            .entities
            .iter()
            .flat_map(|of| &of.relations)
            .any(|of| of.target == id && of.declaration == Declaration::BelongsTo);
    is_link.then(|| {
        let lists = [(one, other), (other, one)]
            .map(|(from, to)| many_to_many(from, to, &names::list_field(&to.field)));
        format!("# many_to_many = [{}] # lists through links that may repeat", lists.join(", "))
    })
}

fn many_to_many(from: &Relation, to: &Relation, field: &str) -> String {
    let [from, to, field] = [&from.field, &to.field, field].map(quoted);
    format!("{{ from = {from}, to = {to}, field = {field} }}")
}

/// Suggests the spelling of a column of text.
fn spelling(sampled: &SampledDatabase, entity: &Entity, column: &Column) -> Option<String> {
    let suggested = sampled.spellings.get(&(entity.table.clone(), column.name.clone()))?;
    Some(format!("# spelling.{} = \"{suggested}\" # its values are UUIDs", column.field))
}

/// Suggests enums: of the values that a CHECK lists, or as an example.
fn choices(described: &DatabaseDescription, entity: &Entity) -> Vec<String> {
    let table = described.tables.iter().find(|known| known.table == entity.table);
    let listed = entity.visible_columns().filter_map(|(_, column)| {
        let of = table?.column(&column.name)?;
        let is_choice = match column.column_type {
            ColumnType::Text => true,
            _ => column.column_type.is_integer() && !of.accepted.is_empty(),
        };
        is_choice.then_some((column, &of.accepted))
    });
    let lines = listed.map(|(column, values)| {
        if values.is_empty() {
            return format!("# choices.{} = {{ NAME = \"stored text\" }}", column.field);
        }
        let mut taken = Vec::new();
        let values = values.iter().map(|value| {
            let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            let (stored, text) = match column.column_type.is_integer() {
                true => (text.clone(), text.replace('-', "minus ")),
                false => (quoted(&text), text),
            };
            let mut name = names::enum_value(&names::readable(&text, "value"));
            while taken.contains(&name) {
                name.push_str("_VALUE");
            }
            taken.push(name.clone());
            format!("{name} = {stored}")
        });
        let values = values.collect::<Vec<_>>().join(", ");
        format!("# choices.{} = {{ {values} }} # the values of its CHECK", column.field)
    });
    lines.collect()
}

fn column(found: &Column) -> Vec<String> {
    let field = &found.field;
    let mut lines = vec![format!("rename.{field} = {} # column {}", quoted(field), quoted(&found.name))];
    lines.extend(found.description.iter().map(|text| format!("comments.{field} = {}", quoted(text))));
    match &found.column_type {
        ColumnType::Spelled(spelling) => lines.push(format!("spelling.{field} = \"{spelling}\"")),
        ColumnType::AnyUuid => lines.push(format!("# spelling.{field} = \"uuid\"")),
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
    let is_required = found.from.iter().all(|place| !model.entities[owner].columns[*place].nullable);
    if is_required && found.on_delete == KeyAction::NoAction {
        lines.push(format!(
            "# on_delete.{field} = \"cascade\" # these rows are deleted along; now they refuse the deletion"
        ));
        if let [place] = found.from[..] {
            let key = if model.entities[owner].columns[place].column_type.is_text_in_json() {
                "\"1\""
            } else {
                "1"
            };
            lines.push(format!("# set_on_delete.{field} = {key} # these rows get this key"));
        }
    }
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
