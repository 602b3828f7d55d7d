//! Takes what another place sent.

use std::io::{self, Read, Write as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, UNIX_EPOCH};

use cap_std::fs::{Dir, File, OpenOptions, Permissions, PermissionsExt as _};
use serde_bytes::ByteBuf;
use sha2::{Digest as _, Sha256};

use crate::survey::{digest, kind, now, stamp};
use crate::word::unexpected;
use crate::{Change, Entry, Kind, Problem, Stamp, State, Word, get, inside, stays_inside, to_bytes};

/// What the version that is not home's is called where an entry changed in both places.
const BESIDE: &str = ".from-sandbox";

/// What comes to a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum New {
    Folder,
    File,
    Link,
}

/// Which of the two places this one is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// Where the user works.
    Home,
    /// Where programs run.
    Away,
    /// Neither: nothing was agreed on, and what comes takes the place of what is there.
    Over,
}

/// What came of taking.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Received {
    /// What both places have now, as the sender has it: for its [`State::agree`].
    pub taken: Vec<Change>,
    /// Entries that had changed in both places, and what the version that is not home's is called.
    pub conflicts: Vec<(ByteBuf, ByteBuf)>,
    /// Entries that could not be read there or written here.
    pub problems: Vec<Problem>,
}

/// Takes a stream of [`crate::send`] into a folder, and writes into its state what both have now.
///
/// A file is there whole or as it was before, whenever this breaks off. Fails only for the stream: with `UnexpectedEof`
/// where it is cut off, with `InvalidData` where it is none.
pub fn receive(folder: &Dir, from: &mut impl Read, state: &mut State, side: Side) -> io::Result<Received> {
    let mut taking = Taking {
        folder,
        state,
        side,
        received: Received::default(),
        modes: Vec::new(),
        files: 0,
        known: PathBuf::new(),
    };
    loop {
        match get(from)? {
            Word::Change(change) => taking.change(change, from)?,
            Word::Problem(problem) => taking.received.problems.push(problem),
            Word::Failed(why) => return Err(io::Error::other(why)),
            Word::End => break,
            _ => return Err(unexpected()),
        }
    }
    taking.settle_modes();
    Ok(taking.received)
}

struct Taking<'a> {
    folder: &'a Dir,
    state: &'a mut State,
    side: Side,
    received: Received,
    /// What folders may be in the end: until then there is something to write in them.
    modes: Vec<(PathBuf, u32)>,
    files: u64,
    /// A folder that is there, and so are those around it: what follows is mostly in the same one.
    known: PathBuf,
}

impl Taking<'_> {
    fn change(&mut self, change: Change, from: &mut impl Read) -> io::Result<()> {
        let Change { path: name, mut entry } = change;
        let path = inside(&name);
        let outside = || io::Error::new(io::ErrorKind::InvalidInput, "it is not inside the folder");
        let done = match (path, &mut entry) {
            (Some(path), None) => self.gone(&path, &name),
            (Some(path), Some(Entry { kind: Kind::Folder { mode }, .. })) => self.make_folder(&path, *mode),
            (Some(path), Some(Entry { kind: Kind::Link { target }, .. })) => self.link(&path, target),
            (Some(path), Some(Entry { kind: Kind::File { mode, modified, .. }, stamp, digest })) => {
                let content = self.content(&path, from)?;
                content.and_then(|content| {
                    *digest = Some(content.digest);
                    if content.unsteady {
                        *stamp = Stamp::default();
                    }
                    self.file(&path, content, *mode, *modified)
                })
            }
            (None, Some(Entry { kind: Kind::File { .. }, .. })) => {
                drain(from)?;
                Err(outside())
            }
            (None, _) => Err(outside()),
        };
        match done {
            Ok(()) => self.received.taken.push(Change { path: name, entry }),
            Err(error) => self.received.problems.push(Problem::new(&name, error)),
        }
        Ok(())
    }

    fn gone(&mut self, path: &Path, name: &[u8]) -> io::Result<()> {
        self.known.clear();
        // What has changed here stays, and is new to the other side.
        let removed = match self.folder.symlink_metadata(path) {
            Ok(about) if about.is_dir() => self.folder.remove_dir(path),
            Ok(_) if self.is_changed(path)? => Ok(()),
            Ok(_) => self.folder.remove_file(path),
            Err(error) => Err(error),
        };
        self.state.entries.remove(name);
        match removed {
            // A folder in which something else is stays.
            Err(error) if error.kind() == io::ErrorKind::DirectoryNotEmpty => Ok(()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            Err(error) if error.kind() == io::ErrorKind::NotADirectory => Ok(()),
            other => other,
        }
    }

    fn make_folder(&mut self, path: &Path, mode: u32) -> io::Result<()> {
        let is_there = self.folder.symlink_metadata(path).is_ok_and(|about| about.is_dir());
        if !is_there {
            self.make_parent(path)?;
        }
        self.modes.push((path.to_owned(), mode));
        self.agree(path, None)
    }

    fn link(&mut self, path: &Path, target: &[u8]) -> io::Result<()> {
        let target = crate::to_path(target).ok_or(io::ErrorKind::InvalidInput)?;
        if !stays_inside(path, &target) {
            return Err(io::Error::other("the link leads out of the folder"));
        }
        let has = self.folder.read_link_contents(path);
        if !has.is_ok_and(|has| has == target) {
            self.make_parent(path.parent().unwrap_or(Path::new("")))?;
            let place = self.make_room(path, New::Link)?;
            self.folder.symlink_contents(&target, &place)?;
            if place != path {
                return Ok(());
            }
        }
        self.agree(path, None)
    }

    fn file(&mut self, path: &Path, content: Content, mode: u32, modified: i64) -> io::Result<()> {
        let Content { mut part, digest, .. } = content;
        part.finish(mode, modified)?;
        let has = self.folder.symlink_metadata(path).ok().filter(cap_std::fs::Metadata::is_file);
        let is_same = has.is_some() && digest_of(self.folder, path).is_some_and(|own| own == digest);
        let place = if is_same { path.to_owned() } else { self.make_room(path, New::File)? };
        part.put_at(&place)?;
        // One that changed meanwhile is what both had at some time all the same: the next one takes its place.
        if place == path { self.agree(path, Some(digest)) } else { Ok(()) }
    }

    /// Reads the content of a file into one beside its place. The outer error is that of the stream.
    fn content(&mut self, path: &Path, from: &mut impl Read) -> io::Result<io::Result<Content>> {
        self.files += 1;
        let parent = path.parent().unwrap_or(Path::new(""));
        let mut part = self.make_parent(parent).and_then(|()| Part::new(self.folder, parent, self.files));
        let mut hash = Sha256::new();
        loop {
            match get(from)? {
                Word::Piece(piece) => {
                    hash.update(&piece);
                    let written = part.as_mut().map(|part| part.file.write_all(&piece));
                    if let Ok(Err(error)) = written {
                        part = Err(error);
                    }
                }
                Word::Sum { digest, unsteady } => {
                    let found: [u8; 32] = hash.finalize().into();
                    if found != digest {
                        return Err(io::Error::new(io::ErrorKind::InvalidData, "a file came across damaged"));
                    }
                    return Ok(part.map(|part| Content { part, digest, unsteady }));
                }
                // It broke off there: nothing becomes of it here.
                Word::Problem(problem) => return Ok(Err(io::Error::other(problem.why))),
                _ => return Err(unexpected()),
            }
        }
    }

    /// Makes the folders that a path is in.
    fn make_parent(&mut self, parent: &Path) -> io::Result<()> {
        if parent.as_os_str().is_empty() || self.known == parent {
            return Ok(());
        }
        self.make_parent(parent.parent().unwrap_or(Path::new("")))?;
        // A link is none, wherever it leads: what is behind it is something else.
        if !self.folder.symlink_metadata(parent).is_ok_and(|about| about.is_dir()) {
            self.make_room(parent, New::Folder)?;
            self.folder.create_dir(parent)?;
        }
        parent.clone_into(&mut self.known);
        Ok(())
    }

    /// Makes room for something new at `path`, whose folder is there, and says where it goes: beside it, where what is
    /// there keeps its name.
    fn make_room(&mut self, path: &Path, new: New) -> io::Result<PathBuf> {
        let about = match self.folder.symlink_metadata(path) {
            Ok(about) => about,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(path.to_owned()),
            Err(error) => return Err(error),
        };
        if about.is_dir() || new == New::Folder {
            self.known.clear();
        }
        if about.is_dir() {
            // Only one in which nothing is left is in nobody's way.
            if self.folder.remove_dir(path).is_ok() {
                return Ok(path.to_owned());
            }
            if self.side == Side::Over {
                return Err(io::Error::other("a folder with something in it is in its place"));
            }
        } else if self.side == Side::Over || !self.is_changed(path)? {
            // A file takes the place of another one at once.
            if !(about.is_file() && new == New::File) {
                self.folder.remove_file(path)?;
            }
            return Ok(path.to_owned());
        }
        let beside = self.beside(path);
        self.received.conflicts.push((to_bytes(path).into(), to_bytes(&beside).into()));
        // A folder keeps its name in either place: what is in it could not be anywhere else.
        if about.is_dir() || (self.side == Side::Home && new != New::Folder) {
            return Ok(beside);
        }
        self.folder.rename(path, self.folder, &beside)?;
        Ok(path.to_owned())
    }

    /// A free name beside a path.
    fn beside(&self, path: &Path) -> PathBuf {
        let name = |number: u32| {
            let mut name = path.file_name().unwrap_or_default().to_owned();
            name.push(BESIDE);
            if number > 1 {
                name.push(format!("-{number}"));
            }
            path.with_file_name(name)
        };
        let is_free = |path: &PathBuf| self.folder.symlink_metadata(path).is_err();
        (1..u32::MAX).map(name).find(is_free).unwrap_or_else(|| name(u32::MAX))
    }

    /// Whether what is at a path is something else than what both had.
    fn is_changed(&self, path: &Path) -> io::Result<bool> {
        let name = to_bytes(path);
        let Some(before) = self.state.entries.get(&name) else { return Ok(true) };
        let about = self.folder.symlink_metadata(path)?;
        Ok(match (&before.kind, kind(self.folder, path, &about)?) {
            (Kind::File { .. }, Some(Kind::File { .. })) => {
                let same = stamp(&about, now()).same_as(&before.stamp);
                !same && (before.digest.is_none() || digest(self.folder, &name).ok() != before.digest)
            }
            (before, now_is) => now_is.as_ref() != Some(before),
        })
    }

    /// Notes that both have this now.
    fn agree(&mut self, path: &Path, digest: Option<[u8; 32]>) -> io::Result<()> {
        let about = self.folder.symlink_metadata(path)?;
        if let Some(kind) = kind(self.folder, path, &about)? {
            let entry = Entry { kind, stamp: stamp(&about, now()), digest };
            self.state.entries.insert(to_bytes(path), entry);
        }
        Ok(())
    }

    /// Folders get their permissions when nothing is to be written in them any more, the deepest first.
    fn settle_modes(&mut self) {
        self.modes.sort();
        for (path, mode) in std::mem::take(&mut self.modes).into_iter().rev() {
            let set = self.folder.set_permissions(&path, Permissions::from_mode(mode));
            match set.and_then(|()| self.agree(&path, None)) {
                Ok(()) => {}
                Err(error) => self.received.problems.push(Problem::new(&to_bytes(&path), error)),
            }
        }
    }
}

fn digest_of(folder: &Dir, path: &Path) -> Option<[u8; 32]> {
    digest(folder, &to_bytes(path)).ok()
}

/// Reads past the content of a file.
fn drain(from: &mut impl Read) -> io::Result<()> {
    loop {
        match get(from)? {
            Word::Piece(_) => {}
            Word::Sum { .. } | Word::Problem(_) => return Ok(()),
            _ => return Err(unexpected()),
        }
    }
}

/// The content of a file that has no name yet.
struct Content {
    part: Part,
    digest: [u8; 32],
    unsteady: bool,
}

/// A file while it is written. Unless it gets its place it goes.
struct Part {
    folder: Dir,
    path: PathBuf,
    file: File,
    is_placed: bool,
}

impl Part {
    fn new(folder: &Dir, parent: &Path, number: u64) -> io::Result<Self> {
        let path = parent.join(format!(".stigmer-{}-{number}.tmp", std::process::id()));
        // One that was left is nobody's: two who write have two numbers.
        let _ = folder.remove_file(&path);
        let file = folder.open_with(&path, OpenOptions::new().write(true).create_new(true))?;
        Ok(Self { folder: folder.try_clone()?, path, file, is_placed: false })
    }

    fn finish(&mut self, mode: u32, modified: i64) -> io::Result<()> {
        self.file.set_permissions(Permissions::from_mode(mode & 0o777))?;
        let away = Duration::from_nanos(modified.unsigned_abs());
        let at = if modified < 0 { UNIX_EPOCH.checked_sub(away) } else { UNIX_EPOCH.checked_add(away) };
        self.file.try_clone()?.into_std().set_modified(at.unwrap_or(UNIX_EPOCH))
    }

    fn put_at(&mut self, place: &Path) -> io::Result<()> {
        self.folder.rename(&self.path, &self.folder, place)?;
        self.is_placed = true;
        Ok(())
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        if !self.is_placed {
            // What cannot be removed is left out of everything by its name.
            let _ = self.folder.remove_file(&self.path);
        }
    }
}
