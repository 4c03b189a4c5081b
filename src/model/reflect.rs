//! Reflection of SeaORM entities at run time, as plain data.

use sea_orm::sea_query::Expr;
use sea_orm::{
    ColumnTrait, DbBackend, EntityTrait, IdenStatic, Iterable, PrimaryKeyToColumn, PrimaryKeyTrait, Related,
    RelationTrait, Schema, Value,
};

use super::relation::Declared;
use super::{AcceptedWrites, DeclaredType, Table, TableKind, names};

/// Backend of the definitions that SeaORM writes: names and comments are the same for all.
const ANY_BACKEND: DbBackend = DbBackend::Sqlite;

/// An entity as it was declared.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Reflected {
    /// Type names in order of preference, of which the first without a clash is taken. An entity has one, after the
    /// module that declares it: `entity::user_infos::Entity` is `UserInfo`.
    pub names: Vec<String>,
    pub table: Table,
    pub kind: TableKind,
    pub comment: Option<String>,
    pub columns: Vec<ReflectedColumn>,
    pub primary_key: Vec<String>,
    /// True if the database numbers the rows.
    pub auto_increment: bool,
    /// Unique keys without the primary key.
    pub unique_keys: Vec<Vec<String>>,
    /// Keys, the primary key among them, that the database may check at the end of the transaction alone.
    pub deferrable_keys: Vec<Vec<String>>,
    /// Unique keys that options promise.
    pub promised_keys: Vec<Vec<String>>,
    /// Columns of which options promise that they are never NULL.
    pub promised_not_null: Vec<String>,
    /// True if clients may write the rows, unless an option decides.
    pub writable: bool,
    /// Statements that the database accepts.
    pub writes: AcceptedWrites,
    pub relations: Vec<Declared>,
}

/// A column as it was declared.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct ReflectedColumn {
    pub name: String,
    /// Variant of the entity's `Column` enum, which is PascalCase of the model's field; the name itself for a column
    /// of a table.
    pub variant: String,
    /// Field in the schema, unless an option renames the column.
    pub field: String,
    pub database_type: DeclaredType,
    pub nullable: bool,
    pub has_default: bool,
    /// Default that is a plain value.
    pub default: Option<Value>,
    /// True if clients cannot give a value, as for `GENERATED ALWAYS`.
    pub always_generated: bool,
    /// True if clients cannot give a value of its type.
    pub is_read_only: bool,
    /// True if the column has no scalar and is therefore left out of the schema.
    pub is_unreadable: bool,
    pub comment: Option<String>,
}

/// A many-to-many relation as `Related::via` declares it: from the owner to the junction, and from there to
/// the target.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct ReflectedVia {
    /// Table of the entity that declares the relation.
    pub owner: Table,
    /// Field of the list.
    pub field: String,
    pub to_junction: Declared,
    pub to_target: Declared,
}

impl Reflected {
    /// Returns the names by which options may refer to a column.
    pub fn names_of_column(&self, column: &ReflectedColumn) -> Vec<String> {
        let is_relation = self.relations.iter().any(|relation| relation.variant == column.variant);
        let variant = Some(column.variant.clone()).filter(|_| !is_relation);
        std::iter::once(column.field.clone()).chain(variant).collect()
    }

    /// Returns the names by which options may refer to a relation, besides its default field.
    pub fn names_of_relation(&self, variant: &str, is_list: bool) -> Vec<String> {
        let list = Some(names::list_field(variant)).filter(|_| is_list);
        let is_column = |name: &String| self.columns.iter().any(|column| column.field == *name);
        let fields = std::iter::once(names::field(variant)).chain(list).filter(|name| !is_column(name));
        std::iter::once(variant.to_owned()).chain(fields).collect()
    }
}

/// Reads the entity `E`.
pub(super) fn entity<E: EntityTrait>() -> Reflected {
    let entity = E::default();
    let mut columns = Vec::new();
    let mut unique_keys = Vec::new();
    for column in E::Column::iter() {
        let definition = column.def();
        if definition.is_unique() {
            unique_keys.push(vec![column.as_str().to_owned()]);
        }
        columns.push(ReflectedColumn {
            name: column.as_str().to_owned(),
            variant: format!("{column:?}"),
            field: names::field(&format!("{column:?}")),
            nullable: definition.is_null(),
            has_default: definition.get_column_default().is_some(),
            default: match definition.get_column_default() {
                Some(Expr::Value(value) | Expr::Constant(value)) => Some(value.clone()),
                _ => None,
            },
            always_generated: false,
            is_read_only: false,
            is_unreadable: false,
            comment: comment_of::<E>(column),
            database_type: definition.get_column_type().clone().into(),
        });
    }
    // At run time, composite keys appear only in these indexes. Any backend names the same columns.
    let indexes = Schema::new(ANY_BACKEND).create_index_from_entity(entity);
    unique_keys.extend(
        indexes
            .iter()
            .filter(|index| index.is_unique_key())
            .map(|index| index.get_index_spec().get_column_names()),
    );
    let primary_key: Vec<String> =
        E::PrimaryKey::iter().map(|key| key.into_column().as_str().to_owned()).collect();
    unique_keys.retain(|key| *key != primary_key);
    Reflected {
        names: vec![names::type_of(module_of(std::any::type_name::<E>()).unwrap_or(entity.table_name()))],
        table: table_of(entity),
        kind: TableKind::Table,
        comment: entity.comment().map(str::to_owned),
        columns,
        primary_key,
        auto_increment: E::PrimaryKey::auto_increment(),
        unique_keys,
        deferrable_keys: Vec::new(),
        promised_keys: Vec::new(),
        promised_not_null: Vec::new(),
        writable: true,
        writes: AcceptedWrites::ALL,
        relations: E::Relation::iter()
            .map(|relation| Declared::read(format!("{relation:?}"), relation.def()))
            .collect(),
    }
}

/// Reads the many-to-many relation from `E` to `R`; `None` when the entities declare a plain one.
pub(super) fn via<E, R>(field: String) -> Option<ReflectedVia>
where
    E: EntityTrait + Related<R>,
    R: EntityTrait,
{
    let to_junction = <E as Related<R>>::via()?;
    Some(ReflectedVia {
        owner: table_of(E::default()),
        field,
        to_junction: Declared::read(String::new(), to_junction),
        to_target: Declared::read(String::new(), <E as Related<R>>::to()),
    })
}

fn table_of<E: EntityTrait>(entity: E) -> Table {
    Table { schema: entity.schema_name().map(str::to_owned), name: entity.table_name().to_owned() }
}

/// Returns a column's comment from its `CREATE TABLE` definition, because the column has no getter for it.
fn comment_of<E: EntityTrait>(column: E::Column) -> Option<String> {
    Schema::new(ANY_BACKEND).get_column_def::<E>(column).get_column_spec().comment.clone()
}

fn module_of(type_name: &str) -> Option<&str> {
    type_name.rsplit("::").nth(1).filter(|module| !module.contains(['{', '<']))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn module_is_the_last_one() {
        assert_eq!(module_of("entity::user_info::Entity"), Some("user_info"));
        assert_eq!(module_of("crate::f::{{closure}}::Entity"), None);
        assert_eq!(module_of("Entity"), None);
    }
}
