//! Sends requests to Crowsfoot, on each database.

use async_graphql::{Request, Variables};
use crowsfoot::{ExecutionLimits, Schema, StatementRecord};
use serde_json::Value as Json;
use std::collections::hash_map::Entry;

use crate::answer::ModelResponse;
use crate::choices::Choices;
use crate::domain;
use crate::known::{Known, order_key};
use crate::live;
use crate::naive;
use crate::query::{Connection, Field, FieldKind, Filter, Keyed, Of, OfConnection, OfEdge, OrderTerm};
use crate::support::{self, TestDatabase};
use crate::syntax::{self, Document};
use crate::tables::TABLES;
use crate::world::{Row, World};
use crate::writing;

/// Schema of the domain over a database.
pub struct Service {
    pub schema: Schema,
    pub database: TestDatabase,
}

/// Result of a request.
pub struct Asked {
    pub data: Json,
    pub errors: Option<Json>,
    pub statements: Vec<StatementRecord>,
}

impl Service {
    /// Creates a service over each test database, with empty tables.
    pub async fn all() -> Vec<Self> {
        let schema = Schema::new(domain::registry().model().unwrap()).unwrap();
        let mut services = Vec::new();
        for database in support::databases().await {
            domain::create_tables(&database.connection).await;
            services.push(Self { schema: schema.clone(), database });
        }
        services
    }

    /// Creates a service over the tables and views of each test database, as the database describes them.
    pub async fn live() -> Vec<Self> {
        let mut services = Vec::new();
        for database in support::databases().await {
            services.push(Self { schema: live::create(&database).await, database });
        }
        services
    }

    pub async fn ask(&self, document: &Document) -> Asked {
        self.ask_by(&self.schema, document).await
    }

    /// Sends a request with a row ceiling.
    pub async fn ask_within(&self, rows: u64, document: &Document) -> Asked {
        let mut limits = ExecutionLimits::DEFAULT;
        limits.rows = rows;
        let schema = Schema::builder(self.schema.model().as_ref().clone()).limits(limits).finish().unwrap();
        self.ask_by(&schema, document).await
    }

    async fn ask_by(&self, schema: &Schema, document: &Document) -> Asked {
        let (mut answer, statements) =
            support::ask(schema, &self.database, &document.text, document.variables.clone()).await;
        Asked { data: answer["data"].take(), errors: answer.get("errors").cloned(), statements }
    }

    /// Returns the number of statements in the plan of a request.
    pub fn planned(&self, document: &Document) -> Result<usize, String> {
        let variables = Variables::from_json(document.variables.clone());
        let plan = self.schema.plan(&Request::new(&document.text).variables(variables));
        plan.map(|plan| plan.statements()).map_err(|error| error.to_string())
    }

    /// Returns the response to a plainly written query, which must have no errors.
    pub async fn answer(&self, fields: &[Field], known: &Known) -> Result<Json, String> {
        let document = syntax::write(&writing::fields(fields, None, known), &mut Choices::new(&[]));
        let asked = self.ask(&document).await;
        match asked.errors {
            None => Ok(asked.data),
            Some(errors) => Err(format!("{}\n{errors:#}", document.text)),
        }
    }

    /// Requests the node ids of all rows.
    pub async fn known(&self, world: &World) -> Result<Known, String> {
        let mut known = Known { node_ids: vec![Vec::new(); TABLES.len()], ..Known::default() };
        for table in world.entities().into_iter().filter(|table| !TABLES[*table].primary_key.is_empty()) {
            let edges = self.edges(world, table, &[]).await?;
            known.node_ids[table] = in_rows(world, table, &[], &edges, "/node/nodeId");
        }
        Ok(known)
    }

    /// Requests the cursors of all rows that a query needs.
    pub async fn learn_cursors(
        &self,
        world: &World,
        fields: &[Field],
        known: &mut Known,
    ) -> Result<(), String> {
        let mut orders = Vec::new();
        collect_orders(fields, None, &mut orders);
        for (table, order) in orders {
            self.learn_order(world, table, &order, known).await?;
        }
        Ok(())
    }

    /// Requests the cursors of all rows of a table in an order.
    pub async fn learn_order(
        &self,
        world: &World,
        table: usize,
        order: &[OrderTerm],
        known: &mut Known,
    ) -> Result<(), String> {
        let key = (table, order_key(table, order));
        if let Entry::Vacant(unknown) = known.cursors.entry(key) {
            let edges = self.edges(world, table, order).await?;
            unknown.insert(in_rows(world, table, order, &edges, "/cursor"));
        }
        Ok(())
    }

    /// Returns all edges of a table, which must be its rows in this order.
    async fn edges(&self, world: &World, table: usize, order: &[OrderTerm]) -> Result<Vec<Json>, String> {
        let key = &TABLES[table].primary_key;
        let columns = key.iter().map(|column| keyed(format!("key{column}"), FieldKind::Column(*column)));
        let fields = columns.chain([keyed("nodeId", FieldKind::NodeId)]).collect();
        let edges =
            OfConnection::Edges(vec![keyed("cursor", OfEdge::Cursor), keyed("node", OfEdge::Node(fields))]);
        let connection = FieldKind::Connection {
            of: Of::Root(table),
            arguments: Connection { order: order.to_vec(), ..Connection::default() },
            fields: vec![keyed("edges", edges)],
        };
        let mut answer = self.answer(&[keyed("all", connection)], &Known::default()).await?;
        let Json::Array(edges) = answer["all"]["edges"].take() else { return Err(answer.to_string()) };
        let rows = naive::rows(world, table, &Filter::default(), order);
        let is_it = |(edge, row): (&Json, &usize)| {
            key.iter().all(|column| {
                let cell = &world.tables[table][*row][*column];
                let answered = &edge["node"][format!("key{column}")];
                ModelResponse::of_cell(TABLES[table].columns[*column].kind, cell)
                    .difference(answered)
                    .is_none()
            })
        };
        if edges.len() != rows.len() || !edges.iter().zip(&rows).all(is_it) {
            let rows: Vec<&Row> = rows.iter().map(|row| &world.tables[table][*row]).collect();
            let edges: Vec<&Json> = edges.iter().map(|edge| &edge["node"]).collect();
            return Err(format!(
                "{} by {order:?}\nexpected: {rows:#?}\nanswered: {edges:#?}",
                TABLES[table].stored
            ));
        }
        Ok(edges)
    }

    pub async fn drop_all(services: Vec<Self>) {
        for service in services {
            service.database.drop().await;
        }
    }
}

pub fn keyed<T>(key: impl Into<String>, what: T) -> Keyed<T> {
    Keyed { key: key.into(), what }
}

/// Returns the texts of edges at `pointer`, indexed by row.
fn in_rows(world: &World, table: usize, order: &[OrderTerm], edges: &[Json], pointer: &str) -> Vec<String> {
    let mut texts = vec![String::new(); edges.len()];
    for (edge, row) in edges.iter().zip(naive::rows(world, table, &Filter::default(), order)) {
        texts[row] = edge.pointer(pointer).and_then(Json::as_str).unwrap().to_owned();
    }
    texts
}

/// Returns made-up node ids and cursors for all that a query asks.
pub fn made_up(world: &World, fields: &[Field]) -> Known {
    let names = |table: usize| (0..world.tables[table].len()).map(|row| format!("{table} {row}")).collect();
    let mut orders = Vec::new();
    collect_orders(fields, None, &mut orders);
    let cursors = orders.into_iter().map(|(table, order)| ((table, order_key(table, &order)), names(table)));
    Known { node_ids: (0..world.tables.len()).map(names).collect(), cursors: cursors.collect() }
}

/// Collects the orders of all nested connections, with their tables.
fn collect_orders(fields: &[Field], above: Option<usize>, orders: &mut Vec<(usize, Vec<OrderTerm>)>) {
    for field in fields {
        match &field.what {
            FieldKind::TypeName | FieldKind::NodeId | FieldKind::Column(_) | FieldKind::Aggregate { .. } => {}
            FieldKind::One { relation, fields } => {
                collect_orders(fields, Some(TABLES[above.unwrap()].relations[*relation].target), orders);
            }
            FieldKind::List { of, fields, .. } => collect_orders(fields, Some(of.target(above)), orders),
            FieldKind::Lookup { table, fields, .. } => collect_orders(fields, Some(*table), orders),
            FieldKind::Node { place, fields } => collect_orders(fields, Some(place.table), orders),
            FieldKind::Nodes { fields, .. } => {
                fields.iter().for_each(|(table, fields)| collect_orders(fields, Some(*table), orders));
            }
            FieldKind::Connection { of, arguments, fields } => {
                let target = of.target(above);
                orders.push((target, arguments.order.clone()));
                for field in fields {
                    match &field.what {
                        OfConnection::Nodes(fields) => collect_orders(fields, Some(target), orders),
                        OfConnection::Edges(edges) => edges.iter().for_each(|edge| {
                            if let OfEdge::Node(fields) = &edge.what {
                                collect_orders(fields, Some(target), orders);
                            }
                        }),
                        _ => {}
                    }
                }
            }
        }
    }
}
