//! Entry of one operation.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::{Map, Value as Json, json};
use sha2::{Digest, Sha256};

use super::writer::AuditWriter;
use crate::error::LocatedError;
use crate::schema::{CommitHook, CommittedWrites, Executed, OperationKind, PreparedOperation};
use crate::server::operations::operation_record::{OperationRecord, Outcome};

/// Maximum length of an operation name, in characters: clients choose the names.
const SHOWN_CHARACTERS: usize = 100;

/// Maximum number of error codes.
const MOST_CODES: usize = 20;

/// Outcome of a mutation whose connection was lost during the commit.
const UNKNOWN: &str = "unknown";

/// Outcome of an operation that was given up: its client has gone, or its time was over. A mutation has written nothing.
const CANCELLED: &str = "cancelled";

/// Sender of an operation.
pub(super) struct AuditIdentity {
    /// Request id.
    pub request: Option<String>,
    /// `None` for an administrator, and without policies.
    pub role: Option<String>,
    /// Value of the viewer's variable that names the viewer.
    pub viewer: Json,
    pub is_administrator: bool,
}

/// Entry of one operation, written once.
pub(in crate::server) struct AuditEntry {
    writer: Arc<AuditWriter>,
    identity: AuditIdentity,
    kind: OperationKind,
    name: Option<String>,
    /// Hash of the document, the one that persisted queries have.
    hash: String,
    is_written: AtomicBool,
}

impl AuditEntry {
    pub(super) fn new(
        writer: Arc<AuditWriter>,
        identity: AuditIdentity,
        prepared: &PreparedOperation,
        text: &str,
    ) -> Self {
        let hash = Sha256::digest(text).iter().map(|byte| format!("{byte:02x}")).collect();
        let name = prepared.operation_name().map(|name| name.chars().take(SHOWN_CHARACTERS).collect());
        Self { writer, identity, kind: prepared.kind(), name, hash, is_written: AtomicBool::new(false) }
    }

    /// Returns the function that writes the entry after the commit of its mutation.
    pub(in crate::server) fn commit_hook(self: &Arc<Self>) -> CommitHook {
        let entry = self.clone();
        CommitHook::new(move |writes| {
            let entry = entry.clone();
            Box::pin(async move {
                let outcome = if writes.is_certain { Outcome::Ok.as_str() } else { UNKNOWN };
                if let Some(line) = entry.line(outcome, Vec::new(), Some(&writes)) {
                    entry.writer.write(line).await;
                }
            })
        })
    }

    /// Writes the entry of an operation that has committed nothing.
    pub(in crate::server) async fn end(&self, executed: &Executed) {
        let outcome = OperationRecord::outcome_of(executed).as_str();
        if let Some(line) = self.line(outcome, codes(&executed.errors), None) {
            self.writer.write(line).await;
        }
    }

    /// Writes the entry of an operation that writes nothing, without waiting.
    pub(in crate::server) fn end_later(&self, executed: &Executed) {
        let outcome = OperationRecord::outcome_of(executed).as_str();
        if let Some(line) = self.line(outcome, codes(&executed.errors), None) {
            self.writer.write_later(line);
        }
    }

    /// Returns the line, once.
    fn line(&self, outcome: &str, codes: Vec<&str>, writes: Option<&CommittedWrites>) -> Option<String> {
        if self.is_written.swap(true, Ordering::Relaxed) {
            return None;
        }
        let AuditIdentity { request, role, viewer, is_administrator } = &self.identity;
        let mut line = Map::new();
        line.insert(
            "time".to_owned(),
            chrono::Utc::now().to_rfc3339_opts(chrono::SecondsFormat::Millis, true).into(),
        );
        line.insert("request".to_owned(), request.clone().into());
        line.insert("role".to_owned(), role.clone().into());
        line.insert("viewer".to_owned(), viewer.clone());
        line.insert("administrator".to_owned(), (*is_administrator).into());
        line.insert("operation".to_owned(), self.kind.as_str().into());
        line.insert("name".to_owned(), self.name.clone().into());
        line.insert("hash".to_owned(), self.hash.clone().into());
        line.insert(
            "written".to_owned(),
            json!(writes.map(|writes| &writes.rows).cloned().unwrap_or_default()),
        );
        line.insert("outcome".to_owned(), outcome.into());
        line.insert("codes".to_owned(), codes.into());
        Some(Json::Object(line).to_string())
    }
}

impl Drop for AuditEntry {
    fn drop(&mut self) {
        if let Some(line) = self.line(CANCELLED, Vec::new(), None) {
            self.writer.write_later(line);
        }
    }
}

fn codes(errors: &[LocatedError]) -> Vec<&'static str> {
    errors.iter().take(MOST_CODES).map(|located| located.error.code().as_str()).collect()
}
