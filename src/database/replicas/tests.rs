//! Tests of the choice of a replica.

use super::*;

const LAG: Duration = Duration::from_secs(10);
const WAIT: Duration = Duration::from_millis(100);

fn at(bytes: u64) -> LogPosition {
    LogPosition { timeline: 1, bytes }
}

/// Returns the time before now.
fn ago(time: Duration) -> Instant {
    Instant::now().checked_sub(time).unwrap()
}

fn replicas(count: usize) -> Replicas<usize> {
    let nodes = (0..count).map(|number| {
        let replica = Replica::new(format!("host{number}"));
        replica.node.get_or_init(|| number);
        Arc::new(replica)
    });
    let primary = Arc::new(PrimaryWatch::default());
    primary.note(ago(2 * LAG), at(0), 0, 3 * LAG);
    let settings = ReplicaSettings::default().max_lag(LAG).wait(WAIT);
    Replicas::new(7, primary, nodes.collect(), settings, JoinSet::new())
}

async fn chosen(replicas: &Replicas<usize>, needed: Option<u64>) -> Option<usize> {
    let token = needed.map(|bytes| ConsistencyToken { cluster: 7, at: at(bytes) });
    replicas.choose(token, &[], replicas.waits_until()).await.map(|(_, node)| node)
}

#[tokio::test]
async fn a_replica_that_is_too_far_behind_is_left_out_by_the_clock_of_this_process() {
    let replicas = replicas(1);
    let left_out = || replicas.status()[0].left_out;
    replicas.primary.note(ago(LAG / 2), at(0), 0, 3 * LAG);
    replicas.primary.note(ago(LAG / 4), at(100), 100, 3 * LAG);
    replicas.nodes[0].note(at(0), &replicas.primary);
    assert_eq!(chosen(&replicas, None).await, Some(0));
    let status = &replicas.status()[0];
    assert_eq!(status.bytes_behind, Some(100));
    assert!(status.behind.unwrap() >= LAG / 2 && status.behind.unwrap() < LAG, "{status:?}");
    // The time of the last state that the replica has, not of its last answer, counts.
    let late = Replicas::new(
        7,
        Arc::new(PrimaryWatch::default()),
        replicas.nodes.clone(),
        replicas.settings.clone(),
        JoinSet::new(),
    );
    late.primary.note(ago(LAG + WAIT), at(0), 0, 3 * LAG);
    late.primary.note(Instant::now(), at(100), 100, 3 * LAG);
    late.nodes[0].note(at(99), &late.primary);
    assert_eq!(chosen(&late, None).await, None);
    assert_eq!(late.status()[0].left_out, Some("it is too far behind"));
    late.nodes[0].note(at(100), &late.primary);
    assert_eq!(chosen(&late, None).await, Some(0));
    assert_eq!(left_out(), None);
}

#[tokio::test]
async fn replicas_take_turns_and_a_failed_one_waits_for_its_next_answer() {
    let replicas = replicas(2);
    replicas.primary.note(Instant::now(), at(0), 0, LAG);
    replicas.nodes.iter().for_each(|replica| {
        replica.note(at(0), &replicas.primary);
    });
    let both = [chosen(&replicas, None).await, chosen(&replicas, None).await];
    assert!(both.contains(&Some(0)) && both.contains(&Some(1)), "{both:?}");
    replicas.suspect(0);
    for _ in 0..3 {
        assert_eq!(chosen(&replicas, None).await, Some(1));
    }
    assert!(replicas.choose(None, &[1], replicas.waits_until()).await.is_none());
    replicas.nodes[0].note(at(0), &replicas.primary);
    assert!(replicas.choose(None, &[1], replicas.waits_until()).await.is_some());
}

#[tokio::test]
async fn a_token_waits_for_the_first_replica_that_has_its_state_and_then_takes_the_primary() {
    let replicas = replicas(2);
    replicas.primary.note(ago(WAIT), at(40), 40, LAG);
    replicas.primary.note(Instant::now(), at(100), 100, LAG);
    replicas.nodes[0].note(at(50), &replicas.primary);
    replicas.nodes[1].note(at(100), &replicas.primary);
    for _ in 0..3 {
        assert_eq!(chosen(&replicas, Some(100)).await, Some(1));
    }
    replicas.nodes[1].note(at(60), &replicas.primary);
    let started = Instant::now();
    assert_eq!(chosen(&replicas, Some(100)).await, None);
    assert!(started.elapsed() >= WAIT);
    let (found, ()) = tokio::join!(chosen(&replicas, Some(100)), async {
        tokio::time::sleep(WAIT / 10).await;
        replicas.nodes[0].note(at(100), &replicas.primary);
    });
    assert_eq!(found, Some(0));
}

#[tokio::test]
async fn after_a_promotion_a_replica_of_the_old_timeline_serves_nothing() {
    let replicas = replicas(1);
    replicas.nodes[0].note(at(100), &replicas.primary);
    let next = LogPosition { timeline: 2, bytes: 90 };
    replicas.primary.note(Instant::now(), next, 90, LAG);
    assert_eq!(chosen(&replicas, None).await, None);
    replicas.nodes[0].note(at(100), &replicas.primary);
    assert_eq!(replicas.status()[0].left_out, Some("it does not follow the primary"));
    replicas.nodes[0].note(next, &replicas.primary);
    assert_eq!(chosen(&replicas, None).await, Some(0));
    // A state of the old timeline is read on the primary.
    assert_eq!(chosen(&replicas, Some(80)).await, None);
}

#[tokio::test]
async fn tokens_of_other_clusters_and_of_the_future_are_refused() {
    let replicas = replicas(1);
    replicas.primary.note(Instant::now(), at(100), 100, LAG);
    let check = async |cluster, timeline, bytes| {
        let token = ConsistencyToken { cluster, at: LogPosition { timeline, bytes } };
        let answered = async {
            tokio::task::yield_now().await;
            replicas.primary.note(Instant::now(), at(100), 100, LAG);
        };
        tokio::join!(replicas.check(&token), answered).0.map_err(|error| error.code().as_str())
    };
    assert_eq!(check(7, 1, 100).await, Ok(()));
    for (cluster, timeline, bytes) in [(8, 1, 100), (7, 1, 101), (7, 2, 50)] {
        assert_eq!(check(cluster, timeline, bytes).await, Err("BAD_USER_INPUT"));
    }
}
