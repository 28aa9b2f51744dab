//! [`Slots`] in memory.

use std::time::{Duration, SystemTime};

use connector_contract::limits::slots::{Answer, Reserved, SlotsError};
use connector_contract::limits::{Charge, LimitReport, SlotRequest, Slots};

use super::Memory;

fn missing<T: Send + 'static>() -> Answer<'static, T> {
    Box::pin(async { Err(SlotsError::new(&"not made yet")) })
}

impl Slots for Memory {
    fn reserve(&self, _: SlotRequest) -> Answer<'_, Reserved> {
        missing()
    }

    fn hold(&self, _: Charge, _: Duration) -> Answer<'_, ()> {
        missing()
    }

    fn report(&self, _: Charge, _: LimitReport) -> Answer<'_, ()> {
        missing()
    }

    fn time(&self) -> SystemTime {
        self.clock.now()
    }
}
