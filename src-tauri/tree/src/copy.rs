//! A copy that is asked for by hand: one entry with all that is in it, from a path to a path, over what is there.
//!
//! The giver says first what it is (a [`Word::Change`] with its name), then sends a stream of [`crate::send`], problems, and
//! [`Word::End`]. Nothing is agreed on, and nothing is kept of it.

use std::fs;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use serde_bytes::ByteBuf;

use crate::survey::Everything;
use crate::word::unexpected;
use crate::{
    Change, Entry, Kind, Problem, Received, Side, Stamp, State, Word, changes, get, inside, open, put,
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

/// Sends what is at a path.
///
/// # Errors
///
/// What keeps it from being looked at, before anything is sent; later those of the stream alone.
pub fn give(from: &Path, to: &mut impl Write) -> io::Result<Copied> {
    let whole = if from.file_name().is_none() { from.canonicalize()? } else { from.to_owned() };
    let Some(name) = whole.file_name() else {
        return Err(io::Error::other("a whole disk is not copied; name what is on it"));
    };
    // What a link leads to, as every other program that is given its name would take.
    let about = fs::metadata(&whole)?;
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
        let real = whole.canonicalize()?;
        let parent = real.parent().unwrap_or(Path::new("/"));
        let inner = ByteBuf::from(to_bytes(Path::new(real.file_name().unwrap_or_default())));
        say(&name, Kind::File { mode: mode(&about), size: about.len(), modified: 0 }, to)?;
        send(&open(parent)?, &[inner], to)?
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

/// Says what comes.
fn say(name: &ByteBuf, kind: Kind, to: &mut impl Write) -> io::Result<()> {
    let entry = Entry { kind, stamp: Stamp::default(), digest: None };
    put(to, &Word::Change(Change { path: name.clone(), entry: Some(entry) }))
}

/// Takes what [`give`] sends, and puts it at a path: into the folder that is there, else in the place of what is there, whose
/// folder must be.
///
/// # Errors
///
/// Those of the stream, the giver's, and a place that cannot be written to.
pub fn take(at: &Path, from: &mut impl Read) -> io::Result<Copied> {
    let (name, kind) = match get(from)? {
        Word::Change(Change { path, entry: Some(Entry { kind, .. }) }) => (path, kind),
        Word::Failed(why) => return Err(io::Error::other(why)),
        _ => return Err(unexpected()),
    };
    let place = place(at, &name)?;
    let mut copied = Copied::default();
    let received = match kind {
        Kind::Folder { mode } => {
            let is_new = !place.is_dir();
            if is_new {
                fs::create_dir(&place)?;
            }
            let received = receive(&open(&place)?, from, &mut State::default(), Side::Over)?;
            if is_new {
                set_mode(&place, mode)?;
            }
            copied.entries += 1;
            received
        }
        Kind::File { .. } => take_file(&place, from)?,
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

/// Where it goes.
fn place(at: &Path, name: &[u8]) -> io::Result<PathBuf> {
    let name = inside(name).filter(|name| name.components().count() == 1).ok_or_else(unexpected)?;
    if at.is_dir() {
        return Ok(at.join(name));
    }
    let parent = at.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    if at.as_os_str().as_encoded_bytes().ends_with(b"/") || !parent.is_dir() {
        return Err(io::Error::new(io::ErrorKind::NotFound, "there is no folder to put it into"));
    }
    Ok(at.to_owned())
}

/// One file: in a folder of its own first, so that it is there whole or as it was before.
fn take_file(place: &Path, from: &mut impl Read) -> io::Result<Received> {
    let parent = place.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let folder = Folder::new(parent)?;
    let received = receive(&open(&folder.0)?, from, &mut State::default(), Side::Over)?;
    if let Some(only) = fs::read_dir(&folder.0)?.next() {
        fs::rename(only?.path(), place)?;
    }
    Ok(received)
}

/// A folder that goes when this is dropped.
struct Folder(PathBuf);

impl Folder {
    fn new(parent: &Path) -> io::Result<Self> {
        for number in 0..100 {
            // Left out of every copy by its name.
            let path = parent.join(format!(".stigmer-{}-{number}.tmp", std::process::id()));
            match fs::create_dir(&path) {
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                made => return made.map(|()| Self(path)),
            }
        }
        Err(io::ErrorKind::AlreadyExists.into())
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[cfg(unix)]
fn mode(about: &fs::Metadata) -> u32 {
    use std::os::unix::fs::PermissionsExt as _;
    about.permissions().mode() & 0o777
}

#[cfg(unix)]
fn set_mode(path: &Path, mode: u32) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    fs::set_permissions(path, fs::Permissions::from_mode(mode & 0o777))
}

#[cfg(not(unix))]
fn mode(_: &fs::Metadata) -> u32 {
    0o755
}

#[cfg(not(unix))]
fn set_mode(_: &Path, _: u32) -> io::Result<()> {
    Ok(())
}
