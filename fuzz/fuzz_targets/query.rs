//! A query of any text is read or refused as the caller's slip, and so is each condition and filter in it; a
//! condition that is read says the member, the sign and the value that were written.
#![no_main]

use host_harness::mirror::list::{Filter as Condition, Test};
use host_harness::server::extract::Query;
use host_harness::service::forward::Filter;
use libfuzzer_sys::fuzz_target;
use serde::Deserialize;

/// One parameter of each kind that routes take.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Parameters {
    cursor: Option<String>,
    limit: Option<u32>,
    after: Option<u64>,
    #[serde(default)]
    live: bool,
    #[serde(default, rename = "where")]
    conditions: Vec<String>,
    #[serde(default, rename = "only")]
    filters: Vec<String>,
}

fn check(written: &str) {
    if let Ok(Condition { member, test }) = written.parse() {
        let (sign, value) = match test {
            Test::Equal(value) => ("=", value),
            Test::Prefix(value) => ("^=", value),
            Test::From(value) => (">=", value),
            Test::Before(value) => ("<", value),
        };
        assert!(!member.is_empty(), "no name: {written}");
        assert_eq!(format!("{member}{sign}{value}"), written);
    }
    if let Ok(filter) = written.parse::<Filter>() {
        let object = filter.object().unwrap_or("*");
        assert!(written.starts_with(object), "{object} is not what {written} names");
    }
}

fuzz_target!(|text: &str| {
    check(text);
    match Query::<Parameters>::read(text) {
        Ok(Query(read)) => {
            read.conditions.iter().chain(&read.filters).chain(&read.cursor).for_each(|one| check(one));
            assert!(!read.live || text.contains("live"), "{text}");
            let asks = read.limit.is_some() || read.after.is_some();
            assert!(!asks || text.contains(|one: char| one.is_ascii_digit()), "{text}");
        }
        Err(problem) => assert_eq!(problem.status, 400, "{text}"),
    }
});
