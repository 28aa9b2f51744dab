//! `host-kit`: runs the cases on hosts and prints the table; or is the provider of one case, for whoever
//! writes a host.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context as _, Result};
use clap::Parser;
use host_kit::{Hosts, NamedHost, Provider, Report, read_cases, run};

/// Proves hosts against the rules of wit/HOSTS.md
#[derive(Parser)]
struct Arguments {
    /// Only hosts of hosts.json with these names [default: all]
    #[arg(long = "host", value_name = "NAME")]
    hosts: Vec<String>,
    /// A host of your own instead: a program that reads jobs and writes replies (README.md)
    #[arg(long, value_name = "PROGRAM", num_args = 1.., allow_hyphen_values = true)]
    command: Vec<String>,
    /// Only cases whose name, `RULE: TOPIC`, holds this
    #[arg(long, value_name = "TEXT", default_value = "")]
    case: String,
    /// Be the provider of the one case of --case, and print its job, until Ctrl-C
    #[arg(long)]
    serve: bool,
}

#[tokio::main]
async fn main() -> Result<ExitCode> {
    let arguments = Arguments::parse();
    let root = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."));
    let (kit, guests) = (root.join("tests/host-kit"), root.join("dist/guests").canonicalize());
    let guests = guests.context("the guests are missing: run `make guests`")?;
    let mut cases = read_cases(&kit.join("cases"))?;
    cases.retain(|case| case.name().contains(&arguments.case));
    if arguments.serve {
        let case = cases.first().context("no such case")?;
        let provider = Provider::listen(case.provider.clone()).await?;
        println!("{}", case.job(&guests, &format!("http://{}", provider.address)));
        tokio::signal::ctrl_c().await?;
        provider.sent().iter().for_each(|request| println!("{request}\n"));
        return Ok(ExitCode::SUCCESS);
    }
    let hosts = std::fs::read(kit.join("hosts.json"))?;
    let mut hosts = serde_json::from_slice::<Hosts>(&hosts)?.0;
    if !arguments.command.is_empty() {
        let (command, leaves_out) = (arguments.command, std::collections::BTreeMap::new());
        let own = NamedHost { command, leaves_out, tells_rules: false };
        hosts = [("yours".to_owned(), own)].into();
    } else if !arguments.hosts.is_empty() {
        hosts.retain(|name, _| arguments.hosts.contains(name));
    }
    let mut report = Report::default();
    for (name, host) in &hosts {
        run(&mut report, (name, host), &cases, &guests, &root).await?;
    }
    print!("{}", report.table());
    Ok(if report.is_kept() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
