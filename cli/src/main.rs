//! The command line: serves the example domain, and looks after its database and schema.

mod config;
mod example;
mod init;
mod options;
mod source;

use std::fmt::Display;
use std::io::IsTerminal;
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use config::{
    Command, CommandLine, DatabaseOptions, DiagramFormat, DialectName, LogFormat, Migrate, Mode, ModelSource,
    Serve, SqliteSynchronous,
};
use crowsfoot::database::{self, ConnectSettings, Synchronous};
use crowsfoot::diagram::{self, Format};
use crowsfoot::execute::ExecutionLimits;
use crowsfoot::plan::Catalog;
use crowsfoot::policy::Policies;
use crowsfoot::server::{AdministratorSecret, Jwt, Server, Settings, SignIn, SocketLimits, TrustedDocuments};
use crowsfoot::{Model, Schema};
use indicatif::{ProgressBar, ProgressStyle};
use migration::seed::{self, SeedError};
use migration::{Migrator, apply};
use options::Options;
use sea_orm::{ConnectionTrait, DatabaseTransaction, DbBackend, TransactionTrait};
use sea_orm_migration::MigratorTrait;
use tracing::Subscriber;
use tracing_subscriber::Layer;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt;

/// Global allocator. A response allocates and frees many small blocks on one thread, and mimalloc does so faster than the
/// system allocator.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Maximum time to wait at shutdown for the database connections to close.
const CLOSING_TIME: Duration = Duration::from_secs(5);

/// Error that ends the program; its text is printed unchanged.
type Failure = Box<dyn std::error::Error>;

#[actix_web::main]
async fn main() -> ExitCode {
    let CommandLine { command, serve } = CommandLine::parse();
    let done = match command.unwrap_or(Command::Serve(Box::new(serve))) {
        Command::Serve(serve) => run_service(*serve).await,
        Command::Migrate { direction } => migrate(&direction).await,
        Command::Seed { scale, database } => run_seed(scale, &database).await,
        Command::Schema { check, source, database } => {
            print_schema(check.as_deref(), &source, &database).await
        }
        Command::Explain { query, variables, dialect, source, database } => {
            explain(&query, variables.as_deref(), dialect, &source, &database).await
        }
        Command::Model { format, source, database } => print_model(format, &source, &database).await,
        Command::Init { output, schema, database } => {
            let source = ModelSource { from_database: true, schema, options: None };
            init(&output, &source, &database).await
        }
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

async fn connect(database: &DatabaseOptions) -> Result<database::Database, Failure> {
    let settings = ConnectSettings::new(database.pool_size).pooler(database.postgres_pooler.into());
    Ok(database::connect_with(&database.database_url, &settings).await?)
}

async fn run_service(settings: Serve) -> Result<(), Failure> {
    #[cfg(feature = "opentelemetry")]
    let traces = crowsfoot::server::traces::Traces::export()?;
    let log = tracing_subscriber::registry().with(log_lines(&settings)?);
    #[cfg(feature = "opentelemetry")]
    let log = log.with(traces.layer());
    log.init();
    let options = Options::read(settings.source.options.as_deref())?;
    let policies = options.policies();
    check_exposure(&settings, policies.is_some())?;
    let sign_in = sign_in(&settings, &options, policies.as_ref())?;
    let statement_timeout =
        (settings.statement_timeout > 0).then(|| Duration::from_secs(settings.statement_timeout));
    let connect_settings = ConnectSettings::new(settings.database.pool_size)
        .statement_timeout(statement_timeout)
        .sqlite_synchronous(match settings.sqlite_synchronous {
            SqliteSynchronous::Full => Synchronous::Full,
            SqliteSynchronous::Normal => Synchronous::Normal,
        })
        .pooler(settings.database.postgres_pooler.into());
    let connect = || database::connect_with(&settings.database.database_url, &connect_settings);
    let is_live = settings.source.from_database;
    let live = if is_live { Some(connect().await?) } else { None };
    let model = match &live {
        Some(connection) => {
            let note = |note: &dyn Display| tracing::warn!("{note}");
            source::read(connection, &settings.source, options, note).await?
        }
        None if options.is_about_tables() => {
            return Err("include, exclude and [entities.…] describe tables: they need --from-database".into());
        }
        // A model that contradicts itself ends the program before anything else is touched.
        None => example::registry().model()?,
    };
    let mut limits = ExecutionLimits::DEFAULT;
    limits.rows = settings.max_rows;
    limits.cost = settings.max_cost;
    limits.retry_time = Duration::from_secs(settings.timeout);
    let mut builder = Schema::builder(model)
        .guard(settings.guard.limits())
        .limits(limits)
        .read_consistency(settings.read_consistency.into())
        .introspection(!settings.no_introspection)
        .suggestions(settings.mode == Mode::Development && !settings.no_introspection);
    if let Some(policies) = policies {
        builder = builder.policies(policies);
    }
    let schema = builder.finish()?;
    let trusted_documents = settings.trusted_documents.as_deref().map(trusted_documents).transpose()?;
    let connection = match live {
        Some(connection) => connection,
        None => connect().await?,
    };
    if !settings.no_migrate && !is_live {
        prepare_database(&settings.database, &connection).await?;
    }
    let unreadable = database::unreadable_columns(schema.model(), &connection).await?;
    if !unreadable.is_empty() {
        return Err(differences(&unreadable).into());
    }
    let sockets = SocketLimits::default()
        .init_time(Duration::from_secs(settings.socket_init_timeout))
        .sockets(settings.max_sockets)
        .subscriptions(settings.max_subscriptions)
        .frame(settings.max_frame);
    let slow_statement = (settings.slow_query_ms > 0).then(|| Duration::from_millis(settings.slow_query_ms));
    let server = Server::bind(
        schema,
        connection.clone(),
        &Settings::default()
            .listen(settings.listen)
            .workers(settings.workers.map(Into::into))
            .development(settings.mode == Mode::Development)
            .cors_origins(settings.cors_origin)
            .trusted_documents(trusted_documents)
            .largest_batch(settings.max_batch)
            .largest_body(settings.max_body)
            .most_concurrent(settings.max_concurrent)
            .time_limit(Duration::from_secs(settings.timeout))
            .sockets(sockets)
            .slow_statement(slow_statement)
            .sign_in(sign_in),
    )?;
    for address in server.addresses() {
        println!("GraphiQL is at http://{address}/ and GraphQL at http://{address}/graphql");
    }
    server.run().await?;
    // SQLite folds its write-ahead log into the file when the last connection is closed. A connection that somebody still has
    // does not hold the end up.
    if let Ok(closed) = actix_web::rt::time::timeout(CLOSING_TIME, connection.close()).await {
        closed?;
    }
    #[cfg(feature = "opentelemetry")]
    if let Err(error) = traces.end() {
        tracing::warn!(%error, "the last spans could not be exported");
    }
    Ok(())
}

/// Refuses to serve everything to everybody in production, unless that is what the settings say.
fn check_exposure(settings: &Serve, has_policies: bool) -> Result<(), Failure> {
    match (has_policies, settings.public) {
        (true, true) => Err("--public contradicts the policies of the options file".into()),
        (false, false) if settings.mode == Mode::Production => Err(
            "without policies every caller may read and write everything. Write tables [roles.NAME.TYPE] with read and \
             columns into a file for --options, or state --public"
                .into(),
        ),
        _ => Ok(()),
    }
}

/// Returns the ways of sign-in.
fn sign_in(settings: &Serve, options: &Options, policies: Option<&Policies>) -> Result<SignIn, Failure> {
    let mut ways = SignIn::default();
    for secret in &settings.admin_secret {
        ways = ways.administrator(AdministratorSecret::new(secret)?);
    }
    match (&options.sign_in, policies) {
        (Some(jwt), Some(policies)) => ways = ways.identify(Jwt::new(jwt, policies)?),
        (Some(_), None) => {
            return Err(
                "[sign_in] has no effect without policies: write tables [roles.NAME.TYPE], too".into()
            );
        }
        (None, Some(_)) if settings.admin_secret.is_empty() => {
            return Err(
                "policies need a way to sign in: write a table [sign_in] with the keys of tokens, or set \
                        CROWSFOOT_ADMIN_SECRET"
                    .into(),
            );
        }
        (None, _) => {}
    }
    Ok(ways)
}

fn trusted_documents(file: &Path) -> Result<TrustedDocuments, Failure> {
    let named = |error: &dyn Display| format!("{}: {error}", file.display());
    let text = std::fs::read_to_string(file).map_err(|error| named(&error))?;
    Ok(TrustedDocuments::from_json(&text).map_err(|error| named(&error))?)
}

/// Migrates the tables, and fills an empty database.
async fn prepare_database(database: &DatabaseOptions, serving: &database::Database) -> Result<(), Failure> {
    // A migration may take longer than a request's statement. SQLite has no limit to lift, and one that is in memory
    // has no other connection.
    let connection = match serving.get_database_backend() {
        DbBackend::Sqlite => serving.clone(),
        _ => connect(database).await?,
    };
    if connection.is_behind_pooler() {
        let transaction = apply::begin_through_pooler(&*connection).await?;
        prepare_tables(&transaction).await?;
        apply::commit_through_pooler(transaction).await?;
    } else {
        prepare_tables(&*connection).await?;
    }
    if connection.get_database_backend() != DbBackend::Sqlite {
        connection.close().await?;
    }
    Ok(())
}

async fn prepare_tables<C>(connection: &C) -> Result<(), Failure>
where
    C: ConnectionTrait + TransactionTrait<Transaction = DatabaseTransaction>,
{
    apply::up(connection).await?;
    if seed::is_empty(connection).await? {
        match seed::seed(connection, 1, |_, _| {}).await {
            Ok(rows) => tracing::info!(rows, "inserted the example data into the empty database"),
            // Another process that was started at the same time has done it.
            Err(SeedError::NotEmpty { .. }) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

fn log_lines<S>(settings: &Serve) -> Result<impl Layer<S> + use<S>, Failure>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    let filter = tracing_subscriber::EnvFilter::try_new(&settings.log)?;
    let lines = tracing_subscriber::fmt::layer()
        .with_writer(std::io::stderr)
        // Colours are for people, not for files.
        .with_ansi(std::io::stderr().is_terminal());
    let lines = match settings.log_format {
        LogFormat::Text => lines.boxed(),
        LogFormat::Json => lines.json().boxed(),
    };
    // Of its own: what else looks at spans may want to see more of them.
    Ok(lines.with_filter(filter))
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

async fn print_schema(
    check: Option<&Path>,
    source: &ModelSource,
    database: &DatabaseOptions,
) -> Result<(), Failure> {
    let (model, _) = model(source, database).await?;
    let sdl = Schema::new(model)?.sdl();
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
    source: &ModelSource,
    database: &DatabaseOptions,
) -> Result<(), Failure> {
    let (model, of_model) = model(source, database).await?;
    let schema = Schema::new(model)?;
    let variables = variables.map(serde_json::from_str).transpose()?.unwrap_or_default();
    let request =
        async_graphql::Request::new(query).variables(async_graphql::Variables::from_json(variables));
    let dialect = match dialect {
        None => of_model,
        Some(DialectName::Sqlite) => crowsfoot::dialect::Dialect::Sqlite,
        Some(DialectName::Postgres) => crowsfoot::dialect::Dialect::Postgres,
    };
    print!("{}", schema.plan(&request)?.print(&schema.select(dialect, Catalog::none())));
    Ok(())
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
    print!("{}", diagram::draw(&model(source, database).await?.0, format));
    Ok(())
}

/// Returns the model of a command that needs no database unless the model is read from one, and the dialect of the
/// database: SQLite if there is none.
async fn model(
    source: &ModelSource,
    database: &DatabaseOptions,
) -> Result<(Model, crowsfoot::dialect::Dialect), Failure> {
    if !source.from_database {
        return Ok((example::registry().model()?, crowsfoot::dialect::Dialect::Sqlite));
    }
    let connection = connect(database).await?;
    let options = Options::read(source.options.as_deref())?;
    let model = source::read(&connection, source, options, print_note).await?;
    let dialect = crowsfoot::dialect::Dialect::of(connection.get_database_backend())?;
    connection.close().await?;
    Ok((model, dialect))
}

async fn init(output: &Path, source: &ModelSource, database: &DatabaseOptions) -> Result<(), Failure> {
    let (model, _) = model(source, database).await?;
    init::write(&model, output)?;
    println!("{} has the defaults of {} entities", output.display(), model.exposed().count());
    Ok(())
}

fn print_note(note: &dyn Display) {
    eprintln!("note: {note}");
}

async fn check(source: &ModelSource, database: &DatabaseOptions) -> Result<(), Failure> {
    let (model, _) = model(source, database).await?;
    let connection = connect(database).await?;
    let (faults, notes): (Vec<_>, Vec<_>) = database::verify(&model, &connection)
        .await?
        .into_iter()
        .partition(|difference| difference.is_fault());
    for note in &notes {
        println!("note: {note}");
    }
    if faults.is_empty() {
        println!("{} entities match each other and the database", model.entities.len());
        return Ok(());
    }
    Err(differences(&faults).into())
}

fn differences(found: &[database::Difference]) -> String {
    let lines: Vec<String> = found.iter().map(|difference| format!("\n  - {difference}")).collect();
    format!("the database differs from the entities ({} found):{}", lines.len(), lines.concat())
}
