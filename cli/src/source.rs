//! The model of a live database.

use std::fmt::Display;

use crowsfoot::database::{self, Database, DatabaseDescription};
use crowsfoot::{Model, Registry};

use crate::Failure;
use crate::config::ModelSource;
use crate::options::Options;

/// Reads the model from the tables of the database. Calls `note` with each part that is left out or renamed.
pub async fn read(
    connection: &Database,
    source: &ModelSource,
    options: Options,
    note: impl Fn(&dyn Display),
) -> Result<Model, Failure> {
    let described = database::describe(connection, &source.schema).await?;
    model(&described, options, note)
}

/// Builds the model of described tables. Calls `note` with each part that is left out or renamed.
pub fn model(
    described: &DatabaseDescription,
    options: Options,
    note: impl Fn(&dyn Display),
) -> Result<Model, Failure> {
    let model = Registry::from_tables(&described.tables, &options.tables()).model()?;
    described.left_out.iter().for_each(|part| note(part));
    model.notes.iter().for_each(|decision| note(decision));
    if model.exposed().next().is_none() {
        return Err("the database has no table with a primary key; nothing can be served".into());
    }
    Ok(model)
}
