//! Headers that every answer carries: what a browser may do with it.

use actix_web::http::header::{
    CONTENT_SECURITY_POLICY, HeaderMap, HeaderName, HeaderValue, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
};

/// What is no page may load nothing and be framed by nobody; a page brings a policy of its own.
const NO_PAGE: HeaderValue = HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'");

const ALWAYS: [(HeaderName, HeaderValue); 4] = [
    // An answer is what it says it is, whatever it looks like.
    (X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    // A query may stand in the address.
    (REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
    // No foreign page takes an answer for a picture or a script. Those on the list of origins ask by CORS, which this
    // leaves alone.
    (HeaderName::from_static("cross-origin-resource-policy"), HeaderValue::from_static("same-origin")),
    // No foreign page keeps a hand on the window in which GraphiQL opens.
    (HeaderName::from_static("cross-origin-opener-policy"), HeaderValue::from_static("same-origin")),
];

/// Adds them. Nobody has set any of [`ALWAYS`] before, and appending takes half as long as replacing.
pub(super) fn protect(headers: &mut HeaderMap) {
    for (name, value) in ALWAYS {
        headers.append(name, value);
    }
    if !headers.contains_key(CONTENT_SECURITY_POLICY) {
        headers.append(CONTENT_SECURITY_POLICY, NO_PAGE);
    }
}
