//! Options of every command, accepted before and after its name.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Arg, ArgMatches, Args, Command, FromArgMatches as _};

use super::output::OutputFormat;

/// Options about the connection, in the order in which help shows them.
const CONNECTION: [&str; 17] = [
    "component",
    "trusted_keys",
    "registry_auth",
    "settings",
    "secrets",
    "connection",
    "state",
    "master_key",
    "allow_private",
    "ca",
    "proxy",
    "proxy_from_env",
    "proxy_auth_env",
    "proxy_resolves",
    "resolve",
    "limits",
    "cache",
];

// Plain comments on these two: a docstring would become the help text of each command.

// Options that are given once: the last one wins.
#[derive(Debug, Clone, Args)]
pub struct CommonOptions {
    /// The connector: a WebAssembly component in a file, or in a registry as
    /// oci://HOST/REPOSITORY@sha256:DIGEST
    // No path, because `clap` says of an empty one what a user cannot make sense of.
    #[arg(long, value_name = "FILE", env = "CONNECTOR_COMPONENT")]
    pub component: Option<OsString>,

    /// Give the component's registry the credentials in this file, as `docker login` writes it
    #[arg(long, value_name = "FILE")]
    pub registry_auth: Option<PathBuf>,

    /// Use this kept connection [default: the one named default, unless --secret-env is given]
    #[arg(long, value_name = "NAME", env = "CONNECTOR_CONNECTION")]
    pub connection: Option<OsString>,

    /// Keep connections here: in a directory, or in a database (postgres://USER@HOST/DATABASE)
    /// [default: connector-host in the user's data directory]
    #[arg(long, value_name = "DIR|URL", env = "CONNECTOR_STATE", hide_env_values = true)]
    pub state: Option<OsString>,

    /// The key that seals what is kept, where CONNECTOR_MASTER_KEY does not hold it [default:
    /// master.key in the directory of --state]
    #[arg(long, value_name = "FILE", env = "CONNECTOR_MASTER_KEY_FILE")]
    pub master_key: Option<OsString>,

    /// Allow http, addresses and any port for origins that --setting gives, and for a registry
    #[arg(long)]
    pub allow_private: bool,

    /// Trust the certificate authorities in this PEM file, besides the web's
    #[arg(long, value_name = "FILE")]
    pub ca: Option<PathBuf>,

    /// Reach the provider through this proxy, http://HOST:PORT or https://HOST:PORT
    #[arg(long, value_name = "URL")]
    pub proxy: Option<String>,

    /// Reach the provider through the proxy that HTTPS_PROXY or ALL_PROXY names, but for the hosts in
    /// NO_PROXY
    #[arg(long)]
    pub proxy_from_env: bool,

    /// Give the proxy a user and a password: this environment variable holds USER:PASSWORD
    #[arg(long, value_name = "VARIABLE")]
    pub proxy_auth_env: Option<String>,

    /// Let the proxy resolve names; that they lead to no private address is up to the proxy then
    #[arg(long)]
    pub proxy_resolves: bool,

    /// Keep the manifest's limits; off: requests go to this machine only
    #[arg(
        long,
        value_name = "manifest|off",
        default_value = "manifest",
        hide_possible_values = true
    )]
    pub limits: Limits,

    /// Keep compiled code and published components here [default: connector-host in the user's cache directory]
    #[arg(long, value_name = "DIR")]
    pub cache: Option<PathBuf>,

    /// How to print [default: table on a terminal, ndjson in a pipe]
    #[arg(long, value_name = "ndjson|json|table|csv", hide_possible_values = true)]
    pub output: Option<OutputFormat>,

    /// Show each request, wait and repetition on stderr
    #[arg(long)]
    pub trace: bool,

    /// Show the connector's info and debug lines; its warnings are always shown
    #[arg(short, long)]
    pub verbose: bool,

    /// Log what the program does on stderr
    #[arg(long, value_name = "LEVEL", env = "CONNECTOR_LOG")]
    pub log: Option<String>,

    /// Keep every call of the connector in a file of this directory, sealed by the key of
    /// --master-key, for `replay`
    #[arg(long, value_name = "DIR")]
    pub record: Option<PathBuf>,

    /// With --record: keep shapes in the place of values
    #[arg(long)]
    pub redact: bool,

    /// Show no progress
    #[arg(short, long)]
    pub quiet: bool,
}

// Options that may be given several times. `clap` would keep those before the
// command's name or those after it, so they are declared at both and joined here.
#[derive(Debug, Clone, Args)]
pub struct RepeatedOptions {
    /// Set a setting of the connector (several times)
    #[arg(long = "setting", value_name = "NAME=VALUE")]
    pub settings: Vec<String>,

    /// Hand over a secret: this environment variable holds it; a line break at its end is taken
    /// off (several times)
    #[arg(long = "secret-env", value_name = "NAME=VARIABLE")]
    pub secrets: Vec<String>,

    /// Run a component of a registry only if the owner of this public key signed it; PEM, as cosign
    /// and openssl write it (several times: one of them)
    #[arg(long = "trusted-key", value_name = "FILE")]
    pub trusted_keys: Vec<PathBuf>,

    /// For development: this host and port are at an address of this machine, e.g.
    /// api.example.com:443=127.0.0.1:8443; needs --ca (several times)
    #[arg(long = "resolve", value_name = "HOST:PORT=ADDRESS")]
    pub resolve: Vec<String>,
}

/// Declares the options of every command: those of `command` so far, and [`RepeatedOptions`].
#[must_use]
pub fn declare(command: Command) -> Command {
    let global = |arg: Arg| arg.global(true).hide_env_values(true).help_heading("Output");
    RepeatedOptions::declare(command.mut_args(global))
}

/// Whether the manifest's limits are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Limits {
    /// Kept
    Manifest,
    /// Not kept; requests then go to this machine only
    Off,
}

impl RepeatedOptions {
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
            joined.trusted_keys.extend(after.trusted_keys);
        }
        Ok(joined)
    }
}
