//! What a path pattern lets through never escapes its own shape.
#![no_main]

use libfuzzer_sys::fuzz_target;
use url::Url;

#[path = "../../host-harness/src/egress/pattern.rs"]
mod pattern;

fuzz_target!(|input: (&str, &str)| {
    let (id, rest) = input;
    for text in [format!("https://api.example.com/v1/things/{id}"), format!("https://{rest}")] {
        let Ok(url) = Url::parse(&text) else { continue };
        // The host sends canonical URLs only.
        if url.as_str() != text || !pattern::matches("/v1/things/*", url.path()) {
            continue;
        }
        let segments: Vec<_> = url.path_segments().unwrap().collect();
        assert_eq!(segments.len(), 3, "{text:?}");
        assert_eq!(segments[..2], ["v1", "things"], "{text:?}");
        let last = segments[2].to_ascii_lowercase().replace("%2e", ".");
        assert!(!last.is_empty() && last != "." && last != "..", "{text:?}");
        assert!(!last.contains("%2f") && !last.contains("%5c") && !last.contains('\\'), "{text:?}");
    }
});
