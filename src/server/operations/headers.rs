//! Security headers of every response.

use actix_web::http::header::{
    CONTENT_SECURITY_POLICY, HeaderMap, HeaderName, HeaderValue, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
};

/// Content security policy of responses that are not pages: loads nothing, cannot be framed. A page sets its
/// own policy.
const NO_PAGE: HeaderValue = HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'");

const ALWAYS: [(HeaderName, HeaderValue); 4] = [
    // The declared content type is binding; browsers must not guess.
    (X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    // The address may contain a query.
    (REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
    // No foreign page may embed a response as an image or a script. Listed origins use CORS, which this
    // header does not affect.
    (HeaderName::from_static("cross-origin-resource-policy"), HeaderValue::from_static("same-origin")),
    // No foreign page keeps a handle on the window that GraphiQL opens in.
    (HeaderName::from_static("cross-origin-opener-policy"), HeaderValue::from_static("same-origin")),
];

/// Adds the headers. No earlier code sets any of [`ALWAYS`], and appending takes half as long as replacing.
pub(super) fn protect(headers: &mut HeaderMap) {
    for (name, value) in ALWAYS {
        headers.append(name, value);
    }
    if !headers.contains_key(CONTENT_SECURITY_POLICY) {
        headers.append(CONTENT_SECURITY_POLICY, NO_PAGE);
    }
}
