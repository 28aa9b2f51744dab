//! An answer with one record: read without a panic, and as serde_json reads it.
#![no_main]

use aftership_connector::api::page;
use libfuzzer_sys::fuzz_target;
use serde_json::Value;

fuzz_target!(|bytes: &[u8]| {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let (Ok(ours), Ok(value)) = (page::single(text), serde_json::from_str::<Value>(text)) else { return };
    assert_eq!(ours.data.is_some(), value.get("data").is_some(), "{text:?}");
    if let (Some(item), Some(data)) = (ours.data, value.get("data")) {
        assert_eq!(&serde_json::from_str::<Value>(item.raw).unwrap(), data);
    }
    let code = value.get("meta").and_then(|meta| meta.get("code"));
    if let Some(read) = ours.meta.code {
        assert_eq!(code.and_then(Value::as_u64), Some(u64::from(read)), "{text:?}");
    }
});
