//! Media types: in which one a request comes, and in which one its answer goes.

use actix_web::http::Method;
use actix_web::http::header::{
    ACCEPT, Accept, AcceptEncoding, CONTENT_TYPE, Encoding, Header, HeaderValue, Quality,
};
use actix_web::{HttpMessage, HttpRequest};

/// The media type of a stream of events.
const EVENTS: &str = "text/event-stream";

/// What an answer may be written as (GraphQL over HTTP, section 4.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Media {
    /// The media type under which the status says how the request went.
    GraphqlResponse,
    /// The older one: 200 for whatever is well-formed.
    Json,
}

impl Media {
    fn essence(self) -> &'static str {
        match self {
            Self::GraphqlResponse => "application/graphql-response+json",
            Self::Json => "application/json",
        }
    }

    /// The header `Content-Type` of such an answer.
    pub(super) fn content_type(self) -> &'static str {
        match self {
            Self::GraphqlResponse => "application/graphql-response+json; charset=utf-8",
            Self::Json => "application/json; charset=utf-8",
        }
    }
}

/// What a request wants to have for an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wanted {
    /// One answer.
    Answer(Media),
    /// Its results as events (`graphql-sse`).
    Events,
    /// Nothing that there is here.
    Nothing,
}

/// What a request likes best.
///
/// Both media types of an answer with the same quality: the newer one where it is named, as clients name it; the older one for
/// `*/*`, which is what tools send that know nothing of it. Events for those who name them, and name no answer that they like
/// as much.
pub(super) fn wanted(http: &HttpRequest) -> Wanted {
    let mut headers = http.headers().get_all(ACCEPT);
    let only = headers.next().filter(|_| headers.next().is_none());
    // What most clients say is known without being read.
    match only.map(HeaderValue::as_bytes) {
        Some(b"application/graphql-response+json") => return Wanted::Answer(Media::GraphqlResponse),
        Some(b"application/json" | b"*/*") => return Wanted::Answer(Media::Json),
        _ => {}
    }
    let ranges = Accept::parse(http).unwrap_or_else(|_| Accept(Vec::new()));
    if ranges.is_empty() {
        return Wanted::Answer(Media::Json);
    }
    let newer = liking(&ranges, Media::GraphqlResponse.essence());
    let older = liking(&ranges, Media::Json.essence());
    if let Some((quality, true)) = liking(&ranges, EVENTS) {
        let is_less = |(other, is_named): (Quality, bool)| other < quality || other == quality && !is_named;
        // A stream has no end that a HEAD could be told.
        if http.method() != Method::HEAD && [newer, older].into_iter().flatten().all(is_less) {
            return Wanted::Events;
        }
    }
    match (newer, older) {
        (Some(newer), Some(older)) if newer > older || newer == older && newer.1 => {
            Wanted::Answer(Media::GraphqlResponse)
        }
        (Some(_), None) => Wanted::Answer(Media::GraphqlResponse),
        (_, Some(_)) => Wanted::Answer(Media::Json),
        (None, None) => Wanted::Nothing,
    }
}

/// How much a media type is liked, and whether it is named: the most specific range decides (RFC 9110, section 12.5.1).
fn liking(ranges: &Accept, media: &str) -> Option<(Quality, bool)> {
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

/// Whether a body is said to be JSON in UTF-8. No form of a foreign page can say so without asking first: everything
/// else is refused, which is the defence against forged requests.
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

/// Whether an answer may be sent compressed.
pub(super) fn takes_gzip(http: &HttpRequest) -> bool {
    let supported = [Encoding::gzip(), Encoding::identity()];
    AcceptEncoding::parse(http)
        .is_ok_and(|accepted| accepted.negotiate(supported.iter()) == Some(Encoding::gzip()))
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    const NEWER: Wanted = Wanted::Answer(Media::GraphqlResponse);
    const OLDER: Wanted = Wanted::Answer(Media::Json);

    #[test]
    fn the_media_type_that_is_liked_best_is_taken() {
        for (accept, expected) in [
            ("", OLDER),
            ("*/*", OLDER),
            ("application/*", OLDER),
            ("application/json", OLDER),
            ("Application/JSON", OLDER),
            ("application/json; charset=utf-8", OLDER),
            ("application/json; charset=UTF-8", OLDER),
            ("application/json; charset=latin1", Wanted::Nothing),
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
            ("text/html", Wanted::Nothing),
            ("text/*, image/png", Wanted::Nothing),
            ("*/*;q=0", Wanted::Nothing),
            ("application/json;q=0", Wanted::Nothing),
            ("application/graphql", Wanted::Nothing),
        ] {
            let http = TestRequest::get().insert_header((ACCEPT, accept)).to_http_request();
            assert_eq!(wanted(&http), expected, "{accept}");
        }
        assert_eq!(wanted(&TestRequest::get().to_http_request()), OLDER);
        let twice = TestRequest::get()
            .append_header((ACCEPT, "text/html"))
            .append_header((ACCEPT, "application/graphql-response+json"));
        assert_eq!(wanted(&twice.to_http_request()), NEWER);
    }

    #[test]
    fn events_are_sent_to_those_who_like_them_more_than_an_answer() {
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
            assert_eq!(wanted(&http) == Wanted::Events, expected, "{accept}");
        }
        let head = TestRequest::default().method(Method::HEAD).insert_header((ACCEPT, EVENTS));
        assert_ne!(wanted(&head.to_http_request()), Wanted::Events);
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
