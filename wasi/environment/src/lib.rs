//! `wasi:config` out of environment variables, which more platforms have, and which need not stand in a command line.

use bindings::exports::wasi::config::store::{Error, Guest};
use bindings::wasi::cli::environment::get_environment;

#[allow(clippy::all, unsafe_code, reason = "generated; documented in wit/")]
mod bindings {
    wit_bindgen::generate!({
        path: ["../../wit", "../wit"],
        world: "connector:wasi/environment",
        generate_all,
    });

    use super::Environment;

    export!(Environment with_types_in self);
}

/// What is exported.
pub struct Environment;

impl Guest for Environment {
    fn get(key: String) -> Result<Option<String>, Error> {
        let wanted = variable(&key);
        let found = get_environment().into_iter().find(|(name, _)| *name == wanted);
        Ok(found.map(|(_, value)| value))
    }

    /// Names of variables do not tell what they were before, so they are handed out as they are.
    fn get_all() -> Result<Vec<(String, String)>, Error> {
        let mut all = get_environment();
        all.retain(|(name, _)| name.starts_with(PREFIX));
        Ok(all)
    }
}

const PREFIX: &str = "CONNECTOR_";

/// `secret.api-key` is `CONNECTOR_SECRET_API_KEY`.
fn variable(key: &str) -> String {
    let letter = |letter: char| match letter {
        letter if letter.is_ascii_alphanumeric() => letter.to_ascii_uppercase(),
        _ => '_',
    };
    PREFIX.chars().chain(key.chars().map(letter)).collect()
}
