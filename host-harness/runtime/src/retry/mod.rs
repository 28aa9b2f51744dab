//! Calls that do not give up at the first fault: repeated where that is safe,
//! resolved where the outcome is unknown, never guessed.

mod backoff;
mod batch;
mod blame;
mod caller;
mod create;
mod scan;
mod table;

pub use self::blame::{Blame, blame};
pub use self::caller::{Caller, Policy, first_attempt};
pub use self::create::{Created, Find, id_of};
pub use self::scan::{Scan, ScanError};
pub use self::table::{Cause, Next, Operation, leaves_open, next};
