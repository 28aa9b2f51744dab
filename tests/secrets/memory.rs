//! The memory of the guest itself, read while a call is under way.
//!
//! An instance's memory begins with the image of the component's data, which the engine maps
//! from a file in memory of a known name (Linux: proc(5), `maps` and `mem`). It is read where
//! the guest stands still: when the provider has the request, and when the guest writes a log
//! line after the answer. What was in it once and is gone is not seen; what stays is.

use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::sync::{Arc, Mutex};

use host_harness::observe::{Event, Observer};
use host_harness::runtime::Connection;
use host_harness::vault::Secret;

use super::canary::{CANARY, forms};
use crate::support::wire::Wire;
use crate::support::{component, runtime};

/// What the engine calls the file that an instance's memory is mapped from.
const IMAGE: &str = "wasm-memory-image";
/// Stands in the id that the guest is asked for, and so in its memory.
const ASKED: &str = "asked-0123456789";
/// Stands in the answer only.
const ANSWERED: &str = "answered-0123456789";

/// The readable memory of every instance of this process.
pub fn guest_memory() -> Vec<u8> {
    let maps = std::fs::read_to_string("/proc/self/maps").unwrap();
    let mut memory = File::open("/proc/self/mem").unwrap();
    let (mut bytes, mut follows) = (Vec::new(), 0);
    for line in maps.lines() {
        let (range, rest) = line.split_once(' ').unwrap();
        let (from, until) = range.split_once('-').unwrap();
        let address = |hex| u64::from_str_radix(hex, 16).unwrap();
        let (from, until) = (address(from), address(until));
        // The image, and what the guest has grown by: it follows without a gap.
        if rest.starts_with("rw") && (rest.contains(IMAGE) || from == follows) {
            let mut part = vec![0; usize::try_from(until - from).unwrap()];
            memory.seek(SeekFrom::Start(from)).unwrap();
            // An instance of another test may just have gone.
            if memory.read_exact(&mut part).is_ok() {
                bytes.extend(part);
            }
            follows = until;
        }
    }
    bytes
}

pub fn holds(memory: &[u8], text: &str) -> bool {
    memory.windows(text.len()).any(|window| window == text.as_bytes())
}

/// Keeps the guest's memory of each time that it writes a log line.
#[derive(Default)]
struct Reader(Mutex<Vec<Vec<u8>>>);

impl Observer for Reader {
    fn event(&self, event: &Event) {
        if matches!(event, Event::Log { .. }) {
            self.0.lock().unwrap().push(guest_memory());
        }
    }
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn the_key_is_not_in_the_memory_of_the_guest() {
    let asked = Arc::new(Mutex::new(Vec::new()));
    let at_the_provider = Arc::clone(&asked);
    let wire = Wire::new(move |_| {
        at_the_provider.lock().unwrap().push(guest_memory());
        let body = format!(
            r#"{{"meta":{{"code":200}},"data":{{"id":"{ANSWERED}","title":{}}}}}"#,
            serde_json::to_string(CANARY).unwrap()
        );
        let length = body.len();
        // Another version than asked for makes the connector write a log line.
        format!("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nas-api-version: 2025-07\r\ncontent-length: {length}\r\n\r\n{body}").into_bytes()
    });
    let reader = Arc::new(Reader::default());
    let connector = runtime().load(&component()).await.unwrap();
    let connection = Connection::builder(&connector)
        .setting("base-url", "http://api.example.com")
        .allow_private()
        .secret("api-key", Secret::new(CANARY))
        .network(Arc::new(wire))
        .observer(reader.clone())
        .build()
        .await
        .unwrap();
    connection.get("trackings", ASKED).await.unwrap();
    let (asked, answered) = (asked.lock().unwrap(), reader.0.lock().unwrap());
    assert!(asked.iter().any(|memory| holds(memory, ASKED)), "the guest's memory was found");
    assert!(answered.iter().any(|memory| holds(memory, ANSWERED)), "and again after the answer");
    for memory in asked.iter().chain(answered.iter()) {
        for form in forms() {
            assert!(!holds(memory, &form), "the guest holds the key as {form}");
        }
    }
}
