//! The objects of this connector: one file each, one line in [`REGISTRY`] each.
//!
//! Nothing else lists them: manifest, dispatch and error texts read the registry.

mod carrier_connections;
mod checkpoints;
mod couriers;
mod estimated_delivery_dates;
mod notifications;
pub(crate) mod trackings;
mod webhooks;

use connector_sdk::Object;

use crate::AfterShip;

/// Every object offered.
pub const REGISTRY: &[&dyn Object<AfterShip>] = &[
    &trackings::Trackings,
    &checkpoints::Checkpoints,
    &notifications::Notifications,
    &estimated_delivery_dates::EstimatedDeliveryDates,
    &couriers::Couriers,
    &carrier_connections::CarrierConnections,
    &webhooks::Webhooks,
];

#[cfg(test)]
mod tests {
    use super::*;

    /// Proves that adding an object needs a file and a line, and nobody forgets the line.
    #[test]
    fn every_file_is_registered() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/src/objects");
        let mut files: Vec<String> = std::fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .filter_map(|name| name.strip_suffix(".rs").map(|stem| stem.replace('_', "-")))
            .collect();
        files.sort();
        let mut names: Vec<_> = REGISTRY.iter().map(|object| object.descriptor().name).collect();
        names.sort_unstable();
        assert_eq!(files, names);
    }
}
