//! Replacing a file in one step: readers see the old text or the new one, never a part, also after a crash.

use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};
use crate::os;

/// The file that a path means: where a link points to, even if nothing is there yet. So a link into a folder
/// of dotfiles stays a link.
pub(super) fn target(path: &Path) -> PathBuf {
    let Ok(link) = fs::read_link(path) else { return path.to_owned() };
    fs::canonicalize(path).unwrap_or_else(|_| path.parent().unwrap_or(Path::new("")).join(link))
}

/// Writes the whole file. A new one is private to the user, an old one keeps its permissions.
pub(super) fn replace(path: &Path, bytes: &[u8]) -> Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    os::create_private_dir(folder).map_err(Error::storage("creating", folder))?;
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let draft = folder.join(format!(".{name}.{}.tmp", uuid::Uuid::new_v4().simple()));
    let written = write(&draft, path, bytes).and_then(|()| fs::rename(&draft, path));
    written.map_err(|error| {
        // The draft is of no use to anybody; that it may stay behind is not worth another error.
        let _ = fs::remove_file(&draft);
        Error::storage("writing", path)(error)
    })
}

fn write(draft: &Path, path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = os::private(OpenOptions::new().write(true).create_new(true)).open(draft)?;
    file.write_all(bytes)?;
    if let Ok(old) = fs::metadata(path) {
        file.set_permissions(old.permissions())?;
    }
    file.sync_all()
}
