//! Place with a name and an address. It may be a [`restaurant`](crate::restaurant).

use sea_orm::entity::prelude::*;

/// Place in town.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "places", comment = "Named address")]
pub struct Model {
    /// Primary key.
    #[sea_orm(primary_key)]
    pub id: i32,
    /// Name over the door.
    pub name: String,
    /// Street and number.
    #[sea_orm(comment = "Street and number")]
    pub address: String,
}

/// Relations of a place.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {
    /// Restaurant at this place, if any.
    #[sea_orm(has_one = "super::restaurant::Entity")]
    Restaurant,
}

impl Related<super::restaurant::Entity> for Entity {
    fn to() -> RelationDef {
        Relation::Restaurant.def()
    }
}

impl ActiveModelBehavior for ActiveModel {}
