//! Somebody who works in one [`restaurant`](crate::restaurant).

use sea_orm::entity::prelude::*;

/// Somebody who waits at table.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "waiters", comment = "Waiter of a restaurant")]
pub struct Model {
    /// Primary key.
    #[sea_orm(primary_key)]
    pub id: i32,
    /// The restaurant, by the key it shares with its place.
    #[sea_orm(comment = "Employing restaurant, by the key it shares with its place")]
    pub restaurant_id: i32,
    /// The full name.
    pub name: String,
}

/// What a waiter is related to.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {
    /// Where this waiter works.
    #[sea_orm(
        belongs_to = "super::restaurant::Entity",
        from = "Column::RestaurantId",
        to = "super::restaurant::Column::PlaceId",
        on_update = "Cascade",
        on_delete = "Cascade"
    )]
    Restaurant,
}

impl Related<super::restaurant::Entity> for Entity {
    fn to() -> RelationDef {
        Relation::Restaurant.def()
    }
}

impl ActiveModelBehavior for ActiveModel {}
