//! What the platform's configuration says of the front itself.

use crate::bindings::wasi::config::store;
use crate::problem::{Kind, Problem, Source};

/// A value of the configuration.
///
/// # Errors
/// A problem when it cannot be read now.
pub fn read(key: &str) -> Result<Option<String>, Problem> {
    let unread = |why| {
        let (store::Error::Upstream(why) | store::Error::Io(why)) = why;
        let detail = format!("the configuration \"{key}\" cannot be read: {why}");
        Problem::new(Kind::Unavailable, Source::Host, detail)
    };
    Ok(store::get(key).map_err(unread)?.filter(|value| !value.is_empty()))
}
