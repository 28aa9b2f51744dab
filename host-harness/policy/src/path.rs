//! Paths as requests hold them, and the patterns of a manifest that they must fit.

/// Splits `path-with-query` and judges it: what is matched is what is sent, so nothing may stand
/// in it that a server or a client would rewrite.
///
/// # Errors
/// What is wrong with it.
pub fn judge(text: &str) -> Result<(&str, Option<&str>), String> {
    let (path, query) = match text.split_once('?') {
        Some((path, query)) => (path, Some(query)),
        None => (text, None),
    };
    if !(path.is_empty() || path.starts_with('/')) {
        return Err("it does not begin with /".to_owned());
    }
    for (part, more, name) in [(path, "/{}", "path"), (query.unwrap_or_default(), "/?[]|", "query")]
    {
        if let Some(odd) = part.chars().find(|c| !is_allowed(*c, more)) {
            return Err(format!("its {name} holds {odd:?}, which must be percent-encoded"));
        }
    }
    if !path.split('/').all(is_plain) {
        return Err(
            "a segment of its path is . or .., or hides a slash, a backslash or a control character"
                .to_owned(),
        );
    }
    Ok((path, query))
}

/// RFC 3986 section 3.3, and what else this part may hold.
fn is_allowed(character: char, more: &str) -> bool {
    character.is_ascii_alphanumeric()
        || "-._~!$&'()*+,;=:@%".contains(character)
        || more.contains(character)
}

/// Whether `path`, which [`judge`] took, matches `pattern`: `*` stands for one segment, a last
/// `**` for any rest, and `{use}` for itself, where the host will put a secret in.
pub fn matches(pattern: &str, path: &str) -> bool {
    let mut wanted = pattern.split('/');
    let mut given = path.split('/');
    loop {
        match (wanted.next(), given.next()) {
            (None, None) => return true,
            (Some("**"), Some(first)) => {
                return std::iter::once(first)
                    .chain(given)
                    .all(|it| is_plain(it) && !is_braced(it));
            }
            (Some("*"), Some(segment))
                if !segment.is_empty() && is_plain(segment) && !is_braced(segment) => {}
            (Some(word), Some(segment)) if word == segment && word != "*" => {}
            _ => return false,
        }
    }
}

/// A server might read another path out of other segments than the one that was matched.
fn is_plain(segment: &str) -> bool {
    let lower = segment.to_ascii_lowercase();
    let dots = lower.replace("%2e", ".");
    let escapes = lower.split('%').skip(1).map(|rest| rest.get(..2));
    let hides = |escape: Option<&str>| {
        let byte = escape.and_then(|hex| u8::from_str_radix(hex, 16).ok());
        byte.is_none_or(|byte| byte < 0x20 || matches!(byte, b'/' | b'\\' | 0x7f))
    };
    dots != "." && dots != ".." && !escapes.into_iter().any(hides) && !lower.contains('\\')
}

fn is_braced(segment: &str) -> bool {
    segment.contains(['{', '}'])
}

#[cfg(test)]
mod tests {
    use super::*;

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
            ("/{token}/send", "/{token}/send", true),
            ("/{token}/send", "/mine/send", false),
            ("/*/send", "/{token}/send", false),
            ("/**", "/{token}/send", false),
        ] {
            assert_eq!(matches(pattern, path), expected, "{pattern} against {path}");
        }
    }

    #[test]
    fn what_is_judged_is_what_is_sent() {
        for good in [
            "/v1/things",
            "/v1/things?limit=50&filter[a]=b%20c|d",
            "/v1/things/7:a@b;c",
            "?a=b",
            "",
            "/{token}/send?x=%7B",
        ] {
            judge(good).unwrap();
        }
        for bad in [
            "v1/things",
            "https://evil.example.com/",
            "/v1/things#f",
            "/v1\\things",
            "/v1/thi ngs",
            "/v1/things\r\nx: y",
            "/v1/./things",
            "/v1/%2E%2e/things",
            "/v1/a%2fb",
            "/v1/a%00b",
            "/v1/a%0ab",
            "/v1/a%7fb",
            "/v1/a%zzb",
            "/v1/a%2",
            "/v1/bücher",
            "/v1/things?q=a b",
            "/v1/things?q=a#b",
            "/v1/things?q=\u{7f}",
        ] {
            assert!(judge(bad).is_err(), "{bad:?}");
        }
        // Another server's, if a client took it for a reference.
        assert!(judge("//evil.example.com/").is_ok() && !matches("/*", "//evil.example.com/"));
    }
}
