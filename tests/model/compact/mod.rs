//! The entities of `tables.sql` in SeaORM's compact format: `DeriveEntityModel` and a `Relation` enum.

pub mod grid;
pub mod links;
pub mod sport;
pub mod trees;

/// `Related`, which the compact format leaves to the user, by the variant that leads there.
macro_rules! related {
    ($($entity:path => $variant:ident),+ $(,)?) => {
        $(impl Related<$entity> for Entity {
            fn to() -> RelationDef {
                Relation::$variant.def()
            }
        })+
    };
}
use related;

crate::cardinality::registry!();
