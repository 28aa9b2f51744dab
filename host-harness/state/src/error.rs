//! Why a state could not do something, whether it did it all the same, and whether to ask again.

use thiserror::Error;

/// Why the state could not do it.
///
/// What was asked for is done wholly or not at all. [`StoreError::may_be_done`] says whether it may
/// have been done in spite of the error, and [`StoreError::retry`] whether to ask again:
///
/// | error | done | again |
/// |---|---|---|
/// | [`NameTaken`], [`ForwardNameTaken`], [`TooManyForwards`], [`NoConnection`], [`NoPush`], [`IsHere`], [`Moved`], [`NoMove`] | no | not before somebody has changed what is kept |
/// | [`TooNew`], [`TooOld`], [`Corrupt`] | no | not before somebody has seen to the state |
/// | [`ForeignId`] | no | not with this connector |
/// | [`NotIndexed`], [`NoRule`], [`NoCursor`], [`Derived`] | no | not without another question |
/// | [`NotNext`], [`TakenOver`], [`Superseded`], [`ChangedMeanwhile`], [`Forgotten`] | no | anew: what is kept is not what the caller believes |
/// | [`Unavailable`], [`InUse`] | no | the same, later |
/// | [`Unknown`] | perhaps | anew: read what is kept, and ask for what is missing |
///
/// [`NameTaken`]: StoreError::NameTaken
/// [`ForwardNameTaken`]: StoreError::ForwardNameTaken
/// [`TooManyForwards`]: StoreError::TooManyForwards
/// [`NoConnection`]: StoreError::NoConnection
/// [`NoPush`]: StoreError::NoPush
/// [`TooNew`]: StoreError::TooNew
/// [`TooOld`]: StoreError::TooOld
/// [`Corrupt`]: StoreError::Corrupt
/// [`NotNext`]: StoreError::NotNext
/// [`TakenOver`]: StoreError::TakenOver
/// [`Superseded`]: StoreError::Superseded
/// [`IsHere`]: StoreError::IsHere
/// [`Moved`]: StoreError::Moved
/// [`NoMove`]: StoreError::NoMove
/// [`InUse`]: StoreError::InUse
/// [`ChangedMeanwhile`]: StoreError::ChangedMeanwhile
/// [`ForeignId`]: StoreError::ForeignId
/// [`NotIndexed`]: StoreError::NotIndexed
/// [`NoRule`]: StoreError::NoRule
/// [`NoCursor`]: StoreError::NoCursor
/// [`Derived`]: StoreError::Derived
/// [`Forgotten`]: StoreError::Forgotten
/// [`Unavailable`]: StoreError::Unavailable
/// [`Unknown`]: StoreError::Unknown
#[derive(Debug, Error, Clone, PartialEq, Eq)]
pub enum StoreError {
    /// Another connection has this name.
    #[error("a connection named \"{0}\" is there already; choose another name or remove it")]
    NameTaken(String),
    /// Another forward has this name.
    #[error("a forward named \"{0}\" is there already; choose another name, or change that one")]
    ForwardNameTaken(String),
    /// There are as many forwards as there may be.
    #[error("as many forwards are kept as may be; remove one")]
    TooManyForwards,
    /// There is no connection with this id, so nothing is kept for it.
    #[error("the connection {0} is not there any more; connect again")]
    NoConnection(String),
    /// A connection that is to come is there already.
    #[error(
        "the connection \"{0}\" is in this state already; it is the same one, whatever its name: \
         nothing was changed"
    )]
    IsHere(String),
    /// The connection has left.
    #[error(
        "the connection \"{0}\" was moved to another state; work on it there, or, if the copy was \
         destroyed, take it back: connections export {0} --cancel"
    )]
    Moved(String),
    /// Somebody works for a connection that is to leave.
    #[error(
        "the connection \"{name}\" is in use ({by}); try again when that has ended, or stop it"
    )]
    InUse {
        /// Its name.
        name: String,
        /// What is done for it.
        by: String,
    },
    /// No such move is under way, or another attempt at it.
    #[error("the connection {0} is not on its way here any more; begin again")]
    NoMove(String),
    /// There is no run of a push with this id, or no such item of it.
    #[error("the push {0} is not there any more; push its source again")]
    NoPush(String),
    /// Another process took a scan over, so this one's page is not committed.
    #[error("another process has taken over the scan of {object}; this one stops here")]
    Superseded {
        /// The object's name.
        object: String,
    },
    /// Records changed while a batch was prepared that did not derive them.
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
    /// Records are not filtered or sorted by this member.
    #[error(
        "records of {object} are not filtered or sorted by \"{member}\"; use one of: {}",
        indexed.join(", ")
    )]
    NotIndexed {
        /// The object's name.
        object: String,
        /// As it was named.
        member: String,
        /// What can be used.
        indexed: Vec<String>,
    },
    /// The view file has no such rule over time for an object.
    #[error("records of {object} have no rule \"{rule}\"; {}", rules_of(rules))]
    NoRule {
        /// The object's name.
        object: String,
        /// As it was named.
        rule: String,
        /// Those that there are.
        rules: Vec<String>,
    },
    /// A list cannot go on there.
    #[error(
        "\"{cursor}\" is no place in this list; give what the list itself told, with the same sort \
         order, or begin anew"
    )]
    NoCursor {
        /// As it was given.
        cursor: String,
    },
    /// Records that others hold have no index.
    #[error(
        "records of {object} lie in those of {holder} and are not listed by members; list {holder}"
    )]
    Derived {
        /// The object's name.
        object: String,
        /// The object that holds them.
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
    /// The answer to a commit was lost: it is done wholly, or not at all.
    #[error(
        "the state in {path} may have kept the last change or not ({why}); look at what it has \
         now, and ask again for what is missing"
    )]
    Unknown {
        /// The file.
        path: String,
        /// What the system said.
        why: String,
    },
}

fn rules_of(rules: &[String]) -> String {
    match rules.is_empty() {
        true => "its connector says none, or nothing of it is kept yet: sync".to_owned(),
        false => format!("use one of: {}", rules.join(", ")),
    }
}

/// Whether to ask a state again after an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Retry {
    /// No: the answer stays the same until somebody changes what is kept, or sees to the state.
    Never,
    /// Yes, the same, after a pause.
    Later,
    /// Not the same: read what is kept now, and decide by that.
    Anew,
}

impl StoreError {
    /// Whether what was asked for may have been done all the same.
    #[must_use]
    pub fn may_be_done(&self) -> bool {
        matches!(self, Self::Unknown { .. })
    }

    /// Whether to ask again.
    #[must_use]
    pub fn retry(&self) -> Retry {
        match self {
            Self::NameTaken(_)
            | Self::ForwardNameTaken(_)
            | Self::TooManyForwards
            | Self::NoConnection(_)
            | Self::NoPush(_)
            | Self::IsHere(_)
            | Self::Moved(_)
            | Self::NoMove(_)
            | Self::TooNew { .. }
            | Self::TooOld { .. }
            | Self::Corrupt { .. }
            | Self::ForeignId { .. }
            | Self::NotIndexed { .. }
            | Self::NoRule { .. }
            | Self::NoCursor { .. }
            | Self::Derived { .. } => Retry::Never,
            Self::NotNext(_)
            | Self::TakenOver { .. }
            | Self::Superseded { .. }
            | Self::ChangedMeanwhile { .. }
            | Self::Forgotten { .. }
            | Self::Unknown { .. } => Retry::Anew,
            Self::Unavailable { .. } | Self::InUse { .. } => Retry::Later,
        }
    }
}
