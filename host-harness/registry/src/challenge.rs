//! How a registry asks who one is: the header `www-authenticate` (RFC 9110 section 11.6.1).

use std::collections::BTreeMap;

use url::Url;

/// What a registry wants.
#[derive(Debug, PartialEq, Eq)]
pub enum Challenge {
    /// User and password.
    Basic,
    /// A token from this URL.
    Bearer(Url),
}

impl Challenge {
    /// Reads the header; `None` when it asks for something else.
    pub fn read(header: &str) -> Option<Self> {
        let (scheme, rest) = header.trim().split_once(' ').unwrap_or((header.trim(), ""));
        if scheme.eq_ignore_ascii_case("basic") {
            return Some(Self::Basic);
        }
        if !scheme.eq_ignore_ascii_case("bearer") {
            return None;
        }
        let mut parameters = read_parameters(rest);
        let mut url = Url::parse(&parameters.remove("realm")?).ok()?;
        for name in ["service", "scope"] {
            if let Some(value) = parameters.get(name) {
                url.query_pairs_mut().append_pair(name, value);
            }
        }
        Some(Self::Bearer(url))
    }
}

/// `name="value", name=value`; a comma may stand within quotes.
fn read_parameters(mut text: &str) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    while let Some((name, rest)) = text.split_once('=') {
        let (value, after) = match rest.strip_prefix('"') {
            Some(quoted) => quoted.split_once('"').unwrap_or((quoted, "")),
            None => rest.split_once(',').unwrap_or((rest, "")),
        };
        let name = name.trim_matches(|c: char| c == ',' || c.is_whitespace());
        found.insert(name.to_ascii_lowercase(), value.to_owned());
        text = after;
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn challenges_of_registries_are_read() {
        let url = |text: &str| Some(Challenge::Bearer(text.parse().unwrap()));
        for (header, expected) in [
            ("Basic realm=\"Registry Realm\"", Some(Challenge::Basic)),
            ("basic", Some(Challenge::Basic)),
            (
                "Bearer realm=\"https://auth.docker.io/token\",service=\"registry.docker.io\",\
                 scope=\"repository:a/b:pull,push\"",
                url(
                    "https://auth.docker.io/token?service=registry.docker.io&scope=repository%3Aa%2Fb%3Apull%2Cpush",
                ),
            ),
            ("Bearer scope=x, realm=https://a.example/t", url("https://a.example/t?scope=x")),
            ("Bearer service=\"a\"", None),
            ("Bearer realm=\"/token\"", None),
            ("Negotiate", None),
            ("", None),
        ] {
            assert_eq!(Challenge::read(header), expected, "{header}");
        }
    }
}
