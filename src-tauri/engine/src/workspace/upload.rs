//! What leaves this machine when a workspace is copied to the cloud for the first time, so that a person can be told
//! before it does.
//!
//! A survey asks the disk alone, and looks at names and sizes, never into files. It uses the rules of the copy itself, so it
//! names what would really go. Memory does not grow with the workspace.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde::Serialize;
use sha2::{Digest as _, Sha256};
use stigmer_tree::{Choice, Entry, Kind, list, open};
use tokio_util::sync::CancellationToken;

use super::ignored::Keeper;
use super::sync::Rules;
use crate::backend::hex;
use crate::config::Config;
use crate::error::{Error, Result};
use crate::home::Home;
use crate::os;

mod tally;

pub use tally::{Unwanted, UnwantedKind, Weighed};

pub(crate) use tally::Tally;

/// Entries that are looked at, at most. Beyond them it is enough to know that there are more.
const MOST: u64 = 1_000_000;

/// Files of rules that are told one by one.
const MOST_KEEPERS: usize = 50;

/// Paths that are named of what one file of rules leaves out.
const EXAMPLES: usize = 3;

/// What would leave this machine.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Upload {
    /// Number of files.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Whether there are so many that not all were looked at; then the numbers are too small.
    pub more: bool,
    /// The largest files, the largest first.
    pub largest: Vec<Weighed>,
    /// What looks as if it should not go, secrets first.
    pub unwanted: Vec<Unwanted>,
    /// What stays here, and why.
    pub left_out: Vec<LeftOut>,
    /// Entries that could not be looked at or are links that lead out: they stay here, too.
    pub problems: u64,
}

/// What one file of rules keeps here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LeftOut {
    /// The file, relative to the workspace where it is below; or what else keeps it here, in words.
    pub by: String,
    /// Number of entries. A folder with all that is in it counts once.
    pub entries: u64,
    /// Some of them, relative to the workspace.
    pub examples: Vec<String>,
}

impl Upload {
    /// Looks at everything in `workspace` that would be copied. Waits for the disk alone, and ends early, with
    /// [`Error::Stopped`], once nobody wants to know.
    pub fn survey(workspace: &Path, home: &Home, stop: &CancellationToken) -> Result<Self> {
        let fails = |source| Error::Folder { path: workspace.to_owned(), source };
        let root = workspace.canonicalize().map_err(fails)?;
        let home = home.root().canonicalize().unwrap_or_else(|_| home.root().to_owned());
        let mut choice =
            Counting { rules: Rules::new(&root, &home)?, root: &root, left_out: RefCell::default() };
        let (mut tally, mut seen) = (Tally::default(), 0);
        let mut each = |path: &Path, entry: Entry| {
            if let Kind::File { size, .. } = entry.kind {
                tally.add(path, size);
            }
            seen += 1;
            seen < MOST && !stop.is_cancelled()
        };
        let problems = list(&open(&root).map_err(fails)?, &mut choice, &mut each).map_err(fails)?;
        if stop.is_cancelled() {
            return Err(Error::Stopped);
        }
        let left_out = choice.left_out.into_inner().into_values().collect();
        Ok(Self { more: seen >= MOST, left_out, problems: problems.len() as u64, ..tally.upload() })
    }

    /// What there is to say in a line: how much, and what looks as if it should not go.
    pub fn summary(&self) -> String {
        let more = if self.more { "more than " } else { "" };
        let files = if self.files == 1 { "file" } else { "files" };
        let mut line = format!("{more}{} {files}, {}", self.files, crate::size::size(self.bytes));
        let unwanted: Vec<_> = self.unwanted.iter().take(EXAMPLES).map(ToString::to_string).collect();
        if !unwanted.is_empty() {
            let rest = self.unwanted.len() - unwanted.len();
            let rest = if rest > 0 { format!(" and {rest} more") } else { String::new() };
            line = format!("{line}; among them {}{rest}", unwanted.join(", "));
        }
        line
    }
}

/// Whether no copy of a workspace was made in the cloud of these settings before.
pub fn is_first(workspace: &Path, config: &Config, home: &Home) -> bool {
    !Mark::of(home, workspace, config.text("daytona.api_url")).is_set()
}

/// Notes that nobody needs to be asked about this workspace any more, by these settings.
pub fn allow(workspace: &Path, config: &Config, home: &Home) -> Result<()> {
    Mark::of(home, workspace, config.text("daytona.api_url")).set()
}

/// Says of a workspace that it was copied to a place before.
#[derive(Debug, Clone)]
pub(crate) struct Mark {
    file: PathBuf,
    /// The place, in words.
    pub(crate) place: String,
}

impl Mark {
    /// For the cloud that is asked at an address.
    pub(crate) fn of(home: &Home, workspace: &Path, api_url: Option<&str>) -> Self {
        Self::at(home, workspace, api_url.unwrap_or_default(), "the cloud".to_owned())
    }

    /// For an engine on another disk.
    pub(crate) fn of_engine(home: &Home, workspace: &Path, uri: &str) -> Self {
        Self::at(home, workspace, uri, uri.to_owned())
    }

    fn at(home: &Home, workspace: &Path, address: &str, place: String) -> Self {
        let workspace = workspace.canonicalize().unwrap_or_else(|_| workspace.to_owned());
        let mut hash = Sha256::new();
        hash.update(workspace.as_os_str().as_encoded_bytes());
        hash.update([0]);
        hash.update(address);
        let file = home.root().join("cloud").join(format!("uploaded-{}", hex(&hash.finalize()[..8])));
        Self { file, place }
    }

    pub(crate) fn is_set(&self) -> bool {
        self.file.exists()
    }

    pub(crate) fn set(&self) -> Result<()> {
        if self.is_set() {
            return Ok(());
        }
        let set = || {
            os::create_private_dir(self.file.parent().unwrap_or(Path::new("")))?;
            os::private(fs::OpenOptions::new().create(true).append(true)).open(&self.file).map(drop)
        };
        set().map_err(Error::storage("writing", &self.file))
    }
}

/// The rules, counting what they keep here.
struct Counting<'a> {
    rules: Rules,
    root: &'a Path,
    left_out: RefCell<BTreeMap<Option<Keeper>, LeftOut>>,
}

impl Counting<'_> {
    fn count(&self, keeper: Keeper, path: &Path) {
        let mut all = self.left_out.borrow_mut();
        let keeper =
            Some(keeper).filter(|one| all.len() < MOST_KEEPERS || all.contains_key(&Some(one.clone())));
        let by = match &keeper {
            Some(Keeper::Rules(file)) => file.strip_prefix(self.root).unwrap_or(file).display().to_string(),
            Some(Keeper::Dropping) => "what editors make for a moment".to_owned(),
            Some(Keeper::Home) => "the data of Stigmer".to_owned(),
            None => "other files of rules".to_owned(),
        };
        let one = all.entry(keeper).or_insert(LeftOut { by, entries: 0, examples: Vec::new() });
        one.entries += 1;
        if one.examples.len() < EXAMPLES {
            one.examples.push(path.to_string_lossy().into_owned());
        }
    }
}

impl Choice for Counting<'_> {
    fn enters(&mut self, path: &Path) {
        self.rules.enters(path);
    }

    fn leaves_out(&self, path: &Path, is_folder: bool) -> bool {
        let keeper = self.rules.keeper(path, is_folder);
        keeper.map(|keeper| self.count(keeper, path)).is_some()
    }
}

#[cfg(test)]
mod tests;
