//! PostgreSQL's `numeric` beyond 28 digits: read, written, filtered, ordered, paged, added up, and as keys.

use crowsfoot::{Schema, TableOptions};
use serde_json::{Value as Json, json};

use super::model;
use crate::support::{self, data};

const LARGE: &str = "123456789012345678901234567890123456789.5";
const NEXT: &str = "123456789012345678901234567890123456789.6";
const SMALL: &str = "-0.0000000000000000000000000000000000123";

const TABLES: &str = "
    CREATE TABLE accounts (number numeric PRIMARY KEY, balance numeric(45, 2), parts numeric[]);
    CREATE TABLE entries (id integer PRIMARY KEY, account_number numeric NOT NULL REFERENCES accounts, amount numeric NOT NULL);
    INSERT INTO accounts VALUES (123456789012345678901234567890123456789.5, 1.50), (1.00, 2);
    INSERT INTO entries VALUES (1, 123456789012345678901234567890123456789.50, 0.5),
        (2, 1.00000000000000000000000000000000000, 1e38), (3, 1, -0.0000000000000000000000000000000000123);";

#[tokio::test]
async fn a_number_of_any_length_is_read_written_compared_ordered_and_added_up() {
    let Some(database) = support::postgres().await else { return };
    database.run(TABLES).await;
    let schema = Schema::new(model(&database, &TableOptions::new()).await).unwrap();
    let read = data(&schema, &database, &format!(
        "{{ account(number: \"{LARGE}\") {{ number balance entries {{ id }} }}
            one: account(number: \"1\") {{ entries {{ id account {{ number }} }} }}
            listed: accounts(where: {{ number: {{ in: [\"{LARGE}0\", \"{NEXT}\"] }} }}) {{ number }}
            more: entries(where: {{ amount: {{ gt: \"{SMALL}\" }} }}, orderBy: {{ amount: DESC }}) {{ amount }}
            less: entries(where: {{ amount: {{ lte: \"{SMALL}\" }} }}) {{ amount }}
            entriesAggregate {{ sum {{ amount }} min {{ amount }} max {{ amount }} }} }}"
    )).await;
    assert_eq!(read["account"], json!({ "number": LARGE, "balance": "1.50", "entries": [{ "id": 1 }] }));
    assert_eq!(read["one"]["entries"].as_array().unwrap().len(), 2);
    assert_eq!(read["listed"], json!([{ "number": LARGE }]));
    let large = format!("1{}", "0".repeat(38));
    assert_eq!(read["more"], json!([{ "amount": large }, { "amount": "0.5" }]));
    assert_eq!(read["less"], json!([{ "amount": SMALL }]));
    let sum = "100000000000000000000000000000000000000.4999999999999999999999999999999999877";
    assert_eq!(
        read["entriesAggregate"],
        json!({ "sum": { "amount": sum }, "min": { "amount": SMALL }, "max": { "amount": large } })
    );
    let made = data(&schema, &database, &format!(
        "mutation {{ createAccount(input: {{ number: \"{NEXT}\", parts: [\"1.5\", \"{LARGE}\"],
            entries: {{ create: [{{ id: 4, amount: \"{SMALL}\" }}] }} }}) {{ number parts entries {{ id amount }} }}
            updateEntry(id: 1, input: {{ amount: \"{LARGE}\" }}) {{ amount }} }}"
    )).await;
    let entry = json!([{ "id": 4, "amount": SMALL }]);
    assert_eq!(made["createAccount"], json!({ "number": NEXT, "parts": ["1.5", LARGE], "entries": entry }));
    assert_eq!(made["updateEntry"], json!({ "amount": LARGE }));
    database.drop().await;
}

#[tokio::test]
async fn pages_follow_numbers_of_any_length() {
    let Some(database) = support::postgres().await else { return };
    database.run(TABLES).await;
    let schema = Schema::new(model(&database, &TableOptions::new()).await).unwrap();
    let (mut after, mut walked) = (Json::Null, Vec::new());
    loop {
        let page = data(
            &schema,
            &database,
            &format!(
                "{{ entriesConnection(first: 1, orderBy: {{ amount: ASC }}, after: {after}) {{
                nodes {{ id }} pageInfo {{ hasNextPage endCursor }} }} }}"
            ),
        )
        .await;
        let page = &page["entriesConnection"];
        walked.push(page["nodes"][0]["id"].as_i64().unwrap());
        if page["pageInfo"]["hasNextPage"] == false {
            break;
        }
        after = page["pageInfo"]["endCursor"].clone();
    }
    assert_eq!(walked, [3, 1, 2]);
    database.drop().await;
}

#[tokio::test]
async fn what_does_not_fit_the_column_is_refused_and_nan_is_an_error_of_its_cell() {
    let Some(database) = support::postgres().await else { return };
    database.run(TABLES).await;
    database.run("INSERT INTO entries VALUES (5, 1, 'NaN')").await;
    let schema = Schema::new(model(&database, &TableOptions::new()).await).unwrap();
    let (answer, _) =
        support::ask(&schema, &database, "{ entries(where: { id: { eq: 5 } }) { id amount } }", Json::Null)
            .await;
    assert_eq!(answer["errors"][0]["path"], json!(["entries", 0, "amount"]));
    for number in [format!("1{}", "0".repeat(43)), "0.001".to_owned(), "NaN".to_owned(), "1e5".to_owned()] {
        let mutation = format!(
            "mutation {{ updateAccount(number: \"1\", input: {{ balance: \"{number}\" }}) {{ balance }} }}"
        );
        let (answer, _) = support::ask(&schema, &database, &mutation, Json::Null).await;
        assert_eq!(answer["errors"][0]["extensions"]["code"], "BAD_USER_INPUT", "{number}: {answer}");
    }
    let most = format!("1{}", "0".repeat(42));
    let mutation = format!(
        "mutation {{ updateAccount(number: \"1\", input: {{ balance: \"{most}\" }}) {{ balance }} }}"
    );
    assert_eq!(data(&schema, &database, &mutation).await["updateAccount"]["balance"], format!("{most}.00"));
    database.drop().await;
}

/// SQLite has no such numbers: none equals one, and none is written.
#[tokio::test]
async fn sqlite_compares_with_a_number_of_any_length_and_refuses_to_store_one() {
    let database = support::sqlite().await;
    database.run("CREATE TABLE prices (id integer PRIMARY KEY, of decimal); INSERT INTO prices VALUES (1, 0.1), (2, 5)").await;
    let schema = Schema::new(model(&database, &TableOptions::new()).await).unwrap();
    let beside = format!("0.1{}1", "0".repeat(40));
    let query = format!(
        "{{ equal: prices(where: {{ of: {{ eq: \"{beside}\" }} }}) {{ id }} less: prices(where: {{ of: {{ lt: \"{beside}\" }} }}) {{ id }}
            listed: prices(where: {{ of: {{ in: [\"{beside}\", \"5\"] }} }}) {{ id }}
            more: prices(where: {{ of: {{ gte: \"{beside}\" }} }}) {{ id }} }}"
    );
    let read = data(&schema, &database, &query).await;
    let ids = |id: i32| json!([{ "id": id }]);
    assert_eq!(read, json!({ "equal": [], "less": ids(1), "listed": ids(2), "more": ids(2) }));
    let mutation = format!("mutation {{ updatePrice(id: 1, input: {{ of: \"{LARGE}\" }}) {{ id }} }}");
    let (answer, _) = support::ask(&schema, &database, &mutation, Json::Null).await;
    assert_eq!(answer["errors"][0]["extensions"]["code"], "BAD_USER_INPUT", "{answer}");
    database.drop().await;
}
