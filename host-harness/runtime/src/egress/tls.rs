//! Whom the host trusts: the web's certificate authorities, and those that the operator adds.

use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};

use super::options::EgressError;

/// A client configuration that trusts the web's authorities and those in `ca` (PEM). It has no
/// client certificate: who asks is told by the secrets of a request alone.
///
/// # Errors
/// When `ca` holds no certificate; the text tells nothing of what it does hold.
pub fn client_config(ca: Option<&[u8]>) -> Result<Arc<ClientConfig>, EgressError> {
    let mut roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
    if let Some(pem) = ca {
        let certificates = CertificateDer::pem_slice_iter(pem).collect::<Result<Vec<_>, _>>();
        // The library's own text quotes the line that it cannot read.
        let certificates = certificates.map_err(|_| EgressError::Ca("this is no PEM"))?;
        if certificates.is_empty() {
            return Err(EgressError::Ca("there is no certificate in it"));
        }
        if roots.add_parsable_certificates(certificates).0 == 0 {
            return Err(EgressError::Ca("no certificate in it can be read"));
        }
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(Arc::new(config))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_holds_no_certificate_is_refused_and_not_quoted() {
        let block = |kind: &str, content: &str| {
            format!("-----BEGIN {kind}-----\n{content}\n-----END {kind}-----\n")
        };
        for (given, why) in [
            (String::new(), "no certificate in it"),
            ("canary, and no PEM".to_owned(), "no certificate in it"),
            ("-----BEGIN canary".to_owned(), "no PEM"),
            (block("CERTIFICATE", "canary%"), "no PEM"),
            (block("PRIVATE KEY", "Y2FuYXJ5"), "no certificate in it"),
            (block("CERTIFICATE", "Y2FuYXJ5"), "can be read"),
        ] {
            let error = client_config(Some(given.as_bytes())).unwrap_err().to_string();
            assert!(error.contains(why) && !error.contains("canary"), "{given}: {error}");
        }
        assert!(client_config(None).is_ok());
    }
}
