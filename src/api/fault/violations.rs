//! Which members of an input AfterShip means.
//!
//! It tells them in prose only (AfterShip API 2026-07, "Request errors"). What cannot be told is
//! left out: the message stands in the failure anyway.

use crate::api::page::Meta;
use crate::error::Violation;
use crate::json::Value;

/// The members that `meta` complains of, as JSON Pointers into the input.
pub(super) fn of(meta: &Meta<'_>, has_body: bool) -> Vec<Violation> {
    let message = meta.message.as_deref().unwrap_or_default();
    let mut names = match meta.code {
        Some(4005 | 4007 | 4017) => vec!["tracking_number".to_owned()],
        Some(4010) => vec!["slug".to_owned()],
        Some(4011) => also_required(message),
        Some(4012) => vec![carrier_member(message).to_owned()],
        // Without a body the id stands in the path, which is no part of any input.
        Some(4015) if !has_body => Vec::new(),
        Some(4015) => vec!["id".to_owned()],
        _ => named(message),
    };
    names.dedup();
    let mut violations: Vec<_> = names.iter().map(|name| violation(name, message)).collect();
    violations.extend(listed(meta.errors));
    violations
}

fn violation(name: &str, message: &str) -> Violation {
    let mut pointer = String::new();
    for member in name.split('.') {
        pointer.push('/');
        pointer.push_str(member);
    }
    Violation { pointer, message: message.to_owned() }
}

/// 4011 lists what the courier wants after "also required:".
fn also_required(message: &str) -> Vec<String> {
    let list = message.split_once("also required:").map_or("", |(_, list)| list);
    let words = list.split(|c: char| !is_name_character(c)).map(|word| word.trim_matches('.'));
    words.filter(|word| is_name(word) && *word != "and").map(str::to_owned).collect()
}

/// 4012 has five messages; three blame the carrier, two the number.
fn carrier_member(message: &str) -> &'static str {
    let message = message.to_ascii_lowercase();
    let of_number = ["format", "recogni", "detect"];
    if of_number.iter().any(|word| message.contains(word)) { "tracking_number" } else { "slug" }
}

/// Names that a message puts in backticks, brackets or double quotes.
fn named(message: &str) -> Vec<String> {
    // Some are in two kinds at once, so the pieces between are not counted but looked at.
    let pieces = message.split(['`', '[', ']', '"']).skip(1);
    pieces.filter(|piece| is_name(piece)).map(str::to_owned).collect()
}

/// `meta.errors`, which is documented without a shape: objects with a path and a text are read.
fn listed(errors: Option<&str>) -> Vec<Violation> {
    let errors = errors.and_then(|errors| Value::parse(errors).ok());
    let items = errors.as_ref().map_or(&[][..], Value::items);
    let found = items.iter().filter_map(|item| {
        let text = |names: [&str; 3]| names.iter().find_map(|name| item.get(name)?.text());
        let name = text(["path", "field", "param"])?;
        let message = text(["message", "info", "reason"]).unwrap_or("is refused by AfterShip");
        is_name(name).then(|| violation(name, message))
    });
    found.collect()
}

fn is_name(word: &str) -> bool {
    word.starts_with(|c: char| c.is_ascii_alphabetic()) && word.chars().all(is_name_character)
}

// None of these needs escaping in a JSON Pointer.
fn is_name_character(character: char) -> bool {
    character.is_ascii_alphanumeric() || matches!(character, '_' | '.' | '-')
}
