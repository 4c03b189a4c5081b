//! Sides of a foreign key, junctions, and keys that cannot be relations.

use sea_orm::ColumnType;

use super::describe::{Described, model, model_with, notes, relations, table};
use crowsfoot::{
    TableOptions,
    tables::{Generation, TableKind},
};

#[test]
fn a_unique_key_has_one_row_at_its_other_side_and_any_other_key_a_list() {
    let tables = [
        table("users", &["id"]),
        table("profiles", &["id", "user_id"]).unique(&["user_id"]).references(&["user_id"], "users"),
        table("posts", &["id", "user_id?"]).references(&["user_id"], "users"),
        table("passports", &["user_id"]).references(&["user_id"], "users"),
    ];
    let expected = [
        "User.profile: Profile",
        "User.posts: [Post!]!",
        "User.passport: Passport",
        "Profile.user: User!",
        "Post.user: User",
        "Passport.user: User!",
    ];
    assert_eq!(relations(&model(&tables)), expected);
}

#[test]
fn a_partial_unique_index_and_an_unenforced_key_promise_nothing() {
    let tables = [
        table("users", &["id"]),
        table("profiles", &["id", "user_id"])
            .unique(&["user_id"])
            .references(&["user_id"], "users")
            .change(|table| table.unique_keys[0].is_whole = false)
            .change(|table| table.foreign_keys[0].enforced = false),
    ];
    assert_eq!(relations(&model(&tables)), ["User.profiles: [Profile!]!", "Profile.user: User"]);
}

#[test]
fn composite_and_overlapping_keys() {
    let tables = [
        table("teams", &["tenant", "id"]).primary(&["tenant", "id"]),
        table("games", &["id", "tenant", "home_id", "away_id?"])
            .references(&["tenant", "home_id"], "teams(tenant,id)")
            .references(&["tenant", "away_id"], "teams(tenant,id)"),
        table("players", &["id", "tenant", "team_id"]).references(&["tenant", "team_id"], "teams(tenant,id)"),
    ];
    let expected = [
        "Team.gamesByHome: [Game!]!",
        "Team.gamesByAway: [Game!]!",
        "Team.players: [Player!]!",
        "Game.home: Team!",
        "Game.away: Team",
        "Player.team: Team!",
    ];
    assert_eq!(relations(&model(&tables)), expected);
}

#[test]
fn a_junction_is_hidden_unless_it_has_columns_of_its_own() {
    let junction = |name: &str, more: &[&str]| {
        let columns = [&["id", "course_id", "student_id"], more].concat();
        table(name, &columns)
            .unique(&["student_id", "course_id"])
            .references(&["course_id"], "courses")
            .references(&["student_id"], "students")
    };
    let tables =
        |more: &[&str]| [table("courses", &["id"]), table("students", &["id"]), junction("enrolments", more)];
    let plain = model(&tables(&[]));
    assert_eq!(relations(&plain), ["Course.students: [Student!]!", "Student.courses: [Course!]!"]);
    let expected = [
        "Course.enrolments: [Enrolment!]!",
        "Course.students: [Student!]!",
        "Student.enrolments: [Enrolment!]!",
        "Student.courses: [Course!]!",
        "Enrolment.course: Course!",
        "Enrolment.student: Student!",
    ];
    let with_grade = model(&tables(&["grade"]));
    assert_eq!(relations(&with_grade), expected);
    // A column that cannot be read is one of the junction's own, too.
    let mut with_vector = tables(&["vector"]);
    with_vector[2] = with_vector[2].clone().typed("vector", "tsvector", None);
    assert_eq!(relations(&model(&with_vector)), expected);
}

#[test]
fn a_table_references_itself_in_both_directions() {
    let tables = [
        table("employees", &["id", "manager_id?"]).references(&["manager_id"], "employees"),
        table("categories", &["id", "parent_id?"]).references(&["parent_id"], "categories"),
        table("steps", &["id", "next_id?"]).unique(&["next_id"]).references(&["next_id"], "steps"),
        table("follows", &["follower_id", "followed_id"])
            .primary(&["follower_id", "followed_id"])
            .references(&["follower_id"], "employees")
            .references(&["followed_id"], "employees"),
    ];
    let expected = [
        "Employee.manager: Employee",
        "Employee.employees: [Employee!]!",
        "Employee.followedEmployees: [Employee!]!",
        "Employee.followers: [Employee!]!",
        "Category.parent: Category",
        "Category.children: [Category!]!",
        "Step.next: Step",
        "Step.stepByNext: Step",
    ];
    assert_eq!(relations(&model(&tables)), expected);
}

#[test]
fn a_key_to_a_unique_column_is_a_relation() {
    let tables = [
        table("countries", &["id", "code"]).unique(&["code"]),
        table("cities", &["id", "country_code"]).references(&["country_code"], "countries(code)"),
        table("flights", &["id", "origin_code", "goal_code"])
            .references(&["origin_code"], "countries(code)")
            .references(&["goal_code"], "countries(code)"),
    ];
    let expected = [
        "Country.cities: [City!]!",
        "Country.flightsByOrigin: [Flight!]!",
        "Country.flightsByGoal: [Flight!]!",
        "City.country: Country!",
        "Flight.origin: Country!",
        "Flight.goal: Country!",
    ];
    assert_eq!(relations(&model(&tables)), expected);
}

#[test]
fn what_cannot_be_served_is_named() {
    let tables = [
        table("users", &["id", "spot"]).typed("spot", "point", None).unique(&["spot"]),
        table("places", &["spot"]).typed("spot", "point", None),
        table("visits", &["id", "spot", "user_id", "label"])
            .typed("spot", "point", None)
            .typed("label", "text", Some(ColumnType::Text))
            .references(&["spot"], "users(spot)")
            .references(&["user_id"], "users")
            .references(&["user_id"], "users")
            .references(&["label"], "users(id)")
            .references(&["user_id"], "places(spot)"),
        table("log", &["line"]).primary(&[]),
        table("tags", &["name"]).primary(&[]).unique(&["name"]),
        table("totals", &["id"]).primary(&[]).change(|table| table.kind = TableKind::View),
        table("spots", &["spot", "id"]).typed("spot", "point", None),
        table("seaql_migrations", &["version"]),
    ];
    let model = model(&tables);
    let expected = [
        "table places is left out: it has no column with a scalar",
        "log is a read-only list without nodes and connections: it has no primary key; the option key names one",
        "table tags has no primary key; its unique key (name) identifies the rows",
        "totals is a read-only list without nodes and connections: it is a view; the option key names one",
        "spots is a read-only list without nodes and connections: a value of its primary key has several forms, or no scalar; \
         the option key names one",
        "table seaql_migrations is left out: it holds the state of a migration tool",
        "column users.spot is left out: there is no scalar for point; it requires a value, so clients cannot create rows (if a trigger sets the value, name the column in the option `generated`)",
        "unique key users (spot) is left out: a value of one of its columns has several forms, or no scalar",
        "column visits.spot is left out: there is no scalar for point; it requires a value, so clients cannot create rows (if a trigger sets the value, name the column in the option `generated`)",
        "column spots.spot is left out: there is no scalar for point; it requires a value, so clients cannot create rows (if a trigger sets the value, name the column in the option `generated`)",
        "foreign key visits (spot) is left out: there is no scalar for column spot",
        "foreign key visits (user_id) is left out: another key has the same columns",
        "foreign key visits (label) is left out: label and users.id have different types",
        "foreign key visits (user_id) is left out: table places is not served",
    ];
    assert_eq!(notes(&model), expected);
    assert_eq!(relations(&model), ["User.visits: [Visit!]!", "Visit.user: User!"]);
    let sdl = crowsfoot::Schema::new(model).unwrap().sdl();
    for mutation in ["createUser(", "createVisit(", "spot:", "createLog(", "deleteSpots("] {
        assert!(!sdl.contains(mutation), "{mutation}");
    }
    assert!(sdl.contains("createTag(") && sdl.contains("updateVisit("));
}

#[test]
fn generated_columns_have_no_input() {
    let generated = |generation| {
        table("users", &["id", "name", "length"]).change(|table| {
            table.columns[0].generation = Generation::Number;
            table.columns[2].generation = generation;
        })
    };
    let input = |generation| {
        let sdl = crowsfoot::Schema::new(model(&[generated(generation)])).unwrap().sdl();
        let input = sdl.split("input UserCreate {").nth(1).unwrap().split('}').next().unwrap().to_owned();
        ["id: ", "name: ", "length: "].map(|field| input.contains(field))
    };
    assert_eq!(input(Generation::None), [true, true, true]);
    assert_eq!(input(Generation::Computed), [true, true, false]);
    assert_eq!(input(Generation::AlwaysNumber), [true, true, false]);
}

#[test]
fn tables_are_included_and_excluded_by_pattern() {
    let tables = [table("users", &["id"]), table("auth.users", &["id"]), table("auth.groups", &["id"])];
    let types = |options: TableOptions| {
        let model = model_with(&tables, &options);
        model.entities.iter().map(|entity| entity.name.clone()).collect::<Vec<_>>()
    };
    assert_eq!(types(TableOptions::new()), ["User", "AuthUser", "Group"]);
    assert_eq!(types(TableOptions::new().include("auth.*")), ["User", "Group"]);
    assert_eq!(types(TableOptions::new().exclude("users")), ["Group"]);
    assert_eq!(types(TableOptions::new().include("*s").exclude("auth.users")), ["User", "Group"]);
}

#[test]
fn options_that_name_nothing_are_faults() {
    let tables =
        [table("users", &["id"]), table("posts", &["id", "user_id"]).references(&["user_id"], "users")];
    let options = TableOptions::new()
        .entity("post", |post| post.name("Article"))
        .entity("posts", |post| post.many("owner").hide("title").rename("user", "author"));
    let error = crowsfoot::Registry::from_tables(&tables, &options).model().unwrap_err().to_string();
    for fault in [
        "an option of the database names \"post\", which does not exist",
        "an option of Post names \"owner\", which does not exist",
        "an option of Post names \"title\", which does not exist",
    ] {
        assert!(error.contains(fault), "{error}");
    }
    assert!(error.contains("(3 found)"), "{error}");
}
