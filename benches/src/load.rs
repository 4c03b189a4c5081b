//! A client that asks over many connections and counts the answers.

use std::cell::Cell;
use std::net::SocketAddr;
use std::ops::Range;
use std::time::{Duration, Instant};

use futures_util::future::try_join_all;
use serde_json::{Value as Json, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::Failure;

/// A request as it is sent.
#[derive(Clone, Debug)]
pub struct Request(Vec<u8>);

impl Request {
    /// As the floor is asked.
    pub fn get(path: &str) -> Self {
        Self(format!("GET {path} HTTP/1.1\r\nhost: localhost\r\n\r\n").into_bytes())
    }

    /// As the service is asked.
    pub fn post(query: &str, variables: &Json) -> Self {
        Self::accepting("application/json", query, variables)
    }

    /// As the service is asked for a stream of events.
    pub fn events(query: &str) -> Self {
        Self::accepting("text/event-stream", query, &Json::Null)
    }

    fn accepting(accept: &str, query: &str, variables: &Json) -> Self {
        let body = match variables {
            Json::Null => json!({ "query": query }),
            variables => json!({ "query": query, "variables": variables }),
        }
        .to_string();
        let head = "POST /graphql HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json";
        let length = body.len();
        Self(format!("{head}\r\naccept: {accept}\r\ncontent-length: {length}\r\n\r\n{body}").into_bytes())
    }
}

/// What a load came to.
#[derive(Clone, Copy, Debug)]
pub struct Load {
    /// How many answers came.
    pub answers: u64,
    /// In how long.
    pub elapsed: Duration,
}

/// Sends requests in turn over so many connections, each with one request under way, for so long. Every answer must be as
/// long as the first to the same request.
///
/// # Errors
/// When the server is away or an answer is not like the others.
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
    let counts = try_join_all(connections.into_iter().map(async |mut connection: Connection| {
        let mut answers = 0;
        while start.elapsed() < time {
            let nth = sent.replace(sent.get() + 1) % requests.len();
            let length = connection.ask(&requests[nth]).await?.len();
            if lengths[nth].replace(Some(length)).is_some_and(|before| before != length) {
                return Err(Failure::from("an answer is not as long as the one before it"));
            }
            answers += 1;
        }
        Ok(answers)
    }))
    .await?;
    Ok(Load { answers: counts.iter().sum(), elapsed: start.elapsed() })
}

/// A connection over which one request at a time is sent.
pub struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
    body: Vec<u8>,
}

impl Connection {
    /// Opens it.
    ///
    /// # Errors
    /// When nobody listens there.
    pub async fn open(address: SocketAddr) -> Result<Self, Failure> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, buffer: Vec::with_capacity(256 * 1024), body: Vec::new() })
    }

    /// Sends a request and gives the body of its answer.
    ///
    /// # Errors
    /// When none comes.
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

    /// Sends a request whose answer is a stream of events, and waits for the next part of it, and again for the next. It
    /// comes to an end when it is dropped.
    ///
    /// # Errors
    /// When the server hangs up.
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

    /// RFC 9112, section 7.1: each chunk behind its length, the last of none.
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
