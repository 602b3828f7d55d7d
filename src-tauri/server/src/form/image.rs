//! Images as programs see them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use stigmer_engine::image::tiers::{self, Tier};
use stigmer_engine::spec::{Build, BuildSource, Customize};
use utoipa::ToSchema;

use crate::problem::Problem;

/// An image.
#[derive(ToSchema)]
#[schema(as = Image)]
#[expect(dead_code, reason = "names the fields of the engine's own type in the description")]
pub(crate) struct ImageForm {
    /// The digest of its configuration: names it for ever.
    id: String,
    /// Its names.
    tags: Vec<String>,
    /// As registries know it, each `NAME@sha256:…`.
    digests: Vec<String>,
    /// Bytes on the disk, with the layers that it shares with others.
    size: u64,
    /// When it was made.
    #[schema(format = DateTime)]
    created: String,
    /// Containers that are made from it, running or not.
    containers: u64,
    /// The tier that it says it is.
    #[schema(nullable = false)]
    tier: Option<String>,
    /// How it was verified last.
    #[schema(nullable = false)]
    verified: Option<VerifiedForm>,
    /// What people wrote about it.
    #[schema(nullable = false)]
    note: Option<String>,
}

/// What came of asking an image for its tools.
#[derive(ToSchema)]
#[schema(as = Verified)]
#[expect(dead_code, reason = "names the fields of the engine's own type in the description")]
pub(crate) struct VerifiedForm {
    /// When.
    #[schema(format = DateTime)]
    at: String,
    /// The tier whose tools were asked for.
    tier: String,
    /// The tools, in the order of the manifest.
    tools: Vec<ToolForm>,
}

/// A tool of an image.
#[derive(ToSchema)]
#[schema(as = Tool)]
#[expect(dead_code, reason = "names the fields of the engine's own type in the description")]
pub(crate) struct ToolForm {
    /// Its name in the manifest.
    name: String,
    /// Its version; `null` where it is missing.
    #[schema(required)]
    version: Option<String>,
    /// Why it has no version.
    #[schema(nullable = false)]
    problem: Option<String>,
}

/// Everything about one image.
#[derive(ToSchema)]
#[schema(as = ImageDetail)]
#[expect(dead_code, reason = "names the fields of the engine's own type in the description")]
pub(crate) struct ImageDetailForm {
    #[serde(flatten)]
    image: ImageForm,
    /// Its layers, the newest first.
    layers: Vec<LayerForm>,
    /// Variables that it sets.
    env: Vec<String>,
    /// What it starts, before the arguments.
    entrypoint: Vec<String>,
    /// The usual arguments.
    command: Vec<String>,
    /// Its usual user.
    user: String,
    /// Its usual folder.
    workdir: String,
    /// The system and processor that it is for.
    platform: String,
    /// Its labels.
    labels: BTreeMap<String, String>,
}

/// A layer of an image.
#[derive(ToSchema)]
#[schema(as = Layer)]
#[expect(dead_code, reason = "names the fields of the engine's own type in the description")]
pub(crate) struct LayerForm {
    /// What made it.
    by: String,
    /// Bytes that it adds.
    size: u64,
    /// When it was made.
    #[schema(format = DateTime)]
    created: String,
}

/// An image that is not needed.
#[derive(ToSchema)]
#[schema(as = Prunable)]
#[expect(dead_code, reason = "names the fields of the engine's own type in the description")]
pub(crate) struct PrunableForm {
    /// The image.
    id: String,
    /// Its names.
    tags: Vec<String>,
    /// Bytes on the disk, with the layers that it shares with others.
    size: u64,
    /// Why it is not needed.
    why: String,
}

/// What a removal did.
#[derive(ToSchema)]
#[schema(as = Removed)]
#[expect(dead_code, reason = "names the fields of the engine's own type in the description")]
pub(crate) struct RemovedForm {
    /// Names that were taken off.
    untagged: Vec<String>,
    /// Images and layers that are gone.
    deleted: Vec<String>,
}

/// A tier of images that comes with Stigmer.
#[derive(Serialize, ToSchema)]
#[schema(as = Tier)]
pub(crate) struct TierForm {
    /// Its name.
    name: &'static str,
    /// What it holds, in one line.
    about: &'static str,
    /// The name that it is built under.
    tag: &'static str,
    /// Bytes to download, about.
    download: u64,
    /// Bytes on the disk, about.
    size: u64,
    /// Its Dockerfile.
    dockerfile: String,
}

impl From<Tier> for TierForm {
    fn from(tier: Tier) -> Self {
        Self {
            name: tier.name,
            about: tier.about,
            tag: tier.tag,
            download: tier.download,
            size: tier.size,
            dockerfile: tiers::dockerfile(tier),
        }
    }
}

/// An image, by its name or id.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NamedImage {
    /// Its name or id.
    #[schema(min_length = 1)]
    pub image: String,
}

/// An image to verify.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Verification {
    /// Its name or id.
    #[schema(min_length = 1)]
    pub image: String,
    /// The tier whose tools are asked for; that of the image if it says one, else `basic`.
    pub tier: Option<String>,
}

/// One more name for an image.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewName {
    /// Its name or id.
    #[schema(min_length = 1)]
    pub image: String,
    /// The name that it gets: `NAME` or `NAME:TAG`.
    pub name: String,
}

/// A note about an image.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Note {
    /// Its name or id.
    #[schema(min_length = 1)]
    pub image: String,
    /// The text; an empty one takes the note off.
    pub note: String,
}

/// An image to remove.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Removal {
    /// Its name or id: of several names only this one goes.
    #[schema(min_length = 1)]
    pub image: String,
    /// Also when stopped containers need it.
    #[serde(default)]
    pub force: bool,
}

/// Images to remove at once.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Prune {
    /// Their ids, as the list of those that are not needed has them.
    pub ids: Vec<String>,
}

/// An image to build: a tier that comes with Stigmer, or a folder with a Dockerfile.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct NewImage {
    /// The tier.
    pub tier: Option<String>,
    /// The folder; absolute.
    pub folder: Option<String>,
    /// The Dockerfile, below the folder; `Dockerfile` by default.
    pub dockerfile: Option<String>,
    /// Names for the image.
    pub tags: Vec<String>,
    /// The stage to stop at.
    pub target: Option<String>,
    /// Values of build arguments.
    pub args: BTreeMap<String, String>,
    /// Builds every step again.
    pub no_cache: bool,
    /// Looks for newer images to build from.
    pub pull: bool,
    /// The network of the steps.
    pub network: Option<String>,
    /// The system and processor to build for, as `linux/arm64`.
    pub platform: Option<String>,
    /// A file with certificates that a tier trusts besides the usual ones; absolute.
    pub certificates: Option<String>,
}

impl TryFrom<NewImage> for Build {
    type Error = Problem;

    fn try_from(new: NewImage) -> Result<Self, Problem> {
        let source = match (new.tier, new.folder) {
            (Some(tier), None) => BuildSource::Tier(tier),
            (None, Some(folder)) if folder.starts_with('/') => BuildSource::Folder {
                path: folder.into(),
                dockerfile: new.dockerfile.unwrap_or_else(|| "Dockerfile".to_owned()),
            },
            _ => {
                return Err(Problem::Invalid {
                    what: "there must be a `tier`, or a `folder` with an absolute path".to_owned(),
                    hint: "give exactly one of them",
                });
            }
        };
        Ok(Self {
            source,
            tags: new.tags,
            target: new.target,
            args: new.args,
            no_cache: new.no_cache,
            pull: new.pull,
            network: new.network,
            platform: new.platform,
            certificates: new.certificates.map(Into::into),
        })
    }
}

/// A copy of an image with more packages.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewCopy {
    /// The image to begin with.
    #[schema(min_length = 1)]
    pub base: String,
    /// The name of the copy: `NAME` or `NAME:TAG`.
    pub name: String,
    /// Debian packages, each `NAME` or `NAME=VERSION`.
    #[serde(default)]
    pub apt: Vec<String>,
    /// Python packages, each `NAME` or `NAME==VERSION`.
    #[serde(default)]
    pub pip: Vec<String>,
    /// Packages of Node.js, each `NAME` or `NAME@VERSION`.
    #[serde(default)]
    pub npm: Vec<String>,
}

impl From<NewCopy> for Customize {
    fn from(NewCopy { base, name, apt, pip, npm }: NewCopy) -> Self {
        Self { base, name, apt, pip, npm }
    }
}

/// The Dockerfile of a copy before it is built.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CopyPreview {
    /// The Dockerfile.
    pub dockerfile: String,
    /// How it differs from the one that the copy was made with before; empty where there was none.
    pub difference: String,
}
