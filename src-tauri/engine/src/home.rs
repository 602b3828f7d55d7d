//! Where the engine keeps its data: `~/.stigmer`, or `STIGMER_HOME`.

use std::path::{Path, PathBuf};

use crate::error::{Error, Result};
use crate::os;
use crate::spec::RunId;

/// The folder of a user's runs, settings and database. Private to the user.
#[derive(Debug, Clone)]
pub struct Home {
    root: PathBuf,
}

impl Home {
    /// A home at `root`. Nothing is created before it is needed.
    pub fn at(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into() }
    }

    /// The home of this user: `STIGMER_HOME` if set and not empty, else `.stigmer` in the home folder.
    pub fn of_user() -> Result<Self> {
        if let Some(root) = std::env::var_os("STIGMER_HOME").filter(|root| !root.is_empty()) {
            let root = std::path::absolute(root).map_err(|_| Error::NoHome)?;
            return Ok(Self::at(root));
        }
        let home = std::env::home_dir().filter(|home| home.is_absolute()).ok_or(Error::NoHome)?;
        Ok(Self::at(home.join(".stigmer")))
    }

    /// Makes the folders that everything else stands in.
    pub fn create(&self) -> Result<()> {
        for folder in [self.runs(), self.hosts()] {
            os::create_private_dir(&folder).map_err(Error::storage("creating", &folder))?;
        }
        Ok(())
    }

    /// The folder itself.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The user's settings.
    pub fn config(&self) -> PathBuf {
        self.root.join("config.yaml")
    }

    /// The database of runs.
    pub fn database(&self) -> PathBuf {
        self.root.join("stigmer.db")
    }

    /// The folder of all runs.
    pub fn runs(&self) -> PathBuf {
        self.root.join("runs")
    }

    /// The folder of one run: its log and its events.
    pub fn run(&self, id: RunId) -> PathBuf {
        self.runs().join(id.to_string())
    }

    /// What was deleted in workspaces, for a day.
    pub fn trash(&self) -> PathBuf {
        self.root.join("trash")
    }

    /// Where other engines leave requests for the engine `host`.
    pub fn mailbox(&self, host: uuid::Uuid) -> PathBuf {
        self.hosts().join(format!("{host}.requests"))
    }

    /// The folder of lock files and mailboxes, one of each for a living engine.
    pub fn hosts(&self) -> PathBuf {
        self.root.join("hosts")
    }
}
