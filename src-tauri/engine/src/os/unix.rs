//! Linux and macOS.

use std::ffi::{OsString, c_void};
use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::num::NonZeroUsize;
use std::ops::Deref;
use std::os::unix::ffi::OsStringExt;
use std::os::unix::fs::{DirBuilderExt, FileExt, OpenOptionsExt};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::ptr::NonNull;

use nix::sys::mman::{MapFlags, ProtFlags, mmap, mmap_anonymous, munmap};
use nix::sys::signal::{Signal, kill};
use nix::sys::stat::Mode;
use nix::unistd::{Pid, User};
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::net::unix::pipe;

/// Text as this system has it. Never fails here: any bytes are text.
#[expect(clippy::unnecessary_wraps, reason = "other systems have bytes that are not text")]
pub(crate) fn text_from_bytes(bytes: Vec<u8>) -> Result<OsString, &'static str> {
    Ok(OsString::from_vec(bytes))
}

/// Makes a folder and its parents, each new one readable by its owner only.
pub(crate) fn create_private_dir(path: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(path)
}

/// Makes new files readable by their owner only.
pub(crate) fn private(options: &mut OpenOptions) -> &mut OpenOptions {
    options.mode(0o600)
}

/// Reads at a position without moving a cursor.
pub(crate) fn read_at(file: &File, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
    file.read_at(buffer, offset)
}

/// Writes at a position without moving a cursor.
pub(crate) fn write_at(file: &File, bytes: &[u8], offset: u64) -> io::Result<()> {
    file.write_all_at(bytes, offset)
}

/// A connection to a process of ours that listens at a socket.
#[derive(Debug)]
pub(crate) struct Line(UnixStream);

impl Line {
    /// Says one byte to whoever listens.
    pub(crate) fn say(socket: &Path, word: u8) -> io::Result<Self> {
        let mut stream = UnixStream::connect(socket)?;
        stream.set_nonblocking(true)?;
        stream.write_all(&[word])?;
        Ok(Self(stream))
    }

    /// Whether the other side is still there.
    pub(crate) fn is_open(&self) -> bool {
        (&self.0).read(&mut [0]).is_err_and(|error| error.kind() == io::ErrorKind::WouldBlock)
    }
}

/// Whether anybody listens at a socket.
pub(crate) fn is_heard(socket: &Path) -> bool {
    UnixStream::connect(socket).is_ok()
}

/// The shell that this user logs in to.
pub(crate) fn login_shell() -> Option<PathBuf> {
    std::env::var_os("SHELL")
        .map(PathBuf::from)
        .or_else(|| User::from_uid(nix::unistd::getuid()).ok().flatten().map(|user| user.shell))
        .filter(|shell| shell.is_absolute())
}

/// A file without a name, for what is needed once and may be large. Goes when it is closed.
pub(crate) fn nameless_file() -> io::Result<File> {
    let path = std::env::temp_dir().join(format!("stigmer-{}", uuid::Uuid::new_v4().simple()));
    let file = private(OpenOptions::new().read(true).write(true).create_new(true)).open(&path)?;
    std::fs::remove_file(&path)?;
    Ok(file)
}

/// The ids of this user and of its group.
pub(crate) fn ids() -> (u32, u32) {
    (nix::unistd::getuid().as_raw(), nix::unistd::getgid().as_raw())
}

/// The ids of the user and the group that a file belongs to.
pub(crate) fn owner(path: &Path) -> io::Result<(u32, u32)> {
    use std::os::unix::fs::MetadataExt as _;
    let file = std::fs::metadata(path)?;
    Ok((file.uid(), file.gid()))
}

/// Lets every user do everything in a folder: for one that only some of them can reach.
pub(crate) fn open_to_all(folder: &Path) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o777))
}

/// Bytes that are free on the disk of a folder, where the system tells.
pub(crate) fn free_space(folder: &Path) -> Option<u64> {
    let disk = rustix::fs::statvfs(folder).ok()?;
    Some(disk.f_bavail * disk.f_frsize)
}

/// Memory of this machine in bytes, where the system tells.
pub(crate) fn memory() -> Option<u64> {
    let pages = nix::unistd::sysconf(nix::unistd::SysconfVar::_PHYS_PAGES).ok()??;
    Some(u64::try_from(pages).ok()? * page_size())
}

/// Gives a child a session of its own, so that it has no terminal and signals to ours pass it by.
pub(crate) fn in_new_session(command: &mut tokio::process::Command) {
    // SAFETY: setsid is one system call, allowed between fork and exec.
    unsafe { command.pre_exec(|| nix::unistd::setsid().map(drop).map_err(io::Error::from)) };
}

/// Ends every process of this user that has `name=value` in its environment, until none is left. Where the
/// system has no `/proc` nothing is found.
pub(crate) fn end_processes_with(name: &str, value: &str) {
    let entry = format!("{name}={value}");
    // A process that is just being born is found by the next pass; a few passes outrun every honest program.
    for _ in 0..100 {
        let found = processes_with(entry.as_bytes());
        if found.is_empty() {
            return;
        }
        for pid in found {
            // It may have ended meanwhile, which is what is wanted.
            let _ = kill(pid, Signal::SIGKILL);
        }
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
}

fn processes_with(entry: &[u8]) -> Vec<Pid> {
    let Ok(processes) = std::fs::read_dir("/proc") else { return Vec::new() };
    processes
        .flatten()
        .filter_map(|process| {
            let pid: i32 = process.file_name().to_str()?.parse().ok()?;
            let environment = std::fs::read(process.path().join("environ")).ok()?;
            environment.split(|&byte| byte == 0).any(|found| found == entry).then(|| Pid::from_raw(pid))
        })
        .collect()
}

/// Whether a path is a file that may be executed.
pub(crate) fn is_program(path: &Path) -> bool {
    let executable = nix::unistd::access(path, nix::unistd::AccessFlags::X_OK).is_ok();
    executable && path.is_file()
}

/// Makes `link` lead to the folder `to`; an older link is replaced.
pub(crate) fn link_folder(to: &Path, link: &Path) -> io::Result<()> {
    match std::fs::remove_file(link) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    std::os::unix::fs::symlink(to, link)
}

/// Takes short messages of other processes of this user: a named pipe, which needs no port, wakes its reader at
/// once and costs nothing while nobody writes.
pub(crate) struct Mailbox {
    path: PathBuf,
    lines: Lines<BufReader<pipe::Receiver>>,
}

impl Mailbox {
    /// Opens a mailbox at `path`, to which this user may write.
    pub(crate) fn create(path: &Path) -> io::Result<Self> {
        nix::unistd::mkfifo(path, Mode::S_IRUSR | Mode::S_IWUSR)?;
        // A writer of its own keeps it from ending each time that another one closes it.
        let receiver = pipe::OpenOptions::new().read_write(true).open_receiver(path)?;
        Ok(Self { path: path.to_owned(), lines: BufReader::new(receiver).lines() })
    }

    /// Leaves a line, at most 512 bytes with its end, in the mailbox at `path`. Fails when nobody has it open.
    pub(crate) fn post(path: &Path, line: &str) -> io::Result<()> {
        let mut options = OpenOptions::new();
        options.write(true).custom_flags(nix::libc::O_NONBLOCK).open(path)?.write_all(line.as_bytes())
    }

    /// The next message. A call that is dropped loses nothing.
    pub(crate) async fn next(&mut self) -> io::Result<String> {
        self.lines.next_line().await?.ok_or_else(|| io::ErrorKind::UnexpectedEof.into())
    }
}

impl Drop for Mailbox {
    fn drop(&mut self) {
        // One that stays is found to have no reader.
        let _ = std::fs::remove_file(&self.path);
    }
}

/// Size of a page of memory, in bytes.
pub(crate) fn page_size() -> u64 {
    let page = nix::unistd::sysconf(nix::unistd::SysconfVar::PAGE_SIZE).ok().flatten();
    page.and_then(|page| u64::try_from(page).ok()).unwrap_or(4 << 10)
}

/// Files in memory, one behind the other, as the system's cache has them.
pub(crate) struct Mapping {
    address: Option<NonNull<c_void>>,
    length: usize,
}

impl Mapping {
    /// Whether something can be mapped directly behind a file of this length: only whole pages touch.
    pub(crate) fn can_continue(length: u64) -> bool {
        length.is_multiple_of(page_size())
    }

    /// Maps files with the lengths that they have now; all but the last must be whole pages. The files must not
    /// be made shorter while the mapping lives.
    pub(crate) fn new(files: &[(&File, u64)]) -> io::Result<Self> {
        let total = files.iter().map(|(_, length)| *length).sum::<u64>();
        let total = usize::try_from(total).map_err(|_| io::ErrorKind::FileTooLarge)?;
        let Some(length) = NonZeroUsize::new(total) else { return Ok(Self { address: None, length: 0 }) };
        // SAFETY: a new private range that nobody else knows of.
        let address = unsafe { mmap_anonymous(None, length, ProtFlags::PROT_NONE, MapFlags::MAP_PRIVATE) }?;
        let mapping = Self { address: Some(address), length: total };
        let mut begin = 0;
        for (file, length) in files {
            let length = usize::try_from(*length).map_err(|_| io::ErrorKind::FileTooLarge)?;
            let Some(size) = NonZeroUsize::new(length) else { continue };
            let place = NonZeroUsize::new(address.as_ptr() as usize + begin);
            // SAFETY: the place lies within the range just made, which this replaces bit by bit.
            unsafe {
                mmap(place, size, ProtFlags::PROT_READ, MapFlags::MAP_SHARED | MapFlags::MAP_FIXED, file, 0)
            }?;
            begin += length;
        }
        Ok(mapping)
    }
}

impl Deref for Mapping {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match self.address {
            // SAFETY: the range is mapped for as long as this lives, and readable throughout. Logs only grow, and
            // a file that is removed stays mapped.
            Some(address) => unsafe { std::slice::from_raw_parts(address.as_ptr().cast(), self.length) },
            None => &[],
        }
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        if let Some(address) = self.address {
            // SAFETY: nothing borrows the range any more. Failing would leave it mapped, which is harmless.
            let _ = unsafe { munmap(address, self.length) };
        }
    }
}
