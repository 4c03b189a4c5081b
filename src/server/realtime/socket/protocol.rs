//! Protocol state of a `graphql-transport-ws` connection: maps each message to an action, or to a close.
//!
//! Pure: no sending, waiting or running. Close codes and reasons are the protocol's own.

use std::collections::HashSet;

use actix_ws::{CloseCode, CloseReason};

use super::message::{ClientMessage, Payload};
use crate::server::http::parameters::GraphqlRequest;

/// Subprotocol name in the WebSocket handshake.
pub(super) const SUBPROTOCOL: &str = "graphql-transport-ws";

/// Action to take on a message.
#[derive(Debug)]
pub(super) enum Action {
    /// Do nothing.
    Ignore,
    /// Sign the client in, with the credentials of a payload.
    SignIn(Option<Payload>),
    /// Return a ping's payload.
    Pong(Option<Payload>),
    /// Run an operation.
    Start { id: String, request: GraphqlRequest },
    /// Refuse an operation: the maximum is running.
    Refuse { id: String },
    /// Stop an operation; send none of its further results.
    Stop { id: String },
}

/// Reason for closing a socket.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Close {
    /// Message that the protocol does not know.
    Invalid(String),
    /// Operation before the connection was acknowledged.
    Unauthorized,
    /// Credentials that prove no identity, or an identity that has ended.
    Forbidden,
    /// No supported subprotocol.
    Subprotocol,
    /// No `connection_init` in time.
    InitTimeout,
    /// Operation with the id of a running one.
    Duplicate(String),
    /// Second `connection_init`.
    TooManyInits,
    /// Frame or aggregated message that is too large.
    TooLarge,
    /// Text that is not UTF-8.
    NotText,
    /// Frames that violate WebSocket itself.
    BrokenFrames,
    /// Schema that another generation replaces: the client is to connect again.
    Superseded,
    /// Service shutdown.
    GoingAway,
}

impl From<Close> for CloseReason {
    fn from(close: Close) -> Self {
        let (code, reason) = match close {
            Close::Invalid(fault) => (CloseCode::Other(4400), format!("Invalid message: {fault}")),
            Close::Unauthorized => (CloseCode::Other(4401), "Unauthorized".to_owned()),
            Close::Forbidden => (CloseCode::Other(4403), "Forbidden".to_owned()),
            Close::Subprotocol => (CloseCode::Other(4406), "Subprotocol not acceptable".to_owned()),
            Close::InitTimeout => (CloseCode::Other(4408), "Connection initialisation timeout".to_owned()),
            Close::Duplicate(id) => (CloseCode::Other(4409), format!("Subscriber for {id} already exists")),
            Close::TooManyInits => (CloseCode::Other(4429), "Too many initialisation requests".to_owned()),
            Close::TooLarge => (CloseCode::Size, "Message too large".to_owned()),
            Close::NotText => (CloseCode::Invalid, "Text is not UTF-8".to_owned()),
            Close::BrokenFrames => (CloseCode::Protocol, "Not a WebSocket frame".to_owned()),
            Close::Superseded => (CloseCode::Restart, "Schema has changed".to_owned()),
            Close::GoingAway => (CloseCode::Away, "Service is stopping".to_owned()),
        };
        Self { code, description: Some(reason) }
    }
}

/// Protocol state of a connection.
#[derive(Debug)]
pub(super) struct Protocol {
    /// True after `connection_init`.
    begun: bool,
    /// True after the client has signed in.
    acknowledged: bool,
    /// Ids of the running operations.
    running: HashSet<String>,
    most_running: usize,
}

impl Protocol {
    pub(super) fn new(most_running: usize) -> Self {
        Self { begun: false, acknowledged: false, running: HashSet::new(), most_running }
    }

    /// Returns true until the connection is acknowledged.
    pub(super) fn awaits_init(&self) -> bool {
        !self.acknowledged
    }

    /// Acknowledges the connection: the client may send operations.
    pub(super) fn acknowledge(&mut self) {
        self.acknowledged = true;
    }

    /// Maps a text frame to an action.
    ///
    /// # Errors
    /// If the socket must be closed.
    pub(super) fn receive(&mut self, text: &str) -> Result<Action, Close> {
        match ClientMessage::read(text).map_err(|fault| Close::Invalid(fault.to_string()))? {
            ClientMessage::ConnectionInit { .. } if self.begun => Err(Close::TooManyInits),
            ClientMessage::ConnectionInit { payload } => {
                self.begun = true;
                Ok(Action::SignIn(payload))
            }
            ClientMessage::Ping { payload } => Ok(Action::Pong(payload)),
            // An unsolicited pong is a keep-alive.
            ClientMessage::Pong { .. } => Ok(Action::Ignore),
            ClientMessage::Subscribe { .. } if !self.acknowledged => Err(Close::Unauthorized),
            ClientMessage::Subscribe { id, .. } if self.running.contains(&id) => Err(Close::Duplicate(id)),
            ClientMessage::Subscribe { id, .. } if self.running.len() >= self.most_running => {
                Ok(Action::Refuse { id })
            }
            ClientMessage::Subscribe { id, payload } => {
                self.running.insert(id.clone());
                Ok(Action::Start { id, request: payload })
            }
            ClientMessage::Complete { id } if self.running.remove(&id) => Ok(Action::Stop { id }),
            // The operation may have ended while the message was in transit.
            ClientMessage::Complete { .. } => Ok(Action::Ignore),
        }
    }

    /// Frees the id of an operation that has ended by itself.
    pub(super) fn ended(&mut self, id: &str) {
        self.running.remove(id);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

    fn begun() -> Protocol {
        let mut protocol = Protocol::new(2);
        assert!(protocol.awaits_init());
        let init = protocol.receive(r#"{"type":"connection_init","payload":{"token":"x"}}"#);
        assert!(matches!(init, Ok(Action::SignIn(Some(payload))) if payload["token"] == "x"));
        assert!(protocol.awaits_init());
        protocol.acknowledge();
        assert!(!protocol.awaits_init());
        protocol
    }

    fn subscribe(id: &str) -> String {
        json!({ "id": id, "type": "subscribe", "payload": { "query": "{ a }" } }).to_string()
    }

    fn complete(id: &str) -> String {
        json!({ "id": id, "type": "complete" }).to_string()
    }

    fn close_of(close: Close) -> (u16, String) {
        let reason = CloseReason::from(close);
        (reason.code.into(), reason.description.unwrap_or_default())
    }

    #[test]
    fn a_client_begins_once() {
        for payload in ["", r#","payload":null"#, r#","payload":{}"#] {
            let mut protocol = Protocol::new(2);
            let init = format!(r#"{{"type":"connection_init"{payload}}}"#);
            assert!(matches!(protocol.receive(&init), Ok(Action::SignIn(_))), "{init}");
            assert_eq!(protocol.receive(&init).unwrap_err(), Close::TooManyInits);
        }
    }

    #[test]
    fn accepts_pings_and_refuses_operations_before_connection_init() {
        let mut protocol = Protocol::new(2);
        assert!(matches!(protocol.receive(r#"{"type":"ping"}"#), Ok(Action::Pong(None))));
        assert!(matches!(protocol.receive(r#"{"type":"pong","payload":{"a":1}}"#), Ok(Action::Ignore)));
        assert!(matches!(protocol.receive(&complete("1")), Ok(Action::Ignore)));
        assert!(protocol.awaits_init());
        assert_eq!(protocol.receive(&subscribe("1")).unwrap_err(), Close::Unauthorized);
    }

    #[test]
    fn refuses_operations_and_a_second_init_while_the_client_is_signed_in() {
        let init = r#"{"type":"connection_init"}"#;
        let mut protocol = Protocol::new(2);
        assert!(matches!(protocol.receive(init), Ok(Action::SignIn(None))));
        assert_eq!(protocol.receive(&subscribe("1")).unwrap_err(), Close::Unauthorized);
        assert_eq!(protocol.receive(init).unwrap_err(), Close::TooManyInits);
    }

    #[test]
    fn a_ping_gets_its_payload_back() {
        let pong = begun().receive(r#"{"payload":{"deep":[{"a":null}]},"type":"ping"}"#);
        let Ok(Action::Pong(Some(payload))) = pong else { panic!("{pong:?}") };
        assert_eq!(Value::Object(payload), json!({ "deep": [{ "a": null }] }));
    }

    #[test]
    fn an_id_is_taken_as_long_as_its_operation_runs() {
        let mut protocol = begun();
        let start = protocol.receive(&subscribe("1"));
        assert!(matches!(start, Ok(Action::Start { id, request })
            if id == "1" && request.query.as_deref() == Some("{ a }")));
        assert_eq!(protocol.receive(&subscribe("1")).unwrap_err(), Close::Duplicate("1".to_owned()));

        assert!(matches!(protocol.receive(&complete("1")), Ok(Action::Stop { id }) if id == "1"));
        assert!(matches!(protocol.receive(&complete("1")), Ok(Action::Ignore)));
        assert!(matches!(protocol.receive(&subscribe("1")), Ok(Action::Start { .. })));
        protocol.ended("1");
        assert!(matches!(protocol.receive(&complete("1")), Ok(Action::Ignore)));
        assert!(matches!(protocol.receive(&subscribe("1")), Ok(Action::Start { .. })));
    }

    #[test]
    fn beyond_the_cap_an_operation_is_refused_and_nothing_is_closed() {
        let mut protocol = begun();
        assert!(matches!(protocol.receive(&subscribe("1")), Ok(Action::Start { .. })));
        assert!(matches!(protocol.receive(&subscribe("2")), Ok(Action::Start { .. })));
        assert!(matches!(protocol.receive(&subscribe("3")), Ok(Action::Refuse { id }) if id == "3"));
        // The refused operation has not taken its id.
        assert!(matches!(protocol.receive(&complete("3")), Ok(Action::Ignore)));
        assert_eq!(protocol.receive(&subscribe("2")).unwrap_err(), Close::Duplicate("2".to_owned()));
        protocol.ended("1");
        assert!(matches!(protocol.receive(&subscribe("3")), Ok(Action::Start { .. })));
    }

    #[test]
    fn a_document_may_be_named_instead_of_sent() {
        for payload in [
            json!({ "documentId": "sha256:abc" }),
            json!({ "extensions": { "persistedQuery": { "version": 1, "sha256Hash": "abc" } } }),
            json!({ "query": "{ a }", "variables": null, "operationName": null, "extensions": null }),
        ] {
            let message = json!({ "id": "1", "type": "subscribe", "payload": payload }).to_string();
            assert!(matches!(begun().receive(&message), Ok(Action::Start { .. })), "{message}");
        }
    }

    #[test]
    fn close_codes_and_reasons_follow_the_protocol() {
        for (close, code, reason) in [
            (Close::Invalid("no".to_owned()), 4400, "Invalid message: no"),
            (Close::Unauthorized, 4401, "Unauthorized"),
            (Close::Forbidden, 4403, "Forbidden"),
            (Close::Subprotocol, 4406, "Subprotocol not acceptable"),
            (Close::InitTimeout, 4408, "Connection initialisation timeout"),
            (Close::Duplicate("x".to_owned()), 4409, "Subscriber for x already exists"),
            (Close::TooManyInits, 4429, "Too many initialisation requests"),
            (Close::GoingAway, 1001, "Service is stopping"),
            (Close::BrokenFrames, 1002, "Not a WebSocket frame"),
            (Close::NotText, 1007, "Text is not UTF-8"),
            (Close::TooLarge, 1009, "Message too large"),
        ] {
            assert_eq!(close_of(close), (code, reason.to_owned()));
        }
    }

    proptest! {
        #[test]
        fn any_text_is_parsed_or_closes_the_socket(text in ".*") {
            let _ = Protocol::new(2).receive(&text);
            let _ = begun().receive(&text);
        }

        #[test]
        fn any_bytes_are_parsed_or_close_the_socket(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = begun().receive(&String::from_utf8_lossy(&bytes));
        }

        /// Compares with a naive list of running operations.
        #[test]
        fn tracks_running_operations_for_any_message_sequence(
            steps in prop::collection::vec((0..3_u8, 0..4_u8), 0..60)
        ) {
            let mut protocol = begun();
            let mut running: Vec<String> = Vec::new();
            for (step, id) in steps {
                let id = id.to_string();
                let runs = running.contains(&id);
                match step {
                    0 => match protocol.receive(&subscribe(&id)) {
                        Err(close) => {
                            prop_assert!(runs);
                            prop_assert_eq!(close, Close::Duplicate(id));
                            break;
                        }
                        Ok(Action::Refuse { .. }) => prop_assert!(!runs && running.len() == 2),
                        Ok(Action::Start { .. }) => {
                            prop_assert!(!runs && running.len() < 2);
                            running.push(id);
                        }
                        Ok(other) => prop_assert!(false, "{:?}", other),
                    },
                    1 => {
                        let stops = matches!(protocol.receive(&complete(&id)), Ok(Action::Stop { .. }));
                        prop_assert_eq!(stops, runs);
                        running.retain(|other| *other != id);
                    }
                    _ => {
                        protocol.ended(&id);
                        running.retain(|other| *other != id);
                    }
                }
            }
        }
    }
}
