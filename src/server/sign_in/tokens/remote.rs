//! Requests of sign-in to other hosts: keys of a provider, and the webhook.

use std::net::IpAddr;
use std::time::Duration;

use actix_web::http::Uri;
use ureq::Agent;

/// Returns true for https, and for http on this host: answers that travel unprotected could be replaced.
pub(super) fn is_safe(url: &str) -> bool {
    let Ok(url) = url.parse::<Uri>() else { return false };
    let host = url.host().unwrap_or_default().trim_start_matches('[').trim_end_matches(']');
    let is_loopback = host == "localhost" || host.parse().is_ok_and(|host: IpAddr| host.is_loopback());
    match url.scheme_str() {
        Some("https") => !host.is_empty(),
        Some("http") => is_loopback,
        _ => false,
    }
}

/// Returns a client with a time limit for whole requests. It follows no redirect, which could lead anywhere.
pub(super) fn agent(time: Duration) -> Agent {
    let config = Agent::config_builder()
        .timeout_global(Some(time))
        .max_redirects(0)
        .max_redirects_will_error(true)
        .http_status_as_error(false)
        // Of the process's environment, which only the command line reads.
        .proxy(None)
        .build();
    config.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_come_from_where_nobody_can_replace_them() {
        for (url, expected) in [
            ("https://id.example/keys", true),
            ("http://127.0.0.1:8080/keys", true),
            ("http://localhost/keys", true),
            ("http://[::1]/keys", true),
            ("http://id.example/keys", false),
            ("http://127.0.0.1.id.example/keys", false),
            ("http://localhost.id.example/keys", false),
            ("http://127.0.0.1@id.example/keys", false),
            ("file:///etc/passwd", false),
            ("ftp://127.0.0.1/keys", false),
        ] {
            assert_eq!(is_safe(url), expected, "{url}");
        }
    }
}
