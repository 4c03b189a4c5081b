//! Compares the responses of both servers: a floor that does less would prove nothing.

use serde_json::Value as Json;

use crate::Failure;
use crate::load::{Connection, Request};
use crate::server::Server;
use crate::workload::{Question, Workload};

/// Maximum number of compared questions per workload; the remaining ones differ only in a key.
const COMPARED: usize = 500;

/// Sends each question once to both servers.
///
/// # Errors
/// If the responses differ, or a response has the wrong size.
pub async fn run(floor: &Server, service: &Server, workloads: &[Workload]) -> Result<(), Failure> {
    let (mut floor, mut service) =
        (Connection::open(floor.address).await?, Connection::open(service.address).await?);
    for Workload { name, questions } in workloads {
        for Question { query, variables, path, objects } in questions.iter().take(COMPARED) {
            let ours: Json =
                serde_json::from_slice(floor.ask(&Request::to_path(path, query, variables)).await?)?;
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
