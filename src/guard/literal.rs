//! Input values that stand alone: rules, scopes and orders of options.

use async_graphql::parser::types::{DocumentOperations, ExecutableDocument, Selection};
use async_graphql_value::Value as Written;

use super::{DocumentLimits, parse};

/// Parses a GraphQL input value, such as `{ id: { eq: 1 } }`. `None` for a text that has anything besides.
///
/// # Errors
/// If the text is no GraphQL, or exceeds the default limits of a document.
pub fn literal(text: &str) -> Result<Option<Written>, String> {
    let document = parse(&format!("{{ value(of: {text}) }}"), &DocumentLimits::default())
        .map_err(|refusal| refusal.error.message().to_owned())?;
    Ok(only_value(&document).cloned())
}

/// Returns the value, if the document has nothing besides.
fn only_value(document: &ExecutableDocument) -> Option<&Written> {
    let DocumentOperations::Single(operation) = &document.operations else { return None };
    let [only] = operation.node.selection_set.node.items.as_slice() else { return None };
    let Selection::Field(field) = &only.node else { return None };
    let [(_, value)] = field.node.arguments.as_slice() else { return None };
    let stands_alone = document.fragments.is_empty() && field.node.selection_set.node.items.is_empty();
    Some(&value.node).filter(|_| stands_alone)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_literal_stands_alone() {
        assert_eq!(literal("[1, A]").unwrap().unwrap().to_string(), "[1, A]");
        for text in ["1, more: 2", "1) { a }", "1) } { b"] {
            assert!(literal(text).is_ok_and(|found| found.is_none()) || literal(text).is_err(), "{text}");
        }
        assert!(literal("{").is_err());
    }
}
