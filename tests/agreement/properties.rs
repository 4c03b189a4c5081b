//! Properties of all lists, independent of their content.

use proptest::test_runner::{TestCaseError, TestRunner};
use serde_json::{Value as Json, json};
use tokio::runtime::Runtime;

use crate::ask::{Service, keyed};
use crate::choices::{self, Choices};
use crate::known::Known;
use crate::naive;
use crate::query::{
    Clause, Connection, Field, FieldKind, Filter, List, Of, OfAggregate, OfConnection, OfPageInfo, Place,
    Quantifier,
};
use crate::random_query::{random_fields, random_filter, random_tree};
use crate::syntax::{self, Document};
use crate::tables::{Arity, TABLES, entities, table};
use crate::world::World;
use crate::writing;

/// Number of databases per property.
const CASES: u32 = 12;
/// Number of filters, fields or queries per database.
const TRIES: usize = 8;

#[test]
fn every_row_is_found_by_each_of_its_keys() {
    check(async |service, world, _| {
        let known = service.known(world).await?;
        let places: Vec<Place> = entities()
            .flat_map(|table| (0..world.tables[table].len()).map(move |row| Place { table, row }))
            .collect();
        let mut ids: Vec<&str> = places.iter().map(|place| known.node_id(*place)).collect();
        let node_id = || vec![keyed("nodeId", FieldKind::NodeId)];
        let mut fields = Vec::new();
        let mut expected = Vec::new();
        for place in &places {
            let row = &world.tables[place.table][place.row];
            let by_id = FieldKind::Node { place: *place, fields: node_id() };
            let lookups = TABLES[place.table].lookups.iter().enumerate();
            let by_keys = lookups.map(|(lookup, unique)| {
                let key = unique.key.iter().map(|column| row[*column].clone()).collect();
                FieldKind::Lookup { table: place.table, lookup, key, fields: node_id() }
            });
            // A key with a NULL part cannot be looked up.
            let is_whole = |what: &FieldKind| match what {
                FieldKind::Lookup { key, .. } => !key.iter().any(crate::cell::Cell::is_null),
                _ => true,
            };
            for what in std::iter::once(by_id).chain(by_keys).filter(is_whole) {
                fields.push(keyed(format!("found{}", fields.len()), what));
                expected.push(known.node_id(*place));
            }
        }
        if fields.is_empty() {
            return Ok(());
        }
        let found = service.answer(&fields, &known).await?;
        for (field, id) in fields.iter().zip(expected) {
            if found[&field.key]["nodeId"] != *id {
                return Err(format!("{:?} finds {}", field.what, found[&field.key]));
            }
        }
        ids.sort_unstable();
        ids.dedup();
        if ids.len() == places.len() { Ok(()) } else { Err(format!("rows share node ids: {ids:?}")) }
    });
}

#[test]
fn nodes_that_are_gone_are_null_at_their_places() {
    check(async |service, world, choices| {
        let known = service.known(world).await?;
        let filled: Vec<usize> = entities().filter(|table| !world.tables[*table].is_empty()).collect();
        if filled.is_empty() {
            return Ok(());
        }
        let places: Vec<Place> = (0..6)
            .map(|_| {
                let table = *choices.pick(&filled);
                Place { table, row: choices.below(world.tables[table].len()) }
            })
            .collect();
        World::empty().store(&service.database.connection).await;
        let fields = filled
            .iter()
            .map(|table| (*table, vec![keyed(TABLES[*table].stored, FieldKind::NodeId)]))
            .collect();
        let nodes = keyed("nodes", FieldKind::Nodes { places, fields });
        let found = service.answer(&[nodes], &known).await?;
        if found == json!({ "nodes": [null, null, null, null, null, null] }) {
            Ok(())
        } else {
            Err(found.to_string())
        }
    });
}

#[test]
fn a_filter_and_its_negation_share_out_all_rows() {
    check(async |service, world, choices| {
        let known = service.known(world).await?;
        for _ in 0..TRIES {
            let table = *choices.pick(&entities().collect::<Vec<_>>());
            let filter = random_filter(world, table, choices);
            let negated = Filter(vec![Clause::Not(filter.clone())]);
            let twice = Filter(vec![Clause::Not(negated.clone())]);
            let fields = [("kept", filter), ("left", negated), ("again", twice)].map(|(key, filter)| {
                let arguments = List { filter, ..List::default() };
                keyed(
                    key,
                    FieldKind::List {
                        of: Of::Root(table),
                        arguments,
                        fields: vec![keyed("nodeId", FieldKind::NodeId)],
                    },
                )
            });
            let found = service.answer(&fields, &known).await?;
            let ids = |key: &str| -> Vec<&str> {
                found[key].as_array().unwrap().iter().map(|row| row["nodeId"].as_str().unwrap()).collect()
            };
            let mut together = [ids("kept"), ids("left")].concat();
            together.sort_unstable();
            let mut all: Vec<&str> = known.node_ids[table].iter().map(String::as_str).collect();
            all.sort_unstable();
            if together != all || ids("kept") != ids("again") {
                return Err(format!("{:?}: {found}", fields[0].what));
            }
        }
        Ok(())
    });
}

/// A level is one statement, the same for one row and for many, and gives each row the result that it would
/// get alone.
#[test]
fn a_batch_is_its_parents_one_by_one() {
    check(async |service, world, choices| {
        let mut known = service.known(world).await?;
        for _ in 0..TRIES {
            let table = *choices.pick(&entities().collect::<Vec<_>>());
            let below = random_fields(world, table, choices);
            let list = |fields| FieldKind::List { of: Of::Root(table), arguments: List::default(), fields };
            let batch = vec![keyed("batch", list(below.clone()))];
            service.learn_cursors(world, &batch, &mut known).await?;
            let batch = service.ask(&plain(&batch, &known)).await;
            let order = naive::rows(world, table, &Filter::default(), &[]);
            for (place, row) in order.into_iter().enumerate() {
                let single = FieldKind::Node { place: Place { table, row }, fields: below.clone() };
                let single = service.ask(&plain(&[keyed("single", single)], &known)).await;
                let (one, all) = (&single.data["single"], &batch.data["batch"][place]);
                if one != all || single.errors.is_some() || batch.errors.is_some() {
                    return Err(format!("{below:?}: alone {one}, among others {all}"));
                }
                // The first statement loads the row itself. A single key is compared otherwise than a list of keys.
                let table = |sql: &str| sql.split(" WHERE ").next().map(str::to_owned);
                for statement in &single.statements[1..] {
                    let wanted = table(&statement.sql);
                    if !batch.statements[1..].iter().any(|known| table(&known.sql) == wanted) {
                        return Err(format!("{below:?}: only a single parent sends {}", statement.sql));
                    }
                }
            }
        }
        Ok(())
    });
}

#[test]
fn pages_of_nothing_and_pages_past_the_end_are_empty() {
    check(async |service, world, _| {
        let known = service.known(world).await?;
        let id = || vec![keyed("nodeId", FieldKind::NodeId)];
        let pages = |of: Of| {
            let list = |limit, offset| FieldKind::List {
                of,
                arguments: List { limit, offset, ..List::default() },
                fields: id(),
            };
            let connection = |first, last| FieldKind::Connection {
                of,
                arguments: Connection { first, last, ..Connection::default() },
                fields: vec![
                    keyed("nodes", OfConnection::Nodes(id())),
                    keyed("pageInfo", OfConnection::PageInfo(OfPageInfo::ALL.to_vec())),
                    keyed("totalCount", OfConnection::TotalCount),
                ],
            };
            vec![
                keyed("none", list(Some(0), None)),
                keyed("past", list(None, Some(1_000))),
                keyed("far", list(Some(i32::MAX as usize), Some(i32::MAX as usize))),
                keyed("first", connection(Some(0), None)),
                keyed("last", connection(None, Some(0))),
            ]
        };
        for table in entities() {
            let is_right = |pages: &Json, count: usize| {
                let empty = |first: bool| {
                    json!({
                        "nodes": [],
                        "pageInfo": {
                            "hasNextPage": first && count > 0,
                            "hasPreviousPage": !first && count > 0,
                            "startCursor": null,
                            "endCursor": null,
                        },
                        "totalCount": count,
                    })
                };
                *pages
                    == json!({ "none": [], "past": [], "far": [], "first": empty(true), "last": empty(false) })
            };
            let root = service.answer(&pages(Of::Root(table)), &known).await?;
            if !is_right(&root, world.tables[table].len()) {
                return Err(format!("{}: {root}", TABLES[table].stored));
            }
            let relations = TABLES[table].relations.iter().enumerate();
            for (relation, _) in relations.filter(|(_, relation)| relation.arity == Arity::Many) {
                let of = Of::Relation(relation);
                let all =
                    FieldKind::List { of: Of::Root(table), arguments: List::default(), fields: pages(of) };
                let answer = service.answer(&[keyed("all", all)], &known).await?;
                let rows = naive::rows(world, table, &Filter::default(), &[]);
                for (pages, row) in answer["all"].as_array().unwrap().iter().zip(rows) {
                    if !is_right(pages, naive::rows_below(world, Place { table, row }, of, &[]).len()) {
                        return Err(format!("{}: {pages}", TABLES[table].relations[relation].field));
                    }
                }
            }
        }
        Ok(())
    });
}

/// A row counts once, however many related rows satisfy a condition.
#[test]
fn an_offset_counts_each_row_once() {
    check(async |service, world, _| {
        let known = service.known(world).await?;
        for table in entities() {
            let relations = TABLES[table].relations.iter().enumerate();
            let mut fields = Vec::new();
            let mut expected = Vec::new();
            for (relation, _) in relations.filter(|(_, relation)| relation.arity == Arity::Many) {
                let some = Clause::Many(relation, vec![(Quantifier::Some, Filter::default())]);
                let filter = Filter(vec![some]);
                let rows = naive::rows(world, table, &filter, &[]);
                for offset in 0..=rows.len() {
                    let arguments = List { filter: filter.clone(), offset: Some(offset), ..List::default() };
                    let below = vec![keyed("nodeId", FieldKind::NodeId)];
                    let list = FieldKind::List { of: Of::Root(table), arguments, fields: below };
                    fields.push(keyed(format!("list{}", fields.len()), list));
                    let row = |row: &usize| json!({ "nodeId": known.node_id(Place { table, row: *row }) });
                    expected.push(rows[offset..].iter().map(row).collect::<Json>());
                }
            }
            if fields.is_empty() {
                continue;
            }
            let lists = service.answer(&fields, &known).await?;
            for (field, expected) in fields.iter().zip(expected) {
                if lists[&field.key] != expected {
                    return Err(format!("{:?}: {}", field.what, lists[&field.key]));
                }
            }
        }
        Ok(())
    });
}

/// A request within the ceiling is answered completely. Beyond it a field is refused, and no list is ever
/// shortened.
#[test]
fn too_many_rows_are_refused_and_never_shortened() {
    check(async |service, world, choices| {
        let mut known = service.known(world).await?;
        for _ in 0..TRIES {
            let fields = random_tree(world, choices);
            service.learn_cursors(world, &fields, &mut known).await?;
            let document = plain(&fields, &known);
            let whole = service.ask(&document).await;
            // Includes the extra rows that detect a next page.
            let read: usize = whole.statements.iter().map(|statement| statement.rows).sum();
            let ceiling = choices.below(read + 2);
            let answered = service.ask_within(ceiling as u64, &document).await;
            let is_right = match &answered.errors {
                None => answered.data == whole.data,
                Some(errors) => {
                    let mut errors = errors.as_array().unwrap().iter();
                    read > ceiling
                        && errors.all(|error| error["extensions"]["code"] == "TOO_MANY_ROWS")
                        && is_whole_or_refused(&whole.data, &answered.data)
                }
            };
            if !is_right {
                let errors = answered.errors.unwrap_or_default();
                return Err(format!(
                    "{}\n{read} rows read, at most {ceiling}\n{errors:#}\n{}\n{}",
                    document.text, whole.data, answered.data
                ));
            }
        }
        Ok(())
    });
}

/// The ceiling counts rows of the response exactly: a list at the limit is not refused, in any form.
#[tokio::test]
async fn the_ceiling_is_exact() {
    let services = Service::all().await;
    let world = World::full(&mut Choices::new(&choices::fixed(6_000)));
    let people = table("Person");
    let count = world.tables[people].len();
    assert!(count > 4, "too few rows to tell");
    let id = || keyed("nodeId", FieldKind::NodeId);
    let of = Of::Root(people);
    let list = |limit, fields| FieldKind::List { of, arguments: List { limit, ..List::default() }, fields };
    let connection = |of, first, between: Option<(usize, usize)>| FieldKind::Connection {
        of,
        arguments: Connection {
            first,
            after: between.map(|(after, _)| after),
            before: between.map(|(_, before)| before),
            ..Connection::default()
        },
        fields: vec![
            keyed("nodes", OfConnection::Nodes(vec![id()])),
            keyed("pageInfo", OfConnection::PageInfo(OfPageInfo::ALL.to_vec())),
        ],
    };
    let rows = naive::rows(&world, people, &Filter::default(), &[]);
    let fans =
        Of::Relation(TABLES[people].relations.iter().position(|relation| relation.field == "fans").unwrap());
    let has_fans =
        |row: &&usize| !naive::rows_below(&world, Place { table: people, row: **row }, fans, &[]).is_empty();
    let fans_of_all = vec![keyed("fans", connection(fans, Some(1), None))];
    let counted = vec![keyed("count", OfAggregate::Count)];
    // Extra rows that detect a next page are not part of the response, but are not cut off either.
    let cases = [
        (list(None, vec![id()]), count),
        (list(Some(3), vec![id()]), 3),
        (list(None, fans_of_all), count + rows.iter().filter(has_fans).count()),
        (connection(of, None, None), count),
        (connection(of, Some(3), None), 3),
        (connection(of, Some(2), Some((rows[0], rows[count - 1]))), 2),
        (connection(of, None, Some((rows[0], rows[3]))), 2),
        (FieldKind::Aggregate { of, filter: Filter::default(), fields: counted }, 1),
    ];
    for service in &services {
        world.store(&service.database.connection).await;
        let mut known = service.known(&world).await.unwrap();
        service.learn_order(&world, people, &[], &mut known).await.unwrap();
        for (what, rows) in &cases {
            let fields = [keyed("asked", what.clone())];
            service.learn_cursors(&world, &fields, &mut known).await.unwrap();
            let document = plain(&fields, &known);
            let (expected, _) = naive::answer(&world, &known, &fields);
            let enough = service.ask_within(*rows as u64, &document).await;
            assert_eq!(enough.errors, None, "{}", document.text);
            assert_eq!(expected.difference(&enough.data), None, "{}", document.text);
            let refused = service.ask_within(*rows as u64 - 1, &document).await;
            let errors = refused.errors.unwrap_or_default();
            assert_eq!(
                errors[0]["extensions"]["code"], "TOO_MANY_ROWS",
                "{}: {}",
                document.text, refused.data
            );
            assert_eq!(refused.data, Json::Null, "{}", document.text);
        }
    }
    Service::drop_all(services).await;
}

/// Returns true if `answered` equals `whole`, except for null fields.
fn is_whole_or_refused(whole: &Json, answered: &Json) -> bool {
    match (whole, answered) {
        (_, Json::Null) => true,
        (Json::Array(whole), Json::Array(answered)) => {
            whole.len() == answered.len()
                && whole.iter().zip(answered).all(|(whole, answered)| is_whole_or_refused(whole, answered))
        }
        (Json::Object(whole), Json::Object(answered)) => {
            whole.len() == answered.len()
                && whole.iter().all(|(key, whole)| {
                    answered.get(key).is_some_and(|answered| is_whole_or_refused(whole, answered))
                })
        }
        (whole, answered) => whole == answered,
    }
}

fn plain(fields: &[Field], known: &Known) -> Document {
    syntax::write(&writing::fields(fields, None, known), &mut Choices::new(&[]))
}

/// Checks a property on each database with random rows; the property uses the remaining choices.
fn check(property: impl AsyncFn(&Service, &World, &mut Choices<'_>) -> Result<(), String>) {
    let runtime = Runtime::new().unwrap();
    let services = runtime.block_on(Service::all());
    let strategy = (choices::choices(1_500), choices::choices(100 * TRIES));
    let result = TestRunner::new(choices::config(CASES)).run(&strategy, |(rows, numbers)| {
        let world = World::random(&mut Choices::new(&rows));
        for service in &services {
            let checked = runtime.block_on(async {
                world.store(&service.database.connection).await;
                property(service, &world, &mut Choices::new(&numbers)).await
            });
            checked.map_err(TestCaseError::fail)?;
        }
        Ok(())
    });
    choices::expect(result);
    runtime.block_on(Service::drop_all(services));
}
