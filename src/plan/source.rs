//! Rows that a statement starts from: an entity with a filter.

use super::filter::Filter;
use crate::model::EntityId;

/// Entity with a filter on its rows. A filter is narrowed, never replaced, so that no condition is lost.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Source {
    entity: EntityId,
    filter: Filter,
}

impl Source {
    /// Creates the source of all rows of an entity.
    pub fn of(entity: EntityId) -> Self {
        Self { entity, filter: Filter::everything() }
    }

    /// Keeps only the rows for which `filter` holds too.
    #[must_use]
    pub fn narrow(self, filter: Filter) -> Self {
        let filter = match self.filter {
            known if known.is_everything() => filter,
            known => Filter::All(vec![known, filter]),
        };
        Self { filter, ..self }
    }

    /// Returns the entity of the rows.
    pub fn entity(&self) -> EntityId {
        self.entity
    }

    /// Returns the filter on the rows.
    pub fn filter(&self) -> &Filter {
        &self.filter
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_narrowed_source_keeps_its_conditions() {
        let of = |column| Filter::equals(&[column], [crate::plan::Operand::Parameter(column)]);
        let source = Source::of(3).narrow(of(1));
        assert_eq!(*source.filter(), of(1));
        let source = source.narrow(of(2));
        assert_eq!(source.entity(), 3);
        assert_eq!(*source.filter(), Filter::All(vec![of(1), of(2)]));
    }
}
