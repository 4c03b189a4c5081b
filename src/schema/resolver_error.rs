//! Errors of the application's resolvers, as async-graphql passes them on.

use async_graphql::{Pos, ServerError};
use sea_orm::DbErr;

use crate::database::SqlError;
use crate::error::{Error, LocatedError};

/// Converts an error of async-graphql. An error of this crate that passed through it keeps its code; a
/// database error loses its text.
pub(super) fn located(error: ServerError) -> LocatedError {
    if let Some(located) = error.source::<LocatedError>() {
        return located.clone();
    }
    let ours = error.source::<Error>().cloned();
    let ours = ours.or_else(|| error.source::<DbErr>().cloned().map(|error| SqlError::from(error).into()));
    let ServerError { message, locations, path, extensions, .. } = error;
    let own = || {
        let extensions = serde_json::to_value(extensions).ok();
        let extensions = extensions.and_then(|extensions| extensions.as_object().cloned());
        Error::of_hand_written_field(message, extensions.unwrap_or_default())
    };
    LocatedError { error: ours.unwrap_or_else(own), path, locations }
}

/// Converts the error of a resolver for a batch, as [`located`] does.
pub(super) fn error_of_resolver(error: async_graphql::Error) -> Error {
    located(error.into_server_error(Pos::default())).error
}
