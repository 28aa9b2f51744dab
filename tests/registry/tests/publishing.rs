//! What `make release` wrote is signed, pushed to `docker-registry` on this machine, pulled by
//! `oci-client`, and run by the host by its digest.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use oci_client::client::{ClientConfig, ClientProtocol};
use oci_client::secrets::RegistryAuth;
use oci_client::{Client, Reference};
use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, BufReader};

const REPOSITORY: &str = "aftership/connector";
const COMPONENT: &str = "application/vnd.wasm.config.v0+json";

/// The root of the checkout.
fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

/// An empty directory of this test's own.
fn scratch() -> PathBuf {
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join("publishing");
    let _ = fs::remove_dir_all(&directory);
    fs::create_dir_all(&directory).unwrap();
    directory
}

fn run(program: &str, arguments: &[&str]) -> Output {
    let output = Command::new(program).args(arguments).output();
    output.unwrap_or_else(|why| panic!("{program}: {why}"))
}

#[track_caller]
fn succeed(program: &str, arguments: &[&str]) -> String {
    let output = run(program, arguments);
    let why = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{program} {arguments:?}: {why}");
    String::from_utf8(output.stdout).unwrap()
}

/// A private key and its public one, made by openssl.
fn new_key(directory: &Path, name: &str) -> (String, String) {
    let path = |kind| directory.join(format!("{name}.{kind}")).to_str().unwrap().to_owned();
    let (key, public) = (path("pem"), path("pub"));
    let curve = "ec_paramgen_curve:P-256";
    succeed("openssl", &["genpkey", "-algorithm", "EC", "-pkeyopt", curve, "-out", &key]);
    succeed("openssl", &["pkey", "-in", &key, "-pubout", "-out", &public]);
    (key, public)
}

/// `docker-registry` on a free port, ended when dropped.
struct Registry {
    _process: tokio::process::Child,
    address: String,
}

impl Registry {
    async fn start(directory: &Path) -> Self {
        let config = directory.join("registry.yml");
        let data = directory.join("data");
        let text = format!(
            "version: 0.1\nlog: {{ level: info }}\nstorage: {{ filesystem: {{ rootdirectory: {} }} }}\n\
             http: {{ addr: \"127.0.0.1:0\" }}\n",
            data.display()
        );
        fs::write(&config, text).unwrap();
        let mut process = tokio::process::Command::new("docker-registry")
            .arg("serve")
            .arg(config)
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("docker-registry runs");
        let mut lines = BufReader::new(process.stderr.take().unwrap()).lines();
        let address = loop {
            let line =
                lines.next_line().await.unwrap().expect("docker-registry says where it listens");
            if let Some((_, after)) = line.split_once("listening on ") {
                break after.split(['"', ' ']).next().unwrap().to_owned();
            }
        };
        // What it says later is read, so that its pipe never fills.
        tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
        Self { _process: process, address }
    }

    fn reference(&self, digest: &str) -> Reference {
        format!("{}/{REPOSITORY}@{digest}", self.address).parse().unwrap()
    }

    /// Pushes each image of an OCI layout, with its blobs, under its tag.
    async fn push(&self, layout: &Path) {
        let client = client();
        let blob =
            |digest: &str| fs::read(layout.join("blobs").join(digest.replace(':', "/"))).unwrap();
        let index: Value =
            serde_json::from_slice(&fs::read(layout.join("index.json")).unwrap()).unwrap();
        for image in index["manifests"].as_array().unwrap() {
            let tag = image["annotations"]["org.opencontainers.image.ref.name"].as_str().unwrap();
            let name: Reference = format!("{}/{REPOSITORY}:{tag}", self.address).parse().unwrap();
            let bytes = blob(image["digest"].as_str().unwrap());
            let manifest: Value = serde_json::from_slice(&bytes).unwrap();
            let parts = manifest["layers"].as_array().unwrap().iter().chain([&manifest["config"]]);
            client
                .auth(&name, &RegistryAuth::Anonymous, oci_client::RegistryOperation::Push)
                .await
                .unwrap();
            for part in parts {
                let digest = part["digest"].as_str().unwrap();
                client.push_blob(&name, blob(digest), digest).await.unwrap();
            }
            let media_type = http::HeaderValue::from_str(image["mediaType"].as_str().unwrap());
            client.push_manifest_raw(&name, bytes, media_type.unwrap()).await.unwrap();
        }
    }
}

fn client() -> Client {
    // Fails where there is one already.
    let _ = rustls::crypto::ring::default_provider().install_default();
    Client::new(ClientConfig { protocol: ClientProtocol::Http, ..ClientConfig::default() })
}

/// Digest of the component's image in a layout.
fn published_digest(layout: &Path) -> String {
    let index: Value =
        serde_json::from_slice(&fs::read(layout.join("index.json")).unwrap()).unwrap();
    let images = index["manifests"].as_array().unwrap();
    let image = images.iter().find(|image| image["artifactType"] == COMPONENT).unwrap();
    image["digest"].as_str().unwrap().to_owned()
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

/// What the host says of the component that `arguments` name.
fn inspect(cache: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(root().join("target/debug/connector-host"));
    command.args(arguments).args(["inspect", "--output", "json", "--cache"]).arg(cache);
    command.env_remove("CONNECTOR_COMPONENT").output().unwrap()
}

#[track_caller]
fn refused(output: &Output, why: &str) {
    let shown = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success() && output.stdout.is_empty(), "{shown}");
    assert!(shown.contains(why), "{shown}");
}

#[tokio::test]
async fn a_release_is_published_found_checked_and_run() {
    let directory = scratch();
    let release = root().join("dist/release");
    let layout = directory.join("oci");
    copy(&release.join("oci"), &layout);
    let digest = published_digest(&layout);
    let (key, public) = new_key(&directory, "publisher");
    let (_, stranger) = new_key(&directory, "stranger");

    // Without a signature.
    let registry = Registry::start(&directory).await;
    registry.push(&layout).await;
    let component = format!("oci://{}/{REPOSITORY}@{digest}", registry.address);
    let named = ["--component", &component, "--allow-private"];
    let trusting = |key| [&named[..], &["--trusted-key", key]].concat();
    let cache = directory.join("cache");
    refused(&inspect(&cache, &trusting(&public)), "has no signature");

    // With one, which openssl verifies as well.
    let program = root().join("target/debug/release");
    let (program, folder) = (program.to_str().unwrap(), layout.to_str().unwrap());
    let name = format!("{}/{REPOSITORY}", registry.address);
    succeed(program, &["sign", "--layout", folder, "--key", &key, "--reference", &name]);
    registry.push(&layout).await;
    verify_by_openssl(&registry, &directory, &digest, &public).await;

    // As another program pulls it.
    let pulled = client()
        .pull(&registry.reference(&digest), &RegistryAuth::Anonymous, vec!["application/wasm"])
        .await
        .unwrap();
    let layer = &pulled.layers[0];
    let version = env!("CARGO_PKG_VERSION");
    let file = fs::read(release.join(format!("aftership-connector-{version}.wasm"))).unwrap();
    assert!(layer.data == file, "the pulled file is the released one");
    let annotations = pulled.manifest.unwrap().annotations.unwrap();
    assert_eq!(annotations["org.opencontainers.image.version"], version);

    // As the host runs it.
    refused(&inspect(&cache, &trusting(&stranger)), "another key, or altered");
    let shown = inspect(&cache, &trusting(&public));
    assert!(shown.status.success(), "{}", String::from_utf8_lossy(&shown.stderr));
    let shown: Value = serde_json::from_slice(&shown.stdout).unwrap();
    let released: Value =
        serde_json::from_slice(&fs::read(release.join("manifest.json")).unwrap()).unwrap();
    assert_eq!(shown["sha256"], released["sha256"]);
    let other = component.replace(&digest, &format!("sha256:{}", "0".repeat(64)));
    let other = ["--component", &other, "--allow-private"];
    refused(&inspect(&cache, &other), "has no manifest of this name and digest");
    refused(&inspect(&directory.join("new"), &named[..2]), "--allow-private");

    // Altered where the registry keeps it.
    let digits = layer.sha256_digest();
    let digits = digits.trim_start_matches("sha256:");
    let kept = format!("data/docker/registry/v2/blobs/sha256/{}/{digits}/data", &digits[..2]);
    let mut altered = file.clone();
    *altered.last_mut().unwrap() ^= 1;
    fs::write(directory.join(kept), altered).unwrap();
    refused(&inspect(&directory.join("new"), &trusting(&public)), "sent another component");

    // And without the registry, from the cache.
    drop(registry);
    let again = inspect(&cache, &trusting(&public));
    assert!(again.status.success(), "{}", String::from_utf8_lossy(&again.stderr));
    refused(&inspect(&directory.join("new"), &named), "cannot be fetched from");
}

async fn verify_by_openssl(registry: &Registry, directory: &Path, digest: &str, public: &str) {
    let tag = format!("{}.sig", digest.replace(':', "-"));
    let name: Reference = format!("{}/{REPOSITORY}:{tag}", registry.address).parse().unwrap();
    let (manifest, _) =
        client().pull_image_manifest(&name, &RegistryAuth::Anonymous).await.unwrap();
    let layer = &manifest.layers[0];
    let annotations = layer.annotations.as_ref().unwrap();
    let signature = STANDARD.decode(&annotations["dev.cosignproject.cosign/signature"]).unwrap();
    let mut payload = Vec::new();
    client().pull_blob(&name, layer, &mut payload).await.unwrap();
    let path = |name: &str| directory.join(name).to_str().unwrap().to_owned();
    fs::write(path("signature"), signature).unwrap();
    fs::write(path("payload"), &payload).unwrap();
    let arguments = ["dgst", "-sha256", "-verify", public, "-signature"];
    succeed("openssl", &[&arguments[..], &[&path("signature"), &path("payload")]].concat());
    let payload: Value = serde_json::from_slice(&payload).unwrap();
    assert_eq!(payload["critical"]["image"]["docker-manifest-digest"], digest);
}
