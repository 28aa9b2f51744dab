//! A source of any bytes is read to its end, each of its items a JSON object or told why it is none, and a
//! mapping of any text is refused or makes objects of them.
#![no_main]

use std::io::Cursor;

use host_harness::push::mapping::Mapping;
use host_harness::source::{Encoding, Items, ReadOptions, SourceForm};
use libfuzzer_sys::fuzz_target;
use serde_json::{Map, Value};

fuzz_target!(|input: (u8, &str, &[u8])| {
    let (choice, mapping, source) = input;
    let mapping = Mapping::read(mapping).ok();
    let form = if choice & 1 == 0 { SourceForm::Json } else { SourceForm::Csv };
    let mut options = ReadOptions::of(form);
    options.multiline = choice & 2 != 0;
    options.delimiter = (choice & 4 != 0).then_some(b';');
    options.encoding = (choice & 8 != 0).then(|| Encoding::for_label(b"windows-1252")).flatten();
    let Ok(mut items) = Items::new(Box::new(Cursor::new(source.to_vec())), &options) else { return };
    let is_object = |text: &str| serde_json::from_str::<Map<String, Value>>(text).is_ok();
    let mut line = 0;
    while let Ok(Some(item)) = items.next_item() {
        assert!(item.line >= line, "line {} stands after line {line}", item.line);
        line = item.line;
        let Ok(content) = item.content else { continue };
        assert!(is_object(&content), "no object: {content}");
        for mapped in mapping.iter().flat_map(|mapping| mapping.apply(&content).unwrap_or_default()) {
            assert!(is_object(&mapped), "no object: {mapped}");
        }
    }
});
