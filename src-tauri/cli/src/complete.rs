//! `stigmer completions`.

use clap::CommandFactory as _;

use crate::args::Arguments;
use crate::exit::{Exit, Failure};
use crate::output::answer;

/// Prints the completion script of a shell.
pub(crate) fn completions(shell: clap_complete::Shell) -> Result<Exit, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Arguments::command(), "stigmer", &mut script);
    answer(&String::from_utf8_lossy(&script))?;
    Ok(Exit::Success)
}
