//! Limits of a role's requests.

use serde::Deserialize;

/// Limits of each request of a role, within those of the service. `None` is the service's own limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RoleLimits {
    /// Maximum number of rows that all statements of a request return together.
    #[serde(default)]
    pub rows: Option<u64>,
    /// Maximum number of rows that a request may ask for, as estimated before execution.
    #[serde(default)]
    pub cost: Option<u64>,
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

    /// Returns the limits with their names.
    fn named(self) -> [(&'static str, Option<u64>); 2] {
        [("rows", self.rows), ("cost", self.cost)]
    }

    /// Returns the faults of the limits in a service with its own limits `of_service`.
    pub(crate) fn faults(self, of_service: Self) -> Vec<String> {
        let given = self.named().into_iter().zip(of_service.named());
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
        Self { rows: Ord::max(self.rows, other.rows), cost: Ord::max(self.cost, other.cost) }
    }
}

/// Prints the limits that are declared.
impl std::fmt::Display for RoleLimits {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let declared = self.named().into_iter().filter_map(|(name, limit)| Some((name, limit?)));
        for (index, (name, limit)) in declared.enumerate() {
            let separator = if index == 0 { "" } else { ", " };
            write!(formatter, "{separator}{name} = {limit}")?;
        }
        Ok(())
    }
}
