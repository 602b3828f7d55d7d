//! The arguments of `stigmer session`.

use std::path::PathBuf;

use clap::Subcommand;

pub(crate) const SESSION_EXAMPLES: &str = "\
Examples:
  stigmer run --session calc -c 'x = 6 * 7'    begins one, in the current folder
  stigmer run --session calc -c 'print(x)'     goes on in it
  stigmer session list
  stigmer session end calc                     its variables are gone, and what it runs is ended

A session ends with the app or the server, if one runs; else an hour after its last run (session.idle). Sessions in
sandboxes end with these and are not listed here.";

#[derive(Debug, Subcommand)]
pub(crate) enum SessionCommand {
    /// List those that go on here
    List {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// End sessions, with whatever they run
    End {
        /// Their names
        #[arg(required = true, value_name = "NAME")]
        names: Vec<String>,
        /// Only those of this workspace
        #[arg(long, value_name = "DIR")]
        workspace: Option<PathBuf>,
    },
}
