//! What the host keeps between runs: connections, their secrets and their grants.
//!
//! [`Store`] is what every database must do. Secrets and tokens come here sealed and leave sealed;
//! nothing in this crate can open them. Whatever belongs
//! together is committed together ([`Store::commit`]), and a row that several processes race for
//! changes in one step ([`Store::change_grant`]).

use std::future::Future;
use std::pin::Pin;

use thiserror::Error;

use crate::rows::{ConnectionRow, GrantRow, SecretRow, SessionRow};
use crate::sealed::Sealed;

/// What a [`Store`] answers, later.
pub type Answer<'a, T> = Pin<Box<dyn Future<Output = Result<T, StoreError>> + Send + 'a>>;

/// Decides on a grant as it is now, under the database's lock: the row to put in its place, or
/// `None` to leave it.
pub type GrantChange = Box<dyn FnOnce(&GrantRow) -> Option<GrantRow> + Send>;

/// Decides on the versions of a secret as they are now, newest first, under the database's lock:
/// the rows to add or put in their place, or `None` to leave them.
pub type SecretChange = Box<dyn FnOnce(&[SecretRow]) -> Option<Vec<SecretRow>> + Send>;

/// Keeps state for all processes of one machine. An answer that came is durable: it outlives the
/// process and a loss of power.
pub trait Store: Send + Sync {
    /// Every connection, by name.
    fn connections(&self) -> Answer<'_, Vec<ConnectionRow>>;

    /// The connection of this name.
    fn connection(&self, name: &str) -> Answer<'_, Option<ConnectionRow>>;

    /// The secrets of a connection: every version that has not ended at `now_ms`, by name, newest
    /// first.
    fn secrets(&self, connection: &str, now_ms: u64) -> Answer<'_, Vec<SecretRow>>;

    /// The grant of a connection.
    fn grant(&self, connection: &str) -> Answer<'_, Option<GrantRow>>;

    /// Commits all of `changes`, or none.
    fn commit(&self, changes: Vec<Change>) -> Answer<'_, ()>;

    /// Lets `change` decide on the connection's grant, and commits what it answers, in one step
    /// among all processes. Answers the row as it is afterwards; `None` when there is none.
    fn change_grant(&self, connection: &str, change: GrantChange) -> Answer<'_, Option<GrantRow>>;

    /// As [`Store::change_grant`], for one secret. Answers its versions as they are afterwards,
    /// newest first.
    fn change_secret(
        &self,
        connection: &str,
        name: &str,
        change: SecretChange,
    ) -> Answer<'_, Vec<SecretRow>>;

    /// Does a bounded piece of what has to be done now and then: forgets what is older than is kept
    /// ([`crate::retention`]), and erases what belonged to removed connections. Answers whether
    /// there is more. Call it every minute, and after a removal until it answers `false`.
    fn maintain(&self) -> Answer<'_, bool>;

    /// Removes the session with this digest of its `state`, and answers it: it serves once.
    fn take_session(&self, state: &[u8; 32]) -> Answer<'_, Option<SessionRow>>;
}

/// One change of what is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// Adds a connection, or replaces name, connector, scheme and settings of the one with its
    /// `id`. That one's key stays: what is kept for it opens with no other.
    PutConnection(ConnectionRow),
    /// Puts a connection's key, sealed by another master key.
    PutKey {
        /// The connection's id.
        id: String,
        /// The same key as before.
        sealed_key: Sealed,
    },
    /// Removes a connection with everything that is kept for it. Its secrets and grants are erased
    /// on the disk at once, the rest piece by piece ([`Store::maintain`]); nothing reads that any more.
    RemoveConnection {
        /// Its id.
        id: String,
    },
    /// Adds a version of a secret, or replaces it.
    PutSecret(SecretRow),
    /// Removes every version of a secret.
    RemoveSecret {
        /// Id of the connection.
        connection: String,
        /// The secret's name in the manifest.
        name: String,
    },
    /// Puts a grant in place of the connection's, whatever it was.
    PutGrant(GrantRow),
    /// Puts the grant that follows the connection's, by its epoch; the first one has epoch 1. Fails
    /// with [`StoreError::NotNext`] where the grant is another one by now.
    PutNextGrant(GrantRow),
    /// Removes the connection's grant.
    RemoveGrant {
        /// Id of the connection.
        connection: String,
    },
    /// Keeps a session of connecting; those that ended at `made_ms` are forgotten.
    PutSession(SessionRow),
}

/// Why the store could not do it. Nothing was changed.
#[derive(Debug, Error, Clone, PartialEq, Eq)]
pub enum StoreError {
    /// Another connection has this name.
    #[error("a connection named \"{0}\" is there already; choose another name or remove it")]
    NameTaken(String),
    /// There is no connection with this id, so nothing is kept for it.
    #[error("the connection {0} is not there any more; connect again")]
    NoConnection(String),
    /// Another process took a scan over, so this one's page is not committed.
    #[error("another process has taken over the scan of {object}; this one stops here")]
    Superseded {
        /// The object's name.
        object: String,
    },
    /// Records changed while a batch was prepared that did not derive them. Prepare it anew.
    #[error("records of {object} changed while they were being prepared; prepare them again")]
    ChangedMeanwhile {
        /// The object's name.
        object: String,
    },
    /// A connector gave a derived record an id that does not begin with its holder's.
    #[error(
        "the connector gave a record of {object} the id \"{id}\", which does not begin with that of \
         its holder \"{holder}\" as the contract has it; use a version of the connector that does"
    )]
    ForeignId {
        /// The derived object's name.
        object: String,
        /// The record's id.
        id: String,
        /// Id of the record that holds it.
        holder: String,
    },
    /// The grant of this connection was renewed meanwhile.
    #[error("the grant of connection {0} changed meanwhile; connect again")]
    NotNext(String),
    /// Another process took an item over, so this one's work on it is not committed.
    #[error("another process has taken over item {item} of this push; this one leaves it alone")]
    TakenOver {
        /// Its index.
        item: u64,
    },
    /// Changes that somebody asked for were pruned away.
    #[error(
        "the changes after {since} are no longer all kept (those up to {until} were pruned); take \
         the records as they are now, and go on with the changes after {until}"
    )]
    Forgotten {
        /// From where they were asked for.
        since: u64,
        /// The newest one that was pruned.
        until: u64,
    },
    /// The database was written by a newer version.
    #[error(
        "the state in {path} was written by a newer version (schema {found}, this one knows \
         {known}); use that version, or another --state"
    )]
    TooNew {
        /// The file.
        path: String,
        /// Its schema.
        found: u32,
        /// The newest one known here.
        known: u32,
    },
    /// The database was written by a version before the first release.
    #[error(
        "the state in {path} was written by an unreleased version (schema {found}; this one reads \
         {known}) and is left as it is; give another --state, `connect` again and `sync`: the \
         provider still has what was kept"
    )]
    TooOld {
        /// The file.
        path: String,
        /// Its schema.
        found: u32,
        /// The oldest one that is read.
        known: u32,
    },
    /// The database is damaged, or no database.
    #[error("the state in {path} is damaged ({why}); restore it from a copy, or remove it")]
    Corrupt {
        /// The file.
        path: String,
        /// What the check found.
        why: String,
    },
    /// The disk is full, the database locked for too long, or not to be written. It may pass.
    #[error("the state in {path} cannot be used now: {why}")]
    Unavailable {
        /// The file.
        path: String,
        /// What the system said.
        why: String,
    },
}
