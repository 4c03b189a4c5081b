//! Boxes of a diagram: a type of the schema, its table and its columns.

use crate::model::{Column, ColumnId, Entity, EntityId, Model};

/// Type of the schema.
pub(super) struct TypeBox<'a> {
    pub entity: EntityId,
    pub name: &'a str,
    /// Table name, if it differs from the type name.
    pub table: Option<String>,
    pub description: Option<&'a str>,
    pub rows: Vec<BoxRow<'a>>,
}

/// Column that clients can see.
pub(super) struct BoxRow<'a> {
    /// Key marks that apply: `PK`, `FK` and `UK`.
    pub marks: Vec<&'static str>,
    pub field: &'a str,
    /// Type without the `!` of a NOT NULL column.
    pub type_name: &'a str,
    pub nullable: bool,
}

impl BoxRow<'_> {
    /// Returns the type as the schema writes it.
    pub fn full_type(&self) -> String {
        format!("{}{}", self.type_name, if self.nullable { "" } else { "!" })
    }
}

/// Returns a box for each type of the schema, in registration order.
pub(super) fn of<'a>(model: &'a Model) -> Vec<TypeBox<'a>> {
    let type_box = |(id, entity): (EntityId, &'a Entity)| TypeBox {
        entity: id,
        name: &entity.name,
        table: table(entity),
        description: entity.description.as_deref(),
        rows: entity.visible_columns().map(|(id, column)| row(model, entity, id, column)).collect(),
    };
    model.exposed().map(type_box).collect()
}

fn table(entity: &Entity) -> Option<String> {
    Some(entity.table.to_string()).filter(|table| *table != entity.name)
}

fn row<'a>(model: &'a Model, entity: &Entity, id: ColumnId, column: &'a Column) -> BoxRow<'a> {
    let marks = [
        ("PK", entity.primary_key.contains(&id)),
        ("FK", entity.relations_of_column(id).next().is_some()),
        ("UK", entity.unique_keys.iter().any(|key| *key == [id])),
    ];
    BoxRow {
        marks: marks.into_iter().filter(|(_, holds)| *holds).map(|(mark, _)| mark).collect(),
        field: &column.field,
        type_name: model.type_name(&column.column_type),
        nullable: column.nullable,
    }
}
