//! TLS to a PostgreSQL server, verified by `sslmode`.

use std::io;
use std::sync::Arc;

use sha2::{Digest, Sha256, Sha384, Sha512};
use sqlx::postgres::PgSslMode;
use tokio::net::TcpStream;
use tokio::task::spawn_blocking;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::client::WebPkiServerVerifier;
use tokio_rustls::rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use tokio_rustls::rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use tokio_rustls::rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme,
};

use super::config::{Encryption, Pem};
use crate::database::postgres::fault::Fault;
use crate::database::postgres::stream::Stream;

/// Encrypts `socket`. Reads certificates each time, because they are replaced while the service runs.
pub async fn encrypt(
    socket: TcpStream,
    host: &str,
    encryption: &Encryption,
) -> Result<TlsStream<TcpStream>, Fault> {
    let name = ServerName::try_from(host.to_owned()).map_err(Fault::tls)?;
    let config = configuration(encryption).await?;
    TlsConnector::from(Arc::new(config)).connect(name, socket).await.map_err(|error| {
        match error.get_ref().is_some_and(|cause| cause.is::<Error>()) {
            true => Fault::tls(error),
            false => Fault::Io(error),
        }
    })
}

async fn configuration(encryption: &Encryption) -> Result<ClientConfig, Fault> {
    let provider = Arc::new(ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider.clone())
        .with_safe_default_protocol_versions()
        .map_err(Fault::tls)?;
    let config = match encryption.mode {
        PgSslMode::VerifyFull => config.with_root_certificates(roots(encryption).await?),
        PgSslMode::VerifyCa => {
            let chain = WebPkiServerVerifier::builder_with_provider(
                Arc::new(roots(encryption).await?),
                provider.clone(),
            )
            .build()
            .map_err(Fault::tls)?;
            let verifier = Arc::new(Lenient { provider, chain: Some(chain) });
            config.dangerous().with_custom_certificate_verifier(verifier)
        }
        PgSslMode::Disable | PgSslMode::Allow | PgSslMode::Prefer | PgSslMode::Require => {
            let verifier = Arc::new(Lenient { provider, chain: None });
            config.dangerous().with_custom_certificate_verifier(verifier)
        }
    };
    match (&encryption.certificate, &encryption.key) {
        (Some(certificate), Some(key)) => {
            let chain = certificates(certificate).await?;
            let key = PrivateKeyDer::from_pem_slice(&text(key).await?).map_err(Fault::tls)?;
            config.with_client_auth_cert(chain, key).map_err(Fault::tls)
        }
        (None, None) => Ok(config.with_no_client_auth()),
        _ => Err(Fault::Settings("sslcert and sslkey must be given together".to_owned())),
    }
}

/// Returns the trusted roots: those of browsers, and those of the settings.
async fn roots(encryption: &Encryption) -> Result<RootCertStore, Fault> {
    let mut roots = RootCertStore::from_iter(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
    if let Some(pem) = &encryption.roots {
        for certificate in certificates(pem).await? {
            roots.add(certificate).map_err(Fault::tls)?;
        }
    }
    Ok(roots)
}

async fn certificates(pem: &Pem) -> Result<Vec<CertificateDer<'static>>, Fault> {
    CertificateDer::pem_slice_iter(&text(pem).await?).collect::<Result<_, _>>().map_err(Fault::tls)
}

async fn text(pem: &Pem) -> Result<Vec<u8>, Fault> {
    match pem {
        Pem::Inline(text) => Ok(text.clone().into_bytes()),
        Pem::File(path) => {
            let file = path.clone();
            let read =
                spawn_blocking(|| std::fs::read(file)).await.unwrap_or_else(|e| Err(io::Error::other(e)));
            read.map_err(|error| Fault::Settings(format!("{}: {error}", path.display())))
        }
    }
}

/// Verifier for modes that do not check the server's name, or not its certificate.
#[derive(Debug)]
struct Lenient {
    provider: Arc<CryptoProvider>,
    /// Chain verifier for modes that check the certificate, but not the name.
    chain: Option<Arc<WebPkiServerVerifier>>,
}

impl ServerCertVerifier for Lenient {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let Some(chain) = &self.chain else { return Ok(ServerCertVerified::assertion()) };
        match chain.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now) {
            // The name is checked last.
            Err(Error::InvalidCertificate(
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
            )) => Ok(ServerCertVerified::assertion()),
            verified => verified,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls12_signature(message, certificate, signature, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

/// Returns the channel binding of SCRAM (`tls-server-end-point`, RFC 5929): the hash of the server's
/// certificate. `None` without TLS, and for signatures whose name does not identify the hash.
pub fn end_point(stream: &Stream) -> Option<Vec<u8>> {
    let Stream::Tls(stream) = stream else { return None };
    let (_, session) = stream.get_ref();
    hash(session.peer_certificates()?.first()?)
}

/// Object ids of signatures, in DER: PKCS #1 (RFC 8017) with the hash in the last byte, and ECDSA (RFC 5758).
const PKCS_1: [u8; 8] = [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01];
const ECDSA_SHA_1: [u8; 7] = [0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x01];
const ECDSA_SHA_2: [u8; 7] = [0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03];

/// Hashes a certificate with its signature's hash function, or with SHA-256 instead of a weak one.
fn hash(certificate: &[u8]) -> Option<Vec<u8>> {
    let (fields, _) = element(certificate)?;
    let (_, after_body) = element(fields)?;
    let (algorithm, _) = element(after_body)?;
    let (id, _) = element(algorithm)?;
    let (last, family) = id.split_last()?;
    match (family, last) {
        // MD5, SHA-1, SHA-256
        (family, 4 | 5 | 11) if family == PKCS_1 => Some(Sha256::digest(certificate).to_vec()),
        (family, 12) if family == PKCS_1 => Some(Sha384::digest(certificate).to_vec()),
        (family, 13) if family == PKCS_1 => Some(Sha512::digest(certificate).to_vec()),
        (family, 2) if family == ECDSA_SHA_2 => Some(Sha256::digest(certificate).to_vec()),
        (family, 3) if family == ECDSA_SHA_2 => Some(Sha384::digest(certificate).to_vec()),
        (family, 4) if family == ECDSA_SHA_2 => Some(Sha512::digest(certificate).to_vec()),
        _ if id == ECDSA_SHA_1 => Some(Sha256::digest(certificate).to_vec()),
        _ => None,
    }
}

/// Returns the contents of the first element in `der`, and the bytes after it.
fn element(der: &[u8]) -> Option<(&[u8], &[u8])> {
    let (&length, rest) = der.get(1..)?.split_first()?;
    if length < 0x80 {
        return rest.split_at_checked(length.into());
    }
    let (length, rest) = rest.split_at_checked(usize::from(length & 0x7f))?;
    let length =
        length.iter().try_fold(0_usize, |sum, &byte| sum.checked_mul(256)?.checked_add(byte.into()))?;
    rest.split_at_checked(length)
}
