//! Where settings come from, and which source wins.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt;
use std::path::{Path, PathBuf};

use super::file::{self, Survey};
use super::keys::{KEYS, Key, Variable, find};
use super::kind::Mismatch;
use super::{Config, Origin, PROJECT_FILE, Setting, Value, Warning, Which, unknown};
use crate::error::Error;

/// Everything that settings are resolved from.
#[derive(Clone)]
pub struct Sources {
    /// The user's file.
    pub user: UserFile,
    /// The folder from which the project's file is looked for upward; absolute. Without it there is no project.
    pub workspace: Option<PathBuf>,
    /// The environment.
    pub environment: Environment,
    /// What the command line says: names of settings and their values as text. Of several with one name the
    /// last counts.
    pub options: Vec<(String, String)>,
}

impl fmt::Debug for Sources {
    /// Of options the names only: a value may be a key.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let options: Vec<_> = self.options.iter().map(|(name, _)| name).collect();
        f.debug_struct("Sources")
            .field("user", &self.user)
            .field("workspace", &self.workspace)
            .field("environment", &self.environment)
            .field("options", &options)
            .finish()
    }
}

/// The user's file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UserFile {
    /// At its usual place, [`crate::home::Home::config`]; it may be missing.
    Usual(PathBuf),
    /// The one that `--config` names; it must be there.
    Named(PathBuf),
}

impl UserFile {
    /// The file.
    pub fn path(&self) -> &Path {
        match self {
            Self::Usual(path) | Self::Named(path) => path,
        }
    }
}

/// Those variables of an environment that set something.
#[derive(Clone, Default)]
pub struct Environment(BTreeMap<&'static str, OsString>);

impl<N: AsRef<std::ffi::OsStr>, V: Into<OsString>> FromIterator<(N, V)> for Environment {
    /// Keeps the variables of the table that are not empty: `NAME= program` is the way to unset one.
    fn from_iter<T: IntoIterator<Item = (N, V)>>(variables: T) -> Self {
        let mut kept = BTreeMap::new();
        for (name, value) in variables {
            let known = KEYS.iter().flat_map(|key| key.variables).find(|known| name.as_ref() == known.name);
            let value = value.into();
            if let Some(known) = known.filter(|_| !value.is_empty()) {
                kept.insert(known.name, value);
            }
        }
        Self(kept)
    }
}

impl fmt::Debug for Environment {
    /// Names only: a value may be a key.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

/// The settings file of the project that a folder belongs to: the nearest upward.
pub fn project_file(workspace: &Path) -> Option<PathBuf> {
    workspace.ancestors().map(|folder| folder.join(PROJECT_FILE)).find(|file| file.is_file())
}

/// Resolves all settings as far as possible, and collects what is wrong on the way.
pub(super) fn resolve(sources: &Sources) -> (Config, Vec<Error>) {
    let mut layers = Layers::new();
    layers.file(sources.user.path(), Which::User, matches!(sources.user, UserFile::Named(_)));
    let project = sources.workspace.as_deref().and_then(project_file);
    // A user's file that `--config` takes from a project is not read a second time.
    if let Some(path) = project.filter(|path| path != sources.user.path()) {
        layers.file(&path, Which::Project, false);
    }
    layers.environment(&sources.environment);
    layers.options(&sources.options);
    (Config { settings: layers.settings, warnings: layers.warnings }, layers.problems)
}

/// Settings, while one source after the other is laid over them.
struct Layers {
    settings: Vec<Setting>,
    warnings: Vec<Warning>,
    problems: Vec<Error>,
}

impl Layers {
    fn new() -> Self {
        let mut layers =
            Self { settings: Vec::with_capacity(KEYS.len()), warnings: vec![], problems: vec![] };
        for key in KEYS {
            layers.settings.push(Setting { key, value: None, origin: Origin::Default });
            if let Some(text) = key.default {
                layers.put(key, Origin::Default, key.kind.read_text(text));
            }
        }
        layers
    }

    fn file(&mut self, path: &Path, which: Which, required: bool) {
        let contents = match file::read(path) {
            Ok(Some(contents)) => contents,
            Ok(None) if required => {
                let what = format!("{}: there is no such file", path.display());
                let hint = "check the path after `--config`".to_owned();
                return self.problems.push(Error::Config { what, hint });
            }
            Ok(None) => return,
            Err(error) => return self.problems.push(error),
        };
        let Survey { found, warnings, mut problems, .. } = file::survey(path, &contents.root, which);
        self.warnings.extend(warnings);
        for found in found {
            let origin = found.origin(path, which);
            match found.key.kind.read(&found.entry.value) {
                Ok(value) => self.set(found.key, origin, value),
                Err(mismatch) => problems.push((found.entry.line, wrong(found.key, origin, &mismatch))),
            }
        }
        problems.sort_by_key(|(line, _)| *line);
        self.problems.extend(problems.into_iter().map(|(_, problem)| problem));
    }

    fn environment(&mut self, environment: &Environment) {
        for key in KEYS {
            let values =
                key.variables.iter().filter_map(|known| Some((known, environment.0.get(known.name)?)));
            for (Variable { name, shared }, value) in values {
                let origin = Origin::Environment { variable: name };
                let Some(text) = value.to_str() else {
                    let (what, hint) = (format!("{name} is not UTF-8"), "set it to readable text".to_owned());
                    self.problems.push(Error::Config { what, hint });
                    break;
                };
                match key.kind.read_text(text) {
                    Err(_) if *shared => {}
                    value => {
                        self.put(key, origin, value);
                        break;
                    }
                }
            }
        }
    }

    fn options(&mut self, options: &[(String, String)]) {
        for (name, text) in options {
            match find(name) {
                Some(key) => self.put(key, Origin::Option, key.kind.read_text(text)),
                None => self.problems.push(unknown(name)),
            }
        }
    }

    fn put(&mut self, key: &'static Key, origin: Origin, value: Result<Value, Mismatch>) {
        match value {
            Ok(value) => self.set(key, origin, value),
            Err(mismatch) => self.problems.push(wrong(key, origin, &mismatch)),
        }
    }

    fn set(&mut self, key: &'static Key, origin: Origin, value: Value) {
        if let Some(setting) = self.settings.iter_mut().find(|setting| setting.key.name == key.name) {
            setting.value = Some(value);
            setting.origin = origin;
        }
    }
}

/// A value that does not fit, with the place where it stands.
pub(super) fn wrong(key: &Key, origin: Origin, mismatch: &Mismatch) -> Error {
    let Mismatch { line: inner, within, accepted, found } = mismatch;
    let name = format!("`{}{within}`", key.name);
    let sentence = format!("must be {accepted}, not {found}");
    let what = match origin {
        Origin::File { path, line, .. } => {
            // An item of a long list is named by its own line.
            format!("{}:{}: {name} {sentence}", path.display(), line.max(*inner))
        }
        Origin::Environment { variable } => format!("{variable}: {name} {sentence}"),
        Origin::Option | Origin::Default => format!("{name} {sentence}"),
    };
    Error::Config { what, hint: format!("for instance `{}: {}`", key.name, key.example()) }
}
