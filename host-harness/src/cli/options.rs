//! Options of every command, accepted before and after its name.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{ArgMatches, Args, Command, FromArgMatches as _};

use super::output::Form;

// Plain comments on these two: a docstring would become the help text of each command.

// Options that are given once: the last one wins.
#[derive(Debug, Args)]
pub struct Options {
    /// The connector: a WebAssembly component
    // No path, because `clap` says of an empty one what a user cannot make sense of.
    #[arg(
        long,
        global = true,
        value_name = "FILE",
        env = "CONNECTOR_COMPONENT",
        hide_env_values = true,
        help_heading = CONNECTION,
        display_order = 1
    )]
    pub component: Option<OsString>,

    /// Use this kept connection [default: the one named default, unless --secret-env is given]
    #[arg(
        long,
        global = true,
        value_name = "NAME",
        env = "CONNECTOR_CONNECTION",
        hide_env_values = true,
        help_heading = CONNECTION,
        display_order = 4
    )]
    pub connection: Option<OsString>,

    /// Keep connections here [default: connector-host in the user's data directory]
    #[arg(
        long,
        global = true,
        value_name = "DIR",
        env = "CONNECTOR_STATE",
        hide_env_values = true,
        help_heading = CONNECTION,
        display_order = 5
    )]
    pub state: Option<OsString>,

    /// The key that seals what is kept, where CONNECTOR_MASTER_KEY does not hold it [default:
    /// master.key in the directory of --state]
    #[arg(
        long,
        global = true,
        value_name = "FILE",
        env = "CONNECTOR_MASTER_KEY_FILE",
        hide_env_values = true,
        help_heading = CONNECTION,
        display_order = 6
    )]
    pub master_key: Option<OsString>,

    /// Allow http, addresses and any port for origins that --setting gives
    #[arg(long, global = true, help_heading = CONNECTION, display_order = 7)]
    pub allow_private: bool,

    /// Trust the certificate authorities in this PEM file, besides the web's
    #[arg(
        long,
        global = true,
        value_name = "FILE",
        help_heading = CONNECTION,
        display_order = 8
    )]
    pub ca: Option<PathBuf>,

    /// Keep the manifest's limits; off: requests go to this machine only
    #[arg(
        long,
        global = true,
        value_name = "manifest|off",
        default_value = "manifest",
        hide_possible_values = true,
        help_heading = CONNECTION,
        display_order = 9
    )]
    pub limits: Limits,

    /// Keep compiled code here [default: connector-host in the user's cache directory]
    #[arg(
        long,
        global = true,
        value_name = "DIR",
        help_heading = CONNECTION,
        display_order = 10
    )]
    pub cache: Option<PathBuf>,

    /// How to print [default: table on a terminal, ndjson in a pipe]
    #[arg(
        long,
        global = true,
        value_name = "ndjson|json|table|csv",
        hide_possible_values = true,
        help_heading = OUTPUT
    )]
    pub output: Option<Form>,

    /// Show each request, wait and repetition on stderr
    #[arg(long, global = true, help_heading = OUTPUT)]
    pub trace: bool,

    /// Show the connector's info and debug lines; its warnings are always shown
    #[arg(short, long, global = true, help_heading = OUTPUT)]
    pub verbose: bool,

    /// Log what the program does on stderr
    #[arg(
        long,
        global = true,
        value_name = "LEVEL",
        env = "CONNECTOR_LOG",
        hide_env_values = true,
        help_heading = OUTPUT
    )]
    pub log: Option<String>,

    /// Show no progress
    #[arg(short, long, global = true, help_heading = OUTPUT)]
    pub quiet: bool,
}

// Options that may be given several times. `clap` would keep those before the
// command's name or those after it, so they are declared at both and joined here.
#[derive(Debug, Args)]
pub struct Repeated {
    /// Set a setting of the connector (several times)
    #[arg(
        long = "setting",
        value_name = "NAME=VALUE",
        help_heading = CONNECTION,
        display_order = 2
    )]
    pub settings: Vec<String>,

    /// Hand over a secret: this environment variable holds it; a line break at its end is taken
    /// off (several times)
    #[arg(
        long = "secret-env",
        value_name = "NAME=VARIABLE",
        help_heading = CONNECTION,
        display_order = 3
    )]
    pub secrets: Vec<String>,
}

/// Whether the manifest's limits are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Limits {
    /// Kept
    Manifest,
    /// Not kept; requests then go to this machine only
    Off,
}

const CONNECTION: &str = "Connection";
const OUTPUT: &str = "Output";

impl Repeated {
    /// Declares the options at `command` and its subcommands, and theirs.
    #[must_use]
    pub fn declare(command: Command) -> Command {
        let without = ["completions", "help"];
        let names: Vec<String> = command
            .get_subcommands()
            .map(|sub| sub.get_name().to_owned())
            .filter(|name| !without.contains(&name.as_str()))
            .collect();
        let command =
            names.into_iter().fold(command, |all, name| all.mut_subcommand(name, Self::declare));
        Self::augment_args(command)
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
        }
        Ok(joined)
    }
}
