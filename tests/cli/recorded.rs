//! `--record` and `replay` as a user has them.

use std::path::{Path, PathBuf};

use host_harness::service::recording::RecordingReader;
use host_harness::vault::MasterKey;

use super::keeping::Keeper;
use super::syncing::values;
use super::{Account, KEY};
use crate::support::shop_component;

/// The recordings in `folder`, the oldest first.
fn recordings(folder: &Path) -> Vec<PathBuf> {
    let files = folder.read_dir().unwrap().map(|file| file.unwrap().path());
    let mut files: Vec<_> = files.collect();
    files.sort();
    files
}

/// All that the recordings in `folder` hold, unsealed.
pub fn unsealed(folder: &Path, master: &Path) -> String {
    let master = MasterKey::read(master).unwrap();
    let mut text = String::new();
    for file in recordings(folder) {
        let mut recording = RecordingReader::open(&file, &master).unwrap();
        while let Some(call) = recording.next_call().unwrap() {
            text.push_str(&serde_json::to_string(&call).unwrap());
        }
    }
    text
}

#[tokio::test(flavor = "multi_thread")]
async fn a_recorded_day_is_replayed() {
    let account = Account::new().await;
    account.simulator.seed(3, 250);
    let keeper = Keeper::new("recorded");
    keeper.keep(&account, "default");
    let folder = keeper.path("day");
    let record = ["--limits", "off", "--record", &folder];
    let recorded = |arguments: &[&str]| keeper.run(&[&record[..], arguments].concat()).quiet();
    recorded(&["sync"]);
    let wishes = keeper.file(
        "wishes.ndjson",
        "{\"tracking_number\":\"DAY-0001\",\"slug\":\"dhl\"}\n{\"tracking_number\":\"DAY-0002\",\"slug\":\"dhl\"}\n",
    );
    recorded(&["push", "trackings", &wishes]);
    recorded(&["list", "trackings", "--max", "3"]);
    // What runs no component records nothing, and says so.
    let status = keeper.run(&["--record", &folder, "status"]);
    assert!(
        status.code == Some(0) && status.err.contains("nothing was recorded"),
        "{}",
        status.err
    );
    keeper.run(&["--redact", "status"]).failed(2, &["--record DIR"]);
    let all = recordings(Path::new(&folder));
    assert_eq!(all.len(), 3);
    let mut exports = vec![];
    for file in &all {
        let rows = values(&keeper.run(&["replay", file.to_str().unwrap()]).quiet());
        for row in rows {
            assert!(row["differ"] == 0 && row["equal"] == row["calls"], "{row}");
            exports.push(row["export"].as_str().unwrap().to_owned());
        }
    }
    for export in
        ["catalog.get-manifest", "records.list", "derived.derive", "records.create", "records.find"]
    {
        assert!(exports.iter().any(|it| it == export), "no {export} in {exports:?}");
    }
    let text = unsealed(Path::new(&folder), &keeper.state().join("master.key"));
    assert!(text.contains("DAY-0001") && !text.contains(KEY));
    let sealed: Vec<u8> = all.iter().flat_map(|file| std::fs::read(file).unwrap()).collect();
    assert!(!sealed.windows(8).any(|piece| piece == b"DAY-0001"));

    // Another component is no mistake that goes unseen.
    let shop = shop_component();
    let (shop, day) = (shop.to_str().unwrap(), all[0].to_str().unwrap());
    let other = keeper.run(&["--component", shop, "replay", day]);
    other.failed(2, &["the recording is of aftership", "next: --with"]);
    let other = keeper.run(&["replay", day, "--with", shop]);
    assert_eq!(other.code, Some(1), "{}", other.err);
    assert!(values(&other.out).iter().all(|row| row["equal"] == 0), "{}", other.out);
    for word in ["the first difference: call 1 (", "recorded: ", "now: "] {
        assert!(other.err.contains(word), "no {word} in {}", other.err);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_recording_that_is_not_whole_is_not_run() {
    let account = Account::new().await;
    account.simulator.seed(3, 5);
    let keeper = Keeper::new("recorded-badly");
    keeper.keep(&account, "default");
    let folder = keeper.path("day");
    let list = ["--limits", "off", "--record", &folder, "list", "trackings"];
    keeper.run(&list).quiet();
    let file = recordings(Path::new(&folder)).remove(0);
    let whole = std::fs::read(&file).unwrap();
    let path = keeper.path("other.recording");
    let replay = |bytes: &[u8], more: &[&str]| {
        std::fs::write(&path, bytes).unwrap();
        keeper.run(&[&["replay", &path], more].concat())
    };
    let cut = &whole[..whole.len() - 100];
    replay(cut, &[]).failed(1, &["is cut after", "next: --partial"]);
    assert_eq!(replay(cut, &["--partial"]).code, Some(0));
    // Killed before it had said what it is of: in the key, and in the head's own frame.
    for bytes in [60, 200, 260] {
        replay(&whole[..bytes], &[]).failed(1, &["is cut after 0", "next: --partial"]);
        let partial = replay(&whole[..bytes], &["--partial"]);
        let said = partial.err.contains("cut before its first call");
        assert!(partial.code == Some(0) && said, "{}", partial.err);
    }
    let mut changed = whole.clone();
    changed[whole.len() / 2] ^= 1;
    replay(&changed, &[]).failed(1, &["was changed after it was made"]);
    let newer = [b"connector recording \x02", &whole[21..]].concat();
    replay(&newer, &[]).failed(1, &["has form 2", "newer program"]);
    replay(b"something", &[]).failed(1, &["no recording"]);
    let key = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
    let file = file.to_str().unwrap();
    let wrong = keeper.run_with("", &[("CONNECTOR_MASTER_KEY", key)], &["replay", file]);
    wrong.failed(1, &["does not open with this master key"]);
    keeper.run(&["replay", "nowhere"]).failed(1, &["nowhere"]);
    keeper.run(&["--redact", "list", "trackings"]).failed(2, &["--record DIR"]);

    let redacted = keeper.path("redacted");
    let list = ["--limits", "off", "--redact", "--record", &redacted, "list", "trackings"];
    keeper.run(&list).quiet();
    let text = unsealed(Path::new(&redacted), &keeper.state().join("master.key"));
    for tracking in account.simulator.trackings() {
        let tracking: serde_json::Value = serde_json::from_str(&tracking).unwrap();
        for member in ["id", "tracking_number", "updated_at"] {
            assert!(!text.contains(tracking[member].as_str().unwrap()), "{member}");
        }
    }
    let file = recordings(Path::new(&redacted)).remove(0);
    let replayed = keeper.run(&["replay", file.to_str().unwrap()]);
    assert!(replayed.code == Some(0) && replayed.err.contains("shapes"), "{}", replayed.err);
}
