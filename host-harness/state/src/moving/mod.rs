//! Connections that go from one state to another, with all that is kept for them.
//!
//! A connection that leaves is taken out of work in one step, as one that is removed is, but its rows stay:
//! those that few are of, and by which it is found, in its row of `moves`, all others where they are. So
//! nobody finds it any more, and what somebody still writes for it is refused. One that comes is put together
//! in the same way, unseen, and is there with the last commit.
//!
//! | stage | what may follow |
//! |---|---|
//! | [`MoveStage::Leaving`] | its rows are read; [`Moving::depart`], or [`Moving::come_back`] |
//! | [`MoveStage::Gone`] | [`Moving::give_up`] erases what is left; [`Moving::come_back`] where the copy was destroyed |
//! | [`MoveStage::Coming`] | its rows are written; [`Moving::finish`], or [`Moving::give_up`] |
//!
//! What is moved are rows of [`tables`], as every database has them: numbers that belong to a database (keys
//! of contents, numbers of deliveries) count from the first one of the connection. Leases, shared limits and
//! rates stay behind, and indexes are built again.

pub mod plan;
mod row;
pub mod tables;

pub use self::row::{Cell, MovedRow};
use self::tables::Table;
use crate::Answer;
use crate::words::words;

/// What stands before the id of a connection in the rows of one that moves: nobody who asks for the
/// connection finds them.
pub const MOVED: &str = "moved ";

/// Moves connections out of a state and into it. Their rows come and go as they are sealed: whoever
/// moves them has the keys.
pub trait Moving: Send + Sync {
    /// Connections that leave, that have left, and that come, by name.
    fn moves(&self) -> Answer<'_, Vec<MoveRow>>;

    /// Takes a connection (its id) out of work. Answers `false` for one that leaves already. Fails with
    /// [`crate::StoreError::InUse`] while anybody works for it, with [`crate::StoreError::Moved`] for one that
    /// has left, and with [`crate::StoreError::NoConnection`].
    fn move_out(&self, connection: &str) -> Answer<'_, bool>;

    /// The next rows of a connection that leaves: the first ones, or those after a place that a piece before
    /// has told. The rows of the [`tables::SMALL`] come first, all in the first piece.
    fn export_rows(&self, connection: &str, after: Option<Place>) -> Answer<'_, Piece>;

    /// A connection that leaves has left: its rows are whole elsewhere.
    fn depart(&self, connection: &str) -> Answer<'_, ()>;

    /// A connection that leaves, or has left, is at work again as it was. Fails with
    /// [`crate::StoreError::NameTaken`].
    fn come_back(&self, connection: &str) -> Answer<'_, ()>;

    /// What is left of a connection that has left, or is there of one that was to come, is erased, piece by
    /// piece ([`crate::Store::maintain`]).
    fn give_up(&self, connection: &str) -> Answer<'_, ()>;

    /// A connection comes: its rows of the [`tables::SMALL`]. `attempt` names who brings it. Answers `false`
    /// where something of it is there from an earlier attempt: that is erased ([`crate::Store::maintain`]), and
    /// this asked again. Fails with [`crate::StoreError::NameTaken`], [`crate::StoreError::IsHere`] and
    /// [`crate::StoreError::ForwardNameTaken`].
    fn arrive(&self, attempt: &str, rows: Vec<MovedRow>) -> Answer<'_, bool>;

    /// Keeps rows of a connection that comes, in the order in which they were exported. A row of
    /// `inbox_events` comes with the delivery before it. Fails with [`crate::StoreError::NoMove`] where another
    /// attempt has begun.
    fn import_rows(&self, connection: &str, attempt: &str, rows: Vec<MovedRow>) -> Answer<'_, ()>;

    /// All rows of a connection are there: it is at work from now on. Fails as [`Moving::arrive`] and
    /// [`Moving::import_rows`] do.
    fn finish(&self, connection: &str, attempt: &str) -> Answer<'_, ()>;
}

/// A connection on its way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MoveRow {
    /// Its id.
    pub connection: String,
    /// Its name.
    pub name: String,
    /// How far it is.
    pub stage: MoveStage,
    /// Since when, in milliseconds since 1970.
    pub at_ms: u64,
    /// The end of its hook's path, where it has one: deliveries to it are to come again.
    pub token: Option<String>,
}

words! {
    /// How far a move is.
    pub enum MoveStage {
        /// It is being copied.
        Leaving = "leaving",
        /// It is elsewhere.
        Gone = "gone",
        /// It is not whole yet.
        Coming = "coming",
    }
}

/// Rows, and where to go on.
#[derive(Debug, Clone, PartialEq)]
pub struct Piece {
    /// The rows.
    pub rows: Vec<MovedRow>,
    /// After these; `None`: they were the last.
    pub next: Option<Place>,
}

/// Where an export goes on. It means something to the database alone that told it.
#[derive(Debug, Clone, PartialEq)]
pub struct Place {
    /// Index of the table among [`tables::LARGE`].
    pub table: usize,
    /// The part of it; `None`: the first one.
    pub part: Option<Cell>,
    /// The key of the last row of the part that was read; none: from its beginning.
    pub after: Vec<Cell>,
    /// The key of the connection's first content, and the number of its first delivery.
    pub first: Spans,
}

/// One number for contents and one for deliveries.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Spans {
    /// Of contents.
    pub bodies: i64,
    /// Of deliveries.
    pub deliveries: i64,
}

impl Place {
    /// The beginning.
    #[must_use]
    pub fn start(first: Spans) -> Self {
        Self { table: 0, part: None, after: vec![], first }
    }

    /// The table that is read here.
    #[must_use]
    pub fn table(&self) -> Option<&'static Table> {
        tables::LARGE.get(self.table)
    }

    /// The beginning of the table after this one.
    #[must_use]
    pub fn next_table(&self) -> Self {
        Self { table: self.table + 1, ..Self::start(self.first) }
    }
}
