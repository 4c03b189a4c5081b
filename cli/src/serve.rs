//! The command `serve`.

use std::fmt::Display;
use std::path::Path;
use std::time::Duration;

use actix_web::rt;
use crowsfoot::internals::dialect::Dialect;
use crowsfoot::policy::Policies;
use crowsfoot::server::{AuditLog, Server, Settings, SocketLimits, TrustedDocuments};
use crowsfoot::{
    ChangeRelay, ChangeSource, ConnectSettings, Database, RedisCarrier, RelayError, ReplicaError,
    ReplicaSettings, Synchronous,
};
use migration::apply;
use migration::seed::{self, SeedError};
use sea_orm::{ConnectionTrait, DatabaseTransaction, DbBackend, TransactionTrait};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use crate::config::{
    AuditOptions, AuditedOperations, DatabaseOptions, LiveChanges, LiveOptions, Mode, ReplicaOptions, Serve,
    SqliteSynchronous,
};
use crate::log::LogWriter;
use crate::reload::{Contents, Reload};
use crate::served_options::ServedOptions;
use crate::{Failure, check, connect, dialect_of, example, log, options, source};

/// Maximum time to wait at shutdown for the database connections to close.
const CLOSING_TIME: Duration = Duration::from_secs(5);

/// Serves until a signal requests shutdown.
pub async fn run(settings: Serve) -> Result<(), Failure> {
    #[cfg(feature = "opentelemetry")]
    let traces = crowsfoot::server::traces::Traces::export()?;
    let (log_writer, _log_guard) = LogWriter::start()?;
    let log = tracing_subscriber::registry().with(log::lines(&settings, log_writer.clone())?);
    #[cfg(feature = "opentelemetry")]
    let log = log.with(traces.layer());
    log.init();
    let request_log = log::requests(&settings, log_writer.clone());
    let reload = Reload::listen(&settings)?;
    let options = options::text(settings.source.options.as_deref())?;
    let declared = ServedOptions::read(&settings, &options)?;
    let sign_in = declared.sign_in.clone();
    let connect_settings = connect_settings(&settings);
    if !settings.replicas.replica_url.is_empty()
        && dialect_of(&settings.database.database_url)? != Dialect::Postgres
    {
        return Err(format!("--replica-url: {}", ReplicaError::NotSupported).into());
    }
    let redis = redis(&settings)?;
    let connect = || crowsfoot::connect_with(&settings.database.database_url, &connect_settings);
    let live = match settings.source.from_database {
        true => {
            source::require_file(&settings.database.database_url)?;
            Some(connect().await?)
        }
        false => None,
    };
    // A model that contradicts itself ends the program before anything else is touched.
    let compiled = if live.is_none() { Some(declared.schema(&settings, None)?) } else { None };
    let trusted_documents = settings.trusted_documents.as_deref().map(trusted_documents).transpose()?;
    let connection = match live {
        Some(connection) => connection,
        None => connect().await?,
    };
    if !settings.no_migrate && !settings.source.from_database {
        prepare_database(&settings.database, &connection).await?;
    }
    let tables = crowsfoot::describe(&connection, &settings.source.schema).await?;
    let is_complete = || example::registry().merge(&tables.tables) == example::registry();
    let schema = match compiled.filter(|_| is_complete()) {
        Some(schema) => schema,
        None => declared.schema(&settings, Some(&tables))?,
    };
    check::at_start(settings.check, schema.model(), &tables, &connection).await?;
    schema.check_impersonation(&connection).await?;
    let audit = audit_log(&settings.audit, schema.policies())?;
    let relay = relay(&settings.live, redis, &connection).await?;
    add_replicas(&settings, &connect_settings, &connection).await?;
    let server = Server::bind(
        schema,
        connection.clone(),
        &server_settings(&settings)
            .audit(audit.clone())
            .trusted_documents(trusted_documents)
            .sign_in(sign_in)
            .request_log(request_log)
            .dropped_log_lines(move || log_writer.dropped()),
    )?;
    for address in server.addresses() {
        println!("GraphiQL is at http://{address}/ and GraphQL at http://{address}/graphql");
    }
    for address in server.operations_addresses() {
        println!("Metrics are at http://{address}/metrics");
    }
    let reloading = rt::spawn(reload.follow(
        Contents { options, tables },
        settings,
        connection.clone(),
        server.service().clone(),
        audit.clone(),
    ));
    server.run().await?;
    reloading.abort();
    if let Some(audit) = audit {
        audit.close().await;
    }
    if let Some(relay) = relay {
        relay.close().await;
    }
    // SQLite folds its write-ahead log into the file when the last connection is closed. A connection that somebody still has
    // does not hold the end up.
    if let Ok(closed) = rt::time::timeout(CLOSING_TIME, connection.close()).await {
        closed?;
    }
    #[cfg(feature = "opentelemetry")]
    if let Err(error) = traces.end() {
        tracing::warn!(%error, "the last spans could not be exported");
    }
    Ok(())
}

/// Returns the settings of the HTTP service that the command line has as values.
fn server_settings(settings: &Serve) -> Settings {
    Settings::default()
        .listen(&settings.listen)
        .listen_operations(settings.listen_operations.clone())
        .workers(settings.workers.map(Into::into))
        .development(settings.mode == Mode::Development)
        .cors_origins(settings.cors_origin.clone())
        .largest_batch(settings.max_batch)
        .largest_body(settings.max_body)
        .most_concurrent(settings.max_concurrent)
        .viewer_rate(settings.max_viewer_rate)
        .time_limit(Duration::from_secs(settings.timeout))
        .drain_time(Duration::from_secs(settings.drain_time))
        .sockets(socket_limits(settings))
        .slow_statement((settings.slow_query_ms > 0).then(|| Duration::from_millis(settings.slow_query_ms)))
}

fn connect_settings(settings: &Serve) -> ConnectSettings {
    let statement_timeout =
        (settings.statement_timeout > 0).then(|| Duration::from_secs(settings.statement_timeout));
    ConnectSettings::new(settings.database.pool_size)
        .statement_timeout(statement_timeout)
        .sqlite_synchronous(match settings.sqlite_synchronous {
            SqliteSynchronous::Full => Synchronous::Full,
            SqliteSynchronous::Normal => Synchronous::Normal,
        })
        .pooler(settings.database.postgres_pooler.into())
}

fn socket_limits(settings: &Serve) -> SocketLimits {
    SocketLimits::default()
        .init_time(Duration::from_secs(settings.socket_init_timeout))
        .sockets(settings.max_sockets)
        .subscriptions(settings.max_subscriptions)
        .frame(settings.max_frame)
}

/// Returns the carrier of changes over Redis, if the settings name a server.
fn redis(settings: &Serve) -> Result<Option<RedisCarrier>, Failure> {
    let Some(url) = &settings.live.redis_url else { return Ok(None) };
    match settings.live.live_changes {
        LiveChanges::Auto => {}
        LiveChanges::None => return Ok(None),
        LiveChanges::Notify | LiveChanges::Replication => {
            return Err("--redis-url contradicts --live-changes, which names another source".into());
        }
    }
    let fault = |error: RelayError| format!("--redis-url: {error}");
    if dialect_of(&settings.database.database_url)? != Dialect::Postgres {
        return Err(fault(RelayError::NotSupported).into());
    }
    Ok(Some(RedisCarrier::new(url).map_err(fault)?))
}

/// Starts to relay changes between this process and others that serve the database.
async fn relay(
    settings: &LiveOptions,
    redis: Option<RedisCarrier>,
    connection: &Database,
) -> Result<Option<ChangeRelay>, Failure> {
    if let Some(redis) = redis {
        let relay = connection.relay_over(redis).await;
        return Ok(Some(relay.map_err(|error| format!("--redis-url: {error}"))?));
    }
    let source = match settings.live_changes {
        LiveChanges::None => return Ok(None),
        LiveChanges::Auto if connection.get_database_backend() != DbBackend::Postgres => return Ok(None),
        LiveChanges::Auto | LiveChanges::Notify => ChangeSource::Notify,
        LiveChanges::Replication => ChangeSource::Replication { publication: settings.publication.clone() },
    };
    match connection.relay(source, settings.direct_url.as_deref()).await {
        Ok(relay) => Ok(Some(relay)),
        Err(error) if settings.live_changes == LiveChanges::Auto && settings.direct_url.is_none() => {
            tracing::warn!(
                "live queries follow only the commits of this process: {error}. --direct-url names the server itself, and \
                 --redis-url a Redis server that carries changes in its place"
            );
            Ok(None)
        }
        Err(error) => Err(error.into()),
    }
}

/// Opens the replicas of the database. They are read only with the tables that the service has migrated.
async fn add_replicas(
    settings: &Serve,
    connect_settings: &ConnectSettings,
    connection: &Database,
) -> Result<(), Failure> {
    let ReplicaOptions { replica_url, replica_max_lag, replica_wait_ms } = &settings.replicas;
    if replica_url.is_empty() {
        return Ok(());
    }
    let replicas = ReplicaSettings::default()
        .max_lag(Duration::from_secs(*replica_max_lag))
        .wait(Duration::from_millis(*replica_wait_ms))
        .direct_url(settings.live.direct_url.clone());
    connection.add_replicas(replica_url, connect_settings, replicas).await?;
    Ok(())
}

/// Opens the audit log.
fn audit_log(options: &AuditOptions, policies: Option<&Policies>) -> Result<Option<AuditLog>, Failure> {
    let Some(path) = &options.audit_log else { return Ok(None) };
    if let Some(name) = &options.audit_viewer
        && !policies.is_some_and(|policies| policies.variables().any(|(known, _)| known == name))
    {
        return Err(format!("--audit-viewer: no variable of the viewer has the name {name:?}").into());
    }
    let log = AuditLog::open(path).map_err(|error| format!("{}: {error}", path.display()))?;
    let has_reads = options.audit_operations == AuditedOperations::All;
    Ok(Some(log.viewer_id(options.audit_viewer.clone()).reads(has_reads)))
}

fn trusted_documents(file: &Path) -> Result<TrustedDocuments, Failure> {
    let named = |error: &dyn Display| format!("{}: {error}", file.display());
    let text = std::fs::read_to_string(file).map_err(|error| named(&error))?;
    Ok(TrustedDocuments::from_json(&text).map_err(|error| named(&error))?)
}

/// Migrates the tables, and fills an empty database.
async fn prepare_database(database: &DatabaseOptions, serving: &Database) -> Result<(), Failure> {
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
