//! The arguments of `stigmer runs`.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Subcommand, ValueEnum};
use stigmer_engine::spec::Mode;

use super::{duration, mode};

#[derive(Debug, Default, Args)]
pub(crate) struct RunsArguments {
    #[command(subcommand)]
    pub command: Option<RunsCommand>,
    #[command(flatten)]
    pub filters: Filters,
}

#[derive(Debug, Subcommand)]
pub(crate) enum RunsCommand {
    /// List runs, newest first (this is what `stigmer runs` does)
    List(List),
    /// Show everything that is known about a run
    Show {
        #[command(flatten)]
        run: Which,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Print what a run printed, byte for byte
    Logs(Logs),
    /// Search the output of one run or of all
    Search(Search),
    /// Run it again, exactly as it was
    Rerun(Rerun),
    /// End a run that goes on, with its whole process tree
    Cancel {
        /// Runs, each by the beginning or end of its id
        #[arg(required = true, value_name = "RUN")]
        runs: Vec<String>,
        /// Force it at once
        #[arg(long, short)]
        force: bool,
    },
    /// Show how two runs differ: output, exit, time
    Compare {
        /// The earlier run
        #[arg(value_name = "RUN")]
        before: String,
        /// The later run
        #[arg(value_name = "RUN")]
        after: String,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Write a run to a file: its output, or all there is as JSON
    Export(Export),
    /// Keep a run whatever its age
    Pin {
        #[command(flatten)]
        run: Which,
        /// Keep it no longer than others
        #[arg(long)]
        undo: bool,
    },
    /// Remove runs and their logs
    Rm {
        /// Runs, each by the beginning or end of its id
        #[arg(required = true, value_name = "RUN")]
        runs: Vec<String>,
    },
    /// Remove old runs by the retention settings
    Prune {
        /// Remove those older than this, such as 7d
        #[arg(long, value_name = "TIME", value_parser = duration)]
        older_than: Option<Duration>,
        /// Then remove the oldest until the logs take no more than this, such as 1GiB
        #[arg(long, value_name = "SIZE")]
        keep: Option<String>,
        /// Say what would go; remove nothing
        #[arg(long)]
        dry_run: bool,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
}

#[derive(Debug, Default, Args)]
pub(crate) struct List {
    /// Words that the command must contain
    #[arg(value_name = "TEXT")]
    pub text: Vec<String>,
    #[command(flatten)]
    pub filters: Filters,
}

#[derive(Debug, Default, Args)]
pub(crate) struct Filters {
    /// Only runs in this state, such as running or failed; several with commas between them
    #[arg(long, value_delimiter = ',')]
    pub state: Vec<String>,
    /// Only runs in this mode
    #[arg(long, short, value_parser = mode)]
    pub mode: Vec<Mode>,
    /// Only runs with this label
    #[arg(long)]
    pub label: Vec<String>,
    /// Only runs on this folder
    #[arg(long, value_name = "DIR")]
    pub workspace: Option<PathBuf>,
    /// Only runs started since then: 2h, 3d or 2026-01-31
    #[arg(long, value_name = "TIME")]
    pub since: Option<String>,
    /// Only runs started before then
    #[arg(long, value_name = "TIME")]
    pub until: Option<String>,
    /// Only pinned runs
    #[arg(long)]
    pub pinned: bool,
    /// How many at most; 0 for all
    #[arg(long, short = 'n', default_value_t = 25)]
    pub limit: usize,
    /// Print JSON, one object a line
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Which {
    /// The beginning or end of its id, or `last`
    #[arg(value_name = "RUN", default_value = "last")]
    pub run: String,
}

#[derive(Debug, Args)]
pub(crate) struct Logs {
    #[command(flatten)]
    pub run: Which,
    /// Go on until the run ends
    #[arg(long, short)]
    pub follow: bool,
    /// Only this stream
    #[arg(long, value_enum)]
    pub stream: Option<StreamName>,
    /// Begin at this byte of the log
    #[arg(long, value_name = "OFFSET", default_value_t = 0, conflicts_with = "lines")]
    pub from: u64,
    /// Only these lines, such as 100:200, 100: or -20 for the last 20
    #[arg(long, value_name = "RANGE", allow_hyphen_values = true, conflicts_with_all = ["follow", "stream", "json"])]
    pub lines: Option<String>,
    /// Put the time before each line
    #[arg(long, short = 't', conflicts_with_all = ["json", "lines"])]
    pub timestamps: bool,
    /// Print JSON, one object a line
    #[arg(long)]
    pub json: bool,
}

impl Logs {
    /// All of the log of a run.
    pub(crate) fn of(run: String) -> Self {
        let run = Which { run };
        Self { run, follow: false, stream: None, from: 0, lines: None, timestamps: false, json: false }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum StreamName {
    Stdout,
    Stderr,
    System,
}

#[derive(Debug, Args)]
pub(crate) struct Search {
    /// A regular expression
    pub pattern: String,
    /// Runs to search, each by the beginning or end of its id [default: all, newest first]
    #[arg(value_name = "RUN")]
    pub runs: Vec<String>,
    /// The pattern is plain text
    #[arg(long, short = 'F')]
    pub fixed: bool,
    /// Upper and lower case are the same
    #[arg(long, short)]
    pub ignore_case: bool,
    /// Show this many lines before and after each match
    #[arg(long, short = 'C', value_name = "LINES", default_value_t = 0)]
    pub context: usize,
    /// Print only the number of matching lines
    #[arg(long, short, conflicts_with_all = ["json", "context"])]
    pub count: bool,
    /// Print JSON, one object a line
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Rerun {
    #[command(flatten)]
    pub run: Which,
    /// Give a variable its value; needed for those that were set, since records keep no values
    #[arg(long, short, value_name = "NAME=VALUE")]
    pub env: Vec<OsString>,
    /// Where to run it this time
    #[arg(long, short, value_parser = mode)]
    pub mode: Option<Mode>,
    /// Run in the cloud though the setting `daytona.monthly_limit` is reached
    #[arg(long)]
    pub over_limit: bool,
    /// Print JSON, one object a line, instead of the output itself
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Export {
    #[command(flatten)]
    pub run: Which,
    /// What to write
    #[arg(long, value_enum, default_value_t = ExportFormat::Raw)]
    pub format: ExportFormat,
    /// The file [default: standard output]
    #[arg(long, short, value_name = "FILE")]
    pub output: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ExportFormat {
    /// The output, byte for byte
    Raw,
    /// The output as plain text, without colours and control characters
    Text,
    /// Record, events and output as JSON lines
    Json,
}
