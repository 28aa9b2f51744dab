//! What a key may do.

use std::fmt;
use std::str::FromStr;

/// A part of the API that a key may use.
///
/// Source: AfterShip API 2026-07, OAuth, scope list; a key may be limited in the same way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// Reading trackings.
    TrackingRead,
    /// Creating, updating, deleting, retracking and completing trackings.
    TrackingWrite,
    /// Reading couriers.
    CourierRead,
    /// Detecting couriers.
    CourierWrite,
    /// Predicting delivery dates.
    EstimatedDeliveryDateWrite,
    /// Reading courier connections.
    CarrierConnectionRead,
    /// Creating, updating and deleting courier connections.
    CarrierConnectionWrite,
}

impl Scope {
    /// Every scope.
    pub const ALL: [Self; 7] = [
        Self::TrackingRead,
        Self::TrackingWrite,
        Self::CourierRead,
        Self::CourierWrite,
        Self::EstimatedDeliveryDateWrite,
        Self::CarrierConnectionRead,
        Self::CarrierConnectionWrite,
    ];

    /// What the API calls it.
    pub fn name(self) -> &'static str {
        match self {
            Self::TrackingRead => "aftership:tracking:read",
            Self::TrackingWrite => "aftership:tracking:write",
            Self::CourierRead => "aftership:courier:read",
            Self::CourierWrite => "aftership:courier:write",
            Self::EstimatedDeliveryDateWrite => "aftership:estimated_delivery_date:write",
            Self::CarrierConnectionRead => "aftership:carrier_connection:read",
            Self::CarrierConnectionWrite => "aftership:carrier_connection:write",
        }
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

/// A text that names no scope.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UnknownScope;

impl fmt::Display for UnknownScope {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = Scope::ALL.map(Scope::name);
        write!(formatter, "one of {}", names.join(", "))
    }
}

impl std::error::Error for UnknownScope {}

/// The name of a scope.
impl FromStr for Scope {
    type Err = UnknownScope;

    fn from_str(text: &str) -> Result<Self, UnknownScope> {
        Self::ALL.into_iter().find(|scope| scope.name() == text).ok_or(UnknownScope)
    }
}
