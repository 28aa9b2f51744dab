//! Which members of an input AfterShip means.
//!
//! It tells them in prose only (AfterShip API 2026-07, "Request errors"). What cannot be told is
//! left out: the message stands in the failure anyway.

use crate::api::page::Meta;
use connector_sdk::{
    Violation,
    json::Value,
    text::{contains, split_once},
};

/// Members that were renamed, with the names that inputs have now: AfterShip's words may still use
/// the old ones (AfterShip API, changes of 2025-01 and 2025-04).
const RENAMED: [(&str, &str); 8] = [
    ("tracking_postal_code", "destination_postal_code"),
    ("tracking_state", "destination_state"),
    ("tracking_origin_country", ORIGIN),
    ("tracking_origin_country_region", ORIGIN),
    ("origin_country_iso3", ORIGIN),
    ("tracking_destination_country", DESTINATION),
    ("tracking_destination_country_region", DESTINATION),
    ("destination_country_iso3", DESTINATION),
];
const ORIGIN: &str = "origin_country_region";
const DESTINATION: &str = "destination_country_region";

/// The members that `meta` complains of, as JSON Pointers into the input.
pub(super) fn of(meta: &Meta<'_>, has_body: bool) -> Vec<Violation> {
    let words = meta.message.as_deref().unwrap_or_default();
    let names = plain(words);
    let mut violations: Vec<_> = match meta.code {
        // The words list several; each violation tells of one.
        Some(4011) => also_required(&names),
        code => blamed(code, &names, has_body)
            .iter()
            .map(|name| violation(name, words.to_owned()))
            .collect(),
    };
    violations.extend(listed(meta.errors));
    violations
}

/// The message with `.0` for the `[0]` behind a name, and for the `[x]` by which AfterShip means
/// any item: so a path is one word, as in `customers.0.email`.
fn plain(message: &str) -> String {
    let mut plain = String::with_capacity(message.len());
    let mut rest = message;
    while let Some((before, after)) = rest.split_once('[') {
        plain.push_str(before);
        rest = after;
        let index = after.split_once(']').filter(|_| before.ends_with(is_name_character));
        match index.filter(|(index, _)| !index.is_empty() && index.len() < 4) {
            Some((index, after)) if index.bytes().all(|byte| byte.is_ascii_digit()) => {
                plain.push('.');
                plain.push_str(index);
                rest = after;
            }
            Some(("x" | "n" | "i", after)) => {
                plain.push_str(".0");
                rest = after;
            }
            _ => plain.push('['),
        }
    }
    plain.push_str(rest);
    plain
}

fn blamed(code: Option<u32>, message: &str, has_body: bool) -> Vec<String> {
    let mut names = match code {
        Some(4005 | 4007 | 4017) => vec!["tracking_number".to_owned()],
        Some(4010) => vec!["slug".to_owned()],
        Some(4012) => vec![carrier_member(message).to_owned()],
        // Without a body the id stands in the path, which is no part of any input.
        Some(4015) if !has_body => Vec::new(),
        Some(4015) => vec!["id".to_owned()],
        Some(4008 | 4009) => named(message).into_iter().chain(subject(message)).collect(),
        _ => named(message),
    };
    names.dedup();
    names
}

fn violation(name: &str, message: String) -> Violation {
    let mut pointer = String::new();
    for member in current(name).split('.') {
        pointer.push('/');
        pointer.push_str(member);
    }
    Violation { pointer, message }
}

fn current(name: &str) -> &str {
    RENAMED.iter().find(|(old, _)| *old == name).map_or(name, |(_, new)| new)
}

/// 4011: "Besides tracking_number, also required: ...". All members that a courier may want have
/// an underscore in their names or are of a customer, which tells them from the words around them.
fn also_required(message: &str) -> Vec<Violation> {
    let list = split_once(message, "also required:").map_or("", |(_, list)| list);
    let words = list.split(|c: char| !is_name_character(c)).map(|word| word.trim_matches('.'));
    let is_member = |word: &&str| word.contains('_') || word.starts_with("customers.");
    let names = words.filter(|word| is_name(word)).filter(is_member);
    let wanted = |name: &str| match current(name) {
        new if new == name => format!("this courier wants `{name}`"),
        new => format!("this courier wants `{new}`, which AfterShip calls `{name}` here"),
    };
    names.map(|name| violation(name, wanted(name))).collect()
}

/// 4012 has five messages: the courier is not on the approved list; it is not recognised from the
/// number; the number has an invalid format; the courier is no longer supported; the number is of
/// no courier in the group.
fn carrier_member(message: &str) -> &'static str {
    let message = message.to_ascii_lowercase();
    if contains(&message, "group") {
        "slug_group"
    } else if contains(&message, "recogni") || contains(&message, "format") {
        "tracking_number"
    } else {
        "slug"
    }
}

/// The member without quotes that 4008 and 4009 begin with: "The value of order_date is invalid.",
/// "order_date is required."
fn subject(message: &str) -> Option<String> {
    let sentence = message.strip_prefix("The value of ").unwrap_or(message);
    let (name, _) = split_once(sentence, " is ")?;
    let is_member = is_name(name) && !name.contains(|c: char| c.is_ascii_uppercase());
    is_member.then(|| name.to_owned())
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
        let name = plain(text(["path", "field", "param"])?);
        let message = text(["message", "info", "reason"]).unwrap_or("is refused by AfterShip");
        is_name(&name).then(|| violation(&name, message.to_owned()))
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
