//! What a path pattern lets through never escapes its own shape, and is sent as it was judged.
#![no_main]

use libfuzzer_sys::fuzz_target;
use url::Url;

#[path = "../../host-harness/policy/src/path.rs"]
mod path;

fuzz_target!(|input: (&str, &str)| {
    let (id, rest) = input;
    for text in [format!("/v1/things/{id}"), rest.to_owned()] {
        let Ok((judged, query)) = path::judge(&text) else { continue };
        if !path::matches("/v1/things/*", judged) {
            continue;
        }
        let segments: Vec<_> = judged.split('/').skip(1).collect();
        assert_eq!(segments.len(), 3, "{text:?}");
        assert_eq!(segments[..2], ["v1", "things"], "{text:?}");
        let last = segments[2].to_ascii_lowercase().replace("%2e", ".");
        assert!(!last.is_empty() && last != "." && last != "..", "{text:?}");
        assert!(!last.contains("%2f") && !last.contains("%5c") && !last.contains('\\'), "{text:?}");
        // No client or server reads another path out of it.
        let url = Url::parse(&format!("https://api.example.com{text}")).unwrap();
        let query = query.map(|query| query.replace('\'', "%27"));
        assert_eq!((url.path(), url.query()), (judged, query.as_deref()), "{text:?}");
        assert!(url.fragment().is_none() && url.host_str() == Some("api.example.com"), "{text:?}");
    }
});
