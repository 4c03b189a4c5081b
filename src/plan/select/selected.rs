//! Select list, order and joins of a statement.

use super::join::Joins;
use super::ordering::Ordering;
use super::output::Output;

/// Select list, order and joins of a statement.
#[derive(Clone, Copy)]
pub(super) struct Selected<'a> {
    pub outputs: &'a [Output],
    pub order: &'a Ordering<'a>,
    pub joins: &'a Joins<'a>,
}
