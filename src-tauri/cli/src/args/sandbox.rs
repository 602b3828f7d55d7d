//! The arguments of `stigmer sandbox`.

use std::ffi::OsString;
use std::time::Duration;

use clap::{Args, Subcommand};
use jiff::civil::Date;

use super::duration;

pub(crate) const SANDBOX_EXAMPLES: &str = "\
Examples:
  stigmer sandbox                          what there is
  stigmer run -m sandbox --keep make       a run in a sandbox that stays
  stigmer sandbox shell stigmer-1a2b…      a shell in it
  stigmer sandbox exec stigmer-1a2b… ls    one more command in it
  stigmer sandbox cp NAME:out ./results    copy a folder of its workspace here
  stigmer sandbox rm --all                 remove the containers that nobody uses
  stigmer sandbox shell NAME --start       start a cloud sandbox that is stopped, and open a shell in it
  stigmer sandbox archive NAME             keep a cloud sandbox where it costs nothing
  stigmer sandbox resize NAME --memory 4   give a cloud sandbox more memory
  stigmer sandbox timers NAME --stop 1h --delete never
  stigmer sandbox label NAME team=ml old-  set a label, take another off
  stigmer sandbox ports NAME 3000          an address for a port of a cloud sandbox
  stigmer sandbox cost                     what runs in the cloud cost this month";

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
    /// Bring a cloud sandbox back that failed, where Daytona says that it can be; it is stopped then
    Recover(Shown),
    /// Give a cloud sandbox another size: less of it, and more disk, only while it is stopped
    Resize(Resize),
    /// Change when a cloud sandbox stops, is archived and is deleted by itself
    Timers(Timers),
    /// Set labels of a cloud sandbox, and take others off
    Label {
        #[command(flatten)]
        shown: Shown,
        /// What to set, and what to take off
        #[arg(required = true, value_name = "KEY=VALUE|KEY-")]
        labels: Vec<String>,
    },
    /// Open a shell in a sandbox
    Shell(Awake),
    /// Run one more command in a sandbox
    Exec {
        #[command(flatten)]
        awake: Awake,
        /// What to run: one argument is a shell line, several are a program and its arguments
        #[arg(required = true, trailing_var_arg = true, value_name = "COMMAND")]
        command: Vec<OsString>,
    },
    /// Copy a file or a folder from this machine into a sandbox, or from there
    #[command(after_help = CP_NOTES)]
    Cp {
        /// What is copied: a path here, or NAME:PATH in a sandbox
        from: OsString,
        /// Where to: the other of both
        to: OsString,
        /// Print JSON
        #[arg(long)]
        json: bool,
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
    Packages(Awake),
    /// Print the ports of a container that this machine reaches, or an address for a port of a cloud sandbox
    Ports {
        #[command(flatten)]
        shown: Shown,
        /// The port of a cloud sandbox; whoever knows its address gets in
        port: Option<u16>,
        /// How long the address works, at most a day
        #[arg(long = "for", value_name = "TIME", value_parser = duration, default_value = "1h", requires = "port")]
        within: Duration,
    },
    /// What runs in the cloud cost, by sandbox, day and month: an estimate
    #[command(after_help = COST_NOTES)]
    Cost(Cost),
}

const CP_NOTES: &str = "\
A path in a sandbox begins at its workspace unless it is absolute. What is copied goes into a
folder that is there, else it takes that name; what is there gives way. A path here with a colon
in it is written ./a:b.";

const COST_NOTES: &str = "\
A run costs what its sandbox costs from the moment when the run has it to the run's end, by the rates in the
settings daytona.rates. Sandboxes also cost something between runs, until they stop: see `stigmer sandbox list`.
Runs that were removed still count. The bill is at https://app.daytona.io/dashboard.";

#[derive(Debug, Args)]
pub(crate) struct Cost {
    /// The month, as 2026-01 [default: this one]
    #[arg(long, value_name = "MONTH", value_parser = month)]
    pub month: Option<Date>,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

fn month(text: &str) -> Result<Date, &'static str> {
    format!("{text}-01").parse().map_err(|_| "write a month such as 2026-01")
}

#[derive(Debug, Args)]
pub(crate) struct Resize {
    #[command(flatten)]
    pub shown: Shown,
    /// Virtual CPUs
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u32).range(1..=1024), required_unless_present_any = ["memory", "disk"])]
    pub cpu: Option<u32>,
    /// Memory in GiB
    #[arg(long, value_name = "GIB", value_parser = clap::value_parser!(u32).range(1..=65536))]
    pub memory: Option<u32>,
    /// Disk in GiB; it only grows
    #[arg(long, value_name = "GIB", value_parser = clap::value_parser!(u32).range(1..=65536))]
    pub disk: Option<u32>,
}

#[derive(Debug, Args)]
pub(crate) struct Timers {
    #[command(flatten)]
    pub shown: Shown,
    /// Stop it when it was idle for so long, such as 30m; or never
    #[arg(long, value_name = "TIME|never", value_parser = minutes, required_unless_present_any = ["archive", "delete"])]
    pub stop: Option<Minutes>,
    /// Archive it when it was stopped for so long, such as 7d; 0 for as late as Daytona allows
    #[arg(long, value_name = "TIME", value_parser = minutes)]
    pub archive: Option<Minutes>,
    /// Delete it when it was stopped for so long; 0 for as soon as it stops, or never
    #[arg(long, value_name = "TIME|never", value_parser = minutes)]
    pub delete: Option<Minutes>,
}

/// Whole minutes; `None` for never.
pub(crate) type Minutes = Option<u32>;

fn minutes(text: &str) -> Result<Minutes, String> {
    if text == "never" {
        return Ok(None);
    }
    let minutes = duration(text)?.as_secs().div_ceil(60);
    i32::try_from(minutes)
        .ok()
        .and_then(|minutes| u32::try_from(minutes).ok())
        .map(Some)
        .ok_or_else(|| "that is too long".to_owned())
}

/// A sandbox in which something is done.
#[derive(Debug, Args)]
pub(crate) struct Awake {
    #[command(flatten)]
    pub named: Named,
    /// Start a cloud sandbox that does not run; it costs while it runs
    #[arg(long)]
    pub start: bool,
}

/// A sandbox, and how it is shown.
#[derive(Debug, Args)]
pub(crate) struct Shown {
    #[command(flatten)]
    pub named: Named,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// A sandbox.
#[derive(Debug, Args)]
pub(crate) struct Named {
    /// Its name; of one in the cloud also its id
    pub name: String,
}
