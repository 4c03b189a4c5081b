//! Secrets of administrators and of proxies.

use std::fmt;

use actix_web::http::header::HeaderValue;
use sha2::{Digest, Sha256};
use subtle::{Choice, ConstantTimeEq};

/// Minimum length of a secret, in bytes.
const SHORTEST: usize = 16;

/// Secret of administrators, or of a proxy, kept as its hash.
///
/// Secrets have no `==`, which would end at the first difference:
///
/// ```compile_fail,E0369
/// use crowsfoot::server::SignInSecret;
///
/// let secret = SignInSecret::new("the secret of administrators").unwrap();
/// assert!(secret == secret);
/// ```
#[derive(Clone)]
pub struct SignInSecret([u8; 32]);

/// Shows nothing of the secret.
impl fmt::Debug for SignInSecret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("SignInSecret")
    }
}

impl SignInSecret {
    /// Creates a secret.
    ///
    /// # Errors
    /// If the secret has fewer than 16 bytes, or a character that no header can carry.
    pub fn new(secret: &str) -> Result<Self, String> {
        if secret.len() < SHORTEST {
            return Err(format!("a secret of sign-in must have at least {SHORTEST} bytes"));
        }
        if HeaderValue::from_str(secret).is_err() || secret.trim() != secret {
            return Err("a secret of sign-in must be text that a header can carry".to_owned());
        }
        Ok(Self(hash(secret.as_bytes())))
    }
}

/// Returns true if `given` is one of the secrets. The time depends neither on the place of the first difference, because
/// hashes are compared, nor on the secret that matches.
pub(super) fn is_secret(secrets: &[SignInSecret], given: &HeaderValue) -> bool {
    let given = hash(given.as_bytes());
    let matches = |secret: &SignInSecret| secret.0.ct_eq(&given);
    secrets.iter().map(matches).fold(Choice::from(0), |one, other| one | other).into()
}

fn hash(secret: &[u8]) -> [u8; 32] {
    Sha256::digest(secret).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attack_90_any_of_several_secrets_is_accepted_and_nothing_else() {
        let secrets = ["the first secret!", "the second secret"].map(|one| SignInSecret::new(one).unwrap());
        let is = |given: &'static str| is_secret(&secrets, &HeaderValue::from_static(given));
        assert!(is("the first secret!") && is("the second secret"));
        assert!(!is("the first secret") && !is("the first secret!!") && !is(""));
        assert!(!is_secret(&[], &HeaderValue::from_static("")));
        assert_eq!(format!("{:?}", secrets[0]), "SignInSecret");
    }

    #[test]
    fn a_secret_that_can_be_guessed_or_not_be_sent_is_refused() {
        assert!(SignInSecret::new("short").is_err());
        assert!(SignInSecret::new("a secret with a\nnew line").is_err());
        assert!(SignInSecret::new(" surrounded by spaces ").is_err());
    }
}
