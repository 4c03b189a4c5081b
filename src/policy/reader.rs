//! Reader of one role's grants: rules, with `seen` replaced, and their faults.

use std::collections::{BTreeMap, BTreeSet};

use async_graphql_value::Value as Written;

use super::rule::{AND, Granted, OR, any, nothing, parse, variables_of};
use super::{Grant, Policies};
use crate::model::{EntityId, Model, Relation};

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

/// Reader of one role's grants.
pub(super) struct RoleReader<'a> {
    pub policies: &'a Policies,
    pub model: &'a Model,
    pub role: &'a str,
    pub missing: &'a BTreeSet<String>,
    pub faults: Vec<PolicyFault>,
}

/// Grants of reading by entity: each rule as written, before `seen` is replaced.
pub(super) type RawGrants<'a> = BTreeMap<EntityId, Vec<(Granted, &'a Grant)>>;

impl<'a> RoleReader<'a> {
    /// Creates a reader for a viewer who lacks the variables `missing`.
    pub fn new(
        policies: &'a Policies,
        model: &'a Model,
        role: &'a str,
        missing: &'a BTreeSet<String>,
    ) -> Self {
        Self { policies, model, role, missing, faults: Vec::new() }
    }

    pub fn fault(&mut self, entity: Option<&str>, message: impl Into<String>) {
        let entity = entity.map(str::to_owned);
        let fault = PolicyFault { role: self.role.to_owned(), entity, message: message.into() };
        if !self.faults.contains(&fault) {
            self.faults.push(fault);
        }
    }

    /// Returns the grants of reading of the role and of the roles that it includes.
    pub fn raw_grants(&mut self) -> RawGrants<'a> {
        let mut raw = RawGrants::new();
        let mut without_rule = Vec::new();
        for role in self.included() {
            let Some(grants) = self.policies.roles.get(role) else { continue };
            for (name, grant) in &grants.grants {
                let Some(id) = self.entity_named(name) else { continue };
                if grant.limit == Some(0) {
                    self.fault(Some(name), "limit: expected at least 1 row, but got 0");
                }
                let Some(written) = &grant.read else {
                    if grant.aggregate.is_some() || grant.limit.is_some() {
                        let message = "aggregate and limit belong to a grant of reading: add read";
                        self.fault(Some(name), message);
                    }
                    without_rule.push((id, name));
                    continue;
                };
                if let Some(rule) = self.rule(name, written) {
                    raw.entry(id).or_default().push((rule, grant));
                }
            }
        }
        // A role may add writing to what an included role reads.
        for (_, name) in without_rule.iter().filter(|(id, _)| !raw.contains_key(id)) {
            self.fault(Some(name), "the grant has no rule: write read = \"true\" for all rows");
        }
        raw
    }

    /// Returns the entity with a type name.
    pub fn entity_named(&mut self, name: &str) -> Option<EntityId> {
        let found = self.model.entities.iter().position(|entity| entity.name == name);
        if found.is_none() {
            self.fault(Some(name), "no entity has this type name");
        }
        found
    }

    /// Returns the role and all roles that it includes, each once.
    pub fn included(&mut self) -> Vec<&'a str> {
        let included = self.policies.included(self.role);
        for role in included.iter().filter(|role| !self.policies.roles.contains_key(**role)) {
            match *role == self.role {
                true => self.fault(None, "no such role is declared"),
                false => self.fault(None, format!("the included role {role} is not declared")),
            }
        }
        included
    }

    /// Returns true if a rule has a variable that the viewer lacks.
    pub fn uses_missing(&self, written: &str) -> bool {
        let mut variables = BTreeSet::new();
        if let Ok(rule) = parse(written) {
            variables_of(&rule, &mut variables);
        }
        !variables.is_disjoint(self.missing)
    }

    /// Parses a rule. A rule with a variable that the viewer lacks holds for no row.
    pub fn rule(&mut self, entity: &str, written: &str) -> Option<Granted> {
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

    /// Replaces `seen` in a rule of `id` by the target's rule.
    pub fn without_seen(
        &mut self,
        id: EntityId,
        rule: &Granted,
        raw: &RawGrants<'a>,
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
        raw: &RawGrants<'a>,
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
                (None, filter) if [AND, OR, "not"].contains(&name.as_str()) => {
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
        raw: &RawGrants<'a>,
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
}
