//! Deletion rules of the application: the key that each rule applies to, and whether the key can follow the
//! rule.

use super::Assembly;
use crate::model::{Column, Declaration, EntityId, ModelFault, OnDelete, Relation, RelationId, TableKind};

impl Assembly {
    /// Applies to each key the rule that an option of either side names. Runs before fields are renamed or
    /// hidden, because options name relations by their default fields too.
    pub(super) fn add_rules(&mut self) {
        for id in 0..self.registered.len() {
            for (name, rule) in self.registered[id].1.on_delete.clone() {
                let keys = self.keys_named(id, &name);
                if keys.is_empty() {
                    let entity = &self.model.entities[id];
                    let known = entity.relations.iter().map(|relation| &relation.field);
                    self.faults.push(ModelFault::unknown_option(&entity.name, &name, known));
                }
                for (child, relation) in keys {
                    self.add_rule(child, relation, rule);
                }
            }
        }
    }

    /// Applies the values that a deletion sets, and marks the relations to rows that are deleted along.
    pub(super) fn add_deletions(&mut self) {
        for id in 0..self.registered.len() {
            let options = self.registered[id].1.clone();
            let values = options.set_on_delete.into_iter().map(|(name, value)| (name, Some(value)));
            let parents = options.parents.into_iter().map(|name| (name, None));
            for (name, value) in values.chain(parents) {
                let held = self.keys_named(id, &name).into_iter().find(|(holder, _)| *holder == id);
                match (held, value) {
                    (Some((_, relation)), Some(value)) => self.set_on_delete(id, relation, &value),
                    (Some((_, relation)), None) => {
                        self.model.entities[id].relations[relation].deletes_target = true;
                    }
                    (None, _) => {
                        let entity = &self.model.entities[id];
                        let known = entity.relations.iter().map(|relation| &relation.field);
                        self.faults.push(ModelFault::unknown_option(&entity.name, &name, known));
                    }
                }
            }
        }
    }

    fn set_on_delete(&mut self, id: EntityId, relation: RelationId, value: &serde_json::Value) {
        let entity = &self.model.entities[id];
        // A key of several columns has no one value.
        let [column] = entity.relations[relation].from.as_slice() else { return };
        let column = &entity.columns[*column];
        match column.column_type.read(value, self.model.variants(&column.column_type)) {
            Ok(value) => {
                let relation = &mut self.model.entities[id].relations[relation];
                (relation.rule, relation.set_value) = (Some(OnDelete::SetDefault), Some(value));
            }
            Err(expected) => self.faults.push(ModelFault::DefaultValue {
                column: format!("{}.{}", entity.name, column.name),
                value: value.to_string(),
                expected: expected.0,
            }),
        }
    }

    /// Returns the forward relation behind a relation: the relation itself, its other side, or for a list the
    /// junction's key to this entity. A symmetrical list has two such keys.
    fn keys_named(&self, id: EntityId, name: &str) -> Vec<(EntityId, RelationId)> {
        let (reflected, options) = &self.registered[id];
        let relations = &self.model.entities[id].relations;
        let named = relations.iter().zip(&self.origins[id]).position(|(relation, origin)| {
            let mut names = vec![relation.field.clone()];
            if let Some(variant) = &origin.variant {
                names.extend(reflected.names_of_relation(variant, relation.is_many()));
            }
            let mut field = relation.field.clone();
            options.rename_to(&mut field, &names);
            field == name || names.iter().any(|known| known == name)
        });
        let Some(named) = named else { return Vec::new() };
        let relation = &relations[named];
        match &relation.junction {
            None if relation.declaration == Declaration::BelongsTo => vec![(id, named)],
            None => {
                self.model.forward_side(id, named).map(|key| (relation.target, key)).into_iter().collect()
            }
            Some(junction) => {
                let Some(child) = junction.entity else { return Vec::new() };
                let entity = &self.model.entities[child];
                let other = Some(&junction.to).filter(|_| junction.is_symmetrical);
                let key = |columns: &Vec<String>| {
                    let from: Vec<_> =
                        columns.iter().filter_map(|column| entity.column_named(column)).collect();
                    let is_key = |key: &Relation| {
                        key.declaration == Declaration::BelongsTo && key.target == id && key.from == from
                    };
                    Some((child, entity.relations.iter().position(is_key)?))
                };
                std::iter::once(&junction.from).chain(other).filter_map(key).collect()
            }
        }
    }

    fn add_rule(&mut self, child: EntityId, id: RelationId, rule: OnDelete) {
        let entity = &self.model.entities[child];
        let relation = &entity.relations[id];
        let columns = || relation.from.iter().map(|column| &entity.columns[*column]);
        let can_be_default = |column: &Column| column.default.is_some() || column.nullable;
        let is_possible = match rule {
            OnDelete::Cascade => entity.writes.delete,
            OnDelete::SetNull | OnDelete::SetDefault => entity.writes.update,
            OnDelete::Protect | OnDelete::Restrict | OnDelete::DoNothing => entity.writes.any(),
        };
        let problem = match (rule, relation.rule) {
            _ if !entity.has_key() => Some("no key identifies the rows that hold it".to_owned()),
            _ if entity.kind != TableKind::Table && !is_possible => {
                Some("the rows that hold it are read-only".to_owned())
            }
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
