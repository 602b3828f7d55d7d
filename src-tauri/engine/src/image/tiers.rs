//! The tiers that come with Stigmer: what `sandbox/` holds, inside the program.

use rust_embed::RustEmbed;

use crate::error::{Error, Result};

/// The tools of each tier.
pub(crate) const MANIFEST: &str = include_str!("../../../../sandbox/tools.json");

/// The label by which an image says which tier it is.
pub const TIER_LABEL: &str = "stigmer.tier";

#[derive(RustEmbed)]
#[folder = "../../sandbox"]
struct Files;

/// A tier.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tier {
    /// Its name.
    pub name: &'static str,
    /// What it holds, in one line.
    pub about: &'static str,
    /// Its Dockerfile.
    pub dockerfile: &'static str,
    /// The name that it is built under.
    pub tag: &'static str,
    /// Bytes to download, about.
    pub download: u64,
    /// Bytes on the disk, about.
    pub size: u64,
}

/// Every tier, the smaller one first. Sizes as measured on amd64.
pub const TIERS: [Tier; 2] = [
    Tier {
        name: "basic",
        about: "Python 3.11, Node.js 20, git and build tools",
        dockerfile: "Dockerfile.sandbox.basic",
        tag: "stigmer-sandbox-basic:local",
        download: 250_000_000,
        size: 650_000_000,
    },
    Tier {
        name: "full",
        about: "basic, and the command lines of clouds and clusters",
        dockerfile: "Dockerfile.sandbox.full",
        tag: "stigmer-sandbox-full:local",
        download: 1_300_000_000,
        size: 4_000_000_000,
    },
];

/// The tier of this name.
pub fn find(name: &str) -> Result<Tier> {
    TIERS.into_iter().find(|tier| tier.name == name).ok_or_else(|| Error::InvalidSpec {
        what: format!("there is no tier `{name}`"),
        hint: "the tiers are basic and full; a folder is built with `stigmer image build --folder DIR`",
    })
}

/// Every file that tiers are built from: its path and its content.
pub(crate) fn files() -> impl Iterator<Item = (String, Vec<u8>)> {
    Files::iter().filter_map(|path| Some((path.to_string(), Files::get(&path)?.data.into_owned())))
}

/// The Dockerfile of a tier.
pub fn dockerfile(tier: Tier) -> String {
    Files::get(tier.dockerfile)
        .map(|file| String::from_utf8_lossy(&file.data).into_owned())
        .unwrap_or_default()
}
