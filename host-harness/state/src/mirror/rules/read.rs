//! From which times the rules of a record are counted, and whether they hold.

use indexmap::IndexMap;
use serde_json::value::RawValue;

use super::time::passed_ms;
use super::{ListedTime, RuleTime, RuleView, Take};
use crate::mirror::node::{Found, Node};

/// Members and the values that they may have.
type Conditions = Vec<(usize, Vec<String>)>;

/// Reads rules, by the values of the members that they name.
#[derive(Debug, Default)]
pub(in crate::mirror) struct RuleReader {
    rules: Vec<ReadRule>,
    /// JSON Pointers of members whose values are wanted.
    pub members: Vec<String>,
    /// JSON Pointers of lists that are wanted.
    pub lists: Vec<String>,
}

#[derive(Debug)]
struct ReadRule {
    name: String,
    since: Vec<ReadTime>,
    when: Conditions,
    unless: Conditions,
}

#[derive(Debug)]
enum ReadTime {
    Member(usize),
    Listed(ListReader),
}

/// Reads the items of a list.
#[derive(Debug)]
struct ListReader {
    /// Place of the list.
    list: usize,
    take: Take,
    /// The time comes first, then what it is asked for by.
    item: Node,
    when: Conditions,
}

/// The place of a text, which is added where it is not there.
fn place(all: &mut Vec<String>, text: &str) -> usize {
    all.iter().position(|known| known == text).unwrap_or_else(|| {
        all.push(text.to_owned());
        all.len() - 1
    })
}

fn hold(conditions: &Conditions, value: impl Fn(usize) -> String) -> bool {
    conditions.iter().all(|(at, values)| values.contains(&value(*at)))
}

impl RuleReader {
    pub fn new(rules: &IndexMap<String, RuleView>) -> Self {
        let mut reader = Self::default();
        for (name, rule) in rules {
            let mut conditions = |of: &IndexMap<String, Vec<String>>| -> Conditions {
                of.iter().map(|(at, it)| (place(&mut reader.members, at), it.clone())).collect()
            };
            let (when, unless) = (conditions(&rule.when), conditions(&rule.unless));
            let since = rule.since.iter().map(|time| match time {
                RuleTime::Member(pointer) => ReadTime::Member(place(&mut reader.members, pointer)),
                RuleTime::Listed(listed) => {
                    let list = place(&mut reader.lists, &listed.list);
                    ReadTime::Listed(ListReader::new(list, listed))
                }
            });
            let since = since.collect();
            reader.rules.push(ReadRule { name: name.clone(), since, when, unless });
        }
        reader
    }

    /// The rules that hold, each with the time from which it is counted. `values` and `lists` are those of
    /// [`RuleReader::members`] and [`RuleReader::lists`].
    pub fn since(&self, values: &[String], lists: &[Option<String>]) -> Vec<(String, u64)> {
        let value = |at: usize| values.get(at).cloned().unwrap_or_default();
        let holds = |rule: &&ReadRule| {
            let is_excluded =
                rule.unless.iter().any(|(at, excluded)| excluded.contains(&value(*at)));
            !is_excluded && hold(&rule.when, value)
        };
        let time = |time: &ReadTime| match time {
            ReadTime::Member(at) => passed_ms(&value(*at)),
            ReadTime::Listed(reader) => reader.read(lists.get(reader.list)?.as_deref()?),
        };
        let since = |rule: &ReadRule| Some((rule.name.clone(), rule.since.iter().find_map(time)?));
        self.rules.iter().filter(holds).filter_map(since).collect()
    }
}

impl ListReader {
    fn new(list: usize, listed: &ListedTime) -> Self {
        let ListedTime { at, take, when, .. } = listed;
        let mut item = Node::default();
        item.want(at, (0, 0));
        let mut conditions = Conditions::new();
        for (index, (pointer, values)) in when.iter().enumerate() {
            item.want(pointer, (index + 1, 0));
            conditions.push((index + 1, values.clone()));
        }
        Self { list, take: *take, item, when: conditions }
    }

    fn read(&self, list: &str) -> Option<u64> {
        let items: Vec<&RawValue> = serde_json::from_str(list).ok()?;
        let time = |item: &&RawValue| {
            let mut found = Found::new(self.when.len() + 1, 0);
            self.item.read(item.get(), &mut found);
            let at = passed_ms(&found.value(0))?;
            hold(&self.when, |index| found.value(index)).then_some(at)
        };
        let times = items.iter().filter_map(time);
        match self.take {
            Take::Earliest => times.min(),
            Take::Latest => times.max(),
        }
    }
}
