//! Seeds empty tables with the example rows, and any number of generated copies of their shape.
//!
//! [`rows`] generates the rows, without a database; this module only writes them. The same scale always gives
//! the same rows, on every database.

use sea_orm_migration::prelude::*;
use sea_orm_migration::sea_orm::{
    DbBackend, EntityTrait, IntoActiveModel, Iterable, PrimaryKeyToColumn, PrimaryKeyTrait, Statement,
    TransactionSession, TransactionTrait,
};

use crate::apply;

mod example;
pub mod rows;
mod words;

/// Tables of the domain, each after those it references.
pub const TABLES: [&str; 16] = [
    "users",
    "profiles",
    "user_infos",
    "authors",
    "posts",
    "books",
    "students",
    "courses",
    "course_students",
    "badges",
    "employees",
    "persons",
    "passports",
    "places",
    "restaurants",
    "waiters",
];

/// Maximum scale; beyond it a generated text that must be unique may repeat.
pub const MAX_SCALE: u32 = 1_000_000;

/// Number of rows per INSERT. The widest table has four columns; SQLite has the tightest limit on bound
/// values, 32,766 per statement.
const ROWS_PER_INSERT: usize = 500;

/// Reason for refusing a seed. The database is unchanged.
#[derive(Debug, thiserror::Error)]
pub enum SeedError {
    /// A table has rows, and the seed has ids of its own.
    #[error("the database is not empty: there are rows in table `{table}`")]
    NotEmpty {
        /// First table with rows.
        table: &'static str,
    },
    /// The scale is zero or above [`MAX_SCALE`].
    #[error("the scale has to be from 1 to {MAX_SCALE}, not {scale}")]
    Scale {
        /// Requested scale.
        scale: u32,
    },
    /// The database refused a statement.
    #[error(transparent)]
    Database(#[from] DbErr),
}

/// Returns true if no table of the domain has a row.
///
/// # Errors
///
/// If a table cannot be read, for example before the migrations have run.
pub async fn is_empty(db: &impl ConnectionTrait) -> Result<bool, DbErr> {
    Ok(filled_table(db).await?.is_none())
}

/// Seeds the empty tables in one transaction and returns the number of rows.
///
/// Scale 1 is the example alone; scale N has N times as many rows in every table. `progress` is called after
/// every statement, with the number of written rows and their total. Processes that seed the same database
/// take turns, so that the second one finds it filled.
///
/// # Errors
///
/// If a table has rows, the scale is out of range, or the database refuses a statement. Nothing is written
/// then.
pub async fn seed(
    db: &(impl ConnectionTrait + TransactionTrait),
    scale: u32,
    progress: impl Fn(u64, u64),
) -> Result<u64, SeedError> {
    if !(1..=MAX_SCALE).contains(&scale) {
        return Err(SeedError::Scale { scale });
    }
    // An early return drops the transaction, which rolls it back.
    let transaction = apply::begin(db).await?;
    if let Some(table) = filled_table(&transaction).await? {
        return Err(SeedError::NotEmpty { table });
    }
    let mut seeding = Seeding { db: transaction, progress, done: 0, total: rows::total(scale) };
    seeding.fill::<entity::user::Entity>(rows::users(scale)).await?;
    seeding.fill::<entity::profile::Entity>(rows::profiles(scale)).await?;
    seeding.fill::<entity::user_info::Entity>(rows::user_infos(scale)).await?;
    seeding.fill::<entity::author::Entity>(rows::authors(scale)).await?;
    seeding.fill::<entity::post::Entity>(rows::posts(scale)).await?;
    seeding.fill::<entity::book::Entity>(rows::books(scale)).await?;
    seeding.fill::<entity::student::Entity>(rows::students(scale)).await?;
    seeding.fill::<entity::course::Entity>(rows::courses(scale)).await?;
    seeding.fill::<entity::course_student::Entity>(rows::course_students(scale)).await?;
    seeding.fill::<entity::badge::Entity>(rows::badges(scale)).await?;
    seeding.fill::<entity::employee::Entity>(rows::employees(scale)).await?;
    seeding.fill::<entity::person::Entity>(rows::persons(scale)).await?;
    seeding.fill::<entity::passport::Entity>(rows::passports(scale)).await?;
    seeding.fill::<entity::place::Entity>(rows::places(scale)).await?;
    seeding.fill::<entity::restaurant::Entity>(rows::restaurants(scale)).await?;
    seeding.fill::<entity::waiter::Entity>(rows::waiters(scale)).await?;
    seeding.db.commit().await?;
    Ok(seeding.done)
}

/// Returns the first table of the domain that has a row, if any.
async fn filled_table(db: &impl ConnectionTrait) -> Result<Option<&'static str>, DbErr> {
    for table in TABLES {
        let any = Query::select().expr(Expr::cust("1")).from(table).limit(1).take();
        if db.query_one(&any).await?.is_some() {
            return Ok(Some(table));
        }
    }
    Ok(None)
}

/// Seed in progress.
struct Seeding<T, P> {
    db: T,
    progress: P,
    done: u64,
    total: u64,
}

impl<T: ConnectionTrait, P: Fn(u64, u64)> Seeding<T, P> {
    /// Writes all rows of a table. Generated ids are 1, 2, 3 and so on.
    async fn fill<E>(&mut self, mut rows: impl Iterator<Item = E::Model>) -> Result<(), DbErr>
    where
        E: EntityTrait,
        E::Model: IntoActiveModel<E::ActiveModel>,
    {
        let mut written = 0;
        loop {
            let batch: Vec<_> =
                rows.by_ref().take(ROWS_PER_INSERT).map(IntoActiveModel::into_active_model).collect();
            if batch.is_empty() {
                break;
            }
            written += E::insert_many(batch).exec_without_returning(&self.db).await?;
            (self.progress)(self.done + written, self.total);
        }
        self.done += written;
        if E::PrimaryKey::auto_increment() {
            self.move_sequence::<E>(written).await?;
        }
        Ok(())
    }

    /// Advances PostgreSQL's sequence past `last`: unlike other databases, PostgreSQL ignores ids that were
    /// inserted explicitly.
    async fn move_sequence<E: EntityTrait>(&self, last: u64) -> Result<(), DbErr> {
        if self.db.get_database_backend() != DbBackend::Postgres {
            return Ok(());
        }
        for key in E::PrimaryKey::iter() {
            self.db
                .execute_raw(Statement::from_sql_and_values(
                    DbBackend::Postgres,
                    "SELECT setval(pg_get_serial_sequence($1, $2), $3)",
                    [
                        E::default().table_name().into(),
                        key.into_column().to_string().into(),
                        (last as i64).into(),
                    ],
                ))
                .await?;
        }
        Ok(())
    }
}
