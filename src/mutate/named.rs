//! Rows that a client names, by keys or by a filter: the only place where the rules of the viewer's role narrow them.

use std::slice;

use sea_orm::Value;

use super::lookup::read;
use super::purpose::Purpose;
use super::row::{RowInput, rows_of, values_of};
use super::writer::MutationWriter;
use crate::error::Result;
use crate::model::{ColumnId, EntityId};
use crate::plan::{Filter, Load, LoadKind, OrderTerm, Rows, Source};

impl MutationWriter<'_> {
    /// Returns true if the viewer may not use all rows of an entity, named by the columns `by`.
    pub fn is_narrowed(&self, id: EntityId, purpose: Purpose, by: &[ColumnId]) -> bool {
        let rules = self.session.viewer().sight().map(|sight| sight.rules);
        rules.is_some_and(|rules| rules.restricts(id, by) || !matches!(purpose.rule(rules, id), Some(None)))
    }

    /// Returns the columns `wanted` of the rows whose columns `by` match one of `keys`, as far as the viewer may use them.
    /// The rows stay locked until the end of the transaction.
    pub async fn named(
        &self,
        purpose: Purpose,
        id: EntityId,
        wanted: &[ColumnId],
        by: &[ColumnId],
        keys: &[Vec<Value>],
    ) -> Result<Vec<RowInput>> {
        if keys.is_empty() {
            return Ok(Vec::new());
        }
        if !self.is_narrowed(id, purpose, by) {
            return self.lock(id, wanted, by, keys, purpose.lock()).await;
        }
        let primary_key = &self.model().entities[id].primary_key;
        let columns = self.returning(id, &[by, wanted].concat(), std::iter::empty());
        let rows = self.narrowed(id, Filter::one_of(by, keys.to_vec()), purpose, &columns).await?;
        // The viewer may see null in place of a wanted value.
        let rules = self.session.viewer().sight().map(|sight| sight.rules);
        let is_veiled = |column: &ColumnId| {
            !by.contains(column) && rules.is_some_and(|rules| rules.of_column(id, *column).is_some())
        };
        if rows.is_empty() || !wanted.iter().any(is_veiled) {
            return Ok(rows);
        }
        let keys: Vec<Vec<Value>> = rows.iter().map(|row| values_of(row, primary_key)).collect();
        self.lock(id, &columns, primary_key, &keys, purpose.lock()).await
    }

    /// Returns columns and keys that name only rows that the viewer may use, among the rows whose columns `by` match one of
    /// `keys`.
    pub async fn allowed(
        &self,
        purpose: Purpose,
        id: EntityId,
        by: &[ColumnId],
        keys: Vec<Vec<Value>>,
    ) -> Result<(Vec<ColumnId>, Vec<Vec<Value>>)> {
        if !self.is_narrowed(id, purpose, by) {
            return Ok((by.to_vec(), keys));
        }
        let primary_key = &self.model().entities[id].primary_key;
        let found = self.named(purpose, id, primary_key, by, &keys).await?;
        Ok((primary_key.clone(), found.iter().map(|row| values_of(row, primary_key)).collect()))
    }

    /// Returns the primary keys of the rows that match a client's `filter`, as far as the viewer may use them. The rows stay
    /// locked until the end of the transaction.
    pub async fn choose(&self, id: EntityId, filter: Filter, purpose: Purpose) -> Result<Vec<Vec<Value>>> {
        let primary_key = &self.model().entities[id].primary_key;
        let found = self.narrowed(id, filter, purpose, primary_key).await?;
        Ok(found.iter().map(|row| values_of(row, primary_key)).collect())
    }

    /// Returns the columns `wanted`, with the primary key among them, of the rows that match a filter and the rules.
    ///
    /// After a wait for a lock, PostgreSQL rechecks the row in its current state, but reads other tables as
    /// of the statement's start. A condition on other tables is therefore evaluated again under the locks. Only
    /// rows that match twice are returned.
    async fn narrowed(
        &self,
        id: EntityId,
        filter: Filter,
        purpose: Purpose,
        wanted: &[ColumnId],
    ) -> Result<Vec<RowInput>> {
        let viewer = self.session.viewer();
        let rules = viewer.sight().map(|sight| sight.rules);
        let Some(rule) = rules.map_or(Some(None), |rules| purpose.rule(rules, id)) else {
            return Ok(Vec::new());
        };
        let entity = &self.model().entities[id];
        let looks_beyond = filter.looks_beyond()
            || rule.is_some_and(Filter::looks_beyond)
            || rules.is_some_and(|rules| rules.filters(id).any(Filter::looks_beyond));
        let looks_again = looks_beyond && self.session.dialect().features().locks_rows;
        // A fixed order avoids deadlocks.
        let order = OrderTerm::primary_key(entity);
        let rows = Rows { columns: wanted.to_vec(), order, ..Rows::unordered() };
        let mut load = Load::new(Source::of(id).narrow(filter.clone()), LoadKind::Rows(rows));
        viewer.check_complexity(slice::from_ref(&with_rule(&load, rule)))?;
        let catalog = self.session.statements().known_catalog();
        let select = viewer.select(&catalog);
        let query = select.locking(&load, Some(purpose.lock()), rule);
        let found = rows_of(&read(viewer, id, query).await?, wanted);
        self.session.statements().count_rows(found.len())?;
        if found.is_empty() || !looks_again {
            return Ok(found);
        }
        let keys = found.iter().map(|row| values_of(row, &entity.primary_key)).collect();
        let again = Filter::All(vec![Filter::one_of(&entity.primary_key, keys), filter]);
        load.source = Source::of(id).narrow(again);
        load.what = LoadKind::Rows(Rows { columns: wanted.to_vec(), ..Rows::unordered() });
        let query = select.locking(&load, None, rule);
        Ok(rows_of(&read(viewer, id, query).await?, wanted))
    }
}

/// Returns a load with the rule of an action among its conditions, to be measured.
fn with_rule(load: &Load, rule: Option<&Filter>) -> Load {
    let mut load = load.clone();
    load.source = rule
        .into_iter()
        .fold(load.source, |source, rule| source.narrow(Filter::OfFullModel(Box::new(rule.clone()))));
    load
}
