//! The messages of `graphql-transport-ws`, as they stand in a frame.

use async_graphql::ServerError;
use serde::de::{Error as _, Unexpected};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};

use super::super::answer::Body;
use super::super::parameters::Parameters;

/// What either side may add to a message about the connection itself.
pub(super) type Payload = Map<String, Value>;

/// What a client may say.
#[derive(Debug, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum ClientMessage {
    ConnectionInit {
        /// Nothing is asked of a client yet; but what it adds must be an object.
        #[serde(default, rename = "payload")]
        _payload: Option<Payload>,
    },
    Ping {
        #[serde(default)]
        payload: Option<Payload>,
    },
    Pong {
        #[serde(default, rename = "payload")]
        _payload: Option<Payload>,
    },
    Subscribe {
        #[serde(deserialize_with = "id")]
        id: String,
        payload: Parameters,
    },
    Complete {
        #[serde(deserialize_with = "id")]
        id: String,
    },
}

/// The name of an operation, which the client makes up: a string that says something.
fn id<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let id = String::deserialize(deserializer)?;
    if id.is_empty() {
        return Err(D::Error::invalid_value(Unexpected::Str(""), &"an id that is not empty"));
    }
    Ok(id)
}

impl ClientMessage {
    /// Reads the text of a frame.
    pub(super) fn read(text: &str) -> serde_json::Result<Self> {
        // Serde would take a list for the fields in their order.
        if !text.trim_start().starts_with('{') {
            return Err(serde_json::Error::custom("expected a JSON object"));
        }
        let message = serde_json::from_str(text)?;
        match &message {
            Self::Subscribe { payload, .. } if !payload.names_a_document() => {
                Err(serde_json::Error::custom("missing field `query`"))
            }
            _ => Ok(message),
        }
    }
}

/// What the service says.
#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum ServerMessage<'a> {
    ConnectionAck,
    Pong {
        #[serde(skip_serializing_if = "Option::is_none")]
        payload: Option<Payload>,
    },
    Next {
        id: &'a str,
        payload: Body<'a>,
    },
    Error {
        id: &'a str,
        payload: Vec<ServerError>,
    },
    Complete {
        id: &'a str,
    },
}
