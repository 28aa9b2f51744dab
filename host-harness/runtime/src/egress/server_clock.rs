//! How far the server's clock is from ours, learned from the `Date` of its answers (RFC 9110
//! section 6.6.1), one of which may be wrong.
//!
//! | an answer's `Date` | what is done |
//! |---|---|
//! | missing, given twice, unreadable, or of an answer from a cache (`Age`) | nothing: it does not tell the time |
//! | within five seconds of what is known | what is known is confirmed; a doubt ends |
//! | else, and the answer refuses who asks (401) | believed at once: a signature by a wrong clock is refused so |
//! | else | a doubt begins or goes on; three such answers over a minute that agree are believed |

use std::sync::Mutex;
use std::time::{Duration, SystemTime};

use tokio::time::Instant;

use super::client::HttpResponse;
use crate::lock::lock;

/// A clock that differs from the server's by less is taken for right.
pub const SKEW_WORTH_CORRECTING_MS: u64 = 5_000;

/// Answers in a row that have to agree on another time, ...
const ANSWERS: u32 = 3;
/// ... the last one so long after the first.
const OVER: Duration = Duration::from_secs(60);

/// What is known of the server's clock. Shared by all calls of a connection.
#[derive(Debug, Default)]
pub struct ServerClock(Mutex<KnownSkew>);

#[derive(Debug, Default)]
struct KnownSkew {
    /// Server's clock minus ours, in milliseconds.
    skew_ms: i64,
    doubt: Option<Doubt>,
}

/// Answers that tell another time.
#[derive(Debug, Clone, Copy)]
struct Doubt {
    skew_ms: i64,
    since: Instant,
    answers: u32,
}

impl ServerClock {
    /// What the server's clock is ahead of ours, as far as that matters.
    pub fn correction_ms(&self) -> i64 {
        lock(&self.0).skew_ms
    }

    /// The least that it may be ahead, whichever of our clock, what is known and the newest
    /// answers is right.
    pub fn least_ms(&self) -> i64 {
        let learned = lock(&self.0);
        let doubt = learned.doubt.map_or(0, |doubt| doubt.skew_ms);
        learned.skew_ms.min(doubt).min(0)
    }

    /// Learns from an answer that came when our clock showed `ours`.
    pub fn learn(&self, answer: &HttpResponse, ours: SystemTime) {
        let Some(theirs) = read_date(answer) else { return };
        let skew_ms = match theirs.duration_since(ours) {
            Ok(ahead) => i64::try_from(ahead.as_millis()).unwrap_or(i64::MAX),
            Err(behind) => i64::try_from(behind.duration().as_millis()).map_or(i64::MIN, |ms| -ms),
        };
        let mut learned = lock(&self.0);
        if agree(skew_ms, learned.skew_ms) {
            learned.doubt = None;
            return;
        }
        let fresh = Doubt { skew_ms, since: Instant::now(), answers: 0 };
        let mut doubt = learned.doubt.filter(|doubt| agree(doubt.skew_ms, skew_ms));
        let doubt = doubt.get_or_insert(fresh);
        doubt.answers = doubt.answers.saturating_add(1);
        let is_certain = doubt.answers >= ANSWERS && doubt.since.elapsed() >= OVER;
        learned.doubt = Some(*doubt);
        if is_certain || answer.status == 401 {
            let skew_ms = if agree(skew_ms, 0) { 0 } else { skew_ms };
            *learned = KnownSkew { skew_ms, doubt: None };
        }
    }
}

fn agree(one_ms: i64, other_ms: i64) -> bool {
    one_ms.abs_diff(other_ms) <= SKEW_WORTH_CORRECTING_MS
}

/// The time that an answer tells of the moment at which it came.
fn read_date(answer: &HttpResponse) -> Option<SystemTime> {
    let is_cached = answer.headers.iter().any(|(name, value)| name == "age" && value != "0");
    httpdate::parse_http_date(answer.header("date").filter(|_| !is_cached)?).ok()
}

#[cfg(test)]
mod tests {
    use std::time::UNIX_EPOCH;

    use super::*;

    const NOW_S: u64 = 1_795_348_800;
    const TEN_DAYS_S: i64 = 10 * 86_400;

    fn ours() -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(NOW_S)
    }

    fn answer(status: u16, headers: &[(&str, String)]) -> HttpResponse {
        let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), value.clone()));
        HttpResponse { status, headers: headers.collect(), body: vec![] }
    }

    /// `Date` of an answer by a clock that is ahead by so much.
    fn date(ahead_s: i64) -> (&'static str, String) {
        let at = UNIX_EPOCH + Duration::from_secs(NOW_S.saturating_add_signed(ahead_s));
        ("date", httpdate::fmt_http_date(at))
    }

    fn learn(clock: &ServerClock, ahead_s: i64) {
        clock.learn(&answer(200, &[date(ahead_s)]), ours());
    }

    async fn pass(seconds: u64) {
        tokio::time::advance(Duration::from_secs(seconds)).await;
    }

    #[tokio::test(start_paused = true)]
    async fn a_date_that_is_odd_for_a_while_changes_nothing() {
        let clock = ServerClock::default();
        for _ in 0..14 {
            learn(&clock, TEN_DAYS_S);
            pass(1).await;
        }
        assert_eq!(clock.correction_ms(), 0);
        learn(&clock, 1);
        pass(60).await;
        // The minute begins anew.
        for _ in 0..3 {
            learn(&clock, TEN_DAYS_S);
        }
        assert_eq!(clock.correction_ms(), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn answers_that_agree_for_a_minute_are_believed_and_so_is_the_way_back() {
        let clock = ServerClock::default();
        for ahead_s in [-1_800, -1_801, 0] {
            for _ in 0..3 {
                pass(30).await;
                learn(&clock, ahead_s);
            }
            let expected = if ahead_s == -1_801 { -1_800 } else { ahead_s };
            assert_eq!(clock.correction_ms(), expected * 1_000, "{ahead_s}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_refusal_is_believed_at_once() {
        let clock = ServerClock::default();
        clock.learn(&answer(401, &[date(600)]), ours());
        assert_eq!(clock.correction_ms(), 600_000);
        clock.learn(&answer(401, &[date(0)]), ours());
        assert_eq!(clock.correction_ms(), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_that_does_not_tell_the_time_is_not_heeded() {
        for headers in [
            vec![date(-600), ("age", "600".to_owned())],
            vec![date(-600), ("age", "odd".to_owned())],
            vec![date(-600), ("age", "0".to_owned()), ("age", "600".to_owned())],
            vec![date(-600), date(-600)],
            vec![("date", "soon".to_owned())],
            vec![],
        ] {
            let clock = ServerClock::default();
            clock.learn(&answer(401, &headers), ours());
            assert_eq!(clock.correction_ms(), 0, "{headers:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn what_may_be_is_told_before_it_is_believed() {
        let clock = ServerClock::default();
        assert_eq!(clock.least_ms(), 0);
        learn(&clock, -TEN_DAYS_S);
        assert_eq!((clock.correction_ms(), clock.least_ms()), (0, -TEN_DAYS_S * 1_000));
        learn(&clock, TEN_DAYS_S);
        assert_eq!(clock.least_ms(), 0);
    }
}
