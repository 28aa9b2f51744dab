//! What listeners share: where connections come from, TLS, and streams whose other end may not dawdle.

mod accept;
mod guard;
mod pages;
mod tls;

pub use self::accept::{Accept, Accepted};
pub use self::guard::{Phases, TimedStream};
pub use self::pages::{Page, PageRequest, Pages};
pub use self::tls::{Tls, TlsError};
