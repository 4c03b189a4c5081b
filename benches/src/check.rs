//! Both servers must give the same answers: a floor that does less would prove nothing.

use serde_json::Value as Json;

use crate::Failure;
use crate::load::{Connection, Request};
use crate::server::Server;
use crate::workload::{Question, Workload};

/// So many questions of a workload are compared: of one that has more, the others differ in a key alone.
const COMPARED: usize = 500;

/// Asks both servers each question once.
///
/// # Errors
/// When an answer is not the other's, or not as large as it must be.
pub async fn run(floor: &Server, service: &Server, workloads: &[Workload]) -> Result<(), Failure> {
    let (mut floor, mut service) =
        (Connection::open(floor.address).await?, Connection::open(service.address).await?);
    for Workload { name, questions } in workloads {
        for Question { query, variables, path, objects } in questions.iter().take(COMPARED) {
            let ours: Json = serde_json::from_slice(floor.ask(&Request::get(path)).await?)?;
            let theirs: Json = serde_json::from_slice(service.ask(&Request::post(query, variables)).await?)?;
            if ours != theirs {
                return Err(format!("{name}: the floor answers\n{ours}\nand the service\n{theirs}").into());
            }
            let found = count(&ours["data"]).saturating_sub(1);
            if found != *objects {
                return Err(format!("{name}: {found} objects, expected {objects}").into());
            }
        }
    }
    Ok(())
}

fn count(json: &Json) -> usize {
    match json {
        Json::Object(fields) => 1 + fields.values().map(count).sum::<usize>(),
        Json::Array(items) => items.iter().map(count).sum(),
        _ => 0,
    }
}
