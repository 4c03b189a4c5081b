//! Guard of all documents, before any other code reads them: measures the text, parses it, and measures the
//! parsed document with its fragments expanded.
//!
//! async-graphql walks a fragment at every spread, before it validates. Twenty fragments that each spread the
//! next one twice, a kilobyte of text, are a million visits. Its parser needs quadratic time for some texts,
//! and deviates from the specification for others. The guard takes time linear in the text.

mod document;
mod lexer;
mod limits;
mod literal;
mod parser;
mod text;
mod uses;
mod values;

use async_graphql::parser::types::ExecutableDocument;

pub use limits::{DocumentLimits, GuardRefusal};
pub use literal::literal;
pub use uses::Uses;
pub use values::drop_values;

/// Measures a text, parses it, and measures the document.
///
/// # Errors
/// `TOO_COMPLEX` or `TOO_DEEP` with the limit, the limited quantity as `of`, and the amount as `asked`.
/// `GRAPHQL_PARSE_FAILED` if the text is not GraphQL. `GRAPHQL_VALIDATION_FAILED` if fragments form a cycle,
/// or a name is duplicated that the parsed document can hold only once.
pub fn parse(text: &str, limits: &DocumentLimits) -> Result<ExecutableDocument, GuardRefusal> {
    let limits = DocumentLimits { depth: limits.depth.min(DocumentLimits::DEEPEST), ..*limits };
    let tokens = text::tokens(text, &limits)?;
    let document = parser::parse(text, &tokens)?;
    document::check(&document, &limits)?;
    Ok(document)
}

#[cfg(test)]
mod tests {
    use async_graphql::Pos;
    use proptest::prelude::*;
    use proptest::sample::select;
    use serde_json::json;

    use super::*;
    use crate::error::Code;

    const UNLIMITED: DocumentLimits = DocumentLimits::NONE;

    fn numbered(count: usize, one: impl Fn(usize) -> String) -> String {
        (0..count).map(one).collect()
    }

    /// Builds fragments that each spread the next one twice.
    fn doubling(levels: usize) -> String {
        let fragments = numbered(levels, |level| {
            format!("fragment f{level} on Query {{ ...f{next} ...f{next} }} ", next = level + 1)
        });
        format!("{{ a {{ ...f0 }} }} {fragments} fragment f{levels} on Query {{ a }}")
    }

    fn refused(text: &str, limits: &DocumentLimits) -> GuardRefusal {
        parse(text, limits).err().unwrap_or_else(|| panic!("passed: {text:.100}"))
    }

    /// Name of a limit in errors, its setter, and a document with a given amount of the limited quantity.
    type Case = (&'static str, fn(usize) -> DocumentLimits, fn(usize) -> String);

    const CASES: [Case; 18] = [
        (
            "values",
            |values| DocumentLimits { values, ..UNLIMITED },
            |count| format!("{{ ...f a }} fragment f on Query {{ a(b: [{}]) }}", "1 ".repeat(count - 1)),
        ),
        (
            "valueBytes",
            |value_bytes| DocumentLimits { value_bytes, ..UNLIMITED },
            |count| {
                format!(
                    "query ($v: A = \"xy\") {{ a(b: {{ c: \"{}\" }}) }}",
                    "é".repeat(count / 2 - 1) + &"x".repeat(count % 2)
                )
            },
        ),
        (
            "listItems",
            |list_items| DocumentLimits { list_items, ..UNLIMITED },
            |count| format!("{{ a @b(c: [[1] [{}]]) }}", "1 ".repeat(count)),
        ),
        (
            "nameBytes",
            |name_bytes| DocumentLimits { name_bytes, ..UNLIMITED },
            |count| format!("{{ a(b: {}) }}", "c".repeat(count)),
        ),
        (
            "bytes",
            |bytes| DocumentLimits { bytes, ..UNLIMITED },
            |count| format!("{{{}}}", "a".repeat(count - 2)),
        ),
        (
            "tokens",
            |tokens| DocumentLimits { tokens, ..UNLIMITED },
            |count| format!("{{{}}}", "a ".repeat(count - 2)),
        ),
        (
            "depth",
            |depth| DocumentLimits { depth, ..UNLIMITED },
            |count| "{a".repeat(count) + &"}".repeat(count),
        ),
        (
            "depth",
            |depth| DocumentLimits { depth, ..UNLIMITED },
            |count| format!("{{ a(b: {}{}) }}", "[".repeat(count - 2), "]".repeat(count - 2)),
        ),
        (
            "depth",
            |depth| DocumentLimits { depth, ..UNLIMITED },
            |count| format!("query ($v: {}Int{}) {{ a }}", "[".repeat(count - 1), "]".repeat(count - 1)),
        ),
        (
            "depth",
            |depth| DocumentLimits { depth, ..UNLIMITED },
            |count| {
                let chain = |at| format!("fragment f{at} on Query {{ ...f{} }} ", at + 1);
                format!("{{ ...f0 }} {} fragment f{} on Query {{ a }}", numbered(count - 2, chain), count - 2)
            },
        ),
        (
            "aliases",
            |aliases| DocumentLimits { aliases, ..UNLIMITED },
            |count| {
                let spreads = "...f ".repeat(count / 2);
                let own = "x: a ".repeat(count % 2);
                format!("{{ {spreads} {own} }} fragment f on Query {{ x: a a {{ y: a }} }}")
            },
        ),
        (
            "rootFields",
            |root_fields| DocumentLimits { root_fields, ..UNLIMITED },
            |count| {
                // Fields inside a field are not root fields, and neither are those of another operation.
                let fields = "... { a { b } } ".repeat(count - 2);
                format!(
                    "query A {{ {fields} b {{ ...f }} ...f }} query B {{ ...f }} fragment f on Query {{ c {{ d }} }}"
                )
            },
        ),
        (
            "directives",
            |directives| DocumentLimits { directives, ..UNLIMITED },
            |count| {
                format!(
                    "query ($v: Int @d) @d {{ a {} ... @d {{ ...f @d }} }} fragment f on Query @d {{ a }}",
                    "@d ".repeat(count - 5)
                )
            },
        ),
        (
            "directives",
            |directives| DocumentLimits { directives, ..UNLIMITED },
            |count| format!("{{ {} }} fragment f on Query {{ a @include(if: true) }}", "...f ".repeat(count)),
        ),
        (
            "operations",
            |operations| DocumentLimits { operations, ..UNLIMITED },
            |count| numbered(count, |at| format!("query Q{at} {{ a }}")),
        ),
        (
            "variables",
            |variables| DocumentLimits { variables, ..UNLIMITED },
            |count| {
                format!(
                    "query A({}) {{ a }} query B($v: Int) {{ a }}",
                    numbered(count - 1, |at| format!("$v{at}: Int "))
                )
            },
        ),
        (
            "selections",
            |selections| DocumentLimits { selections, ..UNLIMITED },
            |count| {
                format!(
                    "query A {{ {} }} query B {{ ... {{ b {{ ...f }} }} }} fragment f on Query {{ a }}",
                    "a ".repeat(count - 4)
                )
            },
        ),
        // Fragment that no operation spreads.
        (
            "selections",
            |selections| DocumentLimits { selections, ..UNLIMITED },
            |count| {
                format!(
                    "{{ a }} fragment f on Query {{ {} }} fragment g on Query {{ a }}",
                    "...g ".repeat(count / 2) + &"a ".repeat(count % 2)
                )
            },
        ),
    ];

    #[test]
    fn each_limit_permits_exactly_its_number() {
        for (of, limits, document) in CASES {
            for limit in [6, 7, 30] {
                let limits = limits(limit);
                let passed = parse(&document(limit), &limits);
                assert!(passed.is_ok(), "{of} {limit}: {passed:?}");
                let GuardRefusal { error, position } = refused(&document(limit + 1), &limits);
                let code = if of == "depth" { Code::TooDeep } else { Code::TooComplex };
                assert_eq!(error.code(), code);
                let asked = error.extensions()["asked"].as_u64().unwrap();
                // A document of spreads grows in steps of two.
                assert!((limit as u64 + 1..=limit as u64 + 2).contains(&asked), "{of} {limit}: {error}");
                assert_eq!(json!(error.extensions()), json!({ "of": of, "limit": limit, "asked": asked }));
                assert!(error.message().contains(&format!(" {asked} ")), "{error}");
                assert!(error.message().ends_with(&format!("the limit is {limit}")), "{error}");
                assert_eq!(position == Pos::default(), of == "bytes", "{of} {position:?}");
            }
        }
    }

    #[test]
    fn variables_count_wherever_they_are_used() {
        let text =
            "query ($v: [Int]) { a(b: $v) ...f x: c { ...f } } fragment f on Query { c(d: { e: $v }) }";
        let uses = Uses::of(&parse(text, &UNLIMITED).unwrap());
        let variables = async_graphql::Variables::from_json(json!({ "v": [1, 2, "abc"], "unused": [[]] }));
        // The list of three at three uses, an object around it at two of them, and a value that is not used
        // once.
        let (values, bytes) = (3 * 4 + 3 + 2 + 2, 3 * 3);
        let limits = |values, value_bytes| DocumentLimits { values, value_bytes, ..UNLIMITED };
        assert_eq!(uses.check(&variables, &limits(values, bytes)), Ok(()));
        for (limits, of, asked) in [
            (limits(values - 1, bytes), "values", values),
            (limits(values, bytes - 1), "valueBytes", bytes),
            (DocumentLimits { list_items: 2, ..UNLIMITED }, "listItems", 3),
            (DocumentLimits { depth: 1, ..UNLIMITED }, "depth", 2),
        ] {
            let error = uses.check(&variables, &limits).unwrap_err();
            let code = if of == "depth" { Code::TooDeep } else { Code::TooComplex };
            assert_eq!((error.code(), &error.extensions()["of"]), (code, &json!(of)), "{error}");
            assert_eq!(error.extensions()["asked"], json!(asked), "{error}");
        }
        assert_eq!(uses.check(&variables, &DocumentLimits { depth: 2, ..UNLIMITED }), Ok(()));
    }

    #[test]
    fn values_as_deep_as_memory_are_measured_without_calls() {
        let uses = Uses::of(&parse("{ a }", &UNLIMITED).unwrap());
        let mut value = async_graphql::Value::Null;
        for _ in 0..100_000 {
            value = async_graphql::Value::List(vec![value]);
        }
        let mut variables = async_graphql::Variables::default();
        variables.insert(async_graphql::Name::new("v"), value);
        let error = uses.check(&variables, &DocumentLimits::DEFAULT).unwrap_err();
        assert_eq!((error.code(), &error.extensions()["asked"]), (Code::TooDeep, &json!(100_000)));
        // Dropping the value would recurse once per level.
        std::mem::forget(variables);
    }

    #[test]
    fn no_setting_goes_deeper_than_the_parser() {
        let nested = |levels: usize| "{a".repeat(levels) + &"}".repeat(levels);
        let values = |levels: usize| format!("{{a(b:{}{})}}", "[".repeat(levels - 2), "]".repeat(levels - 2));
        for document in [nested, values] {
            assert!(parse(&document(DocumentLimits::DEEPEST), &UNLIMITED).is_ok());
            for levels in [DocumentLimits::DEEPEST + 1, 100_000] {
                let error = refused(&document(levels), &UNLIMITED).error;
                assert_eq!(
                    json!(error.extensions()),
                    json!({ "of": "depth", "limit": DocumentLimits::DEEPEST, "asked": levels })
                );
            }
        }
        assert_eq!(refused(&"{a".repeat(100_000), &UNLIMITED).error.code(), Code::TooDeep);
    }

    #[test]
    fn fragments_that_multiply_are_counted_and_not_walked() {
        assert!(doubling(20).len() < 1_000);
        let error = refused(&doubling(20), &DocumentLimits::DEFAULT).error;
        // The field, a spread for each node of the tree, a field for each of its leaves.
        let asked = 1 + (1 << 21) - 1 + (1 << 20);
        assert_eq!(json!(error.extensions()), json!({ "of": "selections", "limit": 10_000, "asked": asked }));
        assert_eq!(
            error.message(),
            format!("the document has {asked} selections after fragments are expanded; the limit is 10000")
        );
    }

    #[test]
    fn counts_stop_at_what_can_be_counted() {
        let wide =
            |at: usize| format!("fragment f{at} on Query {{ {} }} ", format!("...f{} ", at + 1).repeat(100));
        let text = format!("{{ a {{ ...f0 }} }} {} fragment f20 on Query {{ a: b }}", numbered(20, wide));
        let error = refused(&text, &DocumentLimits::DEFAULT).error;
        assert_eq!(json!(error.extensions()), json!({ "of": "aliases", "limit": 1_000, "asked": u64::MAX }));
    }

    #[test]
    fn a_chain_as_long_as_the_document_is_followed_without_calls() {
        let chain = |at| format!("fragment f{at} on Query {{ ...f{} }} ", at + 1);
        for used in ["{ ...f0 }", "{ a }"] {
            let text = format!("{used} {} fragment f3000 on Query {{ a }}", numbered(3_000, chain));
            assert_eq!(refused(&text, &UNLIMITED).error.code(), Code::TooDeep);
        }
    }

    #[test]
    fn a_fragment_that_spreads_itself_is_refused_by_name() {
        for (text, message) in [
            ("{ ...a } fragment a on Q { ...a }", "the fragment \"a\" spreads itself"),
            ("{ b } fragment a on Q { b { c { ... { ...a } } } }", "the fragment \"a\" spreads itself"),
        ] {
            let GuardRefusal { error, position } = refused(text, &DocumentLimits::DEFAULT);
            assert_eq!((error.code(), error.message()), (Code::ValidationFailed, message));
            assert_eq!(position.line, 1);
        }
        let text = "{ ...a } fragment a on Q { ...b } fragment b on Q { ...c } fragment c on Q { ...b ...a }";
        let error = refused(text, &DocumentLimits::DEFAULT).error;
        assert_eq!(error.code(), Code::ValidationFailed);
        assert!(error.message().contains(" spreads itself by way of "), "{error}");
    }

    #[test]
    fn a_fragment_that_is_not_there_is_left_to_validation() {
        assert!(parse("{ ...a ...b } fragment a on Q { ...c }", &DocumentLimits::DEFAULT).is_ok());
    }

    #[test]
    fn ignored_text_counts_as_no_tokens() {
        let fill = |text: &str| text.repeat((256 << 10) / text.len() - 10);
        for flood in [" ", ",", "\t", "\r\n", "\u{feff}", "#\n", "# { { {\n", "#\r"] {
            let text = format!("{{ a {} }}", fill(flood));
            assert!(parse(&text, &DocumentLimits::DEFAULT).is_ok(), "{flood:?}");
        }
        for value in ["\"\"\"{}\"\"\"", "\"{}\""] {
            let text = format!("{{ a(b: {}) }}", value.replace("{}", &"[{(日本".repeat(20_000)));
            assert!(parse(&text, &DocumentLimits::DEFAULT).is_ok(), "{value}");
        }
    }

    #[test]
    fn a_block_string_without_an_end_is_refused_at_once() {
        let text = format!("{{\n a(b: [\"\"\" {}]) }}", "x\\\"\"\"\"\"".repeat(30_000));
        let GuardRefusal { error, position } = refused(&text, &DocumentLimits::DEFAULT);
        assert_eq!(
            error.message(),
            "expected \"\"\" at the end of the block string, found the end of the document"
        );
        assert_eq!(position.line, 2);
    }

    #[test]
    fn reports_syntax_errors_in_one_line_with_their_position() {
        for (text, message, line, column) in [
            ("", "expected an operation or a fragment, found the end of the document", 1, 1),
            ("{ a ", "expected a field, a fragment or \"}\", found the end of the document", 1, 5),
            ("{ a\r\n{}", "expected a field or a fragment, found \"}\"", 2, 2),
            ("{ a(b: [1 2.) }", "expected a digit, found \")\"", 1, 13),
            ("{ a } ?", "expected a token, found \"?\"", 1, 7),
            ("query ($a Int) { a }", "expected \":\", found the name \"Int\"", 1, 11),
        ] {
            let GuardRefusal { error, position } = refused(text, &DocumentLimits::DEFAULT);
            assert_eq!((error.code(), error.message()), (Code::ParseFailed, message), "{text}");
            assert_eq!(position, Pos { line, column }, "{text}");
        }
    }

    #[test]
    fn a_fault_of_syntax_does_not_repeat_a_long_document() {
        for text in [
            format!("{{ a(b: \"{}\") ?", "x".repeat(100_000)),
            format!("query a b{}", "a".repeat(200)),
            format!("{{ a(b: 1{}e999) }}", "0".repeat(10_000)),
            format!("{{ a(b: \"\\u{{{}}}\") }}", "0".repeat(10_000) + "110000"),
        ] {
            let error = refused(&text, &DocumentLimits::DEFAULT).error;
            assert!(error.message().len() < 200, "{error}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_answered_without_a_panic(
            words in prop::collection::vec(select(vec![
                "{", "}", "(", ")", "[", "]", ":", "=", "@", "$", "!", "...", "|", "&", "on", "on T", "fragment",
                "query", "mutation", "subscription", "a", "b", "a: b", "true", "null", "E", "1", "-1.5e9", "1e999",
                "\"\"", "\"s\"", "\"\\u00e9\"", "\"\\ud800\"", "\"\"\"b\n  c\"\"\"", "\"\"\"", "\"", "#", "\n", "\u{feff}",
                "{ a }", "(a: 1)", "@d", "...f", "... on T { a }", "fragment f on T { a }", "($v: [Int!]! = 1)", "日",
            ]), 0..40),
            glue in select(vec!["", " ", "\n"]),
        ) {
            if let Err(refusal) = parse(&words.join(glue), &DocumentLimits::DEFAULT) {
                prop_assert!(!refusal.error.message().is_empty());
            }
        }
    }
}
