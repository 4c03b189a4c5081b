//! Statement templates: built once, and sent with different keys and variable values, which do not change the
//! text. Placeholders mark the values supplied at execution time.

use std::sync::{Arc, OnceLock};

use sea_orm::Value;

use super::body::Body;
use super::builder::SqlBuilder;
use super::query::{RelationKey, SqlStatement};
use super::templates::{BindSlot, Template};
use crate::dialect::Dialect;
use crate::plan::load::{Load, LoadKind};

impl SqlBuilder<'_> {
    /// Returns the statement of `load`, and its values for these parent keys and these values of
    /// [`Plan::parameters`]. Keys are empty at the root. The statement is built once and cached in `load`.
    ///
    /// [`Plan::parameters`]: crate::plan::Plan::parameters
    pub fn prepare(
        &self,
        load: &Load,
        keys: &[RelationKey],
        values: &[Value],
    ) -> (Arc<SqlStatement>, Arc<[Value]>) {
        let kept = self.kept(load);
        let new;
        let template = match kept.get() {
            Some(template) => template,
            None if self.fits_all_keys(load) => kept.get_or_init(|| Template::new(self, load, keys)),
            None => {
                new = Template::new(self, load, keys);
                &new
            }
        };
        (template.query.clone(), template.fill(self, keys, values))
    }

    /// Builds the statements of `loads` and of everything below them, as far as their texts depend on no keys, so that
    /// [`SqlBuilder::prepare`] finds them.
    pub fn prepare_all(&self, loads: &[Load]) {
        for load in loads {
            if !load.joined && self.fits_all_keys(load) {
                self.kept(load).get_or_init(|| Template::new(self, load, &[]));
            }
            self.prepare_all(load.children());
        }
    }

    /// The place where a statement of `load` is kept.
    fn kept<'l>(&self, load: &'l Load) -> &'l OnceLock<Template> {
        let of_dialect = match self.dialect {
            Dialect::Sqlite => &load.templates.0[0],
            Dialect::Postgres => &load.templates.0[1],
        };
        &of_dialect[usize::from(self.follows_catalog(load))]
    }

    /// Builds the statement of a `load` without parameters, or only for its text.
    pub fn build(&self, load: &Load, keys: &[RelationKey]) -> SqlStatement {
        let template = Template::new(self, load, keys);
        let values = template.fill(self, keys, &[]).to_vec();
        SqlStatement { values, ..Arc::unwrap_or_clone(template.query) }
    }

    /// Returns pairs of a value's position, counted from one, and its index in [`Plan::parameters`].
    ///
    /// [`Plan::parameters`]: crate::plan::Plan::parameters
    pub fn parameter_places(&self, load: &Load) -> Vec<(usize, usize)> {
        let marks = Template::new(self, load, &[]).marks.into_iter();
        let of_parameter = |(place, mark)| match mark {
            BindSlot::Parameter(parameter) | BindSlot::Operand(parameter, _) => {
                Some((place + 1, parameter as usize)).filter(|_| parameter & BindSlot::OF_VIEWER == 0)
            }
            BindSlot::Keys(_) | BindSlot::MostRows => None,
        };
        marks.filter_map(of_parameter).collect()
    }

    fn fits_all_keys(&self, load: &Load) -> bool {
        Body::new(self, load, &[]).keys_in_text().is_none()
    }
}

impl Template {
    fn new(select: &SqlBuilder, load: &Load, keys: &[RelationKey]) -> Self {
        let body = Body::new(select, load, keys);
        let key_types = body.key_columns().into_iter().map(|output| output.column_type).collect();
        let query = match &load.what {
            LoadKind::Rows(rows) => body.rows(rows),
            LoadKind::Aggregates(aggregates) => body.aggregates(aggregates),
        };
        let values = query.values.iter().enumerate();
        let marks = values.filter_map(|(place, value)| Some((place, BindSlot::of(value)?))).collect();
        Self { query: Arc::new(query), marks, key_types }
    }

    /// Returns the values with the placeholders replaced. Marks are in the order of the values.
    fn fill(&self, select: &SqlBuilder, keys: &[RelationKey], values: &[Value]) -> Arc<[Value]> {
        let mut marks = self.marks.iter().peekable();
        let mut parts = None;
        let given = |parameter: u32| match parameter & BindSlot::OF_VIEWER {
            0 => values.get(parameter as usize),
            _ => select.sight?.values.get((parameter & !BindSlot::OF_VIEWER) as usize),
        };
        let mut known = |mark| match mark {
            BindSlot::Keys(part) => {
                let read = || select.dialect.key_parameters(&self.key_types, keys);
                parts.get_or_insert_with(read).get(usize::from(part)).cloned()
            }
            BindSlot::Parameter(parameter) => given(parameter).cloned(),
            BindSlot::Operand(parameter, comparison) => {
                Some(select.dialect.bound(given(parameter)?.clone(), comparison))
            }
            BindSlot::MostRows => Some(select.most_rows_of_pages(keys.len()).into()),
        };
        let built = self.query.values.iter().enumerate();
        let filled = built.map(|(place, value)| {
            let mark = marks.next_if(|(marked, _)| *marked == place);
            mark.and_then(|(_, mark)| known(*mark)).unwrap_or_else(|| value.clone())
        });
        // Collected at once into its shared form: a vector would be copied.
        filled.collect()
    }
}
