//! Other sides of keys, names and descriptions that options choose.

use crowsfoot::{Model, Registry, Schema, TableOptions};

use super::{model, tables_for};
use crate::compact::{sport, trees};
use crate::entity::entity;
use crate::support;

/// Returns the relations of an entity with their types.
fn relations(model: &Model, name: &str) -> Vec<String> {
    let entity = &model.entities[model.entity_named(name).unwrap()];
    let written = |relation: &crowsfoot::internals::model::Relation| {
        format!("{}: {}", relation.field, relation.cardinality.type_of(&model.entities[relation.target].name))
    };
    entity.relations.iter().map(written).collect()
}

/// Entities of which a generator left the other sides out.
mod bare {
    use super::entity;

    entity! {
        person in "people" {
            #[sea_orm(primary_key)]
            id: i32,
            name: String,
            #[sea_orm(unique)]
            spouse_id: Option<i32>,
        }
        #[sea_orm(belongs_to = "Entity", from = "Column::SpouseId", to = "Column::Id")]
        Spouse,
    }
    entity! {
        letter in "letters" {
            #[sea_orm(primary_key)]
            id: i32,
            sender_id: i32,
            receiver_id: i32,
        }
        #[sea_orm(belongs_to = "super::person::Entity", from = "Column::SenderId", to = "super::person::Column::Id")]
        Sender,
        #[sea_orm(belongs_to = "super::person::Entity", from = "Column::ReceiverId", to = "super::person::Column::Id")]
        Receiver,
    }
}

fn bare() -> Registry {
    Registry::new().register::<bare::person::Entity>().register::<bare::letter::Entity>()
}

#[test]
fn sides_that_entities_leave_out_are_shown_by_one_option_or_by_name() {
    assert_eq!(relations(&bare().model().unwrap(), "Person"), ["spouse: Person"]);
    let all = bare().reverse_sides(true).model().unwrap();
    assert_eq!(
        relations(&all, "Person"),
        [
            "spouse: Person",
            "personBySpouse: Person",
            "lettersBySender: [Letter!]!",
            "lettersByReceiver: [Letter!]!"
        ]
    );
    Schema::new(all).unwrap();
    let one = Registry::new()
        .register::<bare::person::Entity>()
        .register_with::<bare::letter::Entity>(|letter| letter.reverse("sender", "sent"));
    assert_eq!(relations(&one.model().unwrap(), "Person"), ["spouse: Person", "sent: [Letter!]!"]);
    // Sides that are declared stay as they are, and may be named.
    let declared = || Registry::new().register::<trees::member::Entity>().register::<trees::follow::Entity>();
    let before = format!("{:?}", declared().model().unwrap().entities[0].relations);
    assert_eq!(
        format!("{:?}", declared().reverse_sides(true).model().unwrap().entities[0].relations),
        before
    );
    let named = Registry::new()
        .register_with::<sport::team::Entity>(|team| {
            ["Player", "HomeFixtures", "AwayFixtures", "Kit", "Mascot", "Bus", "Stadium", "Fan"]
                .into_iter()
                .fold(team, crowsfoot::EntityOptions::hide)
        })
        .register_with::<sport::coach::Entity>(|coach| coach.reverse("team", "trainers"));
    assert_eq!(relations(&named.model().unwrap(), "Team"), ["trainers: [Coach!]!"]);
    let unknown = Registry::new()
        .register::<bare::person::Entity>()
        .register_with::<bare::letter::Entity>(|letter| letter.reverse("sendr", "sent"));
    let error = unknown.model().unwrap_err().to_string();
    assert!(
        error.contains("an option of Letter names \"sendr\", which does not exist; did you mean \"sender\"?"),
        "{error}"
    );
}

const TABLES: &str = "
    CREATE TABLE people (id {key}, name text NOT NULL);
    CREATE TABLE letters (id {key}, sender_id integer NOT NULL REFERENCES people (id), receiver_id integer NOT NULL REFERENCES people (id));
    CREATE TABLE clubs (id {key}, title text NOT NULL);
    CREATE TABLE members (person_id integer NOT NULL REFERENCES people (id), club_id integer NOT NULL REFERENCES clubs (id),
        PRIMARY KEY (person_id, club_id));";

#[tokio::test]
async fn sides_names_and_descriptions_of_tables_follow_the_options() {
    for database in support::databases().await {
        database.run(&tables_for(&database, TABLES)).await;
        let plain = model(&database, &TableOptions::new()).await;
        assert_eq!(
            relations(&plain, "Person"),
            ["lettersBySender: [Letter!]!", "lettersByReceiver: [Letter!]!", "clubs: [Club!]!"]
        );
        assert!(plain.entity_named("Member").is_none());
        let options = TableOptions::new()
            .entity("letters", |letter| {
                letter.reverse("sender", "sent").comment("Post").comments("id", "Number")
            })
            .entity("members", |member| member.shown(true).many_to_many("club", "person", "people"));
        let chosen = model(&database, &options).await;
        assert_eq!(
            relations(&chosen, "Person"),
            ["sent: [Letter!]!", "lettersByReceiver: [Letter!]!", "members: [Member!]!", "clubs: [Club!]!"]
        );
        assert!(relations(&chosen, "Club").contains(&"people: [Person!]!".to_owned()));
        let sdl = Schema::new(chosen).unwrap().sdl();
        assert!(sdl.contains("\"Post\"\ntype Letter ") && sdl.contains("\"Number\"\n  id: Int!"), "{sdl}");
        let without = TableOptions::new()
            .reverse_sides(false)
            .entity("letters", |letter| letter.reverse("sender", "sent"));
        assert_eq!(
            relations(&model(&database, &without).await, "Person"),
            ["sent: [Letter!]!", "clubs: [Club!]!"]
        );
        database.drop().await;
    }
}

/// A chosen name of a value stays; the other value gives way.
#[tokio::test]
async fn a_chosen_name_of_a_value_does_not_give_way() {
    let Some(database) = support::postgres().await else { return };
    database
        .run(
            "CREATE TYPE mood AS ENUM ('so so', 'so-so', 'MEH');
             CREATE TABLE people (id integer PRIMARY KEY, mood mood NOT NULL);",
        )
        .await;
    let options = TableOptions::new().enum_value("mood", "so so", "MEH");
    let model = model(&database, &options).await;
    let variants = &model.enumerations[0].variants;
    assert_eq!(variants.iter().find(|(_, stored)| stored == "so so").unwrap().0, "MEH", "{variants:?}");
    let names: std::collections::BTreeSet<&String> = variants.iter().map(|(name, _)| name).collect();
    assert_eq!(names.len(), 3, "{variants:?}");
    database.drop().await;
}
