//! Naive second executor: rows in memory, depth first, one parent after another, conditions row by row.
//! Shares only the contract with Crowsfoot. Records the statements that Crowsfoot has to send.

use std::cmp::Ordering;
use std::collections::BTreeSet;

use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive as _;
use serde_json::{Value as Json, json};

use crate::answer::ModelResponse;
use crate::cell::Cell;
use crate::known::Known;
use crate::query::{
    By, Clause, Comparison, Connection, Direction, Field, FieldKind, Filter, Group, Keyed, List, Of,
    OfAggregate, OfConnection, OfEdge, OfPageInfo, Operand, OrderTerm, Place, Quantifier, Test, TextTest,
};
use crate::tables::{Arity, Kind, Relation, TABLES};
use crate::world::{Row, World};

/// Place in a query at which the rule of a table's rows applies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RulePlace {
    List,
    ToOne,
    Lookup,
    Page,
    TotalCount,
    Aggregate,
    Condition,
    Order,
    OrderByCount,
    Junction,
}

impl RulePlace {
    pub const ALL: [Self; 10] = [
        Self::List,
        Self::ToOne,
        Self::Lookup,
        Self::Page,
        Self::TotalCount,
        Self::Aggregate,
        Self::Condition,
        Self::Order,
        Self::OrderByCount,
        Self::Junction,
    ];
}

pub struct Naive<'a> {
    world: &'a World,
    known: &'a Known,
    /// Rows that are seen, which are the first of each table in `world`, and the only place where all rows are.
    forgotten: Option<(&'a World, RulePlace)>,
    /// Loads, level by level: equal loads count once.
    statements: BTreeSet<String>,
}

/// Row of a list, with its junction row.
#[derive(Clone, Copy)]
struct Member {
    place: Place,
    junction: Option<Place>,
}

/// Parent row, with the path to it.
#[derive(Clone, Copy)]
struct Above<'a> {
    place: Option<Place>,
    level: &'a str,
    /// True if the row is on a page by cursors: nothing is joined to those rows.
    in_page: bool,
}

impl Above<'_> {
    fn table(self) -> Option<usize> {
        self.place.map(|place| place.table)
    }
}

/// Page of a list.
struct Page {
    members: Vec<Member>,
    has_next: bool,
    has_previous: bool,
}

/// Returns the response to a query, and the number of its statements.
pub fn answer(world: &World, known: &Known, fields: &[Field]) -> (ModelResponse, usize) {
    let mut naive = Naive::new(world, known);
    let answer = naive.object(Above { place: None, level: "", in_page: false }, fields);
    (answer, naive.statements.len())
}

/// Returns the wrong response of an executor that forgets rules at one place. The rows of `seen` are the first of each table
/// in `world`.
pub fn answer_forgetting(
    [world, seen]: [&World; 2],
    known: &Known,
    fields: &[Field],
    place: RulePlace,
) -> ModelResponse {
    let mut naive = Naive { forgotten: Some((seen, place)), ..Naive::new(world, known) };
    naive.object(Above { place: None, level: "", in_page: false }, fields)
}

/// Returns the filtered rows of a table, in an order.
pub fn rows(world: &World, table: usize, filter: &Filter, order: &[OrderTerm]) -> Vec<usize> {
    let known = Known::default();
    let naive = Naive::new(world, &known);
    naive
        .list(RulePlace::List, Of::Root(table), None, filter, order)
        .iter()
        .map(|member| member.place.row)
        .collect()
}

/// Returns true if a filter holds for a row.
pub fn holds(world: &World, place: Place, filter: &Filter) -> bool {
    let known = Known::default();
    Naive::new(world, &known).holds(place, filter)
}

/// Returns the rows of a row's list, in an order.
pub fn rows_below(world: &World, above: Place, of: Of, order: &[OrderTerm]) -> Vec<usize> {
    let known = Known::default();
    let naive = Naive::new(world, &known);
    naive
        .list(RulePlace::List, of, Some(above), &Filter::default(), order)
        .iter()
        .map(|member| member.place.row)
        .collect()
}

/// Returns the order with the primary key appended, or with all columns of rows without a key, and without terms that never
/// decide.
pub fn total_order(table: usize, order: &[OrderTerm]) -> Vec<OrderTerm> {
    let key = match &TABLES[table].primary_key[..] {
        [] => (0..TABLES[table].columns.len()).collect(),
        key => key.to_vec(),
    };
    let by_key = key.into_iter().map(|column| OrderTerm {
        path: Vec::new(),
        by: By::Column(column),
        direction: Direction::Asc,
    });
    let mut total: Vec<OrderTerm> = Vec::new();
    for mut term in order.iter().cloned().chain(by_key) {
        term.direction = match term.direction {
            Direction::AscNullsLast => Direction::Asc,
            Direction::DescNullsFirst => Direction::Desc,
            other => other,
        };
        if !total.iter().any(|earlier| earlier.path == term.path && earlier.by == term.by) {
            total.push(term);
        }
    }
    total
}

impl<'a> Naive<'a> {
    fn new(world: &'a World, known: &'a Known) -> Self {
        Self { world, known, forgotten: None, statements: BTreeSet::new() }
    }
}

impl Naive<'_> {
    /// Returns the rows of a table that are seen at a place.
    fn rows_at(&self, place: RulePlace, table: usize) -> &[Row] {
        let rows = &self.world.tables[table];
        match self.forgotten {
            Some((seen, forgotten)) if forgotten != place => &rows[..seen.tables[table].len()],
            _ => rows,
        }
    }

    fn row(&self, place: Place) -> &Row {
        &self.world.tables[place.table][place.row]
    }

    fn object(&mut self, above: Above, fields: &[Field]) -> ModelResponse {
        ModelResponse::Object(
            fields.iter().map(|field| (field.key.clone(), self.field(above, field))).collect(),
        )
    }

    fn rows_below(
        &mut self,
        level: &str,
        in_page: bool,
        members: &[Member],
        fields: &[Field],
    ) -> ModelResponse {
        let mut object =
            |member: &Member| self.object(Above { place: Some(member.place), level, in_page }, fields);
        ModelResponse::List(members.iter().map(&mut object).collect())
    }

    fn field(&mut self, above: Above, field: &Field) -> ModelResponse {
        match &field.what {
            FieldKind::TypeName => {
                ModelResponse::Exact(json!(above.place.map_or("Query", |place| TABLES[place.table].name)))
            }
            FieldKind::NodeId => ModelResponse::Exact(json!(self.known.node_id(above.place.unwrap()))),
            FieldKind::Column(column) => {
                let place = above.place.unwrap();
                ModelResponse::of_cell(TABLES[place.table].columns[*column].kind, &self.row(place)[*column])
            }
            FieldKind::One { relation, fields } => {
                let place = above.place.unwrap();
                let (of, relation) = (Of::Relation(*relation), &TABLES[place.table].relations[*relation]);
                let columns = &TABLES[place.table].columns;
                // Types whose stored form differs from the read form are not compared with the read form.
                let compares = |column: &usize| !matches!(columns[*column].kind, Kind::Decimal | Kind::Grade);
                // Nothing keeps the declared key of a view unique.
                let is_kept = !TABLES[relation.target].is_view || relation.arity == Arity::Many;
                let comes_along = !above.in_page && is_kept && relation.from.iter().all(compares);
                let level = match comes_along {
                    true => format!("{}/{} one", above.level, of.field(above.table())),
                    false => self.load(above, of, "one", &field.key),
                };
                let member = self.related(RulePlace::ToOne, place, relation).first().copied();
                let must_exist = relation.arity == Arity::One && !self.world.is_partial;
                assert!(!must_exist || member.is_some(), "the rows break a constraint");
                member.map_or(ModelResponse::Exact(Json::Null), |member| {
                    self.object(Above { place: Some(member.place), level: &level, in_page: false }, fields)
                })
            }
            FieldKind::List { of, arguments, fields } => {
                self.answer_list(above, *of, arguments, fields, &field.key)
            }
            FieldKind::Connection { of, arguments, fields } => {
                self.answer_connection(above, *of, arguments, fields, &field.key)
            }
            FieldKind::Aggregate { of, filter, fields } => {
                self.load(above, *of, &format!("{filter:?} {:?}", asked(fields)), &field.key);
                let members = self.list(RulePlace::Aggregate, *of, above.place, filter, &[]);
                self.aggregate(of.target(above.table()), &members, fields)
            }
            FieldKind::Lookup { table, lookup, key, fields } => {
                let level = self.load(above, Of::Root(*table), "one", &field.key);
                let columns = &TABLES[*table].lookups[*lookup].key;
                let is_it =
                    |row: &Row| columns.iter().zip(key).all(|(column, cell)| is_equal(&row[*column], cell));
                match self.rows_at(RulePlace::Lookup, *table).iter().position(is_it) {
                    None => ModelResponse::Exact(Json::Null),
                    Some(row) => self.object(
                        Above { place: Some(Place { table: *table, row }), level: &level, in_page: false },
                        fields,
                    ),
                }
            }
            FieldKind::Node { place, fields } => {
                let level = self.load(above, Of::Root(place.table), "one", &field.key);
                self.object(Above { place: Some(*place), level: &level, in_page: false }, fields)
            }
            FieldKind::Nodes { places, fields } => {
                let mut object = |place: &Place| {
                    let level = self.load(above, Of::Root(place.table), "nodes", &field.key);
                    let fields = fields.iter().find(|(table, _)| *table == place.table);
                    let fields = fields.map_or(&[][..], |(_, fields)| fields);
                    self.object(Above { place: Some(*place), level: &level, in_page: false }, fields)
                };
                ModelResponse::List(places.iter().map(&mut object).collect())
            }
        }
    }

    /// Records a statement, unless it has no parent rows, and returns the level below it. At the root every
    /// field has its own statement; below, equal loads are sent once.
    fn load(&mut self, above: Above, of: Of, what: &str, key: &str) -> String {
        let table = above.table();
        let level = match of {
            Of::Root(root) => format!("{key} {} {what}", TABLES[root].stored),
            Of::Relation(_) => format!("{}/{} {what}", above.level, of.field(table)),
        };
        let is_asked = match (of.relation(table), above.place) {
            (Some(relation), Some(place)) => {
                relation.from.iter().all(|column| !self.row(place)[*column].is_null())
            }
            _ => true,
        };
        if is_asked {
            self.statements.insert(level.clone());
        }
        level
    }

    fn answer_list(
        &mut self,
        above: Above,
        of: Of,
        arguments: &List,
        fields: &[Field],
        key: &str,
    ) -> ModelResponse {
        let List { filter, order, limit, offset } = arguments;
        let offset = offset.unwrap_or(0);
        let target = of.target(above.table());
        let page = match (limit, offset) {
            (None, 0) => "all".to_owned(),
            page => format!("{page:?}"),
        };
        let level = self.load(above, of, &format!("{filter:?} {:?} {page}", total_order(target, order)), key);
        let members = self.list(RulePlace::List, of, above.place, filter, order);
        let end = limit.map_or(members.len(), |limit| members.len().min(offset + limit));
        self.rows_below(&level, false, members.get(offset..end).unwrap_or_default(), fields)
    }

    fn answer_connection(
        &mut self,
        above: Above,
        of: Of,
        arguments: &Connection,
        fields: &[Keyed<OfConnection>],
        key: &str,
    ) -> ModelResponse {
        let Connection { filter, order, first, last, after, before } = arguments;
        let target = of.target(above.table());
        let members = self.list(RulePlace::Page, of, above.place, filter, order);
        let page = self.page(target, &members, arguments);
        let asks_outside = |field: &Keyed<OfConnection>| match &field.what {
            OfConnection::PageInfo(fields) => fields
                .iter()
                .any(|field| matches!(field, OfPageInfo::HasNextPage | OfPageInfo::HasPreviousPage)),
            _ => false,
        };
        let in_page = first.is_some() || last.is_some() || after.is_some() || before.is_some();
        let what = match (first, last, after, before) {
            (None, None, None, None) => "all".to_owned(),
            (_, _, None, None) => format!("{first:?} {last:?}"),
            _ => format!("{first:?} {last:?} {after:?} {before:?} {}", fields.iter().any(asks_outside)),
        };
        let what = format!("{filter:?} {:?} {what}", total_order(target, order));
        let mut answers = Vec::new();
        for field in fields {
            let mut level = || self.load(above, of, &what, key);
            let answer = match &field.what {
                OfConnection::TypeName => {
                    ModelResponse::Exact(json!(format!("{}Connection", of.type_name(above.table()))))
                }
                OfConnection::TotalCount => {
                    self.load(
                        above,
                        of,
                        &format!("{filter:?} {:?}", [OfAggregate::Count]),
                        &format!("{key} count"),
                    );
                    let counted = self.list(RulePlace::TotalCount, of, above.place, filter, order);
                    ModelResponse::Exact(json!(counted.len()))
                }
                OfConnection::Nodes(fields) => {
                    let level = level();
                    self.rows_below(&level, in_page, &page.members, fields)
                }
                OfConnection::Edges(fields) => {
                    let level = level();
                    let edge = |member: &Member| {
                        self.edge(Above { level: &level, in_page, ..above }, of, order, *member, fields)
                    };
                    ModelResponse::List(page.members.iter().map(edge).collect())
                }
                OfConnection::PageInfo(fields) => {
                    level();
                    let cursor = |member: Option<&Member>| {
                        json!(member.map(|member| self.known.cursor(target, order, member.place.row)))
                    };
                    let value = |field: &OfPageInfo| match field {
                        OfPageInfo::HasNextPage => json!(page.has_next),
                        OfPageInfo::HasPreviousPage => json!(page.has_previous),
                        OfPageInfo::StartCursor => cursor(page.members.first()),
                        OfPageInfo::EndCursor => cursor(page.members.last()),
                    };
                    let named =
                        |field: &OfPageInfo| (field.name().to_owned(), ModelResponse::Exact(value(field)));
                    ModelResponse::Object(fields.iter().map(named).collect())
                }
            };
            answers.push((field.key.clone(), answer));
        }
        ModelResponse::Object(answers)
    }

    fn edge(
        &mut self,
        above: Above,
        of: Of,
        order: &[OrderTerm],
        member: Member,
        fields: &[Keyed<OfEdge>],
    ) -> ModelResponse {
        let table = member.place.table;
        let mut answers = Vec::new();
        for field in fields {
            let answer = match &field.what {
                OfEdge::TypeName => {
                    ModelResponse::Exact(json!(format!("{}Edge", of.type_name(above.table()))))
                }
                OfEdge::Cursor => {
                    ModelResponse::Exact(json!(self.known.cursor(table, order, member.place.row)))
                }
                OfEdge::Node(fields) => self.object(Above { place: Some(member.place), ..above }, fields),
                OfEdge::Junction(column) => {
                    let junction = member.junction.unwrap();
                    ModelResponse::of_cell(
                        TABLES[junction.table].columns[*column].kind,
                        &self.row(junction)[*column],
                    )
                }
            };
            answers.push((field.key.clone(), answer));
        }
        ModelResponse::Object(answers)
    }

    fn page(&self, table: usize, members: &[Member], arguments: &Connection) -> Page {
        let order = total_order(table, &arguments.order);
        let beyond = |member: &Member, cursor: Option<usize>, wanted: Ordering| {
            cursor.is_none_or(|row| self.compare(&order, member.place, Place { table, row }) == wanted)
        };
        let is_after = |member: &&Member| beyond(member, arguments.after, Ordering::Greater);
        let is_before = |member: &&Member| beyond(member, arguments.before, Ordering::Less);
        let inside: Vec<Member> = members.iter().filter(is_after).filter(is_before).copied().collect();
        let start = arguments.last.map_or(0, |last| inside.len().saturating_sub(last));
        let end = arguments.first.map_or(inside.len(), |first| first.min(inside.len()));
        Page {
            has_previous: start > 0 || !members.iter().all(|member| is_after(&member)),
            has_next: end < inside.len() || !members.iter().all(|member| is_before(&member)),
            members: inside[start..end].to_vec(),
        }
    }

    /// Returns the whole list in its order.
    fn list(
        &self,
        rule: RulePlace,
        of: Of,
        above: Option<Place>,
        filter: &Filter,
        order: &[OrderTerm],
    ) -> Vec<Member> {
        let mut members = match of {
            Of::Root(table) => {
                let rows = 0..self.rows_at(rule, table).len();
                rows.map(|row| Member { place: Place { table, row }, junction: None }).collect()
            }
            Of::Relation(_) => {
                self.related(rule, above.unwrap(), of.relation(above.map(|place| place.table)).unwrap())
            }
        };
        members.retain(|member| self.holds(member.place, filter));
        let order = total_order(of.target(above.map(|place| place.table)), order);
        members.sort_by(|one, other| self.compare(&order, one.place, other.place));
        members
    }

    /// Returns the rows at the other end of a relation. A key with a NULL part matches no row.
    fn related(&self, rule: RulePlace, place: Place, relation: &Relation) -> Vec<Member> {
        let meets = |one: &Row, columns: &[usize], other: &Row, others: &[usize]| {
            columns
                .iter()
                .zip(others)
                .all(|(column, other_column)| is_equal(&one[*column], &other[*other_column]))
        };
        let targets = || {
            let rows = self.rows_at(rule, relation.target).iter().enumerate();
            rows.map(|(row, cells)| (Place { table: relation.target, row }, cells))
        };
        let own = self.row(place);
        let mut members = Vec::new();
        match &relation.junction {
            None => {
                let met = targets().filter(|(_, cells)| meets(own, &relation.from, cells, &relation.to));
                members.extend(met.map(|(place, _)| Member { place, junction: None }));
            }
            Some(junction) => {
                for (row, link) in self.rows_at(RulePlace::Junction, junction.table).iter().enumerate() {
                    if meets(own, &relation.from, link, &junction.from) {
                        let link_place = Some(Place { table: junction.table, row });
                        let met =
                            targets().filter(|(_, cells)| meets(link, &junction.to, cells, &relation.to));
                        members.extend(met.map(|(place, _)| Member { place, junction: link_place }));
                    }
                }
            }
        }
        members
    }

    fn compare(&self, order: &[OrderTerm], one: Place, other: Place) -> Ordering {
        let decide = |term: &OrderTerm| {
            let (one, other) = (self.order_value(term, one), self.order_value(term, other));
            let nulls_first = matches!(
                term.direction,
                Direction::AscNullsFirst | Direction::Desc | Direction::DescNullsFirst
            );
            let of_null = if nulls_first { Ordering::Less } else { Ordering::Greater };
            match (one.is_null(), other.is_null()) {
                (true, true) => Ordering::Equal,
                (true, false) => of_null,
                (false, true) => of_null.reverse(),
                (false, false) => match term.direction {
                    Direction::Asc | Direction::AscNullsFirst | Direction::AscNullsLast => {
                        one.compare(&other)
                    }
                    Direction::Desc | Direction::DescNullsFirst | Direction::DescNullsLast => {
                        other.compare(&one)
                    }
                },
            }
        };
        order.iter().map(decide).find(|decided| decided.is_ne()).unwrap_or(Ordering::Equal)
    }

    /// Returns the value that an order term compares: NULL, or a count of zero, if the path reaches no row.
    fn order_value(&self, term: &OrderTerm, row: Place) -> Cell {
        let mut place = row;
        for hop in &term.path {
            let relation = &TABLES[place.table].relations[*hop];
            match self.related(RulePlace::Order, place, relation).first() {
                Some(member) => place = member.place,
                None => {
                    return match term.by {
                        By::Column(_) => Cell::Null,
                        By::Count(_) => Cell::Int(0),
                    };
                }
            }
        }
        match term.by {
            By::Column(column) => self.row(place)[column].clone(),
            By::Count(relation) => {
                let relation = &TABLES[place.table].relations[relation];
                Cell::Int(self.related(RulePlace::OrderByCount, place, relation).len().try_into().unwrap())
            }
        }
    }

    /// Returns true if a filter is true of a row. In SQL a condition on NULL is unknown. `not` keeps all rows
    /// for which its condition is not true, so unknown counts as false.
    fn holds(&self, place: Place, filter: &Filter) -> bool {
        filter.0.iter().all(|clause| self.clause_holds(place, clause))
    }

    fn clause_holds(&self, place: Place, clause: &Clause) -> bool {
        let related = |relation: &usize| {
            self.related(RulePlace::Condition, place, &TABLES[place.table].relations[*relation])
        };
        match clause {
            Clause::And(filters) => filters.iter().all(|filter| self.holds(place, filter)),
            Clause::Or(filters) => filters.iter().any(|filter| self.holds(place, filter)),
            Clause::Not(filter) => !self.holds(place, filter),
            Clause::Column(column, tests) => tests.iter().all(|test| passes(&self.row(place)[*column], test)),
            Clause::One(relation, filter) => {
                related(relation).iter().any(|member| self.holds(member.place, filter))
            }
            Clause::Many(relation, conditions) => conditions.iter().all(|(quantifier, filter)| {
                let members = related(relation);
                let mut held = members.iter().map(|member| self.holds(member.place, filter));
                match quantifier {
                    Quantifier::Some => held.any(|held| held),
                    Quantifier::Every => held.all(|held| held),
                    Quantifier::None => !held.any(|held| held),
                }
            }),
        }
    }

    fn aggregate(&self, table: usize, members: &[Member], fields: &[Keyed<OfAggregate>]) -> ModelResponse {
        let answer = |field: &Keyed<OfAggregate>| match &field.what {
            OfAggregate::TypeName => ModelResponse::Exact(json!(format!("{}Aggregate", TABLES[table].name))),
            OfAggregate::Count => ModelResponse::Exact(json!(members.len())),
            OfAggregate::Group(group, columns) => {
                let value = |column: &usize| {
                    let cells: Vec<&Cell> =
                        members.iter().map(|member| &self.row(member.place)[*column]).collect();
                    let cells: Vec<&Cell> = cells.into_iter().filter(|cell| !cell.is_null()).collect();
                    let column = &TABLES[table].columns[*column];
                    (column.field.clone(), aggregate_of(*group, column.kind, &cells))
                };
                ModelResponse::Object(columns.iter().map(value).collect())
            }
        };
        ModelResponse::Object(fields.iter().map(|field| (field.key.clone(), answer(field))).collect())
    }
}

/// Returns the requested aggregates, each once.
fn asked(fields: &[Keyed<OfAggregate>]) -> Vec<OfAggregate> {
    let mut asked: Vec<OfAggregate> = Vec::new();
    for field in fields {
        let each: Vec<OfAggregate> = match &field.what {
            OfAggregate::TypeName => Vec::new(),
            OfAggregate::Count => vec![OfAggregate::Count],
            OfAggregate::Group(group, columns) => {
                columns.iter().map(|column| OfAggregate::Group(*group, vec![*column])).collect()
            }
        };
        for one in each {
            if !asked.iter().any(|known| format!("{known:?}") == format!("{one:?}")) {
                asked.push(one);
            }
        }
    }
    if asked.is_empty() { vec![OfAggregate::Count] } else { asked }
}

/// Returns true if both values are present and equal.
fn is_equal(one: &Cell, other: &Cell) -> bool {
    !one.is_null() && !other.is_null() && one.compare(other).is_eq()
}

fn passes(cell: &Cell, test: &Test) -> bool {
    let is_in = |operands: &[Operand]| operands.iter().any(|operand| is_equal(cell, &operand.cell));
    match test {
        Test::IsNull(is_null) => cell.is_null() == *is_null,
        // Even NULL is not in an empty list.
        Test::NotIn(operands) if operands.is_empty() => true,
        _ if cell.is_null() => false,
        Test::In(operands) => is_in(operands),
        Test::NotIn(operands) => !is_in(operands),
        Test::Compare(comparison, operand) => {
            let ordering = cell.compare(&operand.cell);
            match comparison {
                Comparison::Equal => ordering.is_eq(),
                Comparison::NotEqual => ordering.is_ne(),
                Comparison::Less => ordering.is_lt(),
                Comparison::LessOrEqual => ordering.is_le(),
                Comparison::Greater => ordering.is_gt(),
                Comparison::GreaterOrEqual => ordering.is_ge(),
            }
        }
        Test::Text(test, operand) => match cell {
            Cell::Text(text) => text_passes(text, *test, operand),
            other => panic!("{other:?} is not text"),
        },
    }
}

fn text_passes(text: &str, test: TextTest, operand: &str) -> bool {
    let (lower_text, lower_operand) = (text.to_lowercase(), operand.to_lowercase());
    match test {
        TextTest::Contains => text.contains(operand),
        TextTest::StartsWith => text.starts_with(operand),
        TextTest::EndsWith => text.ends_with(operand),
        TextTest::Like => is_like(text, operand),
        TextTest::IEq => lower_text == lower_operand,
        TextTest::IContains => lower_text.contains(&lower_operand),
        TextTest::IStartsWith => lower_text.starts_with(&lower_operand),
        TextTest::IEndsWith => lower_text.ends_with(&lower_operand),
        TextTest::ILike => is_like(&lower_text, &lower_operand),
        TextTest::Regex => regex::Regex::new(operand).unwrap().is_match(text),
    }
}

/// Evaluates SQL's LIKE with the backslash as escape character.
fn is_like(text: &str, pattern: &str) -> bool {
    let mut pattern = pattern.chars();
    let step = pattern.next();
    let rest = pattern.as_str();
    let mut letters = text.chars();
    match step {
        None => text.is_empty(),
        Some('%') => text.char_indices().any(|(place, _)| is_like(&text[place..], rest)) || is_like("", rest),
        Some('_') => letters.next().is_some() && is_like(letters.as_str(), rest),
        Some('\\') => letters.next() == pattern.next() && is_like(letters.as_str(), pattern.as_str()),
        Some(letter) => letters.next() == Some(letter) && is_like(letters.as_str(), rest),
    }
}

fn aggregate_of(group: Group, kind: Kind, cells: &[&Cell]) -> ModelResponse {
    let numbers = || cells.iter().map(|cell| number(cell));
    match group {
        Group::CountDistinct => {
            let mut distinct: Vec<&Cell> = Vec::new();
            for cell in cells {
                if !distinct.iter().any(|known| is_equal(known, cell)) {
                    distinct.push(cell);
                }
            }
            ModelResponse::Exact(json!(distinct.len()))
        }
        _ if cells.is_empty() => ModelResponse::Exact(Json::Null),
        Group::Minimum => {
            ModelResponse::of_cell(kind, cells.iter().min_by(|one, other| one.compare(other)).unwrap())
        }
        Group::Maximum => {
            ModelResponse::of_cell(kind, cells.iter().max_by(|one, other| one.compare(other)).unwrap())
        }
        Group::Sum => match kind {
            Kind::SmallInt | Kind::Int | Kind::BigInt => {
                let whole = |cell: &&Cell| if let Cell::Int(value) = cell { i128::from(*value) } else { 0 };
                ModelResponse::Decimal(Decimal::from_i128_with_scale(cells.iter().map(whole).sum(), 0))
            }
            Kind::Decimal => {
                let exact =
                    |cell: &&Cell| if let Cell::Decimal(value) = cell { *value } else { Decimal::ZERO };
                ModelResponse::Decimal(cells.iter().map(exact).sum())
            }
            _ => ModelResponse::near(numbers().sum(), numbers(), false),
        },
        Group::Average => {
            ModelResponse::near(numbers().sum::<f64>() / cells.len() as f64, numbers(), kind == Kind::Decimal)
        }
    }
}

fn number(cell: &Cell) -> f64 {
    match cell {
        Cell::Int(value) => *value as f64,
        Cell::Float(value) => *value,
        Cell::Decimal(value) => value.to_f64().unwrap(),
        _ => panic!("{cell:?} is not a number"),
    }
}
