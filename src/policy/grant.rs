//! Grants: the rows, columns and relations of an entity that a role reads.

use std::collections::BTreeMap;

use serde::Deserialize;

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
}
