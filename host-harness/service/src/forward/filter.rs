//! Which changes are handed on.
//!
//! | filter | takes |
//! |---|---|
//! | `orders` | changes of records of this object |
//! | `orders.status=paid` | changes after which a record's top-level member has this value, also ones of other members |
//! | `orders.status:open->paid` | changes that took the member from the one value to the other |
//! | `orders.status:->paid`, `orders.status:open->` | as before, from or to any other value of a record that is there |
//! | `orders.status:*->paid`, `orders.status:open->*` | as before, also where the record is new, or gone |
//! | `*.status=paid` | of every object |
//! | `orders:late` | the rule over time `late` being raised or cleared for a record; `*` for any rule |
//! | `orders:late=raised` | the same, but only that (`raised`, `cleared`) |
//!
//! A member without its object is refused: objects that lie inside others often have members of the
//! same name, and whoever leaves the object out rarely means them too.
//!
//! A text is compared with what it says, anything else with its JSON. Of several filters one has
//! to take the change.

use std::collections::BTreeMap;
use std::str::FromStr;

use connector_state::outbox::Outgoing;
use serde_json::value::RawValue;

/// One filter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Filter {
    /// `None`: every one.
    object: Option<String>,
    rule: FilterRule,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum FilterRule {
    Any,
    Is {
        member: String,
        value: String,
    },
    Became {
        member: String,
        from: TransitionEnd,
        to: TransitionEnd,
    },
    /// `None`: every rule; raised and cleared.
    Told {
        rule: Option<String>,
        raised: Option<bool>,
    },
}

/// One end of a transition.
#[derive(Debug, Clone, PartialEq, Eq)]
enum TransitionEnd {
    Value(String),
    /// Whatever it is, of a record that is there.
    There,
    /// Whatever it is, and where there is no record.
    Any,
}

impl TransitionEnd {
    fn read(text: &str) -> Self {
        match text {
            "" => Self::There,
            EVERY => Self::Any,
            value => Self::Value(value.to_owned()),
        }
    }

    fn fits(&self, record: Option<&str>, found: Option<&str>) -> bool {
        match self {
            Self::Value(value) => found == Some(value),
            Self::There => record.is_some(),
            Self::Any => true,
        }
    }
}

/// Every object, or whatever there is at an end of a transition.
const EVERY: &str = "*";

impl FromStr for Filter {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || {
            format!(
                "\"{text}\" is no filter; write OBJECT, OBJECT.MEMBER=VALUE, \
                 OBJECT.MEMBER:FROM->TO, OBJECT:RULE or OBJECT:RULE=raised"
            )
        };
        // The first of them: values may hold any of these.
        let Some(at) = text.find(['=', ':']) else {
            let is_object = !text.is_empty();
            return is_object
                .then(|| Self { object: named(text), rule: FilterRule::Any })
                .ok_or_else(wrong);
        };
        let (left, rest) = text.split_at(at);
        if let Some(told) = rest.strip_prefix(':').filter(|_| !left.contains('.'))
            && !told.contains("->")
        {
            let (rule, word) =
                told.split_once('=').map_or((told, None), |(rule, word)| (rule, Some(word)));
            let raised = match word {
                None => None,
                Some("raised") => Some(true),
                Some("cleared") => Some(false),
                Some(_) => return Err(wrong()),
            };
            if left.is_empty() || rule.is_empty() {
                return Err(wrong());
            }
            let rule = FilterRule::Told { rule: named(rule), raised };
            return Ok(Self { object: named(left), rule });
        }
        let Some((object, member)) = left.split_once('.') else {
            return Err(format!(
                "\"{text}\" names no object: write OBJECT.{text}, or {EVERY}.{text} for every object \
                 that has such a member"
            ));
        };
        if object.is_empty() || member.is_empty() {
            return Err(wrong());
        }
        let member = member.to_owned();
        let rule = match rest.strip_prefix('=') {
            Some(value) => FilterRule::Is { member, value: value.to_owned() },
            None => {
                let ends = rest.strip_prefix(':').and_then(|ends| ends.split_once("->"));
                let (from, to) = ends.filter(|ends| *ends != ("", "")).ok_or_else(wrong)?;
                FilterRule::Became {
                    member,
                    from: TransitionEnd::read(from),
                    to: TransitionEnd::read(to),
                }
            }
        };
        Ok(Self { object: named(object), rule })
    }
}

fn named(object: &str) -> Option<String> {
    (object != EVERY).then(|| object.to_owned())
}

/// The first object that `filters` name and that is none of `objects`.
///
/// # Errors
/// Says what is wrong with a filter.
pub fn unknown_object(filters: &[String], objects: &[&str]) -> Result<Option<String>, String> {
    for filter in filters {
        let filter: Filter = filter.parse()?;
        if let Some(object) = filter.object().filter(|object| !objects.contains(object)) {
            return Ok(Some(object.to_owned()));
        }
    }
    Ok(None)
}

/// The first rule over time that `filters` name and that the view file of a connector has not, with those that it
/// has. `more`: what its manifest has more.
#[must_use]
pub fn unknown_rule(
    filters: &[String],
    more: &[(String, String)],
) -> Option<(String, Vec<String>)> {
    #[derive(serde::Deserialize, Default)]
    #[serde(default)]
    struct Views {
        objects: BTreeMap<String, ObjectRules>,
    }
    #[derive(serde::Deserialize, Default)]
    #[serde(default)]
    struct ObjectRules {
        rules: BTreeMap<String, serde::de::IgnoredAny>,
    }
    let views = more.iter().find(|(name, _)| name == crate::views::NAME);
    let views = views.and_then(|(_, text)| serde_json::from_str::<Views>(text).ok());
    let objects = views.unwrap_or_default().objects.into_values();
    let known: Vec<String> = objects.flat_map(|object| object.rules.into_keys()).collect();
    let rule = |filter: &String| match filter.parse::<Filter>().ok()?.rule {
        FilterRule::Told { rule, .. } => rule,
        _ => None,
    };
    let unknown = filters.iter().filter_map(rule).find(|rule| !known.contains(rule))?;
    Some((unknown, known))
}

impl Filter {
    /// The object that it names; `None` for every one.
    pub fn object(&self) -> Option<&str> {
        self.object.as_deref()
    }

    /// Whether it takes this change.
    pub(super) fn takes(&self, outgoing: &Outgoing) -> bool {
        if self.object.as_ref().is_some_and(|object| *object != outgoing.change.object) {
            return false;
        }
        let before = |member: &str| value(outgoing.before.as_deref(), member);
        let after = |member: &str| value(outgoing.after.as_deref(), member);
        match &self.rule {
            FilterRule::Any => true,
            FilterRule::Is { member, value } => after(member).as_deref() == Some(value),
            FilterRule::Told { rule, raised } => {
                outgoing.change.rule.as_ref().is_some_and(|told| {
                    rule.as_ref().is_none_or(|rule| *rule == told.rule)
                        && raised.is_none_or(|raised| raised == told.raised)
                })
            }
            // The record itself stayed as it was.
            FilterRule::Became { .. } if outgoing.change.rule.is_some() => false,
            FilterRule::Became { member, from, to } => {
                let (old, new) = (before(member), after(member));
                old != new
                    && from.fits(outgoing.before.as_deref(), old.as_deref())
                    && to.fits(outgoing.after.as_deref(), new.as_deref())
            }
        }
    }
}

/// A top-level member of a record: what a text says, the JSON of anything else.
fn value(record: Option<&str>, member: &str) -> Option<String> {
    let members: BTreeMap<String, &RawValue> = serde_json::from_str(record?).ok()?;
    let raw = members.get(member)?.get();
    Some(serde_json::from_str::<String>(raw).unwrap_or_else(|_| raw.to_owned()))
}

#[cfg(test)]
mod tests {
    use connector_state::mirror::RuleTold;

    use super::super::tests::outgoing;
    use super::*;

    fn takes(filter: &str, before: Option<&str>, after: Option<&str>) -> bool {
        filter.parse::<Filter>().unwrap().takes(&outgoing(1, "orders", "r", before, after))
    }

    #[test]
    fn objects_members_and_transitions_are_told_apart() {
        let (open, paid) = (Some(r#"{"s":"open","n":1}"#), Some(r#"{"s":"paid","n":2.0}"#));
        let without = Some(r#"{"n":1}"#);
        for (filter, before, after, expected) in [
            ("orders", open, paid, true),
            ("orders", None, paid, true),
            ("lines", open, paid, false),
            ("*", open, paid, true),
            ("orders.s=paid", open, paid, true),
            ("orders.s=paid", None, paid, true),
            ("orders.s=paid", paid, open, false),
            ("orders.s=paid", paid, None, false),
            ("orders.n=2.0", open, paid, true),
            ("orders.n=2", open, paid, false),
            ("orders.missing=", open, paid, false),
            ("orders.s:open->paid", open, paid, true),
            ("orders.s:paid->open", open, paid, false),
            ("orders.s:open->paid", None, paid, false),
            ("orders.s:->paid", open, paid, true),
            ("orders.s:->paid", without, paid, true),
            ("orders.s:->paid", paid, paid, false),
            // A new record did not become anything, and one that is gone neither.
            ("orders.s:->paid", None, paid, false),
            ("orders.s:*->paid", None, paid, true),
            ("orders.s:*->paid", open, paid, true),
            ("orders.s:*->paid", paid, paid, false),
            ("orders.s:open->", open, without, true),
            ("orders.s:open->", open, None, false),
            ("orders.s:open->*", open, None, true),
            ("orders.s:open->", open, open, false),
            ("lines.s=paid", open, paid, false),
            ("lines.s:open->paid", open, paid, false),
            ("*.s:open->paid", open, paid, true),
        ] {
            assert_eq!(takes(filter, before, after), expected, "{filter} {before:?} {after:?}");
        }
    }

    #[test]
    fn rules_are_told_apart_from_changes_of_members() {
        let mut told = outgoing(1, "orders", "r", None, Some(r#"{"s":"open"}"#));
        told.change.rule = Some(RuleTold { rule: "late".to_owned(), raised: true, due_ms: 0 });
        for (filter, expected) in [
            ("orders", true),
            ("orders:late", true),
            ("*:*", true),
            ("orders:late=raised", true),
            ("orders:late=cleared", false),
            ("orders:old", false),
            ("lines:late", false),
            ("orders.s=open", true),
            ("orders.s:*->open", false),
        ] {
            assert_eq!(filter.parse::<Filter>().unwrap().takes(&told), expected, "{filter}");
        }
        assert!(!takes("orders:*", None, Some("{}")));
        let views = r#"{"objects": {"orders": {"rules": {"late": {}}}}}"#;
        let more = [("views".to_owned(), views.to_owned())];
        let unknown = |filter: &str| unknown_rule(&[filter.to_owned()], &more);
        assert_eq!(
            (unknown("*:late"), unknown("*:*"), unknown("orders.a:b->c")),
            (None, None, None)
        );
        assert_eq!(unknown("*:lat"), Some(("lat".to_owned(), vec!["late".to_owned()])));
    }

    #[test]
    fn values_may_hold_anything() {
        let filter = |text: &str| text.parse::<Filter>().unwrap();
        let rule = |text: &str| filter(text).rule;
        let is = |value: &str| FilterRule::Is { member: "url".to_owned(), value: value.to_owned() };
        assert_eq!(rule("o.url=a:b->c=d"), is("a:b->c=d"));
        assert_eq!(rule("o.url="), is(""));
        for wrong in ["", "=a", ":a->b", ":a", "a:", "a:b=c", "o.a:b", "o.a:->", ".s=a", "o.=a"] {
            assert!(wrong.parse::<Filter>().is_err(), "{wrong}");
        }
        for bare in ["s=paid", "s:->paid"] {
            let why = bare.parse::<Filter>().unwrap_err();
            assert!(why.contains(&format!("write OBJECT.{bare}, or *.{bare}")), "{why}");
        }
    }
}
