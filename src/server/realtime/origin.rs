//! Origin check of WebSocket handshakes. Browsers send no preflight for them: any page could open one in its
//! visitor's name.

use actix_web::HttpRequest;
use actix_web::http::header::{HOST, ORIGIN};

/// Returns true if the request comes from a page of this service or of `origins`, or from no page at all.
pub(super) fn is_allowed(http: &HttpRequest, origins: &[String]) -> bool {
    let Some(origin) = http.headers().get(ORIGIN) else { return true };
    let Ok(origin) = origin.to_str() else { return false };
    if origins.iter().any(|known| known.eq_ignore_ascii_case(origin)) {
        return true;
    }
    // A proxy may have terminated TLS, so schemes are not compared. Neither header names a default port.
    let host = http.headers().get(HOST).and_then(|host| host.to_str().ok());
    let own = origin.split_once("://").map(|(_, host)| host);
    matches!((own, host), (Some(own), Some(host)) if own.eq_ignore_ascii_case(host))
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    #[test]
    fn allows_own_origins_listed_origins_and_programs_only() {
        let listed = ["https://shop.example".to_owned()];
        for (origin, host, expected) in [
            ("http://127.0.0.1:8000", "127.0.0.1:8000", true),
            ("https://api.example", "API.example", true),
            ("https://shop.example", "api.example", true),
            ("http://shop.example", "api.example", false),
            ("https://shop.example.evil.example", "api.example", false),
            ("https://evil.example", "api.example", false),
            ("https://api.example:444", "api.example", false),
            ("https://api.example.evil.example", "api.example", false),
            ("null", "api.example", false),
            ("null", "null", false),
            ("", "", false),
        ] {
            let http = TestRequest::get().insert_header((ORIGIN, origin)).insert_header((HOST, host));
            assert_eq!(is_allowed(&http.to_http_request(), &listed), expected, "{origin} at {host}");
        }
        let program = TestRequest::get().insert_header((HOST, "api.example"));
        assert!(is_allowed(&program.to_http_request(), &[]));
        let without_host = TestRequest::get().insert_header((ORIGIN, "https://evil.example"));
        assert!(!is_allowed(&without_host.to_http_request(), &[]));
    }
}
