//! Keys that an expression of the database fills.

use std::collections::BTreeSet;

use crowsfoot::internals::dialect::Dialect;
use crowsfoot::{Schema, TableOptions};
use serde_json::Value as Json;

use super::model;
use crate::support::{self, data};

#[tokio::test]
async fn a_row_without_any_value_takes_the_default_of_its_key() {
    for database in support::databases().await {
        let random = match database.dialect {
            Dialect::Sqlite => "(lower(hex(randomblob(8))))",
            Dialect::Postgres => "md5(random()::text)",
        };
        let table = format!(
            "CREATE TABLE vouchers (code text NOT NULL PRIMARY KEY DEFAULT {random}, note text DEFAULT 'new')"
        );
        database.run(&table).await;
        let schema = Schema::new(model(&database, &TableOptions::new()).await).unwrap();
        let create = "mutation {
            one: createVoucher(input: {}) { code note }
            many: createVouchers(input: [{}, {}, { note: \"given\" }]) { code note }
        }";
        let created = data(&schema, &database, create).await;
        let rows: Vec<&Json> = created["many"].as_array().unwrap().iter().chain([&created["one"]]).collect();
        let codes: BTreeSet<&str> = rows.iter().filter_map(|row| row["code"].as_str()).collect();
        assert_eq!((rows.len(), codes.len()), (4, 4), "{:?} {created}", database.dialect);
        assert!(codes.iter().all(|code| !code.is_empty()), "{created}");
        let notes: Vec<&Json> = rows.iter().map(|row| &row["note"]).collect();
        assert_eq!(notes, ["new", "new", "given", "new"], "{created}");
        database.drop().await;
    }
}
