//! GraphQL over HTTP: from the request's bytes to the response's bytes.

pub(super) mod answer;
pub(super) mod body;
mod chunked_body;
pub(super) mod compression;
pub(super) mod consistency;
pub(super) mod documents;
pub(super) mod graphql;
pub(super) mod negotiation;
pub(super) mod operation;
pub(super) mod origin;
pub(super) mod parameters;
pub(super) mod request;
mod variables;
