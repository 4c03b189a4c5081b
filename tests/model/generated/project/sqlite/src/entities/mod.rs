//! Entities of the database, and their registration.
//!
//! Notes about the tables:
//!
//! - column days.spot is left out: there is no scalar for point
//! - column every_types.an_interval is left out: there is no scalar for interval
//! - column every_types.a_point is left out: there is no scalar for point
//! - column every_types.an_any is left out: there is no scalar for ANY
//! - column every_types.untyped is left out: it has no declared type; the option types names its scalar

pub mod bookings;
pub mod clubs;
pub mod days;
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
                .hide("Spot")
        })
        .register_with::<every_types::Entity>(|entity| {
            entity
                .name("EveryType")
                .hide("AnInterval")
                .hide("APoint")
                .hide("AnAny")
                .hide("Untyped")
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
                .order_by("[{ name: ASC }]")
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
}
