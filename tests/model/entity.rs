//! Short notation for entities.

/// Declares an entity in a module of its own, in SeaORM's compact format: columns, relations and `Related`.
macro_rules! entity {
    (
        $module:ident in $table:literal $(of $schema:literal)? {
            $($(#[$column:meta])* $field:ident: $of:ty),+ $(,)?
        }
        $($(#[$relation:meta])+ $variant:ident),* $(,)?
        $(=> $($target:ident by $by:ident),+)?
    ) => {
        pub mod $module {
            use sea_orm::entity::prelude::*;

            #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
            #[sea_orm(table_name = $table $(, schema_name = $schema)?)]
            pub struct Model {
                $($(#[$column])* pub $field: $of,)+
            }

            #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
            pub enum Relation {
                $($(#[$relation])+ $variant,)*
            }

            $($(impl Related<super::$target::Entity> for Entity {
                fn to() -> RelationDef {
                    Relation::$by.def()
                }
            })+)?

            impl ActiveModelBehavior for ActiveModel {}
        }
    };
}
pub(crate) use entity;
