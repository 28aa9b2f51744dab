//! What is done about a failed call: it is repeated where that is safe, and what may have been
//! applied is never guessed. The calls of a [`Connection`](crate::Connection) do so by themselves.

mod backoff;
mod blame;
mod policy;
mod repeat;
mod table;

pub(crate) use self::backoff::INDEX_LAG;
pub use self::blame::{Blame, blame};
pub use self::policy::Policy;
pub(crate) use self::repeat::Repeater;
pub use self::repeat::first_attempt;
pub use self::table::leaves_open;
pub(crate) use self::table::{CallKind, Next, next};
