//! What the host keeps between runs: connections, their secrets and their grants.
//!
//! [`Store`] is what every database must do. Secrets and tokens come here sealed and leave sealed;
//! nothing in this crate can open them. Whatever belongs
//! together is committed together ([`Store::commit`]), and a row that several processes race for
//! changes in one step ([`Store::change_grant`]).

use std::future::Future;
use std::pin::Pin;

use crate::error::StoreError;
use crate::rows::{ConnectionRow, GrantRow, Labels, SecretRow, SessionRow};
use crate::sealed::Sealed;

/// What a [`Store`] answers, later.
pub type Answer<'a, T> = Pin<Box<dyn Future<Output = Result<T, StoreError>> + Send + 'a>>;

/// Decides on a grant as it is now, at a time of the store's (milliseconds since 1970), under the
/// database's lock: the row to put in its place, or `None` to leave it. A database that several
/// hosts share may ask several times; the last answer counts.
pub type GrantChange = Box<dyn Fn(&GrantRow, u64) -> Option<GrantRow> + Send + Sync>;

/// As [`GrantChange`], for the versions of a secret, newest first: the rows to add or to put in
/// their place, or `None` to leave them.
pub type SecretChange = Box<dyn Fn(&[SecretRow], u64) -> Option<Vec<SecretRow>> + Send + Sync>;

/// Keeps state for all processes of one machine. An answer that came is durable: it outlives the
/// process and a loss of power. What has ended, or is held until when, is told by the store's
/// clock alone; how long somebody wants to hold something comes as a duration.
pub trait Store: Send + Sync {
    /// Every connection, by name.
    fn connections(&self) -> Answer<'_, Vec<ConnectionRow>>;

    /// The connection of this name.
    fn connection(&self, name: &str) -> Answer<'_, Option<ConnectionRow>>;

    /// What changed of connections after a revision, so that nobody has to read all of them to see
    /// whether anything did.
    fn connections_since(&self, revision: u64) -> Answer<'_, ConnectionChanges>;

    /// The secrets of a connection: every version that has not ended, by name, newest first.
    fn secrets(&self, connection: &str) -> Answer<'_, Vec<SecretRow>>;

    /// The grant of a connection.
    fn grant(&self, connection: &str) -> Answer<'_, Option<GrantRow>>;

    /// Commits all of `changes`, or none. Each is decided by what those before it have made
    /// ([`crate::changes`]).
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

/// What changed of connections: what they are and their secrets, their hooks and subscriptions, and
/// gaps that opened.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ConnectionChanges {
    /// How many commits have changed connections so far: equal numbers mean that nothing did between.
    pub revision: u64,
    /// Ids of those that changed and are there. Of one that is gone only the revision tells.
    pub changed: Vec<String>,
}

/// One change of what is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// Adds a connection, or replaces name, connector, scheme and settings of the one with its
    /// `id`. That one's key stays: what is kept for it opens with no other.
    PutConnection(ConnectionRow),
    /// Renames a connection, or puts other labels in place of its own; what is `None` stays.
    ChangeConnection {
        /// Its id.
        id: String,
        /// Its name from now on.
        name: Option<String>,
        /// Its labels from now on ([`crate::lists::check_labels`]).
        labels: Option<Labels>,
    },
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
    /// Keeps a session of connecting; those that have ended are forgotten.
    PutSession(SessionRow),
}
