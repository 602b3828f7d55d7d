//! Languages: the program that runs a script, and the file that it is given.
//!
//! The interpreter gets the user's own file, or for code without a file a copy in the run's folder, so the lines
//! in its messages are those of the user's code.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::{find_program, write_private};
use crate::error::{Error, Result};
use crate::spec::{Code, Language, Text};

/// A script to run.
pub(super) struct Script<'a> {
    pub language: Language,
    pub code: &'a Code,
    /// The working directory.
    pub dir: &'a Path,
    /// The folder of the run.
    pub folder: &'a Path,
}

/// Something that runs a language: the program and the words that stand before the script.
struct Candidate {
    program: &'static str,
    words: &'static [&'static str],
}

const fn candidate(program: &'static str, words: &'static [&'static str]) -> Candidate {
    Candidate { program, words }
}

/// What runs a language, the first that is found. The names for a person who has none of them stand beside.
const fn candidates(language: Language) -> (&'static [Candidate], &'static [&'static str]) {
    const PYTHON: &[Candidate] = &[candidate("python3", &[]), candidate("python", &[])];
    const JAVASCRIPT: &[Candidate] =
        &[candidate("node", &[]), candidate("bun", &["run"]), candidate("deno", &["run", "-A"])];
    const TYPESCRIPT: &[Candidate] =
        &[candidate("tsx", &[]), candidate("bun", &["run"]), candidate("deno", &["run", "-A"])];
    const BASH: &[Candidate] = &[candidate("bash", &[])];
    match language {
        Language::Python => (PYTHON, &["python3"]),
        Language::Javascript => (JAVASCRIPT, &["node", "bun", "deno"]),
        Language::Typescript => (TYPESCRIPT, &["tsx (npm install tsx)", "node 22.6 or newer", "bun", "deno"]),
        Language::Bash => (BASH, &["bash"]),
    }
}

impl Script<'_> {
    /// The interpreter, its options and the file. May add to `env` what makes the modules of the working
    /// directory visible to a copy that lies elsewhere.
    pub(super) fn command(&self, env: &mut BTreeMap<Text, Text>) -> Result<Vec<Text>> {
        let mut argv = self.interpreter(env)?;
        argv.push(self.file(env)?.into());
        Ok(argv)
    }

    fn interpreter(&self, env: &BTreeMap<Text, Text>) -> Result<Vec<Text>> {
        let own = self.dir.join("node_modules/.bin/tsx");
        if self.language == Language::Typescript && crate::os::is_program(&own) {
            return Ok(vec![own.into()]);
        }
        let (program, words) = find(self.language, env)?;
        Ok(std::iter::once(program.into()).chain(words.iter().map(Text::from)).collect())
    }

    fn file(&self, env: &mut BTreeMap<Text, Text>) -> Result<PathBuf> {
        let text = match self.code {
            Code::File { path } => {
                // Opened here so that the answer is ours and not a riddle of the interpreter.
                let unreadable = |source| Error::File { path: path.clone(), source };
                let found = std::fs::metadata(path).map_err(unreadable)?;
                if found.is_dir() {
                    return Err(unreadable(std::io::ErrorKind::IsADirectory.into()));
                }
                if !found.is_file() {
                    // The interpreter would look for a pipe of ours that it does not have.
                    let why = "it is not a regular file; pipe the code into standard input instead";
                    return Err(unreadable(std::io::Error::other(why)));
                }
                std::fs::File::open(path).map_err(unreadable)?;
                return Ok(path.clone());
            }
            Code::Inline { text } => text,
        };
        let path = self.folder.join(format!("script.{}", extension(self.language, text)));
        write_private(&path, text)?;
        match self.language {
            Language::Python => {
                let mut paths = vec![self.dir.to_owned()];
                let name = Text::from("PYTHONPATH");
                paths.extend(env.get(&name).into_iter().flat_map(|old| std::env::split_paths(old.as_os())));
                if let Ok(joined) = std::env::join_paths(paths) {
                    env.insert(name, joined.into());
                }
            }
            Language::Javascript | Language::Typescript => {
                let modules = self.dir.join("node_modules");
                if modules.is_dir() {
                    // `NODE_PATH` is not looked at for `import`; a link beside the script is.
                    let link = self.folder.join("node_modules");
                    crate::os::link_folder(&modules, &link).map_err(Error::storage("linking", &link))?;
                }
            }
            Language::Bash => {}
        }
        Ok(path)
    }
}

/// The ending for code without a file. Node takes `import` only in a file that is named as a module.
pub(super) fn extension(language: Language, text: &str) -> &'static str {
    let is_module = || {
        text.lines().any(|line| {
            let mut words = line.split([' ', '{', '"', '\'']);
            matches!(words.next(), Some("import" | "export")) && !line.starts_with("import(")
        })
    };
    match language {
        Language::Javascript if is_module() => "mjs",
        Language::Typescript if is_module() => "mts",
        language => language.extension(),
    }
}

/// The interpreter of a language in the `PATH` of `env`, and the words that stand before a script.
pub(super) fn find(
    language: Language,
    env: &BTreeMap<Text, Text>,
) -> Result<(PathBuf, &'static [&'static str])> {
    const STRIP_TYPES: &[&str] = &["--experimental-strip-types", "--no-warnings=ExperimentalWarning"];
    let (candidates, tried) = candidates(language);
    for candidate in candidates {
        if let Some(program) = find_program(candidate.program, env) {
            return Ok((program, candidate.words));
        }
    }
    if language == Language::Typescript
        && let Some(node) = find_program("node", env).filter(|node| strips_types(node))
    {
        return Ok((node, STRIP_TYPES));
    }
    Err(Error::InterpreterNotFound { language: language.name(), tried })
}

/// What runs a language in a sandbox, by the names that images have it under.
pub(super) const fn in_images(language: Language) -> &'static [&'static str] {
    match language {
        Language::Python => &["python3"],
        Language::Javascript => &["node"],
        // Images have Node, and not always one that runs TypeScript by itself.
        Language::Typescript => &["npx", "--yes", "tsx"],
        Language::Bash => &["bash"],
    }
}

/// Whether this Node runs TypeScript by leaving the types out (22.6 and later).
fn strips_types(node: &Path) -> bool {
    let Ok(output) = std::process::Command::new(node).arg("--version").output() else { return false };
    let version = String::from_utf8_lossy(&output.stdout);
    let mut numbers =
        version.trim().trim_start_matches('v').split('.').map_while(|part| part.parse::<u32>().ok());
    (numbers.next(), numbers.next()) >= (Some(22), Some(6))
}
