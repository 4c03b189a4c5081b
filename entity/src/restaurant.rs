//! What makes a [`place`](crate::place) a restaurant. Its primary key is the place's, and its
//! [`waiter`](crate::waiter)s point at that key.

use sea_orm::entity::prelude::*;

/// A place that serves food.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "restaurants", comment = "Place that serves food")]
pub struct Model {
    /// The place's key, which is also this row's.
    #[sea_orm(primary_key, auto_increment = false, comment = "Place, and primary key of the restaurant")]
    pub place_id: i32,
    /// Whether hot dogs are on the menu.
    #[sea_orm(default_value = false)]
    pub serves_hot_dogs: bool,
    /// Whether pizza is on the menu.
    #[sea_orm(default_value = false)]
    pub serves_pizza: bool,
}

/// What a restaurant is related to.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {
    /// Where it is.
    #[sea_orm(
        belongs_to = "super::place::Entity",
        from = "Column::PlaceId",
        to = "super::place::Column::Id",
        on_update = "Cascade",
        on_delete = "Cascade"
    )]
    Place,
    /// Who works there.
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
