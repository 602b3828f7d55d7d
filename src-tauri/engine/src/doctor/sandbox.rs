//! Whether there is an engine for sandboxes, and whether one of them really runs something.
//!
//! Who does not use sandboxes lacks nothing without an engine; who has made them the usual mode lacks everything.

use std::path::Path;
use std::time::{Duration, Instant};

use super::{Finding, Verdict, judged};
use crate::backend::docker::Docker;
use crate::config::{self, Config, Sources};
use crate::engine::Engine;
use crate::error::{Error, Report, Result};
use crate::home::Home;
use crate::launch::sandbox::wish;
use crate::live::Stop;
use crate::os;
use crate::run::blocking;
use crate::spec::{Limits, Mode, Network, RunSpec, Sandbox, Target, Work};
use crate::state::Outcome;

/// Longest time for the engine to be found and asked.
pub(super) const ENGINE: Duration = Duration::from_secs(8);

/// Longest time for a sandbox to be made, to run something and to go.
pub(super) const TRIAL: Duration = Duration::from_secs(40);

/// Free space below which images soon find no room, in bytes.
const LITTLE: u64 = 2 << 30;

/// The settings that say where sandboxes are made and of what.
const TAKEN: [&str; 4] = ["sandbox.image", "sandbox.docker_host", "sandbox.docker_context", "sandbox.user"];

/// Says whether there is an engine, which, and why that one.
pub(super) async fn engine_answers(home: Home, sources: Sources) -> Finding {
    let Some(config) = settings(sources).await else { return unread() };
    let docker = Docker::new(home);
    let about = match docker.about(&wish(&config)).await {
        Ok(about) => about,
        Err(error) => return lacking(&config, error),
    };
    let gib = |bytes: u64| bytes >> 30;
    let space = about.free.map(|free| format!("; {} GiB are free for it", gib(free))).unwrap_or_default();
    let address = about.address;
    let found = format!("{} on {} at {} ({}){space}", about.version, about.system, address.uri, address.why);
    if about.free.is_some_and(|free| free < LITTLE) {
        let hint = "free space for Docker: `stigmer image prune`, `docker system df`";
        return (Verdict::Limited, found, Some(hint.to_owned()));
    }
    (Verdict::Ok, found, None)
}

/// Runs a command in a sandbox of the image that runs would get.
pub(super) async fn sandbox_runs(home: Home, sources: Sources) -> Finding {
    let Some(config) = settings(sources).await else { return unread() };
    if let Err(error) = Docker::new(home).probe_engine(&wish(&config)).await {
        let (verdict, ..) = lacking(&config, error);
        return (verdict, "not tried: no engine answers".to_owned(), None);
    }
    let place = std::env::temp_dir().join(format!("stigmer-doctor-sandbox-{}", std::process::id()));
    let result = trial(&config, &place).await;
    // It is ours alone; what cannot be removed is left to the system's cleaning of temporary files.
    let _ = std::fs::remove_dir_all(&place);
    match result {
        Err(error @ Error::ImageNotFound { .. }) => lacking(&config, error),
        other => judged(other),
    }
}

async fn settings(sources: Sources) -> Option<Config> {
    blocking(move || Config::load(&sources)).await.ok()
}

/// Another check says what is wrong with the settings.
fn unread() -> Finding {
    (Verdict::Limited, "not tried: the settings cannot be understood".to_owned(), None)
}

/// What is missing, and whether runs need it.
fn lacking(config: &Config, error: Error) -> Finding {
    let (verdict, found, hint) = judged(Err(error));
    (if config.mode() == Mode::Sandbox { verdict } else { Verdict::Limited }, found, hint)
}

/// Runs a command in a sandbox of its own, in a home of its own, and looks at what it did.
async fn trial(config: &Config, place: &Path) -> Result<String> {
    let home = Home::at(place.join("home"));
    let workspace = place.join("workspace");
    os::create_private_dir(&workspace).map_err(Error::storage("creating", &workspace))?;
    if config.text("sandbox.user").is_some() {
        // Another user than ours must get in; nobody gets through the folders around it.
        os::open_to_all(&workspace).map_err(Error::storage("opening", &workspace))?;
    }
    let taken = TAKEN.iter().filter_map(|name| Some(((*name).to_owned(), config.text(name)?.to_owned())));
    let own = [("sandbox.auto_pull", "false"), ("sandbox.warm", "0"), ("sandbox.ttl", "60")];
    let sources = Sources {
        user: config::UserFile::Usual(home.config()),
        workspace: None,
        environment: config::Environment::default(),
        options: taken.chain(own.map(|(name, value)| (name.to_owned(), value.to_owned()))).collect(),
    };
    let engine = Engine::open(home, sources).await?;
    engine.stay().await;
    let result = watch(&engine, config, &workspace).await;
    engine.close(Stop::Force).await;
    result
}

async fn watch(engine: &Engine, config: &Config, workspace: &Path) -> Result<String> {
    let started = Instant::now();
    // Another user than ours may not write to our workspace.
    let is_own = config.text("sandbox.user").is_none();
    let line = if is_own { "echo works >made && cat made" } else { "echo works" };
    let work = Work::Line { line: line.into(), shell: None };
    let id = engine
        .start(RunSpec {
            target: Target {
                sandbox: Sandbox { fresh: true, ..Sandbox::default() },
                ..Target::mode(Mode::Sandbox)
            },
            network: Some(Network::None),
            limits: Limits { timeout: Some(TRIAL), ..Limits::default() },
            ..RunSpec::new(work, workspace)
        })
        .await?;
    let record = engine.finished(id).await?;
    let printed = engine.log(id).lines(0, 1, 64)?;
    let image = record.place.sandbox.as_ref().map_or_else(String::new, |sandbox| sandbox.image.clone());
    match record.state.ending().map(|ending| &ending.outcome) {
        Some(Outcome::Succeeded) if printed.first().is_some_and(|line| line.bytes == b"works") => {}
        Some(Outcome::Error { error }) if error.code == "image-not-found" => {
            let image = config.text("sandbox.image").unwrap_or_default().to_owned();
            return Err(Error::ImageNotFound { image });
        }
        Some(Outcome::Error { error: Report { message, causes, .. } }) => {
            let why: Vec<_> = std::iter::once(message).chain(causes).map(String::as_str).collect();
            return Err(failed(why.join(": ")));
        }
        _ => {
            return Err(failed(format!(
                "a command ran in a sandbox of `{image}` and its output did not arrive"
            )));
        }
    }
    let took = started.elapsed().as_millis();
    let made = workspace.join("made");
    let (uid, gid) =
        if is_own { os::owner(&made).map_err(Error::storage("reading", &made))? } else { os::ids() };
    if (uid, gid) != os::ids() {
        return Err(failed(format!(
            "what a sandbox makes in the workspace belongs to {uid}:{gid} and not to you"
        )));
    }
    Ok(format!("a command ran in a sandbox of `{image}`; with making it that took {took} ms"))
}

fn failed(what: String) -> Error {
    Error::SandboxRefused { what, hint: "see `docker info`; try another image with `sandbox.image`" }
}
