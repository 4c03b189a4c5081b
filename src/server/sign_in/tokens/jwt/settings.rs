//! Settings of an issuer's tokens: the table `[sign_in]` of an options file.

use std::collections::BTreeMap;
use std::fmt;

/// Algorithm of a token's signature.
pub use jsonwebtoken::Algorithm as JwtAlgorithm;
use jsonwebtoken::AlgorithmFamily;
use serde::de::{SeqAccess, Visitor, value};
use serde::{Deserialize, Deserializer};

use crate::server::sign_in::tokens::cookie::check_name;
use crate::server::sign_in::tokens::fault::SignInFault;

/// Claims that a token must have unless the settings name them.
pub(super) const REQUIRED: [&str; 3] = ["exp", "iss", "aud"];

/// Minimum length of a shared secret, in bytes (RFC 7518, section 3.2).
const SHORTEST_SECRET: usize = 32;

/// Default of [`JwtSettings::leeway`].
const LEEWAY_SECONDS: u64 = 30;

/// Settings of the verification of tokens.
///
/// ```
/// use crowsfoot::policy::Policies;
/// use crowsfoot::server::{Jwt, JwtSettings};
///
/// let settings: JwtSettings = serde_json::from_str(
///     r#"{
///         "algorithms": ["RS256"],
///         "keys": "https://id.example/.well-known/jwks.json",
///         "issuer": "https://id.example",
///         "audience": "shop",
///         "claims": { "role": "/app/role", "roles": "/app/roles", "userId": "/sub" }
///     }"#,
/// )?;
/// let policies = Policies::new().variable("userId", "Int!")?.role("user", |role| role);
/// let jwt = Jwt::new(&settings, &policies)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct JwtSettings {
    /// Accepted algorithms.
    pub algorithms: Vec<JwtAlgorithm>,
    /// Shared secret of the HMAC algorithms, of at least 32 bytes.
    #[serde(default)]
    pub secret: Option<String>,
    /// Public keys of the other algorithms: each a PEM text, a file of a PEM text or of a key set (RFC 7517), or the URL
    /// of a key set.
    #[serde(default, deserialize_with = "one_or_several")]
    pub keys: Vec<String>,
    /// Accepted issuers (`iss`).
    #[serde(default, deserialize_with = "one_or_several")]
    pub issuer: Vec<String>,
    /// Accepted audiences (`aud`): a token is for one of them.
    #[serde(default, deserialize_with = "one_or_several")]
    pub audience: Vec<String>,
    /// Claims of `exp`, `iss` and `aud` that a token may lack.
    #[serde(default, deserialize_with = "one_or_several")]
    pub optional: Vec<String>,
    /// Seconds by which clocks may differ.
    #[serde(default = "leeway")]
    pub leeway: u64,
    /// Maximum number of seconds until `exp`.
    #[serde(default)]
    pub max_age: Option<u64>,
    /// Role of tokens without a claim of the role.
    #[serde(default)]
    pub role: Option<String>,
    /// Cookie with the token of requests that have no header `Authorization`. Such requests come from pages of this service.
    #[serde(default)]
    pub cookie: Option<String>,
    /// JSON pointers (RFC 6901) to claims: `role`, `roles`, and each variable of the viewer.
    #[serde(default)]
    pub claims: BTreeMap<String, String>,
}

/// Shows nothing of the secret.
impl fmt::Debug for JwtSettings {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { algorithms, issuer, audience, optional, cookie, claims, .. } = self;
        formatter
            .debug_struct("JwtSettings")
            .field("algorithms", algorithms)
            .field("issuer", issuer)
            .field("audience", audience)
            .field("optional", optional)
            .field("cookie", cookie)
            .field("claims", claims)
            .finish_non_exhaustive()
    }
}

impl JwtSettings {
    /// Returns true if a token may lack this claim.
    pub(super) fn is_optional(&self, claim: &str) -> bool {
        self.optional.iter().any(|name| name == claim)
    }

    /// Checks what the settings say by themselves.
    pub(super) fn check(&self) -> Result<(), SignInFault> {
        let fault = |message: &str| Err(SignInFault(message.to_owned()));
        let is_shared = |algorithm: &&JwtAlgorithm| algorithm.family() == AlgorithmFamily::Hmac;
        let shared = self.algorithms.iter().filter(is_shared).count();
        match (&self.secret, self.keys.is_empty()) {
            _ if self.algorithms.is_empty() => return fault("algorithms names no algorithm"),
            (Some(_), false) => return fault("either secret or keys is given, not both"),
            (None, true) => return fault("neither secret nor keys is given"),
            (Some(secret), _) if secret.len() < SHORTEST_SECRET => {
                return fault("secret has fewer than 32 bytes");
            }
            (Some(_), _) if shared < self.algorithms.len() => {
                return fault("a secret serves HS256, HS384 and HS512 only; other algorithms need keys");
            }
            (None, _) if shared > 0 => {
                return fault("HS256, HS384 and HS512 need secret; they verify with no public key");
            }
            _ => {}
        }
        if let Some(cookie) = &self.cookie {
            check_name(cookie)?;
        }
        if let Some(other) = self.optional.iter().find(|claim| !REQUIRED.contains(&claim.as_str())) {
            return Err(SignInFault(format!("optional: expected exp, iss or aud, but {other:?} was given")));
        }
        if self.issuer.is_empty() && !self.is_optional("iss") {
            return fault("issuer is missing; optional = [\"iss\"] accepts tokens of any issuer");
        }
        if self.audience.is_empty() && !self.is_optional("aud") {
            return fault("audience is missing; optional = [\"aud\"] accepts tokens for any audience");
        }
        Ok(())
    }
}

fn leeway() -> u64 {
    LEEWAY_SECONDS
}

/// Reads a string or a list of strings.
fn one_or_several<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    struct Strings;

    impl<'de> Visitor<'de> for Strings {
        type Value = Vec<String>;

        fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
            formatter.write_str("a string or a list of strings")
        }

        fn visit_str<E>(self, text: &str) -> Result<Vec<String>, E> {
            Ok(vec![text.to_owned()])
        }

        fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<Vec<String>, A::Error> {
            Deserialize::deserialize(value::SeqAccessDeserializer::new(list))
        }
    }

    deserializer.deserialize_any(Strings)
}
