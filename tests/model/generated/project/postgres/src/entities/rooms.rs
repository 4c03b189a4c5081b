//! Rows of the table rooms.

use sea_orm::entity::prelude::*;

/// A row.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "rooms")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub floor: i32,
    #[sea_orm(primary_key, auto_increment = false)]
    pub no: i32,
    #[sea_orm(column_type = "Text")]
    pub label: String,
    #[sea_orm(column_type = "Decimal(Some((6, 2)))")]
    pub price: Option<Decimal>,
}

/// Relations of the entity.
#[derive(Copy, Clone, Debug, EnumIter)]
pub enum Relation {
    Bookings,
}

impl RelationTrait for Relation {
    fn def(&self) -> RelationDef {
        match self {
            Self::Bookings => RelationDef {
                rel_type: sea_orm::RelationType::HasMany,
                ..super::bookings::Relation::Room.def().rev()
            },
        }
    }
}

impl ActiveModelBehavior for ActiveModel {}
