//! Joins by the tenant column, besides the keys.

use super::Assembly;
use crate::model::{ColumnId, ColumnType, EntityId, ModelFault};

impl Assembly {
    /// Adds the tenant column to each join of two tables that have it.
    pub(super) fn join_by_tenant(&mut self) {
        let Some(name) = self.model.tenant_column.clone() else { return };
        let entities = &self.model.entities;
        let tenants: Vec<Option<ColumnId>> =
            entities.iter().map(|entity| entity.column_named(&name)).collect();
        if tenants.iter().all(Option::is_none) {
            let problem = "does not exist in any table".to_owned();
            self.faults.push(ModelFault::TenantColumn { column: name, problem });
            return;
        }
        let mut faults = Vec::new();
        for owner in 0..entities.len() {
            for place in 0..self.model.entities[owner].relations.len() {
                let relation = &self.model.entities[owner].relations[place];
                let (target, mut join) = (relation.target, relation.join.clone());
                match &relation.junction {
                    None => {
                        if let Some([from, to]) =
                            self.tenants(&tenants, [(owner, &join.from), (target, &join.to)], &mut faults)
                        {
                            join.from.push(from);
                            join.to.push(to);
                        }
                    }
                    Some(junction) => {
                        let Some(links) = junction.entity else { continue };
                        let entity = &self.model.entities[links];
                        let columns = |names: &[String]| -> Vec<ColumnId> {
                            names.iter().filter_map(|name| entity.column_named(name)).collect()
                        };
                        let (near, far) = (columns(&join.near), columns(&join.far));
                        if let Some([from, _]) =
                            self.tenants(&tenants, [(owner, &join.from), (links, &near)], &mut faults)
                        {
                            join.from.push(from);
                            join.near.push(name.clone());
                        }
                        if let Some([_, to]) =
                            self.tenants(&tenants, [(links, &far), (target, &join.to)], &mut faults)
                        {
                            join.to.push(to);
                            join.far.push(name.clone());
                        }
                    }
                }
                self.model.entities[owner].relations[place].join = join;
            }
        }
        self.faults.extend(faults);
    }

    /// Returns the tenant columns of both sides of a key. A key with the column says itself how the tenants of its rows
    /// relate, and a table without the column has rows of no tenant.
    fn tenants(
        &self,
        tenants: &[Option<ColumnId>],
        sides: [(EntityId, &[ColumnId]); 2],
        faults: &mut Vec<ModelFault>,
    ) -> Option<[ColumnId; 2]> {
        let found = sides.map(|(entity, key)| tenants[entity].filter(|tenant| !key.contains(tenant)));
        let [Some(from), Some(to)] = found else { return None };
        let sides = [(sides[0].0, from), (sides[1].0, to)];
        let problems = sides.map(|side| self.tenant_problem(side));
        let mut found: Vec<ModelFault> = std::iter::zip(sides, problems)
            .filter_map(|(side, problem)| {
                Some(ModelFault::TenantColumn { column: self.label(side), problem: problem?.to_owned() })
            })
            .collect();
        let [one, other] = sides.map(|(entity, column)| &self.model.entities[entity].columns[column]);
        if found.is_empty() && one.column_type.stored() != other.column_type.stored() {
            let problem =
                format!("has another type than {}, which its rows are joined with", self.label(sides[1]));
            found.push(ModelFault::TenantColumn { column: self.label(sides[0]), problem });
        }
        let is_sound = found.is_empty();
        for fault in found {
            if !faults.contains(&fault) {
                faults.push(fault);
            }
        }
        is_sound.then_some([from, to])
    }

    /// Returns the reason why no join can use the column.
    fn tenant_problem(&self, (entity, column): (EntityId, ColumnId)) -> Option<&'static str> {
        if ColumnType::of(&self.registered[entity].0.columns[column].database_type, |_, _| 0).is_none() {
            return Some("has a type without a scalar");
        }
        self.model.entities[entity].columns[column].nullable.then_some(
            "may be NULL, and a join would lose such rows; make it NOT NULL, or promise it with not_null for a view",
        )
    }

    fn label(&self, (entity, column): (EntityId, ColumnId)) -> String {
        let entity = &self.model.entities[entity];
        format!("{}.{}", entity.table, entity.columns[column].name)
    }
}
