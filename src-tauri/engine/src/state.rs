//! The life of a run: states, how it ended, and its row in the history.

use std::path::PathBuf;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::error::Report;
use crate::spec::{Mount, Port, RunId, RunSpec};

pub use stigmer_runner::{Exit, Left, Usage};

/// Where a run is in its life.
#[derive(Debug, Clone, PartialEq)]
pub enum RunState {
    /// Waiting for its turn.
    Queued,
    /// Its place is being made ready.
    Preparing,
    /// The program runs.
    Running,
    /// It is over.
    Ended(Ending),
}

impl RunState {
    /// The state's one word.
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Preparing => "preparing",
            Self::Running => "running",
            Self::Ended(ending) => ending.outcome.word(),
        }
    }

    /// Every word a state can have, in the order of a run's life.
    pub const WORDS: [&'static str; 9] =
        ["queued", "preparing", "running", "succeeded", "failed", "cancelled", "timed_out", "error", "lost"];

    /// How it ended, once it has.
    pub const fn ending(&self) -> Option<&Ending> {
        match self {
            Self::Ended(ending) => Some(ending),
            _ => None,
        }
    }
}

/// The end of a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Ending {
    /// What came of it.
    #[serde(flatten)]
    pub outcome: Outcome,
    /// When.
    pub at: Timestamp,
    /// What the process tree used, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "usage_form")]
    pub usage: Option<Usage>,
}

impl Ending {
    /// Whether the program was ended, or something that it started, because its sandbox had no memory left.
    pub fn ran_out_of_memory(&self) -> bool {
        matches!(self.outcome, Outcome::Failed { .. }) && self.usage.is_some_and(|usage| usage.oom_kills > 0)
    }
}

/// What came of a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum Outcome {
    /// The program exited with 0.
    Succeeded,
    /// The program exited with another code, or a signal ended it.
    Failed {
        /// How it ended.
        #[serde(with = "exit_form", flatten)]
        exit: Exit,
    },
    /// It was stopped on request.
    Cancelled {
        /// Whether it had to be forced.
        forced: bool,
    },
    /// Its time was over.
    TimedOut {
        /// The limit.
        after: Duration,
    },
    /// It could not be carried out.
    Error {
        /// What stood in the way.
        error: Report,
    },
    /// The program that looked after it died, and it could not be found again.
    Lost,
}

impl Outcome {
    /// The outcome's one word.
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Succeeded => "succeeded",
            Self::Failed { .. } => "failed",
            Self::Cancelled { .. } => "cancelled",
            Self::TimedOut { .. } => "timed_out",
            Self::Error { .. } => "error",
            Self::Lost => "lost",
        }
    }

    /// Every word an outcome can have.
    pub const WORDS: [&'static str; 6] = ["succeeded", "failed", "cancelled", "timed_out", "error", "lost"];

    /// The exit code that a shell would show: the program's own, 128+N for signal N. `None` where the
    /// program has none, because it was stopped, never started or was lost.
    pub const fn exit_code(&self) -> Option<i32> {
        match self {
            Self::Succeeded => Some(0),
            Self::Failed { exit: Exit::Code(code) } => Some(*code),
            Self::Failed { exit: Exit::Signal(signal) } => Some(128 + *signal),
            _ => None,
        }
    }
}

impl From<Exit> for Outcome {
    fn from(exit: Exit) -> Self {
        match exit {
            Exit::Code(0) => Self::Succeeded,
            exit => Self::Failed { exit },
        }
    }
}

/// Everything that is kept of a run beside its log.
#[derive(Debug, Clone, PartialEq)]
pub struct RunRecord {
    /// Its id.
    pub id: RunId,
    /// What was asked for, without the values of variables.
    pub spec: RunSpec,
    /// The mode that was taken and why.
    pub place: Place,
    /// Where it is in its life.
    pub state: RunState,
    /// When it was asked for.
    pub created: Timestamp,
    /// When the program started, if it did.
    pub started: Option<Timestamp>,
    /// Bytes of output so far, known at its end.
    pub bytes: u64,
    /// Whether it is kept whatever its age.
    pub pinned: bool,
    /// The engine that looks after it: names its lock file.
    pub host: uuid::Uuid,
}

impl RunRecord {
    /// Time between the start of the program (or the request, if it never started) and the end.
    pub fn duration(&self) -> Option<Duration> {
        let ending = self.state.ending()?;
        let from = self.started.unwrap_or(self.created);
        Duration::try_from(ending.at.duration_since(from)).ok()
    }
}

/// The resolved place of a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Place {
    /// The mode, never `auto`.
    pub mode: crate::spec::Mode,
    /// Why this mode, for people.
    pub reason: String,
    /// The rule that decided, for programs: `option`, `environment`, `project`, `user`, `default`.
    pub rule: String,
    /// The program that the run starts, once it is resolved.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub program: Option<PathBuf>,
    /// The sandbox that it got, where it got one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sandbox: Option<Box<SandboxFacts>>,
    /// The cloud sandbox that it got, where it got one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cloud: Option<Box<CloudFacts>>,
}

/// What a run's cloud sandbox was.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct CloudFacts {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// The snapshot that it was made from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub snapshot: Option<String>,
    /// Its region.
    pub region: String,
    /// Virtual CPUs.
    pub cpu: u32,
    /// Memory in GiB.
    pub memory: u32,
    /// Disk in GiB.
    pub disk: u32,
    /// Minutes of idleness after which it stops; zero for never.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub auto_stop: Option<u32>,
    /// Whether it served other runs before.
    pub reused: bool,
    /// What an hour of it costs while it runs, in US dollars: an estimate, by the rates as they were.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub per_hour: Option<f64>,
    /// Since when the run has it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub since: Option<Timestamp>,
}

impl CloudFacts {
    /// What an hour of it costs the run, and since when; `None` as long as it is not there.
    pub fn meter(&self) -> Option<(f64, Timestamp)> {
        Some((self.per_hour?, self.since?))
    }
}

/// What a run's sandbox really was.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct SandboxFacts {
    /// The name of the image as it was asked for.
    pub image: String,
    /// The image itself: the digest of its configuration.
    pub image_id: String,
    /// The image as a registry knows it, `NAME@sha256:…`, if it came from one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub digest: Option<String>,
    /// Name of the container.
    pub container: String,
    /// Where the engine is.
    pub engine: String,
    /// Whether it has a copy of the workspace, because the engine is on another disk.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub copied: bool,
    /// Whether it served other runs before.
    pub reused: bool,
    /// The user that commands run as.
    pub user: String,
    /// Its network.
    pub network: String,
    /// CPUs that it may use.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cpus: Option<f64>,
    /// Memory that it may use, in bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub memory: Option<u64>,
    /// Processes that it may have.
    pub pids: u64,
    /// What it sees of this machine besides the workspace.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub mounts: Vec<Mount>,
    /// Ports of it that this machine reaches.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub ports: Vec<Port>,
    /// What makes it less strict than usual, a sentence each.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub loosened: Vec<String>,
}

/// JSON form of [`Exit`]: `exit_code` or `signal`.
mod exit_form {
    use super::{Deserialize, Exit, Serialize};
    use serde::{Deserializer, Serializer};

    #[derive(Serialize, Deserialize)]
    #[serde(rename_all = "snake_case")]
    enum Form {
        ExitCode(i32),
        Signal(i32),
    }

    pub(super) fn serialize<S: Serializer>(exit: &Exit, to: S) -> Result<S::Ok, S::Error> {
        match *exit {
            Exit::Code(code) => Form::ExitCode(code),
            Exit::Signal(signal) => Form::Signal(signal),
        }
        .serialize(to)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Exit, D::Error> {
        Ok(match Form::deserialize(from)? {
            Form::ExitCode(code) => Exit::Code(code),
            Form::Signal(signal) => Exit::Signal(signal),
        })
    }
}

/// JSON form of [`Usage`].
mod usage_form {
    use super::{Deserialize, Serialize, Usage};
    use serde::{Deserializer, Serializer};

    #[derive(Serialize, Deserialize)]
    struct Form {
        user_us: u64,
        system_us: u64,
        max_rss_kib: u64,
        #[serde(default, skip_serializing_if = "is_zero")]
        oom_kills: u32,
    }

    #[expect(clippy::trivially_copy_pass_by_ref, reason = "the signature that serde asks for")]
    fn is_zero(count: &u32) -> bool {
        *count == 0
    }

    #[expect(clippy::ref_option, reason = "the signature that serde asks for")]
    pub(super) fn serialize<S: Serializer>(usage: &Option<Usage>, to: S) -> Result<S::Ok, S::Error> {
        usage
            .map(|Usage { user_us, system_us, max_rss_kib, oom_kills }| Form {
                user_us,
                system_us,
                max_rss_kib,
                oom_kills,
            })
            .serialize(to)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Usage>, D::Error> {
        Ok(Option::<Form>::deserialize(from)?.map(|Form { user_us, system_us, max_rss_kib, oom_kills }| {
            Usage { user_us, system_us, max_rss_kib, oom_kills }
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ending(outcome: Outcome) -> Ending {
        Ending { outcome, at: Timestamp::from_second(0).unwrap(), usage: None }
    }

    #[test]
    fn an_ending_is_json_that_people_can_read_and_comes_back_from_it() {
        let error =
            Report { code: "conflict".into(), message: "taken".into(), causes: Vec::new(), hint: None };
        for (outcome, json) in [
            (Outcome::Succeeded, r#"{"state":"succeeded","at":"1970-01-01T00:00:00Z"}"#),
            (
                Outcome::Failed { exit: Exit::Code(3) },
                r#"{"state":"failed","exit_code":3,"at":"1970-01-01T00:00:00Z"}"#,
            ),
            (
                Outcome::Failed { exit: Exit::Signal(9) },
                r#"{"state":"failed","signal":9,"at":"1970-01-01T00:00:00Z"}"#,
            ),
            (
                Outcome::Cancelled { forced: true },
                r#"{"state":"cancelled","forced":true,"at":"1970-01-01T00:00:00Z"}"#,
            ),
            (
                Outcome::TimedOut { after: Duration::from_millis(1500) },
                r#"{"state":"timed_out","after":{"secs":1,"nanos":500000000},"at":"1970-01-01T00:00:00Z"}"#,
            ),
            (
                Outcome::Error { error },
                r#"{"state":"error","error":{"code":"conflict","message":"taken"},"at":"1970-01-01T00:00:00Z"}"#,
            ),
            (Outcome::Lost, r#"{"state":"lost","at":"1970-01-01T00:00:00Z"}"#),
        ] {
            let ending = ending(outcome);
            assert_eq!(serde_json::to_string(&ending).unwrap(), json);
            assert_eq!(serde_json::from_str::<Ending>(json).unwrap(), ending);
        }
    }

    #[test]
    fn what_a_run_used_is_kept_with_its_end() {
        let usage = Some(Usage { user_us: 1, system_us: 2, max_rss_kib: u64::MAX, oom_kills: 3 });
        let ending = Ending { usage, ..ending(Outcome::Failed { exit: Exit::Code(-1) }) };
        let json = serde_json::to_string(&ending).unwrap();
        assert_eq!(serde_json::from_str::<Ending>(&json).unwrap(), ending);
    }

    #[test]
    fn every_outcome_has_its_word_among_the_words_of_states() {
        assert_eq!(RunState::WORDS[3..], Outcome::WORDS);
    }
}
