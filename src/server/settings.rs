//! Settings of the HTTP service.

use std::num::NonZeroUsize;
use std::thread;
use std::time::Duration;

use super::http::documents::TrustedDocuments;
use super::realtime::permits::SocketLimits;
use super::sign_in::SignIn;

/// Settings of the HTTP service.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Address and port; port 0 takes any free port.
    pub listen: String,
    /// Threads that handle requests; by default one per core.
    pub workers: Option<usize>,
    /// True if clients may request an explanation of their response (`Crowsfoot-Explain`).
    pub development: bool,
    /// Origins whose pages may send requests and open sockets, such as `https://shop.example`. If empty, no
    /// foreign page may.
    pub cors_origins: Vec<String>,
    /// Documents that the service runs; `None` allows every document.
    pub trusted_documents: Option<TrustedDocuments>,
    /// Maximum number of requests in a batch; 0 refuses batches.
    pub largest_batch: usize,
    /// Maximum size of a request body, in bytes.
    pub largest_body: usize,
    /// Maximum number of concurrent requests; further ones are refused.
    pub most_concurrent: usize,
    /// Time limit for receiving a request, and again for answering it.
    pub time_limit: Duration,
    /// Limits of sockets and event streams.
    pub sockets: SocketLimits,
    /// Statements that take at least this long are logged; `None` logs no statement.
    pub slow_statement: Option<Duration>,
    /// Ways of sign-in. A schema with policies needs one, and a schema without policies admits none: everybody would see
    /// everything.
    pub sign_in: SignIn,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            listen: "127.0.0.1:8000".to_owned(),
            workers: None,
            development: false,
            cors_origins: Vec::new(),
            trusted_documents: None,
            largest_batch: 0,
            largest_body: 1 << 20,
            most_concurrent: 1_000,
            time_limit: Duration::from_secs(30),
            sockets: SocketLimits::default(),
            slow_statement: Some(Duration::from_millis(500)),
            sign_in: SignIn::default(),
        }
    }
}

impl Settings {
    /// Returns the number of threads that handle requests.
    pub(super) fn worker_count(&self) -> usize {
        self.workers.unwrap_or_else(|| thread::available_parallelism().map_or(1, NonZeroUsize::get))
    }
}
