//! The tables of the example domain, and rows to fill them with.
//!
//! [`Migrator`] makes and unmakes the tables on SQLite, PostgreSQL and MySQL, one migration for each of the six worlds the
//! `entity` crate describes. The definitions are written by hand and not taken from the entities, so that a migration
//! that has run keeps meaning what it meant; the tests compare the two.
//!
//! [`apply`] runs them, safe from interruption and from a second process. [`seed`] fills empty tables with the example rows, as often over as asked.

use sea_orm_migration::prelude::*;

pub mod apply;
mod m20250101_000001_create_accounts;
mod m20250101_000002_create_publishing;
mod m20250101_000003_create_enrolment;
mod m20250101_000004_create_staff;
mod m20250101_000005_create_identity;
mod m20250101_000006_create_dining;
pub mod seed;

/// All migrations, in the order in which they are applied.
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
