//! Client of `graphql-transport-ws`, controlled step by step by a test.

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value as Json, json};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::handshake::client::Response;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

use crate::process::{Service, within};

/// Name of the protocol.
pub const PROTOCOL: &str = "graphql-transport-ws";

/// Client socket.
pub struct Socket(WebSocketStream<MaybeTlsStream<TcpStream>>);

impl Socket {
    /// Opens a socket with additional headers.
    pub async fn open(
        service: &Service<'_>,
        headers: &[(&'static str, &str)],
    ) -> Result<(Self, Response), Error> {
        let mut request = format!("ws://{}/graphql", service.address).into_client_request().unwrap();
        for (name, value) in headers {
            request.headers_mut().insert(*name, value.parse().unwrap());
        }
        let (socket, response) = within(connect_async(request)).await?;
        Ok((Self(socket), response))
    }

    /// Opens a socket as a client does.
    pub async fn new(service: &Service<'_>) -> Self {
        let (socket, response) = Self::open(service, &[("sec-websocket-protocol", PROTOCOL)]).await.unwrap();
        assert_eq!(response.headers()["sec-websocket-protocol"], PROTOCOL);
        socket
    }

    /// Opens a socket and completes `connection_init`.
    pub async fn begin(service: &Service<'_>) -> Self {
        let mut socket = Self::new(service).await;
        socket.say(json!({ "type": "connection_init" })).await;
        assert_eq!(socket.hear().await, json!({ "type": "connection_ack" }));
        socket
    }

    pub async fn send(&mut self, message: Message) {
        within(self.0.send(message)).await.unwrap();
    }

    pub async fn say(&mut self, message: Json) {
        self.send(Message::text(message.to_string())).await;
    }

    pub async fn subscribe(&mut self, id: &str, query: &str) {
        self.say(json!({ "id": id, "type": "subscribe", "payload": { "query": query } })).await;
    }

    /// Returns the next frame, or `None` if the connection is closed.
    pub async fn frame(&mut self) -> Option<Message> {
        within(self.0.next()).await?.ok()
    }

    /// Returns the next message.
    pub async fn hear(&mut self) -> Json {
        loop {
            match self.frame().await {
                Some(Message::Text(text)) => return serde_json::from_str(&text).unwrap(),
                Some(Message::Ping(_) | Message::Pong(_)) => {}
                other => panic!("expected a message: {other:?}"),
            }
        }
    }

    /// Returns the payload of the next message, which must be a result of this operation.
    pub async fn next(&mut self, id: &str) -> Json {
        let mut message = self.hear().await;
        assert_eq!((&message["id"], &message["type"]), (&json!(id), &json!("next")), "{message}");
        message["payload"].take()
    }

    /// Returns the only result of this operation.
    pub async fn only(&mut self, id: &str) -> Json {
        let payload = self.next(id).await;
        assert_eq!(self.hear().await, json!({ "id": id, "type": "complete" }));
        payload
    }

    /// Returns the code and the reason of the service's close frame; skips earlier messages.
    pub async fn closed(&mut self) -> (u16, String) {
        loop {
            match self.frame().await {
                Some(Message::Close(Some(frame))) => return (frame.code.into(), frame.reason.to_string()),
                Some(Message::Text(_) | Message::Ping(_) | Message::Pong(_)) => {}
                other => panic!("expected a close: {other:?}"),
            }
        }
    }

    /// Sends a ping and checks that the pong is the next message.
    pub async fn is_silent(&mut self) {
        self.say(json!({ "type": "ping", "payload": { "is": "silent" } })).await;
        assert_eq!(self.hear().await, json!({ "type": "pong", "payload": { "is": "silent" } }));
    }
}
