//! Response body sent in chunks.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use actix_web::body::{BodySize, MessageBody};
use actix_web::web::Bytes;

/// Size of a chunk: actix-web's buffer limit before it waits for the client.
const CHUNK_BYTES: usize = 32 << 10;

/// Streams a body in 32 KiB chunks: actix-web would copy a whole body that comes at once.
pub(super) struct ChunkedBody(pub Bytes);

impl MessageBody for ChunkedBody {
    type Error = Infallible;

    fn size(&self) -> BodySize {
        BodySize::Sized(self.0.len() as u64)
    }

    fn poll_next(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Bytes, Self::Error>>> {
        let length = self.0.len().min(CHUNK_BYTES);
        Poll::Ready((length > 0).then(|| Ok(self.0.split_to(length))))
    }

    fn try_into_bytes(self) -> Result<Bytes, Self> {
        if self.0.len() <= CHUNK_BYTES { Ok(self.0) } else { Err(self) }
    }
}
