//! Lists and counts by what is indexed. Here every record is looked at, and an index is what to look for.

use super::found::own;
use super::{ObjectRows, rules};
use crate::StoreError;
use crate::memory::Rows;
use crate::mirror::analytics::{CELLS, CellCounts};
use crate::mirror::index::{ValueReader, Values};
use crate::mirror::list::Selection;
use crate::mirror::plan::{self, Body, Head, ValueMoves, ValueRows};
use crate::mirror::raised::RuleSelection;
use crate::mirror::rules::RuleSettings;
use crate::mirror::{
    Analytics, ListPage, ListQuery, MemberCounts, MemberIndex, RecordState, ValueCounts,
};

impl Rows {
    /// What is indexed of an object of a connection.
    pub(in crate::memory) fn index_of(&self, connection: &str, object: &str) -> MemberIndex {
        let connector = self.store.connections.get(connection).map(|row| row.connector.clone());
        let key = connector.map(|connector| (connector, object.to_owned()));
        key.and_then(|key| self.mirror.indexes.get(&key)).cloned().unwrap_or_default()
    }
}

impl ObjectRows {
    /// Fails for an object whose records others hold: it has no index.
    pub(super) fn must_be_its_own(&self, object: &str) -> Result<(), StoreError> {
        let Some(holder) = self.derived_from.clone() else { return Ok(()) };
        Err(StoreError::Derived { object: object.to_owned(), holder })
    }

    /// Live and aged-out records, each with its values.
    fn valued(&self) -> impl Iterator<Item = (&String, &Head, &Body, Values)> {
        let reader = ValueReader::new(&self.index);
        self.records.iter().filter_map(move |(id, (head, body))| {
            let body = body.as_ref().filter(|_| head.state != RecordState::Deleted)?;
            let (made, changed) = (body.created_at.as_deref(), head.updated_at.as_deref());
            let values = reader.values(id, made, changed, &body.data);
            Some((id, head, body, values))
        })
    }
}

/// Some records of a list.
pub(super) fn list(rows: &Rows, query: &ListQuery) -> Result<ListPage, StoreError> {
    let (connection, object) = (&query.connection, &query.object);
    let Some(kept) = rows.object(connection, object) else {
        let index = rows.index_of(connection, object);
        match &query.rule {
            Some(rule) => drop(RuleSelection::new(query, rule, &index)?),
            None => drop(Selection::<()>::new(query, &index)?),
        }
        return Ok(ListPage::default());
    };
    kept.must_be_its_own(object)?;
    if let Some(rule) = &query.rule {
        return rules::list(kept, query, rule);
    }
    let mut selection = Selection::new(query, &kept.index)?;
    for (id, head, body, values) in kept.valued() {
        let arrived = kept.arrived.get(id).copied().unwrap_or_default();
        selection.look(&values.slots, arrived, || own(connection, object, id, head, Some(body)));
    }
    let (records, next) = selection.finish();
    Ok(ListPage { records, next, ..ListPage::default() })
}

/// Says which members are indexed, and counts anew where that changes.
pub(super) fn set_indexes(
    rows: &mut Rows,
    connector: &str,
    indexes: Vec<(String, MemberIndex)>,
    now_ms: u64,
) {
    rows.mirror.indexes.retain(|(of, _), _| of != connector);
    let named = indexes.into_iter().map(|(object, index)| ((connector.to_owned(), object), index));
    rows.mirror.indexes.extend(named);
    let connections = rows.store.connections.values().filter(|row| row.connector == connector);
    let connections: Vec<String> = connections.map(|row| row.id.clone()).collect();
    for connection in connections {
        let objects = rows.mirror.of.get(&connection).map(|mirror| mirror.objects.keys().cloned());
        let objects: Vec<String> = objects.into_iter().flatten().collect();
        for object in objects {
            let index = rows.index_of(&connection, &object);
            let mirror = rows.mirror.of.get_mut(&connection);
            let kept = mirror.and_then(|mirror| mirror.objects.get_mut(&object));
            if let Some(kept) = kept.filter(|kept| kept.index != index) {
                count_anew(kept, index, now_ms);
                rows.follow_rules(&connection, &object, now_ms);
            }
        }
    }
}

/// Counts the values of an object's records by an index.
pub(in crate::memory) fn count_anew(kept: &mut ObjectRows, index: MemberIndex, now_ms: u64) {
    kept.index = index;
    let mut counted = ValueRows::default();
    for (_, head, _, values) in kept.valued() {
        let (mut moves, changed) = (ValueMoves::new(), head.updated_at.as_deref());
        plan::count_new(&mut moves, &kept.index, &values, changed, now_ms);
        counted.add(&moves);
    }
    kept.values = counted;
}

/// The counts by value.
pub(super) fn value_counts(kept: &ObjectRows, settings: &RuleSettings) -> ValueCounts {
    let member = |slot: usize| {
        let (values, others) = kept.values.of(slot);
        MemberCounts { pointer: kept.index.pointer(slot).to_owned(), values, others }
    };
    ValueCounts {
        members: kept.index.counted().map(member).collect(),
        rules: rules::rule_counts(kept, settings),
        is_partial: false,
    }
}

/// The cells, made analytics.
pub(super) fn analytics(kept: &ObjectRows) -> Analytics {
    let Some(members) = &kept.index.analyzed else { return Analytics::default() };
    let counts = CELLS.map(|slot| {
        let (cells, others) = kept.values.of(slot);
        CellCounts { cells, others }
    });
    Analytics::of(members, counts)
}
