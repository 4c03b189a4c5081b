//! PostgreSQL's types beyond the common ones: read as PostgreSQL itself prints them, filtered and ordered as SQL does,
//! written and read back. The rows are random.

use crowsfoot::internals::model::{ColumnType, Entity, NativeForm};
use crowsfoot::{Model, Registry, Schema, TableOptions, describe};
use sea_orm::{ConnectionTrait, DbBackend, Statement};
use serde_json::{Value as Json, json};

use crate::support::{TestDatabase, ask, postgres};

/// A type, with random values.
struct Kind {
    sql: &'static str,
    /// Random value; `g` is the number of the row.
    random: &'static str,
    /// Value as JSON, as a client reads it.
    json: &'static str,
    /// Values that a client cannot give.
    bad: &'static [&'static str],
}

const fn kind(
    sql: &'static str,
    random: &'static str,
    json: &'static str,
    bad: &'static [&'static str],
) -> Kind {
    Kind { sql, random, json, bad }
}

const PRINTED: &str = "to_json(value)";
const AS_TEXT: &str = "to_json(value::text)";
const AS_TEXTS: &str = "to_json(value::text[])";

const TYPES: &str = "CREATE EXTENSION citext; CREATE EXTENSION hstore; CREATE SCHEMA far;
    CREATE TYPE far.\"so so\" AS ENUM ('sad', 'ok', 'so glad'); CREATE TYPE mood AS ENUM ('up', 'down');
    CREATE DOMAIN address AS inet; CREATE DOMAIN positive AS integer CHECK (value > 0); CREATE DOMAIN feeling AS mood;
    CREATE TYPE pair AS (x integer, \"the y\" text);
    CREATE TYPE textrange AS RANGE (subtype = text);";

const KINDS: &[Kind] = &[
    kind(
        "inet",
        "(ARRAY['10.0.0.1', '10.0.0.0/8', '10.0.0.1/8', '::1', 'fe80::1/64', '10.1.0.0/16'])[1 + random() * 5]::inet",
        PRINTED,
        &["\"10.0.0\"", "1", "\"10.0.0.1/40\""],
    ),
    kind(
        "cidr",
        "set_masklen('10.129.3.1'::cidr, 8 * (1 + random() * 3)::int)",
        PRINTED,
        &["\"10.0.0.1/8\""],
    ),
    kind("macaddr", "('08:00:2b:01:02:0' || (random() * 9)::int)::macaddr", PRINTED, &["\"08:00\""]),
    kind("macaddr8", "('08:00:2b:01:02:03:04:0' || (random() * 9)::int)::macaddr8", PRINTED, &["\"08:00\""]),
    kind(
        "interval",
        "make_interval(months => (random() * 40 - 20)::int, days => (random() * 40 - 20)::int,
            secs => (random() * 100000 - 50000)::numeric(12, 6)::float8 * (g % 3))",
        "(SELECT to_json(value::text) FROM set_config('IntervalStyle', 'iso_8601', true))",
        &["\"1 day\"", "\"P\""],
    ),
    kind(
        "citext",
        "(ARRAY['Ann', 'ann', 'ANNA', 'Bob', '', 'b%b', 'É'])[1 + random() * 6]::citext",
        AS_TEXT,
        &["1"],
    ),
    kind(
        "int4range",
        "int4range((random() * 5)::int, 5 + (random() * 5)::int, (ARRAY['[]', '()', '[)', '(]'])[1 + random() * 3])",
        PRINTED,
        &["\"[5,1)\"", "\"1\"", "\"[1,2147483647]\""],
    ),
    kind(
        "int8range",
        "int8range(CASE WHEN g % 3 > 0 THEN (random() * 9)::int8 END, 9)",
        PRINTED,
        &["\"[a,)\""],
    ),
    kind(
        "numrange",
        "numrange((random() * 5)::numeric(4, 2), 5 + (random() * 5)::numeric(4, 2), '[]')",
        PRINTED,
        &["\"[x,]\""],
    ),
    kind(
        "daterange",
        "daterange('2024-01-01'::date + (random() * 9)::int, '2024-01-20')",
        PRINTED,
        &["\"[2024-02-30,)\""],
    ),
    kind(
        "tsrange",
        "tsrange('2024-01-01 10:00'::timestamp + random() * interval '9 h', NULL)",
        PRINTED,
        &["\"[x,)\""],
    ),
    kind(
        "tstzrange",
        "tstzrange('2024-01-01 10:00Z'::timestamptz + random() * interval '9 h', 'infinity', '(]')",
        PRINTED,
        &["\"[2024-01-01,)\""],
    ),
    kind(
        "int4multirange",
        "int4multirange(int4range(1, 2 + (random() * 3)::int), int4range(9, 9 + (random() * 2)::int))",
        PRINTED,
        &["\"[1,2)\""],
    ),
    kind("bit(4)", "(random() * 15)::int::bit(4)", AS_TEXT, &["\"2\"", "\"1\""]),
    kind("varbit", "(random() * 15)::int::bit(4)::varbit", AS_TEXT, &["\"x\""]),
    kind(
        "money",
        "(random() * 4000 - 2000)::numeric(10, 2)::money",
        "to_json(value::numeric::text)",
        &["\"0.001\"", "\"$1\""],
    ),
    kind(
        "timetz",
        "('12:30:0' || (random() * 9)::int || '+0' || (random() * 9)::int)::timetz",
        AS_TEXT,
        &["\"12:30\""],
    ),
    kind("xml", "('<a>' || (random() * 9)::int || '</a>')::xml", AS_TEXT, &["\"<a>\"", "1"]),
    kind(
        "hstore",
        "hstore(ARRAY['a\"', 'b'], ARRAY['\\' || (random() * 9)::int, NULL])",
        "value::json",
        &["{\"a\": 1}", "1"],
    ),
    kind("pair", "((random() * 9)::int, 'ä\"')::pair", PRINTED, &["{\"z\": 1}", "{\"x\": \"no\"}"]),
    kind("address", "('10.0.0.' || (random() * 9)::int)::address", PRINTED, &["\"x\""]),
    kind(
        "feeling",
        "(ARRAY['up', 'down'])[1 + random()]::feeling",
        "to_json(upper(value::text))",
        &["\"LEFT\"", "\"up\""],
    ),
    kind(
        "far.\"so so\"",
        "(ARRAY['sad', 'ok'])[1 + random()]::far.\"so so\"",
        "to_json(upper(value::text))",
        &["\"LEFT\""],
    ),
    kind("integer[]", "(ARRAY[1, NULL, 3, 3])[1 : (random() * 4)::int]", PRINTED, &["[1.5]", "\"x\""]),
    kind("smallint[]", "ARRAY[(random() * 9)::int2, NULL, -1]::int2[]", PRINTED, &["[40000]"]),
    kind("bigint[]", "ARRAY[(random() * 9)::int8, 9007199254740993, NULL]", AS_TEXTS, &["[\"x\"]"]),
    kind(
        "text[]",
        "(ARRAY['a', 'b\"', 'NULL', NULL, '', 'ä\\'])[1 : (random() * 5)::int]",
        PRINTED,
        &["[1]"],
    ),
    kind("varchar(5)[]", "ARRAY['v' || (random() * 9)::int]", PRINTED, &["[\"too long\"]"]),
    kind("char(3)[]", "ARRAY[NULL, 'v' || (random() * 9)::int]", "to_json(value::text[])", &["[1]"]),
    kind("boolean[]", "ARRAY[random() > 0.5, NULL, true]", PRINTED, &["[1]"]),
    kind("numeric(20, 10)[]", "ARRAY[random()::numeric(20, 10) + 1234567890, NULL]", AS_TEXTS, &["[\"x\"]"]),
    kind("real[]", "ARRAY[0.1, NULL, 1.5 + (random() * 9)::int]::real[]", PRINTED, &["[\"x\"]"]),
    kind("double precision[]", "ARRAY[random(), NULL, 0.1]", PRINTED, &["[\"x\"]"]),
    kind("uuid[]", "ARRAY[gen_random_uuid(), NULL]", PRINTED, &["[\"x\"]"]),
    kind("date[]", "ARRAY['2024-01-01'::date + (random() * 9)::int, NULL]", PRINTED, &["[\"2024-02-30\"]"]),
    kind("time[]", "ARRAY[NULL, '12:30:0' || (random() * 9)::int]::time[]", PRINTED, &["[\"x\"]"]),
    kind(
        "timestamptz[]",
        "ARRAY['2024-01-01 10:00Z'::timestamptz + (random() * 9)::int * interval '1 h']",
        "(SELECT json_agg(to_char(item AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"')) FROM unnest(value) item)",
        &["[\"x\"]"],
    ),
    kind(
        "bytea[]",
        "ARRAY[decode('00ff0' || (random() * 9)::int, 'hex')]",
        "(SELECT json_agg(encode(item, 'base64')) FROM unnest(value) item)",
        &["[\"*\"]"],
    ),
    kind(
        "inet[]",
        "ARRAY['10.0.0.' || (random() * 9)::int, NULL, '10.0.0.0/8']::inet[]",
        PRINTED,
        &["[\"x\"]"],
    ),
    kind(
        "interval[]",
        "ARRAY[make_interval(days => (random() * 9)::int)]",
        "(SELECT to_json(value::text[]) FROM set_config('IntervalStyle', 'iso_8601', true))",
        &["[\"x\"]"],
    ),
    kind(
        "money[]",
        "ARRAY[(random() * 9)::numeric(9, 2)::money, NULL]",
        "to_json(value::numeric[]::text[])",
        &["[\"x\"]"],
    ),
    kind("citext[]", "ARRAY[(ARRAY['Ann', 'ann'])[1 + random()], NULL]::citext[]", AS_TEXTS, &["[1]"]),
    kind("int4range[]", "ARRAY[NULL, int4range(1, 2 + (random() * 9)::int)]", AS_TEXTS, &["[\"[2,1)\"]"]),
    kind("positive[]", "ARRAY[1 + (random() * 9)::int, NULL]::positive[]", PRINTED, &["[\"x\"]"]),
    kind(
        "mood[]",
        "ARRAY[(ARRAY['up', 'down'])[1 + random()], NULL]::mood[]",
        "(SELECT json_agg(upper(item::text)) FROM unnest(value) item)",
        &["[\"LEFT\"]"],
    ),
    kind(
        "far.\"so so\"[]",
        "ARRAY['sad', NULL]::far.\"so so\"[]",
        "(SELECT json_agg(upper(item::text)) FROM unnest(value) item)",
        &["[\"LEFT\"]"],
    ),
    kind("jsonb[]", "ARRAY['{\"a\": 12345678901234567890.12}']::jsonb[]", PRINTED, &[]),
    kind("pair[]", "ARRAY[(1, 'x')]::pair[]", PRINTED, &[]),
    kind("tsvector", "to_tsvector('simple', 'some words ' || g)", AS_TEXT, &[]),
    kind("point", "point(g, 0.5)", AS_TEXT, &[]),
    kind("textrange", "textrange('a', 'b' || g)", AS_TEXT, &[]),
    kind("tsvector[]", "ARRAY[to_tsvector('simple', 'word')]", AS_TEXT, &[]),
];

/// Rows of each table; the last has no value.
const ROWS: usize = 9;

async fn sql(database: &TestDatabase, query: &str) -> Json {
    let query = format!("SELECT ({query})::text AS answer");
    let row = database.connection.query_one_raw(Statement::from_string(DbBackend::Postgres, &query)).await;
    let row = row.unwrap_or_else(|error| panic!("{error}\n{query}")).unwrap();
    let text: Option<String> = row.try_get("", "answer").unwrap();
    text.map_or(Json::Null, |text| {
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"))
    })
}

struct Checked<'a> {
    database: &'a TestDatabase,
    schema: &'a Schema,
    entity: &'a Entity,
    kind: &'a Kind,
    table: String,
    /// Rows that SQL compares.
    rows: String,
    /// Name of the column's type in the schema.
    of: String,
}

impl Checked<'_> {
    async fn data(&self, query: &str, variables: Json) -> Json {
        let (mut answer, _) = ask(self.schema, self.database, query, variables).await;
        assert_eq!(answer.get("errors"), None, "{}: {query}\n{answer}", self.kind.sql);
        answer["data"].take()
    }

    async fn ids(&self, condition: &str) -> Json {
        let rows = &self.rows;
        sql(
            self.database,
            &format!("SELECT COALESCE(json_agg(id ORDER BY id), '[]') FROM {rows} WHERE {condition}"),
        )
        .await
    }

    async fn filtered(&self, operator: &str, of: &str, operand: &Json) -> Json {
        let list = &self.entity.roots.list;
        let query =
            format!("query ($v: {of}) {{ {list}(where: {{ value: {{ {operator}: $v }} }}) {{ id }} }}");
        let rows = self.data(&query, json!({ "v": operand })).await;
        rows[list].as_array().unwrap().iter().map(|row| row["id"].clone()).collect()
    }

    /// Reads all rows, and returns the values by the number of their row.
    async fn read(&self) -> Vec<Json> {
        let (table, list) = (&self.table, &self.entity.roots.list);
        let read = self.data(&format!("{{ {list} {{ value }} }}"), json!({})).await;
        let values: Vec<Json> =
            read[list].as_array().unwrap().iter().map(|row| row["value"].clone()).collect();
        let expected = format!(
            "SELECT json_agg(CASE WHEN value IS NOT NULL THEN {} END ORDER BY id) FROM {table}",
            self.kind.json
        );
        assert_eq!(Json::from(values.clone()), sql(self.database, &expected).await, "{}", self.kind.sql);
        values
    }

    async fn compare(&self, column_type: &ColumnType, values: &[Json]) {
        let operators = column_type.operators();
        let is_network = matches!(column_type, ColumnType::Native(native) if native.form.is_network());
        let mut tests = vec![];
        let sets = if is_network { [">>=", "<<=", "&&"] } else { ["@>", "<@", "&&"] };
        for (is_there, names, symbols) in [
            (operators.equality, &["eq", "ne"][..], &["=", "<>"][..]),
            (operators.comparison, &["lt", "lte", "gt", "gte"], &["<", "<=", ">", ">="]),
            (operators.sets, &["contains", "containedBy", "overlaps"], &sets),
        ] {
            tests.extend(names.iter().zip(symbols).filter(|_| is_there));
        }
        for (row, value) in values.iter().enumerate().take(4) {
            for (name, symbol) in &tests {
                let expected = self
                    .ids(&format!("value {symbol} (SELECT value FROM {} WHERE id = {row})", self.rows))
                    .await;
                let found = self.filtered(name, &self.of, value).await;
                assert_eq!(found, expected, "{} {name} {value}", self.kind.sql);
            }
        }
        if operators.membership {
            for (name, not) in [("in", ""), ("notIn", "NOT")] {
                let expected =
                    self.ids(&format!("value {not} IN (SELECT value FROM {} WHERE id < 3)", self.rows)).await;
                let found = self.filtered(name, &format!("[{}!]", self.of), &json!(values[..3])).await;
                assert_eq!(found, expected, "{} {name}", self.kind.sql);
            }
        }
        if operators.emptiness {
            let is_list = matches!(column_type, ColumnType::List(_));
            let test = if is_list { "cardinality(value) = 0" } else { "isempty(value)" };
            for (operand, expected) in [(true, test.to_owned()), (false, format!("NOT ({test})"))] {
                let found = self.filtered("isEmpty", "Boolean", &json!(operand)).await;
                assert_eq!(found, self.ids(&expected).await, "{} isEmpty {operand}", self.kind.sql);
            }
        }
        if operators.length {
            let found = self.filtered("length", "IntFilter", &json!({ "gt": 0, "lte": 2 })).await;
            assert_eq!(found, self.ids("cardinality(value) BETWEEN 1 AND 2").await, "{}", self.kind.sql);
        }
        let found = self.filtered("isNull", "Boolean", &json!(true)).await;
        assert_eq!(found, self.ids("value IS NULL").await, "{}", self.kind.sql);
    }

    async fn order(&self) {
        let (rows, list) = (&self.rows, &self.entity.roots.list);
        for (direction, order) in [("ASC", "value ASC NULLS LAST"), ("DESC", "value DESC NULLS FIRST")] {
            // The service orders enums by their labels, on every database.
            let order = if self.kind.json.starts_with("to_json(upper") {
                order.replace("value", "value::text")
            } else {
                order.to_owned()
            };
            let expected =
                sql(self.database, &format!("SELECT json_agg(id ORDER BY {order}, id) FROM {rows}")).await;
            let (mut found, mut after) = (Vec::new(), Json::Null);
            loop {
                let query = format!(
                    "query ($a: String) {{ {list}Connection(first: 4, after: $a, orderBy: [{{ value: {direction} }}])
                        {{ nodes {{ id }} pageInfo {{ hasNextPage endCursor }} }} }}"
                );
                let page = self.data(&query, json!({ "a": after })).await[format!("{list}Connection")].take();
                found.extend(page["nodes"].as_array().unwrap().iter().map(|row| row["id"].clone()));
                if page["pageInfo"]["hasNextPage"] == false {
                    break;
                }
                after = page["pageInfo"]["endCursor"].clone();
            }
            assert_eq!(Json::from(found), expected, "{} {direction}", self.kind.sql);
        }
    }

    async fn extremes(&self) {
        let (rows, list) = (&self.rows, &self.entity.roots.list);
        let query =
            format!("{{ {list}Aggregate {{ min {{ value }} max {{ value }} countDistinct {{ value }} }} }}");
        let found = self.data(&query, json!({})).await[format!("{list}Aggregate")].take();
        for name in ["min", "max"] {
            let json = &self.kind.json;
            let expected = format!("SELECT {json} FROM (SELECT {name}(value) AS value FROM {rows}) s");
            assert_eq!(found[name]["value"], sql(self.database, &expected).await, "{} {name}", self.kind.sql);
        }
        let expected = sql(self.database, &format!("SELECT count(DISTINCT value) FROM {rows}")).await;
        assert_eq!(found["countDistinct"]["value"], expected, "{}", self.kind.sql);
    }

    async fn write(&self, values: &[Json]) {
        let (name, table, types) = (&self.entity.name, &self.table, &self.entity.types);
        let create = format!("mutation ($i: {}!) {{ create{name}(input: $i) {{ value }} }}", types.create);
        let update = format!(
            "mutation ($id: Int!, $i: {}!) {{ update{name}(id: $id, input: $i) {{ value }} }}",
            types.update
        );
        let same = "value::text IS NOT DISTINCT FROM";
        for (row, value) in values.iter().enumerate().take(5) {
            let id = 100 + row;
            let made = self.data(&create, json!({ "i": { "id": id, "value": value } })).await;
            assert_eq!(made[format!("create{name}")]["value"], *value, "{}", self.kind.sql);
            let original = format!("(SELECT value::text FROM {table} WHERE id = {row})");
            assert_eq!(
                self.ids(&format!("id = {id} AND {same} {original}")).await,
                json!([id]),
                "{}",
                self.kind.sql
            );
            let other = &values[(row + 1) % values.len()];
            let changed = self.data(&update, json!({ "id": id, "i": { "value": other } })).await;
            assert_eq!(changed[format!("update{name}")]["value"], *other, "{}", self.kind.sql);
        }
        for bad in self.kind.bad {
            let bad: Json = serde_json::from_str(bad).unwrap();
            let input = json!({ "i": { "id": 99, "value": bad } });
            let (answer, _) = ask(self.schema, self.database, &create, input).await;
            let error = &answer["errors"][0];
            assert_eq!(error["extensions"]["code"], "BAD_USER_INPUT", "{} {bad}: {answer}", self.kind.sql);
            let argument = error["extensions"]["argument"].as_str().unwrap_or_default();
            assert!(argument.contains("value"), "{} {bad}: {answer}", self.kind.sql);
        }
    }

    async fn check(&self, model: &Model) {
        let column = &self.entity.columns[self.entity.column_named("value").unwrap()];
        let values = self.read().await;
        self.compare(&column.column_type, &values).await;
        if column.column_type.sortable() {
            self.order().await;
        }
        if column.column_type.operators().extremes {
            self.extremes().await;
        }
        let is_writable =
            !matches!(&column.column_type, ColumnType::Native(native) if !native.form.is_writable());
        assert_eq!(is_writable, !self.kind.bad.is_empty(), "{}", self.kind.sql);
        match is_writable {
            true => self.write(&values).await,
            false => {
                let note = format!("column {}.value is read-only", self.table);
                let is_noted = model.notes.iter().any(|known| known.to_string().starts_with(&note));
                assert!(is_noted, "{}: {:?}", self.kind.sql, model.notes);
            }
        }
    }
}

#[tokio::test]
async fn every_type_of_postgresql_is_read_compared_ordered_and_written_as_sql_does() {
    let Some(database) = postgres().await else { return };
    database.run(TYPES).await;
    for (number, kind) in KINDS.iter().enumerate() {
        let (of, random) = (kind.sql, kind.random);
        database
            .run(&format!(
                "CREATE TABLE t{number} (id integer PRIMARY KEY, value {of});
                 INSERT INTO t{number} SELECT g, {random} FROM generate_series(0, {ROWS} - 1) g;
                 INSERT INTO t{number} VALUES ({ROWS}, NULL)"
            ))
            .await;
    }
    let described = describe(&database.connection, &[]).await.unwrap();
    let model = Registry::from_tables(&described.tables, &TableOptions::new()).model().unwrap();
    let schema = Schema::new(model.clone()).unwrap();
    for (number, kind) in KINDS.iter().enumerate() {
        let table = format!("t{number}");
        let entity = model.entities.iter().find(|entity| entity.table.name == table).unwrap();
        let column_type = &entity.columns[entity.column_named("value").unwrap()].column_type;
        let of = model.type_name(column_type);
        let of = if matches!(column_type, ColumnType::List(_)) { format!("[{of}]") } else { of.to_owned() };
        // PostgreSQL has no operators for a domain over an enum.
        let rows = match kind.sql {
            "feeling" => format!("(SELECT id, value::mood AS value FROM {table}) AS rows"),
            _ => table.clone(),
        };
        Checked { database: &database, schema: &schema, entity, kind, table, rows, of }.check(&model).await;
    }
    database.drop().await;
}

#[tokio::test]
async fn text_without_case_follows_its_own_rule_in_every_text_filter() {
    let Some(database) = postgres().await else { return };
    database
        .run(
            "CREATE EXTENSION citext; CREATE TABLE users (id integer PRIMARY KEY, email citext NOT NULL UNIQUE);
             INSERT INTO users VALUES (1, 'Ann@x.org'), (2, 'bob@X.org'), (3, 'a_n')",
        )
        .await;
    let described = describe(&database.connection, &[]).await.unwrap();
    let model = Registry::from_tables(&described.tables, &TableOptions::new()).model().unwrap();
    let email = &model.entities[0].columns[1].column_type;
    assert!(
        matches!(email, ColumnType::Native(native) if matches!(native.form, NativeForm::CaseInsensitive(_)))
    );
    let schema = Schema::new(model).unwrap();
    for (filter, ids) in [
        ("eq: \"ANN@X.ORG\"", json!([1])),
        ("in: [\"ann@x.org\", \"A_N\"]", json!([1, 3])),
        ("startsWith: \"A\"", json!([1, 3])),
        ("startsWith: \"A_\"", json!([3])),
        ("contains: \"@x.\"", json!([1, 2])),
        ("endsWith: \"ORG\"", json!([1, 2])),
        ("like: \"a%\"", json!([1, 3])),
        ("iContains: \"BOB\"", json!([2])),
        ("regex: \"^B\"", json!([2])),
        ("gt: \"B\"", json!([2])),
    ] {
        let query = format!(
            "{{ users(where: {{ email: {{ {filter} }} }}) {{ id }} userByEmail(email: \"ANN@x.org\") {{ id }} }}"
        );
        let (answer, _) = ask(&schema, &database, &query, json!({})).await;
        let found: Json =
            answer["data"]["users"].as_array().unwrap().iter().map(|row| row["id"].clone()).collect();
        assert_eq!(found, ids, "{filter}: {answer}");
        assert_eq!(answer["data"]["userByEmail"]["id"], 1, "{answer}");
    }
    database.drop().await;
}

#[tokio::test]
async fn an_array_that_is_no_list_is_an_error_of_its_field_alone() {
    let Some(database) = postgres().await else { return };
    database
        .run(
            "CREATE TABLE lists (id integer PRIMARY KEY, value integer[]);
             INSERT INTO lists VALUES (1, '{1}'), (2, '{{1,2}}'), (3, '{1,NULL}'), (4, '{}')",
        )
        .await;
    let described = describe(&database.connection, &[]).await.unwrap();
    let model = Registry::from_tables(&described.tables, &TableOptions::new()).model().unwrap();
    let schema = Schema::new(model).unwrap();
    let (answer, _) = ask(&schema, &database, "{ lists { id value } }", json!({})).await;
    let values: Json =
        answer["data"]["lists"].as_array().unwrap().iter().map(|row| row["value"].clone()).collect();
    assert_eq!(values, json!([[1], null, [1, null], []]), "{answer}");
    assert_eq!(answer["errors"].as_array().unwrap().len(), 1, "{answer}");
    database.drop().await;
}
