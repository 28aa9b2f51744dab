//! TLS of the receiver.

use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;

use connector_state::scratch::Scratch;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio_rustls::TlsConnector;

use super::world::{TOKEN, World, request, status, upsert};
use crate::webhooks::{ReceiverBounds, Surroundings, Tls, TlsError};

/// A certificate for h.example that signs itself, and its key.
fn certificate(folder: &Path) {
    let run = Command::new("openssl")
        .args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"])
        .args(["-nodes", "-days", "30", "-subj", "/CN=h.example"])
        .args(["-addext", "subjectAltName=DNS:h.example"])
        .args(["-addext", "basicConstraints=critical,CA:FALSE"])
        .arg("-keyout")
        .arg(folder.join("key.pem"))
        .arg("-out")
        .arg(folder.join("cert.pem"))
        .stderr(Stdio::null())
        .status();
    assert!(run.unwrap().success(), "openssl made no certificate");
}

/// What a client of TLS gets back; the machine's clock, since certificates end by it.
async fn over_tls(world: &World, folder: &Path, bytes: &[u8]) -> std::io::Result<String> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(folder.join("cert.pem")).unwrap()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider);
    let config = config.with_safe_default_protocol_versions().unwrap();
    let mut config = config.with_root_certificates(roots).with_no_client_auth();
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    let name = ServerName::try_from("h.example").unwrap();
    let mut stream = TlsConnector::from(Arc::new(config)).connect(name, world.connect()).await?;
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"http/1.1"[..]));
    stream.write_all(bytes).await?;
    let mut answer = String::new();
    // Without a farewell of TLS the answer is as whole as its length says.
    let _ = stream.read_to_string(&mut answer).await;
    Ok(answer)
}

#[tokio::test]
async fn deliveries_come_over_tls_and_a_renewed_certificate_is_taken_up() {
    let folder = Scratch::new();
    certificate(folder.path());
    let (cert, key) = (folder.path().join("cert.pem"), folder.path().join("key.pem"));
    let tls = Some(Tls::read(&cert, &key).unwrap());
    let world =
        World::with(ReceiverBounds::default(), Surroundings { tls, ..Surroundings::default() })
            .await;
    let whole = |id: &str| {
        let body = upsert(id, "r", "", 1);
        request(&format!("/hooks/{TOKEN}"), "x-signed: yes\r\n", &body)
    };
    let answer = over_tls(&world, folder.path(), &whole("e1")).await.unwrap();
    assert_eq!(status(&answer), 200);
    let seen = world.fake.seen.lock().unwrap().remove(0);
    assert_eq!(seen.url, format!("https://h.example/hooks/{TOKEN}"));
    // Who speaks no TLS gets no answer of HTTP.
    assert_eq!(status(&world.send(&whole("e2")).await), 0);

    let renewed = Tls::read(&cert, &key).unwrap();
    certificate(folder.path());
    renewed.renew().unwrap();
    std::fs::write(&cert, "rubbish").unwrap();
    assert!(matches!(renewed.renew(), Err(TlsError::Empty(_))));
    assert!(matches!(Tls::read(&cert, Path::new("/no")), Err(TlsError::Empty(_))));
    assert!(matches!(Tls::read(Path::new("/no"), &key), Err(TlsError::Unreadable { .. })));
}
