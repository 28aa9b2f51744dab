//! Where a rule of a manifest holds: a server, and paths of it.

use std::collections::BTreeMap;

use super::origin::{BadOrigin, Origin};
use super::pattern;

/// A server and what of it a rule means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// The server, with the trust that the operator gave it.
    pub origin: Origin,
    paths: Paths,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Paths {
    /// As the manifest writes them, with `*` and `**`.
    Like(String),
    /// The one of the URL in a setting, which is no pattern.
    Only(String),
}

impl Target {
    /// Puts `settings` into a rule's `origin` and `path`. `None` when the origin is a setting
    /// without a value: such a rule allows nothing.
    ///
    /// # Errors
    /// When the origin is none or not allowed, or the setting holds a path and the rule has
    /// one of its own.
    pub fn read(
        origin: &str,
        path: &str,
        settings: &BTreeMap<String, String>,
        allow_private: bool,
    ) -> Result<Option<Self>, BadOrigin> {
        let Some(name) = setting(origin) else {
            let origin = Origin::read(origin, false)?;
            return Ok(Some(Self { origin, paths: Paths::Like(path.to_owned()) }));
        };
        let Some(value) = settings.get(name) else {
            return Ok(None);
        };
        let (origin, paths) = if path.is_empty() {
            let (origin, path) = Origin::of_endpoint(value, allow_private)?;
            (origin, Paths::Only(path))
        } else {
            (Origin::read(value, allow_private)?, Paths::Like(path.to_owned()))
        };
        Ok(Some(Self { origin, paths }))
    }

    /// Whether a request to `path` at `origin` is meant.
    #[must_use]
    pub fn covers(&self, origin: &Origin, path: &str) -> bool {
        self.origin.same_server(origin)
            && match &self.paths {
                Paths::Like(pattern) => pattern::matches(pattern, path),
                Paths::Only(only) => only == path,
            }
    }
}

/// The name in `{name}`: a manifest's way to say that an operator's setting holds the origin.
#[must_use]
pub fn setting(origin: &str) -> Option<&str> {
    origin.strip_prefix('{')?.strip_suffix('}')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(path: &str, value: &str) -> Result<Target, BadOrigin> {
        let settings = BTreeMap::from([("url".to_owned(), value.to_owned())]);
        Target::read("{url}", path, &settings, false).map(Option::unwrap)
    }

    fn covers(target: &Target, origin: &str, path: &str) -> bool {
        target.covers(&Origin::read(origin, false).unwrap(), path)
    }

    #[test]
    fn an_empty_path_is_the_settings_own_and_no_other() {
        let target = read("", "https://login.example.com/realms/a%20b/token").unwrap();
        for (origin, path, expected) in [
            ("https://login.example.com", "/realms/a%20b/token", true),
            ("https://login.example.com", "/realms/a%20b/token/", false),
            ("https://login.example.com", "/realms/x/token", false),
            ("https://login.example.com", "/", false),
            ("https://login.example.com:8443", "/realms/a%20b/token", false),
            ("https://evil.example.com", "/realms/a%20b/token", false),
        ] {
            assert_eq!(covers(&target, origin, path), expected, "{origin}{path}");
        }
    }

    /// The operator's URL is a URL: what a manifest would read as a pattern stands for itself.
    #[test]
    fn a_star_in_a_setting_is_a_star() {
        let target = read("", "https://login.example.com/*/token").unwrap();
        assert!(covers(&target, "https://login.example.com", "/*/token"));
        assert!(!covers(&target, "https://login.example.com", "/x/token"));
        let all = read("", "https://login.example.com/**").unwrap();
        assert!(!covers(&all, "https://login.example.com", "/token"));
    }

    #[test]
    fn a_declared_path_needs_a_bare_origin() {
        let target = read("/v1/*", "https://login.example.com").unwrap();
        assert!(covers(&target, "https://login.example.com", "/v1/token"));
        for path in ["/v1/*", "/**"] {
            assert!(read(path, "https://login.example.com/realms").is_err(), "{path}");
        }
    }

    #[test]
    fn an_endpoint_is_a_url_as_it_is_sent() {
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
            assert!(read("", value).is_err(), "{value}");
        }
        read("", "https://login.example.com/").unwrap();
    }

    #[test]
    fn a_manifest_cannot_open_a_private_origin_by_itself() {
        for origin in ["http://127.0.0.1:1", "https://10.0.0.1"] {
            assert!(Target::read(origin, "/**", &BTreeMap::new(), true).is_err(), "{origin}");
        }
    }

    #[test]
    fn without_a_value_nothing_is_allowed() {
        for path in ["", "/token"] {
            assert_eq!(Target::read("{url}", path, &BTreeMap::new(), true), Ok(None));
        }
    }
}
