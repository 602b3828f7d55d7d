//! `stigmer`, the command line: translates arguments into calls of the engine and what it answers into text, JSON
//! lines and an exit code. It decides nothing about runs.

mod args;
mod ask;
mod auth;
mod complete;
mod config;
mod doctor;
mod exit;
mod host;
mod image;
mod json;
mod open;
mod output;
mod run;
mod runs;
mod sandbox;
mod secret;
mod server;
mod session;
mod snapshot;
mod table;

use std::process::ExitCode;
use std::time::Duration;

use clap::Parser as _;

use crate::args::{Arguments, Command};
use crate::exit::Exit;
use crate::output::Output;

fn main() -> ExitCode {
    let arguments = Arguments::try_parse().unwrap_or_else(|told| {
        // Help was asked for and goes to standard output; mistakes go to standard error. Where neither is
        // open there is nobody to tell.
        let _ = told.print();
        let exit = if told.use_stderr() { Exit::Engine } else { Exit::Success };
        std::process::exit(exit.code())
    });
    start_logging();
    let output = Output::new(arguments.verbose, arguments.quiet);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let exit = match runtime {
        Ok(runtime) => {
            let exit = runtime.block_on(dispatch(arguments, &output));
            // A thread may wait for a reader of our output that takes nothing; it must not keep us.
            runtime.shutdown_timeout(Duration::from_millis(200));
            exit
        }
        Err(error) => Err(exit::Failure::from(error)),
    };
    let exit = exit.unwrap_or_else(|failure| output.failure(&failure));
    std::process::exit(exit.code());
}

async fn dispatch(arguments: Arguments, output: &Output) -> Result<Exit, exit::Failure> {
    if let Command::Completions { shell } = arguments.command {
        return complete::completions(shell);
    }
    let sources = config::sources(&arguments)?;
    match arguments.command {
        Command::Run(options) => run::run(*options, sources, output).await,
        Command::Runs(command) => runs::runs(*command, sources, output).await,
        Command::Image(command) => image::image(*command, sources, output).await,
        Command::Snapshot(command) => snapshot::snapshot(*command, sources, output).await,
        Command::Auth(command) => auth::auth(command, &sources, output).await,
        Command::Sandbox(command) => sandbox::sandbox(*command, sources, output).await,
        Command::Config(command) => config::config(command, &sources, output),
        Command::Session(command) => session::session(&command, output),
        Command::Secret(command) => secret::secret(command, output).await,
        Command::Server(command) => server::server(command, sources, output).await,
        Command::Doctor(options) => doctor::doctor(&options, &sources, output).await,
        Command::Completions { shell } => complete::completions(shell),
        Command::Open => open::open(),
        Command::Host => host::host(sources).await,
    }
}

/// The app's own log goes to standard error, and only what `STIGMER_LOG` asks for.
fn start_logging() {
    let Ok(filter) = std::env::var("STIGMER_LOG") else { return };
    let filter = tracing_subscriber::EnvFilter::new(filter);
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::IsTerminal::is_terminal(&std::io::stderr()))
        .init();
}
