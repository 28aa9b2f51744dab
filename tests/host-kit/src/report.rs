//! All cases on all hosts, and the table of it.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::Result;

use crate::case::{Case, NamedHost, number};
use crate::host::{Host, Program};
use crate::judge::judge;
use crate::provider::Provider;
use crate::rust_host::RustHost;

/// What became of a rule on a host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// So many cases, all as expected.
    Kept(usize),
    /// The host leaves the rule out, and says so.
    NotOffered(String),
    /// What was otherwise.
    Broken(Vec<String>),
}

/// Rules by hosts.
#[derive(Debug, Default)]
pub struct Report(BTreeMap<u32, BTreeMap<String, Outcome>>);

/// Runs the cases on one host. `guests` holds the components, `root` the repository.
///
/// # Errors
/// When the host cannot be started, or the machine gives no port.
pub async fn run(
    report: &mut Report,
    (name, host): (&str, &NamedHost),
    cases: &[Case],
    guests: &Path,
    root: &Path,
) -> Result<()> {
    let start = || -> Result<Host> {
        Ok(match host.command.as_slice() {
            [] => Host::Rust(Box::new(RustHost::new()?)),
            command => Host::Program(Box::new(Program::start(command, root)?)),
        })
    };
    let mut running = start()?;
    for case in cases {
        let rules = report.0.entry(number(&case.rule)).or_default();
        if let Some(why) = host.leaves_out.get(&case.rule) {
            rules.insert(name.to_owned(), Outcome::NotOffered(why.clone()));
            continue;
        }
        let provider = Provider::listen(case.provider.clone()).await?;
        let job = case.job(guests, &format!("http://{}", provider.address));
        let judged = match running.run(&job).await {
            Ok(reply) => {
                let told = reply.refused.clone().unwrap_or_default();
                let is_told =
                    !host.tells_rules || !case.expect.refused || told.contains(&case.rule);
                let untold = || Err(format!("the refusal does not name the rule: {told}"));
                let judged = judge(case, &job, &reply, &provider.sent());
                judged.and_then(|()| if is_told { Ok(()) } else { untold() })
            }
            Err(why) => {
                running = start()?;
                Err(format!("{why:#}"))
            }
        };
        let outcome = rules.entry(name.to_owned()).or_insert(Outcome::Kept(0));
        match (judged, outcome) {
            (Ok(()), Outcome::Kept(cases)) => *cases += 1,
            (Err(why), Outcome::Broken(all)) => all.push(format!("{}: {why}", case.about)),
            (Err(why), outcome) => {
                *outcome = Outcome::Broken(vec![format!("{}: {why}", case.about)]);
            }
            (Ok(()), _) => {}
        }
    }
    Ok(())
}

impl Report {
    /// Whether no rule is broken.
    #[must_use]
    pub fn is_kept(&self) -> bool {
        let mut all = self.0.values().flat_map(BTreeMap::values);
        !all.any(|outcome| matches!(outcome, Outcome::Broken(_)))
    }

    /// A table of rules and hosts, then what was otherwise and what is left out.
    #[must_use]
    pub fn table(&self) -> String {
        let mut hosts: Vec<&String> = self.0.values().flat_map(BTreeMap::keys).collect();
        hosts.sort_unstable();
        hosts.dedup();
        let mut text = format!("{:6}", "RULE");
        hosts.iter().for_each(|host| text.push_str(&format!("{:13}", host.to_uppercase())));
        let mut notes = Vec::new();
        for (rule, outcomes) in &self.0 {
            text.push_str(&format!("\n{:6}", format!("H-{rule}")));
            for host in &hosts {
                let cell = match outcomes.get(*host) {
                    Some(Outcome::Kept(cases)) => format!("kept ({cases})"),
                    Some(Outcome::NotOffered(why)) => {
                        notes.push(format!("H-{rule}, {host}: not offered: {why}"));
                        "not offered".to_owned()
                    }
                    Some(Outcome::Broken(all)) => {
                        let all = all.iter().map(|why| format!("H-{rule}, {host}: BROKEN: {why}"));
                        notes.extend(all);
                        "BROKEN".to_owned()
                    }
                    None => String::new(),
                };
                text.push_str(&format!("{cell:13}"));
            }
        }
        let lines = text.lines().map(str::trim_end).chain(notes.iter().map(String::as_str));
        lines.map(|line| format!("{line}\n")).collect()
    }
}
