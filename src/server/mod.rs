//! HTTP service: routes, without knowledge of rows or types.
//!
//! [`Server`] binds an address and serves. [`GraphqlService`] mounts the same routes in an actix-web application.
//!
//! Five rooms: `http` (GraphQL over HTTP), `realtime` (sockets, event streams, shutdown), `sign_in` (identity of the
//! caller), `operations` (request scope, limits, records, metrics, traces, health), `pages` (GraphiQL, entity diagram).

mod error;
mod generation;
mod http;
mod insight;
mod listen;
mod operations;
mod pages;
mod realtime;
mod service;
mod settings;
mod sign_in;
mod state;

pub use error::ServeError;
pub use http::documents::{TrustedDocuments, TrustedDocumentsError};
pub use listen::Server;
pub use operations::audit::AuditLog;
pub use operations::request_log::{LineValue, REQUEST_LOG, REQUEST_SPAN, RequestLine, RequestLog};
#[cfg(feature = "opentelemetry")]
pub use operations::traces;
pub use realtime::permits::SocketLimits;
pub use service::GraphqlService;
pub use settings::Settings;
pub use sign_in::{Identify, IdentifyError, Identity, SignIn, SignInSecret};
#[cfg(feature = "tokens")]
pub use sign_in::{Jwt, JwtAlgorithm, JwtSettings, SignInFault, Tokens, Webhook, WebhookSettings};
