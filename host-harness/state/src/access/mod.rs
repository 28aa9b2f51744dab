//! Who may use a host from beside it: tokens, writes that are known by a key when they are sent again,
//! links for a customer's browser, and who did what.
//!
//! | what is kept | for | what ends it |
//! |---|---|---|
//! | a token | until it expires, at most [`TOKENS`] of them | [`Access::revoke_token`]; forgotten [`crate::retention::WRITES_MS`] later |
//! | a write: who, what, when, how it ended | [`crate::retention::WRITES_MS`] | time alone: that a connection was removed stays to be read |
//! | its answer, under the key of its caller | [`crate::retention::ANSWERS_MS`] | time, or the end of its connection |
//! | a link | until it expires, some minutes | its use, or the end of its connection |
//! | how many reads a caller made in a minute | [`crate::retention::RATES_MS`] | time |
//!
//! Secrets are kept as digests (SHA-256): whoever reads the state cannot use a token or a link.

pub mod plan;

use crate::words::words;
use crate::{Answer, Sealed};

/// Tokens at most. The next is refused until some are forgotten.
pub const TOKENS: u64 = 1_000;
/// Outcome of a write whose caller went: perhaps it was done, perhaps not.
pub const CANCELLED: &str = "cancelled";
/// Outcome of a write of which it is not known whether it was done.
pub const OUTCOME_UNKNOWN: &str = "outcome-unknown";

/// Links of a connection at most that are open. The next replaces the oldest.
pub const LINKS: u64 = 16;

/// Keeps who may do what, and what was done. The time is the store's.
pub trait Access: Send + Sync {
    /// Adds a token. Nothing changes where its name is taken or there are [`TOKENS`].
    fn add_token(&self, token: NewToken) -> Answer<'_, AddedToken>;

    /// The token with this digest, where it is good now.
    fn find_token(&self, digest: [u8; 32]) -> Answer<'_, Option<TokenRow>>;

    /// All tokens, also those that ended, by name.
    fn list_tokens(&self) -> Answer<'_, Vec<TokenRow>>;

    /// Ends a token. Answers whether it was good until now.
    fn revoke_token(&self, name: &str) -> Answer<'_, bool>;

    /// Notes that a write begins, before anything is done for it ([`plan::begin`]).
    fn begin_write(&self, write: NewWrite) -> Answer<'_, WriteStart>;

    /// Notes how a write ended. Nothing changes where another attempt has it.
    fn end_write(&self, ended: EndedWrite) -> Answer<'_, ()>;

    /// Writes with a number below `before`, the newest first, at most `limit`.
    fn list_writes(&self, before: Option<u64>, limit: u32) -> Answer<'_, Vec<WriteRow>>;

    /// Adds to the counts of reads.
    fn count_reads(&self, reads: Vec<ReadCount>) -> Answer<'_, ()>;

    /// The counts of reads from a minute on, by minute and caller.
    fn list_reads(&self, since_minute: u64) -> Answer<'_, Vec<ReadCount>>;

    /// Adds a link. Fails where its connection is not there.
    fn put_link(&self, link: NewLink) -> Answer<'_, ()>;

    /// The link with this digest, where it is good now.
    fn find_link(&self, digest: [u8; 32]) -> Answer<'_, Option<LinkRow>>;

    /// The same, and it is used up.
    fn take_link(&self, digest: [u8; 32]) -> Answer<'_, Option<LinkRow>>;
}

words! {
    /// What a token may do. Each may do what those before it may.
    pub enum Scope {
        /// Read what is kept and what providers have.
        Read = "read",
        /// Write records, and have objects read.
        Write = "write",
        /// Make and remove connections, secrets and forwards.
        Admin = "admin",
    }
}

/// A token that is to be kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewToken {
    /// For people; no other token has it.
    pub name: String,
    /// SHA-256 of what its caller sends.
    pub digest: [u8; 32],
    /// What it may do.
    pub scope: Scope,
    /// Ids of the connections that it is for; `None`: all, also those that come.
    pub connections: Option<Vec<String>>,
    /// For how long it is good.
    pub for_ms: u64,
}

/// A token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenRow {
    /// For people; no other token has it.
    pub name: String,
    /// SHA-256 of what its caller sends.
    pub digest: [u8; 32],
    /// What it may do.
    pub scope: Scope,
    /// Ids of the connections that it is for; `None`: all, also those that come.
    pub connections: Option<Vec<String>>,
    /// When it was made.
    pub made_ms: u64,
    /// Until when it is good.
    pub until_ms: u64,
    /// When it was revoked; `until_ms` is no later.
    pub revoked_ms: Option<u64>,
}

/// What came of adding a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AddedToken {
    /// It is kept.
    Added,
    /// Another has its name, or had it and is not forgotten yet.
    NameTaken,
    /// There are [`TOKENS`].
    Full,
}

/// A write that begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewWrite {
    /// Name of the token, or of the place that needs none.
    pub caller: String,
    /// What is done, as `POST /v1/connections/{name}/push`.
    pub action: String,
    /// Id of the connection that it is about.
    pub connection: Option<String>,
    /// What else it is about: an object, a record's id. Never content.
    pub target: String,
    /// By which its caller may send it again.
    pub key: Option<WriteKey>,
    /// Who does it: the name of a [`crate::LeaseHolder`].
    pub attempt: String,
    /// For so long nobody else does it, unless it begins again with the same attempt.
    pub for_ms: u64,
}

/// By what a write is known when it is sent again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WriteKey {
    /// SHA-256 of the caller's key.
    pub key: [u8; 32],
    /// SHA-256 of what is asked: another request under the same key is refused.
    pub request: [u8; 32],
}

/// What is to be done with a write that begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WriteStart {
    /// It is done now. `is_again`: somebody began it, and it is not known how far that came.
    Go {
        /// Its number.
        number: u64,
        /// An attempt before it has no outcome.
        is_again: bool,
    },
    /// Somebody is at it.
    UnderWay,
    /// It was done, and this was answered.
    Answered(StoredAnswer),
    /// It was done, and what was answered is not kept any more.
    Forgotten,
    /// The key was used for something else.
    OtherRequest,
}

/// How a write ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EndedWrite {
    /// Its number.
    pub number: u64,
    /// Who did it.
    pub attempt: String,
    /// `ok`, or the kind of its error; after [`OUTCOME_UNKNOWN`] and [`CANCELLED`] the same request under its
    /// key begins it again, and is told so.
    pub outcome: String,
    /// What it was about, where that is known only now, as a record's id.
    pub target: Option<String>,
    /// What was answered; `None`: nothing was done, and it may be sent again under its key.
    pub answer: Option<StoredAnswer>,
}

/// An answer as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredAnswer {
    /// Status of HTTP.
    pub status: u32,
    /// Its content.
    pub sealed: Sealed,
}

/// A write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WriteRow {
    /// They count up.
    pub number: u64,
    /// When it began first.
    pub at_ms: u64,
    /// Name of the token, or of the place that needs none.
    pub caller: String,
    /// What was done.
    pub action: String,
    /// Id of the connection that it was about.
    pub connection: Option<String>,
    /// What else it was about.
    pub target: String,
    /// How it ended; `None`: it is under way, or its host ended and nobody sent it again.
    pub outcome: Option<String>,
}

/// Reads of a caller in a minute.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadCount {
    /// Minutes since 1970-01-01T00:00:00Z.
    pub minute: u64,
    /// Name of the token, or of the place that needs none.
    pub caller: String,
    /// How many.
    pub reads: u64,
}

/// A link that is to be kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewLink {
    /// SHA-256 of its secret part.
    pub digest: [u8; 32],
    /// Id of the connection that is made with it.
    pub connection: String,
    /// The authentication scheme that it is connected by.
    pub scheme: String,
    /// Scopes that are asked for; empty: all of the scheme.
    pub scopes: Vec<String>,
    /// What its page calls whoever asks.
    pub label: Option<String>,
    /// Who asked for it.
    pub caller: String,
    /// Where the browser goes at the end.
    pub return_to: Option<String>,
    /// For how long it is good.
    pub for_ms: u64,
}

/// A link.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinkRow {
    /// SHA-256 of its secret part.
    pub digest: [u8; 32],
    /// Id of the connection that is made with it.
    pub connection: String,
    /// The authentication scheme that it is connected by.
    pub scheme: String,
    /// Scopes that are asked for; empty: all of the scheme.
    pub scopes: Vec<String>,
    /// What its page calls whoever asks.
    pub label: Option<String>,
    /// Who asked for it.
    pub caller: String,
    /// Where the browser goes at the end.
    pub return_to: Option<String>,
    /// Until when it is good.
    pub until_ms: u64,
}
