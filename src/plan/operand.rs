//! Operands of comparisons.

/// Operand of a comparison.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Operand<T> {
    /// Value known when the plan is made.
    Value(T),
    /// Value read from each request: an index into [`Plan::parameters`](super::Plan::parameters).
    Parameter(usize),
}
