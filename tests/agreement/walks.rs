//! Walks through connections: page after page, forward and backward, every list is visited completely, in its
//! order and each row once.

use proptest::test_runner::{TestCaseError, TestRunner};
use serde_json::Value as Json;
use tokio::runtime::Runtime;

use crate::ask::{Service, keyed};
use crate::choices::{self, Choices};
use crate::known::Known;
use crate::naive;
use crate::query::{
    By, Connection, Direction, Field, FieldKind, Filter, Of, OfConnection, OfEdge, OfPageInfo, OrderTerm,
    Place,
};
use crate::random_query::order_terms;
use crate::tables::{Arity, TABLES, entities, table};
use crate::world::World;

/// Rows per page: lists take several pages, and some end within a page.
const PAGE: usize = 3;

/// Number of row sets with arbitrary values.
const WILD_CASES: u32 = 4;

/// Walk in progress.
struct Walk {
    of: Of,
    /// Row that has the list; `None` at the root.
    above: Option<Place>,
    order: Vec<OrderTerm>,
    backward: bool,
    /// Rows per page.
    size: usize,
    /// Visited rows, in the order of the list.
    visited: Vec<usize>,
    /// Row of the last page's end cursor.
    at: Option<usize>,
    is_over: bool,
}

/// At the root: by every column of every type, every column and count over one relation, and every count.
#[tokio::test]
async fn pages_walk_every_table_by_every_term() {
    let services = Service::all().await;
    let world = World::full(&mut Choices::new(&choices::fixed(6_000)));
    for service in &services {
        world.store(&service.database.connection).await;
        let mut known = service.known(&world).await.unwrap();
        for table in entities() {
            let terms = order_terms(table, 1);
            let orders = terms.into_iter().flat_map(|(path, by)| {
                directions(table, &path, &by).iter().map(move |direction| {
                    vec![OrderTerm { path: path.clone(), by: by.clone(), direction: *direction }]
                })
            });
            let mut walks = Vec::new();
            for order in orders {
                service.learn_order(&world, table, &order, &mut known).await.unwrap();
                for backward in [false, true] {
                    walks.push(Walk::new(Of::Root(table), None, order.clone(), backward));
                }
            }
            walk_all(service, &world, &known, &mut walks).await.unwrap();
        }
    }
    Service::drop_all(services).await;
}

/// Every cursor is read back exactly, for any column value: pages of one row begin and end at each of them.
#[test]
fn pages_of_one_row_walk_by_any_value_of_any_column() {
    let runtime = Runtime::new().unwrap();
    let services = runtime.block_on(Service::all());
    let table = table("Exhibit");
    let mut runner = TestRunner::new(choices::config(WILD_CASES));
    let result = runner.run(&choices::choices(2_000), |numbers| {
        let mut choices = Choices::new(&numbers);
        let world = World::wild(&mut choices);
        for service in &services {
            runtime
                .block_on(async {
                    world.store(&service.database.connection).await;
                    let mut known = service.known(&world).await?;
                    let mut walks = Vec::new();
                    for (path, by) in order_terms(table, 0) {
                        let direction = *choices.pick(directions(table, &path, &by));
                        let order = vec![OrderTerm { path, by, direction }];
                        service.learn_order(&world, table, &order, &mut known).await?;
                        for backward in [false, true] {
                            walks.push(Walk::new(Of::Root(table), None, order.clone(), backward).by(1));
                        }
                    }
                    walk_all(service, &world, &known, &mut walks).await
                })
                .map_err(TestCaseError::fail)?;
        }
        Ok(())
    });
    choices::expect(result);
    runtime.block_on(Service::drop_all(services));
}

/// Nested: through every list relation, by two terms.
#[tokio::test]
async fn pages_walk_every_list_of_a_row() {
    let services = Service::all().await;
    let numbers = choices::fixed(9_000);
    let mut choices = Choices::new(&numbers);
    let world = World::full(&mut choices);
    for service in &services {
        world.store(&service.database.connection).await;
        let mut known = service.known(&world).await.unwrap();
        for table in entities() {
            let relations = TABLES[table].relations.iter().enumerate();
            for (id, relation) in relations.filter(|(_, relation)| relation.arity == Arity::Many) {
                let terms = order_terms(relation.target, 1);
                let mut walks = Vec::new();
                for row in 0..world.tables[table].len() {
                    let term = |(path, by)| OrderTerm { path, by, direction: Direction::Asc };
                    let mut order: Vec<OrderTerm> =
                        (0..2).map(|_| term(choices.pick(&terms).clone())).collect();
                    order.iter_mut().for_each(|term| term.direction = *choices.pick(&Direction::ALL));
                    service.learn_order(&world, relation.target, &order, &mut known).await.unwrap();
                    for backward in [false, true] {
                        let above = Some(Place { table, row });
                        walks.push(Walk::new(Of::Relation(id), above, order.clone(), backward));
                    }
                }
                walk_all(service, &world, &known, &mut walks).await.unwrap();
            }
        }
    }
    Service::drop_all(services).await;
}

impl Walk {
    fn new(of: Of, above: Option<Place>, order: Vec<OrderTerm>, backward: bool) -> Self {
        Self { of, above, order, backward, size: PAGE, visited: Vec::new(), at: None, is_over: false }
    }

    fn by(self, size: usize) -> Self {
        Self { size, ..self }
    }

    fn target(&self) -> usize {
        self.of.target(self.above.map(|above| above.table))
    }

    /// Returns the next page as a field, under `key`.
    fn field(&self, key: String) -> Field {
        let mut arguments = Connection { order: self.order.clone(), ..Connection::default() };
        if self.backward {
            (arguments.last, arguments.before) = (Some(self.size), self.at);
        } else {
            (arguments.first, arguments.after) = (Some(self.size), self.at);
        }
        let node = OfEdge::Node(vec![keyed("nodeId", FieldKind::NodeId)]);
        let fields = vec![
            keyed("edges", OfConnection::Edges(vec![keyed("cursor", OfEdge::Cursor), keyed("node", node)])),
            keyed("pageInfo", OfConnection::PageInfo(OfPageInfo::ALL.to_vec())),
        ];
        let page = FieldKind::Connection { of: self.of, arguments, fields };
        match self.above {
            None => keyed(key, page),
            Some(place) => keyed(key, FieldKind::Node { place, fields: vec![keyed("page", page)] }),
        }
    }

    /// Records a page. The next one begins at its end cursor, sent back unchanged.
    fn take(&mut self, page: &Json, known: &Known) -> Result<(), String> {
        let target = self.target();
        let ids = &known.node_ids[target];
        let row = |edge: &Json| ids.iter().position(|id| edge["node"]["nodeId"] == *id);
        let visited: Option<Vec<usize>> =
            page["edges"].as_array().and_then(|edges| edges.iter().map(row).collect());
        let visited = visited.ok_or_else(|| format!("not a page: {page}"))?;
        let (further, end, last) = match self.backward {
            false => ("hasNextPage", "endCursor", visited.last().copied()),
            true => ("hasPreviousPage", "startCursor", visited.first().copied()),
        };
        let cursor = last.map(|row| known.cursor(target, &self.order, row));
        self.is_over = page["pageInfo"][further] == false;
        let is_full = visited.len() == self.size || (self.is_over && visited.len() < self.size);
        if !is_full || page["pageInfo"][end].as_str() != cursor {
            return Err(format!("a page by {:?}: {page}", self.order));
        }
        self.at = last;
        if self.backward {
            self.visited.splice(0..0, visited);
        } else {
            self.visited.extend(visited);
        }
        Ok(())
    }
}

/// Runs walks concurrently, a page of each per request, until all have ended.
async fn walk_all(service: &Service, world: &World, known: &Known, walks: &mut [Walk]) -> Result<(), String> {
    while walks.iter().any(|walk| !walk.is_over) {
        let fields = walks.iter().enumerate().filter(|(_, walk)| !walk.is_over);
        let fields: Vec<Field> = fields.map(|(place, walk)| walk.field(format!("walk{place}"))).collect();
        let pages = service.answer(&fields, known).await?;
        for (place, walk) in walks.iter_mut().enumerate().filter(|(_, walk)| !walk.is_over) {
            let page = &pages[format!("walk{place}")];
            walk.take(if walk.above.is_some() { &page["page"] } else { page }, known)?;
            if walk.visited.len() > world.tables[walk.target()].len() {
                return Err(format!("a walk by {:?} goes round: {:?}", walk.order, walk.visited));
            }
        }
    }
    for Walk { of, above, order, backward, visited, .. } in walks {
        let rows = match above {
            None => naive::rows(world, of.target(None), &Filter::default(), order),
            Some(above) => naive::rows_below(world, *above, *of, order),
        };
        if *visited != rows {
            let way = if *backward { "backward" } else { "forward" };
            return Err(format!("{of:?} of {above:?} by {order:?}, {way}: visited {visited:?} of {rows:?}"));
        }
    }
    Ok(())
}

/// Returns every direction in which a term sorts differently.
fn directions(table: usize, path: &[usize], by: &By) -> &'static [Direction] {
    let is_column = |column: &usize| TABLES[table].columns[*column].nullable;
    let may_be_null = match by {
        By::Column(column) => !path.is_empty() || is_column(column),
        By::Count(_) => false,
    };
    match may_be_null {
        true => &[Direction::Asc, Direction::AscNullsFirst, Direction::Desc, Direction::DescNullsLast],
        false => &[Direction::Asc, Direction::Desc],
    }
}
