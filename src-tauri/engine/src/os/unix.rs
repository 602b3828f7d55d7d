//! Linux and macOS.

use std::ffi::OsString;
use std::fs::{DirBuilder, OpenOptions};
use std::io;
use std::os::unix::ffi::OsStringExt;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
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
