//! Files of entities, in SeaORM's compact format.

use std::fmt::Write;

use crowsfoot::internals::model::{ColumnType, Entity, EntityId, Relation};
use crowsfoot::tables::{ColumnDescription, Generation, KeyAction};
use crowsfoot::{DatabaseDescription, Declaration, Model};

use super::names::{ProjectNames, variant};
use super::{column, literal};

/// Writes the file of an entity.
pub fn file(model: &Model, described: &DatabaseDescription, names: &ProjectNames, id: EntityId) -> String {
    let entity = &model.entities[id];
    let table = described.tables.iter().find(|known| known.table == entity.table);
    let mut attributes = format!("table_name = {}", literal(&entity.table.name));
    if let Some(schema) = &entity.table.schema {
        attributes = format!("schema_name = {}, {attributes}", literal(schema));
    }
    let mut text = format!(
        "//! Rows of the table {}.\n\nuse sea_orm::entity::prelude::*;\n\n\
         /// A row.\n#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]\n#[sea_orm({attributes})]\npub struct Model {{\n",
        entity.table
    );
    for (place, of) in entity.columns.iter().enumerate() {
        let Some(described) = table.and_then(|table| table.column(&of.name)) else { continue };
        text.push_str(&field(names, (id, entity), place, described));
    }
    text.push_str("}\n");
    text.push_str(&relations(model, names, id));
    text.push_str("\nimpl ActiveModelBehavior for ActiveModel {}\n");
    text
}

fn field(
    names: &ProjectNames,
    (id, entity): (EntityId, &Entity),
    place: usize,
    described: &ColumnDescription,
) -> String {
    let of = &entity.columns[place];
    let typed = column::of(described, of, names);
    let mut attributes = Vec::new();
    if entity.primary_key.contains(&place) {
        attributes.push("primary_key".to_owned());
        let is_numbered = entity.primary_key.len() == 1
            && matches!(described.generation, Generation::Number | Generation::AlwaysNumber);
        if !is_numbered {
            attributes.push("auto_increment = false".to_owned());
        }
    }
    let field = names.field(id, place);
    if field != of.name {
        attributes.push(format!("column_name = {}", literal(&of.name)));
    }
    attributes.extend(typed.attributes);
    let mut text = String::new();
    for line in of.description.iter().flat_map(|description| description.lines()) {
        let _ = writeln!(text, "    /// {}", line.trim_end());
    }
    if !attributes.is_empty() {
        let _ = writeln!(text, "    #[sea_orm({})]", attributes.join(", "));
    }
    let rust = if of.nullable { format!("Option<{}>", typed.rust) } else { typed.rust };
    let _ = writeln!(text, "    pub {field}: {rust},");
    text
}

/// Writes the relations of an entity, without lists through junctions: the junction's entity brings them.
fn relations(model: &Model, names: &ProjectNames, id: EntityId) -> String {
    let declared: Vec<(usize, &Relation)> = model.entities[id]
        .relations
        .iter()
        .enumerate()
        .filter(|(place, relation)| {
            relation.declaration == Declaration::BelongsTo || model.forward_side(id, *place).is_some()
        })
        .collect();
    if declared.is_empty() {
        return "\n/// The entity has no relations.\n#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]\n\
                pub enum Relation {}\n"
            .to_owned();
    }
    let mut text =
        "\n/// Relations of the entity.\n#[derive(Copy, Clone, Debug, EnumIter)]\npub enum Relation {\n"
            .to_owned();
    for (place, _) in &declared {
        let _ = writeln!(text, "    {},", names.relation(id, *place));
    }
    text.push_str(
        "}\n\nimpl RelationTrait for Relation {\n    fn def(&self) -> RelationDef {\n        match self {\n",
    );
    for (place, relation) in declared {
        let name = names.relation(id, place);
        let line = match model.forward_side(id, place) {
            None => forward(names, (id, name), relation),
            Some(side) => reverse(names, (id, name), relation, names.relation(relation.target, side)),
        };
        text.push_str(&line);
    }
    text.push_str("        }\n    }\n}\n");
    text
}

/// Writes the definition of a relation whose key the entity holds.
fn forward(names: &ProjectNames, (id, name): (EntityId, &str), relation: &Relation) -> String {
    let target = module(names, id, relation.target);
    let columns = |owner: EntityId, columns: &[usize], path: &str| {
        let columns: Vec<String> =
            columns.iter().map(|place| format!("{path}Column::{}", names.column(owner, *place))).collect();
        if columns.len() == 1 { columns.concat() } else { format!("({})", columns.join(", ")) }
    };
    let (from, to) = (columns(id, &relation.from, ""), columns(relation.target, &relation.to, &target));
    let mut steps = vec![format!(".from({from})"), format!(".to({to})")];
    if !relation.enforced {
        steps.push(".skip_fk()".to_owned());
    }
    let actions = [("on_delete", relation.on_delete), ("on_update", relation.on_update)];
    let named =
        actions.into_iter().filter_map(|(step, action)| Some(format!(".{step}({})", action_of(action)?)));
    steps.extend(named);
    steps.push(".into()".to_owned());
    let steps: String = steps.iter().map(|step| format!("\n                {step}")).collect();
    format!("            Self::{name} => Entity::belongs_to({target}Entity){steps},\n")
}

/// Writes the definition of the other side of the relation `forward`.
fn reverse(names: &ProjectNames, (id, name): (EntityId, &str), relation: &Relation, forward: &str) -> String {
    let forward = match relation.target == id {
        true => format!("Self::{forward}"),
        false => format!("{}Relation::{forward}", module(names, id, relation.target)),
    };
    match relation.is_many() {
        false => format!("            Self::{name} => {forward}.def().rev(),\n"),
        true => format!(
            "            Self::{name} => RelationDef {{\n                rel_type: sea_orm::RelationType::HasMany,\n                \
             ..{forward}.def().rev()\n            }},\n"
        ),
    }
}

/// Returns the path of another entity's module, with `::` at its end.
fn module(names: &ProjectNames, id: EntityId, target: EntityId) -> String {
    match target == id {
        true => String::new(),
        false => format!("super::{}::", names.module(target)),
    }
}

fn action_of(action: KeyAction) -> Option<&'static str> {
    Some(match action {
        KeyAction::NoAction => return None,
        KeyAction::Restrict => "sea_orm::sea_query::ForeignKeyAction::Restrict",
        KeyAction::Cascade => "sea_orm::sea_query::ForeignKeyAction::Cascade",
        KeyAction::SetNull => "sea_orm::sea_query::ForeignKeyAction::SetNull",
        KeyAction::SetDefault => "sea_orm::sea_query::ForeignKeyAction::SetDefault",
    })
}

/// Writes the enums of the database; `None` if there are none.
pub fn enumerations(model: &Model, names: &ProjectNames) -> Option<String> {
    let mut text = "//! Enums of the database.\n\nuse sea_orm::entity::prelude::*;\n".to_owned();
    let mut is_empty = true;
    for (id, known) in model.enumerations.iter().enumerate() {
        let of = |column: &crowsfoot::internals::model::Column| match &column.column_type {
            ColumnType::Enumeration(known) => *known == id,
            ColumnType::Choice(choice) => {
                choice.enumeration == id && matches!(choice.stored, ColumnType::Native(_))
            }
            _ => false,
        };
        if !model.entities.iter().any(|entity| entity.columns.iter().any(of)) {
            continue;
        }
        is_empty = false;
        let _ = write!(
            text,
            "\n/// Values of {}.\n#[derive(Clone, Debug, PartialEq, Eq, EnumIter, DeriveActiveEnum)]\n\
             #[sea_orm(rs_type = \"String\", db_type = \"Enum\", enum_name = {})]\npub enum {} {{\n",
            known.database_name,
            literal(&known.database_name),
            names.enumeration(id)
        );
        let mut taken = std::collections::BTreeSet::new();
        for (_, stored) in &known.variants {
            let mut name = variant(stored);
            while !taken.insert(name.clone()) {
                name.push_str("Value");
            }
            let _ = write!(text, "    #[sea_orm(string_value = {})]\n    {name},\n", literal(stored));
        }
        text.push_str("}\n");
    }
    (!is_empty).then_some(text)
}
