//! Audit log: who did what, one JSON object per line.
//!
//! The line of a mutation is written after the commit and before the answer, whether or not the client still waits. If the file
//! cannot be written, for example because the disk is full, the lines of committed mutations wait in memory and are tried again,
//! their answers wait for them, and further audited operations are refused. No line has a value, a claim or a secret.

mod entry;
mod writer;

use std::io;
use std::path::Path;
use std::sync::Arc;

pub(in crate::server) use entry::AuditEntry;
use entry::AuditIdentity;
use serde_json::Value as Json;
use writer::AuditWriter;

use crate::error::{Error, Result};
use crate::schema::{OperationKind, PreparedOperation};
use crate::server::sign_in::Access;

/// Path that stands for the standard output.
const STANDARD_OUTPUT: &str = "-";

/// Log of operations: who has sent each, what it has written, and its outcome.
#[derive(Clone, Debug)]
pub struct AuditLog {
    writer: Arc<AuditWriter>,
    viewer_id: Option<String>,
    has_reads: bool,
}

impl AuditLog {
    /// Opens a log that appends to a file, or writes to the standard output if the path is `-`.
    ///
    /// # Errors
    /// If the file cannot be opened for writing.
    pub fn open(path: &Path) -> io::Result<Self> {
        let path = (path != Path::new(STANDARD_OUTPUT)).then(|| path.to_owned());
        Ok(Self { writer: Arc::new(AuditWriter::start(path)?), viewer_id: None, has_reads: false })
    }

    /// Sets the variable of the viewer whose value names the viewer in the log.
    pub fn viewer_id(mut self, variable: Option<String>) -> Self {
        self.viewer_id = variable;
        self
    }

    /// Includes queries and subscriptions.
    pub fn reads(mut self, has_reads: bool) -> Self {
        self.has_reads = has_reads;
        self
    }

    /// Opens the file again, which may have been renamed. The current file is kept if that fails.
    pub fn reopen(&self) {
        self.writer.reopen();
    }

    /// Ends the log after the service: writes the remaining lines, or reports them on the log of the process if the file cannot
    /// be written.
    pub async fn close(&self) {
        self.writer.close().await;
    }

    /// Returns true if lines cannot be written at the moment.
    pub(in crate::server) fn is_failing(&self) -> bool {
        self.writer.is_failing()
    }

    /// Begins the entry of an operation; `None` for one that the log leaves out.
    ///
    /// # Errors
    /// If lines cannot be written at the moment.
    pub(in crate::server) fn begin(
        &self,
        access: &Access,
        request: Option<String>,
        text: &str,
        prepared: &PreparedOperation,
    ) -> Result<Option<Arc<AuditEntry>>> {
        let kind = prepared.kind();
        if !self.has_reads && kind != OperationKind::Mutation {
            return Ok(None);
        }
        if self.is_failing() {
            return Err(Error::audit_failing());
        }
        let viewer = access.viewer();
        let id = viewer.zip(self.viewer_id.as_ref()).and_then(|(viewer, name)| viewer.values.get(name));
        let identity = AuditIdentity {
            request,
            role: viewer.map(|viewer| viewer.role.clone()),
            viewer: id.cloned().unwrap_or(Json::Null),
            is_administrator: access.is_administrator(),
        };
        Ok(Some(Arc::new(AuditEntry::new(self.writer.clone(), identity, prepared, text))))
    }
}
