//! Administrator's secrets.

use std::fmt;

use actix_web::http::header::HeaderValue;
use sha2::{Digest, Sha256};
use subtle::{Choice, ConstantTimeEq};

/// Minimum length of a secret, in bytes.
const SHORTEST: usize = 16;

/// Secret of administrators, kept as its hash.
#[derive(Clone)]
pub struct AdministratorSecret([u8; 32]);

/// Shows nothing of the secret.
impl fmt::Debug for AdministratorSecret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("AdministratorSecret")
    }
}

impl AdministratorSecret {
    /// Creates a secret.
    ///
    /// # Errors
    /// If the secret has fewer than 16 bytes, or a character that no header can carry.
    pub fn new(secret: &str) -> Result<Self, String> {
        if secret.len() < SHORTEST {
            return Err(format!("an administrator's secret must have at least {SHORTEST} bytes"));
        }
        if HeaderValue::from_str(secret).is_err() || secret.trim() != secret {
            return Err("an administrator's secret must be text that a header can carry".to_owned());
        }
        Ok(Self(hash(secret.as_bytes())))
    }
}

/// Returns true if `given` is one of the secrets. The time depends neither on the place of the first difference, because
/// hashes are compared, nor on the secret that matches.
pub(super) fn is_secret(secrets: &[AdministratorSecret], given: &HeaderValue) -> bool {
    let given = hash(given.as_bytes());
    let matches = |secret: &AdministratorSecret| secret.0.ct_eq(&given);
    secrets.iter().map(matches).fold(Choice::from(0), |one, other| one | other).into()
}

fn hash(secret: &[u8]) -> [u8; 32] {
    Sha256::digest(secret).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_of_several_secrets_is_accepted_and_nothing_else() {
        let secrets =
            ["the first secret!", "the second secret"].map(|one| AdministratorSecret::new(one).unwrap());
        let is = |given: &'static str| is_secret(&secrets, &HeaderValue::from_static(given));
        assert!(is("the first secret!") && is("the second secret"));
        assert!(!is("the first secret") && !is("the first secret!!") && !is(""));
        assert!(!is_secret(&[], &HeaderValue::from_static("")));
        assert_eq!(format!("{:?}", secrets[0]), "AdministratorSecret");
    }

    #[test]
    fn a_secret_that_can_be_guessed_or_not_be_sent_is_refused() {
        assert!(AdministratorSecret::new("short").is_err());
        assert!(AdministratorSecret::new("a secret with a\nnew line").is_err());
        assert!(AdministratorSecret::new(" surrounded by spaces ").is_err());
    }
}
