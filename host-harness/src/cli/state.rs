//! What is kept between calls: where it is, and the connection of it that a command uses.
//!
//! | `--connection` | `--secret-env` | used |
//! |---|---|---|
//! | NAME | none | the kept connection of that name |
//! | NAME | any | refused |
//! | none | any | what the options give; the state is not looked at |
//! | none | none | the kept connection `default`, if it is one of this connector; else as with any |
//!
//! Reading makes nothing on the disk.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use host_harness::clock::Clock;
use host_harness::connect::is_connected;
use host_harness::runtime::Connector;
use host_harness::service::views::keep_indexes;
use host_harness::store::{ConnectionChanges, ConnectionRow, SecretRow};
use host_harness::vault::{Secrets, Vault};

use super::context::Context;
pub use super::state_directory::StateDirectory;
use super::usage::Usage;
use host_harness::store::{Database, StateClock};

/// Name of the connection that is used where none is named.
pub const DEFAULT: &str = "default";

/// What is said of a connection that was changed while it is in use.
pub const CHANGED: &str = "the connection changed, and is used as it is kept now";

/// How often programs that run long look whether connections came, went or changed.
pub const LOOK_EVERY: Duration = Duration::from_secs(2);

/// The state, opened, and what opens the secrets in it.
#[derive(Clone)]
pub struct OpenState {
    /// What is kept.
    pub database: Arc<dyn Database>,
    /// Opens what is sealed.
    pub vault: Arc<Vault>,
}

/// A connection that is kept, and what opens it.
#[derive(Clone)]
pub struct StoredConnection {
    /// Where it is kept.
    pub state: OpenState,
    /// How it is kept.
    pub row: ConnectionRow,
}

/// How a connection is kept at a moment: name, scheme, settings, and which secrets. What was made
/// of one is as good while this stays equal; its key may be sealed anew, and opens the same.
#[derive(Clone, PartialEq)]
pub struct Configuration {
    /// Name of the connection.
    pub name: String,
    scheme: String,
    settings: BTreeMap<String, String>,
    secrets: Vec<SecretRow>,
}

/// What a program that runs long has seen of connections: where nothing has changed since, there is
/// nothing to look at.
#[derive(Default)]
pub struct SeenConnections {
    revision: Option<u64>,
    is_outdated: bool,
}

impl SeenConnections {
    /// What they are used for has changed, whether they have or not.
    pub fn outdate(&mut self) {
        self.is_outdated = true;
    }

    /// What changed since they were seen; `None`: nothing.
    ///
    /// # Errors
    /// When the state cannot be read.
    pub async fn look(&self, database: &dyn Database) -> Result<Option<ConnectionChanges>> {
        let changes = database.connections_since(self.revision.unwrap_or_default()).await?;
        let is_new = self.is_outdated || self.revision != Some(changes.revision);
        Ok(is_new.then_some(changes))
    }

    /// They are seen as they were at this revision.
    pub fn see(&mut self, revision: u64) {
        *self = Self { revision: Some(revision), is_outdated: false };
    }
}

impl OpenState {
    /// The clock by which everything is judged that hosts of this state judge alike: the machine's own
    /// may be set wrong.
    pub fn clock(&self) -> Arc<dyn Clock> {
        Arc::new(StateClock(Arc::clone(&self.database)))
    }

    /// Opens what is kept, for connections of `connector`, or the one of this name.
    ///
    /// # Errors
    /// [`Usage`] when nothing is kept, or the named one is not there or not the connector's; and when
    /// the state cannot be used.
    pub async fn needed(
        context: &Context,
        connector: &Connector,
        name: Option<&str>,
    ) -> Result<Self> {
        let directory = StateDirectory::needed(context)?;
        let state = Self::of(&directory, directory.database().await?).await?;
        if let Some(name) = name {
            belongs(&directory.named(&*state.database, name).await?, connector)?;
        }
        if let Err(why) = keep_indexes(connector, &*state.database).await? {
            context.watch.say(&format!("lists are filtered and sorted as before: {why}"));
        }
        Ok(state)
    }

    async fn of(state: &StateDirectory, database: Arc<dyn Database>) -> Result<Self> {
        let vault = Arc::new(state.vault(Arc::clone(&database)).await?);
        Ok(Self { database, vault })
    }

    /// The connection of this row.
    #[must_use]
    pub fn connection(&self, row: ConnectionRow) -> StoredConnection {
        StoredConnection { state: self.clone(), row }
    }

    /// The kept connections of a connector, or the one of this name if it is there.
    ///
    /// # Errors
    /// When the state cannot be read.
    pub async fn connections(
        &self,
        connector: &str,
        name: Option<&str>,
    ) -> Result<Vec<StoredConnection>> {
        let mut rows = self.database.connections().await?;
        rows.retain(|row| row.connector == connector && name.is_none_or(|name| row.name == name));
        Ok(rows.into_iter().map(|row| self.connection(row)).collect())
    }
}

impl StoredConnection {
    /// Its secrets, all versions of them.
    ///
    /// # Errors
    /// When they cannot be read or opened.
    pub async fn secrets(&self) -> Result<Arc<Secrets>> {
        let secrets = Arc::new(Secrets::default());
        self.state.vault.load(&self.row, &secrets).await?;
        Ok(secrets)
    }

    /// Whether it never had what it needs: a link for it was made, and nobody has used it yet.
    ///
    /// # Errors
    /// When the state cannot be read.
    pub async fn is_not_connected(&self, connector: &Connector) -> Result<bool> {
        let mut schemes = connector.manifest().schemes.iter();
        let Some(scheme) = schemes.find(|scheme| scheme.name == self.row.scheme) else {
            return Ok(false);
        };
        let has_grant = self.state.database.grant(&self.row.id).await?.is_some();
        let secrets = self.state.vault.list(&self.row).await?;
        Ok(!has_grant && !is_connected(scheme, &secrets, None))
    }

    /// How it is kept now.
    ///
    /// # Errors
    /// When the state cannot be read.
    pub async fn configuration(&self) -> Result<Configuration> {
        let ConnectionRow { name, scheme, settings, .. } = self.row.clone();
        let secrets = self.state.vault.list(&self.row).await?;
        Ok(Configuration { name, scheme, settings, secrets })
    }

    /// The kept connection that a call to `connector` uses, if it uses one.
    ///
    /// # Errors
    /// [`Usage`] when the one that is named is not there or not the connector's; and when the
    /// state cannot be used.
    pub async fn of(context: &Context, connector: &Connector) -> Result<Option<Self>> {
        let wanted = name(context)?;
        if !context.repeated.secrets.is_empty() {
            return match wanted {
                None => Ok(None),
                Some(_) => Err(Usage::new("--connection names a kept connection, and --secret-env hands secrets over: only one of them can be")
                    .next("leave one of them out; CONNECTOR_CONNECTION counts as --connection")
                    .into()),
            };
        }
        if wanted.is_some() {
            let kept = Self::chosen(context).await?;
            belongs(&kept.row, connector)?;
            return Ok(Some(kept));
        }
        let Some(state) = StateDirectory::of(context) else { return Ok(None) };
        let Some(store) = state.store().await? else { return Ok(None) };
        match store.connection(DEFAULT).await? {
            Some(row) if row.connector == connector.manifest().name => {
                Ok(Some(OpenState::of(&state, store).await?.connection(row)))
            }
            _ => Ok(None),
        }
    }

    /// The connection that the options name, else `default`, whatever its connector is.
    ///
    /// # Errors
    /// [`Usage`] when it is not there; and when the state cannot be used.
    pub async fn chosen(context: &Context) -> Result<Self> {
        let state = StateDirectory::needed(context)?;
        let store = state.database().await?;
        let row = state.named(&*store, name(context)?.unwrap_or(DEFAULT)).await?;
        Ok(OpenState::of(&state, store).await?.connection(row))
    }
}

/// The name that `--connection` gives.
///
/// # Errors
/// [`Usage`] when it is no text.
pub fn name(context: &Context) -> Result<Option<&str>, Usage> {
    let given = context.options.connection.as_ref().filter(|name| !name.is_empty());
    let text = given.map(|name| name.to_str().ok_or_else(|| Usage::new("--connection is no text")));
    text.transpose()
}

/// The id of the connection that `--connection` names; `None`: all are meant.
///
/// # Errors
/// [`Usage`] when it is not there.
pub async fn whose(
    context: &Context,
    state: &StateDirectory,
    database: &dyn Database,
) -> Result<Option<String>> {
    match name(context)? {
        Some(name) => Ok(Some(state.named(database, name).await?.id)),
        None => Ok(None),
    }
}

/// Names of connections by their ids.
///
/// # Errors
/// When the state cannot be used.
pub async fn names(database: &dyn Database) -> Result<BTreeMap<String, String>> {
    Ok(database.connections().await?.into_iter().map(|row| (row.id, row.name)).collect())
}

/// Whether a connection is one of this connector.
///
/// # Errors
/// [`Usage`] names both.
pub fn belongs(row: &ConnectionRow, connector: &Connector) -> Result<(), Usage> {
    let this = &connector.manifest().name;
    if row.connector == *this {
        return Ok(());
    }
    Err(Usage::new(format!(
        "the connection \"{}\" is kept for the connector {}, and this one is {this}",
        row.name, row.connector
    ))
    .next("name another one with --connection; `connections list` shows them"))
}
