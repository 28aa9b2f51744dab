//! The index of an object: by which members lists are filtered and sorted, and the values of a record.
//!
//! A record has one value for each *slot*: slot 0 is its id, slot 1 when it last changed, and the rest are
//! the members of a [`MemberIndex`], in their order. A value is a text and is compared byte by byte: a date
//! or a number as the provider writes it. What is missing, `null`, a list or an object is the empty text.

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};

use super::analytics::{AnalyzedMembers, CELLS};
pub use super::node::cut;
use super::node::{Found, Node};
use super::rules::{RuleReader, RuleView};
use super::version::instant;
use crate::views::ObjectView;

/// Slot of the id.
pub const ID: usize = 0;
/// Slot of the time of the last change, in UTC with milliseconds where it can be read as a time.
pub const UPDATED: usize = 1;
/// Slot of the first member.
pub const MEMBERS: usize = 2;

/// A member that is indexed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct IndexedMember {
    /// JSON Pointers (RFC 6901): the first that leads to a value is the member.
    pub pointers: Vec<String>,
    /// What it means (`number`, `status`, ...): names by which it can be asked for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub roles: Vec<String>,
    /// Records are counted by its values.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub counted: bool,
}

/// The members of an object that are indexed; none: its records are sorted by their ids and times alone.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MemberIndex {
    /// In the order of their slots, from [`MEMBERS`] on.
    #[serde(default)]
    pub members: Vec<IndexedMember>,
    /// By which records are analysed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub analyzed: Option<AnalyzedMembers>,
    /// Rules over time, by their names.
    #[serde(default, skip_serializing_if = "IndexMap::is_empty")]
    pub rules: IndexMap<String, RuleView>,
}

impl MemberIndex {
    /// What a view file says of an object.
    #[must_use]
    pub fn of(view: &ObjectView) -> Self {
        let mut index = Self { rules: view.rules.clone(), ..Self::default() };
        let status = view.status.as_ref().map(|status| &status.at);
        let roles = [
            ("number", view.number.as_ref()),
            ("order", view.order.as_ref()),
            ("status", status),
            ("carrier", view.carrier.as_ref()),
            ("delivered", view.delivered.as_ref()),
        ];
        let mut note = |pointers: &[String], role: Option<&str>, counted: bool| {
            index.note(pointers, |member| {
                member.roles.extend(role.map(str::to_owned));
                member.counted |= counted;
            });
        };
        for (role, pointer) in roles {
            pointer.into_iter().for_each(|it| note(std::slice::from_ref(it), Some(role), false));
        }
        if !view.due.is_empty() {
            note(&view.due, Some("due"), false);
        }
        view.index.iter().for_each(|it| note(std::slice::from_ref(it), None, false));
        view.count.iter().for_each(|it| note(std::slice::from_ref(it), None, true));
        index
    }

    /// Changes the member of these pointers, which is added where it is not there.
    fn note(&mut self, pointers: &[String], change: impl FnOnce(&mut IndexedMember)) {
        if let Some(member) = self.members.iter_mut().find(|member| member.pointers == pointers) {
            return change(member);
        }
        let pointers = pointers.to_vec();
        let mut member = IndexedMember { pointers, roles: vec![], counted: false };
        change(&mut member);
        self.members.push(member);
    }

    /// The slot that a name means: `id`, `updated`, a role, a JSON Pointer, or the last part of one.
    #[must_use]
    pub fn slot(&self, name: &str) -> Option<usize> {
        match name {
            "id" => return Some(ID),
            "updated" => return Some(UPDATED),
            _ => {}
        }
        let is_exact = |member: &IndexedMember| {
            member.roles.iter().any(|role| role == name) || member.only() == Some(name)
        };
        let is_last = |member: &IndexedMember| {
            member.only().and_then(|only| only.rsplit('/').next()) == Some(name)
        };
        let found = self.members.iter().position(is_exact);
        let found = found.or_else(|| self.members.iter().position(is_last));
        let found = found.map(|at| MEMBERS + at);
        found.or_else(|| (name == "updated_at").then_some(UPDATED))
    }

    /// All names that [`MemberIndex::slot`] knows, the shortest of each slot first.
    #[must_use]
    pub fn names(&self) -> Vec<String> {
        let member = |member: &IndexedMember| match member.only() {
            Some(only) => member
                .roles
                .iter()
                .cloned()
                .chain([only.to_owned()])
                .collect::<Vec<_>>()
                .join(" or "),
            None => member.roles.join(" or "),
        };
        ["id".to_owned(), "updated".to_owned()]
            .into_iter()
            .chain(self.members.iter().map(member))
            .collect()
    }

    /// The first JSON Pointer of a slot's member.
    #[must_use]
    pub fn pointer(&self, slot: usize) -> &str {
        let member = slot.checked_sub(MEMBERS).and_then(|at| self.members.get(at));
        member.and_then(|member| member.pointers.first()).map_or("", String::as_str)
    }

    /// The slots of members by whose values records are counted.
    pub fn counted(&self) -> impl Iterator<Item = usize> {
        let all = self.members.iter().enumerate();
        all.filter(|(_, member)| member.counted).map(|(at, _)| MEMBERS + at)
    }

    /// All slots by which records are counted: those of members, and of cells for analytics.
    pub fn all_counted(&self) -> impl Iterator<Item = usize> {
        self.counted().chain(self.analyzed.iter().flat_map(|_| CELLS))
    }
}

impl IndexedMember {
    /// The pointer, where there is but one.
    #[must_use]
    pub fn only(&self) -> Option<&str> {
        match &self.pointers[..] {
            [only] => Some(only),
            _ => None,
        }
    }
}

/// Reads the values of records, all by the same index.
#[derive(Debug)]
pub struct ValueReader {
    root: Node,
    members: usize,
    /// Values that are read of a record.
    read: usize,
    analyzed: Option<AnalyzedMembers>,
    /// Values for analytics; those for rules come after them.
    analytics: usize,
    rules: RuleReader,
}

/// The values of a record.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Values {
    /// Slot by slot.
    pub slots: Vec<String>,
    /// Its cells, with their slots ([`super::analytics`]).
    pub cells: Vec<(usize, String)>,
    /// How far it is, where records are analysed.
    pub status: Option<String>,
    /// The rules that hold, each with the time from which it is counted (milliseconds since 1970).
    pub rules: Vec<(String, u64)>,
}

impl Values {
    /// The value of a slot, or the cell.
    #[must_use]
    pub fn get(&self, slot: usize) -> Option<&String> {
        let cell = || self.cells.iter().find(|(of, _)| *of == slot).map(|(_, cell)| cell);
        self.slots.get(slot).or_else(cell)
    }
}

impl ValueReader {
    /// For the members of an index.
    #[must_use]
    pub fn new(index: &MemberIndex) -> Self {
        let mut root = Node::default();
        let analyzed = index.analyzed.as_ref().map(AnalyzedMembers::pointers);
        let rules = RuleReader::new(&index.rules);
        let pointers = index.members.iter().map(|member| member.pointers.as_slice());
        let pointers = pointers.chain(analyzed.iter().flatten().map(Vec::as_slice));
        let pointers = pointers.chain(rules.members.iter().map(std::slice::from_ref));
        let mut read = 0;
        for (at, pointers) in pointers.enumerate() {
            read = at + 1;
            for (place, pointer) in pointers.iter().enumerate() {
                root.want(pointer, (at, place));
            }
        }
        for (at, list) in rules.lists.iter().enumerate() {
            root.want_list(list, at);
        }
        let analytics = analyzed.map_or(0, |analyzed| analyzed.len());
        let (members, analyzed) = (index.members.len(), index.analyzed.clone());
        Self { root, members, read, analyzed, analytics, rules }
    }

    /// The values of a record. `created_at` and `updated_at`: when the provider says that it was made and
    /// last changed.
    #[must_use]
    pub fn values(
        &self,
        id: &str,
        created_at: Option<&str>,
        updated_at: Option<&str>,
        data: &str,
    ) -> Values {
        let mut found = Found::new(self.read, self.rules.lists.len());
        if self.read > 0 || !found.lists.is_empty() {
            self.root.read(data, &mut found);
        }
        let Found { values, lists } = found;
        let mut found = values.into_iter().map(|value| value.map_or(String::new(), |(_, it)| it));
        let mut slots = Vec::with_capacity(MEMBERS + self.members);
        slots.extend([cut(id.to_owned()), updated(updated_at)]);
        slots.extend(found.by_ref().take(self.members));
        let rest: Vec<String> = found.by_ref().take(self.analytics).collect();
        let cells = self.analyzed.as_ref().map(|analyzed| analyzed.cells(created_at, &rest));
        let status = self.analyzed.is_some().then(|| rest.into_iter().next().unwrap_or_default());
        let rules = self.rules.since(&found.collect::<Vec<_>>(), &lists);
        Values { slots, cells: cells.unwrap_or_default(), status, rules }
    }
}

/// The value of [`UPDATED`].
#[must_use]
pub fn updated(text: Option<&str>) -> String {
    match instant(text) {
        Some(at) => {
            let at = at.to_offset(time::UtcOffset::UTC);
            let (date, time) = (at.date(), at.time());
            format!(
                "{date}T{:02}:{:02}:{:02}.{:03}Z",
                time.hour(),
                time.minute(),
                time.second(),
                time.millisecond()
            )
        }
        None => cut(text.unwrap_or_default().to_owned()),
    }
}

#[cfg(test)]
mod tests;
