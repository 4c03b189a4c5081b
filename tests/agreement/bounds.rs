//! Requests at the limits and beyond, on a stack as large as a worker's: each is answered or refused with a
//! limit. No request ends the process or exceeds a limit of the database.

use async_graphql::{Name, Request, Value as ConstValue, Variables};
use crowsfoot::Code;
use crowsfoot::internals::dialect::Dialect;
use serde_json::{Value as Json, json};

use crate::ask::Service;
use crate::choices::{self, Choices};
use crate::syntax::Document;
use crate::world::World;

/// Stack size of a worker thread, in bytes.
const STACK: usize = 2 << 20;

/// Number of random requests of each form.
const TRIES: usize = 4;

/// Runs on a thread with the stack of a worker.
fn on_a_worker(run: impl AsyncFnOnce() + Send + 'static) {
    let runtime = || tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let worker = std::thread::Builder::new().stack_size(STACK);
    worker.spawn(move || runtime().block_on(run())).unwrap().join().unwrap();
}

/// Returns a condition on a person.
fn leaf(number: usize) -> Json {
    match number % 3 {
        0 => json!({ "id": { "eq": number } }),
        1 => json!({ "name": { "startsWith": number.to_string() } }),
        _ => json!({ "nick": { "contains": "a", "ne": "b" } }),
    }
}

/// Returns a condition on related rows of a person.
fn related_leaf(number: usize) -> Json {
    match number % 3 {
        0 => json!({ "manager": { "name": { "in": ["a", "b"] } } }),
        1 => json!({ "reports": { "some": { "name": { "ieq": "b" } } } }),
        _ => json!({ "idols": { "none": { "nick": { "isNull": true } } } }),
    }
}

/// Returns a condition with this nesting depth, and siblings at some levels.
fn nested(choices: &mut Choices, levels: usize, width: usize) -> Json {
    let mut filter = leaf(choices.below(3));
    for _ in 0..levels {
        let beside =
            (0..width).map(|number| if number % 7 == 0 { related_leaf(number) } else { leaf(number) });
        filter = match choices.below(7) {
            0 => json!({ "and": beside.chain([filter]).collect::<Vec<_>>() }),
            1 => json!({ "or": beside.chain([filter]).collect::<Vec<_>>() }),
            2 => json!({ "not": filter }),
            3 => json!({ "manager": filter }),
            4 => json!({ "reports": { "some": filter } }),
            5 => json!({ "idols": { "every": filter } }),
            _ => json!({ "fans": { "none": filter } }),
        };
    }
    filter
}

/// Documents that take a filter in the variable `w`.
const FILTERED: [&str; 10] = [
    "query($w: PersonFilter) { people(where: $w) { id } }",
    "query($w: PersonFilter) { people(where: $w, limit: 3, offset: 1) { id } }",
    "query($w: PersonFilter) { peopleConnection(where: $w, first: 2) { totalCount pageInfo { hasNextPage } } }",
    "query($w: PersonFilter) { peopleAggregate(where: $w) { count } }",
    "query($w: PersonFilter) { people { reports(where: $w, limit: 1) { manager { id } } } }",
    "query($w: PersonFilter) { first: people(limit: 1) { id } people(where: $w) { id } }",
    "mutation($w: PersonFilter!) { first: updatePeople(where: {}, all: true, input: { nick: \"x\" }) { affected } deletePeople(where: $w) { affected } }",
    "mutation($w: PersonFilter!) { updatePeople(where: $w, input: { nick: \"x\" }) { affected } }",
    "mutation($w: PersonFilter!) { deletePeople(where: $w) { affected } }",
    "subscription($w: PersonFilter) { people(where: $w) { id } }",
];

/// Sends a request to every database; returns the code of each response.
async fn ask(services: &[Service], text: &str, variables: &Json) -> Vec<String> {
    let mut codes = Vec::new();
    for service in services {
        let asked = service.ask(&Document { text: text.to_owned(), variables: variables.clone() }).await;
        let error = asked.errors.map(|mut errors| errors[0].take()).unwrap_or_default();
        let code = error["extensions"]["code"].as_str().unwrap_or_default().to_owned();
        assert_ne!(code, "INTERNAL_SERVER_ERROR", "{:?}: {text:.300}\n{error}", service.database.dialect);
        assert_ne!(code, "GRAPHQL_VALIDATION_FAILED", "{text:.300}\n{error}");
        codes.push(code);
    }
    codes
}

async fn services() -> Vec<Service> {
    let services = Service::all().await;
    let numbers = choices::fixed(60_000);
    let world = World::full(&mut Choices::new(&numbers));
    for service in &services {
        world.store(&service.database.connection).await;
    }
    services
}

#[test]
fn wide_conditions_are_answered() {
    on_a_worker(async || {
        let services = services().await;
        for document in FILTERED {
            for connective in ["and", "or"] {
                for width in [9, 4_125] {
                    let wide: Vec<Json> = (0..width).map(leaf).collect();
                    let codes = ask(&services, document, &json!({ "w": { connective: wide } })).await;
                    // A referenced row cannot be deleted.
                    let is_answered = |code: &String| ["", "DELETE_RESTRICTED"].contains(&code.as_str());
                    assert!(codes.iter().all(is_answered), "{width} in {document}: {codes:?}");
                }
            }
        }
        Service::drop_all(services).await;
    });
}

#[test]
fn random_filters_of_every_size_are_answered_or_refused() {
    on_a_worker(async || {
        let services = services().await;
        let numbers = choices::fixed(40_000);
        let choices = &mut Choices::new(&numbers);
        for document in FILTERED {
            for _ in 0..TRIES {
                let (levels, width) = (choices.below(60), choices.below(40));
                let filter = nested(choices, levels, width);
                ask(&services, document, &json!({ "w": filter })).await;
            }
        }
        Service::drop_all(services).await;
    });
}

/// Ids of the people whom mutations name.
const NAMED: std::ops::Range<usize> = 10_000..10_600;

/// Returns keys of existing people.
fn keys(count: usize) -> Json {
    NAMED.take(count).map(|id| json!({ "id": id })).collect()
}

/// Returns a new person with a free key, with others nested to this depth, and siblings at some levels.
fn new_person(next: &mut i64, levels: usize, width: usize) -> Json {
    *next += 1;
    let mut person = json!({ "id": *next, "name": "new" });
    if levels == 0 {
        return person;
    }
    let below = new_person(next, levels - 1, width);
    let mut beside = |below: Json| -> Vec<Json> {
        let more = (0..width).map(|_| new_person(next, 0, 0));
        more.chain([below]).collect()
    };
    // A report has no other manager.
    match levels % 4 {
        0 => person["idols"] = json!({ "create": beside(below), "connect": keys(width) }),
        1 => person["reports"] = json!({ "create": beside(below) }),
        2 => person["fans"] = json!({ "create": [below] }),
        _ => person["manager"] = json!({ "create": below }),
    }
    person
}

/// Documents of mutations that take everything in variables.
const WRITTEN: [&str; 6] = [
    "mutation($new: PersonCreate!) { createPerson(input: $new) { id reports { id } } }",
    "mutation($list: [PersonCreate!]!) { createPeople(input: $list) { id } }",
    "mutation($keys: [PersonKey!], $new: PersonCreate!) { updatePerson(id: 10000, input: { \
     reports: { connect: $keys }, idols: { disconnect: $keys, create: [$new] } }) { id } }",
    "mutation($keys: [PersonKey!]) { updatePerson(id: 10000, input: { idols: { set: $keys } }) { idols { id } } }",
    "mutation($w: PersonFilter!, $u: PersonUpdate!) { updatePeople(where: $w, input: $u) { affected } }",
    "mutation($w: PersonFilter!) { deletePeople(where: $w) { affected cascaded { count } } }",
];

/// Returns variables of a document of [`WRITTEN`].
fn variables_of(choices: &mut Choices, next: &mut i64, levels: usize, width: usize) -> Json {
    let few: Vec<usize> = NAMED.take(10 * width).collect();
    let tree = nested(choices, levels, width);
    let filter = json!({ "and": [tree, { "id": { "in": few } }, { "not": { "id": { "notIn": few } } }] });
    let list: Vec<Json> = (0..5 * width).map(|_| new_person(next, levels / 2, 0)).collect();
    json!({
        "new": new_person(next, levels, width),
        "list": list,
        "keys": keys(20 * width),
        "w": filter,
        "u": { "nick": "new", "manager": { "create": new_person(next, levels / 2, width) } },
    })
}

#[test]
fn random_variables_of_mutations_are_answered_or_refused() {
    on_a_worker(async || {
        let services = services().await;
        let numbers = choices::fixed(40_000);
        let choices = &mut Choices::new(&numbers);
        let mut next = 1_000_000;
        let people: Vec<Json> = NAMED.map(|id| json!({ "id": id, "name": "named" })).collect();
        ask(&services, WRITTEN[1], &json!({ "list": people })).await;
        for document in WRITTEN {
            let mut found = std::collections::BTreeSet::new();
            for (levels, width) in [(1, 1), (4, 12), (10, 3), (18, 1), (30, 2), (46, 30), (60, 1), (120, 0)] {
                let all = variables_of(choices, &mut next, levels, width);
                let declared = |name: &&String| document.contains(&format!("${name}:"));
                let all = all.as_object().unwrap().iter();
                let variables =
                    all.filter(|(name, _)| declared(name)).map(|(name, value)| (name.clone(), value.clone()));
                found.extend(ask(&services, document, &Json::Object(variables.collect())).await);
            }
            // Small ones are answered, and deep ones refused if the document nests.
            assert!(found.contains(""), "{document}: {found:?}");
            let is_nested = !document.contains("set: $keys");
            assert_eq!(found.contains("TOO_DEEP"), is_nested, "{document}: {found:?}");
        }
        Service::drop_all(services).await;
    });
}

/// Returns a value with this nesting depth, as a program builds it that parses no JSON.
fn deep(levels: usize) -> ConstValue {
    (0..levels).fold(ConstValue::Null, |inner, level| match level % 2 {
        0 => ConstValue::List(vec![inner]),
        _ => ConstValue::Object([(Name::new("not"), inner)].into_iter().collect()),
    })
}

#[test]
fn variables_of_any_depth_are_refused_by_their_depth_wherever_the_library_takes_them() {
    on_a_worker(async || {
        let services = services().await;
        for document in FILTERED {
            // The second variable is declared nowhere.
            for (name, levels) in ["w", "unknown"]
                .into_iter()
                .flat_map(|name| [60, 1_200, 100_000].map(|levels| (name, levels)))
            {
                let request = || {
                    let mut variables = Variables::default();
                    variables.insert(Name::new(name), deep(levels));
                    Request::new(document).variables(variables)
                };
                for service in &services {
                    let executed = service.schema.execute(request(), &service.database.connection).await;
                    let error = &executed.errors[0].error;
                    assert_eq!(error.code(), Code::TooDeep, "{levels}: {error}");
                    assert!(executed.statements.is_empty());
                    assert!(service.schema.prepare(request()).is_err());
                }
            }
        }
        Service::drop_all(services).await;
    });
}

/// Formats a value as GraphQL; texts are names of enum values if `is_enum`.
fn literal(value: &Json, is_enum: bool) -> String {
    match value {
        Json::Object(fields) => {
            let fields = fields.iter().map(|(name, value)| format!("{name}: {}", literal(value, is_enum)));
            format!("{{ {} }}", fields.collect::<Vec<_>>().join(", "))
        }
        Json::Array(items) => {
            let items = items.iter().map(|item| literal(item, is_enum));
            format!("[{}]", items.collect::<Vec<_>>().join(", "))
        }
        Json::String(text) if is_enum => text.clone(),
        value => value.to_string(),
    }
}

#[test]
fn deep_filters_orders_selections_and_inputs_are_answered_or_refused() {
    on_a_worker(async || {
        let services = services().await;
        for levels in [1, 12, 20, 24, 32, 46, 47, 49, 60, 120] {
            let nest = |inner: Json, wrap: fn(Json) -> Json| (0..levels).fold(inner, |value, _| wrap(value));
            for wrap in [
                (|filter| json!({ "manager": filter })) as fn(Json) -> Json,
                |filter| json!({ "not": filter }),
                |filter| json!({ "not": { "reports": { "every": filter } } }),
                |filter| json!({ "idols": { "some": filter } }),
                |filter| json!({ "or": [{ "and": [filter] }] }),
            ] {
                let filter = nest(leaf(0), wrap);
                ask(&services, FILTERED[0], &json!({ "w": filter })).await;
                ask(&services, FILTERED[2], &json!({ "w": filter })).await;
                let text = format!("{{ people(where: {}, limit: 2) {{ id }} }}", literal(&filter, false));
                ask(&services, &text, &json!({})).await;
            }
            let order = nest(json!({ "name": "DESC" }), |order| json!({ "manager": order }));
            let variables = json!({ "o": [order] });
            for document in [
                "query($o: [PersonOrder!]) { people(orderBy: $o) { id manager { manager { id } } } }",
                "query($o: [PersonOrder!]) { people { reports(orderBy: $o, limit: 2) { id } } }",
                "query($o: [PersonOrder!]) { peopleConnection(orderBy: $o, first: 2) { edges { cursor } } }",
            ] {
                ask(&services, document, &variables).await;
            }
            let every_level: Vec<Json> = (0..levels)
                .map(|depth| {
                    (0..depth).fold(json!({ "nick": "ASC" }), |order, _| json!({ "manager": order }))
                })
                .collect();
            let text = format!("{{ people(orderBy: {}) {{ id }} }}", literal(&json!(every_level), true));
            ask(&services, &text, &json!({})).await;
            let selection =
                (0..levels).fold("{ id }".to_owned(), |inner, _| format!("{{ manager {inner} }}"));
            ask(&services, &format!("{{ people {selection} }}"), &json!({})).await;
            let person = |id: i64| json!({ "id": id, "name": "new" });
            let create = (1..=levels).fold(person(1_000), |manager, level| {
                let mut next = person(1_000 + level);
                next["manager"] = json!({ "create": manager });
                next
            });
            let document = "mutation($i: PersonCreate!) { createPerson(input: $i) { id } }";
            let created = ask(&services, document, &json!({ "i": create })).await;
            let wide = (0..200).map(|place| person(5_000 + place)).collect::<Vec<_>>();
            let reports = (1..=levels).fold(json!({ "create": wide }), |below, level| {
                let mut next = person(2_000 + level);
                next["reports"] = below;
                json!({ "create": [next] })
            });
            let mut root = person(2_000);
            root["reports"] = reports;
            ask(&services, document, &json!({ "i": root })).await;
            let is_deep = |code: &String| code == "TOO_DEEP";
            assert_eq!(created.iter().all(is_deep), levels >= 25, "{levels}: {created:?}");
            ask(
                &services,
                "mutation { deletePeople(where: { id: { gte: 1000 } }) { affected } }",
                &json!({}),
            )
            .await;
        }
        Service::drop_all(services).await;
    });
}

#[test]
fn refuses_values_beyond_a_databases_own_limit() {
    on_a_worker(async || {
        let services = services().await;
        let deep = (0..34).fold(leaf(0), |filter, _| json!({ "manager": filter }));
        let order: Vec<Json> = (1..46)
            .map(|depth| (0..depth).fold(json!({ "name": "ASC" }), |order, _| json!({ "manager": order })))
            .collect();
        let selection = (0..24).fold("{ id }".to_owned(), |inner, _| format!("{{ manager {inner} }}"));
        for operator in ["contains", "istartsWith", "like", "regex", "eq"] {
            for text in ["x".repeat(60_000), "(a|b)*".repeat(9_000), "[".repeat(60_000), "(".repeat(60_000)] {
                ask(&services, FILTERED[0], &json!({ "w": { "name": { operator: text } } })).await;
            }
        }
        for (text, variables, of) in [
            (FILTERED[1].to_owned(), json!({ "w": deep }), "expressionDepth"),
            (
                format!("query($o: [PersonOrder!]) {{ people(orderBy: $o) {selection} }}"),
                json!({ "o": order }),
                "tables",
            ),
            (
                FILTERED[0].to_owned(),
                json!({ "w": { "name": { "contains": "x".repeat(60_000) } } }),
                "patternBytes",
            ),
        ] {
            for service in &services {
                let asked = service.ask(&Document { text: text.clone(), variables: variables.clone() }).await;
                let error = asked.errors.map(|errors| errors[0]["extensions"].clone()).unwrap_or_default();
                match service.database.dialect {
                    Dialect::Sqlite => {
                        assert_eq!((&error["code"], &error["of"]), (&json!("TOO_COMPLEX"), &json!(of)));
                        assert!(error["asked"].as_u64() > error["limit"].as_u64(), "{error}");
                        assert_eq!(asked.statements.len(), 0, "{of}");
                    }
                    Dialect::Postgres => assert_eq!(error, Json::Null, "{of}"),
                }
            }
        }
        Service::drop_all(services).await;
    });
}

#[test]
fn long_lists_are_answered_up_to_the_limit_and_refused_beyond_it() {
    on_a_worker(async || {
        let services = services().await;
        let limit = crowsfoot::DocumentLimits::DEFAULT.list_items;
        for (items, code) in [(limit, ""), (limit + 1, "TOO_COMPLEX")] {
            let ids: Vec<usize> = (0..items).collect();
            let document = "query($ids: [Int!]) { people(where: { id: { in: $ids } }) { id } }";
            let codes = ask(&services, document, &json!({ "ids": ids })).await;
            assert!(codes.iter().all(|found| found == code), "{items}: {codes:?}");
            // Primary key of two columns.
            let text = "{ shelves(limit: 1) { nodeId } }".to_owned();
            let shelf = services[0].ask(&Document { text, variables: json!({}) }).await;
            let shelf = shelf.data["shelves"][0]["nodeId"].clone();
            let nodes = vec![shelf; items];
            let document = "query($ids: [ID!]!) { nodes(nodeIds: $ids) { nodeId } }";
            let codes = ask(&services, document, &json!({ "ids": nodes })).await;
            assert!(codes.iter().all(|found| found == code), "{items}: {codes:?}");
            let people: Vec<Json> =
                (0..items).map(|place| json!({ "id": 100_000 + place, "name": "new" })).collect();
            let document = "mutation($i: [PersonCreate!]!) { createPeople(input: $i) { id } }";
            let codes = ask(&services, document, &json!({ "i": people })).await;
            assert!(codes.iter().all(|found| found == code), "{items}: {codes:?}");
        }
        Service::drop_all(services).await;
    });
}

#[test]
fn a_filter_has_a_limit_of_conditions_and_of_relations() {
    on_a_worker(async || {
        let services = services().await;
        let thirds = |count: usize| {
            let test = json!({ "nick": { "isNull": false, "eq": "a" } });
            json!({ "or": vec![test; count] })
        };
        let managers = |count: usize| json!({ "and": vec![json!({ "manager": {} }); count] });
        for document in FILTERED {
            for service in &services {
                // "or" is a condition, and each test has three: the column and two operators.
                for (filter, of, asked) in [
                    (thirds(9_000), "conditions", 27_001),
                    (managers(1_001), "relations", 1_001),
                    // A refusal is not kept for another filter in the same document.
                    (json!({ "name": { "eq": "no person has this name" } }), "", 0),
                ] {
                    let text = document.to_owned();
                    let asked_for = service.ask(&Document { text, variables: json!({ "w": filter }) }).await;
                    let error = asked_for.errors.map(|errors| errors[0]["extensions"].clone());
                    let Some(error) = error else {
                        assert_eq!(of, "", "{document}");
                        continue;
                    };
                    assert_eq!((&error["code"], &error["of"]), (&json!("TOO_COMPLEX"), &json!(of)));
                    assert_eq!(error["asked"], json!(asked), "{document}");
                    assert!(asked_for.statements.is_empty() && asked_for.data.is_null(), "{document}");
                }
            }
        }
        Service::drop_all(services).await;
    });
}

/// A list of every kind that a client sends, in the place of `LIST`, with its type.
const LISTS: [(&str, &str); 12] = [
    ("query DECLARED { nodes(nodeIds: LIST) { nodeId } }", "[ID!]!"),
    ("query DECLARED { people(where: { id: { in: LIST } }) { id } }", "[Int!]"),
    ("query DECLARED { people(where: { id: { notIn: LIST } }) { id } }", "[Int!]"),
    ("query DECLARED { people(where: { and: LIST }) { id } }", "[PersonFilter!]"),
    ("query DECLARED { peopleAggregate(where: { not: { or: LIST } }) { count } }", "[PersonFilter!]"),
    ("query DECLARED { peopleConnection(orderBy: LIST) { totalCount } }", "[PersonOrder!]"),
    ("query DECLARED { people { reports(orderBy: LIST) { id } } }", "[PersonOrder!]"),
    ("subscription DECLARED { people(where: { id: { in: LIST } }) { id } }", "[Int!]"),
    ("mutation DECLARED { createPeople(input: LIST) { id } }", "[PersonCreate!]!"),
    (
        "mutation DECLARED { createPerson(input: { id: 1, name: \"\", reports: { connect: LIST } }) { id } }",
        "[PersonKey!]",
    ),
    ("mutation DECLARED { updatePerson(id: 1, input: { reports: { set: LIST } }) { id } }", "[PersonKey!]"),
    ("mutation DECLARED { deletePeople(where: { or: LIST }) { affected } }", "[PersonFilter!]"),
];

#[test]
fn every_list_has_one_limit_in_literals_and_in_variables() {
    on_a_worker(async || {
        let services = services().await;
        let limit = crowsfoot::DocumentLimits::DEFAULT.list_items;
        // Items need not fit: the list is measured before anything reads it.
        let items = vec![1; limit + 1];
        for (text, of) in LISTS {
            let literal = text.replace("DECLARED ", "").replace("LIST", &json!(items).to_string());
            let variable = text.replace("DECLARED", &format!("($list: {of})")).replace("LIST", "$list");
            for (text, variables) in [(literal, json!({})), (variable, json!({ "list": items }))] {
                let document = Document { text, variables };
                for service in &services {
                    let asked = service.ask(&document).await;
                    let error = asked.errors.map(|errors| errors[0]["extensions"].clone());
                    let expected = json!({
                        "code": "TOO_COMPLEX", "of": "listItems", "limit": limit, "asked": limit + 1,
                    });
                    assert_eq!(error, Some(expected), "{:.120}", document.text);
                    assert_eq!(asked.statements.len(), 0, "{:.120}", document.text);
                }
            }
        }
        Service::drop_all(services).await;
    });
}
