//! Records as they may be shown: JSON as it came, digit for digit, without the data of persons where that is
//! hidden. What is hidden is replaced by signs of one length, so that the length tells nothing.

use connector_state::views::ViewFile;
use indexmap::IndexMap;
use serde_json::Value;
use serde_json::value::RawValue;

/// What stands where personal data stood.
pub const HIDDEN: &str = "▒▒▒▒▒▒▒▒";
/// Stands for each item of a list.
const EACH: &str = "*";
/// Deeper values are hidden as a whole.
const DEPTH: usize = 64;

/// Which members of an object's records are hidden.
#[derive(Debug, Clone)]
pub enum Mask {
    /// None.
    Nothing,
    /// These, and all that lies below them.
    Members(Vec<Vec<String>>),
    /// Every text but ids and times: nobody says which are personal.
    Texts,
}

impl Mask {
    /// For records of an object, by the view file of their connector. Members that are called as another
    /// object hold its records, and what is personal in those is so here too.
    #[must_use]
    pub fn of(file: Option<&ViewFile>, object: &str, hides: bool) -> Self {
        if !hides {
            return Self::Nothing;
        }
        let view = file.and_then(|file| Some((file, file.objects.get(object)?)));
        let Some((file, view)) = view else { return Self::Texts };
        let mut members: Vec<Vec<String>> = view.personal.iter().map(|it| segments(it)).collect();
        for (name, held) in file.objects.iter().filter(|(name, _)| *name != object) {
            for pointer in &held.personal {
                let within = [name.clone(), EACH.to_owned()];
                members.push(within.into_iter().chain(segments(pointer)).collect());
            }
        }
        Self::Members(members)
    }

    /// A record's JSON text.
    #[must_use]
    pub fn text(&self, json: &str) -> String {
        self.at("", json)
    }

    /// The JSON text that stands at a JSON Pointer of a record.
    #[must_use]
    pub fn at(&self, pointer: &str, json: &str) -> String {
        match self {
            Self::Nothing => json.to_owned(),
            Self::Texts => texts(pointer.rsplit('/').next().unwrap_or_default(), json, DEPTH),
            Self::Members(members) => {
                let at = segments(pointer);
                let is_same = |(one, member): (&String, &String)| one == member || member == EACH;
                let mut below: Vec<&[String]> = Vec::new();
                for member in members.iter().filter(|member| at.iter().zip(*member).all(is_same)) {
                    match member.get(at.len()..) {
                        Some(rest) if !rest.is_empty() => below.push(rest),
                        _ => return hidden(json),
                    }
                }
                hide(json, &below, DEPTH)
            }
        }
    }
}

/// The names that a JSON Pointer goes by.
fn segments(pointer: &str) -> Vec<String> {
    pointer.split('/').skip(1).map(unescaped).collect()
}

fn unescaped(segment: &str) -> String {
    segment.replace("~1", "/").replace("~0", "~")
}

fn hidden(json: &str) -> String {
    if json.trim() == "null" { json.to_owned() } else { format!("\"{HIDDEN}\"") }
}

type Members = IndexMap<String, Box<RawValue>>;

/// Does this to each member of an object and item of a list; else answers `None`.
fn each(json: &str, change: impl Fn(&str, &str) -> String) -> Option<String> {
    let raw = |text: String| RawValue::from_string(text).ok();
    match json.trim_start().chars().next() {
        Some('{') => {
            let mut members: Members = serde_json::from_str(json).ok()?;
            for (name, value) in &mut members {
                *value = raw(change(name, value.get()))?;
            }
            serde_json::to_string(&members).ok()
        }
        Some('[') => {
            let mut items: Vec<Box<RawValue>> = serde_json::from_str(json).ok()?;
            for value in &mut items {
                *value = raw(change("", value.get()))?;
            }
            serde_json::to_string(&items).ok()
        }
        _ => None,
    }
}

fn hide(json: &str, members: &[&[String]], depth: usize) -> String {
    if members.is_empty() {
        return json.to_owned();
    }
    if depth == 0 || members.iter().any(|member| member.is_empty()) {
        return hidden(json);
    }
    let changed = each(json, |name, value| {
        // An item of a list has no name.
        let is_meant = |first: &str| if name.is_empty() { first == EACH } else { first == name };
        let below: Vec<&[String]> = members
            .iter()
            .filter_map(|member| member.split_first())
            .filter(|(first, _)| is_meant(first))
            .map(|(_, rest)| rest)
            .collect();
        hide(value, &below, depth - 1)
    });
    // Below a text or a number there is nothing.
    changed.unwrap_or_else(|| json.to_owned())
}

fn texts(name: &str, json: &str, depth: usize) -> String {
    let is_told = |name: &str| {
        name == "id" || name == "slug" || name.ends_with("_id") || name.ends_with("_at")
    };
    if depth == 0 {
        return hidden(json);
    }
    if json.trim_start().starts_with('"') {
        return if is_told(name) { json.to_owned() } else { hidden(json) };
    }
    each(json, |name, value| texts(name, value, depth - 1)).unwrap_or_else(|| json.to_owned())
}

/// JSON text with lines and indents; nothing else of it changes.
#[must_use]
pub fn pretty(json: &str) -> String {
    let (mut text, mut depth, mut in_text, mut is_escaped) = (String::new(), 0_usize, false, false);
    let mut before = ' ';
    for c in json.chars() {
        if in_text {
            text.push(c);
            in_text = is_escaped || c != '"';
            is_escaped = !is_escaped && c == '\\';
            continue;
        }
        let line = |text: &mut String, depth: usize| {
            text.push('\n');
            text.extend(std::iter::repeat_n("  ", depth.min(32)));
        };
        match c {
            c if c.is_ascii_whitespace() => continue,
            '"' => in_text = true,
            '}' | ']' => {
                depth = depth.saturating_sub(1);
                if !matches!(before, '{' | '[') {
                    line(&mut text, depth);
                }
            }
            _ => {}
        }
        if matches!(before, '{' | '[') && !matches!(c, '}' | ']') {
            line(&mut text, depth);
        }
        text.push(c);
        match c {
            '{' | '[' => depth += 1,
            ',' => line(&mut text, depth),
            ':' => text.push(' '),
            _ => {}
        }
        before = c;
    }
    text
}

/// A JSON value in a few words.
#[must_use]
pub fn brief(json: &str) -> String {
    match serde_json::from_str::<Value>(json) {
        Ok(Value::Null) => "–".to_owned(),
        Ok(Value::String(text)) if text.is_empty() => "\"\"".to_owned(),
        Ok(Value::String(text)) => super::text::cut(&text, 200),
        Ok(Value::Array(items)) if items.len() > 1 || items.iter().any(Value::is_object) => {
            format!("{} items", items.len())
        }
        _ => super::text::cut(json, 200),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mask() -> Mask {
        let file = r#"{"version": 1, "title": "T", "objects": {
            "parcels": {"personal": ["/customers", "/to/name"]}, "scans": {"personal": ["/place"]}}}"#;
        let file = ViewFile::read(file, &|_, _| Some(true)).unwrap();
        Mask::of(Some(&file), "parcels", true)
    }

    #[test]
    fn what_is_personal_is_hidden_and_all_else_stays_digit_for_digit() {
        let mask = mask();
        let json = r#"{"n":1.10,"customers":[{"a":"Ann"}],"to":{"name":"Bob","zip":7},"big":12345678901234567890}"#;
        let text = mask.text(json);
        assert_eq!(
            text,
            r#"{"n":1.10,"customers":"▒▒▒▒▒▒▒▒","to":{"name":"▒▒▒▒▒▒▒▒","zip":7},"big":12345678901234567890}"#
        );
        assert_eq!(mask.at("/customers/0/a", "\"Ann\""), format!("\"{HIDDEN}\""));
        assert_eq!(mask.at("/to", r#"{"name":"Bob"}"#), format!(r#"{{"name":"{HIDDEN}"}}"#));
        assert_eq!(mask.at("/n", "1.10"), "1.10");
        // What a record holds of another object is as personal there.
        let scans = r#"{"scans":[{"place":"Bonn","n":1},{"place":null}]}"#;
        let shown = format!(r#"{{"scans":[{{"place":"{HIDDEN}","n":1}},{{"place":null}}]}}"#);
        assert_eq!(mask.text(scans), shown);
        let one = format!(r#"{{"place":"{HIDDEN}"}}"#);
        assert_eq!(mask.at("/scans/1", r#"{"place":"Bonn"}"#), one);
        assert_eq!(mask.at("/scans/1/place", "\"Bonn\""), format!("\"{HIDDEN}\""));
        assert_eq!(mask.at("/scans/1/n", "1"), "1");
    }

    #[test]
    fn without_a_view_every_text_is_hidden_but_ids_and_times() {
        let text = Mask::of(None, "parcels", true)
            .text(r#"{"id":"7","made_at":"2026","who":"Ann","n":1,"l":["x"]}"#);
        assert_eq!(
            text,
            format!(r#"{{"id":"7","made_at":"2026","who":"{HIDDEN}","n":1,"l":["{HIDDEN}"]}}"#)
        );
        assert_eq!(Mask::of(None, "parcels", false).text("{\"a\":\"b\"}"), "{\"a\":\"b\"}");
    }

    #[test]
    fn pretty_adds_white_space_alone() {
        let json = r#"{"a":[1.10,{"b":"x,{\"y\": [z]"}],"c":{},"d":[]}"#;
        let text = pretty(json);
        assert!(text.contains("\n  \"a\": [\n    1.10,\n    {"), "{text}");
        assert!(text.contains("\"c\": {},") && text.contains("\"d\": []"), "{text}");
        assert!(text.contains(r#""x,{\"y\": [z]""#), "{text}");
    }
}
