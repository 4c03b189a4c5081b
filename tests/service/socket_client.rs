//! A client of `graphql-transport-ws` that does exactly what a test tells it.

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value as Json, json};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::handshake::client::Response;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

use crate::process::{Service, within};

/// The protocol's name.
pub const PROTOCOL: &str = "graphql-transport-ws";

/// One socket.
pub struct Socket(WebSocketStream<MaybeTlsStream<TcpStream>>);

impl Socket {
    /// Opens one with these headers beside the usual ones.
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

    /// Opens one as a client does.
    pub async fn new(service: &Service<'_>) -> Self {
        let (socket, response) = Self::open(service, &[("sec-websocket-protocol", PROTOCOL)]).await.unwrap();
        assert_eq!(response.headers()["sec-websocket-protocol"], PROTOCOL);
        socket
    }

    /// Opens one and begins.
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

    /// The next frame; none when the connection is gone.
    pub async fn frame(&mut self) -> Option<Message> {
        within(self.0.next()).await?.ok()
    }

    /// The next message.
    pub async fn hear(&mut self) -> Json {
        loop {
            match self.frame().await {
                Some(Message::Text(text)) => return serde_json::from_str(&text).unwrap(),
                Some(Message::Ping(_) | Message::Pong(_)) => {}
                other => panic!("expected a message: {other:?}"),
            }
        }
    }

    /// The payload of the next message, which is a result of this operation.
    pub async fn next(&mut self, id: &str) -> Json {
        let mut message = self.hear().await;
        assert_eq!((&message["id"], &message["type"]), (&json!(id), &json!("next")), "{message}");
        message["payload"].take()
    }

    /// The only result of this operation.
    pub async fn only(&mut self, id: &str) -> Json {
        let payload = self.next(id).await;
        assert_eq!(self.hear().await, json!({ "id": id, "type": "complete" }));
        payload
    }

    /// The code and the reason with which the service closes, whatever it says before.
    pub async fn closed(&mut self) -> (u16, String) {
        loop {
            match self.frame().await {
                Some(Message::Close(Some(frame))) => return (frame.code.into(), frame.reason.to_string()),
                Some(Message::Text(_) | Message::Ping(_) | Message::Pong(_)) => {}
                other => panic!("expected a close: {other:?}"),
            }
        }
    }

    /// Asks for a pong, and says that nothing else was said before it.
    pub async fn is_silent(&mut self) {
        self.say(json!({ "type": "ping", "payload": { "is": "silent" } })).await;
        assert_eq!(self.hear().await, json!({ "type": "pong", "payload": { "is": "silent" } }));
    }
}
