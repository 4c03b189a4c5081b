//! Keys that verify signatures, from PEM texts and from key sets (RFC 7517).

use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk, PublicKeyUse};
use jsonwebtoken::{Algorithm, AlgorithmFamily, DecodingKey, DecodingKeyKind};
use serde::Deserialize;
use serde_json::Value as Json;

/// Minimum size of an RSA modulus, in bits.
const SMALLEST_RSA: usize = 2_048;

/// Maximum number of keys in a set: a token without a key id is tried with all of them.
const MOST_KEYS: usize = 50;

/// Keys that are valid at the same time.
pub(super) struct KeySet {
    /// Number of the set among those of its source.
    pub number: u64,
    keys: Vec<VerificationKey>,
}

/// Key with the tokens that it verifies.
pub(super) struct VerificationKey {
    id: Option<String>,
    /// Algorithms of the key.
    algorithms: Vec<Algorithm>,
    key: DecodingKey,
}

impl KeySet {
    pub(super) fn new(number: u64, keys: Vec<VerificationKey>) -> Self {
        Self { number, keys }
    }

    /// Returns the keys that may have signed a token with this header. A key id selects among the keys that have one.
    pub(super) fn fitting<'a>(
        &'a self,
        algorithm: Algorithm,
        id: Option<&'a str>,
    ) -> impl Iterator<Item = &'a DecodingKey> {
        let fits = move |key: &&VerificationKey| {
            let same = match (id, key.id.as_deref()) {
                (Some(wanted), Some(own)) => wanted == own,
                _ => true,
            };
            same && key.algorithms.contains(&algorithm)
        };
        self.keys.iter().filter(fits).map(|key| &key.key)
    }
}

impl VerificationKey {
    /// Creates the key of a shared secret.
    pub(super) fn of_secret(secret: &str) -> Result<Self, String> {
        let key = DecodingKey::from_secret(secret.as_bytes()).map_err(|_| "the secret is empty")?;
        Ok(Self { id: None, algorithms: key.family().algorithms().to_vec(), key })
    }

    /// Reads a public key in PEM form.
    pub(super) fn of_pem(text: &str) -> Result<Self, String> {
        if text.contains("PRIVATE KEY") {
            return Err("expected a public key, but a private key was given".to_owned());
        }
        let bytes = text.as_bytes();
        let key = DecodingKey::from_rsa_pem(bytes)
            .or_else(|_| DecodingKey::from_ec_pem(bytes))
            .or_else(|_| DecodingKey::from_ed_pem(bytes));
        Self::checked(None, key.map_err(|_| "expected a public key of RSA, EC or Ed25519 in PEM form")?)
    }

    /// Reads a key of a set.
    fn of_jwk(jwk: &Jwk) -> Result<Self, String> {
        if jwk.common.public_key_use.as_ref().is_some_and(|usage| *usage != PublicKeyUse::Signature) {
            return Err("the key is not for signatures".to_owned());
        }
        // A shared secret has no place among public keys.
        let is_public = match &jwk.algorithm {
            AlgorithmParameters::OctetKeyPair(pair) => pair.curve == EllipticCurve::Ed25519,
            AlgorithmParameters::EllipticCurve(_) | AlgorithmParameters::RSA(_) => true,
            _ => false,
        };
        if !is_public {
            return Err("the type of the key is not supported".to_owned());
        }
        let key = DecodingKey::from_jwk(jwk).map_err(|_| "the key is malformed")?;
        let mut read = Self::checked(jwk.common.key_id.clone(), key)?;
        if let Some(own) = jwk.common.key_algorithm {
            let own = Algorithm::try_from(own).map_err(|_| "the algorithm of the key is not supported")?;
            read.algorithms.retain(|algorithm| *algorithm == own);
        }
        Ok(read)
    }

    fn checked(id: Option<String>, key: DecodingKey) -> Result<Self, String> {
        let point = key.try_get_as_bytes().map_or(0, <[u8]>::len);
        let algorithms = match (key.family(), point) {
            (AlgorithmFamily::Rsa, _) if rsa_bits(&key) < SMALLEST_RSA => {
                return Err(format!("an RSA key must have at least {SMALLEST_RSA} bits"));
            }
            (AlgorithmFamily::Ec, 65) => vec![Algorithm::ES256],
            (AlgorithmFamily::Ec, 97) => vec![Algorithm::ES384],
            (AlgorithmFamily::Ed, 32) | (AlgorithmFamily::Rsa, _) => key.family().algorithms().to_vec(),
            _ => return Err("the curve of the key is not supported".to_owned()),
        };
        Ok(Self { id, algorithms, key })
    }
}

/// Reads the keys of a set. Keys of another kind are left out, as providers add new kinds.
///
/// # Errors
/// If the text is no set, or no key of it verifies signatures.
pub(super) fn read_set(text: &[u8]) -> Result<Vec<VerificationKey>, String> {
    #[derive(Deserialize)]
    struct Set {
        keys: Vec<Json>,
    }

    let set: Set = serde_json::from_slice(text).map_err(|_| "expected a JSON Web Key Set")?;
    let jwks = set.keys.into_iter().take(MOST_KEYS).filter_map(|key| serde_json::from_value(key).ok());
    let keys: Vec<VerificationKey> = jwks.filter_map(|jwk| VerificationKey::of_jwk(&jwk).ok()).collect();
    if keys.is_empty() { Err("the key set has no key for signatures".to_owned()) } else { Ok(keys) }
}

/// Returns the size of an RSA key's modulus; 0 for a key that is not RSA.
fn rsa_bits(key: &DecodingKey) -> usize {
    let modulus = match key.kind() {
        DecodingKeyKind::RsaModulusExponent { n, .. } => Some(n.as_slice()),
        // RSAPublicKey ::= SEQUENCE { modulus INTEGER, publicExponent INTEGER } (RFC 8017, appendix A.1.1)
        DecodingKeyKind::SecretOrDer(der) => der_value(der, 0x30).and_then(|key| der_value(key, 0x02)),
    };
    let modulus = modulus.unwrap_or_default();
    let zeros = modulus.iter().take_while(|byte| **byte == 0).count();
    let leading = modulus.get(zeros).map_or(0, |byte| byte.leading_zeros() as usize);
    (modulus.len() - zeros) * 8 - leading
}

/// Returns the content of the first DER value if it has this tag.
fn der_value(der: &[u8], tag: u8) -> Option<&[u8]> {
    let (first, rest) = der.split_first()?;
    let (length, rest) = rest.split_first()?;
    let (length, rest) = match usize::from(*length) {
        short @ ..0x80 => (short, rest),
        long => {
            let (bytes, rest) = rest.split_at_checked(long - 0x80).filter(|(bytes, _)| bytes.len() <= 4)?;
            (bytes.iter().fold(0, |length, byte| length << 8 | usize::from(*byte)), rest)
        }
    };
    (*first == tag).then(|| rest.get(..length))?
}
