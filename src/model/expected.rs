//! Expectation that a value does not meet.

/// Description of the value expected instead of one that does not fit a column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expected(pub String);
