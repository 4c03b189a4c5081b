//! Origin checks of requests that browsers send without a preflight, so that any page could send them in its visitor's name:
//! WebSocket handshakes, and requests with a cookie.

use actix_web::http::header::{HOST, HeaderMap, ORIGIN};

/// Relation between the page and the service, as browsers state it.
const FETCH_SITE: &str = "sec-fetch-site";

/// Returns true if the request comes from a page of this service or of `origins`, or from no page at all.
pub(in crate::server) fn is_allowed(headers: &HeaderMap, origins: &[String]) -> bool {
    let Some(origin) = headers.get(ORIGIN) else { return true };
    let Ok(origin) = origin.to_str() else { return false };
    origins.iter().any(|known| known.eq_ignore_ascii_case(origin)) || is_host(origin, headers)
}

/// Returns true if the request is known to come from a page of this service, or from the user's own navigation.
pub(in crate::server) fn is_own(headers: &HeaderMap) -> bool {
    match (headers.get(ORIGIN), headers.get(FETCH_SITE)) {
        (Some(origin), _) => origin.to_str().is_ok_and(|origin| is_host(origin, headers)),
        // A request that reads needs no `Origin`.
        (None, Some(site)) => matches!(site.as_bytes(), b"same-origin" | b"none"),
        (None, None) => false,
    }
}

/// Returns true if the origin is that of the request's own host.
fn is_host(origin: &str, headers: &HeaderMap) -> bool {
    // A proxy may have terminated TLS, so schemes are not compared. Neither header names a default port.
    let host = headers.get(HOST).and_then(|host| host.to_str().ok());
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
            assert_eq!(is_allowed(http.to_http_request().headers(), &listed), expected, "{origin} at {host}");
        }
        let program = TestRequest::get().insert_header((HOST, "api.example"));
        assert!(is_allowed(program.to_http_request().headers(), &[]));
        let without_host = TestRequest::get().insert_header((ORIGIN, "https://evil.example"));
        assert!(!is_allowed(without_host.to_http_request().headers(), &[]));
    }
    #[test]
    fn a_request_is_own_if_the_browser_says_so() {
        for (origin, site, expected) in [
            (Some("https://api.example"), None, true),
            (Some("https://api.example"), Some("cross-site"), true),
            (Some("https://evil.example"), Some("same-origin"), false),
            (Some("https://shop.api.example"), Some("same-site"), false),
            (Some("null"), None, false),
            (None, Some("same-origin"), true),
            (None, Some("none"), true),
            (None, Some("same-site"), false),
            (None, Some("cross-site"), false),
            (None, Some(""), false),
            (None, None, false),
        ] {
            let mut http = TestRequest::get().insert_header((HOST, "api.example"));
            for (name, value) in [(ORIGIN.as_str(), origin), (FETCH_SITE, site)] {
                if let Some(value) = value {
                    http = http.insert_header((name, value));
                }
            }
            let http = http.to_http_request();
            assert_eq!(is_own(http.headers()), expected, "{origin:?} {site:?}");
        }
    }
}
