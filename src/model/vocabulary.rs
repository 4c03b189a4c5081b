//! Words of the schema that several parts read: each is listed once, with its conditions.

use super::Declaration;

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
}
