//! Ends statements whose receivers have gone.

use std::future::poll_fn;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::time::timeout;

use super::fault::Fault;
use super::inbox::{Inbox, READY_FOR_QUERY};
use super::startup::{self, PgConfig};
use super::stream::Stream;
use crate::database::settings::POSTGRES_CONNECT_TIMEOUT;

/// Pause between cancel requests, at first and at most. The server ignores a cancel request that arrives
/// before its statement.
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// Time limit of the cancel requests. Later only the server's own time limits end the statements.
const PATIENCE: Duration = Duration::from_secs(15);

/// Sends cancel requests until the server has answered every statement of a connection, and closes the
/// connection. The close rolls back an open transaction.
pub(super) async fn abandon(
    place: &PgConfig,
    (process_id, secret_key): (i32, i32),
    mut stream: Stream,
    mut inbox: Inbox,
    mut unanswered: usize,
) {
    let pursued = timeout(PATIENCE, async {
        let mut pause = FIRST_PAUSE;
        loop {
            // The request takes as long as the server, which may be unreachable.
            let asked =
                timeout(POSTGRES_CONNECT_TIMEOUT, startup::cancel(place, process_id, secret_key)).await;
            if asked.is_err() {
                place.probe.note_loss();
            }
            let answered = poll_fn(|context| drain(&mut stream, &mut inbox, &mut unanswered, context));
            if timeout(pause, answered).await.is_ok() {
                return;
            }
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    });
    if pursued.await.is_err() {
        tracing::warn!(unanswered, "the database did not end cancelled statements");
    }
}

/// Becomes ready when every statement is answered, or the connection is lost.
fn drain(
    stream: &mut Stream,
    inbox: &mut Inbox,
    unanswered: &mut usize,
    context: &mut Context<'_>,
) -> Poll<Result<(), Fault>> {
    loop {
        while let Some((tag, _)) = inbox.next()? {
            *unanswered -= usize::from(tag == READY_FOR_QUERY && *unanswered > 0);
        }
        if *unanswered == 0 {
            return Poll::Ready(Ok(()));
        }
        match inbox.poll_read(stream, context) {
            Poll::Ready(read) => read?,
            Poll::Pending => return Poll::Pending,
        }
    }
}
