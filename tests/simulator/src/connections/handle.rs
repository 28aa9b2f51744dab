//! What a test or a program does with the connections besides sending requests.

use super::record::Connection;
use crate::data::DataError;
use crate::members::compact;
use crate::simulator::Simulator;

impl Simulator {
    /// Puts in one courier connection, given as JSON, in the place of one with the same id. It is
    /// kept token for token until a write changes it; what the courier asks for is not checked.
    ///
    /// # Errors
    /// It is no JSON object; `id`, `courier_slug`, `credentials`, `created_at` or `updated_at` is
    /// missing or malformed.
    pub fn insert_connection(&self, connection: &str) -> Result<(), DataError> {
        let connection = Connection::read(&compact(connection)).map_err(DataError::new)?;
        self.state().connections.insert(connection);
        Ok(())
    }

    /// All courier connections as JSON, newest first, with their credentials.
    pub fn connections(&self) -> Vec<String> {
        let state = self.state();
        let list = state.connections.newest_first(None);
        list.into_iter().map(|connection| connection.text().to_owned()).collect()
    }

    /// One courier connection as JSON, with its credentials.
    pub fn connection(&self, id: &str) -> Option<String> {
        let state = self.state();
        state.connections.find(id).map(|connection| connection.text().to_owned())
    }
}
