use std::sync::{Arc, Mutex};

use connector_runtime::recording::{CallEnd, RecordedCall, Recorder as _};
use connector_state::scratch::Scratch;
use serde_json::json;

use std::path::PathBuf;

use super::*;
use crate::vault::{Key, MasterKey};

fn master(byte: u8) -> MasterKey {
    Key::new([byte; 32]).into()
}

fn call(number: u64) -> RecordedCall {
    RecordedCall {
        export: "records.get".to_owned(),
        arguments: json!({ "id": number }),
        end: CallEnd::Answered(json!("anna@example.com")),
        ..RecordedCall::default()
    }
}

/// Records these calls. Answers the file, and the warnings.
fn recorded(base: &Scratch, calls: Vec<RecordedCall>, bytes: u64) -> (PathBuf, Vec<String>) {
    let warnings = Arc::new(Mutex::new(vec![]));
    let told = Arc::clone(&warnings);
    let warn = move |why: &str| told.lock().unwrap().push(why.to_owned());
    let head = RecordingHead { component: "c0".to_owned(), ..RecordingHead::default() };
    let writer = RecordingWriter::begin(base.path(), &master(1), head, bytes, warn).unwrap();
    for call in calls {
        writer.record(call, 10);
    }
    let path = writer.finish().to_owned();
    let warnings = warnings.lock().unwrap().clone();
    (path, warnings)
}

/// The calls of a file, and why it has no more; `None`: it ends as it should.
fn read(
    path: &std::path::Path,
    master: &MasterKey,
) -> (usize, Option<RecordingError>, Option<String>) {
    let mut reader = match RecordingReader::open(path, master) {
        Ok(reader) => reader,
        Err(why) => return (0, Some(why), None),
    };
    assert_eq!(reader.head().component, "c0");
    for number in 0.. {
        match reader.next_call() {
            Ok(Some(found)) => assert_eq!(found, call(number as u64)),
            Ok(None) => return (number, None, reader.ended_early().map(str::to_owned)),
            Err(why) => return (number, Some(why), None),
        }
    }
    (0, None, None)
}

fn three(base: &Scratch) -> Vec<u8> {
    let (path, warnings) = recorded(base, (0..3).map(call).collect(), u64::MAX);
    assert!(warnings.is_empty());
    assert!(matches!(read(&path, &master(1)), (3, None, None)));
    assert!(matches!(read(&path, &master(2)), (0, Some(RecordingError::WrongKey), None)));
    std::fs::read(path).unwrap()
}

#[test]
fn a_file_that_is_cut_anywhere_is_readable_up_to_the_cut() {
    let base = Scratch::new();
    let whole = three(&base);
    assert!(!whole.windows(4).any(|piece| piece == b"anna"));
    let path = base.path().join("cut");
    let mut most = 0;
    for end in 0..whole.len() {
        std::fs::write(&path, &whole[..end]).unwrap();
        let (calls, why, _) = read(&path, &master(1));
        match why {
            Some(RecordingError::Cut { calls: told }) => assert_eq!(told, calls as u64),
            Some(RecordingError::NotARecording) => assert!(end < 30, "{end}"),
            other => panic!("{end}: {other:?}"),
        }
        assert!(calls >= most, "{end}");
        most = calls;
    }
    assert_eq!(most, 3);
}

#[test]
fn no_byte_can_be_changed_added_or_moved() {
    let base = Scratch::new();
    let whole = three(&base);
    let path = base.path().join("changed");
    for at in 0..whole.len() {
        let mut changed = whole.clone();
        changed[at] ^= 0x15;
        std::fs::write(&path, &changed).unwrap();
        let (_, why, _) = read(&path, &master(1));
        let is_told = matches!(
            why,
            Some(
                RecordingError::Altered { .. }
                    | RecordingError::NotARecording
                    | RecordingError::NewerForm(_)
            )
        );
        assert!(is_told, "{at}: {why:?}");
    }
    std::fs::write(&path, [&whole[..], b"x"].concat()).unwrap();
    assert!(matches!(read(&path, &master(1)), (3, Some(RecordingError::Altered { calls: 3 }), _)));
    let newer = [b"connector recording \x02", &whole[21..]].concat();
    std::fs::write(&path, newer).unwrap();
    assert!(matches!(read(&path, &master(1)), (0, Some(RecordingError::NewerForm(2)), _)));
}

#[test]
fn what_does_not_fit_ends_the_recording_with_a_mark() {
    let base = Scratch::new();
    let (path, warnings) = recorded(&base, (0..9).map(call).collect(), 700);
    let (calls, why, mark) = read(&path, &master(1));
    assert!((1..9).contains(&calls) && why.is_none(), "{calls} {why:?}");
    assert_eq!(warnings, [mark.unwrap()]);

    let huge = RecordedCall { end: CallEnd::TooLarge, ..call(1) };
    let (path, warnings) = recorded(&base, vec![call(0), huge, call(2)], u64::MAX);
    let (calls, why, mark) = read(&path, &master(1));
    assert!(calls == 1 && why.is_none(), "{calls} {why:?}");
    assert!(warnings == [mark.unwrap()] && warnings[0].contains("records.get"), "{warnings:?}");
}

/// What is missing at its end is told, and not only while it is recorded.
#[test]
fn calls_that_come_too_fast_end_the_recording_with_a_mark() {
    let base = Scratch::new();
    let head = RecordingHead { component: "c0".to_owned(), ..RecordingHead::default() };
    let writer = RecordingWriter::begin(base.path(), &master(1), head, u64::MAX, |_| {}).unwrap();
    writer.record(call(0), 10);
    writer.record(call(1), usize::MAX);
    writer.record(call(2), 10);
    let (calls, why, mark) = read(writer.finish(), &master(1));
    assert!(calls == 1 && why.is_none(), "{calls} {why:?}");
    assert!(mark.unwrap().contains("faster than they can be written"));
}
