//! Mutations on PostgreSQL that wait for a connection share one commit.

use std::time::Duration;

use async_graphql::{Request, Variables};
use crowsfoot::{Database, Schema, connect};
use futures_util::future::join_all;
use sea_orm::{ConnectionTrait, DbBackend, Statement, TransactionTrait};
use serde_json::{Value as Json, json};
use tokio::time::{sleep, timeout};

use crate::support::{self, TestDatabase};
use crate::{make_tables, schema};

const CREATE: &str = "mutation ($email: String!, $name: String!) {
    createMember(input: { email: $email, name: $name }) { id email name }
}";

const UPDATE: &str = "mutation ($id: Int!, $name: String!) {
    updateMember(id: $id, input: { name: $name }) { id name }
}";

/// Number of concurrent mutations.
const MUTATIONS: usize = 60;

/// Database with a service of few connections, which has sent each mutation once and knows that it is short.
struct Served {
    schema: Schema,
    database: TestDatabase,
    service: Database,
}

impl Served {
    /// Returns a service of a database with two members, changed by these statements. `None` without a server.
    async fn with(connections: u32, change: &str) -> Option<Self> {
        let (database, schema) = (support::postgres().await?, schema());
        make_tables(&database).await;
        database.run(change).await;
        let service = connect(&database.url, connections).await.unwrap();
        let served = Self { schema, database, service };
        for _ in 0..2 {
            served.send(CREATE, json!({ "email": uuid::Uuid::new_v4(), "name": "first" })).await.unwrap();
            served.send(UPDATE, json!({ "id": 1, "name": "first" })).await.unwrap();
        }
        Some(served)
    }

    /// Sends a mutation; returns the row of its field, or code and message of its error.
    async fn send(&self, mutation: &str, variables: Json) -> Result<Json, String> {
        let request = Request::new(mutation).variables(Variables::from_json(variables));
        let executed = self.schema.execute(request, &self.service).await;
        if let Some(error) = executed.errors.first() {
            let error = serde_json::to_value(error).unwrap();
            return Err(format!("{}: {}", error["extensions"]["code"], error["message"]));
        }
        Ok(executed.data().as_object().and_then(|data| data.values().next()).cloned().unwrap_or_default())
    }

    async fn create(&self, email: &str, name: &str) -> Result<Json, String> {
        self.send(CREATE, json!({ "email": email, "name": name })).await
    }

    /// Returns the number of members with a condition, and of the transactions that wrote them.
    async fn members(&self, condition: &str) -> (i64, i64) {
        let sql = format!("SELECT count(*), count(DISTINCT xmin::text) FROM members WHERE {condition}");
        let statement = Statement::from_string(DbBackend::Postgres, sql);
        let row = self.database.connection.query_one_raw(statement).await.unwrap().unwrap();
        (row.try_get_by_index(0).unwrap(), row.try_get_by_index(1).unwrap())
    }

    async fn drop(self) {
        self.service.close().await.unwrap();
        self.database.drop().await;
    }
}

/// Creates members at the same time.
async fn create_all(served: &Served) {
    join_all((0..MUTATIONS).map(async |number| {
        let row = served.create(&number.to_string(), "new").await.unwrap();
        assert_eq!((&row["email"], &row["name"]), (&json!(number.to_string()), &json!("new")));
    }))
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn concurrent_mutations_share_commits_on_postgresql() {
    let Some(served) = Served::with(2, "").await else { return };
    create_all(&served).await;
    let (members, commits) = served.members("name = 'new'").await;
    assert_eq!(members, MUTATIONS as i64);
    assert!(commits < members / 2, "{commits} commits of {members} mutations");
    join_all((0..MUTATIONS).map(async |number| {
        let (id, name) = (number % 20 + 1, number.to_string());
        let row = served.send(UPDATE, json!({ "id": id, "name": name })).await.unwrap();
        assert_eq!(row, json!({ "id": id, "name": name }));
    }))
    .await;
    let (members, commits) = served.members("id <= 20").await;
    assert!(commits < members / 2, "{commits} commits of {members} mutations");
    served.drop().await;
}

/// A trigger may rely on a transaction of its own, and a check at the commit does not tell whose row it refuses.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn mutations_with_triggers_or_checks_at_the_commit_share_none() {
    for change in [
        "CREATE TABLE songs_of (song_id int REFERENCES songs (id) DEFERRABLE INITIALLY DEFERRED)",
        "CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$;
        CREATE TRIGGER notes AFTER INSERT ON members FOR EACH ROW EXECUTE FUNCTION note()",
    ] {
        let Some(served) = Served::with(2, change).await else { return };
        create_all(&served).await;
        assert_eq!(served.members("name = 'new'").await, (MUTATIONS as i64, MUTATIONS as i64), "{change}");
        served.drop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refused_mutation_refuses_no_other_that_it_waited_with() {
    let Some(served) = Served::with(2, "").await else { return };
    // Each third takes the address of the first.
    let email = |number: usize| if number % 3 == 2 { 0 } else { number };
    let answers = join_all((0..MUTATIONS).map(async |number| {
        let answer = served.create(&email(number).to_string(), &format!("new {number}")).await;
        answer.map(|row| assert_eq!(row["name"], format!("new {number}")))
    }))
    .await;
    let refused: Vec<&String> = answers.iter().filter_map(|answer| answer.as_ref().err()).collect();
    assert_eq!(refused.len(), MUTATIONS / 3);
    assert!(refused.iter().all(|error| error.contains("email")), "{refused:?}");
    assert_eq!(served.members("name LIKE 'new %'").await.0, (MUTATIONS - MUTATIONS / 3) as i64);
    served.drop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_mutation_that_waits_for_a_lock_holds_up_no_other_that_it_waited_with() {
    let Some(served) = Served::with(2, "").await else { return };
    create_all(&served).await;
    let holder = served.database.connection.begin().await.unwrap();
    holder.execute_unprepared("SELECT 1 FROM members WHERE id = 7 FOR UPDATE").await.unwrap();
    let update = async |id: usize| served.send(UPDATE, json!({ "id": id, "name": "changed" })).await;
    let mut locked = Box::pin(update(7));
    let others = join_all((1..=20).filter(|id| *id != 7).map(update));
    // The transaction of the locked one waits on, with the second connection for all others.
    let others = tokio::select! {
        answer = &mut locked => panic!("the row is locked: {answer:?}"),
        others = others => others,
    };
    for answer in others {
        assert_eq!(answer.unwrap()["name"], "changed");
    }
    holder.commit().await.unwrap();
    assert_eq!(locked.await.unwrap(), json!({ "id": 7, "name": "changed" }));
    served.drop().await;
}

/// Several groups lock the same rows at the same time.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn concurrent_mutations_of_the_same_rows_are_all_carried_out() {
    let Some(served) = Served::with(4, "").await else { return };
    create_all(&served).await;
    join_all((0..MUTATIONS).map(async |client| {
        for round in 0..20 {
            let id = (client * 7 + client / 4 + round * 3) % 4 + 1;
            served.send(UPDATE, json!({ "id": id, "name": "changed" })).await.unwrap();
        }
    }))
    .await;
    assert_eq!(served.members("name = 'changed'").await.0, 4);
    served.drop().await;
}

/// A check that takes 200 ms for a member of this name.
const SLOW: &str = "CREATE FUNCTION is_fit(name text) RETURNS boolean LANGUAGE plpgsql AS $$
    BEGIN IF name = 'slow' THEN PERFORM pg_sleep(0.2); END IF; RETURN true; END $$;
    ALTER TABLE members ADD CHECK (is_fit(name))";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn mutations_of_clients_that_left_are_written_together_and_published() {
    let Some(served) = Served::with(1, SLOW).await else { return };
    let mut listener = served.service.changes().subscribe_to_all();
    let [lone, slow, fast] =
        [("1", "slow"), ("2", "slow"), ("3", "fast")].map(|(email, name)| served.create(email, name));
    let (mut slow, mut fast) = (Box::pin(slow), Box::pin(fast));
    tokio::select! {
        biased;
        answer = lone => answer.map(drop).unwrap(),
        _ = &mut slow => panic!("the only connection is busy"),
        _ = &mut fast => panic!("the only connection is busy"),
    }
    listener.changed().await;
    // They are under way.
    let left = timeout(Duration::from_millis(100), async { tokio::join!(&mut slow, &mut fast) }).await;
    assert!(left.is_err());
    drop((slow, fast));
    assert_eq!(served.members("email IN ('2', '3')").await, (0, 0));
    listener.changed().await;
    assert_eq!(served.members("email IN ('2', '3')").await, (2, 1));
    served.drop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn mutations_whose_connection_is_lost_are_written_together_or_not_and_say_so() {
    let Some(served) = Served::with(1, SLOW).await else { return };
    let kill = async {
        sleep(Duration::from_millis(300)).await;
        let kill = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
            WHERE datname = current_database() AND query LIKE 'INSERT %' AND state = 'active'";
        served.database.run(kill).await;
    };
    let lone = served.create("1", "slow");
    let ((), lone, others) = tokio::join!(kill, lone, async {
        sleep(Duration::from_millis(50)).await;
        join_all([("2", "slow"), ("3", "fast")].map(|(email, name)| served.create(email, name))).await
    });
    assert!(lone.is_ok(), "{lone:?}");
    let is_unknown = |answer: &Result<Json, String>| {
        answer.as_ref().is_err_and(|error| error.contains("the outcome of the operation is unknown"))
    };
    assert!(others.iter().all(is_unknown), "{others:?}");
    assert_eq!(served.members("email IN ('2', '3')").await, (0, 0));
    assert!(served.create("4", "fast").await.is_ok());
    served.drop().await;
}
