//! Changes of connections as they come, for whoever goes on after what they have had.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use connector_state::mirror::ChangeRow;
use connector_state::{Database, StoreError};

/// Whose changes, and from where on.
pub struct ChangeFeed {
    database: Arc<dyn Database>,
    connector: Option<String>,
    connection: Option<String>,
    /// Up to which number each connection's changes were had, by id.
    since: BTreeMap<String, u64>,
    names: BTreeMap<String, String>,
    /// Of connections, when their names were read.
    revision: Option<u64>,
    /// Connections with news, and the moment up to which there may be some.
    news: VecDeque<(String, u64)>,
}

/// What comes next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FeedStep {
    /// Changes of one connection.
    Changes {
        /// Id of the connection.
        connection: String,
        /// Its changes, in order; there may be none among numbers that were skipped.
        changes: Vec<ChangeRow>,
        /// Everything up to this number was had with them.
        reached: u64,
    },
    /// Changes of one connection were forgotten before they were had. It goes on after them.
    Forgotten {
        /// Id of the connection.
        connection: String,
        /// The last number that was had.
        since: u64,
        /// The last number that is forgotten.
        until: u64,
    },
    /// There is nothing more now.
    Nothing,
}

impl ChangeFeed {
    /// The changes of all connections, those of one connector, or those of one connection (an id), after
    /// the numbers of `since` (by id; 0 and what is missing: from the oldest that is kept).
    pub fn new(
        database: Arc<dyn Database>,
        connector: Option<String>,
        connection: Option<String>,
        since: BTreeMap<String, u64>,
    ) -> Self {
        let (names, news) = (BTreeMap::new(), VecDeque::new());
        Self { database, connector, connection, since, names, revision: None, news }
    }

    /// Names of connections by their ids, as far as changes of them came.
    #[must_use]
    pub fn names(&self) -> &BTreeMap<String, String> {
        &self.names
    }

    /// Up to which number the changes of each connection were had, by id.
    #[must_use]
    pub fn since(&self) -> &BTreeMap<String, u64> {
        &self.since
    }

    /// The next changes, at most `limit`: of each connection in order, and of connections by turns.
    ///
    /// # Errors
    /// When the state cannot be read. It can be asked again.
    pub async fn next(&mut self, limit: u32) -> Result<FeedStep, StoreError> {
        if self.news.is_empty() {
            self.look().await?;
        }
        let Some((connection, moment)) = self.news.front().cloned() else {
            return Ok(FeedStep::Nothing);
        };
        let since = self.since.get(&connection).copied().unwrap_or_default();
        let step = match self.database.changes(&connection, since, limit).await {
            Ok(changes) => {
                // Numbers skip; with nothing left, all up to the moment is had.
                let reached = changes.last().map_or(moment.max(since), |last| last.number);
                FeedStep::Changes { connection: connection.clone(), changes, reached }
            }
            Err(StoreError::Forgotten { until, .. }) => {
                FeedStep::Forgotten { connection: connection.clone(), since, until }
            }
            Err(why) => return Err(why),
        };
        let (FeedStep::Changes { reached, .. } | FeedStep::Forgotten { until: reached, .. }) =
            &step
        else {
            return Ok(step);
        };
        self.news.pop_front();
        if *reached < moment {
            self.news.push_back((connection.clone(), moment));
        }
        self.since.insert(connection, *reached);
        Ok(step)
    }

    /// Finds the connections with news.
    async fn look(&mut self) -> Result<(), StoreError> {
        let mut moments = match &self.connection {
            Some(id) => vec![(id.clone(), self.database.moment(id).await?)],
            None => self.database.moments().await?,
        };
        moments.retain(|(id, moment)| *moment > self.since.get(id).copied().unwrap_or_default());
        if moments.is_empty() {
            return Ok(());
        }
        let revision = Some(self.database.connections_since(u64::MAX).await?.revision);
        if self.revision != revision {
            let mut rows = self.database.connections().await?;
            let connector = &self.connector;
            rows.retain(|row| connector.as_ref().is_none_or(|wanted| *wanted == row.connector));
            self.names = rows.into_iter().map(|row| (row.id, row.name)).collect();
            self.revision = revision;
        }
        if self.connector.is_some() {
            moments.retain(|(id, _)| self.names.contains_key(id));
        }
        self.news = moments.into();
        Ok(())
    }
}
