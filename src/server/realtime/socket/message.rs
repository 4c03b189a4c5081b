//! Messages of `graphql-transport-ws`, as sent in frames.

use std::borrow::Cow;

use async_graphql::ServerError;
use serde::de::{Error as _, Unexpected};
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};

use crate::execute::{Json, json, object};
use crate::server::http::parameters::GraphqlRequest;

/// Optional payload of a message about the connection itself.
pub(super) type Payload = Map<String, Value>;

/// Message of a client.
#[derive(Debug, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum ClientMessage {
    ConnectionInit {
        /// May contain credentials.
        #[serde(default)]
        payload: Option<Payload>,
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
        payload: GraphqlRequest,
    },
    Complete {
        #[serde(deserialize_with = "id")]
        id: String,
    },
}

/// Reads the id of an operation, which the client chooses: a string that is not empty.
fn id<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let id = String::deserialize(deserializer)?;
    if id.is_empty() {
        return Err(D::Error::invalid_value(Unexpected::Str(""), &"a non-empty id"));
    }
    Ok(id)
}

impl ClientMessage {
    /// Parses the text of a frame.
    pub(super) fn read(text: &str) -> serde_json::Result<Self> {
        // Serde would accept a list of the fields in order.
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

/// Message of the service.
pub(super) enum ServerMessage<'a> {
    ConnectionAck,
    Pong {
        payload: Option<Payload>,
    },
    Next {
        id: &'a str,
        /// Serialized result.
        payload: Json,
    },
    Error {
        id: &'a str,
        payload: Vec<ServerError>,
    },
    Complete {
        id: &'a str,
    },
}

impl ServerMessage<'_> {
    /// Serializes the message for a frame.
    pub(super) fn to_json(&self) -> Json {
        let (kind, id, payload) = match self {
            Self::ConnectionAck => ("connection_ack", None, None),
            Self::Pong { payload } => ("pong", None, payload.as_ref().map(|payload| json(payload).into())),
            Self::Next { id, payload } => ("next", Some(id), Some(Cow::from(payload))),
            Self::Error { id, payload } => ("error", Some(id), Some(json(payload).into())),
            Self::Complete { id } => ("complete", Some(id), None),
        };
        let (kind, id) = (json(&kind), id.map(json));
        let parts = [("id", id.as_deref()), ("type", Some(&kind[..])), ("payload", payload.as_deref())];
        object(parts.into_iter().filter_map(|(key, value)| Some((key, value?))))
    }
}
