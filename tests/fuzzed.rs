//! Each fuzz target over its seeds and some thousand changes of them. `make fuzz` looks further,
//! and needs a nightly compiler.

use fastrand::Rng;

/// The targets, as they are under `fuzz/`.
macro_rules! targets {
    ($($name:ident $path:literal)*) => { $(
        #[path = $path]
        #[allow(unused_attributes, dead_code, reason = "it is written as a program of its own")]
        mod $name;
    )* };
}

targets! {
    cursor "../fuzz/fuzz_targets/cursor.rs"
    delivery "../fuzz/fuzz_targets/delivery.rs"
    endpoint_matcher "../fuzz/fuzz_targets/endpoint_matcher.rs"
    envelope "../fuzz/fuzz_targets/envelope.rs"
    error_table "../fuzz/fuzz_targets/error_table.rs"
    page_scanner "../fuzz/fuzz_targets/page_scanner.rs"
    push_source "../fuzz/fuzz_targets/push_source.rs"
    query "../fuzz/fuzz_targets/query.rs"
}

/// Stands in for libFuzzer's macro, which the targets import: the target as a function.
#[macro_export]
macro_rules! fuzz_target {
    (|$input:ident: $kind:ty| $body:block) => {
        pub(super) fn run($input: $kind) $body
    };
}

const CHANGES: usize = 4_000;

/// What JSON is made of, so that a change often leaves some.
const PIECES: [&str; 20] = [
    "{",
    "}",
    "[",
    "]",
    ",",
    ":",
    "\"",
    "\\",
    "\\u",
    "null",
    "true",
    "0",
    "-1.5e3",
    "404",
    "\"id\"",
    "\"meta\"",
    "\u{feff}",
    "\u{1f69a}",
    " ",
    "/",
];

/// Calls `target` with every seed and with changes of them, the same in every run.
fn each(target: impl Fn(&mut Rng, Vec<u8>)) {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/fuzz/seeds");
    let mut files: Vec<_> =
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let seeds: Vec<_> = files.iter().map(|file| std::fs::read(file).unwrap()).collect();
    assert!(seeds.len() > 5, "{folder}");
    let mut rng = Rng::with_seed(7);
    for seed in &seeds {
        target(&mut rng, seed.clone());
    }
    for _ in 0..CHANGES {
        let mut text = rng.choice(&seeds).unwrap().clone();
        for _ in 0..rng.usize(1..5) {
            change(&mut rng, &mut text);
        }
        target(&mut rng, text);
    }
}

fn change(rng: &mut Rng, text: &mut Vec<u8>) {
    let at = rng.usize(0..=text.len());
    let to = text.len().min(at + rng.usize(0..12));
    match rng.u8(0..4) {
        0 => drop(text.splice(at..to, rng.choice(PIECES).unwrap().bytes())),
        1 => drop(text.splice(at..to, [rng.u8(..)])),
        2 => {
            let piece = text[at..to].to_vec();
            let there = rng.usize(0..=text.len());
            drop(text.splice(there..there, piece));
        }
        _ => text.truncate(to),
    }
}

fn words(rng: &mut Rng, text: &[u8]) -> String {
    let from = rng.usize(0..=text.len());
    String::from_utf8_lossy(&text[from..text.len().min(from + 40)]).into_owned()
}

#[test]
fn cursors() {
    each(|_, text| cursor::run(&String::from_utf8_lossy(&text)));
}

#[test]
fn deliveries() {
    each(|rng, body| {
        let header = (words(rng, &body), words(rng, &body).into_bytes());
        delivery::run((vec![header], body));
    });
}

#[test]
fn endpoints() {
    each(|rng, text| {
        let (id, rest) = (words(rng, &text), words(rng, &text));
        endpoint_matcher::run((&id, &rest));
    });
}

#[test]
fn envelopes() {
    each(|_, text| envelope::run(&text));
}

#[test]
fn errors() {
    each(|rng, body| {
        let headers = ["retry-after", "date", "x-ratelimit-reset", "location", "content-type"];
        let header = (rng.choice(headers).unwrap().to_owned(), words(rng, &body));
        error_table::run((rng.u16(..), vec![header], body));
    });
}

#[test]
fn pages() {
    each(|_, text| page_scanner::run(&text));
}

#[test]
fn queries() {
    each(|_, text| query::run(&String::from_utf8_lossy(&text)));
}

#[test]
fn sources_of_pushes() {
    let mapping = include_str!("../examples/shop-exports/shopify.json");
    each(|rng, text| {
        let mut mapping = mapping.as_bytes().to_vec();
        if rng.bool() {
            change(rng, &mut mapping);
        }
        push_source::run((rng.u8(..), &String::from_utf8_lossy(&mapping), &text));
    });
}
