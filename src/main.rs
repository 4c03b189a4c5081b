//! The command line: serves the example domain, and looks after its database and schema.

mod config;
mod example;

use std::fmt::Display;
use std::io::IsTerminal;
use std::path::Path;
use std::process::ExitCode;

use clap::Parser;
use config::{Command, CommandLine, Database, Dialect, LogFormat, Migrate, Mode, Serve};
use crowsfoot::Schema;
use crowsfoot::execute::{self, Limits};
use crowsfoot::server::{Server, Settings};
use indicatif::{ProgressBar, ProgressStyle};
use migration::{Migrator, seed};
use sea_orm_migration::MigratorTrait;

/// Whatever ends the program; printed as it is.
type Failure = Box<dyn std::error::Error>;

#[actix_web::main]
async fn main() -> ExitCode {
    let CommandLine { command, serve } = CommandLine::parse();
    let done = match command.unwrap_or(Command::Serve(serve)) {
        Command::Serve(serve) => run_service(serve).await,
        Command::Migrate { direction } => migrate(&direction).await,
        Command::Seed { scale, database } => run_seed(scale, &database).await,
        Command::Schema { check } => print_schema(check.as_deref()),
        Command::Explain { query, variables, dialect } => explain(&query, variables.as_deref(), dialect),
        Command::Check { database } => check(&database).await,
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("crowsfoot: {failure}");
            ExitCode::FAILURE
        }
    }
}

async fn connect(database: &Database) -> Result<execute::Database, Failure> {
    Ok(execute::connect(&database.database_url, database.pool_size).await?)
}

async fn run_service(settings: Serve) -> Result<(), Failure> {
    log(&settings)?;
    // A model that contradicts itself ends the program before anything else is touched.
    let schema =
        Schema::builder(example::registry().model()?).limits(Limits { rows: settings.max_rows }).finish()?;
    let connection = connect(&settings.database).await?;
    if !settings.no_migrate {
        Migrator::up(&*connection, None).await?;
        if seed::is_empty(&*connection).await? {
            let rows = seed::seed(&*connection, 1, |_, _| {}).await?;
            tracing::info!(rows, "put the example data into the empty database");
        }
    }
    let server = Server::bind(
        schema,
        connection,
        &Settings {
            listen: settings.listen,
            workers: settings.workers.map(Into::into),
            development: settings.mode == Mode::Development,
        },
    )?;
    for address in server.addresses() {
        println!("GraphiQL is at http://{address}/ and GraphQL at http://{address}/graphql");
    }
    Ok(server.run().await?)
}

fn log(settings: &Serve) -> Result<(), Failure> {
    let filter = tracing_subscriber::EnvFilter::try_new(&settings.log)?;
    let subscriber = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        // Colours are for people, not for files.
        .with_ansi(std::io::stderr().is_terminal());
    match settings.log_format {
        LogFormat::Text => subscriber.init(),
        LogFormat::Json => subscriber.json().init(),
    }
    Ok(())
}

async fn migrate(direction: &Migrate) -> Result<(), Failure> {
    let (Migrate::Up(database) | Migrate::Down(database) | Migrate::Status(database)) = direction;
    let connection = connect(database).await?;
    match direction {
        Migrate::Up(_) => Migrator::up(&*connection, None).await?,
        Migrate::Down(_) => Migrator::down(&*connection, None).await?,
        Migrate::Status(_) => {}
    }
    for migration in Migrator::get_migration_with_status(&*connection).await? {
        println!("{:<8} {}", migration.status().to_string(), migration.name());
    }
    Ok(())
}

async fn run_seed(scale: u32, database: &Database) -> Result<(), Failure> {
    let connection = connect(database).await?;
    Migrator::up(&*connection, None).await?;
    let bar = ProgressBar::new(0).with_style(ProgressStyle::with_template("{bar:40} {pos}/{len} rows")?);
    let rows = seed::seed(&*connection, scale, |done, total| {
        bar.set_length(total);
        bar.set_position(done);
    })
    .await?;
    bar.finish();
    println!("{rows} rows");
    Ok(())
}

fn print_schema(check: Option<&Path>) -> Result<(), Failure> {
    let sdl = Schema::new(example::registry().model()?)?.sdl();
    let Some(file) = check else {
        print!("{sdl}");
        return Ok(());
    };
    let golden = std::fs::read_to_string(file).map_err(|error| format!("{}: {error}", file.display()))?;
    match first_difference(&golden, &sdl) {
        None => Ok(()),
        Some(difference) => Err(format!(
            "{} differs from the schema {difference}; \"crowsfoot schema > {0}\" brings it up to date",
            file.display()
        )
        .into()),
    }
}

fn first_difference(golden: &str, current: &str) -> Option<impl Display> {
    let count = golden.lines().count().max(current.lines().count());
    let mut lines = golden.lines().map(Some).chain(std::iter::repeat(None));
    let mut others = current.lines().map(Some).chain(std::iter::repeat(None));
    (1..=count).find_map(|number| {
        let (line, other) = (lines.next()?, others.next()?);
        (line != other)
            .then(|| format!("at line {number} ({:?}, now {:?})", line.unwrap_or(""), other.unwrap_or("")))
    })
}

fn explain(query: &str, variables: Option<&str>, dialect: Dialect) -> Result<(), Failure> {
    let schema = Schema::new(example::registry().model()?)?;
    let variables = variables.map(serde_json::from_str).transpose()?.unwrap_or_default();
    let request =
        async_graphql::Request::new(query).variables(async_graphql::Variables::from_json(variables));
    let dialect = match dialect {
        Dialect::Sqlite => crowsfoot::plan::Dialect::Sqlite,
        Dialect::Postgres => crowsfoot::plan::Dialect::Postgres,
    };
    print!("{}", schema.plan(&request)?.print(&schema.select(dialect)));
    Ok(())
}

async fn check(database: &Database) -> Result<(), Failure> {
    let model = example::registry().model()?;
    let connection = connect(database).await?;
    let differences = execute::verify(&model, &connection).await?;
    if differences.is_empty() {
        println!("{} entities fit each other and the database", model.entities.len());
        return Ok(());
    }
    let lines: Vec<String> = differences.iter().map(|difference| format!("\n  - {difference}")).collect();
    Err(format!("the database differs from the entities ({} found):{}", lines.len(), lines.concat()).into())
}
