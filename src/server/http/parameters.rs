//! Parameters of a GraphQL request, read from a JSON body or from a query string.

use std::fmt;

use actix_web::web;
use async_graphql::Variables;
use percent_encoding::percent_decode_str;
use serde::de::{DeserializeSeed, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};

use super::variables::GivenVariables;
use crate::error::{Error, Result};

/// Parameters of a GraphQL request (GraphQL over HTTP, section 5.1 and appendix A). Unknown parameters are
/// ignored.
#[derive(Debug, Default)]
pub(in crate::server) struct GraphqlRequest {
    /// Text of the document.
    pub query: Option<String>,
    /// Name of the document in a list.
    pub document_id: Option<String>,
    /// Name of the operation to execute.
    pub operation_name: Option<String>,
    /// Values of the operation's variables.
    pub variables: Variables,
    /// Known extensions.
    pub extensions: Extensions,
}

/// Extensions that the service reads.
#[derive(Debug, Default)]
pub(in crate::server) struct Extensions {
    /// Hash of a document that the service may know already.
    pub persisted_query: Option<PersistedQuery>,
    /// Token of the state that a query must read.
    pub consistency: Option<String>,
}

/// Hash of a document, as Apollo's clients send it.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", expecting = "a map with version and sha256Hash")]
pub(in crate::server) struct PersistedQuery {
    pub version: u64,
    pub sha256_hash: String,
}

/// Content of a request body.
#[derive(Debug)]
pub(in crate::server) enum RequestBody {
    One(GraphqlRequest),
    /// Batch, answered in order.
    Many(Vec<GraphqlRequest>),
}

impl RequestBody {
    /// Reads a body in one pass. A batch has at most `largest_batch` requests; 0 refuses batches.
    ///
    /// # Errors
    /// If the body is not JSON, or a parameter has the wrong type.
    pub(in crate::server) fn from_json(body: &[u8], largest_batch: usize) -> Result<Self> {
        let mut json = serde_json::Deserializer::from_slice(body);
        let body = RequestBodySeed { largest_batch }.deserialize(&mut json);
        body.and_then(|body| json.end().map(|()| body))
            .map_err(|error| Error::bad_request(format!("the body is not a GraphQL request: {error}")))
    }
}

impl GraphqlRequest {
    /// Returns true if the request has a document, by text or by name.
    pub(in crate::server) fn names_a_document(&self) -> bool {
        self.query.is_some() || self.document_id.is_some() || self.extensions.persisted_query.is_some()
    }

    /// Reads a query string (GraphQL over HTTP, section 5.3).
    ///
    /// # Errors
    /// If a parameter is given twice, or has the wrong type, and if the text is not UTF-8.
    pub(in crate::server) fn from_query_string(text: &str) -> Result<Self> {
        if percent_decode_str(text).decode_utf8().is_err() {
            return Err(Error::bad_request("the query string is not UTF-8"));
        }
        let pairs = web::Query::<Vec<(String, String)>>::from_query(text)
            .map_err(|error| Error::bad_request(format!("the query string cannot be read: {error}")))?;
        let mut known = QueryStringParameters::default();
        for (name, value) in pairs.into_inner() {
            let twice = || Error::bad_request(format!("parameter \"{name}\" is given more than once"));
            let known = match name.as_str() {
                "query" => &mut known.query,
                "documentId" => &mut known.document_id,
                "operationName" => &mut known.operation_name,
                "variables" => &mut known.variables,
                "extensions" => &mut known.extensions,
                _ => continue,
            };
            if known.replace(value).is_some() {
                return Err(twice());
            }
        }
        Ok(Self {
            query: known.query,
            document_id: known.document_id,
            operation_name: known.operation_name.filter(|name| !name.is_empty()),
            variables: from_json_text::<GivenVariables>("variables", known.variables)?.0,
            extensions: from_json_text::<Option<Extensions>>("extensions", known.extensions)?
                .unwrap_or_default(),
        })
    }
}

/// Raw parameters of a query string.
#[derive(Default)]
struct QueryStringParameters {
    query: Option<String>,
    document_id: Option<String>,
    operation_name: Option<String>,
    variables: Option<String>,
    extensions: Option<String>,
}

fn from_json_text<T: serde::de::DeserializeOwned + Default>(name: &str, text: Option<String>) -> Result<T> {
    let read = |text: String| {
        serde_json::from_str(&text)
            .map_err(|error| Error::bad_request(format!("parameter \"{name}\" is not valid JSON: {error}")))
    };
    text.map_or_else(|| Ok(T::default()), read)
}

struct RequestBodySeed {
    largest_batch: usize,
}

impl<'de> DeserializeSeed<'de> for RequestBodySeed {
    type Value = RequestBody;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<RequestBody, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for RequestBodySeed {
    type Value = RequestBody;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        GraphqlRequestVisitor.expecting(formatter)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<RequestBody, A::Error> {
        GraphqlRequestVisitor.visit_map(map).map(RequestBody::One)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<RequestBody, A::Error> {
        if self.largest_batch == 0 {
            return Err(A::Error::custom("batching is disabled; expected a single request"));
        }
        let mut asked = Vec::new();
        loop {
            let request = list.next_element();
            let request =
                request.map_err(|error| A::Error::custom(format!("request {}: {error}", asked.len() + 1)))?;
            match request {
                None if asked.is_empty() => {
                    return Err(A::Error::custom("expected at least one request in the batch"));
                }
                None => return Ok(RequestBody::Many(asked)),
                // The rest is not read.
                Some(_) if asked.len() == self.largest_batch => {
                    let most = format!("a batch has at most {} requests", self.largest_batch);
                    return Err(A::Error::custom(most));
                }
                Some(request) => asked.push(request),
            }
        }
    }
}

impl<'de> Deserialize<'de> for GraphqlRequest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(GraphqlRequestVisitor)
    }
}

/// Name of a parameter in a body.
#[derive(Clone, Copy, Deserialize)]
#[serde(field_identifier, rename_all = "camelCase")]
enum ParameterName {
    Query,
    DocumentId,
    OperationName,
    Variables,
    Extensions,
    #[serde(other)]
    Other,
}

impl ParameterName {
    /// Number of known parameters.
    const KNOWN: usize = Self::Other as usize;

    fn as_str(self) -> &'static str {
        match self {
            Self::Query => "query",
            Self::DocumentId => "documentId",
            Self::OperationName => "operationName",
            Self::Variables => "variables",
            Self::Extensions => "extensions",
            Self::Other => "",
        }
    }
}

struct GraphqlRequestVisitor;

impl<'de> Visitor<'de> for GraphqlRequestVisitor {
    type Value = GraphqlRequest;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a map of parameters such as {\"query\": \"{ __typename }\"}")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<GraphqlRequest, A::Error> {
        let mut seen = [false; ParameterName::KNOWN];
        let mut request = GraphqlRequest::default();
        while let Some(name) = map.next_key()? {
            match name {
                ParameterName::Query => request.query = value(&mut map, name.as_str())?,
                ParameterName::DocumentId => request.document_id = value(&mut map, name.as_str())?,
                ParameterName::OperationName => request.operation_name = value(&mut map, name.as_str())?,
                ParameterName::Variables => {
                    let GivenVariables(variables) = value(&mut map, name.as_str())?;
                    request.variables = variables;
                }
                ParameterName::Extensions => {
                    let extensions: Option<Extensions> = value(&mut map, name.as_str())?;
                    request.extensions = extensions.unwrap_or_default();
                }
                ParameterName::Other => {
                    map.next_value::<IgnoredAny>()?;
                    continue;
                }
            }
            if std::mem::replace(&mut seen[name as usize], true) {
                return Err(A::Error::custom(format!(
                    "parameter \"{}\" is given more than once",
                    name.as_str()
                )));
            }
        }
        Ok(request)
    }
}

/// Reads the next value; its errors name the parameter.
fn value<'de, A: MapAccess<'de>, T: Deserialize<'de>>(map: &mut A, name: &str) -> Result<T, A::Error> {
    map.next_value().map_err(|error| A::Error::custom(format!("parameter \"{name}\": {error}")))
}

impl<'de> Deserialize<'de> for Extensions {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(ExtensionsVisitor)
    }
}

struct ExtensionsVisitor;

impl<'de> Visitor<'de> for ExtensionsVisitor {
    type Value = Extensions;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a map")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Extensions, A::Error> {
        let mut extensions = Extensions::default();
        while let Some(name) = map.next_key::<String>()? {
            if name == "persistedQuery" {
                extensions.persisted_query = value(&mut map, "persistedQuery")?;
            } else if name == "consistency" {
                extensions.consistency = value(&mut map, "consistency")?;
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(extensions)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(body: &str, largest_batch: usize) -> String {
        RequestBody::from_json(body.as_bytes(), largest_batch).unwrap_err().message().to_owned()
    }

    #[test]
    fn faults_name_the_parameter_and_the_expected_type() {
        for (body, expected) in [
            (
                r#"{"query": 5}"#,
                "parameter \"query\": invalid type: integer `5`, expected a string at line 1 column 11",
            ),
            (r#"{"variables": [1]}"#, "parameter \"variables\": invalid type: sequence, expected a map"),
            (
                r#"{"variables": {"where": {"id": {"eq": 1, "eq": 2}}}}"#,
                "parameter \"variables\": \"eq\" is given more than once at line 1 column",
            ),
            (r#"{"variables": {"a": 1, "a": 1}}"#, "parameter \"variables\": \"a\" is given more than once"),
            (
                r#"{"operationName": false}"#,
                "parameter \"operationName\": invalid type: boolean `false`, expected a string",
            ),
            (
                r#"{"extensions": "x"}"#,
                "parameter \"extensions\": invalid type: string \"x\", expected a map",
            ),
            (r#"{"documentId": {}}"#, "parameter \"documentId\": invalid type: map, expected a string"),
            (r#"{"query": "a", "query": "b"}"#, "parameter \"query\" is given more than once"),
            (r#"{"extensions": {"persistedQuery": {"version": 1}}}"#, "missing field `sha256Hash`"),
            (r#"{"extensions": {"persistedQuery": true}}"#, "expected a map with version and sha256Hash"),
            ("[]", "batching is disabled"),
            ("", "EOF while parsing"),
            ("{\"query\": \"a}", "parameter \"query\": EOF while parsing a string"),
            ("{\"query\": \"a\"} x", "trailing characters"),
            ("nonsense", "expected"),
            ("null", "invalid type: null, expected a map of parameters such as"),
            ("\"{ a }\"", "expected a map of parameters such as"),
        ] {
            let message = fault(body, 0);
            assert!(message.starts_with("the body is not a GraphQL request: "), "{body}: {message}");
            assert!(message.contains(expected), "{body}: {message}");
        }
    }

    #[test]
    fn a_batch_is_read_up_to_its_cap() {
        let batch = r#"[{"query": "a"}, {"query": "b"}]"#;
        assert!(
            matches!(RequestBody::from_json(batch.as_bytes(), 2), Ok(RequestBody::Many(asked)) if asked.len() == 2)
        );
        assert!(fault(batch, 1).contains("a batch has at most 1 requests"));
        assert!(fault("[]", 2).contains("expected at least one request in the batch"));
        assert!(fault(r#"[{}, {"query": 1}]"#, 2).contains("request 2: parameter \"query\": invalid type"));
    }

    #[test]
    fn a_query_string_holds_maps_as_json_and_every_parameter_once() {
        let read = |text| GraphqlRequest::from_query_string(text).map_err(|error| error.message().to_owned());
        let parameters =
            read("query=%7Ba%7D&operationName=&variables=%7B%22a%22:1%7D&extensions=null&x=1&x=2");
        let parameters = parameters.unwrap();
        assert_eq!(parameters.query.as_deref(), Some("{a}"));
        assert_eq!(parameters.operation_name, None);
        assert_eq!(parameters.variables.to_string(), "{a: 1}");
        assert_eq!(read("operationName=null").unwrap().operation_name.as_deref(), Some("null"));
        assert_eq!(read("query=%C3%A9+%F0%9F%A6%80").unwrap().query.as_deref(), Some("é 🦀"));
        for invalid in ["query=%FF", "query=a&x=%C3", "query=%ED%A0%80", "query=%C3&variables=%A9"] {
            assert_eq!(read(invalid).unwrap_err(), "the query string is not UTF-8", "{invalid}");
        }
        assert!(read("query=a&query=b").unwrap_err().contains("\"query\" is given more than once"));
        assert!(
            read("variables=%5B%5D")
                .unwrap_err()
                .contains("parameter \"variables\" is not valid JSON: invalid type")
        );
        assert!(
            read("extensions=1")
                .unwrap_err()
                .contains("parameter \"extensions\" is not valid JSON: invalid type")
        );
        assert!(read("variables=").unwrap_err().contains("parameter \"variables\" is not valid JSON: EOF"));
    }

    #[test]
    fn nesting_without_end_is_refused_and_overflows_nothing() {
        let body = format!("{{\"variables\": {{\"a\": {}", "[".repeat(500_000));
        assert!(fault(&body, 0).contains("recursion limit"));
    }
}
