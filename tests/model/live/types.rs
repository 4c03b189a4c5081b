//! Schemas of tables with a column of every type.
//!
//! The folder contains the tables, their schemas, and the notes about what the schemas leave out. This command updates them:
//!
//! ```text
//! UPDATE_GOLDEN=1 cargo test --test model types
//! ```

use std::fs;
use std::path::Path;

use crowsfoot::internals::dialect::Dialect;
use crowsfoot::{Schema, TableOptions};

use super::model;
use crate::support;

#[tokio::test]
async fn every_type_has_its_place_in_the_schema() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/model/live/types");
    for database in support::databases().await {
        let name = match database.dialect {
            Dialect::Sqlite => "sqlite",
            Dialect::Postgres => "postgres",
        };
        database.run(&fs::read_to_string(folder.join(format!("{name}.sql"))).unwrap()).await;
        let model = model(&database, &TableOptions::new()).await;
        let notes: String = model.notes.iter().map(|note| format!("{note}\n")).collect();
        let sdl = Schema::new(model).unwrap().sdl();
        for (file, text) in [(format!("{name}.graphql"), sdl), (format!("{name}.txt"), notes)] {
            let file = folder.join(file);
            if std::env::var_os("UPDATE_GOLDEN").is_some() {
                fs::write(&file, &text).unwrap();
            }
            let expected = fs::read_to_string(&file).unwrap();
            assert!(text == expected, "{} differs:\n{text}", file.display());
        }
        database.drop().await;
    }
}
