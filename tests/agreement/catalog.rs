//! What a database tells of itself decides how a statement is written. That each way answers alike is for the other tests to
//! see: this one sees that there are several.

use std::sync::Arc;

use crowsfoot::plan::Dialect;
use serde_json::json;

use crate::ask::Service;
use crate::choices::{self, Choices};
use crate::syntax::Document;
use crate::tables::{Arity, TABLES, entities};
use crate::world::World;

/// What only a search for each parent has in its text.
const SEARCHES: &str = "AS \"parent\"";
/// What only numbered rows have.
const NUMBERS: &str = "ROW_NUMBER()";
/// What stands before rows that others are joined with when they are found.
const FINDS_FIRST: &str = "FROM (SELECT \"t0\".*";

#[tokio::test]
async fn a_part_of_each_list_is_found_by_an_index_where_there_is_one() {
    let services = services_with_rows().await;
    for service in &services {
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
            let sent = sent(service, list).await;
            let [_, below] = sent.as_slice() else { panic!("{list} sent {sent:?}") };
            assert!(below.contains(way), "{:?}: {list} sent {below}", service.database.dialect);
        }
    }
    Service::drop_all(services).await;
}

#[tokio::test]
async fn small_tables_are_joined_on_postgresql_with_the_rows_that_are_left() {
    let services = services_with_rows().await;
    for service in &services {
        for (list, finds_first) in [
            ("people(limit: 100) { manager { name } }", true),
            (
                "people(limit: 100, offset: 1, where: { manager: { name: { ne: \"a\" } } }) { manager { name } }",
                true,
            ),
            ("people(limit: 100, orderBy: [{ nick: DESC }]) { manager { manager { name } } }", true),
            // Nothing is joined.
            ("people(limit: 100) { name }", false),
            // Nothing is left out.
            ("people { manager { name } }", false),
            // There are more of them than five times one.
            ("people(limit: 1) { manager { name } }", false),
            // Another table gives the order.
            ("people(limit: 100, orderBy: [{ manager: { name: ASC } }]) { manager { name } }", false),
        ] {
            let sent = sent(service, list).await;
            let [only] = sent.as_slice() else { panic!("{list} sent {sent:?}") };
            let is_wanted = finds_first && service.database.dialect == Dialect::Postgres;
            assert_eq!(only.contains(FINDS_FIRST), is_wanted, "{list} sent {only}");
        }
    }
    Service::drop_all(services).await;
}

async fn services_with_rows() -> Vec<Service> {
    let services = Service::all().await;
    let numbers = choices::fixed(60_000);
    let world = World::full(&mut Choices::new(&numbers));
    for service in &services {
        world.store(&service.database.connection).await;
    }
    services
}

/// The statements for a root field, which must have no errors.
async fn sent(service: &Service, field: &str) -> Vec<Arc<str>> {
    let asked = service.ask(&Document { text: format!("{{ {field} }}"), variables: json!({}) }).await;
    assert_eq!(asked.errors, None, "{field}");
    asked.statements.into_iter().map(|statement| statement.sql).collect()
}

/// What only an order by the numbers of all lists has in its text.
const GROUPS: &str = "AS \"counts0\"";

#[tokio::test]
async fn an_order_by_a_count_reads_a_table_once_where_no_index_leads_to_a_list() {
    let services = services_with_rows().await;
    for service in &services {
        let (mut grouped, mut counted) = (0, 0);
        for table in entities().map(|id| &TABLES[id]) {
            for relation in table.relations.iter().filter(|relation| relation.arity == Arity::Many) {
                let order = format!("orderBy: [{{ {}Count: DESC }}]", relation.field);
                let sent = sent(service, &format!("{}({order}) {{ __typename }}", table.list)).await;
                match sent[0].contains(GROUPS) {
                    true => {
                        assert!(sent[0].contains("GROUP BY"), "{}", sent[0]);
                        grouped += 1;
                    }
                    false => {
                        assert!(sent[0].contains("ORDER BY (SELECT COUNT(*)"), "{}", sent[0]);
                        counted += 1;
                    }
                }
            }
        }
        assert!(grouped > 0 && counted > 0, "{:?}: {grouped} and {counted}", service.database.dialect);
    }
    Service::drop_all(services).await;
}
