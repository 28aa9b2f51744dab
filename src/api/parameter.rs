//! From members of a filter to query parameters.
//!
//! AfterShip writes lists as one text with commas and documents no escape. So an array's item
//! must not hold a comma: it would silently become two. A text with commas is taken as the list
//! that it says.

use connector_sdk::{Error, json::Value, text::join};

/// For [`list`]: as many items as the caller likes.
pub const ANY: usize = usize::MAX;

/// A text, number or truth value as a parameter; anything else is empty.
#[must_use]
pub fn scalar(value: &Value<'_>) -> String {
    match value {
        Value::Text(text) => text.clone().into_owned(),
        Value::Number(digits) => (*digits).to_owned(),
        Value::Bool(flag) => flag.to_string(),
        _ => String::new(),
    }
}

/// An array, or a text with commas, as a parameter with commas.
///
/// # Errors
/// `invalid-input` for an item that is empty or holds a comma, and for more than `most`.
pub fn list(name: &str, value: &Value<'_>, most: usize) -> Result<String, Error> {
    let items: Vec<String> = match value {
        Value::List(items) => items.iter().map(scalar).collect(),
        // `shipment_tags` and `order_id` may hold spaces within, so only the ends are trimmed.
        _ => scalar(value).split(',').map(|item| item.trim().to_owned()).collect(),
    };
    if items.iter().any(String::is_empty) {
        return Err(refused(name, "must not hold an empty item"));
    }
    if items.iter().any(|item| item.contains(',')) {
        return Err(refused(name, "must not hold an item with a comma: AfterShip splits there"));
    }
    if items.len() > most {
        return Err(refused(name, &format!("must have at most {most} items")));
    }
    Ok(join(&items, ","))
}

/// Refuses the member `name` of a filter; `message` completes a sentence that begins with it.
#[must_use]
pub fn refused(name: &str, message: &str) -> Error {
    Error::invalid_member(&format!("/{name}"), format!("`{name}` {message}."))
}
