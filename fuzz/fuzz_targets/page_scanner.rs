//! The page scanner and serde_json agree: which texts are JSON, and where each record lies.
#![no_main]

use aftership_connector::api::page;
use libfuzzer_sys::fuzz_target;
use serde_json::Value;
use serde_json::value::RawValue;

fuzz_target!(|bytes: &[u8]| {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    // We pass over a byte order mark, serde_json does not.
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let ours = page::listing(text, "trackings");
    let theirs = serde_json::from_str::<&RawValue>(text);
    assert_eq!(ours.is_ok(), theirs.is_ok(), "{text:?}");
    let (Ok(ours), Ok(value)) = (ours, serde_json::from_str::<Value>(text)) else { return };
    let expected = value.get("data").and_then(|data| data.get("trackings")).and_then(Value::as_array);
    assert_eq!(ours.items.as_ref().map(Vec::len), expected.map(Vec::len), "{text:?}");
    for (item, expected) in ours.items.iter().flatten().zip(expected.into_iter().flatten()) {
        assert_eq!(&serde_json::from_str::<Value>(item.raw).unwrap(), expected);
        let id = expected.get("id").and_then(Value::as_str).filter(|id| !id.is_empty());
        assert_eq!(item.id.as_deref(), id);
        assert_eq!(item.updated_at.as_deref(), expected.get("updated_at").and_then(Value::as_str));
    }
});
