//! Statistics of a database: indexes, foreign keys and table sizes.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use sea_orm::Value;

use super::catalog_row::{table, text};
use super::foreign_keys::ForeignKeys;
use crate::database::row::RowSet;
use crate::dialect::Dialect;
use crate::model::{ColumnType, Table};
use crate::plan::Catalog;

/// Lifetime of the statistics. Until then, a dropped index makes a statement slow, and a new index stays
/// unused.
const LIFETIME: Duration = Duration::from_secs(60);

/// Cached catalog of one database, read on first use and again after its lifetime.
#[derive(Debug, Default)]
pub(in crate::database) struct KnownCatalog(Mutex<CatalogState>);

#[derive(Debug, Default)]
struct CatalogState {
    asked: Option<Instant>,
    catalog: Option<Arc<Catalog>>,
    keys: Option<Arc<ForeignKeys>>,
}

impl KnownCatalog {
    /// Returns the cached catalog, without a query.
    pub fn known(&self) -> Option<Arc<Catalog>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).catalog.clone()
    }

    /// Returns the cached foreign keys, without a query.
    pub fn keys(&self) -> Option<Arc<ForeignKeys>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).keys.clone()
    }

    /// Keeps foreign keys that were asked for elsewhere.
    pub fn keep_keys(&self, keys: ForeignKeys) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).keys = Some(Arc::new(keys));
    }

    /// Returns the cached catalog, and true if the caller is to read it again.
    pub fn current(&self) -> (Option<Arc<Catalog>>, bool) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.asked.is_some_and(|asked| asked.elapsed() < LIFETIME) {
            return (known.catalog.clone(), false);
        }
        known.asked = Some(Instant::now());
        (known.catalog.clone(), true)
    }

    /// Keeps what was read. What is equal stays in its place, for those who kept statements for it.
    pub fn keep(&self, catalog: Catalog, keys: ForeignKeys) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.catalog.as_deref() != Some(&catalog) {
            known.catalog = Some(Arc::new(catalog));
        }
        if known.keys.as_deref() != Some(&keys) {
            known.keys = Some(Arc::new(keys));
        }
    }
}

/// Columns of full indexes in the database's default order, in index order: schema, table, index, column.
/// Schema is NULL for the connection's own. Column is NULL for an expression, or for an order or collation
/// other than the column's own. The primary key is an index without a name, because a rowid is in no list.
const SQLITE_INDEXES: &str = r#"SELECT NULL, t, i, c FROM (
    SELECT m.name AS t, i.name AS i, c.name AS c, c.seqno AS n
    FROM sqlite_master m JOIN pragma_index_list(m.name) i JOIN pragma_index_info(i.name) c
    WHERE m.type = 'table' AND i.partial = 0
    UNION ALL SELECT m.name, '', k.name, k.pk FROM sqlite_master m JOIN pragma_table_info(m.name) k
    WHERE m.type = 'table' AND k.pk > 0) ORDER BY t, i, n"#;

/// `indoption` has bit 1 for a descending column and bit 2 for NULL first; both together are the default
/// order read backwards.
const POSTGRES_INDEXES: &str =
    "SELECT NULLIF(n.nspname, current_schema())::text, t.relname::text, i.indexrelid::text,
        CASE WHEN o.opcdefault AND k.collated = c.attcollation AND k.option IN (0, 3) THEN c.attname::text END
    FROM pg_index i JOIN pg_class t ON t.oid = i.indrelid JOIN pg_namespace n ON n.oid = t.relnamespace
    JOIN pg_class x ON x.oid = i.indexrelid JOIN pg_am a ON a.oid = x.relam
    CROSS JOIN LATERAL unnest(i.indkey::int2[], i.indclass::oid[], i.indcollation::oid[], i.indoption::int2[])
        WITH ORDINALITY AS k(attribute, class, collated, option, place)
    LEFT JOIN pg_attribute c ON c.attrelid = t.oid AND c.attnum = k.attribute AND k.attribute > 0
    LEFT JOIN pg_opclass o ON o.oid = k.class
    WHERE a.amname = 'btree' AND i.indisvalid AND i.indpred IS NULL AND k.place <= i.indnkeyatts
        AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast')
    ORDER BY i.indexrelid, k.place";

/// Tables with statistics from `ANALYZE` or the like: schema, table, rows.
const POSTGRES_ROWS: &str =
    "SELECT NULLIF(n.nspname, current_schema())::text, t.relname::text, t.reltuples::int8
    FROM pg_class t JOIN pg_namespace n ON n.oid = t.relnamespace
    WHERE t.relkind IN ('r', 'm', 'p') AND t.reltuples >= 0
        AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast')";

/// Plain tables: schema, table, and each column that is never NULL, or NULL for none. They have no triggers and rules. They neither
/// inherit nor are inherited, because rows of both tables change then, and an inheriting table has triggers of its own. Triggers of
/// foreign keys (`tgisinternal`) do what [`ForeignKeys`] tells.
const POSTGRES_PLAIN: &str =
    "SELECT NULLIF(n.nspname, current_schema())::text, t.relname::text, c.attname::text
    FROM pg_class t JOIN pg_namespace n ON n.oid = t.relnamespace
    LEFT JOIN pg_attribute c ON c.attrelid = t.oid AND c.attnum > 0 AND c.attnotnull AND NOT c.attisdropped
    WHERE t.relkind = 'r' AND NOT t.relhasrules AND NOT t.relhassubclass
        AND NOT EXISTS (SELECT FROM pg_inherits h WHERE h.inhrelid = t.oid)
        AND NOT EXISTS (SELECT FROM pg_trigger g WHERE g.tgrelid = t.oid AND NOT g.tgisinternal)
        AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast')";

/// Plain tables: schema, table, and NULL for no column. They have no triggers, which SQLite finds by the table's name without case,
/// and no constraint whose `ON CONFLICT` clause skips the new row, or removes another one. Any mention of CONFLICT counts as one.
const SQLITE_PLAIN: &str = "SELECT NULL, t.name, NULL FROM pragma_table_list t JOIN sqlite_master m ON m.name = t.name
    WHERE t.schema = 'main' AND t.type = 'table' AND m.type = 'table' AND m.sql NOT LIKE '%CONFLICT%' AND NOT EXISTS (
        SELECT 1 FROM sqlite_master g WHERE g.type = 'trigger' AND g.tbl_name = t.name COLLATE NOCASE)";

/// Catalog queries of a dialect.
pub(in crate::database) struct Queries {
    /// Indexes; its columns are [`INDEX_COLUMNS`].
    pub indexes: &'static str,
    /// Tables with their numbers of rows; its columns are [`ROW_COLUMNS`]. None where sizes do not matter.
    pub rows: Option<&'static str>,
    /// Plain tables; its columns are [`PLAIN_COLUMNS`].
    pub plain: &'static str,
}

/// Columns of [`Queries::indexes`].
pub(in crate::database) const INDEX_COLUMNS: [ColumnType; 4] =
    [ColumnType::Text, ColumnType::Text, ColumnType::Text, ColumnType::Text];

/// Columns of [`Queries::rows`].
pub(in crate::database) const ROW_COLUMNS: [ColumnType; 3] =
    [ColumnType::Text, ColumnType::Text, ColumnType::BigInt];

/// Columns of [`Queries::plain`].
pub(in crate::database) const PLAIN_COLUMNS: [ColumnType; 3] =
    [ColumnType::Text, ColumnType::Text, ColumnType::Text];

/// Returns the catalog queries of a dialect.
pub(in crate::database) fn queries(dialect: Dialect) -> Queries {
    match dialect {
        Dialect::Sqlite => Queries { indexes: SQLITE_INDEXES, rows: None, plain: SQLITE_PLAIN },
        Dialect::Postgres => {
            Queries { indexes: POSTGRES_INDEXES, rows: Some(POSTGRES_ROWS), plain: POSTGRES_PLAIN }
        }
    }
}

/// Builds the catalog from the results of [`queries`].
pub(in crate::database) fn of(indexes: &RowSet, rows: &RowSet, plain: &RowSet) -> Catalog {
    let mut found: BTreeMap<(Table, String), Vec<Option<String>>> = BTreeMap::new();
    for index in 0..indexes.len() {
        let name = text(indexes, index, 2).unwrap_or_default();
        found.entry((table(indexes, index), name)).or_default().push(text(indexes, index, 3));
    }
    let mut catalog = Catalog::default();
    for ((table, _), columns) in found {
        // Columns after an unknown column are useless.
        catalog.add_index(table, columns.into_iter().map_while(|column| column).collect());
    }
    for index in 0..rows.len() {
        if let Value::BigInt(Some(count)) = rows.row(index).value(2) {
            catalog.set_rows(table(rows, index), count.unsigned_abs());
        }
    }
    for index in 0..plain.len() {
        let table = table(plain, index);
        match text(plain, index, 2) {
            Some(column) => catalog.add_never_null(table, column),
            None => catalog.add_plain(table),
        }
    }
    catalog
}
