//! What becomes of the rules of a record, and of their rows.

use std::collections::{BTreeMap, BTreeSet};

use super::{DAY_MS, KeptRule, KeptRules, RuleTold};

/// What becomes of the rows of a record's rules.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RuleMoves {
    /// A wake that is new.
    pub wake_ms: Option<u64>,
    /// Rules whose due time of those that are raised was, and is: `None` where it is not raised.
    pub raised: Vec<(String, Option<u64>, Option<u64>)>,
}

impl RuleMoves {
    /// Nothing is to be written.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.wake_ms.is_none() && self.raised.is_empty()
    }
}

/// What follows for a record.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Followed {
    /// What holds from now on.
    pub after: KeptRules,
    /// What is told.
    pub told: Vec<RuleTold>,
    /// What is written beside.
    pub moves: RuleMoves,
}

/// Decides what follows for a record whose rules are due at these times, and no others hold.
#[must_use]
pub fn follow(before: &KeptRules, due: &BTreeMap<String, u64>, now_ms: u64) -> Followed {
    let mut followed = Followed::default();
    let names: BTreeSet<&String> = before.rules.keys().chain(due.keys()).collect();
    for name in names {
        let old = before.rules.get(name).filter(|old| old.raised).map(|old| old.due_ms);
        let new = due.get(name).copied();
        // What is raised stays so as long as it is overdue, by whatever time.
        let stays = |new: &u64| old.is_some_and(|old| *new == old || *new <= now_ms);
        let raised = new.filter(stays);
        followed.told(name, old, raised);
        if let Some(due_ms) = new {
            let rule = KeptRule { due_ms, raised: raised.is_some() };
            followed.after.rules.insert(name.clone(), rule);
        }
    }
    followed.wake(before.wake_ms, now_ms);
    followed
}

/// What becomes of a record whose wake has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Woken {
    /// Nothing: it is looked at some other time, or no more.
    Stray,
    /// This.
    Followed(Followed),
}

/// Decides on a record whose wake of this time has come; `None`: there is no such record any more.
#[must_use]
pub fn wake(kept: Option<&KeptRules>, wake_ms: u64, now_ms: u64) -> Woken {
    let Some(kept) = kept.filter(|kept| kept.wake_ms == Some(wake_ms)) else { return Woken::Stray };
    let mut followed = Followed::default();
    for (name, rule) in &kept.rules {
        let raised = rule.raised || rule.due_ms <= now_ms;
        if raised && !rule.raised {
            followed.told(name, None, Some(rule.due_ms));
        }
        followed.after.rules.insert(name.clone(), KeptRule { raised, ..*rule });
    }
    followed.wake(None, now_ms);
    Woken::Followed(followed)
}

impl Followed {
    /// A rule that was raised with one due time is so with the other, or not at all.
    fn told(&mut self, name: &str, before: Option<u64>, after: Option<u64>) {
        let (raised, due_ms) = match (before, after) {
            (Some(before), None) => (false, before),
            (before, Some(after)) if before != Some(after) => (true, after),
            _ => return,
        };
        self.moves.raised.push((name.to_owned(), before, after));
        self.told.push(RuleTold { rule: name.to_owned(), raised, due_ms });
    }

    /// Keeps a wake that is there, unless one is needed before it.
    fn wake(&mut self, before: Option<u64>, now_ms: u64) {
        let open = self.after.rules.values().filter(|rule| !rule.raised);
        let Some(due_ms) = open.map(|rule| rule.due_ms).min() else { return };
        let wanted = match (due_ms / DAY_MS).cmp(&(now_ms / DAY_MS)) {
            std::cmp::Ordering::Equal if due_ms > now_ms => due_ms,
            _ => due_ms / DAY_MS * DAY_MS,
        };
        let kept = before.filter(|before| *before <= wanted);
        if kept.is_none() {
            self.moves.wake_ms = Some(wanted);
        }
        self.after.wake_ms = Some(kept.unwrap_or(wanted));
    }

    /// Whether anything is to be written of a record that had these rules.
    #[must_use]
    pub fn changes(&self, before: &KeptRules) -> bool {
        self.after != *before || !self.moves.is_empty()
    }
}

/// A record whose rules change while it stays as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ruled {
    /// Its id.
    pub id: String,
    /// The database's key of its content.
    pub row: i64,
    /// When the provider says that it last changed.
    pub updated_at: Option<String>,
    /// What follows.
    pub followed: Followed,
}

#[cfg(test)]
mod tests;
