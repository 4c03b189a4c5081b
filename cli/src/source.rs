//! The model of a live database.

use std::fmt::Display;
use std::path::Path;

use crowsfoot::{Database, DatabaseDescription, Model, Registry};

use crate::Failure;
use crate::config::ModelSource;
use crate::options::Options;

/// Refuses a file of SQLite that does not exist: to open it would create an empty database.
///
/// # Errors
/// If there is no such file.
pub fn require_file(url: &str) -> Result<(), Failure> {
    let Some(file) = url.strip_prefix("sqlite:") else { return Ok(()) };
    let file = file.trim_start_matches("//").split('?').next().unwrap_or_default();
    match file.is_empty() || file == ":memory:" || Path::new(file).exists() {
        true => Ok(()),
        false => {
            Err(format!("{file} does not exist; --from-database serves the tables of an existing database")
                .into())
        }
    }
}

/// Reads the model from the tables of the database. Calls `note` with each part that is left out or renamed.
pub async fn read(
    connection: &Database,
    source: &ModelSource,
    options: &Options,
    note: impl Fn(&dyn Display),
) -> Result<Model, Failure> {
    let described = crowsfoot::describe(connection, &source.schema).await?;
    model(&described, options, note)
}

/// Builds the model of described tables. Calls `note` with each part that is left out or renamed.
pub fn model(
    described: &DatabaseDescription,
    options: &Options,
    note: impl Fn(&dyn Display),
) -> Result<Model, Failure> {
    // Before faults, which may follow from what is left out.
    described.left_out.iter().filter(|part| !part.is_fault()).for_each(|part| note(part));
    let faults: Vec<String> =
        described.left_out.iter().filter(|part| part.is_fault()).map(ToString::to_string).collect();
    if !faults.is_empty() {
        return Err(faults.join("\n").into());
    }
    let registry = Registry::from_tables(&described.tables, &options.tables());
    let registry = options.of_all_entities(registry);
    let model = registry.model().map_err(|error| options.located(&error))?;
    model.notes.iter().for_each(|decision| note(decision));
    if model.exposed().next().is_none() {
        return Err("the database has no table or view that can be read; nothing can be served".into());
    }
    Ok(model)
}
