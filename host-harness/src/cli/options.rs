//! Options of every command, accepted before and after its name.

use std::ffi::OsString;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::{Arg, ArgMatches, Args, Command, FromArgMatches as _};
use host_harness::egress::{Connect, Resolved, Tcp};

use super::output::Form;
use super::usage::Usage;

/// Options about the connection, in the order in which help shows them.
const CONNECTION: [&str; 11] = [
    "component",
    "settings",
    "secrets",
    "connection",
    "state",
    "master_key",
    "allow_private",
    "ca",
    "resolve",
    "limits",
    "cache",
];

// Plain comments on these two: a docstring would become the help text of each command.

// Options that are given once: the last one wins.
#[derive(Debug, Args)]
pub struct Options {
    /// The connector: a WebAssembly component
    // No path, because `clap` says of an empty one what a user cannot make sense of.
    #[arg(long, value_name = "FILE", env = "CONNECTOR_COMPONENT")]
    pub component: Option<OsString>,

    /// Use this kept connection [default: the one named default, unless --secret-env is given]
    #[arg(long, value_name = "NAME", env = "CONNECTOR_CONNECTION")]
    pub connection: Option<OsString>,

    /// Keep connections here [default: connector-host in the user's data directory]
    #[arg(long, value_name = "DIR", env = "CONNECTOR_STATE")]
    pub state: Option<OsString>,

    /// The key that seals what is kept, where CONNECTOR_MASTER_KEY does not hold it [default:
    /// master.key in the directory of --state]
    #[arg(long, value_name = "FILE", env = "CONNECTOR_MASTER_KEY_FILE")]
    pub master_key: Option<OsString>,

    /// Allow http, addresses and any port for origins that --setting gives
    #[arg(long)]
    pub allow_private: bool,

    /// Trust the certificate authorities in this PEM file, besides the web's
    #[arg(long, value_name = "FILE")]
    pub ca: Option<PathBuf>,

    /// Keep the manifest's limits; off: requests go to this machine only
    #[arg(
        long,
        value_name = "manifest|off",
        default_value = "manifest",
        hide_possible_values = true
    )]
    pub limits: Limits,

    /// Keep compiled code here [default: connector-host in the user's cache directory]
    #[arg(long, value_name = "DIR")]
    pub cache: Option<PathBuf>,

    /// How to print [default: table on a terminal, ndjson in a pipe]
    #[arg(long, value_name = "ndjson|json|table|csv", hide_possible_values = true)]
    pub output: Option<Form>,

    /// Show each request, wait and repetition on stderr
    #[arg(long)]
    pub trace: bool,

    /// Show the connector's info and debug lines; its warnings are always shown
    #[arg(short, long)]
    pub verbose: bool,

    /// Log what the program does on stderr
    #[arg(long, value_name = "LEVEL", env = "CONNECTOR_LOG")]
    pub log: Option<String>,

    /// Show no progress
    #[arg(short, long)]
    pub quiet: bool,
}

// Options that may be given several times. `clap` would keep those before the
// command's name or those after it, so they are declared at both and joined here.
#[derive(Debug, Args)]
pub struct Repeated {
    /// Set a setting of the connector (several times)
    #[arg(long = "setting", value_name = "NAME=VALUE")]
    pub settings: Vec<String>,

    /// Hand over a secret: this environment variable holds it; a line break at its end is taken
    /// off (several times)
    #[arg(long = "secret-env", value_name = "NAME=VARIABLE")]
    pub secrets: Vec<String>,

    /// For development: this host and port are at an address of this machine, e.g.
    /// api.example.com:443=127.0.0.1:8443; needs --ca (several times)
    #[arg(long = "resolve", value_name = "HOST:PORT=ADDRESS")]
    pub resolve: Vec<String>,
}

/// Declares the options of every command: those of `command` so far, and [`Repeated`].
#[must_use]
pub fn declare(command: Command) -> Command {
    let global = |arg: Arg| arg.global(true).hide_env_values(true).help_heading("Output");
    Repeated::declare(command.mut_args(global))
}

fn resolved(given: &str) -> Result<((String, u16), SocketAddr), Usage> {
    let wrong = |why: &str| {
        Usage::new(format!("--resolve {given}: {why}"))
            .next("write HOST:PORT=ADDRESS, e.g. api.example.com:443=127.0.0.1:8443")
    };
    let (server, address) = given.split_once('=').ok_or_else(|| wrong("there is no ="))?;
    let (host, port) = server.rsplit_once(':').ok_or_else(|| wrong("there is no port"))?;
    let port: u16 = port.parse().map_err(|_| wrong("the port is no number"))?;
    let same_port = |ip: IpAddr| SocketAddr::new(ip, port);
    let address: SocketAddr = address
        .parse()
        .or_else(|_| address.parse().map(same_port))
        .map_err(|_| wrong("what stands behind = is no address"))?;
    if host.is_empty() || !address.ip().is_loopback() {
        return Err(wrong("the address is not one of this machine (127.0.0.1 or ::1)"));
    }
    Ok(((host.to_ascii_lowercase(), port), address))
}

/// Whether the manifest's limits are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Limits {
    /// Kept
    Manifest,
    /// Not kept; requests then go to this machine only
    Off,
}

impl Repeated {
    /// The network as `--resolve` changes it.
    ///
    /// # Errors
    /// [`Usage`] when one cannot be read, is not of this machine, or comes without `--ca`.
    pub fn network(&self, ca: Option<&Path>) -> Result<Arc<dyn Connect>, Usage> {
        if self.resolve.is_empty() {
            return Ok(Arc::new(Tcp));
        }
        if ca.is_none() {
            return Err(Usage::new("--resolve is for stand-ins on this machine, and needs --ca")
                .next(
                    "give --ca FILE, with the authority that signed the stand-in's certificate",
                ));
        }
        let all = self.resolve.iter().map(|given| resolved(given));
        Ok(Arc::new(Resolved::new(all.collect::<Result<_, _>>()?, Arc::new(Tcp))))
    }

    /// Declares the options at `command` and its subcommands, and theirs.
    fn declare(command: Command) -> Command {
        let without = ["completions", "help"];
        let names: Vec<String> = command
            .get_subcommands()
            .map(|sub| sub.get_name().to_owned())
            .filter(|name| !without.contains(&name.as_str()))
            .collect();
        let command =
            names.into_iter().fold(command, |all, name| all.mut_subcommand(name, Self::declare));
        Self::augment_args(command).mut_args(|arg| {
            match CONNECTION.iter().position(|id| arg.get_id() == id) {
                Some(at) => arg.display_order(at).help_heading("Connection"),
                None => arg,
            }
        })
    }

    /// Those before the command's name, then those after it.
    ///
    /// # Errors
    /// None but those of `clap` itself.
    pub fn join(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let mut joined = Self::from_arg_matches(matches)?;
        let after = matches.subcommand().map(|(_, after)| after);
        if let Some(after) = after.filter(|after| after.try_contains_id("settings").is_ok()) {
            let after = Self::join(after)?;
            joined.settings.extend(after.settings);
            joined.secrets.extend(after.secrets);
            joined.resolve.extend(after.resolve);
        }
        Ok(joined)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_may_be_set_to_this_machine_only() {
        for (given, expected) in [
            ("api.example.com:443=127.0.0.1:8443", Some("127.0.0.1:8443")),
            ("API.example.com:443=[::1]:8443", Some("[::1]:8443")),
            ("api.example.com:443=127.0.0.1", Some("127.0.0.1:443")),
            ("api.example.com:443=10.0.0.1:8443", None),
            ("api.example.com:443=93.184.216.34", None),
            ("api.example.com:443=localhost:1", None),
            ("api.example.com=127.0.0.1", None),
            (":443=127.0.0.1", None),
            ("api.example.com:443", None),
        ] {
            let found = resolved(given).ok();
            let expected = expected
                .map(|address| (("api.example.com".to_owned(), 443), address.parse().unwrap()));
            assert_eq!(found, expected, "{given}");
        }
        let given = vec!["api.example.com:443=127.0.0.1".to_owned()];
        let repeated = Repeated { settings: vec![], secrets: vec![], resolve: given };
        assert!(repeated.network(None).is_err() && repeated.network(Some(Path::new("x"))).is_ok());
    }
}
