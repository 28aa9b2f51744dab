//! The command line: one file a command, and what they share.

mod cache;
mod changes;
mod check;
mod columns;
mod completions;
mod connect;
mod connecting;
mod connections;
mod context;
mod create;
mod current;
mod dead_letters;
mod delete;
mod deliveries;
mod describe;
mod disconnect;
mod document;
mod errors;
pub mod exit;
mod export;
mod filter;
mod find;
mod fresh;
mod get;
mod hidden;
mod input;
mod inspect;
mod invoke;
mod list;
mod listen;
mod log;
mod mapping;
mod nearest;
mod objects;
mod options;
pub mod output;
mod plan;
mod progress;
mod push;
mod schema;
mod secrets;
mod serve;
pub mod shutdown;
mod source;
mod state;
mod status;
mod subscribe;
mod supervise;
mod sync;
mod told;
mod trace;
mod unsubscribe;
mod update;
mod usage;
mod view;
mod watch;
mod with;

use std::ffi::OsString;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::Result;
use clap::{CommandFactory as _, FromArgMatches as _, Parser, Subcommand};
use host_harness::grants::Renewals;

use self::context::Context;
use self::errors::{Asked, report};
use self::exit::Exit;
use self::options::{Options, Repeated};
use self::shutdown::Shutdown;
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

Requests go straight to the provider: proxy settings are not used.";

/// Runs a connector: a sandboxed component that speaks one provider's API
#[derive(Debug, Parser)]
#[command(name = "connector-host", version, term_width = 100, after_help = AFTER_HELP)]
pub struct Cli {
    #[command(flatten)]
    options: Options,
    #[command(subcommand)]
    command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
enum Command {
    /// Show what the connector is, what it needs and what it may reach
    Inspect(inspect::Args),
    /// Show the objects that it offers
    Objects(objects::Args),
    /// Show an object: its operations, filters, inputs and actions
    Describe(describe::Args),
    /// Make a connection, or make one anew, and keep it
    Connect(connect::Args),
    /// End a connection: give its grant back, and erase it
    Disconnect(disconnect::Args),
    /// Try whether the connection may use each object, or one
    Check(check::Args),
    /// Print the records of an object
    List(list::Args),
    /// Print one record
    Get(get::Args),
    /// Print the records that `create` would collide with
    Find(find::Args),
    /// Make a record
    Create(create::Args),
    /// Change a record
    Update(update::Args),
    /// Remove a record
    Delete(delete::Args),
    /// Write the records of a file or a pipe, each once
    Push(push::Args),
    /// Try a mapping file on a source
    Mapping(mapping::Args),
    /// Run an action of an object
    Invoke(invoke::Args),
    /// Have events sent to a URL, or see what to do for it
    Subscribe(subscribe::Args),
    /// End the events of an object
    Unsubscribe(unsubscribe::Args),
    /// Bring what is kept of the provider's records up to date
    Sync(sync::Args),
    /// Print what changed
    Changes(changes::Args),
    /// Print the records that are kept of an object
    Export(export::Args),
    /// Show how far the kept records are
    Status(status::Args),
    /// Show and drop what could not be read
    DeadLetters(dead_letters::Args),
    /// Receive events and apply them
    Listen(listen::Args),
    /// Receive events, and read what changed again and again
    Serve(serve::Args),
    /// Show what was received
    Deliveries(deliveries::Args),
    /// Keep secrets, so that they need not be handed over with each call
    Secrets(secrets::Args),
    /// Show and name the kept connections
    Connections(connections::Args),
    /// Print completions for a shell
    Completions(completions::Args),
}

/// One call of the program, understood.
pub struct Call {
    cli: Cli,
    repeated: Repeated,
}

/// Understands the arguments. What there is to say about them has been said when this
/// answers an [`Exit`].
///
/// # Errors
/// How the program ends without running a command.
pub fn parse(arguments: impl IntoIterator<Item = OsString>) -> Result<Call, Exit> {
    let mut grammar = grammar();
    let understood = grammar.try_get_matches_from_mut(arguments).and_then(|matches| {
        let repeated = Repeated::join(&matches)?;
        let cli = Cli::from_arg_matches(&matches)?;
        Ok(Call { cli, repeated })
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
pub async fn run(call: Call, shutdown: Shutdown) -> Exit {
    let Call { cli, repeated } = call;
    let asked = cli.command.asked(&repeated);
    let watch = Watch::new(&cli.options);
    if let Some(filter) = cli.options.log.as_deref().filter(|filter| !filter.is_empty())
        && let Err(error) = log::start(filter, &(Arc::clone(&watch) as _))
    {
        return report(&error.into(), &asked);
    }
    let grants = Arc::<Mutex<Vec<Renewals>>>::default();
    let network = match repeated.network(cli.options.ca.as_deref()) {
        Ok(network) => network,
        Err(error) => return report(&error.into(), &asked),
    };
    let context = Context {
        network,
        options: cli.options,
        repeated,
        watch: Arc::clone(&watch),
        grants: Arc::clone(&grants),
        shutdown: shutdown.clone(),
    };
    let grace = if cli.command.is_endless() { GRACE } else { Duration::ZERO };
    // A task of its own: a full pipe may hold it up, and signals are heard all the same.
    let mut task = tokio::spawn(async move { dispatch(cli.command, &context).await });
    let over = async {
        shutdown.requested().await;
        tokio::time::sleep(grace).await;
    };
    let exit = tokio::select! {
        ended = &mut task => {
            watch.clear();
            match ended {
                Ok(Ok(exit)) => exit,
                Ok(Err(error)) => report(&error, &asked),
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

async fn dispatch(command: Command, context: &Context) -> Result<Exit> {
    match command {
        Command::Inspect(args) => inspect::run(&args, context).await,
        Command::Objects(args) => objects::run(&args, context).await,
        Command::Describe(args) => describe::run(&args, context).await,
        Command::Connect(args) => connect::run(&args, context).await,
        Command::Disconnect(args) => disconnect::run(&args, context).await,
        Command::Check(args) => check::run(&args, context).await,
        Command::List(args) => list::run(&args, context).await,
        Command::Get(args) => get::run(&args, context).await,
        Command::Find(args) => find::run(&args, context).await,
        Command::Create(args) => create::run(&args, context).await,
        Command::Update(args) => update::run(&args, context).await,
        Command::Delete(args) => delete::run(&args, context).await,
        Command::Push(args) => push::run(&args, context).await,
        Command::Mapping(args) => mapping::run(&args, context).await,
        Command::Invoke(args) => invoke::run(&args, context).await,
        Command::Subscribe(args) => subscribe::run(&args, context).await,
        Command::Unsubscribe(args) => unsubscribe::run(&args, context).await,
        Command::Sync(args) => sync::run(&args, context).await,
        Command::Changes(args) => changes::run(&args, context).await,
        Command::Export(args) => export::run(&args, context).await,
        Command::Status(args) => status::run(&args, context).await,
        Command::DeadLetters(args) => dead_letters::run(&args, context).await,
        Command::Listen(args) => Box::pin(listen::run(&args, context)).await,
        Command::Serve(args) => Box::pin(serve::run(&args, context)).await,
        Command::Deliveries(args) => deliveries::run(&args, context).await,
        Command::Secrets(args) => secrets::run(&args, context).await,
        Command::Connections(args) => connections::run(&args, context).await,
        Command::Completions(args) => completions::run(&args, grammar()),
    }
}

/// The whole command line, as `clap` takes it.
fn grammar() -> clap::Command {
    Repeated::declare(Cli::command())
}

impl Command {
    /// Whether it goes on until the program is asked to end, and then ends itself.
    fn is_endless(&self) -> bool {
        match self {
            Self::Listen(_) | Self::Serve(_) => true,
            Self::Sync(args) => args.every.is_some(),
            Self::Changes(args) => args.follow,
            _ => false,
        }
    }

    /// What an error text needs to know about it.
    fn asked(&self, repeated: &Repeated) -> Asked {
        let (command, object, id) = match self {
            Self::Inspect(_) => ("inspect", None, None),
            Self::Objects(_) => ("objects", None, None),
            Self::Describe(args) => ("describe", Some(&args.object), None),
            Self::Connect(_) => ("connect", None, None),
            Self::Disconnect(_) => ("disconnect", None, None),
            Self::Check(args) => ("check", args.object.as_ref(), None),
            Self::List(args) => ("list", Some(&args.object), None),
            Self::Get(args) => ("get", Some(&args.object), Some(&args.id)),
            Self::Find(args) => ("find", Some(&args.object), None),
            Self::Create(args) => ("create", Some(&args.object), None),
            Self::Update(args) => ("update", Some(&args.object), Some(&args.id)),
            Self::Delete(args) => ("delete", Some(&args.object), Some(&args.id)),
            Self::Push(args) => ("push", args.object.as_ref(), None),
            Self::Mapping(_) => ("mapping", None, None),
            Self::Invoke(args) => ("invoke", Some(&args.object), args.id.as_ref()),
            Self::Subscribe(args) => ("subscribe", Some(&args.object), None),
            Self::Unsubscribe(args) => ("unsubscribe", Some(&args.object), None),
            Self::Sync(_) => ("sync", None, None),
            Self::Changes(_) => ("changes", None, None),
            Self::Export(args) => ("export", Some(&args.object), None),
            Self::Status(_) => ("status", None, None),
            Self::DeadLetters(_) => ("dead-letters", None, None),
            Self::Listen(_) => ("listen", None, None),
            Self::Serve(_) => ("serve", None, None),
            Self::Deliveries(_) => ("deliveries", None, None),
            Self::Secrets(_) => ("secrets", None, None),
            Self::Connections(_) => ("connections", None, None),
            Self::Completions(_) => ("completions", None, None),
        };
        Asked {
            command,
            object: object.cloned(),
            id: id.cloned(),
            secrets: repeated.secrets.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(line: &str) -> Call {
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
        assert_eq!(call.cli.options.output, Some(output::Form::Csv));
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
