//! `connector-host`: runs any connector from a terminal.

mod cli;

use std::process::ExitCode;

use cli::exit::Exit;

fn main() -> ExitCode {
    let call = match cli::parse(std::env::args_os()) {
        Ok(call) => call,
        Err(exit) => return exit.into(),
    };
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(why) => {
            cli::output::say(&format!("error: the runtime cannot start: {why}"));
            return Exit::Failed.into();
        }
    };
    let exit = runtime.block_on(cli::run(call));
    // An interrupted command may still read from a terminal, and nobody waits for that.
    runtime.shutdown_background();
    exit.into()
}
