//! Statements that are built once and sent with other keys each time: neither their text nor any other value depends on
//! the keys.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

use sea_orm::{Statement, Value, Values};

use super::{Key, Query, Select};
use crate::model::ColumnType;
use crate::plan::{Dialect, Load, Page, What};

/// What is kept of a load's statement, for each dialect.
#[derive(Debug, Default)]
pub struct Templates([Kept; 2]);

#[derive(Debug, Default)]
struct Kept {
    /// A plan that is used once needs no template.
    was_used: AtomicBool,
    template: OnceLock<Template>,
}

/// What is kept says nothing of what a load is.
impl PartialEq for Templates {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Clone for Templates {
    fn clone(&self) -> Self {
        Self::default()
    }
}

#[derive(Debug)]
struct Template {
    query: Arc<Query>,
    values: Vec<Value>,
    /// Where the keys stand among the values; none where the statement has to be built for its keys.
    keys: Option<Vec<usize>>,
    types: Vec<ColumnType>,
}

impl Select<'_> {
    /// The same as [`Select::build`], from what is kept of the statement where that can be.
    pub fn prepare(&self, load: &Load, keys: &[Key]) -> (Statement, Arc<Query>) {
        let fresh = || {
            let query = self.build(load, keys);
            (query.statement.clone(), Arc::new(query))
        };
        let kept = match self.dialect {
            Dialect::Sqlite => &load.templates.0[0],
            Dialect::Postgres => &load.templates.0[1],
        };
        if !kept.was_used.swap(true, Ordering::Relaxed) {
            return fresh();
        }
        let template = kept.template.get_or_init(|| Template::new(self, load, keys));
        match template.bind(self.dialect, keys) {
            Some(statement) => (statement, template.query.clone()),
            None => fresh(),
        }
    }
}

impl Template {
    fn new(select: &Select, load: &Load, keys: &[Key]) -> Self {
        let query = select.build(load, keys);
        let values = values_of(&query.statement);
        let types = select.key_types(load);
        let mut template = Self { query: Arc::new(query), values, keys: None, types };
        let other = select.build(load, &[]);
        let other_values = values_of(&other.statement);
        let is_page = matches!(&load.what, What::Rows(rows) if matches!(rows.page, Page::Keyset { .. }));
        let same_text = other.statement.sql == template.query.statement.sql;
        // A page by cursors asks for some rows more for each key.
        if is_page || !same_text || other_values.len() != template.values.len() {
            return template;
        }
        let differs = |place: &usize| template.values[*place] != other_values[*place];
        let places: Vec<usize> = (0..template.values.len()).filter(differs).collect();
        let parameters = select.dialect.key_parameters(&template.types, keys);
        let met = places.iter().map(|place| &template.values[*place]);
        if load.relation.is_none() || parameters.iter().eq(met) {
            template.keys = Some(places);
        }
        template
    }

    fn bind(&self, dialect: Dialect, keys: &[Key]) -> Option<Statement> {
        let places = self.keys.as_ref()?;
        let mut values = self.values.clone();
        if !places.is_empty() {
            for (place, value) in places.iter().zip(dialect.key_parameters(&self.types, keys)) {
                values[*place] = value;
            }
        }
        let sql = self.query.statement.sql.clone();
        Some(Statement { sql, values: Some(Values(values)), db_backend: dialect.backend() })
    }
}

fn values_of(statement: &Statement) -> Vec<Value> {
    statement.values.as_ref().map(|values| values.0.clone()).unwrap_or_default()
}
