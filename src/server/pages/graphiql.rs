//! GraphiQL at `/`. With the feature `bundled-graphiql` it is in the binary itself, and no request goes to another host.
//!
//! `build.rs` bundles `ui/` and puts the gzipped files into a table. A build without them serves a page of
//! the same look that loads GraphiQL from a public host, each file pinned by its hash.

use std::io::{self, Read};

use actix_web::http::header::{self, ContentEncoding};
use actix_web::{HttpRequest, HttpResponse, Resource, guard, web};
use flate2::read::GzDecoder;

use crate::server::http::compression;

include!(concat!(env!("OUT_DIR"), "/graphiql_assets.rs"));

/// Name of the page in the table of files.
const PAGE: &str = "index.html";

/// Files of the fallback page, for an empty table.
const FALLBACK: &[(&str, &str, &str)] = &[
    (PAGE, "text/html; charset=utf-8", include_str!("../../../ui/fallback/index.html")),
    ("start.js", "text/javascript; charset=utf-8", include_str!("../../../ui/fallback/start.js")),
    ("endpoint.js", "text/javascript; charset=utf-8", include_str!("../../../ui/src/endpoint.js")),
    ("examples.js", "text/javascript; charset=utf-8", include_str!("../../../ui/src/examples.js")),
    ("page.css", "text/css; charset=utf-8", include_str!("../../../ui/src/page.css")),
];

/// Content security policy of the bundled page: own scripts and workers, and connections to this service
/// (WebSocket included).
///
/// Inline styles are allowed because the editor writes style elements at run time; inline scripts are not.
/// Fonts and icons are in the style sheet as `data:`.
const POLICY: &str = "default-src 'none'; script-src 'self'; worker-src 'self'; connect-src 'self'; \
    style-src 'self' 'unsafe-inline'; img-src 'self' data:; font-src 'self' data:; \
    base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// Content security policy of the fallback page, which needs its public host.
const FALLBACK_POLICY: &str = "default-src 'none'; script-src 'self' https://unpkg.com; connect-src 'self'; \
    style-src 'self' https://unpkg.com 'unsafe-inline'; img-src 'self' data:; font-src 'self' data:; \
    base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// Caching of the page: its address never changes, but a new binary may serve another page there.
const ASK_AGAIN: &str = "no-cache";

/// Caching of files whose name contains the hash of their content.
const FOR_EVER: &str = "public, max-age=31536000, immutable";

/// Returns the resources of the page, which is at `/`, and of its files below `/graphiql/`.
///
/// The page's links are relative to its address, so that it can be mounted below any prefix. The third resource
/// is the prefix without its slash; at the root of an application no path reaches it.
pub(in crate::server) fn resources() -> [Resource; 3] {
    let read = || web::route().guard(guard::Any(guard::Get()).or(guard::Head()));
    [
        web::resource("/").route(read().to(page)),
        web::resource("/graphiql/{file}").route(read().to(file)),
        web::resource("").route(read().to(add_slash)),
    ]
}

async fn page(request: HttpRequest) -> io::Result<HttpResponse> {
    serve(&request, PAGE, ASK_AGAIN)
}

async fn file(request: HttpRequest) -> io::Result<HttpResponse> {
    // By its name, because the prefix may have segments of its own.
    match request.match_info().query("file") {
        // The page's links are relative to `/`.
        PAGE => Ok(HttpResponse::NotFound().finish()),
        name if ASSETS.is_empty() => serve(&request, name, ASK_AGAIN),
        name => serve(&request, name, FOR_EVER),
    }
}

/// Redirects to the same address with a slash. The target is relative, because a proxy may have removed a part of the path.
pub(super) async fn add_slash(request: HttpRequest) -> HttpResponse {
    let name = request.path().rsplit('/').next().unwrap_or_default();
    let target = match request.query_string() {
        "" => format!("./{name}/"),
        query => format!("./{name}/?{query}"),
    };
    HttpResponse::TemporaryRedirect().insert_header((header::LOCATION, target)).finish()
}

fn serve(request: &HttpRequest, name: &str, caching: &'static str) -> io::Result<HttpResponse> {
    let mut response = HttpResponse::Ok();
    response
        .insert_header((header::CACHE_CONTROL, caching))
        // Set on every file: a worker obeys the policy of its own script instead of the page's.
        .insert_header((
            header::CONTENT_SECURITY_POLICY,
            if ASSETS.is_empty() { FALLBACK_POLICY } else { POLICY },
        ));

    if let Some(&(_, kind, gzipped)) = ASSETS.iter().find(|asset| asset.0 == name) {
        response.content_type(kind).insert_header((header::VARY, "Accept-Encoding"));
        if compression::preferred(request, &[ContentEncoding::Gzip]) == ContentEncoding::Gzip {
            return Ok(response
                .insert_header((header::CONTENT_ENCODING, ContentEncoding::Gzip))
                .body(gzipped));
        }
        let mut plain = Vec::new();
        GzDecoder::new(gzipped).read_to_end(&mut plain)?;
        return Ok(response.body(plain));
    }
    match FALLBACK.iter().find(|asset| ASSETS.is_empty() && asset.0 == name) {
        Some(&(_, kind, text)) => Ok(response.content_type(kind).body(text)),
        None => Ok(HttpResponse::NotFound().finish()),
    }
}

#[cfg(test)]
mod tests {
    use actix_web::{
        App, Scope,
        body::to_bytes,
        http::{StatusCode, header::HeaderMap},
        test::{TestRequest, call_service, init_service},
    };

    use super::*;

    async fn get(path: &str, accept_encoding: &str) -> (StatusCode, HeaderMap, Vec<u8>) {
        let app = resources().into_iter().fold(App::new(), App::service);
        let mounted = resources().into_iter().fold(web::scope("/{tenant}/api"), Scope::service);
        let app = init_service(app.service(mounted)).await;
        let request = TestRequest::get().uri(path).insert_header((header::ACCEPT_ENCODING, accept_encoding));
        let response = call_service(&app, request.to_request()).await;
        let (status, headers) = (response.status(), response.headers().clone());
        let body = to_bytes(response.into_body()).await.map(Vec::from).unwrap_or_default();
        (status, headers, body)
    }

    fn value<'a>(headers: &'a HeaderMap, name: &header::HeaderName) -> &'a str {
        headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    /// Returns the quoted values after `name=`.
    fn attributes<'a>(page: &'a str, name: &'a str) -> impl Iterator<Item = &'a str> {
        page.split(name).skip(1).filter_map(|rest| rest.strip_prefix("=\"")?.split('"').next())
    }

    #[actix_web::test]
    async fn the_page_comes_with_a_policy_that_its_own_markup_obeys() {
        let (status, headers, body) = get("/", "identity").await;
        let page = String::from_utf8_lossy(&body);

        assert_eq!(status, StatusCode::OK);
        assert_eq!(value(&headers, &header::CONTENT_TYPE), "text/html; charset=utf-8");
        assert_eq!(value(&headers, &header::CACHE_CONTROL), "no-cache");
        let policy = value(&headers, &header::CONTENT_SECURITY_POLICY);
        let scripts =
            policy.split("; ").find(|part| part.starts_with("script-src")).unwrap_or("'unsafe-inline'");
        assert!(!scripts.contains("unsafe"), "{policy}");
        assert!(page.contains("<title>Crowsfoot</title>"));
        assert_eq!(
            page.matches("<script").count(),
            attributes(&page, " src").count(),
            "a script in the page: {page}"
        );
        assert!(!page.contains("{{"), "a place that was not filled: {page}");
    }

    #[actix_web::test]
    async fn every_file_that_the_page_names_is_served_or_pinned() {
        let (_, _, body) = get("/", "identity").await;
        let page = String::from_utf8_lossy(&body);
        let names = attributes(&page, " src").chain(attributes(&page, " href"));
        let (elsewhere, ours): (Vec<_>, Vec<_>) =
            names.filter(|name| !name.starts_with("data:")).partition(|name| name.starts_with("https:"));

        assert!(!ours.is_empty());
        for name in ours {
            let (status, headers, body) = get(&format!("/{name}"), "identity").await;
            assert_eq!(status, StatusCode::OK, "{name}");
            assert_eq!(value(&headers, &header::CONTENT_ENCODING), "", "{name}");
            assert!(!body.is_empty(), "{name}");
        }
        assert_eq!(elsewhere.is_empty(), !ASSETS.is_empty(), "{elsewhere:?}");
        assert_eq!(elsewhere.len(), attributes(&page, " integrity").count());
    }

    #[actix_web::test]
    async fn serves_bundled_files_gzipped_and_immutable() {
        for &(name, kind, gzipped) in ASSETS.iter().filter(|asset| asset.0 != PAGE) {
            let (status, headers, body) = get(&format!("/graphiql/{name}"), "br, gzip").await;
            assert_eq!(status, StatusCode::OK, "{name}");
            assert_eq!(value(&headers, &header::CONTENT_TYPE), kind);
            assert_eq!(value(&headers, &header::CONTENT_ENCODING), "gzip");
            assert_eq!(value(&headers, &header::VARY), "Accept-Encoding");
            assert!(value(&headers, &header::CACHE_CONTROL).contains("immutable"));
            assert_eq!(body, gzipped, "{name}");
        }
    }

    #[actix_web::test]
    async fn the_page_works_below_a_prefix() {
        let (status, _, body) = get("/shop/api/", "identity").await;
        assert_eq!(status, StatusCode::OK);
        let page = String::from_utf8_lossy(&body);
        let names = attributes(&page, " src").chain(attributes(&page, " href"));
        let ours: Vec<_> =
            names.filter(|name| !name.starts_with("data:") && !name.starts_with("https:")).collect();
        assert!(!ours.is_empty());
        for name in ours {
            assert_eq!(get(&format!("/shop/api/{name}"), "identity").await.0, StatusCode::OK, "{name}");
        }
        for (path, target) in [("/shop/api", "./api/"), ("/shop/api?query=%7Ba%7D", "./api/?query=%7Ba%7D")] {
            let (status, headers, _) = get(path, "identity").await;
            assert_eq!(status, StatusCode::TEMPORARY_REDIRECT, "{path}");
            assert_eq!(value(&headers, &header::LOCATION), target, "{path}");
        }
    }

    #[actix_web::test]
    async fn unknown_files_are_not_found() {
        for path in ["/graphiql/", "/graphiql/none.js", "/graphiql/index.html", "/graphiql/..%2Findex.html"] {
            assert_eq!(get(path, "gzip").await.0, StatusCode::NOT_FOUND, "{path}");
        }
    }
}
