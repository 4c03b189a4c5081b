//! Rows of the table bookings.

use sea_orm::entity::prelude::*;

/// A row.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "bookings")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: i32,
    pub floor: i32,
    pub no: i32,
    pub at: DateTime,
    pub guest_id: i32,
    pub payer_id: Option<i32>,
}

/// Relations of the entity.
#[derive(Copy, Clone, Debug, EnumIter)]
pub enum Relation {
    Room,
    Guest,
    Payer,
}

impl RelationTrait for Relation {
    fn def(&self) -> RelationDef {
        match self {
            Self::Room => Entity::belongs_to(super::rooms::Entity)
                .from((Column::Floor, Column::No))
                .to((super::rooms::Column::Floor, super::rooms::Column::No))
                .into(),
            Self::Guest => Entity::belongs_to(super::people::Entity)
                .from(Column::GuestId)
                .to(super::people::Column::Id)
                .into(),
            Self::Payer => Entity::belongs_to(super::people::Entity)
                .from(Column::PayerId)
                .to(super::people::Column::Id)
                .on_update(sea_orm::sea_query::ForeignKeyAction::Cascade)
                .into(),
        }
    }
}

impl ActiveModelBehavior for ActiveModel {}
