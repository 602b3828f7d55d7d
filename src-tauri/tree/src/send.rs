//! Sends entries of a folder.

use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use cap_std::fs::{Dir, OpenOptions, OpenOptionsExt as _};
use serde_bytes::ByteBuf;
use sha2::{Digest as _, Sha256};

use crate::survey::{kind, now, stamp};
use crate::word::{PIECE, put_piece};
use crate::{Change, Entry, Kind, Problem, Stamp, Word, inside, put};

/// Sends what is at these paths now, in an order in which it can be taken. Returns what was sent, with its stamps, for
/// [`crate::State::agree`] once the other side has it.
///
/// What cannot be read is left out, and returned.
pub fn send(folder: &Dir, paths: &[ByteBuf], to: &mut impl Write) -> io::Result<(Vec<Change>, Vec<Problem>)> {
    let mut sorted: Vec<_> = paths.iter().collect();
    sorted.sort_unstable();
    let mut sending = Sending { folder, to, sent: Vec::new(), problems: Vec::new() };
    let (mut present, mut folders) = (Vec::new(), Folders::default());
    // What is gone comes first, what is deepest before what it is in: its place may be taken by something else.
    for path in sorted.into_iter().rev() {
        let Some(inside) = inside(path) else { continue };
        if !folders.hold(folder, &inside) {
            sending.gone(path)?;
            continue;
        }
        match folder.symlink_metadata(&inside) {
            Ok(_) => present.push((path, inside)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => sending.gone(path)?,
            Err(error) if error.kind() == io::ErrorKind::NotADirectory => sending.gone(path)?,
            Err(error) => sending.problems.push(Problem::new(path, error)),
        }
    }
    for (path, inside) in present.into_iter().rev() {
        sending.entry(path, &inside)?;
    }
    put(sending.to, &Word::End)?;
    Ok((sending.sent, sending.problems))
}

/// Remembers whether paths are where they say: not behind a link that took the place of a folder, where something else is.
#[derive(Default)]
struct Folders(Option<(PathBuf, bool)>);

impl Folders {
    fn hold(&mut self, root: &Dir, path: &Path) -> bool {
        let parent = path.parent().unwrap_or(Path::new(""));
        if let Some((_, holds)) = self.0.as_ref().filter(|known| known.0 == parent) {
            return *holds;
        }
        let above = parent.ancestors().filter(|folder| !folder.as_os_str().is_empty());
        let is_folder = |folder: &Path| root.symlink_metadata(folder).is_ok_and(|about| about.is_dir());
        let holds = above.into_iter().all(is_folder);
        self.0 = Some((parent.to_owned(), holds));
        holds
    }
}

struct Sending<'a, W> {
    folder: &'a Dir,
    to: &'a mut W,
    sent: Vec<Change>,
    problems: Vec<Problem>,
}

impl<W: Write> Sending<'_, W> {
    fn gone(&mut self, path: &ByteBuf) -> io::Result<()> {
        let change = Change { path: path.clone(), entry: None };
        put(self.to, &Word::Change(change.clone()))?;
        self.sent.push(change);
        Ok(())
    }

    fn entry(&mut self, path: &ByteBuf, inside: &Path) -> io::Result<()> {
        match self.look(inside) {
            Ok(Some((entry, None))) => {
                let change = Change { path: path.clone(), entry: Some(entry) };
                put(self.to, &Word::Change(change.clone()))?;
                self.sent.push(change);
                Ok(())
            }
            Ok(Some((entry, Some(file)))) => self.file(path, entry, file),
            // It is gone by now, or something that does not go across: the next look tells.
            Ok(None) => Ok(()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            Err(error) => {
                self.problems.push(Problem::new(path, error));
                Ok(())
            }
        }
    }

    /// An entry, and the file if it is one.
    fn look(&self, path: &Path) -> io::Result<Option<(Entry, Option<cap_std::fs::File>)>> {
        let about = self.folder.symlink_metadata(path)?;
        if about.is_file() {
            let file = self.folder.open_with(path, OpenOptions::new().read(true).custom_flags(NONBLOCK))?;
            let about = file.metadata()?;
            let kind = if about.is_file() { kind(self.folder, path, &about)? } else { None };
            return Ok(
                kind.map(|kind| (Entry { kind, stamp: stamp(&about, now()), digest: None }, Some(file)))
            );
        }
        Ok(kind(self.folder, path, &about)?
            .map(|kind| (Entry { kind, stamp: stamp(&about, now()), digest: None }, None)))
    }

    fn file(&mut self, path: &ByteBuf, entry: Entry, mut file: cap_std::fs::File) -> io::Result<()> {
        put(self.to, &Word::Change(Change { path: path.clone(), entry: Some(entry.clone()) }))?;
        let mut hash = Sha256::new();
        let mut piece = vec![0; PIECE];
        let mut length = 0;
        let broken = loop {
            match file.read(&mut piece) {
                Ok(0) => break None,
                Ok(read) => {
                    hash.update(&piece[..read]);
                    put_piece(self.to, &piece[..read])?;
                    length += read as u64;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => break Some(error),
            }
        };
        if let Some(error) = broken {
            // Half a file is none.
            let problem = Problem::new(path, error);
            put(self.to, &Word::Problem(problem.clone()))?;
            self.problems.push(problem);
            return Ok(());
        }
        let digest = hash.finalize().into();
        let after = file.metadata().map(|about| stamp(&about, now())).unwrap_or_default();
        let unsteady = Stamp { young: false, ..after } != Stamp { young: false, ..entry.stamp };
        put(self.to, &Word::Sum { digest, unsteady })?;
        // One that was changed meanwhile has a stamp that none has, so that the next look finds it.
        let stamp = if unsteady { Stamp::default() } else { entry.stamp };
        let kind = match entry.kind {
            Kind::File { mode, modified, .. } => Kind::File { mode, size: length, modified },
            other => other,
        };
        let entry = Entry { kind, stamp, digest: Some(digest) };
        self.sent.push(Change { path: path.clone(), entry: Some(entry) });
        Ok(())
    }
}

/// A pipe that took the place of a file must not be waited for.
#[cfg(target_os = "linux")]
const NONBLOCK: i32 = 0o4000;
#[cfg(all(unix, not(target_os = "linux")))]
const NONBLOCK: i32 = 0x4;
