//! The model against the live database: what the schema would promise and the database does not hold.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use sea_orm::DatabaseConnection;

use super::column_types;
use super::described::Described;
use crate::error::Result;
use crate::model::{Declaration, Entity, Model, Relation, Table};
use crate::plan::Dialect;

/// One way in which the database differs from the model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Difference {
    /// The entity's table is not there.
    NoTable {
        /// The entity.
        entity: String,
        /// Its table.
        table: String,
    },
    /// A column is not there.
    NoColumn {
        /// `table.column`.
        column: String,
    },
    /// A column may be NULL in one and not in the other.
    Nullable {
        /// `table.column`.
        column: String,
        /// Whether the database takes NULL; the entity says the opposite.
        in_database: bool,
    },
    /// A column is of a type in the database that cannot be read as the entity's.
    Type {
        /// `table.column`.
        column: String,
        /// The entity's type.
        in_entity: String,
        /// The database's type.
        in_database: String,
    },
    /// The database always makes the value of a column, and inputs have it.
    AlwaysGenerated {
        /// `table.column`.
        column: String,
    },
    /// A key is not unique.
    NoUniqueKey {
        /// `table (a, b)`.
        columns: String,
    },
    /// A relation's key has no constraint.
    NoForeignKey {
        /// `Entity.relation`.
        relation: String,
        /// `table (a, b)`.
        from: String,
        /// `table (a, b)`.
        to: String,
    },
}

impl fmt::Display for Difference {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoTable { entity, table } => write!(formatter, "{entity}: there is no table {table}"),
            Self::NoColumn { column } => write!(formatter, "there is no column {column}"),
            Self::Nullable { column, in_database: true } => {
                write!(formatter, "{column} may be NULL in the database, but not in its entity")
            }
            Self::Nullable { column, in_database: false } => {
                write!(formatter, "{column} may be NULL in its entity, but not in the database")
            }
            Self::Type { column, in_entity, in_database } => write!(
                formatter,
                "{column} is of type {in_database} in the database, which cannot be read as the entity's {in_entity}; \
                 change one of them, or hide the column"
            ),
            Self::AlwaysGenerated { column } => write!(
                formatter,
                "{column} is GENERATED ALWAYS in the database; say so by EntityOptions::generated, which keeps it out of inputs"
            ),
            Self::NoUniqueKey { columns } => write!(formatter, "{columns} has no unique key"),
            Self::NoForeignKey { relation, from, to } => {
                write!(formatter, "{relation}: {from} has no foreign key to {to}")
            }
        }
    }
}

/// A foreign key: its columns, the table it points at, and the columns there.
type ForeignKey = (Vec<String>, String, Vec<String>);

/// A table as the database describes it.
#[derive(Debug, Default)]
struct LiveTable {
    /// Each with whether it may be NULL.
    columns: BTreeMap<String, bool>,
    unique_keys: Vec<BTreeSet<String>>,
    foreign_keys: Vec<ForeignKey>,
}

/// Compares the model with the database that it is to be served from.
///
/// # Errors
/// When the database cannot be asked.
pub async fn verify(model: &Model, connection: &DatabaseConnection) -> Result<Vec<Difference>> {
    let live = read_tables(connection).await?;
    let mut differences = Vec::new();
    for entity in &model.entities {
        match live.get(&entity.table) {
            Some(table) => compare(model, entity, table, &mut differences),
            None => differences
                .push(Difference::NoTable { entity: entity.name.clone(), table: entity.table.name.clone() }),
        }
    }
    differences.extend(column_types::compare(model, connection).await?);
    Ok(differences)
}

fn compare(model: &Model, entity: &Entity, live: &LiveTable, differences: &mut Vec<Difference>) {
    let table = &entity.table.name;
    for column in entity.columns.iter().filter(|column| !column.hidden) {
        let label = format!("{table}.{}", column.name);
        match live.columns.get(&column.name) {
            None => differences.push(Difference::NoColumn { column: label }),
            Some(in_database) if *in_database != column.nullable => {
                differences.push(Difference::Nullable { column: label, in_database: *in_database });
            }
            Some(_) => {}
        }
    }
    for key in std::iter::once(&entity.primary_key).chain(&entity.unique_keys) {
        let names: Vec<String> = key.iter().map(|id| entity.columns[*id].name.clone()).collect();
        if !live.unique_keys.contains(&names.iter().cloned().collect()) {
            differences.push(Difference::NoUniqueKey { columns: label(table, &names) });
        }
    }
    let is_forward =
        |relation: &&Relation| relation.declaration == Declaration::BelongsTo && relation.enforced;
    for relation in entity.relations.iter().filter(is_forward) {
        let target = &model.entities[relation.target];
        let from: Vec<String> = relation.from.iter().map(|id| entity.columns[*id].name.clone()).collect();
        let to: Vec<String> = relation.to.iter().map(|id| target.columns[*id].name.clone()).collect();
        if !live.foreign_keys.contains(&(from.clone(), target.table.name.clone(), to.clone())) {
            differences.push(Difference::NoForeignKey {
                relation: format!("{}.{}", entity.name, relation.field),
                from: label(table, &from),
                to: label(&target.table.name, &to),
            });
        }
    }
}

fn label(table: &str, columns: &[String]) -> String {
    format!("{table} ({})", columns.join(", "))
}

/// For each dialect: all columns (schema, table, column, may be NULL), all unique keys and all foreign keys (schema,
/// table, key, column, and for foreign ones the table and column it points at). The schema is NULL where it is the
/// connection's own.
struct Catalog {
    columns: &'static str,
    unique_keys: &'static str,
    foreign_keys: &'static str,
}

const SQLITE: Catalog = Catalog {
    columns: r#"SELECT NULL, m.name, c.name, CAST(c."notnull" = 0 AND c.pk = 0 AS INTEGER)
        FROM sqlite_master m JOIN pragma_table_info(m.name) c WHERE m.type IN ('table', 'view')"#,
    unique_keys: r#"SELECT NULL, m.name, i.name, c.name
        FROM sqlite_master m JOIN pragma_index_list(m.name) i JOIN pragma_index_info(i.name) c
        WHERE m.type = 'table' AND i."unique" = 1 AND i.partial = 0
        UNION ALL
        SELECT NULL, m.name, 'primary key', c.name
        FROM sqlite_master m JOIN pragma_table_info(m.name) c WHERE m.type = 'table' AND c.pk > 0"#,
    foreign_keys: r#"SELECT NULL, m.name, CAST(f.id AS TEXT), f."from", f."table",
        COALESCE(f."to", (SELECT name FROM pragma_table_info(f."table") WHERE pk = f.seq + 1))
        FROM sqlite_master m JOIN pragma_foreign_key_list(m.name) f WHERE m.type = 'table' ORDER BY m.name, f.id, f.seq"#,
};

const POSTGRES: Catalog = Catalog {
    columns: "SELECT NULLIF(n.nspname, current_schema())::text, t.relname::text, c.attname::text, (NOT c.attnotnull)::int::int8
        FROM pg_class t JOIN pg_namespace n ON n.oid = t.relnamespace JOIN pg_attribute c ON c.attrelid = t.oid
        WHERE t.relkind IN ('r', 'p', 'v', 'm', 'f') AND c.attnum > 0 AND NOT c.attisdropped",
    unique_keys: "SELECT NULLIF(n.nspname, current_schema())::text, t.relname::text, i.indexrelid::text, c.attname::text
        FROM pg_index i JOIN pg_class t ON t.oid = i.indrelid JOIN pg_namespace n ON n.oid = t.relnamespace
        JOIN pg_attribute c ON c.attrelid = t.oid AND c.attnum = ANY(i.indkey[0:i.indnkeyatts - 1])
        WHERE i.indisunique AND i.indisvalid AND i.indpred IS NULL AND i.indexprs IS NULL",
    foreign_keys: "SELECT NULLIF(n.nspname, current_schema())::text, t.relname::text, k.oid::text, c.attname::text, o.relname::text, d.attname::text
        FROM pg_constraint k JOIN pg_class t ON t.oid = k.conrelid JOIN pg_namespace n ON n.oid = t.relnamespace
        JOIN pg_class o ON o.oid = k.confrelid
        CROSS JOIN LATERAL unnest(k.conkey, k.confkey) WITH ORDINALITY AS p(own, other, place)
        JOIN pg_attribute c ON c.attrelid = t.oid AND c.attnum = p.own
        JOIN pg_attribute d ON d.attrelid = o.oid AND d.attnum = p.other
        WHERE k.contype = 'f' ORDER BY k.oid, p.place",
};

async fn read_tables(connection: &DatabaseConnection) -> Result<BTreeMap<Table, LiveTable>> {
    let catalog = match Dialect::of(connection.get_database_backend())? {
        Dialect::Sqlite => SQLITE,
        Dialect::Postgres => POSTGRES,
    };
    let mut tables: BTreeMap<Table, LiveTable> = BTreeMap::new();
    for row in Described::ask(connection, catalog.columns).await? {
        let nullable: i64 = row.get(3)?;
        tables.entry(row.table()?).or_default().columns.insert(row.get(2)?, nullable != 0);
    }
    let mut unique_keys: BTreeMap<(Table, String), BTreeSet<String>> = BTreeMap::new();
    for row in Described::ask(connection, catalog.unique_keys).await? {
        unique_keys.entry((row.table()?, row.get(2)?)).or_default().insert(row.get(3)?);
    }
    for ((table, _), columns) in unique_keys {
        tables.entry(table).or_default().unique_keys.push(columns);
    }
    let mut foreign_keys: BTreeMap<(Table, String), ForeignKey> = BTreeMap::new();
    for row in Described::ask(connection, catalog.foreign_keys).await? {
        let key = foreign_keys.entry((row.table()?, row.get(2)?)).or_default();
        key.0.push(row.get(3)?);
        key.1 = row.get(4)?;
        key.2.push(row.get(5)?);
    }
    for ((table, _), key) in foreign_keys {
        tables.entry(table).or_default().foreign_keys.push(key);
    }
    Ok(tables)
}
