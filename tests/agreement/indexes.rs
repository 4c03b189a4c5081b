//! A part of each list is found by an index where there is one, and else by numbering the rows of all. That both answer
//! alike is for the other tests to see: this one sees that there are both.

use serde_json::json;

use crate::ask::Service;
use crate::choices::{self, Choices};
use crate::syntax::Document;
use crate::world::World;

/// What only a search for each parent has in its text.
const SEARCHES: &str = "AS \"parent\"";
/// What only numbered rows have.
const NUMBERS: &str = "ROW_NUMBER()";

#[tokio::test]
async fn a_part_of_each_list_is_found_by_an_index_where_there_is_one() {
    let services = Service::all().await;
    let numbers = choices::fixed(60_000);
    let world = World::full(&mut Choices::new(&numbers));
    for service in &services {
        world.store(&service.database.connection).await;
        for (list, way) in [
            ("people { reports(limit: 1) { id } }", SEARCHES),
            ("people { reports(limit: 2, offset: 1, orderBy: [{ name: DESC }]) { id } }", SEARCHES),
            ("people { reports(limit: 2, where: { name: { ne: \"a\" } }) { id } }", SEARCHES),
            ("people { reportsConnection(first: 1) { nodes { id } } }", SEARCHES),
            // Another table gives the order.
            ("people { reports(limit: 1, orderBy: [{ manager: { name: ASC } }]) { id } }", NUMBERS),
            // Their key has two columns.
            ("shelves { exhibits(limit: 1) { id } }", NUMBERS),
        ] {
            let text = format!("{{ {list} }}");
            let asked = service.ask(&Document { text: text.clone(), variables: json!({}) }).await;
            assert_eq!(asked.errors, None, "{text}");
            let sent: Vec<&str> = asked.statements.iter().map(|statement| &*statement.sql).collect();
            let [_, below] = sent.as_slice() else { panic!("{text} sent {sent:?}") };
            assert!(below.contains(way), "{:?}: {text} sent {below}", service.database.dialect);
        }
    }
    Service::drop_all(services).await;
}
