//! Restriction of a model to what a role reads.

use std::collections::{BTreeMap, BTreeSet};

use async_graphql_value::{Name, Value as Written};

use super::{ColumnGrant, Grant, Policies, ViewerType};
use crate::guard;
use crate::model::{Cardinality, ColumnId, Combinator, EntityId, Model, Relation};

/// Combinators of filters.
const AND: &str = Combinator::And.name();
const OR: &str = Combinator::Or.name();
/// Enum value that stands for the target's own rule.
const SEEN: &str = "seen";

/// Fault of a policy.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("role {role}{}: {message}", entity.as_ref().map(|entity| format!(", {entity}")).unwrap_or_default())]
pub struct PolicyFault {
    /// Role with the fault.
    pub role: String,
    /// Type name of the entity, if the fault belongs to one.
    pub entity: Option<String>,
    /// Fault and remedy.
    pub message: String,
}

/// Extent of a grant: everything, or what a rule holds for.
#[derive(Clone, Debug, PartialEq)]
enum Granted {
    /// Every row.
    All,
    /// Rows for which the filter holds. `seen` is replaced by the rule that it stands for.
    If(Written),
}

/// Model as a role reads it, with the rules as filters on the full model.
#[derive(Clone, Debug)]
pub struct Restricted {
    /// Model without all that the role reads nothing of.
    pub model: Model,
    /// Rules of rows, by entity. Entities without an entry have no rule.
    pub rows: BTreeMap<EntityId, Written>,
    /// Rules of columns that are null where the rule does not hold.
    pub columns: BTreeMap<(EntityId, ColumnId), Written>,
}

/// Grants of one role on one entity, united.
#[derive(Clone, Debug)]
struct United {
    rows: Granted,
    columns: BTreeMap<ColumnId, Granted>,
    /// Fields of granted relations; `None` for all.
    relations: Option<BTreeSet<String>>,
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
        let mut reader = RoleReader { policies: self, model, role, missing, faults: Vec::new() };
        let grants = reader.grants();
        let restricted = reader.restricted(&grants);
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

/// Reader of one role's grants.
struct RoleReader<'a> {
    policies: &'a Policies,
    model: &'a Model,
    role: &'a str,
    missing: &'a BTreeSet<String>,
    faults: Vec<PolicyFault>,
}

/// Rule as written, before `seen` is replaced.
type RawGrant<'a> = (Granted, &'a Grant);

impl<'a> RoleReader<'a> {
    fn fault(&mut self, entity: Option<&str>, message: impl Into<String>) {
        let entity = entity.map(str::to_owned);
        let fault = PolicyFault { role: self.role.to_owned(), entity, message: message.into() };
        if !self.faults.contains(&fault) {
            self.faults.push(fault);
        }
    }

    /// Returns the grants of the role and of the roles that it includes, united for each entity.
    fn grants(&mut self) -> BTreeMap<EntityId, United> {
        let mut raw: BTreeMap<EntityId, Vec<RawGrant<'a>>> = BTreeMap::new();
        for role in self.included() {
            let Some(grants) = self.policies.roles.get(role) else { continue };
            for (name, grant) in &grants.grants {
                let Some(id) = self.model.entities.iter().position(|entity| entity.name == *name) else {
                    self.fault(Some(name), "no entity has this type name");
                    continue;
                };
                let Some(written) = &grant.read else {
                    self.fault(Some(name), "the grant has no rule: write read = \"true\" for all rows");
                    continue;
                };
                if let Some(rule) = self.rule(name, written) {
                    raw.entry(id).or_default().push((rule, grant));
                }
            }
        }
        let ids: Vec<EntityId> = raw.keys().copied().collect();
        ids.into_iter().map(|id| (id, self.united(id, &raw))).collect()
    }

    /// Returns the role and all roles that it includes, each once.
    fn included(&mut self) -> Vec<&'a str> {
        let mut found: Vec<&'a str> = Vec::new();
        let start = self.policies.roles.get_key_value(self.role);
        if start.is_none() {
            self.fault(None, "no such role is declared");
        }
        let mut waiting: Vec<&'a str> = start.map(|(name, _)| name.as_str()).into_iter().collect();
        while let Some(role) = waiting.pop() {
            if found.contains(&role) {
                continue;
            }
            match self.policies.roles.get(role) {
                Some(grants) => waiting.extend(grants.includes.iter().map(String::as_str)),
                None => self.fault(None, format!("the included role {role} is not declared")),
            }
            found.push(role);
        }
        found
    }

    /// Parses a rule. A rule with a variable that the viewer lacks holds for no row.
    fn rule(&mut self, entity: &str, written: &str) -> Option<Granted> {
        if written.trim() == "true" {
            return Some(Granted::All);
        }
        let rule = match parse(written) {
            Ok(rule) => rule,
            Err(message) => {
                self.fault(Some(entity), message);
                return None;
            }
        };
        let mut variables = BTreeSet::new();
        variables_of(&rule, &mut variables);
        for name in &variables {
            if self.policies.variable_type(name).is_none() {
                let message = format!("the rule uses ${name}, which is no declared variable of the viewer");
                self.fault(Some(entity), message);
            }
        }
        Some(Granted::If(if variables.is_disjoint(self.missing) { rule } else { nothing() }))
    }

    fn united(&mut self, id: EntityId, raw: &BTreeMap<EntityId, Vec<RawGrant<'a>>>) -> United {
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
        United { rows: any(rows).unwrap_or(Granted::All), columns, relations }
    }

    /// Returns the granted columns of one grant.
    fn columns(
        &mut self,
        id: EntityId,
        grant: &'a Grant,
        raw: &BTreeMap<EntityId, Vec<RawGrant<'a>>>,
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

    /// Replaces `seen` in a rule of `id` by the target's rule.
    fn without_seen(
        &mut self,
        id: EntityId,
        rule: &Granted,
        raw: &BTreeMap<EntityId, Vec<RawGrant<'a>>>,
        above: &mut Vec<EntityId>,
    ) -> Granted {
        match rule {
            Granted::All => Granted::All,
            Granted::If(written) => Granted::If(self.expanded(id, written, raw, above)),
        }
    }

    fn expanded(
        &mut self,
        id: EntityId,
        written: &Written,
        raw: &BTreeMap<EntityId, Vec<RawGrant<'a>>>,
        above: &mut Vec<EntityId>,
    ) -> Written {
        let Written::Object(fields) = written else { return written.clone() };
        let entity = &self.model.entities[id];
        let expanded = fields.iter().map(|(name, value)| {
            let relation = entity.relation_of_field(name).map(|relation| &entity.relations[relation]);
            let value = match (relation, value) {
                (Some(relation), Written::Enum(word)) if word.as_str() == SEEN => {
                    self.seen(id, relation, raw, above)
                }
                (Some(relation), Written::Object(quantified)) if relation.is_many() => {
                    let inner = quantified.iter().map(|(quantifier, filter)| {
                        (quantifier.clone(), self.expanded(relation.target, filter, raw, above))
                    });
                    Written::Object(inner.collect())
                }
                (Some(relation), filter) => self.expanded(relation.target, filter, raw, above),
                (None, Written::List(filters)) if [AND, OR].contains(&name.as_str()) => {
                    let inner = filters.iter().map(|filter| self.expanded(id, filter, raw, above));
                    Written::List(inner.collect())
                }
                (None, filter) if [AND, OR, Combinator::Not.name()].contains(&name.as_str()) => {
                    self.expanded(id, filter, raw, above)
                }
                (None, value) => value.clone(),
            };
            (name.clone(), value)
        });
        Written::Object(expanded.collect())
    }

    fn seen(
        &mut self,
        id: EntityId,
        relation: &Relation,
        raw: &BTreeMap<EntityId, Vec<RawGrant<'a>>>,
        above: &mut Vec<EntityId>,
    ) -> Written {
        let (owner, target) = (&self.model.entities[id], &self.model.entities[relation.target]);
        if relation.is_many() {
            let message =
                format!("{} is a list: seen stands for the filter of a to-one relation", relation.field);
            self.fault(Some(&owner.name), message);
            return nothing();
        }
        if above.contains(&relation.target) {
            let message = format!("{}: seen leads back to the rule of {}", relation.field, target.name);
            self.fault(Some(&owner.name), message);
            return nothing();
        }
        above.push(relation.target);
        let rules = raw.get(&relation.target).cloned().unwrap_or_default();
        let rules =
            rules.iter().map(|(rule, _)| self.without_seen(relation.target, rule, raw, above)).collect();
        above.pop();
        match any(rules) {
            Some(Granted::If(rule)) => rule,
            Some(Granted::All) => Written::Object(Default::default()),
            None => nothing(),
        }
    }

    /// Takes all that is not granted out of the model.
    fn restricted(&mut self, grants: &BTreeMap<EntityId, United>) -> Restricted {
        let mut restricted =
            Restricted { model: self.model.clone(), rows: BTreeMap::new(), columns: BTreeMap::new() };
        for (id, entity) in self.model.entities.iter().enumerate() {
            let narrowed = &mut restricted.model.entities[id];
            let Some(united) = grants.get(&id) else {
                // Nothing leads to the rows. A junction without a type of its own only links.
                narrowed.exposed = false;
                continue;
            };
            if let Granted::If(rule) = &united.rows {
                restricted.rows.insert(id, rule.clone());
                narrowed.restricted = true;
            }
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
            if let Some(relations) = &united.relations {
                for field in relations.iter().filter(|field| entity.relation_of_field(field).is_none()) {
                    self.fault(Some(&entity.name), format!("no relation has the field \"{field}\""));
                }
            }
            narrowed.relations.retain_mut(|relation| {
                let is_kept = entity.exposed && self.is_granted(grants, united, relation);
                if relation.cardinality == Cardinality::One && !is_always_seen(grants, united, relation) {
                    relation.cardinality = Cardinality::OptionalOne;
                }
                is_kept
            });
        }
        expose_used(&mut restricted.model);
        restricted.model.name_roots();
        restricted
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

/// Returns true if `rule` has `field: target` as a condition that always holds.
fn implies(rule: &Written, field: &str, target: &Written) -> bool {
    let Written::Object(fields) = rule else { return false };
    fields.iter().any(|(name, value)| match (name.as_str(), value) {
        (name, value) if name == field && value == target => true,
        (AND, Written::List(all)) => all.iter().any(|rule| implies(rule, field, target)),
        (AND, rule) => implies(rule, field, target),
        (OR, Written::List(any)) => !any.is_empty() && any.iter().all(|rule| implies(rule, field, target)),
        (OR, rule) => implies(rule, field, target),
        _ => false,
    })
}

/// Exposes only the enums of columns that are still visible.
fn expose_used(model: &mut Model) {
    let used: BTreeSet<usize> = model
        .exposed()
        .flat_map(|(_, entity)| entity.visible_columns())
        .filter_map(|(_, column)| column.column_type.enumeration())
        .collect();
    for (id, enumeration) in model.enumerations.iter_mut().enumerate() {
        enumeration.exposed &= used.contains(&id);
    }
}

fn both(left: Granted, right: Granted) -> Granted {
    match (left, right) {
        (Granted::All, other) | (other, Granted::All) => other,
        (Granted::If(left), Granted::If(right)) => Granted::If(object(AND, Written::List(vec![left, right]))),
    }
}

/// Unites alternatives; `None` without any.
fn any(alternatives: Vec<Granted>) -> Option<Granted> {
    let mut rules = Vec::new();
    for alternative in alternatives {
        match alternative {
            Granted::All => return Some(Granted::All),
            Granted::If(rule) if !rules.contains(&rule) => rules.push(rule),
            Granted::If(_) => {}
        }
    }
    match rules.len() {
        0 => None,
        1 => rules.pop().map(Granted::If),
        _ => Some(Granted::If(object(OR, Written::List(rules)))),
    }
}

/// Returns the filter that holds for no row: one of no alternatives.
fn nothing() -> Written {
    object(OR, Written::List(Vec::new()))
}

fn object(name: &str, value: Written) -> Written {
    Written::Object([(Name::new(name), value)].into_iter().collect())
}

fn variables_of(written: &Written, found: &mut BTreeSet<String>) {
    match written {
        Written::Variable(name) => drop(found.insert(name.to_string())),
        Written::List(items) => items.iter().for_each(|item| variables_of(item, found)),
        Written::Object(fields) => fields.values().for_each(|value| variables_of(value, found)),
        _ => {}
    }
}

/// Parses a filter as the value of an argument.
fn parse(rule: &str) -> Result<Written, String> {
    let written = guard::literal(rule).map_err(|message| format!("the rule cannot be read: {message}"))?;
    let filter = written.filter(|written| matches!(written, Written::Object(_)));
    filter.ok_or_else(|| format!("the rule is no filter: {rule}"))
}
