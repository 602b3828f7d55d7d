//! The arguments of `stigmer image`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

pub(crate) const IMAGE_EXAMPLES: &str = "\
Examples:
  stigmer image                                    what there is
  stigmer image build basic                        build the basic tier here
  stigmer image build --folder . --tag mine:1      build a folder with a Dockerfile
  stigmer image verify mine:1                      ask every tool for its version
  stigmer image customize basic --name mine:2 --pip pandas==2.2.3 --apt graphviz
  stigmer image prune                              show what is not needed; --yes removes it

What takes its time is a run: it has a log, and is found again with `stigmer runs`.";

#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true, after_help = IMAGE_EXAMPLES)]
pub(crate) struct ImageArguments {
    #[command(subcommand)]
    pub command: Option<ImageCommand>,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ImageCommand {
    /// List images: size, age, use, tier, and whether they were verified
    List {
        /// Print JSON, one image a line
        #[arg(long)]
        json: bool,
    },
    /// The tiers that come with Stigmer, and whether they are here
    Tiers {
        /// Print JSON
        #[arg(long)]
        json: bool,
        /// Print the Dockerfile of a tier
        #[arg(long, value_name = "TIER", conflicts_with = "json")]
        dockerfile: Option<String>,
    },
    /// Everything about an image: layers, variables, what it starts, its tools
    Show {
        /// Its name or id
        image: String,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Build a tier, or a folder with a Dockerfile
    Build(Box<BuildOptions>),
    /// Fetch an image from its registry
    Pull(Task),
    /// Send an image to its registry
    Push(Task),
    /// Ask every tool that an image should have for its version; exits with 125 if one is missing
    Verify {
        #[command(flatten)]
        task: Task,
        /// The tier whose tools are asked for [default: what the image says, else basic]
        #[arg(long)]
        tier: Option<String>,
    },
    /// Compare the tools of two images that were verified
    Compare {
        /// The one
        before: String,
        /// The other
        after: String,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Build a copy of an image with more packages, and verify it
    Customize(Box<CustomizeOptions>),
    /// The versions of an image, with the notes about them
    History {
        /// Its name without a tag
        name: String,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Give an image one more name
    Tag {
        /// Its name or id
        image: String,
        /// The new name: NAME or NAME:TAG
        name: String,
    },
    /// Write a note about an image; an empty one takes it off
    Note {
        /// Its name or id
        image: String,
        /// The text
        text: String,
    },
    /// Remove images
    Rm {
        /// Their names or ids; of several names of an image only the given one goes
        #[arg(required = true)]
        images: Vec<String>,
        /// Also when stopped containers need them
        #[arg(long, short)]
        force: bool,
    },
    /// Show which images are not needed and what they take; --yes removes them
    Prune {
        /// Also those that have a name and no container
        #[arg(long)]
        unused: bool,
        /// Remove them
        #[arg(long, short)]
        yes: bool,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// What takes how much of the engine's disk
    Df {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
}

/// A task with one image.
#[derive(Debug, Args)]
pub(crate) struct Task {
    /// The image
    pub image: String,
    /// Print JSON, one object a line
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct BuildOptions {
    /// The tier: basic or full
    #[arg(required_unless_present = "folder", conflicts_with = "folder")]
    pub tier: Option<String>,
    /// Build this folder instead
    #[arg(long, value_name = "DIR")]
    pub folder: Option<PathBuf>,
    /// The Dockerfile, below the folder
    #[arg(long, short = 'f', value_name = "FILE", requires = "folder", default_value = "Dockerfile")]
    pub dockerfile: String,
    /// A name for the image: NAME or NAME:TAG; may be repeated
    #[arg(long, short, value_name = "NAME")]
    pub tag: Vec<String>,
    /// The stage to stop at
    #[arg(long, value_name = "STAGE")]
    pub target: Option<String>,
    /// Set a build argument; may be repeated
    #[arg(long, value_name = "NAME=VALUE")]
    pub build_arg: Vec<String>,
    /// Build every step again
    #[arg(long)]
    pub no_cache: bool,
    /// Look for newer images to build from
    #[arg(long)]
    pub pull: bool,
    /// The network of the steps
    #[arg(long, value_name = "NETWORK")]
    pub network: Option<String>,
    /// The system and processor to build for, such as linux/arm64
    #[arg(long, value_name = "PLATFORM")]
    pub platform: Option<String>,
    /// Certificates that a tier trusts besides the usual ones: for networks that look into TLS
    #[arg(long, value_name = "FILE")]
    pub certificates: Option<PathBuf>,
    /// Print JSON, one object a line
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct CustomizeOptions {
    /// The image to begin with: a name, or the tier basic or full
    pub base: String,
    /// The name of the copy: NAME or NAME:TAG
    #[arg(long, short, value_name = "NAME")]
    pub name: String,
    /// A Debian package, NAME or NAME=VERSION; may be repeated
    #[arg(long, value_name = "PACKAGE", value_delimiter = ' ')]
    pub apt: Vec<String>,
    /// A Python package, NAME or NAME==VERSION; may be repeated
    #[arg(long, value_name = "PACKAGE", value_delimiter = ' ')]
    pub pip: Vec<String>,
    /// A package of Node.js, NAME or NAME@VERSION; may be repeated
    #[arg(long, value_name = "PACKAGE", value_delimiter = ' ')]
    pub npm: Vec<String>,
    /// Print the Dockerfile; build nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Print JSON, one object a line
    #[arg(long)]
    pub json: bool,
}
