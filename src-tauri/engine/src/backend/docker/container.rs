//! The containers of this user, as files: each has a folder in `~/.stigmer/sandboxes`.
//!
//! Whoever uses a container holds the lock in its folder, shared with others; the system frees it when a process ends,
//! however it ends. So whoever gets the lock alone knows that the container serves nobody and may be removed. The
//! folder comes before the container and goes after it: a container without one is nobody's.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::os::fd::AsRawFd as _;
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::net::UnixStream;

use super::find::Address;
use crate::error::{Error, Result};
use crate::home::Home;
use crate::os;
use crate::spec::RunId;

/// The file in a container's folder that names its engine.
const ENGINE: &str = "engine";

/// The file that says that its runner was heard through the engine.
const HEARD: &str = "heard";

/// The folder of what is known of the workspace's copy in it.
const COPY: &str = "copy";

/// What the files begin with that name runs which may be found again.
const KEPT: &str = "kept-";

/// The socket that the runner of a container listens at.
pub(super) const SOCKET: &str = "socket";

/// Longest time between asking for a container and its being there.
const COMING: Duration = Duration::from_mins(1);

/// What must be known of a run to find it again.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Kept {
    /// Whether its container goes with it.
    pub is_fresh: bool,
    /// The workspace, where the container has a copy.
    pub copied: Option<PathBuf>,
}

/// The folders of all containers.
#[derive(Debug, Clone)]
pub(super) struct Folders {
    root: PathBuf,
    home: Home,
}

/// A container that is in use here. Others may use it, too.
#[derive(Debug)]
pub(super) struct Held {
    pub name: String,
    folder: PathBuf,
    _lock: File,
}

impl Folders {
    pub(super) fn new(home: Home) -> Self {
        Self { root: home.root().join("sandboxes"), home }
    }

    /// Whether any container was ever made and not removed.
    pub(super) fn is_empty(&self) -> bool {
        self.names().is_empty()
    }

    /// The names of containers that may be there.
    pub(super) fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(&self.root).into_iter().flatten().flatten();
        let names = entries.filter(|entry| entry.path().is_dir());
        names.filter_map(|entry| entry.file_name().into_string().ok()).collect()
    }

    /// Names this home in the labels of its containers: random, so that no other machine's home has the same.
    pub(super) fn owner(&self) -> Result<String> {
        let path = self.root.join("owner");
        let read = || fs::read_to_string(&path).ok().filter(|id| id.len() == 32);
        if let Some(id) = read() {
            return Ok(id);
        }
        self.home.create()?;
        os::create_private_dir(&self.root).map_err(Error::storage("creating", &self.root))?;
        let id = uuid::Uuid::new_v4().simple().to_string();
        let part = self.root.join(format!("owner.{id}"));
        let write = || {
            fs::write(&part, &id)?;
            // Of several who make one at once the first counts.
            let linked = fs::hard_link(&part, &path);
            fs::remove_file(&part)?;
            match linked {
                Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
                _ => Ok(()),
            }
        };
        write().map_err(Error::storage("writing", &path))?;
        Ok(read().unwrap_or(id))
    }

    /// Where the engine is that has a container, as far as it is known.
    pub(super) fn engine(&self, name: &str) -> Option<Address> {
        serde_json::from_slice(&fs::read(self.folder(name).join(ENGINE)).ok()?).ok()
    }

    /// Whether a container that is not there may just be coming: it was asked for a moment ago, and nothing was heard
    /// of it since.
    pub(super) fn is_coming(&self, name: &str) -> bool {
        let folder = self.folder(name);
        let asked = fs::metadata(folder.join(ENGINE)).and_then(|file| file.modified());
        let is_new = asked.is_ok_and(|at| at.elapsed().is_ok_and(|age| age < COMING));
        let was_heard =
            folder.join(HEARD).exists() || fs::symlink_metadata(folder.join("shared/socket")).is_ok();
        is_new && !was_heard
    }

    /// The container that has a run which may be found again.
    pub(super) fn keeper(&self, id: RunId) -> Option<String> {
        self.names().into_iter().find(|name| self.folder(name).join(format!("{KEPT}{id}")).exists())
    }

    /// Whether a container has any run that may be found again.
    pub(super) fn is_keeper(&self, name: &str) -> bool {
        let entries = fs::read_dir(self.folder(name)).into_iter().flatten().flatten();
        entries.filter_map(|entry| entry.file_name().into_string().ok()).any(|file| file.starts_with(KEPT))
    }

    fn folder(&self, name: &str) -> PathBuf {
        self.root.join(name)
    }

    /// Holds a container, which need not be there yet. Waits for one that is just being removed.
    pub(super) fn hold(&self, name: &str) -> Result<Held> {
        let folder = self.folder(name);
        let hold = || loop {
            os::create_private_dir(&folder)?;
            let Some(lock) = open_lock(&folder)? else { continue };
            lock.lock_shared()?;
            if is_at(&lock, &folder) {
                return Ok(lock);
            }
        };
        let lock = hold().map_err(Error::storage("locking", &folder))?;
        Ok(Held { name: name.to_owned(), folder: folder.clone(), _lock: lock })
    }

    /// Has a container for itself if nobody holds it, to remove it.
    pub(super) fn claim(&self, name: &str) -> Option<Claimed> {
        let folder = self.folder(name);
        // A container whose folder somebody removed is claimed all the same.
        os::create_private_dir(&folder).ok()?;
        let lock = open_lock(&folder).ok()??;
        match lock.try_lock() {
            Ok(()) => is_at(&lock, &folder).then_some(Claimed { folder, _lock: lock }),
            Err(TryLockError::WouldBlock | TryLockError::Error(_)) => None,
        }
    }

    /// Whether anybody uses a container.
    pub(super) fn is_held(&self, name: &str) -> bool {
        let lock = OpenOptions::new().read(true).open(self.folder(name).join("lock"));
        lock.is_ok_and(|lock| matches!(lock.try_lock(), Err(TryLockError::WouldBlock)))
    }

    /// The right to make containers of one name, held by one process at a time.
    pub(super) fn making(&self, name: &str) -> Result<File> {
        let path = self.folder(name).join("making");
        let lock = || {
            let file = os::private(OpenOptions::new().create(true).append(true)).open(&path)?;
            file.lock()?;
            Ok(file)
        };
        lock().map_err(Error::storage("locking", &path))
    }
}

/// A container that nobody uses and that is about to be removed.
#[derive(Debug)]
pub(super) struct Claimed {
    folder: PathBuf,
    _lock: File,
}

impl Claimed {
    /// The container is gone; so its folder goes.
    pub(super) fn forget(self) {
        // One that stays is tried again by the next who looks.
        let _ = fs::remove_dir_all(&self.folder);
    }
}

impl Held {
    /// What is shared with the container.
    pub(super) fn shared(&self) -> PathBuf {
        self.folder.join("shared")
    }

    /// Where the runner of the container listens.
    pub(super) fn socket(&self) -> PathBuf {
        self.shared().join(SOCKET)
    }

    /// Makes the shared folder, without what an earlier container left in it, and notes which engine has the container.
    /// The folder is `open` where another user than ours works in the container: nobody else gets through the one
    /// around it.
    pub(super) fn prepare(&self, engine: &Address, open: bool) -> Result<()> {
        let shared = self.shared();
        let prepare = || {
            match fs::remove_dir_all(&shared) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
            os::create_private_dir(&shared)?;
            if open {
                os::open_to_all(&shared)?;
            }
            for old in [self.folder.join(HEARD), self.folder.join(COPY).join("state")] {
                match fs::remove_file(&old) {
                    Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                    _ => {}
                }
            }
            fs::write(self.folder.join(ENGINE), serde_json::to_vec(engine)?)
        };
        prepare().map_err(Error::storage("creating", &shared))
    }

    /// What this machine knows of the copy of the workspace in the container.
    pub(super) fn copy(&self) -> PathBuf {
        self.folder.join(COPY)
    }

    /// Notes that the runner was heard through the engine: it can be reached that way, whatever its socket is.
    pub(super) fn note_heard(&self) {
        // Without the note it is found out again.
        let _ = fs::write(self.folder.join(HEARD), []);
    }

    /// Notes that the sockets of an engine are of no use, for the containers that it will have.
    pub(super) fn note_joined(&self, engine: &Address) {
        self.note_heard();
        // Without the note it is found out again.
        let _ = self.joined().map(|file| fs::write(file, &engine.uri));
    }

    /// Whether the sockets of an engine were found to be of no use.
    pub(super) fn is_joined(&self, engine: &Address) -> bool {
        let noted = self.joined().and_then(|file| fs::read_to_string(file).ok());
        noted.is_some_and(|uri| uri == engine.uri)
    }

    fn joined(&self) -> Option<PathBuf> {
        Some(self.folder.parent()?.join("joined"))
    }

    /// Whether the runner was heard through the engine.
    pub(super) fn was_heard(&self) -> bool {
        self.folder.join(HEARD).exists()
    }

    /// Notes that a run of the container may be found again, and what must be known of it then.
    pub(super) fn keep(&self, id: RunId, kept: &Kept) {
        // Without the note it ends with its engine, like any other.
        let _ = serde_json::to_vec(kept).map(|kept| fs::write(self.kept_file(id), kept));
    }

    /// The run will not be found again.
    pub(super) fn let_go(&self, id: RunId) {
        let _ = fs::remove_file(self.kept_file(id));
    }

    /// What was noted of a run that may be found again.
    pub(super) fn kept(&self, id: RunId) -> Option<Kept> {
        serde_json::from_slice(&fs::read(self.kept_file(id)).ok()?).ok()
    }

    fn kept_file(&self, id: RunId) -> PathBuf {
        self.folder.join(format!("{KEPT}{id}"))
    }

    /// Connects to a socket in the shared folder.
    pub(super) async fn connect_to(&self, name: &str) -> io::Result<UnixStream> {
        // The folder is in the hands of what runs in the container: a link there must not lead us to somebody else. The
        // way through our own descriptors also makes the length of the path no matter.
        let path = self.shared().join(name);
        let flags = nix::libc::O_PATH | nix::libc::O_NOFOLLOW | nix::libc::O_CLOEXEC;
        let found = OpenOptions::new().read(true).custom_flags(flags).open(&path)?;
        if !found.metadata()?.file_type().is_socket() {
            return Err(io::ErrorKind::ConnectionRefused.into());
        }
        UnixStream::connect(format!("/proc/self/fd/{}", found.as_raw_fd())).await
    }
}

/// The lock of a folder; `None` where the folder has just gone.
fn open_lock(folder: &Path) -> io::Result<Option<File>> {
    match os::private(OpenOptions::new().create(true).append(true)).open(folder.join("lock")) {
        Ok(file) => Ok(Some(file)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Whether the lock is still the one of the folder: whoever removed the folder meanwhile took it along.
fn is_at(lock: &File, folder: &Path) -> bool {
    let same = || {
        let (held, there) = (lock.metadata()?, fs::metadata(folder.join("lock"))?);
        io::Result::Ok((held.dev(), held.ino()) == (there.dev(), there.ino()))
    };
    same().unwrap_or(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folders() -> (Folders, tempfile::TempDir) {
        let home = tempfile::tempdir().unwrap();
        (Folders::new(Home::at(home.path())), home)
    }

    fn address() -> Address {
        Address::of("unix:///x".to_owned(), String::new())
    }

    #[test]
    fn what_somebody_holds_is_claimed_by_nobody() {
        let (folders, _home) = folders();
        let (one, other) = (folders.hold("a").unwrap(), folders.hold("a").unwrap());
        drop(one);
        assert!(folders.claim("a").is_none());
        drop(other);
        let claimed = folders.claim("a").unwrap();
        assert_eq!(folders.names(), ["a"]);
        claimed.forget();
        assert!(folders.is_empty());
    }

    #[test]
    fn one_who_waited_for_the_removal_holds_the_new_folder() {
        let (folders, _home) = folders();
        drop(folders.hold("a").unwrap());
        let claimed = folders.claim("a").unwrap();
        let waiting = std::thread::spawn({
            let folders = folders.clone();
            move || folders.hold("a").unwrap()
        });
        claimed.forget();
        let held = waiting.join().unwrap();
        held.prepare(&address(), false).unwrap();
        assert!(held.shared().is_dir() && folders.claim("a").is_none());
    }

    #[test]
    fn a_home_keeps_its_name() {
        let (folders, _home) = folders();
        let owner = folders.owner().unwrap();
        assert_eq!((owner.len(), folders.owner().unwrap()), (32, owner));
    }

    #[tokio::test]
    async fn a_link_in_the_place_of_the_socket_is_not_followed() {
        let (folders, home) = folders();
        let held = folders.hold("a").unwrap();
        held.prepare(&address(), false).unwrap();
        let elsewhere = home.path().join("elsewhere");
        let _listener = std::os::unix::net::UnixListener::bind(&elsewhere).unwrap();
        std::os::unix::fs::symlink(&elsewhere, held.shared().join("socket")).unwrap();
        assert!(held.connect_to(SOCKET).await.is_err());
        fs::remove_file(held.shared().join("socket")).unwrap();
        fs::rename(&elsewhere, held.shared().join("socket")).unwrap();
        assert!(held.connect_to(SOCKET).await.is_ok());
    }
}
