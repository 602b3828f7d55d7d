//! The program `stigmer-runner`: reads requests from standard input, writes replies to standard output.
//!
//! | exit code | meaning |
//! | --- | --- |
//! | 0 | the conversation came to its end, or help was asked for |
//! | 1 | the engine went away; everything that was started is ended |
//! | 2 | called by hand, or the other side does not speak the protocol |
//!
//! One thread, no runtime. `session.rs` waits for everything at once and hands it to the `run.rs` that it
//! started: `output.rs` (through `spool.rs`) and `input.rs` carry the bytes, `ending.rs` ends the processes,
//! `outbox.rs` is the only one that writes to the engine, `os.rs` the only one that knows the system.

use std::io::{IsTerminal, Write};
use std::process::ExitCode;

mod ending;
mod input;
mod os;
mod outbox;
mod output;
mod run;
mod session;
mod spawn;
mod spool;

use session::{Broken, Session};

fn main() -> ExitCode {
    let mut arguments = std::env::args_os().skip(1);
    match arguments.next() {
        None if std::io::stdin().is_terminal() => refuse(),
        None => converse(),
        Some(argument) if argument == "--help" || argument == "--version" => {
            // A reader that is gone needs no help.
            let _ = std::io::stdout().write_all(about().as_bytes());
            ExitCode::SUCCESS
        }
        Some(_) => refuse(),
    }
}

fn converse() -> ExitCode {
    match Session::open().and_then(Session::serve) {
        Ok(()) => ExitCode::SUCCESS,
        Err(Broken::Gone) => ExitCode::from(1),
        Err(Broken::Malformed) => ExitCode::from(2),
    }
}

fn refuse() -> ExitCode {
    let _ = std::io::stderr().write_all(about().as_bytes());
    ExitCode::from(2)
}

fn about() -> String {
    format!(
        "stigmer-runner {} (protocol {}): starts a command for Stigmer, carries its bytes and ends its processes.\n\
         It is started by `stigmer` and the desktop app, which talk to it over its standard input and output.\n",
        env!("CARGO_PKG_VERSION"),
        stigmer_runner::protocol::VERSION,
    )
}
