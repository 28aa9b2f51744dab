//! The command line: one file a command, and what they share.

/// The subcommands of a command: what each takes, and the function that runs it. Where the command
/// is named before them, it has no arguments of its own.
macro_rules! subcommands {
    ($(#[$about:meta])* $args:ident: $($subcommands:tt)*) => {
        $(#[$about])*
        #[derive(Debug, clap::Args)]
        pub struct $args {
            #[command(subcommand)]
            command: Command,
        }

        /// Runs the command.
        ///
        /// # Errors
        /// Those of the command.
        pub async fn run(args: &$args, context: &Context) -> anyhow::Result<Exit> {
            args.command.run(context).await
        }

        subcommands! { $($subcommands)* }
    };
    ($($(#[$doc:meta])* $name:ident($args:ty) by $run:path,)*) => {
        #[derive(Debug, clap::Subcommand)]
        enum Command {
            $($(#[$doc])* $name($args),)*
        }

        impl Command {
            async fn run(&self, context: &Context) -> anyhow::Result<Exit> {
                match self {
                    $(Self::$name(args) => Box::pin($run(args, context)).await.map(Exit::from),)*
                }
            }
        }
    };
}

mod api;
mod cache;
mod changes;
mod check;
mod completions;
mod component;
mod connect;
mod connecting;
mod connections;
mod console;
mod context;
mod dead_letters;
mod deliveries;
mod describe;
mod disconnect;
mod egress;
mod errors;
pub mod exit;
mod export;
mod filter;
mod forwards;
mod input;
mod inspect;
mod invoke;
mod journal;
mod list;
mod listen;
mod log;
mod mapping;
mod mcp;
mod moved;
mod moving;
mod objects;
mod options;
pub mod output;
mod plan;
mod print;
mod progress;
mod push;
mod read;
mod record;
mod records;
mod replay;
mod rules;
mod schema;
mod secret_value;
mod secrets;
mod serve;
pub mod signals;
mod source;
mod state;
mod state_directory;
mod state_file;
mod status;
mod subscribe;
mod sync;
mod tokens;
mod told;
mod trace;
mod unsubscribe;
mod usage;
mod verify;
mod view;
mod watch;
mod with;
mod write;

use std::ffi::OsString;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use anyhow::Result;
use clap::{CommandFactory as _, FromArgMatches as _, Parser};
use host_harness::grants::Renewals;
use host_harness::service::jobs::Shutdown;

use self::context::{Context, Recordings};
use self::egress::egress_options;
use self::errors::{Subject, report};
use self::exit::Exit;
use self::options::{CommonOptions, RepeatedOptions};
use self::usage::Usage;
use self::watch::Watch;

/// Time for a command that ends itself to do so: less than the 30 s after which service managers
/// and container runtimes kill.
const GRACE: Duration = Duration::from_secs(20);
/// Time for an interrupted command to write out what it has.
const FAREWELL: Duration = Duration::from_millis(500);
/// Time for a renewal to come to its end; a request for tokens takes 10 s at most.
const RENEWAL: Duration = Duration::from_secs(15);

const AFTER_HELP: &str = "\
Examples:
  connector-host --component connector.wasm inspect
  connector-host --component connector.wasm --secret-env api-key=API_KEY list orders --max 10
  export CONNECTOR_COMPONENT=connector.wasm
  connector-host get orders 1234 --secret-env api-key=API_KEY
  connector-host connect

Exit codes:
  0 done, 1 failed, 2 wrong usage, 3 partly done, 4 needs other credentials, 130 interrupted

Ctrl-C and SIGTERM end it well, a second one at once. For commands that go on without end this is
their end: 0.

Requests go straight to the provider, whatever proxy the environment names: see --proxy.";

/// Runs a connector: a sandboxed component that speaks one provider's API
#[derive(Debug, Parser)]
#[command(name = "connector-host", version, term_width = 100, after_help = AFTER_HELP)]
pub struct Cli {
    #[command(flatten)]
    options: CommonOptions,
    #[command(subcommand)]
    command: Command,
}

subcommands! {
    /// Show what the connector is, what it needs and what it may reach
    Inspect(inspect::InspectArgs) by inspect::run,
    /// Put a connector to its contract: faults, kills, hostile answers
    Verify(verify::VerifyArgs) by verify::run,
    /// Show the objects that it offers
    Objects(objects::ObjectsArgs) by objects::run,
    /// Show an object: its operations, filters, inputs and actions
    Describe(describe::DescribeArgs) by describe::run,
    /// Make a connection, or make one anew, and keep it
    Connect(connect::ConnectArgs) by connect::run,
    /// End a connection: give its grant back, and erase it
    Disconnect(disconnect::DisconnectArgs) by disconnect::run,
    /// Try whether the connection may use each object, or one
    Check(check::CheckArgs) by check::run,
    /// Print the records of an object
    List(list::ListArgs) by list::run,
    /// Print one record
    Get(read::GetArgs) by read::get,
    /// Print the records that `create` would collide with
    Find(read::FindArgs) by read::find,
    /// Make a record
    Create(write::CreateArgs) by write::create,
    /// Change a record
    Update(write::UpdateArgs) by write::update,
    /// Remove a record
    Delete(write::DeleteArgs) by write::delete,
    /// Write the records of a file or a pipe, each once
    Push(push::PushArgs) by push::run,
    /// Try a mapping file on a source
    Mapping(mapping::MappingArgs) by mapping::run,
    /// Run an action of an object
    Invoke(invoke::InvokeArgs) by invoke::run,
    /// Have events sent to a URL, or see what to do for it
    Subscribe(subscribe::SubscribeArgs) by subscribe::run,
    /// End the events of an object
    Unsubscribe(unsubscribe::UnsubscribeArgs) by unsubscribe::run,
    /// Bring what is kept of the provider's records up to date
    Sync(sync::SyncArgs) by sync::run,
    /// Print what changed
    Changes(changes::ChangesArgs) by changes::run,
    /// Show what became of a record
    Records(records::RecordsArgs) by records::run,
    /// Show and set rules over time, such as which records are late
    Rules(rules::RulesArgs) by rules::run,
    /// Print the records that are kept of an object
    Export(export::ExportArgs) by export::run,
    /// Show what happened to a connection
    Journal(journal::JournalArgs) by journal::run,
    /// Show how far the kept records are
    Status(status::StatusArgs) by status::run,
    /// Show and drop what could not be read
    DeadLetters(dead_letters::DeadLettersArgs) by dead_letters::run,
    /// Receive events and apply them
    Listen(listen::ListenArgs) by listen::run,
    /// Receive events, and read what changed again and again
    Serve(serve::ServeArgs) by serve::run,
    /// Serve tools for an agent over stdin and stdout
    Mcp(mcp::McpArgs) by mcp::run,
    /// Hand changes on to services of your own
    Forwards(forwards::ForwardsArgs) by forwards::run,
    /// Show what was received
    Deliveries(deliveries::DeliveriesArgs) by deliveries::run,
    /// Make recorded calls of the connector again, and compare
    Replay(replay::ReplayArgs) by replay::run,
    /// Keep secrets, so that they need not be handed over with each call
    Secrets(secrets::SecretsArgs) by secrets::run,
    /// Let programs call the API of this host
    Tokens(tokens::TokensArgs) by tokens::run,
    /// Show and name the kept connections
    Connections(connections::ConnectionsArgs) by connections::run,
    /// Copy, restore and check the state
    State(state_file::StateArgs) by state_file::run,
    /// Print completions for a shell
    Completions(completions::CompletionsArgs) by completions::run,
}

/// One call of the program, understood.
pub struct ParsedCommand {
    cli: Cli,
    repeated: RepeatedOptions,
    subject: Subject,
    /// Name of the command.
    command: String,
}

/// Understands the arguments. What there is to say about them has been said when this
/// answers an [`Exit`].
///
/// # Errors
/// How the program ends without running a command.
pub fn parse(arguments: impl IntoIterator<Item = OsString>) -> Result<ParsedCommand, Exit> {
    let mut grammar = grammar();
    let understood = grammar.try_get_matches_from_mut(arguments).and_then(|matches| {
        let repeated = RepeatedOptions::join(&matches)?;
        let subject = Subject::of(&matches, &repeated.secrets);
        let command = matches.subcommand_name().unwrap_or_default().to_owned();
        let cli = Cli::from_arg_matches(&matches)?;
        Ok(ParsedCommand { cli, repeated, subject, command })
    });
    understood.map_err(|error| {
        // Help that nobody reads to its end is no failure.
        let _ = error.print();
        if error.use_stderr() { Exit::Usage } else { Exit::Done }
    })
}

/// Runs the command to its end, or until the program is asked to end. Then one that goes on
/// without end comes to it by itself and has done what it was asked; any other is dropped where it
/// stands, and was interrupted.
pub async fn run(call: ParsedCommand, shutdown: Shutdown) -> Exit {
    let ParsedCommand { cli, repeated, subject, command } = call;
    let watch = Watch::new(&cli.options);
    if let Some(filter) = cli.options.log.as_deref().filter(|filter| !filter.is_empty()) {
        let shown = Arc::clone(&watch);
        if let Err(error) = log::start(filter, Arc::new(move |line| shown.tell(line))) {
            return report(&error.into(), &subject);
        }
    }
    let records = cli.options.record.is_some();
    if cli.options.redact && !records {
        let alone = Usage::new("--redact is about a recording").next("give --record DIR too");
        return report(&alone.into(), &subject);
    }
    let grants = Arc::<Mutex<Vec<Renewals>>>::default();
    let recordings = Recordings::default();
    let egress = match egress_options(&cli.options, &repeated) {
        Ok(egress) => egress,
        Err(error) => return report(&error, &subject),
    };
    let context = Context {
        egress,
        opened: Arc::default(),
        loaded: Arc::default(),
        limiter: OnceLock::new(),
        options: cli.options,
        command,
        repeated,
        watch: Arc::clone(&watch),
        grants: Arc::clone(&grants),
        recordings: Arc::clone(&recordings),
        shutdown: shutdown.clone(),
    };
    let grace = if cli.command.is_endless() { GRACE } else { Duration::ZERO };
    // A task of its own: a full pipe may hold it up, and signals are heard all the same.
    let mut task = tokio::spawn(async move { cli.command.run(&context).await });
    let over = async {
        shutdown.requested().await;
        tokio::time::sleep(grace).await;
    };
    let exit = tokio::select! {
        ended = &mut task => {
            watch.clear();
            match ended {
                Ok(Ok(exit)) => exit,
                Ok(Err(error)) => report(&error, &subject),
                // It has said so itself.
                Err(_) => Exit::Failed,
            }
        }
        () = over => {
            // Dropping the command writes out what it has.
            task.abort();
            // One that still prints holds the progress line, and may do so for long.
            if tokio::time::timeout(FAREWELL, task).await.is_ok() {
                watch.clear();
            }
            Exit::Interrupted
        }
    };
    let grants = std::mem::take(&mut *grants.lock().unwrap_or_else(PoisonError::into_inner));
    settled(&grants).await;
    let mut recordings = recordings.lock().unwrap_or_else(PoisonError::into_inner);
    if records && recordings.is_empty() && exit == Exit::Done {
        watch.say("warning: nothing was recorded: this command makes no call of the component");
    }
    for recording in recordings.drain(..) {
        watch.mention(&format!("recorded in {}", recording.finish().display()));
    }
    exit
}

/// Lets a renewal that is under way come to its end: its answer may hold the only new tokens.
/// A second signal goes without; what is lost then, the next run takes up.
async fn settled(renewals: &[Renewals]) {
    let quiet = async {
        for renewals in renewals {
            renewals.quiet().await;
        }
    };
    // What takes longer is taken up by the next run too.
    let _ = tokio::time::timeout(RENEWAL, quiet).await;
}

/// The whole command line, as `clap` takes it.
fn grammar() -> clap::Command {
    options::declare(Cli::command())
}

impl Command {
    /// Whether it goes on until the program is asked to end, and then ends itself.
    fn is_endless(&self) -> bool {
        match self {
            Self::Listen(_) | Self::Serve(_) | Self::Mcp(_) => true,
            Self::Sync(args) => args.every.is_some(),
            Self::Changes(args) => args.follow,
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(line: &str) -> ParsedCommand {
        parse(line.split(' ').map(OsString::from))
            .map_err(Exit::code)
            .unwrap_or_else(|code| panic!("{line}: {code}"))
    }

    #[test]
    fn the_command_line_is_well_formed() {
        grammar().debug_assert();
    }

    #[test]
    fn options_stand_before_and_after_the_command() {
        let call = parsed(
            "connector-host --setting a=1 --output json --trace list orders --setting b=2 --secret-env k=V --allow-private --output csv",
        );
        assert_eq!(call.repeated.settings, ["a=1", "b=2"]);
        assert_eq!(call.repeated.secrets, ["k=V"]);
        assert!(call.cli.options.trace && call.cli.options.allow_private);
        assert_eq!(call.cli.options.output, Some(output::OutputFormat::Csv));
        let call = parsed("connector-host --setting a=1 secrets --setting b=2 set k --setting c=3");
        assert_eq!(call.repeated.settings, ["a=1", "b=2", "c=3"]);
        let call = parsed("connector-host --secret-env k=V completions bash");
        assert_eq!(call.repeated.secrets, ["k=V"]);
    }

    #[test]
    fn help_ends_well_and_nonsense_does_not() {
        let exit = |line: &str| parse(line.split(' ').map(OsString::from)).err();
        assert_eq!(exit("connector-host --version"), Some(Exit::Done));
        assert_eq!(exit("connector-host list --help"), Some(Exit::Done));
        assert_eq!(exit("connector-host"), Some(Exit::Usage));
        assert_eq!(exit("connector-host list orders --max 0"), Some(Exit::Usage));
        assert_eq!(exit("connector-host lost"), Some(Exit::Usage));
    }
}
