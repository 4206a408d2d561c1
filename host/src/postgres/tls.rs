//! TLS to PostgreSQL: whenever it is used, certificate and host name are verified, against the system's roots and the guest's own.

use anyhow::{Context, Result, ensure};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};
use sha2::{Digest, Sha256};
use std::sync::{Arc, LazyLock};
use tokio_postgres_rustls::MakeRustlsConnect;

/// The system's roots, read once: that takes milliseconds.
static SYSTEM_ROOTS: LazyLock<RootCertStore> = LazyLock::new(|| {
    let mut roots = RootCertStore::empty();
    let found = rustls_native_certs::load_native_certs();
    let (_, ignored) = roots.add_parsable_certificates(found.certs);
    if ignored > 0 || roots.is_empty() {
        tracing::debug!("{} root certificates of the system, {ignored} ignored", roots.len());
    }
    roots
});

/// A root certificate that a guest trusts in addition, and the hash that tells its pools apart.
#[derive(Clone, Debug)]
pub(crate) struct CaRoot {
    certificates: Vec<CertificateDer<'static>>,
    /// SHA-256 of the text.
    pub(crate) hash: [u8; 32],
}

impl CaRoot {
    /// Reads PEM text, which must hold at least one certificate.
    pub(crate) fn from_pem(text: &str) -> Result<Self> {
        let certificates: Vec<_> = CertificateDer::pem_slice_iter(text.as_bytes()).collect::<Result<_, _>>()?;
        ensure!(!certificates.is_empty(), "no certificate found");
        Ok(Self { certificates, hash: Sha256::digest(text.as_bytes()).into() })
    }
}

/// The client side of TLS over HTTP, with the same roots.
pub(crate) fn client_config() -> Result<ClientConfig> {
    config_with(SYSTEM_ROOTS.clone())
}

/// A connector for the driver.
pub(crate) fn connector(ca_root: Option<&CaRoot>) -> Result<MakeRustlsConnect> {
    let mut roots = SYSTEM_ROOTS.clone();
    for certificate in ca_root.into_iter().flat_map(|root| &root.certificates) {
        roots.add(certificate.clone()).context("invalid root certificate")?;
    }
    Ok(MakeRustlsConnect::new(config_with(roots)?))
}

fn config_with(roots: RootCertStore) -> Result<ClientConfig> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
    Ok(builder.with_root_certificates(roots).with_no_client_auth())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_without_a_certificate_is_refused() {
        assert!(CaRoot::from_pem("").is_err());
        assert!(CaRoot::from_pem("-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----").is_err());
    }

    #[test]
    fn a_connector_can_be_made_without_a_root_of_ones_own() {
        assert!(connector(None).is_ok());
    }
}
