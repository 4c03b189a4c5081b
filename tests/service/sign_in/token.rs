//! Tokens of every kind, made by hand: libraries refuse to make most of the bad ones.

use std::time::{SystemTime, UNIX_EPOCH};

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use ring::hmac;
use ring::rand::SystemRandom;
use ring::rsa::PublicKeyComponents;
use ring::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair, RSA_PKCS1_SHA256, RsaKeyPair,
};
use serde_json::{Value as Json, json};

/// Key pair of the tests alone.
const RSA: &str = include_str!("rsa.pem");
pub const RSA_PUBLIC: &str = include_str!("rsa.public.pem");
/// Public key of 1,024 bits.
pub const SMALL_PUBLIC: &str = include_str!("small.public.pem");

pub const SECRET: &str = "a shared secret of thirty-two bytes or more";
pub const ISSUER: &str = "https://id.example";
pub const AUDIENCE: &str = "shop";

/// Key that signs.
pub enum Key {
    Secret(Vec<u8>),
    Rsa(Box<RsaKeyPair>),
    Ec(Box<EcdsaKeyPair>),
    Ed(Box<Ed25519KeyPair>),
}

impl Key {
    pub fn secret(secret: &str) -> Self {
        Self::Secret(secret.as_bytes().to_owned())
    }

    pub fn rsa() -> Self {
        let der: String = RSA.lines().filter(|line| !line.starts_with("-----")).collect();
        Self::Rsa(Box::new(RsaKeyPair::from_pkcs8(&STANDARD.decode(der).unwrap()).unwrap()))
    }

    pub fn ec() -> Self {
        let random = SystemRandom::new();
        let algorithm = &ECDSA_P256_SHA256_FIXED_SIGNING;
        let document = EcdsaKeyPair::generate_pkcs8(algorithm, &random).unwrap();
        Self::Ec(Box::new(EcdsaKeyPair::from_pkcs8(algorithm, document.as_ref(), &random).unwrap()))
    }

    pub fn ed() -> Self {
        let document = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).unwrap();
        Self::Ed(Box::new(Ed25519KeyPair::from_pkcs8(document.as_ref()).unwrap()))
    }

    pub fn algorithm(&self) -> &'static str {
        match self {
            Self::Secret(_) => "HS256",
            Self::Rsa(_) => "RS256",
            Self::Ec(_) => "ES256",
            Self::Ed(_) => "EdDSA",
        }
    }

    fn sign(&self, message: &[u8]) -> Vec<u8> {
        let random = SystemRandom::new();
        match self {
            Self::Secret(secret) => {
                hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret), message).as_ref().to_owned()
            }
            Self::Rsa(pair) => {
                let mut signature = vec![0; pair.public().modulus_len()];
                pair.sign(&RSA_PKCS1_SHA256, &random, message, &mut signature).unwrap();
                signature
            }
            Self::Ec(pair) => pair.sign(&random, message).unwrap().as_ref().to_owned(),
            Self::Ed(pair) => pair.sign(message).as_ref().to_owned(),
        }
    }

    /// Returns the public key as an entry of a key set.
    pub fn jwk(&self, id: &str) -> Json {
        let text = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        match self {
            Self::Secret(secret) => json!({ "kty": "oct", "kid": id, "k": text(secret) }),
            Self::Rsa(pair) => {
                let PublicKeyComponents { n, e } = PublicKeyComponents::<Vec<u8>>::from(pair.public());
                json!({ "kty": "RSA", "kid": id, "n": text(&n), "e": text(&e) })
            }
            Self::Ec(pair) => {
                let (x, y) = pair.public_key().as_ref()[1..].split_at(32);
                json!({ "kty": "EC", "crv": "P-256", "kid": id, "use": "sig", "x": text(x), "y": text(y) })
            }
            Self::Ed(pair) => {
                let x = text(pair.public_key().as_ref());
                json!({ "kty": "OKP", "crv": "Ed25519", "kid": id, "alg": "EdDSA", "x": x })
            }
        }
    }

    /// Returns a token with this header and these claims.
    pub fn token_with(&self, header: &Json, claims: &Json) -> String {
        let part = |part: &Json| URL_SAFE_NO_PAD.encode(part.to_string());
        let message = format!("{}.{}", part(header), part(claims));
        format!("{message}.{}", URL_SAFE_NO_PAD.encode(self.sign(message.as_bytes())))
    }

    /// Returns a token of this key with these claims.
    pub fn token(&self, claims: &Json) -> String {
        self.token_with(&json!({ "alg": self.algorithm(), "typ": "JWT" }), claims)
    }

    /// Returns a token that names this key id.
    pub fn token_of(&self, id: &str, claims: &Json) -> String {
        self.token_with(&json!({ "alg": self.algorithm(), "kid": id }), claims)
    }
}

pub fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}

/// Returns good claims of a user, with some replaced or, by null, removed.
pub fn claims(user: &str, other: &Json) -> Json {
    let mut claims = json!({
        "iss": ISSUER, "aud": AUDIENCE, "exp": now() + 600, "sub": user,
        "app": { "role": "user", "roles": ["user", "reader"] },
    });
    for (name, value) in other.as_object().unwrap() {
        match value {
            Json::Null => drop(claims.as_object_mut().unwrap().remove(name)),
            value => claims[name] = value.clone(),
        }
    }
    claims
}
