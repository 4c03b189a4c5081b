//! Content negotiation: media types of requests and responses.

use actix_web::http::Method;
use actix_web::http::header::{ACCEPT, Accept, CONTENT_TYPE, Header, HeaderValue, Quality};
use actix_web::{HttpMessage, HttpRequest};

/// Media type of an event stream.
const EVENTS: &str = "text/event-stream";

/// Media type of a response (GraphQL over HTTP, section 4.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::server) enum Media {
    /// Newer media type, whose status reports the result of the request.
    GraphqlResponse,
    /// Older media type: 200 for every well-formed request.
    Json,
}

impl Media {
    fn essence(self) -> &'static str {
        match self {
            Self::GraphqlResponse => "application/graphql-response+json",
            Self::Json => "application/json",
        }
    }

    /// Returns the header `Content-Type` of a response.
    pub(super) fn content_type(self) -> &'static str {
        match self {
            Self::GraphqlResponse => "application/graphql-response+json; charset=utf-8",
            Self::Json => "application/json; charset=utf-8",
        }
    }
}

/// Form of the response that a request accepts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::server) enum ResponseForm {
    /// Single response.
    Single(Media),
    /// Results as events (`graphql-sse`).
    Events,
    /// No form that the service offers.
    NotAcceptable,
}

/// Returns the form that a request prefers.
///
/// If both response media types have the same quality: the newer one if the client names it; the older one
/// for `*/*`, which unaware tools send. Events if the client names them and names no response media type of
/// the same quality.
pub(super) fn response_form(http: &HttpRequest) -> ResponseForm {
    let mut headers = http.headers().get_all(ACCEPT);
    let only = headers.next().filter(|_| headers.next().is_none());
    // Fast path for the headers of most clients.
    match only.map(HeaderValue::as_bytes) {
        Some(b"application/graphql-response+json") => return ResponseForm::Single(Media::GraphqlResponse),
        Some(b"application/json" | b"*/*") => return ResponseForm::Single(Media::Json),
        _ => {}
    }
    let ranges = Accept::parse(http).unwrap_or_else(|_| Accept(Vec::new()));
    if ranges.is_empty() {
        return ResponseForm::Single(Media::Json);
    }
    let newer = quality_of(&ranges, Media::GraphqlResponse.essence());
    let older = quality_of(&ranges, Media::Json.essence());
    if let Some((quality, true)) = quality_of(&ranges, EVENTS) {
        let is_less = |(other, is_named): (Quality, bool)| other < quality || other == quality && !is_named;
        // A stream has no length that HEAD could report.
        if http.method() != Method::HEAD && [newer, older].into_iter().flatten().all(is_less) {
            return ResponseForm::Events;
        }
    }
    match (newer, older) {
        (Some(newer), Some(older)) if newer > older || newer == older && newer.1 => {
            ResponseForm::Single(Media::GraphqlResponse)
        }
        (Some(_), None) => ResponseForm::Single(Media::GraphqlResponse),
        (_, Some(_)) => ResponseForm::Single(Media::Json),
        (None, None) => ResponseForm::NotAcceptable,
    }
}

/// Returns the quality of a media type, and true if it is named: the most specific range decides (RFC 9110,
/// section 12.5.1).
fn quality_of(ranges: &Accept, media: &str) -> Option<(Quality, bool)> {
    let fitting = ranges.iter().filter_map(|range| {
        let specificity = match range.item.essence_str() {
            "*/*" => 0,
            "application/*" if media.starts_with("application/") => 1,
            named if named == media => 2,
            _ => return None,
        };
        let charset = range.item.get_param("charset");
        charset.is_none_or(|charset| charset == "utf-8").then_some((specificity, range.quality))
    });
    let (specificity, quality) = fitting.max()?;
    (quality > Quality::ZERO).then_some((quality, specificity == 2))
}

/// Returns true if the content type is JSON in UTF-8. No form of a foreign page can send it without a
/// preflight; all other types are refused, which is the defence against forged requests (CSRF).
pub(super) fn is_json(http: &HttpRequest) -> bool {
    let is_plain = |given: &HeaderValue| given.as_bytes() == Media::Json.essence().as_bytes();
    if http.headers().get(CONTENT_TYPE).is_some_and(is_plain) {
        return true;
    }
    http.mime_type().ok().flatten().is_some_and(|given| {
        given.essence_str() == Media::Json.essence()
            && given.get_param("charset").is_none_or(|charset| charset == "utf-8")
    })
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    const NEWER: ResponseForm = ResponseForm::Single(Media::GraphqlResponse);
    const OLDER: ResponseForm = ResponseForm::Single(Media::Json);

    #[test]
    fn selects_the_preferred_media_type() {
        for (accept, expected) in [
            ("", OLDER),
            ("*/*", OLDER),
            ("application/*", OLDER),
            ("application/json", OLDER),
            ("Application/JSON", OLDER),
            ("application/json; charset=utf-8", OLDER),
            ("application/json; charset=UTF-8", OLDER),
            ("application/json; charset=latin1", ResponseForm::NotAcceptable),
            ("application/graphql-response+json", NEWER),
            ("application/graphql-response+json; charset=utf-8, application/json; charset=utf-8", NEWER),
            ("application/json, application/graphql-response+json", NEWER),
            ("application/graphql-response+json, */*", NEWER),
            ("application/graphql-response+json;q=0.9, */*", OLDER),
            ("application/json, */*", OLDER),
            ("application/graphql-response+json;q=0.5, application/json;q=0.6", OLDER),
            ("application/graphql-response+json;q=0.6, application/json;q=0.5", NEWER),
            ("application/json;q=0.1, */*", NEWER),
            ("application/json;q=0, */*", NEWER),
            ("application/json;q=0, application/*;q=0.1, */*;q=0.9", NEWER),
            ("application/graphql-response+json;q=0, */*;q=0.1", OLDER),
            ("text/html, application/xhtml+xml, */*;q=0.8", OLDER),
            ("text/html", ResponseForm::NotAcceptable),
            ("text/*, image/png", ResponseForm::NotAcceptable),
            ("*/*;q=0", ResponseForm::NotAcceptable),
            ("application/json;q=0", ResponseForm::NotAcceptable),
            ("application/graphql", ResponseForm::NotAcceptable),
        ] {
            let http = TestRequest::get().insert_header((ACCEPT, accept)).to_http_request();
            assert_eq!(response_form(&http), expected, "{accept}");
        }
        assert_eq!(response_form(&TestRequest::get().to_http_request()), OLDER);
        let twice = TestRequest::get()
            .append_header((ACCEPT, "text/html"))
            .append_header((ACCEPT, "application/graphql-response+json"));
        assert_eq!(response_form(&twice.to_http_request()), NEWER);
    }

    #[test]
    fn sends_events_when_the_client_prefers_them() {
        for (accept, expected) in [
            ("text/event-stream", true),
            ("Text/Event-Stream; charset=utf-8", true),
            ("text/event-stream, multipart/mixed", true),
            ("text/event-stream, */*", true),
            ("text/event-stream, application/json;q=0.9", true),
            ("application/json, text/event-stream", false),
            ("text/event-stream;q=0.5, */*", false),
            ("text/event-stream;q=0", false),
            ("text/*", false),
            ("*/*", false),
            ("", false),
        ] {
            let http = TestRequest::get().insert_header((ACCEPT, accept)).to_http_request();
            assert_eq!(response_form(&http) == ResponseForm::Events, expected, "{accept}");
        }
        let head = TestRequest::default().method(Method::HEAD).insert_header((ACCEPT, EVENTS));
        assert_ne!(response_form(&head.to_http_request()), ResponseForm::Events);
    }

    #[test]
    fn only_json_in_utf_8_is_json() {
        for (content_type, expected) in [
            ("application/json", true),
            ("APPLICATION/json", true),
            ("application/json; charset=utf-8", true),
            ("application/json;charset=\"UTF-8\"", true),
            ("application/json; profile=x", true),
            ("application/json; charset=utf-16", false),
            ("application/json; charset=iso-8859-1", false),
            ("application/json-patch+json", false),
            ("application/graphql", false),
            ("text/plain", false),
            ("application/x-www-form-urlencoded", false),
            ("text/plain; application/json", false),
            ("multipart/form-data; boundary=application/json", false),
            ("", false),
        ] {
            let http = TestRequest::post().insert_header((CONTENT_TYPE, content_type)).to_http_request();
            assert_eq!(is_json(&http), expected, "{content_type}");
        }
        assert!(!is_json(&TestRequest::post().to_http_request()));
    }
}
