//! What every document passes before anything else reads it: its text is measured, then parsed, then the parsed
//! document is measured with its fragments expanded.
//!
//! async-graphql walks a fragment anew wherever it is spread, before it validates anything: twenty fragments that each
//! spread the next one twice, 1.4 KB of text, are a million visits. Its parser calls itself for each level of nesting,
//! and reads some texts in quadratic time. All that is done here takes time in proportion to the text.

mod document;
mod text;

use async_graphql::Pos;
use async_graphql::parser::types::ExecutableDocument;
use async_graphql::parser::{self, parse_query};

use crate::error::Error;

/// What a document may be made of. The defaults are far above what is written by hand or by tools, the introspection
/// of GraphiQL, Relay and code generators included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of text. Large values belong into variables.
    pub bytes: usize,
    /// Names, numbers, strings and punctuators (October 2021, section 2.1.6).
    pub tokens: usize,
    /// Brackets inside each other in the text, and selection sets inside each other after fragments are expanded, a
    /// fragment's own one included. More than [`Limits::DEEPEST`] stands for that.
    pub depth: usize,
    /// Aliases after fragments are expanded.
    pub aliases: usize,
    /// Fields of one operation's root after fragments are expanded; each is a statement, and they run side by side.
    pub root_fields: usize,
    /// Directives after fragments are expanded, those of operations, variables and fragments included.
    pub directives: usize,
    /// Operations, though only one of them is executed: all are validated.
    pub operations: usize,
    /// Variables that all operations declare together.
    pub variables: usize,
    /// Fields, spreads and inline fragments of all operations after fragments are expanded.
    pub selections: usize,
}

impl Limits {
    /// As deep as a document may go whatever the setting is: the parser goes no deeper.
    pub const DEEPEST: usize = 64;

    /// The limits where nothing else is said.
    pub const DEFAULT: Self = Self {
        bytes: 256 << 10,
        tokens: 20_000,
        depth: 50,
        aliases: 1_000,
        root_fields: 200,
        directives: 1_000,
        operations: 100,
        variables: 500,
        selections: 10_000,
    };
}

impl Default for Limits {
    fn default() -> Self {
        Self::DEFAULT
    }
}

/// Why a document goes no further.
#[derive(Clone, Debug, PartialEq)]
pub struct Refusal {
    /// What is wrong with it.
    pub error: Error,
    /// Where; the default where no place is to blame.
    pub position: Pos,
}

/// Checks the text, parses it, checks the document.
///
/// # Errors
/// `TOO_COMPLEX` or `TOO_DEEP` with the limit, what it is `of`, and how much was `asked`;
/// `GRAPHQL_PARSE_FAILED` when the text is not GraphQL; `GRAPHQL_VALIDATION_FAILED` when a fragment spreads itself.
pub fn parse(text: &str, limits: &Limits) -> Result<ExecutableDocument, Refusal> {
    let limits = Limits { depth: limits.depth.min(Limits::DEEPEST), ..*limits };
    text::check(text, &limits)?;
    let document = parse_query(text).map_err(|error| syntax(&error))?;
    document::check(&document, &limits)?;
    Ok(document)
}

/// The longest message of the parser that is passed on whole, in bytes.
const LONGEST_MESSAGE: usize = 500;

/// The parser's message shows the line on which it stopped. Of a line that is too long the expectation is kept, which
/// stands last.
fn syntax(error: &parser::Error) -> Refusal {
    let message = error.to_string();
    let position = error.positions().next().unwrap_or_default();
    let message = match message.len() {
        0..=LONGEST_MESSAGE => message,
        _ => {
            let expectation = message.lines().next_back().unwrap_or_default().trim_start_matches([' ', '=']);
            let shown: String = expectation.chars().take(LONGEST_MESSAGE).collect();
            format!("{position}: {shown}")
        }
    };
    Refusal { error: Error::parse(message), position }
}

/// Refuses more than the limit allows. `of` is the limit's name, `document` what the document does with so many.
fn refuse_above(
    limit: usize,
    asked: u64,
    of: &str,
    document: impl FnOnce() -> String,
    position: Pos,
) -> Result<(), Refusal> {
    let limit = limit as u64;
    if asked <= limit {
        return Ok(());
    }
    Err(Refusal { error: Error::too_complex(of, &document(), limit, asked), position })
}
