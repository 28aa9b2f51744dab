//! The provider's limits as arithmetic: what is sent within one process, and what several
//! processes reserve from one account of what was used.

mod rule;
pub mod slots;

pub use self::rule::{LimitReport, PacedLimit, Rate, Reported, Used};
pub use self::slots::{Charge, LimitId, SlotRequest, Slots};
