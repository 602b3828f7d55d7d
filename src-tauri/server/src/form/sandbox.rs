//! What a run that is asked for through the API asks of its sandbox, and sandboxes as programs see them.

use std::str::FromStr;

use serde::Deserialize;
use stigmer_engine::spec::Sandbox;
use utoipa::ToSchema;

use crate::problem::Problem;

/// What a sandbox is asked to be. What is left out is a matter of the settings.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct SandboxForm {
    /// The image: a name with or without a tag, or an id.
    pub image: Option<String>,
    /// The snapshot of a cloud sandbox: its name or id.
    pub snapshot: Option<String>,
    /// Whether what changed in the workspace of a cloud sandbox comes back.
    pub bring_back: bool,
    /// CPUs that it may use; parts of one count.
    #[schema(minimum = 0.01, maximum = 1024)]
    pub cpus: Option<f64>,
    /// Memory that it may use, in bytes.
    #[serde(deserialize_with = "crate::take::maybe_whole")]
    #[schema(minimum = 1, maximum = 9_007_199_254_740_991_u64)]
    pub memory: Option<u64>,
    /// Processes that it may have.
    #[serde(deserialize_with = "crate::take::maybe_whole")]
    #[schema(minimum = 1, maximum = 4_194_304)]
    pub pids: Option<u64>,
    /// Folders and files of this machine that it sees: `SOURCE:TARGET`, or `SOURCE:TARGET:ro` to read only.
    pub mounts: Vec<String>,
    /// Ports of it that are reached at 127.0.0.1: `HOST:SANDBOX`.
    pub ports: Vec<String>,
    /// The user that commands run as: `UID:GID` or a name of the image.
    pub user: Option<String>,
    /// One of its own, thrown away when the run is over.
    pub fresh: bool,
    /// One of its own that stays.
    pub keep: bool,
    /// This one, which is there, by name: nothing else of these counts then.
    pub within: Option<String>,
}

impl TryFrom<SandboxForm> for Sandbox {
    type Error = Problem;

    fn try_from(form: SandboxForm) -> Result<Self, Problem> {
        if form.cpus.is_some_and(|cpus| !(0.01..=1024.0).contains(&cpus)) {
            let what = "the number of CPUs is out of range".to_owned();
            return Err(Problem::Invalid { what, hint: "write a number from 0.01 to 1024" });
        }
        Ok(Self {
            image: form.image,
            snapshot: form.snapshot,
            bring_back: form.bring_back,
            cpus: form.cpus,
            memory: form.memory,
            pids: form.pids,
            mounts: form.mounts.iter().map(|text| parsed(text, "mount")).collect::<Result<_, _>>()?,
            ports: form.ports.iter().map(|text| parsed(text, "port")).collect::<Result<_, _>>()?,
            user: form.user,
            fresh: form.fresh,
            keep: form.keep,
            within: form.within,
        })
    }
}

/// Reads something that has a text form of its own.
pub(super) fn parsed<T: FromStr<Err = &'static str>>(text: &str, what: &str) -> Result<T, Problem> {
    text.parse().map_err(|hint| Problem::Invalid { what: format!("`{text}` is no {what}"), hint })
}

/// A container.
#[derive(ToSchema)]
#[schema(as = Sandbox)]
#[expect(dead_code, reason = "names the fields of the engine's own type in the description")]
pub(crate) struct SandboxRow {
    /// Its name.
    name: String,
    /// Its id.
    id: String,
    /// Whether it was made here.
    is_ours: bool,
    /// The image as it was asked for.
    image: String,
    /// The image itself.
    image_id: String,
    /// Where it is in its life, in the engine's own word: `created`, `running`, `exited`, …
    state: String,
    /// The same with times, in the engine's own words.
    status: String,
    /// What it is for: `shared`, `fresh` or `kept`.
    #[schema(nullable = false)]
    kind: Option<String>,
    /// The folder of this machine that it works on.
    #[schema(nullable = false)]
    workspace: Option<String>,
    /// The run that it was made for.
    #[schema(nullable = false)]
    made_for: Option<String>,
    /// Whether a run, or an engine that stays, has it in use.
    in_use: bool,
    /// When it was made.
    #[schema(format = DateTime)]
    created: String,
    /// Its network.
    network: String,
    /// Ports of it that this machine reaches, each `HOST:SANDBOX`.
    ports: Vec<String>,
}

/// Everything about one container.
#[derive(ToSchema)]
#[expect(dead_code, reason = "names the fields of the engine's own type in the description")]
pub(crate) struct SandboxDetail {
    #[serde(flatten)]
    sandbox: SandboxRow,
    /// The user that commands run as.
    user: String,
    /// Its variables.
    env: Vec<String>,
    /// What it sees of this machine: `SOURCE:TARGET`, with `:ro` where it only reads.
    mounts: Vec<String>,
    /// CPUs that it may use.
    #[schema(nullable = false)]
    cpus: Option<f64>,
    /// Memory that it may use, in bytes.
    #[schema(nullable = false)]
    memory: Option<u64>,
    /// Processes that it may have.
    #[schema(nullable = false)]
    pids: Option<u64>,
    /// Whether it may write only to the workspace and temporary folders.
    read_only: bool,
    /// Its labels.
    labels: std::collections::BTreeMap<String, String>,
}
