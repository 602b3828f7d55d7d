//! What the settings promise, checked from outside: each test lays files, variables and options side by side.

mod edit;
mod files;
mod kinds;
mod precedence;
mod reference;
mod watch;

use std::path::{Path, PathBuf};

use super::{Config, Environment, Sources, UserFile, check};
use crate::error::Error;

/// A user with a settings file and a project, in a folder of their own.
struct Desk {
    folder: tempfile::TempDir,
    sources: Sources,
}

impl Desk {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let workspace = folder.path().join("project/src/deep");
        std::fs::create_dir_all(&workspace).unwrap();
        let sources = Sources {
            user: UserFile::Usual(folder.path().join("config.yaml")),
            workspace: Some(workspace),
            environment: Environment::default(),
            options: Vec::new(),
        };
        Self { folder, sources }
    }

    fn with_user(text: impl AsRef<[u8]>) -> Self {
        let desk = Self::new();
        std::fs::write(desk.user(), text).unwrap();
        desk
    }

    fn user(&self) -> PathBuf {
        self.sources.user.path().to_owned()
    }

    fn project(&self) -> PathBuf {
        self.folder.path().join("project").join(super::PROJECT_FILE)
    }

    fn variable(&mut self, name: &str, value: &str) {
        self.sources.environment = [(name, value)].into_iter().collect();
    }

    fn option(&mut self, name: &str, value: &str) {
        self.sources.options.push((name.to_owned(), value.to_owned()));
    }

    fn load(&self) -> Config {
        Config::load(&self.sources).unwrap()
    }

    /// The first mistake, without the folder that differs each time.
    fn mistake(&self) -> String {
        self.without_folder(&Config::load(&self.sources).unwrap_err().to_string())
    }

    fn mistakes(&self) -> Vec<String> {
        check(&self.sources).problems.iter().map(|error| self.without_folder(&error.to_string())).collect()
    }

    fn warnings(&self) -> Vec<String> {
        let warnings = check(&self.sources).warnings;
        warnings.iter().map(|warning| self.without_folder(&warning.to_string())).collect()
    }

    fn without_folder(&self, text: &str) -> String {
        text.replace(&format!("{}{}", self.folder.path().display(), std::path::MAIN_SEPARATOR), "")
    }
}

fn hint(error: &Error) -> String {
    error.hint().unwrap_or_default()
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap()
}
