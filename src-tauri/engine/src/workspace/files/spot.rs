//! From a path in a workspace to an open folder and a name in it, without ever leaving the workspace.
//!
//! The path is walked one name at a time from the open root. No name is left to the system to resolve, so a link
//! that is swapped in while we walk leads nowhere else, and what is done to a [`Spot`] is done in the folder that
//! was checked, wherever that folder has been moved to meanwhile. (`openat2` does the same in one call, but older
//! kernels, containers and other systems do not have it, and it refuses links with absolute targets inside.)

use std::ffi::{OsStr, OsString};
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Component, Path, PathBuf};

use rustix::fs::{AtFlags, FileType, Mode, OFlags, Stat, mkdirat, openat, readlinkat, statat};
use rustix::io::Errno;

use crate::error::{Error, Result};

/// Links followed on one walk before it is called a circle; the system's own number.
const MOST_LINKS: usize = 40;

/// How a folder is opened that is only passed through: permission to enter it is enough.
#[cfg(target_os = "linux")]
const PASS: OFlags = OFlags::PATH.union(OFlags::DIRECTORY).union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);
#[cfg(not(target_os = "linux"))]
const PASS: OFlags = OFlags::DIRECTORY.union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);

/// A name in an open folder. There may be nothing of that name.
#[derive(Debug)]
pub(super) struct Spot {
    pub(super) folder: OwnedFd,
    pub(super) name: OsString,
}

impl Spot {
    /// What is there, without following a link.
    pub(super) fn stat(&self) -> io::Result<Option<Stat>> {
        match statat(&self.folder, self.name.as_os_str(), AtFlags::SYMLINK_NOFOLLOW) {
            Ok(stat) => Ok(Some(stat)),
            Err(Errno::NOENT) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Opens what is there, never through a link.
    pub(super) fn open(&self, flags: OFlags) -> io::Result<OwnedFd> {
        let flags = flags | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        Ok(openat(&self.folder, self.name.as_os_str(), flags, Mode::empty())?)
    }
}

/// The kind of what a stat is of.
pub(super) fn kind_of(stat: &Stat) -> FileType {
    FileType::from_raw_mode(stat.st_mode)
}

/// What happens to folders on the way that are not there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Missing {
    /// The walk fails.
    Fail,
    /// They are made.
    Make,
}

/// A walk below a root.
pub(super) struct Walk<'a> {
    root: &'a Path,
    /// The given path, for errors.
    given: &'a Path,
    /// The root and the folders below it on the way here; `..` of a link goes back.
    folders: Vec<OwnedFd>,
    /// Names still to go, the next one last.
    ahead: Vec<OsString>,
    links: usize,
}

impl<'a> Walk<'a> {
    /// Begins at the folder `root`, towards `path` in it.
    pub(super) fn new(root: &'a Path, path: &'a Path) -> Result<Self> {
        let flags = PASS.difference(OFlags::NOFOLLOW);
        let opened = rustix::fs::open(root, flags, Mode::empty());
        let folder = opened.map_err(|error| Error::Folder { path: root.to_owned(), source: error.into() })?;
        let mut ahead = Vec::new();
        for part in path.components() {
            match part {
                Component::Normal(name) if !name.as_bytes().contains(&0) => ahead.push(name.to_owned()),
                Component::CurDir => {}
                _ => return Err(Error::OutsideWorkspace { path: path.to_owned() }),
            }
        }
        ahead.reverse();
        Ok(Self { root, given: path, folders: vec![folder], ahead, links: 0 })
    }

    /// The folder at the path; links are followed as long as they stay inside.
    pub(super) fn folder(mut self) -> Result<OwnedFd> {
        while let Some(name) = self.ahead.pop() {
            self.step(&name, Missing::Fail)?;
        }
        self.here()
    }

    /// The place of the path itself, which may be a link. The root has no place.
    pub(super) fn spot(mut self, missing: Missing) -> Result<Spot> {
        let Some(last) = (!self.ahead.is_empty()).then(|| self.ahead.remove(0)) else {
            return Err(Error::OutsideWorkspace { path: self.given.to_owned() });
        };
        while let Some(name) = self.ahead.pop() {
            self.step(&name, missing)?;
        }
        Ok(Spot { folder: self.here()?, name: last })
    }

    /// The place where the path leads when links are followed, the last one too.
    pub(super) fn target(mut self) -> Result<Spot> {
        loop {
            let Some(name) = self.ahead.pop() else {
                return Err(self.fails(io::ErrorKind::IsADirectory.into()));
            };
            if !self.ahead.is_empty() {
                self.step(&name, Missing::Fail)?;
                continue;
            }
            let folder = self.current();
            match readlinkat(folder, name.as_os_str(), Vec::new()) {
                Ok(target) => self.follow(Path::new(OsStr::from_bytes(target.as_bytes())))?,
                // Nothing, or something else than a link.
                Err(_) => return Ok(Spot { folder: self.here()?, name }),
            }
        }
    }

    /// Goes into a folder, or takes what a link says.
    fn step(&mut self, name: &OsStr, missing: Missing) -> Result<()> {
        if name == ".." {
            self.folders.pop();
            return if self.folders.is_empty() { Err(self.leaves()) } else { Ok(()) };
        }
        loop {
            match openat(self.current(), name, PASS, Mode::empty()) {
                Ok(folder) => {
                    self.folders.push(folder);
                    return Ok(());
                }
                Err(Errno::NOENT) if missing == Missing::Make => {
                    match mkdirat(self.current(), name, Mode::from_raw_mode(0o777)) {
                        Ok(()) | Err(Errno::EXIST) => {}
                        Err(error) => return Err(self.fails(error.into())),
                    }
                }
                // A link is either of these, depending on the system.
                Err(error @ (Errno::LOOP | Errno::NOTDIR)) => {
                    return match readlinkat(self.current(), name, Vec::new()) {
                        Ok(target) => self.follow(Path::new(OsStr::from_bytes(target.as_bytes()))),
                        Err(_) => Err(self.fails(error.into())),
                    };
                }
                Err(error) => return Err(self.fails(error.into())),
            }
        }
    }

    /// Puts the way that a link tells in front of what is still to go.
    fn follow(&mut self, target: &Path) -> Result<()> {
        self.links += 1;
        if self.links > MOST_LINKS {
            return Err(self.fails(Errno::LOOP.into()));
        }
        let way = if target.is_absolute() {
            let inside = inside(target, self.root).ok_or_else(|| self.leaves())?;
            self.folders.truncate(1);
            inside
        } else {
            target.to_owned()
        };
        for part in way.components().rev() {
            match part {
                Component::Normal(name) => self.ahead.push(name.to_owned()),
                Component::ParentDir => self.ahead.push("..".into()),
                Component::CurDir => {}
                Component::RootDir | Component::Prefix(_) => return Err(self.leaves()),
            }
        }
        Ok(())
    }

    fn current(&self) -> &OwnedFd {
        self.folders.last().expect("a walk that left the root has failed")
    }

    fn here(mut self) -> Result<OwnedFd> {
        self.folders.pop().ok_or_else(|| self.leaves())
    }

    fn leaves(&self) -> Error {
        Error::OutsideWorkspace { path: self.given.to_owned() }
    }

    fn fails(&self, source: io::Error) -> Error {
        Error::File { path: self.given.to_owned(), source }
    }
}

/// The way from the root to an absolute path in it, by either name of the root.
fn inside(path: &Path, root: &Path) -> Option<PathBuf> {
    if let Ok(inside) = path.strip_prefix(root) {
        return Some(inside.to_owned());
    }
    path.strip_prefix(root.canonicalize().ok()?).ok().map(Path::to_owned)
}
