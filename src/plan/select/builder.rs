//! Builder of statements, with what decides their form.

use crate::dialect::Dialect;
use crate::model::{EntityId, Model, Relation};
use crate::plan::catalog::Catalog;
use crate::plan::filter::Filter;
use crate::plan::load::{Load, LoadKind};
use crate::plan::order::{OrderBy, OrderTerm};
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

impl<'a> SqlBuilder<'a> {
    /// Returns true if the statement's form may depend on the catalog.
    pub fn depends_on_statistics(&self, load: &Load) -> bool {
        let is_ruled = || self.sight.is_some_and(|sight| sight.rules.look_beyond());
        load.depends_on_statistics(self.dialect) || (!self.dialect.features().hashes_exists && is_ruled())
    }

    /// Returns true if the statement differs from one without statistics.
    pub fn follows_catalog(&self, load: &Load) -> bool {
        !self.catalog.is_empty()
            && (self.uses_lateral(load)
                || self.limits_before_join(load)
                || self.groups_counts(load)
                || self.tests_membership(load))
    }

    /// Returns true if the order joins the counts of all lists.
    fn groups_counts(&self, load: &Load) -> bool {
        let LoadKind::Rows(rows) = &load.what else { return false };
        rows.order.iter().any(|term| match term.by {
            OrderBy::Column(_) | OrderBy::Junction(..) => false,
            OrderBy::Count(relation) => {
                let owner = term.entity(self.model, load.source.entity());
                self.reads_whole_tables(owner, &self.model.entities[owner].relations[relation])
            }
        })
    }

    /// Returns true if a sub-select for each row of `owner` would read a whole table.
    pub(super) fn reads_whole_tables(&self, owner: EntityId, relation: &Relation) -> bool {
        self.catalog.reads_whole_tables(self.dialect, self.model, owner, relation)
    }

    /// Returns true if a condition on a relation tests membership in a list that is read once, instead of
    /// searching per row.
    pub(super) fn is_membership(&self, owner: EntityId, relation: &Relation) -> bool {
        !self.dialect.features().hashes_exists && self.reads_whole_tables(owner, relation)
    }

    /// Returns true if a condition of the load's statement, of a filter or of a rule, tests membership.
    fn tests_membership(&self, load: &Load) -> bool {
        if self.dialect.features().hashes_exists {
            return false;
        }
        let id = load.source.entity();
        let links = load.relation.and_then(|(owner, relation)| {
            self.model.entities[owner].relations[relation].junction.as_ref()?.entity
        });
        let of_order = || match &load.what {
            LoadKind::Rows(rows) => rows.order.iter().any(|term| self.order_tests_membership(id, term)),
            LoadKind::Aggregates(_) => false,
        };
        self.filter_tests_membership(id, load.source.filter())
            || self.rules_test_membership(id)
            || links.is_some_and(|links| self.rules_test_membership(links))
            || of_order()
            || load.children().iter().any(|child| child.joined && self.tests_membership(child))
    }

    fn filter_tests_membership(&self, id: EntityId, filter: &Filter) -> bool {
        match filter {
            Filter::All(filters) | Filter::Any(filters) => {
                filters.iter().any(|filter| self.filter_tests_membership(id, filter))
            }
            Filter::Not(filter) => self.filter_tests_membership(id, filter),
            Filter::OfFullModel(filter) => self.under_no_rules().filter_tests_membership(id, filter),
            Filter::Column { .. } | Filter::Keys { .. } => false,
            Filter::Related { relation, filter, .. } => {
                let relation = &self.model.entities[id].relations[*relation];
                self.is_membership(id, relation)
                    || self.far_rules_test_membership(relation)
                    || self.filter_tests_membership(relation.target, filter)
            }
        }
    }

    fn order_tests_membership(&self, root: EntityId, term: &OrderTerm) -> bool {
        let mut id = root;
        for relation in &term.path {
            id = self.model.entities[id].relations[*relation].target;
            if self.rules_test_membership(id) {
                return true;
            }
        }
        match term.by {
            OrderBy::Count(relation) => {
                self.far_rules_test_membership(&self.model.entities[id].relations[relation])
            }
            OrderBy::Column(_) | OrderBy::Junction(..) => false,
        }
    }

    fn far_rules_test_membership(&self, relation: &Relation) -> bool {
        let links = relation.junction.as_ref().and_then(|junction| junction.entity);
        [Some(relation.target), links].into_iter().flatten().any(|id| self.rules_test_membership(id))
    }

    fn rules_test_membership(&self, id: EntityId) -> bool {
        let Some(sight) = self.sight else { return false };
        let full = self.under_no_rules();
        sight.rules.looking_beyond(id).any(|rule| full.filter_tests_membership(id, rule))
    }

    /// Returns the builder of rules: with the full model, and no further rules.
    pub(super) fn under_no_rules(&self) -> Self {
        let model = self.sight.map_or(self.model, |sight| sight.rules.model());
        Self { model, sight: None, ..*self }
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
