//! Network partition: the path to the database drops all data for a while and closes no connection.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use serde_json::Value as Json;
use sqlx::postgres::PgConnectOptions;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};

use crate::process::{Folder, Service, until, within};
use crate::support::{self, TestDatabase};

/// Time limit of a request, in seconds.
const LIMIT: u64 = 3;

/// Maximum time until the service works again after the path's return.
const RECOVERY: Duration = Duration::from_secs(5);

const READ: &str = "{ users(limit: 1) { id userInfos { phoneNumber } } }";
const WRITE: &str = "mutation { updateUser(id: 1, input: { username: \"ada\" }) { id } }";

/// State of the path: its openness and generation.
#[derive(Clone, Copy, Debug)]
struct State {
    is_open: bool,
    /// Connections of an earlier generation stay dead, as behind a router that has forgotten them.
    generation: u32,
}

/// Network path between the service and PostgreSQL.
struct Path {
    address: SocketAddr,
    state: watch::Sender<State>,
    running: JoinHandle<()>,
}

impl Path {
    async fn open(database: &TestDatabase) -> Self {
        let options: PgConnectOptions = database.url.parse().unwrap();
        let behind = format!("{}:{}", options.get_host(), options.get_port());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (state, watched) = watch::channel(State { is_open: true, generation: 0 });
        let running = tokio::spawn(async move {
            let mut pipes = JoinSet::new();
            loop {
                // The system accepts a connection meanwhile, but no data passes.
                let mut state = watched.clone();
                let generation = state.wait_for(|state| state.is_open).await.unwrap().generation;
                let (near, _) = listener.accept().await.unwrap();
                let (behind, watched) = (behind.clone(), watched.clone());
                pipes.spawn(async move {
                    let far = TcpStream::connect(behind).await.unwrap();
                    let ((near_in, near_out), (far_in, far_out)) = (near.into_split(), far.into_split());
                    tokio::join!(
                        forward(near_in, far_out, watched.clone(), generation),
                        forward(far_in, near_out, watched, generation)
                    );
                });
            }
        });
        Self { address, state, running }
    }

    /// Stops forwarding without closing any connection.
    fn swallow(&self) {
        self.state.send_modify(|state| state.is_open = false);
    }

    /// Resumes forwarding: on the same connections, with the data in transit, or only on new ones.
    fn come_back(&self, with_the_same_connections: bool) {
        self.state.send_modify(|state| {
            state.is_open = true;
            state.generation += u32::from(!with_the_same_connections);
        });
    }

    /// Returns the database's URL through this path.
    fn url(&self, database: &TestDatabase) -> String {
        let (before, after) = database.url.split_once("//").unwrap();
        let (place, path) = after.split_once('/').unwrap();
        let user = place.rsplit_once('@').map(|(user, _)| format!("{user}@")).unwrap_or_default();
        format!("{before}//{user}{}/{path}", self.address)
    }
}

impl Drop for Path {
    fn drop(&mut self) {
        self.running.abort();
    }
}

/// Forwards one direction while the path is open.
async fn forward(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    mut state: watch::Receiver<State>,
    generation: u32,
) {
    let mut bytes = vec![0; 16 << 10];
    loop {
        let Ok(read) = from.read(&mut bytes).await else { return };
        let Ok(now) = state.wait_for(|state| state.is_open).await.map(|state| *state) else { return };
        if now.generation != generation {
            // Dead, without notice to either side.
            return std::future::pending().await;
        }
        if read == 0 || to.write_all(&bytes[..read]).await.is_err() {
            // Passes the end on: the other side closes in turn.
            let _ = to.shutdown().await;
            return;
        }
    }
}

fn code(answer: &Json) -> &str {
    answer["errors"][0]["extensions"]["code"].as_str().unwrap_or("none")
}

/// Repeats a query until it succeeds.
async fn works(service: &Service<'_>, query: &str) {
    until(async || service.ask(query).await.get("errors").is_none()).await;
}

async fn a_partition(with_the_same_connections: bool) {
    let Some(database) = support::postgres().await else { return };
    let path = Path::open(&database).await;
    let folder = Folder::new();
    let limit = LIMIT.to_string();
    let arguments = ["--database-url", &path.url(&database), "--timeout", &limit, "--pool-size", "4"];
    let service = Service::start(&folder, &arguments).await;
    for _ in 0..2 {
        let many = (0..16).flat_map(|_| [service.ask(READ), service.ask(WRITE)]);
        for answer in futures_util::future::join_all(many).await {
            assert_eq!(answer.get("errors"), None, "{answer}");
        }

        path.swallow();
        // Some requests wait, and some find the database unavailable.
        for _ in 0..2 {
            let asked = Instant::now();
            let many = (0..8).flat_map(|_| [service.ask(READ), service.ask(WRITE)]);
            let health = async {
                for _ in 0..10 {
                    let healthy = service.get("/healthz").timeout(Duration::from_secs(2)).send().await;
                    assert_eq!(healthy.unwrap().status(), 200);
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
            };
            let (answers, ()) =
                within(async { tokio::join!(futures_util::future::join_all(many), health) }).await;
            for answer in answers {
                assert!(matches!(code(&answer), "TIMEOUT" | "UNAVAILABLE"), "{answer}");
            }
            assert!(asked.elapsed() < Duration::from_secs(LIMIT + 3), "{:?}", asked.elapsed());
        }

        path.come_back(with_the_same_connections);
        let back = Instant::now();
        tokio::join!(works(&service, READ), works(&service, WRITE));
        assert!(back.elapsed() < RECOVERY, "{:?}", back.elapsed());
        // After the first success, all requests succeed.
        for _ in 0..20 {
            for query in [READ, WRITE] {
                let answer = within(service.ask(query)).await;
                assert_eq!(answer.get("errors"), None, "{answer}");
            }
        }
        until(async || {
            let metrics = service.get("/metrics").send().await.unwrap().text().await.unwrap();
            metrics.lines().any(|line| line == "crowsfoot_pool_connections{state=\"busy\"} 0")
        })
        .await;
        assert_eq!(service.get("/readyz").send().await.unwrap().status(), 200);
    }
    assert_eq!(service.stop().await.code, Some(0));
    drop(path);
    database.drop().await;
}

#[tokio::test]
async fn recovers_soon_when_a_partition_ends() {
    a_partition(true).await;
}

#[tokio::test]
async fn recovers_soon_when_a_partition_has_dropped_all_connections() {
    a_partition(false).await;
}
