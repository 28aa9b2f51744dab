//! What the runtime, the receiver and the state say at one moment.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use connector_contract::clock::unix_ms;
use connector_runtime::observe::{Durations, Metrics};
use connector_service::documents;
use connector_service::webhooks::ReceiverCounts;
use connector_state::rates::minute;
use connector_state::{ConnectionRow, StoreError};
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, NoLabelSet};
use prometheus_client::metrics::MetricType;
use prometheus_client::registry::Unit;
use tokio::time::Instant;

use super::ApiMetrics;
use crate::app::Api;
use crate::lock;

/// Connections of which each is told of, by name; the rest are counted alone.
const CONNECTIONS: usize = 100;
/// Forwards of which each is told of, by name.
const FORWARDS: usize = 100;

type Labels = Vec<(&'static str, String)>;

/// What is known at one moment.
#[derive(Debug, Default)]
pub struct Snapshot {
    runtime: Metrics,
    receiver: Option<ReceiverCounts>,
    state: State,
    /// How long the state took to answer all of it; `None`: it did not.
    took: Option<Duration>,
}

#[derive(Debug, Default)]
struct State {
    connections: u64,
    hosts: u64,
    events_waiting: u64,
    events_dead: u64,
    lag: Vec<(Labels, f64)>,
    records: Vec<(Labels, u64)>,
    limits: Vec<(Labels, u64)>,
    used_up: Vec<(Labels, u64)>,
    forwards: Vec<(Labels, u64)>,
    forward_lag: Vec<(Labels, f64)>,
}

impl Snapshot {
    /// What is known now. A state that does not answer is told as one.
    pub async fn take(api: &Api, metrics: &ApiMetrics) -> Self {
        let began = Instant::now();
        let read = read(api, metrics).await;
        let took = read.is_ok().then(|| began.elapsed());
        Self {
            runtime: api.connector.metrics(),
            receiver: metrics.receiver.get().map(|receiver| receiver.counts()),
            state: read.unwrap_or_default(),
            took,
        }
    }
}

async fn read(api: &Api, metrics: &ApiMetrics) -> Result<State, StoreError> {
    let (database, time) = (&*api.database, api.database.time());
    let now_ms = unix_ms(time);
    let own = known(api, metrics).await?;
    let (events_waiting, events_dead) = database.count_events(None).await?;
    let hosts = database.hosts().await?.len() as u64;
    let connections = own.len() as u64;
    let mut state = State { connections, hosts, events_waiting, events_dead, ..State::default() };
    // The last minute that is over.
    let last = minute(time).saturating_sub(1);
    for row in own.iter().take(CONNECTIONS) {
        for scan in database.scans(&row.id).await? {
            let (records, ..) = database.count(&row.id, &scan.object).await?;
            let labels = named(row, "object", scan.object);
            if let Some(done) = scan.completed_ms {
                let lag = Duration::from_millis(now_ms.saturating_sub(done));
                state.lag.push((labels.clone(), lag.as_secs_f64()));
            }
            state.records.push((labels, records));
        }
        for used_up in documents::limits(database, row, now_ms).await? {
            let left = used_up.until_ms.saturating_sub(now_ms);
            state.used_up.push((named(row, "limit", used_up.limit.name), left));
        }
        let mut sums = BTreeMap::<String, [u64; 3]>::new();
        for rates in documents::limit_rates(database, row, last).await? {
            let at = documents::date(last * 60_000);
            for one in rates.minutes.iter().filter(|one| one.at == at) {
                let [sent, waited, refused] = sums.entry(rates.limit.clone()).or_default();
                *sent += one.sent;
                *waited += one.waited;
                *refused += one.refused;
            }
        }
        for (limit, counts) in sums {
            for (outcome, count) in ["sent", "waited", "refused"].into_iter().zip(counts) {
                let mut labels = named(row, "limit", limit.clone());
                labels.push(("outcome", outcome.to_owned()));
                state.limits.push((labels, count));
            }
        }
    }
    let connector = &api.connector.manifest().name;
    let forwards = database.list_forwards().await?.into_iter();
    for forward in forwards.filter(|it| it.connector == *connector).take(FORWARDS) {
        let lag = database.measure_forward(&forward.id).await?;
        let name = [("forward", forward.name.clone())];
        for (changes, count) in
            [("behind", lag.behind), ("waiting", lag.waiting), ("parked", lag.parked)]
        {
            let labels = [&name[..], &[("state", changes.to_owned())]].concat();
            state.forwards.push((labels, count));
        }
        let since = lag.since_ms.map_or(0, |since| now_ms.saturating_sub(since));
        state.forward_lag.push((name.to_vec(), Duration::from_millis(since).as_secs_f64()));
    }
    Ok(state)
}

/// The connector's connections by name; read anew only when some have changed.
async fn known(api: &Api, metrics: &ApiMetrics) -> Result<Arc<[ConnectionRow]>, StoreError> {
    let known = lock(&metrics.known).clone();
    let since = known.as_ref().map_or(0, |(revision, _)| *revision);
    let revision = api.database.connections_since(since).await?.revision;
    if let Some((_, rows)) = known.filter(|(known, _)| *known == revision) {
        return Ok(rows);
    }
    let connector = &api.connector.manifest().name;
    let mut rows = api.database.connections().await?;
    rows.retain(|row| row.connector == *connector);
    rows.sort_by(|one, other| one.name.cmp(&other.name));
    let rows: Arc<[ConnectionRow]> = rows.into();
    *lock(&metrics.known) = Some((revision, Arc::clone(&rows)));
    Ok(rows)
}

fn named(row: &ConnectionRow, what: &'static str, name: String) -> Labels {
    vec![("connection", row.name.clone()), (what, name)]
}

/// Upper bounds of buckets, in seconds.
pub fn bounds() -> impl Iterator<Item = f64> {
    Durations::BOUNDS.into_iter().map(|bound| Duration::from_millis(bound).as_secs_f64())
}

/// Writes the newest snapshot.
#[derive(Debug)]
pub struct SnapshotCollector(pub Arc<Mutex<Snapshot>>);

impl Collector for SnapshotCollector {
    fn encode(&self, to: DescriptorEncoder<'_>) -> fmt::Result {
        let snapshot = lock(&self.0);
        let mut to = Writer(to);
        to.runtime(&snapshot.runtime)?;
        if let Some(counts) = &snapshot.receiver {
            to.receiver(counts)?;
        }
        to.database(snapshot.took)?;
        if snapshot.took.is_some() { to.state(&snapshot.state) } else { Ok(()) }
    }
}

struct Writer<'a>(DescriptorEncoder<'a>);

impl Writer<'_> {
    fn counters(&mut self, name: &str, help: &str, rows: &[(Labels, u64)]) -> fmt::Result {
        let mut metric = self.0.encode_descriptor(name, help, None, MetricType::Counter)?;
        rows.iter().try_for_each(|(labels, count)| {
            metric.encode_family(labels)?.encode_counter::<NoLabelSet, _, u64>(count, None)
        })
    }

    fn counter(&mut self, name: &str, help: &str, count: u64) -> fmt::Result {
        let mut metric = self.0.encode_descriptor(name, help, None, MetricType::Counter)?;
        metric.encode_counter::<NoLabelSet, _, u64>(&count, None)
    }

    fn gauges(&mut self, name: &str, help: &str, rows: &[(Labels, u64)]) -> fmt::Result {
        let mut metric = self.0.encode_descriptor(name, help, None, MetricType::Gauge)?;
        rows.iter().try_for_each(|(labels, value)| {
            let value = i64::try_from(*value).unwrap_or(i64::MAX);
            metric.encode_family(labels)?.encode_gauge(&value)
        })
    }

    fn gauge(&mut self, name: &str, help: &str, value: u64) -> fmt::Result {
        let mut metric = self.0.encode_descriptor(name, help, None, MetricType::Gauge)?;
        metric.encode_gauge(&i64::try_from(value).unwrap_or(i64::MAX))
    }

    fn seconds(&mut self, name: &str, help: &str, rows: &[(Labels, f64)]) -> fmt::Result {
        let unit = Some(&Unit::Seconds);
        let mut metric = self.0.encode_descriptor(name, help, unit, MetricType::Gauge)?;
        rows.iter()
            .try_for_each(|(labels, value)| metric.encode_family(labels)?.encode_gauge(value))
    }

    fn runtime(&mut self, metrics: &Metrics) -> fmt::Result {
        let seconds = Unit::Seconds;
        let mut requests = self.0.encode_descriptor(
            "http_client_request_duration",
            "Requests to the provider, from the first try to connect to the last byte of the answer",
            Some(&seconds),
            MetricType::Histogram,
        )?;
        for (kind, durations) in &metrics.requests {
            let status = kind.status.map(|status| status.to_string()).unwrap_or_default();
            let labels = [
                ("http_request_method", kind.method.clone()),
                ("http_response_status_code", status),
            ];
            let mut buckets: Vec<_> = bounds().zip(durations.buckets).collect();
            let [.., above] = durations.buckets;
            buckets.push((f64::INFINITY, above));
            requests.encode_family(&labels)?.encode_histogram::<NoLabelSet>(
                durations.sum.as_secs_f64(),
                durations.count(),
                &buckets,
                None,
            )?;
        }
        self.counter(
            "connector_calls",
            "Calls of the connector, repetitions included",
            metrics.calls,
        )?;
        let errors = metrics.errors.iter();
        let errors: Vec<_> = errors
            .map(|(kind, count)| (vec![("error_type", (*kind).to_owned())], *count))
            .collect();
        self.counters("connector_call_errors", "Calls that failed, by kind", &errors)?;
        self.counter("connector_retries", "Repetitions that were waited for", metrics.retries)?;
        self.counter("connector_limit_waits", "Requests that the limits held back", metrics.waits)?;
        let unit = Some(&seconds);
        let help = "For how long the limits held requests back";
        self.0
            .encode_descriptor("connector_limit_wait", help, unit, MetricType::Counter)?
            .encode_counter::<NoLabelSet, _, u64>(&metrics.waited.as_secs_f64(), None)?;
        self.counter(
            "connector_suspended_calls",
            "Calls that gave up their instance while they waited",
            metrics.suspended,
        )?;
        self.counter("connector_sent_bytes", "Bytes of requests' bodies", metrics.sent_bytes)?;
        self.counter(
            "connector_received_bytes",
            "Bytes of answers' bodies, decoded",
            metrics.received_bytes,
        )?;
        self.gauge("connector_instances", "Instances in use", metrics.instances)?;
        self.gauge("connector_instances_limit", "Instances at most", metrics.most_instances)
    }

    fn receiver(&mut self, counts: &ReceiverCounts) -> fmt::Result {
        let rows = [
            ("kept", counts.kept),
            ("repeat", counts.repeats),
            ("unverified", counts.unverified),
            ("later", counts.later),
            ("refused", counts.refused),
        ];
        let rows = rows.map(|(outcome, count)| (vec![("outcome", outcome.to_owned())], count));
        self.counters(
            "connector_deliveries",
            "Deliveries that came, by what became of them",
            &rows,
        )?;
        self.gauge("connector_receiver_connections", "Open connections of senders", counts.open)?;
        self.counter(
            "connector_receiver_turned_away",
            "Connections that were closed because their address had too many",
            counts.turned_away,
        )
    }

    fn database(&mut self, took: Option<Duration>) -> fmt::Result {
        let is_up = u64::from(took.is_some());
        self.gauge("connector_state_up", "Whether the state answered", is_up)?;
        let help = "How long it took to answer all that is told of it";
        let Some(took) = took else { return Ok(()) };
        self.0
            .encode_descriptor(
                "connector_state_answer",
                help,
                Some(&Unit::Seconds),
                MetricType::Gauge,
            )?
            .encode_gauge(&took.as_secs_f64())
    }

    fn state(&mut self, state: &State) -> fmt::Result {
        self.gauge("connector_connections", "Kept connections", state.connections)?;
        self.gauge("connector_hosts", "Hosts that serve the state", state.hosts)?;
        let events = [("waiting", state.events_waiting), ("dead", state.events_dead)];
        let events = events.map(|(state, count)| (vec![("state", state.to_owned())], count));
        self.gauges("connector_inbox_events", "Events that wait, and that were given up", &events)?;
        self.seconds(
            "connector_sync_lag",
            "Since an object was last read completely; of the first 100 connections by name",
            &state.lag,
        )?;
        self.gauges("connector_records", "Kept live records; of the same", &state.records)?;
        self.gauges(
            "connector_limit_requests",
            "Requests in the last whole minute, by what the limit did; of the same",
            &state.limits,
        )?;
        self.gauges(
            "connector_limit_used_up_milliseconds",
            "Until a limit that is used up is free again; of the same",
            &state.used_up,
        )?;
        self.gauges(
            "connector_forward_changes",
            "Changes that a forward has not handed on; of the first 100 by name",
            &state.forwards,
        )?;
        self.seconds("connector_forward_lag", "Age of the oldest of them", &state.forward_lag)
    }
}
