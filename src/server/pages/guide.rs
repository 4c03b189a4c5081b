//! The guide at `/guide/`, in development: pages of `docs/guide/`, rendered from Markdown when they are requested.
//!
//! The sources are a book of mdBook too. Its output is no part of the binary: it has inline scripts, which the content
//! security policy forbids, and fonts and a search index beside the text.

use std::borrow::Cow;

use actix_web::{HttpRequest, HttpResponse, Resource, guard, http::header, web};
use pulldown_cmark::{CodeBlockKind, CowStr, Event, Options, Parser, Tag, TagEnd, html};

use super::graphiql::add_slash;

/// Lists files of the book with their content.
macro_rules! files {
    ($include:ident, $extension:literal: $($path:literal)*) => {
        &[$(($path, $include!(concat!("../../../docs/guide/src/", $path, $extension)))),*]
    };
}

/// Pages in the order of the table of contents, without their extension. The first one is at `/guide/` too.
const PAGES: &[(&str, &str)] = files! { include_str, ".md":
    "first-look"
    "relationships"
    "relationships/one-to-one"
    "relationships/foreign-key"
    "relationships/many-to-many"
    "relationships/self"
    "relationships/composite-key"
    "relationships/shared-key"
    "filters"
    "pages"
    "aggregates"
    "writing"
    "errors"
    "live"
    "clients"
    "clients/apollo"
    "clients/apollo-3"
    "clients/relay"
    "clients/urql"
    "clients/graphql-request"
    "clients/gql-tada"
    "clients/rust"
    "clients/python"
    "clients/swift-kotlin"
    "database"
    "django"
    "entities"
    "policies"
    "operation"
    "settings"
    "sqlite"
    "postgresql-url"
    "machines"
    "machines/processes"
    "machines/replicas"
    "machines/poolers"
    "machines/tenants"
    "machines/systems"
    "durability"
    "speed"
    "versions"
    "moving/postgraphile"
    "moving/hasura"
    "moving/strawberry-django"
    "moving/seaography"
};

const DRAWINGS: &[(&str, &str)] = files! { include_str, ".svg":
    "drawings/one-to-one"
    "drawings/foreign-key"
    "drawings/many-to-many"
    "drawings/self"
    "drawings/composite-key"
    "drawings/shared-key"
};

const PICTURES: &[(&str, &[u8])] = files! { include_bytes, ".png":
    "pictures/django-admin"
    "pictures/react-apollo"
    "pictures/react-relay"
};

/// Table of contents, with links relative to its own folder.
const SUMMARY: &str = include_str!("../../../docs/guide/src/SUMMARY.md");

const STYLE: &str = include_str!("guide.css");

/// Content security policy of a page: its style sheet and its drawings, no scripts.
const POLICY: &str = "default-src 'none'; style-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// Content security policy of a drawing: its own inline style.
const DRAWING_POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

const ICON: &str = "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16' fill='none' stroke='%23d60590' stroke-width='2' stroke-linecap='round'%3E%3Cpath d='M2 8h12M6 8l8-5M6 8l8 5'/%3E%3C/svg%3E";

/// Returns the resources of the guide, which is at `/guide/`, with relative links as those of GraphiQL.
pub(in crate::server) fn resources() -> [Resource; 2] {
    let read = || web::route().guard(guard::Any(guard::Get()).or(guard::Head()));
    [
        web::resource("/guide").route(read().to(add_slash)),
        web::resource("/guide/{file:.*}").route(read().to(serve)),
    ]
}

async fn serve(request: HttpRequest) -> HttpResponse {
    let Some(file) = file(request.match_info().query("file")) else {
        return HttpResponse::NotFound().finish();
    };
    HttpResponse::Ok()
        .content_type(file.kind)
        // A new binary may bring another text.
        .insert_header((header::CACHE_CONTROL, "no-cache"))
        .insert_header((header::CONTENT_SECURITY_POLICY, file.policy))
        .body(file.content.into_owned())
}

/// File of the guide, ready to send.
struct GuideFile {
    kind: &'static str,
    policy: &'static str,
    content: Cow<'static, [u8]>,
}

/// Returns the file at this path below `/guide/`, if any.
fn file(path: &str) -> Option<GuideFile> {
    let of = |kind, policy, content| Some(GuideFile { kind, policy, content });
    if path == "guide.css" {
        return of("text/css; charset=utf-8", POLICY, STYLE.as_bytes().into());
    }
    if let Some(name) = path.strip_suffix(".svg") {
        let (_, drawing) = DRAWINGS.iter().find(|(known, _)| *known == name)?;
        return of("image/svg+xml; charset=utf-8", DRAWING_POLICY, drawing.as_bytes().into());
    }
    if let Some(name) = path.strip_suffix(".png") {
        let (_, picture) = PICTURES.iter().find(|(known, _)| *known == name)?;
        return of("image/png", POLICY, (*picture).into());
    }
    let index = match path {
        "" => 0,
        path => PAGES.iter().position(|(known, _)| path.strip_suffix(".html") == Some(*known))?,
    };
    of("text/html; charset=utf-8", POLICY, page(index).into_bytes().into())
}

/// Renders a page with its frame: table of contents, and links to the pages before and after it.
fn page(index: usize) -> String {
    let (path, text) = PAGES[index];
    let root = "../".repeat(path.matches('/').count());
    let title = title(text);
    let contents = render(SUMMARY, &root, Some(path));
    let main = render(text, "", None);
    let link = |index: Option<usize>, relation: &str| {
        index.and_then(|index| PAGES.get(index)).map_or_else(String::new, |(path, text)| {
            format!("<a rel=\"{relation}\" href=\"{root}{path}.html\">{}</a>", escape(&self::title(text)))
        })
    };
    let (previous, next) = (link(index.checked_sub(1), "prev"), link(Some(index + 1), "next"));
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n<title>{title} · Crowsfoot</title>\n\
         <link rel=\"icon\" href=\"{ICON}\">\n<link rel=\"stylesheet\" href=\"{root}guide.css\">\n</head>\n<body>\n\
         <nav>\n<p><a href=\"{root}../\">GraphiQL</a> <a href=\"{root}../model\">Model</a></p>\n{contents}</nav>\n\
         <main>\n{main}<footer>{previous} {next}</footer>\n</main>\n</body>\n</html>\n",
        title = escape(&title),
    )
}

/// Returns the first heading of a page.
fn title(text: &str) -> String {
    let heading = text.lines().find_map(|line| line.strip_prefix("# "));
    heading.unwrap_or_default().to_owned()
}

/// Escapes text for HTML.
fn escape(text: &str) -> String {
    let mut escaped = String::new();
    html::push_html(&mut escaped, std::iter::once(Event::Text(text.into())));
    escaped
}

/// Renders Markdown. Links to pages get the prefix `root`; one to the page `current` is marked as such.
fn render(text: &str, root: &str, current: Option<&str>) -> String {
    let mut events: Vec<Event> = Vec::new();
    let mut is_rust = false;
    let mut heading = None;
    for event in Parser::new_ext(text, Options::ENABLE_TABLES) {
        match event {
            Event::Start(Tag::Link { link_type, dest_url, title, id }) => {
                let page = dest_url.strip_suffix(".md");
                events.push(if page.is_some() && page == current {
                    Event::InlineHtml(
                        format!("<a aria-current=\"page\" href=\"{root}{}\">", address(&dest_url)).into(),
                    )
                } else {
                    let target = address(&dest_url);
                    let is_relative = !target.contains("://") && !target.starts_with('#');
                    let dest_url: CowStr =
                        if is_relative { format!("{root}{target}").into() } else { target.into() };
                    Event::Start(Tag::Link { link_type, dest_url, title, id })
                });
            }
            Event::Start(Tag::Heading { .. }) => {
                heading = Some((events.len(), String::new()));
                events.push(event);
            }
            Event::End(TagEnd::Heading(_)) => {
                if let Some((start, text)) = heading.take()
                    && let Some(Event::Start(Tag::Heading { id, .. })) = events.get_mut(start)
                {
                    *id = Some(anchor(&text).into());
                }
                events.push(event);
            }
            Event::Start(Tag::CodeBlock(CodeBlockKind::Fenced(ref of))) => {
                is_rust = of.starts_with("rust");
                events.push(event);
            }
            Event::Text(ref text) if is_rust => events.push(Event::Text(visible(text).into())),
            Event::End(TagEnd::CodeBlock) => {
                is_rust = false;
                events.push(event);
            }
            event => {
                if let (Some((_, title)), Event::Text(text) | Event::Code(text)) = (&mut heading, &event) {
                    title.push_str(text);
                }
                events.push(event);
            }
        }
    }
    let mut rendered = String::new();
    html::push_html(&mut rendered, events.into_iter());
    rendered
}

/// Returns the address of a linked file: pages are served as HTML.
fn address(target: &str) -> String {
    let (file, anchor) =
        target.split_once('#').map_or((target, ""), |(file, _)| (file, &target[file.len()..]));
    match file.strip_suffix(".md") {
        Some(page) => format!("{page}.html{anchor}"),
        None => target.to_owned(),
    }
}

/// Returns the anchor of a heading, as mdBook and code hosts form it.
fn anchor(heading: &str) -> String {
    let lower = heading.to_lowercase();
    let letters =
        lower.chars().filter(|letter| letter.is_alphanumeric() || matches!(letter, ' ' | '-' | '_'));
    letters.map(|letter| if letter == ' ' { '-' } else { letter }).collect()
}

/// Leaves out the lines of Rust that documentation tests need and readers do not: those that begin with `# `.
fn visible(code: &str) -> String {
    let is_hidden = |line: &&str| line.starts_with("# ") || line.trim_end() == "#";
    code.split_inclusive('\n').filter(|line| !is_hidden(line)).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::Path;

    use actix_web::http::StatusCode;
    use actix_web::test::{TestRequest, call_service, init_service, read_body};
    use actix_web::{App, Scope};

    use super::*;

    /// Returns the quoted values after `name=`.
    fn attributes<'a>(page: &'a str, name: &'a str) -> impl Iterator<Item = &'a str> {
        page.split(name).skip(1).filter_map(|rest| rest.strip_prefix("=\"")?.split('"').next())
    }

    fn text(file: &GuideFile) -> String {
        String::from_utf8_lossy(&file.content).into_owned()
    }

    /// Resolves a relative address against that of a page.
    fn resolve(page: &str, target: &str) -> String {
        let mut segments: Vec<&str> = page.split('/').collect();
        segments.pop();
        for segment in target.split('/') {
            match segment {
                ".." => drop(segments.pop().expect("a link leads out of the service")),
                "." => {}
                segment => segments.push(segment),
            }
        }
        segments.join("/")
    }

    #[test]
    fn every_link_and_anchor_leads_to_a_file_of_the_guide() {
        let mut count = 0;
        for (path, _) in PAGES {
            let path = format!("/guide/{path}.html");
            let page = text(&file(&path["/guide/".len()..]).unwrap());
            for target in attributes(&page, " href").chain(attributes(&page, " src")) {
                if target.starts_with("data:")
                    || target.starts_with("https://")
                    || target.starts_with("http://")
                {
                    continue;
                }
                count += 1;
                let (target, anchor) = target.split_once('#').unwrap_or((target, ""));
                let of = if target.is_empty() { path.clone() } else { resolve(&path, target) };
                // GraphiQL and the model.
                if of == "/" || of == "/model" {
                    continue;
                }
                let linked = of.strip_prefix("/guide/").and_then(file);
                let linked =
                    linked.unwrap_or_else(|| panic!("{path} links to {target}, which is not served"));
                assert!(
                    anchor.is_empty() || text(&linked).contains(&format!("id=\"{anchor}\"")),
                    "{path} links to {target}#{anchor}, which no heading has"
                );
            }
        }
        assert!(count > 100, "{count} links were found");
    }

    #[test]
    fn the_table_of_contents_the_list_and_the_folder_have_the_same_pages() {
        let served: Vec<String> = PAGES.iter().map(|(path, _)| format!("{path}.md")).collect();
        let listed: Vec<&str> =
            SUMMARY.split("](").skip(1).map(|rest| rest.split(')').next().unwrap()).collect();
        assert_eq!(served, listed);
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/guide/src");
        let mut waiting = vec![folder.clone()];
        let mut found = BTreeSet::new();
        while let Some(folder_of) = waiting.pop() {
            for entry in std::fs::read_dir(folder_of).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    waiting.push(path);
                } else {
                    found.insert(path.strip_prefix(&folder).unwrap().display().to_string());
                }
            }
        }
        let drawings = DRAWINGS.iter().map(|(path, _)| format!("{path}.svg"));
        let pictures = PICTURES.iter().map(|(path, _)| format!("{path}.png"));
        let known = served.into_iter().chain(drawings).chain(pictures).chain(["SUMMARY.md".to_owned()]);
        assert_eq!(found, known.collect());
    }

    #[test]
    fn lines_for_tests_alone_are_not_shown() {
        let page = render(
            "```rust\n# use hidden::It;\n#[shown]\nfn f() {}\n#\n```\n\n```toml\n# shown\n```\n",
            "",
            None,
        );
        assert!(
            !page.contains("hidden")
                && page.contains("#[shown]\nfn f() {}\n</code>")
                && page.contains("# shown")
        );
    }

    #[test]
    fn links_are_relative_to_the_page() {
        let contents = render("- [A](a.md)\n- [B](b/b.md#x)\n- [C](https://c.example)\n", "../", Some("a"));
        assert!(contents.contains("<a aria-current=\"page\" href=\"../a.html\">A</a>"), "{contents}");
        assert!(contents.contains("href=\"../b/b.html#x\""), "{contents}");
        assert!(contents.contains("href=\"https://c.example\""), "{contents}");
    }

    #[actix_web::test]
    async fn pages_are_served_below_a_prefix_with_a_policy_without_scripts() {
        let mounted = resources().into_iter().fold(web::scope("/api"), Scope::service);
        let app = init_service(App::new().service(mounted)).await;
        for (path, status) in [
            ("/api/guide/", StatusCode::OK),
            ("/api/guide/relationships/self.html", StatusCode::OK),
            ("/api/guide/guide.css", StatusCode::OK),
            ("/api/guide/drawings/self.svg", StatusCode::OK),
            ("/api/guide/pictures/react-relay.png", StatusCode::OK),
            ("/api/guide", StatusCode::TEMPORARY_REDIRECT),
            ("/api/guide/self.html", StatusCode::NOT_FOUND),
            ("/api/guide/..%2FCargo.toml", StatusCode::NOT_FOUND),
        ] {
            let response = call_service(&app, TestRequest::get().uri(path).to_request()).await;
            assert_eq!(response.status(), status, "{path}");
            if status == StatusCode::OK {
                let policy = response
                    .headers()
                    .get(header::CONTENT_SECURITY_POLICY)
                    .unwrap()
                    .to_str()
                    .unwrap()
                    .to_owned();
                assert!(policy.starts_with("default-src 'none'") && !policy.contains("script"), "{policy}");
                let body = read_body(response).await;
                assert!(!String::from_utf8_lossy(&body).contains("<script"), "{path}");
            }
        }
    }
}
