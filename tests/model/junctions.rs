//! Pairs of foreign keys that make a list on both sides, and junction tables that are not types.

use crowsfoot::{Registry, Schema};
use serde_json::json;

use crate::entity::entity;
use crate::introspection::Types;
use crate::support;

mod ends {
    use super::entity;

    entity! { student in "students" { #[sea_orm(primary_key)] id: i32, name: String } }
    entity! { course in "courses" { #[sea_orm(primary_key)] id: i32, name: String } }
    entity! { room in "rooms" { #[sea_orm(primary_key)] id: i32, name: String } }
}

/// Declares a table between students, courses and perhaps others, by its columns.
macro_rules! between {
    ($module:ident in $table:literal { $($columns:tt)+ } $($more:tt)*) => {
        mod $module {
            use super::ends::*;
            use crate::entity::entity;

            entity! {
                $module in $table { $($columns)+ }
                #[sea_orm(belongs_to = "super::student::Entity", from = "Column::StudentId", to = "super::student::Column::Id")] Student,
                #[sea_orm(belongs_to = "super::course::Entity", from = "Column::CourseId", to = "super::course::Column::Id")] Course,
                $($more)*
            }
        }
    };
}

between! { enrolment in "enrolments" {
    #[sea_orm(primary_key)] id: i32,
    #[sea_orm(unique_key = "pair")] student_id: i32,
    #[sea_orm(unique_key = "pair")] course_id: i32,
} }
between! { yearly in "yearly" {
    #[sea_orm(primary_key, auto_increment = false)] student_id: i32,
    #[sea_orm(primary_key, auto_increment = false)] course_id: i32,
    #[sea_orm(primary_key, auto_increment = false)] year: i32,
} }
between! { waiting in "waiting" {
    #[sea_orm(primary_key)] id: i32,
    student_id: i32,
    course_id: i32,
} }
// SeaORM gives a column one unique key beside the primary key; this is the way to have two.
between! { exam in "exams" {
    #[sea_orm(primary_key, auto_increment = false, unique_key = "pair")] student_id: i32,
    #[sea_orm(primary_key, auto_increment = false)] course_id: i32,
    #[sea_orm(unique_key = "pair")] room_id: i32,
} #[sea_orm(belongs_to = "super::room::Entity", from = "Column::RoomId", to = "super::room::Column::Id")] Room, }

/// References an enrolment, which is then more than a link.
mod grade {
    use super::enrolment::enrolment;
    use super::entity;

    entity! {
        grade in "grades" {
            #[sea_orm(primary_key)] id: i32,
            enrolment_id: i32,
        }
        #[sea_orm(belongs_to = "super::enrolment::Entity", from = "Column::EnrolmentId", to = "super::enrolment::Column::Id")] Enrolment,
    }
}

fn ends() -> Registry {
    Registry::new().register::<ends::student::Entity>().register::<ends::course::Entity>()
}

async fn types(registry: Registry) -> Types {
    let model = registry.model().unwrap_or_else(|error| panic!("{error}"));
    Types::of(&Schema::new(model).unwrap()).await
}

#[tokio::test]
async fn a_referenced_junction_is_a_type() {
    let alone = types(ends().register::<enrolment::enrolment::Entity>()).await;
    assert!(!alone.has("Enrolment"));
    assert_eq!(alone.get("Student").field("courses"), "[Course!]!");
    let both =
        types(ends().register::<enrolment::enrolment::Entity>().register::<grade::grade::Entity>()).await;
    assert_eq!(both.get("Grade").field("enrolment"), "Enrolment!");
    assert_eq!(both.get("Query").field("enrolments"), "[Enrolment!]!");
    // The table still links its ends; it has no columns for the edges.
    assert_eq!(both.get("Student").field("courses"), "[Course!]!");
    assert_eq!(both.get("Course").field("studentsConnection"), "StudentConnection!");
}

#[tokio::test]
async fn a_pair_that_may_repeat_links_nothing() {
    for (name, registry) in [
        ("Yearly", ends().register::<yearly::yearly::Entity>()),
        ("Waiting", ends().register::<waiting::waiting::Entity>()),
    ] {
        let types = types(registry).await;
        assert_eq!(types.get(name).field("student"), "Student!");
        assert_eq!(types.get("Student").field("courses"), "", "{name}");
        assert_eq!(types.get("Course").field("students"), "", "{name}");
    }
}

#[tokio::test]
async fn two_unique_pairs_are_two_lists_from_their_common_end() {
    let registry = ends().register::<ends::room::Entity>().register::<exam::exam::Entity>();
    let types = types(registry).await;
    let lists = |name: &str| -> Vec<String> {
        let fields = types.get(name).fields.iter().filter(|(_, of)| of.starts_with('['));
        fields.map(|(field, of)| format!("{field}: {of}")).collect()
    };
    assert_eq!(lists("Student"), ["courses: [Course!]!", "rooms: [Room!]!"]);
    assert_eq!(lists("Course"), ["students: [Student!]!"]);
    assert_eq!(lists("Room"), ["students: [Student!]!"]);
    assert_eq!(types.get("Exam").field("room"), "Room!");
}

/// Entities linked by `via`, beside a relation of another kind.
mod linked {
    use super::entity;
    use sea_orm::{Related, RelationDef, RelationTrait};

    entity! { author in "authors" { #[sea_orm(primary_key)] id: i32 } }
    entity! { subject in "subjects" { #[sea_orm(primary_key)] id: i32 } }
    entity! {
        book in "books" {
            #[sea_orm(primary_key)] id: i32,
            author_id: i32,
        }
        #[sea_orm(belongs_to = "super::author::Entity", from = "Column::AuthorId", to = "super::author::Column::Id")] Author,
    }
    entity! {
        book_subject in "book_subjects" {
            #[sea_orm(primary_key, auto_increment = false)] book_id: i32,
            #[sea_orm(primary_key, auto_increment = false)] subject_id: i32,
        }
        #[sea_orm(belongs_to = "super::book::Entity", from = "Column::BookId", to = "super::book::Column::Id")] Book,
        #[sea_orm(belongs_to = "super::subject::Entity", from = "Column::SubjectId", to = "super::subject::Column::Id")] Subject,
    }

    impl Related<subject::Entity> for book::Entity {
        fn to() -> RelationDef {
            book_subject::Relation::Subject.def()
        }

        fn via() -> Option<RelationDef> {
            Some(book_subject::Relation::Book.def().rev())
        }
    }
}

#[tokio::test]
async fn declares_a_relation_once_when_via_and_junction_agree() {
    let entities = || {
        Registry::new()
            .register::<linked::author::Entity>()
            .register::<linked::subject::Entity>()
            .register::<linked::book::Entity>()
    };
    let via =
        |registry: Registry| registry.many_to_many::<linked::book::Entity, linked::subject::Entity>("topics");
    let lists = async |registry: Registry| {
        let types = types(registry).await;
        assert_eq!(types.get("Book").field("author"), "Author!");
        let book = types.get("Book");
        [book.field("subjects"), book.field("topics"), types.get("Subject").field("books")].map(str::to_owned)
    };
    assert_eq!(lists(entities()).await, ["", "", ""]);
    assert_eq!(lists(via(entities())).await, ["", "[Subject!]!", ""]);
    let junction = entities().register::<linked::book_subject::Entity>();
    assert_eq!(lists(junction.clone()).await, ["[Subject!]!", "", "[Book!]!"]);
    assert_eq!(lists(via(junction)).await, ["", "[Subject!]!", "[Book!]!"]);
}

/// Tables with the tenant in every key; the junction has it only once.
mod tenants {
    use super::entity;

    entity! {
        basket in "baskets" {
            #[sea_orm(primary_key, auto_increment = false)] tenant: i32,
            #[sea_orm(primary_key, auto_increment = false)] number: i32,
        }
    }
    entity! {
        article in "articles" {
            #[sea_orm(primary_key, auto_increment = false)] tenant: i32,
            #[sea_orm(primary_key, auto_increment = false)] code: String,
        }
    }
    entity! {
        content in "contents" {
            #[sea_orm(primary_key, auto_increment = false)] tenant: i32,
            #[sea_orm(primary_key, auto_increment = false)] basket: i32,
            #[sea_orm(primary_key, auto_increment = false)] article: String,
        }
        #[sea_orm(
            belongs_to = "super::basket::Entity",
            from = "(Column::Tenant, Column::Basket)",
            to = "(super::basket::Column::Tenant, super::basket::Column::Number)"
        )] Basket,
        #[sea_orm(
            belongs_to = "super::article::Entity",
            from = "(Column::Tenant, Column::Article)",
            to = "(super::article::Column::Tenant, super::article::Column::Code)"
        )] Article,
    }
}

#[tokio::test]
async fn keys_of_a_junction_may_share_a_column() {
    let registry = Registry::new()
        .register::<tenants::basket::Entity>()
        .register::<tenants::article::Entity>()
        .register::<tenants::content::Entity>();
    let schema = Schema::new(registry.model().unwrap()).unwrap();
    assert!(!Types::of(&schema).await.has("Content"));
    for database in support::databases().await {
        database
            .run(
                "CREATE TABLE baskets (tenant INTEGER, number INTEGER, PRIMARY KEY (tenant, number));
                CREATE TABLE articles (tenant INTEGER, code TEXT, PRIMARY KEY (tenant, code));
                CREATE TABLE contents (tenant INTEGER, basket INTEGER, article TEXT, PRIMARY KEY (tenant, basket, article),
                    FOREIGN KEY (tenant, basket) REFERENCES baskets (tenant, number),
                    FOREIGN KEY (tenant, article) REFERENCES articles (tenant, code));
                INSERT INTO baskets VALUES (1, 1), (1, 2), (2, 1); INSERT INTO articles VALUES (1, 'a'), (1, 'b'), (2, 'a');
                INSERT INTO contents VALUES (1, 1, 'a'), (1, 1, 'b'), (2, 1, 'a');",
            )
            .await;
        let query = r#"{
            baskets { tenant number articles { code } articlesAggregate { count } }
            article(tenant: 1, code: "a") { baskets { tenant number } }
            some: baskets(where: { articles: { some: { code: { eq: "a" } } } }) { tenant number }
        }"#;
        let data = support::data(&schema, &database, query).await;
        let expected = json!({
            "baskets": [
                { "tenant": 1, "number": 1, "articles": [{ "code": "a" }, { "code": "b" }], "articlesAggregate": { "count": 2 } },
                { "tenant": 1, "number": 2, "articles": [], "articlesAggregate": { "count": 0 } },
                { "tenant": 2, "number": 1, "articles": [{ "code": "a" }], "articlesAggregate": { "count": 1 } },
            ],
            "article": { "baskets": [{ "tenant": 1, "number": 1 }] },
            "some": [{ "tenant": 1, "number": 1 }, { "tenant": 2, "number": 1 }],
        });
        assert_eq!(data, expected, "{:?}", database.dialect);
        database.drop().await;
    }
}
