//! One plan serves all viewers of a role.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_graphql::Request;
use serde_json::json;
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

use super::{fill, schema, viewer};
use crate::support;

const VIEWERS: i64 = 10_000;

/// Counts the spans of planning and of validation.
#[derive(Clone, Default)]
struct Counted(Arc<[AtomicUsize; 2]>);

impl Subscriber for Counted {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.is_span() && ["plan", "validate"].contains(&metadata.name())
    }

    fn new_span(&self, span: &Attributes<'_>) -> Id {
        let place = usize::from(span.metadata().name() == "validate");
        self.0[place].fetch_add(1, Ordering::Relaxed);
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}
    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn event(&self, _: &Event<'_>) {}
    fn enter(&self, _: &Id) {}
    fn exit(&self, _: &Id) {}
}

#[tokio::test]
async fn ten_thousand_viewers_of_a_role_have_one_plan() {
    let database = support::sqlite().await;
    let schema = schema(&database).await;
    fill(&database).await;
    let counted = Counted::default();
    let _guard = tracing::subscriber::set_default(counted.clone());
    let mut seen = 0;
    for user in 0..VIEWERS {
        let viewer = schema.seen_by(&viewer(user, user % 3)).unwrap();
        let query =
            "query ($least: Int) { documents(where: { id: { gte: $least } }) { id comments { id } } }";
        let variables = async_graphql::Variables::from_json(json!({ "least": user % 2 }));
        let executed = viewer.execute(Request::new(query).variables(variables), &database.connection).await;
        assert!(executed.errors.is_empty());
        seen += executed.data()["documents"].as_array().map_or(0, Vec::len);
    }
    let [plans, validations] = [0, 1].map(|place| counted.0[place].load(Ordering::Relaxed));
    assert_eq!((plans, validations), (1, 1));
    // A third of the viewers is of the first organisation, a third of the second.
    assert_eq!(seen, 3 * 3_333 + 3_333);
    database.drop().await;
}
