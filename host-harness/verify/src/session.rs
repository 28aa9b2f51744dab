//! The component, loaded twice, and a connection of it to the fake provider.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use connector_contract::catalog::{Descriptor, Manifest};
use connector_contract::records::{ListRequest, Page, Start};
use connector_contract::setup::{Form, Setter};
use connector_runtime::retry::Policy;
use connector_runtime::secrets::Secret;
use connector_runtime::{
    BuildError, CallError, Connection, Connector, LoadError, Runtime, RuntimeOptions,
};

use crate::options::Options;
use crate::report::Report;
use crate::tap::Tap;
use crate::tape::Tape;

/// Most pages of one scan.
pub const PAGES: usize = 200;
/// Longest that the connector may compute in one call.
const CPU: Duration = Duration::from_secs(1);

/// An object with what is needed to try it.
pub struct Object {
    /// As it describes it.
    pub descriptor: Descriptor,
    /// An input that makes one, with `{number}`.
    pub sample: Option<String>,
}

impl Object {
    /// Its name.
    pub fn name(&self) -> &str {
        &self.descriptor.summary.name
    }

    /// Whether it offers the operation.
    pub fn offers(&self, operation: &str) -> bool {
        self.descriptor.summary.operations.iter().any(|it| it == operation)
    }
}

/// What the rules are tried on.
pub struct Session {
    path: std::path::PathBuf,
    bytes: Vec<u8>,
    options: Options,
    /// Loaded first, without a network.
    pub first: Connector,
    /// Loaded for `connection`; what it does is on the tape.
    pub connector: Connector,
    /// Calls that are made once.
    pub connection: Connection,
    /// All that it did.
    pub tape: Arc<Tape>,
    /// Before the provider.
    pub tap: Tap,
    /// What it offers.
    pub objects: Vec<Object>,
    ca: Vec<u8>,
    number: AtomicU64,
}

impl Session {
    /// Loads the component and connects it. What keeps it from that is in the report.
    pub async fn open(path: &Path, options: &Options, report: &mut Report) -> Option<Self> {
        let bytes = match tokio::fs::read(path).await {
            Ok(bytes) => bytes,
            Err(why) => {
                report.fault("contract", format!("{} cannot be read: {why}", path.display()));
                return None;
            }
        };
        let opened = Self::load(path, bytes, options).await;
        match opened {
            Ok(session) => {
                let facts = session.connector.facts();
                let (size, exports) = (facts.bytes, facts.exports.join(", "));
                report.tried("contract", format!("{size} bytes; it offers {exports}"));
                Some(session)
            }
            Err(Failed::Load(why)) => {
                report.fault("contract", why.to_string());
                None
            }
            Err(Failed::Other(why)) => {
                report.untried("contract", why);
                None
            }
        }
    }

    async fn load(path: &Path, bytes: Vec<u8>, options: &Options) -> Result<Self, Failed> {
        let other = |why: String| Failed::Other(why);
        let mut runtime = bounded(options);
        let plain = Runtime::new(&runtime).map_err(|why| other(why.to_string()))?;
        let first = plain.load_bytes(path, &bytes).await.map_err(Failed::Load)?;
        let provider = options.provider.unwrap_or_else(|| ([127, 0, 0, 1], 9).into());
        let settings = settings(first.manifest(), options);
        let hosts = hosts(first.manifest(), &settings);
        let (tap, ca) = Tap::new(provider, hosts).map_err(|why| other(why.to_string()))?;
        runtime.egress.network = Arc::new(tap.clone());
        runtime.egress.ca = Some(ca.clone());
        let tapped = Runtime::new(&runtime).map_err(|why| other(why.to_string()))?;
        let connector = tapped.load_bytes(path, &bytes).await.map_err(Failed::Load)?;
        let tape = Arc::<Tape>::default();
        connector.record(Arc::clone(&tape) as _).await;
        let connection = connect(&connector, &settings, options).await;
        let connection = connection.map_err(|why| other(format!("no connection: {why}")))?;
        let now = SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default().as_millis();
        Ok(Self {
            path: path.to_owned(),
            bytes,
            options: options.clone(),
            first,
            connector,
            connection,
            tape,
            tap,
            objects: vec![],
            ca,
            number: AtomicU64::new(u64::try_from(now).unwrap_or_default()),
        })
    }

    /// Whether there is one to ask.
    pub fn has_provider(&self) -> bool {
        self.options.provider.is_some()
    }

    /// Secrets that it was connected with.
    pub fn secrets(&self) -> Vec<(String, String)> {
        let text = |value: &Secret| String::from_utf8_lossy(value.expose()).into_owned();
        self.options.secrets.iter().map(|(name, value)| (name.clone(), text(value))).collect()
    }

    /// See [`Options::patience`].
    pub fn patience(&self) -> Duration {
        self.options.patience
    }

    /// The sample for an object.
    pub fn sample(&self, object: &str) -> Option<String> {
        self.options.samples.get(object).cloned()
    }

    /// An input as nobody has sent before.
    pub fn input(&self, sample: &str) -> String {
        let number = self.number.fetch_add(1, Ordering::Relaxed);
        sample.replace("{number}", &number.to_string())
    }

    /// The component in another process, as far as it can tell.
    ///
    /// # Errors
    /// When it cannot be loaded once more.
    pub async fn elsewhere(&self) -> Result<Connection, String> {
        let mut runtime = bounded(&self.options);
        runtime.egress.network = Arc::new(self.tap.clone());
        runtime.egress.ca = Some(self.ca.clone());
        let runtime = Runtime::new(&runtime).map_err(|why| why.to_string())?;
        let connector = runtime.load_bytes(&self.path, &self.bytes).await;
        let connector = connector.map_err(|why| why.to_string())?;
        let settings = settings(connector.manifest(), &self.options);
        let connection = connect(&connector, &settings, &self.options).await;
        connection.map_err(|why| why.to_string())
    }

    /// Another connection of the same component, with limits and failures of its own.
    ///
    /// # Errors
    /// When it cannot be made.
    pub async fn fresh(&self) -> Result<Connection, BuildError> {
        connect(&self.connector, &settings(self.connector.manifest(), &self.options), &self.options)
            .await
    }

    /// Objects that can be listed.
    pub fn listed(&self) -> impl Iterator<Item = &Object> {
        self.objects.iter().filter(|it| it.offers("list"))
    }

    /// Pages from `start` on: each with the size that is asked for.
    ///
    /// # Errors
    /// The first call that fails.
    pub async fn walk(
        &self,
        object: &str,
        start: Start,
        page_size: Option<u32>,
    ) -> Result<(Vec<Page>, bool), CallError> {
        let mut request = ListRequest { start, page_size, ..ListRequest::all(object) };
        let mut pages = Vec::new();
        loop {
            let page = self.connection.list(&request).await?;
            let next = page.next.clone();
            pages.push(page);
            match next {
                Some(next) if pages.len() < PAGES => request.start = Start::At(next),
                next => return Ok((pages, next.is_none())),
            }
        }
    }
}

/// Ids of all records of these pages, in order.
pub fn ids(pages: &[Page]) -> Vec<String> {
    pages.iter().flat_map(|page| &page.records).map(|record| record.id.clone()).collect()
}

fn bounded(options: &Options) -> RuntimeOptions {
    let mut runtime = RuntimeOptions::default();
    runtime.bounds.cpu = CPU;
    runtime.cache = options.cache.clone();
    runtime
}

enum Failed {
    Load(LoadError),
    Other(String),
}

/// Those given; and for each URL of an origin that the operator or a customer gives, the provider's.
fn settings(manifest: &Manifest, options: &Options) -> Vec<(String, String)> {
    let mut settings: Vec<_> = options.settings.clone().into_iter().collect();
    let Some(provider) = options.provider else { return settings };
    for setting in &manifest.settings {
        let whole = format!("{{{}}}", setting.name);
        let is_origin =
            manifest.endpoints.iter().any(|it| it.origin == whole && !it.path.is_empty());
        let is_url = matches!(setting.form, Form::Url(_)) && setting.setter != Setter::Connector;
        if is_origin && is_url && !options.settings.contains_key(&setting.name) {
            settings.push((setting.name.clone(), format!("http://{provider}")));
        }
    }
    settings
}

/// Hosts of the origins, so far as the settings tell.
fn hosts(manifest: &Manifest, settings: &[(String, String)]) -> Vec<String> {
    let defaults = manifest.settings.iter().filter_map(|it| Some((&it.name, it.default.as_ref()?)));
    let filled = manifest.endpoints.iter().map(|endpoint| {
        let given = settings.iter().map(|(name, value)| (name, value)).chain(defaults.clone());
        given.fold(endpoint.origin.clone(), |origin, (name, value)| {
            origin.replace(&format!("{{{name}}}"), value)
        })
    });
    let host = |origin: String| {
        let rest = origin.strip_prefix("https://")?.to_owned();
        rest.split(['/', ':']).next().map(str::to_owned)
    };
    let mut hosts: Vec<String> = filled.filter_map(host).collect();
    hosts.push("localhost".to_owned());
    hosts.sort_unstable();
    hosts.dedup();
    hosts
}

async fn connect(
    connector: &Connector,
    settings: &[(String, String)],
    options: &Options,
) -> Result<Connection, BuildError> {
    let builder = || {
        let builder = Connection::builder(connector).allow_private().policy(Policy::once());
        let builder = settings.iter().fold(builder, |all, (name, value)| all.setting(name, value));
        let given = options.secrets.iter().map(|(name, value)| (name.clone(), value.clone()));
        // Deliveries are verified by something, even if nobody has it.
        let manifest = connector.manifest();
        let keys = manifest.key_uses.iter().map(|key| &key.secret);
        let carried = manifest.secret_uses.iter();
        let carried = carried.filter(|one| manifest.delivery_secrets.contains(&one.name));
        let needed = keys.chain(carried.map(|one| &one.secret));
        let needed = needed.filter(|name| !options.secrets.contains_key(*name));
        let made = needed.map(|name| (name.clone(), Secret::new("verify-0123456789abcdef")));
        given.chain(made).fold(builder, |all, (name, value)| all.secret(name, value))
    };
    match builder().without_limits().build().await {
        // Its origins are not this machine's by name.
        Err(BuildError::LimitsOff(_)) => builder().limiter(Arc::default()).build().await,
        built => built,
    }
}
