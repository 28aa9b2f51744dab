//! Where requests of an endpoint go: a server, and paths of it.

use super::origin::{BadOrigin, Origin};
use super::path;
use super::template::Template;
use crate::Settings;

/// A server and what of it an endpoint means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// The server, with the trust that the operator gave it.
    pub origin: Origin,
    paths: Paths,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Paths {
    /// As the manifest writes them, with `*`, `**` and `{use}`.
    Like(String),
    /// The one of the URL in a setting, which is no pattern.
    Only(String),
}

/// Why an endpoint has no target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NoTarget {
    /// A setting in its origin has no value.
    Unset(String),
    /// Its origin is none to send to.
    Bad(BadOrigin),
}

impl Target {
    /// Puts `settings` into an endpoint's `origin` and `path`. `open`: the operator allows private
    /// addresses, plain http and any port for the URLs of settings that are theirs.
    ///
    /// # Errors
    /// [`NoTarget`].
    pub fn read(
        origin: &Template,
        path: &str,
        settings: &Settings,
        open: bool,
    ) -> Result<Self, NoTarget> {
        let text = origin.fill(settings).map_err(NoTarget::Unset)?;
        let is_operators = origin.as_setting().is_some_and(|name| settings.is_operators(name));
        let private = open && is_operators;
        let read = match path.is_empty() {
            true => Origin::of_endpoint(&text, private)
                .map(|(origin, path)| Self { origin, paths: Paths::Only(path) }),
            false => Origin::read(&text, private)
                .map(|origin| Self { origin, paths: Paths::Like(path.to_owned()) }),
        };
        read.map_err(NoTarget::Bad)
    }

    /// The path to send for `asked`, a request's own; `None` when the endpoint means another.
    #[must_use]
    pub fn path(&self, asked: &str) -> Option<String> {
        match &self.paths {
            Paths::Like(pattern) => path::matches(pattern, asked).then(|| asked.to_owned()),
            Paths::Only(only) => asked.is_empty().then(|| only.clone()),
        }
    }
}

#[cfg(test)]
mod tests {
    use connector_contract::setup::Setter;

    use super::*;

    fn read(path: &str, value: &str, open: bool, by: Setter) -> Result<Target, NoTarget> {
        let settings = Settings::new([("url".to_owned(), (value.to_owned(), by))].into());
        Target::read(&Template::read("{url}").unwrap(), path, &settings, open)
    }

    #[test]
    fn an_empty_path_is_the_settings_own_and_no_other() {
        // The operator's URL is a URL: what a manifest would read as a pattern stands for itself.
        for path in ["/realms/a%20b/token", "/*/token", "/**", "/"] {
            let target =
                read("", &format!("https://login.example.com{path}"), false, Setter::Operator);
            let target = target.unwrap();
            assert_eq!(target.path("").as_deref(), Some(path));
            for asked in [path, "/", "/x/token"] {
                assert_eq!(target.path(asked), None, "{asked}");
            }
        }
    }

    #[test]
    fn a_declared_path_needs_a_bare_origin() {
        let target = read("/v1/*", "https://login.example.com", false, Setter::Operator).unwrap();
        assert_eq!(target.path("/v1/token").as_deref(), Some("/v1/token"));
        assert_eq!(target.path(""), None);
        for path in ["/v1/*", "/**"] {
            let read = read(path, "https://login.example.com/realms", false, Setter::Operator);
            assert!(read.is_err(), "{path}");
        }
    }

    #[test]
    fn a_url_is_written_as_it_is_sent() {
        for value in [
            "https://login.example.com/token?realm=a",
            "https://login.example.com/token#a",
            "https://me@login.example.com/token",
            "https://login.example.com/a/../token",
            "https://login.example.com/%2e%2e/token",
            "https://LOGIN.example.com/token",
            "https://login.example.com",
            "http://login.example.com/token",
            "https://10.0.0.1/token",
            "login.example.com/token",
            "",
        ] {
            assert!(read("", value, false, Setter::Operator).is_err(), "{value}");
        }
    }

    #[test]
    fn only_the_operator_opens_private_origins() {
        for (by, open, allowed) in [
            (Setter::Operator, true, true),
            (Setter::Operator, false, false),
            (Setter::Customer, true, false),
        ] {
            let target = read("/v1", "http://127.0.0.1:1", open, by);
            assert_eq!(target.is_ok_and(|target| target.origin.private), allowed, "{by:?} {open}");
        }
        let literal = Template::read("https://10.0.0.1").unwrap();
        assert!(Target::read(&literal, "/**", &Settings::default(), true).is_err());
    }

    #[test]
    fn without_a_value_nothing_is_allowed() {
        let template = Template::read("{url}").unwrap();
        let unset = NoTarget::Unset("url".to_owned());
        for path in ["", "/token"] {
            let target = Target::read(&template, path, &Settings::default(), true);
            assert_eq!(target, Err(unset.clone()));
        }
    }
}
