//! A database of many tables.

use std::fmt::Write as _;

use crowsfoot::internals::database::verify_described;
use crowsfoot::{Registry, Schema, TableOptions, describe};

use crate::support::{self, data};

/// Number of tables, a tenth of them junctions.
const TABLES: usize = 500;

/// Returns the tables: each references the first one twice, an earlier one, and itself.
fn tables() -> String {
    let mut sql = String::new();
    for number in 0..TABLES {
        // Letters alone, because a name that ends in a number would be singular and plural at once.
        let word = |number: usize| {
            let letter = |digit: usize| char::from(b'a' + u8::try_from(digit % 26).unwrap());
            format!("thing_{}{}k", letter(number / 26), letter(number))
        };
        let table = word(number);
        if number % 10 == 9 {
            let (one, other) = (word(number - 3), word(number - 7));
            write!(
                sql,
                "CREATE TABLE {table} (one_id integer NOT NULL REFERENCES {one} (id), \
                 other_id integer NOT NULL REFERENCES {other} (id), PRIMARY KEY (one_id, other_id));"
            )
            .unwrap();
            continue;
        }
        let earlier = word(number / 20 * 10);
        write!(
            sql,
            "CREATE TABLE {table} (id integer PRIMARY KEY, name varchar(80) NOT NULL UNIQUE, price decimal(10, 2), \
             count integer NOT NULL DEFAULT 0, parent_id integer REFERENCES {table} (id)"
        )
        .unwrap();
        if number > 0 {
            let first = word(0);
            write!(
                sql,
                ", owner_id integer REFERENCES {first} (id), editor_id integer NOT NULL REFERENCES {first} (id), \
                 earlier_id integer REFERENCES {earlier} (id)"
            )
            .unwrap();
        }
        sql.push_str(");");
    }
    sql
}

#[tokio::test]
async fn a_database_of_500_tables_is_served_and_agrees_with_itself() {
    for database in support::databases().await {
        database.run(&tables()).await;
        let described = describe(&database.connection, &[]).await.unwrap();
        assert_eq!(described.tables.len(), TABLES);
        let model = Registry::from_tables(&described.tables, &TableOptions::new()).model().unwrap();
        assert_eq!(model.exposed().count(), TABLES - TABLES / 10);
        assert_eq!(verify_described(&model, &described, &database.connection).await.unwrap(), []);
        let first = &model.entities[model.exposed().next().unwrap().0];
        assert!(first.relations.len() > 2 * (TABLES - TABLES / 10 - 1), "{}", first.relations.len());
        let list = first.roots.list.clone();
        let schema = Schema::new(model).unwrap();
        let read = data(&schema, &database, &format!("{{ {list} {{ id name }} }}")).await;
        assert_eq!(read[&list], serde_json::json!([]));
        database.drop().await;
    }
}
