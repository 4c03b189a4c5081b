//! State of names that clash, in a model that a database fills.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::EntityId;
use crate::model::check::NamedPart;

/// State of the names that gave way.
pub(super) struct Clashes {
    /// True if names give way; otherwise clashes are faults.
    resolves: bool,
    /// Parts whose names were chosen by an option.
    pub chosen: BTreeSet<NamedPart>,
    /// Number of names that an entity has used up.
    pub used: BTreeMap<EntityId, usize>,
    /// Last clash of each part except relations, which keep theirs: the name, and its owner.
    pub lost: BTreeMap<NamedPart, [String; 2]>,
}

impl Clashes {
    pub fn new(resolves: bool) -> Self {
        Self { resolves, chosen: BTreeSet::new(), used: BTreeMap::new(), lost: BTreeMap::new() }
    }

    /// Returns true if names give way, as those of tables do.
    pub fn resolves(&self) -> bool {
        self.resolves
    }

    /// Keeps the name of a part, because an option chose the name.
    pub fn choose(&mut self, named: NamedPart) {
        self.chosen.insert(named);
    }
}
