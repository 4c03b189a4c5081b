//! The command line: serves the example domain, and looks after its database and schema.

mod check;
mod client;
mod config;
mod example;
mod generate;
mod health;
mod init;
mod log;
mod options;
mod policies;
mod reload;
mod schema_diff;
mod serve;
mod served_options;
#[cfg(test)]
mod settings_page;
mod source;

use std::fmt::Display;
use std::path::Path;
use std::process::ExitCode;

use clap::Parser;
use config::{
    Command, CommandLine, DatabaseOptions, DiagramFormat, DialectName, Migrate, ModelSource, PoliciesCommand,
};
use crowsfoot::diagram::{self, Format};
use crowsfoot::internals::database::suggested_spellings;
use crowsfoot::internals::dialect::Dialect;
use crowsfoot::internals::plan::Catalog;
use crowsfoot::{ConnectSettings, Schema, SchemaBuilder};
use indicatif::{ProgressBar, ProgressStyle};
use migration::seed;
use migration::{Migrator, apply};
use options::Options;
use sea_orm::{ConnectionTrait, DatabaseTransaction, TransactionTrait};
use sea_orm_migration::MigratorTrait;

/// Global allocator. A response allocates and frees many small blocks on one thread, and mimalloc does so faster than the
/// system allocator.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Error that ends the program; its text is printed unchanged.
type Failure = Box<dyn std::error::Error>;

#[actix_web::main]
async fn main() -> ExitCode {
    let CommandLine { command, serve } = CommandLine::parse();
    let done = match command.unwrap_or(Command::Serve(Box::new(serve))) {
        Command::Serve(serve) => serve::run(*serve).await,
        Command::Migrate { direction } => migrate(&direction).await,
        Command::Seed { scale, database } => run_seed(scale, &database).await,
        Command::Schema { diff: Some(other), source, database, .. } => {
            schema_diff::print(&other, &source, &database).await
        }
        Command::Schema { check, role, source, database, .. } => {
            print_schema(check.as_deref(), role.as_deref(), &source, &database).await
        }
        Command::Explain { query, variables, dialect, role, viewer, source, database } => {
            let viewer = role.as_deref().map(|role| (role, viewer.as_deref()));
            explain(&query, variables.as_deref(), dialect, viewer, (&source, &database)).await
        }
        Command::Policies { command } => run_policies(&command).await,
        Command::Model { format, source, database } => print_model(format, &source, &database).await,
        Command::Init { output, schema, database } => {
            let source = ModelSource { from_database: true, schema, options: None, tenant_column: None };
            init(&output, &source, &database).await
        }
        Command::Generate { output, library, options, schema, database } => {
            let source = ModelSource { from_database: true, schema, options, tenant_column: None };
            generate(&output, library.as_deref(), &source, &database).await
        }
        Command::Client { client, role, source, database } => {
            print_client(client, role.as_deref(), &source, &database).await
        }
        Command::Health { ready, listen } => health::ask(&listen, if ready { "/readyz" } else { "/healthz" }),
        Command::Check { source, database } => check(&source, &database).await,
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("crowsfoot: {failure}");
            ExitCode::FAILURE
        }
    }
}

async fn connect(database: &DatabaseOptions) -> Result<crowsfoot::Database, Failure> {
    let settings = ConnectSettings::new(database.pool_size).pooler(database.postgres_pooler.into());
    Ok(crowsfoot::connect_with(&database.database_url, &settings).await?)
}

async fn migrate(direction: &Migrate) -> Result<(), Failure> {
    let (Migrate::Up(database) | Migrate::Down(database) | Migrate::Status(database)) = direction;
    let connection = connect(database).await?;
    let lines = if connection.is_behind_pooler() {
        let transaction = apply::begin_through_pooler(&*connection).await?;
        let lines = migrate_over(&transaction, direction).await?;
        apply::commit_through_pooler(transaction).await?;
        lines
    } else {
        migrate_over(&*connection, direction).await?
    };
    lines.iter().for_each(|line| println!("{line}"));
    Ok(())
}

/// Returns a line for each migration, with its state afterwards.
async fn migrate_over<C>(connection: &C, direction: &Migrate) -> Result<Vec<String>, Failure>
where
    C: ConnectionTrait + TransactionTrait<Transaction = DatabaseTransaction>,
{
    match direction {
        Migrate::Up(_) => apply::up(connection).await?,
        Migrate::Down(_) => apply::down(connection).await?,
        Migrate::Status(_) => {}
    }
    let migrations = Migrator::get_migration_with_status(connection).await?;
    let lines = migrations
        .iter()
        .map(|migration| format!("{:<8} {}", migration.status().to_string(), migration.name()));
    Ok(lines.collect())
}

async fn run_seed(scale: u32, database: &DatabaseOptions) -> Result<(), Failure> {
    let connection = connect(database).await?;
    let rows = if connection.is_behind_pooler() {
        let transaction = apply::begin_through_pooler(&*connection).await?;
        let rows = seed_over(&transaction, scale).await?;
        apply::commit_through_pooler(transaction).await?;
        rows
    } else {
        seed_over(&*connection, scale).await?
    };
    println!("{rows} rows");
    Ok(())
}

async fn seed_over<C>(connection: &C, scale: u32) -> Result<u64, Failure>
where
    C: ConnectionTrait + TransactionTrait<Transaction = DatabaseTransaction>,
{
    apply::up(connection).await?;
    let bar = ProgressBar::new(0).with_style(ProgressStyle::with_template("{bar:40} {pos}/{len} rows")?);
    let rows = seed::seed(connection, scale, |done, total| {
        bar.set_length(total);
        bar.set_position(done);
    })
    .await?;
    bar.finish();
    Ok(rows)
}

/// Returns the schema, or that of a role.
async fn schema_for(
    role: Option<&str>,
    source: &ModelSource,
    database: &DatabaseOptions,
) -> Result<crowsfoot::Schema, Failure> {
    let (schema, _) = schema(source, database).await?;
    match role {
        Some(role) => policies::of_role(&schema, role),
        None => Ok(schema),
    }
}

async fn print_schema(
    check: Option<&Path>,
    role: Option<&str>,
    source: &ModelSource,
    database: &DatabaseOptions,
) -> Result<(), Failure> {
    let schema = schema_for(role, source, database).await?;
    let sdl = schema.sdl();
    let Some(file) = check else {
        print!("{sdl}");
        return Ok(());
    };
    let golden = std::fs::read_to_string(file).map_err(|error| format!("{}: {error}", file.display()))?;
    match first_difference(&golden, &sdl) {
        None => Ok(()),
        Some(difference) => Err(format!(
            "{} differs from the schema {difference}; \"crowsfoot schema > {0}\" updates it",
            file.display()
        )
        .into()),
    }
}

async fn print_client(
    client: config::ClientName,
    role: Option<&str>,
    source: &ModelSource,
    database: &DatabaseOptions,
) -> Result<(), Failure> {
    let schema = schema_for(role, source, database).await?;
    print!("{}", client::settings(client, &schema)?);
    Ok(())
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

async fn explain(
    query: &str,
    variables: Option<&str>,
    dialect: Option<DialectName>,
    viewer: Option<(&str, Option<&str>)>,
    (source, database): (&ModelSource, &DatabaseOptions),
) -> Result<(), Failure> {
    let (schema, of_model) = schema(source, database).await?;
    let schema = match viewer {
        Some((role, values)) => policies::seen_by(&schema, role, values)?,
        None => schema,
    };
    let variables = variables.map(serde_json::from_str).transpose()?.unwrap_or_default();
    let request =
        async_graphql::Request::new(query).variables(async_graphql::Variables::from_json(variables));
    let dialect = match dialect {
        None => of_model,
        Some(DialectName::Sqlite) => Dialect::Sqlite,
        Some(DialectName::Postgres) => Dialect::Postgres,
    };
    print!("{}", schema.plan(&request)?.print(&schema.select(dialect, Catalog::none())));
    Ok(())
}

async fn run_policies(command: &PoliciesCommand) -> Result<(), Failure> {
    let (PoliciesCommand::Check { source, database } | PoliciesCommand::Print { source, database, .. }) =
        command;
    let (schema, _) = schema(source, database).await?;
    match command {
        PoliciesCommand::Check { .. } => policies::check(&schema, dialect_of(&database.database_url)?),
        PoliciesCommand::Print { role, .. } => policies::print(&schema, role),
    }
}

/// Returns the dialect of the database with this URL. PostgreSQL's may name several hosts, and is no URL to a parser then.
fn dialect_of(url: &str) -> Result<Dialect, Failure> {
    match url.split(':').next() {
        Some("sqlite") => Ok(Dialect::Sqlite),
        Some("postgres" | "postgresql") => Ok(Dialect::Postgres),
        _ => Err("the URL of the database names neither SQLite nor PostgreSQL".into()),
    }
}

async fn print_model(
    format: DiagramFormat,
    source: &ModelSource,
    database: &DatabaseOptions,
) -> Result<(), Failure> {
    let format = match format {
        DiagramFormat::Svg => Format::Svg,
        DiagramFormat::Mermaid => Format::Mermaid,
        DiagramFormat::Dot => Format::Dot,
    };
    let (schema, _) = schema(source, database).await?;
    print!("{}", diagram::draw(schema.model(), format));
    Ok(())
}

/// Returns the schema of a command that needs no database unless the model is read from one, and the dialect of the
/// database: SQLite if there is none. All of the options file is checked.
async fn schema(source: &ModelSource, database: &DatabaseOptions) -> Result<(Schema, Dialect), Failure> {
    let options = Options::read(source)?;
    options.fit(source.from_database)?;
    let policies = options.policies();
    let (model, dialect) = match source.from_database {
        false => (options.of_all_entities(example::registry()).model()?, Dialect::Sqlite),
        true => {
            source::require_file(&database.database_url)?;
            let connection = connect(database).await?;
            let model = source::read(&connection, source, &options, print_note).await?;
            let dialect = Dialect::of(connection.get_database_backend())?;
            connection.close().await?;
            (model, dialect)
        }
    };
    let schema = policies.into_iter().fold(Schema::builder(model), SchemaBuilder::policies).finish()?;
    Ok((schema, dialect))
}

async fn init(output: &Path, source: &ModelSource, database: &DatabaseOptions) -> Result<(), Failure> {
    source::require_file(&database.database_url)?;
    let connection = connect(database).await?;
    let described = crowsfoot::describe(&connection, &source.schema).await?;
    let spellings = suggested_spellings(&connection, &described).await?;
    connection.close().await?;
    let model = source::model(&described, &Options::default(), print_note)?;
    init::write(&model, &init::SampledDatabase { described: &described, spellings: &spellings }, output)?;
    println!("{} has the defaults of {} entities", output.display(), model.exposed().count());
    Ok(())
}

async fn generate(
    output: &Path,
    library: Option<&Path>,
    source: &ModelSource,
    database: &DatabaseOptions,
) -> Result<(), Failure> {
    let options = Options::read(source)?;
    options.fit(source.from_database)?;
    source::require_file(&database.database_url)?;
    let connection = connect(database).await?;
    let mut described = crowsfoot::describe(&connection, &source.schema).await?;
    connection.close().await?;
    let all = source::model(&described, &options, |_| {})?;
    for entity in all.entities.iter().filter(|entity| !generate::has_entity(entity)) {
        eprintln!(
            "note: {} has no primary key of a table, which an entity needs; it is left out",
            entity.table
        );
        described.tables.retain(|table| table.table != entity.table);
    }
    let model = source::model(&described, &options, print_note)?;
    let library = library.map(std::path::absolute).transpose()?;
    let target = generate::Target { folder: output, library: library.as_deref(), schemas: &source.schema };
    let count = generate::write(&model, &described, &target)?;
    println!("{} has {count} files, with {} entities", output.display(), model.entities.len());
    Ok(())
}

fn print_note(note: &dyn Display) {
    eprintln!("note: {note}");
}

async fn check(source: &ModelSource, database: &DatabaseOptions) -> Result<(), Failure> {
    let (schema, _) = schema(source, database).await?;
    check::print(schema.model(), &connect(database).await?).await
}
