//! Every way to declare a relation, in both entity formats: its fields, their types, and their rows.

use std::collections::{BTreeMap, BTreeSet};

use async_graphql::Request;
use crowsfoot::{Registry, Schema};
use serde_json::{Value as Json, json};

use crate::introspection::Types;
use crate::support::{self, TestDatabase};
use crate::{compact, dense};

/// Registers the same entities in both formats; the junction of pupils and subjects is not registered.
macro_rules! registry {
    () => {
        pub fn registry() -> crowsfoot::Registry {
            crowsfoot::Registry::new()
                .register::<sport::team::Entity>()
                .register::<sport::player::Entity>()
                .register::<sport::coach::Entity>()
                .register::<sport::sponsor::Entity>()
                .register::<sport::scout::Entity>()
                .register::<sport::fixture::Entity>()
                .register::<sport::kit::Entity>()
                .register::<sport::mascot::Entity>()
                .register::<sport::bus::Entity>()
                .register::<sport::stadium::Entity>()
                .register::<sport::stand::Entity>()
                .register::<sport::fan::Entity>()
                .register::<links::pupil::Entity>()
                .register::<links::subject::Entity>()
                .many_to_many::<links::pupil::Entity, links::subject::Entity>("subjects")
                .many_to_many::<links::subject::Entity, links::pupil::Entity>("pupils")
                .register::<links::film::Entity>()
                .register::<links::actor::Entity>()
                .register::<links::film_actor::Entity>()
                .register::<links::reader::Entity>()
                .register::<links::magazine::Entity>()
                .register::<links::subscription::Entity>()
                .register::<links::person::Entity>()
                .register::<links::club::Entity>()
                .register::<links::membership::Entity>()
                .register::<links::guest::Entity>()
                .register::<links::room::Entity>()
                .register::<links::agent::Entity>()
                .register::<links::booking::Entity>()
                .register::<links::shop::Entity>()
                .register::<links::product::Entity>()
                .register::<links::sale::Entity>()
                .many_to_many::<links::shop::Entity, links::product::Entity>("products")
                .register::<trees::category::Entity>()
                .register::<trees::folder::Entity>()
                .register::<trees::page::Entity>()
                .register::<trees::member::Entity>()
                .register_with::<trees::follow::Entity>(|follow| {
                    follow.list_through("Follower", "fans").list_through("Followed", "idols")
                })
                .register::<grid::region::Entity>()
                .register::<grid::town::Entity>()
                .register::<grid::depot::Entity>()
                .register::<grid::tag::Entity>()
                .register::<grid::region_tag::Entity>()
                .register::<grid::shelf::Entity>()
                .register::<grid::item::Entity>()
                .register::<grid::label::Entity>()
        }
    };
}
pub(crate) use registry;

/// Relations of every type: a field that is missing here must not exist. A list has its connection and its
/// aggregate beside it, a single field has neither. `via` names the connection whose edges carry columns.
const RELATIONS: &[(&str, &[&str])] = &[
    (
        "Team",
        &[
            "players: [Player!]!",
            "coaches: [Coach!]!",
            "homeFixtures: [Fixture!]!",
            "awayFixtures: [Fixture!]!",
            "kit: Kit",
            "mascots: [Mascot!]!",
            "bus: Bus",
            "stadium: Stadium",
            "fans: [Fan!]!",
        ],
    ),
    ("Player", &["team: Team!"]),
    ("Coach", &["team: Team"]),
    ("Sponsor", &["team: Team"]),
    ("Scout", &["team: Team"]),
    ("Fixture", &["home: Team!", "away: Team"]),
    ("Kit", &["team: Team!"]),
    ("Mascot", &["team: Team!"]),
    ("Bus", &["team: Team"]),
    ("Stadium", &["team: Team!", "stands: [Stand!]!"]),
    ("Stand", &["stadium: Stadium!"]),
    ("Fan", &["team: Team!"]),
    ("Pupil", &["subjects: [Subject!]!"]),
    ("Subject", &["pupils: [Pupil!]!"]),
    ("Film", &["actors: [Actor!]!"]),
    ("Actor", &["films: [Film!]!"]),
    ("Reader", &["magazines: [Magazine!]!"]),
    ("Magazine", &["readers: [Reader!]!"]),
    ("Person", &["memberships: [Membership!]!", "clubs: [Club!]! via PersonClubsConnection"]),
    ("Club", &["memberships: [Membership!]!", "people: [Person!]! via ClubPeopleConnection"]),
    ("Membership", &["person: Person!", "club: Club!"]),
    ("Guest", &["rooms: [Room!]! via GuestRoomsConnection"]),
    ("Room", &["guests: [Guest!]! via RoomGuestsConnection"]),
    ("Agent", &["bookings: [Booking!]!"]),
    ("Booking", &["guest: Guest!", "room: Room!", "agent: Agent!"]),
    ("Shop", &["products: [Product!]!"]),
    ("Product", &[]),
    ("Sale", &["shop: Shop!", "product: Product!"]),
    ("Category", &["parent: Category", "children: [Category!]!"]),
    ("Folder", &["parent: Folder!", "folders: [Folder!]!"]),
    ("Page", &["next: Page", "previous: Page"]),
    ("Member", &["fans: [Member!]!", "idols: [Member!]!"]),
    ("Region", &["towns: [Town!]!", "depots: [Depot!]!", "tags: [Tag!]!"]),
    ("Town", &["region: Region!"]),
    ("Depot", &["region: Region"]),
    ("Tag", &["regions: [Region!]!"]),
    ("Shelf", &["items: [Item!]!", "label: Label"]),
    ("Item", &["shelf: Shelf!"]),
    ("Label", &["shelf: Shelf!"]),
];

/// Line of [`RELATIONS`].
struct Expected {
    field: &'static str,
    written: &'static str,
    target: &'static str,
    is_list: bool,
    connection: String,
}

impl Expected {
    fn read(line: &'static str) -> Self {
        let (field, rest) = line.split_once(": ").unwrap();
        let (written, via) =
            rest.split_once(" via ").map_or((rest, None), |(written, via)| (written, Some(via)));
        let target = written.trim_matches(['[', ']', '!']);
        let connection = via.map_or_else(|| format!("{target}Connection"), str::to_owned);
        Self { field, written, target, is_list: written.starts_with('['), connection }
    }
}

fn formats() -> [(&'static str, Registry); 2] {
    [("compact", compact::registry()), ("dense", dense::registry())]
}

fn schema(registry: Registry) -> Schema {
    let model = registry.model().unwrap_or_else(|error| panic!("{error}"));
    Schema::new(model).unwrap()
}

#[tokio::test]
async fn objects_have_these_relations_and_no_others() {
    for (format, registry) in formats() {
        let types = Types::of(&schema(registry)).await;
        let named: BTreeSet<&str> = RELATIONS.iter().map(|(name, _)| *name).collect();
        assert_eq!(types.nodes().into_iter().collect::<BTreeSet<_>>(), named, "{format}");
        for (name, lines) in RELATIONS {
            let mut expected = BTreeMap::new();
            for Expected { field, written, target, is_list, connection } in
                lines.iter().map(|line| Expected::read(line))
            {
                expected.insert(field.to_owned(), written.to_owned());
                if is_list {
                    expected.insert(format!("{field}Connection"), format!("{connection}!"));
                    expected.insert(format!("{field}Aggregate"), format!("{target}Aggregate!"));
                }
            }
            let fields = types.get(name).fields.clone().into_iter();
            let found: BTreeMap<String, String> =
                fields.filter(|(_, written)| types.is_object(written)).collect();
            assert_eq!(found, expected, "{format} {name}");
        }
    }
}

#[tokio::test]
async fn filters_and_orders_follow_the_cardinality() {
    for (format, registry) in formats() {
        let types = Types::of(&schema(registry)).await;
        for (name, lines) in RELATIONS {
            let mut filters = BTreeMap::new();
            let mut orders = BTreeMap::new();
            for Expected { field, target, is_list, .. } in lines.iter().map(|line| Expected::read(line)) {
                let filter = if is_list { "ListFilter" } else { "Filter" };
                filters.insert(field.to_owned(), format!("{target}{filter}"));
                match is_list {
                    true => orders.insert(format!("{field}Count"), "Direction".to_owned()),
                    false => orders.insert(field.to_owned(), format!("{target}Order")),
                };
            }
            let object = &types.get(name).fields;
            let of_relations = |input: &str| -> BTreeMap<String, String> {
                let fields = types.get(input).fields.clone().into_iter();
                let is_column = |field: &String| object.get(field).is_some_and(|of| !types.is_object(of));
                fields
                    .filter(|(field, _)| !is_column(field) && !["and", "or", "not"].contains(&field.as_str()))
                    .collect()
            };
            assert_eq!(of_relations(&format!("{name}Filter")), filters, "{format} {name}Filter");
            assert_eq!(of_relations(&format!("{name}Order")), orders, "{format} {name}Order");
        }
    }
}

#[tokio::test]
async fn junctions_without_columns_are_no_types() {
    let types = Types::of(&schema(compact::registry())).await;
    let query = types.get("Query");
    for (name, root) in [
        ("PupilSubject", "pupilSubject"),
        ("FilmActor", "filmActor"),
        ("Subscription", "subscription"),
        ("Follow", "follow"),
        ("RegionTag", "regionTag"),
    ] {
        // The subscription root belongs to no entity.
        let is_made = |known: &&str| known.starts_with(name) && *known != "Subscription";
        let made: Vec<&str> = types.iter().map(|(known, _)| known).filter(is_made).collect();
        assert_eq!(made, Vec::<&str>::new());
        let roots: Vec<&String> = query.fields.keys().filter(|field| field.starts_with(root)).collect();
        assert_eq!(roots, Vec::<&String>::new());
    }
    // A junction with columns of its own is a type, and its columns are on the edges.
    assert_eq!(query.field("memberships"), "[Membership!]!");
    for edge in ["PersonClubsEdge", "ClubPeopleEdge"] {
        let edge = types.get(edge);
        assert_eq!((edge.field("role"), edge.field("since")), ("String!", "Int"));
        assert_eq!(edge.fields.len(), 4, "{:?}", edge.fields);
    }
    assert_eq!(types.get("GuestRoomsEdge").field("agentId"), "Int!");
    assert_eq!(types.get("MagazineEdge").fields.len(), 2);
}

/// The formats differ only in the names of Rust items, so their schemas must be equal.
#[test]
fn both_formats_make_one_schema() {
    let [compact, dense] = formats().map(|(_, registry)| schema(registry).sdl());
    assert_eq!(compact, dense);
}

#[tokio::test]
async fn unique_keys_are_looked_up_with_all_their_columns() {
    let types = Types::of(&schema(dense::registry())).await;
    let query = types.get("Query");
    for (field, of) in [
        ("team", "Team"),
        ("teamByCode", "Team"),
        ("kitByTeamId", "Kit"),
        ("bookingByGuestIdAndRoomId", "Booking"),
        ("shelf", "Shelf"),
    ] {
        assert_eq!(query.field(field), of, "{field}");
    }
    assert_eq!(query.field("mascotByTeamId"), "Mascot");
    assert_eq!(query.field("playerByTeamId"), "");
    // A primary key has a single lookup, named after the type.
    assert_eq!(query.field("stadiumByTeamId"), "");
}

/// Returns databases with the tables and these rows.
async fn filled(rows: &str) -> Vec<TestDatabase> {
    let databases = support::databases().await;
    for database in &databases {
        database.run(include_str!("tables.sql")).await;
        database.run(rows).await;
    }
    databases
}

/// Runs queries in both formats on every database: equal responses, and at most `statements` statements, one
/// for the root field and one per relation field. Every planned statement is sent, because no level is empty.
async fn answers(rows: &str, cases: &[(&str, usize, Json)]) {
    for database in filled(rows).await {
        for (format, registry) in formats() {
            let schema = schema(registry);
            for (query, statements, expected) in cases {
                let (answer, sent) = support::ask(&schema, &database, query, Json::Null).await;
                let place = format!("{format} {:?} {query}", database.dialect);
                assert_eq!(answer, json!({ "data": expected }), "{place}");
                assert!(sent.len() <= *statements, "{place}: {} statements\n{sent:#?}", sent.len());
                assert_eq!(sent.len(), schema.plan(&Request::new(*query)).unwrap().statements(), "{place}");
            }
        }
        database.drop().await;
    }
}

const SPORT: &str = "
    INSERT INTO teams VALUES (1, 'Ajax', 'AJX'), (2, 'Benfica', 'BEN'), (3, 'Celtic', 'CEL');
    INSERT INTO players VALUES (1, 'Ann', 1), (2, 'Bob', 1), (3, 'Cid', 2);
    INSERT INTO coaches VALUES (1, 'Dan', 1), (2, 'Eve', NULL);
    INSERT INTO sponsors VALUES (1, 'Fizz', 1), (2, 'Gone', 99), (3, 'Huhu', 2);
    INSERT INTO scouts VALUES (1, 'Ian', NULL), (2, 'Joy', 98), (3, 'Kai', 3);
    INSERT INTO fixtures VALUES (1, 1, 2), (2, 2, 1), (3, 1, NULL);
    INSERT INTO kits VALUES (1, 'red', 1);
    INSERT INTO mascots VALUES (1, 'Bear', 2);
    INSERT INTO buses VALUES (1, 'A1', 1), (2, 'B2', NULL), (3, 'C3', NULL);
    INSERT INTO stadiums VALUES (2, 'Luz');
    INSERT INTO stands VALUES (1, 'North', 2), (2, 'South', 2);
    INSERT INTO fans VALUES (1, 'Lea', 'CEL'), (2, 'Max', 'AJX'), (3, 'Ned', 'CEL');";

#[tokio::test]
async fn foreign_keys_hold_one_row_forward_and_lists_or_one_in_reverse() {
    answers(
        SPORT,
        &[
            ("{ players { name team { name } } }", 2, json!({ "players": [
                { "name": "Ann", "team": { "name": "Ajax" } },
                { "name": "Bob", "team": { "name": "Ajax" } },
                { "name": "Cid", "team": { "name": "Benfica" } },
            ] })),
            ("{ coaches { name team { name } } }", 2, json!({ "coaches": [
                { "name": "Dan", "team": { "name": "Ajax" } },
                { "name": "Eve", "team": null },
            ] })),
            // Each kind from the far side: `[]` and `null` without related rows, and no error.
            (
                "{ teams { players { name } coaches { name } mascots { name } kit { colour } bus { plate } } }",
                6,
                json!({ "teams": [
                    { "players": [{ "name": "Ann" }, { "name": "Bob" }], "coaches": [{ "name": "Dan" }],
                        "mascots": [], "kit": { "colour": "red" }, "bus": { "plate": "A1" } },
                    { "players": [{ "name": "Cid" }], "coaches": [], "mascots": [{ "name": "Bear" }],
                        "kit": null, "bus": null },
                    { "players": [], "coaches": [], "mascots": [], "kit": null, "bus": null },
                ] }),
            ),
            // Two relations between the same two entities are two lists.
            (
                "{ teams(limit: 2) { homeFixtures { id away { name } } awayFixtures { id home { name } } } }",
                5,
                json!({ "teams": [
                    { "homeFixtures": [{ "id": 1, "away": { "name": "Benfica" } }, { "id": 3, "away": null }],
                        "awayFixtures": [{ "id": 2, "home": { "name": "Benfica" } }] },
                    { "homeFixtures": [{ "id": 2, "away": { "name": "Ajax" } }],
                        "awayFixtures": [{ "id": 1, "home": { "name": "Ajax" } }] },
                ] }),
            ),
            // The primary key is the link, and others point at it in turn.
            (
                "{ teams { stadium { teamId team { name } stands { name stadium { name } } } } }",
                5,
                json!({ "teams": [{ "stadium": null }, { "stadium": {
                    "teamId": 2, "team": { "name": "Benfica" },
                    "stands": [
                        { "name": "North", "stadium": { "name": "Luz" } },
                        { "name": "South", "stadium": { "name": "Luz" } },
                    ],
                } }, { "stadium": null }] }),
            ),
            // The key points at a unique column that is not the primary key.
            ("{ fans { team { id } } }", 2, json!({ "fans": [
                { "team": { "id": 3 } }, { "team": { "id": 1 } }, { "team": { "id": 3 } },
            ] })),
            ("{ teams { fans { name } } }", 2, json!({ "teams": [
                { "fans": [{ "name": "Max" }] }, { "fans": [] }, { "fans": [{ "name": "Lea" }, { "name": "Ned" }] },
            ] })),
            // Filters: a single side is a condition, a list has quantifiers, and both concern the declared
            // relation.
            (
                r#"{ a: teams(where: { kit: {} }) { id } b: teams(where: { not: { bus: {} } }) { id }
                    c: teams(where: { mascots: { some: {} } }) { id }
                    d: teams(where: { awayFixtures: { some: { home: { name: { eq: "Ajax" } } } } }) { id }
                    e: fans(where: { team: { code: { eq: "CEL" } } }) { id }
                    f: stands(where: { stadium: { team: { name: { eq: "Benfica" } } } }) { id } }"#,
                6,
                json!({ "a": [{ "id": 1 }], "b": [{ "id": 2 }, { "id": 3 }], "c": [{ "id": 2 }],
                    "d": [{ "id": 2 }], "e": [{ "id": 1 }, { "id": 3 }], "f": [{ "id": 1 }, { "id": 2 }] }),
            ),
            (
                "{ teams(orderBy: [{ fansCount: DESC }, { stadium: { name: ASC } }]) { id } }",
                1,
                json!({ "teams": [{ "id": 3 }, { "id": 1 }, { "id": 2 }] }),
            ),
            (
                "{ teams { fansAggregate { count } mascotsConnection(first: 1) { totalCount nodes { name } } } }",
                4,
                json!({ "teams": [
                    { "fansAggregate": { "count": 1 }, "mascotsConnection": { "totalCount": 0, "nodes": [] } },
                    { "fansAggregate": { "count": 0 },
                        "mascotsConnection": { "totalCount": 1, "nodes": [{ "name": "Bear" }] } },
                    { "fansAggregate": { "count": 2 }, "mascotsConnection": { "totalCount": 0, "nodes": [] } },
                ] }),
            ),
        ],
    )
    .await;
}

#[tokio::test]
async fn a_key_that_points_at_nothing_is_an_error_on_its_path_only() {
    for database in filled(SPORT).await {
        for (format, registry) in formats() {
            let schema = schema(registry);
            let query = "{ sponsors { name team { name } } scouts { name team { name } } }";
            let (answer, _) = support::ask(&schema, &database, query, Json::Null).await;
            let expected = json!({
                "sponsors": [
                    { "name": "Fizz", "team": { "name": "Ajax" } },
                    { "name": "Gone", "team": null },
                    { "name": "Huhu", "team": { "name": "Benfica" } },
                ],
                "scouts": [
                    { "name": "Ian", "team": null },
                    { "name": "Joy", "team": null },
                    { "name": "Kai", "team": { "name": "Celtic" } },
                ],
            });
            assert_eq!(answer["data"], expected, "{format} {:?}", database.dialect);
            let errors: Vec<Json> = answer["errors"]
                .as_array()
                .unwrap()
                .iter()
                .map(|error| json!([error["path"], error["extensions"]]))
                .collect();
            let missing = |path: Json, id: i32| json!([path, { "code": "NOT_FOUND", "entity": "Team", "key": { "id": id } }]);
            assert_eq!(
                errors,
                [missing(json!(["sponsors", 1, "team"]), 99), missing(json!(["scouts", 1, "team"]), 98)],
                "{format} {:?}",
                database.dialect
            );
            // If the target is not requested, its absence is no error.
            let names = support::data(&schema, &database, "{ sponsors { teamId } }").await;
            assert_eq!(names, json!({ "sponsors": [{ "teamId": 1 }, { "teamId": 99 }, { "teamId": 2 }] }));
        }
        database.drop().await;
    }
}

const LINKS: &str = "
    INSERT INTO pupils VALUES (1, 'Ann'), (2, 'Bob'), (3, 'Cid');
    INSERT INTO subjects VALUES (1, 'Art'), (2, 'Biology'), (3, 'Chess');
    INSERT INTO pupil_subjects VALUES (1, 1), (1, 2), (2, 2);
    INSERT INTO films VALUES (1, 'Alien'), (2, 'Brazil');
    INSERT INTO actors VALUES (1, 'Hurt'), (2, 'Pryce'), (3, 'Weaver');
    INSERT INTO film_actors VALUES (1, 1), (1, 3), (2, 2);
    INSERT INTO readers VALUES (1, 'Dan'), (2, 'Eve');
    INSERT INTO magazines VALUES (1, 'Time'), (2, 'Vogue');
    INSERT INTO subscriptions VALUES (7, 1, 2), (8, 2, 2), (9, 2, 1);
    INSERT INTO people VALUES (1, 'Fay'), (2, 'Gus'), (3, 'Hal');
    INSERT INTO clubs VALUES (1, 'Judo'), (2, 'Kites');
    INSERT INTO memberships VALUES (1, 1, 'chair', 1999), (1, 2, 'guest', NULL), (2, 1, 'member', 2001);
    INSERT INTO guests VALUES (1, 'Ida'), (2, 'Jon');
    INSERT INTO rooms VALUES (1, 'Blue'), (2, 'Red');
    INSERT INTO agents VALUES (1, 'Kim'), (2, 'Leo');
    INSERT INTO bookings VALUES (1, 1, 1, 1), (2, 1, 2, 1), (3, 2, 1, 2);
    INSERT INTO shops VALUES (1, 'Corner'), (2, 'Empty');
    INSERT INTO products VALUES (1, 'Milk'), (2, 'Salt');
    INSERT INTO sales VALUES (1, 1, 1), (2, 1, 2), (3, 1, 1);";

#[tokio::test]
async fn junctions_are_walked_in_both_directions() {
    answers(
        LINKS,
        &[
            // Declared by `via`; the junction is not registered.
            ("{ pupils { name subjects { name pupils { id } } } }", 3, json!({ "pupils": [
                { "name": "Ann", "subjects": [
                    { "name": "Art", "pupils": [{ "id": 1 }] },
                    { "name": "Biology", "pupils": [{ "id": 1 }, { "id": 2 }] },
                ] },
                { "name": "Bob", "subjects": [{ "name": "Biology", "pupils": [{ "id": 1 }, { "id": 2 }] }] },
                { "name": "Cid", "subjects": [] },
            ] })),
            ("{ subjects(where: { pupils: { none: {} } }) { name pupilsAggregate { count } } }", 2,
                json!({ "subjects": [{ "name": "Chess", "pupilsAggregate": { "count": 0 } }] })),
            // A compound primary key, a key of its own.
            ("{ films { actors { name films { id } } } actors { films { name } } }", 5, json!({
                "films": [
                    { "actors": [{ "name": "Hurt", "films": [{ "id": 1 }] }, { "name": "Weaver", "films": [{ "id": 1 }] }] },
                    { "actors": [{ "name": "Pryce", "films": [{ "id": 2 }] }] },
                ],
                "actors": [
                    { "films": [{ "name": "Alien" }] },
                    { "films": [{ "name": "Brazil" }] },
                    { "films": [{ "name": "Alien" }] },
                ],
            })),
            ("{ readers { magazines { name } } magazines { readers { name } } }", 4, json!({
                "readers": [{ "magazines": [{ "name": "Vogue" }] }, { "magazines": [{ "name": "Time" }, { "name": "Vogue" }] }],
                "magazines": [{ "readers": [{ "name": "Eve" }] }, { "readers": [{ "name": "Dan" }, { "name": "Eve" }] }],
            })),
            // Columns of the junction's own: on the edges, and as objects beside the list.
            ("{ people { clubsConnection { edges { role since node { name } } } memberships { role club { id } } } }", 4,
                json!({ "people": [
                    { "clubsConnection": { "edges": [
                        { "role": "chair", "since": 1999, "node": { "name": "Judo" } },
                        { "role": "guest", "since": null, "node": { "name": "Kites" } },
                    ] }, "memberships": [{ "role": "chair", "club": { "id": 1 } }, { "role": "guest", "club": { "id": 2 } }] },
                    { "clubsConnection": { "edges": [{ "role": "member", "since": 2001, "node": { "name": "Judo" } }] },
                        "memberships": [{ "role": "member", "club": { "id": 1 } }] },
                    { "clubsConnection": { "edges": [] }, "memberships": [] },
                ] })),
            ("{ clubs { people { name } peopleConnection(last: 1) { edges { role node { name } } } } }", 3,
                json!({ "clubs": [
                    { "people": [{ "name": "Fay" }, { "name": "Gus" }],
                        "peopleConnection": { "edges": [{ "role": "member", "node": { "name": "Gus" } }] } },
                    { "people": [{ "name": "Fay" }],
                        "peopleConnection": { "edges": [{ "role": "guest", "node": { "name": "Fay" } }] } },
                ] })),
            // Three foreign keys: the unique pair is the list, the third is a list of junction rows.
            ("{ guests { rooms { name } roomsConnection { edges { agentId } } } agents { bookings { id room { name } } } }", 6,
                json!({
                    "guests": [
                        { "rooms": [{ "name": "Blue" }, { "name": "Red" }],
                            "roomsConnection": { "edges": [{ "agentId": 1 }, { "agentId": 1 }] } },
                        { "rooms": [{ "name": "Blue" }], "roomsConnection": { "edges": [{ "agentId": 2 }] } },
                    ],
                    "agents": [
                        { "bookings": [{ "id": 1, "room": { "name": "Blue" } }, { "id": 2, "room": { "name": "Red" } }] },
                        { "bookings": [{ "id": 3, "room": { "name": "Blue" } }] },
                    ],
                })),
            // A pair that is linked twice is listed twice, and counted twice; as a condition it holds once.
            ("{ shops { products { name } productsAggregate { count } } }", 3, json!({ "shops": [
                { "products": [{ "name": "Milk" }, { "name": "Milk" }, { "name": "Salt" }], "productsAggregate": { "count": 3 } },
                { "products": [], "productsAggregate": { "count": 0 } },
            ] })),
            (r#"{ shops(where: { products: { some: { name: { eq: "Milk" } } } }) { id } }"#, 1,
                json!({ "shops": [{ "id": 1 }] })),
        ],
    )
    .await;
}

const TREES: &str = "
    INSERT INTO categories VALUES (1, 'all', NULL), (2, 'books', 1), (3, 'games', 1), (4, 'poems', 2);
    INSERT INTO folders VALUES (1, '/', 1), (2, 'bin', 1);
    INSERT INTO pages VALUES (3, 'third', NULL), (2, 'second', 3), (1, 'first', 2);
    INSERT INTO members VALUES (1, 'Ann'), (2, 'Bob'), (3, 'Cid');
    INSERT INTO follows VALUES (1, 2), (1, 3), (2, 3), (3, 3);";

#[tokio::test]
async fn entities_relate_to_themselves() {
    answers(
        TREES,
        &[
            ("{ categories { name parent { name } children { name children { name parent { id } } } } }", 5,
                json!({ "categories": [
                    { "name": "all", "parent": null, "children": [
                        { "name": "books", "children": [{ "name": "poems", "parent": { "id": 2 } }] },
                        { "name": "games", "children": [] },
                    ] },
                    { "name": "books", "parent": { "name": "all" }, "children": [{ "name": "poems", "children": [] }] },
                    { "name": "games", "parent": { "name": "all" }, "children": [] },
                    { "name": "poems", "parent": { "name": "books" }, "children": [] },
                ] })),
            (r#"{ categories(where: { parent: { parent: { name: { eq: "all" } } } }) { name } }"#, 1,
                json!({ "categories": [{ "name": "poems" }] })),
            (r#"{ categories(where: { children: { some: { children: { some: {} } } } }) { name } }"#, 1,
                json!({ "categories": [{ "name": "all" }] })),
            // A row may be its own parent.
            ("{ folders { name parent { name } folders { name } } }", 3, json!({ "folders": [
                { "name": "/", "parent": { "name": "/" }, "folders": [{ "name": "/" }, { "name": "bin" }] },
                { "name": "bin", "parent": { "name": "/" }, "folders": [] },
            ] })),
            ("{ pages { title next { title } previous { title } } }", 3, json!({ "pages": [
                { "title": "first", "next": { "title": "second" }, "previous": null },
                { "title": "second", "next": { "title": "third" }, "previous": { "title": "first" } },
                { "title": "third", "next": null, "previous": { "title": "second" } },
            ] })),
            // The two directions are two lists; a member linked to itself is listed once in each.
            ("{ members { name idols { name } fans { name } } }", 3, json!({ "members": [
                { "name": "Ann", "idols": [{ "name": "Bob" }, { "name": "Cid" }], "fans": [] },
                { "name": "Bob", "idols": [{ "name": "Cid" }], "fans": [{ "name": "Ann" }] },
                { "name": "Cid", "idols": [{ "name": "Cid" }],
                    "fans": [{ "name": "Ann" }, { "name": "Bob" }, { "name": "Cid" }] },
            ] })),
        ],
    )
    .await;
}

const GRID: &str = "
    INSERT INTO regions VALUES ('DE', 'BY', 'Bavaria'), ('DE', 'BE', 'Berlin'), ('BY', 'DE', 'mixed up');
    INSERT INTO towns VALUES (1, 'Munich', 'DE', 'BY'), (2, 'Spandau', 'DE', 'BE'), (3, 'Passau', 'DE', 'BY');
    INSERT INTO depots VALUES (1, 'north', 'DE', 'BE'), (2, 'nowhere', 'DE', NULL), (3, 'abroad', 'XX', NULL);
    INSERT INTO tags VALUES (1, 'hilly'), (2, 'flat');
    INSERT INTO region_tags VALUES ('DE', 'BY', 1), ('DE', 'BE', 2), ('BY', 'DE', 2);
    INSERT INTO shelves VALUES ('A', 1, 1, 'red'), ('A', 1, 2, 'blue'), ('A', 2, 1, 'green'), ('B', 1, 1, 'white');
    INSERT INTO items VALUES (1, 'nail', 'A', 1, 2), (2, 'saw', 'A', 2, 1), (3, 'axe', 'A', 1, 2);
    INSERT INTO labels VALUES ('A', 2, 1, 'tools'), ('A', 1, 2, 'small');";

#[tokio::test]
async fn keys_of_several_columns_meet_as_a_whole() {
    answers(
        GRID,
        &[
            ("{ towns { name region { name } } }", 2, json!({ "towns": [
                { "name": "Munich", "region": { "name": "Bavaria" } },
                { "name": "Spandau", "region": { "name": "Berlin" } },
                { "name": "Passau", "region": { "name": "Bavaria" } },
            ] })),
            // NULL in one part of the key: no target, and no error.
            ("{ depots { name country regionCode region { name } } }", 2, json!({ "depots": [
                { "name": "north", "country": "DE", "regionCode": "BE", "region": { "name": "Berlin" } },
                { "name": "nowhere", "country": "DE", "regionCode": null, "region": null },
                { "name": "abroad", "country": "XX", "regionCode": null, "region": null },
            ] })),
            ("{ regions { name towns { name } depots { name } tags { name regions { code } } } }", 5,
                json!({ "regions": [
                    { "name": "mixed up", "towns": [], "depots": [],
                        "tags": [{ "name": "flat", "regions": [{ "code": "DE" }, { "code": "BE" }] }] },
                    { "name": "Berlin", "towns": [{ "name": "Spandau" }], "depots": [{ "name": "north" }],
                        "tags": [{ "name": "flat", "regions": [{ "code": "DE" }, { "code": "BE" }] }] },
                    { "name": "Bavaria", "towns": [{ "name": "Munich" }, { "name": "Passau" }], "depots": [],
                        "tags": [{ "name": "hilly", "regions": [{ "code": "BY" }] }] },
                ] })),
            ("{ shelves { colour items { name shelf { colour } } label { text shelf { colour } } } }", 5,
                json!({ "shelves": [
                    { "colour": "red", "items": [], "label": null },
                    { "colour": "blue", "items": [
                        { "name": "nail", "shelf": { "colour": "blue" } }, { "name": "axe", "shelf": { "colour": "blue" } },
                    ], "label": { "text": "small", "shelf": { "colour": "blue" } } },
                    { "colour": "green", "items": [{ "name": "saw", "shelf": { "colour": "green" } }],
                        "label": { "text": "tools", "shelf": { "colour": "green" } } },
                    { "colour": "white", "items": [], "label": null },
                ] })),
            (
                r#"{ shelf(building: "A", floor: 1, number: 2) { items(orderBy: [{ name: ASC }], limit: 1) { name } }
                    regions(where: { tags: { some: { name: { eq: "hilly" } } } }) { name }
                    items(where: { shelf: { label: { text: { eq: "small" } } } }) { id } }"#,
                4,
                json!({ "shelf": { "items": [{ "name": "axe" }] }, "regions": [{ "name": "Bavaria" }],
                    "items": [{ "id": 1 }, { "id": 3 }] }),
            ),
        ],
    )
    .await;
}
