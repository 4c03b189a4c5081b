//! Tables of PostgreSQL, from `pg_catalog`.

use std::collections::BTreeMap;

use sea_orm::Value;
use sea_orm::sea_query::ArrayType;
use serde_json::Value as Json;

use super::accepted;
use super::default::ColumnDefault;
use super::description::{DatabaseDescription, LeftOut};
use super::keys::{UNIQUE_KEY_COLUMNS, add_foreign_keys, add_unique_keys};
use super::postgres_types::PostgresTypes;
use crate::database::handle::Database;
use crate::database::introspect::catalog_row::{flag, integer, place, text};
use crate::database::row::RowSet;
use crate::error::Result;
use crate::model::ColumnType::{BigInt, Boolean, Text};
use crate::model::{
    AcceptedWrites, ColumnDescription, ColumnType, DeclaredType, Generation, Table, TableDescription,
    TableKind,
};

/// Schemas by name, the connection's own if none is named: name, and two flags: existing, usable.
const SCHEMAS: &str =
    "SELECT s.name, n.oid IS NOT NULL, COALESCE(has_schema_privilege(n.oid, 'USAGE'), false)
    FROM unnest(CASE cardinality($1) WHEN 0 THEN ARRAY[current_schema()::text] ELSE $1 END)
        WITH ORDINALITY AS s(name, place)
    LEFT JOIN pg_namespace n ON n.nspname = s.name ORDER BY s.place";

const SCHEMA_COLUMNS: [ColumnType; 3] = [Text, Boolean, Boolean];

/// Tables of these schemas: id, schema, name, kind, comment, number of rows, accepted statements as bits, and the inheriting tables
/// as JSON. Partitions, and tables that belong to an extension, are left out. Before PostgreSQL 14, zero rows on zero pages mean that nothing was counted.
///
/// `pg_relation_is_updatable` fails for a view over a foreign table whose wrapper has no handler. The database reads and writes
/// no row of such a table, so it accepts no statement for the table and the views over it.
const TABLES: &str = "WITH RECURSIVE unreachable(id) AS (
        SELECT f.ftrelid FROM pg_foreign_table f JOIN pg_foreign_server s ON s.oid = f.ftserver
        JOIN pg_foreign_data_wrapper w ON w.oid = s.srvfdw WHERE w.fdwhandler = 0
        UNION
        SELECT r.ev_class FROM unreachable u
        JOIN pg_depend d ON d.refclassid = 'pg_class'::regclass AND d.refobjid = u.id
            AND d.classid = 'pg_rewrite'::regclass
        JOIN pg_rewrite r ON r.oid = d.objid AND r.ev_type = '1')
    SELECT t.oid::int8, NULLIF(n.nspname, current_schema())::text, t.relname::text, t.relkind::text,
        obj_description(t.oid, 'pg_class'),
        CASE WHEN t.reltuples > 0 OR t.reltuples = 0 AND t.relpages <> 0 THEN t.reltuples::int8 END,
        CASE WHEN t.relkind = 'm' OR t.oid IN (SELECT id FROM unreachable) THEN 0
            WHEN t.relkind = 'v' THEN pg_relation_is_updatable(t.oid, true)::int8 ELSE 28 END,
        (SELECT json_agg(ARRAY[NULLIF(m.nspname, current_schema()), c.relname] ORDER BY m.nspname, c.relname)::text
            FROM pg_inherits h JOIN pg_class c ON c.oid = h.inhrelid JOIN pg_namespace m ON m.oid = c.relnamespace
            WHERE h.inhparent = t.oid AND NOT c.relispartition)
    FROM pg_class t JOIN pg_namespace n ON n.oid = t.relnamespace
    WHERE n.nspname = ANY($1) AND t.relkind IN ('r', 'p', 'v', 'm', 'f') AND NOT t.relispartition
        AND NOT EXISTS (SELECT FROM pg_depend d
            WHERE d.classid = 'pg_class'::regclass AND d.objid = t.oid AND d.objsubid = 0 AND d.deptype = 'e')
    ORDER BY n.nspname <> current_schema(), n.nspname, t.relname";

const TABLE_COLUMNS: [ColumnType; 8] = [BigInt, Text, Text, Text, Text, BigInt, BigInt, Text];

/// Columns of these tables, of which the second parameter lists the updatable views: place of the table, name, declared type, modifier and id of the base type, not null, default,
/// identity, computed, comment, readable, true for a domain, the conditions of
/// the column alone or of its domain as JSON, and true for a collation by which different texts are equal.
///
/// A domain over a domain has the modifier of the innermost, the default of the outermost, and forbids NULL if any of
/// them does. A view may extend rows with NULL, whatever the domain says. A NOT NULL that was added as NOT VALID
/// (PostgreSQL 18) is no promise for older rows. An inheriting table may have dropped the NOT NULL (until PostgreSQL 17).
const COLUMNS: &str = "WITH RECURSIVE domain(id, base, modifier, not_null) AS (
        SELECT oid, typbasetype, typtypmod, typnotnull FROM pg_type WHERE typtype = 'd'
        UNION ALL
        SELECT d.id, t.typbasetype, t.typtypmod, d.not_null OR t.typnotnull
        FROM domain d JOIN pg_type t ON t.oid = d.base WHERE t.typtype = 'd'),
    tree(relation, part) AS (
        SELECT id::oid, id::oid FROM unnest($1) AS s(id)
        UNION
        SELECT t.relation, h.inhrelid FROM tree t JOIN pg_inherits h ON h.inhparent = t.part
        JOIN pg_class c ON c.oid = h.inhrelid AND NOT c.relispartition),
    checked(relation, domain, columns, conditions) AS (
        SELECT k.conrelid, k.contypid, k.conkey, json_agg(pg_get_expr(k.conbin, k.conrelid) ORDER BY k.oid)
        FROM pg_constraint k WHERE k.contype = 'c' AND (k.contypid <> 0 OR k.conrelid::int8 = ANY($1))
        GROUP BY 1, 2, 3)
    SELECT s.place - 1, c.attname::text, format_type(c.atttypid, c.atttypmod),
        COALESCE(d.modifier, c.atttypmod)::int8, b.oid::int8,
        NOT EXISTS (SELECT FROM tree p JOIN pg_attribute a ON a.attrelid = p.part AND a.attname = c.attname
                LEFT JOIN pg_constraint k ON k.conrelid = a.attrelid AND k.contype = 'n' AND NOT k.convalidated
                    AND k.conkey = ARRAY[a.attnum]
                WHERE p.relation = r.oid AND (NOT a.attnotnull OR k.oid IS NOT NULL))
            OR COALESCE(d.not_null, false) AND r.relkind NOT IN ('v', 'm'),
        COALESCE(pg_get_expr(e.adbin, e.adrelid), CASE t.typtype WHEN 'd' THEN t.typdefault END),
        c.attidentity::text, c.attgenerated <> ''
            OR CASE WHEN s.id = ANY($2) THEN NOT pg_column_is_updatable(r.oid, c.attnum, true) ELSE false END,
        col_description(c.attrelid, c.attnum), has_column_privilege(c.attrelid, c.attnum, 'SELECT'),
        c.atttypid <> b.oid, COALESCE(k.conditions, v.conditions)::text, NOT COALESCE(l.collisdeterministic, true)
    FROM unnest($1) WITH ORDINALITY AS s(id, place)
    JOIN pg_class r ON r.oid = s.id::oid
    JOIN pg_attribute c ON c.attrelid = r.oid AND c.attnum > 0 AND NOT c.attisdropped
    JOIN pg_type t ON t.oid = c.atttypid
    LEFT JOIN domain d ON d.id = t.oid
        AND NOT EXISTS (SELECT FROM pg_type i WHERE i.oid = d.base AND i.typtype = 'd')
    JOIN pg_type b ON b.oid = COALESCE(d.base, t.oid)
    LEFT JOIN checked k ON k.relation = r.oid AND k.columns = ARRAY[c.attnum]
    LEFT JOIN checked v ON v.domain = t.oid
    LEFT JOIN pg_collation l ON l.oid = c.attcollation
    LEFT JOIN pg_attrdef e ON e.adrelid = c.attrelid AND e.adnum = c.attnum
    ORDER BY s.place, c.attnum";

const COLUMN_COLUMNS: [ColumnType; 14] =
    [BigInt, Text, Text, BigInt, BigInt, Boolean, Text, Text, Boolean, Text, Boolean, Boolean, Text, Boolean];

/// Labels of all enums in order: type, label.
const LABELS: &str = "SELECT enumtypid::int8, enumlabel::text FROM pg_enum ORDER BY enumtypid, enumsortorder";

const LABEL_COLUMNS: [ColumnType; 2] = [BigInt, Text];

/// Unique indexes of these tables. An index is not whole if it is partial, if it is over expressions, or if the table has
/// children: they have indexes of their own, and their rows belong to the table too. As JSON, a row of the catalog has
/// fields that older servers lack: `indnullsnotdistinct` came with PostgreSQL 15.
const UNIQUE_KEYS: &str = "SELECT s.place - 1, x.relname::text, i.indisprimary,
        i.indpred IS NULL AND i.indexprs IS NULL
            AND (t.relkind = 'p' OR NOT EXISTS (SELECT FROM pg_inherits h WHERE h.inhparent = t.oid)),
        COALESCE((to_jsonb(i) ->> 'indnullsnotdistinct')::boolean, false), NOT i.indimmediate, c.attname::text
    FROM unnest($1) WITH ORDINALITY AS s(id, place)
    JOIN pg_class t ON t.oid = s.id::oid
    JOIN pg_index i ON i.indrelid = t.oid AND i.indisunique AND i.indisvalid
    JOIN pg_class x ON x.oid = i.indexrelid
    CROSS JOIN LATERAL unnest(i.indkey::int2[]) WITH ORDINALITY AS k(attribute, place)
    LEFT JOIN pg_attribute c ON c.attrelid = t.oid AND c.attnum = k.attribute AND k.attribute > 0
    WHERE k.place <= i.indnkeyatts ORDER BY s.place, x.oid, k.place";

/// Default that takes a number from a sequence. The number is new, whichever table owns the sequence.
const NEXT_NUMBER: (&str, &str) = ("nextval('", "'::regclass)");

/// Reads the tables.
///
/// # Errors
/// Fails if the database cannot be queried.
pub(super) async fn read(database: &Database, schemas: &[String]) -> Result<DatabaseDescription> {
    let mut described = DatabaseDescription::default();
    let rows = database.ask(SCHEMAS, vec![texts(schemas)], SCHEMA_COLUMNS.into()).await?;
    let usable = usable_schemas(&rows, &mut described.left_out);
    let rows = database.ask(TABLES, vec![texts(&usable)], TABLE_COLUMNS.into()).await?;
    let (ids, mut tables) = tables(&rows);
    let updatable = updatable_views(&rows);
    let rows = database.ask(LABELS, Vec::new(), LABEL_COLUMNS.into()).await?;
    let labels = labels(&rows);
    let types = PostgresTypes::read(database, ids.clone(), labels).await?;
    let rows = database.ask(COLUMNS, vec![ids.clone(), updatable], COLUMN_COLUMNS.into()).await?;
    let unreadable = add_columns(&mut tables, &rows, &types);
    let rows = database.ask(UNIQUE_KEYS, vec![ids], UNIQUE_KEY_COLUMNS.into()).await?;
    add_unique_keys(&mut tables, &rows);
    for (place, table) in tables.into_iter().enumerate() {
        let missing = unreadable.get(&place);
        if table.columns.is_empty() && missing.is_some() {
            described.left_out.push(LeftOut::TableWithoutRight { table: table.table });
            continue;
        }
        for column in missing.into_iter().flatten() {
            let (table, column) = (table.table.clone(), column.clone());
            described.left_out.push(LeftOut::ColumnWithoutRight { table, column });
        }
        described.tables.push(table);
    }
    add_foreign_keys(&mut described, &database.read_keys().await?);
    Ok(described)
}

fn usable_schemas(rows: &RowSet, left_out: &mut Vec<LeftOut>) -> Vec<String> {
    let mut usable = Vec::new();
    for row in 0..rows.len() {
        match text(rows, row, 0) {
            None => left_out.push(LeftOut::NoOwnSchema),
            Some(schema) if !flag(rows, row, 1) => left_out.push(LeftOut::NoSchema { schema }),
            Some(schema) if !flag(rows, row, 2) => left_out.push(LeftOut::SchemaWithoutRight { schema }),
            Some(schema) => usable.push(schema),
        }
    }
    usable
}

/// Returns the ids of the tables, as the parameter of further statements, and the tables in the same order.
fn tables(rows: &RowSet) -> (Value, Vec<TableDescription>) {
    let mut ids = Vec::new();
    let mut tables = Vec::new();
    for row in 0..rows.len() {
        let name = text(rows, row, 2).unwrap_or_default();
        ids.push(Value::BigInt(integer(rows, row, 0)));
        tables.push(TableDescription {
            table: Table { schema: text(rows, row, 1), name },
            kind: match text(rows, row, 3).as_deref() {
                Some("v") => TableKind::View,
                Some("m") => TableKind::MaterializedView,
                Some("f") => TableKind::ForeignTable,
                _ => TableKind::Table,
            },
            comment: text(rows, row, 4),
            columns: Vec::new(),
            primary_key: Vec::new(),
            unique_keys: Vec::new(),
            foreign_keys: Vec::new(),
            inherited_by: inheriting(rows, row),
            estimated_rows: integer(rows, row, 5).map(i64::unsigned_abs),
            writes: writes(integer(rows, row, 6).unwrap_or_default()),
        });
    }
    (Value::Array(ArrayType::BigInt, Some(Box::new(ids))), tables)
}

/// Returns the tables that inherit from a table.
fn inheriting(rows: &RowSet, row: usize) -> Vec<Table> {
    let named: Option<Vec<(Option<String>, String)>> =
        text(rows, row, 7).and_then(|named| serde_json::from_str(&named).ok());
    named.into_iter().flatten().map(|(schema, name)| Table { schema, name }).collect()
}

/// Returns the ids of the views whose rows are updated and deleted.
fn updatable_views(rows: &RowSet) -> Value {
    let is_updatable = |row: &usize| {
        let writes = writes(integer(rows, *row, 6).unwrap_or_default());
        text(rows, *row, 3).as_deref() == Some("v") && writes.update && writes.delete
    };
    let ids = (0..rows.len()).filter(is_updatable).map(|row| Value::BigInt(integer(rows, row, 0)));
    Value::Array(ArrayType::BigInt, Some(Box::new(ids.collect())))
}

/// Reads the bits of `pg_relation_is_updatable`: each has the number of a command of PostgreSQL.
fn writes(bits: i64) -> AcceptedWrites {
    AcceptedWrites { create: bits & 8 != 0, update: bits & 4 != 0, delete: bits & 16 != 0 }
}

fn labels(rows: &RowSet) -> BTreeMap<i64, Vec<String>> {
    let mut labels: BTreeMap<i64, Vec<String>> = BTreeMap::new();
    for row in 0..rows.len() {
        let known = labels.entry(integer(rows, row, 0).unwrap_or_default()).or_default();
        known.extend(text(rows, row, 1));
    }
    labels
}

/// Adds the readable columns to their tables, and returns the others by the place of their table.
fn add_columns(
    tables: &mut [TableDescription],
    rows: &RowSet,
    types: &PostgresTypes,
) -> BTreeMap<usize, Vec<String>> {
    let mut unreadable: BTreeMap<usize, Vec<String>> = BTreeMap::new();
    for row in 0..rows.len() {
        let Some(place) = place(rows, row, 0) else { continue };
        let name = text(rows, row, 1).unwrap_or_default();
        match tables.get_mut(place) {
            Some(table) if flag(rows, row, 10) => {
                let mut described = column(rows, row, name, types);
                // The table behind a view may fill in the value.
                described.has_default |= table.kind == TableKind::View;
                table.columns.push(described);
            }
            _ => unreadable.entry(place).or_default().push(name),
        }
    }
    unreadable
}

fn column(rows: &RowSet, row: usize, name: String, types: &PostgresTypes) -> ColumnDescription {
    let id = integer(rows, row, 4).unwrap_or_default();
    let declared_type = text(rows, row, 2).unwrap_or_default();
    let base = types.of(id, integer(rows, row, 3).unwrap_or(-1));
    let is_computed = flag(rows, row, 8);
    // The catalog keeps the expression of a computed column as a default. An expression of a view is computed as well.
    let expression = text(rows, row, 6).filter(|_| !is_computed);
    let is_numbered = expression.as_deref().is_some_and(|expression| {
        expression.starts_with(NEXT_NUMBER.0) && expression.ends_with(NEXT_NUMBER.1)
    });
    let default = ColumnDefault::read(expression.as_deref(), base.as_ref());
    let base = if flag(rows, row, 11) { base.map(DeclaredType::domain) } else { base };
    let database_type = if flag(rows, row, 13) { base.map(DeclaredType::collated) } else { base };
    ColumnDescription {
        name,
        declared_type,
        database_type,
        holds_any_integer: false,
        nullable: !flag(rows, row, 5),
        has_default: default.exists,
        default: default.value,
        generation: match text(rows, row, 7).as_deref() {
            Some("a") => Generation::AlwaysNumber,
            Some("d") => Generation::Number,
            _ if is_computed => Generation::Computed,
            _ if is_numbered => Generation::Number,
            _ => Generation::None,
        },
        accepted: accepted(rows, row),
        comment: text(rows, row, 9),
    }
}

/// Returns the values of the first condition that lists them.
fn accepted(rows: &RowSet, row: usize) -> Vec<Json> {
    let conditions: Option<Vec<String>> =
        text(rows, row, 12).and_then(|conditions| serde_json::from_str(&conditions).ok());
    let mut listed = conditions.iter().flatten().filter_map(|condition| accepted::of_condition(condition));
    listed.next().map(|(_, values)| values).unwrap_or_default()
}

fn texts(values: &[String]) -> Value {
    let values = values.iter().map(|value| Value::from(value.as_str())).collect();
    Value::Array(ArrayType::String, Some(Box::new(values)))
}
