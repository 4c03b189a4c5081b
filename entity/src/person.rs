//! Person, who may hold a [`passport`](crate::passport).

use sea_orm::entity::prelude::*;

/// Person.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "persons", comment = "Person who may hold a passport")]
pub struct Model {
    /// Primary key.
    #[sea_orm(primary_key)]
    pub id: i32,
    /// Full name.
    pub name: String,
}

/// Relations of a person.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {
    /// Passport of this person, if any.
    #[sea_orm(has_one = "super::passport::Entity")]
    Passport,
}

impl Related<super::passport::Entity> for Entity {
    fn to() -> RelationDef {
        Relation::Passport.def()
    }
}

impl ActiveModelBehavior for ActiveModel {}
