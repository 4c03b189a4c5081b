//! Descriptions of tables, written briefly.

use crowsfoot::tables::{
    AcceptedWrites, ColumnDescription, ForeignKeyDescription, Generation, KeyAction, Table, TableDescription,
    TableKind, UniqueKeyDescription,
};
use crowsfoot::{Model, Registry, Schema, TableOptions};
use sea_orm::ColumnType;

pub fn named(name: &str) -> Table {
    match name.split_once('.') {
        Some((schema, name)) => Table { schema: Some(schema.to_owned()), name: name.to_owned() },
        None => Table { schema: None, name: name.to_owned() },
    }
}

fn owned(columns: &[&str]) -> Vec<String> {
    columns.iter().map(|column| (*column).to_owned()).collect()
}

/// Returns a table whose columns are NOT NULL integers; one that ends with `?` may be NULL. The first column is the
/// primary key.
pub fn table(name: &str, columns: &[&str]) -> TableDescription {
    let column = |name: &&str| ColumnDescription {
        name: name.trim_end_matches('?').to_owned(),
        declared_type: "integer".to_owned(),
        database_type: Some(ColumnType::Integer.into()),
        holds_any_integer: false,
        nullable: name.ends_with('?'),
        has_default: false,
        default: None,
        generation: Generation::None,
        accepted: Vec::new(),
        comment: None,
    };
    TableDescription {
        table: named(name),
        kind: TableKind::Table,
        comment: None,
        columns: columns.iter().map(column).collect(),
        primary_key: owned(&columns[..columns.len().min(1)]),
        unique_keys: Vec::new(),
        foreign_keys: Vec::new(),
        inherited_by: Vec::new(),
        estimated_rows: None,
        writes: AcceptedWrites::ALL,
    }
}

/// Steps by which a test changes a description.
pub trait Described: Sized {
    fn change(self, change: impl FnOnce(&mut TableDescription)) -> Self;

    fn primary(self, columns: &[&str]) -> Self {
        self.change(|table| table.primary_key = owned(columns))
    }

    fn unique(self, columns: &[&str]) -> Self {
        self.change(|table| {
            table.unique_keys.push(UniqueKeyDescription {
                name: columns.join("_"),
                columns: owned(columns),
                is_whole: true,
                nulls_not_distinct: false,
                deferrable: false,
            });
        })
    }

    /// Adds a foreign key to the columns `id`, or to those after the target's name: `teams(tenant,id)`.
    fn references(self, columns: &[&str], target: &str) -> Self {
        let (target, to) = target.split_once('(').unwrap_or((target, "id)"));
        let to: Vec<&str> = to.trim_end_matches(')').split(',').collect();
        self.change(|table| {
            table.foreign_keys.push(ForeignKeyDescription {
                name: String::new(),
                columns: owned(columns),
                target: named(target),
                target_columns: owned(&to),
                on_delete: KeyAction::NoAction,
                on_update: KeyAction::NoAction,
                enforced: true,
                deferrable: false,
            });
        })
    }

    /// Gives a column another type; `None` for one without a scalar.
    fn typed(self, column: &str, declared: &str, database_type: Option<ColumnType>) -> Self {
        self.change(|table| {
            let column = table.columns.iter_mut().find(|known| known.name == column).unwrap();
            column.declared_type = declared.to_owned();
            column.database_type = database_type.map(Into::into);
        })
    }
}

impl Described for TableDescription {
    fn change(mut self, change: impl FnOnce(&mut TableDescription)) -> Self {
        change(&mut self);
        self
    }
}

pub fn model_with(tables: &[TableDescription], options: &TableOptions) -> Model {
    let model = Registry::from_tables(tables, options).model().unwrap_or_else(|error| panic!("{error}"));
    // Whatever the checks let pass must also make a schema.
    Schema::new(model.clone()).unwrap();
    model
}

pub fn model(tables: &[TableDescription]) -> Model {
    model_with(tables, &TableOptions::new())
}

/// Returns each relation as `Author.books: [Book!]!`.
pub fn relations(model: &Model) -> Vec<String> {
    use crowsfoot::internals::model::Cardinality;
    let relations =
        model.exposed().flat_map(|(_, entity)| entity.relations.iter().map(move |it| (entity, it)));
    let line = relations.map(|(entity, relation)| {
        let target = &model.entities[relation.target].name;
        let target = match relation.cardinality {
            Cardinality::One => format!("{target}!"),
            Cardinality::OptionalOne => target.clone(),
            Cardinality::Many => format!("[{target}!]!"),
        };
        format!("{}.{}: {target}", entity.name, relation.field)
    });
    line.collect()
}

pub fn notes(model: &Model) -> Vec<String> {
    model.notes.iter().map(ToString::to_string).collect()
}
