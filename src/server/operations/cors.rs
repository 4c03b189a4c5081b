//! Cross-origin requests (CORS): allowed for the configured origins only.

use actix_cors::Cors;
use actix_web::http::{Method, Uri};
use actix_web::middleware::Condition;

/// Seconds for which a browser may cache a preflight response.
const PREFLIGHT_SECONDS: usize = 3_600;

/// Allows cross-origin requests from these origins. Cookies are not allowed; a token in a header is.
pub(in crate::server) fn allow(origins: &[String]) -> Condition<Cors> {
    let cors = Cors::default()
        .allowed_methods([Method::GET, Method::POST])
        .allow_any_header()
        .expose_headers(["x-request-id", "retry-after", "crowsfoot-consistency"])
        .max_age(PREFLIGHT_SECONDS);
    let cors = origins.iter().fold(cors, |cors, origin| cors.allowed_origin(origin));
    Condition::new(!origins.is_empty(), cors)
}

/// Returns true for an origin as browsers send it: a scheme, a host, an optional port, and nothing after it.
pub(in crate::server) fn is_origin(text: &str) -> bool {
    text.parse::<Uri>().is_ok_and(|uri| {
        uri.scheme_str().is_some_and(|scheme| matches!(scheme, "http" | "https"))
            && uri.authority().is_some_and(|authority| {
                !authority.as_str().contains('@') && text.ends_with(authority.as_str())
            })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_has_a_scheme_a_host_and_nothing_behind() {
        for origin in ["https://shop.example", "http://localhost:3000", "http://[::1]:8000"] {
            assert!(is_origin(origin), "{origin}");
        }
        for other in [
            "*",
            "",
            "shop.example",
            "https://",
            "https://shop.example/",
            "https://a@b",
            "https://a/b",
            "null",
        ] {
            assert!(!is_origin(other), "{other}");
        }
    }
}
