//! What a test or a program does with the couriers besides sending requests. Which ones are
//! activated stands in the [`Options`](crate::Options).

use super::courier::Courier;
use crate::data::DataError;
use crate::members::compact;
use crate::simulator::Simulator;

impl Simulator {
    /// All couriers as JSON, in the order of the list: about 1,200, some known by name.
    pub fn couriers(&self) -> Vec<String> {
        self.state().couriers.iter().map(|courier| courier.text.to_string()).collect()
    }

    /// One courier as JSON.
    pub fn courier(&self, slug: &str) -> Option<String> {
        self.state().couriers.find(slug).map(|courier| courier.text.to_string())
    }

    /// Puts in one courier, given as JSON, in the place of one with the same slug. It is kept token
    /// for token. Its `required_fields` are asked of trackings, its `credentials.fields` of
    /// connections; detection finds it only if it found the earlier one.
    ///
    /// # Errors
    /// It is no JSON object; `slug`, `required_fields` or `credentials` is malformed.
    pub fn insert_courier(&self, courier: &str) -> Result<(), DataError> {
        let courier = Courier::read(&compact(courier)).map_err(DataError::new)?;
        self.state().couriers.insert(courier);
        Ok(())
    }
}
