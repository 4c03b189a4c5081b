//! The domain of these tests: every way in which a row can reference another, and every ON DELETE.
//!
//! | entity | purpose |
//! | --- | --- |
//! | [`member`] | columns that are required, optional, and optional with a default; a CHECK; a tree by SET NULL |
//! | [`card`], [`locker`] | a one-to-one with a key of its own, required and not |
//! | [`seal`] | a one-to-one whose other side is not declared |
//! | [`captain`] | a one-to-one by a shared key: [`trophy`] cascades when its key changes, [`oath`] forbids it |
//! | [`diary`] | a foreign key that is unique, declared as a list |
//! | [`article`] | two foreign keys to one entity, required and not; [`comment`] is a level further |
//! | [`visit`] | a foreign key without a constraint |
//! | [`skill`], [`song`], [`follow`] | many-to-many: plain, to a shared key, with itself |
//! | [`membership`] | a junction with columns of its own, and [`award`] that references it |
//! | [`shift`] | a junction that may hold a pair twice, with a unique column |
//! | [`duty`] | a junction that holds a pair once, with a further unique column |
//! | [`game`] | two optional keys to one entity |
//! | [`letter`] | a foreign key to a unique column that is not the primary key |
//! | [`book`] | a foreign key of two columns |
//! | [`category`] | a tree by CASCADE |
//! | [`hen`], [`egg`] | two entities that reference each other |
//! | [`region`] and the following | each ON DELETE, and several that meet |

use crowsfoot::Registry;

use crate::entity::entity;

entity! {
    member in "members" {
        #[sea_orm(primary_key)]
        id: i32,
        #[sea_orm(unique)]
        email: String,
        name: String,
        nick: Option<String>,
        #[sea_orm(default_value = "novice")]
        rank: String,
        #[sea_orm(default_value = "none yet")]
        motto: Option<String>,
        #[sea_orm(default_value = 0)]
        points: i32,
        mentor_id: Option<i32>,
    }
    #[sea_orm(belongs_to = "Entity", from = "Column::MentorId", to = "Column::Id", on_delete = "SetNull")]
    Mentor,
    #[sea_orm(has_many = "Entity", via_rel = "Relation::Mentor")]
    Pupils,
    #[sea_orm(has_one = "super::card::Entity")]
    Card,
    #[sea_orm(has_one = "super::locker::Entity")]
    Locker,
    #[sea_orm(has_many = "super::diary::Entity")]
    Diaries,
    #[sea_orm(has_one = "super::captain::Entity")]
    Captain,
    #[sea_orm(has_many = "super::article::Entity", via_rel = "Relation::Author")]
    Articles,
    #[sea_orm(has_many = "super::article::Entity", via_rel = "Relation::Editor")]
    EditedArticles,
    #[sea_orm(has_many = "super::visit::Entity")]
    Visits,
    #[sea_orm(has_many = "super::membership::Entity")]
    Memberships,
}

entity! {
    card in "cards" {
        #[sea_orm(primary_key)]
        id: i32,
        #[sea_orm(unique)]
        number: String,
        #[sea_orm(unique)]
        member_id: i32,
    }
    #[sea_orm(
        belongs_to = "super::member::Entity",
        from = "Column::MemberId",
        to = "super::member::Column::Id",
        on_delete = "Cascade"
    )]
    Member,
    => member by Member
}

entity! {
    locker in "lockers" {
        #[sea_orm(primary_key)]
        id: i32,
        floor: i32,
        #[sea_orm(unique)]
        member_id: Option<i32>,
    }
    #[sea_orm(
        belongs_to = "super::member::Entity",
        from = "Column::MemberId",
        to = "super::member::Column::Id",
        on_delete = "SetNull"
    )]
    Member,
    => member by Member
}

entity! {
    seal in "seals" {
        #[sea_orm(primary_key)]
        id: i32,
        #[sea_orm(unique)]
        member_id: i32,
    }
    #[sea_orm(
        belongs_to = "super::member::Entity",
        from = "Column::MemberId",
        to = "super::member::Column::Id",
        on_delete = "Cascade"
    )]
    Member,
}

entity! {
    diary in "diaries" {
        #[sea_orm(primary_key)]
        id: i32,
        title: String,
        #[sea_orm(unique)]
        member_id: i32,
    }
    #[sea_orm(
        belongs_to = "super::member::Entity",
        from = "Column::MemberId",
        to = "super::member::Column::Id",
        on_delete = "Cascade"
    )]
    Member,
    => member by Member
}

entity! {
    captain in "captains" {
        #[sea_orm(primary_key, auto_increment = false)]
        member_id: i32,
        #[sea_orm(default_value = "onwards")]
        motto: String,
    }
    #[sea_orm(
        belongs_to = "super::member::Entity",
        from = "Column::MemberId",
        to = "super::member::Column::Id",
        on_delete = "Cascade",
        on_update = "Cascade"
    )]
    Member,
    #[sea_orm(has_many = "super::trophy::Entity")]
    Trophies,
    #[sea_orm(has_many = "super::oath::Entity")]
    Oaths,
    => member by Member
}

entity! {
    trophy in "trophies" {
        #[sea_orm(primary_key)]
        id: i32,
        name: String,
        captain_id: i32,
    }
    #[sea_orm(
        belongs_to = "super::captain::Entity",
        from = "Column::CaptainId",
        to = "super::captain::Column::MemberId",
        on_delete = "Cascade",
        on_update = "Cascade"
    )]
    Captain,
    => captain by Captain
}

entity! {
    oath in "oaths" {
        #[sea_orm(primary_key)]
        id: i32,
        words: String,
        captain_id: i32,
    }
    #[sea_orm(
        belongs_to = "super::captain::Entity",
        from = "Column::CaptainId",
        to = "super::captain::Column::MemberId"
    )]
    Captain,
    => captain by Captain
}

entity! {
    song in "songs" {
        #[sea_orm(primary_key)]
        id: i32,
        #[sea_orm(unique)]
        title: String,
    }
}

entity! {
    captain_song in "captain_songs" {
        #[sea_orm(primary_key, auto_increment = false)]
        captain_id: i32,
        #[sea_orm(primary_key, auto_increment = false)]
        song_id: i32,
    }
    #[sea_orm(
        belongs_to = "super::captain::Entity",
        from = "Column::CaptainId",
        to = "super::captain::Column::MemberId",
        on_delete = "Cascade",
        on_update = "Cascade"
    )]
    Captain,
    #[sea_orm(
        belongs_to = "super::song::Entity",
        from = "Column::SongId",
        to = "super::song::Column::Id",
        on_delete = "Cascade"
    )]
    Song,
}

entity! {
    article in "articles" {
        #[sea_orm(primary_key)]
        id: i32,
        title: String,
        author_id: i32,
        editor_id: Option<i32>,
    }
    #[sea_orm(
        belongs_to = "super::member::Entity",
        from = "Column::AuthorId",
        to = "super::member::Column::Id",
        on_delete = "Cascade"
    )]
    Author,
    #[sea_orm(
        belongs_to = "super::member::Entity",
        from = "Column::EditorId",
        to = "super::member::Column::Id",
        on_delete = "SetNull"
    )]
    Editor,
    #[sea_orm(has_many = "super::comment::Entity")]
    Comments,
}

entity! {
    comment in "comments" {
        #[sea_orm(primary_key)]
        id: i32,
        words: String,
        article_id: i32,
    }
    #[sea_orm(
        belongs_to = "super::article::Entity",
        from = "Column::ArticleId",
        to = "super::article::Column::Id",
        on_delete = "Cascade"
    )]
    Article,
    => article by Article
}

entity! {
    visit in "visits" {
        #[sea_orm(primary_key)]
        id: i32,
        day: String,
        member_id: i32,
    }
    #[sea_orm(
        belongs_to = "super::member::Entity",
        from = "Column::MemberId",
        to = "super::member::Column::Id",
        skip_fk
    )]
    Member,
    => member by Member
}

entity! {
    team in "teams" {
        #[sea_orm(primary_key)]
        id: i32,
        #[sea_orm(unique)]
        name: String,
    }
    #[sea_orm(has_many = "super::game::Entity", via_rel = "Relation::Home")]
    HomeGames,
    #[sea_orm(has_many = "super::game::Entity", via_rel = "Relation::Away")]
    AwayGames,
    #[sea_orm(has_many = "super::membership::Entity")]
    Memberships,
}

entity! {
    game in "games" {
        #[sea_orm(primary_key)]
        id: i32,
        day: String,
        home_id: Option<i32>,
        away_id: Option<i32>,
    }
    #[sea_orm(
        belongs_to = "super::team::Entity",
        from = "Column::HomeId",
        to = "super::team::Column::Id",
        on_delete = "SetNull"
    )]
    Home,
    #[sea_orm(
        belongs_to = "super::team::Entity",
        from = "Column::AwayId",
        to = "super::team::Column::Id",
        on_delete = "SetNull"
    )]
    Away,
}

entity! {
    membership in "memberships" {
        #[sea_orm(primary_key)]
        id: i32,
        role: String,
        #[sea_orm(default_value = 1)]
        shirt: i32,
        note: Option<String>,
        #[sea_orm(unique_key = "member_team")]
        member_id: i32,
        #[sea_orm(unique_key = "member_team")]
        team_id: i32,
    }
    #[sea_orm(
        belongs_to = "super::member::Entity",
        from = "Column::MemberId",
        to = "super::member::Column::Id",
        on_delete = "Cascade"
    )]
    Member,
    #[sea_orm(
        belongs_to = "super::team::Entity",
        from = "Column::TeamId",
        to = "super::team::Column::Id",
        on_delete = "Cascade"
    )]
    Team,
    #[sea_orm(has_many = "super::award::Entity")]
    Awards,
    => member by Member, team by Team
}

entity! {
    award in "awards" {
        #[sea_orm(primary_key)]
        id: i32,
        name: String,
        membership_id: i32,
    }
    #[sea_orm(
        belongs_to = "super::membership::Entity",
        from = "Column::MembershipId",
        to = "super::membership::Column::Id",
        on_delete = "Cascade"
    )]
    Membership,
    => membership by Membership
}

entity! {
    room in "rooms" {
        #[sea_orm(primary_key)]
        id: i32,
        #[sea_orm(unique)]
        name: String,
    }
}

entity! {
    shift in "shifts" {
        #[sea_orm(primary_key)]
        id: i32,
        #[sea_orm(unique)]
        hour: Option<i32>,
        note: Option<String>,
        member_id: i32,
        room_id: i32,
    }
    #[sea_orm(
        belongs_to = "super::member::Entity",
        from = "Column::MemberId",
        to = "super::member::Column::Id",
        on_delete = "Cascade"
    )]
    Member,
    #[sea_orm(
        belongs_to = "super::room::Entity",
        from = "Column::RoomId",
        to = "super::room::Column::Id",
        on_delete = "Cascade"
    )]
    Room,
    => member by Member, room by Room
}

impl sea_orm::Related<member::Entity> for room::Entity {
    fn to() -> sea_orm::RelationDef {
        sea_orm::RelationTrait::def(&shift::Relation::Member)
    }

    fn via() -> Option<sea_orm::RelationDef> {
        Some(sea_orm::RelationTrait::def(&shift::Relation::Room).rev())
    }
}

impl sea_orm::Related<room::Entity> for member::Entity {
    fn to() -> sea_orm::RelationDef {
        sea_orm::RelationTrait::def(&shift::Relation::Room)
    }

    fn via() -> Option<sea_orm::RelationDef> {
        Some(sea_orm::RelationTrait::def(&shift::Relation::Member).rev())
    }
}

entity! {
    tower in "towers" {
        #[sea_orm(primary_key)]
        id: i32,
        name: String,
    }
}

entity! {
    duty in "duties" {
        #[sea_orm(primary_key, auto_increment = false)]
        tower_id: i32,
        #[sea_orm(primary_key, auto_increment = false)]
        member_id: i32,
        #[sea_orm(unique)]
        rank: i32,
        note: Option<String>,
    }
    #[sea_orm(
        belongs_to = "super::tower::Entity",
        from = "Column::TowerId",
        to = "super::tower::Column::Id",
        on_delete = "Cascade"
    )]
    Tower,
    #[sea_orm(
        belongs_to = "super::member::Entity",
        from = "Column::MemberId",
        to = "super::member::Column::Id",
        on_delete = "Cascade"
    )]
    Member,
    => member by Member, tower by Tower
}

entity! {
    skill in "skills" {
        #[sea_orm(primary_key)]
        id: i32,
        #[sea_orm(unique)]
        name: String,
    }
}

entity! {
    member_skill in "member_skills" {
        #[sea_orm(primary_key, auto_increment = false)]
        member_id: i32,
        #[sea_orm(primary_key, auto_increment = false)]
        skill_id: i32,
    }
    #[sea_orm(
        belongs_to = "super::member::Entity",
        from = "Column::MemberId",
        to = "super::member::Column::Id",
        on_delete = "Cascade"
    )]
    Member,
    #[sea_orm(
        belongs_to = "super::skill::Entity",
        from = "Column::SkillId",
        to = "super::skill::Column::Id",
        on_delete = "Cascade"
    )]
    Skill,
}

entity! {
    follow in "follows" {
        #[sea_orm(primary_key, auto_increment = false)]
        follower_id: i32,
        #[sea_orm(primary_key, auto_increment = false)]
        followed_id: i32,
    }
    #[sea_orm(
        belongs_to = "super::member::Entity",
        from = "Column::FollowerId",
        to = "super::member::Column::Id",
        on_delete = "Cascade"
    )]
    Follower,
    #[sea_orm(
        belongs_to = "super::member::Entity",
        from = "Column::FollowedId",
        to = "super::member::Column::Id",
        on_delete = "Cascade"
    )]
    Followed,
}

entity! {
    country in "countries" {
        #[sea_orm(primary_key)]
        id: i32,
        #[sea_orm(unique)]
        code: String,
        name: String,
    }
    #[sea_orm(has_many = "super::letter::Entity")]
    Letters,
}

entity! {
    letter in "letters" {
        #[sea_orm(primary_key)]
        id: i32,
        words: String,
        country_code: Option<String>,
    }
    #[sea_orm(
        belongs_to = "super::country::Entity",
        from = "Column::CountryCode",
        to = "super::country::Column::Code"
    )]
    Country,
    => country by Country
}

entity! {
    shelf in "shelves" {
        #[sea_orm(primary_key, auto_increment = false)]
        room: String,
        #[sea_orm(primary_key, auto_increment = false)]
        number: i32,
        label: Option<String>,
    }
    #[sea_orm(has_many = "super::book::Entity")]
    Books,
}

entity! {
    book in "books" {
        #[sea_orm(primary_key)]
        id: i32,
        title: String,
        shelf_room: Option<String>,
        shelf_number: Option<i32>,
    }
    #[sea_orm(
        belongs_to = "super::shelf::Entity",
        from = "(Column::ShelfRoom, Column::ShelfNumber)",
        to = "(super::shelf::Column::Room, super::shelf::Column::Number)",
        on_delete = "SetNull"
    )]
    Shelf,
    => shelf by Shelf
}

entity! {
    category in "categories" {
        #[sea_orm(primary_key)]
        id: i32,
        name: String,
        parent_id: Option<i32>,
    }
    #[sea_orm(belongs_to = "Entity", from = "Column::ParentId", to = "Column::Id", on_delete = "Cascade")]
    Parent,
    #[sea_orm(has_many = "Entity", via_rel = "Relation::Parent")]
    Children,
}

entity! {
    hen in "hens" {
        #[sea_orm(primary_key)]
        id: i32,
        name: String,
        egg_id: Option<i32>,
    }
    #[sea_orm(
        belongs_to = "super::egg::Entity",
        from = "Column::EggId",
        to = "super::egg::Column::Id",
        on_delete = "Cascade"
    )]
    HatchedFrom,
    #[sea_orm(has_many = "super::egg::Entity", via_rel = "Relation::LaidBy")]
    Eggs,
}

entity! {
    egg in "eggs" {
        #[sea_orm(primary_key)]
        id: i32,
        name: String,
        hen_id: Option<i32>,
    }
    #[sea_orm(
        belongs_to = "super::hen::Entity",
        from = "Column::HenId",
        to = "super::hen::Column::Id",
        on_delete = "Cascade"
    )]
    LaidBy,
}

entity! {
    region in "regions" {
        #[sea_orm(primary_key)]
        id: i32,
        name: String,
    }
    #[sea_orm(has_many = "super::camp::Entity")]
    Camps,
    #[sea_orm(has_many = "super::guide::Entity")]
    Guides,
    #[sea_orm(has_many = "super::route::Entity", via_rel = "Relation::Region")]
    Routes,
}

entity! {
    camp in "camps" {
        #[sea_orm(primary_key)]
        id: i32,
        name: String,
        region_id: i32,
    }
    #[sea_orm(
        belongs_to = "super::region::Entity",
        from = "Column::RegionId",
        to = "super::region::Column::Id",
        on_delete = "Cascade"
    )]
    Region,
    #[sea_orm(has_many = "super::tent::Entity")]
    Tents,
    #[sea_orm(has_many = "super::flare::Entity")]
    Flares,
    => region by Region
}

entity! {
    tent in "tents" {
        #[sea_orm(primary_key)]
        id: i32,
        name: String,
        camp_id: Option<i32>,
    }
    #[sea_orm(
        belongs_to = "super::camp::Entity",
        from = "Column::CampId",
        to = "super::camp::Column::Id",
        on_delete = "Cascade"
    )]
    Camp,
    => camp by Camp
}

entity! {
    flare in "flares" {
        #[sea_orm(primary_key)]
        id: i32,
        name: String,
        camp_id: i32,
    }
    #[sea_orm(
        belongs_to = "super::camp::Entity",
        from = "Column::CampId",
        to = "super::camp::Column::Id",
        on_delete = "Restrict"
    )]
    Camp,
    => camp by Camp
}

entity! {
    permit in "permits" {
        #[sea_orm(primary_key)]
        id: i32,
        name: String,
        camp_id: i32,
        region_id: Option<i32>,
    }
    #[sea_orm(
        belongs_to = "super::camp::Entity",
        from = "Column::CampId",
        to = "super::camp::Column::Id",
        on_delete = "NoAction"
    )]
    Camp,
    #[sea_orm(
        belongs_to = "super::region::Entity",
        from = "Column::RegionId",
        to = "super::region::Column::Id",
        on_delete = "Cascade"
    )]
    Region,
}

entity! {
    pledge in "pledges" {
        #[sea_orm(primary_key)]
        id: i32,
        name: String,
        camp_id: i32,
        region_id: Option<i32>,
    }
    #[sea_orm(
        belongs_to = "super::camp::Entity",
        from = "Column::CampId",
        to = "super::camp::Column::Id",
        on_delete = "Restrict"
    )]
    Camp,
    #[sea_orm(
        belongs_to = "super::region::Entity",
        from = "Column::RegionId",
        to = "super::region::Column::Id",
        on_delete = "Cascade"
    )]
    Region,
}

entity! {
    guide in "guides" {
        #[sea_orm(primary_key)]
        id: i32,
        name: String,
        region_id: Option<i32>,
    }
    #[sea_orm(
        belongs_to = "super::region::Entity",
        from = "Column::RegionId",
        to = "super::region::Column::Id",
        on_delete = "SetNull"
    )]
    Region,
    => region by Region
}

entity! {
    route in "routes" {
        #[sea_orm(primary_key)]
        id: i32,
        name: String,
        #[sea_orm(default_value = 1)]
        region_id: i32,
        detour_id: Option<i32>,
    }
    #[sea_orm(
        belongs_to = "super::region::Entity",
        from = "Column::RegionId",
        to = "super::region::Column::Id",
        on_delete = "SetDefault"
    )]
    Region,
    #[sea_orm(
        belongs_to = "super::region::Entity",
        from = "Column::DetourId",
        to = "super::region::Column::Id",
        on_delete = "SetDefault"
    )]
    Detour,
}

/// Registers all entities.
pub fn registry() -> Registry {
    Registry::new()
        .register::<member::Entity>()
        .register::<card::Entity>()
        .register::<locker::Entity>()
        .register::<seal::Entity>()
        .register::<diary::Entity>()
        .register::<captain::Entity>()
        .register::<trophy::Entity>()
        .register::<oath::Entity>()
        .register::<song::Entity>()
        .register::<captain_song::Entity>()
        .register::<article::Entity>()
        .register::<comment::Entity>()
        .register::<visit::Entity>()
        .register::<team::Entity>()
        .register::<game::Entity>()
        .register::<membership::Entity>()
        .register::<award::Entity>()
        .register::<room::Entity>()
        .register::<shift::Entity>()
        .many_to_many::<room::Entity, member::Entity>("members")
        .many_to_many::<member::Entity, room::Entity>("rooms")
        .register::<tower::Entity>()
        .register::<duty::Entity>()
        .register::<skill::Entity>()
        .register::<member_skill::Entity>()
        .register_with::<follow::Entity>(|follow| {
            follow.list_through("follower", "fans").list_through("followed", "idols")
        })
        .register::<country::Entity>()
        .register::<letter::Entity>()
        .register::<shelf::Entity>()
        .register::<book::Entity>()
        .register::<category::Entity>()
        .register::<hen::Entity>()
        .register::<egg::Entity>()
        .register::<region::Entity>()
        .register::<camp::Entity>()
        .register::<tent::Entity>()
        .register::<flare::Entity>()
        .register::<permit::Entity>()
        .register::<pledge::Entity>()
        .register::<guide::Entity>()
        .register::<route::Entity>()
}

/// Registers the entities over tables with only NO ACTION, as Django creates them: an application rule for
/// each key stands for the entity's own action.
pub fn registry_with_rules() -> Registry {
    use crowsfoot::OnDelete::{Cascade, Restrict, SetDefault, SetNull};
    Registry::new()
        // By the list of the referenced entity, or by the foreign key.
        .register_with::<member::Entity>(|member| {
            member
                .on_delete("mentor", SetNull)
                .on_delete("diaries", Cascade)
                .on_delete("captain", Cascade)
                .on_delete("articles", Cascade)
                .on_delete("EditedArticles", SetNull)
                .on_delete("skills", Cascade)
                .on_delete("memberships", Cascade)
        })
        .register_with::<card::Entity>(|card| card.on_delete("member", Cascade))
        .register_with::<locker::Entity>(|locker| locker.on_delete("Member", SetNull))
        .register_with::<seal::Entity>(|seal| seal.on_delete("member", Cascade))
        .register::<diary::Entity>()
        .register_with::<captain::Entity>(|captain| {
            captain.on_delete("trophies", Cascade).on_delete("songs", Cascade)
        })
        .register::<trophy::Entity>()
        .register_with::<oath::Entity>(|oath| oath.on_delete("captain", Restrict))
        .register_with::<song::Entity>(|song| song.on_delete("captains", Cascade))
        .register::<captain_song::Entity>()
        .register_with::<article::Entity>(|article| article.on_delete("comments", Cascade))
        .register::<comment::Entity>()
        .register::<visit::Entity>()
        .register_with::<team::Entity>(|team| {
            team.on_delete("homeGames", SetNull)
                .on_delete("awayGames", SetNull)
                .on_delete("memberships", Cascade)
        })
        .register::<game::Entity>()
        .register_with::<membership::Entity>(|membership| membership.on_delete("awards", Cascade))
        .register::<award::Entity>()
        .register::<room::Entity>()
        .register_with::<shift::Entity>(|shift| shift.on_delete("member", Cascade).on_delete("room", Cascade))
        .many_to_many::<room::Entity, member::Entity>("members")
        .many_to_many::<member::Entity, room::Entity>("rooms")
        .register::<tower::Entity>()
        .register_with::<duty::Entity>(|duty| duty.on_delete("tower", Cascade).on_delete("member", Cascade))
        .register_with::<skill::Entity>(|skill| skill.on_delete("members", Cascade))
        .register::<member_skill::Entity>()
        .register_with::<follow::Entity>(|follow| {
            follow
                .list_through("follower", "fans")
                .list_through("followed", "idols")
                .on_delete("follower", Cascade)
                .on_delete("followed", Cascade)
        })
        .register::<country::Entity>()
        .register_with::<letter::Entity>(|letter| letter.on_delete("country", Restrict))
        .register_with::<shelf::Entity>(|shelf| shelf.on_delete("books", SetNull))
        .register::<book::Entity>()
        .register_with::<category::Entity>(|category| category.on_delete("children", Cascade))
        .register_with::<hen::Entity>(|hen| hen.on_delete("hatchedFrom", Cascade))
        .register_with::<egg::Entity>(|egg| egg.on_delete("laidBy", Cascade))
        .register_with::<region::Entity>(|region| {
            region.on_delete("camps", Cascade).on_delete("guides", SetNull).on_delete("routes", SetDefault)
        })
        .register_with::<camp::Entity>(|camp| camp.on_delete("tents", Cascade).on_delete("flares", Restrict))
        .register::<tent::Entity>()
        .register::<flare::Entity>()
        .register_with::<permit::Entity>(|permit| {
            permit.on_delete("camp", Restrict).on_delete("region", Cascade)
        })
        .register_with::<pledge::Entity>(|pledge| {
            pledge.on_delete("camp", Restrict).on_delete("region", Cascade)
        })
        .register::<guide::Entity>()
        .register_with::<route::Entity>(|route| route.on_delete("detour", SetDefault))
}

/// Actions and check time of the tables' foreign keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keys {
    /// Own actions, checked at once.
    Immediate,
    /// Own actions, checked at the end of the transaction.
    Deferred,
    /// No actions on deletion, checked at the end of the transaction.
    DeferredNoAction,
}

/// Returns the tables of the domain, for a database.
pub fn tables(key: &str, keys: Keys) -> String {
    let sql = include_str!("tables.sql").replace("{key}", key);
    if keys == Keys::Immediate {
        return sql;
    }
    let mut all = String::new();
    for line in sql.lines() {
        let mut line = line.to_owned();
        // A line has at most one foreign key, at its end.
        if line.contains("REFERENCES") {
            let end = line.strip_suffix(");").unwrap_or(line.trim_end_matches([',', ';'])).len();
            line.insert_str(end, " DEFERRABLE INITIALLY DEFERRED");
        }
        if keys == Keys::DeferredNoAction {
            for action in ["CASCADE", "SET NULL", "SET DEFAULT", "RESTRICT", "NO ACTION"] {
                line = line.replace(&format!(" ON DELETE {action}"), "");
            }
        }
        all += &line;
        all.push('\n');
    }
    all
}
