//! Code that has no file where it runs: written before the command starts, removed when its run is over.

use std::ffi::OsStr;
use std::fs::{DirBuilder, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use stigmer_runner::Script;

/// A script on the disk. Goes with its folder when it is dropped.
pub(crate) struct Written(PathBuf);

/// Writes a script into a new folder of its own, for this user alone.
pub(crate) fn write(script: &Script) -> io::Result<Written> {
    let path = Path::new(OsStr::from_bytes(&script.path));
    let folder = path.parent().ok_or(io::ErrorKind::InvalidInput)?;
    // A folder that exists is not ours: somebody may have put it, or a link, there.
    DirBuilder::new().mode(0o700).create(folder)?;
    let written = Written(folder.to_owned());
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?.write_all(&script.code)?;
    Ok(written)
}

impl Drop for Written {
    fn drop(&mut self) {
        // What cannot be removed goes with the sandbox.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
