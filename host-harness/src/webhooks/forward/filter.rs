//! Which changes are handed on.
//!
//! | filter | takes |
//! |---|---|
//! | `orders` | changes of records of this object |
//! | `status=paid` | changes after which a record's top-level member has this value |
//! | `status:open->paid` | changes that took the member from the one value to the other |
//! | `status:->paid`, `status:open->` | as before, from or to any other |
//! | `orders.status=paid` | of this object alone |
//!
//! A text is compared with what it says, anything else with its JSON. Of several filters one has
//! to take the change.

use std::collections::BTreeMap;
use std::str::FromStr;

use serde_json::value::RawValue;

use super::outbox::Outgoing;

/// One filter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Filter {
    object: Option<String>,
    rule: Rule,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Rule {
    Any,
    Is { member: String, value: String },
    Became { member: String, from: Option<String>, to: Option<String> },
}

impl FromStr for Filter {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || {
            format!(
                "\"{text}\" is no filter; write an object, MEMBER=VALUE or MEMBER:FROM->TO, each \
                 with OBJECT. before the member if need be"
            )
        };
        // Whichever comes first: values may hold any of these.
        let (left, rule) = match (text.find('='), text.find(':')) {
            (Some(at), colon) if colon.is_none_or(|colon| at < colon) => {
                let (left, value) = text.split_at(at);
                let value = value.strip_prefix('=').unwrap_or_default().to_owned();
                (left, Rule::Is { member: String::new(), value })
            }
            (_, Some(at)) => {
                let (left, both) = text.split_at(at);
                let both = both.strip_prefix(':').unwrap_or_default();
                let (from, to) = both.split_once("->").ok_or_else(wrong)?;
                let given = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
                let (from, to) = (given(from), given(to));
                if from.is_none() && to.is_none() {
                    return Err(wrong());
                }
                (left, Rule::Became { member: String::new(), from, to })
            }
            _ => {
                let object = Some(text.to_owned()).filter(|text| !text.is_empty());
                return Ok(Self { object: Some(object.ok_or_else(wrong)?), rule: Rule::Any });
            }
        };
        let (object, name) = match left.split_once('.') {
            Some((object, name)) if !object.is_empty() => (Some(object.to_owned()), name),
            Some(_) => return Err(wrong()),
            None => (None, left),
        };
        if name.is_empty() {
            return Err(wrong());
        }
        let member = name.to_owned();
        let rule = match rule {
            Rule::Is { value, .. } => Rule::Is { member, value },
            Rule::Became { from, to, .. } => Rule::Became { member, from, to },
            Rule::Any => Rule::Any,
        };
        Ok(Self { object, rule })
    }
}

impl Filter {
    /// The object that it names.
    #[must_use]
    pub fn object(&self) -> Option<&str> {
        self.object.as_deref()
    }

    /// Whether it takes this change.
    #[must_use]
    pub fn takes(&self, outgoing: &Outgoing) -> bool {
        if self.object.as_ref().is_some_and(|object| *object != outgoing.change.object) {
            return false;
        }
        let before = |member: &str| value(outgoing.before.as_deref(), member);
        let after = |member: &str| value(outgoing.after.as_deref(), member);
        match &self.rule {
            Rule::Any => true,
            Rule::Is { member, value } => after(member).as_deref() == Some(value),
            Rule::Became { member, from, to } => {
                let (before, after) = (before(member), after(member));
                let fits = |wanted: &Option<String>, found: &Option<String>| {
                    wanted.is_none() || wanted == found
                };
                before != after && fits(from, &before) && fits(to, &after)
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
    use super::super::tests::outgoing;
    use super::*;

    fn takes(filter: &str, before: Option<&str>, after: Option<&str>) -> bool {
        filter.parse::<Filter>().unwrap().takes(&outgoing(1, "orders", "r", before, after))
    }

    #[test]
    fn objects_members_and_transitions_are_told_apart() {
        let (open, paid) = (Some(r#"{"s":"open","n":1}"#), Some(r#"{"s":"paid","n":2.0}"#));
        for (filter, before, after, expected) in [
            ("orders", open, paid, true),
            ("lines", open, paid, false),
            ("s=paid", open, paid, true),
            ("s=paid", None, paid, true),
            ("s=paid", paid, open, false),
            ("s=paid", paid, None, false),
            ("n=2.0", open, paid, true),
            ("n=2", open, paid, false),
            ("missing=", open, paid, false),
            ("s:open->paid", open, paid, true),
            ("s:paid->open", open, paid, false),
            ("s:open->paid", None, paid, false),
            ("s:->paid", None, paid, true),
            ("s:->paid", paid, paid, false),
            ("s:open->", open, None, true),
            ("s:open->", open, open, false),
            ("orders.s=paid", open, paid, true),
            ("lines.s:open->paid", open, paid, false),
        ] {
            assert_eq!(takes(filter, before, after), expected, "{filter} {before:?} {after:?}");
        }
    }

    #[test]
    fn values_may_hold_anything() {
        let filter = |text: &str| text.parse::<Filter>().unwrap();
        let rule = |text: &str| filter(text).rule;
        let is = |value: &str| Rule::Is { member: "url".to_owned(), value: value.to_owned() };
        assert_eq!(rule("url=a:b->c=d"), is("a:b->c=d"));
        assert_eq!(rule("url="), is(""));
        for wrong in ["", "=a", ":a->b", "a:b", "a:->", ".s=a", "o.=a"] {
            assert!(wrong.parse::<Filter>().is_err(), "{wrong}");
        }
    }
}
