//! A key that no encoding leaves as it is, and the search for it.

/// Begins and ends with what JSON escapes; holds what percent forms, HTML and base64 change,
/// a space, a letter beyond ASCII, and nothing that a header may not hold.
pub const CANARY: &str = "\"cn/+=%~ <k>&'é\\Zq?98_7654-3210.abcXYZ\"";

/// How the key may be written. Written by hand and not by the host's own encoders, which may
/// be wrong.
pub fn forms() -> Vec<String> {
    let bytes = CANARY.as_bytes();
    let mut forms = vec![
        CANARY.to_owned(),
        // UTF-8 read as Latin-1, as some servers read headers.
        CANARY.replace('é', "Ã©"),
        hex(bytes),
        hex(bytes).to_uppercase(),
    ];
    for padded in [base64(bytes), base64(bytes).trim_end_matches('=').to_owned()] {
        forms.push(padded.replace('+', "-").replace('/', "_"));
        forms.push(padded);
    }
    let json = CANARY.replace('\\', "\\\\").replace('"', "\\\"");
    let slash = json.replace('/', "\\/");
    let ascii = json.replace('é', "\\u00e9");
    let html = ascii.replace('<', "\\u003c").replace('>', "\\u003e").replace('&', "\\u0026");
    forms.push(slash.replace('é', "\\u00e9"));
    forms.push(slash.replace('é', "\\u00E9"));
    forms.push(html.replace('\'', "\\u0027"));
    forms.extend([json, slash, ascii]);
    let percent = percent(bytes);
    forms.push(percent.replace("%20", "+"));
    forms.push(percent.replace("%2F", "/"));
    forms.push(percent.replace("%7E", "~"));
    forms.push(percent.replace("%7E", "~").replace("%27", "'"));
    forms.push(percent.to_lowercase().replace("zq", "Zq").replace("xyz", "XYZ"));
    forms.push(percent);
    forms
}

/// Those that can stand inside a JSON string as they are.
pub fn forms_in_json() -> Vec<String> {
    let fits = |form: &String| serde_json::from_str::<String>(&format!("\"{form}\"")).is_ok();
    forms().into_iter().filter(fits).collect()
}

/// Those that can be a header's value as they are.
pub fn forms_in_headers() -> Vec<String> {
    forms().into_iter().filter(|form| !form.contains(['\r', '\n'])).collect()
}

/// Texts that were seen, searched for the key in every form.
#[derive(Default)]
pub struct Seen(Vec<(String, String)>);

impl Seen {
    /// Adds what was seen, and where.
    pub fn add(&mut self, place: impl Into<String>, text: impl Into<String>) {
        self.0.push((place.into(), text.into()));
    }

    /// Adds a value as programs print it.
    pub fn add_debug(&mut self, place: impl Into<String>, value: &impl std::fmt::Debug) {
        self.add(place, format!("{value:?}\n{value:#?}"));
    }

    /// How often something stands where the key stood.
    pub fn redactions(&self) -> usize {
        self.0.iter().map(|(_, text)| text.matches("[redacted]").count()).sum()
    }

    /// Fails where the key is found.
    #[track_caller]
    pub fn assert_clean(&self) {
        for (place, text) in &self.0 {
            for form in searched() {
                assert!(!text.contains(&form), "{place} holds the key as {form}: {text}");
            }
        }
    }
}

/// Every form, as it is and as the text of a `Debug` would hold it.
fn searched() -> Vec<String> {
    let debugged = |form: &String| format!("{form:?}").trim_matches('"').to_owned();
    let forms = forms();
    let debugged: Vec<String> = forms.iter().map(debugged).collect();
    let middle = |form: String| {
        // A part is as bad as the whole: the ends are left out, where escapes begin.
        let letters: Vec<char> = form.chars().collect();
        letters[4..letters.len() - 4].iter().collect()
    };
    forms.into_iter().chain(debugged).map(middle).collect()
}

/// In lower case.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// As a form or query holds it.
pub fn percent(bytes: &[u8]) -> String {
    let one = |byte: &u8| match char::from(*byte) {
        letter if letter.is_ascii_alphanumeric() || "-_.".contains(letter) => letter.to_string(),
        _ => format!("%{byte:02X}"),
    };
    bytes.iter().map(one).collect()
}

/// RFC 4648 section 4.
pub fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for group in bytes.chunks(3) {
        let byte = |at: usize| group.get(at).copied().map_or(0, usize::from);
        let bits = (byte(0) << 16) | (byte(1) << 8) | byte(2);
        for at in 0..4 {
            let letter = LETTERS[(bits >> (18 - 6 * at)) & 63];
            text.push(if at > group.len() { '=' } else { char::from(letter) });
        }
    }
    text
}

#[test]
fn the_forms_are_what_they_should_be() {
    assert_eq!(base64(b"f"), "Zg==");
    assert_eq!(base64(b"foobar?>"), "Zm9vYmFyPz4=");
    let mut forms = forms();
    let many = forms.len();
    forms.sort();
    forms.dedup();
    assert_eq!(forms.len(), many, "each form is another one");
    assert!(forms_in_json().len() >= 12, "{:?}", forms_in_json());
}
