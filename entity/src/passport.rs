//! Passport of one [`person`](crate::person). Its primary key is the person's primary key.

use sea_orm::entity::prelude::*;

/// Passport.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "passports")]
pub struct Model {
    /// Primary key of the holder, and of this row.
    #[sea_orm(primary_key, auto_increment = false, comment = "Holder, and primary key of the passport")]
    pub person_id: i32,
    /// Document number, unique among all passports.
    #[sea_orm(unique, comment = "Document number, unique among all passports")]
    pub number: String,
}

/// Relations of a passport.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {
    /// Holder of the passport.
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
