//! JSON Web Tokens (RFC 7519).
//!
//! Settings decide on algorithms and keys, never the token: `jku`, `jwk`, `x5u` and `x5c` in its header are not read,
//! and `kid` only selects among the configured keys.

mod claims;
mod key_set;
mod key_source;
mod remote_keys;
mod ring_provider;
mod settings;
mod verified;

use std::time::{Duration, SystemTime};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use claims::ClaimMap;
use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::{Header, Validation, decode, decode_header};
use key_set::KeySet;
use key_source::KeySource;
use serde_json::{Map, Value as Json};
use settings::REQUIRED;
pub use settings::{JwtAlgorithm, JwtSettings};
use verified::VerifiedTokens;

use super::fault::SignInFault;
use crate::policy::Policies;
use crate::server::sign_in::identity::{IdentifyError, Identity};

/// Verification of the tokens of an issuer.
pub struct Jwt {
    /// Accepted issuers; empty for any.
    issuers: Vec<String>,
    cookie: Option<String>,
    algorithms: Vec<JwtAlgorithm>,
    keys: KeySource,
    validation: Validation,
    /// Maximum time until the end of a token.
    most_time: Option<Duration>,
    claims: ClaimMap,
    verified: VerifiedTokens,
}

impl Jwt {
    /// Creates a verification with these settings, for the viewer's variables of `policies`. Files of keys are read now;
    /// a key set at a URL is fetched when it is first needed.
    ///
    /// The first call installs a provider of cryptography for `jsonwebtoken` in the process unless it has one. The
    /// provider verifies; an application that signs tokens with `jsonwebtoken` installs its own before.
    ///
    /// # Errors
    /// If the settings contradict themselves, a key cannot be read, or a claim is for no variable of `policies`.
    pub fn new(settings: &JwtSettings, policies: &Policies) -> Result<Self, SignInFault> {
        ring_provider::install();
        settings.check()?;
        let required = REQUIRED.into_iter().filter(|claim| !settings.is_optional(claim));
        let mut validation = Validation::new(JwtAlgorithm::HS256);
        validation.required_spec_claims = required.map(str::to_owned).collect();
        validation.leeway = settings.leeway;
        validation.validate_nbf = true;
        if !settings.issuer.is_empty() {
            validation.set_issuer(&settings.issuer);
        }
        if settings.audience.is_empty() {
            validation.validate_aud = false;
        } else {
            validation.set_audience(&settings.audience);
        }
        Ok(Self {
            issuers: settings.issuer.clone(),
            cookie: settings.cookie.clone(),
            algorithms: settings.algorithms.clone(),
            keys: KeySource::new(settings)?,
            validation,
            most_time: settings.max_age.map(Duration::from_secs),
            claims: ClaimMap::new(settings, policies)?,
            verified: VerifiedTokens::default(),
        })
    }

    /// Returns true if a token that names this issuer is for this verification.
    pub(super) fn is_of(&self, issuer: Option<&str>) -> bool {
        self.issuers.is_empty()
            || match issuer {
                Some(issuer) => self.issuers.iter().any(|own| own == issuer),
                None => !self.validation.required_spec_claims.contains("iss"),
            }
    }

    /// Returns the name of the cookie with the token.
    pub(super) fn cookie(&self) -> Option<&str> {
        self.cookie.as_deref()
    }

    /// Checks that there are keys.
    pub(super) async fn has_keys(&self) -> Result<(), IdentifyError> {
        self.keys.current().await.map(drop)
    }

    /// Returns the identity of a token.
    pub(super) async fn verify(&self, token: &str) -> Result<Identity, IdentifyError> {
        let set = self.keys.current().await?;
        if let Some(identity) = self.verified.get(token, set.number) {
            return Ok(identity);
        }
        let header = decode_header(token).map_err(|error| invalid(error.kind()))?;
        if header.crit.is_some() {
            return Err(IdentifyError::invalid("the header has the entry crit"));
        }
        if !self.algorithms.contains(&header.alg) {
            return Err(IdentifyError::invalid("the algorithm is not one of the settings"));
        }
        let (set, claims) = match self.claims_of(token, &header, &set) {
            None => {
                let newer = self.keys.newer_than(&set).await;
                let newer = newer.ok_or_else(|| IdentifyError::invalid("the key is unknown"))?;
                let claims = self.claims_of(token, &header, &newer);
                (newer, claims.ok_or_else(|| IdentifyError::invalid("the key is unknown"))?)
            }
            Some(claims) => (set, claims),
        };
        let identity = self.claims.identity(&claims?).map_err(IdentifyError::invalid)?;
        let left = identity.expires.map(|end| end.duration_since(SystemTime::now()).unwrap_or_default());
        if let Some(most) = self.most_time
            && left.is_none_or(|left| left > most)
        {
            return Err(IdentifyError::invalid("the token lives longer than max_age"));
        }
        self.verified.put(token, set.number, &identity);
        Ok(identity)
    }

    /// Verifies the token with the keys of `set` that its header fits; `None` if no key does.
    fn claims_of(&self, token: &str, header: &Header, set: &KeySet) -> Option<Result<Json, IdentifyError>> {
        let mut validation = self.validation.clone();
        validation.algorithms = vec![header.alg];
        let mut last = None;
        for key in set.fitting(header.alg, header.kid.as_deref()) {
            match decode::<Map<String, Json>>(token, key, &validation) {
                Ok(token) => return Some(Ok(Json::Object(token.claims))),
                // Another key may have signed it, if neither has an id.
                Err(error) if *error.kind() == ErrorKind::InvalidSignature => last = Some(error),
                Err(error) => return Some(Err(invalid(error.kind()))),
            }
        }
        last.map(|error| Err(invalid(error.kind())))
    }
}

/// Returns the issuer that a token names, unverified; `None` if the token is no JSON Web Token.
pub(super) fn issuer_of(token: &str) -> Option<Option<String>> {
    decode_header(token).ok()?;
    let payload = URL_SAFE_NO_PAD.decode(token.split('.').nth(1)?).ok()?;
    let claims: Json = serde_json::from_slice(&payload).ok()?;
    Some(claims.get("iss").and_then(Json::as_str).map(str::to_owned))
}

/// Names the fault of a token. Texts of the library may quote claims.
fn invalid(kind: &ErrorKind) -> IdentifyError {
    IdentifyError::invalid(match kind {
        ErrorKind::InvalidSignature => "the signature is another",
        ErrorKind::InvalidAlgorithm => "the algorithm is not one of the key",
        ErrorKind::ExpiredSignature => "the token has expired",
        ErrorKind::ImmatureSignature => "the token is not valid yet",
        ErrorKind::InvalidIssuer => "the issuer is another",
        ErrorKind::InvalidAudience => "the audience is another",
        ErrorKind::MissingRequiredClaim(_) => "a required claim is missing, or of another type",
        ErrorKind::InvalidClaimFormat(_) => "a registered claim is of another type",
        _ => "the token is malformed",
    })
}
