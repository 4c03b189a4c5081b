//! The model as a picture and as text: each type a box, each relation a line between the right ends.
//!
//! Files here contain the text for the example domain. This command updates them:
//!
//! ```text
//! UPDATE_GOLDEN=1 cargo test --test model diagram
//! ```

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use crowsfoot::diagram::{Format, draw};
use crowsfoot::internals::model::{
    Cardinality, Column, ColumnType, Entity, JoinColumns, Promises, Relation,
    names::{self, RootNames, TypeNames},
};
use crowsfoot::tables::{AcceptedWrites, KeyAction, Table, TableKind};
use crowsfoot::{Declaration, Model, Registry};
use roxmltree::{Document, Node};

use crate::entity::entity;
use crate::support::example;

fn example() -> Model {
    example::registry().model().unwrap()
}

#[test]
fn the_example_is_drawn_as_in_the_files() {
    for (format, name) in [(Format::Mermaid, "example.mmd"), (Format::Dot, "example.dot")] {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/model/diagram").join(name);
        let drawn = draw(&example(), format);
        if std::env::var_os("UPDATE_GOLDEN").is_some() {
            fs::write(&file, &drawn).unwrap();
        }
        assert_eq!(drawn, fs::read_to_string(&file).unwrap(), "{name}");
    }
}

/// Returns the elements of a class.
fn of_class<'a>(document: &'a Document<'_>, class: &'static str) -> impl Iterator<Item = Node<'a, 'a>> {
    let is_one = move |node: &Node<'_, '_>| {
        node.attribute("class").is_some_and(|classes| classes.split(' ').any(|known| known == class))
    };
    document.descendants().filter(is_one)
}

fn title<'a>(node: &Node<'a, 'a>) -> &'a str {
    node.children().find(|child| child.has_tag_name("title")).and_then(|title| title.text()).unwrap()
}

/// Returns every relation field with its type, as in the schema.
fn fields(model: &Model) -> BTreeSet<String> {
    let fields = model.exposed().flat_map(|(_, entity)| {
        entity.relations.iter().map(|relation| {
            let target = &model.entities[relation.target].name;
            let leads_to = match relation.cardinality {
                Cardinality::One => format!("{target}!"),
                Cardinality::OptionalOne => target.clone(),
                Cardinality::Many => format!("[{target}!]!"),
            };
            format!("{}.{}: {leads_to}", entity.name, relation.field)
        })
    });
    fields.collect()
}

/// Checks that the picture has a box for each type, with its columns, and shows each relation field at a
/// line.
fn assert_complete(model: &Model) {
    let svg = draw(model, Format::Svg);
    let document = Document::parse(&svg).unwrap();
    let boxes: Vec<_> = of_class(&document, "box").collect();
    assert_eq!(boxes.len(), model.exposed().count());
    for (drawn, (_, entity)) in boxes.iter().zip(model.exposed()) {
        assert!(title(drawn).starts_with(&entity.name), "{}", title(drawn));
        let texts: Vec<&str> = drawn.descendants().filter_map(|node| node.text()).collect();
        for (_, column) in entity.visible_columns() {
            assert!(texts.contains(&column.field.as_str()), "{}.{}", entity.name, column.field);
        }
    }
    let lines = of_class(&document, "way").map(|way| way.parent().unwrap());
    let shown = lines.flat_map(|line| title(&line).lines().filter(|line| !line.starts_with("through ")));
    let shown: Vec<String> = shown.map(str::to_owned).collect();
    assert_eq!(BTreeSet::from_iter(shown.clone()), fields(model));
    assert_eq!(shown.len(), fields(model).len(), "a relation is drawn twice");
    for format in Format::ALL {
        assert_eq!(draw(model, format), draw(model, format), "the same model, the same drawing");
    }
}

#[test]
fn the_example_is_drawn_whole() {
    assert_complete(&example());
}

#[test]
fn a_hundred_entities_are_drawn_whole() {
    assert_complete(&hundred());
}

#[test]
fn no_entities_make_an_empty_picture() {
    assert_complete(&Registry::new().model().unwrap());
}

mod kinds {
    use super::entity;

    entity! {
        user in "users & <\"friends\">" { #[sea_orm(primary_key)] id: i32, name: Option<String> }
        #[sea_orm(has_one = "super::profile::Entity")] Profile,
    }
    entity! {
        profile in "profiles" of "accounts" {
            #[sea_orm(primary_key)] id: i32,
            #[sea_orm(unique)] user_id: i32,
        }
        #[sea_orm(belongs_to = "super::user::Entity", from = "Column::UserId", to = "super::user::Column::Id")] User,
        => user by User
    }
    entity! {
        follow in "follows" {
            #[sea_orm(primary_key, auto_increment = false)] follower_id: i32,
            #[sea_orm(primary_key, auto_increment = false)] followed_id: i32,
            since: Date,
        }
        #[sea_orm(belongs_to = "super::user::Entity", from = "Column::FollowerId", to = "super::user::Column::Id")] Follower,
        #[sea_orm(belongs_to = "super::user::Entity", from = "Column::FollowedId", to = "super::user::Column::Id")] Followed,
    }
    entity! {
        member in "members" {
            #[sea_orm(primary_key, auto_increment = false)] user_id: i32,
            boss_id: Option<i32>,
            pk: i32,
            #[sea_orm(unique)] desk_id: i32,
        }
        #[sea_orm(belongs_to = "super::user::Entity", from = "Column::UserId", to = "super::user::Column::Id")] User,
        #[sea_orm(belongs_to = "super::user::Entity", from = "Column::BossId", to = "super::user::Column::Id")] Boss,
        #[sea_orm(belongs_to = "super::desk::Entity", from = "Column::DeskId", to = "super::desk::Column::Id", skip_fk)] Desk,
    }
    entity! { desk in "Desk" { #[sea_orm(primary_key)] id: i32 } }
}

/// Builds a model with relations of every kind, some of them visible from one side only.
fn kinds() -> Model {
    Registry::new()
        .register::<kinds::user::Entity>()
        .register_with::<kinds::profile::Entity>(|profile| profile.hide("user"))
        .register::<kinds::follow::Entity>()
        .register::<kinds::member::Entity>()
        .register::<kinds::desk::Entity>()
        .model()
        .unwrap_or_else(|error| panic!("{error}"))
}

#[test]
fn lines_end_as_the_relation_does() {
    let text = draw(&kinds(), Format::Mermaid);
    let lines: Vec<&str> = text.lines().filter(|line| line.contains(" : ")).map(str::trim).collect();
    assert_eq!(
        lines,
        [
            // The other side is hidden; its key determines its cardinality.
            r#""User" ||--o| "Profile" : "profile / -""#,
            // Both lists pass through a type of the schema, whose own lines follow.
            r#""User" }o..o{ "User" : "followeds / followers""#,
            r#""User" ||--o{ "Follow" : "- / follower""#,
            r#""User" ||--o{ "Follow" : "- / followed""#,
            // Without a reverse side the key decides: the primary key, a repeatable one, and an unenforced
            // unique one.
            r#""User" ||--o| "Member" : "- / user""#,
            r#""User" |o--o{ "Member" : "- / boss""#,
            r#""Desk" |o--o| "Member" : "- / desk""#,
        ]
    );
    // Mermaid would take the word for a key mark.
    assert!(text.contains("\n        Int pk_\n"), "{text}");
    assert_complete(&kinds());
}

#[test]
fn accepts_any_table_name() {
    let svg = draw(&kinds(), Format::Svg);
    let document = Document::parse(&svg).unwrap();
    let texts: Vec<&str> = document.descendants().filter_map(|node| node.text()).collect();
    assert!(texts.contains(&"users & <\"friends\">"), "{svg}");
    assert!(texts.contains(&"accounts.profiles"), "{svg}");
    // A table named like its type is not named again.
    let desk = of_class(&document, "box").find(|node| title(node) == "Desk").unwrap();
    assert!(desk.children().all(|child| child.attribute("class") != Some("small")), "{svg}");
    assert!(draw(&kinds(), Format::Mermaid).contains(r#""User"["User (users & <_friends_>)"] {"#));
    assert!(draw(&kinds(), Format::Dot).contains("<i>users &amp; &lt;&quot;friends&quot;&gt;</i>"));
}

/// Model of a hundred entities, the same at every run: each has some foreign keys, most to a neighbour and
/// some to the first ones.
fn hundred() -> Model {
    let mut state = 7_u64;
    let mut random = move |below: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize % below
    };
    let mut model = Model::default();
    for id in 0..100_usize {
        let name = format!("Entity{id}");
        let mut columns = vec![column("id", false)];
        let mut relations: Vec<Relation> = Vec::new();
        for number in 0..if id == 0 { 0 } else { random(4) } {
            let near = id.saturating_sub(1 + random(12));
            let (target, nullable) = (if random(4) == 0 { random(id.min(3)) } else { near }, random(3) == 0);
            columns.push(column(&format!("key_{number}"), nullable));
            relations.push(Relation {
                field: format!("entity{target}By{number}"),
                description: None,
                target,
                cardinality: if nullable { Cardinality::OptionalOne } else { Cardinality::One },
                declaration: Declaration::BelongsTo,
                enforced: true,
                on_delete: KeyAction::NoAction,
                on_update: KeyAction::NoAction,
                rule: None,
                set_value: None,
                deletes_target: false,
                from: vec![columns.len() - 1],
                to: vec![0],
                junction: None,
                join: JoinColumns::default(),
            });
        }
        columns.extend((0..random(8)).map(|number| column(&format!("column_{number}"), random(2) == 0)));
        for (number, forward) in relations.iter().enumerate() {
            let reverse = Relation {
                field: format!("entities{id}By{number}"),
                target: id,
                cardinality: Cardinality::Many,
                declaration: Declaration::HasMany,
                from: forward.to.clone(),
                to: forward.from.clone(),
                ..forward.clone()
            };
            model.entities[forward.target].relations.push(reverse);
        }
        model.entities.push(Entity {
            types: TypeNames::new(&name),
            roots: RootNames::new(&names::field(&name), &names::list_field(&name)),
            description: None,
            table: Table { schema: None, name: names::list_field(&name) },
            columns,
            kind: TableKind::Table,
            primary_key: vec![0],
            unique_keys: Vec::new(),
            deferrable_keys: Vec::new(),
            promises: Promises::default(),
            writes: AcceptedWrites::ALL,
            order_by: None,
            scope: None,
            relations,
            exposed: true,
            restricted: false,
            aggregated: true,
            list_limit: None,
            name,
        });
    }
    model
}

fn column(name: &str, nullable: bool) -> Column {
    Column {
        name: name.to_owned(),
        field: names::field(name),
        column_type: ColumnType::Int,
        limit: crowsfoot::internals::model::Limit::None,
        nullable,
        has_default: false,
        default: None,
        generated: false,
        always_generated: false,
        fills_default: false,
        description: None,
        hidden: false,
    }
}
