//! Differences between the schema and the database, at start and as a command.

use crowsfoot::internals::database;
use crowsfoot::{Database, DatabaseDescription, Difference, Model};

use crate::Failure;
use crate::config::DatabaseCheck;

/// Logs the differences between the schema and the database, and refuses those that must not be served.
pub async fn at_start(
    check: DatabaseCheck,
    model: &Model,
    described: &DatabaseDescription,
    connection: &Database,
) -> Result<(), Failure> {
    let found = match check {
        DatabaseCheck::Off => database::unreadable_columns(model, connection).await?,
        _ => database::verify_described(model, described, connection).await?,
    };
    let is_refused = |difference: &Difference| match check {
        DatabaseCheck::Strict => difference.misleads(),
        // No row with such a column can be read.
        _ => matches!(difference, Difference::Type { .. }),
    };
    let (refused, others): (Vec<_>, Vec<_>) = found.into_iter().partition(is_refused);
    for difference in &others {
        match difference.is_fault() {
            true => tracing::warn!("{difference}"),
            false => tracing::debug!("{difference}"),
        }
    }
    if refused.is_empty() {
        return Ok(());
    }
    Err(format!("{}\n--check warn serves all but columns that cannot be read", differences(&refused)).into())
}

/// Prints all differences.
///
/// # Errors
/// If a promise of the schema is not kept by the database.
pub async fn print(model: &Model, connection: &Database) -> Result<(), Failure> {
    let mut found = crowsfoot::verify(model, connection).await?;
    found.append(&mut database::broken_promises(model, connection).await?);
    let (faults, notes): (Vec<_>, Vec<_>) = found.into_iter().partition(Difference::is_fault);
    for note in &notes {
        println!("note: {note}");
    }
    if faults.is_empty() {
        println!("{} entities match each other and the database", model.entities.len());
        return Ok(());
    }
    Err(differences(&faults).into())
}

fn differences(found: &[Difference]) -> String {
    let lines: Vec<String> = found.iter().map(|difference| format!("\n  - {difference}")).collect();
    format!("the database differs from the entities ({} found):{}", lines.len(), lines.concat())
}
