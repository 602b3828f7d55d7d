//! What works here, what does not, and how to mend it.
//!
//! Every check has a time limit of its own, so that one that hangs is itself a finding. One of them really
//! runs something, in a home of its own that is thrown away.

mod cloud;
mod sandbox;

use std::future::Future;
use std::path::Path;
use std::pin::Pin;
use std::time::{Duration, Instant};

use serde::Serialize;

use crate::backend;
use crate::config::{self, Config, Sources};
use crate::engine::Engine;
use crate::error::{Error, Report, Result};
use crate::history::History;
use crate::home::Home;
use crate::run::blocking;
use crate::secrets::{KeychainState, Secrets};
use crate::spec::{Base, Environment, Limits, RunSpec, Target, Text, Work};
use crate::state::Outcome;

/// Longest time for one check.
const LIMIT: Duration = Duration::from_secs(5);

/// What a check found.
#[derive(Debug, Clone, Serialize)]
pub struct Check {
    /// Its stable name.
    pub name: &'static str,
    /// How it came out.
    pub verdict: Verdict,
    /// What was found, in words.
    pub found: String,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
    /// How long it took.
    #[serde(serialize_with = "as_milliseconds", rename = "took_ms")]
    pub took: Duration,
}

/// How a check came out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// It works.
    Ok,
    /// Something is missing that runs do not need.
    Limited,
    /// It does not work.
    Broken,
}

/// What a check says when it is through: verdict, words, and a hint.
type Finding = (Verdict, String, Option<String>);
type Examination = Pin<Box<dyn Future<Output = Finding> + Send>>;

/// Makes every check, one after the other, and hands each result to `each` as it comes.
pub async fn examine(home: &Home, sources: &Sources, mut each: impl FnMut(Check)) {
    let checks: [(&str, Duration, Examination); 10] = [
        ("run", LIMIT, Box::pin(run_something())),
        ("home", LIMIT, Box::pin(home_is_writable(home.clone()))),
        ("history", LIMIT, Box::pin(history_is_sound(home.clone()))),
        ("config", LIMIT, Box::pin(config_is_right(sources.clone()))),
        ("login shell", LIMIT, Box::pin(login_shell_answers())),
        ("keychain", LIMIT, Box::pin(keychain_is_open())),
        ("languages", LIMIT, Box::pin(languages())),
        ("docker", sandbox::ENGINE, Box::pin(sandbox::engine_answers(home.clone(), sources.clone()))),
        ("sandbox", sandbox::TRIAL, Box::pin(sandbox::sandbox_runs(home.clone(), sources.clone()))),
        ("cloud", cloud::LIMIT, Box::pin(cloud::nothing_is_left(home.clone(), sources.clone()))),
    ];
    for (name, limit, check) in checks {
        let started = Instant::now();
        let (verdict, found, hint) = tokio::time::timeout(limit, check)
            .await
            .unwrap_or_else(|_| (Verdict::Broken, format!("no answer within {} s", limit.as_secs()), None));
        each(Check { name, verdict, found, hint, took: started.elapsed() });
    }
}

fn judged(result: Result<String>) -> Finding {
    match result {
        Ok(found) => (Verdict::Ok, found, None),
        Err(error) => {
            let Report { message, causes, hint, .. } = error.into();
            let found = std::iter::once(message).chain(causes).collect::<Vec<_>>().join(": ");
            (Verdict::Broken, found, hint)
        }
    }
}

async fn run_something() -> Finding {
    judged(trial().await)
}

/// Runs a command in a home of its own and looks whether its output arrived.
async fn trial() -> Result<String> {
    let place = std::env::temp_dir().join(format!("stigmer-doctor-{}", std::process::id()));
    let home = Home::at(&place);
    let sources = Sources {
        user: config::UserFile::Usual(home.config()),
        workspace: None,
        environment: config::Environment::default(),
        options: Vec::new(),
    };
    let result = async {
        let engine = Engine::open(home, sources).await?;
        let id = engine.start(trial_spec()).await?;
        let record = engine.finished(id).await?;
        let printed = engine.log(id).lines(0, 1, 64)?;
        engine.close(crate::live::Stop::Force).await;
        match record.state.ending().map(|ending| &ending.outcome) {
            Some(Outcome::Succeeded) if printed.first().is_some_and(|line| line.bytes == b"works") => {
                Ok("a command ran here and its output was kept".to_owned())
            }
            Some(Outcome::Error { error }) => {
                Err(failed(format!("a command could not be run: {}", error.message)))
            }
            _ => Err(failed("a command ran and its output did not arrive".to_owned())),
        }
    }
    .await;
    // It is ours alone; what cannot be removed is left to the system's cleaning of temporary files.
    let _ = std::fs::remove_dir_all(&place);
    result
}

fn failed(why: String) -> Error {
    Error::BackendUnavailable { backend: "local", why, hint: "install Stigmer again" }
}

fn trial_spec() -> RunSpec {
    let variables = std::env::vars_os().map(|(name, value)| (Text::from(name), Text::from(value)));
    let work = Work::Line { line: "echo works".into(), shell: None };
    RunSpec {
        target: Target::mode(crate::spec::Mode::Local),
        env: Environment { base: Base::Caller(variables.collect()), ..Environment::default() },
        limits: Limits { timeout: Some(LIMIT), ..Limits::default() },
        ..RunSpec::new(work, std::env::temp_dir())
    }
}

async fn home_is_writable(home: Home) -> Finding {
    let work = move || {
        home.create()?;
        let probe = home.root().join(format!("probe-{}", std::process::id()));
        std::fs::write(&probe, "probe").map_err(Error::storage("writing", &probe))?;
        std::fs::remove_file(&probe).map_err(Error::storage("removing", &probe))?;
        let (count, bytes) = usage(&home.runs())?;
        let root = home.root().display();
        Ok(format!("{root} is writable; {count} runs take {}", crate::size::size(bytes)))
    };
    judged(blocking(work).await)
}

/// Number and size of the runs' folders.
fn usage(runs: &Path) -> Result<(usize, u64)> {
    let sum = || {
        let (mut count, mut bytes) = (0, 0);
        for run in std::fs::read_dir(runs)? {
            count += 1;
            // A run that is removed meanwhile counts as nothing.
            for file in std::fs::read_dir(run?.path()).into_iter().flatten().flatten() {
                bytes += file.metadata().map_or(0, |metadata| metadata.len());
            }
        }
        Ok((count, bytes))
    };
    sum().map_err(Error::storage("reading", runs))
}

async fn history_is_sound(home: Home) -> Finding {
    let work = move || {
        let opened = History::open(&home)?;
        Ok((opened.history.check()?, opened.recovered))
    };
    match blocking(work).await {
        Ok((faults, _)) if !faults.is_empty() => (
            Verdict::Broken,
            format!("the database is damaged: {}", faults.join("; ")),
            Some(
                "close Stigmer everywhere and remove the database; it is made again from the runs".to_owned(),
            ),
        ),
        Ok((_, Some(damaged))) => {
            let found = format!("was damaged and has been rebuilt; the old file is {}", damaged.display());
            (Verdict::Ok, found, None)
        }
        Ok((_, None)) => (Verdict::Ok, "the database is sound".to_owned(), None),
        Err(error) => judged(Err(error)),
    }
}

async fn config_is_right(sources: Sources) -> Finding {
    let work = move || {
        let mode = Config::load(&sources).and_then(|config| backend::supported(config.mode()).map(|()| ""));
        Ok((config::check(&sources), mode))
    };
    let (findings, mode) = match blocking(work).await {
        Ok(found) => found,
        Err(error) => return judged(Err(error)),
    };
    let doubts = findings.warnings.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ");
    match findings.problems.into_iter().next() {
        Some(problem) => judged(Err(problem)),
        None if !doubts.is_empty() => (Verdict::Limited, doubts, None),
        None if mode.is_err() => judged(mode.map(String::from)),
        None => (Verdict::Ok, "every setting is understood".to_owned(), None),
    }
}

async fn login_shell_answers() -> Finding {
    let answer = backend::local::login_shell::Resolver::default();
    match answer.get().await {
        found if found.shell.is_some() => {
            let shell = found.shell.as_deref().unwrap_or_default();
            (Verdict::Ok, format!("{shell} gave {} variables", found.variables.len()), None)
        }
        _ => (
            Verdict::Limited,
            "the login shell gave no answer; runs of the app get its own variables".to_owned(),
            Some("check that your shell starts with `$SHELL -l -i -c true` within 5 s".to_owned()),
        ),
    }
}

async fn keychain_is_open() -> Finding {
    match Secrets::new().state().await {
        KeychainState::Ready => (Verdict::Ok, "open".to_owned(), None),
        KeychainState::Locked => (Verdict::Limited, "locked".to_owned(), Error::KeychainLocked.hint()),
        KeychainState::Absent { why } => {
            let error = Error::KeychainAbsent { why };
            (Verdict::Limited, error.to_string(), error.hint())
        }
    }
}

async fn languages() -> Finding {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = match blocking(move || Ok(crate::launch::languages(&path))).await {
        Ok(found) => found,
        Err(error) => return judged(Err(error)),
    };
    let words: Vec<_> = found
        .into_iter()
        .map(|(language, program)| match program {
            Some(program) => format!("{} ({})", language.name(), program.display()),
            None => format!("no {}", language.name()),
        })
        .collect();
    (Verdict::Ok, words.join(", "), None)
}

fn as_milliseconds<S: serde::Serializer>(took: &Duration, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_u64(u64::try_from(took.as_millis()).unwrap_or(u64::MAX))
}
