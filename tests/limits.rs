//! The provider's limits at full demand: used almost whole, hardly ever exceeded, also when
//! somebody else uses the same account.

mod account;
mod alone;
mod paused;
mod places;
mod rival;
