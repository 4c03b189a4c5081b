//! Rows of the table memberships.

use sea_orm::entity::prelude::*;

/// A row.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "memberships")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub club_id: i32,
    #[sea_orm(primary_key, auto_increment = false)]
    pub person_id: i32,
    #[sea_orm(column_type = "Text")]
    pub role: String,
}

/// Relations of the entity.
#[derive(Copy, Clone, Debug, EnumIter)]
pub enum Relation {
    Club,
    Person,
}

impl RelationTrait for Relation {
    fn def(&self) -> RelationDef {
        match self {
            Self::Club => Entity::belongs_to(super::clubs::Entity)
                .from(Column::ClubId)
                .to(super::clubs::Column::Id)
                .into(),
            Self::Person => Entity::belongs_to(super::people::Entity)
                .from(Column::PersonId)
                .to(super::people::Column::Id)
                .into(),
        }
    }
}

impl ActiveModelBehavior for ActiveModel {}
