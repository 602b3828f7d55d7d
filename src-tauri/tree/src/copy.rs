//! A copy that is asked for by hand: one entry with all that is in it, from a path to a path, over what is there.
//!
//! The giver says first what it is (a [`Word::Change`] with its name), then sends a stream of [`crate::send`], problems, and
//! [`Word::End`]. Nothing is agreed on, and nothing is kept of it.

use std::ffi::OsStr;
use std::fs;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use serde_bytes::ByteBuf;

use crate::survey::Everything;
use crate::word::unexpected;
use crate::{
    Change, Dir, Entry, Kind, Problem, Received, Side, Stamp, State, Word, changes, get, inside, open, put,
    receive, send, to_bytes,
};

/// What came of a copy.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Copied {
    /// Files, folders and links.
    pub entries: u64,
    /// Bytes of the files.
    pub bytes: u64,
    /// What could not be read there or written here.
    pub problems: Vec<Problem>,
}

impl Copied {
    fn add(&mut self, changes: &[Change]) {
        let present = changes.iter().filter_map(|change| change.entry.as_ref());
        for entry in present {
            self.entries += 1;
            if let Kind::File { size, .. } = entry.kind {
                self.bytes += size;
            }
        }
    }
}

/// Sends what is at a path. One that is a link is refused unless links are to be followed or a slash stands behind it: in a
/// folder that others write to it may lead anywhere.
///
/// # Errors
///
/// What keeps it from being looked at, before anything is sent; later those of the stream alone.
pub fn give(from: &Path, follows: bool, to: &mut impl Write) -> io::Result<Copied> {
    let whole = if from.file_name().is_none() { from.canonicalize()? } else { from.to_owned() };
    let Some(name) = whole.file_name() else {
        return Err(io::Error::other("a whole disk is not copied; name what is on it"));
    };
    let about = if follows { fs::metadata(&whole)? } else { fs::symlink_metadata(&whole)? };
    let name = to_bytes(Path::new(name)).into();
    let mut copied = Copied::default();
    let (sent, problems) = if about.is_dir() {
        let dir = open(&whole)?;
        let survey = changes(&dir, &mut State::default(), &mut Everything)?;
        say(&name, Kind::Folder { mode: mode(&about) }, to)?;
        copied.entries += 1;
        copied.problems = survey.problems;
        let paths: Vec<_> = survey.changes.into_iter().map(|change| change.path).collect();
        send(&dir, &paths, to)?
    } else if about.is_file() {
        let real = if follows { whole.canonicalize()? } else { whole };
        let parent = real.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let inner = real.file_name().unwrap_or_default();
        let dir = open(parent)?;
        // Said before anything is.
        dir.open(inner)?;
        say(&name, Kind::File { mode: mode(&about), size: about.len(), modified: 0 }, to)?;
        send(&dir, &[ByteBuf::from(to_bytes(Path::new(inner)))], to)?
    } else if about.is_symlink() {
        return Err(is_a_link());
    } else {
        return Err(io::Error::other("it is neither a file nor a folder"));
    };
    copied.add(&sent);
    copied.problems.extend(problems);
    for problem in &copied.problems {
        put(to, &Word::Problem(problem.clone()))?;
    }
    put(to, &Word::End)?;
    Ok(copied)
}

fn is_a_link() -> io::Error {
    io::Error::other("it is a link; name what it leads to, or write a slash behind it if that is a folder")
}

/// Says what comes.
fn say(name: &ByteBuf, kind: Kind, to: &mut impl Write) -> io::Result<()> {
    let entry = Entry { kind, stamp: Stamp::default(), digest: None };
    put(to, &Word::Change(Change { path: name.clone(), entry: Some(entry) }))
}

/// Takes what [`give`] sends, and puts it at a path: into the folder that is there, else in the place of what is there, whose
/// folder must be. In a folder it gets a `name`, where whoever asked for it knows one: the giver's word alone could name
/// anything else that is in it.
///
/// # Errors
///
/// Those of the stream, the giver's, and a place that cannot be written to.
pub fn take(at: &Path, name: Option<&OsStr>, from: &mut impl Read) -> io::Result<Copied> {
    let (given, kind) = match get(from)? {
        Word::Change(Change { path, entry: Some(Entry { kind, .. }) }) => (path, kind),
        Word::Failed(why) => return Err(io::Error::other(why)),
        _ => return Err(unexpected()),
    };
    let place = Place::of(at, name.map_or(&given, |name| name.as_encoded_bytes()))?;
    let mut copied = Copied::default();
    let received = match kind {
        Kind::Folder { mode } => {
            copied.entries += 1;
            place.folder(mode, from)?
        }
        Kind::File { .. } => place.file(from)?,
        Kind::Link { .. } => return Err(unexpected()),
    };
    copied.add(&received.taken);
    copied.problems = received.problems;
    loop {
        match get(from)? {
            // That a file broke off was told in its place, too.
            Word::Problem(problem) if copied.problems.contains(&problem) => {}
            Word::Problem(problem) => copied.problems.push(problem),
            Word::End => return Ok(copied),
            _ => return Err(unexpected()),
        }
    }
}

/// Says what became of what was taken, to a giver who cannot see it.
pub fn answer(taken: &Copied, to: &mut impl Write) -> io::Result<()> {
    for problem in &taken.problems {
        put(to, &Word::Problem(problem.clone()))?;
    }
    put(to, &Word::Copied { entries: taken.entries, bytes: taken.bytes })
}

/// What was [`answer`]ed.
///
/// # Errors
///
/// Those of the stream, and the taker's.
pub fn answered(from: &mut impl Read) -> io::Result<Copied> {
    let mut problems = Vec::new();
    loop {
        match get(from)? {
            Word::Problem(problem) => problems.push(problem),
            Word::Copied { entries, bytes } => return Ok(Copied { entries, bytes, problems }),
            Word::Failed(why) => return Err(io::Error::other(why)),
            _ => return Err(unexpected()),
        }
    }
}

/// Where it goes: a name in a folder that is open. Nothing is reached by another way from there on, so that no link leads out.
struct Place {
    parent: Dir,
    name: PathBuf,
}

impl Place {
    fn of(at: &Path, name: &[u8]) -> io::Result<Self> {
        let name = inside(name).filter(|name| name.components().count() == 1).ok_or_else(unexpected)?;
        // With a slash behind it the system itself looks where a link leads.
        let found = fs::symlink_metadata(at).ok();
        if found.as_ref().is_some_and(fs::Metadata::is_dir) {
            return Ok(Self { parent: open(at)?, name });
        }
        if found.is_some_and(|found| found.is_symlink()) && at.is_dir() {
            return Err(is_a_link());
        }
        let parent = at.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let last = at.file_name().filter(|_| !at.as_os_str().as_encoded_bytes().ends_with(b"/"));
        match last {
            Some(last) if parent.is_dir() => Ok(Self { parent: open(parent)?, name: last.into() }),
            _ => Err(io::Error::new(io::ErrorKind::NotFound, "there is no folder to put it into")),
        }
    }

    /// What is there; `None` where nothing is.
    fn found(&self) -> io::Result<Option<cap_std::fs::Metadata>> {
        match self.parent.symlink_metadata(&self.name) {
            Ok(about) => Ok(Some(about)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn folder(&self, mode: u32, from: &mut impl Read) -> io::Result<Received> {
        let is_new = match self.found()? {
            None => true,
            Some(about) if about.is_dir() => false,
            Some(_) => return Err(io::Error::other("something that is no folder is in its place")),
        };
        if is_new {
            self.parent.create_dir(&self.name)?;
        }
        let received = receive(&self.parent.open_dir(&self.name)?, from, &mut State::default(), Side::Over)?;
        if is_new {
            set_mode(&self.parent, &self.name, mode)?;
        }
        Ok(received)
    }

    /// One file: in a folder of its own first, so that it is there whole or as it was before.
    fn file(&self, from: &mut impl Read) -> io::Result<Received> {
        if self.found()?.is_some_and(|about| !about.is_file() && !about.is_symlink()) {
            return Err(io::Error::other("something that is no file is in its place"));
        }
        let aside = Aside::new(&self.parent)?;
        let dir = self.parent.open_dir(&aside.name)?;
        let received = receive(&dir, from, &mut State::default(), Side::Over)?;
        if let Some(only) = dir.entries()?.next() {
            dir.rename(only?.file_name(), &self.parent, &self.name)?;
        }
        Ok(received)
    }
}

/// A folder that goes when this is dropped.
struct Aside<'a> {
    parent: &'a Dir,
    name: PathBuf,
}

impl<'a> Aside<'a> {
    fn new(parent: &'a Dir) -> io::Result<Self> {
        for number in 0..100 {
            // Left out of every copy by its name.
            let name = PathBuf::from(format!(".stigmer-{}-{number}.tmp", std::process::id()));
            match parent.create_dir(&name) {
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                made => return made.map(|()| Self { parent, name }),
            }
        }
        Err(io::ErrorKind::AlreadyExists.into())
    }
}

impl Drop for Aside<'_> {
    fn drop(&mut self) {
        let _ = self.parent.remove_dir_all(&self.name);
    }
}

#[cfg(unix)]
fn mode(about: &fs::Metadata) -> u32 {
    use std::os::unix::fs::PermissionsExt as _;
    about.permissions().mode() & 0o777
}

#[cfg(unix)]
fn set_mode(folder: &Dir, name: &Path, mode: u32) -> io::Result<()> {
    use cap_std::fs::PermissionsExt as _;
    folder.set_permissions(name, cap_std::fs::Permissions::from_mode(mode & 0o777))
}

#[cfg(not(unix))]
fn mode(_: &fs::Metadata) -> u32 {
    0o755
}

#[cfg(not(unix))]
fn set_mode(_: &Dir, _: &Path, _: u32) -> io::Result<()> {
    Ok(())
}
