//! From what was asked for to what a backend starts: the check of a specification, the words of the program,
//! its environment and its folder.
//!
//! Checking needs nothing but the specification, so a bad one is refused before there is a run.

pub(crate) mod cloud;
mod inside;
mod language;
pub(crate) mod sandbox;
mod session;

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::backend::{Launch, Session};
use crate::config::Config;
use crate::error::{Error, Result};
use crate::secrets::{Secret, SecretName};
use crate::spec::{Code, Guard, Language, Mode, Network, RunId, RunSpec, Text, Work};
use crate::state::Place;

/// Variables of the app that no run inherits: only `-e` and secrets put keys where programs see them.
const WITHHELD: [&str; 2] = ["DAYTONA_API_KEY", "STIGMER_RUN_ID"];

/// Longest time that may be asked for; beyond it clocks overflow.
const LONGEST: Duration = Duration::from_hours(24 * 3653);

/// Refuses what can never run, whatever the machine.
pub(crate) fn check(spec: &RunSpec) -> Result<()> {
    let invalid = |what: &str, hint| Err(Error::InvalidSpec { what: what.to_owned(), hint });
    match &spec.work {
        Work::Line { line, .. } if line.lossy().trim().is_empty() => {
            return invalid("the command is empty", "write the command behind `stigmer run`");
        }
        Work::Program { argv } if argv.first().is_none_or(|program| program.as_bytes().is_empty()) => {
            return invalid("the program's name is empty", "write the program behind `stigmer run --`");
        }
        Work::Script { code: Code::Inline { text }, .. } if text.trim().is_empty() => {
            return invalid("the script is empty", "give it with --code, --file or on standard input");
        }
        Work::Image { task } => sandbox::check(task)?,
        _ => {}
    }
    if words(&spec.work).any(|word| word.as_bytes().contains(&0)) {
        return invalid("the command contains a NUL character", "remove it; no program can be given one");
    }
    for (name, value) in &spec.env.set {
        if name.is_empty() || name.contains(['=', '\0']) {
            return invalid(&format!("`{name}` is no name for a variable"), "write -e NAME=VALUE");
        }
        if value.as_ref().is_some_and(|value| value.as_bytes().contains(&0)) {
            return invalid(&format!("the value of `{name}` contains a NUL character"), "remove it");
        }
    }
    for name in &spec.secrets {
        name.parse::<SecretName>()?;
    }
    if let Some(name) = &spec.session {
        session::check(spec, name)?;
    }
    if !spec.workspace.is_absolute() {
        return invalid("the workspace is not an absolute path", "give the whole path of the folder");
    }
    if spec.limits.timeout.into_iter().chain([spec.limits.grace]).any(|time| time > LONGEST) {
        return invalid("a time limit is longer than ten years", "leave it out, or give a shorter one");
    }
    if spec.limits.timeout.is_some_and(|timeout| timeout.is_zero()) {
        return invalid("the time limit is zero", "give a time such as 30s or 5m, or none");
    }
    Ok(())
}

/// Images are worked on by the engine of sandboxes alone.
fn not_here() -> Error {
    Error::InvalidSpec {
        what: "work on images is a matter of mode `sandbox`".to_owned(),
        hint: "leave out the mode",
    }
}

fn words(work: &Work) -> impl Iterator<Item = &Text> {
    match work {
        Work::Line { line, .. } => std::slice::from_ref(line).iter(),
        Work::Program { argv } => argv.iter(),
        Work::Script { args, .. } => args.iter(),
        Work::Image { .. } => [].iter(),
    }
}

/// Where a run goes, and which rule decided it.
pub(crate) fn place(spec: &RunSpec, config: &Config) -> Place {
    let (mode, rule, reason) = match spec.target.mode {
        None if matches!(spec.work, Work::Image { .. }) => {
            (Mode::Sandbox, "option", "images are the sandboxes'".to_owned())
        }
        Some(mode) => (mode, "option", format!("--mode {} was asked for", mode.name())),
        None => {
            let origin = config.origin("mode");
            (config.mode(), origin.word(), origin.to_string())
        }
    };
    Place { mode, reason, rule: rule.to_owned(), program: None, sandbox: None, cloud: None }
}

/// What the engine knows beside the specification when a run starts.
pub(crate) struct Surroundings<'a> {
    /// The folder of the run, for the code of a script that has no file.
    pub folder: &'a Path,
    /// The variables that a local run starts from.
    pub base: &'a [(Text, Text)],
    /// Values of the secrets that the specification names.
    pub secrets: &'a [(String, Secret)],
    /// The setting `local.shell`.
    pub shell: Option<&'a Path>,
    /// What the settings allow a session.
    pub sessions: Sessions,
}

/// Bounds of sessions: the settings `session.memory` and `session.idle`.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Sessions {
    memory: u64,
    idle: Duration,
}

impl Sessions {
    /// What the settings say.
    pub(crate) fn of(config: &Config) -> Self {
        Self {
            memory: config.size("session.memory").unwrap_or_default(),
            idle: config.time("session.idle").unwrap_or(Duration::from_hours(1)),
        }
    }
}

impl Surroundings<'_> {
    /// The session of a run.
    fn session(&self, spec: &RunSpec) -> Option<Session> {
        let Sessions { memory, idle } = self.sessions;
        let workspace = spec.workspace.canonicalize().unwrap_or_else(|_| spec.workspace.clone());
        spec.session.clone().map(|name| Session { name, workspace, memory, idle })
    }
}

/// Resolves a specification for a place that shares this machine's disk.
pub(crate) fn resolve(id: RunId, spec: &RunSpec, around: &Surroundings<'_>) -> Result<Launch> {
    let dir = directory(spec)?;
    let mut env = environment(spec, &dir, around);
    let argv = match &spec.work {
        Work::Line { line, shell } => {
            let shell = shell.clone().or_else(|| around.shell.map(PathBuf::from));
            vec![shell.unwrap_or_else(|| "sh".into()).into(), "-c".into(), line.clone()]
        }
        Work::Program { argv } => argv.clone(),
        Work::Image { .. } => return Err(not_here()),
        Work::Script { language, code, args } => {
            let script = language::Script { language: *language, code, dir: &dir, folder: around.folder };
            let mut argv = script.command(&mut env)?;
            argv.extend(args.iter().cloned());
            argv
        }
    };
    let guard = confinement(spec, &env)?;
    let env = env.into_iter().collect();
    Ok(Launch {
        id,
        argv,
        env,
        dir,
        input: spec.input,
        guard,
        script: None,
        session: around.session(spec),
        recipe: None,
        task: None,
        may_be_kept: false,
    })
}

/// The working directory, checked to be a folder that can be entered.
fn directory(spec: &RunSpec) -> Result<PathBuf> {
    let usable = |path: &Path| {
        let folder = |source| Error::Folder { path: path.to_owned(), source };
        // Listing tells what is missing, what is a file and what may not be read, each in the system's words.
        std::fs::read_dir(path).map(drop).map_err(folder)
    };
    usable(&spec.workspace)?;
    let Some(workdir) = &spec.workdir else { return Ok(spec.workspace.clone()) };
    let dir = spec.workspace.join(workdir);
    usable(&dir)?;
    Ok(dir)
}

/// The variables of a run, the strongest last: base, ours, secrets, those set for it.
fn environment(spec: &RunSpec, dir: &Path, around: &Surroundings<'_>) -> BTreeMap<Text, Text> {
    let inherited = around.base.iter().filter(|(name, _)| !WITHHELD.iter().any(|held| name.as_os() == *held));
    let mut env: BTreeMap<Text, Text> = inherited.cloned().collect();
    // Shells keep it true to the folder they are in; programs believe it.
    env.insert("PWD".into(), dir.into());
    env.extend(around.secrets.iter().map(|(name, value)| (name.into(), value.expose().into())));
    let set = spec.env.set.iter().filter_map(|(name, value)| Some((name.into(), value.clone()?)));
    env.extend(set);
    env
}

/// What a confined run may do.
fn confinement(spec: &RunSpec, env: &BTreeMap<Text, Text>) -> Result<Option<stigmer_runner::Guard>> {
    match (spec.guard.unwrap_or(Guard::Off), &spec.network) {
        (_, Some(Network::Bridge | Network::Named(_))) => Err(Error::InvalidSpec {
            what: "a run on this machine has the network of this machine".to_owned(),
            hint: "choose `--mode sandbox`, or leave out --network",
        }),
        (Guard::Off, Some(Network::None)) => Err(Error::InvalidSpec {
            what: "nothing keeps a local run without guard from the network".to_owned(),
            hint: "add --guard, or choose `--mode sandbox`",
        }),
        (Guard::Off, None | Some(Network::Host)) => Ok(None),
        (Guard::Workspace, network) => {
            let temporary = env.get(&Text::from("TMPDIR")).cloned();
            let writable = ["/tmp", "/var/tmp", "/dev"].map(Text::from).into_iter();
            let writable = writable.chain([Text::from(&spec.workspace)]).chain(temporary);
            let writable = writable.map(|path| serde_bytes::ByteBuf::from(path.as_bytes())).collect();
            Ok(Some(stigmer_runner::Guard { writable, network: *network != Some(Network::None) }))
        }
    }
}

/// Looks a program up the way a shell would, in the `PATH` of `env`.
fn find_program(name: &str, env: &BTreeMap<Text, Text>) -> Option<PathBuf> {
    let path = env.get(&Text::from("PATH"))?;
    std::env::split_paths(path.as_os())
        .map(|folder| folder.join(name))
        .find(|path| crate::os::is_program(path))
}

/// The interpreter of each language that is found in a `PATH`.
pub(crate) fn languages(path: &std::ffi::OsStr) -> Vec<(Language, Option<PathBuf>)> {
    let env = BTreeMap::from([(Text::from("PATH"), Text::from(path))]);
    Language::ALL
        .map(|language| (language, language::find(language, &env).ok().map(|(program, _)| program)))
        .into()
}

/// Values that a record no longer has, by name.
pub(crate) fn missing_values(spec: &RunSpec) -> Vec<&str> {
    spec.env.set.iter().filter(|(_, value)| value.is_none()).map(|(name, _)| name.as_str()).collect()
}

/// A file of the run's folder, for its owner only.
fn write_private(path: &Path, text: &str) -> Result<()> {
    let write = || {
        let mut options = std::fs::OpenOptions::new();
        let mut file = crate::os::private(options.write(true).create(true).truncate(true)).open(path)?;
        io::Write::write_all(&mut file, text.as_bytes())
    };
    write().map_err(Error::storage("writing", path))
}

#[cfg(test)]
mod tests;
