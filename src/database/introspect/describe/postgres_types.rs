//! Types of PostgreSQL's catalog, as far as the columns need them.

use std::collections::BTreeMap;

use sea_orm::{ColumnType as DatabaseType, Value};

use super::postgres_type;
use crate::database::handle::Database;
use crate::database::introspect::catalog_row::{flag, integer, text};
use crate::error::Result;
use crate::model::ColumnType::{BigInt, Boolean, Text};
use crate::model::{ColumnType, DeclaredType, Folding, NativeForm, Subtype};

/// Types: id, name in SQL without a length, own name, true for one of PostgreSQL's own, kind, item of an array, base of a
/// domain, bounds of a range or a multirange, fields of a composite type as JSON, and the schema before the name unless
/// the name alone finds the type. Composite types of tables are left out, unless a column of `$1` has such a type: a
/// database has one for each table. Each row tells whether `lower` changes letters beyond ASCII. As JSON, a row of the catalog has fields that older servers lack: multiranges came
/// with PostgreSQL 14.
const TYPES: &str = "WITH used(id) AS (
        SELECT a.atttypid FROM unnest($1) AS s(id) JOIN pg_attribute a ON a.attrelid = s.id::oid AND a.attnum > 0)
    SELECT t.oid::int8, format_type(t.oid, -1), t.typname::text, t.typnamespace = 'pg_catalog'::regnamespace,
        t.typtype::text, CASE WHEN t.typcategory = 'A' THEN NULLIF(t.typelem, 0)::int8 END,
        NULLIF(t.typbasetype, 0)::int8, r.rngsubtype::int8,
        CASE t.typtype WHEN 'c' THEN (SELECT json_agg(a.attname ORDER BY a.attnum)::text FROM pg_attribute a
            WHERE a.attrelid = t.typrelid AND a.attnum > 0 AND NOT a.attisdropped) END,
        CASE WHEN pg_type_is_visible(t.oid) THEN t.typname::text ELSE n.nspname::text || '.' || t.typname::text END,
        CASE getdatabaseencoding() WHEN 'UTF8' THEN lower(chr(196)) = chr(228) ELSE true END
    FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace
    LEFT JOIN pg_range r ON r.rngtypid = t.oid OR (to_jsonb(r) ->> 'rngmultitypid')::oid = t.oid
    WHERE t.oid IN (SELECT id FROM used)
        OR t.oid IN (SELECT e.typelem FROM pg_type e WHERE e.oid IN (SELECT id FROM used))
        OR t.oid IN (SELECT e.typbasetype FROM pg_type e WHERE e.typtype = 'd')
        OR t.typtype <> 'c' AND NOT (t.typcategory = 'A' AND t.typnamespace <> 'pg_catalog'::regnamespace)";

const TYPE_COLUMNS: [ColumnType; 11] =
    [BigInt, Text, Text, Boolean, Text, BigInt, BigInt, BigInt, Text, Text, Boolean];

/// Type of the catalog.
struct CatalogType {
    sql: String,
    name: String,
    is_own: bool,
    kind: String,
    element: Option<i64>,
    base: Option<i64>,
    bounds: Option<i64>,
    fields: Vec<String>,
    label: String,
}

/// Types by their ids.
pub(super) struct PostgresTypes {
    types: BTreeMap<i64, CatalogType>,
    folding: Folding,
    /// Labels of enums.
    labels: BTreeMap<i64, Vec<String>>,
}

impl PostgresTypes {
    /// Reads the types that the columns of these tables need.
    pub async fn read(
        database: &Database,
        tables: Value,
        labels: BTreeMap<i64, Vec<String>>,
    ) -> Result<Self> {
        let rows = database.ask(TYPES, vec![tables], TYPE_COLUMNS.into()).await?;
        let read = |row: usize| {
            let fields = text(&rows, row, 8).and_then(|fields| serde_json::from_str(&fields).ok());
            let of = CatalogType {
                sql: text(&rows, row, 1)?,
                name: text(&rows, row, 2)?,
                is_own: flag(&rows, row, 3),
                kind: text(&rows, row, 4)?,
                element: integer(&rows, row, 5),
                base: integer(&rows, row, 6),
                bounds: integer(&rows, row, 7),
                fields: fields.unwrap_or_default(),
                label: text(&rows, row, 9)?,
            };
            Some((integer(&rows, row, 0)?, of))
        };
        let folding = match !rows.is_empty() && flag(&rows, 0, 10) {
            true => Folding::Unicode,
            false => Folding::Ascii,
        };
        Ok(Self { types: (0..rows.len()).filter_map(read).collect(), folding, labels })
    }

    /// Returns the type with an id and a modifier (`atttypmod`); `None` only for an unknown id.
    pub fn of(&self, id: i64, modifier: i64) -> Option<DeclaredType> {
        let of = self.types.get(&id)?;
        let native = |form| Some(DeclaredType::native(of.sql.clone(), form));
        if let Some(common) = postgres_type::of(&of.name, modifier).filter(|_| of.is_own) {
            return Some(common.into());
        }
        match (of.kind.as_str(), of.name.as_str()) {
            ("d", _) => self.of(of.base?, -1).map(DeclaredType::domain),
            ("e", _) => {
                let labels = self.labels.get(&id).into_iter().flatten();
                let variants = labels.map(|label| label.clone().into()).collect();
                Some(DatabaseType::Enum { name: of.label.clone().into(), variants }.into())
            }
            ("r", _) => native(self.subtype(of).map_or(NativeForm::Opaque, NativeForm::Range)),
            ("m", _) => native(self.subtype(of).map_or(NativeForm::Opaque, NativeForm::Multirange)),
            ("c", _) => native(NativeForm::Composite(of.fields.clone())),
            (_, "inet") if of.is_own => native(NativeForm::Inet),
            (_, "cidr") if of.is_own => native(NativeForm::Cidr),
            (_, "macaddr") if of.is_own => native(NativeForm::MacAddress),
            (_, "macaddr8") if of.is_own => native(NativeForm::MacAddress8),
            (_, "interval") if of.is_own => native(NativeForm::Duration),
            // Without its length: a cast to `bit` would cut the value.
            (_, "bit" | "varbit") if of.is_own => Some(DeclaredType::native("varbit", NativeForm::Bits)),
            (_, "money") if of.is_own => native(NativeForm::Money),
            (_, "timetz") if of.is_own => native(NativeForm::OffsetTime),
            (_, "xml") if of.is_own => native(NativeForm::Xml),
            (_, "citext") if !of.is_own => native(NativeForm::CaseInsensitive(self.folding)),
            (_, "hstore") if !of.is_own => native(NativeForm::Hstore),
            (_, "geometry") if !of.is_own => native(NativeForm::Geometry),
            (_, "geography") if !of.is_own => {
                let schema = of.sql.strip_suffix("geography").unwrap_or_default();
                native(NativeForm::Geography(format!("{schema}geometry")))
            }
            _ => match of.element.and_then(|element| self.of(element, -1)) {
                Some(element) => Some(element.list(of.sql.clone())),
                None => native(NativeForm::Opaque),
            },
        }
    }

    fn subtype(&self, range: &CatalogType) -> Option<Subtype> {
        let of = self.types.get(&range.bounds?).filter(|of| of.is_own)?;
        Some(match of.name.as_str() {
            "int4" => Subtype::Integer,
            "int8" => Subtype::BigInteger,
            "numeric" => Subtype::Decimal,
            "date" => Subtype::Date,
            "timestamp" => Subtype::DateTime,
            "timestamptz" => Subtype::Timestamp,
            _ => return None,
        })
    }
}
