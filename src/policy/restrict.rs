//! Restriction of a model to what a role reads.

use std::collections::{BTreeMap, BTreeSet};

use async_graphql_value::Value as Written;

use super::reader::{PolicyFault, RawGrants, RoleReader};
use super::rule::{Granted, any, both, implies};
use super::writing::EntityWrites;
use super::{ColumnGrant, Grant, Isolation, Policies, RoleLimits, ViewerType};
use crate::model::{Cardinality, ColumnId, EntityId, Model, Relation};

/// Model as a role reads it, with the rules as filters on the full model.
#[derive(Clone, Debug)]
pub struct Restricted {
    /// Model without all that the role reads nothing of.
    pub model: Model,
    /// Rules of rows, by entity. Entities without an entry have no rule.
    pub rows: BTreeMap<EntityId, Written>,
    /// Rules of columns that are null where the rule does not hold.
    pub columns: BTreeMap<(EntityId, ColumnId), Written>,
    /// Grants of writing, by entity.
    pub writes: BTreeMap<EntityId, EntityWrites>,
    /// Limits of the requests.
    pub limits: RoleLimits,
    /// Isolation of the requests.
    pub isolation: Isolation,
}

/// Grants of one role on one entity, united.
#[derive(Clone, Debug)]
struct United {
    rows: Granted,
    columns: BTreeMap<ColumnId, Granted>,
    /// Fields of granted relations; `None` for all.
    relations: Option<BTreeSet<String>>,
    /// True if the role aggregates and counts the rows.
    aggregated: bool,
    /// Maximum number of rows of a list.
    limit: Option<u64>,
}

impl Policies {
    /// Restricts `model` to what `role` reads, if the viewer lacks the variables `missing`.
    ///
    /// # Errors
    /// All faults of the role.
    pub fn restrict(
        &self,
        model: &Model,
        role: &str,
        missing: &BTreeSet<String>,
    ) -> Result<Restricted, Vec<PolicyFault>> {
        let mut reader = RoleReader::new(self, model, role, missing);
        let raw = reader.raw_grants();
        let grants = raw.keys().map(|id| (*id, reader.united(*id, &raw))).collect();
        let writes = reader.writes(&raw);
        let restricted = reader.restricted(&grants, writes);
        match reader.faults.is_empty() {
            true => Ok(restricted),
            false => Err(reader.faults),
        }
    }

    /// Returns the type of a variable.
    pub fn variable_type(&self, name: &str) -> Option<&ViewerType> {
        self.variables.get(name)
    }
}

impl<'a> RoleReader<'a> {
    fn united(&mut self, id: EntityId, raw: &RawGrants<'a>) -> United {
        let grants = &raw[&id];
        let rows: Vec<Granted> =
            grants.iter().map(|(rule, _)| self.without_seen(id, rule, raw, &mut vec![id])).collect();
        let own: Vec<BTreeMap<ColumnId, Granted>> =
            grants.iter().map(|(_, grant)| self.columns(id, grant, raw)).collect();
        let mut columns = BTreeMap::new();
        for column in 0..self.model.entities[id].columns.len() {
            let alternatives = std::iter::zip(&rows, &own).filter_map(|(rows, columns)| {
                let granted = columns.get(&column)?.clone();
                // The only rule of rows holds for every row that is seen.
                Some(if own.len() == 1 { granted } else { both(rows.clone(), granted) })
            });
            let alternatives = alternatives.collect();
            // A column that every grant shows needs no rule besides the rule of the row.
            let everywhere = own.iter().all(|columns| columns.get(&column) == Some(&Granted::All));
            if everywhere {
                columns.insert(column, Granted::All);
            } else if let Some(granted) = any(alternatives) {
                columns.insert(column, granted);
            }
        }
        let relations = grants.iter().map(|(_, grant)| grant.relations.as_ref());
        let relations =
            relations.collect::<Option<Vec<_>>>().map(|lists| lists.into_iter().flatten().cloned().collect());
        let aggregated = grants.iter().any(|(_, grant)| grant.aggregate.unwrap_or(true));
        // A grant without a limit has all rows.
        let limits: Option<Vec<u64>> = grants.iter().map(|(_, grant)| grant.limit).collect();
        let limit = limits.and_then(|limits| limits.into_iter().max());
        United { rows: any(rows).unwrap_or(Granted::All), columns, relations, aggregated, limit }
    }

    /// Returns the granted columns of one grant.
    fn columns(
        &mut self,
        id: EntityId,
        grant: &'a Grant,
        raw: &RawGrants<'a>,
    ) -> BTreeMap<ColumnId, Granted> {
        let entity = &self.model.entities[id];
        let mut granted = BTreeMap::new();
        for column in &grant.columns {
            match column {
                ColumnGrant::Named(name) if name == "*" => {
                    granted.extend(entity.visible_columns().map(|(column, _)| (column, Granted::All)));
                }
                ColumnGrant::Named(name) => {
                    let (field, is_granted) = match name.strip_prefix('-') {
                        Some(field) => (field, false),
                        None => (name.as_str(), true),
                    };
                    match (entity.column_of_field(field), is_granted) {
                        (Some(column), true) => drop(granted.insert(column, Granted::All)),
                        (Some(column), false) => drop(granted.remove(&column)),
                        (None, _) => self.no_column(id, field),
                    }
                }
                ColumnGrant::If(rules) => {
                    for (field, written) in rules {
                        match entity.column_of_field(field) {
                            Some(column) => {
                                granted.remove(&column);
                                if let Some(rule) = self.rule(&entity.name, written) {
                                    let rule = self.without_seen(id, &rule, raw, &mut vec![id]);
                                    granted.insert(column, rule);
                                }
                            }
                            None => self.no_column(id, field),
                        }
                    }
                }
            }
        }
        granted
    }

    fn no_column(&mut self, id: EntityId, field: &str) {
        let name = self.model.entities[id].name.clone();
        self.fault(Some(&name), format!("no column has the field \"{field}\""));
    }

    /// Takes all that is not granted out of the model.
    fn restricted(
        &mut self,
        grants: &BTreeMap<EntityId, United>,
        writes: BTreeMap<EntityId, EntityWrites>,
    ) -> Restricted {
        let mut restricted = Restricted {
            model: self.model.clone(),
            rows: BTreeMap::new(),
            columns: BTreeMap::new(),
            writes,
            limits: self.policies.limits(self.role),
            isolation: self.policies.isolation(self.role),
        };
        for (id, entity) in self.model.entities.iter().enumerate() {
            let narrowed = &mut restricted.model.entities[id];
            let Some(united) = grants.get(&id) else {
                // Nothing leads to the rows. A junction without a type of its own only links.
                narrowed.exposed = false;
                continue;
            };
            // The database's own policies may hide any row.
            narrowed.restricted |= self.policies.database.impersonates();
            if let Granted::If(rule) = &united.rows {
                restricted.rows.insert(id, rule.clone());
                narrowed.restricted = true;
            }
            (narrowed.aggregated, narrowed.list_limit) = (united.aggregated, united.limit);
            for (column_id, column) in narrowed.columns.iter_mut().enumerate() {
                match united.columns.get(&column_id) {
                    Some(Granted::All) => {}
                    Some(Granted::If(rule)) => {
                        column.nullable = true;
                        restricted.columns.insert((id, column_id), rule.clone());
                    }
                    None => column.hidden = true,
                }
            }
            if let Some(column) = entity
                .primary_key
                .iter()
                .find(|column| entity.exposed && united.columns.get(column) != Some(&Granted::All))
            {
                let column = &entity.columns[*column].field;
                let message =
                    format!("the key column {column} must be granted: it orders and identifies the rows");
                self.fault(Some(&entity.name), message);
            }
            if entity.exposed && !entity.has_key() && united.columns.is_empty() {
                self.fault(Some(&entity.name), "a column must be granted: nothing else identifies the rows");
            }
            if let Some(relations) = &united.relations {
                for field in relations {
                    let relation =
                        entity.relation_of_field(field).map(|relation| &entity.relations[relation]);
                    match relation {
                        None => {
                            self.fault(Some(&entity.name), format!("no relation has the field \"{field}\""));
                        }
                        Some(relation) if entity.exposed && !self.is_granted(grants, united, relation) => {
                            let message = format!(
                                "the relation {field} is granted, and nothing of the rows behind it: grant reading of {}",
                                self.model.entities[self.unread(grants, relation)].name
                            );
                            self.fault(Some(&entity.name), message);
                        }
                        Some(_) => {}
                    }
                }
            }
            narrowed.relations.retain_mut(|relation| {
                let is_kept = entity.exposed && self.is_granted(grants, united, relation);
                let is_seen =
                    !self.policies.database.impersonates() && is_always_seen(grants, united, relation);
                if relation.cardinality == Cardinality::One && !is_seen {
                    relation.cardinality = Cardinality::OptionalOne;
                }
                is_kept
            });
        }
        expose_used(&mut restricted);
        restricted.model.name_roots();
        restricted
    }

    /// Returns the entity that the role must read to have a relation: the junction, or the target.
    fn unread(&self, grants: &BTreeMap<EntityId, United>, relation: &Relation) -> EntityId {
        let junction = relation.junction.as_ref().and_then(|junction| junction.entity);
        let of_junction = junction.filter(|_| grants.contains_key(&relation.target));
        of_junction.unwrap_or(relation.target)
    }

    fn is_granted(&self, grants: &BTreeMap<EntityId, United>, united: &United, relation: &Relation) -> bool {
        let is_listed = united.relations.as_ref().is_none_or(|fields| fields.contains(&relation.field));
        // The links are rows of the junction: a role that may not read a junction that is a type has no links.
        let junction = relation.junction.as_ref().and_then(|junction| junction.entity);
        let reads_links =
            junction.is_none_or(|id| !self.model.entities[id].exposed || grants.contains_key(&id));
        let reads_target =
            grants.contains_key(&relation.target) && self.model.entities[relation.target].exposed;
        is_listed && reads_links && reads_target
    }
}

/// Returns true if the rules prove that whoever sees a row sees the row that it references.
fn is_always_seen(grants: &BTreeMap<EntityId, United>, united: &United, relation: &Relation) -> bool {
    match (grants.get(&relation.target).map(|target| &target.rows), &united.rows) {
        (Some(Granted::All), _) => true,
        (Some(Granted::If(target)), Granted::If(rule)) => implies(rule, &relation.field, target),
        _ => false,
    }
}

/// Exposes only the enums of columns that the role still reads or writes.
fn expose_used(restricted: &mut Restricted) {
    let Restricted { model, writes, .. } = restricted;
    let read = model.exposed().flat_map(|(_, entity)| entity.visible_columns().map(|(_, column)| column));
    let written = writes
        .iter()
        .flat_map(|(id, writes)| writes.columns().map(|column| &model.entities[*id].columns[column]));
    let used: BTreeSet<usize> =
        read.chain(written).filter_map(|column| column.column_type.enumeration()).collect();
    for (id, enumeration) in model.enumerations.iter_mut().enumerate() {
        enumeration.exposed &= used.contains(&id);
    }
}
