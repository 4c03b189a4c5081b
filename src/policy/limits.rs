//! Limits of a role's requests.

use serde::Deserialize;

use super::RequestRate;

/// Limits of the requests of a role, within those of the service. `None` is the service's own limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RoleLimits {
    /// Maximum number of rows that all statements of a request return together.
    #[serde(default)]
    pub rows: Option<u64>,
    /// Maximum number of rows that a request may ask for, as estimated before execution.
    #[serde(default)]
    pub cost: Option<u64>,
    /// Maximum number of operations of each viewer.
    #[serde(default)]
    pub requests: Option<RequestRate>,
}

impl RoleLimits {
    /// Sets the maximum number of rows that all statements of a request return together.
    pub fn rows(mut self, rows: u64) -> Self {
        self.rows = Some(rows);
        self
    }

    /// Sets the maximum number of rows that a request may ask for, as estimated before execution.
    pub fn cost(mut self, cost: u64) -> Self {
        self.cost = Some(cost);
        self
    }

    /// Sets the maximum number of operations of each viewer. Viewers without values are counted by their network.
    pub fn requests(mut self, requests: RequestRate) -> Self {
        self.requests = Some(requests);
        self
    }

    /// Returns the limits of a single request, with their names.
    fn of_request(self) -> [(&'static str, Option<u64>); 2] {
        [("rows", self.rows), ("cost", self.cost)]
    }

    /// Returns the faults of the limits in a service with its own limits `of_service`.
    pub(crate) fn faults(self, of_service: Self) -> Vec<String> {
        let given = self.of_request().into_iter().zip(of_service.of_request());
        let faults = given.filter_map(|((name, given), (_, most))| {
            let (given, most) = (given?, most.unwrap_or(u64::MAX));
            let fault =
                || format!("limits.{name}: expected 1 to {most}, the service's limit, but got {given}");
            (given == 0 || given > most).then(fault)
        });
        faults.collect()
    }

    /// Returns the greater of each limit that either declares.
    pub(super) fn or(self, other: Self) -> Self {
        Self {
            rows: Ord::max(self.rows, other.rows),
            cost: Ord::max(self.cost, other.cost),
            requests: Ord::max(self.requests, other.requests),
        }
    }
}

/// Prints the limits that are declared.
impl std::fmt::Display for RoleLimits {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let counts = self.of_request().into_iter();
        let declared = counts.filter_map(|(name, limit)| Some(format!("{name} = {}", limit?)));
        let requests = self.requests.map(|requests| format!("requests = {requests}"));
        let all: Vec<String> = declared.chain(requests).collect();
        formatter.write_str(&all.join(", "))
    }
}
