//! Where the state of `--state` is, and the master key of what is sealed in it.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context as _, Result};
use host_harness::clock::SystemClock;
use host_harness::store::{Address, AddressError, ConnectionRow, Postgres, Sqlite};
use host_harness::vault::{
    MASTER_KEY_VARIABLE, MasterKey, MasterKeyError, SealError, Vault, VaultError,
};

use tokio::sync::OnceCell;

use super::cache::users;
use super::context::Context;
use super::moved::{left, refused};
use super::usage::{Usage, unknown};
use host_harness::store::{Database, StateClock};

/// The file of the state in its directory.
const FILE: &str = "state.db";

/// Where the state is, and the file of its master key.
pub struct StateDirectory {
    /// Of its file, or of what a host keeps beside a database.
    directory: PathBuf,
    /// The database that it is in; `None`: a file.
    address: Option<Result<Address, AddressError>>,
    master_key: PathBuf,
    /// Who uses it, for the journal.
    actor: String,
    /// The state that this program has opened.
    opened: Arc<OnceCell<Arc<dyn Database>>>,
}

impl StateDirectory {
    /// Where the connections are kept; `None` when no directory is given and the user has none.
    pub fn of(context: &Context) -> Option<Self> {
        let given = |option: &Option<OsString>| {
            option.as_ref().filter(|path| !path.is_empty()).map(PathBuf::from)
        };
        let users = || Some(users("XDG_DATA_HOME", ".local/share")?.join("connector-host"));
        let state = context.options.state.as_ref().and_then(|state| state.to_str());
        let address = state.filter(|state| Address::is_one(state));
        let address = address.map(|state| Address::read(state, |name| std::env::var_os(name)));
        let file = given(&context.options.state).filter(|_| address.is_none());
        let master_key = given(&context.options.master_key);
        // Who gives the key, or has it in the environment, needs no directory for a database.
        let nowhere = || address.is_some().then(|| PathBuf::from("."));
        let directory = file.or_else(users).or_else(nowhere)?;
        let master_key = master_key.unwrap_or_else(|| directory.join("master.key"));
        let opened = Arc::clone(&context.opened);
        Some(Self { directory, address, master_key, actor: context.actor(), opened })
    }

    /// As [`StateDirectory::of`], for commands that cannot do without.
    ///
    /// # Errors
    /// [`Usage`] when there is none; and for `--secret-env`, whose secrets are not kept.
    pub fn needed(context: &Context) -> Result<Self, Usage> {
        if !context.repeated.secrets.is_empty() {
            return Err(Usage::new(
                "--secret-env hands a secret over for one call, and this works on kept ones",
            )
            .next(
                "leave it out; `secrets set NAME --from-env VARIABLE` keeps what a variable holds",
            ));
        }
        Self::somewhere(context)
    }

    /// As [`StateDirectory::of`], for commands that cannot do without and keep what `--secret-env` gives.
    ///
    /// # Errors
    /// [`Usage`] when there is none.
    pub fn somewhere(context: &Context) -> Result<Self, Usage> {
        Self::of(context).ok_or_else(|| {
            Usage::new(
                "there is no directory for kept connections: neither XDG_DATA_HOME nor HOME is set",
            )
            .next("give --state DIR, or set CONNECTOR_STATE")
        })
    }

    /// The store, if one has been made.
    ///
    /// # Errors
    /// When it cannot be used.
    pub async fn store(&self) -> Result<Option<Arc<dyn Database>>> {
        if self.address.is_some() {
            return Ok(Some(self.store_made().await?));
        }
        match self.directory.join(FILE).try_exists() {
            Ok(false) => Ok(None),
            // What cannot be looked at says why when it is opened.
            Ok(true) | Err(_) => Ok(Some(self.store_made().await?)),
        }
    }

    /// The connection of this name, if there is one.
    ///
    /// # Errors
    /// When the store cannot be used.
    pub async fn connection(&self, name: &str) -> Result<Option<ConnectionRow>> {
        match self.store().await? {
            Some(store) => match store.connection(name).await? {
                Some(row) => Ok(Some(row)),
                None => match left(&*store, name).await? {
                    Some(row) => Err(refused(&row).into()),
                    None => Ok(None),
                },
            },
            None => Ok(None),
        }
    }

    /// The store, made if need be. A program opens it once: a database may have few connections left.
    ///
    /// # Errors
    /// When it cannot be used.
    pub async fn store_made(&self) -> Result<Arc<dyn Database>> {
        self.opened.get_or_try_init(|| self.open()).await.cloned()
    }

    async fn open(&self) -> Result<Arc<dyn Database>> {
        if let Some(address) = &self.address {
            let address = address.as_ref().map_err(|why| Usage::new(why.to_string()))?;
            let opened = Postgres::open(address).await?;
            return Ok(Arc::new(opened.used_by(&self.actor)));
        }
        let file = self.directory.join(FILE);
        let opened =
            tokio::task::spawn_blocking(move || Sqlite::open(&file, Arc::new(SystemClock)));
        let opened = opened.await.context("opening the state")??;
        Ok(Arc::new(opened.used_by(&self.actor)))
    }

    /// What is kept, as store and as mirror.
    ///
    /// # Errors
    /// [`Usage`] when nothing is; and when it cannot be used.
    pub async fn database(&self) -> Result<Arc<dyn Database>> {
        Ok(self.store().await?.ok_or_else(|| self.nothing_kept())?)
    }

    /// The vault in `store`. Its master key is made where nothing is kept yet; else it must be
    /// the one by which something is sealed, so that no second key comes into use unseen.
    ///
    /// # Errors
    /// When there is no master key, or it is another one.
    pub async fn vault(&self, store: Arc<dyn Database>) -> Result<Vault> {
        let rows = store.connections().await?;
        let master = self.master_of(&*store, rows.is_empty()).await?;
        let vault = Vault::new(Arc::clone(&store) as _, Arc::new(StateClock(store)), master);
        let opened = rows.iter().map(|row| vault.key(row).map(drop));
        opened.reduce(Result::or).unwrap_or(Ok(()))?;
        Ok(vault)
    }

    /// The master key alone; made where nothing is kept yet.
    ///
    /// # Errors
    /// When there is none, or the store cannot be read.
    pub async fn master(&self) -> Result<MasterKey> {
        match self.store().await? {
            Some(store) => {
                let nothing_kept = store.connections().await?.is_empty();
                self.master_of(&*store, nothing_kept).await
            }
            None => Ok(self.master_key(true)?),
        }
    }

    /// Of hosts that share a database, the first one's key is everybody's, also before anything is
    /// kept.
    async fn master_of(&self, store: &dyn Database, nothing_kept: bool) -> Result<MasterKey> {
        let proof = match nothing_kept {
            true => store.master_proof(None).await?,
            false => None,
        };
        let master = self.master_key(nothing_kept && proof.is_none())?;
        if nothing_kept {
            let proof = store.master_proof(Some(master.prove().map_err(VaultError::Seal)?)).await?;
            if proof.is_some_and(|proof| !master.proves(&proof)) {
                return Err(VaultError::Seal(SealError::NotOurs).into());
            }
        }
        Ok(master)
    }

    /// The master key with which something was sealed before; none is made.
    ///
    /// # Errors
    /// When there is none, or it cannot be read.
    pub fn existing_master(&self) -> Result<MasterKey, MasterKeyError> {
        self.master_key(false)
    }

    fn master_key(&self, nothing_kept: bool) -> Result<MasterKey, MasterKeyError> {
        if std::env::var_os(MASTER_KEY_VARIABLE).is_some_and(|value| !value.is_empty()) {
            MasterKey::from_variable(MASTER_KEY_VARIABLE)
        } else if nothing_kept {
            MasterKey::read_or_make(&self.master_key)
        } else {
            MasterKey::read(&self.master_key)
        }
    }

    /// The connection of this name in `store`.
    ///
    /// # Errors
    /// [`Usage`] with the names that there are.
    pub async fn named(&self, store: &dyn Database, name: &str) -> Result<ConnectionRow> {
        let rows = store.connections().await?;
        let names: Vec<&str> = rows.iter().map(|row| row.name.as_str()).collect();
        if let Some(row) = rows.iter().find(|row| row.name == name) {
            return Ok(row.clone());
        }
        match left(store, name).await? {
            Some(row) => Err(refused(&row).into()),
            None if names.is_empty() => Err(self.nothing_kept().into()),
            None => Err(unknown("connection", name, &names).into()),
        }
    }

    /// That there is no connection.
    pub fn nothing_kept(&self) -> Usage {
        let text = format!("no connection is kept in {}", self.place());
        Usage::new(text).next("`connect` makes one")
    }

    /// Where it is, for people.
    pub fn place(&self) -> String {
        match &self.address {
            Some(Ok(address)) => address.place().to_owned(),
            Some(Err(_)) => "the database".to_owned(),
            None => self.directory.display().to_string(),
        }
    }

    /// Where a host keeps what is its own.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// The file of the state; `None`: it is in a database.
    pub fn file(&self) -> Option<PathBuf> {
        self.address.is_none().then(|| self.directory.join(FILE))
    }
}
