//! [`Slots`] in memory.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use connector_contract::limits::slots::{self, Answer, Reserved, Row, SlotsError};
use connector_contract::limits::{Charge, LimitId, LimitReport, SlotRequest, Slots};
use tokio::time::Instant;

use super::{Memory, Rows};
use crate::rates::{self, RateCounts, RateRow, Rates};
use crate::{Answer as StoreAnswer, retention};

/// How far limits are used.
#[derive(Debug, Default, Clone)]
pub struct SlotTables {
    /// By scope and name.
    pub limits: BTreeMap<LimitId, Row>,
    /// By scope, name and minute.
    pub rates: BTreeMap<(LimitId, u64), RateCounts>,
}

impl SlotTables {
    fn count(&mut self, limit: &LimitId, minute: u64, counts: RateCounts) {
        let kept = self.rates.entry((limit.clone(), minute)).or_default();
        *kept = kept.and(counts);
    }
}

impl Rates for Memory {
    fn rates(&self, accounts: Vec<String>, since_minute: u64) -> StoreAnswer<'_, Vec<RateRow>> {
        self.answer(move |rows| {
            let row = |((limit, minute), counts): (&(LimitId, u64), &RateCounts)| RateRow {
                account: limit.scope.clone(),
                name: limit.name.clone(),
                minute: *minute,
                counts: *counts,
            };
            let of = |account: &String| {
                let rows = rows.slots.rates.iter();
                let rows = rows.filter(|((limit, minute), _)| {
                    limit.scope == *account && *minute >= since_minute
                });
                rows.map(row).collect::<Vec<_>>()
            };
            Ok(accounts.iter().flat_map(of).collect())
        })
    }
}

impl Slots for Memory {
    fn reserve(&self, request: SlotRequest) -> Answer<'_, Reserved> {
        self.limits(move |tables, time| {
            let ids = || request.charges.iter().map(|charge| &charge.limit);
            let mut rows: Vec<Row> =
                ids().map(|id| tables.limits.get(id).copied().unwrap_or_default()).collect();
            let reserved = slots::reserve(&mut rows, &request, time, Instant::now());
            tables.limits.extend(ids().cloned().zip(rows));
            for ((limit, minute), counts) in rates::of_reserved(&request, &reserved, time) {
                tables.count(limit, minute, counts);
            }
            reserved
        })
    }

    fn hold(&self, charge: Charge, pause: Duration) -> Answer<'_, ()> {
        self.limits(move |tables, time| {
            tables.count(&charge.limit, rates::minute(time), rates::of_refused());
            slots::hold(tables.limits.entry(charge.limit).or_default(), charge.rate, pause, time);
        })
    }

    fn report(&self, charge: Charge, report: LimitReport) -> Answer<'_, ()> {
        self.limits(move |tables, time| {
            let row = tables.limits.entry(charge.limit).or_default();
            slots::report(row, charge.rate, report, time);
        })
    }

    fn time(&self) -> SystemTime {
        self.clock.now()
    }
}

impl Memory {
    fn limits<T: Send + 'static>(
        &self,
        act: impl FnOnce(&mut SlotTables, SystemTime) -> T + Send + 'static,
    ) -> Answer<'_, T> {
        let clock = Arc::clone(&self.clock);
        let answer = self.answer(move |rows| Ok(act(&mut rows.slots, clock.now())));
        Box::pin(async move { answer.await.map_err(|why| SlotsError::new(&why)) })
    }
}

/// Forgets limits that are full again, whatever became of them, and rates that are old.
pub(super) fn forget(rows: &mut Rows, now_ms: u64) {
    let now = Duration::from_millis(now_ms);
    rows.slots.limits.retain(|_, row| now < row.idle_from());
    let since = now_ms.saturating_sub(retention::RATES_MS) / 60_000;
    rows.slots.rates.retain(|(_, minute), _| *minute >= since);
}
