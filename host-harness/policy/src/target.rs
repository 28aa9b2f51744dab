//! Where requests of an endpoint go: a server, and paths of it.

use thiserror::Error;

use crate::origin::{BadOrigin, Origin};
use crate::path;
use crate::setting::{AddressSpace, Settings};
use crate::template::Template;

/// A server and what of it an endpoint means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EndpointTarget {
    /// The server, with the trust that the operator gave it.
    pub origin: Origin,
    /// As the manifest writes it, with `*`, `**` and `{use}`.
    pattern: String,
    /// Instead of it: the one of the URL in a setting, which is no pattern.
    only: Option<String>,
}

/// Why an endpoint has no target.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum TargetError {
    /// A setting in its origin has no value.
    #[error("it needs the setting \"{0}\", which has no value")]
    Unset(String),
    /// Its origin is none to send to.
    #[error(transparent)]
    Origin(#[from] BadOrigin),
}

impl EndpointTarget {
    /// Puts `settings` into an endpoint's `origin` and `path`. The operator may allow the private
    /// address space for the URLs of settings that are theirs. Where the path is empty, it is the
    /// URL's own: what is sent is compared with it, so it has to be written as it is sent.
    ///
    /// # Errors
    /// [`TargetError`].
    pub fn read(
        origin: &Template,
        path: &str,
        settings: &Settings,
        space: AddressSpace,
    ) -> Result<Self, TargetError> {
        let text = origin.fill(settings).map_err(TargetError::Unset)?;
        let is_operators = origin.as_setting().is_some_and(|name| settings.is_operators(name));
        let space = if is_operators { space } else { AddressSpace::Public };
        if !path.is_empty() {
            let origin = Origin::read(&text, space)?;
            return Ok(Self { origin, pattern: path.to_owned(), only: None });
        }
        let (origin, url) = Origin::of_url(&text, space)?;
        if url.as_str() != text {
            let why = "is not in canonical form: write it as it is sent";
            return Err(BadOrigin::new(&text, why).into());
        }
        Ok(Self { origin, pattern: String::new(), only: Some(url.path().to_owned()) })
    }

    /// The path to send for `asked`, a request's own; `None` when the endpoint means another.
    pub fn path(&self, asked: &str) -> Option<String> {
        match &self.only {
            Some(only) => asked.is_empty().then(|| only.clone()),
            None => path::matches(&self.pattern, asked).then(|| asked.to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use connector_contract::setup::Setter;

    use super::*;

    fn read(
        path: &str,
        value: &str,
        space: AddressSpace,
        by: Setter,
    ) -> Result<EndpointTarget, TargetError> {
        let settings = Settings::new([("url".to_owned(), (value.to_owned(), by))].into());
        EndpointTarget::read(&Template::read("{url}").unwrap(), path, &settings, space)
    }

    #[test]
    fn an_empty_path_is_the_settings_own_and_no_other() {
        // The operator's URL is a URL: what a manifest would read as a pattern stands for itself.
        for path in ["/realms/a%20b/token", "/*/token", "/**", "/"] {
            let target = read(
                "",
                &format!("https://login.example.com{path}"),
                AddressSpace::Public,
                Setter::Operator,
            );
            let target = target.unwrap();
            assert_eq!(target.path("").as_deref(), Some(path));
            for asked in [path, "/", "/x/token"] {
                assert_eq!(target.path(asked), None, "{asked}");
            }
        }
    }

    #[test]
    fn a_declared_path_needs_a_bare_origin() {
        let target =
            read("/v1/*", "https://login.example.com", AddressSpace::Public, Setter::Operator)
                .unwrap();
        assert_eq!(target.path("/v1/token").as_deref(), Some("/v1/token"));
        assert_eq!(target.path(""), None);
        for path in ["/v1/*", "/**"] {
            let read = read(
                path,
                "https://login.example.com/realms",
                AddressSpace::Public,
                Setter::Operator,
            );
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
            assert!(read("", value, AddressSpace::Public, Setter::Operator).is_err(), "{value}");
        }
    }

    #[test]
    fn only_the_operator_opens_private_origins() {
        for (by, space, allowed) in [
            (Setter::Operator, AddressSpace::Private, true),
            (Setter::Operator, AddressSpace::Public, false),
            (Setter::Customer, AddressSpace::Private, false),
        ] {
            let target = read("/v1", "http://127.0.0.1:1", space, by);
            assert_eq!(
                target.is_ok_and(|target| target.origin.private),
                allowed,
                "{by:?} {space:?}"
            );
        }
        let literal = Template::read("https://10.0.0.1").unwrap();
        assert!(
            EndpointTarget::read(&literal, "/**", &Settings::default(), AddressSpace::Private)
                .is_err()
        );
    }

    #[test]
    fn without_a_value_nothing_is_allowed() {
        let template = Template::read("{url}").unwrap();
        let unset = TargetError::Unset("url".to_owned());
        for path in ["", "/token"] {
            let target =
                EndpointTarget::read(&template, path, &Settings::default(), AddressSpace::Private);
            assert_eq!(target, Err(unset.clone()));
        }
    }
}
