//! Rows of the table clubs.

use sea_orm::entity::prelude::*;

/// A row.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "clubs")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: i32,
    #[sea_orm(column_name = "self", column_type = "Text")]
    pub self_column: String,
    pub twice: Option<i32>,
}

/// Relations of the entity.
#[derive(Copy, Clone, Debug, EnumIter)]
pub enum Relation {
    Memberships,
}

impl RelationTrait for Relation {
    fn def(&self) -> RelationDef {
        match self {
            Self::Memberships => RelationDef {
                rel_type: sea_orm::RelationType::HasMany,
                ..super::memberships::Relation::Club.def().rev()
            },
        }
    }
}

impl ActiveModelBehavior for ActiveModel {}
