//! Entities of the database, and their registration.
//!
//! Notes about the tables:
//!
//! - column days.words is read-only: tsvector is served as its text form
//! - column every_types.a_one is read-only: "char" is served as its text form
//! - column every_types.a_point is read-only: point is served as its text form
//! - column every_types.a_box is read-only: box is served as its text form
//! - column every_types.a_tsvector is read-only: tsvector is served as its text form
//! - column every_types.a_tsquery is read-only: tsquery is served as its text form
//! - column every_types.a_jsonpath is read-only: jsonpath is served as its text form
//! - column every_types.an_oid is read-only: oid is served as its text form
//! - column every_types.a_regclass is read-only: regclass is served as its text form
//! - column every_types.a_pg_lsn is read-only: pg_lsn is served as its text form
//! - column every_types.documents is read-only: jsonb[] is served as its text form
//! - column every_types.places is read-only: place[] is served as its text form
//! - value "+" of database enum weather is named VALUE, because "" is not a valid name

pub mod bookings;
pub mod clubs;
pub mod days;
pub mod enums;
pub mod every_types;
pub mod memberships;
pub mod passports;
pub mod people;
pub mod person_tags;
pub mod rooms;
pub mod tags;

use crowsfoot::Registry;
use serde_json::json;

/// Registers all entities.
pub fn registry() -> Registry {
    Registry::new()
        .register_with::<bookings::Entity>(|entity| {
            entity
                .name("Booking")
                .scope("{ floor: { gt: 0 } }")
                .on_delete("Guest", crowsfoot::OnDelete::Cascade)
        })
        .register_with::<clubs::Entity>(|entity| {
            entity
                .name("Club")
                .rename("SelfColumn", "self")
        })
        .register_with::<days::Entity>(|entity| {
            entity
                .name("Day")
        })
        .register_with::<every_types::Entity>(|entity| {
            entity
                .name("EveryType")
        })
        .register_with::<memberships::Entity>(|entity| {
            entity
                .name("Membership")
                .list_through("Person", "people")
                .list_through("Club", "clubs")
                .shown(true)
        })
        .register_with::<passports::Entity>(|entity| {
            entity
                .name("Passport")
        })
        .register_with::<people::Entity>(|entity| {
            entity
                .name("Person")
                .plural("everybody")
                .comment("Everybody")
                .order_by("[{ name: ASC }]")
                .comments("Name", "Name as it is called")
                .rename("OddName", "oddity")
                .default_value("Type", json!("GUEST"))
                .choices("Type", [("GUEST", json!("guest")), ("STAFF", json!("staff"))])
                .comments("Bookings", "Rooms that the person sleeps in.")
                .rename("Paid", "paid")
        })
        .register_with::<person_tags::Entity>(|entity| {
            entity
                .name("PersonTag")
                .list_through("Tag", "tags")
                .list_through("Person", "people")
        })
        .register_with::<rooms::Entity>(|entity| {
            entity
                .name("Room")
        })
        .register_with::<tags::Entity>(|entity| {
            entity
                .name("Tag")
        })
        .enum_value("weather", "+", "VALUE")
}
