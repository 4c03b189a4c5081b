//! Rows of the table passports.

use sea_orm::entity::prelude::*;

/// A row.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "passports")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: i32,
    pub person_id: i32,
    #[sea_orm(column_type = "Char(Some(8))")]
    pub number: String,
}

/// Relations of the entity.
#[derive(Copy, Clone, Debug, EnumIter)]
pub enum Relation {
    Person,
}

impl RelationTrait for Relation {
    fn def(&self) -> RelationDef {
        match self {
            Self::Person => Entity::belongs_to(super::people::Entity)
                .from(Column::PersonId)
                .to(super::people::Column::Id)
                .on_delete(sea_orm::sea_query::ForeignKeyAction::Cascade)
                .into(),
        }
    }
}

impl ActiveModelBehavior for ActiveModel {}
