//! A registry in memory, and all that one can do wrong.

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use connector_runtime::egress::{Connect, EgressOptions, Pending, Resolve, Stream};
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair as _};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, duplex};

use super::*;

const COMPONENT: &[u8] = b"\0asm and the rest";
const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";

/// What a path answers: the whole of an answer, with the request's head at hand.
type Answering = dyn Fn(&str) -> String + Send + Sync;

#[derive(Clone, Default)]
struct Fake {
    files: Arc<Mutex<BTreeMap<String, Arc<Answering>>>>,
    heads: Arc<Mutex<Vec<String>>>,
}

fn answer(status: &str, headers: &str, body: &str) -> String {
    let length = body.len();
    format!("HTTP/1.1 {status}\r\ncontent-length: {length}\r\n{headers}\r\n{body}")
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

impl Fake {
    fn answers(&self, path: &str, answering: impl Fn(&str) -> String + Send + Sync + 'static) {
        self.files.lock().unwrap().insert(path.to_owned(), Arc::new(answering));
    }

    fn holds(&self, path: &str, body: &[u8]) {
        let body = text(body).to_owned();
        self.answers(path, move |_| answer("200 OK", "", &body));
    }

    fn requests(&self) -> usize {
        self.heads.lock().unwrap().len()
    }

    /// A registry with a component in it, and its reference.
    fn with_component() -> (Self, Reference) {
        let fake = Self::default();
        let reference = fake.publish(&component_manifest());
        (fake, reference)
    }

    fn publish(&self, manifest: &Value) -> Reference {
        let manifest = manifest.to_string();
        let digest = ContentDigest::of(manifest.as_bytes());
        self.holds(&format!("/v2/a/b/manifests/{digest}"), manifest.as_bytes());
        self.holds(&format!("/v2/a/b/blobs/{}", ContentDigest::of(COMPONENT)), COMPONENT);
        format!("oci://127.0.0.1:5000/a/b@{digest}").parse().unwrap()
    }

    /// Signs `signed` by `key` under the tag of `reference`.
    fn sign(&self, reference: &Reference, signed: &ContentDigest, key: &EcdsaKeyPair) {
        let payload = json!({
            "critical": {
                "identity": { "docker-reference": "127.0.0.1:5000/a/b" },
                "image": { "docker-manifest-digest": signed.to_string() },
                "type": "cosign container image signature",
            },
            "optional": null,
        })
        .to_string();
        let signature = key.sign(&SystemRandom::new(), payload.as_bytes()).unwrap();
        self.put_signature(reference, &payload, &STANDARD.encode(signature));
    }

    fn put_signature(&self, reference: &Reference, payload: &str, signature: &str) {
        let blob = ContentDigest::of(payload.as_bytes());
        let layer = json!({
            "mediaType": "application/vnd.dev.cosign.simplesigning.v1+json",
            "digest": blob.to_string(),
            "annotations": { "dev.cosignproject.cosign/signature": signature },
        });
        let config =
            json!({ "mediaType": "application/vnd.oci.image.config.v1+json", "digest": "" });
        let manifest = json!({ "config": config, "layers": [layer] });
        self.holds(&format!("/v2/a/b/blobs/{blob}"), payload.as_bytes());
        let tag = format!("/v2/a/b/manifests/sha256-{}.sig", reference.digest.digits());
        self.holds(&tag, manifest.to_string().as_bytes());
    }

    fn registry(&self) -> Registry {
        let mut egress = EgressOptions::default();
        egress.network = Arc::new(self.clone());
        Registry::new(&egress).unwrap().allow_private()
    }
}

fn component_manifest() -> Value {
    json!({
        "mediaType": MANIFEST,
        "config": { "mediaType": "application/vnd.wasm.config.v0+json", "digest": "sha256:0" },
        "layers": [{ "mediaType": "application/wasm", "digest": ContentDigest::of(COMPONENT).to_string() }],
    })
}

impl Resolve for Fake {
    fn resolve<'a>(&'a self, _: &'a str, port: u16) -> Pending<'a, io::Result<Vec<SocketAddr>>> {
        Box::pin(async move { Ok(vec![SocketAddr::from(([127, 0, 0, 1], port))]) })
    }
}

impl Connect for Fake {
    fn resolver(&self) -> &dyn Resolve {
        self
    }

    fn connect(&self, _: SocketAddr) -> Pending<'_, io::Result<Box<dyn Stream>>> {
        let (ours, mut theirs) = duplex(64 * 1024);
        let fake = self.clone();
        tokio::spawn(async move {
            let mut head = Vec::new();
            while let Ok(byte) = theirs.read_u8().await {
                head.push(byte);
                if !head.ends_with(b"\r\n\r\n") {
                    continue;
                }
                let request = String::from_utf8(std::mem::take(&mut head)).unwrap();
                let path = request.split(' ').nth(1).unwrap_or_default().to_owned();
                fake.heads.lock().unwrap().push(request.clone());
                let found = fake.files.lock().unwrap().get(&path).cloned();
                let answer = match found {
                    Some(answering) => answering(&request),
                    None => answer("404 Not Found", "", ""),
                };
                if theirs.write_all(answer.as_bytes()).await.is_err() {
                    break;
                }
            }
        });
        Box::pin(async { Ok(Box::new(ours) as Box<dyn Stream>) })
    }
}

fn new_key() -> (EcdsaKeyPair, TrustedKey) {
    let random = SystemRandom::new();
    let algorithm = &ECDSA_P256_SHA256_ASN1_SIGNING;
    let pkcs8 = EcdsaKeyPair::generate_pkcs8(algorithm, &random).unwrap();
    let pair = EcdsaKeyPair::from_pkcs8(algorithm, pkcs8.as_ref(), &random).unwrap();
    let mut der = signature_prefix();
    der.extend_from_slice(pair.public_key().as_ref());
    let pem =
        format!("-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n", STANDARD.encode(der));
    let key = TrustedKey::from_pem(pem.as_bytes()).unwrap();
    (pair, key)
}

/// The DER before the point, as openssl writes it for `prime256v1`.
fn signature_prefix() -> Vec<u8> {
    STANDARD.decode("MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgA=").unwrap()
}

/// A directory of a test's own; there is no file in it yet.
fn new_directory() -> PathBuf {
    static NUMBER: AtomicUsize = AtomicUsize::new(0);
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    std::env::temp_dir().join(format!("registry-{}-{number}", std::process::id()))
}

async fn refusal(registry: &Registry, reference: &Reference) -> PullError {
    registry.pull(reference).await.unwrap_err()
}

#[tokio::test(start_paused = true)]
async fn a_component_is_pulled_by_its_digest() {
    let (fake, reference) = Fake::with_component();
    assert_eq!(fake.registry().pull(&reference).await.unwrap(), COMPONENT);
}

#[tokio::test(start_paused = true)]
async fn a_signed_component_needs_the_registry_once() {
    let (fake, reference) = Fake::with_component();
    let (pair, key) = new_key();
    fake.sign(&reference, &reference.digest, &pair);
    let directory = new_directory();
    let registry = fake.registry().trusted_keys(vec![new_key().1, key]).cache(directory.clone());
    assert_eq!(registry.pull(&reference).await.unwrap(), COMPONENT);
    let requests = fake.requests();
    assert_eq!(registry.pull(&reference).await.unwrap(), COMPONENT);
    assert_eq!(fake.requests(), requests);
    // What somebody wrote into the cache is not believed.
    for file in std::fs::read_dir(&directory).unwrap() {
        std::fs::write(file.unwrap().path(), b"others").unwrap();
    }
    assert_eq!(registry.pull(&reference).await.unwrap(), COMPONENT);
    assert_eq!(fake.requests(), 2 * requests);
    // Nor is a signature of the cache by a key that is no longer trusted.
    let other = fake.registry().trusted_keys(vec![new_key().1]).cache(directory.clone());
    assert!(matches!(refusal(&other, &reference).await, PullError::Untrusted { .. }));
    std::fs::remove_dir_all(directory).unwrap();
}

#[tokio::test(start_paused = true)]
async fn what_no_trusted_key_signed_is_refused() {
    let (fake, reference) = Fake::with_component();
    let (pair, key) = new_key();
    let registry = fake.registry().trusted_keys(vec![key]);
    assert!(matches!(refusal(&registry, &reference).await, PullError::Unsigned(_)));

    fake.sign(&reference, &reference.digest, &new_key().0);
    let why = refusal(&registry, &reference).await.to_string();
    assert!(why.contains("another key, or altered"), "{why}");

    fake.sign(&reference, &ContentDigest::of(b"another"), &pair);
    let why = refusal(&registry, &reference).await.to_string();
    assert!(why.contains("signed another image"), "{why}");

    let payload = r#"{"critical":{}}"#;
    let signature = pair.sign(&SystemRandom::new(), payload.as_bytes()).unwrap();
    fake.put_signature(&reference, payload, &STANDARD.encode(signature));
    let why = refusal(&registry, &reference).await.to_string();
    assert!(why.contains("something else than an image"), "{why}");

    fake.put_signature(&reference, payload, "?");
    let why = refusal(&registry, &reference).await.to_string();
    assert!(why.contains("no base64"), "{why}");
}

/// Whoever may add signatures to an image must not be able to take a good one away.
#[tokio::test(start_paused = true)]
async fn a_good_signature_counts_whatever_stands_beside_it() {
    let (fake, reference) = Fake::with_component();
    let (pair, key) = new_key();
    fake.sign(&reference, &reference.digest, &pair);
    let tag = format!("/v2/a/b/manifests/sha256-{}.sig", reference.digest.digits());
    let answering = fake.files.lock().unwrap()[&tag].clone();
    let whole = answering("");
    let (_, manifest) = whole.split_once("\r\n\r\n").unwrap();
    let mut manifest: Value = serde_json::from_str(manifest).unwrap();
    let good = manifest["layers"][0].clone();
    let mut bad = good.clone();
    bad["annotations"]["dev.cosignproject.cosign/signature"] = json!("AAAA");
    let mut lost = bad.clone();
    lost["digest"] = json!(ContentDigest::of(b"nowhere").to_string());
    let plain = json!({ "mediaType": "text/plain", "digest": good["digest"] });
    let mut layers = vec![plain; 100];
    layers.extend(vec![bad; 20]);
    layers.extend([lost, good]);
    manifest["layers"] = json!(layers);
    fake.holds(&tag, manifest.to_string().as_bytes());
    let registry = fake.registry().trusted_keys(vec![key]);
    assert_eq!(registry.pull(&reference).await.unwrap(), COMPONENT);
}

#[tokio::test(start_paused = true)]
async fn a_host_that_a_registry_sends_one_to_is_told_nothing() {
    let (fake, reference) = Fake::with_component();
    let manifest = format!("/v2/a/b/manifests/{}", reference.digest);
    let on = "location: http://localhost:9000/elsewhere\r\n";
    fake.answers(&manifest, move |_| answer("307 Temporary Redirect", on, ""));
    let challenge = "www-authenticate: Bearer realm=\"http://localhost:9000/token\"\r\n";
    fake.answers("/elsewhere", move |_| answer("401 Unauthorized", challenge, ""));
    let file = br#"{"auths":{"127.0.0.1:5000":{"auth":"dTpw"}}}"#;
    let registry = fake.registry().credentials(Credentials::read(file).unwrap());
    assert!(matches!(refusal(&registry, &reference).await, PullError::Denied { .. }));
    assert!(fake.heads.lock().unwrap().iter().all(|head| !head.contains("authorization")));
}

#[tokio::test(start_paused = true)]
async fn a_registry_that_lies_is_told() {
    let (fake, reference) = Fake::with_component();
    let registry = fake.registry();
    let blob = format!("/v2/a/b/blobs/{}", ContentDigest::of(COMPONENT));
    fake.holds(&blob, b"\0asm of somebody else");
    let why = refusal(&registry, &reference).await.to_string();
    assert!(why.contains("sent another component: its digest is sha256:"), "{why}");
    let manifest = format!("/v2/a/b/manifests/{}", reference.digest);
    fake.holds(&manifest, b"{}");
    let why = refusal(&registry, &reference).await.to_string();
    assert!(why.contains("sent another manifest"), "{why}");
    fake.answers(&manifest, |_| answer("404 Not Found", "", ""));
    let why = refusal(&registry, &reference).await.to_string();
    assert_eq!(why, "127.0.0.1:5000 has no manifest of this name and digest");
    fake.answers(&manifest, |_| answer("503 Service Unavailable", "", ""));
    let why = refusal(&registry, &reference).await.to_string();
    assert!(why.contains("it answered 503"), "{why}");
    fake.answers(&manifest, |_| "SSH-2.0\r\n".to_owned());
    assert!(matches!(refusal(&registry, &reference).await, PullError::Unreachable { .. }));
}

#[tokio::test(start_paused = true)]
async fn a_registry_that_stalls_is_given_up() {
    let (fake, reference) = Fake::with_component();
    // It promises more than it sends, and keeps the connection.
    let manifest = format!("/v2/a/b/manifests/{}", reference.digest);
    fake.answers(&manifest, |_| "HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf".to_owned());
    assert!(matches!(refusal(&fake.registry(), &reference).await, PullError::Unreachable { .. }));
    fake.answers(&manifest, |_| String::new());
    assert!(matches!(refusal(&fake.registry(), &reference).await, PullError::Unreachable { .. }));
}

#[tokio::test(start_paused = true)]
async fn what_is_no_component_is_refused() {
    let fake = Fake::default();
    let registry = fake.registry();
    let image = |config: &str, layers: Value| json!({ "config": { "mediaType": config, "digest": "" }, "layers": layers });
    let wasm = "application/vnd.wasm.config.v0+json";
    let digest = ContentDigest::of(COMPONENT).to_string();
    let layer = json!({ "mediaType": "application/wasm", "digest": digest });
    let other = json!({ "mediaType": "application/gzip", "digest": digest });
    let odd = json!({ "mediaType": "application/wasm", "digest": "sha512:1" });
    for (manifest, expected) in [
        (json!([]), "is no component: invalid length"),
        (json!({ "manifests": [] }), "is no component: missing field"),
        (image("application/vnd.oci.image.config.v1+json", json!([layer])), "its configuration is"),
        (image(wasm, json!([])), "it has 0 layers"),
        (image(wasm, json!([layer, layer])), "it has 2 layers"),
        (image(wasm, json!([other])), "its layer is application/gzip"),
        (image(wasm, json!([odd])), "its layer has the digest sha512:1"),
    ] {
        let reference = fake.publish(&manifest);
        let why = refusal(&registry, &reference).await.to_string();
        assert!(why.contains(expected), "{why}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_token_is_asked_for_once_and_stays_at_its_registry() {
    let (fake, reference) = Fake::with_component();
    let manifest = component_manifest().to_string();
    fake.answers(&format!("/v2/a/b/manifests/{}", reference.digest), move |head| {
        if head.contains("authorization: Bearer t0ken\r\n") {
            return answer("200 OK", "", &manifest);
        }
        let challenge =
            "www-authenticate: Bearer realm=\"http://localhost:5001/token\",service=\"r\"\r\n";
        answer("401 Unauthorized", challenge, "")
    });
    fake.answers("/token?service=r", |head| {
        if head.contains("authorization: Basic dTpw\r\n") {
            return answer("200 OK", "", r#"{"token":"t0ken"}"#);
        }
        answer("403 Forbidden", "", "")
    });
    fake.answers(&format!("/v2/a/b/blobs/{}", ContentDigest::of(COMPONENT)), |head| {
        assert!(head.contains("authorization: Bearer t0ken\r\n"), "{head}");
        answer("307 Temporary Redirect", "location: http://localhost:9000/blob?signed=1\r\n", "")
    });
    fake.answers("/blob?signed=1", |head| {
        assert!(!head.contains("authorization"), "{head}");
        answer("200 OK", "", text(COMPONENT))
    });
    assert!(matches!(refusal(&fake.registry(), &reference).await, PullError::Denied { .. }));
    let file = br#"{"auths":{"127.0.0.1:5000":{"auth":"dTpw"}}}"#;
    let registry = fake.registry().credentials(Credentials::read(file).unwrap());
    fake.heads.lock().unwrap().clear();
    assert_eq!(registry.pull(&reference).await.unwrap(), COMPONENT);
    assert_eq!(fake.requests(), 5);
}

#[tokio::test(start_paused = true)]
async fn a_registry_that_lets_nobody_in_is_told() {
    let (fake, reference) = Fake::with_component();
    let manifest = format!("/v2/a/b/manifests/{}", reference.digest);
    for (challenge, expected) in [
        ("www-authenticate: Basic realm=\"r\"\r\n", "asks for a user and a password"),
        ("www-authenticate: Negotiate\r\n", "asks for what this program cannot give"),
        ("", "asks for what this program cannot give"),
        ("www-authenticate: Bearer realm=\"http://localhost/no\"\r\n", "instead of a token"),
        ("www-authenticate: Bearer realm=\"http://localhost/odd\"\r\n", "as a token is none"),
        ("www-authenticate: Bearer realm=\"http://localhost/yes\"\r\n", "it answered 401"),
    ] {
        fake.answers(&manifest, move |_| answer("401 Unauthorized", challenge, ""));
        fake.holds("/odd", b"[]");
        fake.holds("/yes", br#"{"access_token":"t"}"#);
        let why = refusal(&fake.registry(), &reference).await;
        assert!(matches!(why, PullError::Denied { .. }), "{why}");
        assert!(why.to_string().contains(expected), "{why}");
    }
}

#[tokio::test(start_paused = true)]
async fn only_the_operator_lets_it_reach_private_places() {
    let (fake, reference) = Fake::with_component();
    let mut egress = EgressOptions::default();
    egress.network = Arc::new(fake.clone());
    let registry = Registry::new(&egress).unwrap();
    assert!(matches!(refusal(&registry, &reference).await, PullError::Registry(_)));
    let text = reference.to_string().replace("127.0.0.1:5000", "registry.example");
    let why = refusal(&registry, &text.parse().unwrap()).await.to_string();
    assert!(why.contains("no public address"), "{why}");
    assert_eq!(fake.requests(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_registry_that_sends_one_in_circles_is_given_up() {
    let (fake, reference) = Fake::with_component();
    let manifest = format!("/v2/a/b/manifests/{}", reference.digest);
    fake.answers(&manifest, |_| answer("302 Found", "location: ?again\r\n", ""));
    fake.answers(&format!("{manifest}?again"), |_| answer("302 Found", "location: ?again\r\n", ""));
    let why = refusal(&fake.registry(), &reference).await.to_string();
    assert!(why.contains("from one place to the next"), "{why}");
    assert_eq!(fake.requests(), 4);
}

#[test]
fn other_keys_are_refused() {
    for pem in [
        "",
        "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n",
        "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
    ] {
        assert_eq!(TrustedKey::from_pem(pem.as_bytes()).unwrap_err(), BadKey);
    }
}
