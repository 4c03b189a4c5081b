//! Byte stream to a PostgreSQL server over any transport.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
#[cfg(unix)]
use tokio::net::UnixStream;
use tokio_rustls::client::TlsStream;

/// Transport of the bytes. Over TLS, writes are sent only by a flush.
#[derive(Debug)]
pub(super) enum Stream {
    Tcp(TcpStream),
    #[cfg(unix)]
    Unix(UnixStream),
    Tls(Box<TlsStream<TcpStream>>),
}

/// Forwards a call to the transport.
macro_rules! of_carrier {
    ($stream:expr, $carrier:ident => $call:expr) => {
        match $stream {
            Stream::Tcp($carrier) => $call,
            #[cfg(unix)]
            Stream::Unix($carrier) => $call,
            Stream::Tls($carrier) => $call,
        }
    };
}

impl AsyncRead for Stream {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        of_carrier!(self.get_mut(), carrier => Pin::new(carrier).poll_read(context, buffer))
    }
}

impl AsyncWrite for Stream {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        of_carrier!(self.get_mut(), carrier => Pin::new(carrier).poll_write(context, bytes))
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        of_carrier!(self.get_mut(), carrier => Pin::new(carrier).poll_write_vectored(context, slices))
    }

    fn is_write_vectored(&self) -> bool {
        of_carrier!(self, carrier => carrier.is_write_vectored())
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        of_carrier!(self.get_mut(), carrier => Pin::new(carrier).poll_flush(context))
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        of_carrier!(self.get_mut(), carrier => Pin::new(carrier).poll_shutdown(context))
    }
}
