//! Rows of the table days.

use sea_orm::entity::prelude::*;

/// A row.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "days")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false, column_type = "custom(\"uuid\")")]
    pub id: String,
    #[sea_orm(column_type = "custom(\"boolean\")")]
    pub is_done: String,
    #[sea_orm(column_type = "Json")]
    pub notes: Option<Json>,
    #[sea_orm(column_type = "custom(\"point\")")]
    pub spot: Option<String>,
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
