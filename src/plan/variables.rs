//! The variables of a request while it is planned: which of them the plan depends on, and which are only handed to the
//! database. A plan serves every value of the latter.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Mutex, PoisonError};

use async_graphql::Name;
use async_graphql_value::Value as Written;
use sea_orm::Value;

use super::dialect::{self, Dialect};
use super::{Plan, Select};
use crate::model::{ColumnType, Model};

/// A variable whose value stands in statements only as a parameter.
#[derive(Clone, Debug, PartialEq)]
pub struct Parameter {
    /// Its name.
    pub variable: Name,
    /// What it is compared to.
    pub column_type: ColumnType,
    /// Whether it is a list of such values.
    pub is_list: bool,
}

/// The values of a request's variables, defaults filled in.
#[derive(Debug)]
pub struct Variables {
    values: HashMap<Name, Written>,
    /// None where every value is read while planning.
    noted: Option<Mutex<Noted>>,
}

#[derive(Debug, Default)]
struct Noted {
    looked_at: BTreeSet<Name>,
    parameters: Vec<Parameter>,
}

impl Variables {
    /// For a plan that serves other values too.
    pub fn open(values: &async_graphql::Variables) -> Self {
        Self { noted: Some(Mutex::default()), ..Self::fixed(values) }
    }

    /// For a plan of these values alone.
    pub fn fixed(values: &async_graphql::Variables) -> Self {
        let value =
            |(name, value): (&Name, &async_graphql::Value)| (name.clone(), value.clone().into_value());
        Self { values: values.iter().map(value).collect(), noted: None }
    }

    /// What is written in a document, or the value of the variable that is written there; `None` where that was not given.
    /// With it the variable, unless it is null: every plan depends on that.
    pub(super) fn find<'a>(&'a self, written: &'a Written) -> Option<(&'a Written, Option<&'a Name>)> {
        match written {
            Written::Variable(name) => {
                let value = self.values.get(name)?;
                Some((value, Some(name).filter(|_| *value != Written::Null)))
            }
            written => Some((written, None)),
        }
    }

    /// Notes that the plan depends on the value of a variable, not only on whether it has one.
    pub(super) fn look_at(&self, variable: &Name) {
        self.note(|noted| noted.looked_at.insert(variable.clone()));
    }

    /// The place of a variable among the parameters; `None` where its value has to be read now.
    pub(super) fn bind(&self, variable: &Name, column_type: &ColumnType, is_list: bool) -> Option<usize> {
        if is_list && !dialect::always_fits_one_parameter(column_type) {
            return None;
        }
        let parameter = Parameter { variable: variable.clone(), column_type: column_type.clone(), is_list };
        self.note(|Noted { parameters, .. }| {
            let known = parameters.iter().position(|known| *known == parameter);
            known.unwrap_or_else(|| {
                parameters.push(parameter);
                parameters.len() - 1
            })
        })
    }

    /// What was noted since the last time.
    pub(super) fn noted(&self) -> (BTreeSet<Name>, Vec<Parameter>) {
        let noted = self.note(std::mem::take).unwrap_or_default();
        (noted.looked_at, noted.parameters)
    }

    fn note<T>(&self, note: impl FnOnce(&mut Noted) -> T) -> Option<T> {
        let mut noted = self.noted.as_ref()?.lock().unwrap_or_else(PoisonError::into_inner);
        Some(note(&mut noted))
    }
}

impl Plan {
    /// The values of its parameters in one request, as its statements take them; `None` where a column cannot hold one.
    pub fn values(&self, select: &Select, variables: &async_graphql::Variables) -> Option<Vec<Value>> {
        let read = |parameter: &Parameter| {
            parameter.read(select.model, select.dialect, variables.get(&parameter.variable)?)
        };
        self.parameters.iter().map(read).collect()
    }
}

impl Parameter {
    fn read(&self, model: &Model, dialect: Dialect, given: &async_graphql::Value) -> Option<Value> {
        let variants = model.variants(&self.column_type);
        let value = |given: &async_graphql::Value| {
            self.column_type.read(&given.clone().into_json().ok()?, variants).ok()
        };
        match given {
            given if !self.is_list => value(given),
            async_graphql::Value::List(items) => {
                let values = items.iter().map(value).collect::<Option<_>>()?;
                Some(dialect.list_parameter(values, &self.column_type))
            }
            // A single value stands for a list of one (October 2021, section 3.11).
            given => Some(dialect.list_parameter(vec![value(given)?], &self.column_type)),
        }
    }
}
