//! Tables of a live database as a registry: the second way to fill the model.

mod declared;
mod names;
mod options;
mod relations;
mod served;

use std::collections::BTreeSet;

pub(super) use names::{EntityNames, KeyWords};
pub use options::TableOptions;
use sea_orm::ColumnType as DatabaseType;
use served::{Served, key, sorted};

use super::assembly::spellings;
use super::reflect::{Reflected, ReflectedColumn};
use super::registry::Registry;
use super::{AcceptedWrites, Generation, ModelFault, Note, TableDescription, TableKind};

/// Tables in which migration tools keep their own state.
const STATE_OF_MIGRATIONS: [&str; 12] = [
    "seaql_migrations",
    "django_migrations",
    "schema_migrations",
    "ar_internal_metadata",
    "_sqlx_migrations",
    "__diesel_schema_migrations",
    "_prisma_migrations",
    "refinery_schema_history",
    "flyway_schema_history",
    "alembic_version",
    "knex_migrations",
    "knex_migrations_lock",
];

impl Registry {
    /// Builds a registry of tables, with relations from their foreign keys and names by rule. Clashes of names are
    /// resolved, and named in [`Model::notes`](super::Model::notes), as are the parts that are left out.
    ///
    /// ```
    /// use crowsfoot::{Registry, TableOptions};
    ///
    /// let model = Registry::from_tables(&[], &TableOptions::new()).model()?;
    /// assert!(model.entities.is_empty());
    /// # Ok::<(), crowsfoot::ModelError>(())
    /// ```
    pub fn from_tables(tables: &[TableDescription], options: &TableOptions) -> Self {
        let (mut notes, mut faults) = (Vec::new(), options.unknown(tables));
        let tables = spellings::of_tables(tables, |table| options.of_table(&table.table));
        let served = served(&tables, options, &mut notes, &mut faults);
        let names = names::entities(&served);
        let mut registered = Vec::new();
        for (table, names) in served.iter().zip(&names) {
            let reflected = reflect(table, names, &mut notes);
            registered.push((reflected, table.options.clone()));
        }
        faults.extend(relations::add(&served, &names, options.reverse_sides, &mut registered, &mut notes));
        let values = options.values.clone();
        Self { registered, values, notes, faults, resolves_clashes: true, ..Self::default() }
    }
}

/// Returns the tables that become entities, and notes the others. Tables come before views, so that no name of a table
/// gives way to that of a view.
fn served<'a>(
    tables: &'a [TableDescription],
    options: &TableOptions,
    notes: &mut Vec<Note>,
    faults: &mut Vec<ModelFault>,
) -> Vec<Served<'a>> {
    let mut served = Vec::new();
    for description in tables {
        let table = description.table.to_string();
        if !options.includes(&description.table) {
            continue;
        }
        let left_out = |reason: &str| Note::TableLeftOut { table: table.clone(), reason: reason.to_owned() };
        if STATE_OF_MIGRATIONS.contains(&description.table.name.as_str())
            && !options.names(&description.table)
        {
            notes.push(left_out("it holds the state of a migration tool"));
            continue;
        }
        let mut candidate = Served::new(description, options.of_table(&description.table));
        faults.append(&mut declared::declare(&mut candidate, tables));
        if !description.columns.iter().any(|column| candidate.column_type(&column.name).is_some()) {
            notes.push(left_out("it has no column with a scalar"));
            continue;
        }
        if !description.inherited_by.is_empty() {
            let by = description.inherited_by.iter().map(ToString::to_string).collect();
            notes.push(Note::Inherited { table: table.clone(), by });
        }
        let is_declared = !candidate.key.is_empty();
        match key(&candidate) {
            Ok(key) => {
                // SQLite admits NULL in a primary key: `TEXT PRIMARY KEY` is not NOT NULL.
                candidate.promise_not_null(&key);
                candidate.key = key;
            }
            Err(reason) => notes.push(Note::NoKey { table: table.clone(), reason: reason.to_owned() }),
        }
        if description.primary_key.is_empty() && !candidate.key.is_empty() && !is_declared {
            notes.push(Note::KeyTaken { table, columns: candidate.key.clone() });
        }
        let writes = description.writes;
        if candidate.options.writable == Some(true) && writes.any() && writes != AcceptedWrites::ALL {
            let table = description.table.to_string();
            notes.push(Note::WritesLeftOut { table, missing: writes.missing() });
        }
        served.push(candidate);
    }
    served.sort_by_key(|table| table.description.kind != TableKind::Table);
    served
}

fn reflect(table: &Served, names: &EntityNames, notes: &mut Vec<Note>) -> Reflected {
    let description = &table.description;
    let name = description.table.to_string();
    let mut columns = Vec::new();
    for column in &description.columns {
        let is_unreadable = table.column_type(&column.name).is_none();
        let generation = column.generation;
        let has_default = column.has_default || generation != Generation::None;
        if is_unreadable {
            notes.push(Note::ColumnLeftOut {
                column: format!("{name}.{}", column.name),
                declared_type: column.declared_type.clone(),
                is_required: !column.nullable && !has_default,
            });
        }
        let is_read_only = table.column_type(&column.name).is_some_and(|declared| !declared.is_writable());
        if is_read_only && generation == Generation::None {
            notes.push(Note::ColumnReadOnly {
                column: format!("{name}.{}", column.name),
                declared_type: column.declared_type.clone(),
                is_required: !column.nullable && !has_default,
            });
        }
        columns.push(ReflectedColumn {
            name: column.name.clone(),
            variant: column.name.clone(),
            field: names::field_of_column(&column.name),
            database_type: match &column.database_type {
                Some(database_type) => database_type.clone(),
                None => DatabaseType::custom(column.declared_type.clone()).into(),
            },
            nullable: column.nullable,
            has_default,
            default: column.default.clone(),
            always_generated: matches!(generation, Generation::AlwaysNumber | Generation::Computed),
            is_read_only,
            is_unreadable,
            comment: column.comment.clone(),
        });
    }
    let numbered = |name: &String| {
        let generation = table.column(name).map(|column| column.generation);
        matches!(generation, Some(Generation::Number | Generation::AlwaysNumber))
    };
    Reflected {
        names: names.types.clone(),
        table: description.table.clone(),
        comment: description.comment.clone(),
        columns,
        auto_increment: table.key.len() == 1 && table.key.iter().all(numbered),
        kind: description.kind,
        primary_key: table.key.clone(),
        unique_keys: unique_keys(table, &name, notes),
        deferrable_keys: description.deferrable_keys().cloned().collect(),
        promised_keys: table.promised_keys.clone(),
        promised_not_null: table.promised_not_null.clone(),
        writable: table.is_writable(),
        writes: description.writes,
        relations: Vec::new(),
    }
}

/// Returns the unique keys without the primary key, each set of columns once.
fn unique_keys(table: &Served, name: &str, notes: &mut Vec<Note>) -> Vec<Vec<String>> {
    let mut known = BTreeSet::from([sorted(&table.key)]);
    let mut keys = Vec::new();
    for columns in table.unique_keys() {
        if columns.is_empty() || !known.insert(sorted(columns)) {
            continue;
        }
        if table.are_compared(columns) {
            keys.push(columns.clone());
        } else {
            notes.push(Note::UniqueKeyLeftOut {
                key: format!("{name} ({})", columns.join(", ")),
                reason: "a value of one of its columns has several forms, or no scalar".to_owned(),
            });
        }
    }
    keys
}
