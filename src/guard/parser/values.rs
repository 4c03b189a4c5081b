//! Values in a document (September 2025, section 2.10).

use async_graphql::{Name, Pos, Positioned, Value as Constant};
use async_graphql_value::{Number, Value};
use indexmap::IndexMap;

use super::super::lexer::{self, TokenKind};
use super::{Parsed, Parser};

impl Parser<'_> {
    pub(super) fn arguments(
        &mut self,
        is_constant: bool,
    ) -> Parsed<Vec<(Positioned<Name>, Positioned<Value>)>> {
        if !self.is_at(b'(') {
            return Ok(Vec::new());
        }
        self.many(b'(', b')', |parser| {
            let name = parser.name("the name of an argument")?;
            parser.expect(b':')?;
            let position = parser.peek().position;
            Ok((name, Positioned::new(parser.value(is_constant)?, position)))
        })
    }

    pub(super) fn constant(&mut self) -> Parsed<Positioned<Constant>> {
        let position = self.peek().position;
        let value = self.value(true)?;
        Ok(Positioned::new(value.into_const().unwrap_or_default(), position))
    }

    fn value(&mut self, is_constant: bool) -> Parsed<Value> {
        let token = self.peek();
        let written = self.text_of(token);
        match token.kind {
            TokenKind::Punctuator(b'$') if !is_constant => {
                self.advance();
                return Ok(Value::Variable(self.name("the name of the variable")?.node));
            }
            TokenKind::Punctuator(b'[') => return self.list(is_constant),
            TokenKind::Punctuator(b'{') => return self.object(is_constant),
            TokenKind::Punctuator(_) | TokenKind::End => {
                return self.refuse(if is_constant { "a value without variables" } else { "a value" });
            }
            _ => self.advance(),
        };
        Ok(match token.kind {
            TokenKind::Int | TokenKind::Float => self.number(token.kind, written, token.position),
            TokenKind::String | TokenKind::BlockString => {
                Value::String(lexer::string_value(self.text, token))
            }
            _ => match written {
                "null" => Value::Null,
                "true" => Value::Boolean(true),
                "false" => Value::Boolean(false),
                _ => Value::Enum(Name::new(written)),
            },
        })
    }

    /// Parses a number. A number beyond the range of a float has no type (section 3.5.2).
    fn number(&mut self, kind: TokenKind, written: &str, position: Pos) -> Value {
        let integer = || {
            let signed = written.parse::<i64>().map(Number::from);
            signed.or_else(|_| written.parse::<u64>().map(Number::from)).ok()
        };
        let float = || written.parse().ok().and_then(Number::from_f64);
        let number = if kind == TokenKind::Int { integer().or_else(float) } else { float() };
        number.map_or_else(
            || {
                let shown = lexer::shorten(written);
                self.violate(position, || format!("the number {shown} is out of range"));
                Value::Null
            },
            Value::Number,
        )
    }

    fn list(&mut self, is_constant: bool) -> Parsed<Value> {
        self.expect(b'[')?;
        let mut items = Vec::new();
        while !self.takes(b']') {
            items.push(self.value(is_constant)?);
        }
        Ok(Value::List(items))
    }

    fn object(&mut self, is_constant: bool) -> Parsed<Value> {
        self.expect(b'{')?;
        let mut fields = IndexMap::new();
        while !self.takes(b'}') {
            let name = self.name("the name of an input field or \"}\"")?;
            self.expect(b':')?;
            let value = self.value(is_constant)?;
            // Section 5.6.3, Input Object Field Uniqueness.
            if fields.contains_key(&name.node) {
                self.violate(name.pos, || {
                    format!("the input field \"{}\" is given more than once", name.node)
                });
            }
            fields.insert(name.node, value);
        }
        Ok(Value::Object(fields))
    }
}
