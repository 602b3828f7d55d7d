//! What a run that is asked for through the API asks of its sandbox.

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
            cpus: form.cpus,
            memory: form.memory,
            pids: form.pids,
            mounts: form.mounts.iter().map(|text| parsed(text, "mount")).collect::<Result<_, _>>()?,
            ports: form.ports.iter().map(|text| parsed(text, "port")).collect::<Result<_, _>>()?,
            user: form.user,
            fresh: form.fresh,
            keep: form.keep,
        })
    }
}

/// Reads something that has a text form of its own.
pub(super) fn parsed<T: FromStr<Err = &'static str>>(text: &str, what: &str) -> Result<T, Problem> {
    text.parse().map_err(|hint| Problem::Invalid { what: format!("`{text}` is no {what}"), hint })
}
