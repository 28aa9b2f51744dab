//! What people read when a command fails: what failed, why, and the next step.

use std::io::IsTerminal as _;
use std::time::Duration;

use clap::ArgMatches;
use host_harness::contract::types::{Error, ErrorKind};
use host_harness::registry::PullError;
use host_harness::runtime::{CallError, LoadError, Stop};
use host_harness::service::recording::RecordingError;

use super::exit::{Exit, call_error};
use super::output::{duration, lines, say};
use super::usage::Usage;

/// What a command is about, so that a next step can be a command.
#[derive(Debug, Clone, Default)]
pub struct Subject {
    /// Name of the command.
    pub command: String,
    /// Object, when the command has one.
    pub object: Option<String>,
    /// Record, when the command has one.
    pub id: Option<String>,
    /// `--secret-env` as given; holds names of variables, no values.
    pub secrets: Vec<String>,
}

impl Subject {
    /// Of the command line that `matches`; `secrets`: its `--secret-env`.
    pub fn of(matches: &ArgMatches, secrets: &[String]) -> Self {
        let Some((command, matches)) = matches.subcommand() else { return Self::default() };
        let text = |name| matches.try_get_one::<String>(name).ok().flatten().cloned();
        let (object, id) = (text("object"), text("id"));
        Self { command: command.to_owned(), object, id, secrets: secrets.to_vec() }
    }
}

/// Says on stderr why a command failed; answers how it ends.
pub fn report(error: &anyhow::Error, subject: &Subject) -> Exit {
    let exit = Exit::of(error);
    if exit == Exit::Done {
        return exit;
    }
    say(&format!("{} {}", red("error:"), lines(&in_one(error))));
    if let Some(next) = next_step(error, subject) {
        say(&format!("  next: {}", lines(&next)));
    }
    exit
}

/// An error with its causes. Some texts quote their cause already; it is not said twice.
pub fn in_one(error: &anyhow::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        let more = inner.to_string();
        if !text.ends_with(&more) {
            text.push_str(": ");
            text.push_str(&more);
        }
        cause = inner.source();
    }
    text
}

/// What a person does next.
pub fn next_step(error: &anyhow::Error, subject: &Subject) -> Option<String> {
    error.chain().find_map(|cause| {
        if let Some(usage) = cause.downcast_ref::<Usage>() {
            return usage.next.clone();
        }
        match (call_error(cause), cause.downcast_ref()) {
            (Some(CallError::Connector(error)), _) => after_answer(error, subject),
            (Some(CallError::TooLarge), _) => Some(smaller(subject)),
            (Some(CallError::Stopped { reason, wrote }), _) => {
                Some(after_stop(reason, *wrote, subject))
            }
            (None, Some(LoadError::Unreadable { .. })) => {
                Some("name the connector's file with --component FILE".to_owned())
            }
            (None, Some(LoadError::NotAComponent { .. } | LoadError::NotAConnector { .. })) => {
                Some("name a component that was built for connector:api@0.2.0".to_owned())
            }
            _ if matches!(cause.downcast_ref(), Some(RecordingError::Cut { .. })) => {
                Some("--partial takes the calls before the cut".to_owned())
            }
            _ => cause.downcast_ref().and_then(after_pull),
        }
    })
}

/// One row a case: what a person does when a published component was not had.
fn after_pull(error: &PullError) -> Option<String> {
    Some(
        match error {
            PullError::Registry(_) => "--allow-private allows addresses, ports and this machine",
            PullError::Unreachable { .. } => {
                "try again; a registry at a private address needs --allow-private"
            }
            PullError::Denied { .. } => {
                "log in by `docker login` and give its file: --registry-auth FILE"
            }
            PullError::NotFound { .. } => {
                "compare the name and the digest with those of the release"
            }
            PullError::WrongDigest { .. } => {
                "tell the owner of the registry; the release's file can be given instead"
            }
            PullError::NotAComponent { .. } => "give the digest of the component's own image",
            PullError::Unsigned(_) | PullError::Untrusted { .. } => {
                "compare the file of --trusted-key with the key that the publisher names"
            }
            _ => return None,
        }
        .to_owned(),
    )
}

/// One row a case: what a person does next.
pub fn after_answer(error: &Error, subject: &Subject) -> Option<String> {
    let object = subject.object.as_deref().unwrap_or("OBJECT");
    Some(match &error.kind {
        ErrorKind::Unauthenticated => credentials(subject),
        ErrorKind::Forbidden => {
            "ask the provider for the right or plan that this needs; `check` shows what this connection may use"
                .to_owned()
        }
        ErrorKind::Conflict(existing) => {
            let id = existing.as_ref()?;
            format!("`get {object} {id}` shows the record that is there, `update` changes it")
        }
        ErrorKind::InvalidInput(_) => format!("`describe {object}` shows what is accepted"),
        ErrorKind::RateLimited(Some(ms)) => {
            let wait = Duration::from_secs(u64::from(ms.div_ceil(1_000)));
            format!("try again in {}", duration(wait))
        }
        ErrorKind::RateLimited(None) => "try again later".to_owned(),
        ErrorKind::QuotaExhausted(back) => {
            let back = back.map(|ms| duration(Duration::from_millis(ms.into())));
            let when = back.map_or("try again tomorrow".to_owned(), |back| format!("wait {back}"));
            format!("{when}, or ask the provider for a larger quota")
        }
        ErrorKind::Unavailable => "try again later; --trace shows each request".to_owned(),
        ErrorKind::OutcomeUnknown => look(subject),
        ErrorKind::CursorExpired => "run it again: the scan starts from its beginning".to_owned(),
        ErrorKind::Unsupported => format!("`describe {object}` shows what is offered"),
        // Nothing was answered, so it may be a setting or a secret: then the message names it.
        ErrorKind::Internal if error.http_status.is_none() => {
            "correct what the message names; if it names nothing of yours, tell the connector's \
             author; --verbose shows more"
                .to_owned()
        }
        ErrorKind::Internal => {
            "look at what the message names; if that is right, tell the connector's author, with \
             the request id; --trace and --verbose show more"
                .to_owned()
        }
        ErrorKind::NotFound => return None,
    })
}

fn after_stop(reason: &Stop, wrote: bool, subject: &Subject) -> String {
    if wrote {
        return look(subject);
    }
    match reason {
        Stop::OutOfTime | Stop::OutOfMemory | Stop::TooMuchData => smaller(subject),
        Stop::NoInstance(_) => "try again later".to_owned(),
        _ => "tell the connector's author; --verbose shows the connector's own log".to_owned(),
    }
}

fn credentials(subject: &Subject) -> String {
    if subject.secrets.is_empty() {
        return "`connect` again, or give the right secret with --secret-env NAME=VARIABLE; \
                `inspect` shows the names"
            .to_owned();
    }
    let given: Vec<String> =
        subject.secrets.iter().map(|pair| format!("--secret-env {pair}")).collect();
    format!("check the secret given by {}", given.join(" and "))
}

fn look(subject: &Subject) -> String {
    let object = subject.object.as_deref().unwrap_or("OBJECT");
    match &subject.id {
        Some(id) => format!("look with `get {object} {id}` before doing it again"),
        None => {
            format!("look with `find {object}` and the same --data before doing it again")
        }
    }
}

fn smaller(subject: &Subject) -> String {
    if subject.command == "list" {
        "ask for less at once, e.g. --page-size 20".to_owned()
    } else {
        "tell the connector's author: one record is more than a call may hold".to_owned()
    }
}

/// Red where that is wanted: on a terminal, and NO_COLOR (no-color.org) is not set.
fn red(text: &str) -> String {
    let refused = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty())
        || std::env::var_os("TERM").is_some_and(|value| value == "dumb");
    if refused || !std::io::stderr().is_terminal() {
        return text.to_owned();
    }
    format!("\x1b[1;31m{text}\x1b[0m")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failed(kind: ErrorKind) -> CallError {
        CallError::Connector(Error {
            kind,
            message: "bad key".to_owned(),
            http_status: Some(401),
            provider_code: Some("4001".to_owned()),
            request_id: Some("r-1".to_owned()),
        })
    }

    #[test]
    fn an_error_says_what_failed_why_and_what_to_do() {
        let subject = Subject {
            command: "get".to_owned(),
            object: Some("orders".to_owned()),
            id: Some("7".to_owned()),
            secrets: vec!["api-key=KEY".to_owned()],
        };
        let refused = failed(ErrorKind::Unauthenticated);
        let refused = anyhow::Error::new(refused).context("getting orders 7");
        assert_eq!(
            in_one(&refused),
            "getting orders 7: the credentials were refused: bad key (HTTP 401, code 4001, request r-1)"
        );
        assert_eq!(
            next_step(&refused, &subject).unwrap(),
            "check the secret given by --secret-env api-key=KEY"
        );
        let setting = host_harness::runtime::error(ErrorKind::Internal, "Setting `x` is no URL.");
        let setting = next_step(&CallError::from(setting).into(), &subject).unwrap();
        assert!(setting.starts_with("correct what the message names"), "{setting}");
        let quota = failed(ErrorKind::RateLimited(Some(21_600_000))).into();
        assert_eq!(next_step(&quota, &subject).unwrap(), "try again in 6 h 0 min");
        let lost = failed(ErrorKind::OutcomeUnknown).into();
        assert_eq!(
            next_step(&lost, &subject).unwrap(),
            "look with `get orders 7` before doing it again"
        );
    }

    #[test]
    fn a_cause_is_not_said_twice() {
        let missing =
            LoadError::Unreadable { path: "x.wasm".into(), source: std::io::Error::other("gone") };
        let text = in_one(&anyhow::Error::new(missing));
        assert_eq!(text, "cannot read the component x.wasm: gone");
    }
}
