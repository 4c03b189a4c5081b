//! Purposes for which clients name rows, with their rules and locks.

use sea_orm::sea_query::LockType;

use crate::model::EntityId;
use crate::plan::{Filter, Rules};
use crate::policy::RowAction;

/// Purpose for which a client names rows. The rows that the role may not use for it are as if they were absent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    /// Other rows will reference the rows: the viewer sees them.
    Link,
    /// The rows will change.
    Update,
    /// The rows will change the key by which they are named.
    Rekey,
    /// The rows will be deleted.
    Delete,
}

impl Purpose {
    /// Returns the lock that keeps the rows as they are until the write.
    pub fn lock(self) -> LockType {
        match self {
            Self::Link => LockType::KeyShare,
            Self::Update => LockType::NoKeyUpdate,
            Self::Rekey | Self::Delete => LockType::Update,
        }
    }

    /// Returns the rule besides that of reading, if the rule is there. `None` if the role may not do it.
    pub fn rule(self, rules: &Rules, id: EntityId) -> Option<Option<&Filter>> {
        match self {
            Self::Link => Some(None),
            Self::Update | Self::Rekey => Some(rules.writes(id, RowAction::Update)?.filter.as_ref()),
            Self::Delete => Some(rules.deletes(id)?.as_ref()),
        }
    }
}
