//! Values of variables: each gets the same response as the literal, from a plan that was made for another
//! value.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_graphql::{Request, Variables};
use crowsfoot::Schema;
use serde_json::{Value as Json, json};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata};

use crate::ask::Service;
use crate::choices::{self, Choices};
use crate::domain;
use crate::world::World;

/// Columns of exhibits whose values are compared, with their types.
const COLUMNS: [(&str, &str); 14] = [
    ("id", "Int"),
    ("small", "Int"),
    ("big", "BigInt"),
    ("ratio", "Float"),
    ("price", "Decimal"),
    ("label", "String"),
    ("code", "UUID"),
    ("found", "Date"),
    ("at", "Time"),
    ("logged", "DateTime"),
    ("sent", "DateTime"),
    ("raw", "Bytes"),
    ("grade", "Grade"),
    ("maybeBig", "BigInt"),
];

/// Key of a slot.
const KEY: [(&str, &str); 10] = [
    ("open", "Boolean"),
    ("count", "BigInt"),
    ("weight", "Decimal"),
    ("code", "UUID"),
    ("day", "Date"),
    ("at", "Time"),
    ("logged", "DateTime"),
    ("sent", "DateTime"),
    ("raw", "Bytes"),
    ("grade", "Grade"),
];

/// Values that some types or columns accept and others refuse.
fn any_values() -> Vec<Json> {
    vec![
        json!(null),
        json!(1),
        json!(-1),
        json!(1.5),
        json!(3_000_000_000_i64),
        json!("9223372036854775808"),
        json!(""),
        json!("x\0"),
        json!("2025-02-30"),
        json!("AQ"),
        json!("LOW"),
        json!("low"),
        json!(true),
        json!([]),
        json!([1]),
        json!({}),
    ]
}

/// Formats a value as a literal in a document.
fn written(of: &str, value: &Json) -> String {
    match value {
        Json::String(name) if of == "Grade" && is_name(name) => name.clone(),
        value => value.to_string(),
    }
}

fn is_name(text: &str) -> bool {
    text.starts_with(|first: char| first == '_' || first.is_ascii_alphabetic())
        && text.chars().all(|one| one == '_' || one.is_ascii_alphanumeric())
}

/// Checks that both responses agree. A literal of the wrong type makes the document invalid; the same value
/// of a variable is bad input.
fn assert_same(given: &str, expected: &str, what: &str) {
    if expected.contains("GRAPHQL_VALIDATION_FAILED") {
        assert!(given.contains("BAD_USER_INPUT"), "{what}: {given}");
    } else {
        assert_eq!(given, expected, "{what}");
    }
}

fn new_schema() -> Schema {
    Schema::new(domain::registry().model().unwrap()).unwrap()
}

/// Returns the response to a document whose first line declares the variables.
async fn answer(service: &Service, schema: &Schema, head: &str, body: &str, variables: Json) -> String {
    let request = Request::new(format!("{head}\n{body}")).variables(Variables::from_json(variables));
    let executed = schema.execute(request, &service.database.connection).await;
    String::from_utf8(executed.to_json()).unwrap()
}

async fn filled() -> Vec<Service> {
    let services = Service::all().await;
    for service in &services {
        let world = World::full(&mut Choices::new(&choices::fixed(10_000)));
        world.store(&service.database.connection).await;
    }
    services
}

/// Returns the result of `query` for every row.
async fn rows(service: &Service, list: &str, columns: &[(&str, &str)]) -> Vec<Json> {
    let fields: Vec<&str> = columns.iter().map(|(field, _)| *field).collect();
    let query = format!("{{ {list} {{ {} }} }}", fields.join(" "));
    let answer = answer(service, &service.schema, "query", &query, json!({})).await;
    let rows: Json = serde_json::from_str(&answer).unwrap();
    rows["data"][list].as_array().unwrap().clone()
}

#[tokio::test]
async fn a_value_in_a_filter_answers_as_if_it_were_written_there() {
    let services = filled().await;
    for service in &services {
        let rows = rows(service, "exhibits", &COLUMNS).await;
        assert!(rows.len() > 3);
        for (field, of) in COLUMNS {
            let body = |operand: &str| {
                format!(
                    "{{
                      exhibits(where: {{ {field}: {{ {operand} }} }}) {{ id {field} }}
                      pages: exhibitsConnection(where: {{ not: {{ {field}: {{ {operand} }} }} }}, first: 2) {{
                        totalCount nodes {{ id }} pageInfo {{ hasNextPage }}
                      }}
                      exhibitsAggregate(where: {{ or: [{{ {field}: {{ {operand} }} }}, {{ id: {{ lt: 0 }} }}] }}) {{ count }}
                      shelves(limit: 1) {{ exhibits(where: {{ {field}: {{ {operand} }} }}) {{ id }} }}
                    }}"
                )
            };
            let kept = new_schema();
            let values: Vec<Json> =
                rows.iter().take(3).map(|row| row[field].clone()).chain(any_values()).collect();
            for value in values.iter().chain(&values) {
                let literal = written(of, value);
                let expected =
                    answer(service, &kept, "query", &body(&format!("eq: {literal}")), json!({})).await;
                let head = format!("query ($v: {of})");
                let given = answer(service, &kept, &head, &body("eq: $v"), json!({ "v": value })).await;
                assert_same(&given, &expected, &format!("{field} = {value}"));

                let expected =
                    answer(service, &kept, "query", &body(&format!("in: [{literal}]")), json!({})).await;
                let head = format!("query ($v: [{of}!])");
                let given = answer(service, &kept, &head, &body("in: $v"), json!({ "v": [value] })).await;
                assert_same(&given, &expected, &format!("{field} in [{value}]"));
            }
            let absent =
                answer(service, &kept, &format!("query ($v: {of})"), &body("eq: $v"), json!({})).await;
            // Without the operand the filter would match every row.
            assert!(absent.contains("the variable $v was not given"), "{field}: {absent}");
            let default = written(of, &rows[0][field]);
            let head = format!("query ($v: {of} = {default})");
            let by_default = answer(service, &kept, &head, &body("eq: $v"), json!({})).await;
            let expected = answer(service, &kept, "query", &body(&format!("eq: {default}")), json!({})).await;
            assert_eq!(by_default, expected, "{field}");
            let beside_default = answer(service, &kept, &head, &body("eq: $v"), json!({ "v": null })).await;
            let expected = answer(service, &kept, "query", &body("eq: null"), json!({})).await;
            assert_eq!(beside_default, expected, "{field}");
        }
    }
    Service::drop_all(services).await;
}

#[tokio::test]
async fn a_value_of_a_key_answers_as_if_it_were_written_there() {
    let services = filled().await;
    for service in &services {
        let rows = rows(service, "slots", &KEY).await;
        assert!(rows.len() > 1);
        let body = |value: &dyn Fn(&str, &str) -> String| {
            let key: Vec<String> =
                KEY.iter().map(|(field, of)| format!("{field}: {}", value(field, of))).collect();
            let key = key.join(", ");
            format!(
                "{{\nslot({key}) {{ nodeId bookings {{ id }} }}\nshelves {{ room }}\nagain: slot({key}) {{ day }} }}"
            )
        };
        let declared: Vec<String> = KEY.iter().map(|(field, of)| format!("${field}: {of}!")).collect();
        let head = format!("query ({})", declared.join(", "));
        let by_variables = body(&|field, _| format!("${field}"));
        let kept = new_schema();
        let mut asked = 0;
        for row in rows.iter().take(2).chain(&rows) {
            let expected =
                answer(service, &kept, "query", &body(&|field, of| written(of, &row[field])), json!({}))
                    .await;
            assert!(expected.contains("nodeId"), "{expected}");
            assert_eq!(answer(service, &kept, &head, &by_variables, row.clone()).await, expected);
            for (field, _) in KEY {
                for value in any_values() {
                    let mut other = row.clone();
                    other[field] = value;
                    let given = answer(service, &kept, &head, &by_variables, other.clone()).await;
                    // A new text is not cached.
                    asked += 1;
                    let head = format!("{head} # {asked}");
                    let fresh = answer(service, &kept, &head, &by_variables, other.clone()).await;
                    assert_eq!(given, fresh, "{other}");
                    let literal = body(&|field, of| written(of, &other[field]));
                    let expected = answer(service, &kept, "query", &literal, json!({})).await;
                    assert_same(&given, &expected, &other.to_string());
                }
            }
        }
    }
    Service::drop_all(services).await;
}

#[tokio::test]
async fn a_plan_is_made_once_for_all_values_that_are_only_parameters() {
    let services = Service::all().await;
    for service in &services {
        let schema = new_schema();
        let plans = Arc::new(AtomicUsize::new(0));
        let _guard = tracing::subscriber::set_default(Plans(plans.clone()));
        let ask = async |head: &str, body: &str, variables: Json| {
            let before = plans.load(Ordering::Relaxed);
            let answer = answer(service, &schema, head, body, variables).await;
            (plans.load(Ordering::Relaxed) - before, answer)
        };
        let head =
            "query ($id: Int!, $names: [String!], $least: Decimal, $limit: Int, $with: Boolean = false)";
        let body = "{
            exhibit(id: $id) { id @include(if: $with) label }
            exhibits(where: { label: { in: $names }, price: { gt: $least } }, limit: $limit) { id }
        }";
        let given = |id: i32| json!({ "id": id, "names": ["a", id.to_string()], "least": id.to_string() });
        let with = |id: i32, name: &str, value: Json| {
            let mut variables = given(id);
            variables[name] = value;
            variables
        };
        let steps = [
            (1, given(1)),
            (0, given(2)),
            // Presence of a variable, and a variable that affects more than parameters.
            (1, with(1, "limit", json!(3))),
            (0, with(2, "limit", json!(3))),
            (1, with(3, "limit", json!(4))),
            (1, with(4, "least", json!(null))),
            (1, with(1, "with", json!(true))),
            (0, with(2, "with", json!(true))),
            // Dropped from the cache when the limit became part of the key.
            (1, with(3, "with", json!(false))),
            (0, given(i32::MAX)),
            // A value out of every column's range fails where it is read.
            (1, with(1, "id", json!(3_000_000_000_i64))),
            (0, with(1, "id", json!(1))),
            (0, with(1, "id", json!("1"))),
        ];
        for (expected, variables) in steps {
            let (planned, answer) = ask(head, body, variables.clone()).await;
            assert_eq!(planned, expected, "{variables}: {answer}");
        }
        // Values read as a whole, or as a pattern, are part of the plan.
        for (of, where_) in [("ExhibitFilter", "$v"), ("String", "{ label: { contains: $v } }")] {
            let head = format!("query ($v: {of})");
            let body = format!("{{ exhibits(where: {where_}) {{ id }} }}");
            let value = |letter: &str| match of {
                "String" => json!({ "v": letter }),
                _ => json!({ "v": { "label": { "eq": letter } } }),
            };
            for (expected, letter) in [(1, "a"), (1, "b"), (0, "a"), (0, "b")] {
                let (planned, answer) = ask(&head, &body, value(letter)).await;
                assert_eq!(planned, expected, "{of} {letter}: {answer}");
            }
        }
    }
    Service::drop_all(services).await;
}

/// Counter of plans made on this thread.
struct Plans(Arc<AtomicUsize>);

impl tracing::Subscriber for Plans {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.is_span() && metadata.name() == "plan"
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1 + self.0.fetch_add(1, Ordering::Relaxed) as u64)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, _: &Event<'_>) {}

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}
