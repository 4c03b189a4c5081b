//! Sources of keys: fixed ones, or a provider's key set.

use std::fs;
use std::sync::Arc;

use super::key_set::{KeySet, VerificationKey, read_set};
use super::remote_keys::RemoteKeys;
use super::settings::JwtSettings;
use crate::server::sign_in::identity::IdentifyError;
use crate::server::sign_in::tokens::fault::SignInFault;

/// Source of the keys.
pub(super) enum KeySource {
    /// Keys of the settings and of files.
    Fixed(Arc<KeySet>),
    /// Key set at a URL.
    Remote(Arc<RemoteKeys>),
}

impl KeySource {
    /// Reads all keys that are at hand.
    pub(super) fn new(settings: &JwtSettings) -> Result<Self, SignInFault> {
        if let Some(secret) = &settings.secret {
            let key = VerificationKey::of_secret(secret).map_err(SignInFault)?;
            return Ok(Self::Fixed(Arc::new(KeySet::new(0, vec![key]))));
        }
        let is_url = |key: &String| key.contains("://");
        if settings.keys.iter().any(is_url) {
            let [url] = settings.keys.as_slice() else {
                return Err(SignInFault("keys: a URL stands alone".to_owned()));
            };
            return Ok(Self::Remote(Arc::new(RemoteKeys::new(url)?)));
        }
        let read: Result<Vec<_>, _> = settings.keys.iter().map(|key| keys_of(key)).collect();
        Ok(Self::Fixed(Arc::new(KeySet::new(0, read?.into_iter().flatten().collect()))))
    }

    /// Returns the valid keys.
    ///
    /// # Errors
    /// If the provider cannot be reached, and no set of it is kept.
    pub(super) async fn current(&self) -> Result<Arc<KeySet>, IdentifyError> {
        match self {
            Self::Fixed(set) => Ok(set.clone()),
            Self::Remote(keys) => keys
                .current()
                .await
                .ok_or_else(|| IdentifyError::Unavailable("the provider's key set is not available".into())),
        }
    }

    /// Returns keys that are newer than `known`, which lacks the key of a token.
    pub(super) async fn newer_than(&self, known: &KeySet) -> Option<Arc<KeySet>> {
        match self {
            Self::Fixed(_) => None,
            Self::Remote(keys) => keys.newer_than(known.number).await,
        }
    }
}

/// Reads a PEM text, or a file of one or of a key set.
fn keys_of(key: &str) -> Result<Vec<VerificationKey>, SignInFault> {
    if key.trim_start().starts_with("-----BEGIN") {
        let read = VerificationKey::of_pem(key).map_err(|fault| SignInFault(format!("keys: {fault}")))?;
        return Ok(vec![read]);
    }
    let named = |fault: String| SignInFault(format!("keys: {key}: {fault}"));
    let text = fs::read_to_string(key).map_err(|error| named(error.to_string()))?;
    match text.trim_start().starts_with('{') {
        true => read_set(text.as_bytes()).map_err(named),
        false => Ok(vec![VerificationKey::of_pem(&text).map_err(named)?]),
    }
}
