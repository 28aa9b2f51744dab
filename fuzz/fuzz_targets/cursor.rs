//! A cursor or bookmark of any shape is read or refused; what was written is read back.
#![no_main]

use connector_sdk::bookmark::Bookmark;
use connector_sdk::cursor::Scan;
use libfuzzer_sys::fuzz_target;

const NOW_MS: u64 = 1_795_339_800_000;

fuzz_target!(|text: &str| {
    if let Ok(scan) = Scan::decode("trackings", text, NOW_MS) {
        let again = Scan::decode("trackings", &scan.encode("trackings"), NOW_MS).unwrap();
        assert_eq!(scan, again);
        assert!(Scan::decode("couriers", &scan.encode("trackings"), NOW_MS).is_err());
    }
    if let Ok(bookmark) = Bookmark::decode("trackings", text, 0) {
        let again = Bookmark::decode("trackings", &bookmark.encode("trackings"), 0).unwrap();
        assert_eq!(bookmark, again);
    }
});
