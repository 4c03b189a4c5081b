//! Restaurant at a [`place`](crate::place). Its primary key is the place's primary key, and its
//! [`waiter`](crate::waiter)s reference it.

use sea_orm::entity::prelude::*;

/// Place that serves food.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "restaurants", comment = "Place that serves food")]
pub struct Model {
    /// Primary key of the place, and of this row.
    #[sea_orm(primary_key, auto_increment = false, comment = "Place, and primary key of the restaurant")]
    pub place_id: i32,
    /// True if hot dogs are on the menu.
    #[sea_orm(default_value = false)]
    pub serves_hot_dogs: bool,
    /// True if pizza is on the menu.
    #[sea_orm(default_value = false)]
    pub serves_pizza: bool,
}

/// Relations of a restaurant.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {
    /// Place of the restaurant.
    #[sea_orm(
        belongs_to = "super::place::Entity",
        from = "Column::PlaceId",
        to = "super::place::Column::Id",
        on_update = "Cascade",
        on_delete = "Cascade"
    )]
    Place,
    /// Waiters of the restaurant.
    #[sea_orm(has_many = "super::waiter::Entity")]
    Waiters,
}

impl Related<super::place::Entity> for Entity {
    fn to() -> RelationDef {
        Relation::Place.def()
    }
}

impl Related<super::waiter::Entity> for Entity {
    fn to() -> RelationDef {
        Relation::Waiters.def()
    }
}

impl ActiveModelBehavior for ActiveModel {}
