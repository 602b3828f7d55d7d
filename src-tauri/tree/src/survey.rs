//! Looks for what changed in a folder since a state.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use cap_std::fs::{Dir, Metadata, MetadataExt as _};
use serde_bytes::ByteBuf;
use sha2::{Digest as _, Sha256};

use crate::word::PIECE;
use crate::{Change, Entry, Kind, Problem, Stamp, State, stays_inside, to_bytes};

/// Permission bits that go across: not those that make a program somebody else's.
const MODE: u32 = 0o777;

/// Time in which a change may get the stamp of the one before, in nanoseconds: the clock of files ticks that slowly …
const TICK: i64 = 50_000_000;

/// … or so, on disks that only know seconds.
const COARSE_TICK: i64 = 2_000_000_000;

/// What [`changes`] found.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Survey {
    /// What changed, sorted by path: a folder comes before what is in it.
    pub changes: Vec<Change>,
    /// What could not be looked at. It counts as unchanged.
    pub problems: Vec<Problem>,
    /// Bytes of all changed files.
    pub bytes: u64,
    /// Files that have other names, too, perhaps elsewhere: whoever watches the folder may not hear that they change.
    pub shared: Vec<PathBuf>,
}

/// Looks for what changed below a folder since a state. Stamps of what has the same content are renewed in it.
///
/// `leaves_out` names what is none of the other place's business, by its path below the folder and whether it is a
/// folder. It is asked about a folder after `enters` was told of the one around it.
pub fn changes(folder: &Dir, state: &mut State, choice: &mut dyn Choice) -> io::Result<Survey> {
    let mut found = BTreeMap::new();
    let mut note = |path: &Path, entry: Entry| {
        found.insert(to_bytes(path), entry);
        true
    };
    let mut walk = Walk::new(&mut note);
    choice.enters(Path::new(""));
    walk.folder(folder, Path::new(""), choice)?;
    let Walk { unseen, problems, shared, .. } = walk;
    let mut survey = Survey { problems, shared, ..Survey::default() };
    for (path, entry) in &found {
        survey.add(compare(folder, state, path, entry));
    }
    let is_unseen = |path: &[u8]| {
        let path = crate::to_path(path).unwrap_or_default();
        unseen.iter().any(|unseen| path.starts_with(unseen)) || choice.leaves_out_any(&path)
    };
    let gone = state.entries.keys().filter(|path| !found.contains_key(*path) && !is_unseen(path));
    survey.changes.extend(gone.map(|path| Change { path: ByteBuf::from(path.as_slice()), entry: None }));
    survey.changes.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(survey)
}

/// The same as [`changes`], but looks only at these paths and at what is below them: for where it is known that nothing else
/// changed. A path whose folders are new or gone stands for all that is in the outermost of them.
pub fn changes_at(
    folder: &Dir,
    state: &mut State,
    choice: &mut dyn Choice,
    paths: &BTreeSet<PathBuf>,
) -> Survey {
    let mut survey = Survey::default();
    let (mut entered, mut whole) = (BTreeSet::new(), None::<PathBuf>);
    // In the order of their parts: what is in a folder follows it at once.
    for path in paths {
        let Some(spot) = spot(folder, state, path) else { continue };
        if whole.as_ref().is_some_and(|whole| spot.starts_with(whole)) {
            continue;
        }
        enter_above(&spot, choice, &mut entered);
        spot_changes(folder, state, choice, &spot, &mut survey);
        whole = Some(spot);
    }
    survey.changes.sort_by(|a, b| a.path.cmp(&b.path));
    survey
}

/// What to look at for a path: itself, or the outermost of its folders that is none, here or in the state.
fn spot(folder: &Dir, state: &State, path: &Path) -> Option<PathBuf> {
    crate::inside(&to_bytes(path))?;
    let mut above: Vec<_> = path.ancestors().skip(1).filter(|above| !above.as_os_str().is_empty()).collect();
    above.reverse();
    let is_known = |above: &Path| {
        let is_folder = folder.symlink_metadata(above).is_ok_and(|about| about.is_dir());
        let entry = state.entries.get(&to_bytes(above));
        is_folder && entry.is_some_and(|entry| matches!(entry.kind, Kind::Folder { .. }))
    };
    let broken = above.into_iter().find(|above| !is_known(above));
    Some(broken.unwrap_or(path).to_owned())
}

/// Tells a choice of the folders around a path, each once.
fn enter_above(path: &Path, choice: &mut dyn Choice, entered: &mut BTreeSet<PathBuf>) {
    let mut above: Vec<_> = path.ancestors().skip(1).collect();
    above.reverse();
    for above in above {
        if entered.insert(above.to_owned()) {
            choice.enters(above);
        }
    }
}

/// What changed at a path, whose folders are there, and below it.
fn spot_changes(folder: &Dir, state: &mut State, choice: &mut dyn Choice, spot: &Path, survey: &mut Survey) {
    let about = match folder.symlink_metadata(spot) {
        Ok(about) => Some(about),
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => None,
        Err(error) => {
            survey.problems.push(Problem::new(&to_bytes(spot), error));
            return;
        }
    };
    let is_folder = about.as_ref().is_some_and(Metadata::is_dir);
    let above = spot.ancestors().skip(1).filter(|above| !above.as_os_str().is_empty());
    if choice.leaves_out(spot, is_folder) || above.into_iter().any(|above| choice.leaves_out(above, true)) {
        return;
    }
    let mut found = BTreeMap::new();
    let mut note = |path: &Path, entry: Entry| {
        found.insert(to_bytes(path), entry);
        true
    };
    let mut walk = Walk::new(&mut note);
    if let Some(about) = about {
        walk.spot(folder, spot, &about, choice);
    }
    let Walk { unseen, problems, shared, .. } = walk;
    survey.problems.extend(problems);
    survey.shared.extend(shared);
    for (path, entry) in &found {
        survey.add(compare(folder, state, path, entry));
    }
    let is_unseen = |path: &[u8]| {
        let path = crate::to_path(path).unwrap_or_default();
        unseen.iter().any(|unseen| path.starts_with(unseen)) || choice.leaves_out_any(&path)
    };
    let gone = state.below(&to_bytes(spot)).filter(|path| !found.contains_key(*path) && !is_unseen(path));
    survey.changes.extend(gone.map(|path| Change { path: ByteBuf::from(path), entry: None }));
}

/// Tells of every entry that [`changes`] would find where nothing was agreed on, in no order, until `each` says `false`.
/// Returns what could not be looked at.
pub fn list(
    folder: &Dir,
    choice: &mut dyn Choice,
    each: &mut dyn FnMut(&Path, Entry) -> bool,
) -> io::Result<Vec<Problem>> {
    let mut walk = Walk::new(each);
    choice.enters(Path::new(""));
    walk.folder(folder, Path::new(""), choice)?;
    Ok(walk.problems)
}

impl Survey {
    fn add(&mut self, change: Option<Change>) {
        let Some(change) = change else { return };
        if let Some(Entry { kind: Kind::File { size, .. }, .. }) = change.entry {
            self.bytes += size;
        }
        self.changes.push(change);
    }
}

/// What of a folder goes across.
pub trait Choice {
    /// The folder at `path`, which is empty for the whole, is looked into from here on.
    fn enters(&mut self, path: &Path);

    /// Whether an entry stays where it is, with all that is in it.
    fn leaves_out(&self, path: &Path, is_folder: bool) -> bool;

    /// The same of something that is not there any more, or of a folder that it was in, from the outermost on.
    fn leaves_out_any(&self, path: &Path) -> bool {
        let mut folders: Vec<_> = path.ancestors().filter(|path| !path.as_os_str().is_empty()).collect();
        folders.reverse();
        folders.into_iter().any(|path| self.leaves_out(path, true)) || self.leaves_out(path, false)
    }
}

/// Everything.
#[derive(Debug, Clone, Copy)]
pub struct Everything;

impl Choice for Everything {
    fn enters(&mut self, _: &Path) {}

    fn leaves_out(&self, path: &Path, _: bool) -> bool {
        is_ours(path)
    }
}

/// Whether a name is one that [`crate::receive`] gives to a file while it is written.
pub(crate) fn is_ours(path: &Path) -> bool {
    let name = path.file_name().map(OsStr::as_encoded_bytes).unwrap_or_default();
    name.starts_with(b".stigmer-") && name.ends_with(b".tmp")
}

/// Told of each entry; whether to go on.
type Each<'a> = dyn FnMut(&Path, Entry) -> bool + 'a;

struct Walk<'a> {
    each: &'a mut Each<'a>,
    /// Nobody wants to know any more.
    is_over: bool,
    /// Folders that could not be looked into.
    unseen: Vec<PathBuf>,
    problems: Vec<Problem>,
    shared: Vec<PathBuf>,
    now: i64,
}

impl<'a> Walk<'a> {
    fn new(each: &'a mut Each<'a>) -> Self {
        Self {
            each,
            is_over: false,
            unseen: Vec::new(),
            problems: Vec::new(),
            shared: Vec::new(),
            now: now(),
        }
    }

    fn folder(&mut self, dir: &Dir, at: &Path, choice: &mut dyn Choice) -> io::Result<()> {
        for entry in dir.entries()? {
            if self.is_over {
                break;
            }
            let entry = entry?;
            let path = at.join(entry.file_name());
            let kind = entry.file_type()?;
            if choice.leaves_out(&path, kind.is_dir()) {
                continue;
            }
            let seen = entry.metadata().and_then(|about| self.entry(dir, &path, &about));
            self.within(&path, seen, choice, || entry.open_dir());
        }
        Ok(())
    }

    /// The entry at a path whose folders are there, and what is below it.
    fn spot(&mut self, root: &Dir, path: &Path, about: &Metadata, choice: &mut dyn Choice) {
        let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
        let dir = parent.map_or_else(|| root.try_clone(), |parent| root.open_dir(parent));
        let seen = dir.and_then(|dir| self.entry(&dir, path, about));
        self.within(path, seen, choice, || root.open_dir(path));
    }

    /// Goes on with what is in an entry that was looked at.
    fn within(
        &mut self,
        path: &Path,
        seen: io::Result<bool>,
        choice: &mut dyn Choice,
        open: impl FnOnce() -> io::Result<Dir>,
    ) {
        match seen {
            Ok(false) => {}
            Ok(true) => {
                choice.enters(path);
                if let Err(error) = open().and_then(|dir| self.folder(&dir, path, choice)) {
                    self.miss(path, &error);
                }
            }
            // Gone since the folder was read: the next look tells.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => self.miss(path, &error),
        }
    }

    /// Notes an entry; whether it is a folder.
    fn entry(&mut self, dir: &Dir, path: &Path, about: &Metadata) -> io::Result<bool> {
        let name = Path::new(path.file_name().unwrap_or_default());
        let Some(kind) = kind(dir, name, about)? else { return Ok(false) };
        if let Kind::Link { target } = &kind
            && !crate::to_path(target).is_some_and(|target| stays_inside(path, &target))
        {
            self.miss(path, &io::Error::other("the link leads out of the folder"));
            return Ok(false);
        }
        let is_folder = matches!(kind, Kind::Folder { .. });
        if about.is_file() && about.nlink() > 1 {
            self.shared.push(path.to_owned());
        }
        let stamp = stamp(about, self.now);
        self.is_over = !(self.each)(path, Entry { kind, stamp, digest: None });
        Ok(is_folder && !self.is_over)
    }

    fn miss(&mut self, path: &Path, error: &io::Error) {
        self.problems.push(Problem::new(&to_bytes(path), error));
        self.unseen.push(path.to_owned());
    }
}

/// How an entry that is there changed, if it did.
fn compare(folder: &Dir, state: &mut State, path: &[u8], now: &Entry) -> Option<Change> {
    let changed = |digest| {
        let entry = Entry { digest, ..now.clone() };
        Some(Change { path: ByteBuf::from(path), entry: Some(entry) })
    };
    let Some(before) = state.entries.get_mut(path) else { return changed(None) };
    match (&before.kind, &now.kind) {
        (Kind::File { mode: old, size: length, .. }, Kind::File { mode, size, .. }) => {
            if mode == old && now.stamp.same_as(&before.stamp) {
                return None;
            }
            let digest = match before.digest {
                // Worth a look: one that is read in vain costs less than one that is sent in vain.
                Some(_) if size == length => digest(folder, path).ok(),
                _ => None,
            };
            if digest.is_none() || digest != before.digest || mode != old {
                return changed(digest);
            }
            // The same content: from now on this is its stamp.
            *before = Entry { digest, ..now.clone() };
            None
        }
        (Kind::Folder { mode: old }, Kind::Folder { mode }) if mode == old => None,
        (Kind::Link { target: old }, Kind::Link { target }) if target == old => None,
        _ => changed(None),
    }
}

impl Stamp {
    /// Whether it is certain that nothing changed between two stamps.
    pub(crate) fn same_as(&self, before: &Self) -> bool {
        !before.young && Self { young: false, ..*self } == *before
    }
}

/// What an entry at a path below `dir` is, if it is anything that goes across.
pub(crate) fn kind(dir: &Dir, path: &Path, about: &Metadata) -> io::Result<Option<Kind>> {
    let mode = about.mode() & MODE;
    let kind = about.file_type();
    Ok(if kind.is_dir() {
        Some(Kind::Folder { mode })
    } else if kind.is_symlink() {
        let target = dir.read_link_contents(path)?;
        Some(Kind::Link { target: ByteBuf::from(to_bytes(&target)) })
    } else if kind.is_file() {
        let modified = nanoseconds(about.mtime(), about.mtime_nsec());
        Some(Kind::File { mode, size: about.size(), modified })
    } else {
        None
    })
}

/// The stamp of an entry, taken now.
pub(crate) fn stamp(about: &Metadata, now: i64) -> Stamp {
    let modified = nanoseconds(about.mtime(), about.mtime_nsec());
    let changed = nanoseconds(about.ctime(), about.ctime_nsec());
    let tick = if changed % 1_000_000_000 == 0 { COARSE_TICK } else { TICK };
    Stamp { inode: about.ino(), size: about.size(), modified, changed, young: changed > now - tick }
}

fn nanoseconds(seconds: i64, nanoseconds: i64) -> i64 {
    seconds.saturating_mul(1_000_000_000).saturating_add(nanoseconds)
}

/// Nanoseconds since 1970.
pub(crate) fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_nanos()).unwrap_or(i64::MAX)
}

/// SHA-256 of a file's content.
pub(crate) fn digest(folder: &Dir, path: &[u8]) -> io::Result<[u8; 32]> {
    let path = crate::inside(path).ok_or(io::ErrorKind::InvalidInput)?;
    let mut file = folder.open(path)?;
    let mut hash = Sha256::new();
    let mut piece = vec![0; PIECE];
    loop {
        match file.read(&mut piece)? {
            0 => return Ok(hash.finalize().into()),
            length => hash.update(&piece[..length]),
        }
    }
}
