//! Commands about policies, and the schemas of roles.

use std::collections::BTreeSet;
use std::path::Path;

use crowsfoot::policy::{Policies, Viewer};
use crowsfoot::{Model, Schema};

use crate::Failure;
use crate::options::Options;

/// Reads the policies of an options file.
fn read(file: Option<&Path>) -> Result<Policies, Failure> {
    let policies = Options::read(file)?.policies();
    policies.ok_or_else(|| "no roles: write tables [roles.NAME.TYPE] into a file for --options".into())
}

fn schema(model: Model, file: Option<&Path>) -> Result<Schema, Failure> {
    Ok(Schema::builder(model).policies(read(file)?).finish()?)
}

/// Builds the schema of a role.
pub fn of_role(model: Model, file: Option<&Path>, role: &str) -> Result<Schema, Failure> {
    schema(model, file)?.of_role(role).map_err(|error| error.message().to_owned().into())
}

/// Builds the schema as a viewer sees it. `values` is a JSON object.
pub fn seen_by(
    model: Model,
    file: Option<&Path>,
    role: &str,
    values: Option<&str>,
) -> Result<Schema, Failure> {
    let mut viewer = Viewer::new(role);
    viewer.values = values.map(serde_json::from_str).transpose()?.unwrap_or_default();
    schema(model, file)?.seen_by(&viewer).map_err(|error| error.message().to_owned().into())
}

/// Checks all policies against the model.
pub fn check(model: Model, file: Option<&Path>) -> Result<(), Failure> {
    let schema = schema(model, file)?;
    let roles: Vec<&str> = schema.policies().iter().flat_map(|policies| policies.roles()).collect();
    println!("the policies match the model; roles: {}", roles.join(", "));
    Ok(())
}

/// Prints what a role may do.
pub fn print(model: &Model, file: Option<&Path>, role: &str) -> Result<(), Failure> {
    let restricted = read(file)?.restrict(model, role, &BTreeSet::new()).map_err(|faults| {
        let faults: Vec<String> = faults.iter().map(ToString::to_string).collect();
        faults.join("\n  ")
    })?;
    print!("{}", restricted.print(model));
    Ok(())
}
