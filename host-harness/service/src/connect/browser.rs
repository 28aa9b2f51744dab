//! Opens the system's browser.

use thiserror::Error;

/// No browser was opened. The address can be opened by hand.
#[derive(Debug, Error)]
#[error("no browser could be opened ({0}); open the address yourself")]
pub struct NoBrowser(String);

/// Opens `url` in the browser that the system prefers, and does not wait for it.
///
/// # Errors
/// [`NoBrowser`]; also where there is no screen to show one.
pub fn open(url: &str) -> Result<(), NoBrowser> {
    if cfg!(target_os = "linux") && !has_screen(|name| std::env::var_os(name).is_some()) {
        return Err(NoBrowser("there is no screen".to_owned()));
    }
    open::that_detached(url).map_err(|why| NoBrowser(why.to_string()))
}

/// Without one, a text browser would open on a terminal that is not its own.
fn has_screen(is_set: impl Fn(&str) -> bool) -> bool {
    ["DISPLAY", "WAYLAND_DISPLAY", "WSL_DISTRO_NAME"].into_iter().any(is_set)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_terminal_alone_shows_no_browser() {
        assert!(!has_screen(|_| false));
        assert!(has_screen(|name| name == "WAYLAND_DISPLAY"));
        let text = NoBrowser("there is no screen".to_owned()).to_string();
        assert!(text.ends_with("open the address yourself"));
    }
}
