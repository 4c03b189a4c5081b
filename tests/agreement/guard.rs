//! Filters that hold for every row: bulk writes with such a filter require `all: true`.

use async_graphql::parser::parse_query;
use async_graphql::parser::types::{DocumentOperations, Selection};
use crowsfoot::Model;
use crowsfoot::internals::plan::{Arguments, Filter as Understood, Variables};
use proptest::collection::vec;
use proptest::test_runner::{TestCaseError, TestRunner};

use crate::ask::keyed;
use crate::choices::{self, Choices};
use crate::domain;
use crate::known::Known;
use crate::naive;
use crate::query::{Clause, FieldKind, Filter, List, Of};
use crate::random_query::random_filter;
use crate::syntax;
use crate::tables::{TABLES, entities};
use crate::world::World;
use crate::writing;

/// Returns true if the filter of a document's first field is recognised as holding for every row.
fn takes_everything(model: &Model, entity: &str, text: &str) -> bool {
    let document = parse_query(text).unwrap();
    let DocumentOperations::Single(operation) = &document.operations else { panic!("{text}") };
    let Selection::Field(field) = &operation.node.selection_set.node.items[0].node else { panic!("{text}") };
    let variables = Variables::default();
    let arguments = Arguments::new(&field.node.arguments, &variables);
    let id = model.entities.iter().position(|known| known.name == entity).unwrap();
    let filter = match arguments.get("where") {
        Some(input) => Understood::read(model, id, &input).unwrap(),
        None => Understood::everything(),
    };
    filter.takes_everything(model, id)
}

#[test]
fn a_filter_that_holds_for_every_row_is_known_however_it_is_spelled() {
    let model = domain::registry().model().unwrap();
    for (entity, filter) in [
        ("Exhibit", ""),
        ("Exhibit", "label: {}"),
        ("Exhibit", "and: []"),
        ("Exhibit", "and: [{} { and: [] }]"),
        ("Exhibit", "or: [{}]"),
        ("Exhibit", "or: [{ label: { eq: \"a\" } } { label: {} }]"),
        ("Exhibit", "not: { or: [] }"),
        ("Exhibit", "not: { not: {} }"),
        ("Exhibit", "not: { id: { in: [] } }"),
        ("Exhibit", "maybeMedium: { notIn: [] }"),
        ("Exhibit", "or: [{ and: [{ not: { or: [] } }] }]"),
        ("Exhibit", "id: { isNull: false }"),
        ("Exhibit", "not: { label: { isNull: true } }"),
        ("Exhibit", "or: [{ maybeLabel: { isNull: true } } { maybeLabel: { isNull: false } }]"),
        ("Exhibit", "or: [{ maybeLabel: { isNull: true } } { maybeLabel: { contains: \"\" } }]"),
        (
            "Exhibit",
            "label: { startsWith: \"\", iContains: \"\", like: \"%\", endsWith: \"\", regex: \".*\" }",
        ),
        ("Exhibit", "or: [{ label: { regex: \"^\" } }]"),
        ("Exhibit", "or: [{ label: { eq: \"a\" } } { label: { ne: \"a\" } }]"),
        ("Exhibit", "or: [{ label: { eq: \"a\" } } { not: { label: { eq: \"a\" } } }]"),
        ("Exhibit", "not: { and: [{ label: { regex: \"a\" } } { not: { label: { regex: \"a\" } } }] }"),
        ("Exhibit", "or: [{ ratio: { lt: 1.5 } } { ratio: { gte: 1.5 } }]"),
        ("Exhibit", "or: [{ ratio: { lt: 2.5 } } { ratio: { gte: 1.5 } }]"),
        ("Exhibit", "label: { gte: \"\" }"),
        ("Exhibit", "not: { label: { lt: \"\" } }"),
        ("Exhibit", "or: [{ label: { lt: \"m\" } } { label: { gt: \"a\" } }]"),
        ("Exhibit", "or: [{ id: { lt: 7 } } { id: { gt: 5 } }]"),
        ("Exhibit", "or: [{ id: { lt: 7 } } { id: { gt: 7 } } { id: { in: [7] } }]"),
        ("Exhibit", "medium: { gte: -2147483648 }"),
        ("Exhibit", "small: { lte: 32767, gte: -32768 }"),
        ("Exhibit", "or: [{ flag: { eq: true } } { flag: { eq: false } }]"),
        ("Exhibit", "grade: { in: [LOW MID_WAY HIGH] }"),
        ("Exhibit", "topics: {}"),
        ("Exhibit", "topics: { every: {} }"),
        ("Exhibit", "topics: { none: { or: [] } }"),
        ("Exhibit", "not: { topics: { some: { id: { in: [] } } } }"),
        ("Exhibit", "or: [{ topics: { some: {} } } { topics: { none: {} } }]"),
        ("Exhibit", "not: { shelf: { or: [] } }"),
        ("Exhibit", "or: [{ shelf: {} } { not: { shelf: {} } }]"),
        ("Exhibit", "topics: { every: { code: { isNull: false } } }"),
        ("Message", "sender: {}"),
        ("Message", "sender: { not: { reports: { some: { or: [] } } } }"),
    ] {
        let text = format!("{{ rows(where: {{ {filter} }}) }}");
        assert!(takes_everything(&model, entity, &text), "{entity}: {filter}");
    }
    for (entity, filter) in [
        ("Exhibit", "or: []"),
        ("Exhibit", "not: {}"),
        ("Exhibit", "id: { in: [] }"),
        ("Exhibit", "label: { eq: \"\" }"),
        ("Exhibit", "label: { gt: \"\" }"),
        ("Exhibit", "maybeLabel: { gte: \"\" }"),
        ("Exhibit", "or: [{ label: { lt: \"a\" } } { label: { gt: \"m\" } }]"),
        ("Exhibit", "or: [{ ratio: { lt: 1.5 } } { ratio: { gte: 2.5 } }]"),
        ("Exhibit", "label: { ne: \"nobody\" }"),
        ("Exhibit", "label: { like: \"\" }"),
        ("Exhibit", "label: { regex: \"^$\" }"),
        ("Exhibit", "maybeLabel: { contains: \"\" }"),
        ("Exhibit", "maybeLabel: { isNull: false }"),
        ("Exhibit", "or: [{ maybeLabel: { eq: \"a\" } } { maybeLabel: { ne: \"a\" } }]"),
        ("Exhibit", "or: [{ id: { lt: 5 } } { id: { gt: 5 } }]"),
        ("Exhibit", "medium: { gt: -2147483648 }"),
        ("Exhibit", "flag: { eq: true }"),
        ("Exhibit", "grade: { in: [LOW HIGH] }"),
        ("Exhibit", "topics: { some: {} }"),
        ("Exhibit", "topics: { every: { or: [] } }"),
        ("Exhibit", "shelf: {}"),
        ("Exhibit", "topics: { none: { label: { isNull: false } } }"),
        ("Message", "sender: { or: [] }"),
        ("Message", "recipient: {}"),
    ] {
        let text = format!("{{ rows(where: {{ {filter} }}) }}");
        assert!(!takes_everything(&model, entity, &text), "{entity}: {filter}");
    }
}

/// All rows of any world pass a filter that is recognised as holding for every row. `f OR NOT f` and
/// `NOT (f AND NOT f)` are always recognised.
#[test]
fn random_filters_that_take_everything_take_every_row() {
    let model = domain::registry().model().unwrap();
    let counts = std::cell::Cell::new((0, 0));
    let strategy = (vec(choices::choices(40), 60), choices::choices(3_000));
    let result = TestRunner::new(choices::config(40)).run(&strategy, |(filters, rows)| {
        let world = World::random(&mut Choices::new(&rows));
        for numbers in filters {
            let mut choices = Choices::new(&numbers);
            let table = *choices.pick(&entities().collect::<Vec<_>>());
            let filter = random_filter(&world, table, &mut choices);
            let negated = Filter(vec![Clause::Not(filter.clone())]);
            let either = Filter(vec![Clause::Or(vec![filter.clone(), negated.clone()])]);
            let both = Filter(vec![Clause::And(vec![filter.clone(), negated.clone()])]);
            let everything = |filter: &Filter| {
                let arguments = List { filter: filter.clone(), ..List::default() };
                let list = FieldKind::List {
                    of: Of::Root(table),
                    arguments,
                    fields: vec![keyed("nodeId", FieldKind::NodeId)],
                };
                let fields = [keyed("rows", list)];
                let written = writing::fields(&fields, None, &Known::default());
                let text = syntax::write(&written, &mut Choices::new(&[])).text;
                takes_everything(&model, TABLES[table].name, &text)
            };
            for filter in [&filter, &negated, &either, &both] {
                let is_said = everything(filter);
                let taken = naive::rows(&world, table, filter, &[]).len();
                let (said, tried) = counts.get();
                counts.set((said + usize::from(is_said), tried + 1));
                if is_said && taken < world.tables[table].len() {
                    let all = world.tables[table].len();
                    return Err(TestCaseError::fail(format!("{filter:?} takes {taken} of {all} rows")));
                }
            }
            if !everything(&either) || !everything(&Filter(vec![Clause::Not(both.clone())])) {
                return Err(TestCaseError::fail(format!("{filter:?} and its negation leave rows")));
            }
        }
        Ok(())
    });
    choices::expect(result);
    let (said, tried) = counts.get();
    assert!(said > tried / 4 && said < tried, "{said} of {tried}");
}
