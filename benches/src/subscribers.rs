//! Subscribers to live queries, and commits that change their results.

use std::cell::{Cell, RefCell};
use std::net::SocketAddr;
use std::time::Duration;

use clap::ValueEnum;
use futures_util::future::{Either, select, try_join_all};
use serde::Serialize;
use serde_json::{Value as Json, json};
use tokio::sync::Notify;
use tokio::time::{Instant, timeout};

use crate::load::{Connection, Request};
use crate::{Failure, floor};

/// Maximum time until all subscribers have a result.
const PATIENCE: Duration = Duration::from_secs(30);

/// Live queries of many subscribers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ValueEnum)]
#[serde(rename_all = "snake_case")]
pub enum Variety {
    /// All subscribe to the same query.
    Equal,
    /// Each subscribes to a query of its own, whose result changes with every commit.
    Different,
    /// Each subscribes to a query of its own, whose result no commit changes: each runs, and sends nothing.
    Unaffected,
    /// All subscribe to the live query of the floor, which is that of [`Self::Equal`].
    #[value(skip)]
    OfFloor,
}

impl Variety {
    /// Returns the live query of a subscriber.
    fn request(self, subscriber: usize) -> Request {
        // Users of the dataset other than the one that is written.
        let other = 2 + subscriber % 5_000;
        let ids = match self {
            Self::Equal => "1, 2".to_owned(),
            Self::Different => format!("1, {other}"),
            Self::Unaffected => format!("{other}, {}", other + 1),
            Self::OfFloor => return Request::events_of(floor::LIVE, ""),
        };
        Request::events(&format!(
            "subscription {{ users(where: {{ id: {{ in: [{ids}] }} }}) {{ id username }} }}"
        ))
    }
}

/// User whom commits rename, and the user's own name, which [`Writer::restore`] gives back.
pub struct Writer {
    connection: Connection,
    path: &'static str,
    name: String,
    round: u32,
}

impl Writer {
    /// Connects to a process of the service.
    ///
    /// # Errors
    /// If the service does not answer.
    pub async fn new(address: SocketAddr) -> Result<Self, Failure> {
        let mut connection = Connection::open(address).await?;
        let found = connection.ask(&Request::post("{ user(id: 1) { username } }", &Json::Null)).await?;
        let found: Json = serde_json::from_slice(found)?;
        let name = found["data"]["user"]["username"].as_str().ok_or("the dataset has no first user")?;
        Ok(Self { name: name.to_owned(), connection, path: "/graphql", round: 0 })
    }

    /// Connects to the floor, which renames the same user.
    ///
    /// # Errors
    /// If the floor does not answer.
    pub async fn to_floor(&self, address: SocketAddr) -> Result<Self, Failure> {
        let connection = Connection::open(address).await?;
        Ok(Self { name: self.name.clone(), connection, path: floor::RENAME, round: 0 })
    }

    /// Commits a new name, and returns it.
    ///
    /// # Errors
    /// If the service refuses.
    pub async fn write(&mut self) -> Result<String, Failure> {
        self.round += 1;
        let name = format!("round {} of {}", self.round, std::process::id());
        self.rename(&name).await?;
        Ok(name)
    }

    /// Gives the user the first name.
    ///
    /// # Errors
    /// If the service refuses.
    pub async fn restore(mut self) -> Result<(), Failure> {
        let name = self.name.clone();
        self.rename(&name).await
    }

    async fn rename(&mut self, name: &str) -> Result<(), Failure> {
        let update = "mutation ($name: String!) { updateUser(id: 1, input: { username: $name }) { id } }";
        let request = Request::to_path(self.path, update, &json!({ "name": name }));
        let answer = self.connection.ask(&request).await?;
        match answer.starts_with(b"{\"data\":{\"updateUser\":{") {
            true => Ok(()),
            false => Err(String::from_utf8_lossy(answer).into()),
        }
    }
}

/// Results that subscribers have received.
#[derive(Default)]
pub struct Received {
    /// Subscribers with a first result.
    started: Cell<usize>,
    /// Text that the next result has.
    awaited: RefCell<String>,
    /// Subscribers that have received it.
    arrived: Cell<usize>,
    events: Cell<u64>,
    progress: Notify,
}

impl Received {
    fn hear(&self, bytes: &[u8], is_first: &Cell<bool>) {
        let has = |text: &[u8]| bytes.windows(text.len()).any(|window| window == text);
        if !has(b"event: next") {
            return;
        }
        self.events.set(self.events.get() + 1);
        if is_first.replace(false) {
            self.started.set(self.started.get() + 1);
        }
        let awaited = self.awaited.borrow();
        if !awaited.is_empty() && has(awaited.as_bytes()) {
            self.arrived.set(self.arrived.get() + 1);
        }
        self.progress.notify_one();
    }

    async fn until(&self, count: &Cell<usize>, wanted: usize) -> Result<(), Failure> {
        let wait = async {
            while count.get() < wanted {
                self.progress.notified().await;
            }
        };
        let waited = timeout(PATIENCE, wait).await;
        waited.map_err(|_| format!("{} of {wanted} subscribers have the result", count.get()).into())
    }

    /// Returns the number of results that arrived.
    pub fn events(&self) -> u64 {
        self.events.get()
    }

    /// Commits, and waits until `wanted` subscribers have the new state. Returns the time since the mutation was sent.
    ///
    /// # Errors
    /// If the service refuses, or a subscriber is not served.
    pub async fn commit(&self, writer: &mut Writer, wanted: usize) -> Result<Duration, Failure> {
        self.arrived.set(0);
        *self.awaited.borrow_mut() = format!("round {} of {}\"", writer.round + 1, std::process::id());
        let sent = Instant::now();
        writer.write().await?;
        self.until(&self.arrived, wanted).await?;
        Ok(sent.elapsed())
    }
}

/// Runs `work` while each of these addresses, in turn, has subscribers: from the moment when all have their first result.
///
/// # Errors
/// If the work fails, or the service closes a stream.
pub async fn while_subscribed<T>(
    addresses: &[SocketAddr],
    (count, variety): (usize, Variety),
    work: impl AsyncFnOnce(&Received) -> Result<T, Failure>,
) -> Result<T, Failure> {
    let received = Received::default();
    let listen = async |subscriber: usize| {
        let mut connection = Connection::open(addresses[subscriber % addresses.len()]).await?;
        let is_first = Cell::new(true);
        let heard = |bytes: &[u8]| received.hear(bytes, &is_first);
        connection.listen(&variety.request(subscriber), heard).await
    };
    let listening = std::pin::pin!(try_join_all((0..count).map(listen)));
    let working = std::pin::pin!(async {
        received.until(&received.started, count).await?;
        work(&received).await
    });
    match select(working, listening).await {
        Either::Left((done, _)) => done,
        Either::Right((ended, working)) => match ended {
            // No subscribers at all.
            Ok(_) => working.await,
            Err(error) => Err(error),
        },
    }
}
