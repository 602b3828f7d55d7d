//! The files of a workspace, as the window's tree and editor need them.
//!
//! Every path is relative to the workspace and stays in it: `..`, absolute paths and links that lead out are
//! [`Error::OutsideWorkspace`], whatever is swapped while we look. Nothing here waits for anything but the disk;
//! callers put it on a thread that may wait.

mod change;
mod order;
mod sample;
mod spot;
mod trash;
mod tree;
mod watched;

use std::collections::hash_map::DefaultHasher;
use std::fs::File;
use std::hash::Hasher as _;
use std::io::{self, Read as _};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use rustix::fs::{AtFlags, Dir, FileType, Mode, OFlags, Stat, openat, statat};
use serde::{Deserialize, Serialize};

pub use self::change::{Expected, New};
pub use self::sample::sample;
use self::spot::{Spot, Walk, kind_of};
pub use self::trash::{clear_trash, restore};
pub use self::watched::{Change, Watched};
use super::ignored::Ignored;
use crate::error::{Error, Result};
use crate::home::Home;

/// The files below one folder.
#[derive(Debug, Clone)]
pub struct Files {
    root: PathBuf,
    home: Home,
}

/// What an entry of a folder is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A folder.
    Folder,
    /// A file.
    File,
    /// A symbolic link.
    Link,
    /// A socket, a pipe, a device.
    Other,
}

/// An entry of a folder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Entry {
    /// Its name. Bytes that are no text are replaced, and then it cannot be opened by this name.
    pub name: String,
    /// What it is.
    pub kind: Kind,
    /// What a link leads to; `None` for everything else, and for links that lead nowhere or out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub leads_to: Option<Kind>,
    /// Its length in bytes, for a file.
    pub size: u64,
    /// When it was last written.
    pub modified: Option<Timestamp>,
    /// Whether `.gitignore` or one of its like names it.
    pub ignored: bool,
    /// Whether its name can be given back to us.
    pub openable: bool,
}

/// The content of a file at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Content {
    /// All of it.
    pub bytes: Vec<u8>,
    /// Names this content; another content has another version.
    pub version: Version,
    /// Whether it is text that an editor gives back unchanged: UTF-8 without NUL.
    pub is_text: bool,
}

/// Names the content that a file had. Opaque; made of the content alone, so a file that was only touched keeps it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Version(String);

impl Version {
    /// A version that was given out before, in the form of [`Self::as_str`].
    pub fn from_text(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The version as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    fn of(bytes: &[u8]) -> Self {
        let mut hasher = DefaultHasher::new();
        hasher.write(bytes);
        Self(format!("{:x}-{:016x}", bytes.len(), hasher.finish()))
    }
}

impl Files {
    /// The files below `root`, an absolute path. What is deleted goes into `home`.
    pub fn new(root: impl Into<PathBuf>, home: &Home) -> Self {
        Self { root: root.into(), home: home.clone() }
    }

    /// The workspace itself.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// What is in a folder: folders first, each in natural order. The empty path is the workspace itself.
    ///
    /// Fails with [`Error::Folder`] when the workspace is not there, [`Error::File`] when the folder in it is not.
    pub fn list(&self, path: &Path) -> Result<Vec<Entry>> {
        let folder = self.walk(path)?.folder()?;
        let ignored = self.ignored(path);
        let at = self.shown(path);
        let mut entries = Vec::new();
        for name in names(&folder).map_err(|source| self.fails(path, source))? {
            // What went away since it was named is not there.
            let Ok(stat) = statat(&folder, name.as_os_str(), AtFlags::SYMLINK_NOFOLLOW) else { continue };
            let kind = Kind::of(&stat);
            let full = at.join(&name);
            let text = name.to_str();
            entries.push(Entry {
                leads_to: (kind == Kind::Link).then(|| self.leads_to(&path.join(&name))).flatten(),
                kind,
                size: if kind == Kind::File { u64::try_from(stat.st_size).unwrap_or(0) } else { 0 },
                modified: modified(&stat),
                ignored: ignored.leaves_out(&full, kind == Kind::Folder),
                openable: text.is_some(),
                name: text.map_or_else(|| name.to_string_lossy().into_owned(), str::to_owned),
            });
        }
        entries.sort_by(|left, right| {
            let folders = right.is_folder().cmp(&left.is_folder());
            folders.then_with(|| order::natural(&left.name, &right.name))
        });
        Ok(entries)
    }

    /// The content of a file of at most `limit` bytes; links are followed inside the workspace.
    ///
    /// Fails with [`Error::FileTooLarge`] for a larger one, [`Error::File`] if it is none or cannot be read.
    pub fn read(&self, path: &Path, limit: u64) -> Result<Content> {
        let spot = self.walk(path)?.target()?;
        let (file, stat) = open_file(&spot).map_err(|source| self.fails(path, source))?;
        let size = u64::try_from(stat.st_size).unwrap_or(0);
        let mut bytes = Vec::new();
        if size <= limit {
            // It may grow while it is read.
            let read = file.take(limit.saturating_add(1)).read_to_end(&mut bytes);
            read.map_err(|source| self.fails(path, source))?;
        }
        let size = size.max(bytes.len() as u64);
        if size > limit {
            return Err(Error::FileTooLarge { path: path.to_owned(), size, limit });
        }
        let is_text = !bytes.contains(&0) && std::str::from_utf8(&bytes).is_ok();
        Ok(Content { version: Version::of(&bytes), bytes, is_text })
    }

    /// Paths that begin with `prefix`, as a command bar completes them: names of one folder, folders with a slash
    /// at the end, hidden ones only if the prefix says so, ignored ones last. At most `limit`; none if the folder
    /// is not there.
    pub fn complete(&self, prefix: &str, limit: usize) -> Vec<String> {
        let (folder, begin) = prefix.rsplit_once('/').map_or(("", prefix), |(folder, begin)| (folder, begin));
        let Ok(mut entries) = self.list(Path::new(folder)) else { return Vec::new() };
        let lower = begin.to_lowercase();
        entries.retain(|entry| {
            let hidden = entry.name.starts_with('.') && !begin.starts_with('.');
            entry.openable && !hidden && entry.name.to_lowercase().starts_with(&lower)
        });
        // Stable, so that the order of the list holds within.
        entries.sort_by_key(|entry| (entry.ignored, !entry.name.starts_with(begin)));
        let before = &prefix[..prefix.len() - begin.len()];
        let path =
            |entry: &Entry| format!("{before}{}{}", entry.name, if entry.is_folder() { "/" } else { "" });
        entries.iter().take(limit).map(path).collect()
    }

    fn walk<'a>(&'a self, path: &'a Path) -> Result<Walk<'a>> {
        Walk::new(&self.root, path)
    }

    /// The rules that hold in a folder.
    fn ignored(&self, path: &Path) -> Ignored {
        let root = self.shown(Path::new(""));
        let home = self.home.root().canonicalize().unwrap_or_else(|_| self.home.root().to_owned());
        let mut ignored = Ignored::above(&root, &home);
        let mut folder = root;
        ignored.enter(&folder);
        for name in path {
            folder.push(name);
            ignored.enter(&folder);
        }
        ignored
    }

    /// A path as the rules see it.
    fn shown(&self, path: &Path) -> PathBuf {
        self.root.canonicalize().unwrap_or_else(|_| self.root.clone()).join(path)
    }

    fn leads_to(&self, path: &Path) -> Option<Kind> {
        let walk = self.walk(path).ok()?;
        match walk.target() {
            Ok(spot) => spot.stat().ok()?.map(|stat| Kind::of(&stat)),
            // A link to the workspace itself, or to one of the folders above the link.
            Err(Error::File { source, .. }) if source.kind() == io::ErrorKind::IsADirectory => {
                Some(Kind::Folder)
            }
            Err(_) => None,
        }
    }

    #[expect(clippy::unused_self, reason = "reads as what it is about, like its neighbours")]
    fn fails(&self, path: &Path, source: io::Error) -> Error {
        Error::File { path: path.to_owned(), source }
    }
}

impl Entry {
    fn is_folder(&self) -> bool {
        self.kind == Kind::Folder || self.leads_to == Some(Kind::Folder)
    }
}

impl Kind {
    fn of(stat: &Stat) -> Self {
        match kind_of(stat) {
            FileType::Directory => Self::Folder,
            FileType::RegularFile => Self::File,
            FileType::Symlink => Self::Link,
            _ => Self::Other,
        }
    }
}

/// Opens a file to read it. Anything else than a file is refused: opening a pipe would wait for its writer.
fn open_file(spot: &Spot) -> io::Result<(File, Stat)> {
    let file = spot.open(OFlags::RDONLY | OFlags::NONBLOCK)?;
    let stat = rustix::fs::fstat(&file)?;
    match kind_of(&stat) {
        FileType::RegularFile => Ok((File::from(file), stat)),
        FileType::Directory => Err(io::ErrorKind::IsADirectory.into()),
        _ => Err(io::Error::new(io::ErrorKind::InvalidInput, "it is neither a file nor a folder")),
    }
}

/// The names in an open folder.
fn names(folder: &OwnedFd) -> io::Result<Vec<std::ffi::OsString>> {
    use std::os::unix::ffi::OsStrExt as _;
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let readable = openat(folder, ".", flags, Mode::empty())?;
    let mut names = Vec::new();
    for entry in Dir::new(readable)? {
        let entry = entry?;
        let name = std::ffi::OsStr::from_bytes(entry.file_name().to_bytes());
        if name != "." && name != ".." {
            names.push(name.to_owned());
        }
    }
    Ok(names)
}

#[expect(clippy::allow_attributes, reason = "on some systems these have the right type already")]
fn modified(stat: &Stat) -> Option<Timestamp> {
    #[allow(clippy::useless_conversion, clippy::unnecessary_fallible_conversions)]
    let nanos = i32::try_from(stat.st_mtime_nsec).ok()?;
    Timestamp::new(stat.st_mtime, nanos).ok()
}

#[cfg(test)]
mod tests;
