//! temporary
use super::fault::Fault;
use super::stream::Stream;
use bytes::BytesMut;
use postgres_protocol::message::frontend;
use sqlx::postgres::PgConnectOptions;
use tokio::io::*;
#[derive(Debug)]
pub(super) struct Place(PgConnectOptions);
pub(super) struct Opened { pub stream: Stream, pub received: BytesMut, pub process_id: i32, pub secret_key: i32 }
impl Place { pub fn new(o: &PgConnectOptions) -> std::result::Result<Self, Fault> { Ok(Self(o.clone())) } }
pub(super) async fn open(place: &Place) -> std::result::Result<Opened, Fault> {
    let o = &place.0;
    let mut stream = tokio::net::TcpStream::connect((o.get_host(), o.get_port())).await?;
    stream.set_nodelay(true)?;
    let mut b = BytesMut::new();
    frontend::startup_message([("user", o.get_username()), ("database", o.get_database().unwrap_or("postgres")), ("client_encoding", "UTF8"), ("TimeZone", "UTC")], &mut b)?;
    stream.write_all(&b).await?;
    loop { let tag = stream.read_u8().await?; let len = stream.read_i32().await?; let mut v = vec![0; len as usize - 4]; stream.read_exact(&mut v).await?; if tag == b'Z' { break } if tag == b'E' { return Err(Fault::Protocol("x".into())) } }
    Ok(Opened { stream, received: BytesMut::new(), process_id: 0, secret_key: 0 })
}
pub(super) async fn cancel(_: &Place, _: i32, _: i32) {}
