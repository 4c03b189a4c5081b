//! Statistics of a database decide how a statement is written. Other tests compare the variants' responses:
//! these tests check that several variants occur.

use std::sync::Arc;

use crowsfoot::internals::dialect::Dialect;
use serde_json::json;

use crate::ask::Service;
use crate::choices::{self, Choices};
use crate::syntax::Document;
use crate::tables::{Arity, TABLES, entities};
use crate::world::World;

/// Text that only a lateral join per parent contains.
const SEARCHES: &str = "AS \"parent\"";
/// Text that only windowed rows contain.
const NUMBERS: &str = "ROW_NUMBER()";
/// Text before a sub-select whose rows are limited before the join.
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
            // Ordered by another table.
            ("people { reports(limit: 1, orderBy: [{ manager: { name: ASC } }]) { id } }", NUMBERS),
            // Foreign key of two columns.
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
            // No join.
            ("people(limit: 100) { name }", false),
            // No limit.
            ("people { manager { name } }", false),
            // More than five rows of the joined table per row.
            ("people(limit: 1) { manager { name } }", false),
            // Ordered by another table.
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

/// Returns the statements of a root field, which must have no errors.
async fn sent(service: &Service, field: &str) -> Vec<Arc<str>> {
    let asked = service.ask(&Document { text: format!("{{ {field} }}"), variables: json!({}) }).await;
    assert_eq!(asked.errors, None, "{field}");
    asked.statements.into_iter().map(|statement| statement.sql).collect()
}

/// Text that only an order by counts of all lists contains.
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
