//! Builder of statements, with what decides their form.

use crate::dialect::Dialect;
use crate::model::Model;
use crate::plan::catalog::Catalog;
use crate::plan::load::{Load, LoadKind};
use crate::plan::order::OrderBy;
use crate::plan::rules::Sight;

/// Builder of the statements of one model for one database.
#[derive(Clone, Copy, Debug)]
pub struct SqlBuilder<'a> {
    /// The model.
    pub model: &'a Model,
    /// Dialect of the database.
    pub dialect: Dialect,
    /// Maximum number of rows. Statements fetch one row more, so that an excess is noticed and never cut
    /// silently.
    pub row_ceiling: u64,
    /// Statistics of the database.
    pub catalog: &'a Catalog,
    /// Rules of the viewer's role. `None` for an administrator.
    pub sight: Option<Sight<'a>>,
}

impl SqlBuilder<'_> {
    /// Returns true if the statement differs from one without statistics.
    pub fn follows_catalog(&self, load: &Load) -> bool {
        self.uses_lateral(load) || self.limits_before_join(load) || self.groups_counts(load)
    }

    /// Returns true if the order joins the counts of all lists.
    pub(super) fn groups_counts(&self, load: &Load) -> bool {
        let LoadKind::Rows(rows) = &load.what else { return false };
        rows.order.iter().any(|term| match term.by {
            OrderBy::Column(_) | OrderBy::Junction(..) => false,
            OrderBy::Count(relation) => {
                let counted =
                    &self.model.entities[term.entity(self.model, load.source.entity())].relations[relation];
                self.catalog.groups_counts(self.model, counted)
            }
        })
    }

    /// Returns true if an index finds the wanted part of each parent's list.
    pub(super) fn uses_lateral(&self, load: &Load) -> bool {
        let (Some((owner, relation)), LoadKind::Rows(rows)) = (load.relation, &load.what) else {
            return false;
        };
        let relation = &self.model.entities[owner].relations[relation];
        let entity = &self.model.entities[load.source.entity()];
        // Without LATERAL the rows of each part are found by their key.
        let is_found = self.dialect.features().has_lateral || entity.has_key();
        is_found
            && rows.is_top_n_per_parent()
            && self.catalog.finds_part(self.dialect, entity, relation, rows)
    }

    pub(super) fn limits_before_join(&self, load: &Load) -> bool {
        self.catalog.limits_before_join(self.dialect, self.model, load)
    }

    /// Returns the row limit of a statement: one row more than the ceiling.
    pub(super) fn most_rows(&self) -> u64 {
        self.row_ceiling.saturating_add(1)
    }

    /// Returns the row limit for keyset pages of several parents. Lookahead rows, up to three per parent,
    /// come on top, so that the limit never cuts them.
    pub(super) fn most_rows_of_pages(&self, parents: usize) -> u64 {
        self.most_rows().saturating_add(3 * parents.max(1) as u64)
    }
}
