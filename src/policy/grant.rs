//! Grants: the rows, columns and relations of an entity that a role reads, and what the role writes.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value as Json;

/// Grant of one role on one entity.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Grant {
    /// Rule of the rows: a filter of the entity, or `true` for all rows.
    #[serde(default)]
    pub(super) read: Option<String>,
    /// Granted columns.
    #[serde(default)]
    pub(super) columns: Vec<ColumnGrant>,
    /// Granted relations. `None` grants every relation whose target the role reads.
    #[serde(default)]
    pub(super) relations: Option<Vec<String>>,
    /// False for a role that neither aggregates nor counts the rows.
    #[serde(default)]
    pub(super) aggregate: Option<bool>,
    /// Maximum number of rows of a list.
    #[serde(default)]
    pub(super) limit: Option<u64>,
    /// Grant of new rows.
    #[serde(default)]
    pub(super) create: Option<CreateGrant>,
    /// Grant of changes to existing rows.
    #[serde(default)]
    pub(super) update: Option<UpdateGrant>,
    /// Rule of the rows that the role deletes, besides the rule of reading.
    #[serde(default)]
    pub(super) delete: Option<String>,
}

/// Grant of new rows.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CreateGrant {
    /// Input fields that the client gives.
    #[serde(default)]
    pub(super) columns: Vec<String>,
    /// Values that the service sets, by field.
    #[serde(default)]
    pub(super) set: BTreeMap<String, Json>,
    /// Rule that every new row satisfies.
    #[serde(default)]
    pub(super) check: Option<String>,
}

/// Grant of changes to existing rows.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UpdateGrant {
    /// Input fields that the client gives.
    #[serde(default)]
    pub(super) columns: Vec<String>,
    /// Rule of the rows before the change, besides the rule of reading.
    #[serde(default)]
    pub(super) filter: Option<String>,
    /// Values that the service sets, by field.
    #[serde(default)]
    pub(super) set: BTreeMap<String, Json>,
    /// Rule that every row satisfies after the change. `None` repeats `filter`.
    #[serde(default)]
    pub(super) check: Option<String>,
}

impl CreateGrant {
    /// Allows input fields: columns, and relations whose key the row holds. `*` stands for all, `-note` takes one out.
    pub fn columns(mut self, columns: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.columns.extend(columns.into_iter().map(Into::into));
        self
    }

    /// Sets a field of every new row: to `$variable` of the viewer, to `now`, to a new `uuid`, or to a literal value. The
    /// client cannot give the field.
    pub fn set(mut self, field: impl Into<String>, value: impl Into<Json>) -> Self {
        self.set.insert(field.into(), value.into());
        self
    }

    /// Sets the rule that every new row satisfies. `true` allows all rows.
    pub fn check(mut self, rule: impl Into<String>) -> Self {
        self.check = Some(rule.into());
        self
    }
}

impl UpdateGrant {
    /// Allows input fields: columns, and relations whose key the row holds. `*` stands for all, `-note` takes one out.
    pub fn columns(mut self, columns: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.columns.extend(columns.into_iter().map(Into::into));
        self
    }

    /// Sets the rule of the rows before the change. The role's rule of reading applies besides.
    pub fn filter(mut self, rule: impl Into<String>) -> Self {
        self.filter = Some(rule.into());
        self
    }

    /// Sets a field of every changed row: to `$variable` of the viewer, to `now`, or to a literal value. The client cannot
    /// give the field.
    pub fn set(mut self, field: impl Into<String>, value: impl Into<Json>) -> Self {
        self.set.insert(field.into(), value.into());
        self
    }

    /// Sets the rule that every row satisfies after the change. Without a rule of its own, this is that of the rows before.
    pub fn check(mut self, rule: impl Into<String>) -> Self {
        self.check = Some(rule.into());
        self
    }
}

/// Grant of columns.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
pub enum ColumnGrant {
    /// A field, `*` for all columns, or `-field` to take one out.
    Named(String),
    /// Fields with a rule each: the value is null in rows for which the rule does not hold.
    If(BTreeMap<String, String>),
}

impl From<&str> for ColumnGrant {
    fn from(name: &str) -> Self {
        Self::Named(name.to_owned())
    }
}

impl Grant {
    /// Sets the rule of the rows that the role reads: a filter in the language of `where`, with variables of the viewer.
    /// `true` stands for all rows. In place of the filter of a to-one relation, `seen` stands for the role's rule of the
    /// target.
    pub fn read(mut self, rule: impl Into<String>) -> Self {
        self.read = Some(rule.into());
        self
    }

    /// Grants columns: `title`, `*` for all, `-note` for all others.
    pub fn columns(mut self, columns: impl IntoIterator<Item = impl Into<ColumnGrant>>) -> Self {
        self.columns.extend(columns.into_iter().map(Into::into));
        self
    }

    /// Grants a column in the rows for which `rule` holds. The value is null in all other rows.
    pub fn column_if(mut self, column: impl Into<String>, rule: impl Into<String>) -> Self {
        self.columns.push(ColumnGrant::If([(column.into(), rule.into())].into()));
        self
    }

    /// Grants these relations only.
    pub fn relations(mut self, relations: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.relations.get_or_insert_default().extend(relations.into_iter().map(Into::into));
        self
    }

    /// Grants or denies aggregates, `totalCount`, and orders by the number of rows. They are granted unless denied.
    pub fn aggregate(mut self, is_granted: bool) -> Self {
        self.aggregate = Some(is_granted);
        self
    }

    /// Sets the maximum number of rows of a list or a page. One without a limit of its own returns this number of rows.
    pub fn limit(mut self, rows: u64) -> Self {
        self.limit = Some(rows);
        self
    }

    /// Grants new rows.
    pub fn create(mut self, grant: impl FnOnce(CreateGrant) -> CreateGrant) -> Self {
        self.create = Some(grant(CreateGrant::default()));
        self
    }

    /// Grants changes to rows.
    pub fn update(mut self, grant: impl FnOnce(UpdateGrant) -> UpdateGrant) -> Self {
        self.update = Some(grant(UpdateGrant::default()));
        self
    }

    /// Grants the deletion of rows for which `rule` holds. The role's rule of reading applies besides.
    pub fn delete(mut self, rule: impl Into<String>) -> Self {
        self.delete = Some(rule.into());
        self
    }
}
