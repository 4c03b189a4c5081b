//! Words of the schema that several parts read: each is listed once, with its conditions.

use super::column_type::{ColumnType, Operators};
use super::names::TypeNames;
use super::relation::Declaration;

/// Verb of a nested write: a field of the inputs that nest a reverse or many-to-many relation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NestedVerb {
    /// Creates and links rows.
    Create,
    /// Links existing rows.
    Connect,
    /// Updates the linked row, or creates one.
    Upsert,
    /// Updates linked rows.
    Update,
    /// Deletes linked rows.
    Delete,
    /// Unlinks rows.
    Disconnect,
    /// Links exactly the given rows.
    Set,
}

/// Condition on the target of a relation, without which a verb does not exist.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NestedNeed {
    /// Clients can name a row by a unique key.
    Key,
    /// Clients can give the values of a new row.
    Creation,
    /// Clients can change a row.
    Change,
    /// The foreign key may be NULL.
    Nullable,
}

impl NestedVerb {
    /// Every verb, in the order of the input fields.
    pub const ALL: [Self; 7] =
        [Self::Create, Self::Connect, Self::Upsert, Self::Update, Self::Delete, Self::Disconnect, Self::Set];

    /// Returns the input field.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Connect => "connect",
            Self::Upsert => "upsert",
            Self::Update => "update",
            Self::Delete => "delete",
            Self::Disconnect => "disconnect",
            Self::Set => "set",
        }
    }

    /// Returns the verb with the input field `name`, if relations of this kind have the verb.
    pub fn find(name: &str, declaration: Declaration) -> Option<Self> {
        Self::ALL.into_iter().find(|verb| verb.name() == name && verb.needs(declaration).is_some())
    }

    /// Returns true if a new row has the verb too: nothing is linked to such a row before.
    pub const fn adds(self) -> bool {
        match self {
            Self::Create | Self::Connect => true,
            Self::Upsert | Self::Update | Self::Delete | Self::Disconnect | Self::Set => false,
        }
    }

    /// Returns the conditions of the verb for relations of this kind; `None` if the relations lack the verb.
    ///
    /// A row's own foreign key takes a link and no verb. Rows behind a junction are created, linked and
    /// unlinked only, because other rows share them.
    pub const fn needs(self, declaration: Declaration) -> Option<&'static [NestedNeed]> {
        use Declaration::{BelongsTo, HasMany, HasOne, ManyToMany};
        use NestedNeed::{Change, Creation, Key, Nullable};
        match (self, declaration) {
            (_, BelongsTo) => None,
            (Self::Create, HasOne | HasMany | ManyToMany) => Some(&[Creation]),
            (Self::Connect, HasOne | HasMany | ManyToMany) => Some(&[Key]),
            (Self::Upsert, HasOne) => Some(&[Creation, Change]),
            (Self::Upsert, HasMany | ManyToMany) => None,
            (Self::Update, HasOne) => Some(&[Change]),
            (Self::Update, HasMany) => Some(&[Key, Change]),
            (Self::Delete, HasOne) => Some(&[]),
            (Self::Delete, HasMany) => Some(&[Key]),
            (Self::Update | Self::Delete, ManyToMany) => None,
            (Self::Disconnect, HasOne) => Some(&[Nullable]),
            (Self::Disconnect | Self::Set, HasMany) => Some(&[Key, Nullable]),
            (Self::Disconnect | Self::Set, ManyToMany) => Some(&[Key]),
            (Self::Set, HasOne) => None,
        }
    }
}

/// Operator of a filter on a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operator {
    /// Equality.
    Equal,
    /// Inequality.
    NotEqual,
    /// Membership in a list.
    In,
    /// Absence from a list.
    NotIn,
    /// Less.
    Less,
    /// Less or equal.
    LessOrEqual,
    /// Greater.
    Greater,
    /// Greater or equal.
    GreaterOrEqual,
    /// Text that contains a text, or a set that contains a set.
    Contains,
    /// Text that begins with a text.
    StartsWith,
    /// Text that ends with a text.
    EndsWith,
    /// Text that matches a pattern with `%` and `_`.
    Like,
    /// [`Operator::Equal`], ignoring case.
    EqualIgnoringCase,
    /// [`Operator::Contains`], ignoring case.
    ContainsIgnoringCase,
    /// [`Operator::StartsWith`], ignoring case.
    StartsWithIgnoringCase,
    /// [`Operator::EndsWith`], ignoring case.
    EndsWithIgnoringCase,
    /// [`Operator::Like`], ignoring case.
    LikeIgnoringCase,
    /// Text that matches a regular expression.
    Regex,
    /// Set within a set.
    ContainedBy,
    /// Set with a part in common with a set.
    Overlaps,
    /// List or range without an item.
    IsEmpty,
    /// Number of items in a list.
    Length,
    /// NULL, or a value.
    IsNull,
}

impl Operator {
    /// Every operator, in the order of the input fields.
    pub const ALL: [Self; 23] = [
        Self::Equal,
        Self::NotEqual,
        Self::In,
        Self::NotIn,
        Self::Less,
        Self::LessOrEqual,
        Self::Greater,
        Self::GreaterOrEqual,
        Self::Contains,
        Self::StartsWith,
        Self::EndsWith,
        Self::Like,
        Self::EqualIgnoringCase,
        Self::ContainsIgnoringCase,
        Self::StartsWithIgnoringCase,
        Self::EndsWithIgnoringCase,
        Self::LikeIgnoringCase,
        Self::Regex,
        Self::ContainedBy,
        Self::Overlaps,
        Self::IsEmpty,
        Self::Length,
        Self::IsNull,
    ];

    /// Returns the input field.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Equal => "eq",
            Self::NotEqual => "ne",
            Self::In => "in",
            Self::NotIn => "notIn",
            Self::Less => "lt",
            Self::LessOrEqual => "lte",
            Self::Greater => "gt",
            Self::GreaterOrEqual => "gte",
            Self::Contains => "contains",
            Self::StartsWith => "startsWith",
            Self::EndsWith => "endsWith",
            Self::Like => "like",
            Self::EqualIgnoringCase => "iEq",
            Self::ContainsIgnoringCase => "iContains",
            Self::StartsWithIgnoringCase => "iStartsWith",
            Self::EndsWithIgnoringCase => "iEndsWith",
            Self::LikeIgnoringCase => "iLike",
            Self::Regex => "regex",
            Self::ContainedBy => "containedBy",
            Self::Overlaps => "overlaps",
            Self::IsEmpty => "isEmpty",
            Self::Length => "length",
            Self::IsNull => "isNull",
        }
    }

    /// Returns the operator with the input field `name`.
    pub fn find(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|operator| operator.name() == name)
    }

    /// Returns true if the operator is among those of a column type.
    pub const fn is_among(self, operators: Operators) -> bool {
        match self {
            Self::Equal | Self::NotEqual => operators.equality,
            Self::In | Self::NotIn => operators.membership,
            Self::Less | Self::LessOrEqual | Self::Greater | Self::GreaterOrEqual => operators.comparison,
            Self::Contains => operators.text || operators.sets,
            Self::ContainedBy | Self::Overlaps => operators.sets,
            Self::IsEmpty => operators.emptiness,
            Self::Length => operators.length,
            Self::StartsWith
            | Self::EndsWith
            | Self::Like
            | Self::EqualIgnoringCase
            | Self::ContainsIgnoringCase
            | Self::StartsWithIgnoringCase
            | Self::EndsWithIgnoringCase
            | Self::LikeIgnoringCase
            | Self::Regex => operators.text,
            Self::IsNull => true,
        }
    }
}

/// Combinator of filters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Combinator {
    /// All filters hold.
    And,
    /// At least one filter holds.
    Or,
    /// The filter does not hold.
    Not,
}

impl Combinator {
    /// Every combinator, in the order of the input fields.
    pub const ALL: [Self; 3] = [Self::And, Self::Or, Self::Not];

    /// Returns the input field.
    pub const fn name(self) -> &'static str {
        match self {
            Self::And => "and",
            Self::Or => "or",
            Self::Not => "not",
        }
    }

    /// Returns the combinator with the input field `name`.
    pub fn find(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|combinator| combinator.name() == name)
    }
}

/// Quantifier over related rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Quantifier {
    /// At least one row.
    Some,
    /// All rows; true for no rows.
    Every,
    /// No row.
    None,
}

impl Quantifier {
    /// Every quantifier, in the order of the input fields.
    pub const ALL: [Self; 3] = [Self::Some, Self::Every, Self::None];

    /// Returns the input field.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Some => "some",
            Self::Every => "every",
            Self::None => "none",
        }
    }

    /// Returns the quantifier with the input field `name`.
    pub fn find(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|quantifier| quantifier.name() == name)
    }
}

/// Aggregate function of a column: a field of an aggregate, with a field for each column.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AggregateFunction {
    /// Number of distinct values.
    CountDistinct,
    /// Sum of the values.
    Sum,
    /// Average of the values.
    Average,
    /// Minimum value.
    Minimum,
    /// Maximum value.
    Maximum,
}

impl AggregateFunction {
    /// Every function, in the order of the fields.
    pub const ALL: [Self; 5] = [Self::CountDistinct, Self::Sum, Self::Average, Self::Minimum, Self::Maximum];

    /// Returns the field.
    pub const fn name(self) -> &'static str {
        match self {
            Self::CountDistinct => "countDistinct",
            Self::Sum => "sum",
            Self::Average => "avg",
            Self::Minimum => "min",
            Self::Maximum => "max",
        }
    }

    /// Returns the function with the field `name`.
    pub fn find(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|function| function.name() == name)
    }

    /// Returns true if columns with these operators have the function.
    pub const fn is_among(self, operators: Operators) -> bool {
        match self {
            Self::CountDistinct => operators.equality,
            Self::Sum | Self::Average => operators.arithmetic,
            Self::Minimum | Self::Maximum => operators.extremes,
        }
    }

    /// Returns the type of the function's result for a column of this type.
    pub fn column_type(self, of: &ColumnType) -> ColumnType {
        match self {
            Self::CountDistinct => ColumnType::BigInt,
            Self::Sum => of.sum(),
            Self::Average => of.average(),
            Self::Minimum | Self::Maximum => of.clone(),
        }
    }

    /// Returns the type with the function's values of an entity.
    pub const fn type_name(self, types: &TypeNames) -> &String {
        match self {
            Self::CountDistinct => &types.count_distinct,
            Self::Sum => &types.sum,
            Self::Average => &types.average,
            Self::Minimum => &types.minimum,
            Self::Maximum => &types.maximum,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn verbs_of_each_kind_of_relation() {
        let of = |declaration| -> Vec<&str> {
            let verbs = NestedVerb::ALL.into_iter().filter(|verb| verb.needs(declaration).is_some());
            verbs.map(NestedVerb::name).collect()
        };
        assert!(of(Declaration::BelongsTo).is_empty());
        assert_eq!(
            of(Declaration::HasOne),
            ["create", "connect", "upsert", "update", "delete", "disconnect"]
        );
        assert_eq!(of(Declaration::HasMany), ["create", "connect", "update", "delete", "disconnect", "set"]);
        assert_eq!(of(Declaration::ManyToMany), ["create", "connect", "disconnect", "set"]);
        assert_eq!(NestedVerb::find("set", Declaration::HasMany), Some(NestedVerb::Set));
        assert_eq!(NestedVerb::find("set", Declaration::HasOne), None);
    }

    /// A list without a word would take the word from clients.
    #[test]
    fn every_word_is_found_by_its_name() {
        let operators = Operator::ALL.map(|operator| Operator::find(operator.name()) == Some(operator));
        let combinators = Combinator::ALL.map(|one| Combinator::find(one.name()) == Some(one));
        let quantifiers = Quantifier::ALL.map(|one| Quantifier::find(one.name()) == Some(one));
        let functions = AggregateFunction::ALL.map(|one| AggregateFunction::find(one.name()) == Some(one));
        let all = [operators.as_slice(), &combinators, &quantifiers, &functions].concat();
        assert!(all.iter().all(|is_found| *is_found), "{all:?}");
        assert_eq!(Operator::find("iRegex"), None);
    }
}
