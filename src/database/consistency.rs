//! Consistency token: names the state of a database after a commit.

use std::fmt;
use std::str::FromStr;

/// Maximum length of a token: two decimal numbers, and one of 16 hexadecimal digits.
const LONGEST: usize = 64;

/// State of a PostgreSQL cluster after a commit. A query that brings the token reads no older state.
///
/// The answer to a mutation has it in `extensions.consistency`, and over HTTP in the header `Crowsfoot-Consistency`, if the
/// database has replicas. An application passes it on by [`Request::data`](async_graphql::Request::data):
///
/// ```no_run
/// use async_graphql::Request;
/// use crowsfoot::{ConsistencyToken, Database, Schema};
///
/// # async fn ask(schema: &Schema, database: &Database, token: &str) -> Result<(), Box<dyn std::error::Error>> {
/// let token: ConsistencyToken = token.parse()?;
/// let executed = schema.execute(Request::new("{ users { id } }").data(token), database).await;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConsistencyToken {
    /// System identifier of the cluster.
    pub(super) cluster: u64,
    pub(super) at: LogPosition,
}

/// Position in the log of a cluster.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct LogPosition {
    /// History to which the position belongs: each promotion begins another.
    pub timeline: u32,
    /// Number of bytes of the log up to the position.
    pub bytes: u64,
}

/// Error of a text that is no consistency token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected a consistency token, such as 7301234567890123456-1-3000148")]
pub struct ConsistencyTokenError;

impl fmt::Display for ConsistencyToken {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}-{}-{:X}", self.cluster, self.at.timeline, self.at.bytes)
    }
}

impl FromStr for ConsistencyToken {
    type Err = ConsistencyTokenError;

    fn from_str(text: &str) -> Result<Self, ConsistencyTokenError> {
        let read = || {
            let (cluster, rest) = text.split_once('-')?;
            let (timeline, bytes) = rest.split_once('-')?;
            let at =
                LogPosition { timeline: timeline.parse().ok()?, bytes: u64::from_str_radix(bytes, 16).ok()? };
            Some(Self { cluster: cluster.parse().ok()?, at })
        };
        // A token has one spelling.
        let token = (text.len() <= LONGEST).then(read).flatten();
        token.filter(|token| token.to_string() == text).ok_or(ConsistencyTokenError)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_read_as_it_was_written_and_has_one_spelling() {
        let token = ConsistencyToken {
            cluster: 7_301_234_567_890_123_456,
            at: LogPosition { timeline: 2, bytes: 0x1_0300_0148 },
        };
        assert_eq!(token.to_string(), "7301234567890123456-2-103000148");
        assert_eq!(token.to_string().parse(), Ok(token));
        for other in [
            "",
            "-",
            "7301234567890123456-2",
            "7301234567890123456-2-",
            "7301234567890123456-2-103000148-",
            "07301234567890123456-2-103000148",
            "7301234567890123456-+2-103000148",
            "7301234567890123456-2-0103000148",
            "7301234567890123456-2-10300014a",
            "7301234567890123456-2-103000148 ",
            "7301234567890123456-4294967296-1",
            "18446744073709551616-1-1",
            "1-1-10000000000000000",
            &"1".repeat(1_000),
        ] {
            assert_eq!(other.parse::<ConsistencyToken>(), Err(ConsistencyTokenError), "{other}");
        }
    }
}
