//! The arguments, as clap reads them.

mod auth;
mod image;
mod runs;
mod sandbox;
mod server;
mod session;
mod snapshot;

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand};
use stigmer_engine::spec::{Language, Mode, Mount, Network, Port};

pub(crate) use self::runs::{
    Export, ExportFormat, Filters, List, Logs, Rerun, RunsArguments, RunsCommand, Search, StreamName,
};

pub(crate) use self::auth::{AUTH_EXAMPLES, AuthCommand, Login};
pub(crate) use self::image::{BuildOptions, CustomizeOptions, ImageArguments, ImageCommand};
pub(crate) use self::sandbox::{
    Awake, Cost, Minutes, Named, Resize, SandboxArguments, SandboxCommand, SandboxList, Shown, Timers,
};
pub(crate) use self::server::{SERVER_EXAMPLES, ServerCommand, ServerStart};
pub(crate) use self::session::{SESSION_EXAMPLES, SessionCommand};
pub(crate) use self::snapshot::{Create, Follow, SnapshotArguments, SnapshotCommand};

/// Runs commands where you choose, watches them live, stops them, and finds them again
#[derive(Debug, Parser)]
#[command(name = "stigmer", version, arg_required_else_help = true)]
pub(crate) struct Arguments {
    /// Read the user's settings from this file
    #[arg(long, global = true, value_name = "FILE", display_order = 1000)]
    pub config: Option<PathBuf>,
    /// Say what happens, also where standard error is no terminal
    #[arg(long, short, global = true, display_order = 1001)]
    pub verbose: bool,
    /// Say nothing of our own but errors
    #[arg(long, short, global = true, conflicts_with = "verbose", display_order = 1002)]
    pub quiet: bool,
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run a command, stream its output, exit with its code
    Run(Box<Run>),
    /// Find, read, repeat and remove past and present runs
    #[command(subcommand_required = false)]
    Runs(Box<RunsArguments>),
    /// Look after the images that sandboxes are made from
    #[command(visible_alias = "images", subcommand_required = false)]
    Image(Box<ImageArguments>),
    /// Look after snapshots: what sandboxes in the cloud are made from
    #[command(visible_alias = "snapshots", subcommand_required = false)]
    Snapshot(Box<SnapshotArguments>),
    /// Look after sandboxes: the containers that runs had, and those in the cloud
    #[command(visible_alias = "sandboxes", subcommand_required = false)]
    Sandbox(Box<SandboxArguments>),
    /// Look after sessions: the interpreters that keep their variables between runs
    #[command(visible_alias = "sessions", subcommand, after_help = SESSION_EXAMPLES)]
    Session(SessionCommand),
    /// Keep the key for Daytona in the OS keychain, and see what it may do
    #[command(subcommand, after_help = AUTH_EXAMPLES)]
    Auth(AuthCommand),
    /// Show and change settings
    Config(ConfigArguments),
    /// Keep named secrets for runs in the OS keychain
    #[command(subcommand)]
    Secret(SecretCommand),
    /// Carry runs out for other programs, and show them in a browser
    #[command(subcommand, after_help = SERVER_EXAMPLES)]
    Server(ServerCommand),
    /// Check what works here, what does not, and how to mend it
    Doctor(Doctor),
    /// Open the app: start it, or show the window of the one that runs
    Open,
    /// Print a completion script for a shell
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
    /// Carry out one run on behalf of a caller that does not wait
    #[command(hide = true)]
    Host,
}

const RUN_EXAMPLES: &str = "\
Examples:
  stigmer run 'make test 2>&1 | tail'      one argument is a line for the shell
  stigmer run -- grep -r 'a b' src         several are a program and its arguments, as they are
  stigmer run --lang python --file job.py  a script; without --file the code is read from standard input
  stigmer run --session calc -c 'x = 6 * 7'     Python that keeps its variables for the next run of the session
  stigmer run --timeout 5m --secret TOKEN ./deploy.sh
  stigmer run --watch='*.py' pytest        run again when a file changes
  stigmer run -m sandbox --network none make    in a container without network
  stigmer run -m daytona --bring-back make      in Daytona's cloud, and what it changed comes back
  stigmer run --json make | jq .           one JSON object a line

Exit code: the program's own; 124 timed out, 125 could not be carried out, 126 not executable,
127 not found, 130 cancelled, 128+N ended by signal N.";

#[derive(Debug, Args)]
#[command(after_help = RUN_EXAMPLES, group = clap::ArgGroup::new("language").multiple(true))]
pub(crate) struct Run {
    /// What to run: one argument is a shell line, several are a program and its arguments
    #[arg(value_name = "COMMAND", trailing_var_arg = true)]
    pub command: Vec<OsString>,
    /// Where to run it
    #[arg(long, short, value_parser = mode)]
    pub mode: Option<Mode>,
    /// The folder that the run works on [default: the current one]
    #[arg(long, value_name = "DIR")]
    pub workspace: Option<PathBuf>,
    /// The working directory, if it is not the workspace
    #[arg(long, value_name = "DIR")]
    pub workdir: Option<PathBuf>,
    /// Set a variable; a name alone takes the value it has here
    #[arg(long, short, value_name = "NAME=VALUE")]
    pub env: Vec<OsString>,
    /// Set the variables in a file of NAME=VALUE lines
    #[arg(long, value_name = "FILE")]
    pub env_file: Vec<PathBuf>,
    /// Set a variable to the secret of that name; its value is masked in the log
    #[arg(long, value_name = "NAME")]
    pub secret: Vec<String>,
    /// End the run after this time, such as 90s, 5m or 1h30m
    #[arg(long, value_name = "TIME", value_parser = duration)]
    pub timeout: Option<Duration>,
    /// Time between asking the run to end and forcing it
    #[arg(long, value_name = "TIME", value_parser = duration, default_value = "5s")]
    pub grace: Duration,
    /// Give the program a terminal
    #[arg(long, short, conflicts_with_all = ["json", "detach"])]
    pub tty: bool,
    /// Let the run write only to the workspace and temporary folders; refused where the system cannot
    #[arg(long)]
    pub guard: bool,
    /// The network of a sandbox: none, bridge, host, or the name of one; with --guard, `none` works here, too
    #[arg(long, value_name = "NETWORK", value_parser = parsed::<Network>)]
    pub network: Option<Network>,
    #[command(flatten)]
    pub sandbox: SandboxOptions,
    /// Give the program no input, also where standard input is no terminal
    #[arg(long, short = 'n', conflicts_with = "tty")]
    pub no_input: bool,
    /// The shell for a shell line [default: the setting local.shell, else sh]
    #[arg(long, value_name = "PROGRAM")]
    pub shell: Option<PathBuf>,
    /// A word to find the run by
    #[arg(long, value_name = "WORD")]
    pub label: Vec<String>,
    /// Run a script in this language; what follows are its arguments
    #[arg(long, value_name = "LANGUAGE", value_parser = language, group = "language")]
    pub lang: Option<Language>,
    /// The script's file; its ending says the language if --lang does not
    #[arg(long, short, value_name = "FILE")]
    pub file: Option<PathBuf>,
    /// The script itself, instead of a file or standard input
    #[arg(long, short, value_name = "CODE", conflicts_with = "file", requires = "language")]
    pub code: Option<String>,
    /// Run a Python script in an interpreter of this name, which keeps its variables for the next
    #[arg(long, value_name = "NAME", group = "language")]
    pub session: Option<String>,
    /// Run again when a file changes that matches; ignored files do not count
    #[arg(long, value_name = "GLOB", num_args = 0..=1, require_equals = true, default_missing_value = "**",
          conflicts_with_all = ["detach", "dry_run"])]
    pub watch: Vec<String>,
    /// Start it, print its id, and do not wait
    #[arg(long, short)]
    pub detach: bool,
    /// Copy a workspace to the cloud for the first time without asking
    #[arg(long)]
    pub yes: bool,
    /// Say where it would run and why, and what would leave this machine; run nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Print JSON, one object a line, instead of the output itself
    #[arg(long)]
    pub json: bool,
    /// Run in the cloud though the setting `daytona.monthly_limit` is reached
    #[arg(long)]
    pub over_limit: bool,
}

/// What is asked of a sandbox; settings decide about the rest.
#[derive(Debug, Default, Args)]
#[command(next_help_heading = "Sandbox")]
pub(crate) struct SandboxOptions {
    /// The image that the sandbox is made from
    #[arg(long, value_name = "IMAGE")]
    pub image: Option<String>,
    /// The snapshot that a cloud sandbox is made from [default: that of the settings, else Daytona's own]
    #[arg(long, value_name = "NAME")]
    pub snapshot: Option<String>,
    /// Bring what a run in the cloud changed in the workspace back to this machine
    #[arg(long)]
    pub bring_back: bool,
    /// CPUs that it may use, such as 2 or 0.5
    #[arg(long, value_name = "NUMBER", value_parser = cpus)]
    pub cpus: Option<f64>,
    /// Memory that it may use, such as 512M or 2GiB
    #[arg(long, value_name = "SIZE", value_parser = memory)]
    pub memory: Option<u64>,
    /// Processes that it may have
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u64).range(1..=4_194_304))]
    pub pids: Option<u64>,
    /// Let it see a folder or file: SOURCE:TARGET, or SOURCE:TARGET:ro to read only
    #[arg(long, value_name = "MOUNT", value_parser = parsed::<Mount>)]
    pub mount: Vec<Mount>,
    /// Reach a port of it at 127.0.0.1: HOST:SANDBOX
    #[arg(long, value_name = "PORT", value_parser = parsed::<Port>)]
    pub port: Vec<Port>,
    /// The user that the command runs as: UID:GID or a name of the image [default: you]
    #[arg(long, value_name = "USER")]
    pub user: Option<String>,
    /// A sandbox of its own, thrown away afterwards
    #[arg(long)]
    pub fresh: bool,
    /// A sandbox of its own that stays
    #[arg(long)]
    pub keep: bool,
    /// Run it in this sandbox, which is there, and copy nothing; see `stigmer sandbox list`
    #[arg(long, value_name = "NAME", conflicts_with_all = ["image", "snapshot", "cpus", "memory", "pids", "mount", "port", "user", "fresh", "keep", "bring_back"])]
    pub within: Option<String>,
}

#[derive(Debug, Default, Args)]
pub(crate) struct ConfigArguments {
    #[command(subcommand)]
    pub command: Option<ConfigCommand>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ConfigCommand {
    /// List every setting with its value and where it came from
    List {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Print the value of one setting
    Get {
        /// Its name, such as sandbox.ttl
        key: String,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Change a setting in the user's file
    Set {
        /// Its name, such as sandbox.ttl
        key: String,
        /// Its new value
        #[arg(allow_hyphen_values = true)]
        value: String,
        /// Change the project's file instead
        #[arg(long)]
        project: bool,
    },
    /// Remove a setting from the user's file
    Unset {
        /// Its name
        key: String,
        /// Change the project's file instead
        #[arg(long)]
        project: bool,
    },
    /// Print the path of the user's file
    Path,
    /// Open the user's file in $EDITOR, and check it afterwards
    Edit,
    /// Check every file and variable
    Check {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum SecretCommand {
    /// Keep a secret; its value is asked for, or read from standard input
    Set {
        /// Its name, which is also the variable that runs find it in
        name: String,
    },
    /// List the names of secrets
    List {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Remove secrets
    Rm {
        /// Their names
        #[arg(required = true)]
        names: Vec<String>,
    },
}

#[derive(Debug, Args)]
pub(crate) struct Doctor {
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

fn mode(name: &str) -> Result<Mode, String> {
    name.parse().map_err(|()| "the modes are local, sandbox, daytona and auto".to_owned())
}

/// Something with a text form of its own.
fn parsed<T: std::str::FromStr<Err = &'static str>>(text: &str) -> Result<T, &'static str> {
    text.parse()
}

fn cpus(text: &str) -> Result<f64, &'static str> {
    let number = text.parse().ok().filter(|cpus| (0.01..=1024.0).contains(cpus));
    number.ok_or("write a number from 0.01 to 1024")
}

fn memory(text: &str) -> Result<u64, String> {
    stigmer_engine::config::parse_size(text).map_err(|_| "write a size such as 512M or 2GiB".to_owned())
}

fn language(name: &str) -> Result<Language, String> {
    let found = Language::ALL.into_iter().find(|language| {
        language.name() == name
            || language.extension() == name
            || matches!((language, name), (Language::Javascript, "node") | (Language::Bash, "bash"))
    });
    found.ok_or_else(|| format!("the languages are {}", Language::ALL.map(Language::name).join(", ")))
}

/// A time as people write it: `90s`, `1h30m`, `2 days`; a plain number counts seconds.
pub(crate) fn duration(text: &str) -> Result<Duration, String> {
    if let Ok(seconds) = text.parse::<f64>() {
        return Duration::try_from_secs_f64(seconds).map_err(|error| error.to_string());
    }
    let expected = || "write a time such as 30s, 5m, 1h30m or 7d".to_owned();
    let span: jiff::Span = text.parse().map_err(|_| expected())?;
    let days = jiff::SpanRelativeTo::days_are_24_hours();
    let duration = span.to_duration(days).map_err(|_| expected())?;
    Duration::try_from(duration).map_err(|_| expected())
}
