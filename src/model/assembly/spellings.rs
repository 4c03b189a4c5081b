//! Types of columns whose values an option spells.

use std::borrow::Cow;

use sea_orm::Value;

use crate::model::reflect::Reflected;
use crate::model::registry::EntityOptions;
use crate::model::{DeclaredType, ModelFault, Spelling, TableDescription, names};

/// Sets the types of the columns of an entity.
pub(super) fn apply(reflected: &mut Reflected, options: &EntityOptions, faults: &mut Vec<ModelFault>) {
    for place in 0..reflected.columns.len() {
        let names = reflected.names_of_column(&reflected.columns[place]);
        let Some(spelling) = options.spelling_of(&names) else { continue };
        let column = &mut reflected.columns[place];
        if !column.database_type.may_be(spelling) {
            faults.push(ModelFault::Spelling {
                column: format!("{}.{}", reflected.table, column.name),
                spelling,
                declared: format!("{:?}", column.database_type),
            });
            continue;
        }
        column.database_type = DeclaredType::Spelled(spelling);
        column.default = column.default.take().filter(|default| is_spelled(default, spelling));
    }
}

/// Returns the tables with these types, before the relations are found: a key joins columns of one type.
pub(in crate::model) fn of_tables<'a>(
    tables: &'a [TableDescription],
    options: impl Fn(&TableDescription) -> EntityOptions,
) -> Cow<'a, [TableDescription]> {
    let mut spelled = Cow::Borrowed(tables);
    for (place, table) in tables.iter().enumerate() {
        let options = options(table);
        for (number, column) in table.columns.iter().enumerate() {
            let names = [column.name.clone(), names::field(&column.name)];
            let spelling = options.spelling_of(&names);
            let fits =
                |spelling: &Spelling| column.database_type.as_ref().is_some_and(|of| of.may_be(*spelling));
            if let Some(spelling) = spelling.filter(fits) {
                let column = &mut spelled.to_mut()[place].columns[number];
                column.database_type = Some(DeclaredType::Spelled(spelling));
                column.default = column.default.take().filter(|default| is_spelled(default, spelling));
            }
        }
    }
    spelled
}

fn is_spelled(value: &Value, spelling: Spelling) -> bool {
    matches!(value, Value::String(Some(text)) if spelling.is_of(text))
}
