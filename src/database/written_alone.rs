//! Outcome of a statement that is a transaction of its own.

/// Outcome of a statement that was not refused.
#[derive(Debug)]
pub struct WrittenAlone<A> {
    /// Number of returned rows.
    pub rows: usize,
    /// Answer that was made of the rows.
    pub answer: A,
    /// True if nothing was written, because the rows could not be answered.
    pub is_taken_back: bool,
}
