//! Rules of a role, compiled to filters on the full model.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use async_graphql::Name;
use sea_orm::Value;
use serde_json::{Map, Value as Json};

use super::filter::Filter;
use super::input::Input;
use super::variables::{Given, PlanParameter, VariableUses, Variables};
use super::write_rules::{DeleteRule, RowRules, WriteCompiler, WriteRules};
use crate::dialect::Dialect;
use crate::error::{Error, Result};
use crate::model::{ColumnId, EntityId, Model};
use crate::policy::{Policies, PolicyFault, Restricted, RowAction, ViewerType};

/// Rules of one role. A rule is evaluated with full sight: other rules do not apply to the rows that the rule reads.
#[derive(Debug)]
pub struct Rules {
    /// Model with all entities, columns and relations.
    model: Arc<Model>,
    rows: BTreeMap<EntityId, Filter>,
    columns: BTreeMap<(EntityId, ColumnId), Filter>,
    writes: BTreeMap<EntityId, WriteRules>,
    /// Entities with rules that read other tables.
    beyond: BTreeSet<EntityId>,
    /// Values of the viewer that statements take.
    parameters: Vec<PlanParameter>,
}

/// Rules that apply to a statement, with the viewer's values.
#[derive(Clone, Copy, Debug)]
pub struct Sight<'a> {
    /// Rules of the viewer's role.
    pub rules: &'a Rules,
    /// Values of the rules' parameters.
    pub values: &'a [Value],
}

impl Rules {
    /// Compiles the rules of a restricted model.
    ///
    /// # Errors
    /// All rules that are no filters of their entity, or that use a variable at a place of another type.
    pub fn compile(
        model: Arc<Model>,
        policies: &Policies,
        role: &str,
        restricted: &Restricted,
    ) -> std::result::Result<Self, Vec<PolicyFault>> {
        // Only the presence of values matters: they are bound to parameters when a statement is sent.
        let mut values = async_graphql::Variables::default();
        values.extend(
            policies.variables().map(|(name, _)| (Name::new(name), async_graphql::Value::from(true))),
        );
        let variables = Variables::open(values);
        let mut faults = Vec::new();
        let mut read = |id: EntityId, rule: &async_graphql_value::Value| match Filter::read(
            &model,
            id,
            &Input::rule(rule, &variables),
        ) {
            Ok(filter) => Some(filter),
            Err(error) => {
                let entity = Some(model.entities[id].name.clone());
                let fault =
                    PolicyFault { role: role.to_owned(), entity, message: error.message().to_owned() };
                faults.push(fault);
                None
            }
        };
        let rows = restricted.rows.iter();
        let rows: BTreeMap<_, _> = rows.filter_map(|(id, rule)| Some((*id, read(*id, rule)?))).collect();
        let columns = restricted.columns.iter();
        let columns: BTreeMap<_, _> =
            columns.filter_map(|(place, rule)| Some((*place, read(place.0, rule)?))).collect();
        let of_columns = columns.iter().map(|((id, _), rule): (&(EntityId, _), &Filter)| (id, rule));
        let all = rows.iter().chain(of_columns);
        let beyond = all.filter(|(_, rule)| rule.looks_beyond()).map(|(id, _)| *id).collect();
        let bind = |name: &str, id: EntityId, column: ColumnId| {
            let written = async_graphql_value::Value::Variable(Name::new(name));
            match variables.find(&written)? {
                Given::Unread(unread) => unread.bind(&model.entities[id].columns[column].column_type, false),
                Given::Literal(_) | Given::Constant(_) => None,
            }
        };
        let mut compiler = WriteCompiler { model: &model, read: &mut read, bind: &bind, faults: Vec::new() };
        let writes =
            restricted.writes.iter().map(|(id, writes)| (*id, compiler.compile(*id, writes))).collect();
        let wrong = std::mem::take(&mut compiler.faults);
        faults.extend(wrong.into_iter().map(|(id, message)| {
            let entity = Some(model.entities[id].name.clone());
            PolicyFault { role: role.to_owned(), entity, message }
        }));
        let VariableUses { resolved, parameters } = variables.into_uses();
        let fault = |message| PolicyFault { role: role.to_owned(), entity: None, message };
        faults.extend(resolved.iter().map(|name| {
            fault(format!("${name} must stand alone as the operand of a comparison or of a list operator"))
        }));
        for parameter in &parameters {
            let of = policies.variable_type(&parameter.variable);
            let scalar = model.type_name(&parameter.column_type);
            if of.is_none_or(|of| of.scalar != scalar || of.is_list != parameter.is_list) {
                let wanted =
                    ViewerType { scalar: scalar.to_owned(), is_list: parameter.is_list, nullable: false };
                let given = of.map_or_else(String::new, ToString::to_string);
                let name = &parameter.variable;
                faults.push(fault(format!(
                    "${name} is compared as {wanted}, but its declared type is {given}"
                )));
            }
        }
        match faults.is_empty() {
            true => Ok(Self { model, rows, columns, writes, beyond, parameters }),
            false => Err(faults),
        }
    }

    /// Returns all rules, of reading and of writing.
    pub(super) fn all(&self) -> impl Iterator<Item = (EntityId, &Filter)> {
        let reading = self.rows.iter().map(|(id, rule)| (*id, rule));
        let cells = self.columns.iter().map(|((id, _), rule)| (*id, rule));
        let writing = self.writes.iter().flat_map(|(id, writes)| writes.rules().map(|rule| (*id, rule)));
        reading.chain(cells).chain(writing)
    }

    /// Returns the faults of rules that hold for no row, whatever the data.
    pub fn unsatisfiable(&self, role: &str) -> Vec<PolicyFault> {
        let unsatisfiable = self.all().filter(|(id, rule)| rule.takes_nothing(&self.model, *id));
        let entities: BTreeSet<EntityId> = unsatisfiable.map(|(id, _)| id).collect();
        let fault = |id: EntityId| PolicyFault {
            role: role.to_owned(),
            entity: Some(self.model.entities[id].name.clone()),
            message: "a rule holds for no row: correct the rule, or leave its grant out".to_owned(),
        };
        entities.into_iter().map(fault).collect()
    }

    /// Returns the names of the viewer's variables that the rules take, by parameter.
    pub fn variables(&self) -> impl Iterator<Item = &str> {
        self.parameters.iter().map(|parameter| parameter.variable.as_str())
    }

    /// Returns the full model.
    pub fn model(&self) -> &Arc<Model> {
        &self.model
    }

    /// Returns the columns that clients of the role give in new and changed rows.
    pub fn given_columns(&self) -> impl Iterator<Item = (EntityId, ColumnId)> {
        self.writes.iter().flat_map(|(id, writes)| {
            let rows = [&writes.create, &writes.update].into_iter().flatten();
            rows.flat_map(|rows| rows.columns.iter().map(|column| (*id, *column)))
        })
    }

    /// Returns the rules of new or changed rows; `None` if the role has no grant of the action.
    pub fn writes(&self, id: EntityId, action: RowAction) -> Option<&RowRules> {
        let writes = self.writes.get(&id)?;
        match action {
            RowAction::Create => writes.create.as_ref(),
            RowAction::Update => writes.update.as_ref(),
        }
    }

    /// Returns the rule of the rows that the role deletes; `None` if the role deletes none.
    pub fn deletes(&self, id: EntityId) -> Option<&DeleteRule> {
        self.writes.get(&id)?.delete.as_ref()
    }

    /// Returns true if the role sees some rows or cells of an entity only by a rule.
    pub fn restricts(&self, id: EntityId, columns: &[ColumnId]) -> bool {
        self.rows.contains_key(&id) || columns.iter().any(|column| self.of_column(id, *column).is_some())
    }

    /// Returns the rule of an entity's rows.
    pub(super) fn of_rows(&self, id: EntityId) -> Option<&Filter> {
        self.rows.get(&id)
    }

    /// Returns the rule of a column.
    pub fn of_column(&self, id: EntityId, column: ColumnId) -> Option<&Filter> {
        self.columns.get(&(id, column))
    }

    /// Returns the rules of an entity: of its rows, and of its columns.
    pub fn filters(&self, id: EntityId) -> impl Iterator<Item = &Filter> {
        let columns = self.columns.range((id, ColumnId::MIN)..=(id, ColumnId::MAX)).map(|(_, rule)| rule);
        self.rows.get(&id).into_iter().chain(columns)
    }

    /// Returns true if a rule reads other tables.
    pub(super) fn look_beyond(&self) -> bool {
        !self.beyond.is_empty()
    }

    /// Returns the rules of an entity that read other tables.
    pub(super) fn looking_beyond(&self, id: EntityId) -> impl Iterator<Item = &Filter> {
        let rules = self.beyond.contains(&id).then(|| self.filters(id));
        rules.into_iter().flatten().filter(|rule| rule.looks_beyond())
    }

    /// Reads the viewer's values for the rules' parameters.
    ///
    /// # Errors
    /// If a value is missing, or is none of its variable's type.
    pub fn values(&self, dialect: Dialect, given: &Map<String, Json>) -> Result<Vec<Value>> {
        let read = |parameter: &PlanParameter| {
            let name = parameter.variable.as_str();
            let json = given.get(name).cloned().unwrap_or_default();
            let value = async_graphql::Value::from_json(json.clone()).unwrap_or_default();
            parameter.read(&self.model, dialect, &value).ok_or_else(|| {
                let of = self.model.type_name(&parameter.column_type);
                Error::bad_input(&format!("viewer.{name}"), json, format!("expected a value of type {of}"))
            })
        };
        self.parameters.iter().map(read).collect()
    }
}
