//! Commands about policies, and the schemas of roles.

use std::collections::BTreeSet;

use crowsfoot::Schema;
use crowsfoot::internals::dialect::Dialect;
use crowsfoot::policy::{Policies, PolicyFault, Viewer};

use crate::Failure;

/// Returns the policies that the options file declares.
fn declared(schema: &Schema) -> Result<&Policies, Failure> {
    let policies = schema.policies();
    policies.ok_or_else(|| "no roles: write tables [roles.NAME.TYPE] into a file for --options".into())
}

/// Returns the schema of a role.
pub fn of_role(schema: &Schema, role: &str) -> Result<Schema, Failure> {
    declared(schema)?;
    schema.of_role(role).map_err(|error| error.message().to_owned().into())
}

/// Returns the schema as a viewer sees it. `values` is a JSON object.
pub fn seen_by(schema: &Schema, role: &str, values: Option<&str>) -> Result<Schema, Failure> {
    declared(schema)?;
    let mut viewer = Viewer::new(role);
    viewer.values = values.map(serde_json::from_str).transpose()?.unwrap_or_default();
    schema.seen_by(&viewer).map_err(|error| error.message().to_owned().into())
}

/// Checks that statements of a database of this dialect can have the rules, and prints the roles. Their policies were checked
/// against the model when the schema was built.
pub fn check(schema: &Schema, dialect: Dialect) -> Result<(), Failure> {
    let roles: Vec<&str> = declared(schema)?.roles().collect();
    schema.check_rules(dialect).map_err(all)?;
    println!("the policies match the model; roles: {}", roles.join(", "));
    Ok(())
}

/// Prints what a role may do.
pub fn print(schema: &Schema, role: &str) -> Result<(), Failure> {
    let restricted = declared(schema)?.restrict(schema.model(), role, &BTreeSet::new()).map_err(all)?;
    print!("{}", restricted.print(schema.model()));
    Ok(())
}

/// Joins the faults of policies.
fn all(faults: Vec<PolicyFault>) -> String {
    let faults: Vec<String> = faults.iter().map(ToString::to_string).collect();
    faults.join("\n  ")
}
