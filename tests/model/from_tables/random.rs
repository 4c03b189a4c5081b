//! Random small schemas with nasty names: the model always builds, and no name gets a number.

use std::collections::BTreeSet;

use crowsfoot::tables::TableDescription;
use crowsfoot::{Model, Registry, TableOptions};

use super::describe::{Described, model, table};

const TABLES: [&str; 40] = [
    "users",
    "user",
    "User",
    "user_infos",
    "nodes",
    "node",
    "query",
    "queries",
    "mutations",
    "subscriptions",
    "page_infos",
    "dates",
    "date_filter",
    "int_filters",
    "orders",
    "purchases",
    "purchase_orders",
    "products",
    "product_filters",
    "product_aggregate",
    "product_connections",
    "product_edges",
    "product_keys",
    "staff",
    "staffs",
    "news",
    "series",
    "sheep",
    "data",
    "datum",
    "user_create_posts",
    "posts",
    "posts_counts",
    "user_by_name",
    "all_staff",
    "delete_results",
    "2fa",
    "größen",
    "!",
    "___",
];

const COLUMNS: [&str; 34] = [
    "name",
    "node_id",
    "nodeId",
    "node",
    "nodes",
    "cursor",
    "and",
    "or",
    "not",
    "create",
    "connect",
    "user",
    "user_id",
    "userId",
    "users",
    "posts",
    "posts_count",
    "posts_connection",
    "posts_aggregate",
    "owner",
    "owner_id",
    "parent_id",
    "home_user_id",
    "away_user_id",
    "created_by",
    "id_user",
    "userid",
    "2nd",
    "é",
    "-",
    "type",
    "__typename",
    "where",
    "staff",
];

/// Random numbers from a seed (SplitMix64).
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        usize::try_from((mixed ^ (mixed >> 31)) % limit as u64).unwrap()
    }

    fn some<'a>(&mut self, from: &[&'a str], most: usize) -> Vec<&'a str> {
        let wanted = self.below(most) + 1;
        let mut some = Vec::new();
        for _ in 0..wanted {
            let one = from[self.below(from.len())];
            if !some.contains(&one) {
                some.push(one);
            }
        }
        some
    }
}

fn tables(random: &mut Random) -> Vec<TableDescription> {
    let names = random.some(&TABLES, 6);
    let mut tables = Vec::new();
    for name in &names {
        let columns = random.some(&COLUMNS, 7);
        let mut described = table(name, &[&["id"], columns.as_slice()].concat());
        for column in &columns {
            match random.below(6) {
                0 => described = described.unique(&[column]),
                1 | 2 => described = described.references(&[column], names[random.below(names.len())]),
                3 => {
                    described =
                        described.unique(&[column]).references(&[column], names[random.below(names.len())])
                }
                _ => {}
            }
        }
        if let [one, other, ..] = columns.as_slice()
            && random.below(2) == 0
        {
            let junction = random.below(2) == 0;
            let target = |random: &mut Random| names[random.below(names.len())];
            described = described.references(&[one], target(random)).references(&[other], target(random));
            described =
                if junction { described.primary(&[one, other]) } else { described.unique(&[one, other]) };
        }
        tables.push(described);
    }
    tables
}

fn names(model: &Model) -> BTreeSet<String> {
    let of_entity = |entity: &crowsfoot::internals::model::Entity| {
        let columns = entity.columns.iter().map(|column| column.field.clone());
        let relations = entity.relations.iter().map(|relation| relation.field.clone());
        let types = entity.types.all().map(str::to_owned);
        let roots = [entity.name.clone(), entity.roots.one.clone(), entity.roots.list.clone()];
        columns.chain(relations).chain(types).chain(roots).collect::<Vec<_>>()
    };
    model.entities.iter().flat_map(of_entity).collect()
}

#[test]
fn every_schema_makes_a_model_without_numbers_in_names() {
    let mut renamed = 0;
    for seed in 0..800 {
        let tables = tables(&mut Random(seed));
        let model = Registry::from_tables(&tables, &TableOptions::new())
            .model()
            .unwrap_or_else(|error| panic!("seed {seed}: {error}"));
        let written = format!("{tables:?}");
        let has_digits = ["2fa", "2nd"].iter().any(|name| written.contains(name));
        for name in names(&model) {
            let digits: String = name.chars().filter(char::is_ascii_digit).collect();
            assert!(
                digits.is_empty() || has_digits && digits.chars().all(|digit| digit == '2'),
                "{seed}: {name}"
            );
        }
        renamed += model.notes.len();
    }
    assert!(renamed > 800, "the names are not nasty enough: {renamed}");
}

/// The schema is built, too, which takes longer.
#[test]
fn every_model_makes_a_schema() {
    for seed in 10_000..10_040 {
        model(&tables(&mut Random(seed)));
    }
}

#[test]
fn an_unrelated_table_changes_no_name() {
    for seed in 20_000..20_300 {
        let mut tables = tables(&mut Random(seed));
        let before = Registry::from_tables(&tables, &TableOptions::new()).model().unwrap();
        tables.insert(0, table("zebras", &["id", "stripes"]));
        let after = Registry::from_tables(&tables, &TableOptions::new()).model().unwrap();
        let missing: Vec<String> = names(&before).difference(&names(&after)).cloned().collect();
        // With a third table, a beginning that all have would be a prefix.
        assert!(missing.is_empty(), "{seed}: {missing:?}");
    }
}
