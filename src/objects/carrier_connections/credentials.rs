//! Credentials, while they are here.

use connector_sdk::{
    hidden::Hidden,
    json::{self, Value},
};

/// The member that holds them in a connection and in an input.
pub(super) const CREDENTIALS: &str = "credentials";

/// Members that may hold secrets in an answer. AfterShip's own example of a creation writes
/// `credential`, so an answer may, too.
const SECRET: [&str; 2] = [CREDENTIALS, "credential"];

/// JSON with `null` for every member that may hold secrets.
pub(super) fn concealed(data: &str) -> String {
    // What comes here was read already; were it not JSON, nothing of it would be shown.
    json::nulled(data, &SECRET).unwrap_or_else(|_| "null".to_owned())
}

/// Whether AfterShip shows something in place of a credential: nothing, three signs in a row that
/// stand for hidden ones, or nothing but such signs. One that is so itself cannot be told from it.
pub(super) fn is_masked(value: &Value<'_>) -> bool {
    let Value::Text(text) = value else { return *value == Value::Null };
    let is_sign = |sign: char| matches!(sign, '*' | '\u{2022}' | '\u{25cf}');
    let is_filler = |sign: char| is_sign(sign) || matches!(sign, 'x' | 'X');
    let mut run = 0;
    let in_a_row = text.chars().any(|sign| {
        run = if is_sign(sign) { run + 1 } else { 0 };
        run == 3
    });
    in_a_row || !text.is_empty() && text.chars().all(is_filler)
}

/// The credentials that these inputs or connections hold, to be kept out of errors.
pub(super) fn hidden<'i>(holders: impl IntoIterator<Item = &'i str>) -> Hidden {
    let credentials = holders.into_iter().filter_map(|holder| json::member(holder, CREDENTIALS));
    Hidden::new(credentials.flat_map(|credentials| {
        let members = json::members(credentials).unwrap_or_default();
        let names = members.into_iter().map(|(name, _)| name).collect::<Vec<_>>();
        names.into_iter().filter_map(|name| json::text_member(credentials, &name))
    }))
}
