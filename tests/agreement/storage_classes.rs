//! SQLite's columns hold values of any storage class. A value of a class other than its column's type changes no answer about
//! the others: no comparison finds it, as none finds NULL.

use crowsfoot::{Registry, Schema, TableOptions, describe};
use sea_orm::{ConnectionTrait, DbBackend, Statement};
use serde_json::{Value as Json, json};

use crate::support::{TestDatabase, ask, data, sqlite};

/// Column with values of its type, and values of other classes, as literals.
struct Column {
    declared: &'static str,
    operators: &'static [&'static str],
    values: &'static [&'static str],
    others: &'static [&'static str],
}

const EQUALITY: [&str; 2] = ["eq", "ne"];
const ORDER: [&str; 6] = ["eq", "ne", "lt", "lte", "gt", "gte"];
const TEXT: [&str; 16] = [
    "eq",
    "ne",
    "lt",
    "lte",
    "gt",
    "gte",
    "contains",
    "startsWith",
    "endsWith",
    "like",
    "iEq",
    "iContains",
    "iStartsWith",
    "iEndsWith",
    "iLike",
    "regex",
];

const NOT_NUMBERS: &[&str] = &["'abc'", "'12 apples'", "''", "x'00'", "x'6162'", "'4:3'", "'1_000'"];
const NOT_TIMES: &[&str] = &["'noon'", "''", "x'00'", "x'323032352d30312d3031'"];

const COLUMNS: &[Column] = &[
    Column {
        declared: "integer",
        operators: &ORDER,
        values: &["-2147483648", "0", "7", "2147483647"],
        others: NOT_NUMBERS,
    },
    Column { declared: "smallint", operators: &ORDER, values: &["-3", "0", "7"], others: NOT_NUMBERS },
    Column {
        declared: "bigint",
        operators: &ORDER,
        values: &["-9223372036854775808", "7", "9223372036854775807"],
        others: NOT_NUMBERS,
    },
    Column {
        declared: "int unsigned",
        operators: &ORDER,
        values: &["0", "7", "4294967295"],
        others: NOT_NUMBERS,
    },
    Column {
        declared: "real",
        operators: &ORDER,
        values: &["-1e300", "0", "0.1", "7.5"],
        others: NOT_NUMBERS,
    },
    Column {
        declared: "decimal(12, 4)",
        operators: &ORDER,
        values: &["-1.5", "0", "7", "12345678.1234"],
        others: NOT_NUMBERS,
    },
    Column {
        declared: "boolean",
        operators: &EQUALITY,
        values: &["0", "1"],
        others: &["'abc'", "''", "x'00'", "2"],
    },
    Column {
        declared: "text",
        operators: &TEXT,
        values: &["''", "'abc'", "'ABC'", "'12'", "char(0x10ffff)"],
        others: &["x''", "x'616263'", "x'ff'"],
    },
    Column {
        declared: "varchar(20) collate nocase",
        operators: &TEXT,
        values: &["''", "'abc'", "'ABC'"],
        others: &["x''", "x'616263'"],
    },
    // Its affinity is numeric.
    Column {
        declared: "string",
        operators: &TEXT,
        values: &["''", "'abc'", "'x12'"],
        others: &["x'616263'", "12", "0.5"],
    },
    Column {
        declared: "date",
        operators: &ORDER,
        values: &["'2024-12-31'", "'2025-01-01'"],
        others: NOT_TIMES,
    },
    Column {
        declared: "datetime",
        operators: &ORDER,
        values: &["'2024-12-31 23:00:00'", "'2025-01-01T00:00:00+01:00'", "0"],
        others: NOT_TIMES,
    },
    Column {
        declared: "time",
        operators: &ORDER,
        values: &["'00:00:00'", "'23:59:59.5'"],
        others: NOT_TIMES,
    },
    Column {
        declared: "blob",
        operators: &ORDER,
        values: &["x'00'", "x'616263'", "x'ff'"],
        others: &["5", "0.5"],
    },
    Column {
        declared: "uuid_blob",
        operators: &ORDER,
        values: &["x'00000000000000000000000000000001'", "x'ffffffffffffffffffffffffffffffff'"],
        others: &["'abc'", "5"],
    },
    Column {
        declared: "uuid_text",
        operators: &ORDER,
        values: &["'00000000-0000-0000-0000-000000000001'", "'67e55044-10b1-426f-9247-bb680e5fe0c8'"],
        others: &["x'00000000000000000000000000000001'", "x''"],
    },
];

/// Rows: NULL, then a row for each value.
async fn things(column: &Column) -> (TestDatabase, Schema) {
    let database = sqlite().await;
    let rows: String = column
        .values
        .iter()
        .enumerate()
        .map(|(place, value)| format!(", ({}, {value})", place + 1))
        .collect();
    let declared = column.declared;
    database
        .run(&format!(
            "CREATE TABLE things (id integer PRIMARY KEY, value {declared});
             INSERT INTO things VALUES (0, NULL){rows}; CREATE INDEX things_value ON things (value)"
        ))
        .await;
    let described = describe(&database.connection, &[]).await.unwrap();
    let model = Registry::from_tables(&described.tables, &TableOptions::new()).model().unwrap();
    (database, Schema::new(model).unwrap())
}

/// Returns all tests of the column with these operands.
fn tests(column: &Column, operands: &[Json]) -> Vec<(&'static str, Json)> {
    let mut tests = Vec::new();
    for operand in operands {
        tests.extend(column.operators.iter().map(|operator| (*operator, operand.clone())));
        tests.extend(["in", "notIn"].map(|operator| (operator, json!([operand]))));
    }
    if column.operators.len() == TEXT.len() {
        tests.extend([("like", json!("a%c")), ("regex", json!("[0-9]")), ("startsWith", json!("a"))]);
    }
    tests.extend([("in", json!(operands)), ("notIn", json!(operands))]);
    tests
}

/// Returns the rows for which each test holds, and those for which it does not. Operands are parameters, or literals.
async fn found(
    schema: &Schema,
    database: &TestDatabase,
    tests: &[(&str, Json)],
    in_variables: bool,
) -> Vec<[Vec<i64>; 2]> {
    let ids = |list: &Json| list.as_array().unwrap().iter().map(|row| row["id"].as_i64().unwrap()).collect();
    let mut all = Vec::new();
    for (operator, operand) in tests {
        let (declared, written, variables) = match in_variables {
            true => {
                let input = format!("{}Filter", kind_of(schema));
                (
                    format!("query ($test: {input}!)"),
                    "$test".to_owned(),
                    json!({ "test": { *operator: operand } }),
                )
            }
            false => (String::new(), format!("{{ {operator}: {operand} }}"), Json::Null),
        };
        let query = format!(
            "{declared} {{ is: things(where: {{ value: {written} }}) {{ id }}
             isNot: things(where: {{ not: {{ value: {written} }} }}) {{ id }} }}"
        );
        let (answer, _) = ask(schema, database, &query, variables).await;
        assert_eq!(answer.get("errors"), None, "{query}: {answer}");
        all.push(["is", "isNot"].map(|list| ids(&answer["data"][list])));
    }
    all
}

/// Returns the type of the column in the schema.
fn kind_of(schema: &Schema) -> String {
    let sdl = schema.sdl();
    let filter = sdl.split("input ThingFilter {").nth(1).unwrap();
    let line = filter.lines().find(|line| line.trim_start().starts_with("value:")).unwrap();
    line.split(':').nth(1).unwrap().trim().trim_end_matches("Filter").to_owned()
}

#[tokio::test]
async fn values_of_other_storage_classes_change_no_answer() {
    for column in COLUMNS {
        let declared = column.declared;
        let (database, schema) = things(column).await;
        let read =
            data(&schema, &database, "{ things(where: { value: { isNull: false } }) { value } }").await;
        let operands: Vec<Json> =
            read["things"].as_array().unwrap().iter().map(|row| row["value"].clone()).collect();
        assert_eq!(operands.len(), column.values.len(), "{declared}");
        let tests = tests(column, &operands);
        let order = "{ things(orderBy: [{ value: ASC }]) { id } }";
        let in_order = |read: &Json| -> Vec<i64> {
            read["things"].as_array().unwrap().iter().map(|row| row["id"].as_i64().unwrap()).collect()
        };
        let ordered = in_order(&data(&schema, &database, order).await);
        for in_variables in [false, true] {
            let before = found(&schema, &database, &tests, in_variables).await;
            for (place, other) in column.others.iter().enumerate() {
                database.run(&format!("INSERT INTO things VALUES ({}, {other})", 100 + place)).await;
            }
            let after = found(&schema, &database, &tests, in_variables).await;
            for ((test, before), after) in tests.iter().zip(before).zip(after) {
                let [is, mut is_not] = before;
                is_not.extend((0..column.others.len()).map(|place| 100 + place as i64));
                assert_eq!(after, [is, is_not], "{declared} {test:?}");
            }
            // An empty list compares nothing.
            let empty = json!([]);
            let [[none, _], [all, _]]: [[Vec<i64>; 2]; 2] =
                found(&schema, &database, &[("in", empty.clone()), ("notIn", empty)], in_variables)
                    .await
                    .try_into()
                    .unwrap();
            assert_eq!(
                (none.len(), all.len()),
                (0, 1 + column.values.len() + column.others.len()),
                "{declared}"
            );
            let mut with_others = in_order(&data(&schema, &database, order).await);
            with_others.retain(|id| *id < 100);
            assert_eq!(with_others, ordered, "{declared}");
            each_other_value_is_an_error_of_its_own(&schema, &database, column).await;
            database.run("DELETE FROM things WHERE id >= 100").await;
        }
        database.drop().await;
    }
}

/// Reads the values of other classes, and sums up numbers among them.
async fn each_other_value_is_an_error_of_its_own(schema: &Schema, database: &TestDatabase, column: &Column) {
    let (answer, _) = ask(schema, database, "{ things { id value } }", Json::Null).await;
    let paths: Vec<&Json> = answer["errors"].as_array().unwrap().iter().map(|error| &error["path"]).collect();
    let first = 1 + column.values.len();
    let expected: Vec<Json> =
        (0..column.others.len()).map(|place| json!(["things", first + place, "value"])).collect();
    assert_eq!(paths, expected.iter().collect::<Vec<_>>(), "{}: {answer}", column.declared);
    let sums = ["sum", "avg"].map(|function| format!("thingsAggregate {{ {function} {{ value }} }}"));
    if !schema.sdl().contains("sum: ") {
        return;
    }
    for other in column.others {
        database
            .run(&format!("DELETE FROM things WHERE id >= 100; INSERT INTO things VALUES (100, {other})"))
            .await;
        for sum in &sums {
            let (answer, _) = ask(schema, database, &format!("{{ {sum} }}"), Json::Null).await;
            let errors = answer["errors"].as_array().map_or(0, Vec::len);
            assert_eq!(errors, 1, "{} {other} {sum}: {answer}", column.declared);
        }
    }
}

/// A number with a fraction is no integer, so their sum has no value. The average counts it as a number.
#[tokio::test]
async fn a_fraction_among_integers_makes_their_sum_unreadable() {
    for declared in ["integer", "bigint"] {
        let column = Column { declared, operators: &ORDER, values: &["1", "2"], others: &[] };
        let (database, schema) = things(&column).await;
        let sum = "{ thingsAggregate { sum { value } avg { value } } }";
        let read = data(&schema, &database, sum).await;
        assert_eq!(read["thingsAggregate"], json!({ "sum": { "value": "3" }, "avg": { "value": 1.5 } }));
        database.run("INSERT INTO things VALUES (3, 5.5)").await;
        let (answer, _) = ask(&schema, &database, sum, Json::Null).await;
        let read = &answer["data"]["thingsAggregate"];
        assert_eq!(read["sum"], json!({ "value": null }), "{declared}: {answer}");
        assert!(
            read["avg"]["value"].as_f64().is_some_and(|average| (average - 8.5 / 3.0).abs() < 1e-12),
            "{answer}"
        );
        database.drop().await;
    }
}

/// The boundary of the class is the second bound of the same search.
#[tokio::test]
async fn an_index_still_serves_comparisons() {
    let numbers = Column { declared: "decimal", operators: &ORDER, values: &["1", "2"], others: &[] };
    let texts = Column { declared: "text", operators: &TEXT, values: &["'1'", "'2'"], others: &[] };
    for (column, operator, search) in [
        (&numbers, "gt", "value>? AND value<?"),
        (&numbers, "lte", "value<?"),
        (&numbers, "eq", "value=?"),
        (&texts, "gte", "value>? AND value<?"),
        (&texts, "lt", "value>? AND value<?"),
    ] {
        let (database, schema) = things(column).await;
        let query = format!(
            "{{ things(where: {{ value: {{ {operator}: \"2\" }} }}, orderBy: [{{ value: ASC }}]) {{ id }} }}"
        );
        let (_, statements) = ask(&schema, &database, &query, Json::Null).await;
        let explained =
            Statement::from_string(DbBackend::Sqlite, format!("EXPLAIN QUERY PLAN {}", statements[0].sql));
        let steps = database.connection.query_all_raw(explained).await.unwrap();
        let steps: Vec<String> = steps.iter().map(|row| row.try_get("", "detail").unwrap()).collect();
        assert!(
            steps[0].starts_with("SEARCH t0 USING") && steps[0].contains(search),
            "{operator}: {steps:?}"
        );
        database.drop().await;
    }
}
