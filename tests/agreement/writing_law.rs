//! What a role writes is what an administrator writes who knows only the rows that the role may use: random grants, random
//! mutations, random rows.

use std::cell::Cell as Counter;
use std::slice;

use async_graphql::{Request, Variables};
use crowsfoot::Schema;
use crowsfoot::internals::model::Entity;
use crowsfoot::policy::{Policies, Viewer};
use proptest::collection::vec;
use proptest::test_runner::{Config, TestCaseError, TestRunner};
use serde_json::{Map, Value as Json, json};
use tokio::runtime::Runtime;

use crate::ask::Service;
use crate::choices::{self, Choices};
use crate::domain;
use crate::naive;
use crate::policies::{ROLE, Rules, free_columns, random_rules, text, unsatisfiable, without_hidden};
use crate::query::{Clause, Filter, Place};
use crate::random_query::random_filter;
use crate::syntax;
use crate::tables::{Arity, Kind, Relation, TABLES, entities, of_entities};
use crate::world::{Row, World, foreign_keys, random_cell};
use crate::writing;

/// Grants of writing of one table; rows outside of a rule are as if they were absent.
#[derive(Clone)]
pub struct Grants {
    pub update: Option<Filter>,
    pub check: Option<Filter>,
    pub delete: Option<Filter>,
}

/// Rows, what the role reads of them, and the role's grants.
struct Case<'a> {
    world: &'a World,
    seen: &'a World,
    grants: &'a [Grants],
    schema: &'a Schema,
}

/// Mutation of a role.
struct Mutation {
    text: String,
    variables: Json,
    /// The same by an administrator; `None` if it names a row that the role may not use.
    oracle: Option<(String, Json)>,
    /// Rows that a check applies to, by their keys.
    checked: Option<(usize, Vec<Row>)>,
    /// Rows that the answer has.
    answer: Answer,
}

/// Rows of an answer, by table and keys.
enum Answer {
    /// The row, as the role reads it afterwards; null if the role does not.
    Row(usize, Row),
    /// The number of rows, and those that the role reads afterwards.
    Rows(usize, Vec<Row>),
    /// The row, as the role read it before.
    Deleted(usize, Row),
    /// The number of rows.
    Affected,
}

/// Answer of one request.
struct Told {
    data: Json,
    /// Extensions of the first error.
    error: Json,
    /// Numbers of the parts of statements that write, and of the statements that do not.
    sent: (usize, usize),
}

/// The most statements that a role needs beside those of the administrator, whatever the number of rows: for the named row, for
/// the rows of a link and for those of a nested link, each twice on PostgreSQL, and the checks of both tables.
const MORE_STATEMENTS: usize = 8;

/// Number of sets of rows and grants.
pub const CASES: u32 = 20;

/// Numbers of mutations.
#[derive(Debug, Default)]
pub struct Tally {
    pub written: Counter<usize>,
    pub refused: Counter<usize>,
}

#[test]
fn random_mutations_of_a_role_write_what_an_administrator_would_write_without_the_hidden_rows() {
    let runtime = Runtime::new().unwrap();
    let services = runtime.block_on(Service::all());
    let tally = Tally::default();
    let result = compare(&runtime, &services, choices::config(CASES), &tally, |_, _| {});
    eprintln!("{tally:?}");
    if let Err(fault) = result {
        panic!("{fault}");
    }
    assert!(tally.written.get() > 50 && tally.refused.get() > 50, "too few of a kind");
    runtime.block_on(Service::drop_all(services));
}

/// Compares random mutations under random grants with those of an administrator. `forget` changes the rules of the role alone.
/// Returns the first difference.
pub fn compare(
    runtime: &Runtime,
    services: &[Service],
    config: Config,
    tally: &Tally,
    forget: impl Fn(&mut [Rules], &mut [Grants]),
) -> Result<(), String> {
    let strategy = (vec(choices::choices(60), 8..=24), choices::choices(3_000), choices::choices(900));
    let result = TestRunner::new(config).run(&strategy, |(mutations, numbers, ruled)| {
        let world = World::full(&mut Choices::new(&numbers));
        let mut choices = Choices::new(&ruled);
        let mut rules = random_rules(&world, &mut choices);
        for rules in &mut rules {
            rules.rows = rules.rows.take().filter(|_| choices.once_in(2));
        }
        let mut grants = random_grants(&world, &mut choices);
        let model = domain::registry().model().unwrap();
        for table in unsatisfiable(policies(&rules, &grants, &model.entities)) {
            rules[table] = Rules { rows: None, cells: Vec::new() };
            grants[table] = Grants { update: None, check: None, delete: None };
        }
        let seen = without_hidden(&world, &rules);
        let (mut rules_of_role, mut grants_of_role) = (rules, grants.clone());
        forget(&mut rules_of_role, &mut grants_of_role);
        let policies = policies(&rules_of_role, &grants_of_role, &model.entities);
        let schema = Schema::builder(model).policies(policies).finish();
        let schema = schema.map_err(|error| TestCaseError::fail(error.to_string()))?;
        let case = Case { world: &world, seen: &seen, grants: &grants, schema: &schema };
        for numbers in &mutations {
            let Some(mutation) = case.random(&mut Choices::new(numbers)) else { continue };
            for service in services {
                let done = runtime.block_on(case.compare(service, &mutation)).map_err(TestCaseError::fail)?;
                let counter = if done { &tally.written } else { &tally.refused };
                counter.set(counter.get() + 1);
            }
        }
        Ok(())
    });
    choices::fault(result)
}

fn random_grants(world: &World, choices: &mut Choices) -> Vec<Grants> {
    of_entities()
        .map(|table| {
            if !entities().any(|entity| entity == table) {
                return Grants { update: None, check: None, delete: None };
            }
            let mut rule = || choices.once_in(3).then(|| random_filter(world, table, choices));
            let (update, check, delete) = (rule(), rule(), rule());
            // The rows of a table justify no row of it: attacks test that.
            Grants { update, check: check.filter(|rule| !visits(table, rule, table)), delete }
        })
        .collect()
}

/// Returns true if a filter of `table` looks at rows of `target` beside its own.
fn visits(table: usize, filter: &Filter, target: usize) -> bool {
    let beyond = |relation: usize, filter: &Filter| {
        let relation = &TABLES[table].relations[relation];
        relation.target == target
            || relation.junction.as_ref().is_some_and(|junction| junction.table == target)
            || visits(relation.target, filter, target)
    };
    filter.0.iter().any(|clause| match clause {
        Clause::And(filters) | Clause::Or(filters) => {
            filters.iter().any(|filter| visits(table, filter, target))
        }
        Clause::Not(filter) => visits(table, filter, target),
        Clause::Column(..) => false,
        Clause::One(relation, filter) => beyond(*relation, filter),
        Clause::Many(relation, conditions) => conditions.iter().any(|(_, filter)| beyond(*relation, filter)),
    })
}

fn policies(rules: &[Rules], grants: &[Grants], entities: &[Entity]) -> Policies {
    Policies::new().role(ROLE, |role| {
        entities.iter().fold(role, |role, entity| {
            let table = TABLES.iter().position(|table| table.stored == entity.table.name).unwrap();
            let Rules { rows, cells } = &rules[table];
            let Grants { update, check, delete } = &grants[table];
            let rule =
                |rule: &Option<Filter>| rule.as_ref().map_or("true".to_owned(), |rule| text(table, rule));
            role.grant(&entity.name, |grant| {
                let grant =
                    cells.iter().fold(grant.read(rule(rows)).columns(["*"]), |grant, (column, rule)| {
                        grant.column_if(&TABLES[table].columns[*column].field, text(table, rule))
                    });
                grant
                    .create(|create| create.columns(["*"]).check(rule(check)))
                    .update(|grant| grant.columns(["*"]).filter(rule(update)).check(rule(check)))
                    .delete(rule(delete))
            })
        })
    })
}

impl Case<'_> {
    fn random(&self, choices: &mut Choices) -> Option<Mutation> {
        let all: Vec<usize> = entities().collect();
        let table = *choices.pick(&all);
        match choices.below(8) {
            0 | 1 => self.update_many(table, choices),
            2 => self.update_one(table, choices),
            3 | 4 => self.delete(table, choices),
            5 => self.create(table, choices),
            _ => self.nested(table, choices),
        }
    }

    /// Returns the rows that the role sees and for which a rule holds.
    fn usable(&self, table: usize, rule: Option<&Filter>) -> Vec<usize> {
        let is_seen = |row: &usize| self.sees(table, &self.world.tables[table][*row]);
        let holds =
            |row: &usize| rule.is_none_or(|rule| naive::holds(self.world, Place { table, row: *row }, rule));
        (0..self.world.tables[table].len()).filter(is_seen).filter(holds).collect()
    }

    fn sees(&self, table: usize, row: &Row) -> bool {
        self.seen.tables[table].iter().any(|seen| key(table, seen) == key(table, row))
    }

    /// Returns the rows that match a filter in what the role sees, as rows of the world.
    fn matching(&self, table: usize, filter: &Filter, rule: Option<&Filter>) -> Vec<usize> {
        let found = naive::rows(self.seen, table, filter, &[]);
        let found: Vec<Row> =
            found.into_iter().map(|row| key(table, &self.seen.tables[table][row])).collect();
        let mut usable = self.usable(table, rule);
        usable.retain(|row| found.contains(&key(table, &self.world.tables[table][*row])));
        usable
    }

    fn keys(&self, table: usize, rows: &[usize]) -> Vec<Row> {
        rows.iter().map(|row| key(table, &self.world.tables[table][*row])).collect()
    }

    fn update_many(&self, table: usize, choices: &mut Choices) -> Option<Mutation> {
        let filter = random_filter(self.world, table, choices);
        let (input, links_seen) = self.changes(table, choices)?;
        let rows = self.matching(table, &filter, self.grants[table].update.as_ref());
        let keys = self.keys(table, &rows);
        let roots = self.entity(table);
        let (root, of) = (&roots.roots.update_many, &roots.types.update);
        let selection = format!("{{ affected nodes {{ {} }} }}", fields(table));
        let change = |filter: &str| {
            format!(
                "mutation($input: {of}!) {{ it: {root}(where: {filter}, all: true, input: $input) {selection} }}"
            )
        };
        let oracle = (links_seen || rows.is_empty())
            .then(|| (change(&one_of(table, &keys)), json!({ "input": input })));
        Some(Mutation {
            text: change(&syntax::literal(&writing::filter(table, &filter))),
            variables: json!({ "input": input }),
            oracle,
            checked: Some((table, keys.clone())),
            answer: Answer::Rows(table, keys),
        })
    }

    /// Returns the document that updates a row by its key.
    fn update_of(&self, table: usize, row: usize) -> String {
        let entity = self.entity(table);
        format!(
            "mutation($input: {}!) {{ it: {}({}, input: $input) {{ {} }} }}",
            entity.types.update,
            entity.roots.update,
            arguments(table, &self.world.tables[table][row]),
            fields(table)
        )
    }

    fn update_one(&self, table: usize, choices: &mut Choices) -> Option<Mutation> {
        let (input, links_seen) = self.changes(table, choices)?;
        let row = self.random_row(table, choices)?;
        let is_usable = self.usable(table, self.grants[table].update.as_ref()).contains(&row);
        let text = self.update_of(table, row);
        let variables = json!({ "input": input });
        let oracle = (is_usable && links_seen).then(|| (text.clone(), variables.clone()));
        let own = key(table, &self.world.tables[table][row]);
        let (checked, answer) = (Some((table, vec![own.clone()])), Answer::Row(table, own));
        Some(Mutation { text, variables, oracle, checked, answer })
    }

    fn delete(&self, table: usize, choices: &mut Choices) -> Option<Mutation> {
        let entity = self.entity(table);
        let rule = self.grants[table].delete.as_ref();
        if choices.once_in(2) {
            let row = self.random_row(table, choices)?;
            let is_usable = self.usable(table, rule).contains(&row);
            let arguments = arguments(table, &self.world.tables[table][row]);
            let text =
                format!("mutation {{ it: {}({arguments}) {{ {} }} }}", entity.roots.delete, fields(table));
            let oracle = is_usable.then(|| (text.clone(), Json::Null));
            let answer = Answer::Deleted(table, key(table, &self.world.tables[table][row]));
            return Some(Mutation { text, variables: Json::Null, oracle, checked: None, answer });
        }
        let filter = random_filter(self.world, table, choices);
        let keys = self.keys(table, &self.matching(table, &filter, rule));
        let root = &entity.roots.delete_many;
        let delete =
            |filter: &str| format!("mutation {{ it: {root}(where: {filter}, all: true) {{ affected }} }}");
        Some(Mutation {
            text: delete(&syntax::literal(&writing::filter(table, &filter))),
            variables: Json::Null,
            oracle: Some((delete(&one_of(table, &keys)), Json::Null)),
            checked: None,
            answer: Answer::Affected,
        })
    }

    fn create(&self, table: usize, choices: &mut Choices) -> Option<Mutation> {
        let keys = foreign_keys(table);
        let columns = &TABLES[table].columns;
        let is_linked = |column: usize| keys.iter().any(|(from, ..)| from.contains(&column));
        let mut input = Map::new();
        let mut row: Row =
            columns.iter().map(|column| random_cell(column.kind, column.nullable, choices)).collect();
        for (column, cell) in row.iter().enumerate().filter(|(column, _)| !is_linked(*column)) {
            input.insert(columns[column].field.clone(), cell.json(columns[column].kind));
        }
        let mut links_seen = true;
        for relation in forward(table) {
            let target = self.linkable(relation)?;
            let found = *choices.pick(&target);
            links_seen &= self.sees(relation.target, &self.world.tables[relation.target][found]);
            input.insert(relation.field.to_owned(), self.link(relation.target, found)?);
            for (from, to) in relation.from.iter().zip(&relation.to) {
                row[*from] = self.world.tables[relation.target][found][*to].clone();
            }
        }
        let entity = self.entity(table);
        let text = format!(
            "mutation($input: {}!) {{ it: {}(input: $input) {{ {} }} }}",
            entity.types.create,
            entity.roots.create,
            fields(table)
        );
        let variables = json!({ "input": input });
        let oracle = links_seen.then(|| (text.clone(), variables.clone()));
        let own = key(table, &row);
        let (checked, answer) = (Some((table, vec![own.clone()])), Answer::Row(table, own));
        Some(Mutation { text, variables, oracle, checked, answer })
    }

    /// Writes the list of a reverse or many-to-many relation.
    fn nested(&self, table: usize, choices: &mut Choices) -> Option<Mutation> {
        let lists: Vec<&Relation> = TABLES[table]
            .relations
            .iter()
            .filter(|relation| {
                relation.arity == Arity::Many && TABLES[relation.target].primary_key.len() == 1
            })
            .filter(|relation| relation.junction.as_ref().is_none_or(|junction| junction.own.is_empty()))
            .collect();
        if lists.is_empty() {
            return None;
        }
        let relation = *choices.pick(&lists);
        let target = relation.target;
        let detaches = relation.junction.is_some()
            || relation.to.iter().all(|column| TABLES[target].columns[*column].nullable);
        let verb = if detaches { *choices.pick(&["connect", "disconnect", "set"]) } else { "connect" };
        let row = self.random_row(table, choices)?;
        let named = choices.some_below(self.world.tables[target].len(), 3);
        let may_update = self.usable(table, self.grants[table].update.as_ref()).contains(&row);
        let of_target = match relation.junction {
            Some(_) => self.usable(target, None),
            None => self.usable(target, self.grants[target].update.as_ref()),
        };
        let seen = self.usable(target, None);
        let is_named = named.iter().all(|row| of_target.contains(row) && seen.contains(row));
        let keys = |rows: &[usize]| -> Json {
            rows.iter().map(|row| self.link(target, *row)).collect::<Option<Vec<Json>>>().unwrap().into()
        };
        let text = self.update_of(table, row);
        let input = |verbs: Json| json!({ "input": { relation.field: verbs } });
        let mut written = named.clone();
        let oracle = (may_update && is_named).then(|| match verb {
            "set" => {
                let linked = self.linked(Place { table, row }, relation);
                let others: Vec<usize> = linked
                    .into_iter()
                    .filter(|row| of_target.contains(row) && !named.contains(row))
                    .collect();
                written.extend(&others);
                (text.clone(), input(json!({ "disconnect": keys(&others), "connect": keys(&named) })))
            }
            verb => (text.clone(), input(json!({ verb: keys(&named) }))),
        });
        let checked = relation.junction.is_none().then(|| (target, self.keys(target, &written)));
        let answer = Answer::Row(table, key(table, &self.world.tables[table][row]));
        Some(Mutation { text, variables: input(json!({ verb: keys(&named) })), oracle, checked, answer })
    }

    fn linked(&self, place: Place, relation: &Relation) -> Vec<usize> {
        let cells = |table: usize, row: usize, columns: &[usize]| -> Row {
            columns.iter().map(|column| self.world.tables[table][row][*column].clone()).collect()
        };
        let own = cells(place.table, place.row, &relation.from);
        let targets = 0..self.world.tables[relation.target].len();
        match &relation.junction {
            None => targets.filter(|row| cells(relation.target, *row, &relation.to) == own).collect(),
            Some(junction) => {
                let links = 0..self.world.tables[junction.table].len();
                let links = links.filter(|link| cells(junction.table, *link, &junction.from) == own);
                let ends: Vec<Row> = links.map(|link| cells(junction.table, link, &junction.to)).collect();
                targets.filter(|row| ends.contains(&cells(relation.target, *row, &relation.to))).collect()
            }
        }
    }

    /// Returns new values of columns of no key, and perhaps of a link; and whether the role sees all linked rows.
    fn changes(&self, table: usize, choices: &mut Choices) -> Option<(Json, bool)> {
        let free = free_columns(table);
        let columns = &TABLES[table].columns;
        let mut input = Map::new();
        for place in choices.some_below(free.len(), 2) {
            let column = &columns[free[place]];
            let cell = random_cell(column.kind, column.nullable, choices);
            input.insert(column.field.clone(), cell.json(column.kind));
        }
        let mut links_seen = true;
        let is_of_key = |relation: &&Relation| {
            relation.from.iter().any(|column| TABLES[table].primary_key.contains(column))
        };
        let links: Vec<&Relation> = forward(table).filter(|relation| !is_of_key(relation)).collect();
        if !links.is_empty() && choices.once_in(2) {
            let relation = *choices.pick(&links);
            let found = *choices.pick(&self.linkable(relation)?);
            links_seen = self.sees(relation.target, &self.world.tables[relation.target][found]);
            input.insert(relation.field.to_owned(), self.link(relation.target, found)?);
        }
        (!input.is_empty()).then(|| (input.into(), links_seen))
    }

    /// Returns the rows that a relation can be linked to; none if they have a composite key.
    fn linkable(&self, relation: &Relation) -> Option<Vec<usize>> {
        let rows: Vec<usize> = (0..self.world.tables[relation.target].len()).collect();
        (!rows.is_empty() && TABLES[relation.target].primary_key.len() == 1).then_some(rows)
    }

    fn link(&self, table: usize, row: usize) -> Option<Json> {
        let [column] = TABLES[table].primary_key[..] else { return None };
        let described = &TABLES[table].columns[column];
        let value = self.world.tables[table][row][column].json(described.kind);
        Some(json!({ described.field.as_str(): value }))
    }

    fn random_row(&self, table: usize, choices: &mut Choices) -> Option<usize> {
        let count = self.world.tables[table].len();
        (count > 0).then(|| choices.below(count))
    }

    fn entity(&self, table: usize) -> &Entity {
        let entities = &self.schema.model().entities;
        entities.iter().find(|entity| entity.table.name == TABLES[table].stored).unwrap()
    }

    /// Returns what the role gets for a mutation, if the administrator got `data` for it.
    async fn answer(&self, service: &Service, role: &Schema, answer: &Answer, data: &Json) -> Json {
        let rows = async |table: usize, keys: &[Row]| {
            let list = &TABLES[table].list;
            let text = format!("{{ it: {list}(where: {}) {{ {} }} }}", one_of(table, keys), fields(table));
            ask(service, role, &text, Json::Null).await.data["it"].take()
        };
        match answer {
            Answer::Row(table, key) | Answer::Deleted(table, key) => {
                // A row that the role does not see is null, also if the role wrote it.
                let mut seen = rows(*table, slice::from_ref(key)).await;
                json!({ "it": seen.get_mut(0).map_or(Json::Null, Json::take) })
            }
            Answer::Rows(table, keys) => {
                json!({ "it": { "affected": data["it"]["affected"], "nodes": rows(*table, keys).await } })
            }
            Answer::Affected => data.clone(),
        }
    }

    /// Compares what the role writes with what the administrator writes. Returns true if something was written.
    async fn compare(&self, service: &Service, mutation: &Mutation) -> Result<bool, String> {
        let everything = everything();
        let viewer = Viewer::new(ROLE);
        let role = self.schema.seen_by(&viewer).map_err(|error| error.to_string())?;
        self.world.store(&service.database.connection).await;
        let before = ask(service, self.schema, &everything, Json::Null).await.data;
        let mut expected = None;
        let mut after = before.clone();
        if let Some((text, variables)) = &mutation.oracle {
            let mut told_before = Json::Null;
            if let Answer::Deleted(..) = mutation.answer {
                told_before = self.answer(service, &role, &mutation.answer, &Json::Null).await;
            }
            let mut told = ask(service, self.schema, text, variables.clone()).await;
            after = ask(service, self.schema, &everything, Json::Null).await.data;
            if told.data == Json::Null && told.error == Json::Null {
                return Err(format!("the administrator gets nothing for {text}"));
            }
            told.data = match mutation.answer {
                Answer::Deleted(..) => told_before,
                _ => self.answer(service, &role, &mutation.answer, &told.data).await,
            };
            expected = Some(told);
        }
        // The check after what the administrator has written.
        let mut fails = false;
        let is_done = expected.as_ref().is_some_and(|told| told.error == Json::Null);
        if let (Some((table, keys)), true) = (&mutation.checked, is_done)
            && let Some(check) = &self.grants[*table].check
        {
            let check = text(*table, check);
            let list = &TABLES[*table].list;
            let filter = format!("{{ and: [{}, {{ not: {check} }}] }}", one_of(*table, keys));
            let text = format!("{{ it: {list}(where: {filter}) {{ __typename }} }}");
            let failing = ask(service, self.schema, &text, Json::Null).await.data;
            fails = !failing["it"].as_array().ok_or(text)?.is_empty();
        }
        self.world.store(&service.database.connection).await;
        let Told { data, error, sent } =
            ask(service, &role, &mutation.text, mutation.variables.clone()).await;
        let stored = ask(service, self.schema, &everything, Json::Null).await.data;
        let code = error["code"].as_str();
        let told = |what: &str| {
            let Mutation { text, variables, oracle, .. } = mutation;
            Err(format!(
                "{:?}: {what}\n{text}\n{variables}\n{data}\n{error}\nadministrator: {oracle:?}\n{:?}\nrules: {}",
                service.database.dialect,
                expected.as_ref().map(|told| &told.error),
                self.schema.policies().map(|policies| format!("{policies:?}")).unwrap_or_default()
            ))
        };
        let is_written = match &expected {
            None => {
                if code != Some("NOT_FOUND") {
                    return told("a row that the role may not use was found");
                }
                false
            }
            Some(Told { error: Json::Null, .. }) if fails => {
                if code != Some("FORBIDDEN") {
                    return told("a row that fails its check was not refused");
                }
                false
            }
            Some(Told { error: Json::Null, data: expected, sent: (writes, reads) }) => {
                if error != Json::Null {
                    return told("the role was refused");
                }
                if data != *expected {
                    return told(&format!("the role was answered otherwise; expected {expected}"));
                }
                // A link that is not there is found by a look-up, and not written.
                // The administrator has other verbs in place of set.
                let is_same = mutation.oracle.as_ref().is_some_and(|(_, same)| *same == mutation.variables);
                if is_same && (sent.0 > *writes || sent.1 > reads + MORE_STATEMENTS) {
                    return told(&format!("{sent:?} statements; the administrator's: {writes}, {reads}"));
                }
                true
            }
            // The check comes first, and hidden rows are not described.
            Some(refused) => {
                if ![refused.error["code"].as_str(), Some("FORBIDDEN"), Some("NOT_FOUND")].contains(&code)
                    || code.is_none()
                {
                    return told("the role was refused otherwise");
                }
                false
            }
        };
        let left = if is_written { &after } else { &before };
        if stored != *left {
            return told(&format!("the rows differ:\n{stored}\n{left}"));
        }
        Ok(is_written && before != after)
    }
}

async fn ask(service: &Service, schema: &Schema, text: &str, variables: Json) -> Told {
    let request = Request::new(text).variables(Variables::from_json(variables));
    let executed = schema.execute(request, &service.database.connection).await;
    let errors = serde_json::to_value(&executed.errors).unwrap();
    // A statement of the administrator may have several parts that write.
    let parts = |sql: &str| -> usize {
        ["INSERT INTO \"", "UPDATE \"", "DELETE FROM \""].iter().map(|part| sql.matches(part).count()).sum()
    };
    let writes: Vec<usize> = executed.statements.iter().map(|statement| parts(&statement.sql)).collect();
    let sent = (writes.iter().sum(), writes.iter().filter(|parts| **parts == 0).count());
    Told { data: executed.data(), error: errors[0]["extensions"].clone(), sent }
}

/// Returns the relations whose key the table holds.
fn forward(table: usize) -> impl Iterator<Item = &'static Relation> {
    let keys = foreign_keys(table);
    TABLES[table].relations.iter().filter(move |relation| {
        relation.junction.is_none()
            && keys.iter().any(|(from, target, to)| {
                *from == relation.from && *target == relation.target && *to == relation.to
            })
    })
}

fn key(table: usize, row: &Row) -> Row {
    TABLES[table].primary_key.iter().map(|column| row[*column].clone()).collect()
}

/// Returns all fields of columns.
fn fields(table: usize) -> String {
    let fields = TABLES[table].columns.iter().map(|column| column.field.as_str());
    fields.collect::<Vec<_>>().join(" ")
}

fn key_fields(table: usize) -> String {
    let fields = TABLES[table].primary_key.iter().map(|column| TABLES[table].columns[*column].field.as_str());
    fields.collect::<Vec<_>>().join(" ")
}

/// Writes the arguments that name a row by its primary key.
fn arguments(table: usize, row: &Row) -> String {
    let argument = |column: &usize| {
        let described = &TABLES[table].columns[*column];
        format!("{}: {}", described.field, literal(table, *column, row[*column].json(described.kind)))
    };
    TABLES[table].primary_key.iter().map(argument).collect::<Vec<_>>().join(", ")
}

fn literal(table: usize, column: usize, json: Json) -> String {
    match (TABLES[table].columns[column].kind, json) {
        (Kind::Grade, Json::String(name)) => name,
        (_, json) => json.to_string(),
    }
}

/// Writes the filter of the rows with these primary keys.
fn one_of(table: usize, keys: &[Row]) -> String {
    let row = |key: &Row| {
        let columns = TABLES[table].primary_key.iter().zip(key).map(|(column, cell)| {
            let described = &TABLES[table].columns[*column];
            let value = literal(table, *column, cell.json(described.kind));
            format!("{}: {{ eq: {value} }}", described.field)
        });
        format!("{{ {} }}", columns.collect::<Vec<_>>().join(", "))
    };
    format!("{{ or: [{}] }}", keys.iter().map(row).collect::<Vec<_>>().join(", "))
}

/// Writes the query of all rows and links.
fn everything() -> String {
    let rows = entities().map(|table| {
        let columns = TABLES[table].columns.iter().map(|column| column.field.clone());
        let links = TABLES[table].relations.iter().filter(|relation| relation.junction.is_some());
        let links = links.map(|relation| format!("{} {{ {} }}", relation.field, key_fields(relation.target)));
        let fields: Vec<String> = columns.chain(links).collect();
        format!("{} {{ {} }}", TABLES[table].list, fields.join(" "))
    });
    format!("{{ {} }}", rows.collect::<Vec<_>>().join(" "))
}
