//! Statements that are built once, and sent with other keys and other values of variables each time: their text depends
//! on neither. What is known only when they are sent is marked among their values.

use std::sync::{Arc, OnceLock};

use sea_orm::Value;

use super::{Body, Key, Query, Select};
use crate::model::ColumnType;
use crate::plan::{Dialect, Load, What};

/// What is kept of a load's statement: for each dialect one, and another for databases that tell more of themselves.
#[derive(Debug, Default)]
pub struct Templates([[OnceLock<Template>; 2]; 2]);

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

/// What stands among a statement's values for one that is known when it is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mark {
    /// One of the parameters in which keys travel.
    Keys(u16),
    /// The value of one of [`Plan::parameters`](crate::plan::Plan::parameters).
    Parameter(u32),
    /// The most rows of a page that each of the parents has.
    MostRows,
}

impl Mark {
    /// The limit that stands for [`Mark::MostRows`].
    pub const MOST_ROWS: u64 = u64::MAX;

    fn of(value: &Value) -> Option<Self> {
        match value {
            Value::SmallUnsigned(Some(part)) => Some(Self::Keys(*part)),
            Value::Unsigned(Some(parameter)) => Some(Self::Parameter(*parameter)),
            Value::BigUnsigned(Some(Self::MOST_ROWS)) => Some(Self::MostRows),
            _ => None,
        }
    }
}

/// No column has values of these types: SeaORM stores what is unsigned in signed columns.
impl From<Mark> for Value {
    fn from(mark: Mark) -> Self {
        match mark {
            Mark::Keys(part) => Self::SmallUnsigned(Some(part)),
            Mark::Parameter(parameter) => Self::Unsigned(Some(parameter)),
            Mark::MostRows => Self::BigUnsigned(Some(Mark::MOST_ROWS)),
        }
    }
}

#[derive(Debug)]
struct Template {
    query: Arc<Query>,
    marks: Vec<(usize, Mark)>,
    key_types: Vec<ColumnType>,
}

impl Select<'_> {
    /// The statement of `load`, and its values for parents with these keys and for these values of [`Plan::parameters`]; at
    /// the root there are no keys. It is built once, and `load` keeps it.
    ///
    /// [`Plan::parameters`]: crate::plan::Plan::parameters
    pub fn prepare(&self, load: &Load, keys: &[Key], values: &[Value]) -> (Arc<Query>, Vec<Value>) {
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
    /// [`Select::prepare`] finds them.
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

    /// The statement of a `load` that needs no values, or of which only the text is wanted.
    pub fn build(&self, load: &Load, keys: &[Key]) -> Query {
        let template = Template::new(self, load, keys);
        let values = template.fill(self, keys, &[]);
        Query { values, ..Arc::unwrap_or_clone(template.query) }
    }

    /// Which of a statement's values, counted from one, are those of which of [`Plan::parameters`].
    ///
    /// [`Plan::parameters`]: crate::plan::Plan::parameters
    pub fn parameter_places(&self, load: &Load) -> Vec<(usize, usize)> {
        let marks = Template::new(self, load, &[]).marks.into_iter();
        let of_parameter = |(place, mark)| match mark {
            Mark::Parameter(parameter) => Some((place + 1, parameter as usize)),
            Mark::Keys(_) | Mark::MostRows => None,
        };
        marks.filter_map(of_parameter).collect()
    }

    fn fits_all_keys(&self, load: &Load) -> bool {
        Body::new(self, load, &[]).keys_in_text().is_none()
    }
}

impl Template {
    fn new(select: &Select, load: &Load, keys: &[Key]) -> Self {
        let body = Body::new(select, load, keys);
        let key_types = body.key_columns().into_iter().map(|output| output.column_type).collect();
        let query = match &load.what {
            What::Rows(rows) => body.rows(rows),
            What::Aggregates(aggregates) => body.aggregates(aggregates),
        };
        let values = query.values.iter().enumerate();
        let marks = values.filter_map(|(place, value)| Some((place, Mark::of(value)?))).collect();
        Self { query: Arc::new(query), marks, key_types }
    }

    fn fill(&self, select: &Select, keys: &[Key], values: &[Value]) -> Vec<Value> {
        let mut filled = self.query.values.clone();
        let mut parts = None;
        for (place, mark) in &self.marks {
            let known = match mark {
                Mark::Keys(part) => {
                    let read = || select.dialect.key_parameters(&self.key_types, keys);
                    parts.get_or_insert_with(read).get(usize::from(*part)).cloned()
                }
                Mark::Parameter(parameter) => values.get(*parameter as usize).cloned(),
                Mark::MostRows => Some(select.most_rows_of_pages(keys.len()).into()),
            };
            if let Some(known) = known {
                filled[*place] = known;
            }
        }
        filled
    }
}
