//! Variables of a request during planning: those that the plan depends on, and those only passed to the
//! database. A plan serves every value of the latter.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

use async_graphql::Name;
use async_graphql_value::{ConstValue as Constant, Value as Written};

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
#[derive(Debug, Default)]
pub struct Variables {
    values: async_graphql::Variables,
    /// Uses of the values; none if the plan is made for these values only.
    uses: Option<Mutex<VariableUses>>,
}

/// Uses of variables by a plan.
#[derive(Debug, Default)]
pub(super) struct VariableUses {
    /// Variables whose values planning read: the plan depends on these values.
    pub resolved: BTreeSet<Name>,
    /// Parameters of the plan.
    pub parameters: Vec<PlanParameter>,
}

/// Value of the input.
#[derive(Clone, Copy, Debug)]
pub(super) enum Given<'a> {
    /// Literal of the document; its parts may be variables.
    Literal(&'a Written),
    /// Value of a variable that planning has read, or a part of it.
    Constant(&'a Constant),
    /// Value of a variable, which planning has not read.
    Unread(Unread<'a>),
}

/// Value of a variable, which planning has not read. The value becomes a parameter, or is resolved. Only this file
/// reads it, so that every plan knows the values that it depends on.
#[derive(Clone, Copy, Debug)]
pub(super) struct Unread<'a> {
    name: &'a Name,
    value: &'a Constant,
    variables: &'a Variables,
}

impl Given<'_> {
    /// Returns true for `null`. Every plan depends on the nullness of its variables.
    pub fn is_null(self) -> bool {
        matches!(self, Self::Literal(Written::Null) | Self::Constant(Constant::Null))
    }
}

impl<'a> Unread<'a> {
    /// Returns the value. The plan depends on it from then on, not only on its presence.
    pub fn resolve(self) -> &'a Constant {
        self.variables.note(|uses| uses.resolved.insert(self.name.clone()));
        self.value
    }

    /// Returns the index of the value among the parameters, or `None` if the value must be resolved.
    pub fn bind(self, column_type: &ColumnType, is_list: bool) -> Option<usize> {
        if is_list && !always_fits_one_parameter(column_type) {
            return None;
        }
        let parameter =
            PlanParameter { variable: self.name.clone(), column_type: column_type.clone(), is_list };
        self.variables.note(|VariableUses { parameters, .. }| {
            let known = parameters.iter().position(|known| *known == parameter);
            known.unwrap_or_else(|| {
                parameters.push(parameter);
                parameters.len() - 1
            })
        })
    }

    /// Returns the number of fields in the value's objects. Resolves a value with fields: the operands that become
    /// parameters have none, whatever their values.
    pub fn count_fields(self) -> u64 {
        let count = count_fields(self.value);
        if count > 0 {
            self.resolve();
        }
        count
    }
}

/// Returns the number of fields in the objects of a value, at any depth; an object without fields counts as one.
pub(super) fn count_fields(value: &Constant) -> u64 {
    let mut count = 0;
    let mut waiting = vec![value];
    while let Some(value) = waiting.pop() {
        match value {
            Constant::List(items) => waiting.extend(items),
            Constant::Object(fields) => {
                count += fields.len().max(1) as u64;
                waiting.extend(fields.values());
            }
            _ => {}
        }
    }
    count
}

impl Variables {
    /// Creates variables for a plan that serves other values too.
    pub fn open(values: async_graphql::Variables) -> Self {
        Self { uses: Some(Mutex::default()), ..Self::fixed(values) }
    }

    /// Creates variables for a plan of these values only.
    pub fn fixed(values: async_graphql::Variables) -> Self {
        Self { values, uses: None }
    }

    /// Returns the values.
    pub fn values(&self) -> &async_graphql::Variables {
        &self.values
    }

    /// Returns a literal, or the value of a variable; `None` if the variable was not provided. Every plan
    /// depends on the presence of its variables.
    pub(super) fn find<'a>(&'a self, written: &'a Written) -> Option<Given<'a>> {
        let Written::Variable(name) = written else { return Some(Given::Literal(written)) };
        Some(match self.values.get(name)? {
            Constant::Null => Given::Constant(&Constant::Null),
            value => Given::Unread(Unread { name, value, variables: self }),
        })
    }

    /// Returns the uses of the variables by the plan that was made with them.
    pub(super) fn into_uses(self) -> VariableUses {
        let uses = self.uses.map(|uses| uses.into_inner().unwrap_or_else(PoisonError::into_inner));
        uses.unwrap_or_default()
    }

    fn note<T>(&self, note: impl FnOnce(&mut VariableUses) -> T) -> Option<T> {
        let mut uses = self.uses.as_ref()?.lock().unwrap_or_else(PoisonError::into_inner);
        Some(note(&mut uses))
    }
}
