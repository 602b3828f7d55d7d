//! Builds, which only look like some: each line of the Dockerfile takes its part of the time and is logged.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use axum::Json;
use axum::body::Body;
use axum::extract::{Path, Query, State};
use axum::http::header;
use axum::response::{IntoResponse as _, Response};
use bytes::Bytes;
use serde::Deserialize;
use serde_json::json;
use tokio::sync::watch;

use super::Shared;
use crate::cloud::Cloud;
use crate::reply::{Answer, Refusal};
use crate::snapshot::BuildInfo;

pub(crate) type Log = watch::Sender<(String, bool)>;

impl BuildInfo {
    /// The lines that do something, with the lines that they go on in.
    fn steps(&self) -> Vec<String> {
        let joined = self.dockerfile_content.replace("\\\n", " ");
        let lines = joined.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
        lines.map(str::to_owned).collect()
    }

    /// Where the last `WORKDIR` leads, which is where commands start.
    pub(crate) fn work_dir(&self) -> Option<String> {
        let steps = self.steps();
        let lines = steps.iter().filter_map(|line| line.strip_prefix("WORKDIR "));
        lines.map(str::trim).fold(None, |dir: Option<String>, next| match dir {
            Some(dir) if !next.starts_with('/') => Some(format!("{}/{next}", dir.trim_end_matches('/'))),
            None if !next.starts_with('/') => Some(format!("/{next}")),
            _ => Some(next.to_owned()),
        })
    }

    /// What `ENV` lines say, which processes of a sandbox that is made from it have.
    pub(crate) fn variables(&self) -> BTreeMap<String, String> {
        let steps = self.steps();
        let lines = steps.iter().filter_map(|line| line.strip_prefix("ENV "));
        let pairs = lines.flat_map(str::split_ascii_whitespace).filter_map(|pair| pair.split_once('='));
        pairs.map(|(name, value)| (name.to_owned(), value.trim_matches('"').to_owned())).collect()
    }
}

/// What is to be built, with its reference, which is the same for the same contents.
pub(super) fn info(wanted: &BuildInfo, now: &str) -> Result<BuildInfo, Refusal> {
    if wanted.dockerfile_content.trim().is_empty() {
        return Err(Refusal::bad("buildInfo.dockerfileContent should not be empty"));
    }
    let mut hashes = wanted.context_hashes.clone();
    hashes.sort();
    let mut hasher = DefaultHasher::new();
    (&wanted.dockerfile_content, hashes).hash(&mut hasher);
    Ok(BuildInfo {
        dockerfile_content: wanted.dockerfile_content.clone(),
        context_hashes: wanted.context_hashes.clone(),
        created_at: now.to_owned(),
        updated_at: now.to_owned(),
        snapshot_ref: format!("daytona-{:064x}:daytona", hasher.finish()),
    })
}

/// Builds. A line `RUN false` or `RUN exit N`, a first line other than `FROM` or `ARG`, and an image named `missing`
/// fail.
pub(super) async fn run(cloud: &Cloud, info: &BuildInfo, log: &Log) -> Result<(), String> {
    if cloud.world().built.contains(&info.snapshot_ref) {
        log.send_replace(("Using cached build\n".to_owned(), true));
        return Ok(());
    }
    let steps = info.steps();
    let count = u32::try_from(steps.len()).unwrap_or(1).max(1);
    let mut outcome = match steps.first() {
        Some(first) if first.starts_with("FROM ") || first.starts_with("ARG ") => Ok(()),
        _ => Err("no build stage in current context".to_owned()),
    };
    for (at, step) in steps.iter().enumerate() {
        if outcome.is_err() {
            break;
        }
        let line = format!("Step {}/{count} : {step}\n", at + 1);
        log.send_modify(|(text, _)| text.push_str(&line));
        tokio::time::sleep(cloud.options.build / count).await;
        outcome = finished(step);
    }
    let last = match &outcome {
        Ok(()) => format!("Successfully tagged {}\n", info.snapshot_ref),
        Err(why) => format!("{why}\n"),
    };
    log.send_modify(|(text, complete)| {
        *text += &last;
        *complete = true;
    });
    if outcome.is_ok() {
        cloud.world().built.push(info.snapshot_ref.clone());
    }
    outcome
}

fn finished(step: &str) -> Result<(), String> {
    let code = match step.strip_prefix("RUN ").map(str::trim) {
        Some("false") => "1",
        Some(command) if command.starts_with("exit ") => command.trim_start_matches("exit "),
        _ if step.starts_with("FROM ") && step.contains("missing") => {
            let image = step.trim_start_matches("FROM ");
            return Err(format!("pull access denied for {image}, repository does not exist"));
        }
        _ => return Ok(()),
    };
    match code {
        "0" => Ok(()),
        code => Err(format!("The command '/bin/sh -c {}' returned a non-zero code: {code}", &step[4..])),
    }
}

pub(super) async fn sandbox_url(State(cloud): Shared, Path(name): Path<String>) -> Answer {
    let world = cloud.world();
    let sandbox = world.sandbox(&name)?;
    if sandbox.build_info.is_none() {
        return Err(Refusal::missing(format!("Sandbox {name} has no build info")));
    }
    Ok(Json(json!({ "url": format!("{}/sandboxes/{}/build-logs", cloud.origin, sandbox.id) })))
}

pub(super) async fn snapshot_url(State(cloud): Shared, Path(name): Path<String>) -> Answer {
    let world = cloud.world();
    let snapshot = world.snapshot(&name).filter(|each| each.build_info.is_some());
    let snapshot = snapshot.ok_or_else(|| Refusal::missing(format!("Snapshot {name} has no build info")))?;
    Ok(Json(json!({ "url": format!("{}/snapshots/{}/build-logs", cloud.origin, snapshot.id) })))
}

#[derive(Deserialize)]
pub(super) struct Follow {
    #[serde(default)]
    follow: bool,
}

pub(super) async fn sandbox_logs(
    State(cloud): Shared,
    Path(name): Path<String>,
    Query(how): Query<Follow>,
) -> Result<Response, Refusal> {
    let log = cloud.world().sandbox(&name)?.build_log.subscribe();
    Ok(streamed(log, how.follow))
}

pub(super) async fn snapshot_logs(
    State(cloud): Shared,
    Path(name): Path<String>,
    Query(how): Query<Follow>,
) -> Result<Response, Refusal> {
    let missing = || Refusal::missing(format!("Snapshot {name} not found"));
    let log = cloud.world().snapshot(&name).ok_or_else(missing)?.build_log.subscribe();
    Ok(streamed(log, how.follow))
}

/// The log as it grows, cut at any place; or what there is of it.
fn streamed(log: watch::Receiver<(String, bool)>, follow: bool) -> Response {
    let kind = [(header::CONTENT_TYPE, "text/plain; charset=utf-8")];
    if !follow {
        let text = log.borrow().0.clone();
        return (kind, text).into_response();
    }
    let pieces = futures_util::stream::unfold((log, 0_usize), |(mut log, sent)| async move {
        loop {
            let (rest, complete) = {
                let (text, complete) = &*log.borrow_and_update();
                (text.as_bytes()[sent..].to_vec(), *complete)
            };
            if !rest.is_empty() {
                let taken = fastrand::usize(1..=64).min(rest.len());
                let piece = Bytes::from(rest).slice(..taken);
                return Some((Ok::<_, std::convert::Infallible>(piece), (log, sent + taken)));
            }
            if complete || log.changed().await.is_err() {
                return None;
            }
        }
    });
    (kind, Body::from_stream(pieces)).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dockerfile_says_where_commands_start_and_with_which_variables() {
        let dockerfile_content =
            "FROM a:1\n# ENV NO=1\nENV A=1 \\\n  B=\"2\"\nWORKDIR /srv\nWORKDIR app\n".to_owned();
        let info = BuildInfo { dockerfile_content, ..BuildInfo::default() };
        assert_eq!(info.work_dir().as_deref(), Some("/srv/app"));
        let variables: Vec<_> = info.variables().into_iter().collect();
        assert_eq!(variables, [("A".to_owned(), "1".to_owned()), ("B".to_owned(), "2".to_owned())]);
    }
}
