//! Rows of the table days.

use sea_orm::entity::prelude::*;

/// A row.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "days")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub weather: super::enums::Weather,
    #[sea_orm(column_type = "custom(\"inet\")", select_as = "text", save_as = "inet")]
    pub address: Option<String>,
    pub numbers: Option<Vec<i32>>,
    #[sea_orm(column_type = "custom(\"tsvector\")", select_as = "text", save_as = "tsvector")]
    pub words: Option<String>,
    #[sea_orm(column_type = "custom(\"interval\")", select_as = "text", save_as = "interval")]
    pub spent: Option<String>,
    #[sea_orm(column_type = "Decimal(None)")]
    pub counted: Option<Decimal>,
    #[sea_orm(column_type = "JsonBinary")]
    pub extra: Option<Json>,
    pub person_id: i32,
}

/// Relations of the entity.
#[derive(Copy, Clone, Debug, EnumIter)]
pub enum Relation {
    Person,
}

impl RelationTrait for Relation {
    fn def(&self) -> RelationDef {
        match self {
            Self::Person => Entity::belongs_to(super::people::Entity)
                .from(Column::PersonId)
                .to(super::people::Column::Id)
                .into(),
        }
    }
}

impl ActiveModelBehavior for ActiveModel {}
