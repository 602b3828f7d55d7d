//! Images: what there is, what is in them, and what is done with them.

pub mod context;
pub mod custom;
pub mod kept;
pub mod manifest;
pub mod tiers;

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// An image, as a list shows it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Image {
    /// The digest of its configuration: names it for ever.
    pub id: String,
    /// Its names.
    pub tags: Vec<String>,
    /// As registries know it, each `NAME@sha256:…`.
    pub digests: Vec<String>,
    /// Bytes on the disk, with the layers that it shares with others.
    pub size: u64,
    /// When it was made.
    pub created: Timestamp,
    /// Containers that are made from it, running or not.
    pub containers: u64,
    /// The tier that it says it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tier: Option<String>,
    /// What is kept about it.
    #[serde(flatten)]
    pub kept: Kept,
}

impl Image {
    /// The name to show it by.
    pub fn name(&self) -> &str {
        self.tags.first().map_or_else(|| short(&self.id), String::as_str)
    }
}

/// The beginning of an id, as people are shown it.
pub fn short(id: &str) -> &str {
    let id = id.trim_start_matches("sha256:");
    id.get(..12).unwrap_or(id)
}

/// What is kept about an image beside the engine, by its id.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Kept {
    /// How it was verified last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub verified: Option<Verified>,
    /// What people wrote about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// What came of asking an image for its tools.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Verified {
    /// When.
    pub at: Timestamp,
    /// The tier whose tools were asked for.
    pub tier: String,
    /// The tools, in the order of the manifest.
    pub tools: Vec<Tool>,
}

impl Verified {
    /// Tools that are missing.
    pub fn missing(&self) -> impl Iterator<Item = &Tool> {
        self.tools.iter().filter(|tool| tool.version.is_none())
    }
}

/// A tool of an image.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tool {
    /// Its name in the manifest.
    pub name: String,
    /// Its version; `None` where it is missing or says something else than expected.
    pub version: Option<String>,
    /// Why it has no version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
}

/// Everything about one image.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Detail {
    /// What a list says about it.
    #[serde(flatten)]
    pub image: Image,
    /// Its layers, the newest first.
    pub layers: Vec<Layer>,
    /// Variables that it sets.
    pub env: Vec<String>,
    /// What it starts, before the arguments.
    pub entrypoint: Vec<String>,
    /// The usual arguments.
    pub command: Vec<String>,
    /// Its usual user.
    pub user: String,
    /// Its usual folder.
    pub workdir: String,
    /// The system and processor that it is for.
    pub platform: String,
    /// Its labels.
    pub labels: BTreeMap<String, String>,
}

/// A layer of an image.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Layer {
    /// What made it.
    pub by: String,
    /// Bytes that it adds.
    pub size: u64,
    /// When it was made.
    pub created: Timestamp,
}

/// Something that can be removed, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Prunable {
    /// The image.
    pub id: String,
    /// Its names.
    pub tags: Vec<String>,
    /// Bytes on the disk, with the layers that it shares with others.
    pub size: u64,
    /// Why it is not needed.
    pub why: &'static str,
}

/// What a removal did.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Removed {
    /// Names that were taken off.
    pub untagged: Vec<String>,
    /// Images and layers that are gone.
    pub deleted: Vec<String>,
}

/// What takes how much of the engine's disk.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct DiskUse {
    /// Images.
    pub images: Share,
    /// Containers: what they wrote.
    pub containers: Share,
    /// Volumes.
    pub volumes: Share,
    /// What builds left to be quicker the next time.
    pub build_cache: Share,
}

/// One kind of what takes space.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Share {
    /// How many there are.
    pub count: u64,
    /// How many are in use.
    pub active: u64,
    /// Bytes that they take together.
    pub size: u64,
    /// Bytes that those take which are not in use.
    pub reclaimable: u64,
}
