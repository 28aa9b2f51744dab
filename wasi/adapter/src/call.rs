//! What one call may do: so many requests, one write and nothing after it, so many log lines.

use std::cell::RefCell;
use std::collections::BTreeMap;

use connector_contract::http::SendError;
use connector_contract::secrets::SecretError;
use connector_policy::delivered::Carried;

use crate::bindings::wasi::cli::stderr;

/// Requests of one call, as this repository's host has it.
const REQUESTS: u32 = 16;
/// Bytes of log lines of one call.
const LOG_BYTES: usize = 64 << 10;
/// Bytes of one line.
const LINE_BYTES: usize = 4 << 10;
/// What a stream of WASI takes at once.
const PIECE: usize = 4_096;

#[derive(Default)]
struct Call {
    sent: u32,
    wrote: bool,
    /// While a delivery is received: by which secret uses it proved itself.
    carried: Option<BTreeMap<String, Carried>>,
    logged: usize,
}

thread_local! {
    static CALL: RefCell<Call> = RefCell::default();
}

/// Another call begins.
pub fn begin() {
    CALL.set(Call::default());
}

/// A delivery is received from now on.
pub fn begin_delivery(carried: BTreeMap<String, Carried>) {
    CALL.set(Call { carried: Some(carried), ..Call::default() });
}

/// Counts a request.
///
/// # Errors
/// [`SendError::Refused`] when the call may send none, or no more.
pub fn admit(writes: bool) -> Result<(), SendError> {
    let refused = |why: &str| Err(SendError::Refused(why.to_owned()));
    CALL.with_borrow_mut(|call| {
        if call.carried.is_some() {
            return refused("H-18: receiving a delivery makes no request");
        }
        if call.wrote {
            return refused("H-17: this call has written, and sends nothing after that");
        }
        if call.sent >= REQUESTS {
            return refused("H-17: this call has already sent 16 requests");
        }
        call.sent += 1;
        call.wrote = writes;
        Ok(())
    })
}

/// Whether the delivery that is being received proved itself by this use.
///
/// # Errors
/// [`SecretError`]: there is none, or the use is none of its.
pub fn carried(secret_use: &str) -> Result<bool, SecretError> {
    CALL.with_borrow(|call| {
        let carried = call.carried.as_ref().ok_or(SecretError::Denied)?;
        match carried.get(secret_use).ok_or(SecretError::Denied)? {
            Carried::Unknown => Err(SecretError::NotFound),
            Carried::Told(fits) => Ok(*fits),
        }
    })
}

/// Whether a delivery is being received.
pub fn is_delivery() -> bool {
    CALL.with_borrow(|call| call.carried.is_some())
}

/// Writes a line to stderr, as one line whatever it holds.
pub fn log(connector: &str, level: &str, message: &str) {
    let mut line = format!("{level} {connector}: ");
    for character in message.chars() {
        if line.len() >= LINE_BYTES {
            line.push('…');
            break;
        }
        match character.is_control() {
            true => line.extend(character.escape_default()),
            false => line.push(character),
        }
    }
    line.push('\n');
    let fits = CALL.with_borrow_mut(|call| {
        call.logged = call.logged.saturating_add(line.len());
        call.logged <= LOG_BYTES
    });
    if fits {
        let stream = stderr::get_stderr();
        for piece in line.as_bytes().chunks(PIECE) {
            // Nobody else could be told.
            let _ = stream.blocking_write_and_flush(piece);
        }
    }
}
