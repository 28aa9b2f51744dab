//! All courier connections.

use super::record::Connection;
use crate::store::order::Position;

/// The connections in the order in which they came.
#[derive(Debug, Default)]
pub(crate) struct Connections(Vec<Connection>);

impl Connections {
    /// The connection of an id.
    pub(super) fn find(&self, id: &str) -> Option<&Connection> {
        self.0.iter().find(|connection| &*connection.id == id)
    }

    /// Puts in a connection, in the place of one with the same id.
    pub(super) fn insert(&mut self, connection: Connection) {
        match self.0.iter_mut().find(|known| known.id == connection.id) {
            Some(known) => *known = connection,
            None => self.0.push(connection),
        }
    }

    /// Drops a connection and answers it.
    pub(super) fn remove(&mut self, id: &str) -> Option<Connection> {
        let place = self.0.iter().position(|connection| &*connection.id == id)?;
        Some(self.0.remove(place))
    }

    /// The connections of a courier, or of all, newest first, those of one time by id.
    pub(super) fn newest_first(&self, courier_slug: Option<&str>) -> Vec<&Connection> {
        let of_courier =
            |one: &&Connection| courier_slug.is_none_or(|slug| slug == &*one.courier_slug);
        let mut list: Vec<_> = self.0.iter().filter(of_courier).collect();
        list.sort_by(|one, other| {
            other.created_ms.cmp(&one.created_ms).then_with(|| one.id.cmp(&other.id))
        });
        list
    }

    /// The id of the connection of a courier that was created first.
    pub(crate) fn earliest(&self, courier_slug: &str) -> Option<&str> {
        let of_courier = self.0.iter().filter(|one| &*one.courier_slug == courier_slug);
        of_courier.min_by_key(|one| one.created_ms).map(|one| &*one.id)
    }
}

impl Connection {
    /// Whether a list shows it after this position.
    pub(super) fn comes_after(&self, position: Position<'_>) -> bool {
        self.created_ms < position.created_ms
            || self.created_ms == position.created_ms && &*self.id > position.id
    }
}
