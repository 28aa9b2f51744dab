use proptest::prelude::*;

use super::*;

const YEAR: Duration = Duration::from_secs(365 * 24 * 3_600);

fn limit(name: &str, requests: u32, window_ms: u64) -> Charge {
    let rate = Rate::new(requests, Duration::from_millis(window_ms));
    let limit = LimitId { scope: "account".to_owned(), name: name.to_owned() };
    Charge { limit, rate, count: 1 }
}

/// What one holder does next.
#[derive(Debug, Clone)]
struct SlotStep {
    pause_ms: u64,
    /// Of the machine's clock.
    jump_ms: i64,
    /// Which of the endpoints it asks for.
    endpoint: usize,
    slots: usize,
    /// In thousandths of what is allowed.
    late: u32,
}

fn step() -> impl Strategy<Value = SlotStep> {
    let pause_ms = prop_oneof![6 => 0_u64..60, 2 => 0_u64..1_500, 1 => 0_u64..90_000];
    let jump_ms = prop_oneof![
        12 => Just(0_i64),
        1 => -2_000_i64..2_000,
        1 => -600_000_i64..600_000,
    ];
    (pause_ms, jump_ms, 0_usize..3, 1_usize..30, 0_u32..=1_000).prop_map(
        |(pause_ms, jump_ms, endpoint, slots, late)| SlotStep {
            pause_ms,
            jump_ms,
            endpoint,
            slots,
            late,
        },
    )
}

proptest! {
    /// Whoever reserves, after whatever pauses, with the clock set back and forward in between: no
    /// closed window over the reserved slots, used as late as may be, holds more than the limit.
    /// The holders know of each other by the rows alone, so a step is any holder's.
    #[test]
    fn no_window_of_slots_ever_holds_too_many(
        own in prop::sample::select(vec![1_u32, 3, 5, 6, 20, 26, 50, 120]),
        all in prop::sample::select(vec![(600_u32, 60_000_u64), (10, 1_000), (100, 10_000), (3, 100)]),
        steps in prop::collection::vec(step(), 50..400),
    ) {
        let limits = [limit("a", own, 1_000), limit("b", 5, 1_000), limit("all", all.0, all.1)];
        let endpoints: [&[usize]; 3] = [&[0, 2], &[1, 2], &[0]];
        let mut rows = [Row::default(); 3];
        let mut sent: [Vec<Duration>; 3] = Default::default();
        let (start, mut passed, mut jumped) = (Instant::now(), Duration::ZERO, 0_i64);
        for step in steps {
            passed += Duration::from_millis(step.pause_ms);
            jumped += step.jump_ms;
            let time = UNIX_EPOCH + YEAR + passed;
            let jump = Duration::from_millis(jumped.unsigned_abs());
            let time = if jumped < 0 { time - jump } else { time + jump };
            let of = endpoints[step.endpoint];
            let request = SlotRequest {
                charges: of.iter().map(|index| limits[*index].clone()).collect(),
                slots: step.slots,
                within: Duration::from_secs(30),
            };
            let mut theirs: Vec<Row> = of.iter().map(|index| rows[*index]).collect();
            let now = start + passed;
            let reserved = reserve(&mut theirs, &request, time, now);
            for (index, row) in of.iter().zip(theirs) {
                rows[*index] = row;
                let Reserved::Slots(slots) = &reserved else { continue };
                prop_assert!(slots.len() <= (limits[*index].rate.amount() as usize / 2).max(1));
                sent[*index].extend(slots.iter().map(|slot| {
                    row.seen + (slot.at - now) + slot.lateness * step.late / 1_000
                }));
            }
        }
        for (limit, sent) in limits.iter().zip(&mut sent) {
            sent.sort();
            for (index, first) in sent.iter().enumerate() {
                let window = limit.rate.window();
                let within = sent[index..].iter().take_while(|at| **at - *first <= window).count();
                prop_assert!(within <= limit.rate.amount() as usize, "{within} of {limit:?}");
            }
        }
    }
}

fn request(limits: &[Charge], slots: usize) -> SlotRequest {
    let within = Duration::from_secs(30);
    SlotRequest { charges: limits.to_vec(), slots, within }
}

#[test]
fn a_block_is_half_of_the_narrowest_limit_and_at_least_one() {
    for (requests, most) in [(1, 1), (3, 1), (6, 3), (20, 10)] {
        let limits = [limit("own", requests, 1_000), limit("all", 600, 60_000)];
        let mut rows = [Row::default(); 2];
        let reserved =
            reserve(&mut rows, &request(&limits, 100), UNIX_EPOCH + YEAR, Instant::now());
        assert!(matches!(reserved, Reserved::Slots(slots) if slots.len() == most), "{requests}");
    }
}

#[test]
fn a_clock_that_is_set_back_makes_nobody_wait_for_it() {
    let limits = [limit("own", 5, 1_000)];
    let mut rows = [Row::default()];
    let now = Instant::now();
    let first = reserve(&mut rows, &request(&limits, 1), UNIX_EPOCH + YEAR, now);
    assert!(matches!(first, Reserved::Slots(slots) if slots[0].at == now));
    let back = UNIX_EPOCH + YEAR - Duration::from_secs(3_600);
    let second = reserve(&mut rows, &request(&limits, 1), back, now);
    let Reserved::Slots(second) = second else { panic!("room") };
    assert!(second[0].at - now > Duration::from_millis(200));
    assert!(second[0].at - now < Duration::from_millis(210));
    assert!(!second[0].is_late(second[0].at, back + Duration::from_millis(210)));
}

/// A machine that slept, or whose clock was set forward, does not use what it reserved before.
#[test]
fn a_slot_is_late_by_either_clock() {
    let limits = [limit("own", 5, 1_000)];
    let (now, time) = (Instant::now(), UNIX_EPOCH + YEAR);
    let Reserved::Slots(slots) = reserve(&mut [Row::default()], &request(&limits, 1), time, now)
    else {
        panic!("room")
    };
    let (slot, ms) = (&slots[0], Duration::from_millis);
    assert!(!slot.is_late(now + ms(40), time + ms(40)));
    assert!(slot.is_late(now + ms(41), time));
    assert!(slot.is_late(now, time + ms(41)));
}
