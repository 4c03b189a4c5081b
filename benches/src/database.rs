//! Database of the dataset.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use sea_orm::{ConnectionTrait, DatabaseConnection};

use crate::Failure;

/// Kind of a database.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Kind {
    /// A file
    Sqlite,
    /// A server
    Postgres,
}

/// Options of the database's location.
#[derive(Clone, Debug, Args)]
pub struct Database {
    /// Kind of the database
    #[arg(long = "database", value_enum, default_value_t = Kind::Sqlite)]
    pub kind: Kind,
    /// SQLite file [default: benches.db beside this program]
    #[arg(long, value_name = "FILE")]
    sqlite_file: Option<PathBuf>,
    /// PostgreSQL database; it is created, and emptied whenever the dataset is created. Without TLS unless
    /// the URL requests it: sqlx uses TLS if offered, the floor's other driver has none
    #[arg(
        long,
        value_name = "URL",
        env = "CROWSFOOT_BENCH_POSTGRES",
        default_value = "postgres://postgres@127.0.0.1:5432/crowsfoot_bench?sslmode=disable"
    )]
    postgres_url: String,
}

impl Database {
    /// Selects a SQLite file.
    pub fn sqlite(sqlite_file: Option<PathBuf>) -> Self {
        Self { kind: Kind::Sqlite, sqlite_file, postgres_url: String::new() }
    }

    /// Returns the SQLite file.
    pub fn file(&self) -> PathBuf {
        let beside = || std::env::current_exe().unwrap_or_default().with_file_name("benches.db");
        self.sqlite_file.clone().unwrap_or_else(beside)
    }

    /// Returns the URL for the service.
    pub fn url(&self) -> String {
        match self.kind {
            Kind::Sqlite => format!("sqlite://{}?mode=rw", self.file().display()),
            Kind::Postgres => self.postgres_url.clone(),
        }
    }

    /// Returns the command-line options that select this database.
    pub fn arguments(&self) -> [String; 4] {
        let [name, value] = match self.kind {
            Kind::Sqlite => ["--sqlite-file".to_owned(), self.file().display().to_string()],
            Kind::Postgres => ["--postgres-url".to_owned(), self.postgres_url.clone()],
        };
        let kind = if self.kind == Kind::Sqlite { "sqlite" } else { "postgres" };
        ["--database".to_owned(), kind.to_owned(), name, value]
    }

    /// Opens the database.
    ///
    /// # Errors
    /// If the database does not exist.
    pub async fn connect(&self) -> Result<DatabaseConnection, Failure> {
        let database = crowsfoot::connect(&self.url(), 1).await?;
        Ok(DatabaseConnection::clone(&database))
    }

    /// Creates an empty database and opens it.
    ///
    /// # Errors
    /// If the database refuses.
    pub async fn anew(&self) -> Result<DatabaseConnection, Failure> {
        match self.kind {
            Kind::Sqlite => {
                let file = self.file();
                for end in ["", "-wal", "-shm"] {
                    let mut part = file.clone().into_os_string();
                    part.push(end);
                    if let Err(error) = std::fs::remove_file(part)
                        && error.kind() != std::io::ErrorKind::NotFound
                    {
                        return Err(error.into());
                    }
                }
                std::fs::File::create(file)?;
                self.connect().await
            }
            Kind::Postgres => {
                let (place, options) = self.postgres_url.split_once('?').unwrap_or((&self.postgres_url, ""));
                let (server, name) = place.rsplit_once('/').ok_or("the URL names no database")?;
                let administration = format!("{server}/postgres?{options}");
                let administration = crowsfoot::connect(&administration, 1).await?;
                administration
                    .execute_unprepared(&format!("DROP DATABASE IF EXISTS \"{name}\" WITH (FORCE)"))
                    .await?;
                administration.execute_unprepared(&format!("CREATE DATABASE \"{name}\"")).await?;
                administration.close().await?;
                self.connect().await
            }
        }
    }

    /// Returns the name and release of the database system.
    ///
    /// # Errors
    /// If the database does not respond.
    pub async fn release(&self) -> Result<String, Failure> {
        let connection = self.connect().await?;
        let sql = match self.kind {
            Kind::Sqlite => "SELECT 'SQLite ' || sqlite_version()",
            Kind::Postgres => "SELECT 'PostgreSQL ' || current_setting('server_version')",
        };
        let statement = sea_orm::Statement::from_string(connection.get_database_backend(), sql);
        let row = connection.query_one_raw(statement).await?.ok_or("the database says no release")?;
        let release = row.try_get_by_index(0)?;
        connection.close().await?;
        Ok(release)
    }
}
