//! Both servers must give the same answers: a floor that does less would prove nothing.

use serde_json::Value as Json;

use crate::Failure;
use crate::load::{self, Request};
use crate::server::Server;
use crate::workload::Workload;

/// Asks both servers each question once.
///
/// # Errors
/// When an answer is not the other's, or not as large as it must be.
pub async fn run(floor: &Server, service: &Server, workloads: &[Workload]) -> Result<(), Failure> {
    for workload in workloads {
        let ours = answer(floor, &Request::get(&workload.path)).await?;
        let theirs = answer(service, &Request::post(&workload.query)).await?;
        let name = workload.name;
        if ours != theirs {
            return Err(format!("{name}: the floor answers\n{ours}\nand the service\n{theirs}").into());
        }
        let objects = objects(&ours["data"]).saturating_sub(1);
        if objects != workload.objects {
            return Err(format!("{name}: {objects} objects, expected {}", workload.objects).into());
        }
    }
    Ok(())
}

async fn answer(server: &Server, request: &Request) -> Result<Json, Failure> {
    Ok(serde_json::from_slice(&load::ask(server.address, request).await?)?)
}

fn objects(json: &Json) -> usize {
    match json {
        Json::Object(fields) => 1 + fields.values().map(objects).sum::<usize>(),
        Json::Array(items) => items.iter().map(objects).sum(),
        _ => 0,
    }
}
