//! Tables of the example domain, and example rows.
//!
//! [`Migrator`] creates and drops the tables on SQLite, PostgreSQL and MySQL, with one migration for each of
//! the six worlds of the `entity` crate. The definitions are hand-written and independent of the entities, so
//! that an applied migration keeps its meaning. The tests compare both.
//!
//! [`apply`] runs the migrations, safe from interruption and from a second process. [`seed`] fills empty
//! tables with the example rows, as many times as requested.

use sea_orm_migration::prelude::*;

pub mod apply;
mod m20250101_000001_create_accounts;
mod m20250101_000002_create_publishing;
mod m20250101_000003_create_enrolment;
mod m20250101_000004_create_staff;
mod m20250101_000005_create_identity;
mod m20250101_000006_create_dining;
pub mod seed;

/// All migrations, in the order of application.
#[derive(Debug)]
pub struct Migrator;

#[async_trait::async_trait]
impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![
            Box::new(m20250101_000001_create_accounts::Migration),
            Box::new(m20250101_000002_create_publishing::Migration),
            Box::new(m20250101_000003_create_enrolment::Migration),
            Box::new(m20250101_000004_create_staff::Migration),
            Box::new(m20250101_000005_create_identity::Migration),
            Box::new(m20250101_000006_create_dining::Migration),
        ]
    }
}
