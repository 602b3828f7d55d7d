//! From the options of `stigmer run` to a specification.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::io::{IsTerminal, Read};
use std::path::{Path, PathBuf};

use stigmer_engine::Error;
use stigmer_engine::spec::{
    Base, Code, Environment, Guard, Input, Language, Limits, Mount, Origin, RunSpec, Sandbox, Target, Text,
    Work,
};

use super::{env_file, terminal};
use crate::args::{Run, SandboxOptions};
use crate::exit::Failure;

/// Largest script that is read from standard input, in bytes.
const LARGEST_SCRIPT: u64 = 16 << 20;

/// What to run, and whether our standard input is for it.
pub(crate) struct Request {
    pub spec: RunSpec,
    pub stdin: bool,
}

/// Reads everything that the options name.
pub(crate) fn specify(options: &Run) -> Result<Request, Failure> {
    let current = std::env::current_dir().map_err(|source| Error::Folder { path: ".".into(), source })?;
    let workspace = absolute(&current, options.workspace.as_deref().unwrap_or(&current));
    let language = language(options)?;
    let code_on_stdin = language.is_some() && options.file.is_none() && options.code.is_none();
    let work = work(options, language, &current)?;
    let input = input(options, code_on_stdin);
    let mut set = BTreeMap::new();
    for file in &options.env_file {
        set.extend(env_file::read(file)?);
    }
    set.extend(variables(&options.env)?);
    let spec = RunSpec {
        work,
        target: Target { mode: options.mode, sandbox: sandbox(&options.sandbox, &current) },
        workspace,
        workdir: options.workdir.as_deref().map(|dir| absolute(&current, dir)),
        env: Environment { base: Base::Caller(own_variables()), set },
        secrets: options.secret.clone(),
        input,
        session: options.session.clone(),
        limits: Limits { timeout: options.timeout, grace: options.grace },
        guard: options.guard.then_some(Guard::Workspace),
        network: options.network.clone(),
        origin: Origin::CommandLine,
        labels: options.label.clone(),
        rerun_of: None,
        over_limit: options.over_limit,
    };
    Ok(Request { spec, stdin: input != Input::Closed })
}

fn sandbox(options: &SandboxOptions, current: &Path) -> Sandbox {
    let from_here = |mount: &Mount| {
        // `~` is the engine's to resolve; a shell resolves it only at the beginning of a word.
        let source = if mount.source.starts_with("~") {
            mount.source.clone()
        } else {
            absolute(current, &mount.source)
        };
        Mount { source, ..mount.clone() }
    };
    Sandbox {
        image: options.image.clone(),
        snapshot: options.snapshot.clone(),
        bring_back: options.bring_back,
        cpus: options.cpus,
        memory: options.memory,
        pids: options.pids,
        mounts: options.mount.iter().map(from_here).collect(),
        ports: options.port.clone(),
        user: options.user.clone(),
        fresh: options.fresh,
        keep: options.keep,
        within: options.within.clone(),
    }
}

/// The environment of this process, for the run to start from.
pub(crate) fn own_variables() -> Vec<(Text, Text)> {
    std::env::vars_os().map(|(name, value)| (name.into(), value.into())).collect()
}

fn absolute(current: &Path, path: &Path) -> PathBuf {
    let joined = current.join(path);
    // `.` and `..` read oddly in a history; links are left as the user wrote them.
    std::path::absolute(&joined).unwrap_or(joined)
}

/// The language of a script, named or known by the ending of its file; `None` where there is no script.
fn language(options: &Run) -> Result<Option<Language>, Failure> {
    // Sessions know no other.
    let usual = options.session.as_ref().map(|_| Language::Python);
    let (None, Some(file)) = (options.lang, &options.file) else { return Ok(options.lang.or(usual)) };
    let ending = file.extension().unwrap_or_default();
    let language = Language::ALL.into_iter().find(|language| {
        let others: &[&str] = match language {
            Language::Python => &["pyw"],
            Language::Javascript => &["mjs", "cjs"],
            Language::Typescript => &["mts", "cts"],
            Language::Bash => &["bash"],
        };
        ending == language.extension() || others.iter().any(|other| ending == *other)
    });
    language.map(Some).ok_or_else(|| {
        Failure::usage(
            format!("the ending of `{}` is that of no language", file.display()),
            "name it with --lang",
        )
    })
}

fn work(options: &Run, language: Option<Language>, current: &Path) -> Result<Work, Failure> {
    let words = || options.command.iter().map(Text::from);
    if let Some(language) = language {
        let code = match (&options.file, &options.code) {
            (Some(file), _) => Code::File { path: absolute(current, file) },
            (None, Some(code)) => Code::Inline { text: code.clone() },
            (None, None) => Code::Inline { text: code_from_stdin(language)? },
        };
        return Ok(Work::Script { language, code, args: words().collect() });
    }
    match options.command.as_slice() {
        [] => Err(Failure::usage("there is nothing to run", "write the command behind `stigmer run`")),
        [line] => Ok(Work::Line { line: line.into(), shell: options.shell.clone() }),
        _ if options.shell.is_some() => Err(Failure::usage(
            "--shell is for a shell line, and several arguments are a program and its arguments",
            "put the line into quotes, so that it is one argument",
        )),
        _ => Ok(Work::Program { argv: words().collect() }),
    }
}

fn code_from_stdin(language: Language) -> Result<String, Failure> {
    let stdin = std::io::stdin();
    if stdin.is_terminal() {
        return Err(Failure::usage(
            format!("there is no {} code to run", language.name()),
            "give it with --code, name a file with --file, or pipe it in",
        ));
    }
    let mut code = Vec::new();
    let unreadable = |source| Error::File { path: "standard input".into(), source };
    stdin.lock().take(LARGEST_SCRIPT + 1).read_to_end(&mut code).map_err(unreadable)?;
    if code.len() as u64 > LARGEST_SCRIPT {
        return Err(Failure::usage("the script is larger than 16 MiB", "give it as a file with --file"));
    }
    String::from_utf8(code).map_err(|error| unreadable(std::io::Error::other(error)).into())
}

fn input(options: &Run, code_on_stdin: bool) -> Input {
    if options.tty {
        let (cols, rows) = terminal::size();
        return Input::Terminal { cols, rows };
    }
    let nothing_to_send = options.no_input || options.detach || code_on_stdin || !options.watch.is_empty();
    if nothing_to_send || std::io::stdin().is_terminal() {
        return Input::Closed;
    }
    Input::Piped
}

/// Reads `-e` options: `NAME=VALUE`, or `NAME` for the value that it has here.
pub(crate) fn variables(options: &[OsString]) -> Result<BTreeMap<String, Option<Text>>, Failure> {
    let mut set = BTreeMap::new();
    for option in options {
        let bytes = option.as_encoded_bytes();
        let (name, value) = match bytes.iter().position(|&byte| byte == b'=') {
            Some(equals) => (&bytes[..equals], Some(value_behind(option, equals))),
            None => (bytes, std::env::var_os(option)),
        };
        let name = String::from_utf8(name.to_vec())
            .map_err(|_| Failure::usage("the name of a variable is not UTF-8", "write -e NAME=VALUE"))?;
        let value = value.ok_or_else(|| {
            Failure::usage(format!("the variable `{name}` is not set here"), format!("write -e {name}=VALUE"))
        })?;
        set.insert(name, Some(value.into()));
    }
    Ok(set)
}

/// The part of an option behind its `=`, in whatever encoding it is.
fn value_behind(option: &OsStr, equals: usize) -> OsString {
    // SAFETY: the bytes are those of an `OsStr`, split directly behind an ASCII character.
    unsafe { OsString::from_encoded_bytes_unchecked(option.as_encoded_bytes()[equals + 1..].to_vec()) }
}
