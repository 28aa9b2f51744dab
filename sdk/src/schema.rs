//! Inputs are checked against the schemas that the descriptor publishes, before any request:
//! a wrong input costs none.
//!
//! This is the part of JSON Schema 2020-12 that our own schemas use, in [`KEYWORDS`]; tests hold
//! it against a full implementation and refuse a schema that uses more. Two rules are narrower:
//! an `integer` is written as one (`1.0` is not), and a `pattern` has the form `^[...]+$`. A
//! member that comes twice is refused: the provider and we might each see another one.
//!
//! Schemas of inputs are closed, because many providers drop a misspelt member in silence. Another
//! version of its API may know members that these do not: [`Unknown`] lets them pass.

mod parts;
mod pattern;

pub use parts::whole;
use pattern::is_pattern;

use crate::contract::{Error, Setter, Violation};
use crate::declare::{Form, Setting};
use crate::host::Host;
use crate::json::{self, Malformed, Value};
use crate::text::{join, sort};

/// Every keyword that may stand in a schema for inputs. The second part only describes.
pub const KEYWORDS: &[&str] = &[
    "type",
    "enum",
    "properties",
    "required",
    "additionalProperties",
    "propertyNames",
    "minProperties",
    "maxProperties",
    "items",
    "minItems",
    "maxItems",
    "minLength",
    "maxLength",
    "pattern",
    "minimum",
    "maximum",
    "not",
    "anyOf",
    //
    "$schema",
    "title",
    "description",
    "format",
    "examples",
    "default",
    "writeOnly",
    // Members by what people call them in their files, so that a host can say which they meant.
    "x-also-called",
];

/// At most so many violations are told: nobody reads more, and an input may be large.
const MOST_VIOLATIONS: usize = 50;

/// At most so many known names are listed for an unknown one.
const LISTED_NAMES: usize = 20;

/// What becomes of members of an input that no schema here knows. A connector that offers it lists
/// it among its settings.
pub const UNKNOWN_MEMBERS: Setting = Setting {
    name: "unknown-members",
    title: "Members of an input that this connector does not know: `refuse` them or let them \
            `pass` to the provider",
    default: Some("refuse"),
    setter: Setter::Customer,
    form: Form::Choice(&["refuse", "pass"]),
    required_by: &[],
};

/// What becomes of members that `additionalProperties: false` excludes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unknown {
    /// They are violations.
    Refuse,
    /// They are none.
    Pass,
}

impl Unknown {
    /// As the connection's setting says.
    ///
    /// # Errors
    /// Internal for anything but `refuse` and `pass`.
    pub fn of(host: &dyn Host) -> Result<Self, Error> {
        match host.setting(UNKNOWN_MEMBERS.name).as_deref() {
            None | Some("refuse") => Ok(Self::Refuse),
            Some("pass") => Ok(Self::Pass),
            _ => Err(Error::bad_setting(UNKNOWN_MEMBERS.name, "refuse")),
        }
    }
}

/// What stands in a schema of inputs and is not checked, or would refuse everything: keywords
/// that are not among [`KEYWORDS`], bounds that are no whole numbers or stand beside
/// `"type": "number"`, a `pattern` of another form, a text that is not JSON. For tests.
#[must_use]
pub fn faults(schema: &str) -> Vec<String> {
    let mut faults = Vec::new();
    match Value::parse(schema) {
        Ok(schema) => find_faults(&schema, "", &mut faults),
        Err(Malformed { at, expected }) => {
            faults.push(format!("it is not JSON: {expected} expected at byte {at}"));
        }
    }
    faults
}

fn find_faults(schema: &Value<'_>, at: &str, faults: &mut Vec<String>) {
    let kinds = schema.get("type").map_or_else(Vec::new, |kind| match kind.text() {
        Some(kind) => vec![kind],
        None => kind.items().iter().filter_map(Value::text).collect(),
    });
    for (keyword, rule) in schema.members() {
        let here = format!("{at}/{}", json::pointer_token(keyword));
        let fault = match keyword.as_ref() {
            "properties" => {
                for (name, member) in rule.members() {
                    let here = format!("{here}/{}", json::pointer_token(name));
                    find_faults(member, &here, faults);
                }
                None
            }
            "additionalProperties" | "propertyNames" | "items" | "not" => {
                find_faults(rule, &here, faults);
                None
            }
            "anyOf" => {
                for (index, form) in rule.items().iter().enumerate() {
                    find_faults(form, &format!("{here}/{index}"), faults);
                }
                None
            }
            "pattern" if !is_pattern(rule.text().unwrap_or_default()) => {
                Some("has another form than ^[...]+$")
            }
            "enum" if rule.items().iter().any(|item| item.text().is_none()) => {
                Some("lists something else than texts")
            }
            "minimum" | "maximum" if kinds.contains(&"number") => {
                Some("is checked of integers only")
            }
            "minimum" | "maximum" | "minLength" | "maxLength" | "minItems" | "maxItems"
            | "minProperties" | "maxProperties"
                if rule.integer().is_none() =>
            {
                Some("is not written as a whole number")
            }
            known if KEYWORDS.contains(&known) => None,
            _ => Some("is not checked"),
        };
        faults.extend(fault.map(|fault| format!("{here} {fault}")));
    }
}

/// Checks an input, and answers it as a tree.
///
/// # Errors
/// Invalid-input with a violation for each fault; `what` names the input, as in "The
/// filter is not valid".
pub fn accept<'a>(
    what: &str,
    schema: &str,
    input: &'a str,
    unknown: Unknown,
) -> Result<Value<'a>, Error> {
    let invalid = |violations: Vec<Violation>| {
        let first = violations.first().map_or(String::new(), |violation| {
            let place = if violation.pointer.is_empty() { "the whole" } else { &violation.pointer };
            format!(": {place} {}", violation.message)
        });
        let more = match violations.len() {
            0 | 1 => String::new(),
            count => format!(" (and {} more)", count - 1),
        };
        let text = format!("The {what} is not valid{first}{more}. Nothing was sent; correct it.");
        Error::invalid(text, violations)
    };
    let value = Value::parse(input).map_err(|malformed| {
        let message =
            format!("is not JSON: {} expected at byte {}", malformed.expected, malformed.at);
        invalid(vec![Violation { pointer: String::new(), message }])
    })?;
    let schema = Value::parse(schema)
        .map_err(|_| Error::internal("A schema of the connector is not JSON. Report it."))?;
    let violations = check(&schema, &value, unknown);
    if violations.is_empty() { Ok(value) } else { Err(invalid(violations)) }
}

/// Every violation of `schema` in `value`.
#[must_use]
pub fn check(schema: &Value<'_>, value: &Value<'_>, unknown: Unknown) -> Vec<Violation> {
    let mut checker = Checker { unknown, pointer: String::new(), violations: Vec::new() };
    checker.value(schema, value);
    checker.violations
}

struct Checker {
    unknown: Unknown,
    pointer: String,
    violations: Vec<Violation>,
}

impl Checker {
    fn value(&mut self, schema: &Value<'_>, value: &Value<'_>) {
        if *schema == Value::Bool(false) {
            self.refuse("is not allowed here");
        }
        self.no_member_twice(value);
        for (keyword, rule) in schema.members() {
            match (keyword.as_ref(), value) {
                ("type", _) => self.kind(rule, value),
                ("enum", _) => self.one_of(rule, value),
                ("not", _) => self.not(rule, value),
                ("anyOf", _) => self.any_of(rule, value),
                ("required", Value::Object(_)) => self.required(rule, value),
                ("properties", Value::Object(_)) => self.properties(rule, value),
                ("additionalProperties", Value::Object(_)) => self.others(schema, rule, value),
                ("propertyNames", Value::Object(_)) => self.names(rule, value),
                ("minProperties", Value::Object(members)) => {
                    self.least(rule, members.len(), "members");
                }
                ("maxProperties", Value::Object(members)) => {
                    self.most(rule, members.len(), "members");
                }
                ("items", Value::List(items)) => self.items(rule, items),
                ("minItems", Value::List(items)) => self.least(rule, items.len(), "items"),
                ("maxItems", Value::List(items)) => self.most(rule, items.len(), "items"),
                ("minLength", Value::Text(text)) => {
                    self.least(rule, text.chars().count(), "characters");
                }
                ("maxLength", Value::Text(text)) => {
                    self.most(rule, text.chars().count(), "characters");
                }
                ("pattern", Value::Text(text)) => self.pattern(rule, text),
                // Bounds are on integers; another number is none, which `type` says.
                ("minimum", Value::Number(_)) if is_ordered(value, rule, i64::lt) => {
                    self.refuse(format!("must be at least {}", number(rule)));
                }
                ("maximum", Value::Number(_)) if is_ordered(value, rule, i64::gt) => {
                    self.refuse(format!("must be at most {}", number(rule)));
                }
                _ => {}
            }
        }
    }

    fn no_member_twice(&mut self, value: &Value<'_>) {
        let mut names: Vec<_> = value.members().iter().map(|(name, _)| name.as_ref()).collect();
        sort(&mut names);
        for pair in names.windows(2) {
            if let [name, next] = pair
                && name == next
            {
                self.at(name, |checker| checker.refuse("comes twice"));
            }
        }
    }

    fn kind(&mut self, rule: &Value<'_>, value: &Value<'_>) {
        let single = std::slice::from_ref(rule);
        let kinds = if rule.text().is_some() { single } else { rule.items() };
        if !kinds.iter().any(|kind| kind.text().is_some_and(|kind| is_kind(value, kind))) {
            let names: Vec<_> = kinds.iter().filter_map(Value::text).collect();
            self.refuse(format!("must be of type {}", join(&names, " or ")));
        }
    }

    fn one_of(&mut self, rule: &Value<'_>, value: &Value<'_>) {
        if !rule.items().contains(value) {
            let names: Vec<_> = rule.items().iter().filter_map(Value::text).collect();
            self.refuse(format!("must be one of {}", join(&names, ", ")));
        }
    }

    fn not(&mut self, rule: &Value<'_>, value: &Value<'_>) {
        if !check(rule, value, self.unknown).is_empty() {
            return;
        }
        let together = rule.get("required").map_or(&[][..], Value::items);
        let names: Vec<_> = together.iter().filter_map(Value::text).collect();
        self.refuse(match names.as_slice() {
            [] => "is not allowed here".to_owned(),
            _ => format!("must not hold {} together", join(&names, " and ")),
        });
    }

    fn any_of(&mut self, rule: &Value<'_>, value: &Value<'_>) {
        let forms = rule.items();
        if forms.iter().any(|form| check(form, value, self.unknown).is_empty()) {
            return;
        }
        let wanted = forms.iter().filter_map(|form| form.get("required"));
        let names: Vec<_> = wanted.flat_map(Value::items).filter_map(Value::text).collect();
        self.refuse(match names.as_slice() {
            [] => "has none of the allowed forms".to_owned(),
            _ => format!("must hold {}", join(&names, " or ")),
        });
    }

    fn required(&mut self, rule: &Value<'_>, value: &Value<'_>) {
        for name in rule.items().iter().filter_map(Value::text) {
            if value.get(name).is_none() {
                self.at(name, |checker| checker.refuse("is required"));
            }
        }
    }

    fn properties(&mut self, rule: &Value<'_>, value: &Value<'_>) {
        for (name, member) in value.members() {
            if let Some(schema) = rule.get(name) {
                self.at(name, |checker| checker.value(schema, member));
            }
        }
    }

    fn others(&mut self, schema: &Value<'_>, rule: &Value<'_>, value: &Value<'_>) {
        let known = schema.get("properties").map_or(&[][..], Value::members);
        for (name, member) in value.members() {
            if known.iter().any(|(other, _)| other == name) {
                continue;
            }
            self.at(name, |checker| match rule {
                Value::Bool(false) if checker.unknown == Unknown::Pass => {}
                Value::Bool(false) => checker.refuse(unknown(known)),
                _ => checker.value(rule, member),
            });
        }
    }

    fn names(&mut self, rule: &Value<'_>, value: &Value<'_>) {
        for (name, _) in value.members() {
            self.at(name, |checker| {
                checker.value(rule, &Value::Text(name.clone()));
            });
        }
    }

    fn items(&mut self, rule: &Value<'_>, items: &[Value<'_>]) {
        for (index, item) in items.iter().enumerate() {
            self.at(&index.to_string(), |checker| checker.value(rule, item));
        }
    }

    fn least(&mut self, rule: &Value<'_>, count: usize, of: &str) {
        if i64::try_from(count).ok() < rule.integer() {
            self.refuse(format!("must have at least {} {of}", number(rule)));
        }
    }

    fn most(&mut self, rule: &Value<'_>, count: usize, of: &str) {
        if i64::try_from(count).ok() > rule.integer() {
            self.refuse(format!("must have at most {} {of}", number(rule)));
        }
    }

    fn pattern(&mut self, rule: &Value<'_>, text: &str) {
        let pattern = rule.text().unwrap_or_default();
        if pattern::matches(pattern, text) != Some(true) {
            self.refuse(format!("must match {pattern}"));
        }
    }

    fn at(&mut self, name: &str, inner: impl FnOnce(&mut Self)) {
        let length = self.pointer.len();
        self.pointer.push('/');
        self.pointer.push_str(&json::pointer_token(name));
        inner(self);
        self.pointer.truncate(length);
    }

    fn refuse(&mut self, message: impl Into<String>) {
        if self.violations.len() < MOST_VIOLATIONS {
            let violation = Violation { pointer: self.pointer.clone(), message: message.into() };
            self.violations.push(violation);
        }
    }
}

fn is_kind(value: &Value<'_>, kind: &str) -> bool {
    match value {
        Value::Null => kind == "null",
        Value::Bool(_) => kind == "boolean",
        Value::Number(_) => kind == "number" || kind == "integer" && value.integer().is_some(),
        Value::Text(_) => kind == "string",
        Value::List(_) => kind == "array",
        Value::Object(_) => kind == "object",
    }
}

fn is_ordered(value: &Value<'_>, rule: &Value<'_>, order: fn(&i64, &i64) -> bool) -> bool {
    value.integer().zip(rule.integer()).is_some_and(|(value, rule)| order(&value, &rule))
}

fn number<'a>(rule: &Value<'a>) -> &'a str {
    if let Value::Number(digits) = rule { digits } else { "?" }
}

fn unknown(known: &[(std::borrow::Cow<'_, str>, Value<'_>)]) -> String {
    if known.is_empty() || known.len() > LISTED_NAMES {
        return "is not a known member".to_owned();
    }
    let names: Vec<_> = known.iter().map(|(name, _)| name.as_ref()).collect();
    format!("is not a known member; known are {}", join(&names, ", "))
}

#[cfg(test)]
mod tests;
