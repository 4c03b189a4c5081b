//! Rows that a role leaves behind: values that the service sets, and checks after the write.

use std::time::SystemTime;

use chrono::{DateTime, SecondsFormat, Utc};
use sea_orm::Value;
use uuid::Uuid;

use super::lookup::{one_row, read};
use super::row::{RowInput, values_of};
use super::writer::MutationWriter;
use crate::error::{Error, Result};
use crate::model::{ColumnId, ColumnType, EntityId};
use crate::plan::{Check, Filter, RowRules, SetValue};
use crate::policy::RowAction;

impl MutationWriter<'_> {
    /// Returns the role's rules of new or changed rows; `None` for administrators.
    ///
    /// # Errors
    /// `FORBIDDEN` if the role has no grant.
    pub fn row_rules(&self, id: EntityId, action: RowAction) -> Result<Option<&RowRules>> {
        let Some(sight) = self.session.viewer().sight() else { return Ok(None) };
        let forbidden = || Error::write_forbidden(&self.model().entities[id].name, action.name());
        sight.rules.writes(id, action).map(Some).ok_or_else(forbidden)
    }

    /// Returns the values that the service sets in a row.
    ///
    /// # Errors
    /// `FORBIDDEN` if the role has no grant.
    pub fn set_values(&self, id: EntityId, action: RowAction) -> Result<Vec<(ColumnId, Value)>> {
        let Some(rules) = self.row_rules(id, action)? else { return Ok(Vec::new()) };
        let values = self.session.viewer().sight().map_or(&[][..], |sight| sight.values);
        let value = |(column, value): &(ColumnId, SetValue)| {
            let column_type = &self.model().entities[id].columns[*column].column_type;
            let value = match value {
                SetValue::Parameter(place) => values.get(*place).cloned(),
                SetValue::Now => now(column_type),
                SetValue::Uuid => column_type.read(&Uuid::new_v4().to_string().into(), &[]).ok(),
                SetValue::Value(value) => Some(value.clone()),
            };
            (*column, value.unwrap_or_else(|| column_type.null()))
        };
        Ok(rules.set.iter().map(value).collect())
    }

    /// Returns true if the role's rules check rows of an entity.
    pub fn is_checked(&self, id: EntityId) -> bool {
        let rules = self.session.viewer().sight().map(|sight| sight.rules);
        let checks = |action| rules?.writes(id, action)?.check.as_ref();
        [RowAction::Create, RowAction::Update].into_iter().any(|action| checks(action).is_some())
    }

    /// Checks rows, with their primary keys, that a statement has just written.
    ///
    /// # Errors
    /// `FORBIDDEN` if a row does not satisfy the role's check.
    pub async fn check(&self, id: EntityId, action: RowAction, rows: &[RowInput]) -> Result<()> {
        let Some(rules) = self.row_rules(id, action)?.filter(|_| !rows.is_empty()) else { return Ok(()) };
        let primary_key = &self.model().entities[id].primary_key;
        let keys: Vec<Vec<Value>> = rows.iter().map(|row| values_of(row, primary_key)).collect();
        let written = self.written.add(self.model(), id, &keys);
        let Some(rule) = &rules.check else { return Ok(()) };
        let load = one_row(id, Filter::one_of(primary_key, keys));
        let check = Check { rule, written: &written, rows: None };
        let catalog = self.session.statements().known_catalog();
        let query = self.session.viewer().select(&catalog).failing(&load, check);
        match read(self.session.viewer(), id, query).await?.is_empty() {
            true => Ok(()),
            false => Err(Error::write_forbidden(&self.model().entities[id].name, action.name())),
        }
    }
}

/// Returns the time of the write, in the form of a column.
fn now(column_type: &ColumnType) -> Option<Value> {
    let now = DateTime::<Utc>::from(SystemTime::now());
    let text = match column_type {
        ColumnType::Date => now.date_naive().to_string(),
        ColumnType::Time => now.format("%H:%M:%S%.6f").to_string(),
        _ => now.to_rfc3339_opts(SecondsFormat::Micros, true),
    };
    column_type.read(&text.into(), &[]).ok()
}
