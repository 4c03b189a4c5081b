//! Limits of documents.

use clap::Args;
use clap::builder::RangedU64ValueParser;
use crowsfoot::DocumentLimits;

/// Limits of documents. A fragment counts at each of its spreads.
#[derive(Clone, Debug, Args)]
pub struct Guard {
    /// Maximum size of a document in bytes
    #[arg(long, env = "CROWSFOOT_MAX_BYTES", default_value_t = DocumentLimits::DEFAULT.bytes, value_name = "BYTES", value_parser = at_least_one)]
    max_bytes: usize,
    /// Maximum number of tokens in a document (names, numbers, strings, punctuators)
    #[arg(long, env = "CROWSFOOT_MAX_TOKENS", default_value_t = DocumentLimits::DEFAULT.tokens, value_parser = at_least_one)]
    max_tokens: usize,
    /// Maximum size of a name in a document in bytes
    #[arg(long, env = "CROWSFOOT_MAX_NAME_BYTES", default_value_t = DocumentLimits::DEFAULT.name_bytes, value_name = "BYTES", value_parser = at_least_one)]
    max_name_bytes: usize,
    /// Maximum nesting depth of a document
    ///
    /// The limit applies to brackets, and to selection sets after fragments are expanded.
    #[arg(long, env = "CROWSFOOT_MAX_DEPTH", default_value_t = DocumentLimits::DEFAULT.depth, value_parser = depth())]
    max_depth: usize,
    /// Maximum number of aliases in a document
    #[arg(long, env = "CROWSFOOT_MAX_ALIASES", default_value_t = DocumentLimits::DEFAULT.aliases)]
    max_aliases: usize,
    /// Maximum number of root fields in an operation
    #[arg(long, env = "CROWSFOOT_MAX_ROOT_FIELDS", default_value_t = DocumentLimits::DEFAULT.root_fields, value_parser = at_least_one)]
    max_root_fields: usize,
    /// Maximum number of directives in a document
    #[arg(long, env = "CROWSFOOT_MAX_DIRECTIVES", default_value_t = DocumentLimits::DEFAULT.directives)]
    max_directives: usize,
    /// Maximum number of operations in a document
    #[arg(long, env = "CROWSFOOT_MAX_OPERATIONS", default_value_t = DocumentLimits::DEFAULT.operations, value_parser = at_least_one)]
    max_operations: usize,
    /// Maximum number of variables in a document
    #[arg(long, env = "CROWSFOOT_MAX_VARIABLES", default_value_t = DocumentLimits::DEFAULT.variables)]
    max_variables: usize,
    /// Maximum number of fields, spreads and inline fragments in a document
    #[arg(long, env = "CROWSFOOT_MAX_SELECTIONS", default_value_t = DocumentLimits::DEFAULT.selections, value_parser = at_least_one)]
    max_selections: usize,
    /// Maximum number of values in arguments and variables
    ///
    /// Scalars, lists and objects count. A variable counts at each use.
    #[arg(long, env = "CROWSFOOT_MAX_VALUES", default_value_t = DocumentLimits::DEFAULT.values, value_parser = at_least_one)]
    max_values: usize,
    /// Maximum size of text in arguments and variables in bytes
    ///
    /// A variable counts at each use.
    #[arg(long, env = "CROWSFOOT_MAX_VALUE_BYTES", default_value_t = DocumentLimits::DEFAULT.value_bytes, value_name = "BYTES", value_parser = at_least_one)]
    max_value_bytes: usize,
    /// Maximum number of items in a list of an argument or variable
    #[arg(long, env = "CROWSFOOT_MAX_LIST_ITEMS", default_value_t = DocumentLimits::DEFAULT.list_items, value_parser = at_least_one)]
    max_list_items: usize,
}

impl Guard {
    /// Converts the settings into the limits of the library.
    pub fn limits(&self) -> DocumentLimits {
        let mut limits = DocumentLimits::DEFAULT;
        limits.bytes = self.max_bytes;
        limits.tokens = self.max_tokens;
        limits.name_bytes = self.max_name_bytes;
        limits.depth = self.max_depth;
        limits.aliases = self.max_aliases;
        limits.root_fields = self.max_root_fields;
        limits.directives = self.max_directives;
        limits.operations = self.max_operations;
        limits.variables = self.max_variables;
        limits.selections = self.max_selections;
        limits.values = self.max_values;
        limits.value_bytes = self.max_value_bytes;
        limits.list_items = self.max_list_items;
        limits
    }
}

fn depth() -> RangedU64ValueParser<usize> {
    RangedU64ValueParser::new().range(1..=DocumentLimits::DEEPEST as u64)
}

/// Parses a number greater than 0, because a limit of 0 would refuse every request.
pub(super) fn at_least_one(text: &str) -> Result<usize, String> {
    text.parse()
        .ok()
        .filter(|number| *number > 0)
        .ok_or_else(|| "expected a number greater than 0".to_owned())
}
