//! The command `health`: asks a running service for its state. Images without a shell have no other client.

use std::io::{Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::time::Duration;

use crate::Failure;

/// Time limit of the connection, and of the answer.
const LIMIT: Duration = Duration::from_secs(2);

/// Asks the service at `listen`, whose answer must be 200.
pub fn ask(listen: &str, path: &str) -> Result<(), Failure> {
    let named = |error: std::io::Error| format!("{listen}: {error}");
    let address = listen.to_socket_addrs().map_err(named)?.next().ok_or("the address has no host")?;
    let mut connection = TcpStream::connect_timeout(&address, LIMIT).map_err(named)?;
    connection.set_read_timeout(Some(LIMIT))?;
    write!(connection, "GET {path} HTTP/1.0\r\nHost: {listen}\r\n\r\n").map_err(named)?;
    let mut answer = Vec::new();
    connection.take(1_024).read_to_end(&mut answer).map_err(named)?;
    let answer = String::from_utf8_lossy(&answer);
    match answer.split(' ').nth(1) {
        Some("200") => Ok(()),
        Some(status) => Err(format!("{listen}{path} answers {status}").into()),
        None => Err(format!("{listen} is no service").into()),
    }
}
