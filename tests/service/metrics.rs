//! Observability: the metrics page and the log lines.

use std::collections::{BTreeMap, BTreeSet};

use actix_web::rt;
use crowsfoot::server::{Server, Settings};
use crowsfoot::{Code, Schema};
use sea_orm::{Iterable, TransactionTrait};
use serde_json::{Value as Json, json};

use crate::process::{Folder, Service, within};
use crate::support;

/// Label names with values.
type Labels = Vec<(String, String)>;

/// Page in Prometheus' text format, parsed strictly: any deviation fails.
struct Page {
    kinds: BTreeMap<String, String>,
    /// Values by name and labels, as written.
    series: BTreeMap<String, f64>,
}

impl Page {
    fn read(text: &str) -> Self {
        assert!(text.ends_with('\n') && !text.contains("\n\n") && !text.contains('\r'), "{text}");
        let mut page = Self { kinds: BTreeMap::new(), series: BTreeMap::new() };
        let mut helped = None;
        let mut family: Option<String> = None;
        for line in text.lines() {
            if let Some(rest) = line.strip_prefix("# HELP ") {
                let (name, help) = rest.split_once(' ').unwrap();
                assert!(help.ends_with('.') && !help.contains('\\'), "{line}");
                helped = Some(name.to_owned());
            } else if let Some(rest) = line.strip_prefix("# TYPE ") {
                let (name, kind) = rest.split_once(' ').unwrap();
                assert_eq!(helped.take().as_deref(), Some(name), "a type follows its help: {line}");
                assert!(["counter", "gauge", "histogram"].contains(&kind), "{line}");
                assert_eq!(kind == "counter", name.ends_with("_total"), "{line}");
                assert!(name.starts_with("crowsfoot_") || name.starts_with("process_"), "{line}");
                assert!(page.kinds.insert(name.to_owned(), kind.to_owned()).is_none(), "twice: {line}");
                family = Some(name.to_owned());
            } else {
                let (series, value) = line.rsplit_once(' ').unwrap();
                let family = family.as_deref().unwrap();
                page.sample(family, series, value.parse().unwrap());
            }
        }
        page.kinds.iter().filter(|(_, kind)| *kind == "histogram").for_each(|(name, _)| page.histogram(name));
        page
    }

    fn sample(&mut self, family: &str, series: &str, value: f64) {
        let name = series.split('{').next().unwrap();
        let is_of_family = match self.kinds[family].as_str() {
            "histogram" => ["_bucket", "_sum", "_count"].contains(&name.strip_prefix(family).unwrap()),
            _ => name == family,
        };
        assert!(is_of_family, "{series} stands under {family}");
        assert!(name.bytes().all(|letter| letter.is_ascii_lowercase() || letter == b'_'), "{series}");
        let mut names = BTreeSet::new();
        for (label, value) in labels(series) {
            assert!(label.bytes().all(|letter| letter.is_ascii_lowercase()), "{series}");
            assert!(names.insert(label.clone()), "{series}");
            assert!(!value.contains(['"', '\\']), "{series}");
        }
        assert!(value.is_finite() && value >= 0.0, "{series}");
        assert!(self.series.insert(series.to_owned(), value).is_none(), "twice: {series}");
    }

    /// Checks that buckets are cumulative up to the last, which is unbounded and counts all.
    fn histogram(&self, name: &str) {
        let mut buckets: BTreeMap<Labels, Vec<(f64, f64)>> = BTreeMap::new();
        for (series, count) in &self.series {
            if series.split('{').next() == Some(&format!("{name}_bucket")) {
                let (bound, others): (Vec<_>, Vec<_>) =
                    labels(series).into_iter().partition(|(label, _)| label == "le");
                let bound = bound[0].1.replace("+Inf", "inf").parse().unwrap();
                buckets.entry(others).or_default().push((bound, *count));
            }
        }
        assert!(!buckets.is_empty(), "{name}");
        for (labels, mut buckets) in buckets {
            buckets.sort_by(|one, other| one.0.total_cmp(&other.0));
            assert!(buckets.is_sorted_by(|one, other| one.1 <= other.1), "{name}: {buckets:?}");
            let labels: Vec<String> =
                labels.iter().map(|(label, value)| format!("{label}=\"{value}\"")).collect();
            let labels = if labels.is_empty() { String::new() } else { format!("{{{}}}", labels.join(",")) };
            let (bound, all) = buckets.last().unwrap();
            assert!(bound.is_infinite(), "{name}");
            assert_eq!(self.series[&format!("{name}_count{labels}")], *all);
            assert!(self.series.contains_key(&format!("{name}_sum{labels}")));
        }
    }

    fn value(&self, series: &str) -> f64 {
        *self.series.get(series).unwrap_or_else(|| panic!("no {series} in {:#?}", self.series))
    }
}

fn labels(series: &str) -> Labels {
    let Some((_, labels)) = series.split_once('{') else { return Vec::new() };
    let pair = |pair: &str| {
        let (label, value) = pair.split_once('=').unwrap();
        (label.to_owned(), value.strip_prefix('"').unwrap().strip_suffix('"').unwrap().to_owned())
    };
    labels.strip_suffix('}').unwrap().split(',').map(pair).collect()
}

async fn page(service: &Service<'_>) -> Page {
    let response = service.get("/metrics").send().await.unwrap();
    assert_eq!(response.status(), 200);
    assert_eq!(response.headers()["content-type"], "text/plain; version=0.0.4; charset=utf-8");
    Page::read(&response.text().await.unwrap())
}

#[tokio::test]
async fn every_series_is_there_from_the_start_and_no_client_adds_one() {
    let folder = Folder::new();
    let service = Service::start(&folder, &[]).await;
    let before = page(&service).await;
    for code in Code::iter() {
        assert_eq!(before.value(&format!("crowsfoot_errors_total{{code=\"{}\"}}", code.as_str())), 0.0);
    }
    assert_eq!(before.value("crowsfoot_sockets"), 0.0);
    assert_eq!(before.value("crowsfoot_subscriptions"), 0.0);
    assert_eq!(
        before.value(&format!("crowsfoot_build_info{{version=\"{}\"}}", env!("CARGO_PKG_VERSION"))),
        1.0
    );
    assert!(before.value("process_start_time_seconds") > 1.7e9);

    for name in ["One", "Two", "Three"] {
        service.ask(&format!("query {name} {{ users {{ id }} }}")).await;
        service.get(&format!("/{name}")).send().await.unwrap();
    }
    let after = page(&service).await;
    assert_eq!(before.series.keys().collect::<Vec<_>>(), after.series.keys().collect::<Vec<_>>());
}

#[tokio::test]
async fn requests_errors_statements_and_rows_are_counted_as_they_were() {
    for database in support::databases().await {
        let folder = Folder::new();
        let service = Service::start(&folder, &["--database-url", &database.url]).await;
        service.ask("{ users(limit: 3) { username userInfos { id } } }").await;
        service.ask("{ user(id: 1) { id } }").await;
        service.ask("mutation { deleteUser(id: 99) { id } }").await;
        service.ask("{ nothing }").await;
        service.ask("{").await;
        let form = service.post("/graphql").header("content-type", "text/plain").body("{}");
        assert_eq!(form.send().await.unwrap().status(), 415);
        assert_eq!(service.get("/nowhere").send().await.unwrap().status(), 404);

        let page = page(&service).await;
        let requests = |operation, outcome| {
            page.value(&format!(
                "crowsfoot_requests_total{{operation=\"{operation}\",outcome=\"{outcome}\"}}"
            ))
        };
        assert_eq!(requests("query", "ok"), 2.0);
        assert_eq!(requests("query", "refused"), 1.0);
        assert_eq!(requests("mutation", "failed"), 1.0);
        assert_eq!(requests("other", "refused"), 2.0);
        let errors = |code| page.value(&format!("crowsfoot_errors_total{{code=\"{code}\"}}"));
        assert_eq!(errors("NOT_FOUND"), 1.0);
        assert_eq!(errors("GRAPHQL_PARSE_FAILED"), 1.0);
        assert_eq!(errors("GRAPHQL_VALIDATION_FAILED"), 1.0);
        assert_eq!(errors("BAD_REQUEST"), 1.0);
        // Two for the list with its telephones, one for the user, one that finds no user.
        assert_eq!(page.value("crowsfoot_statements_per_request_sum"), 4.0);
        assert_eq!(page.value("crowsfoot_statements_per_request_count"), 6.0);
        assert_eq!(page.value("crowsfoot_rows_per_statement_count"), 4.0);
        assert_eq!(page.value("crowsfoot_statement_duration_seconds_count"), 4.0);
        assert_eq!(page.value("crowsfoot_rows_total"), page.value("crowsfoot_rows_per_statement_sum"));
        assert_eq!(page.value("crowsfoot_request_duration_seconds_count{operation=\"query\"}"), 3.0);
        assert_eq!(page.value("crowsfoot_http_responses_total{status=\"4xx\"}"), 2.0);
        let connections = |state| page.value(&format!("crowsfoot_pool_connections{{state=\"{state}\"}}"));
        let (idle, busy) = (connections("idle"), connections("busy"));
        // Up to eight of the pool that reads the catalog at the start, and up to eight that serve requests.
        assert!(
            (1.0..=16.0).contains(&(idle + busy)),
            "{idle} idle and {busy} busy connections: {}",
            database.url
        );
        service.stop().await;
        database.drop().await;
    }
}

#[actix_web::test]
async fn two_services_in_one_process_do_not_count_into_each_other() {
    let database = support::sqlite().await;
    database.seed(1).await;
    let settings = Settings::default().listen("127.0.0.1:0").development(true).workers(Some(1));
    let mut addresses = Vec::new();
    for _ in 0..2 {
        let schema = Schema::new(support::example::registry().model().unwrap()).unwrap();
        let server = Server::bind(schema, database.connection.clone(), &settings).unwrap();
        addresses.push(server.addresses()[0]);
        rt::spawn(server.run());
    }
    let client = reqwest::Client::new();
    let query = client.post(format!("http://{}/graphql", addresses[0]));
    assert!(query.json(&json!({ "query": "{ users { id } }" })).send().await.unwrap().status().is_success());
    for (address, expected) in addresses.iter().zip([1.0, 0.0]) {
        let page = client.get(format!("http://{address}/metrics")).send().await.unwrap();
        let page = Page::read(&page.text().await.unwrap());
        assert_eq!(page.value("crowsfoot_requests_total{operation=\"query\",outcome=\"ok\"}"), expected);
    }
}

/// Returns the "answered" log lines of a request.
fn lines(log: &str, id: &str) -> Vec<Json> {
    let lines = log.lines().filter_map(|line| serde_json::from_str::<Json>(line).ok());
    lines.filter(|line| line["fields"]["id"] == id).collect()
}

#[tokio::test]
async fn logs_one_complete_line_per_request() {
    let folder = Folder::new();
    let service = Service::start(&folder, &["--log-format", "json", "--max-batch", "2"]).await;
    let send = async |id: &str, body: Json| {
        let request = service.post("/graphql").header("x-request-id", id).json(&body);
        let response = request.send().await.unwrap();
        response.headers()["x-request-id"].to_str().unwrap().to_owned()
    };
    let query = "query Names { users(limit: 3) { username userInfos { id } } }";
    assert_eq!(send("proxy-1.a_B", json!({ "query": query })).await, "proxy-1.a_B");
    send("two", json!({ "query": "{ user(id: 1) { id } nothing }" })).await;
    send("three", json!({ "query": query, "operationName": "Na\u{1b}[31m\nmes" })).await;
    send("six", json!([{ "query": query }, { "query": "{" }])).await;
    let long = "x".repeat(200);
    send("four", json!({ "query": format!("query {long} {{ users {{ id }} }}") })).await;
    service.get("/healthz").header("x-request-id", "five").send().await.unwrap();
    // Refuses ids that could be confused with the rest of the line, or are too long.
    for id in ["a b", "a\"b", "ü", "", &"x".repeat(129)] {
        assert_ne!(send(id, json!({ "query": query })).await, id);
    }

    let log = service.stop().await.log;
    let line = |id| match lines(&log, id).as_slice() {
        [line] => line["fields"].clone(),
        lines => panic!("{id}: {lines:?}"),
    };
    let mut first = line("proxy-1.a_B");
    assert!(first["ms"].as_f64().is_some_and(|ms| ms > 0.0), "{first}");
    first["ms"].take();
    assert_eq!(
        first,
        json!({
            "message": "answered", "id": "proxy-1.a_B", "method": "POST", "path": "/graphql", "status": 200, "operation": "query", "name": "Names", "outcome": "ok",
            "statements": 2, "rows": 5, "errors": 0, "ms": null,
        })
    );
    let second = line("two");
    assert_eq!((&second["outcome"], &second["errors"]), (&json!("refused"), &json!(1)));
    assert_eq!(line("three")["outcome"], "refused");
    assert_eq!(line("four")["name"], "x".repeat(100));
    let sixth = line("six");
    let numbers = ["batch", "statements", "rows", "errors"].map(|name| sixth[name].as_u64());
    assert_eq!(numbers, [2, 2, 5, 1].map(Some), "{sixth}");
    let fifth = line("five");
    assert_eq!((&fifth["status"], fifth.get("operation")), (&json!(200), None));
    assert!(!log.contains('\u{1b}'), "{log}");
}

#[tokio::test]
async fn a_slow_statement_is_named_without_its_values() {
    let Some(database) = support::postgres().await else { return };
    let folder = Folder::new();
    let arguments = ["--database-url", &database.url, "--log-format", "json", "--slow-query-ms", "200"];
    let service = Service::start(&folder, &arguments).await;
    let lock = database.connection.begin().await.unwrap();
    sea_orm::ConnectionTrait::execute_unprepared(&lock, "LOCK TABLE user_infos IN ACCESS EXCLUSIVE MODE")
        .await
        .unwrap();
    let query = "{ users(where: { username: { ne: \"geheim\" } }) { id userInfos { id } } }";
    let request = service.post("/graphql").header("x-request-id", "slow").json(&json!({ "query": query }));
    let answer = tokio::spawn(request.send());
    tokio::time::sleep(std::time::Duration::from_millis(400)).await;
    lock.commit().await.unwrap();
    within(answer).await.unwrap().unwrap();

    let log = service.stop().await.log;
    let slow: Vec<Json> = lines(&log, "slow")
        .into_iter()
        .filter(|line| line["fields"]["message"] == "slow statement")
        .collect();
    let [slow] = slow.as_slice() else { panic!("{log}") };
    assert_eq!(slow["level"], "WARN");
    assert!(slow["fields"]["sql"].as_str().is_some_and(|sql| sql.contains("user_infos")), "{slow}");
    assert!(slow["fields"]["ms"].as_f64().is_some_and(|ms| ms >= 200.0), "{slow}");
    assert_eq!(slow["fields"]["rows"], 4, "{slow}");
    assert!(!log.contains("geheim"), "{log}");
    database.drop().await;
}
