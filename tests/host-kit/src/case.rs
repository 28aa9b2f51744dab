//! What the files of the kit hold.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context as _, Result};
use serde::Deserialize;
use serde_json::{Map, Value};

/// One probe of one rule.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Case {
    /// The rule of `wit/HOSTS.md`, e.g. `H-10`.
    pub rule: String,
    /// What is tried, in a few words; unique among the cases of a rule.
    pub about: String,
    /// The connector: a file of `dist/guests`, without `.wasm`.
    pub guest: String,
    /// Otherwise than in [`Case::job`]: settings, secrets, bounds.
    #[serde(default)]
    pub connection: Map<String, Value>,
    /// Calls of one connection, one after the other. None: it is enough to load the component.
    #[serde(default)]
    pub calls: Vec<Value>,
    /// What the provider answers, one request after the other; the last one is repeated.
    #[serde(default)]
    pub provider: Vec<Answer>,
    /// What must come of it.
    pub expect: Expectation,
}

/// An answer of the provider.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Answer {
    /// HTTP status.
    #[serde(default = "ok")]
    pub status: u16,
    /// Besides content type and length.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// The body; `{request}` in it stands for the whole request, as a JSON text.
    #[serde(default)]
    pub body: String,
    /// What is done instead of answering whole.
    #[serde(default)]
    pub fault: Fault,
}

fn ok() -> u16 {
    200
}

impl Default for Answer {
    fn default() -> Self {
        let (headers, body) = (BTreeMap::new(), "{}".to_owned());
        Self { status: ok(), headers, body, fault: Fault::None }
    }
}

/// What goes wrong with an answer.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Fault {
    /// Nothing.
    #[default]
    None,
    /// The connection is closed once the request has been read.
    Closed,
    /// The connection is closed in the middle of the body.
    Cut,
    /// The body is 16 MiB of spaces.
    Huge,
    /// The body is 64 MiB of spaces, packed by gzip.
    Bomb,
}

/// What must come of a case.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Expectation {
    /// The host refuses to load the component, or to make the connection.
    #[serde(default)]
    pub refused: bool,
    /// One for each call.
    #[serde(default)]
    pub outcomes: Vec<Expected>,
    /// Exactly these requests reached the provider.
    #[serde(default)]
    pub sent: Option<Vec<Texts>>,
    /// Most bytes of log lines.
    #[serde(default)]
    pub log_bytes: Option<usize>,
    /// Texts that are nowhere in the reply. Secrets never are.
    #[serde(default)]
    pub never: Vec<String>,
}

/// How a call must end.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Expected {
    /// `ok`, or the kind of the error.
    pub is: String,
    /// Texts in the answer or the message.
    #[serde(flatten)]
    pub texts: Texts,
}

/// Texts that must be there, and some that must not.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct Texts {
    /// Each is there.
    #[serde(default)]
    pub has: Vec<String>,
    /// None is there.
    #[serde(default)]
    pub not: Vec<String>,
}

impl Case {
    /// The line that a host reads: where the component is, and everything that its connection is made of.
    #[must_use]
    pub fn job(&self, guests: &Path, provider: &str) -> Value {
        let mut job = serde_json::json!({
            "component": guests.join(format!("{}.wasm", self.guest)),
            "settings": { "operator": { "base-url": provider }, "customer": {} },
            "secrets": { "api-key": ["canary-0123456789"] },
            "allow-private": true,
            "attempts": 1,
            "bounds": { "cpu-ms": 1_000, "memory-bytes": 64 << 20, "answer-bytes": 8 << 20 },
            "calls": self.calls,
        });
        if let Value::Object(members) = &mut job {
            members.extend(self.connection.clone());
        }
        let filled = job.to_string().replace("{provider}", provider);
        serde_json::from_str(&filled).unwrap_or_default()
    }

    /// Rule and topic.
    #[must_use]
    pub fn name(&self) -> String {
        format!("{}: {}", self.rule, self.about)
    }
}

/// All cases of a folder, in the order of the rules.
///
/// # Errors
/// When a file cannot be read or is not as it should be.
pub fn read_cases(folder: &Path) -> Result<Vec<Case>> {
    let mut files = Vec::new();
    for entry in folder.read_dir().with_context(|| format!("reading {}", folder.display()))? {
        files.push(entry?.path());
    }
    files.retain(|file| file.extension().is_some_and(|it| it == "json"));
    let mut cases = Vec::new();
    for file in files {
        let shown = || format!("reading {}", file.display());
        let read = std::fs::read(&file).with_context(shown)?;
        cases.extend(serde_json::from_slice::<Vec<Case>>(&read).with_context(shown)?);
    }
    cases.sort_by_key(|case| number(&case.rule));
    Ok(cases)
}

/// By what rules are sorted.
#[must_use]
pub fn number(rule: &str) -> u32 {
    rule.trim_start_matches("H-").parse().unwrap_or(u32::MAX)
}

/// The hosts of this repository.
#[derive(Debug, Clone, Deserialize)]
pub struct Hosts(pub BTreeMap<String, NamedHost>);

/// How a host is started, and what it leaves out.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct NamedHost {
    /// Program and arguments, from the top of the repository. None: the host of this kit's own language.
    #[serde(default)]
    pub command: Vec<String>,
    /// Rules that it does not offer, each with the reason.
    #[serde(default)]
    pub leaves_out: BTreeMap<String, String>,
    /// Whether its refusals begin with the rule's number.
    #[serde(default)]
    pub tells_rules: bool,
}
