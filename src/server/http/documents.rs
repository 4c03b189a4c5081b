//! Documents named by id or hash instead of sent: trusted documents, and automatic persisted queries.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use lru::LruCache;
use sha2::{Digest, Sha256};

use super::parameters::GraphqlRequest;
use crate::error::{Error, Result};
use crate::guard;

/// Only version of Apollo's persisted query protocol.
const VERSION: u64 = 1;

/// Prefix of a document's hash in `documentId` (GraphQL over HTTP, appendix A).
const HASH_PREFIX: &str = "sha256:";

/// Maximum size of all remembered documents, in bytes.
const REMEMBERED_BYTES: usize = 16 << 20;

/// Documents that the service runs, by id. The service refuses all others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrustedDocuments(HashMap<String, String>);

/// Error in a list of trusted documents.
#[derive(Debug, thiserror::Error)]
pub enum TrustedDocumentsError {
    /// The text is not a JSON object of strings.
    #[error("expected a JSON object of documents by their ids: {0}")]
    NotAMap(#[from] serde_json::Error),
    /// A document of the list is not GraphQL.
    #[error("the document \"{id}\" is not GraphQL: {fault}")]
    NotADocument {
        /// Id of the document.
        id: String,
        /// Message of the parser.
        fault: String,
    },
}

impl TrustedDocuments {
    /// Reads the output of a client's build: a JSON object with a document under each id. A client sends the
    /// id as `documentId` (with or without the prefix `sha256:`), or as `sha256Hash`.
    ///
    /// # Errors
    /// If the text is no such object, or one of its documents is not GraphQL.
    pub fn from_json(text: &str) -> Result<Self, TrustedDocumentsError> {
        let documents: HashMap<String, String> = serde_json::from_str(text)?;
        for (id, document) in &documents {
            // The limits apply when the document is run.
            guard::parse(document, &guard::DocumentLimits::NONE).map_err(|refusal| {
                let guard::GuardRefusal { error, position } = refusal;
                let fault = format!("{} (at {position})", error.message());
                TrustedDocumentsError::NotADocument { id: id.clone(), fault }
            })?;
        }
        let name = |id: String| id.strip_prefix(HASH_PREFIX).map(str::to_owned).unwrap_or(id);
        Ok(Self(documents.into_iter().map(|(id, document)| (name(id), document)).collect()))
    }

    fn text(&self, query: Option<String>, name: Option<DocumentName<'_>>) -> Result<String> {
        let Some(DocumentName::Hash(id) | DocumentName::Other(id)) = name else {
            return Err(Error::document_not_trusted(
                "only trusted documents are executed; expected the documentId of one",
            ));
        };
        match self.0.get(id) {
            Some(text) if query.is_none_or(|query| query == *text) => Ok(text.clone()),
            Some(_) => Err(Error::document_not_trusted(format!(
                "the text of \"query\" differs from the trusted document \"{id}\""
            ))),
            None => Err(Error::document_not_trusted(format!("unknown trusted document \"{id}\""))),
        }
    }
}

/// Source of a request's document.
pub(in crate::server) enum DocumentSource {
    /// Only the configured list.
    Trusted(TrustedDocuments),
    /// The request itself, or an earlier request with the same hash (Apollo's automatic persisted queries).
    Remembered(Mutex<Remembered>),
}

impl DocumentSource {
    pub(in crate::server) fn new(trusted: Option<TrustedDocuments>) -> Self {
        trusted.map_or_else(|| Self::Remembered(Mutex::default()), Self::Trusted)
    }

    /// Returns the text of the requested document; takes it out of `request` if it is there.
    ///
    /// # Errors
    /// If the document is missing, unknown under its name, or not allowed.
    pub(super) fn text(&self, request: &mut GraphqlRequest) -> Result<String> {
        let query = request.query.take();
        let name = DocumentName::of(request)?;
        let remembered = match self {
            Self::Trusted(trusted) => return trusted.text(query, name),
            Self::Remembered(remembered) => remembered,
        };
        match (query, name) {
            (None, None) => {
                Err(Error::bad_request("parameter \"query\" is missing: expected a document as a string"))
            }
            (None, Some(DocumentName::Hash(hash))) => remembered
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .get(hash)
                .map(|text| text.to_string())
                .ok_or_else(Error::persisted_query_not_found),
            (None, Some(DocumentName::Other(_))) => Err(Error::persisted_query_not_found()),
            (Some(query), Some(DocumentName::Hash(hash))) => {
                // Under a hash that is not its own, one client could slip its document to the others.
                let own = format!("{:x}", Sha256::digest(&query));
                if own != hash {
                    return Err(Error::bad_request(format!(
                        "the hash of \"query\" is {own}, but another hash was given"
                    )));
                }
                remembered.lock().unwrap_or_else(PoisonError::into_inner).put(own, &query);
                Ok(query)
            }
            (Some(query), _) => Ok(query),
        }
    }
}

/// Name of a document in a request.
enum DocumentName<'a> {
    Hash(&'a str),
    Other(&'a str),
}

impl<'a> DocumentName<'a> {
    fn of(request: &'a GraphqlRequest) -> Result<Option<Self>> {
        if let Some(id) = &request.document_id {
            return Ok(Some(
                id.strip_prefix(HASH_PREFIX).map_or(DocumentName::Other(id), DocumentName::Hash),
            ));
        }
        match &request.extensions.persisted_query {
            Some(persisted) if persisted.version != VERSION => Err(Error::bad_request(format!(
                "extensions.persistedQuery has version {}; expected {VERSION}",
                persisted.version
            ))),
            persisted => Ok(persisted.as_ref().map(|persisted| DocumentName::Hash(&persisted.sha256_hash))),
        }
    }
}

/// Documents that were sent with their hash, least recently used ones evicted.
#[derive(Debug)]
pub(in crate::server) struct Remembered {
    texts: LruCache<String, Arc<str>>,
    bytes: usize,
}

impl Default for Remembered {
    fn default() -> Self {
        // Bounded by bytes instead of entries: see `cost`.
        Self { texts: LruCache::unbounded(), bytes: 0 }
    }
}

impl Remembered {
    fn get(&mut self, hash: &str) -> Option<Arc<str>> {
        self.texts.get(hash).cloned()
    }

    fn put(&mut self, hash: String, text: &str) {
        if let Some((_, before)) = self.texts.push(hash, text.into()) {
            self.bytes -= cost(&before);
        }
        self.bytes += cost(text);
        while self.bytes > REMEMBERED_BYTES {
            match self.texts.pop_lru() {
                Some((_, oldest)) => self.bytes -= cost(&oldest),
                None => return,
            }
        }
    }
}

/// Returns the memory cost of a remembered document: its text, its hash and its table entry. The latter two
/// bound the number of small documents.
fn cost(text: &str) -> usize {
    text.len() + 256
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn remembered_documents_are_bounded_and_the_latest_used_is_kept() {
        let mut remembered = Remembered::default();
        let text = "x".repeat(1 << 20);
        for number in 0..100 {
            remembered.put(number.to_string(), &text);
            remembered.put("small".to_owned(), "{ a }");
            assert!(remembered.bytes <= REMEMBERED_BYTES);
        }
        assert_eq!(remembered.texts.len(), 16);
        assert!(remembered.get("small").is_some() && remembered.get("99").is_some());
        assert!(remembered.get("0").is_none());
        let counted: usize = remembered.texts.iter().map(|(_, text)| cost(text)).sum();
        assert_eq!(remembered.bytes, counted);

        for number in 0..200_000 {
            remembered.put(number.to_string(), "");
        }
        assert!(remembered.texts.len() <= REMEMBERED_BYTES / 256);
    }

    #[test]
    fn a_list_of_trusted_documents_names_what_is_wrong_in_it() {
        let fault = |text| TrustedDocuments::from_json(text).unwrap_err().to_string();
        assert!(fault("[]").contains("expected a JSON object of documents"));
        assert!(fault(r#"{"a": 1}"#).contains("expected a JSON object of documents"));
        assert!(
            fault(r#"{"a": "{ b }", "broken": "{ b "}"#)
                .starts_with("the document \"broken\" is not GraphQL: ")
        );
    }
}
