//! Address of operators: insight into the service, apart from its clients.

use reqwest::RequestBuilder;
use serde_json::{Value as Json, json};

use crate::process::{Folder, Service, within};

const SECRET: &str = "the secret of administrators";

async fn status(request: RequestBuilder) -> u16 {
    within(request.send()).await.unwrap().status().as_u16()
}

/// Returns the address that the second line of the greeting names.
async fn operations(service: &mut Service<'_>) -> String {
    let line = service.line().await;
    let address = line.strip_prefix("Metrics are at ").and_then(|rest| rest.strip_suffix("/metrics"));
    address.unwrap_or_else(|| panic!("{line}")).to_owned()
}

#[tokio::test]
async fn operators_have_an_address_of_their_own() {
    for mode in [&["--mode", "development"][..], &["--mode", "production", "--public"]] {
        let folder = Folder::new();
        let arguments = [&["--listen-operations", "127.0.0.1:0"], mode].concat();
        let mut service = Service::start(&folder, &arguments).await;
        let address = operations(&mut service).await;
        let client = reqwest::Client::new();
        for path in ["/metrics", "/model", "/healthz", "/readyz"] {
            assert_eq!(status(client.get(format!("{address}{path}"))).await, 200, "{path}");
        }
        for (path, expected) in
            [("/metrics", 404), ("/model", 404), ("/healthz", 200), ("/readyz", 200), ("/", 200)]
        {
            assert_eq!(status(service.get(path)).await, expected, "{path}");
        }
        assert_eq!(status(client.get(format!("{address}/"))).await, 404);
        let explained = async |request: RequestBuilder| -> bool {
            let request =
                request.header("crowsfoot-explain", "1").json(&json!({ "query": "{ users { id } }" }));
            let body: Json = within(request.send()).await.unwrap().json().await.unwrap();
            assert!(body["data"]["users"].is_array(), "{body}");
            body["extensions"]["explain"].is_object()
        };
        assert!(!explained(service.post("/graphql")).await);
        assert!(explained(client.post(format!("{address}/graphql"))).await);
        // Requests of both addresses are counted together.
        let page =
            within(client.get(format!("{address}/metrics")).send()).await.unwrap().text().await.unwrap();
        assert!(page.contains("crowsfoot_requests_total{operation=\"query\",outcome=\"ok\"} 2"), "{page}");
        service.stop().await;
    }
}

#[tokio::test]
async fn operations_at_the_address_of_operators_need_sign_in() {
    let folder = Folder::new();
    let options = folder.path().join("options.toml");
    std::fs::write(&options, "[roles.user.Author]\nread = \"true\"\ncolumns = [\"id\"]\n").unwrap();
    let arguments = ["--options", options.to_str().unwrap(), "--listen-operations", "127.0.0.1:0"];
    let mut service = Service::start_in(&folder, &arguments, &[("CROWSFOOT_ADMIN_SECRET", SECRET)]).await;
    let address = operations(&mut service).await;
    let client = reqwest::Client::new();
    assert_eq!(status(client.get(format!("{address}/metrics"))).await, 200);
    let query = json!({ "query": "{ authors { id } }" });
    assert_eq!(status(client.post(format!("{address}/graphql")).json(&query)).await, 401);
    assert_eq!(status(service.get("/metrics").header("crowsfoot-admin-secret", SECRET)).await, 404);
}

/// Attack 42: a caller sees its role's part of the model in development, and nothing of it in production.
#[tokio::test]
async fn the_model_shows_what_the_caller_may_see() {
    for (mode, seen) in [("development", true), ("production", false)] {
        let folder = Folder::new();
        let options = folder.path().join("options.toml");
        std::fs::write(&options, "[roles.user.Author]\nread = \"true\"\ncolumns = [\"id\"]\n").unwrap();
        let arguments = ["--options", options.to_str().unwrap(), "--mode", mode];
        let service = Service::start_in(
            &folder,
            &arguments,
            &[("CROWSFOOT_ADMIN_SECRET", SECRET), ("CROWSFOOT_TRUST_HEADERS", "the secret of a proxy")],
        )
        .await;
        let user = |path| {
            service
                .get(path)
                .header("crowsfoot-proxy-secret", "the secret of a proxy")
                .header("crowsfoot-role", "user")
        };
        let model = within(user("/model?format=mermaid").send()).await.unwrap();
        assert_eq!(model.status().is_success(), seen, "{mode}");
        let text = model.text().await.unwrap();
        assert_eq!(text.contains("Author"), seen, "{text}");
        assert!(!text.contains("User"), "{text}");
        assert_eq!(status(user("/metrics")).await, 403);
        let whole =
            within(service.get("/model?format=mermaid").header("crowsfoot-admin-secret", SECRET).send())
                .await
                .unwrap();
        assert!(whole.text().await.unwrap().contains("User"));
        assert_eq!(status(service.get("/model")).await, 401);
    }
    let folder = Folder::new();
    let service = Service::start(&folder, &["--mode", "production", "--public"]).await;
    for page in ["/model", "/metrics"] {
        assert_eq!(status(service.get(page)).await, 403, "{page}");
    }
}

#[tokio::test]
async fn each_request_is_a_line_of_the_log_unless_a_filter_leaves_them_out() {
    for (filter, lines) in
        [("info", 1), ("info,crowsfoot::requests=off", 0), ("warn,crowsfoot::requests=info", 1)]
    {
        let folder = Folder::new();
        let service = Service::start(&folder, &["--log", filter]).await;
        service.ask("query Names { users { username } }").await;
        let log = service.stop().await.log;
        let of_requests = log.lines().filter(|line| line.contains(" INFO crowsfoot::requests: answered id="));
        let of_requests: Vec<&str> = of_requests.collect();
        assert_eq!(of_requests.len(), lines, "{log}");
        for line in of_requests {
            let fields = "method=POST path=\"/graphql\" status=200 operation=\"query\" name=\"Names\" outcome=\"ok\" statements=1 rows=";
            assert!(line.contains(fields), "{line}");
        }
    }
}

#[tokio::test]
async fn lines_of_requests_name_their_spans_where_a_filter_shows_them() {
    for filter in ["debug", "info,crowsfoot::server=debug", "info,[request]=debug"] {
        let folder = Folder::new();
        let service = Service::start(&folder, &["--log", filter]).await;
        service.ask("{ users { username } }").await;
        let log = service.stop().await.log;
        let mut of_requests = log.lines().filter(|line| line.contains(" crowsfoot::requests: answered id="));
        let line = of_requests.next().expect(&log);
        assert!(line.contains(" request{id=") && of_requests.next().is_none(), "{filter}: {log}");
    }
}
