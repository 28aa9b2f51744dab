//! What stands in the progress line, and in the line at the end.

use std::time::{Duration, Instant};

use super::output::{count, counted, duration, printable};

/// Cells of the bar.
const BAR: u64 = 20;
/// A wait of less than this is not worth reading.
const WORTH_SAYING: Duration = Duration::from_millis(200);

/// How far a command is.
#[derive(Debug, Clone)]
pub struct ProgressLine {
    /// When it began.
    pub began: Instant,
    /// Records so far.
    pub records: u64,
    /// Pages so far.
    pub pages: u64,
    /// Records in all, when that is known.
    pub total: Option<u64>,
    /// Requests so far.
    pub requests: u64,
    /// Time spent waiting for limits, and before repetitions.
    pub waited: Duration,
    /// What it waits for now.
    pub pause: Option<Pause>,
}

/// A wait under way.
#[derive(Debug, Clone)]
pub struct Pause {
    /// What for.
    pub what: String,
    /// Until about then.
    pub until: Instant,
}

impl ProgressLine {
    /// Nothing yet.
    #[must_use]
    pub fn new(began: Instant) -> Self {
        Self {
            began,
            records: 0,
            pages: 0,
            total: None,
            requests: 0,
            waited: Duration::ZERO,
            pause: None,
        }
    }

    /// The progress line.
    #[must_use]
    pub fn line(&self, now: Instant) -> String {
        let elapsed = now.saturating_duration_since(self.began);
        let mut parts = Vec::new();
        if self.pages > 0 {
            parts.extend(self.total.map(|total| bar(self.records, total)));
            parts.push(match self.total {
                Some(total) => format!("{} of {}", count(self.records), counted(total, "record")),
                None => counted(self.records, "record"),
            });
            parts.push(self.rate(elapsed));
        }
        if let Some(left) = self.left(elapsed) {
            parts.push(format!("about {} left", seconds(left)));
        }
        if let Some(pause) = &self.pause {
            let left = pause.until.saturating_duration_since(now);
            parts.push(format!("waiting {:.1} s {}", left.as_secs_f64(), printable(&pause.what)));
        }
        if parts.is_empty() {
            parts.push(format!("{} s", elapsed.as_secs()));
        }
        parts.join(" · ")
    }

    /// What is said at the end.
    #[must_use]
    pub fn summary(&self, now: Instant) -> String {
        let elapsed = now.saturating_duration_since(self.began);
        let mut text = format!(
            "{} in {}, {} ({}), {}",
            counted(self.records, "record"),
            counted(self.pages, "page"),
            duration(elapsed),
            self.rate(elapsed),
            counted(self.requests, "request"),
        );
        if self.waited >= WORTH_SAYING {
            text.push_str(&format!(", waited {}", duration(self.waited)));
        }
        text
    }

    fn rate(&self, elapsed: Duration) -> String {
        let rate = self.records as f64 / elapsed.as_secs_f64().max(0.001);
        format!("{}/s", count(rate.round() as u64))
    }

    /// Time to the end, at the pace so far.
    fn left(&self, elapsed: Duration) -> Option<Duration> {
        let left = self.total?.checked_sub(self.records)?;
        if self.records == 0 || left == 0 {
            return None;
        }
        let seconds = elapsed.as_secs_f64() * left as f64 / self.records as f64;
        Some(Duration::from_secs(seconds.ceil() as u64))
    }
}

/// Whole seconds: an estimate is no better.
fn seconds(time: Duration) -> String {
    match time.as_secs() {
        seconds @ 0..60 => format!("{seconds} s"),
        _ => duration(time),
    }
}

/// How much of it is done, as a bar.
fn bar(done: u64, total: u64) -> String {
    let filled = (done * BAR).checked_div(total).map_or(BAR, |filled| filled.min(BAR));
    (0..BAR).map(|cell| if cell < filled { '█' } else { '░' }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_tells_what_is_known() {
        let began = Instant::now();
        let now = began + Duration::from_secs(4);
        let mut progress = ProgressLine::new(began);
        assert_eq!(progress.line(now), "4 s");
        progress.pages = 2;
        progress.records = 400;
        assert_eq!(progress.line(now), "400 records · 100/s");
        progress.total = Some(2_000);
        assert_eq!(
            progress.line(now),
            "████░░░░░░░░░░░░░░░░ · 400 of 2,000 records · 100/s · about 16 s left"
        );
        progress.pause = Some(Pause {
            what: "for the limit per-minute".to_owned(),
            until: now + Duration::from_millis(1_500),
        });
        assert!(progress.line(now).ends_with("left · waiting 1.5 s for the limit per-minute"));
    }

    #[test]
    fn the_end_counts_everything() {
        let began = Instant::now();
        let mut progress = ProgressLine::new(began);
        progress.records = 1_200;
        progress.pages = 6;
        progress.requests = 7;
        let now = began + Duration::from_millis(1_500);
        assert_eq!(progress.summary(now), "1,200 records in 6 pages, 1.5 s (800/s), 7 requests");
        progress.waited = Duration::from_secs(1);
        assert!(progress.summary(now).ends_with("7 requests, waited 1.0 s"));
    }
}
