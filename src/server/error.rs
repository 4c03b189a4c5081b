//! Errors of the service itself, apart from those of requests.

use std::io;

use crate::policy::PolicyFault;

/// Error that prevents the service from starting, or ends it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServeError {
    /// The address is in use, not available on this host, or not an address.
    #[error("cannot listen on {listen}: {source}")]
    Listen {
        /// Address as given.
        listen: String,
        /// Error of the operating system.
        source: io::Error,
    },
    /// A configured origin is not an origin.
    #[error("\"{0}\" is not an origin; expected an origin such as https://shop.example")]
    Origin(String),
    /// The schema has policies, and nobody could sign in.
    #[error("policies need a way to sign in: an administrator's secret, or a verification of tokens")]
    NoSignIn,
    /// Sign-in is configured for a schema that shows everything to everybody.
    #[error("sign-in has no effect without policies: every caller may do everything; declare roles first")]
    NoPolicies,
    /// Rules of roles exceed the limits of the database's statements.
    #[error("the policies do not fit the database:\n  {0}")]
    Rules(String),
    /// Credentials cannot be verified, because keys are missing.
    #[error("sign-in is not available: {0}")]
    NoKeys(String),
    /// Two metrics have the same name.
    #[error("the metrics cannot be registered: {0}")]
    Metrics(#[from] prometheus::Error),
    /// The running service failed.
    #[error("the service failed: {0}")]
    Run(#[from] io::Error),
}

impl ServeError {
    pub(super) fn rules(faults: Vec<PolicyFault>) -> Self {
        let faults: Vec<String> = faults.iter().map(ToString::to_string).collect();
        Self::Rules(faults.join("\n  "))
    }
}
