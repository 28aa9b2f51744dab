//! [`Lists`] in memory.

use super::{Memory, Rows};
use crate::inbox::{EventRow, Inbox as _};
use crate::lists::{ConnectionsQuery, LabelledConnection, Labels, Lists};
use crate::mirror::{DeadLetterRow, Mirror as _};
use crate::push::{IntentRow, IntentState, Intents as _, PushRow};
use crate::{Answer, Store as _};

impl Lists for Memory {
    fn list_connections(&self, asked: ConnectionsQuery) -> Answer<'_, Vec<LabelledConnection>> {
        Box::pin(async move {
            let all = self.connections().await?;
            let labels = self.answer(|rows| Ok(rows.store.labels.clone())).await?;
            let of = |id: &str| -> Labels { labels.get(id).cloned().unwrap_or_default() };
            let found = all.into_iter().filter(|row| {
                let own = of(&row.id);
                row.name > asked.after
                    && asked.name.as_ref().is_none_or(|it| row.name == *it)
                    && asked.connector.as_ref().is_none_or(|it| row.connector == *it)
                    && asked.labels.iter().all(|(name, value)| own.get(name) == Some(value))
            });
            let labelled =
                |row: crate::ConnectionRow| LabelledConnection { labels: of(&row.id), row };
            Ok(found.take(asked.limit as usize).map(labelled).collect())
        })
    }

    fn list_pushes(
        &self,
        connection: &str,
        after: Option<(u64, String)>,
        limit: u32,
    ) -> Answer<'_, Vec<PushRow>> {
        let connection = connection.to_owned();
        Box::pin(async move {
            let mut all = self.pushes(Some(&connection)).await?;
            all.sort_by(|a, b| (a.made_ms, &a.id).cmp(&(b.made_ms, &b.id)));
            all.retain(|row| {
                after.as_ref().is_none_or(|at| (row.made_ms, &row.id) > (at.0, &at.1))
            });
            all.truncate(limit as usize);
            Ok(all)
        })
    }

    fn list_newest_pushes(
        &self,
        connection: Option<&str>,
        before: Option<(u64, String)>,
        limit: u32,
    ) -> Answer<'_, Vec<PushRow>> {
        let connection = connection.map(str::to_owned);
        Box::pin(async move {
            let mut all = self.pushes(connection.as_deref()).await?;
            all.sort_by(|a, b| (b.made_ms, &b.id).cmp(&(a.made_ms, &a.id)));
            all.retain(|row| {
                before.as_ref().is_none_or(|at| (row.made_ms, &row.id) < (at.0, &at.1))
            });
            all.truncate(limit as usize);
            Ok(all)
        })
    }

    fn list_parked_items(
        &self,
        connection: Option<&str>,
        after: Option<(String, u64)>,
        limit: u32,
    ) -> Answer<'_, Vec<IntentRow>> {
        let connection = connection.map(str::to_owned);
        Box::pin(async move {
            let runs = self.pushes(connection.as_deref()).await?;
            self.answer(move |rows| {
                let is_wanted = |(place, item): &(&(String, u64), &IntentRow)| {
                    item.state == IntentState::Parked
                        && after.as_ref().is_none_or(|after| *place > after)
                        && runs.iter().any(|run| run.id == item.run)
                };
                let found = rows.push.items.iter().filter(is_wanted);
                Ok(found.take(limit as usize).map(|(_, item)| item.clone()).collect())
            })
            .await
        })
    }

    fn list_dead_letters(
        &self,
        connection: Option<&str>,
        after: u64,
        limit: u32,
    ) -> Answer<'_, Vec<DeadLetterRow>> {
        let connection = connection.map(str::to_owned);
        Box::pin(async move {
            let mut all = self.dead_letters(connection.as_deref()).await?;
            all.retain(|row| row.number > after);
            all.truncate(limit as usize);
            Ok(all)
        })
    }

    fn list_dead_events(
        &self,
        connection: Option<&str>,
        after: u64,
        limit: u32,
    ) -> Answer<'_, Vec<EventRow>> {
        let connection = connection.map(str::to_owned);
        Box::pin(async move {
            let mut all = self.dead_events(connection.as_deref()).await?;
            all.retain(|row| row.number > after);
            all.truncate(limit as usize);
            Ok(all)
        })
    }
}

/// Removes what a connection had.
pub(super) fn erase(rows: &mut Rows, connection: &str) {
    rows.store.labels.remove(connection);
    rows.store.rules.remove(connection);
}
