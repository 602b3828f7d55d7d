//! Writing, making and moving files.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, Write as _};
use std::path::Path;

use rustix::fs::{
    Access, AtFlags, FileType, Gid, Mode, OFlags, RenameFlags, Stat, Uid, accessat, fchmod, fchown, linkat,
    mkdirat, openat, renameat, renameat_with, statat, unlinkat,
};
use rustix::io::Errno;
use serde::{Deserialize, Serialize};

use super::spot::{Missing, Spot, Walk, kind_of};
use super::{Files, Version, open_file};
use crate::error::{Error, Result};

/// What a file must be for a write to replace it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Expected {
    /// It must not exist.
    Absent,
    /// Its content must be this.
    Version(Version),
    /// Whatever it is.
    Any,
}

/// What can be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum New {
    /// An empty file.
    File,
    /// An empty folder.
    Folder,
}

impl Files {
    /// Replaces the content of a file, or makes it. Whoever reads it meanwhile reads the old or the new content,
    /// never a mixture. A link stays one, and what it leads to is written; mode and owner are kept.
    ///
    /// Fails with [`Error::Conflict`] if the file is not what was expected, and [`Error::File`] if it may not be
    /// written. Between the look at the old content and the new one in its place another program can still write;
    /// that moment is as short as it can be made.
    pub fn write(&self, path: &Path, bytes: &[u8], expected: &Expected) -> Result<Version> {
        let spot = self.walk(path)?.target()?;
        let fails = |source: io::Error| self.fails(path, source);
        let old = spot.stat().map_err(fails)?;
        if let Some(old) = &old {
            may_replace(&spot, old).map_err(fails)?;
        }
        let new = Temporary::beside(&spot).map_err(fails)?;
        new.fill(bytes, old.as_ref()).map_err(fails)?;
        self.check(path, &spot, expected)?;
        let placed = match expected {
            Expected::Absent => new.place_unless_there(&spot),
            Expected::Version(_) | Expected::Any => new.place(&spot),
        };
        match placed {
            Ok(()) => Ok(Version::of(bytes)),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Err(exists(path)),
            Err(error) => Err(fails(error)),
        }
    }

    /// Makes an empty file or folder, and the folders that it is in. What is there already is a
    /// [`Error::Conflict`].
    pub fn create(&self, path: &Path, new: New) -> Result<()> {
        let spot = self.walk(path)?.spot(Missing::Make)?;
        let name = spot.name.as_os_str();
        let made = match new {
            New::Folder => mkdirat(&spot.folder, name, Mode::from_raw_mode(0o777)),
            New::File => {
                let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC;
                openat(&spot.folder, name, flags, Mode::from_raw_mode(0o666)).map(drop)
            }
        };
        match made {
            Ok(()) => Ok(()),
            Err(Errno::EXIST) => Err(exists(path)),
            Err(error) => Err(self.fails(path, error.into())),
        }
    }

    /// Gives a file or folder another name or place; a link is moved itself. Never overwrites: what is there
    /// already is a [`Error::Conflict`].
    pub fn rename(&self, from: &Path, to: &Path) -> Result<()> {
        let old = self.walk(from)?.spot(Missing::Fail)?;
        let new = self.walk(to)?.spot(Missing::Fail)?;
        match place_unless_there(&old, &new) {
            Ok(()) => Ok(()),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Err(exists(to)),
            Err(error) if error.kind() == io::ErrorKind::InvalidInput => Err(Error::Conflict {
                what: format!("`{}` cannot be moved into itself", from.display()),
                hint: "choose a folder that is not in it",
            }),
            Err(error) => Err(self.fails(from, error)),
        }
    }

    /// Whether a file is what a write expects it to be.
    fn check(&self, path: &Path, spot: &Spot, expected: &Expected) -> Result<()> {
        let Expected::Version(version) = expected else { return Ok(()) };
        let now = match open_file(spot) {
            // A longer file has another version, however it goes on.
            Ok((file, stat)) if version.has_length(stat.st_size) => {
                let mut bytes = Vec::new();
                io::Read::read_to_end(&mut io::BufReader::new(file), &mut bytes)
                    .map_err(|source| self.fails(path, source))?;
                Some(Version::of(&bytes))
            }
            Ok(_) => None,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Err(Error::Conflict {
                    what: format!("`{}` was removed meanwhile", path.display()),
                    hint: "write it as a new file, or close it",
                });
            }
            Err(error) => return Err(self.fails(path, error)),
        };
        if now.as_ref() == Some(version) {
            return Ok(());
        }
        Err(Error::Conflict {
            what: format!("`{}` was changed meanwhile", path.display()),
            hint: "compare the two, then keep yours or take the one on disk",
        })
    }
}

impl Version {
    fn has_length(&self, length: i64) -> bool {
        self.0.split('-').next() == Some(&format!("{length:x}"))
    }
}

/// Replacing a file needs no permission to write it, but people expect that it does.
fn may_replace(spot: &Spot, old: &Stat) -> io::Result<()> {
    match kind_of(old) {
        FileType::RegularFile => {}
        FileType::Directory => return Err(io::ErrorKind::IsADirectory.into()),
        _ => return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is neither a file nor a folder")),
    }
    Ok(accessat(&spot.folder, spot.name.as_os_str(), Access::WRITE_OK, AtFlags::EACCESS)?)
}

fn exists(path: &Path) -> Error {
    Error::Conflict {
        what: format!("`{}` is there already", path.display()),
        hint: "choose another name, or remove it first",
    }
}

/// Moves what is at one place to another where nothing may be.
pub(super) fn place_unless_there(old: &Spot, new: &Spot) -> io::Result<()> {
    let (from, to) = (old.name.as_os_str(), new.name.as_os_str());
    match renameat_with(&old.folder, from, &new.folder, to, RenameFlags::NOREPLACE) {
        // A file system that cannot do this at once.
        Err(error @ (Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP)) => {
            if old.stat()?.is_some_and(|stat| kind_of(&stat) == FileType::Directory) {
                if new.stat()?.is_some() {
                    return Err(io::ErrorKind::AlreadyExists.into());
                }
                return Ok(renameat(&old.folder, from, &new.folder, to)?);
            }
            // A second name, which fails if there is one, and then without the first.
            linkat(&old.folder, from, &new.folder, to, AtFlags::empty())
                .map_err(|second| io::Error::from(if second == Errno::EXIST { second } else { error }))?;
            Ok(unlinkat(&old.folder, from, AtFlags::empty())?)
        }
        result => Ok(result?),
    }
}

/// A new file beside the one that it is to replace. Removed again unless it takes its place.
struct Temporary {
    spot: Spot,
    file: File,
}

impl Temporary {
    fn beside(spot: &Spot) -> io::Result<Self> {
        let name = format!(".stigmer-{}.tmp", uuid::Uuid::new_v4().simple());
        let folder = spot.folder.try_clone()?;
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC;
        let file = openat(&folder, name.as_str(), flags, Mode::from_raw_mode(0o666))?;
        Ok(Self { spot: Spot { folder, name: name.into() }, file: file.into() })
    }

    fn fill(&self, bytes: &[u8], old: Option<&Stat>) -> io::Result<()> {
        (&self.file).write_all(bytes)?;
        if let Some(old) = old {
            let mine = rustix::fs::fstat(&self.file)?;
            if (mine.st_uid, mine.st_gid) != (old.st_uid, old.st_gid) {
                // Only the administrator gives files away; for everyone else the file becomes theirs.
                let _ = fchown(&self.file, Some(Uid::from_raw(old.st_uid)), Some(Gid::from_raw(old.st_gid)));
            }
            fchmod(&self.file, Mode::from_raw_mode(old.st_mode))?;
        }
        self.file.sync_all()
    }

    fn place(self, spot: &Spot) -> io::Result<()> {
        Ok(renameat(&self.spot.folder, self.name(), &spot.folder, spot.name.as_os_str())?)
    }

    fn place_unless_there(self, spot: &Spot) -> io::Result<()> {
        place_unless_there(&self.spot, spot)
    }

    fn name(&self) -> &OsStr {
        &self.spot.name
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        // It has gone by itself when it took its place.
        if statat(&self.spot.folder, self.name(), AtFlags::SYMLINK_NOFOLLOW).is_ok() {
            let _ = unlinkat(&self.spot.folder, self.name(), AtFlags::empty());
        }
    }
}

/// A walk to the place of `path` below `root`, whose folders are made if they are gone.
pub(super) fn spot_for(root: &Path, path: &Path) -> Result<Spot> {
    Walk::new(root, path)?.spot(Missing::Make)
}
