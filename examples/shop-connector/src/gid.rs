//! Global ids: `gid://shopify/Order/1001`.

/// Makes one of its type and number.
pub fn make(kind: &str, number: &str) -> String {
    format!("gid://shopify/{kind}/{number}")
}

/// The number of a global id of this type; none for anything else.
pub fn number<'g>(kind: &str, gid: &'g str) -> Option<&'g str> {
    let number = gid.strip_prefix("gid://shopify/")?.strip_prefix(kind)?.strip_prefix('/')?;
    is_number(number).then_some(number)
}

/// Whether it is written in digits alone.
pub fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}
