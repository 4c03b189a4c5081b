//! JSON Web Tokens (RFC 7519) as bearer tokens (RFC 6750).
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

use actix_web::http::header::{AUTHORIZATION, HeaderMap};
use async_trait::async_trait;
use claims::ClaimMap;
use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::{Header, Validation, decode, decode_header};
use key_set::KeySet;
use key_source::KeySource;
use serde_json::{Map, Value as Json};
use settings::REQUIRED;
pub use settings::{JwtAlgorithm, JwtFault, JwtSettings};
use verified::VerifiedTokens;

use super::identity::{Identify, IdentifyError, Identity};
use crate::policy::Policies;

/// Maximum size of a token, in bytes.
const LARGEST: usize = 16 << 10;

/// Verification of bearer tokens.
pub struct Jwt {
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
    pub fn new(settings: &JwtSettings, policies: &Policies) -> Result<Self, JwtFault> {
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
            algorithms: settings.algorithms.clone(),
            keys: KeySource::new(settings)?,
            validation,
            most_time: settings.max_age.map(Duration::from_secs),
            claims: ClaimMap::new(settings, policies)?,
            verified: VerifiedTokens::default(),
        })
    }

    /// Returns the identity of a token.
    async fn verify(&self, token: &str) -> Result<Identity, IdentifyError> {
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

#[async_trait]
impl Identify for Jwt {
    async fn identify(&self, headers: &HeaderMap) -> Result<Option<Identity>, IdentifyError> {
        let Some(value) = headers.get(AUTHORIZATION) else { return Ok(None) };
        let value = value.to_str().map_err(|_| IdentifyError::invalid("the header is not text"))?;
        let token = match value.split_once(' ') {
            Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => token.trim(),
            _ => return Err(IdentifyError::invalid("the scheme of the header is not Bearer")),
        };
        if token.len() > LARGEST {
            return Err(IdentifyError::invalid("the token is too large"));
        }
        self.verify(token).await.map(Some)
    }

    async fn ready(&self) -> Result<(), IdentifyError> {
        self.keys.current().await.map(drop)
    }
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
