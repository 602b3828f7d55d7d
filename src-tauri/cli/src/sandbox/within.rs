//! One more command in a sandbox that is there. Nothing is copied to it.

use std::ffi::OsString;
use std::io::IsTerminal as _;

use stigmer_engine::Error;
use stigmer_engine::config::Sources;
use stigmer_engine::engine::Engine;
use stigmer_engine::spec::{Input, Mode, RunSpec, Sandbox, Target, Work};

use super::cloud::Cloud;
use crate::args::Awake;
use crate::exit::{Exit, Failure};
use crate::output::{Output, Tone};
use crate::run::{Attachment, Carrier, attach, terminal_size};

/// What is done there.
pub(super) enum Within {
    /// The best shell that there is.
    Shell,
    /// What each of the usual package managers installed, where it is there.
    Packages,
    /// What was asked for.
    Command(Vec<OsString>),
}

const PACKAGES: &str = "\
    command -v dpkg-query >/dev/null && { echo '# apt'; dpkg-query -W -f '${Package}=${Version}\\n'; }; \
    command -v apk >/dev/null && { echo '# apk'; apk info -v; }; \
    command -v pip >/dev/null && { echo '# pip'; pip list --format freeze 2>/dev/null; }; \
    command -v npm >/dev/null && { echo '# npm'; npm ls --global --depth 0 --parseable --long 2>/dev/null | sed 's/.*://'; }; \
    true";

const SHELL: &str = "if command -v bash >/dev/null; then exec bash; else exec sh; fi";

impl Within {
    fn work(self) -> Work {
        let line = |line| Work::Line { line, shell: None };
        match self {
            Self::Shell => line(SHELL.into()),
            Self::Packages => line(PACKAGES.into()),
            Self::Command(words) => match <[OsString; 1]>::try_from(words) {
                Ok([word]) => line(word.into()),
                Err(words) => Work::Program { argv: words.into_iter().map(Into::into).collect() },
            },
        }
    }
}

/// Runs something in a sandbox that is there, and watches it.
pub(super) async fn run(
    awake: Awake,
    what: Within,
    sources: Sources,
    output: &Output,
) -> Result<Exit, Failure> {
    let Some(mode) = Box::pin(mode(&awake, &sources, output)).await? else {
        output.note(Tone::Dim, "nothing is started");
        return Ok(Exit::No);
    };
    let workspace = std::env::current_dir().map_err(|source| Error::Folder { path: ".".into(), source })?;
    let input = match (&what, std::io::stdin().is_terminal()) {
        (Within::Shell, _) => {
            let (cols, rows) = terminal_size();
            Input::Terminal { cols, rows }
        }
        (_, true) => Input::Closed,
        (_, false) => Input::Piped,
    };
    let sandbox = Sandbox { within: Some(awake.named.name), ..Sandbox::default() };
    let target = Target { mode: Some(mode), sandbox };
    let spec = RunSpec { target, input, ..RunSpec::new(what.work(), workspace) };
    let mut carrier = Carrier::new(sources);
    let attachment = Attachment { json: false, stdin: input != Input::Closed };
    let exit = attach(&mut carrier, spec, attachment, std::future::pending(), output).await;
    carrier.close().await;
    exit
}

/// Where it is. One in the cloud that does not run is started, if that is wanted; `None` where it is not.
async fn mode(awake: &Awake, sources: &Sources, output: &Output) -> Result<Option<Mode>, Failure> {
    let engine: Engine = crate::run::open(sources.clone(), output).await?;
    let (docker, wish) = engine.docker(None)?;
    let Cloud { daytona, account, .. } = Cloud::of(&engine)?;
    let name = &awake.named.name;
    let here = async { docker.sandbox_detail(&wish, name).await.map(|_| None) };
    let there = async { daytona.sandbox_detail(&account, name).await.map(Some) };
    let Some(found) = Cloud::either(here, there).await? else { return Ok(Some(Mode::Sandbox)) };
    let found = found.sandbox;
    if !found.runs() {
        let question = format!("{} is {}. Start it? It costs while it runs.", found.name, found.state);
        let unasked = format!("the sandbox `{}` does not run: it is `{}`", found.name, found.state);
        let hint = "repeat it with --start; it costs while it runs";
        if !awake.start && !crate::ask::agreed(&question, &unasked, hint)? {
            return Ok(None);
        }
        output.note(Tone::Dim, format_args!("starting {}", found.name));
        daytona.start_sandbox(&account, &found.id).await?;
    }
    Ok(Some(Mode::Daytona))
}
