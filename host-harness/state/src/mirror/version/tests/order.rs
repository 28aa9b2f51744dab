//! Any order of arrival.

use std::collections::BTreeMap;

use proptest::prelude::*;
use proptest::sample::Index;

use super::super::*;

/// A provider's record: its versions by the millisecond in which each began; `None`: it is gone.
/// Its times are whole seconds.
#[derive(Debug, Clone)]
struct Provider(BTreeMap<i64, Option<u8>>);

/// A version of the record, and its `updated-at`.
type Told = Option<(u8, String)>;

impl Provider {
    fn at(&self, ms: i64) -> Told {
        let (began, content) = self.0.range(..=ms).next_back()?;
        content.map(|content| (content, text(*began)))
    }

    /// As a list shows it that lags behind: what is gone stands there for a while.
    fn listed(&self, ms: i64, lag_ms: i64) -> Told {
        self.at(ms - lag_ms)
    }
}

fn text(ms: i64) -> String {
    let at = OffsetDateTime::from_unix_timestamp(ms.div_euclid(1_000)).unwrap();
    at.format(&Rfc3339).unwrap()
}

/// A request: begun, answered by the provider, arrived.
#[derive(Debug, Clone)]
struct Request {
    source: Source,
    begun: i64,
    arrived: i64,
    told: Told,
}

/// What is kept, as a mirror keeps it.
#[derive(Debug, Default)]
struct Mirrored {
    moment: u64,
    kept: Option<(RecordState, Option<String>, [u8; 32], u64)>,
    look_up: Option<u64>,
}

impl Mirrored {
    fn arrive(&mut self, source: Source, asked: u64, told: &Told, now_ms: i64) {
        let kept = self.kept.clone();
        let kept = kept.as_ref().map(|(state, updated_at, hash, change)| KeptVersion {
            state: *state,
            updated_at: updated_at.as_deref(),
            hash,
            change: *change,
        });
        let decision = match told {
            None => decide_gone(kept.as_ref(), source, asked),
            Some((content, updated_at)) => {
                let (hash, now_s) = ([*content; 32], now_ms / 1_000);
                let updated_at = Some(updated_at.as_str());
                decide(kept.as_ref(), &Arrived { source, asked, updated_at, hash: &hash, now_s })
            }
        };
        match (decision, told) {
            (Decision::Apply, Some((content, updated_at))) => {
                self.moment += 1;
                let updated_at = Some(updated_at.clone());
                self.kept = Some((RecordState::Live, updated_at, [*content; 32], self.moment));
            }
            (Decision::Apply, None) => {
                self.moment += 1;
                let (updated_at, hash) =
                    self.kept.take().map_or((None, [0; 32]), |kept| (kept.1, kept.2));
                self.kept = Some((RecordState::Deleted, updated_at, hash, self.moment));
            }
            (Decision::Keep, Some((_, updated_at))) => {
                let (_, kept, ..) = self.kept.as_mut().unwrap();
                if is_later(kept.as_deref(), Some(updated_at)) {
                    *kept = Some(updated_at.clone());
                }
            }
            (Decision::LookUp, _) => {
                self.moment += 1;
                self.look_up = Some(self.moment);
            }
            (Decision::Keep | Decision::Stale, _) => {}
        }
        let settles = matches!(source, Source::Lookup | Source::Ours);
        if settles
            && decision != Decision::LookUp
            && self.look_up.is_some_and(|since| since <= asked)
        {
            self.look_up = None;
        }
    }

    fn shows(&self) -> Option<u8> {
        let (state, _, hash, _) = self.kept.as_ref()?;
        (*state == RecordState::Live).then(|| hash[0])
    }
}

/// Up to six versions within a few seconds or minutes; contents differ, but one may return later.
/// A record that is gone stays so.
fn provider() -> impl Strategy<Value = Provider> {
    let gap = prop_oneof![3 => 1_i64..900, 2 => 900_i64..5_000, 1 => 5_000_i64..400_000];
    prop::collection::vec((gap, prop::bool::weighted(0.75)), 1..7).prop_map(|steps| {
        let mut at = 1_700_000_000_000;
        let versions = steps.into_iter().zip(1..).map(|((gap, is_there), number)| {
            at += gap;
            // The first one and the fourth are the same, when a second lies between.
            let content = if number == 4 && gap > 3_000 { 1 } else { number };
            (at, (is_there || number == 1).then_some(content))
        });
        let mut versions: BTreeMap<_, _> = versions.collect();
        if let Some(end) = versions.iter().find(|(_, what)| what.is_none()).map(|(at, _)| *at) {
            versions.retain(|at, _| *at <= end);
        }
        Provider(versions)
    })
}

/// Anything that brings the record, in any order and several times.
fn request() -> impl Strategy<Value = (u8, Index, i64, i64, i64)> {
    let after = prop_oneof![0_i64..3_000, 0_i64..60_000, 110_000_i64..200_000];
    let took = prop_oneof![0_i64..1_000, 0_i64..30_000];
    (0_u8..4, any::<Index>(), after, took, 0_i64..30_000)
}

fn requests(provider: &Provider, drawn: &[(u8, Index, i64, i64, i64)]) -> Vec<Request> {
    let versions: Vec<i64> = provider.0.keys().copied().collect();
    let made = drawn.iter().map(|(kind, version, after, took, lag)| {
        let began = versions[version.index(versions.len())];
        match kind {
            // As late as it likes.
            0 => {
                let arrived = began + after * 5;
                Request {
                    source: Source::Delivery,
                    begun: arrived,
                    arrived,
                    told: provider.at(began),
                }
            }
            // Our own write made this version.
            1 => {
                let (begun, arrived) = (began - took, began + lag);
                Request { source: Source::Ours, begun, arrived, told: provider.at(began) }
            }
            2 => {
                let begun = began + after;
                let told = provider.at(begun + took / 2);
                Request { source: Source::Lookup, begun, arrived: begun + took, told }
            }
            _ => {
                let begun = began + after;
                let told = provider.listed(begun + took / 2, *lag);
                Request { source: Source::Page, begun, arrived: begun + took, told }
            }
        }
    });
    // A page does not show what is not there, and says nothing by that.
    made.filter(|made| made.told.is_some() || matches!(made.source, Source::Lookup | Source::Ours))
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(20_000))]

    /// Whatever brings versions, in whatever order, early, late and again: once what it left
    /// open is looked up, the newest is kept, if anybody ever brought it.
    #[test]
    fn any_order_of_arrival_ends_at_the_newest(
        provider in provider(),
        drawn in prop_oneof![
            prop::collection::vec(request(), 1..5),
            prop::collection::vec(request(), 1..25),
        ],
        waits in prop::collection::vec((0_i64..5_000, 0_i64..20_000), 8),
        (newest, late, is_killed) in (0_u8..3, 0_i64..300_000, any::<bool>()),
    ) {
        let (last, truth) = provider.0.last_key_value().map(|(at, what)| (*at, *what)).unwrap();
        let mut requests = requests(&provider, &drawn);
        // Somebody brings the newest.
        let told = provider.at(last);
        requests.push(match (newest, told.is_some()) {
            (0, true) => Request { source: Source::Delivery, begun: last + late, arrived: last + late, told },
            (1, true) => {
                let begun = last + 30_001 + late;
                Request { source: Source::Page, begun, arrived: begun + 9, told }
            }
            _ => Request { source: Source::Lookup, begun: last + late, arrived: last + late + 9, told },
        });
        // What happens, by time: a request begins (and notes the moment), or arrives.
        let mut agenda: BTreeMap<(i64, usize, bool), ()> = BTreeMap::new();
        for (index, request) in requests.iter().enumerate() {
            agenda.insert((request.begun, index, false), ());
            agenda.insert((request.arrived, index, true), ());
        }
        let mut mirrored = Mirrored::default();
        let mut asked: BTreeMap<usize, u64> = BTreeMap::new();
        let mut waits = waits.iter().cycle();
        let mut end = last;
        while let Some(((now, index, has_arrived), ())) = agenda.pop_first() {
            end = end.max(now);
            if !has_arrived {
                asked.insert(index, mirrored.moment);
                continue;
            }
            let request = requests[index].clone();
            let before = mirrored.look_up;
            mirrored.arrive(request.source, asked[&index], &request.told, now);
            // Looked up in a while; after a kill, what is on the list is looked up at the end.
            if !is_killed && mirrored.look_up != before && mirrored.look_up.is_some() {
                let (wait, took) = *waits.next().unwrap();
                let begun = now + wait;
                let told = provider.at(begun + took / 2);
                let index = requests.len();
                requests.push(Request { source: Source::Lookup, begun, arrived: begun + took, told });
                agenda.insert((begun, index, false), ());
                agenda.insert((begun + took, index, true), ());
            }
        }
        if mirrored.look_up.is_some() {
            let asked = mirrored.moment;
            mirrored.arrive(Source::Lookup, asked, &provider.at(end), end);
        }
        prop_assert_eq!(mirrored.look_up, None);
        prop_assert_eq!(mirrored.shows(), truth);
    }
}
