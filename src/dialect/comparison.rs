//! Comparison operators.

use sea_orm::sea_query::{Expr, ExprTrait};

/// Comparison operator.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Comparison {
    /// `=`
    Equal,
    /// `<>`
    NotEqual,
    /// `<`
    Less,
    /// `<=`
    LessOrEqual,
    /// `>`
    Greater,
    /// `>=`
    GreaterOrEqual,
}

impl Comparison {
    /// Builds the comparison.
    pub(crate) fn of(self, column: Expr, operand: Expr) -> Expr {
        match self {
            Self::Equal => column.eq(operand),
            Self::NotEqual => column.ne(operand),
            Self::Less => column.lt(operand),
            Self::LessOrEqual => column.lte(operand),
            Self::Greater => column.gt(operand),
            Self::GreaterOrEqual => column.gte(operand),
        }
    }

    /// All comparisons, in their order.
    pub const ALL: [Self; 6] =
        [Self::Equal, Self::NotEqual, Self::Less, Self::LessOrEqual, Self::Greater, Self::GreaterOrEqual];
}

/// Comparison of two sets: lists, ranges or networks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SetOperator {
    /// The column contains all of the operand.
    Contains,
    /// The operand contains all of the column.
    ContainedBy,
    /// Both have a part in common.
    Overlaps,
}
