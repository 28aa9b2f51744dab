//! `connector-host`: runs any connector from a terminal.

mod cli;

use std::process::ExitCode;

use cli::exit::Exit;

fn main() -> ExitCode {
    let call = match cli::parse(std::env::args_os()) {
        Ok(call) => call,
        Err(exit) => return exit.into(),
    };
    let started = cli::signals::listen().and_then(|shutdown| {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
        Ok((shutdown, runtime))
    });
    let (shutdown, runtime) = match started {
        Ok(started) => started,
        Err(why) => {
            cli::output::say(&format!("error: the program cannot start: {why}"));
            return Exit::Failed.into();
        }
    };
    let exit = runtime.block_on(cli::run(call, shutdown));
    // An interrupted command may still read from a terminal, and nobody waits for that.
    runtime.shutdown_background();
    exit.into()
}
