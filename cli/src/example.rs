//! The example domain: what the program serves, and what its tests ask.

use crowsfoot::Registry;

/// Every entity of the example domain.
pub fn registry() -> Registry {
    Registry::new()
        .register::<entity::user::Entity>()
        .register::<entity::profile::Entity>()
        .register::<entity::user_info::Entity>()
        .register::<entity::author::Entity>()
        .register::<entity::post::Entity>()
        .register::<entity::book::Entity>()
        .register::<entity::student::Entity>()
        .register::<entity::course::Entity>()
        .register::<entity::course_student::Entity>()
        .register::<entity::badge::Entity>()
        .register::<entity::employee::Entity>()
        .register::<entity::person::Entity>()
        .register::<entity::passport::Entity>()
        .register::<entity::place::Entity>()
        .register::<entity::restaurant::Entity>()
        .register::<entity::waiter::Entity>()
}
