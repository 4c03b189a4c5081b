//! Variables of a request during planning: those that the plan depends on, and those only passed to the
//! database. A plan serves every value of the latter.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Mutex, PoisonError};

use async_graphql::Name;
use async_graphql_value::Value as Written;

use crate::dialect::always_fits_one_parameter;
use crate::model::ColumnType;

/// Variable whose value appears in statements only as a parameter.
#[derive(Clone, Debug, PartialEq)]
pub struct PlanParameter {
    /// Name of the variable.
    pub variable: Name,
    /// Type of the compared column.
    pub column_type: ColumnType,
    /// True if the value is a list.
    pub is_list: bool,
}

/// Values of a request's variables, with defaults applied.
#[derive(Debug)]
pub struct Variables {
    values: HashMap<Name, Written>,
    /// Recorded dependencies; none if every value is read during planning.
    noted: Option<Mutex<Noted>>,
}

#[derive(Debug, Default)]
struct Noted {
    looked_at: BTreeSet<Name>,
    parameters: Vec<PlanParameter>,
}

impl Variables {
    /// Creates variables for a plan that serves other values too.
    pub fn open(values: &async_graphql::Variables) -> Self {
        Self { noted: Some(Mutex::default()), ..Self::fixed(values) }
    }

    /// Creates variables for a plan of these values only.
    pub fn fixed(values: &async_graphql::Variables) -> Self {
        let value =
            |(name, value): (&Name, &async_graphql::Value)| (name.clone(), value.clone().into_value());
        Self { values: values.iter().map(value).collect(), noted: None }
    }

    /// Returns a literal, or the value of a variable with its name; `None` if the variable was not provided.
    /// A null value is returned without the name, because every plan depends on nullness.
    pub(super) fn find<'a>(&'a self, written: &'a Written) -> Option<(&'a Written, Option<&'a Name>)> {
        match written {
            Written::Variable(name) => {
                let value = self.values.get(name)?;
                Some((value, Some(name).filter(|_| *value != Written::Null)))
            }
            written => Some((written, None)),
        }
    }

    /// Records that the plan depends on the variable's value, not only on its presence.
    pub(super) fn look_at(&self, variable: &Name) {
        self.note(|noted| noted.looked_at.insert(variable.clone()));
    }

    /// Returns the index of a variable among the parameters, or `None` if the value must be read now.
    pub(super) fn bind(&self, variable: &Name, column_type: &ColumnType, is_list: bool) -> Option<usize> {
        if is_list && !always_fits_one_parameter(column_type) {
            return None;
        }
        let parameter =
            PlanParameter { variable: variable.clone(), column_type: column_type.clone(), is_list };
        self.note(|Noted { parameters, .. }| {
            let known = parameters.iter().position(|known| *known == parameter);
            known.unwrap_or_else(|| {
                parameters.push(parameter);
                parameters.len() - 1
            })
        })
    }

    /// Takes the recorded dependencies.
    pub(super) fn noted(&self) -> (BTreeSet<Name>, Vec<PlanParameter>) {
        let noted = self.note(std::mem::take).unwrap_or_default();
        (noted.looked_at, noted.parameters)
    }

    fn note<T>(&self, note: impl FnOnce(&mut Noted) -> T) -> Option<T> {
        let mut noted = self.noted.as_ref()?.lock().unwrap_or_else(PoisonError::into_inner);
        Some(note(&mut noted))
    }
}
