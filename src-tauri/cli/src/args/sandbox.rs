//! The arguments of `stigmer sandbox`.

use std::ffi::OsString;

use clap::{Args, Subcommand};

pub(crate) const SANDBOX_EXAMPLES: &str = "\
Examples:
  stigmer sandbox                          what there is
  stigmer run -m sandbox --keep make       a run in a sandbox that stays
  stigmer sandbox shell stigmer-1a2b…      a shell in it
  stigmer sandbox exec stigmer-1a2b… ls    one more command in it
  stigmer sandbox rm --all                 remove the containers that nobody uses
  stigmer sandbox archive NAME             keep a cloud sandbox where it costs nothing";

#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true, after_help = SANDBOX_EXAMPLES)]
pub(crate) struct SandboxArguments {
    #[command(subcommand)]
    pub command: Option<SandboxCommand>,
    #[command(flatten)]
    pub list: SandboxList,
}

#[derive(Debug, Default, Args)]
pub(crate) struct SandboxList {
    /// Also the containers of others
    #[arg(long, short)]
    pub all: bool,
    /// Print JSON, one sandbox a line
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum SandboxCommand {
    /// List sandboxes
    List(SandboxList),
    /// Start a sandbox that was stopped and kept
    Start(Named),
    /// End a sandbox and what runs in it; one that is not kept is removed with that
    Stop(Named),
    /// Move the disk of a stopped cloud sandbox to the archive, where it costs nothing
    Archive(Named),
    /// Remove sandboxes, whatever they do
    Rm {
        /// Their names
        #[arg(required_unless_present = "all")]
        names: Vec<String>,
        /// All containers that nobody uses; those in the cloud are named
        #[arg(long, conflicts_with = "names")]
        all: bool,
    },
    /// Open a shell in a sandbox
    Shell(Named),
    /// Run one more command in a sandbox
    Exec {
        /// Its name
        name: String,
        /// What to run: one argument is a shell line, several are a program and its arguments
        #[arg(required = true, trailing_var_arg = true, value_name = "COMMAND")]
        command: Vec<OsString>,
    },
    /// Print what the last run in a sandbox printed
    Logs(Named),
    /// Everything about a sandbox: variables, mounts, limits
    Inspect {
        #[command(flatten)]
        named: Named,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// List the packages that are installed in a sandbox
    Packages(Named),
    /// Print the ports of a sandbox that this machine reaches
    Ports(Named),
}

/// A sandbox.
#[derive(Debug, Args)]
pub(crate) struct Named {
    /// Its name; of one in the cloud also its id
    pub name: String,
}
