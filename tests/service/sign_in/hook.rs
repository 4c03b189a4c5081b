//! Webhook of an application, which keeps its requests.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// Webhook on a port of this host.
pub struct Hook {
    pub address: SocketAddr,
    requests: Arc<Mutex<Vec<String>>>,
    serving: JoinHandle<()>,
}

/// Answer of a webhook: the lines after `HTTP/1.1 `, the body, and the time before it is sent.
pub struct HookAnswer(pub String, pub String, pub Duration);

impl HookAnswer {
    pub fn ok(body: &str) -> Self {
        Self("200 OK".to_owned(), body.to_owned(), Duration::ZERO)
    }

    pub fn status(status: &str) -> Self {
        Self(status.to_owned(), String::new(), Duration::ZERO)
    }
}

impl Hook {
    /// Starts a webhook that answers by the token.
    pub async fn start(answer: fn(&str) -> HookAnswer) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let requests = Arc::new(Mutex::new(Vec::new()));
        let serving = tokio::spawn({
            let requests = requests.clone();
            async move {
                loop {
                    let Ok((mut stream, _)) = listener.accept().await else { return };
                    let requests = requests.clone();
                    tokio::spawn(async move {
                        let mut head = vec![0; 32_768];
                        let mut length = 0;
                        while !head[..length].ends_with(b"\r\n\r\n") {
                            match stream.read(&mut head[length..]).await {
                                Ok(0) | Err(_) => return,
                                Ok(read) => length += read,
                            }
                        }
                        let head = String::from_utf8_lossy(&head[..length]).to_ascii_lowercase();
                        let token =
                            head.split("authorization: bearer ").nth(1).and_then(|rest| rest.lines().next());
                        let HookAnswer(status, body, time) = answer(token.unwrap_or_default());
                        requests.lock().unwrap().push(head);
                        tokio::time::sleep(time).await;
                        let length = body.len();
                        let answer = format!(
                            "HTTP/1.1 {status}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}"
                        );
                        let _ = stream.write_all(answer.as_bytes()).await;
                    });
                }
            }
        });
        Self { address, requests, serving }
    }

    pub fn url(&self) -> String {
        format!("http://{}/sessions", self.address)
    }

    /// Returns the heads of all requests, in lower case.
    pub fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }
}

impl Drop for Hook {
    fn drop(&mut self) {
        self.serving.abort();
    }
}
