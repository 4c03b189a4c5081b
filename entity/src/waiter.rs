//! Waiter of one [`restaurant`](crate::restaurant).

use sea_orm::entity::prelude::*;

/// Waiter.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "waiters", comment = "Waiter of a restaurant")]
pub struct Model {
    /// Primary key.
    #[sea_orm(primary_key)]
    pub id: i32,
    /// Restaurant, by the key that it shares with its place.
    #[sea_orm(comment = "Employing restaurant, by the key it shares with its place")]
    pub restaurant_id: i32,
    /// Full name.
    pub name: String,
}

/// Relations of a waiter.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {
    /// Restaurant of this waiter.
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
