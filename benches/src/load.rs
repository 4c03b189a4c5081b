//! Client that sends requests over many connections and counts the responses.

use std::cell::Cell;
use std::net::SocketAddr;
use std::ops::Range;
use std::time::{Duration, Instant};

use futures_util::future::try_join_all;
use serde_json::{Value as Json, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::Failure;

/// Serialized request.
#[derive(Clone, Debug)]
pub struct Request(Vec<u8>);

impl Request {
    /// Builds a request to the service.
    pub fn post(query: &str, variables: &Json) -> Self {
        Self::to_path("/graphql", query, variables)
    }

    /// Builds the same request to a path of the floor.
    pub fn to_path(path: &str, query: &str, variables: &Json) -> Self {
        Self::accepting(path, "application/json", query, variables)
    }

    /// Builds a request to the service for an event stream.
    pub fn events(query: &str) -> Self {
        Self::events_of("/graphql", query)
    }

    /// Builds a request for the event stream of a path.
    pub fn events_of(path: &str, query: &str) -> Self {
        Self::accepting(path, "text/event-stream", query, &Json::Null)
    }

    fn accepting(path: &str, accept: &str, query: &str, variables: &Json) -> Self {
        let body = match variables {
            Json::Null => json!({ "query": query }),
            variables => json!({ "query": query, "variables": variables }),
        }
        .to_string();
        let head = format!("POST {path} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json");
        let length = body.len();
        Self(format!("{head}\r\naccept: {accept}\r\ncontent-length: {length}\r\n\r\n{body}").into_bytes())
    }
}

/// Result of a load.
#[derive(Clone, Copy, Debug)]
pub struct Load {
    /// Number of responses.
    pub answers: u64,
    /// Duration of the load.
    pub elapsed: Duration,
    /// Time from a request to its whole response, below which 99 of 100 responses came. Zero without responses.
    pub p99: Duration,
}

/// Sends requests in turn over several connections, each with one request under way, for a given time. Every
/// response must be as long as the first response to the same request.
///
/// # Errors
/// If the server cannot be reached, or a response differs from the others.
pub async fn run(
    address: SocketAddr,
    requests: &[Request],
    clients: usize,
    time: Duration,
) -> Result<Load, Failure> {
    let mut connections = Vec::new();
    for _ in 0..clients {
        connections.push(Connection::open(address).await?);
    }
    let lengths: Vec<Cell<Option<usize>>> = vec![Cell::new(None); requests.len()];
    let sent = Cell::new(0);
    let start = Instant::now();
    let times = try_join_all(connections.into_iter().map(async |mut connection: Connection| {
        let mut times = Vec::new();
        while start.elapsed() < time {
            let nth = sent.replace(sent.get() + 1) % requests.len();
            let asked = Instant::now();
            let length = connection.ask(&requests[nth]).await?.len();
            if lengths[nth].replace(Some(length)).is_some_and(|before| before != length) {
                return Err(Failure::from("an answer is not as long as the one before it"));
            }
            times.push(asked.elapsed());
        }
        Ok(times)
    }))
    .await?;
    let elapsed = start.elapsed();
    let mut times = times.concat();
    times.sort_unstable();
    let p99 = times.get(times.len() * 99 / 100).copied().unwrap_or_default();
    Ok(Load { answers: times.len() as u64, elapsed, p99 })
}

/// Connection that sends one request at a time.
pub struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
    body: Vec<u8>,
}

impl Connection {
    /// Opens a connection.
    ///
    /// # Errors
    /// If no server listens there.
    pub async fn open(address: SocketAddr) -> Result<Self, Failure> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, buffer: Vec::with_capacity(256 * 1024), body: Vec::new() })
    }

    /// Sends a request and returns the body of its response.
    ///
    /// # Errors
    /// If no response arrives.
    pub async fn ask(&mut self, request: &Request) -> Result<&[u8], Failure> {
        self.stream.write_all(&request.0).await?;
        self.buffer.clear();
        let head = loop {
            self.receive().await?;
            if let Some(end) = find(&self.buffer, b"\r\n\r\n") {
                break end + 4;
            }
        };
        let text = std::str::from_utf8(&self.buffer[..head])?;
        if !text.starts_with("HTTP/1.1 200") {
            return Err(format!("the server refused: {text}").into());
        }
        let header = |name: &str| {
            let mut lines = text.lines().filter_map(|line| line.split_once(':'));
            lines.find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim())
        };
        if let Some(length) = header("content-length") {
            let end = head + length.parse::<usize>()?;
            while self.buffer.len() < end {
                self.receive().await?;
            }
            return Ok(&self.buffer[head..end]);
        }
        self.chunks(head).await?;
        Ok(&self.body)
    }

    /// Sends a request for an event stream, and passes on each part of it as it arrives. The future never
    /// completes; dropping it closes the stream.
    ///
    /// # Errors
    /// If the server closes the connection.
    pub async fn listen(&mut self, request: &Request, mut heard: impl FnMut(&[u8])) -> Result<(), Failure> {
        self.stream.write_all(&request.0).await?;
        loop {
            self.buffer.clear();
            self.receive().await?;
            heard(&self.buffer);
        }
    }

    async fn receive(&mut self) -> Result<(), Failure> {
        match self.stream.read_buf(&mut self.buffer).await? {
            0 => Err("the server hung up".into()),
            _ => Ok(()),
        }
    }

    /// Reads a chunked body (RFC 9112, section 7.1): each chunk after its length, the last of length zero.
    async fn chunks(&mut self, head: usize) -> Result<(), Failure> {
        self.body.clear();
        let mut at = head;
        loop {
            let size = loop {
                match find(&self.buffer[at..], b"\r\n") {
                    Some(end) => break at..at + end,
                    None => self.receive().await?,
                }
            };
            let length = usize::from_str_radix(std::str::from_utf8(&self.buffer[size.clone()])?, 16)?;
            let chunk: Range<usize> = size.end + 2..size.end + 2 + length;
            at = chunk.end + 2;
            while self.buffer.len() < at {
                self.receive().await?;
            }
            if length == 0 {
                return Ok(());
            }
            self.body.extend_from_slice(&self.buffer[chunk]);
        }
    }
}

fn find(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    bytes.windows(wanted.len()).position(|window| window == wanted)
}
