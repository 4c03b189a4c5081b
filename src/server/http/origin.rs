//! Origin checks of requests that browsers send without a preflight, so that any page could send them in its visitor's name.

use actix_web::http::header::{HOST, HeaderMap, ORIGIN};

/// Returns true if the request comes from a page of this service or of `origins`, or from no page at all.
pub(in crate::server) fn is_allowed(headers: &HeaderMap, origins: &[String]) -> bool {
    let Some(origin) = headers.get(ORIGIN) else { return true };
    let Ok(origin) = origin.to_str() else { return false };
    origins.iter().any(|known| known.eq_ignore_ascii_case(origin)) || is_host(origin, headers)
}

/// Returns true if the origin is that of the request's own host.
pub(in crate::server) fn is_host(origin: &str, headers: &HeaderMap) -> bool {
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
}
