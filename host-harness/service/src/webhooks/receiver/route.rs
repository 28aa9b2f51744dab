//! Where a request's path leads.

/// Before the token in a hook's path.
pub const HOOKS: &str = "hooks";
/// Before the pages for browsers.
pub const CONNECT: &str = "connect";

/// What a path names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Route<'a> {
    /// The program runs.
    Health,
    /// Deliveries can be kept.
    Ready,
    /// A hook, by its token.
    Hook(&'a str),
    /// A page for browsers.
    Page(&'a str),
}

/// What `path` names, whether or not a proxy has taken the public URL's path, `prefix`, away from
/// it. Paths are compared segment by segment, and empty segments count for nothing: they come from
/// a slash too many in somebody's URL.
pub fn route<'a>(prefix: &str, path: &'a str) -> Option<Route<'a>> {
    let whole = segments(path);
    let mut below = whole.clone();
    let is_below = segments(prefix).all(|wanted| below.next() == Some(wanted));
    let below = is_below.then(|| named(below)).flatten();
    below.or_else(|| named(whole))
}

fn segments(path: &str) -> impl Iterator<Item = &str> + Clone {
    path.split('/').filter(|segment| !segment.is_empty())
}

fn named<'a>(mut segments: impl Iterator<Item = &'a str>) -> Option<Route<'a>> {
    match (segments.next(), segments.next(), segments.next()) {
        (Some("healthz"), None, None) => Some(Route::Health),
        (Some("readyz"), None, None) => Some(Route::Ready),
        (Some(HOOKS), Some(token), None) => Some(Route::Hook(token)),
        (Some(CONNECT), Some(page), None) => Some(Route::Page(page)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_leads_to_its_hook_with_and_without_the_prefix() {
        let hook = Some(Route::Hook("t"));
        for (prefix, path, expected) in [
            ("", "/hooks/t", hook),
            ("", "/hooks/t/", hook),
            ("", "//hooks//t", hook),
            ("/hooks", "/hooks/t", hook),
            ("/hooks", "/hooks/hooks/t", hook),
            ("/h", "/hooks/t", hook),
            ("/h", "/h/hooks/t", hook),
            ("/h//i/", "/h/i/hooks/t/", hook),
            ("/h/i", "/i/hooks/t", None),
            ("/h", "/hh/hooks/t", None),
            ("", "/hooks", None),
            ("", "/hooks/t/u", None),
            ("", "/Hooks/t", None),
            ("", "/", None),
            ("/hooks", "/healthz", Some(Route::Health)),
            ("/hooks", "/hooks/healthz", Some(Route::Health)),
            ("/h", "/h/readyz/", Some(Route::Ready)),
            ("/healthz", "/healthz", Some(Route::Health)),
            ("/h", "/h/h/healthz", None),
            ("/h", "/h/connect/callback", Some(Route::Page("callback"))),
            ("", "/connect", None),
            ("", "/connect/a/b", None),
        ] {
            assert_eq!(route(prefix, path), expected, "{prefix} {path}");
        }
    }
}
