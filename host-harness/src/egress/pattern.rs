//! Path patterns of a manifest: `*` stands for one segment, `**` for any rest.

/// Whether `path` matches `pattern`. Both begin with `/`; `path` is without query.
///
/// A segment under `*` is refused when it is empty, a dot segment, or hides a
/// slash or backslash behind percent-encoding: a server might read another path
/// out of it than the one that was matched.
#[must_use]
pub fn matches(pattern: &str, path: &str) -> bool {
    let mut wanted = pattern.split('/');
    let mut given = path.split('/');
    loop {
        match (wanted.next(), given.next()) {
            (None, None) => return true,
            (Some("**"), Some(first)) => return std::iter::once(first).chain(given).all(plain),
            (Some("*"), Some(segment)) if !segment.is_empty() && plain(segment) => {}
            (Some(word), Some(segment)) if word == segment && word != "*" => {}
            _ => return false,
        }
    }
}

fn plain(segment: &str) -> bool {
    let lower = segment.to_ascii_lowercase();
    let dots = lower.replace("%2e", ".");
    dots != "."
        && dots != ".."
        && !["%2f", "%5c", "%00", "\\"].iter().any(|bad| lower.contains(bad))
}

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn a_path_matches_only_its_own_shape() {
        for (pattern, path, expected) in [
            ("/v/*/things", "/v/2026-07/things", true),
            ("/v/*/things", "/v/2026-07/things/", false),
            ("/v/*/things", "/v//things", false),
            ("/v/*/things", "/v/a/b/things", false),
            ("/v/*/things", "/v/../things", false),
            ("/v/*/things", "/v/%2e%2E/things", false),
            ("/v/*/things", "/v/a%2Fb/things", false),
            ("/v/*/things", "/v/a%5cb/things", false),
            ("/v/*/things/*", "/v/1/things/a%20b", true),
            ("/v/*/things/*", "/v/1/things", false),
            ("/**", "/v/1/things", true),
            ("/**", "/v/1/../../etc", false),
            ("/**", "/", true),
            ("/token", "/token", true),
            ("/token", "/token/x", false),
            ("/v/*", "/v/*", true),
            ("/v/x", "/v/*", false),
        ] {
            assert_eq!(matches(pattern, path), expected, "{pattern} against {path}");
        }
    }
}
