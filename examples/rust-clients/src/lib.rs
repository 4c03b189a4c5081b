//! Two clients of the example domain. Each checks its documents against `schema.graphql` when it is compiled.

pub mod with_cynic;
pub mod with_graphql_client;

use serde::Serialize;
use serde::de::DeserializeOwned;

/// Sends a request, and returns the answer with its errors.
pub fn post<Answer: DeserializeOwned>(url: &str, request: impl Serialize) -> Result<Answer, ureq::Error> {
    // The status of an answer with errors is 200 with this media type.
    ureq::post(url).header("accept", "application/json").send_json(request)?.body_mut().read_json()
}
