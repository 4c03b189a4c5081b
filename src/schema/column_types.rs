//! References to the types of columns.

use async_graphql::dynamic::TypeRef;

use crate::model::{ColumnType, Model};

/// Returns the type of a field, or of an input, with values of a column type. No database guarantees that items are not null.
pub(super) fn column_type(model: &Model, column_type: &ColumnType, nullable: bool) -> TypeRef {
    let name = model.type_name(column_type);
    match (column_type, nullable) {
        (ColumnType::List(_), true) => TypeRef::named_list(name),
        (ColumnType::List(_), false) => TypeRef::named_list_nn(name),
        (_, true) => TypeRef::named(name),
        (_, false) => TypeRef::named_nn(name),
    }
}
