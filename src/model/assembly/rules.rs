//! Deletion rules of the application: the key that each rule applies to, and whether the key can follow the
//! rule.

use super::Assembly;
use crate::model::{Column, Declaration, EntityId, ModelFault, OnDelete, RelationId};

impl Assembly {
    /// Applies to each key the rule that an option of either side names. Runs before fields are renamed or
    /// hidden, because options name relations by their default fields too.
    pub(super) fn add_rules(&mut self) {
        for id in 0..self.registered.len() {
            for (name, rule) in self.registered[id].1.on_delete.clone() {
                match self.key_named(id, &name) {
                    Some((child, relation)) => self.add_rule(child, relation, rule),
                    None => self.faults.push(ModelFault::UnknownOption {
                        entity: self.model.entities[id].name.clone(),
                        name,
                    }),
                }
            }
        }
    }

    /// Returns the forward relation behind a relation: the relation itself, its other side, or for a list the
    /// junction's key to this entity.
    fn key_named(&self, id: EntityId, name: &str) -> Option<(EntityId, RelationId)> {
        let (reflected, options) = &self.registered[id];
        let relations = &self.model.entities[id].relations;
        let named = relations.iter().zip(&self.variants[id]).position(|(relation, variant)| {
            let mut names = vec![relation.field.clone()];
            if let Some(variant) = variant {
                names.extend(reflected.names_of_relation(variant, relation.is_many()));
            }
            let mut field = relation.field.clone();
            options.rename_to(&mut field, &names);
            field == name || names.iter().any(|known| known == name)
        })?;
        let relation = &relations[named];
        match &relation.junction {
            None if relation.declaration == Declaration::BelongsTo => Some((id, named)),
            None => Some((relation.target, self.model.forward_side(id, named)?)),
            Some(junction) => {
                let child = junction.entity?;
                let entity = &self.model.entities[child];
                let from: Vec<_> =
                    junction.from.iter().filter_map(|column| entity.column_named(column)).collect();
                let is_key = |(_, key): &(RelationId, &crate::model::Relation)| {
                    key.declaration == Declaration::BelongsTo && key.target == id && key.from == from
                };
                let (key, _) = entity.relations.iter().enumerate().find(is_key)?;
                Some((child, key))
            }
        }
    }

    fn add_rule(&mut self, child: EntityId, id: RelationId, rule: OnDelete) {
        let entity = &self.model.entities[child];
        let relation = &entity.relations[id];
        let columns = || relation.from.iter().map(|column| &entity.columns[*column]);
        let can_be_default = |column: &Column| column.default.is_some() || column.nullable;
        let problem = match (rule, relation.rule) {
            (rule, Some(known)) if known != rule => Some(format!("{known} is declared as well")),
            (OnDelete::SetNull, _) if columns().all(|column| !column.nullable) => {
                Some("no column of its key may be NULL".to_owned())
            }
            (OnDelete::SetDefault, _) => columns().find(|column| !can_be_default(column)).map(|column| {
                format!("{} may not be NULL, and its entity declares no default_value", column.name)
            }),
            _ => None,
        };
        match problem {
            Some(problem) => {
                let relation = format!("{}.{}", entity.name, relation.field);
                self.faults.push(ModelFault::OnDelete { relation, rule, problem });
            }
            None => self.model.entities[child].relations[id].rule = Some(rule),
        }
    }
}
