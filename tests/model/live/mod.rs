//! Models of live databases, asked and written through their schemas.

mod lists;

use crowsfoot::model::TableOptions;
use crowsfoot::{Model, Registry, Schema, database};

use crate::support::{self, TestDatabase};

/// Returns the model of the tables in a database.
async fn model(database: &TestDatabase, options: &TableOptions) -> Model {
    let described = database::describe(&database.connection, &[]).await.unwrap();
    Registry::from_tables(&described.tables, options).model().unwrap_or_else(|error| panic!("{error}"))
}

/// Returns the databases with these tables, each with the schema of its model.
async fn served(tables: &str, options: &TableOptions) -> Vec<(TestDatabase, Schema)> {
    let mut served = Vec::new();
    for database in support::databases().await {
        database.run(tables).await;
        let schema = Schema::new(model(&database, options).await).unwrap();
        served.push((database, schema));
    }
    served
}
