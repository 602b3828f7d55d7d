//! Work on images. Each is a run like any other: it has a log, progress, a stop and a row in the history.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::text::path_form;

/// Something that is done with an image and takes its time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "task", rename_all = "snake_case", rename_all_fields = "snake_case")]
pub enum ImageTask {
    /// Fetches an image from its registry.
    Pull {
        /// Its name.
        image: String,
    },
    /// Sends an image to its registry.
    Push {
        /// Its name.
        image: String,
    },
    /// Builds an image.
    Build(Build),
    /// Asks every tool that an image should have for its version.
    Verify {
        /// Its name or id.
        image: String,
        /// The tier whose tools are asked for; that of the image if it says one, else `basic`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        tier: Option<String>,
    },
    /// Builds a copy of an image with more packages, and verifies it.
    Customize(Customize),
}

/// An image to build.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Build {
    /// What is built.
    pub source: BuildSource,
    /// Names for the image, each with or without a tag.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<String>,
    /// The stage to stop at.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
    /// Values of build arguments.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub args: BTreeMap<String, String>,
    /// Builds every step again.
    pub no_cache: bool,
    /// Looks for newer images to build from.
    pub pull: bool,
    /// The network of the steps.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub network: Option<String>,
    /// The system and processor to build for, as `linux/arm64`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub platform: Option<String>,
    /// A file with certificates that a tier trusts, besides the usual ones: for networks that look into TLS.
    #[serde(skip_serializing_if = "Option::is_none", with = "path_form::optional")]
    pub certificates: Option<PathBuf>,
}

/// Where an image is built from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", rename_all_fields = "snake_case")]
pub enum BuildSource {
    /// A tier that comes with Stigmer.
    Tier(String),
    /// A folder with a Dockerfile.
    Folder {
        /// The folder; absolute.
        #[serde(with = "path_form")]
        path: PathBuf,
        /// The Dockerfile, below the folder.
        #[serde(default = "usual_name")]
        dockerfile: String,
    },
}

fn usual_name() -> String {
    "Dockerfile".to_owned()
}

impl Default for BuildSource {
    fn default() -> Self {
        Self::Tier("basic".to_owned())
    }
}

/// A copy of an image with more packages.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Customize {
    /// The image to begin with.
    pub base: String,
    /// The name of the copy, with or without a tag.
    pub name: String,
    /// Debian packages, each `NAME` or `NAME=VERSION`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub apt: Vec<String>,
    /// Python packages, each `NAME` or `NAME==VERSION`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub pip: Vec<String>,
    /// Packages of Node.js, each `NAME` or `NAME@VERSION`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub npm: Vec<String>,
}

impl fmt::Display for ImageTask {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Pull { image } => write!(f, "pull {image}"),
            Self::Push { image } => write!(f, "push {image}"),
            Self::Verify { image, .. } => write!(f, "verify {image}"),
            Self::Customize(task) => write!(f, "customize {} as {}", task.base, task.name),
            Self::Build(build) => {
                match &build.source {
                    BuildSource::Tier(tier) => write!(f, "build the {tier} image")?,
                    BuildSource::Folder { path, dockerfile } => {
                        write!(f, "build {}", path.join(dockerfile).display())?;
                    }
                }
                build.tags.first().map_or(Ok(()), |tag| write!(f, " as {tag}"))
            }
        }
    }
}
