//! Options by which parts of the model take other names, for the faults of names that clash.

use super::Assembly;
use crate::model::check::NamedPart;
use crate::model::{Declaration, EntityId, Junction, Relation, RelationId};

impl Assembly {
    /// Returns the option by which a part takes another name, as an order to the reader. Returns `None` for parts that no
    /// option names.
    pub(super) fn naming_option(&self, named: NamedPart) -> Option<String> {
        let entities = &self.model.entities;
        match named {
            NamedPart::Column(id, column) => {
                let reflected = &self.registered[id].0;
                let name = reflected.names_of_column(&reflected.columns[column]).into_iter().next()?;
                Some(format!("rename or hide \"{name}\" of {}", entities[id].name))
            }
            NamedPart::Relation(id, relation) => Some(self.option_of_relation(id, relation)),
            NamedPart::Entity(id) | NamedPart::Derived(id, _) => {
                Some(format!("set another name of the entity of table {}", entities[id].table))
            }
            NamedPart::Plural(id) => Some(format!("set another plural of {}", entities[id].name)),
            NamedPart::Fixed | NamedPart::Enumeration(_) | NamedPart::EnumValue(..) => None,
        }
    }

    fn option_of_relation(&self, owner: EntityId, id: RelationId) -> String {
        let entity = &self.model.entities[owner];
        let relation = &entity.relations[id];
        let of_junction = relation.junction.as_ref().map(|junction| match junction.entity {
            Some(id) => self.option_of_junction(id, junction),
            None => {
                let target = &self.model.entities[relation.target].name;
                Some(format!("set another field by Registry::many_to_many::<{}, {target}>", entity.name))
            }
        });
        let variant = self.origins[owner][id].variant.as_ref();
        let of_side = || self.option_of_side(owner, relation).filter(|_| variant.is_none());
        of_junction.unwrap_or_else(of_side).unwrap_or_else(|| {
            let name = variant.unwrap_or(&relation.field);
            format!("rename or hide \"{name}\" of {}", entity.name)
        })
    }

    /// Returns the option `many_to_many` of a junction: `rename` would take both directions between the rows of one table.
    fn option_of_junction(&self, id: EntityId, junction: &Junction) -> Option<String> {
        let keys = self.keys_of_junction(id);
        let name_of = |columns: &[String]| {
            let key = keys.iter().find(|key| key.from == columns)?;
            self.names_of_key(id, key).into_iter().next()
        };
        let (from, to) = (name_of(&junction.from)?, name_of(&junction.to)?);
        let entity = &self.model.entities[id].name;
        Some(format!("set another field by many_to_many(\"{from}\", \"{to}\") of {entity}"))
    }

    /// Returns the option `reverse` of the forward relation behind a side that no entity declares.
    fn option_of_side(&self, owner: EntityId, relation: &Relation) -> Option<String> {
        let holder = &self.model.entities[relation.target];
        let is_key = |key: &&Relation| {
            key.declaration == Declaration::BelongsTo && key.from == relation.to && key.target == owner
        };
        let key = holder
            .relations
            .iter()
            .find(is_key)
            .filter(|_| relation.declaration != Declaration::BelongsTo)?;
        Some(format!("set another field by reverse(\"{}\") of {}", key.field, holder.name))
    }
}
