//! Random valid queries.

use crate::cell::Cell;
use crate::choices::Choices;
use crate::query::{
    By, Clause, Comparison, Connection, Direction, Field, FieldKind, Filter, Group, Keyed, List, Of,
    OfAggregate, OfConnection, OfEdge, OfPageInfo, Operand, OrderTerm, Place, Quantifier, Test, TextTest,
};
use crate::tables::{Arity, Kind, TABLES, entities, table};
use crate::world::{World, random_cell};

/// Maximum nesting of relations.
const MOST_LEVELS: usize = 4;
/// Maximum number of relation fields in a query, so that responses stay small.
const MOST_RELATIONS: usize = 9;
/// Maximum nesting of conditions.
const MOST_FILTER_LEVELS: usize = 3;

/// Patterns with the same meaning in Rust and on the databases, also for text of several lines.
const REGEXES: [&str; 10] = ["a", "^A", "b$", "^$", "[aB]", "a|É", "^[^a]*$", "\\\\", "(A|a)b", "\\[+"];

/// Returns a query of few roots with nested relations.
pub fn random_tree(world: &World, choices: &mut Choices) -> Vec<Field> {
    let roots = choices.below(3) + 1;
    roots_of(Maker { world, choices, relations_left: MOST_RELATIONS }, roots)
}

/// Returns a query of many roots without nested fields.
pub fn random_lists(world: &World, choices: &mut Choices) -> Vec<Field> {
    roots_of(Maker { world, choices, relations_left: 0 }, 12)
}

/// Returns a query of conditions on texts.
pub fn random_texts(world: &World, choices: &mut Choices) -> Vec<Field> {
    let mut maker = Maker { world, choices, relations_left: 0 };
    let texts: Vec<(usize, usize)> = entities()
        .flat_map(|table| {
            let columns = TABLES[table].columns.iter().enumerate();
            columns.filter(|(_, column)| column.kind == Kind::Text).map(move |(column, _)| (table, column))
        })
        .collect();
    let roots = (0..20).map(|place| {
        let (table, column) = *maker.choices.pick(&texts);
        let test = TextTest::ALL[place % TextTest::ALL.len()];
        let test = Test::Text(test, maker.pattern(test, table, column));
        let filter = Filter(vec![Clause::Column(column, vec![test])]);
        let key = TABLES[table].primary_key.iter().map(|column| FieldKind::Column(*column)).collect();
        let fields = keyed(key, |what| name(what, table));
        FieldKind::List { of: Of::Root(table), arguments: List { filter, ..List::default() }, fields }
    });
    keyed(roots.collect(), root_name)
}

/// Returns a query of comparisons with the values of a column.
pub fn random_comparisons(world: &World, choices: &mut Choices) -> Vec<Field> {
    let mut maker = Maker { world, choices, relations_left: 0 };
    let exhibits = table("Exhibit");
    let comparable = order_terms(exhibits, 0).into_iter().filter_map(|(_, by)| match by {
        By::Column(column) => Some(column),
        By::Count(_) => None,
    });
    let roots = comparable.map(|column| {
        let test = match maker.choices.below(3) {
            0 => Test::In(maker.operands(exhibits, column)),
            1 => Test::NotIn(maker.operands(exhibits, column)),
            _ if matches!(TABLES[exhibits].columns[column].kind, Kind::Bool | Kind::Grade) => {
                Test::IsNull(false)
            }
            _ => Test::Compare(*maker.choices.pick(&Comparison::ALL), maker.operand(exhibits, column)),
        };
        let filter = Filter(vec![Clause::Column(column, vec![test])]);
        let fields =
            keyed(vec![FieldKind::Column(0), FieldKind::Column(column)], |what| name(what, exhibits));
        FieldKind::List { of: Of::Root(exhibits), arguments: List { filter, ..List::default() }, fields }
    });
    keyed(roots.collect(), root_name)
}

/// Returns true if the rows of a table have node ids, look-ups and cursors.
fn has_key(table: usize) -> bool {
    !TABLES[table].primary_key.is_empty()
}

fn roots_of(mut maker: Maker, count: usize) -> Vec<Field> {
    let mut roots: Vec<FieldKind> = (0..count).filter_map(|_| maker.root()).collect();
    if roots.is_empty() {
        roots.push(FieldKind::TypeName);
    }
    keyed(roots, root_name)
}

/// Returns fields of a row of a table.
pub fn random_fields(world: &World, table: usize, choices: &mut Choices) -> Vec<Field> {
    Maker { world, choices, relations_left: MOST_RELATIONS }.fields(table, 2)
}

/// Returns a filter on a table.
pub fn random_filter(world: &World, table: usize, choices: &mut Choices) -> Filter {
    Maker { world, choices, relations_left: 0 }.filter(table, 0)
}

/// Returns every possible order term of a table, over at most `hops` to-one relations.
pub fn order_terms(table: usize, hops: usize) -> Vec<(Vec<usize>, By)> {
    let columns = TABLES[table].columns.iter().enumerate();
    let sortable = columns.filter(|(_, column)| column.kind != Kind::Json);
    let mut terms: Vec<(Vec<usize>, By)> = sortable.map(|(id, _)| (Vec::new(), By::Column(id))).collect();
    for (id, relation) in TABLES[table].relations.iter().enumerate() {
        match relation.arity {
            Arity::Many => terms.push((Vec::new(), By::Count(id))),
            Arity::One | Arity::OptionalOne if hops > 0 => {
                let further = order_terms(relation.target, hops - 1).into_iter();
                terms.extend(further.map(|(path, by)| ([vec![id], path].concat(), by)));
            }
            Arity::One | Arity::OptionalOne => {}
        }
    }
    terms
}

struct Maker<'a, 'b, 'c> {
    world: &'a World,
    choices: &'b mut Choices<'c>,
    relations_left: usize,
}

impl Maker<'_, '_, '_> {
    fn entity(&mut self) -> usize {
        *self.choices.pick(&self.world.entities())
    }

    /// Returns an existing row with a key.
    fn place(&mut self) -> Option<Place> {
        let table = self.entity();
        let rows = self.world.tables[table].len();
        (rows > 0 && has_key(table)).then(|| Place { table, row: self.choices.below(rows) })
    }

    fn root(&mut self) -> Option<FieldKind> {
        let table = self.entity();
        Some(match self.choices.below(8) {
            0..=2 => self.list(Of::Root(table), table, 1),
            3 | 4 | 6 if !has_key(table) => self.list(Of::Root(table), table, 1),
            3 | 4 => self.connection(Of::Root(table), table, None, 1),
            5 => self.aggregate(Of::Root(table), table),
            6 => {
                let lookup = self.choices.below(TABLES[table].lookups.len());
                let columns = &TABLES[table].lookups[lookup].key;
                let rows = &self.world.tables[table];
                let found = (!rows.is_empty()).then(|| &rows[self.choices.below(rows.len())]);
                let is_there = self.choices.below(4) > 0;
                let mut cell =
                    |column: &usize| match found.filter(|_| is_there).map(|row| row[*column].clone()) {
                        Some(cell) if !cell.is_null() => cell,
                        _ => random_cell(TABLES[table].columns[*column].kind, false, self.choices),
                    };
                let key = columns.iter().map(&mut cell).collect();
                FieldKind::Lookup { table, lookup, key, fields: self.fields(table, 1) }
            }
            _ if self.choices.once_in(2) => {
                let place = self.place()?;
                FieldKind::Node { place, fields: self.fields(place.table, 1) }
            }
            _ => {
                let count = self.choices.below(5);
                let places: Vec<Place> = (0..count).filter_map(|_| self.place()).collect();
                let mut tables: Vec<usize> = places.iter().map(|place| place.table).collect();
                tables.sort_unstable();
                tables.dedup();
                let mut fields = Vec::new();
                for table in tables {
                    let mut of_type = self.fields(table, 2);
                    // Unique names per type: fields with the same response key must have the same type.
                    of_type
                        .iter_mut()
                        .for_each(|field| field.key = format!("{}_{}", TABLES[table].stored, field.key));
                    fields.push((table, of_type));
                }
                if fields.is_empty() {
                    return None;
                }
                FieldKind::Nodes { places, fields }
            }
        })
    }

    fn fields(&mut self, table: usize, level: usize) -> Vec<Field> {
        let count = self.choices.below(4) + 1;
        let mut whats = Vec::new();
        for _ in 0..count {
            let what = self.what(table, level, &whats);
            whats.push(what);
        }
        keyed(whats, |what| name(what, table))
    }

    fn what(&mut self, table: usize, level: usize, earlier: &[FieldKind]) -> FieldKind {
        let relations = &TABLES[table].relations;
        if level > MOST_LEVELS || self.relations_left == 0 || self.choices.below(5) < 2 {
            return match self.choices.below(10) {
                8 if has_key(table) => FieldKind::NodeId,
                9 => FieldKind::TypeName,
                _ => FieldKind::Column(self.choices.below(TABLES[table].columns.len())),
            };
        }
        self.relations_left -= 1;
        if self.choices.once_in(6)
            && let Some(again) = earlier.iter().rev().find_map(|what| self.again(table, what, level))
        {
            return again;
        }
        let relation = self.choices.below(relations.len());
        let target = relations[relation].target;
        if relations[relation].arity != Arity::Many {
            return FieldKind::One { relation, fields: self.fields(target, level + 1) };
        }
        match self.choices.below(5) {
            0..=2 => self.list(Of::Relation(relation), target, level + 1),
            3 if !has_key(target) => self.list(Of::Relation(relation), target, level + 1),
            3 => self.connection(Of::Relation(relation), target, Some(table), level + 1),
            _ => self.aggregate(Of::Relation(relation), target),
        }
    }

    /// Returns a relation field again with the same arguments, for other nested fields.
    fn again(&mut self, table: usize, what: &FieldKind, level: usize) -> Option<FieldKind> {
        let target = |of: Of| of.target(Some(table));
        Some(match what {
            FieldKind::One { relation, .. } => {
                let fields = self.fields(target(Of::Relation(*relation)), level + 1);
                FieldKind::One { relation: *relation, fields }
            }
            FieldKind::List { of, arguments, .. } => FieldKind::List {
                of: *of,
                arguments: arguments.clone(),
                fields: self.fields(target(*of), level + 1),
            },
            FieldKind::Connection { of, arguments, .. } => {
                let fields = self.connection_fields(*of, target(*of), Some(table), level + 1);
                FieldKind::Connection { of: *of, arguments: arguments.clone(), fields }
            }
            FieldKind::Aggregate { .. } => what.clone(),
            _ => return None,
        })
    }

    fn list(&mut self, of: Of, target: usize, level: usize) -> FieldKind {
        let filter = self.sometimes_filter(target);
        let order = self.order(target);
        let limit = self.choices.once_in(4).then(|| self.choices.below(5));
        let offset = self.choices.once_in(5).then(|| self.choices.below(4));
        let arguments = List { filter, order, limit, offset };
        FieldKind::List { of, arguments, fields: self.fields(target, level) }
    }

    fn connection(&mut self, of: Of, target: usize, above: Option<usize>, level: usize) -> FieldKind {
        let mut arguments = Connection {
            filter: self.sometimes_filter(target),
            order: self.order(target),
            ..Connection::default()
        };
        let size = self.choices.below(5);
        match self.choices.below(4) {
            1 | 2 => arguments.first = Some(size),
            3 => arguments.last = Some(size),
            _ => {}
        }
        let rows = self.world.tables[target].len();
        arguments.after = (rows > 0 && self.choices.once_in(3)).then(|| self.choices.below(rows));
        arguments.before = (rows > 0 && self.choices.once_in(4)).then(|| self.choices.below(rows));
        FieldKind::Connection { of, arguments, fields: self.connection_fields(of, target, above, level) }
    }

    fn connection_fields(
        &mut self,
        of: Of,
        target: usize,
        above: Option<usize>,
        level: usize,
    ) -> Vec<Keyed<OfConnection>> {
        let count = self.choices.below(3) + 1;
        let mut whats = Vec::new();
        for _ in 0..count {
            whats.push(match self.choices.below(8) {
                0 | 1 => OfConnection::Nodes(self.fields(target, level)),
                2 | 3 => OfConnection::Edges(self.edge_fields(of, target, above, level)),
                4 => OfConnection::TotalCount,
                5 => OfConnection::TypeName,
                _ => {
                    let mut fields: Vec<OfPageInfo> = self
                        .choices
                        .some_below(4, 4)
                        .into_iter()
                        .map(|place| OfPageInfo::ALL[place])
                        .collect();
                    if fields.is_empty() {
                        fields.push(OfPageInfo::HasNextPage);
                    }
                    OfConnection::PageInfo(fields)
                }
            });
        }
        keyed(whats, |what| match what {
            OfConnection::TypeName => "__typename".to_owned(),
            OfConnection::TotalCount => "totalCount".to_owned(),
            OfConnection::Nodes(_) => "nodes".to_owned(),
            OfConnection::Edges(_) => "edges".to_owned(),
            OfConnection::PageInfo(_) => "pageInfo".to_owned(),
        })
    }

    fn edge_fields(
        &mut self,
        of: Of,
        target: usize,
        above: Option<usize>,
        level: usize,
    ) -> Vec<Keyed<OfEdge>> {
        let junction = of.relation(above).and_then(|relation| relation.junction.as_ref());
        let own = junction.map_or(&[][..], |junction| &junction.own);
        let count = self.choices.below(3) + 1;
        let mut whats = Vec::new();
        for _ in 0..count {
            whats.push(match self.choices.below(6) {
                0 => OfEdge::TypeName,
                1 | 2 => OfEdge::Cursor,
                3 if !own.is_empty() => OfEdge::Junction(*self.choices.pick(own)),
                _ => OfEdge::Node(self.fields(target, level)),
            });
        }
        keyed(whats, |what| match what {
            OfEdge::TypeName => "__typename".to_owned(),
            OfEdge::Cursor => "cursor".to_owned(),
            OfEdge::Node(_) => "node".to_owned(),
            OfEdge::Junction(column) => format!("junction{column}"),
        })
    }

    fn aggregate(&mut self, of: Of, target: usize) -> FieldKind {
        let filter = self.sometimes_filter(target);
        let count = self.choices.below(3) + 1;
        let mut whats = Vec::new();
        for _ in 0..count {
            let what = match self.choices.below(6) {
                0 => OfAggregate::TypeName,
                1 => OfAggregate::Count,
                _ => {
                    let group = *self.choices.pick(&Group::ALL);
                    let columns = TABLES[target].columns.iter().enumerate();
                    let fitting: Vec<usize> =
                        columns.filter(|(_, column)| fits(group, column.kind)).map(|(id, _)| id).collect();
                    let some = self.choices.some_below(fitting.len(), 3);
                    match some.is_empty() {
                        true => OfAggregate::Count,
                        false => {
                            OfAggregate::Group(group, some.into_iter().map(|place| fitting[place]).collect())
                        }
                    }
                }
            };
            whats.push(what);
        }
        let fields = keyed(whats, |what| match what {
            OfAggregate::TypeName => "__typename".to_owned(),
            OfAggregate::Count => "count".to_owned(),
            OfAggregate::Group(group, _) => group.name().to_owned(),
        });
        FieldKind::Aggregate { of, filter, fields }
    }

    fn order(&mut self, table: usize) -> Vec<OrderTerm> {
        if self.choices.below(2) == 0 {
            return Vec::new();
        }
        let count = self.choices.below(3) + 1;
        let known = order_terms(table, 2);
        (0..count)
            .map(|_| {
                let (path, by) = self.choices.pick(&known).clone();
                OrderTerm { path, by, direction: *self.choices.pick(&Direction::ALL) }
            })
            .collect()
    }

    fn sometimes_filter(&mut self, table: usize) -> Filter {
        if self.choices.below(2) == 0 { Filter::default() } else { self.filter(table, 0) }
    }

    fn filter(&mut self, table: usize, level: usize) -> Filter {
        let count = if level == 0 { self.choices.below(3) + 1 } else { self.choices.below(3) };
        let mut clauses: Vec<Clause> = Vec::new();
        for _ in 0..count {
            let clause = self.clause(table, level);
            if !clauses.iter().any(|known| known.name(table) == clause.name(table)) {
                clauses.push(clause);
            }
        }
        clauses.sort_by_key(|clause| clause.name(table));
        Filter(clauses)
    }

    fn clause(&mut self, table: usize, level: usize) -> Clause {
        let relations = &TABLES[table].relations;
        if level < MOST_FILTER_LEVELS {
            match self.choices.below(10) {
                4 => return Clause::Not(self.filter(table, level + 1)),
                5 => return Clause::And(self.filters(table, level + 1)),
                6 => return Clause::Or(self.filters(table, level + 1)),
                7.. => {
                    let relation = self.choices.below(relations.len());
                    let target = relations[relation].target;
                    if relations[relation].arity != Arity::Many {
                        return Clause::One(relation, self.filter(target, level + 1));
                    }
                    let count = if self.choices.once_in(4) { 2 } else { 1 };
                    let first = self.choices.below(3);
                    let quantifiers = (0..count).map(|place| Quantifier::ALL[(first + place) % 3]);
                    let conditions =
                        quantifiers.map(|quantifier| (quantifier, self.filter(target, level + 1)));
                    let mut conditions: Vec<(Quantifier, Filter)> = conditions.collect();
                    conditions.sort_by_key(|(quantifier, _)| quantifier.name());
                    return Clause::Many(relation, conditions);
                }
                _ => {}
            }
        }
        let column = self.choices.below(TABLES[table].columns.len());
        let count = if self.choices.once_in(4) { 2 } else { 1 };
        let mut tests: Vec<Test> = Vec::new();
        for _ in 0..count {
            let test = self.test(table, column);
            if !tests.iter().any(|known| known.name() == test.name()) {
                tests.push(test);
            }
        }
        tests.sort_by_key(Test::name);
        Clause::Column(column, tests)
    }

    fn filters(&mut self, table: usize, level: usize) -> Vec<Filter> {
        let count = self.choices.below(4);
        (0..count).map(|_| self.filter(table, level)).collect()
    }

    fn test(&mut self, table: usize, column: usize) -> Test {
        let kind = TABLES[table].columns[column].kind;
        let kinds_of_test = match kind {
            Kind::Json => 1,
            Kind::Bool | Kind::Grade => 4,
            Kind::Text => 10,
            _ => 6,
        };
        match self.choices.below(kinds_of_test) {
            0 => Test::IsNull(self.choices.once_in(2)),
            1 => Test::In(self.operands(table, column)),
            2 => Test::NotIn(self.operands(table, column)),
            3 => {
                let comparison = self.choices.pick(&Comparison::ALL[..2]);
                Test::Compare(*comparison, self.operand(table, column))
            }
            4 | 5 => Test::Compare(*self.choices.pick(&Comparison::ALL), self.operand(table, column)),
            _ => {
                let test = *self.choices.pick(&TextTest::ALL);
                Test::Text(test, self.pattern(test, table, column))
            }
        }
    }

    /// Returns a part of a text that is in the column or may be, with some letters in the other case. For a
    /// pattern, some letters are wildcards.
    fn pattern(&mut self, test: TextTest, table: usize, column: usize) -> String {
        if test == TextTest::Regex {
            return (*self.choices.pick(&REGEXES)).to_owned();
        }
        let Cell::Text(text) = self.operand(table, column).cell else {
            panic!("{test:?} of what is not text")
        };
        let letters: Vec<char> = text.chars().collect();
        let start = self.choices.below(2) * self.choices.below(letters.len() + 1);
        let end = letters.len() - self.choices.below(2) * self.choices.below(letters.len() - start + 1);
        let is_pattern = matches!(test, TextTest::Like | TextTest::ILike);
        let mut pattern = String::new();
        if is_pattern && self.choices.once_in(3) {
            pattern.push('%');
        }
        for letter in &letters[start..end] {
            match self.choices.below(if is_pattern { 8 } else { 6 }) {
                4 | 5 => pattern.push(in_other_case(*letter)),
                6 => pattern.push('_'),
                7 => pattern.push('%'),
                _ if is_pattern && matches!(letter, '%' | '_' | '\\') => pattern.extend(['\\', *letter]),
                _ if is_pattern && self.choices.once_in(8) => pattern.extend(['\\', *letter]),
                _ => pattern.push(*letter),
            }
        }
        if is_pattern && self.choices.once_in(3) {
            pattern.push('%');
        }
        let escapes = pattern.chars().rev().take_while(|letter| *letter == '\\').count();
        if is_pattern && escapes % 2 == 1 {
            // A trailing single escape is refused.
            pattern.pop();
        }
        pattern
    }

    fn operands(&mut self, table: usize, column: usize) -> Vec<Operand> {
        let count = self.choices.below(4);
        (0..count).map(|_| self.operand(table, column)).collect()
    }

    /// Returns a value that is in the column, or one that may be.
    fn operand(&mut self, table: usize, column: usize) -> Operand {
        let rows = &self.world.tables[table];
        let found = (!rows.is_empty() && self.choices.below(4) > 0)
            .then(|| rows[self.choices.below(rows.len())][column].clone())
            .filter(|cell| !cell.is_null());
        let kind = TABLES[table].columns[column].kind;
        let cell = found.unwrap_or_else(|| random_cell(kind, false, self.choices));
        Operand { cell, other_spelling: self.choices.once_in(3) }
    }
}

fn in_other_case(letter: char) -> char {
    let one = |mut letters: Vec<char>| if letters.len() == 1 { letters.pop() } else { None };
    let (upper, lower) = (letter.to_uppercase().collect(), letter.to_lowercase().collect());
    [one(upper), one(lower)].into_iter().flatten().find(|other| *other != letter).unwrap_or(letter)
}

fn fits(group: Group, kind: Kind) -> bool {
    match group {
        Group::CountDistinct => kind != Kind::Json,
        Group::Sum | Group::Average => {
            matches!(kind, Kind::SmallInt | Kind::Int | Kind::BigInt | Kind::Float | Kind::Decimal)
        }
        Group::Minimum | Group::Maximum => {
            !matches!(kind, Kind::Json | Kind::Bool | Kind::Grade | Kind::Uuid | Kind::Bytes)
        }
    }
}

/// Gives each field a unique response key: the schema's name if it is free, otherwise an alias.
fn keyed<T>(whats: Vec<T>, name: impl Fn(&T) -> String) -> Vec<Keyed<T>> {
    let mut keyed: Vec<Keyed<T>> = Vec::new();
    for what in whats {
        let name = name(&what);
        let is_free = !keyed.iter().any(|known| known.key == name);
        let key = if is_free { name } else { format!("{name}{}", keyed.len()) };
        keyed.push(Keyed { key, what });
    }
    keyed
}

fn root_name(what: &FieldKind) -> String {
    match what {
        FieldKind::Lookup { table, lookup, .. } => TABLES[*table].lookups[*lookup].field.to_owned(),
        FieldKind::Node { .. } => "node".to_owned(),
        FieldKind::Nodes { .. } => "nodes".to_owned(),
        FieldKind::TypeName => "__typename".to_owned(),
        FieldKind::List { of, .. } => of.field(None).to_owned(),
        FieldKind::Connection { of, .. } => format!("{}Connection", of.field(None)),
        FieldKind::Aggregate { of, .. } => format!("{}Aggregate", of.field(None)),
        other => panic!("{other:?} is not at the root"),
    }
}

fn name(what: &FieldKind, table: usize) -> String {
    let of_row = &TABLES[table];
    match what {
        FieldKind::TypeName => "__typename".to_owned(),
        FieldKind::NodeId => "nodeId".to_owned(),
        FieldKind::Column(column) => of_row.columns[*column].field.clone(),
        FieldKind::One { relation, .. } => of_row.relations[*relation].field.to_owned(),
        FieldKind::List { of, .. } => of.field(Some(table)).to_owned(),
        FieldKind::Connection { of, .. } => format!("{}Connection", of.field(Some(table))),
        FieldKind::Aggregate { of, .. } => format!("{}Aggregate", of.field(Some(table))),
        other => panic!("{other:?} is at the root"),
    }
}
