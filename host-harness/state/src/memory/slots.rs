//! [`Slots`] in memory.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use connector_contract::limits::slots::{self, Answer, Reserved, Row, SlotsError};
use connector_contract::limits::{Charge, LimitId, LimitReport, SlotRequest, Slots};
use tokio::time::Instant;

use super::{Memory, Rows};

/// How far limits are used.
#[derive(Debug, Default, Clone)]
pub struct SlotTables {
    /// By scope and name.
    pub limits: BTreeMap<LimitId, Row>,
}

impl Slots for Memory {
    fn reserve(&self, request: SlotRequest) -> Answer<'_, Reserved> {
        self.limits(move |limits, time| {
            let ids = || request.charges.iter().map(|charge| &charge.limit);
            let mut rows: Vec<Row> =
                ids().map(|id| limits.get(id).copied().unwrap_or_default()).collect();
            let reserved = slots::reserve(&mut rows, &request, time, Instant::now());
            limits.extend(ids().cloned().zip(rows));
            reserved
        })
    }

    fn hold(&self, charge: Charge, pause: Duration) -> Answer<'_, ()> {
        self.limits(move |limits, time| {
            slots::hold(limits.entry(charge.limit).or_default(), charge.rate, pause, time);
        })
    }

    fn report(&self, charge: Charge, report: LimitReport) -> Answer<'_, ()> {
        self.limits(move |limits, time| {
            slots::report(limits.entry(charge.limit).or_default(), charge.rate, report, time);
        })
    }

    fn time(&self) -> SystemTime {
        self.clock.now()
    }
}

impl Memory {
    fn limits<T: Send + 'static>(
        &self,
        act: impl FnOnce(&mut BTreeMap<LimitId, Row>, SystemTime) -> T + Send + 'static,
    ) -> Answer<'_, T> {
        let clock = Arc::clone(&self.clock);
        let answer = self.answer(move |rows| Ok(act(&mut rows.slots.limits, clock.now())));
        Box::pin(async move { answer.await.map_err(|why| SlotsError::new(&why)) })
    }
}

/// Forgets limits that are full again, whatever became of them.
pub(super) fn forget(rows: &mut Rows, now_ms: u64) {
    let now = Duration::from_millis(now_ms);
    rows.slots.limits.retain(|_, row| now < row.idle_from());
}
