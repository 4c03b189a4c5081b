//! Binds of a statement: values, and slots for values supplied at execution time.

use std::cell::RefCell;
use std::fmt::{self, Display, Formatter, Write};
use std::sync::Arc;

use sea_orm::Value;
use sea_orm::sea_query::{Expr, QueryBuilder, SelectStatement, SqlWriter};

use crate::dialect::{Comparison, Dialect};

/// Bind of a statement.
#[derive(Clone, Debug, PartialEq)]
pub enum Bind {
    /// Value known when the statement is built.
    Value(Value),
    /// Number of rows of a LIMIT or OFFSET.
    Rows(u64),
    /// Row limit for keyset pages, which grows with the number of parents.
    RowsOfPages,
    /// Part of the parents' keys, for a comparison.
    Keys(usize),
    /// Keys of one column, each once.
    KeyList,
    /// Value of the only parent's key.
    KeyValue(usize),
    /// Value of a parameter.
    Parameter(ParameterSlot),
    /// Value of a parameter as the operand of a comparison, prepared by [`Dialect::bound`].
    Operand(ParameterSlot, Comparison),
}

/// Index of a parameter's value, by its source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ParameterSlot {
    /// Index into [`Plan::parameters`](crate::plan::Plan::parameters).
    OfPlan(usize),
    /// Index into the values of the viewer.
    OfViewer(usize),
}

/// Binds of a statement under construction. The tree of sea-query holds plain values only. It carries an index
/// into these binds instead, as a [`Value::BigUnsigned`], which is the type of no column.
#[derive(Debug, Default)]
pub(super) struct Binds(RefCell<Vec<Bind>>);

impl Binds {
    /// Returns the expression of a bind.
    pub fn expr(&self, bind: Bind) -> Expr {
        Expr::val(self.index_of(bind))
    }

    /// Sets the LIMIT of a statement.
    pub fn limit(&self, statement: &mut SelectStatement, rows: Bind) {
        statement.limit(self.index_of(rows));
    }

    /// Sets the OFFSET of a statement.
    pub fn offset(&self, statement: &mut SelectStatement, rows: u64) {
        statement.offset(self.index_of(Bind::Rows(rows)));
    }

    fn index_of(&self, bind: Bind) -> u64 {
        let mut binds = self.0.borrow_mut();
        binds.push(bind);
        binds.len() as u64 - 1
    }

    fn resolve(&self, value: Value) -> Bind {
        let known = match value {
            Value::BigUnsigned(Some(index)) => self.0.borrow().get(index as usize).cloned(),
            _ => None,
        };
        known.unwrap_or(Bind::Value(value))
    }

    /// Writes a statement as text, with its binds in the order of their placeholders.
    pub fn write(&self, statement: &SelectStatement, dialect: Dialect) -> (Arc<str>, Arc<[Bind]>) {
        let mut writer = StatementWriter { binds: self, text: String::new(), places: Vec::new() };
        dialect.write(statement, &mut writer);
        writer.finish(dialect)
    }
}

/// Writer of a statement's text, with the places of its binds in the text.
struct StatementWriter<'a> {
    binds: &'a Binds,
    text: String,
    places: Vec<(usize, Bind)>,
}

impl StatementWriter<'_> {
    /// Inserts the placeholders. Inlines LIMIT and OFFSET, because PostgreSQL re-plans a parameterised LIMIT on
    /// every execution: a generic plan looks more expensive to it. Inlining runs from the last bind to the
    /// first that is another, or depends on the number of keys.
    fn finish(self, dialect: Dialect) -> (Arc<str>, Arc<[Bind]>) {
        let Self { text, mut places, .. } = self;
        let is_inlined = |(_, bind): &&(usize, Bind)| matches!(bind, Bind::Rows(_));
        let inlined = match dialect.features().replans_parameterized_limits {
            true => places.iter().rev().take_while(is_inlined).count(),
            false => 0,
        };
        let kept = places.len() - inlined;
        let mut sql = String::with_capacity(text.len() + 4 * places.len());
        let mut start = 0;
        for (number, (place, bind)) in places.iter().enumerate() {
            sql.push_str(&text[start..*place]);
            start = *place;
            // Writing to a string cannot fail.
            let _ = match bind {
                Bind::Rows(rows) if number >= kept => write!(sql, "{rows}"),
                _ => sql.write_str(&dialect.placeholder(number + 1)),
            };
        }
        sql.push_str(&text[start..]);
        places.truncate(kept);
        (sql.into(), places.into_iter().map(|(_, bind)| bind).collect())
    }
}

impl Write for StatementWriter<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.text.write_str(text)
    }
}

impl Display for StatementWriter<'_> {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.text)
    }
}

impl SqlWriter for StatementWriter<'_> {
    fn push_param<T: QueryBuilder>(&mut self, value: Value, _: &T) {
        self.places.push((self.text.len(), self.binds.resolve(value)));
    }

    fn as_writer(&mut self) -> &mut dyn Write {
        self
    }
}

#[cfg(test)]
mod tests {
    use sea_orm::sea_query::{ExprTrait, Query as Sql};

    use super::*;

    /// A search of rows with a value and a key, in pages of five after three.
    fn statement(binds: &Binds, last: Bind) -> SelectStatement {
        let mut inner = Sql::select();
        inner.column("a").from("t").and_where(Expr::col("a").eq(7_i64));
        inner.and_where(Expr::col("b").eq(binds.expr(Bind::Keys(0))));
        binds.limit(&mut inner, Bind::Rows(5));
        binds.offset(&mut inner, 3);
        let mut outer = Sql::select();
        outer.column("a").from_subquery(inner, "p");
        binds.limit(&mut outer, last);
        outer
    }

    #[test]
    fn row_numbers_after_the_last_other_bind_are_inlined_on_postgres_only() {
        let (value, keys) = (Bind::Value(7_i64.into()), Bind::Keys(0));
        let (limit, offset) = (Bind::Rows(5), Bind::Rows(3));
        let start = r#"SELECT "a" FROM (SELECT "a" FROM "t" WHERE "a" = $1 AND "b" = $2 LIMIT "#;
        let cases = [
            (Dialect::Postgres, Bind::Rows(9), format!(r#"{start}5 OFFSET 3) AS "p" LIMIT 9"#), 2),
            (Dialect::Postgres, Bind::RowsOfPages, format!(r#"{start}$3 OFFSET $4) AS "p" LIMIT $5"#), 5),
            (
                Dialect::Sqlite,
                Bind::Rows(9),
                r#"SELECT "a" FROM (SELECT "a" FROM "t" WHERE "a" = ? AND "b" = ? LIMIT ? OFFSET ?) AS "p" LIMIT ?"#
                    .to_owned(),
                5,
            ),
        ];
        for (dialect, last, sql, count) in cases {
            let binds = Binds::default();
            let all = [value.clone(), keys.clone(), limit.clone(), offset.clone(), last.clone()];
            let written = binds.write(&statement(&binds, last), dialect);
            assert_eq!(written, (sql.into(), all[..count].into()));
        }
    }
}
