//! Rows of the table every_types.

use sea_orm::entity::prelude::*;

/// A row.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "every_types")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: i32,
    pub a_tinyint: i8,
    pub a_smallint: Option<i16>,
    pub an_int: Option<i32>,
    pub a_mediumint: Option<i32>,
    pub a_bigint: Option<i64>,
    pub an_int8: Option<i64>,
    pub an_unsigned: Option<u32>,
    #[sea_orm(column_type = "BigUnsigned")]
    pub a_big_unsigned: Option<i64>,
    pub a_real: Option<f64>,
    pub a_double: Option<f64>,
    pub a_float: Option<f64>,
    #[sea_orm(column_type = "Decimal(Some((10, 2)))")]
    pub a_decimal: Option<Decimal>,
    #[sea_orm(column_type = "Decimal(None)")]
    pub a_numeric: Option<Decimal>,
    #[sea_orm(column_type = "Decimal(None)")]
    pub a_money: Option<Decimal>,
    pub a_boolean: bool,
    pub a_bool: Option<bool>,
    #[sea_orm(column_type = "Text")]
    pub a_text: String,
    #[sea_orm(column_type = "String(StringLen::N(255))")]
    pub a_varchar: Option<String>,
    #[sea_orm(column_type = "Char(Some(3))")]
    pub a_char: Option<String>,
    #[sea_orm(column_type = "Char(Some(5))")]
    pub an_nchar: Option<String>,
    #[sea_orm(column_type = "Text")]
    pub a_clob: Option<String>,
    #[sea_orm(column_type = "Text")]
    pub a_string: Option<String>,
    #[sea_orm(column_type = "Blob")]
    pub a_blob: Option<Vec<u8>>,
    #[sea_orm(column_type = "Binary(16)")]
    pub a_binary: Option<Vec<u8>>,
    #[sea_orm(column_type = "VarBinary(StringLen::N(20))")]
    pub a_varbinary: Option<Vec<u8>>,
    pub a_uuid: Option<Uuid>,
    pub a_guid: Option<Uuid>,
    pub a_uuid_text: Option<Uuid>,
    #[sea_orm(column_type = "custom(\"uuid\")")]
    pub a_hex: Option<String>,
    pub a_date: Option<Date>,
    pub a_time: Option<Time>,
    pub a_datetime: Option<DateTime>,
    #[sea_orm(column_type = "Timestamp")]
    pub a_timestamp: Option<DateTime>,
    pub a_timestamptz: Option<DateTimeWithTimeZone>,
    #[sea_orm(column_type = "Json")]
    pub a_json: Option<Json>,
    #[sea_orm(column_type = "JsonBinary")]
    pub a_jsonb: Option<Json>,
    #[sea_orm(column_type = "custom(\"boolean\")")]
    pub a_yes: Option<String>,
    #[sea_orm(column_type = "custom(\"interval\")")]
    pub an_interval: Option<String>,
    #[sea_orm(column_type = "custom(\"point\")")]
    pub a_point: Option<String>,
    #[sea_orm(column_type = "custom(\"ANY\")")]
    pub an_any: Option<String>,
    #[sea_orm(column_type = "custom(\"\")")]
    pub untyped: Option<String>,
    pub twice: Option<i32>,
}

/// The entity has no relations.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
