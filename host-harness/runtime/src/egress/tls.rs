//! Whom the host trusts: the web's certificate authorities, and those of a file.

use std::path::Path;
use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};
use thiserror::Error;

/// Why a file of certificate authorities cannot be used.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum CaError {
    /// Not there, not readable, or no PEM.
    #[error("cannot read certificates from {path}: {source}")]
    Unreadable {
        /// The file.
        path: String,
        /// Why.
        source: rustls::pki_types::pem::Error,
    },
    /// PEM, and no certificate authority in it.
    #[error("{path} holds no usable certificate; expected PEM with CERTIFICATE blocks")]
    Empty {
        /// The file.
        path: String,
    },
    /// The TLS library refused its own configuration.
    #[error("TLS cannot be set up: {0}")]
    Setup(#[from] rustls::Error),
}

/// A client configuration that trusts the web's authorities and those in `ca` (PEM).
///
/// # Errors
/// When `ca` cannot be read or holds no certificate.
pub fn client_config(ca: Option<&Path>) -> Result<Arc<ClientConfig>, CaError> {
    let mut roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
    if let Some(path) = ca {
        let name = path.display().to_string();
        let unreadable = |source| CaError::Unreadable { path: name.clone(), source };
        let certificates = CertificateDer::pem_file_iter(path).map_err(unreadable)?;
        let certificates = certificates.collect::<Result<Vec<_>, _>>().map_err(unreadable)?;
        let (added, _) = roots.add_parsable_certificates(certificates);
        if added == 0 {
            return Err(CaError::Empty { path: name });
        }
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(Arc::new(config))
}
