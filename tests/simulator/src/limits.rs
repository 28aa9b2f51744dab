//! The limits per endpoint: so many requests in a second of the clock, for the whole account.
//!
//! Source: AfterShip API 2026-07, rate limit.

use std::collections::HashMap;

use crate::dates::DAY_MS;

/// The limit that answers outside any endpoint name: the one in the text of error 429.
pub(crate) const OUTSIDE: u32 = 10;

/// What the headers `x-ratelimit-*` say after one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Quota {
    /// Requests in a second.
    pub(crate) limit: u32,
    /// What is left of them.
    pub(crate) remaining: u32,
    /// When the next second begins, or the next day, in Unix seconds.
    pub(crate) reset: u64,
}

impl Quota {
    /// A quota of which nothing is used.
    pub(crate) fn untouched(limit: u32, now_ms: u64) -> Self {
        Self { limit, remaining: limit, reset: now_ms / 1000 + 1 }
    }
}

/// What was used in the current second, endpoint by endpoint, and in the current day.
#[derive(Debug, Default)]
pub(crate) struct Limits {
    seconds: HashMap<&'static str, (u64, u32)>,
    day: (u64, u32),
}

impl Limits {
    /// Counts one request. `Err` when it exceeds the limit; it then uses nothing.
    pub(crate) fn take(
        &mut self,
        endpoint: &'static str,
        limit: u32,
        now_ms: u64,
    ) -> Result<Quota, Quota> {
        let second = now_ms / 1000;
        let (window, used) = self.seconds.entry(endpoint).or_default();
        if *window != second {
            (*window, *used) = (second, 0);
        }
        let fresh = Quota::untouched(limit, now_ms);
        if *used >= limit {
            return Err(Quota { remaining: 0, ..fresh });
        }
        *used += 1;
        Ok(Quota { remaining: limit - *used, ..fresh })
    }

    /// Counts one request of a day. `Err` when it exceeds the quota; it then uses nothing.
    pub(crate) fn take_of_day(&mut self, most: u32, now_ms: u64) -> Result<(), Quota> {
        let day = now_ms / DAY_MS;
        if self.day.0 != day {
            self.day = (day, 0);
        }
        if self.day.1 >= most {
            let reset = (day + 1) * DAY_MS / 1000;
            return Err(Quota { limit: most, remaining: 0, reset });
        }
        self.day.1 += 1;
        Ok(())
    }
}
