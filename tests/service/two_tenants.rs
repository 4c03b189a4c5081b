//! Two tenants send the same documents at the same time, while policies are reloaded and rows change.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use reqwest::RequestBuilder;
use serde_json::{Value as Json, json};

use crate::events::Events;
use crate::process::{Folder, Service, until, within};
use crate::support;

/// Number of answers on each database. Without it, [`FEW_ANSWERS`] come, or those of [`LONGEST`].
const NUMBER: &str = "CROWSFOOT_TEST_ANSWERS";
const FEW_ANSWERS: u64 = 2_500;
const LONGEST: Duration = Duration::from_secs(15);

/// Requests at a time: half of each tenant.
const CONCURRENT: usize = 64;

const TENANTS: [u64; 2] = [1, 2];

const SECRET: &str = "the secret of the proxy";

const TABLES: [&str; 6] = [
    "CREATE TABLE orgs (id INTEGER PRIMARY KEY)",
    "CREATE TABLE documents (id INTEGER PRIMARY KEY, org_id INTEGER NOT NULL REFERENCES orgs (id), \
     region INTEGER NOT NULL, title TEXT NOT NULL)",
    "CREATE TABLE comments (id INTEGER PRIMARY KEY, document_id INTEGER NOT NULL REFERENCES documents (id), \
     org_id INTEGER NOT NULL REFERENCES orgs (id), region INTEGER NOT NULL)",
    "INSERT INTO orgs VALUES (1), (2)",
    "INSERT INTO documents VALUES (1, 1, 1, 'x'), (2, 2, 1, 'x'), (3, 1, 2, 'x'), (4, 2, 2, 'x'), \
     (5, 1, 1, 'x'), (6, 2, 1, 'x'), (7, 1, 2, 'x'), (8, 2, 2, 'x')",
    "INSERT INTO comments SELECT id, id, org_id, region FROM documents",
];

/// Documents of both tenants: lists, nested lists, keys, pages, counts, filters.
const DOCUMENTS: [&str; 5] = [
    "{ documents { region org { id } } }",
    "{ orgs { id documents { region org { id } comments { region org { id } } } } }",
    "{ documentsConnection(first: 1) { totalCount nodes { region org { id } comments(limit: 1) { region } } } \
       comments { region document { region org { id } } } }",
    "{ a: document(id: 1) { region org { id } } b: document(id: 2) { region org { id } } c: document(id: 3) \
       { region org { id } } d: document(id: 4) { region org { id } } documents { region } }",
    "{ documents(where: { comments: { some: {} } }, orderBy: { commentsCount: DESC }) { region org { id } } \
       documentsAggregate { count min { region } max { region } } }",
];

const LIVE: &str = "subscription { documents { title region org { id } comments { region } } }";

/// Policies of a generation: a tenant sees its rows of one region.
fn of_region(region: u64) -> String {
    let rule =
        |name: &str, rule: &str| format!("[roles.user.{name}]\nread = \"{rule}\"\ncolumns = [\"*\"]\n");
    let own = format!("{{ org: {{ id: {{ eq: $orgId }} }}, region: {{ eq: {region} }} }}");
    ["[viewer]\norgId = \"Int!\"\n".to_owned(), rule("Org", "{ id: { eq: $orgId } }"), rule("Comment", &own)]
        .concat()
        + &rule("Document", &own)
        + "update = { columns = [\"title\"], filter = \"true\" }\n"
}

fn by(service: &Service<'_>, tenant: u64, body: &Json) -> RequestBuilder {
    let request = service.post("/graphql").json(body).header("crowsfoot-proxy-secret", SECRET);
    request.header("crowsfoot-role", "user").header("crowsfoot-viewer", format!("{{\"orgId\":{tenant}}}"))
}

/// Collects the organisations, regions and counts in an answer.
fn collect(value: &Json, found: &mut [BTreeSet<u64>; 3]) {
    match value {
        Json::Array(items) => items.iter().for_each(|item| collect(item, found)),
        Json::Object(fields) => {
            let org = fields.get("org").map(|org| &org["id"]);
            let numbers =
                [org, fields.get("region"), fields.get("count").or_else(|| fields.get("totalCount"))];
            for (found, number) in found.iter_mut().zip(numbers) {
                found.extend(number.map(|number| number.as_u64().unwrap_or_else(|| panic!("{value}"))));
            }
            fields.values().for_each(|field| collect(field, found));
        }
        _ => {}
    }
}

/// Returns the only region of an answer, or of a batch, whose rows are all of the tenant.
fn the_region(answer: &Json, tenant: u64) -> u64 {
    let mut found = [const { BTreeSet::new() }; 3];
    collect(answer, &mut found);
    let [orgs, regions, counts] = found;
    assert!(!answer.to_string().contains("\"errors\""), "{answer}");
    assert!(orgs.into_iter().eq([tenant]) && regions.len() == 1, "{tenant}: {answer}");
    assert!(counts.into_iter().all(|count| count == 2), "{tenant}: {answer}");
    regions.into_iter().next().unwrap()
}

/// Load of both tenants, and its progress.
struct Load<'a> {
    service: &'a Service<'a>,
    wanted: u64,
    /// Time at which the load ends with fewer answers.
    end: Option<Instant>,
    answered: AtomicU64,
    /// Results of live queries.
    live: AtomicU64,
}

impl Load<'_> {
    fn is_over(&self) -> bool {
        let is_late = self.end.is_some_and(|end| Instant::now() > end);
        is_late || self.answered.load(Ordering::Relaxed) >= self.wanted
    }

    /// Sends documents one by one and in batches; returns the regions that were seen.
    async fn ask(&self, client: usize) -> BTreeSet<u64> {
        let tenant = TENANTS[client % 2];
        let mut regions = BTreeSet::new();
        for round in 0.. {
            if self.is_over() {
                break;
            }
            let place = client / 2 + round;
            let one = json!({ "query": DOCUMENTS[place % DOCUMENTS.len()] });
            let body = if place.is_multiple_of(2) {
                one
            } else {
                DOCUMENTS.map(|query| json!({ "query": query })).to_vec().into()
            };
            let answer =
                within(within(by(self.service, tenant, &body).send()).await.unwrap().json()).await.unwrap();
            regions.insert(the_region(&answer, tenant));
            let answers = body.as_array().map_or(1, Vec::len);
            self.answered.fetch_add(answers as u64, Ordering::Relaxed);
        }
        regions
    }

    /// Follows a live query, anew after each reload.
    async fn listen(&self, tenant: u64) {
        while !self.is_over() {
            let mut events = Events::open(by(self.service, tenant, &json!({ "query": LIVE }))).await;
            let mut last = None;
            while let Some((name, data)) = events.event().await {
                if self.is_over() {
                    return;
                }
                assert_eq!(name, "next", "{data}");
                let region = the_region(&serde_json::from_str(&data).unwrap(), tenant);
                // A stream belongs to one generation.
                assert!(last.replace(region).is_none_or(|last| last == region), "{data}");
                self.live.fetch_add(1, Ordering::Relaxed);
            }
        }
    }

    /// Changes rows of both tenants.
    async fn write(&self) {
        for title in 0.. {
            // One more change after the end lets the live queries notice it.
            let is_last = self.is_over();
            for tenant in TENANTS {
                let mutation = format!(
                    "mutation {{ updateDocuments(where: {{}}, all: true, input: {{ title: \"{title}\" }}) {{ affected }} }}"
                );
                let sent = by(self.service, tenant, &json!({ "query": mutation })).send();
                let answer: Json = within(within(sent).await.unwrap().json()).await.unwrap();
                assert_eq!(answer, json!({ "data": { "updateDocuments": { "affected": 2 } } }));
            }
            if is_last {
                return;
            }
            tokio::time::sleep(Duration::from_millis(30)).await;
        }
    }

    /// Reloads policies of the other region, again and again; returns the number of reloads.
    async fn reload(&self, file: &std::path::Path) -> u64 {
        let mut reloads = 0;
        while !self.is_over() {
            reloads += 1;
            let region = 1 + reloads % 2;
            std::fs::write(file, of_region(region)).unwrap();
            self.service.signal("HUP").await;
            until(async || {
                let sent = by(self.service, 1, &json!({ "query": DOCUMENTS[0] })).send();
                the_region(&within(sent).await.unwrap().json().await.unwrap(), 1) == region
            })
            .await;
            tokio::time::sleep(Duration::from_millis(250)).await;
        }
        reloads
    }
}

#[tokio::test]
async fn attacks_66_and_73_concurrent_answers_hold_no_row_of_the_other_tenant_and_one_generation_of_policies()
{
    let wanted = std::env::var(NUMBER).ok().map(|number| number.parse().unwrap());
    for database in support::databases().await {
        for statement in TABLES {
            database.run(statement).await;
        }
        let folder = Folder::new();
        let file = folder.path().join("options.toml");
        std::fs::write(&file, of_region(1)).unwrap();
        let options = file.to_str().unwrap();
        let arguments = [
            "--from-database",
            "--database-url",
            &database.url,
            "--options",
            options,
            "--trust-headers",
            SECRET,
            "--max-batch",
            "5",
        ];
        let service = Service::start(&folder, &arguments).await;
        let begun = Instant::now();
        let load = Load {
            service: &service,
            wanted: wanted.unwrap_or(FEW_ANSWERS),
            end: wanted.is_none().then(|| begun + LONGEST),
            answered: AtomicU64::new(0),
            live: AtomicU64::new(0),
        };
        let clients = join_all((0..CONCURRENT).map(|client| load.ask(client)));
        let listeners = join_all(TENANTS.iter().chain(&TENANTS).map(|tenant| load.listen(*tenant)));
        let (regions, _, (), reloads) =
            futures_util::join!(clients, listeners, load.write(), load.reload(&file));
        let (answered, live, took) = (load.answered.into_inner(), load.live.into_inner(), begun.elapsed());
        eprintln!(
            "{:?}: {answered} answers, {live} results of live queries, {reloads} reloads in {took:?}",
            database.dialect
        );
        let seen: BTreeSet<u64> = regions.into_iter().flatten().collect();
        assert_eq!(seen.len(), 2, "both generations were seen");
        assert!(live >= 10 && reloads >= 2 && answered >= 200, "too few");
        assert!(wanted.is_none_or(|wanted: u64| answered >= wanted));
        service.stop().await;
        database.drop().await;
    }
}
