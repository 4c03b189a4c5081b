//! Names in the schema, and SeaORM's definition of a relation's owner.

use crowsfoot::internals::model::{Cardinality, names};
use crowsfoot::{Declaration, Registry};
use sea_orm::{RelationTrait, RelationType};

use crate::compact::{links, sport, trees};
use crate::entity::entity;

/// Module name, singular or plural, with its type, lookup and list.
const WORDS: &[(&str, &str, &str, &str)] = &[
    ("address", "Address", "address", "addresses"),
    ("addresses", "Address", "address", "addresses"),
    ("status", "Status", "status", "statuses"),
    ("statuses", "Status", "status", "statuses"),
    ("order_status", "OrderStatus", "orderStatus", "orderStatuses"),
    ("bus", "Bus", "bus", "buses"),
    ("buses", "Bus", "bus", "buses"),
    ("category", "Category", "category", "categories"),
    ("categories", "Category", "category", "categories"),
    ("person", "Person", "person", "people"),
    ("people", "Person", "person", "people"),
    ("sales_people", "SalesPerson", "salesPerson", "salesPeople"),
    ("child", "Child", "child", "children"),
    ("children", "Child", "child", "children"),
    ("analysis", "Analysis", "analysis", "analyses"),
    ("analyses", "Analysis", "analysis", "analyses"),
    ("axis", "Axis", "axis", "axes"),
    ("y_axis", "YAxis", "yAxis", "yAxes"),
    ("basis", "Basis", "basis", "bases"),
    ("lens", "Lens", "lens", "lenses"),
    ("lenses", "Lens", "lens", "lenses"),
    ("data", "Datum", "datum", "data"),
    ("data_points", "DataPoint", "dataPoint", "dataPoints"),
    ("class", "Class", "class", "classes"),
    ("day", "Day", "day", "days"),
    ("city", "City", "city", "cities"),
    ("box", "Box", "box", "boxes"),
    ("quiz", "Quiz", "quiz", "quizzes"),
    ("movie", "Movie", "movie", "movies"),
    ("database", "Database", "database", "databases"),
    ("leaf", "Leaf", "leaf", "leaves"),
    ("user_infos", "UserInfo", "userInfo", "userInfos"),
    ("api_keys", "ApiKey", "apiKey", "apiKeys"),
    ("staff_members", "StaffMember", "staffMember", "staffMembers"),
    // Same form for both: the user must name the plural.
    ("news", "News", "news", "news"),
    ("user_news", "UserNews", "userNews", "userNews"),
    ("series", "Series", "series", "series"),
    ("tv_series", "TvSeries", "tvSeries", "tvSeries"),
    ("sheep", "Sheep", "sheep", "sheep"),
    ("species", "Species", "species", "species"),
    ("staff", "Staff", "staff", "staff"),
    ("media", "Media", "media", "media"),
    ("user_media", "UserMedia", "userMedia", "userMedia"),
    ("equipment", "Equipment", "equipment", "equipment"),
];

#[test]
fn words_have_these_singulars_and_plurals() {
    for (module, of, one, many) in WORDS {
        let name = names::type_of(module);
        assert_eq!((name.as_str(), names::field(&name).as_str()), (*of, *one), "{module}");
        assert_eq!(names::list_field(&name), *many, "{module}");
        // A list may be declared in the singular or the plural, as a variant or a field.
        for declared in [*of, *one, *many] {
            assert_eq!(names::list_field(declared), *many, "{declared}");
        }
        // Inflected forms remain unchanged.
        assert_eq!(names::type_of(&name), *of, "{module}");
    }
}

#[test]
fn enum_values_are_in_upper_case() {
    for (stored, name) in [
        ("active", "ACTIVE"),
        ("on hold", "ON_HOLD"),
        ("onHold", "ON_HOLD"),
        ("ON_HOLD", "ON_HOLD"),
        ("2nd", "_2ND"),
        ("true", "TRUE"),
        ("a/b", "A_B"),
    ] {
        assert_eq!(names::enum_value(stored), name);
        assert!(names::is_valid_value(name));
    }
    for name in ["", "+", "true", "false", "null", "__A"] {
        assert!(!names::is_valid_value(name), "{name}");
    }
}

#[test]
fn a_forward_relation_is_named_after_its_key() {
    for (column, field) in
        [("manager_id", Some("manager")), ("managerId", Some("manager")), ("from_user_id", Some("fromUser"))]
    {
        assert_eq!(names::field_of_key(column).as_deref(), field);
    }
    for column in ["id", "_id", "manager", "paid"] {
        assert_eq!(names::field_of_key(column), None, "{column}");
    }
}

/// `RelationDef::is_owner` means the opposite of what its documentation says: `true` for the side that does not hold
/// the key. A many-to-many relation is seen from the junction's two `belongs_to`.
#[test]
fn is_owner_is_true_on_the_side_without_the_key() {
    let table = [
        (sport::player::Relation::Team.def(), false, RelationType::HasOne),
        (sport::coach::Relation::Team.def(), false, RelationType::HasOne),
        (sport::stadium::Relation::Team.def(), false, RelationType::HasOne),
        (trees::category::Relation::Parent.def(), false, RelationType::HasOne),
        (links::membership::Relation::Club.def(), false, RelationType::HasOne),
        (sport::team::Relation::Kit.def(), true, RelationType::HasOne),
        (sport::team::Relation::Stadium.def(), true, RelationType::HasOne),
        (trees::page::Relation::Previous.def(), true, RelationType::HasOne),
        (sport::team::Relation::Player.def(), true, RelationType::HasMany),
        (sport::team::Relation::Mascot.def(), true, RelationType::HasMany),
        (sport::team::Relation::HomeFixtures.def(), true, RelationType::HasMany),
        (trees::category::Relation::Children.def(), true, RelationType::HasMany),
    ];
    for (definition, is_owner, rel_type) in table {
        assert_eq!((definition.is_owner, &definition.rel_type), (is_owner, &rel_type), "{definition:?}");
        // The reverse of a definition changes the side, but not the type.
        let reversed = definition.rev();
        assert_eq!((reversed.is_owner, reversed.rel_type), (!is_owner, rel_type));
    }
}

#[test]
fn cardinality_is_what_the_declaration_and_the_key_say() {
    let model = crate::compact::registry().model().unwrap();
    let team = &model.entities[model.entity_named("Team").unwrap()];
    let declared = |entity: &str, field: &str| {
        let entity = &model.entities[model.entity_named(entity).unwrap()];
        let relation = &entity.relations[entity.relation_of_field(field).unwrap()];
        (relation.declaration, relation.cardinality, relation.enforced)
    };
    assert_eq!(declared("Player", "team"), (Declaration::BelongsTo, Cardinality::One, true));
    assert_eq!(declared("Coach", "team"), (Declaration::BelongsTo, Cardinality::OptionalOne, true));
    assert_eq!(declared("Sponsor", "team"), (Declaration::BelongsTo, Cardinality::OptionalOne, false));
    assert_eq!(declared("Team", "kit"), (Declaration::HasOne, Cardinality::OptionalOne, true));
    assert_eq!(declared("Team", "mascots"), (Declaration::HasMany, Cardinality::Many, true));
    assert_eq!(declared("Person", "clubs"), (Declaration::ManyToMany, Cardinality::Many, true));
    assert_eq!(team.relation_of_field("sponsors"), None);
}

/// Entities with a renamed type.
mod renamed {
    use super::entity;

    entity! {
        users in "users" {
            #[sea_orm(primary_key)] id: i32,
        }
    }
    entity! {
        posts in "posts" {
            #[sea_orm(primary_key)] id: i32,
            author_id: i32,
            editor_id: i32,
        }
        #[sea_orm(belongs_to = "super::users::Entity", from = "Column::AuthorId", to = "super::users::Column::Id")] Users,
        #[sea_orm(belongs_to = "super::users::Entity", from = "Column::EditorId", to = "super::users::Column::Id")] Users2,
    }
}

/// The name of a type does not affect that of a field.
#[test]
fn renaming_a_type_keeps_its_field_names() {
    let model = Registry::new()
        .register_with::<renamed::users::Entity>(|users| users.name("Account"))
        .register::<renamed::posts::Entity>()
        .model()
        .unwrap();
    let fields = |entity: usize| -> Vec<&str> {
        model.entities[entity].relations.iter().map(|relation| relation.field.as_str()).collect()
    };
    assert_eq!(model.entities[0].roots.list, "accounts");
    assert_eq!(fields(1), ["user", "editor"]);
}
