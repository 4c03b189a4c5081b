//! Malicious documents: each is answered soon, with the limit that it exceeds, and the service keeps running.

use std::time::{Duration, Instant};

use serde_json::{Value as Json, json};

use crate::process::{Folder, Service, within};

/// Far more time than a response needs, and far less than these documents took without a guard.
const SOON: Duration = Duration::from_secs(20);

/// Returns the extensions of a refusal.
fn complex(of: &str, limit: u64, asked: u64) -> Json {
    json!({ "code": "TOO_COMPLEX", "of": of, "limit": limit, "asked": asked })
}

fn deep(asked: u64) -> Json {
    json!({ "code": "TOO_DEEP", "of": "depth", "limit": 50, "asked": asked })
}

fn numbered(count: usize, one: impl Fn(usize) -> String) -> String {
    (0..count).map(one).collect()
}

/// Builds fragments that each spread the next one `times`, below a field `head`.
fn multiplying(head: &str, on: &str, levels: usize, times: usize) -> String {
    let fragment = |level: usize| {
        let spreads = format!("...f{} ", level + 1).repeat(times);
        format!("fragment f{level} on {on} {{ {spreads} }} ")
    };
    format!("{head} {} fragment f{levels} on {on} {{ __typename }}", numbered(levels, fragment))
}

async fn ask_soon(service: &Service<'_>, request: &Json) -> (Json, usize) {
    let begun = Instant::now();
    let response = within(service.post("/graphql").json(request).send()).await.unwrap();
    let text = within(response.text()).await.unwrap();
    assert!(begun.elapsed() < SOON, "{:?} for {:.200}", begun.elapsed(), request.to_string());
    (serde_json::from_str(&text).unwrap_or_else(|_| panic!("{text:.500}")), text.len())
}

async fn assert_alive(service: &Service<'_>) {
    let answer = service.ask("{ author(id: 1) { id } }").await;
    assert_eq!(answer, json!({ "data": { "author": { "id": 1 } } }));
}

fn refused_documents() -> Vec<(String, Json)> {
    let fit = |text: &str, bytes: usize| text.repeat(bytes / text.len());
    vec![
        (multiplying("{ authors { ...f0 } }", "Author", 20, 2), complex("selections", 10_000, 3_145_728)),
        (multiplying("{ authors { ...f0 } }", "Author", 45, 10), complex("selections", 10_000, u64::MAX)),
        (multiplying("{ ...f0 }", "Query", 20, 2), complex("rootFields", 300, 1 << 20)),
        (multiplying("{ author(id: 1) { id } }", "Author", 20, 2), complex("selections", 10_000, 3_145_726)),
        (fit("{a", 200_000), deep(100_000)),
        (format!("{{ a(b: {}{}) }}", "[".repeat(100_000), "]".repeat(100_000)), deep(100_002)),
        (format!("{{ a(b: {}1{}) }}", "{c:".repeat(50_000), "}".repeat(50_000)), deep(50_002)),
        (format!("query($v: {}Int{}) {{ a }}", "[".repeat(90_000), "]".repeat(90_000)), deep(90_001)),
        (multiplying("{ authors { ...f0 } }", "Author", 2_000, 1), deep(2_003)),
        (fit("x", 300_000), complex("bytes", 262_144, 300_000)),
        (format!("{{ {} }}", "a".repeat(200_000)), complex("nameBytes", 256, 200_000)),
        (format!("{{ {} }}", "a ".repeat(100_000)), complex("tokens", 20_000, 100_002)),
        (format!("{{ a(b: [{}]) }}", "0 ".repeat(100_000)), complex("tokens", 20_000, 100_009)),
        (format!("{{ {} }}", "a:id ".repeat(50_000)), complex("tokens", 20_000, 150_002)),
        (format!("{{ authors {{ {} }} }}", "a:id ".repeat(5_000)), complex("aliases", 1_000, 5_000)),
        (
            format!("{{ authors {{ {} }} }}", numbered(1_001, |at| format!("a{at}: id "))),
            complex("aliases", 1_000, 1_001),
        ),
        (
            format!("{{ {} }}", numbered(301, |at| format!("a{at}: author(id: 1) {{ id }} "))),
            complex("rootFields", 300, 301),
        ),
        (
            format!("{{ authors {{ id {} }} }}", "@include(if:true)".repeat(2_000)),
            complex("directives", 1_000, 2_000),
        ),
        (format!("{{ authors {{ id {} }} }}", "@a".repeat(100_000)), complex("tokens", 20_000, 200_006)),
        (numbered(3_000, |at| format!("query q{at}{{b}}")), complex("operations", 100, 3_000)),
        (
            format!("query({}) {{ a }}", numbered(4_000, |at| format!("$v{at}:Int"))),
            complex("variables", 500, 4_000),
        ),
    ]
}

#[tokio::test]
async fn documents_made_to_hurt_are_refused_by_the_limit_they_pass() {
    let folder = Folder::new();
    let service = Service::start(&folder, &[]).await;
    for (document, extensions) in refused_documents() {
        let (answer, _) = ask_soon(&service, &json!({ "query": document })).await;
        assert_eq!(answer["errors"][0]["extensions"], extensions, "{document:.200}");
        assert_eq!(answer["errors"].as_array().map(Vec::len), Some(1));
        assert_eq!(answer.get("data"), None);
        let told = answer["errors"][0]["message"].as_str().unwrap();
        assert!(told.contains(&extensions["asked"].to_string()), "{told}");
        assert!(told.ends_with(&format!("the limit is {}", extensions["limit"])), "{told}");
        assert_alive(&service).await;
    }
    assert_eq!(service.stop().await.code, Some(0));
}

#[tokio::test]
async fn documents_that_keep_a_parser_or_validation_busy_are_answered_soon_and_briefly() {
    let folder = Folder::new();
    let service = Service::start(&folder, &[]).await;
    let parse = "GRAPHQL_PARSE_FAILED";
    let validation = "GRAPHQL_VALIDATION_FAILED";
    for (document, code) in [
        (format!("{{ a(b: [\"\"\" {}]) }}", "x\\\"\"\"\"\"".repeat(30_000)), parse),
        (format!("{{ a(b: \"{}\") ?", "x".repeat(200_000)), parse),
        (format!("{{ a {} ", "#\n".repeat(100_000)), parse),
        (format!("{{ a(b: [{}", "\"\\\" ".repeat(4_000)), parse),
        (format!("{{ a(b: {}e999) }}", "9".repeat(200_000)), validation),
        (format!("{{ {} }}", numbered(300, |at| format!("{}{at} ", "b".repeat(250)))), validation),
        (format!("{{ authors {{ {} }} }}", "nothing ".repeat(9_000)), validation),
        (
            format!("{{ authors {{ {} }} }}", numbered(5_000, |at| format!("{}{at} ", "postz".repeat(5)))),
            validation,
        ),
        (
            format!("{{ authors {{ {} }} }}", numbered(450, |at| format!("a{}:id b:name{at} ", at % 2))),
            validation,
        ),
        (format!("{{ authors({}) {{ id }} }}", numbered(4_000, |at| format!("x{at}:1 "))), validation),
        (
            format!("{{ authors(where: {{ {} }}) {{ id }} }}", numbered(4_000, |at| format!("x{at}:1 "))),
            validation,
        ),
        (
            "{ authors { ...a } } fragment a on Author { ...b } fragment b on Author { ...a }".to_owned(),
            validation,
        ),
        (format!("{{ authors {{ {} }} }}", "... { id }".repeat(2_000)), ""),
        (format!("{{ authors {{ id {} }} }}", "#{[(\n".repeat(50_000)), ""),
        (
            format!(
                "{{ authors(where: {{ name: {{ eq: \"\"\"{}\"\"\" }} }}) {{ id }} }}",
                "{[(\"日\n".repeat(20_000)
            ),
            "",
        ),
        (format!("\u{feff}{{ authors {{ id {} }} }}", "\u{feff},\t\r\n".repeat(20_000)), ""),
    ] {
        let (answer, bytes) = ask_soon(&service, &json!({ "query": document })).await;
        if code.is_empty() {
            assert_eq!(answer.get("errors"), None, "{document:.200}");
        } else {
            assert_eq!(answer["errors"][0]["extensions"]["code"], code, "{document:.200}\n{answer:.1000}");
            assert!(bytes < 200_000, "{bytes} for {document:.200}");
        }
        assert_alive(&service).await;
    }
    assert_eq!(service.stop().await.code, Some(0));
}

/// Each level of nesting costs stack in every part of the service.
#[tokio::test]
async fn answers_documents_at_the_limits() {
    let folder = Folder::new();
    let service = Service::start(&folder, &["--max-depth", "64"]).await;
    // From an author to one of its posts and back.
    let round = "posts(limit: 1) { author { ";
    let there = format!("{{ author(id: 1) {{ {} id {} }} }}", round.repeat(31), "} }".repeat(31));
    let (answer, _) = ask_soon(&service, &json!({ "query": there })).await;
    assert_eq!(answer.get("errors"), None, "{answer}");

    let not = format!(
        "{{ authors(where: {}{}) {{ id }} }}",
        "{ not: ".repeat(59),
        "{}".to_owned() + &"}".repeat(59)
    );
    let (answer, _) = ask_soon(&service, &json!({ "query": not })).await;
    assert_eq!(answer.get("errors"), None, "{answer}");

    let chain = |at: usize| format!("fragment f{at} on Author {{ ...f{} }} ", at + 1);
    let chain = format!("{{ authors {{ ...f0 }} }} {} fragment f61 on Author {{ id }}", numbered(61, chain));
    let (answer, _) = ask_soon(&service, &json!({ "query": chain })).await;
    assert_eq!(answer.get("errors"), None, "{answer}");

    let query = "query ($where: AuthorFilter) { authors(where: $where) { id } }";
    for (levels, code) in [(63, Json::Null), (64, json!("TOO_DEEP")), (100, json!("TOO_DEEP"))] {
        let filter = (0..levels).fold(json!({}), |filter, _| json!({ "not": filter }));
        let request = json!({ "query": query, "variables": { "where": filter } });
        let (answer, _) = ask_soon(&service, &request).await;
        assert_eq!(answer["errors"][0]["extensions"]["code"], code, "{levels}: {answer}");
    }
    assert_alive(&service).await;

    let many = format!("{{ {} }}", numbered(300, |at| format!("a{at}: author(id: 1) {{ id }} ")));
    let (answer, _) = ask_soon(&service, &json!({ "query": many })).await;
    assert_eq!(answer["data"]["a299"]["id"], 1, "{answer:.500}");
    assert_eq!(service.stop().await.code, Some(0));
}

#[tokio::test]
async fn the_introspection_of_graphiql_relay_and_code_generators_passes() {
    let folder = Folder::new();
    let service = Service::start(&folder, &[]).await;
    for (query, is_answered) in [
        // Printed by graphql-js: the variants of Relay's tools, of GraphiQL, and of code generators.
        (include_str!("introspection/graphql-14.graphql"), true),
        (include_str!("introspection/graphql-16.graphql"), true),
        (include_str!("introspection/graphql-16-with-all-options.graphql"), true),
        // Queries fields that only a draft of the specification has.
        (include_str!("introspection/graphql-17-with-all-options.graphql"), false),
    ] {
        let (answer, _) = ask_soon(&service, &json!({ "query": query })).await;
        if is_answered {
            assert_eq!(answer.get("errors"), None, "{:.500}", answer["errors"].to_string());
            assert!(answer["data"]["__schema"]["types"].as_array().is_some_and(|types| types.len() > 50));
        } else {
            assert_eq!(
                answer["errors"][0]["extensions"]["code"], "GRAPHQL_VALIDATION_FAILED",
                "{answer:.1000}"
            );
        }
    }
    service.stop().await;
}

#[tokio::test]
async fn every_limit_is_a_setting() {
    for (limit, of, code) in [
        ("--max-bytes", "bytes", "TOO_COMPLEX"),
        ("--max-tokens", "tokens", "TOO_COMPLEX"),
        ("--max-name-bytes", "nameBytes", "TOO_COMPLEX"),
        ("--max-depth", "depth", "TOO_DEEP"),
        ("--max-aliases", "aliases", "TOO_COMPLEX"),
        ("--max-root-fields", "rootFields", "TOO_COMPLEX"),
        ("--max-directives", "directives", "TOO_COMPLEX"),
        ("--max-operations", "operations", "TOO_COMPLEX"),
        ("--max-variables", "variables", "TOO_COMPLEX"),
        ("--max-selections", "selections", "TOO_COMPLEX"),
        ("--max-values", "values", "TOO_COMPLEX"),
        ("--max-value-bytes", "valueBytes", "TOO_COMPLEX"),
        ("--max-list-items", "listItems", "TOO_COMPLEX"),
        ("--max-cost", "cost", "TOO_COMPLEX"),
    ] {
        let folder = Folder::new();
        let service = Service::start(&folder, &[limit, "1"]).await;
        let filter = "where: { or: [{ name: { eq: \"ab\" } }, { id: { eq: 1 } }] }";
        let query = format!(
            "query A($v: Int, $w: Int) @a @b {{ x: authors({filter}) {{ id }} y: authors {{ id }} }} query B {{ authors {{ id }} }}"
        );
        let query = if of == "cost" { "{ authors { id } }" } else { &query };
        let request = json!({ "query": query });
        let (answer, _) = ask_soon(&service, &request).await;
        let extensions = &answer["errors"][0]["extensions"];
        assert_eq!(
            (&extensions["code"], &extensions["of"], &extensions["limit"]),
            (&json!(code), &json!(of), &json!(1)),
            "{answer}"
        );
        service.stop().await;
    }
}

#[tokio::test]
async fn more_rows_than_a_query_may_ask_for_are_refused_before_anything_is_sent() {
    let folder = Folder::new();
    let service = Service::start(&folder, &[]).await;
    let nested = |levels: usize, arguments: &str| {
        let round = format!("students{arguments} {{ courses{arguments} {{ ");
        format!("{{ {} id {} }}", round.repeat(levels), "} }".repeat(levels))
    };
    // Lists without limits, then limits that multiply.
    for (query, asked) in [
        (nested(6, ""), Some(11_111_111_111_100)),
        (nested(2, "(limit: 100)"), Some(101_010_100)),
        (nested(2, ""), None),
        (nested(5, "(limit: 2)"), None),
        // The greatest number is equivalent to no limit.
        (nested(2, "(limit: 2147483647)"), None),
    ] {
        let request = service.post("/graphql").header("Crowsfoot-Explain", "1");
        let answer: Json =
            request.json(&json!({ "query": query })).send().await.unwrap().json().await.unwrap();
        let statements = answer["extensions"]["explain"]["statements"].as_array().map(Vec::len);
        match asked {
            Some(asked) => {
                assert_eq!(answer["errors"][0]["extensions"], complex("cost", 10_000_000, asked), "{answer}");
                assert_eq!(statements, Some(0), "{answer}");
            }
            None => assert_eq!(answer.get("errors"), None, "{answer}"),
        }
    }
    // Reading back after a write is a query too; the write is rolled back.
    let rename = |selection: &str| {
        format!("mutation {{ updateAuthor(id: 1, input: {{ name: \"x\" }}) {{ {selection} }} }}")
    };
    let below = "posts { author { ".repeat(9) + "id" + &" } }".repeat(9);
    let answer = service.ask(&rename(&below)).await;
    assert_eq!(answer["errors"][0]["extensions"]["of"], "cost", "{answer}");
    let name = service.ask("{ author(id: 1) { name } }").await["data"]["author"]["name"].clone();
    assert_ne!(name, "x");
    service.stop().await;
}

#[tokio::test]
async fn variables_are_counted_as_what_is_written_in_a_document() {
    let folder = Folder::new();
    let service = Service::start(&folder, &["--max-body", "10000000"]).await;
    let query = "query ($w: AuthorFilter) { authors(where: $w) { id } }";
    let alternatives = |count: usize| json!({ "or": vec![json!({ "name": { "eq": "a" } }); count] });
    let all = |count: usize| json!({ "and": vec![json!({ "id": { "gt": 0 } }); count] });
    let many = format!(
        "query ($w: AuthorFilter) {{ {} }}",
        numbered(300, |at| format!("a{at}: authors(where: $w) {{ id }} "))
    );
    // Each use is a value, and so are the object and its list. Each alternative is an object with an object
    // with a value.
    let values = |count: u64| 300 * (3 + 3 * count);
    for (query, filter, extensions) in [
        (query, alternatives(4_125), None),
        (query, all(10_000), Some(complex("parameters", 8_000, 10_000))),
        (query, all(17_000), Some(complex("listItems", 10_000, 17_000))),
        (query, alternatives(10_001), Some(complex("listItems", 10_000, 10_001))),
        (&many, alternatives(1_000), Some(complex("values", 250_000, values(1_000)))),
        (
            query,
            json!({ "name": { "contains": "x".repeat(9 << 20) } }),
            Some(complex("valueBytes", 8 << 20, 9 << 20)),
        ),
    ] {
        let request = json!({ "query": query, "variables": { "w": filter } });
        let (answer, _) = ask_soon(&service, &request).await;
        match extensions {
            None => assert_eq!(answer.get("errors"), None, "{answer:.500}"),
            Some(extensions) => {
                assert_eq!(answer["errors"][0]["extensions"], extensions, "{answer:.500}");
                assert_eq!(answer.get("data"), None);
            }
        }
        assert_alive(&service).await;
    }
    assert_eq!(service.stop().await.code, Some(0));
}

#[tokio::test]
async fn json_that_nests_too_deep_is_refused_wherever_it_comes() {
    let folder = Folder::new();
    let service = Service::start(&folder, &["--max-batch", "2"]).await;
    let deep = format!("{{\"w\": {}1{}}}", "[".repeat(100_000), "]".repeat(100_000));
    let document = "{\"query\": \"{ __typename }\"";
    // Skipped values need no recursion; parsed ones are refused.
    for (body, expected) in [
        (format!("{document}, \"variables\": {deep}}}"), 400),
        (format!("{document}, \"extensions\": {deep}}}"), 200),
        (format!("{document}, \"unknown\": {deep}}}"), 200),
        (format!("[{document}, \"variables\": {deep}}}]"), 400),
        ("[".repeat(500_000), 400),
    ] {
        let request = service.post("/graphql").header("Content-Type", "application/json").body(body);
        let response = within(request.send()).await.unwrap();
        assert_eq!(response.status().as_u16(), expected);
        assert_alive(&service).await;
    }
    let deep = format!("{{\"w\": {}1{}}}", "[".repeat(2_000), "]".repeat(2_000));
    let request = service.get("/graphql").query(&[("query", "{ __typename }"), ("variables", &deep)]);
    assert_eq!(within(request.send()).await.unwrap().status().as_u16(), 400);
    assert_alive(&service).await;
    assert_eq!(service.stop().await.code, Some(0));
}

#[tokio::test]
async fn introspection_is_bounded_as_graphql_js_bounds_it_and_by_its_size() {
    let folder = Folder::new();
    let service = Service::start(&folder, &[]).await;
    let nested = |levels: usize| {
        let round = "inputFields { type { ".repeat(levels);
        format!("{{ __schema {{ types {{ {round} name {} }} }} }}", "} }".repeat(levels))
    };
    let by_fragments = "{ ...q } fragment q on Query { t: __type(name: \"Author\") { ...a } } \
        fragment a on __Type { fields { type { ...b } } } \
        fragment b on __Type { possibleTypes { interfaces { name } } }";
    for query in [&nested(9), &nested(3), by_fragments] {
        let (answer, bytes) = ask_soon(&service, &json!({ "query": query })).await;
        assert_eq!(answer["errors"][0]["message"], "Maximum introspection depth exceeded", "{answer:.500}");
        assert_eq!(answer["errors"][0]["extensions"]["code"], "GRAPHQL_VALIDATION_FAILED");
        assert!(answer["errors"][0]["locations"][0]["line"].is_u64(), "{answer}");
        assert_eq!((answer.get("data"), bytes < 1_000), (None, true));
    }
    let (answer, _) = ask_soon(&service, &json!({ "query": nested(2) })).await;
    assert_eq!(answer.get("errors"), None, "{answer:.500}");
    let many = |field: &str| format!("{{ {} }}", numbered(300, |at| format!("a{at}: {field} ")));
    for field in [
        "__schema { types { name fields { name args { name } } } }",
        "__type(name: \"Query\") { fields { name args { name type { name ofType { name } } } } }",
        "__schema { types { fields { type { name ofType { fields { name } } } } } }",
    ] {
        let (answer, _) = ask_soon(&service, &json!({ "query": many(field) })).await;
        let extensions = &answer["errors"][0]["extensions"];
        assert_eq!(
            (&extensions["code"], &extensions["of"]),
            (&json!("TOO_COMPLEX"), &json!("introspection"))
        );
        assert!(extensions["asked"].as_u64() > extensions["limit"].as_u64(), "{extensions}");
    }
    // A cached response belongs to exactly the same request.
    let of_type = "query ($name: String!) { __typename __type(name: $name) { name } }";
    for name in ["Author", "Post", "Author"] {
        let request = json!({ "query": of_type, "variables": { "name": name } });
        let (answer, _) = ask_soon(&service, &request).await;
        assert_eq!(answer, json!({ "data": { "__typename": "Query", "__type": { "name": name } } }));
    }
    let beside = "{ __type(name: \"Author\") { name } author(id: 1) { id } }";
    let (answer, _) = ask_soon(&service, &json!({ "query": beside })).await;
    assert_eq!(answer, json!({ "data": { "__type": { "name": "Author" }, "author": { "id": 1 } } }));
    assert_eq!(service.stop().await.code, Some(0));
}
