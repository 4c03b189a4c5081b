//! HTTP responses: status, headers and body. No other file writes them.

use actix_http::encoding::Encoder;
use actix_web::body::BoxBody;
use actix_web::http::StatusCode;
use actix_web::http::header::{
    ALLOW, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, ContentEncoding, HeaderValue, RETRY_AFTER, VARY,
    WWW_AUTHENTICATE,
};
use actix_web::{HttpRequest, HttpResponse, HttpResponseBuilder};
use async_graphql::{ErrorExtensionValues, ServerError};

use super::chunked_body::ChunkedBody;
use super::compression;
use super::negotiation::Media;
use crate::database::TOKEN;
use crate::error::{Code, Error, LocatedError};
use crate::schema::Executed;
use crate::server::operations::operation_record::{OperationRecord, RequestRecord};
use crate::server::sign_in::SignInRefusal;

/// Header of a consistency token: of requests that bring one, and of answers to mutations.
pub(super) const CONSISTENCY: &str = "crowsfoot-consistency";

/// Maximum number of errors in a response: one document can have a hundred thousand.
const MOST_ERRORS: usize = 100;

/// Maximum length of an error message, in bytes. A message may quote the client's input, which must not come
/// back in megabytes.
const LONGEST_MESSAGE: usize = 1_000;

/// Maximum size of an error's extensions as JSON, in bytes.
const LARGEST_EXTENSIONS: usize = 4_000;

/// Minimum size of a compressed body, in bytes: a smaller one fits into one packet anyway.
const WORTH_COMPRESSING: usize = 1_024;

/// Size from which compressing in place would block the thread's other requests, in bytes.
const LONG_COMPRESSING: usize = 64 << 10;

/// Reason for not executing a request.
pub(in crate::server) struct HttpRefusal {
    errors: Vec<LocatedError>,
    status: StatusCode,
    /// True for a well-formed GraphQL request. Under `application/json` its status is 200 whatever the result
    /// (GraphQL over HTTP, section 6.4.1).
    is_well_formed: bool,
    allow: Option<&'static str>,
    /// Header `WWW-Authenticate`.
    challenge: Option<&'static str>,
}

impl HttpRefusal {
    /// Builds a refusal with this status under both media types: for requests that are not GraphQL, or that
    /// came at the wrong moment.
    pub(in crate::server) fn of(status: StatusCode, error: &Error) -> Self {
        Self {
            errors: vec![error.clone().into()],
            status,
            is_well_formed: false,
            allow: None,
            challenge: None,
        }
    }

    /// Builds a refusal of a document that cannot be executed.
    pub(super) fn of_document(error: LocatedError) -> Self {
        let status = StatusCode::BAD_REQUEST;
        Self { errors: vec![error], status, is_well_formed: true, allow: None, challenge: None }
    }

    /// Builds a refusal of a method that is not `allowed`.
    pub(super) fn of_method(allowed: &'static str, message: &str) -> Self {
        let refusal = Self::of(StatusCode::METHOD_NOT_ALLOWED, &Error::bad_request(message));
        Self { allow: Some(allowed), ..refusal }
    }

    /// Returns true if the request is well-formed and only its document is refused.
    pub(in crate::server) fn is_well_formed(&self) -> bool {
        self.is_well_formed
    }

    /// Returns the errors of the refusal.
    pub(in crate::server) fn into_errors(self) -> Vec<LocatedError> {
        self.errors
    }
}

impl From<Error> for HttpRefusal {
    fn from(error: Error) -> Self {
        let (status, is_well_formed) = match error.code() {
            // The request was not answered at all; caches and load balancers must see that.
            Code::Unavailable => (StatusCode::SERVICE_UNAVAILABLE, false),
            Code::TooManyRequests => (StatusCode::TOO_MANY_REQUESTS, false),
            Code::Timeout => (StatusCode::GATEWAY_TIMEOUT, false),
            Code::BadRequest => (StatusCode::BAD_REQUEST, false),
            Code::DocumentNotTrusted => (StatusCode::FORBIDDEN, true),
            _ => (StatusCode::BAD_REQUEST, true),
        };
        Self { is_well_formed, ..Self::of(status, &error) }
    }
}

impl From<SignInRefusal> for HttpRefusal {
    fn from(refusal: SignInRefusal) -> Self {
        Self { challenge: refusal.challenge(), ..Self::of(refusal.status(), refusal.error()) }
    }
}

/// Result of an HTTP request.
pub(in crate::server) enum HttpOutcome {
    One(Box<Executed>),
    /// Results of a batch, in order.
    Many(Vec<Result<Executed, HttpRefusal>>),
}

/// Writes the response to a request as `media`.
pub(in crate::server) fn write(
    http: &HttpRequest,
    media: Media,
    answer: Result<HttpOutcome, HttpRefusal>,
) -> HttpResponse {
    let id = || RequestRecord::id(http);
    let mut response = HttpResponse::Ok();
    let body = match answer {
        Ok(HttpOutcome::One(executed)) => {
            if let Some(token) = consistency(&executed) {
                response.insert_header((CONSISTENCY, token));
            }
            if executed.is_request_error() && media == Media::GraphqlResponse {
                response.status(StatusCode::BAD_REQUEST);
            }
            if executed.errors.is_empty() { executed.into_json() } else { body(&executed, id().as_deref()) }
        }
        Ok(HttpOutcome::Many(answers)) => {
            let id = id();
            let id = id.as_deref();
            // Each state contains those of the mutations before.
            if let Some(token) = answers.iter().flatten().filter_map(consistency).next_back() {
                response.insert_header((CONSISTENCY, token));
            }
            let bodies = answers.into_iter().map(|answer| match answer {
                Ok(executed) => body(&executed, id),
                Err(refusal) => {
                    OperationRecord::refused(&refusal.errors).attach_to(http);
                    refused(refusal.errors, id)
                }
            });
            let bodies: Vec<Vec<u8>> = bodies.collect();
            [b"[".as_slice(), &bodies.join(&b','), b"]"].concat()
        }
        Err(refusal) => {
            OperationRecord::refused(&refusal.errors).attach_to(http);
            if media == Media::GraphqlResponse || !refusal.is_well_formed {
                response.status(refusal.status);
            }
            if let Some(allowed) = refusal.allow {
                response.insert_header((ALLOW, allowed));
            }
            if let Some(challenge) = refusal.challenge {
                response.insert_header((WWW_AUTHENTICATE, challenge));
            }
            let first = refusal.errors.first();
            if let Some(seconds) = first.and_then(|located| retry_after(&located.error)) {
                response.insert_header((RETRY_AFTER, seconds));
            }
            refused(refusal.errors, id().as_deref())
        }
    };
    let mut response = send(http, response, body);
    let headers = response.headers_mut();
    headers.append(CONTENT_TYPE, HeaderValue::from_static(media.content_type()));
    // The rows are current, and possibly visible to this client only: no intermediary may store them.
    headers.append(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    // The encoder has set only a part of this header.
    headers.insert(VARY, HeaderValue::from_static("Accept, Accept-Encoding"));
    response
}

/// Returns the consistency token of an answer to a mutation.
pub(super) fn token(executed: &Executed) -> Option<&str> {
    executed.extensions.get(TOKEN)?.as_str()
}

fn consistency(executed: &Executed) -> Option<HeaderValue> {
    HeaderValue::from_str(token(executed)?).ok()
}

/// Builds the refusal of a page.
pub(in crate::server) fn refused_page(refusal: &SignInRefusal) -> HttpResponse {
    let mut response = HttpResponse::build(refusal.status());
    if let Some(challenge) = refusal.challenge() {
        response.insert_header((WWW_AUTHENTICATE, challenge));
    }
    if let Some(seconds) = retry_after(refusal.error()) {
        response.insert_header((RETRY_AFTER, seconds));
    }
    response
        .content_type("text/plain; charset=utf-8")
        .insert_header((CACHE_CONTROL, "no-store"))
        .body(format!("{}\n", refusal.error().message()))
}

/// Builds the response to OPTIONS: the allowed methods and the accepted media type.
pub(super) fn options(methods: &'static str) -> HttpResponse {
    HttpResponse::NoContent()
        .insert_header((ALLOW, methods))
        .insert_header(("accept-post", "application/json"))
        .finish()
}

/// Sets the body of a response, compressed if the client accepts an encoding and the size justifies it.
fn send(http: &HttpRequest, mut response: HttpResponseBuilder, body: Vec<u8>) -> HttpResponse {
    let encoding = match body.len() {
        ..WORTH_COMPRESSING => ContentEncoding::Identity,
        _ => compression::preferred(http, compression::ENCODINGS),
    };
    if encoding == ContentEncoding::Identity {
        return response.body(ChunkedBody(body.into()));
    }
    if body.len() < LONG_COMPRESSING
        && let Ok(compressed) = compression::compress(encoding, &body)
    {
        return response.insert_header((CONTENT_ENCODING, encoding)).body(compressed);
    }
    // Compresses each chunk when the client takes it, on a thread that may block. The first chunk is sent
    // before the rest is compressed, and the compressed whole never exists in memory.
    response
        .body(ChunkedBody(body.into()))
        .map_body(|head, body| BoxBody::new(Encoder::response(encoding, head, body)))
}

/// Serializes a response; `request` is the request id under which the log explains an internal error.
pub(in crate::server) fn body(executed: &Executed, request: Option<&str>) -> Vec<u8> {
    if executed.errors.is_empty() {
        return executed.to_json();
    }
    executed.to_json_with(&client_errors(&executed.errors, request))
}

/// Serializes the response to a refused request.
pub(in crate::server) fn refused(errors: Vec<LocatedError>, request: Option<&str>) -> Vec<u8> {
    body(&Executed { errors, ..Executed::default() }, request)
}

/// Converts errors for clients, and limits their number and size. Logs their causes here: an operation that
/// is retried never reaches this point, so its errors are not logged.
pub(in crate::server) fn client_errors(errors: &[LocatedError], request: Option<&str>) -> Vec<ServerError> {
    let kept = if errors.len() > MOST_ERRORS { MOST_ERRORS - 1 } else { errors.len() };
    let (kept, left_out) = errors.split_at(kept);
    let last = (!left_out.is_empty()).then(|| Error::too_many_errors(left_out.len()).into());
    let convert = |located: &LocatedError| {
        located.log(request);
        let mut error = located.to_server_error();
        // An error that only the log explains carries the request id.
        if let Some(id) = request.filter(|_| located.error.code() == Code::Internal) {
            error.extensions.get_or_insert_with(ErrorExtensionValues::default).set("requestId", id);
        }
        shorten(&mut error);
        error
    };
    kept.iter().chain(&last).map(convert).collect()
}

fn shorten(error: &mut ServerError) {
    if error.message.len() > LONGEST_MESSAGE {
        error.message.truncate(error.message.floor_char_boundary(LONGEST_MESSAGE));
        error.message.push('…');
    }
    let extensions = error.extensions.take().unwrap_or_default();
    let is_small = serde_json::to_vec(&extensions).is_ok_and(|json| json.len() <= LARGEST_EXTENSIONS);
    error.extensions = Some(if is_small {
        extensions
    } else {
        let mut short = ErrorExtensionValues::default();
        short.set("code", extensions.get("code").cloned().unwrap_or_default());
        short
    });
}

fn retry_after(error: &Error) -> Option<HeaderValue> {
    error.extensions().get("retryAfter")?.as_u64().map(HeaderValue::from)
}
