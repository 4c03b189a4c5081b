//! Request scope: id, span, response headers and log line of every request.

use std::rc::Rc;
use std::time::Instant;

use actix_http::ConnectionType;
use actix_web::Error;
use actix_web::dev::{Service, ServiceRequest, ServiceResponse, Transform, forward_ready};
use actix_web::http::StatusCode;
use futures_util::future::{LocalBoxFuture, Ready, ready};
use tracing::Instrument;
use tracing::field::Empty;

use super::headers;
use super::operation_record::RequestRecord;
use super::recorder::{Recorder, log_path};
use super::request_id::{self, RequestId};
use super::request_log::REQUEST_SPAN;
use crate::server::realtime::shutdown::Drain;

/// Middleware of the request scope. It is one middleware and not `from_fn`, because each future of each
/// request takes an allocation. Requests count references to the state within their worker: its own parts are shared by
/// all workers.
#[derive(Clone)]
pub(in crate::server) struct RequestScope(Rc<ScopeState>);

struct ScopeState {
    recorder: Recorder,
    drain: Drain,
}

impl RequestScope {
    /// Creates the scope of a worker's requests.
    pub(in crate::server) fn new(recorder: Recorder, drain: Drain) -> Self {
        Self(Rc::new(ScopeState { recorder, drain }))
    }
}

/// Routes of a worker inside their request scope.
pub(in crate::server) struct ScopedRoutes<S> {
    routes: S,
    state: Rc<ScopeState>,
}

impl<S, B> Transform<S, ServiceRequest> for RequestScope
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error>,
    S::Future: 'static,
{
    type Response = ServiceResponse<B>;
    type Error = Error;
    type Transform = ScopedRoutes<S>;
    type InitError = ();
    type Future = Ready<Result<ScopedRoutes<S>, ()>>;

    fn new_transform(&self, routes: S) -> Self::Future {
        ready(Ok(ScopedRoutes { routes, state: self.0.clone() }))
    }
}

impl<S, B> Service<ServiceRequest> for ScopedRoutes<S>
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error>,
    S::Future: 'static,
{
    type Response = ServiceResponse<B>;
    type Error = Error;
    type Future = LocalBoxFuture<'static, Result<ServiceResponse<B>, Error>>;

    forward_ready!(routes);

    fn call(&self, request: ServiceRequest) -> Self::Future {
        let id = RequestId::of(&request);
        // Of a level that logs leave out by default: log lines name the request themselves, since a span costs as much as a line.
        let span = tracing::debug_span!(
            target: REQUEST_SPAN,
            "request",
            %id,
            method = %request.method(),
            path = log_path(request.path()),
            otel.kind = Empty
        );
        #[cfg(feature = "opentelemetry")]
        super::traces::adopt(&span, request.headers());
        let header = id.to_header();
        RequestRecord::begin(&request, id);
        let started = Instant::now();
        let answer = self.routes.call(request).instrument(span.clone());
        let state = self.state.clone();
        Box::pin(async move {
            let mut response = answer.await?;
            headers::protect(response.headers_mut());
            response.headers_mut().append(request_id::HEADER, header?);
            // An answer that switches to a socket keeps its connection.
            if state.drain.has_begun() && response.status() != StatusCode::SWITCHING_PROTOCOLS {
                response.response_mut().head_mut().set_connection_type(ConnectionType::Close);
            }
            span.in_scope(|| {
                let recorder = &state.recorder;
                let elapsed = started.elapsed();
                recorder.metrics.count_response(response.status());
                if let Some(record) = RequestRecord::end(response.request()) {
                    recorder.record_request(&record, response.request(), response.status(), elapsed);
                }
            });
            Ok(response)
        })
    }
}
