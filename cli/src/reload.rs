//! Reload: the options file and the tables are read again while the service runs.

use std::time::Duration;

use actix_web::rt;
use crowsfoot::server::{AuditLog, GraphqlService};
use crowsfoot::{Database, DatabaseDescription};

use crate::config::Serve;
use crate::served_options::ServedOptions;
use crate::{Failure, check, options};

/// Time between two looks at the file and the tables.
const WATCH: Duration = Duration::from_secs(2);

/// Reload at SIGHUP, which also opens the audit log again, and with `--watch` after each change.
pub struct Reload {
    /// `None` if nothing can be read again: SIGHUP then ends the program, as it does by default.
    hangups: Option<Hangups>,
    watches: bool,
    can_change: bool,
}

/// Text of the options file, and the tables of the database.
#[derive(PartialEq)]
pub struct Contents {
    /// Text of the options file.
    pub options: String,
    /// Tables.
    pub tables: DatabaseDescription,
}

impl Reload {
    /// Listens for SIGHUP from now on.
    ///
    /// # Errors
    /// If the settings watch nothing, or the operating system refuses.
    pub fn listen(settings: &Serve) -> Result<Self, Failure> {
        let can_change = settings.source.from_database || settings.source.options.is_some();
        if settings.watch && !can_change {
            return Err(
                "--watch needs --from-database or --options: the example's entities do not change".into()
            );
        }
        let has_log = settings.audit.audit_log.is_some();
        let hangups = (can_change || has_log).then(Hangups::listen).transpose()?;
        Ok(Self { hangups, watches: settings.watch, can_change })
    }

    /// Replaces the schema of the service, which was built from `served`, whenever it is due. A fault is logged, and the
    /// previous schema served on.
    pub async fn follow(
        self,
        served: Contents,
        settings: Serve,
        connection: Database,
        service: GraphqlService,
        audit: Option<AuditLog>,
    ) {
        let Some(mut hangups) = self.hangups else { return };
        let mut known = Ok(served);
        loop {
            let is_asked = match self.watches {
                true => rt::time::timeout(WATCH, hangups.next()).await.is_ok(),
                false => {
                    hangups.next().await;
                    true
                }
            };
            if let Some(audit) = audit.as_ref().filter(|_| is_asked) {
                audit.reopen();
            }
            if !self.can_change {
                continue;
            }
            let found = read(&settings, &connection).await;
            if !is_asked && found == known {
                continue;
            }
            let replaced = match &found {
                Ok(contents) => replace(&settings, contents, &connection, &service).await,
                Err(fault) => Err(fault.clone().into()),
            };
            match replaced {
                Ok(()) => tracing::info!("the schema was read again, and is served from now on"),
                Err(fault) => tracing::error!("the previous schema is served on: {fault}"),
            }
            known = found;
        }
    }
}

/// Reads the options file and the tables; or returns the text of the fault.
async fn read(settings: &Serve, connection: &Database) -> Result<Contents, String> {
    let options = options::text(settings.source.options.as_deref()).map_err(|fault| fault.to_string())?;
    let tables = crowsfoot::describe(connection, &settings.source.schema).await;
    let tables = tables.map_err(|fault| fault.to_string())?;
    Ok(Contents { options, tables })
}

async fn replace(
    settings: &Serve,
    contents: &Contents,
    connection: &Database,
    service: &GraphqlService,
) -> Result<(), Failure> {
    let declared = ServedOptions::read(settings, &contents.options)?;
    let sign_in = declared.sign_in.clone();
    let schema = declared.schema(settings, Some(&contents.tables))?;
    check::at_start(settings.check, schema.model(), &contents.tables, connection).await?;
    schema.check_impersonation(connection).await?;
    Ok(service.replace(schema, sign_in).await?)
}

/// SIGHUP of the process.
struct Hangups(#[cfg(unix)] rt::signal::unix::Signal);

impl Hangups {
    #[cfg(unix)]
    fn listen() -> std::io::Result<Self> {
        Ok(Self(rt::signal::unix::signal(rt::signal::unix::SignalKind::hangup())?))
    }

    #[cfg(not(unix))]
    fn listen() -> std::io::Result<Self> {
        Ok(Self())
    }

    async fn next(&mut self) {
        #[cfg(unix)]
        if self.0.recv().await.is_some() {
            return;
        }
        std::future::pending().await
    }
}
