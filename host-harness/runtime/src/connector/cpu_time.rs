//! The time that a guest has used: processor time, so that a machine that is busy with others stops
//! no honest connector.
//!
//! | measured by | while | because |
//! |---|---|---|
//! | the wall clock | the first tenth of the bound, which hardly a call uses up | it costs some 20 ns, and a crossing between guest and host reads it twice |
//! | the thread's processor clock | after that | it costs a system call; a stretch between two readings stays on one thread |
//! | the wall clock, thirty times the bound | always | a second bound, should the processor clock stand still |
//!
//! Where there is no such clock (not a Unix), the wall clock serves for all.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use crate::lock::lock;

/// The second bound is so many times the first.
const WALL: u32 = 30;

/// Time spent inside the guest, without the host's part and without others' turns. Clones measure
/// the same time.
#[derive(Debug, Clone)]
pub struct CpuTime(Arc<Mutex<Measured>>);

#[derive(Debug)]
struct Measured {
    bound: Duration,
    spent: Duration,
    wall: Duration,
    stretch: Option<Stretch>,
}

/// From where the guest went on.
#[derive(Debug)]
struct Stretch {
    began: Instant,
    processor: Option<Duration>,
}

impl CpuTime {
    /// Measures against `bound`.
    pub fn new(bound: Duration) -> Self {
        Self(Arc::new(Mutex::new(Measured::new(bound))))
    }

    /// The guest goes on.
    pub fn resume(&self) {
        lock(&self.0).resume(Instant::now(), processor_time);
    }

    /// The guest stands still. Answers whether it has used up its time.
    pub fn pause(&self) -> bool {
        lock(&self.0).pause(Instant::now(), processor_time)
    }
}

impl Measured {
    fn new(bound: Duration) -> Self {
        Self { bound, spent: Duration::ZERO, wall: Duration::ZERO, stretch: None }
    }

    fn resume(&mut self, now: Instant, processor: impl Fn() -> Option<Duration>) {
        let is_exact = self.spent >= self.bound / 10;
        let processor = if is_exact { processor() } else { None };
        self.stretch = Some(Stretch { began: now, processor });
    }

    fn pause(&mut self, now: Instant, processor: impl Fn() -> Option<Duration>) -> bool {
        if let Some(stretch) = self.stretch.take() {
            let elapsed = now.saturating_duration_since(stretch.began);
            self.wall += elapsed;
            let exact = stretch.processor.and_then(|began| processor()?.checked_sub(began));
            // A stretch ends with the next tick, so one that took longer was interrupted.
            self.spent += exact.unwrap_or_else(|| elapsed.min(self.bound / 10));
        }
        self.spent > self.bound || self.wall > self.bound * WALL
    }
}

/// What this thread has used of the processor so far.
fn processor_time() -> Option<Duration> {
    #[cfg(unix)]
    {
        let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
        Duration::try_from(time).ok()
    }
    #[cfg(not(unix))]
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    const TICK: Duration = Duration::from_millis(10);

    /// How many stretches of a tick it takes until a second is used up, if of each the guest has so
    /// much of the processor; `None`: nobody knows how much.
    fn stretches(of_each: Option<Duration>) -> u32 {
        let mut measured = Measured::new(Duration::from_secs(1));
        let (mut now, mut used) = (Instant::now(), Duration::ZERO);
        for count in 1.. {
            measured.resume(now, || of_each.map(|_| used));
            (now, used) = (now + TICK, used + of_each.unwrap_or_default());
            if measured.pause(now, || of_each.map(|_| used)) {
                return count;
            }
        }
        panic!("no bound was reached")
    }

    #[test]
    fn time_that_others_use_is_not_counted() {
        assert_eq!(stretches(Some(TICK)), 101, "alone on its processor");
        assert_eq!(stretches(Some(TICK / 10)), 10 + 901, "a tenth of a processor");
        assert_eq!(stretches(None), 101, "by the wall clock alone");
    }

    #[test]
    fn there_is_an_end_even_if_the_processor_clock_stands_still() {
        assert_eq!(stretches(Some(Duration::ZERO)), 3_001);
    }

    #[test]
    #[cfg(unix)]
    fn the_clock_of_this_thread_goes_on_while_it_works() {
        let before = processor_time().unwrap();
        let work = (0..2_000_000_u64).fold(1_u64, |sum, next| sum.wrapping_mul(31) ^ next);
        assert!(std::hint::black_box(work) != 0 && processor_time().unwrap() > before);
    }
}
