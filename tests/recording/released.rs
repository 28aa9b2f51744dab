//! What a released version was recorded doing, done again by the component as it is now.
//!
//! The recordings are as `--record` writes them, under a key that is no secret, so that this program is
//! seen to read files of older ones, too. A version is recorded once, when it is released, with its
//! released file:
//!
//! ```sh
//! make release && RECORD_RELEASE=1 CONNECTOR_COMPONENT=$PWD/dist/optimised/aftership-connector.wasm \
//!     cargo test --locked --workspace --test connector recording::released
//! ```

use std::path::PathBuf;

use host_harness::runtime::Connector;
use host_harness::runtime::recording::{CallEnd, RecordedCall, Recorder as _};
use host_harness::service::recording::{RecordingHead, RecordingReader, RecordingWriter};
use host_harness::vault::{Key, MasterKey};

use super::{HOOK_SECRET, KEY, NOW_MS, day, loaded};

const FOLDER: &str = "tests/fixtures/recordings";
const FILE_BYTES: u64 = 200_000;

fn master() -> MasterKey {
    Key::new([7; 32]).into()
}

/// Name and version of a connector, as the head of a recording has them.
fn name(connector: &Connector) -> String {
    let manifest = connector.manifest();
    format!("{} {}", manifest.name, manifest.version)
}

/// Writes a day of the released file in the place of its version's recording.
async fn record_release() {
    let connector = loaded().await;
    let day = day(&connector, 2).await;
    let head = RecordingHead {
        component: connector.facts().sha256.clone(),
        connector: name(&connector),
        is_redacted: false,
        made_ms: NOW_MS,
    };
    let warn = |why: &str| panic!("{why}");
    let folder = std::env::temp_dir().join(format!("released-{}", std::process::id()));
    let writer = RecordingWriter::begin(&folder, &master(), head, FILE_BYTES, warn).unwrap();
    // All couriers of the world are most of such a day's bytes.
    let is_small = |call: &RecordedCall| call.arguments["request"]["object"] != "couriers";
    day.into_iter().filter(is_small).for_each(|call| writer.record(call, 0));
    let version = &connector.manifest().version;
    let kept = PathBuf::from(FOLDER).join(format!("{version}.recording"));
    std::fs::copy(writer.finish(), kept).unwrap();
    std::fs::remove_dir_all(folder).unwrap();
}

#[tokio::test(start_paused = true)]
async fn what_released_versions_did_is_done_the_same() {
    if std::env::var_os("RECORD_RELEASE").is_some() {
        record_release().await;
    }
    let connector = loaded().await;
    let files = std::fs::read_dir(FOLDER).unwrap().map(|file| file.unwrap().path());
    let files: Vec<_> = files.collect();
    assert!(!files.is_empty());
    for file in files {
        assert!(file.metadata().unwrap().len() <= FILE_BYTES);
        let mut recording = RecordingReader::open(&file, &master()).unwrap();
        let of = recording.head().connector.clone();
        let mut calls = 0;
        while let Some(call) = recording.next_call().unwrap() {
            calls += 1;
            let text = serde_json::to_string(&call).unwrap();
            assert!(!text.contains(KEY) && !text.contains(HOOK_SECRET), "a secret in {of}");
            let export = call.export.clone();
            assert!(matches!(call.end, CallEnd::Answered(_)), "{of}: call {calls} ({export})");
            let difference = connector.replay(call, false).await;
            // A newer version says so, and may offer more.
            let is_about_itself = export.starts_with("catalog.");
            if is_about_itself && of != name(&connector) {
                continue;
            }
            assert!(
                difference.is_none(),
                "call {calls} ({export}) goes otherwise than in {of}: {}\nIf that is meant, say so \
                 in CHANGELOG, remove {} and record the next release as this file says.",
                difference.unwrap(),
                file.display(),
            );
        }
        assert!(calls > 15 && recording.ended_early().is_none(), "{of}: {calls} calls");
    }
}
