//! Rolling restart: processes are replaced one by one under clients that keep their connections, and no request is lost.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use futures_util::{SinkExt, StreamExt};
use reqwest::Client;
use serde_json::{Value as Json, json};
use tokio_tungstenite::connect_async;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;

use crate::process::{Folder, Service, header, until, within};
use crate::socket_client::PROTOCOL;
use crate::support;

/// Number of clients with keep-alive connections, and of clients with sockets.
const CLIENTS: usize = 200;

/// Time between two requests of a client.
const PAUSE: Duration = Duration::from_secs(2);

/// Time in which a process still serves after its signal. Each client sends a request meanwhile, and learns from the answer
/// that the connection is closed.
const DRAIN: Duration = Duration::from_secs(6);

/// Time between two looks of the balancer at `/readyz`.
const PROBE: Duration = Duration::from_millis(100);

/// Balancer: the addresses that were ready at its last look. Clients take turns.
#[derive(Default)]
struct Balancer {
    known: Mutex<Vec<SocketAddr>>,
    ready: Mutex<Vec<SocketAddr>>,
    turns: AtomicUsize,
    done: AtomicBool,
}

impl Balancer {
    async fn probe(&self) {
        // A connection for each look, as balancers do.
        let client = Client::builder().pool_max_idle_per_host(0).build().unwrap();
        while !self.is_done() {
            let known = self.known.lock().unwrap().clone();
            let looks = known.into_iter().map(async |address| {
                let asked = client.get(format!("http://{address}/readyz")).send().await;
                asked.is_ok_and(|response| response.status() == 200).then_some(address)
            });
            *self.ready.lock().unwrap() = join_all(looks).await.into_iter().flatten().collect();
            tokio::time::sleep(PROBE).await;
        }
    }

    async fn add(&self, address: SocketAddr) {
        self.known.lock().unwrap().push(address);
        until(async || self.ready.lock().unwrap().contains(&address)).await;
    }

    fn choose(&self) -> SocketAddr {
        let ready = self.ready.lock().unwrap();
        ready[self.turns.fetch_add(1, Ordering::Relaxed) % ready.len()]
    }

    fn is_done(&self) -> bool {
        self.done.load(Ordering::Relaxed)
    }
}

fn creation(name: &str) -> String {
    format!("mutation {{ createUser(input: {{ username: \"{name}\" }}) {{ username }} }}")
}

fn assert_created(answer: &Json, name: &str) {
    assert_eq!(*answer, json!({ "data": { "createUser": { "username": name } } }));
}

/// Waits for the moment of a client's first request, so that not all clients send at once.
async fn take_turn(client: usize) {
    tokio::time::sleep(PAUSE.mul_f64(client as f64 / CLIENTS as f64)).await;
}

/// Sends mutations over one connection, and connects again when an answer closes it. Returns the number of answers by process.
async fn keep_alive(balancer: &Balancer, client: usize) -> BTreeMap<SocketAddr, usize> {
    let mut answers = BTreeMap::new();
    take_turn(client).await;
    let connection = Client::builder().pool_max_idle_per_host(1).build().unwrap();
    let mut address = balancer.choose();
    for number in 0.. {
        if balancer.is_done() {
            break;
        }
        let name = format!("http {client}/{number}");
        let request = connection.post(format!("http://{address}/graphql"));
        let response = within(request.json(&json!({ "query": creation(&name) })).send()).await;
        let response = response.unwrap_or_else(|error| panic!("a request was lost: {error:?}"));
        let closes = header(&response, "connection") == "close";
        assert_created(&response.json().await.unwrap(), &name);
        *answers.entry(address).or_default() += 1;
        if closes {
            address = balancer.choose();
        }
        tokio::time::sleep(PAUSE).await;
    }
    answers
}

/// Sends mutations over a socket, and again over the next one those that had no answer when the socket was closed.
async fn over_sockets(balancer: &Balancer, client: usize) -> usize {
    let (mut number, mut sockets) = (0, 0);
    take_turn(client).await;
    while !balancer.is_done() {
        let mut request = format!("ws://{}/graphql", balancer.choose()).into_client_request().unwrap();
        request.headers_mut().insert("sec-websocket-protocol", PROTOCOL.parse().unwrap());
        let (mut socket, _) = within(connect_async(request)).await.unwrap();
        sockets += 1;
        let mut say = Some(json!({ "type": "connection_init" }));
        loop {
            if let Some(say) = say.take() {
                // A socket that is being closed takes nothing more.
                let _ = within(socket.send(Message::text(say.to_string()))).await;
            }
            let Some(Ok(message)) = within(socket.next()).await else { break };
            match message {
                Message::Close(Some(frame)) => {
                    assert_eq!(u16::from(frame.code), 1001, "{frame:?}");
                    break;
                }
                Message::Text(text) => {
                    let message: Json = serde_json::from_str(&text).unwrap();
                    match message["type"].as_str() {
                        Some("next") => {
                            assert_created(&message["payload"], &format!("socket {client}/{number}"));
                            number += 1;
                        }
                        Some("connection_ack" | "complete") => {
                            if balancer.is_done() {
                                break;
                            }
                            tokio::time::sleep(PAUSE).await;
                            let name = format!("socket {client}/{number}");
                            let id = number.to_string();
                            let payload = json!({ "query": creation(&name) });
                            say = Some(json!({ "id": id, "type": "subscribe", "payload": payload }));
                        }
                        _ => panic!("{message}"),
                    }
                }
                _ => {}
            }
        }
    }
    assert!(sockets > 0);
    number
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rolling_restart_loses_no_request_that_was_accepted() {
    let Some(database) = support::postgres().await else { return };
    let folders: Vec<Folder> = (0..4).map(|_| Folder::new()).collect();
    let drain = DRAIN.as_secs().to_string();
    // Few connections: three processes run at a time, and other tests beside them.
    let arguments =
        ["--database-url", database.url.as_str(), "--drain-time", drain.as_str(), "--pool-size", "4"];
    let start = async |number: usize| Service::start(&folders[number], &arguments).await;
    let balancer = Balancer::default();
    let rolling = async {
        let mut old = vec![start(0).await, start(1).await];
        for service in &old {
            balancer.add(service.address).await;
        }
        // Every client has a connection.
        tokio::time::sleep(PAUSE).await;
        for number in [2, 3] {
            let next = start(number).await;
            balancer.add(next.address).await;
            let mut service = old.remove(0);
            service.signal("TERM").await;
            let signalled = Instant::now();
            // Readiness first; requests are still served.
            until(async || service.get("/readyz").send().await.unwrap().status() == 503).await;
            let response = service.post("/graphql").json(&json!({ "query": "{ __typename }" })).send();
            let response = within(response).await.unwrap();
            assert_eq!(
                (response.status().as_u16(), header(&response, "connection").as_str()),
                (200, "close")
            );
            let ended = service.end().await;
            assert_eq!(ended.code, Some(0), "{}", ended.log);
            assert!(signalled.elapsed() >= DRAIN, "the drain time did not pass");
            let limit = DRAIN + Duration::from_secs(8);
            assert!(signalled.elapsed() < limit, "the end took {:?}", signalled.elapsed());
            old.push(next);
        }
        balancer.done.store(true, Ordering::Relaxed);
        old
    };
    let clients = async {
        until(async || balancer.ready.lock().unwrap().len() == 2).await;
        let by_http = join_all((0..CLIENTS).map(|client| keep_alive(&balancer, client)));
        let by_socket = join_all((0..CLIENTS).map(|client| over_sockets(&balancer, client)));
        tokio::join!(by_http, by_socket)
    };
    let (left, (), (by_http, by_socket)) = tokio::join!(rolling, balancer.probe(), clients);

    let mut by_process: BTreeMap<SocketAddr, usize> = BTreeMap::new();
    for (address, count) in by_http.into_iter().flatten() {
        *by_process.entry(address).or_default() += count;
    }
    assert_eq!(by_process.len(), 4, "each process has served: {by_process:?}");
    let answered = by_process.values().sum::<usize>() + by_socket.iter().sum::<usize>();
    let count = left[0].ask("{ usersAggregate { count } }").await["data"]["usersAggregate"]["count"].clone();
    // With the users of the example data: each answer was given once, and nothing was written without one.
    assert_eq!(count, json!(answered + 8));
    for service in left {
        // A signal from the keyboard waits for nothing, nor does a second one.
        service.signal("INT").await;
        let mut service = service;
        assert_eq!(service.end().await.code, Some(0));
    }
    database.drop().await;
}
