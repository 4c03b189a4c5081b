//! Concurrent requests over one schema and one pool: each gets its own response and counts its own
//! statements.

use std::sync::Arc;

use futures_util::future::join_all;

use crate::agreement::compare;
use crate::ask::Service;
use crate::choices::{self, Choices};
use crate::query::Field;
use crate::random_query::random_tree;
use crate::world::World;

const AT_ONCE: usize = 20;
const ROUNDS: usize = 2;

#[tokio::test(flavor = "multi_thread")]
async fn requests_at_once_answer_as_they_do_alone() {
    let services: Vec<Arc<Service>> = Service::all().await.into_iter().map(Arc::new).collect();
    let numbers = choices::fixed(60_000);
    let mut choices = Choices::new(&numbers);
    for _ in 0..ROUNDS {
        let world = Arc::new(World::full(&mut choices));
        let different: Vec<Vec<Field>> = (0..AT_ONCE).map(|_| random_tree(&world, &mut choices)).collect();
        // The largest query, as many times.
        let greatest = different.iter().max_by_key(|fields| format!("{fields:?}").len()).unwrap();
        let identical = vec![greatest.clone(); AT_ONCE];
        let mut asked = Vec::new();
        for service in &services {
            world.store(&service.database.connection).await;
            let mut known = service.known(&world).await.unwrap();
            for fields in &different {
                service.learn_cursors(&world, fields, &mut known).await.unwrap();
            }
            let known = Arc::new(known);
            for fields in different.iter().chain(&identical) {
                let (service, world, known, fields) =
                    (service.clone(), world.clone(), known.clone(), fields.clone());
                let ask =
                    async move { compare(&service, &world, &known, &fields, &mut Choices::new(&[])).await };
                asked.push(tokio::spawn(ask));
            }
        }
        for compared in join_all(asked).await {
            compared.unwrap().unwrap_or_else(|fault| panic!("{fault}"));
        }
    }
    let services = services.into_iter().map(|service| Arc::into_inner(service).unwrap()).collect();
    Service::drop_all(services).await;
}
