//! Tables as described by the database.

use std::collections::{BTreeMap, BTreeSet};

use sea_orm::DatabaseConnection;

use crate::database::introspect::catalog_row::CatalogRow;
use crate::dialect::Dialect;
use crate::error::Result;
use crate::model::Table;

/// A table of the database.
#[derive(Debug, Default)]
pub(super) struct LiveTable {
    pub columns: BTreeMap<String, LiveColumn>,
    pub unique_keys: Vec<BTreeSet<String>>,
}

/// A column of the database.
#[derive(Debug)]
pub(super) struct LiveColumn {
    pub nullable: bool,
    /// True if the database fills in a missing value. `None` for SQLite's own row numbering, which every
    /// table has.
    pub has_default: Option<bool>,
}

/// Catalog queries of a dialect: all columns (schema, table, column, nullable, has a default) and all unique
/// keys (schema, table, key, column). Schema is NULL for the connection's own. Keys over expressions or a
/// part of the rows do not count.
struct CatalogSql {
    columns: &'static str,
    unique_keys: &'static str,
}

const SQLITE: CatalogSql = CatalogSql {
    columns: r#"SELECT NULL, m.name, c.name, CAST(c."notnull" = 0 AND c.pk = 0 AS INTEGER),
            CASE WHEN c.pk = 1 AND upper(c.type) = 'INTEGER' THEN NULL ELSE CAST(c.dflt_value IS NOT NULL OR c.hidden > 1 AS INTEGER) END
        FROM sqlite_master m JOIN pragma_table_xinfo(m.name) c WHERE m.type IN ('table', 'view') AND c.hidden <> 1"#,
    unique_keys: r#"SELECT NULL, m.name, i.name, c.name
        FROM sqlite_master m JOIN pragma_index_list(m.name) i JOIN pragma_index_info(i.name) c
        WHERE m.type = 'table' AND i."unique" = 1 AND i.partial = 0
            AND NOT EXISTS (SELECT 1 FROM pragma_index_info(i.name) e WHERE e.name IS NULL)
        UNION ALL
        SELECT NULL, m.name, 'primary key', c.name
        FROM sqlite_master m JOIN pragma_table_info(m.name) c WHERE m.type = 'table' AND c.pk > 0"#,
};

const POSTGRES: CatalogSql = CatalogSql {
    columns: "SELECT NULLIF(n.nspname, current_schema())::text, t.relname::text, c.attname::text, (NOT c.attnotnull)::int::int8,
            (c.atthasdef OR c.attidentity <> '')::int::int8
        FROM pg_class t JOIN pg_namespace n ON n.oid = t.relnamespace JOIN pg_attribute c ON c.attrelid = t.oid
        WHERE t.relkind IN ('r', 'p', 'v', 'm', 'f') AND c.attnum > 0 AND NOT c.attisdropped",
    unique_keys: "SELECT NULLIF(n.nspname, current_schema())::text, t.relname::text, i.indexrelid::text, c.attname::text
        FROM pg_index i JOIN pg_class t ON t.oid = i.indrelid JOIN pg_namespace n ON n.oid = t.relnamespace
        JOIN pg_attribute c ON c.attrelid = t.oid AND c.attnum = ANY(i.indkey[0:i.indnkeyatts - 1])
        WHERE i.indisunique AND i.indisvalid AND i.indpred IS NULL AND i.indexprs IS NULL",
};

/// Reads all tables.
///
/// # Errors
/// Fails if the database cannot be queried.
pub(super) async fn read_tables(connection: &DatabaseConnection) -> Result<BTreeMap<Table, LiveTable>> {
    let catalog = match Dialect::of(connection.get_database_backend())? {
        Dialect::Sqlite => SQLITE,
        Dialect::Postgres => POSTGRES,
    };
    let mut tables: BTreeMap<Table, LiveTable> = BTreeMap::new();
    for row in CatalogRow::ask(connection, catalog.columns).await? {
        let nullable: i64 = row.get(3)?;
        let has_default: Option<i64> = row.get(4)?;
        let column =
            LiveColumn { nullable: nullable != 0, has_default: has_default.map(|default| default != 0) };
        tables.entry(row.table()?).or_default().columns.insert(row.get(2)?, column);
    }
    let mut unique_keys: BTreeMap<(Table, String), BTreeSet<String>> = BTreeMap::new();
    for row in CatalogRow::ask(connection, catalog.unique_keys).await? {
        unique_keys.entry((row.table()?, row.get(2)?)).or_default().insert(row.get(3)?);
    }
    for ((table, _), columns) in unique_keys {
        let known = &mut tables.entry(table).or_default().unique_keys;
        // Two indexes may have equal columns.
        if !known.contains(&columns) {
            known.push(columns);
        }
    }
    Ok(tables)
}
