//! Rows of the table person_tags.

use sea_orm::entity::prelude::*;

/// A row.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "person_tags")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub person_id: i32,
    #[sea_orm(primary_key, auto_increment = false, column_type = "Text")]
    pub tag_name: String,
}

/// Relations of the entity.
#[derive(Copy, Clone, Debug, EnumIter)]
pub enum Relation {
    Person,
    Tag,
}

impl RelationTrait for Relation {
    fn def(&self) -> RelationDef {
        match self {
            Self::Person => Entity::belongs_to(super::people::Entity)
                .from(Column::PersonId)
                .to(super::people::Column::Id)
                .into(),
            Self::Tag => Entity::belongs_to(super::tags::Entity)
                .from(Column::TagName)
                .to(super::tags::Column::Name)
                .into(),
        }
    }
}

impl ActiveModelBehavior for ActiveModel {}
