//! The arguments of `stigmer snapshot`.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Subcommand};

use super::duration;

pub(crate) const SNAPSHOT_EXAMPLES: &str = "\
Examples:
  stigmer snapshot                                          what there is
  stigmer snapshot create mine:1 --image python:3.13-slim   from an image of a registry
  stigmer snapshot create mine:2 --dockerfile Dockerfile --cpu 2 --memory 4
  stigmer snapshot use mine:2                               make cloud sandboxes from it
  stigmer snapshot rm mine:1";

#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true, after_help = SNAPSHOT_EXAMPLES)]
pub(crate) struct SnapshotArguments {
    #[command(subcommand)]
    pub command: Option<SnapshotCommand>,
    /// Print JSON, one snapshot a line
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum SnapshotCommand {
    /// List snapshots: state, size, what their sandboxes have, age, last use
    List {
        /// Print JSON, one snapshot a line
        #[arg(long)]
        json: bool,
    },
    /// Everything about a snapshot, and what to do next
    Show {
        /// Its name or id
        name: String,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Make one from an image of a registry, or from a Dockerfile that Daytona builds
    Create(Box<Create>),
    /// Make cloud sandboxes from this one from now on: sets `sandbox.snapshot_id` in your settings
    Use {
        /// Its name or id
        name: String,
    },
    /// Make one usable again that was not used for long
    Activate {
        /// Its name or id
        name: String,
        #[command(flatten)]
        follow: Follow,
    },
    /// Put one to sleep, which frees its place
    Deactivate {
        /// Its name or id
        name: String,
    },
    /// Delete snapshots; sandboxes that were made from them live on
    Rm {
        /// Their names or ids
        #[arg(required = true)]
        names: Vec<String>,
        /// Do not ask
        #[arg(long, short)]
        yes: bool,
    },
}

#[derive(Debug, Args)]
pub(crate) struct Create {
    /// Its name: letters, digits and `_.-:/`
    pub name: String,
    /// The image, with a tag other than `latest`, or a digest; for linux/amd64
    #[arg(long, value_name = "IMAGE", required_unless_present = "dockerfile", conflicts_with = "dockerfile")]
    pub image: Option<String>,
    /// A Dockerfile that copies no files; Daytona builds it
    #[arg(long, value_name = "FILE")]
    pub dockerfile: Option<PathBuf>,
    /// Virtual CPUs of its sandboxes
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u32).range(1..=64))]
    pub cpu: Option<u32>,
    /// Memory of its sandboxes, in GiB
    #[arg(long, value_name = "GIB", value_parser = clap::value_parser!(u32).range(1..=512))]
    pub memory: Option<u32>,
    /// Disk of its sandboxes, in GiB
    #[arg(long, value_name = "GIB", value_parser = clap::value_parser!(u32).range(1..=1024))]
    pub disk: Option<u32>,
    /// Where it is [default: the setting daytona.target, else the organization's region]
    #[arg(long, value_name = "REGION")]
    pub region: Option<String>,
    /// What runs in its sandboxes from the start, a word each time it is given
    #[arg(long, value_name = "WORD", allow_hyphen_values = true, conflicts_with = "dockerfile")]
    pub entrypoint: Vec<String>,
    #[command(flatten)]
    pub follow: Follow,
}

/// How long is waited for it.
#[derive(Debug, Args)]
pub(crate) struct Follow {
    /// Wait no longer than this; it goes on all the same
    #[arg(long, value_name = "TIME", value_parser = duration, default_value = "30m")]
    pub timeout: Duration,
    /// Do not wait
    #[arg(long, short)]
    pub detach: bool,
    /// Print the snapshot as JSON when it is ready, and nothing else
    #[arg(long)]
    pub json: bool,
}
