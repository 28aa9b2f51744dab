//! What handlers work on: the state, the connector, and connections that are made once.

use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use connector_contract::clock::Clock;
use connector_runtime::egress::Pending;
use connector_runtime::{AddressSpace, Builder, Connection, Connector};
use connector_service::connect::ConnectLinks;
use connector_service::grants::Grants;
use connector_service::jobs::{Jobs, Shutdown};
use connector_service::sync::Turns;
use connector_service::vault::Vault;
use connector_service::views::views_of;
use connector_state::lists::{ConnectionsQuery, LabelledConnection};
use connector_state::views::ViewFile;
use connector_state::{ConnectionRow, Database, SecretRow, StateClock};
use tokio::sync::{OnceCell, Semaphore};

use crate::lock;
use crate::problem::{Problem, ProblemKind, ProblemSource};

/// Connections that are kept open; beyond, all are made anew.
const OPENED: usize = 1_000;
/// Streams at the same time.
const STREAMS: usize = 64;

/// Uploads at the same time: each has a thread, and room on the disk.
const UPLOADS: usize = 8;

/// A connection that calls can be made of.
#[derive(Clone)]
pub struct Opened {
    /// The connection.
    pub connection: Connection,
    /// What it lives on, where that is a grant.
    pub grants: Option<Grants>,
}

/// Makes connections as the program makes all of its connections.
pub trait Connect: Send + Sync {
    /// Makes the connection of a row. Sends nothing.
    fn connect(&self, row: ConnectionRow) -> Pending<'_, Result<Opened, Problem>>;

    /// A connection as the program surrounds it, without settings and secrets.
    fn surroundings(&self) -> Builder;
}

/// Where an API works.
pub struct ApiSurroundings {
    /// Which addresses the operator lets connections reach.
    pub space: AddressSpace,
    /// Ends streams.
    pub stop: Shutdown,
    /// Works pushes off.
    pub jobs: Jobs,
    /// Keeps uploads, sealed, until they have ended.
    pub directory: PathBuf,
    /// Makes links for browsers, where a listener has the pages for them.
    pub links: Option<Arc<ConnectLinks>>,
}

/// A connection that was made, and what it was made of.
type Known = (ConnectionRow, Vec<SecretRow>, Opened);

/// What handlers share.
pub(crate) type App = Arc<Api>;

/// What handlers work on.
pub struct Api {
    /// The connector whose connections it serves.
    pub connector: Connector,
    /// What is kept.
    pub database: Arc<dyn Database>,
    /// Opens what is sealed.
    pub vault: Arc<Vault>,
    /// Makes connections.
    pub connect: Arc<dyn Connect>,
    /// Where it works.
    pub surroundings: ApiSurroundings,
    pub(crate) turns: Turns,
    opened: Mutex<HashMap<String, Known>>,
    view: OnceCell<Option<ViewFile>>,
    pub(crate) streams: Arc<Semaphore>,
    pub(crate) uploads: Semaphore,
}

impl Api {
    /// An API of the connections of `connector`.
    pub fn new(
        connector: Connector,
        database: Arc<dyn Database>,
        vault: Arc<Vault>,
        connect: Arc<dyn Connect>,
        surroundings: ApiSurroundings,
    ) -> Self {
        let (opened, streams) = (Mutex::default(), Arc::new(Semaphore::new(STREAMS)));
        let (turns, view) = (Turns::default(), OnceCell::new());
        Self {
            connector,
            database,
            vault,
            connect,
            surroundings,
            turns,
            opened,
            view,
            streams,
            uploads: Semaphore::new(UPLOADS),
        }
    }

    /// The state's clock.
    pub fn clock(&self) -> Arc<dyn Clock> {
        Arc::new(StateClock(Arc::clone(&self.database)))
    }

    /// The kept connection of this name; one of another connector is none.
    ///
    /// # Errors
    /// `not-found`; and when the state cannot be read.
    pub async fn row(&self, name: &str) -> Result<ConnectionRow, Problem> {
        let connector = &self.connector.manifest().name;
        match self.database.connection(name).await? {
            Some(row) if row.connector == *connector => Ok(row),
            _ => Err(absent(name)),
        }
    }

    /// Names of the connector's connections by their ids.
    ///
    /// # Errors
    /// When the state cannot be read.
    pub async fn names(&self) -> Result<BTreeMap<String, String>, Problem> {
        let connector = &self.connector.manifest().name;
        let rows = self.database.connections().await?.into_iter();
        let own = rows.filter(|row| row.connector == *connector);
        Ok(own.map(|row| (row.id, row.name)).collect())
    }

    /// The connection of this name as [`Api::row`], with its labels.
    ///
    /// # Errors
    /// As [`Api::row`].
    pub async fn labelled(&self, name: &str) -> Result<LabelledConnection, Problem> {
        let connector = Some(self.connector.manifest().name.clone());
        let named = Some(name.to_owned());
        let asked = ConnectionsQuery { connector, name: named, limit: 1, ..Default::default() };
        let found = self.database.list_connections(asked).await?.pop();
        found.ok_or_else(|| absent(name))
    }

    /// The id of this connection; `None` of none: all are meant.
    ///
    /// # Errors
    /// As [`Api::row`].
    pub async fn whose(&self, name: Option<&str>) -> Result<Option<String>, Problem> {
        match name {
            Some(name) => Ok(Some(self.row(name).await?.id)),
            None => Ok(None),
        }
    }

    /// The kept connection of this name, to call: as it is kept now.
    ///
    /// # Errors
    /// As [`Api::row`]; and when it cannot be made.
    pub async fn open(&self, name: &str) -> Result<Opened, Problem> {
        let row = self.row(name).await?;
        let secrets = self.vault.list(&row).await?;
        let known = lock(&self.opened).get(&row.id).cloned();
        if let Some((of, with, opened)) = known
            && of == row
            && with == secrets
        {
            return Ok(opened);
        }
        let opened = self.connect.connect(row.clone()).await?;
        let mut all = lock(&self.opened);
        if all.len() >= OPENED {
            all.clear();
        }
        all.insert(row.id.clone(), (row, secrets, opened.clone()));
        Ok(opened)
    }

    /// The connector's view file, where it has one.
    ///
    /// # Errors
    /// When it cannot be used.
    pub async fn view(&self) -> Result<Option<&ViewFile>, Problem> {
        let read = async || {
            views_of(&self.connector).await.map_err(|why| {
                let text = format!("the connector's view file cannot be used: {why}");
                Problem::new(ProblemKind::Internal, ProblemSource::Connector, text)
            })
        };
        Ok(self.view.get_or_try_init(read).await?.as_ref())
    }

    /// An object of the connector.
    ///
    /// # Errors
    /// `not-found` with those that there are.
    pub fn check_object(&self, object: &str) -> Result<(), Problem> {
        let objects = &self.connector.manifest().objects;
        let names: Vec<&str> = objects.iter().map(|object| object.name.as_str()).collect();
        if names.contains(&object) {
            Ok(())
        } else {
            Err(Problem::unknown("object", object, &names))
        }
    }
}

fn absent(name: &str) -> Problem {
    Problem::not_found(format!("there is no connection \"{name}\""))
        .next("GET /v1/connections lists them")
}
