//! Copying and removing whole trees, in open folders and never through a link.

use std::io;
use std::os::fd::OwnedFd;

use rustix::fs::{
    AtFlags, FileType, Mode, OFlags, Timestamps, fchmod, fstat, futimens, mkdirat, openat, readlinkat,
    symlinkat, unlinkat,
};

use super::names;
use super::spot::{Spot, kind_of};

/// Copies what is at one place to another where nothing is: content, modes, times and links as links. Sockets,
/// pipes and devices are refused: they are not files that could be brought back.
pub(super) fn copy(from: &Spot, to: &Spot) -> io::Result<()> {
    let stat = from.stat()?.ok_or(io::ErrorKind::NotFound)?;
    match kind_of(&stat) {
        FileType::Directory => {
            mkdirat(&to.folder, to.name.as_os_str(), Mode::from_raw_mode(0o700))?;
            let (source, target) = (folder(from)?, folder(to)?);
            for name in names(&source)? {
                let from = Spot { folder: source.try_clone()?, name: name.clone() };
                copy(&from, &Spot { folder: target.try_clone()?, name })?;
            }
            same_mode_and_times(&source, &target)
        }
        FileType::RegularFile => {
            let source = from.open(OFlags::RDONLY | OFlags::NONBLOCK)?;
            let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC;
            let target = openat(&to.folder, to.name.as_os_str(), flags, Mode::from_raw_mode(0o600))?;
            let mut reader = std::fs::File::from(source);
            let mut writer = std::fs::File::from(target);
            io::copy(&mut reader, &mut writer)?;
            same_mode_and_times(&reader.into(), &writer.into())
        }
        FileType::Symlink => {
            let target = readlinkat(&from.folder, from.name.as_os_str(), Vec::new())?;
            Ok(symlinkat(target, &to.folder, to.name.as_os_str())?)
        }
        _ => Err(io::Error::new(io::ErrorKind::InvalidInput, "it is neither a file nor a folder")),
    }
}

/// Removes what is at a place, with everything in it. What is gone already is removed.
pub(super) fn remove(spot: &Spot) -> io::Result<()> {
    let Some(stat) = spot.stat()? else { return Ok(()) };
    let name = spot.name.as_os_str();
    if kind_of(&stat) != FileType::Directory {
        return Ok(unlinkat(&spot.folder, name, AtFlags::empty())?);
    }
    let inside = folder(spot)?;
    for name in names(&inside)? {
        remove(&Spot { folder: inside.try_clone()?, name })?;
    }
    Ok(unlinkat(&spot.folder, name, AtFlags::REMOVEDIR)?)
}

fn folder(spot: &Spot) -> io::Result<OwnedFd> {
    spot.open(OFlags::RDONLY | OFlags::DIRECTORY)
}

fn same_mode_and_times(from: &OwnedFd, to: &OwnedFd) -> io::Result<()> {
    let stat = fstat(from)?;
    fchmod(to, Mode::from_raw_mode(stat.st_mode))?;
    let time = |seconds, nanos: u64| rustix::fs::Timespec { tv_sec: seconds, tv_nsec: nanos.cast_signed() };
    let times = Timestamps {
        last_access: time(stat.st_atime, stat.st_atime_nsec),
        last_modification: time(stat.st_mtime, stat.st_mtime_nsec),
    };
    Ok(futimens(to, &times)?)
}
