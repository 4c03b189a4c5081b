//! Choices: columns of text or integers as enums.

use crowsfoot::{Registry, TableOptions};
use serde_json::{Value as Json, json};

use super::served;
use crate::support::{self, data};

const TABLES: &str = "
    CREATE TABLE teams (id integer PRIMARY KEY, rank smallint NOT NULL UNIQUE);
    CREATE TABLE members (id integer PRIMARY KEY, role varchar(10) NOT NULL, level bigint, team_rank smallint NOT NULL
        REFERENCES teams (rank));
    INSERT INTO teams VALUES (1, 1), (2, 2);
    INSERT INTO members VALUES (1, 'chair', 2, 1), (2, '', NULL, 2), (3, 'member', 1, 1);";

fn options() -> TableOptions {
    let ranks = || [("FIRST", json!(1)), ("SECOND", json!(2))];
    TableOptions::new()
        .entity("members", |member| {
            member
                .choices(
                    "role",
                    [("MEMBER", json!("member")), ("CHAIR", json!("chair")), ("EMPTY", json!(""))],
                )
                .choices("level", [("LOW", json!("1")), ("HIGH", json!("2"))])
                .choices("team_rank", ranks())
                .default_value("role", json!("MEMBER"))
        })
        .entity("teams", |team| team.choices("rank", ranks()))
}

#[tokio::test]
async fn choices_are_read_filtered_ordered_and_written_by_name() {
    for (database, schema) in served(TABLES, &options()).await {
        let query = "{ members(orderBy: { level: DESC_NULLS_LAST }) { id role level team { rank } }
            chairs: members(where: { role: { in: [CHAIR, EMPTY] } }) { id }
            low: members(where: { level: { eq: LOW } }) { id }
            none: members(where: { level: { isNull: true } }) { id }
            team(rank: FIRST) { members { id } }
            of: members(where: { team: { rank: { ne: FIRST } } }) { id } }"
            .replace("team(rank: FIRST)", "teamByRank(rank: FIRST)");
        let read = data(&schema, &database, &query).await;
        let member = |id: i32, role: &str, level: Json, rank: &str| json!({ "id": id, "role": role, "level": level, "team": { "rank": rank } });
        let expected = json!([
            member(1, "CHAIR", json!("HIGH"), "FIRST"),
            member(3, "MEMBER", json!("LOW"), "FIRST"),
            member(2, "EMPTY", Json::Null, "SECOND"),
        ]);
        assert_eq!(read["members"], expected);
        assert_eq!(read["chairs"], json!([{ "id": 1 }, { "id": 2 }]));
        assert_eq!(read["low"], json!([{ "id": 3 }]));
        assert_eq!(read["none"], json!([{ "id": 2 }]));
        assert_eq!(read["teamByRank"], json!({ "members": [{ "id": 1 }, { "id": 3 }] }));
        assert_eq!(read["of"], json!([{ "id": 2 }]));
        let made = data(
            &schema,
            &database,
            "mutation { createMember(input: { id: 4, level: HIGH, team: { rank: SECOND } }) { role level team { id } }
                updateMember(id: 2, input: { role: CHAIR, level: null }) { role level }
                updateMembers(where: { role: { eq: MEMBER } }, input: { level: LOW }) { nodes { level } } }",
        )
        .await;
        assert_eq!(made["createMember"], json!({ "role": "MEMBER", "level": "HIGH", "team": { "id": 2 } }));
        assert_eq!(made["updateMember"], json!({ "role": "CHAIR", "level": null }));
        assert_eq!(made["updateMembers"]["nodes"], json!([{ "level": "LOW" }, { "level": "LOW" }]));
        let sdl = schema.sdl();
        assert!(sdl.contains("enum MemberRole {") && sdl.contains("role: MemberRole!"), "{sdl}");
        database.drop().await;
    }
}

#[tokio::test]
async fn a_stored_value_that_is_no_choice_is_an_error_of_its_cell() {
    for (database, schema) in served(TABLES, &options()).await {
        database
            .run("UPDATE members SET level = 7 WHERE id = 1; UPDATE members SET role = 'Chair' WHERE id = 3")
            .await;
        let (answer, _) = support::ask(&schema, &database, "{ members { id level } }", Json::Null).await;
        assert_eq!(answer["data"]["members"][0], json!({ "id": 1, "level": null }));
        assert_eq!(answer["data"]["members"][2], json!({ "id": 3, "level": "LOW" }));
        assert_eq!(answer["errors"].as_array().unwrap().len(), 1, "{answer}");
        assert_eq!(answer["errors"][0]["path"], json!(["members", 0, "level"]));
        let (answer, _) = support::ask(&schema, &database, "{ member(id: 3) { role } }", Json::Null).await;
        assert_eq!(answer["errors"][0]["path"], json!(["member", "role"]));
        let (answer, _) =
            support::ask(&schema, &database, "{ members(where: { role: { eq: BOSS } }) { id } }", Json::Null)
                .await;
        assert!(answer["errors"][0]["message"].as_str().unwrap().contains("BOSS"), "{answer}");
        database.drop().await;
    }
}

#[tokio::test]
async fn choices_that_do_not_fit_their_column_are_faults() {
    let database = support::sqlite().await;
    database.run(TABLES).await;
    database.run("CREATE TABLE days (id integer PRIMARY KEY, of date, word varchar(3), number smallint, twice text)").await;
    let described = crowsfoot::describe(&database.connection, &[]).await.unwrap();
    let options = TableOptions::new().entity("days", |day| {
        day.choices("of", [("A", json!("2025-01-01"))])
            .choices("word", [("A", json!("long"))])
            .choices("number", [("A", json!(70_000))])
            .choices("twice", [("A", json!("a")), ("B", json!("a"))])
            .choices("words", [("A", json!("a"))])
    });
    let error = Registry::from_tables(&described.tables, &options).model().unwrap_err().to_string();
    for part in [
        "Day.of cannot have choices: its type is Date",
        "a choice of Day.word is \"long\"",
        "a choice of Day.number is 70000",
        "the choices A and B of Day.twice have the same value \"a\"",
        "\"words\"",
    ] {
        assert!(error.contains(part), "{part}: {error}");
    }
    database.drop().await;
}
