//! TLS of a listener: a certificate and its key, in files that may be renewed while it runs.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::SystemTime;

use rustls::ServerConfig;
use rustls::pki_types::pem::{self, PemObject as _};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use thiserror::Error;
use tokio_rustls::TlsAcceptor;

use crate::lock;

/// Why TLS cannot be offered.
#[derive(Debug, Error)]
pub enum TlsError {
    /// Not there, not readable, or no PEM of that kind.
    #[error("cannot read {what} from {path}: {source}")]
    Unreadable {
        /// Certificates, or a private key.
        what: &'static str,
        /// The file.
        path: String,
        /// What the file's reader says.
        source: pem::Error,
    },
    /// PEM, and no certificate in it.
    #[error("{0} holds no certificate; expected PEM with CERTIFICATE blocks")]
    Empty(String),
    /// The two do not belong together, or are of a kind that is not supported.
    #[error("the certificate and its key cannot be used: {0}")]
    Unfit(#[from] rustls::Error),
}

/// Offers TLS 1.2 and 1.3 with HTTP/1.1.
pub struct Tls {
    certificate: PathBuf,
    key: PathBuf,
    now: Mutex<(Arc<ServerConfig>, Option<SystemTime>)>,
}

impl Tls {
    /// Reads both files.
    ///
    /// # Errors
    /// [`TlsError`].
    pub fn read(certificate: &Path, key: &Path) -> Result<Self, TlsError> {
        let changed = changed(certificate, key);
        let config = config(certificate, key)?;
        let now = Mutex::new((Arc::new(config), changed));
        Ok(Self { certificate: certificate.to_owned(), key: key.to_owned(), now })
    }

    /// Reads the files again if they were changed. When that fails the ones before go on serving.
    ///
    /// # Errors
    /// [`TlsError`].
    pub fn renew(&self) -> Result<(), TlsError> {
        let changed = changed(&self.certificate, &self.key);
        if lock(&self.now).1 == changed {
            return Ok(());
        }
        let config = config(&self.certificate, &self.key)?;
        *lock(&self.now) = (Arc::new(config), changed);
        Ok(())
    }

    /// Agrees on TLS with who connects.
    pub fn acceptor(&self) -> TlsAcceptor {
        TlsAcceptor::from(Arc::clone(&lock(&self.now).0))
    }
}

/// The later of the two files' times.
fn changed(certificate: &Path, key: &Path) -> Option<SystemTime> {
    let modified = |path: &Path| path.metadata().and_then(|facts| facts.modified()).ok();
    modified(certificate).max(modified(key))
}

fn config(certificate: &Path, key: &Path) -> Result<ServerConfig, TlsError> {
    let unreadable = |what, path: &Path| {
        let path = path.display().to_string();
        move |source| TlsError::Unreadable { what, path, source }
    };
    let chain = CertificateDer::pem_file_iter(certificate)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(unreadable("certificates", certificate))?;
    if chain.is_empty() {
        return Err(TlsError::Empty(certificate.display().to_string()));
    }
    let key = PrivateKeyDer::from_pem_file(key).map_err(unreadable("a private key", key))?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(chain, key)?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(config)
}
