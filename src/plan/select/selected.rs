//! Select list, order and joins of a statement.

use super::join::Joins;
use super::ordering::Ordering;
use super::output::OutputColumn;

/// Select list, order and joins of a statement.
#[derive(Clone, Copy)]
pub(super) struct Selected<'a> {
    pub outputs: &'a [OutputColumn],
    pub order: &'a Ordering<'a>,
    pub joins: &'a Joins<'a>,
}
