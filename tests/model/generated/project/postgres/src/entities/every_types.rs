//! Rows of the table every_types.

use sea_orm::entity::prelude::*;

/// A row.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "every_types")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: i32,
    pub a_smallint: i16,
    pub a_integer: Option<i32>,
    pub a_bigint: Option<i64>,
    #[sea_orm(column_type = "Decimal(None)")]
    pub a_numeric: Option<Decimal>,
    #[sea_orm(column_type = "Decimal(Some((6, 2)))")]
    pub a_price: Decimal,
    #[sea_orm(column_type = "Decimal(Some((60, 20)))", select_as = "text", save_as = "numeric(60,20)")]
    pub a_long: Option<String>,
    pub a_real: Option<f32>,
    pub a_double: Option<f64>,
    #[sea_orm(column_type = "custom(\"money\")", select_as = "text", save_as = "money")]
    pub a_money: Option<String>,
    pub a_serial: i64,
    pub a_boolean: bool,
    #[sea_orm(column_type = "custom(\"bit(3)\")", select_as = "text", save_as = "bit(3)")]
    pub a_bit: Option<String>,
    #[sea_orm(column_type = "custom(\"bit varying(5)\")", select_as = "text", save_as = "bit varying(5)")]
    pub a_varbit: Option<String>,
    #[sea_orm(column_type = "Text")]
    pub a_text: String,
    #[sea_orm(column_type = "String(StringLen::N(10))")]
    pub a_varchar: Option<String>,
    #[sea_orm(column_type = "Char(Some(3))")]
    pub a_char: Option<String>,
    #[sea_orm(column_type = "String(StringLen::N(8))")]
    pub a_code: Option<String>,
    #[sea_orm(column_type = "Text")]
    pub a_name: Option<String>,
    #[sea_orm(column_type = "custom(\"citext\")", select_as = "text", save_as = "citext")]
    pub a_citext: Option<String>,
    #[sea_orm(column_type = "custom(\"\\\"char\\\"\")", select_as = "text", save_as = "\"char\"")]
    pub a_one: Option<String>,
    #[sea_orm(column_type = "Blob")]
    pub a_bytea: Option<Vec<u8>>,
    pub a_uuid: Option<Uuid>,
    #[sea_orm(column_type = "Json")]
    pub a_json: Option<Json>,
    #[sea_orm(column_type = "JsonBinary")]
    pub a_jsonb: Option<Json>,
    #[sea_orm(column_type = "custom(\"xml\")", select_as = "text", save_as = "xml")]
    pub a_xml: Option<String>,
    #[sea_orm(column_type = "custom(\"hstore\")", select_as = "text", save_as = "hstore")]
    pub a_hstore: Option<String>,
    pub a_date: Option<Date>,
    pub a_time: Option<Time>,
    #[sea_orm(column_type = "custom(\"time with time zone\")", select_as = "text", save_as = "time with time zone")]
    pub a_timetz: Option<String>,
    pub a_timestamp: Option<DateTime>,
    pub a_timestamptz: Option<DateTimeWithTimeZone>,
    #[sea_orm(column_type = "custom(\"interval\")", select_as = "text", save_as = "interval")]
    pub an_interval: Option<String>,
    #[sea_orm(column_type = "custom(\"inet\")", select_as = "text", save_as = "inet")]
    pub an_inet: Option<String>,
    #[sea_orm(column_type = "custom(\"cidr\")", select_as = "text", save_as = "cidr")]
    pub a_cidr: Option<String>,
    #[sea_orm(column_type = "custom(\"macaddr\")", select_as = "text", save_as = "macaddr")]
    pub a_macaddr: Option<String>,
    #[sea_orm(column_type = "custom(\"macaddr8\")", select_as = "text", save_as = "macaddr8")]
    pub a_macaddr8: Option<String>,
    #[sea_orm(column_type = "custom(\"int4range\")", select_as = "text", save_as = "int4range")]
    pub an_int4range: Option<String>,
    #[sea_orm(column_type = "custom(\"int8range\")", select_as = "text", save_as = "int8range")]
    pub an_int8range: Option<String>,
    #[sea_orm(column_type = "custom(\"numrange\")", select_as = "text", save_as = "numrange")]
    pub a_numrange: Option<String>,
    #[sea_orm(column_type = "custom(\"daterange\")", select_as = "text", save_as = "daterange")]
    pub a_daterange: Option<String>,
    #[sea_orm(column_type = "custom(\"tsrange\")", select_as = "text", save_as = "tsrange")]
    pub a_tsrange: Option<String>,
    #[sea_orm(column_type = "custom(\"tstzrange\")", select_as = "text", save_as = "tstzrange")]
    pub a_tstzrange: Option<String>,
    pub a_mood: super::enums::Mood,
    pub a_feeling: Option<super::enums::Mood>,
    #[sea_orm(column_type = "custom(\"place\")", select_as = "text", save_as = "place")]
    pub a_place: Option<String>,
    #[sea_orm(column_type = "custom(\"point\")", select_as = "text", save_as = "point")]
    pub a_point: Option<String>,
    #[sea_orm(column_type = "custom(\"box\")", select_as = "text", save_as = "box")]
    pub a_box: Option<String>,
    #[sea_orm(column_type = "custom(\"tsvector\")", select_as = "text", save_as = "tsvector")]
    pub a_tsvector: Option<String>,
    #[sea_orm(column_type = "custom(\"tsquery\")", select_as = "text", save_as = "tsquery")]
    pub a_tsquery: Option<String>,
    #[sea_orm(column_type = "custom(\"jsonpath\")", select_as = "text", save_as = "jsonpath")]
    pub a_jsonpath: Option<String>,
    #[sea_orm(column_type = "custom(\"oid\")", select_as = "text", save_as = "oid")]
    pub an_oid: Option<String>,
    #[sea_orm(column_type = "custom(\"regclass\")", select_as = "text", save_as = "regclass")]
    pub a_regclass: Option<String>,
    #[sea_orm(column_type = "custom(\"pg_lsn\")", select_as = "text", save_as = "pg_lsn")]
    pub a_pg_lsn: Option<String>,
    pub always: Option<i32>,
    pub integers: Vec<i32>,
    pub texts: Option<Vec<String>>,
    pub moods: Option<Vec<super::enums::Mood>>,
    pub uuids: Option<Vec<Uuid>>,
    pub days: Option<Vec<Date>>,
    pub moments: Option<Vec<DateTimeWithTimeZone>>,
    pub numbers: Option<Vec<Decimal>>,
    pub flags: Option<Vec<bool>>,
    #[sea_orm(column_type = "custom(\"inet[]\")", select_as = "text[]", save_as = "inet[]")]
    pub addresses: Option<Vec<String>>,
    #[sea_orm(column_type = "custom(\"interval[]\")", select_as = "text[]", save_as = "interval[]")]
    pub spans: Option<Vec<String>>,
    #[sea_orm(column_type = "custom(\"jsonb[]\")", select_as = "text", save_as = "jsonb[]")]
    pub documents: Option<String>,
    #[sea_orm(column_type = "custom(\"citext[]\")", select_as = "text[]", save_as = "citext[]")]
    pub names: Option<Vec<String>>,
    #[sea_orm(column_type = "custom(\"place[]\")", select_as = "text", save_as = "place[]")]
    pub places: Option<String>,
    pub bytes: Option<Vec<Vec<u8>>>,
}

/// The entity has no relations.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
