//! The passport of one [`person`](crate::person). Its primary key is the person's: there is no other.

use sea_orm::entity::prelude::*;

/// A passport.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "passports")]
pub struct Model {
    /// The holder's key, which is also this row's.
    #[sea_orm(primary_key, auto_increment = false, comment = "Holder, and primary key of the passport")]
    pub person_id: i32,
    /// The document number; no two passports share it.
    #[sea_orm(unique, comment = "Document number, unique among all passports")]
    pub number: String,
}

/// What a passport is related to.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {
    /// The holder.
    #[sea_orm(
        belongs_to = "super::person::Entity",
        from = "Column::PersonId",
        to = "super::person::Column::Id",
        on_update = "Cascade",
        on_delete = "Cascade"
    )]
    Person,
}

impl Related<super::person::Entity> for Entity {
    fn to() -> RelationDef {
        Relation::Person.def()
    }
}

impl ActiveModelBehavior for ActiveModel {}
