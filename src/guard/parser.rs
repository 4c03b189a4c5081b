//! Syntactic analysis (September 2025, section 2): parses tokens into an executable document.
//!
//! async-graphql's own parser deviates from the specification. It reads `[truex]` as `[true, x]` and `[00]`
//! as `[0, 0]`. It rejects an enum value that begins with `null`, a directive after a variable's default, and
//! the escape `\u{1f600}`. Of two fields with the same name in an input object it drops the first.

mod values;

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use async_graphql::parser::types::{
    BaseType, Directive, DocumentOperations, ExecutableDocument, Field, FragmentDefinition, FragmentSpread,
    InlineFragment, OperationDefinition, OperationType, Selection, SelectionSet, Type, TypeCondition,
    VariableDefinition,
};
use async_graphql::{Name, Pos, Positioned};

use super::lexer::{self, Token, TokenKind};
use super::limits::GuardRefusal;
use crate::error::Error;

/// Parses a document. Recurses once per bracket of the text, which the caller bounds.
///
/// # Errors
/// `GRAPHQL_PARSE_FAILED` at the first token that the grammar does not allow. `GRAPHQL_VALIDATION_FAILED` for
/// duplicate operations, fragments or input fields: the parsed form holds a single one per name.
pub(super) fn parse(text: &str, tokens: &[Token]) -> Result<ExecutableDocument, GuardRefusal> {
    let mut parser = Parser { text, tokens, at: 0, violation: None };
    let document = parser.document()?;
    match parser.violation {
        Some(violation) => Err(violation),
        None => Ok(document),
    }
}

struct Parser<'a> {
    text: &'a str,
    /// All tokens; the last one is [`TokenKind::End`].
    tokens: &'a [Token],
    at: usize,
    /// First violation of a validation rule.
    violation: Option<GuardRefusal>,
}

type Parsed<T> = Result<T, GuardRefusal>;

/// Operations and fragments of a document during parsing.
#[derive(Default)]
struct DocumentDefinitions {
    anonymous: Option<Positioned<OperationDefinition>>,
    named: HashMap<Name, Positioned<OperationDefinition>>,
    fragments: HashMap<Name, Positioned<FragmentDefinition>>,
}

impl<'a> Parser<'a> {
    fn peek(&self) -> Token {
        self.tokens[self.at.min(self.tokens.len() - 1)]
    }

    fn advance(&mut self) -> Token {
        let token = self.peek();
        self.at += 1;
        token
    }

    fn text_of(&self, token: Token) -> &'a str {
        &self.text[token.begin..token.end]
    }

    fn is_at(&self, punctuator: u8) -> bool {
        self.peek().kind == TokenKind::Punctuator(punctuator)
    }

    fn is_at_word(&self, word: &str) -> bool {
        let token = self.peek();
        token.kind == TokenKind::Name && self.text_of(token) == word
    }

    fn is_at_string(&self) -> bool {
        matches!(self.peek().kind, TokenKind::String | TokenKind::BlockString)
    }

    /// Consumes the punctuator if it is next.
    fn takes(&mut self, punctuator: u8) -> bool {
        let is_there = self.is_at(punctuator);
        self.at += usize::from(is_there);
        is_there
    }

    fn refuse<T>(&self, expected: &str) -> Parsed<T> {
        let token = self.peek();
        Err(lexer::refusal(expected, &lexer::describe(self.text, token), token.position))
    }

    fn expect(&mut self, punctuator: u8) -> Parsed<Token> {
        match self.is_at(punctuator) {
            true => Ok(self.advance()),
            false => self.refuse(&format!("\"{}\"", char::from(punctuator))),
        }
    }

    fn name(&mut self, expected: &str) -> Parsed<Positioned<Name>> {
        if self.peek().kind != TokenKind::Name {
            return self.refuse(expected);
        }
        let token = self.advance();
        Ok(Positioned::new(Name::new(self.text_of(token)), token.position))
    }

    /// Records the first violation of a validation rule. The text may still turn out not to be GraphQL.
    fn violate(&mut self, position: Pos, message: impl FnOnce() -> String) {
        self.violation.get_or_insert_with(|| GuardRefusal { error: Error::validation(message()), position });
    }

    /// Parses one or more items between brackets.
    fn many<T>(
        &mut self,
        open: u8,
        close: u8,
        mut item: impl FnMut(&mut Self) -> Parsed<T>,
    ) -> Parsed<Vec<T>> {
        self.expect(open)?;
        let mut items = vec![item(self)?];
        while !self.takes(close) {
            items.push(item(self)?);
        }
        Ok(items)
    }

    /// Parses a document (section 2.3).
    fn document(&mut self) -> Parsed<ExecutableDocument> {
        let mut definitions = DocumentDefinitions::default();
        while definitions.is_empty() || self.peek().kind != TokenKind::End {
            self.definition(&mut definitions)?;
        }
        let DocumentDefinitions { anonymous, named, fragments } = definitions;
        let operations = match anonymous {
            // Section 5.2.3.1, Lone Anonymous Operation.
            Some(operation) if !named.is_empty() => {
                self.violate(operation.pos, || {
                    "an operation without a name must be the only operation of its document".to_owned()
                });
                DocumentOperations::Multiple(named)
            }
            Some(operation) => DocumentOperations::Single(operation),
            None => DocumentOperations::Multiple(named),
        };
        Ok(ExecutableDocument { operations, fragments })
    }

    /// Parses an operation or a fragment, with an optional description, which is ignored (section 2.2).
    fn definition(&mut self, definitions: &mut DocumentDefinitions) -> Parsed<()> {
        const EXPECTED: &str = "an operation or a fragment";
        if self.is_at(b'{') {
            let position = self.peek().position;
            let selection_set = self.selection_set()?;
            let operation = OperationDefinition {
                ty: OperationType::Query,
                variable_definitions: Vec::new(),
                directives: Vec::new(),
                selection_set,
            };
            self.add_operation(definitions, None, Positioned::new(operation, position));
            return Ok(());
        }
        if self.is_at_string() {
            self.advance();
        }
        if self.is_at_word("fragment") {
            return self.fragment(definitions);
        }
        let token = self.peek();
        let ty = match self.text_of(token) {
            _ if token.kind != TokenKind::Name => return self.refuse(EXPECTED),
            "query" => OperationType::Query,
            "mutation" => OperationType::Mutation,
            "subscription" => OperationType::Subscription,
            _ => return self.refuse(EXPECTED),
        };
        self.advance();
        let name = match self.peek().kind {
            TokenKind::Name => Some(self.name("a name")?),
            _ => None,
        };
        let variable_definitions =
            if self.is_at(b'(') { self.many(b'(', b')', Self::variable_definition)? } else { Vec::new() };
        let directives = self.directives(false)?;
        let selection_set = self.selection_set()?;
        let operation = OperationDefinition { ty, variable_definitions, directives, selection_set };
        self.add_operation(definitions, name, Positioned::new(operation, token.position));
        Ok(())
    }

    fn add_operation(
        &mut self,
        definitions: &mut DocumentDefinitions,
        name: Option<Positioned<Name>>,
        operation: Positioned<OperationDefinition>,
    ) {
        let Some(Positioned { node: name, pos }) = name else {
            let position = operation.pos;
            if definitions.anonymous.replace(operation).is_some() {
                self.violate(position, || {
                    "an operation without a name must be the only operation of its document".to_owned()
                });
            }
            return;
        };
        match definitions.named.entry(name) {
            // Section 5.2.2.1, Operation Name Uniqueness.
            Entry::Occupied(known) => {
                let name = known.key();
                self.violate(pos, || format!("several operations have the name \"{name}\""));
            }
            Entry::Vacant(vacant) => {
                vacant.insert(operation);
            }
        }
    }

    fn fragment(&mut self, definitions: &mut DocumentDefinitions) -> Parsed<()> {
        let position = self.advance().position;
        if self.is_at_word("on") {
            return self.refuse("the name of the fragment, which cannot be \"on\"");
        }
        let name = self.name("the name of the fragment")?;
        if !self.is_at_word("on") {
            return self.refuse("\"on\"");
        }
        let type_condition = self.type_condition()?;
        let directives = self.directives(false)?;
        let selection_set = self.selection_set()?;
        let fragment = FragmentDefinition { type_condition, directives, selection_set };
        match definitions.fragments.entry(name.node) {
            // Section 5.5.1.1, Fragment Name Uniqueness.
            Entry::Occupied(known) => {
                let known = known.key();
                self.violate(name.pos, || format!("several fragments have the name \"{known}\""));
            }
            Entry::Vacant(vacant) => {
                vacant.insert(Positioned::new(fragment, position));
            }
        }
        Ok(())
    }

    fn variable_definition(&mut self) -> Parsed<Positioned<VariableDefinition>> {
        if self.is_at_string() {
            self.advance();
        }
        if !self.is_at(b'$') {
            return self.refuse("a variable such as $id");
        }
        let position = self.advance().position;
        let mut name = self.name("the name of the variable")?;
        name.pos = position;
        self.expect(b':')?;
        let var_type = self.type_reference()?;
        let default_value = match self.takes(b'=') {
            true => Some(self.constant()?),
            false => None,
        };
        let directives = self.directives(true)?;
        let definition = VariableDefinition { name, var_type, directives, default_value };
        Ok(Positioned::new(definition, position))
    }

    /// Parses a type reference (section 2.12).
    fn type_reference(&mut self) -> Parsed<Positioned<Type>> {
        let position = self.peek().position;
        let base = match self.takes(b'[') {
            true => {
                let items = self.type_reference()?;
                self.expect(b']')?;
                BaseType::List(Box::new(items.node))
            }
            false => BaseType::Named(self.name("a type")?.node),
        };
        Ok(Positioned::new(Type { base, nullable: !self.takes(b'!') }, position))
    }

    fn directives(&mut self, is_constant: bool) -> Parsed<Vec<Positioned<Directive>>> {
        let mut directives = Vec::new();
        while self.is_at(b'@') {
            let position = self.advance().position;
            let name = self.name("the name of the directive")?;
            let arguments = self.arguments(is_constant)?;
            directives.push(Positioned::new(Directive { name, arguments }, position));
        }
        Ok(directives)
    }

    fn selection_set(&mut self) -> Parsed<Positioned<SelectionSet>> {
        let position = self.peek().position;
        let items = self.many(b'{', b'}', Self::selection)?;
        Ok(Positioned::new(SelectionSet { items }, position))
    }

    fn selection(&mut self) -> Parsed<Positioned<Selection>> {
        let position = self.peek().position;
        if !self.takes(b'.') {
            let field = Positioned::new(self.field()?, position);
            return Ok(Positioned::new(Selection::Field(field), position));
        }
        if self.peek().kind == TokenKind::Name && !self.is_at_word("on") {
            let fragment_name = self.name("the name of a fragment")?;
            let directives = self.directives(false)?;
            let spread = Positioned::new(FragmentSpread { fragment_name, directives }, position);
            return Ok(Positioned::new(Selection::FragmentSpread(spread), position));
        }
        let type_condition = if self.is_at_word("on") { Some(self.type_condition()?) } else { None };
        let directives = self.directives(false)?;
        let selection_set = self.selection_set()?;
        let fragment = InlineFragment { type_condition, directives, selection_set };
        Ok(Positioned::new(Selection::InlineFragment(Positioned::new(fragment, position)), position))
    }

    /// Parses a type condition: `on` and the name of a type (section 2.9.1).
    fn type_condition(&mut self) -> Parsed<Positioned<TypeCondition>> {
        let position = self.advance().position;
        let on = self.name("the name of a type")?;
        Ok(Positioned::new(TypeCondition { on }, position))
    }

    fn field(&mut self) -> Parsed<Field> {
        let is_first = self.at > 0 && self.tokens[self.at - 1].kind == TokenKind::Punctuator(b'{');
        let expected = if is_first { "a field or a fragment" } else { "a field, a fragment or \"}\"" };
        let mut name = self.name(expected)?;
        let mut alias = None;
        if self.takes(b':') {
            alias = Some(std::mem::replace(&mut name, self.name("the name of the field")?));
        }
        let arguments = self.arguments(false)?;
        let directives = self.directives(false)?;
        let selection_set = match self.is_at(b'{') {
            true => self.selection_set()?,
            false => Positioned::default(),
        };
        Ok(Field { alias, name, arguments, directives, selection_set })
    }
}

impl DocumentDefinitions {
    fn is_empty(&self) -> bool {
        self.anonymous.is_none() && self.named.is_empty() && self.fragments.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use async_graphql::parser::types::{DocumentOperations, ExecutableDocument, Selection};
    use async_graphql_value::Value;

    use crate::error::Code;
    use crate::guard::{DocumentLimits, GuardRefusal, parse};

    fn read(text: &str) -> Result<ExecutableDocument, GuardRefusal> {
        parse(text, &DocumentLimits::NONE)
    }

    /// Parses a literal and prints it as async-graphql does.
    fn literal(text: &str) -> String {
        let document = read(&format!("{{ a(b: {text}) }}")).unwrap();
        let DocumentOperations::Single(operation) = document.operations else { panic!("{text}") };
        let Selection::Field(field) = &operation.node.selection_set.node.items[0].node else {
            panic!("{text}")
        };
        let [(_, value)] = field.node.arguments.as_slice() else { panic!("{text} is several") };
        match &value.node {
            Value::Number(number) if number.is_f64() => format!("{number} float"),
            value => value.to_string(),
        }
    }

    #[test]
    fn parses_literals_to_their_types() {
        for (text, expected) in [
            ("truex", "truex"),
            ("nullable", "nullable"),
            ("[truex nullx false1]", "[truex, nullx, false1]"),
            ("[1 2,3]", "[1, 2, 3]"),
            ("-0", "0"),
            ("1.0", "1.0 float"),
            ("1e2", "100.0 float"),
            ("18446744073709551615", "18446744073709551615"),
            ("{ a: $v, b: [ { } ] }", "{a: $v, b: [{}]}"),
            ("on", "on"),
        ] {
            assert_eq!(literal(text), expected, "{text}");
        }
    }

    #[test]
    fn documents_of_the_grammar_are_read() {
        for text in [
            "query ($a: [ Int ! ] ! = [1] @d, $b: T = {a: 1} @d(e: 2)) @d { a }",
            "\"Described.\" query Q(\"What it means.\" $a: Int) { a } \"\"\"A fragment.\"\"\" fragment f on T { a }",
            "query query { query: mutation on: fragment true: null }",
            "{ ... on#here\nT { a } ...onT ... @d { a } ...f@d }",
            "fragment f on on { a }",
            "mutation M @d { a(on: 1) } subscription { a }".trim_end_matches(" subscription { a }"),
            "{ a(b: $c) @ d }",
        ] {
            assert!(read(text).is_ok(), "{text}: {:?}", read(text));
        }
    }

    #[test]
    fn other_documents_are_refused_in_one_line() {
        for text in [
            "{ a }}",
            "{}",
            "{ a {} }",
            "{ a() }",
            "query () { a }",
            "queryQ { a }",
            "fragmentf on T { a }",
            "{ ...on }",
            "fragment on on T { a }",
            "fragment f T { a }",
            "{ a: }",
            "{ a: b: c }",
            "query ($a) { a }",
            "query ($a: $b) { a }",
            "query ($a: Int = $b) { a }",
            "query ($a: Int @d(b: $c)) { a }",
            "query ($a: Int @d = 1) { a }",
            "{ a(b: [) }",
            "{ a(b: {c}) }",
            "{ a(b: $) }",
            "{ @d }",
            "type A { b: Int }",
            "\"Described.\" { a }",
            "query Q",
            "{ .. }",
            "{ a & b }",
            "{ a(b: !) }",
            "subscription subscription",
        ] {
            let GuardRefusal { error, position } = read(text).unwrap_err();
            assert_eq!(error.code(), Code::ParseFailed, "{text}: {error}");
            assert!(
                error.message().starts_with("expected ") && error.message().contains(", found "),
                "{error}"
            );
            assert!(!error.message().contains('\n') && position.line == 1, "{error}");
        }
    }

    #[test]
    fn refuses_duplicate_input_instead_of_dropping_it() {
        for (text, column) in [
            ("{ a(b: { c: 1, c: 2 }) }", 16),
            ("{ a(b: [{ d: { c: 1, c: 1 } }]) }", 22),
            ("query ($v: T = { c: 1, c: 2 }) { a }", 24),
            ("query A { a } query A { b }", 21),
            ("{ ...f } fragment f on T { a } fragment f on T { b }", 41),
            ("{ a } { b }", 7),
            ("query A { a } { b }", 15),
            ("{ a(b: 1e999) }", 8),
        ] {
            let GuardRefusal { error, position } = read(text).unwrap_err();
            assert_eq!(error.code(), Code::ValidationFailed, "{text}: {error}");
            assert_eq!((position.line, position.column), (1, column), "{text}: {error}");
        }
    }
}
