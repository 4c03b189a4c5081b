//! Provider of a key set, which counts its requests.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use serde_json::{Value as Json, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// Provider on a port of this host.
pub struct Provider {
    pub address: SocketAddr,
    keys: Arc<Mutex<Json>>,
    requests: Arc<AtomicUsize>,
    serving: JoinHandle<()>,
}

impl Provider {
    pub async fn start(keys: Json) -> Self {
        Self::start_at("127.0.0.1:0", keys).await
    }

    pub async fn start_at(address: &str, keys: Json) -> Self {
        let listener = TcpListener::bind(address).await.unwrap();
        let address = listener.local_addr().unwrap();
        let (keys, requests) = (Arc::new(Mutex::new(keys)), Arc::new(AtomicUsize::new(0)));
        let serving = tokio::spawn({
            let (keys, requests) = (keys.clone(), requests.clone());
            async move {
                loop {
                    let Ok((mut stream, _)) = listener.accept().await else { return };
                    requests.fetch_add(1, Ordering::SeqCst);
                    let body = json!({ "keys": *keys.lock().unwrap() }).to_string();
                    let mut head = [0; 4_096];
                    let _ = stream.read(&mut head).await;
                    let answer = format!(
                        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\
                         connection: close\r\n\r\n{body}",
                        body.len()
                    );
                    let _ = stream.write_all(answer.as_bytes()).await;
                }
            }
        });
        Self { address, keys, requests, serving }
    }

    pub fn url(&self) -> String {
        format!("http://{}/keys", self.address)
    }

    pub fn rotate(&self, keys: Json) {
        *self.keys.lock().unwrap() = keys;
    }

    pub fn requests(&self) -> usize {
        self.requests.load(Ordering::SeqCst)
    }
}

impl Drop for Provider {
    fn drop(&mut self) {
        self.serving.abort();
    }
}
