//! What the pages say, in one place.

/// Of the page of a link.
pub const CONNECT: &str = "Connect";
pub const ASKS: &str = "asks to work with your account.";
pub const ASKED: &str = "You were asked to connect your account.";
pub const SHARED: &str = "What this allows";
/// What operations of an object let somebody do.
pub const OPERATIONS: &[(&[&str], &str)] = &[
    (&["list", "get", "find"], "read"),
    (&["create"], "create"),
    (&["update"], "change"),
    (&["delete"], "delete"),
    (&["subscribe"], "be told of changes"),
];
pub const SAFE: &str =
    "What you type in is sealed, sent to the provider alone, and never shown again.";
pub const SAFE_ELSEWHERE: &str = "You go on to the provider's own page and decide there. What you type in there is not seen here.";
pub const GO_ON: &str = "Continue to";
pub const CANCEL: &str = "Cancel";
pub const OPTIONAL: &str = "may be empty";
pub const ONLY_IF: &str = "Go on only if you trust who sent you this link.";

/// Of the end.
pub const CONNECTED: &str = "Connected";
pub const CLOSE: &str = "You can close this window.";
pub const CLOSE_PROGRAM: &str = "You can close this window and go back to the program.";
pub const DENIED: &str = "Not connected: access was denied";
pub const NOT_CONNECTED: &str = "Not connected";
pub const CANCELLED: &str = "Nothing was connected, and nothing was kept.";
pub const NOTHING: &str = "Nothing here";
pub const AGAIN_PROGRAM: &str = "Go back to the program and connect again.";
pub const LINK_GONE: &str =
    "This link was used already, or is older than ten minutes. Ask for a new one where you got it.";
pub const ASK_AGAIN: &str = "Ask for a new link where you got this one.";
pub const NOT_PRIVATE: &str = "Open this by its https address.";
pub const NO_COOKIE: &str = "This form was not opened by this browser, or cookies are off. Open the link again, and allow cookies for this site.";
pub const FOREIGN_FORM: &str = "This form was sent by another site. Open the link itself.";
pub const NO_FORM: &str = "This is no form of this page.";
pub const BUSY: &str = "Too many people connect at this moment. Try again in a moment.";
pub const LATER: &str = "That could not be kept just now. Try again in a moment.";
pub const REFUSED: &str =
    "The provider refused it. See that it was copied whole, and that it was not revoked.";
pub const UNTRIED: &str =
    "The provider could not be asked just now, so nothing was kept. Try again in a moment.";
pub const MISSING: &str = "is needed.";
