//! Rows of the table people.

use sea_orm::entity::prelude::*;

/// A row.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "people")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: i32,
    /// Name as it is called
    #[sea_orm(column_type = "String(StringLen::N(40))")]
    pub name: String,
    #[sea_orm(column_name = "Odd name", column_type = "Text")]
    pub odd_name: Option<String>,
    #[sea_orm(column_name = "type", column_type = "Text")]
    pub r#type: Option<String>,
    pub born: Option<Date>,
    pub active: bool,
    pub boss_id: Option<i32>,
}

/// Relations of the entity.
#[derive(Copy, Clone, Debug, EnumIter)]
pub enum Relation {
    Boss,
    Bookings,
    Paid,
    Days,
    Memberships,
    Passport,
    People,
}

impl RelationTrait for Relation {
    fn def(&self) -> RelationDef {
        match self {
            Self::Boss => Entity::belongs_to(Entity)
                .from(Column::BossId)
                .to(Column::Id)
                .on_delete(sea_orm::sea_query::ForeignKeyAction::SetNull)
                .into(),
            Self::Bookings => RelationDef {
                rel_type: sea_orm::RelationType::HasMany,
                ..super::bookings::Relation::Guest.def().rev()
            },
            Self::Paid => RelationDef {
                rel_type: sea_orm::RelationType::HasMany,
                ..super::bookings::Relation::Payer.def().rev()
            },
            Self::Days => RelationDef {
                rel_type: sea_orm::RelationType::HasMany,
                ..super::days::Relation::Person.def().rev()
            },
            Self::Memberships => RelationDef {
                rel_type: sea_orm::RelationType::HasMany,
                ..super::memberships::Relation::Person.def().rev()
            },
            Self::Passport => super::passports::Relation::Person.def().rev(),
            Self::People => RelationDef {
                rel_type: sea_orm::RelationType::HasMany,
                ..Self::Boss.def().rev()
            },
        }
    }
}

impl ActiveModelBehavior for ActiveModel {}
