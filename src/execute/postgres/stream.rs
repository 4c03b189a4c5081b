//! temporary
pub(super) type Stream = tokio::net::TcpStream;
