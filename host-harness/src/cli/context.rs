//! What every command starts from: the options, the connector, and who watches.

use std::path::Path;
use std::sync::{Arc, Mutex, OnceLock};

use anyhow::{Context as _, Result};
use host_harness::contract::catalog::Descriptor;
use host_harness::contract::limits::Slots;
use host_harness::egress::{EgressOptions, Limiter};
use host_harness::grants::Renewals;
use host_harness::runtime::{
    AddressSpace, Builder, Connection, Connector, Runtime, RuntimeOptions, SCHEME,
};
use host_harness::service::jobs::Shutdown;
use host_harness::service::recording::RecordingWriter;
use host_harness::store::ConnectionRow;

use tokio::sync::OnceCell;

use super::cache;
use super::component::{self, Component};
use super::options::{CommonOptions, Limits, RepeatedOptions};
use super::output::{Columns, OutputFormat};
use super::usage::{Usage, unknown};
use super::watch::Watch;
use host_harness::service::documents::catalog::embedded;
use host_harness::store::Database;

/// What is being recorded.
pub type Recordings = Arc<Mutex<Vec<Arc<RecordingWriter>>>>;

/// Options of one call of the program, and who watches it.
#[derive(Clone)]
pub struct Context {
    /// Name of the command.
    pub command: String,
    /// Given once.
    pub options: CommonOptions,
    /// Given several times.
    pub repeated: RepeatedOptions,
    /// Progress, trace, log.
    pub watch: Arc<Watch>,
    /// The renewals of the grants that the command's connections live on.
    pub grants: Arc<Mutex<Vec<Renewals>>>,
    /// The recordings of the command's connectors.
    pub recordings: Recordings,
    /// Whether the program has been asked to end.
    pub shutdown: Shutdown,
    /// How it reaches the network.
    pub egress: EgressOptions,
    /// The state, once it is opened.
    pub opened: Arc<OnceCell<Arc<dyn Database>>>,
    /// See [`Context::connector`].
    pub loaded: Arc<OnceCell<Connector>>,
    /// See [`Context::limiter`].
    pub limiter: OnceLock<Arc<Limiter>>,
}

impl Context {
    /// The form in which records are printed.
    #[must_use]
    pub fn form(&self) -> OutputFormat {
        self.options.output.unwrap_or_else(OutputFormat::usual)
    }

    /// As [`Context::form`], for what has no rows.
    ///
    /// # Errors
    /// [`Usage`] for CSV.
    pub fn document_form(&self) -> Result<OutputFormat, Usage> {
        match self.form() {
            OutputFormat::Csv => Err(Usage::new("this has no rows, so it cannot be CSV")
                .next("use --output table or --output json")),
            form => Ok(form),
        }
    }

    /// The user and the command, as the journal names who did something.
    #[must_use]
    pub fn actor(&self) -> String {
        let user = ["USER", "LOGNAME"].iter().find_map(|name| std::env::var(name).ok());
        match user.filter(|user| !user.is_empty()) {
            Some(user) => format!("{user}, {}", self.command),
            None => self.command.clone(),
        }
    }

    /// Loads this connector, else the one that the options name. Its calls are not recorded.
    ///
    /// # Errors
    /// When none is named, or the file is none.
    pub async fn load(&self, component: Option<&Path>) -> Result<Connector> {
        let given = component.map(Path::as_os_str).or(self.options.component.as_deref());
        let component = Component::read(given.unwrap_or_default(), &self.repeated.trusted_keys)?;
        self.watch.start();
        let runtime = self.runtime()?;
        match &component {
            Component::File(path) => Ok(runtime.load(path).await?),
            Component::Published(reference) => {
                let keys = &self.repeated.trusted_keys;
                let bytes = component::pull(reference, &self.options, keys, &self.egress).await?;
                Ok(runtime.load_bytes(Path::new(&reference.to_string()), &bytes).await?)
            }
        }
    }

    /// Loads the connector, and checks that it has `object`.
    ///
    /// # Errors
    /// As [`Context::connector`]; and [`Usage`] for an unknown object.
    pub async fn connector_with(&self, object: &str) -> Result<Connector> {
        let connector = self.connector().await?;
        let objects = connector.manifest().objects.iter();
        let names: Vec<&str> = objects.map(|object| object.name.as_str()).collect();
        if !names.contains(&object) {
            return Err(unknown("object", object, &names).into());
        }
        Ok(connector)
    }

    /// A connection as the options surround it, without settings and secrets.
    pub fn surroundings(&self, connector: &Connector) -> Builder {
        let builder = Connection::builder(connector).observer(Arc::clone(&self.watch) as _);
        let builder = if self.options.allow_private { builder.allow_private() } else { builder };
        match self.options.limits {
            Limits::Manifest => builder,
            Limits::Off => builder.without_limits(),
        }
    }

    /// Which addresses the operator lets it reach.
    pub fn address_space(&self) -> AddressSpace {
        if self.options.allow_private { AddressSpace::Private } else { AddressSpace::Public }
    }

    /// The limits and breakers of all connections of this process. The limits are shared with every
    /// process that uses the same state.
    pub fn limiter(&self, slots: Arc<dyn Slots>) -> Arc<Limiter> {
        let shared = || Arc::new(Limiter::shared(slots));
        Arc::clone(self.limiter.get_or_init(shared))
    }

    fn runtime(&self) -> Result<Runtime> {
        let mut options = RuntimeOptions::default();
        options.egress = self.egress.clone();
        options.cache = cache::directory(self.options.cache.as_deref(), "compiled");
        match Runtime::new(&options) {
            Ok(runtime) => Ok(runtime),
            // A cache only saves time, so one that fails must not cost the call.
            Err(_) if options.cache.is_some() => {
                options.cache = None;
                Ok(Runtime::new(&options)?)
            }
            Err(why) => Err(why).context("starting the sandbox"),
        }
    }
}

/// What `connector` says of `object`.
///
/// # Errors
/// When it cannot describe it.
pub async fn describe(connector: &Connector, object: &str) -> Result<Descriptor> {
    connector.describe(object).await.with_context(|| format!("describing {object}"))
}

/// `builder` with the scheme and the settings of `row`.
pub fn with_row(builder: Builder, row: &ConnectionRow) -> Builder {
    let builder = builder.setting(SCHEME, &row.scheme);
    row.settings.iter().fold(builder, |builder, (name, value)| builder.setting(name, value))
}

impl Columns {
    /// These, with what a record of `object` may have by its schema.
    ///
    /// # Errors
    /// When the connector cannot describe the object.
    pub async fn of(&self, connector: &Connector, object: &str) -> Result<Self> {
        if self.columns.is_none() {
            return Ok(self.clone());
        }
        let descriptor = describe(connector, object).await?;
        Ok(self.knowing(&embedded(&descriptor.record_schema)))
    }
}
