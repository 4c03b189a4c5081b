//! Values of a plan's parameters in one request.

use sea_orm::Value;

use super::Plan;
use super::select::SqlBuilder;
use super::variables::PlanParameter;
use crate::dialect::Dialect;
use crate::model::Model;

impl Plan {
    /// Returns the values of the plan's parameters in one request, or `None` if a column cannot hold one.
    pub fn values(&self, select: &SqlBuilder, variables: &async_graphql::Variables) -> Option<Vec<Value>> {
        let read = |parameter: &PlanParameter| {
            parameter.read(select.model, select.dialect, variables.get(&parameter.variable)?)
        };
        self.parameters.iter().map(read).collect()
    }
}

impl PlanParameter {
    pub(super) fn read(
        &self,
        model: &Model,
        dialect: Dialect,
        given: &async_graphql::Value,
    ) -> Option<Value> {
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
            // A single value is a list of one item (September 2025, section 3.11).
            given => Some(dialect.list_parameter(vec![value(given)?], &self.column_type)),
        }
    }
}
