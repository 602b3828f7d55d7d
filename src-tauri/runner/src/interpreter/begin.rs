//! The start of an interpreter: alone, bounded, and listening when it is there.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;

use nix::fcntl::{Flock, FlockArg};
use nix::sys::resource::{Resource, setrlimit};
use nix::unistd::Pid;
use stigmer_runner::{Interpreter, Refusal, Start};

use super::make_folder;
use crate::spawn::{self, Refused};

/// The interpreter's program.
const DRIVER: &str = include_str!("driver.py");

/// Interpreters that may be kept beside each other.
const MOST: usize = 16;

/// Has nobody else start or end the interpreter of this socket, whose folder is there then.
pub(super) fn lock(socket: &Path, how: FlockArg) -> io::Result<Flock<File>> {
    let path = socket.with_file_name("lock");
    loop {
        make_folder(socket)?;
        let lock = File::create(&path)?;
        let lock = Flock::lock(lock, how).map_err(|(_, error)| io::Error::from(error))?;
        // An interpreter that ended meanwhile took the folder along, and this lock with it.
        if fs::metadata(&path).is_ok_and(|there| lock.metadata().is_ok_and(|ours| ours.ino() == there.ino()))
        {
            return Ok(lock);
        }
    }
}

/// Starts the interpreter and listens.
pub(super) fn begin(
    start: &Start,
    wanted: &Interpreter,
    socket: &Path,
) -> Result<(UnixStream, Pid, UnixListener), Refused> {
    let other = |error: io::Error| Refused { refusal: Refusal::Other, message: error.to_string() };
    if others(socket) >= MOST {
        let message = format!("{MOST} sessions are open already; end one that is not needed");
        return Err(Refused { refusal: Refusal::Other, message });
    }
    let driver = socket.with_file_name("session.py");
    fs::write(&driver, DRIVER).map_err(other)?;
    if wanted.memory > 0 {
        // Inherited. What it may not have it is refused, and Python says `MemoryError`.
        let _ = setrlimit(Resource::RLIMIT_DATA, wanted.memory, wanted.memory);
    }
    let (ours, theirs) = UnixStream::pair().map_err(other)?;
    let program = start.argv.first().cloned().unwrap_or_default();
    let driver = serde_bytes::ByteBuf::from(driver.into_os_string().into_encoded_bytes());
    let start = Start { argv: vec![program, driver], ..start.clone() };
    let interpreter = spawn::apart(&start, theirs.into())?;
    ours.set_nonblocking(true).map_err(other)?;
    let listener = UnixListener::bind(socket).map_err(other)?;
    listener.set_nonblocking(true).map_err(other)?;
    Ok((ours, interpreter, listener))
}

/// How many others are kept in the folders beside this one's.
fn others(socket: &Path) -> usize {
    let (Some(name), Some(all)) = (socket.file_name(), socket.ancestors().nth(2)) else { return 0 };
    let folders = fs::read_dir(all).into_iter().flatten().flatten();
    folders.filter(|folder| UnixStream::connect(folder.path().join(name)).is_ok()).count()
}
