//! Limits of a document, and the refusal of a document that exceeds one.

use async_graphql::Pos;

use crate::error::{Error, LocatedError, Result};

/// Limits of a document. The defaults are far above handwritten and generated documents, including the
/// introspection queries of GraphiQL, Relay and code generators. Change fields of [`DocumentLimits::DEFAULT`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct DocumentLimits {
    /// Size of the text, in bytes. Large values belong in variables.
    pub bytes: usize,
    /// Number of lexical tokens (September 2025, section 2.1.5).
    pub tokens: usize,
    /// Length of a name, in bytes. Validation compares an unknown name with each known name, letter by
    /// letter.
    pub name_bytes: usize,
    /// Nesting of brackets in the text, of selection sets after fragment expansion (including a fragment's own set), and
    /// of a variable's value. A setting above [`DocumentLimits::DEEPEST`] means [`DocumentLimits::DEEPEST`].
    pub depth: usize,
    /// Aliases after fragment expansion.
    pub aliases: usize,
    /// Root fields of an operation after fragment expansion. Each is a statement, and they run concurrently.
    pub root_fields: usize,
    /// Directives after fragment expansion, including those of operations, variables and fragments.
    pub directives: usize,
    /// Operations: all are validated, though only one is executed.
    pub operations: usize,
    /// Variables of all operations together.
    pub variables: usize,
    /// Fields, spreads and inline fragments of all operations after fragment expansion.
    pub selections: usize,
    /// Scalars, lists and objects in arguments and variables after fragment expansion. A variable counts at each of its
    /// uses.
    pub values: usize,
    /// Size of all text in arguments and variables, in bytes, counted in the same way.
    pub value_bytes: usize,
    /// Items of a list in an argument or a variable.
    pub list_items: usize,
}

impl DocumentLimits {
    /// Maximum depth whatever the setting: the parser goes no deeper.
    pub const DEEPEST: usize = 64;

    /// Default limits.
    pub const DEFAULT: Self = Self {
        bytes: 256 << 10,
        tokens: 20_000,
        name_bytes: 256,
        depth: 50,
        aliases: 1_000,
        root_fields: 300,
        directives: 1_000,
        operations: 100,
        variables: 500,
        selections: 10_000,
        values: 250_000,
        value_bytes: 8 << 20,
        list_items: 10_000,
    };

    /// No limits except [`DocumentLimits::DEEPEST`].
    pub const NONE: Self = Self {
        bytes: usize::MAX,
        tokens: usize::MAX,
        name_bytes: usize::MAX,
        depth: usize::MAX,
        aliases: usize::MAX,
        root_fields: usize::MAX,
        directives: usize::MAX,
        operations: usize::MAX,
        variables: usize::MAX,
        selections: usize::MAX,
        values: usize::MAX,
        value_bytes: usize::MAX,
        list_items: usize::MAX,
    };
}

impl Default for DocumentLimits {
    fn default() -> Self {
        Self::DEFAULT
    }
}

/// Reason for refusing a document.
#[derive(Clone, Debug, PartialEq)]
pub struct GuardRefusal {
    /// The error.
    pub error: Error,
    /// Position of the fault; the default if no position applies.
    pub position: Pos,
}

impl From<GuardRefusal> for LocatedError {
    fn from(refusal: GuardRefusal) -> Self {
        Self::new(refusal.error, refusal.position, Vec::new())
    }
}

/// Refuses an amount above the limit. `of` is the limit's name, `subject` describes the excess.
pub(super) fn check_amount(
    limit: usize,
    asked: u64,
    of: &str,
    subject: impl FnOnce() -> String,
) -> Result<()> {
    let limit = limit as u64;
    if asked <= limit { Ok(()) } else { Err(Error::too_complex(of, &subject(), limit, asked)) }
}

/// Refuses an amount above the limit at a position of the document; see [`check_amount`].
pub(super) fn refuse_above(
    limit: usize,
    asked: u64,
    of: &str,
    subject: impl FnOnce() -> String,
    position: Pos,
) -> Result<(), GuardRefusal> {
    check_amount(limit, asked, of, subject).map_err(|error| GuardRefusal { error, position })
}
