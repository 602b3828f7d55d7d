//! Linux and macOS.

use std::ffi::OsString;
use std::fs::{DirBuilder, File, OpenOptions};
use std::io;
use std::os::unix::ffi::OsStringExt;
use std::os::unix::fs::{DirBuilderExt, FileExt, OpenOptionsExt};
use std::path::Path;

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
