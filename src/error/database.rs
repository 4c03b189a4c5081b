//! Errors of the database: broken constraints, conflicts, and a database that does not answer.

use std::fmt;

use serde_json::{Value, json};

use super::{Code, Error, Retry};

/// Seconds after which a client may retry a request that met an unavailable database or a full concurrency
/// limit.
pub(super) const RETRY_AFTER_SECONDS: u64 = 1;

/// Message of a computed number that nothing names.
const OUT_OF_RANGE: &str = "a number that the query computes is beyond the range of its type";

impl Error {
    /// Reports that the unique key over `fields` of `entity` is taken.
    pub(crate) fn unique_violation(entity: &str, fields: &[String]) -> Self {
        let message = match fields {
            [] => format!("another {entity} has the same unique key, in columns outside the schema"),
            fields => format!("another {entity} has the same {}", fields.join(" and ")),
        };
        Self::new(Code::UniqueViolation, message, json!({ "entity": entity, "fields": fields }))
    }

    /// Reports that the relation `field` of `entity` references no row. Either is empty if the schema has no
    /// name for it.
    pub(crate) fn foreign_key_violation(entity: &str, field: &str) -> Self {
        let message = match (entity, field) {
            ("", _) => "a foreign key does not match any row".to_owned(),
            (entity, "") => format!("a foreign key of {entity}, outside the schema, does not match any row"),
            (entity, field) => format!("the foreign key {entity}.{field} does not match any row"),
        };
        let extensions = json!({ "entity": named(entity), "field": named(field) });
        Self::new(Code::ForeignKeyViolation, message, extensions)
    }

    /// Reports that `field` of `entity` requires a value; `field` is empty if the column is not in the
    /// schema.
    pub(crate) fn not_null_violation(entity: &str, field: &str) -> Self {
        let message = match field {
            "" => format!("a column of {entity}, outside the schema, must not be null"),
            field => format!("{entity}.{field} must not be null"),
        };
        Self::new(Code::NotNullViolation, message, json!({ "entity": entity, "field": named(field) }))
    }

    /// Reports a violated check constraint on the table of `entity`. A refusal that names no constraint comes from code
    /// of the database.
    pub(crate) fn check_violation(entity: &str, constraint: &str) -> Self {
        if constraint.is_empty() {
            return Self::rule_violation(entity, constraint);
        }
        let message = format!("{entity} violates the check constraint \"{constraint}\"");
        Self::new(Code::CheckViolation, message, json!({ "entity": entity, "constraint": constraint }))
    }

    /// Reports a refusal by code of the database, such as a trigger. Its text is only logged, because it may contain hidden
    /// values. `entity` is empty for a refusal at the end of the transaction, `constraint` if the code names none.
    pub(crate) fn rule_violation(entity: &str, constraint: &str) -> Self {
        let of = if entity.is_empty() { String::new() } else { format!(" for {entity}") };
        let rule = match constraint {
            "" => "a rule of the database".to_owned(),
            constraint => format!("the rule \"{constraint}\" of the database"),
        };
        let extensions = json!({ "entity": named(entity), "constraint": named(constraint) });
        Self::new(Code::CheckViolation, format!("{rule} refuses the operation{of}"), extensions)
    }

    /// A row conflicts with another by an exclusion constraint.
    pub(crate) fn exclusion_violation(entity: &str, constraint: &str) -> Self {
        let message = format!("{entity} violates the exclusion constraint \"{constraint}\"");
        Self::new(Code::CheckViolation, message, json!({ "entity": entity, "constraint": constraint }))
    }

    /// Rows that reference this row forbid its deletion; `by` lists each relation with their number. A
    /// relation has no name if its table is not in the schema.
    pub(crate) fn delete_restricted(entity: &str, key: Value, by: &[(Option<String>, i64)]) -> Self {
        let listed: Vec<String> = by
            .iter()
            .map(|(relation, count)| match relation {
                Some(relation) => format!("{relation} ({count})"),
                None => format!("rows outside the schema ({count})"),
            })
            .collect();
        let listed = if listed.is_empty() { "rows outside the schema".to_owned() } else { listed.join(", ") };
        let by: Vec<Value> =
            by.iter().map(|(relation, count)| json!({ "relation": relation, "count": count })).collect();
        Self::new(
            Code::DeleteRestricted,
            format!("{entity} cannot be deleted: it is referenced by {listed}"),
            json!({ "entity": entity, "key": key, "by": by }),
        )
    }

    /// Reports that another request changed the same rows at the same time.
    pub fn conflict(cause: impl fmt::Display) -> Self {
        Self::new(
            Code::Conflict,
            "another request changed the same rows at the same time",
            json!({ "retryAfter": RETRY_AFTER_SECONDS }),
        )
        .caused_by(cause)
        .tried_again(Retry::WhileTimeAllows)
    }

    /// A table has changed since a statement of the transaction was prepared.
    pub(crate) fn stale(cause: impl fmt::Display) -> Self {
        Self::conflict(cause).tried_again(Retry::FewTimes)
    }

    /// Reports that the service's database user lacks permission.
    pub(crate) fn no_right(cause: impl fmt::Display) -> Self {
        Self::forbidden("the service lacks the database privilege for this operation").caused_by(cause)
    }

    /// Reports a read-only database, such as a standby server or a file without write permission.
    pub(crate) fn read_only(cause: impl fmt::Display) -> Self {
        Self::new(
            Code::Unavailable,
            "the database is read-only at the moment",
            json!({ "retryAfter": RETRY_AFTER_SECONDS }),
        )
        .caused_by(cause)
    }

    /// Reports a pooler in statement mode. Carries no `retryAfter`: the pooler refuses every transaction.
    pub(crate) fn no_transactions(cause: impl fmt::Display) -> Self {
        let message = "the operation needs a transaction, which the pooler of the database refuses";
        Self::new(Code::Internal, message, Value::Null).caused_by(cause)
    }

    /// Reports that the database's disk is full.
    pub(crate) fn disk_full(cause: impl fmt::Display) -> Self {
        Self::new(
            Code::Unavailable,
            "the database has no free disk space at the moment",
            json!({ "retryAfter": RETRY_AFTER_SECONDS }),
        )
        .caused_by(cause)
    }

    /// Reports an unreachable database.
    pub fn unavailable(cause: impl fmt::Display) -> Self {
        Self::new(
            Code::Unavailable,
            "the database cannot be reached at the moment",
            json!({ "retryAfter": RETRY_AFTER_SECONDS }),
        )
        .caused_by(cause)
    }

    /// Reports a connection that was lost during commit. Carries no `retryAfter`: a retry may execute the
    /// operation twice.
    pub(crate) fn outcome_unknown(cause: impl fmt::Display) -> Self {
        let message = "the connection to the database was lost during the commit; \
                       the outcome of the operation is unknown";
        Self::new(Code::Unavailable, message, Value::Null).caused_by(cause)
    }

    /// Reports that the database did not respond in time.
    pub(crate) fn timeout(cause: impl fmt::Display) -> Self {
        Self::new(
            Code::Timeout,
            "the database did not answer in time",
            json!({ "retryAfter": RETRY_AFTER_SECONDS }),
        )
        .caused_by(cause)
    }

    /// Reports a stored value of `entity` that the API cannot represent; `field` names its column if known.
    /// `cause` is only logged, and contains no part of the value.
    pub(crate) fn unreadable(entity: &str, field: Option<&str>, cause: impl fmt::Display) -> Self {
        let of = field.map_or_else(|| format!("a key of {entity}"), |field| format!("{entity}.{field}"));
        Self::new(
            Code::Internal,
            format!("{of} has a stored value that its type cannot represent"),
            json!({ "entity": entity, "field": field }),
        )
        .caused_by(cause)
    }

    /// A number that the database computes for a query is beyond the range of its type. [`Error::of_aggregate`] names it.
    pub(crate) fn out_of_range(cause: impl fmt::Display) -> Self {
        Self::new(Code::BadUserInput, OUT_OF_RANGE, Value::Null).caused_by(cause)
    }

    /// Returns whether the error is that of [`Error::out_of_range`].
    pub(crate) fn is_out_of_range(&self) -> bool {
        self.0.message == OUT_OF_RANGE
    }

    /// A sum or an average of these fields of `entity` is beyond the range of its type.
    pub(crate) fn of_aggregate(entity: &str, fields: &[&str], cause: impl fmt::Display) -> Self {
        let named: Vec<String> = fields.iter().map(|field| format!("{entity}.{field}")).collect();
        Self::new(
            Code::BadUserInput,
            format!("the sum or average of {} is beyond the range of its type", named.join(" or ")),
            json!({ "entity": entity, "fields": fields }),
        )
        .caused_by(cause)
    }
}

/// Converts a name of the schema; `null` if empty.
fn named(name: &str) -> Value {
    if name.is_empty() { Value::Null } else { name.into() }
}
